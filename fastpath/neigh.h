/*
 * Neighbours: (interface, IPv4 address) -> MAC.  The control core is the only writer; workers find
 * an entry once per session and direction, then read one atomic word per packet.
 */
#pragma once

#include "session.h" /* NEIGH_NONE */

#include <rte_byteorder.h>
#include <rte_ether.h>

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

/* MAC and state share one word, so that a reader never sees half of a change. */
struct neigh {
	_Atomic(uint64_t) word; /* C writes, W reads: state << 48 | MAC (first octet highest) */
	rte_be32_t address;	/* C, before published */
	uint16_t interface;	/* C, before published */
	uint16_t port;		/* C, before published: engine port */
	struct rte_ether_addr source; /* C, before published: our MAC on that interface */
	_Atomic(uint8_t) used;	      /* W sets to 1, C clears: traffic seen since last look */
	uint8_t pad;
	uint64_t expires_ns; /* C only, as the next two */
	uint8_t tries;
	uint8_t pad2[7];
};

struct neigh_table *neigh_table_create(const char *name, uint32_t max, struct rcu *, int socket);
void neigh_table_destroy(struct neigh_table *);

/* neigh_find: any lcore, lock-free.  => index or NEIGH_NONE. */
uint32_t neigh_find(const struct neigh_table *, uint16_t interface, rte_be32_t address);
struct neigh *neigh_at(const struct neigh_table *, uint32_t index);
uint32_t neigh_capacity(const struct neigh_table *);
uint32_t neigh_count(const struct neigh_table *);

/* Control core only. neigh_add: => index (existing or new, INCOMPLETE), NEIGH_NONE when full. */
uint32_t neigh_add(struct neigh_table *, uint16_t interface, rte_be32_t address, uint16_t port,
	const struct rte_ether_addr *source);
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
