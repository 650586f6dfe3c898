/*
 * Endpoint-independent mappings (RFC 4787 REQ-1): one outside address and port for everything that
 * an inside address and port sends, as long as one session uses it.  One table for each address
 * group that promises this; found by the inside endpoint, and, for filtering that is independent
 * of the endpoint too (full cone), by the outside one.
 *
 * Any worker, under the lock of a bucket, for first packets and at the end of sessions only.
 * Nothing is allocated after creation.  Network byte order.
 */
#pragma once

#include "nat_pool.h"

#include <stdbool.h>
#include <stdint.h>

struct nat_map;

struct nat_map_entry {
	uint8_t proto;
	rte_be32_t host; /* inside */
	rte_be16_t port;
	struct nat_got out;
	uint32_t sessions; /* that hold it, at least 1 */
};

/* nat_map_create: room for `entries` mappings, 1 to 2^30; `seed`: random, so that nobody can aim at
 * a bucket.  => NULL with errno EINVAL or ENOMEM. */
struct nat_map *nat_map_create(uint32_t entries, uint64_t seed, int socket);
void nat_map_destroy(struct nat_map *);

/* nat_map_hold: the mapping of this inside endpoint, one session more; it is made with a port of
 * `pool` (the same in every call) when there is none.  Worker w->worker only.
 * => NAT_OK with *got; what nat_pool_take() refuses with; NAT_NO_PORT when the table is full. */
enum nat_refusal nat_map_hold(
	struct nat_map *, struct nat_pool *pool, const struct nat_want *, struct nat_got *);
/* nat_map_again: the mapping of this inside endpoint, if there is one: one session more with
 * `hold`, else a look.  => false: there is none. */
bool nat_map_again(struct nat_map *, uint8_t proto, rte_be32_t host, rte_be16_t port, bool hold,
	struct nat_got *);
/* nat_map_claim: the peer has this mapping, and one session of it more; so have we.
 * => NAT_TAKEN: the inside endpoint has another one here, or the port is somebody else's;
 *    NAT_NO_PORT: the table is full; else what nat_pool_claim() refuses with. */
enum nat_refusal nat_map_claim(struct nat_map *, struct nat_pool *pool, uint8_t proto,
	rte_be32_t host, rte_be16_t port, const struct nat_got *);
/* nat_map_drop: a session of it has ended; with the last one the port goes back to the pool.
 * => false: there is no such mapping. */
bool nat_map_drop(struct nat_map *, struct nat_pool *pool, uint8_t proto, const struct nat_got *);
/* nat_map_outside: who is behind this outside address and port?  Holds it: one session more.
 * => false: nobody. */
bool nat_map_outside(
	struct nat_map *, uint8_t proto, const struct nat_got *, struct nat_map_entry *);

uint32_t nat_map_count(const struct nat_map *);
uint32_t nat_map_capacity(const struct nat_map *);
uint64_t nat_map_memory(const struct nat_map *); /* bytes */
/* nat_map_at: for shows: the mapping in a place 0..capacity-1, one look. => false: it is free. */
bool nat_map_at(const struct nat_map *, uint32_t place, struct nat_map_entry *);
