/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Two rings of values between the management thread and the HRP core.
 */
#include "config_bus.h"

#include <rte_errno.h>

#include <stdio.h>

#define BUS_SIZE 128 /* frames: two windows of chunks */

static struct rte_ring *
ring_create(const char *name, const char *suffix, int socket)
{
	char full[RTE_RING_NAMESIZE];

	snprintf(full, sizeof(full), "%.12s_conf_%s", name, suffix);
	return rte_ring_create_elem(
		full, sizeof(struct config_frame), BUS_SIZE, socket, RING_F_SP_ENQ | RING_F_SC_DEQ);
}

int
config_bus_create(struct config_bus *b, const char *name, int socket)
{
	int rc = 0;

	b->to_hrp = ring_create(name, "hrp", socket);
	b->to_management = b->to_hrp != NULL ? ring_create(name, "man", socket) : NULL;
	if (b->to_management == NULL) {
		rc = -rte_errno;
		config_bus_destroy(b);
	}
	return rc;
}

void
config_bus_destroy(struct config_bus *b)
{
	rte_ring_free(b->to_hrp);
	rte_ring_free(b->to_management);
	b->to_hrp = b->to_management = NULL;
}

bool
config_bus_put(struct rte_ring *r, const struct config_frame *f)
{
	struct config_frame copy = *f; /* the ring's argument is not const */

	return rte_ring_sp_enqueue_elem(r, &copy, sizeof(copy)) == 0;
}

bool
config_bus_get(struct rte_ring *r, struct config_frame *f)
{
	return rte_ring_sc_dequeue_elem(r, f, sizeof(*f)) == 0;
}
