/*
 * Neighbours of both families: (interface, address) -> MAC.  The control core is the only writer;
 * workers find an entry once per session and direction, then read one atomic word per packet.
 */
#pragma once

#include "ip_addr.h"
#include "session.h" /* NEIGH_NONE */

#include <rte_byteorder.h>
#include <rte_ether.h>

#include <assert.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

struct rcu;
struct neigh_table;

enum neigh_state {
	NEIGH_FREE,
	NEIGH_INCOMPLETE, /* asked, no answer yet: packets are punted */
	NEIGH_REACHABLE,
	NEIGH_STALE, /* in use, being asked again */
	NEIGH_FAILED /* no answer: packets are dropped for a while */
};

/* One cache line.  MAC and state share one word, so that a reader never sees half of a change. */
struct neigh {
	_Atomic(uint64_t) word; /* C writes, W reads: state << 48 | MAC (first octet highest) */
	union {			/* C, before published, as all up to `family` */
		rte_be32_t address;
		uint8_t address6[IP6_LEN];
	};
	uint16_t interface;
	uint16_t port;		      /* engine port */
	struct rte_ether_addr source; /* our MAC on that interface */
	uint8_t family;		      /* 4 or 6: which of the two addresses it is */
	_Atomic(uint8_t) used;	      /* W sets to 1, C clears: traffic seen since last look */
	uint8_t pad[4];
	uint64_t expires_ns; /* C only, as the next one */
	uint8_t tries;
	uint8_t pad2[15];
};
static_assert(sizeof(struct neigh) == 64, "a neighbour is one cache line");

struct neigh_table *neigh_table_create(const char *name, uint32_t max, struct rcu *, int socket);
void neigh_table_destroy(struct neigh_table *);

/* neigh_find, neigh_find6: any lcore, lock-free.  => index or NEIGH_NONE. */
uint32_t neigh_find(const struct neigh_table *, uint16_t interface, rte_be32_t address);
uint32_t neigh_find6(
	const struct neigh_table *, uint16_t interface, const uint8_t address[IP6_LEN]);
struct neigh *neigh_at(const struct neigh_table *, uint32_t index);
uint32_t neigh_capacity(const struct neigh_table *);
uint32_t neigh_count(const struct neigh_table *);

/* Control core only. neigh_add: => index (existing or new, INCOMPLETE), NEIGH_NONE when full. */
uint32_t neigh_add(struct neigh_table *, uint16_t interface, rte_be32_t address, uint16_t port,
	const struct rte_ether_addr *source);
uint32_t neigh_add6(struct neigh_table *, uint16_t interface, const uint8_t address[IP6_LEN],
	uint16_t port, const struct rte_ether_addr *source);
void neigh_set(
	struct neigh_table *, uint32_t index, enum neigh_state, const struct rte_ether_addr *mac);
/* The slot is reused after a grace period that neigh_poll() starts; before that the caller raises
 * the engine's route generation, so that no session finds the old index again. */
void neigh_remove(struct neigh_table *, uint32_t index);
/* Frees slots whose grace period has passed; call once per tick. */
void neigh_poll(struct neigh_table *);

static inline enum neigh_state
neigh_word_state(uint64_t word)
{
	return (enum neigh_state)(word >> 48);
}

static inline void
neigh_word_mac(uint64_t word, struct rte_ether_addr *mac)
{
	for (int i = 0; i < 6; i++)
		mac->addr_bytes[i] = (uint8_t)(word >> (40 - 8 * i));
}

/* The address of an entry, for whoever does not care about the family. */
static inline struct ip_addr
neigh_address(const struct neigh *n)
{
	return n->family == 6 ? ip_addr_v6(n->address6) : ip_addr_v4(n->address);
}
