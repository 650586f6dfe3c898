/*
 * Address groups: the pools that source NAT takes from.  They belong to the engine, not to a
 * snapshot, because what sessions have taken outlives a reload.
 *
 * A group is retired when no snapshot refers to it any more: the management thread then ends its
 * sessions (session_recheck.h) unless it is told to keep them, and frees it when the last one has
 * given back.  Until then whichever group has the same addresses does not hand out what they have.
 */
#pragma once

#include "nat_pool.h"

#include <stddef.h>

#define NAT_GROUPS_MAX	   256 /* at a time, retired ones included */
#define NAT_GROUP_SECTIONS 16
#define NAT_GROUP_NONE	   UINT16_MAX

struct nat_groups;
struct rcu;

struct nat_group_params {
	char name[64]; /* unique among those in use */
	enum nat_pool_mode mode;
	bool paired;		   /* PAT: a host keeps to one address */
	bool endpoint_independent; /* mapping: one outside port for all that an inside port sends */
	bool full_cone;		   /* filtering: anybody may send to such a mapping */
	uint32_t block;		   /* ports */
	uint32_t section_count;
	struct nat_pool_section sections[NAT_GROUP_SECTIONS]; /* sorted */
};

struct nat_groups_params {
	uint16_t workers;
	uint32_t max_sessions;
	const struct session_table *homes; /* as in nat_pool_params */
	struct rcu *rcu;
	uint64_t seed;
	int socket;
};

struct nat_groups *nat_groups_create(const struct nat_groups_params *);
void nat_groups_destroy(struct nat_groups *);

/* nat_groups_acquire: the group with exactly these parameters: one there is (also a retired one,
 * which comes back to life), or a new one.  One more reference on it.
 * => M; its id, or NAT_GROUP_NONE with a one-line reason. */
uint16_t nat_groups_acquire(
	struct nat_groups *, const struct nat_group_params *, char *err, size_t err_size);
/* => M, a grace period after the last packet could take from it by way of this reference. */
void nat_groups_release(struct nat_groups *, uint16_t id);
/* nat_groups_sweep: free retired groups that nobody holds anything of.  => M; how many are left
 * retired. */
uint32_t nat_groups_sweep(struct nat_groups *);

/* Of an id that is in use. */
struct nat_pool *nat_groups_pool(const struct nat_groups *, uint16_t id);
const struct nat_group_params *nat_groups_params(const struct nat_groups *, uint16_t id);
/* => any lcore; false: nobody uses this id. */
bool nat_groups_retired(const struct nat_groups *, uint16_t id);
/* nat_groups_find: the group of this name that is not retired, NAT_GROUP_NONE. => any lcore. */
uint16_t nat_groups_find(const struct nat_groups *, const char *name);
/* nat_groups_name: what names a group on both boxes: depends on its name only, never 0.
 * nat_groups_named: => the group with it that is not retired, NAT_GROUP_NONE. */
uint32_t nat_groups_name(const struct nat_groups *, uint16_t id);
uint16_t nat_groups_named(const struct nat_groups *, uint32_t name);

/* nat_groups_divide: of which halves ports are handed out from now on, of groups with PAT:
 * NAT_HALF_*. What is handed out stays.  => any lcore; NAT_WHOLE at first. */
void nat_groups_divide(struct nat_groups *, uint8_t halves);
uint8_t nat_groups_halves(const struct nat_groups *);

/* nat_note: session_outside.note and .inbound of a session that holds an address and port. */
static inline uint32_t
nat_note(uint16_t group)
{
	return (uint32_t)group + 1;
}

static inline uint16_t
nat_note_group(uint32_t note)
{
	return (uint16_t)(note - 1);
}

/* nat_groups_take: an address and a port for a new session.  => As nat_pool_take(). */
enum nat_refusal nat_groups_take(
	struct nat_groups *, uint16_t id, const struct nat_want *, struct nat_got *);
/* nat_groups_claim: the peer's session has this of a group; so have we.  `host` and `port`: the
 * inside endpoint.
 * => Any lcore.  NAT_NOT_OURS, too, of a group that is retired. */
enum nat_refusal nat_groups_claim(struct nat_groups *, uint16_t id, uint8_t proto, rte_be32_t host,
	rte_be16_t port, const struct nat_got *);
/* nat_groups_announce: as nat_groups_take(), for an inside endpoint that an ALG announces: whatever
 * the endpoint sends leaves by this port as long as somebody holds it, also where ports depend on
 * the other end.
 * nat_groups_announce_at: the same at this address and port.  => As nat_groups_claim().
 * nat_groups_mapped: where is it announced, or mapped?  => any lcore; false: nowhere. */
enum nat_refusal nat_groups_announce(
	struct nat_groups *, uint16_t id, const struct nat_want *, struct nat_got *);
enum nat_refusal nat_groups_announce_at(struct nat_groups *, uint16_t id, uint8_t proto,
	rte_be32_t host, rte_be16_t port, const struct nat_got *);
bool nat_groups_mapped(const struct nat_groups *, uint16_t id, uint8_t proto, rte_be32_t host,
	rte_be16_t port, struct nat_got *);
/* nat_groups_give: a session is over.  => Any lcore. */
void nat_groups_give(struct nat_groups *, uint16_t id, uint8_t proto, const struct nat_got *);

/* nat_groups_behind: who is behind this outside address and port of a group that lets anybody send
 * there (full cone)?  One session more holds the mapping: give it back as what it sends from.
 * => Any lcore; false: nobody. */
struct nat_map_entry;
bool nat_groups_behind(const struct nat_groups *, uint16_t id, uint8_t proto,
	const struct nat_got *out, struct nat_map_entry *);
/* nat_groups_map: for shows: mappings that do not depend on the other end, NULL: they do. */
const struct nat_map *nat_groups_map(const struct nat_groups *, uint16_t id);
uint64_t nat_groups_memory(const struct nat_groups *, uint16_t id); /* bytes */

/* Counters of a group: added to by any worker, for first packets and ends of sessions. */
struct nat_group_stats {
	uint64_t taken, given;
	uint64_t exhausted; /* first packets refused: no port, or no address, was left */
};
struct nat_group_stats nat_groups_stats(const struct nat_groups *, uint16_t id);
