/*
 * IPv6 routes: longest prefix match (rte_fib6) to a next hop.  One table per engine, replaced as a
 * whole by the management thread only, read by every lcore without a lock.
 */
#pragma once

#include "ip_addr.h"

#include <stdbool.h>
#include <stdint.h>

struct route6_table;

struct route6 {
	uint8_t prefix[IP6_LEN];
	uint8_t len; /* 0..128; ::/0 is the default route */
	uint16_t interface;
	uint8_t gateway[IP6_LEN]; /* :: = connected: the destination is the next hop */
};

struct rcu;
/* => NULL: out of memory.  A table without routes takes next to nothing; with routes about 32 MiB,
 * and the same again while it is being replaced. */
struct route6_table *route6_table_create(
	const char *name, uint32_t max_routes, struct rcu *, int socket);
void route6_table_destroy(struct route6_table *);

/* route6_table_set: make the table hold exactly these routes; does nothing when it does already.
 * => Management thread; may block for a grace period.  0 or -errno (-EINVAL host bits set,
 *    -EEXIST a prefix twice, -ENOSPC, -ENOMEM), then nothing is changed. */
int route6_table_set(struct route6_table *, const struct route6 *, uint32_t count);

/* The same in two steps, for who has other tables to change with it: build a draft, which can fail
 * as above, then commit it, which cannot, or discard it.  One draft at a time. */
struct route6_draft;
int route6_table_build(
	struct route6_table *, const struct route6 *, uint32_t count, struct route6_draft **);
void route6_table_commit(struct route6_table *, struct route6_draft *);
void route6_table_discard(struct route6_draft *);

/* route6_lookup: => false when no route matches.  *next_hop = the gateway (valid until the caller's
 * next quiescent report) or dst itself. */
bool route6_lookup(const struct route6_table *, const uint8_t dst[IP6_LEN], uint16_t *interface,
	const uint8_t **next_hop);

/* route6_is_default: does the default route lead there, or none? */
bool route6_is_default(const struct route6_table *, const uint8_t dst[IP6_LEN]);

/* For shows: the routes as set, sorted.  Management thread. */
uint32_t route6_table_list(const struct route6_table *, const struct route6 **);
