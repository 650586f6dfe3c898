/*
 * IPv4 routes: longest prefix match (rte_lpm) to a next hop.  One table per engine, changed by the
 * management thread only, read by every lcore without a lock.
 */
#pragma once

#include <rte_byteorder.h>

#include <stdbool.h>
#include <stdint.h>

struct route_table;

struct route {
	uint32_t prefix; /* host order */
	uint8_t len;
	uint16_t interface;
	rte_be32_t gateway; /* 0 = connected: the destination is the next hop */
};

struct rcu;
struct route_table *route_table_create(
	const char *name, uint32_t max_routes, struct rcu *, int socket);
void route_table_destroy(struct route_table *);

/* route_table_set: make the table hold exactly these routes; unchanged ones are not touched.
 * => Management thread; may block for a grace period.  0 or -errno, then nothing is changed. */
int route_table_set(struct route_table *, const struct route *, uint32_t count);

/* route_lookup: => false when no route matches. *next_hop = gateway or dst itself. */
bool route_lookup(
	const struct route_table *, rte_be32_t dst, uint16_t *interface, rte_be32_t *next_hop);

/* route_is_default: does the default route lead there, or none? */
bool route_is_default(const struct route_table *, rte_be32_t dst);

/* route_prefetch: bring near what route_lookup() of these addresses will read. */
void route_prefetch(const struct route_table *, rte_be32_t src, rte_be32_t dst);

/* For shows: the routes as set.  Management thread. */
uint32_t route_table_list(const struct route_table *, const struct route **);
