/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Two rings of values between the control core and the HRP core.
 */
#include "ha_bus.h"

#include <rte_errno.h>
#include <rte_ring.h>

#include <errno.h>
#include <stdio.h>

#define BUS_SIZE 256 /* messages; a few per hello interval are normal */

static struct rte_ring *
ring_create(const char *name, const char *suffix, int socket)
{
	char full[RTE_RING_NAMESIZE];

	snprintf(full, sizeof(full), "%.12s_bus_%s", name, suffix);
	return rte_ring_create_elem(
		full, sizeof(struct ha_msg), BUS_SIZE, socket, RING_F_SP_ENQ | RING_F_SC_DEQ);
}

int
ha_bus_create(struct ha_bus *b, const char *name, int socket)
{
	b->to_core = NULL;
	b->to_hrp = ring_create(name, "hrp", socket);
	if (b->to_hrp == NULL)
		return -rte_errno;
	b->to_core = ring_create(name, "core", socket);
	if (b->to_core == NULL) {
		const int rc = -rte_errno;

		ha_bus_destroy(b);
		return rc;
	}
	return 0;
}

void
ha_bus_destroy(struct ha_bus *b)
{
	rte_ring_free(b->to_hrp);
	rte_ring_free(b->to_core);
	b->to_hrp = b->to_core = NULL;
}

bool
ha_bus_put(struct rte_ring *r, const struct ha_msg *m)
{
	struct ha_msg copy = *m; /* the ring's argument is not const */

	return rte_ring_sp_enqueue_elem(r, &copy, sizeof(copy)) == 0;
}

bool
ha_bus_get(struct rte_ring *r, struct ha_msg *m)
{
	return rte_ring_sc_dequeue_elem(r, m, sizeof(*m)) == 0;
}
