/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Two rings of values between the management thread and the HRP core.
 */
#include "config_bus.h"

#include <rte_errno.h>

#include <stdio.h>

#define BUS_SIZE   128 /* frames: two windows of chunks */
#define EVENT_SIZE 16

static struct rte_ring *
ring_create(const char *name, const char *suffix, size_t element, unsigned int size, int socket)
{
	char full[RTE_RING_NAMESIZE];

	snprintf(full, sizeof(full), "%.12s_conf_%s", name, suffix);
	return rte_ring_create_elem(
		full, (unsigned int)element, size, socket, RING_F_SP_ENQ | RING_F_SC_DEQ);
}

int
config_bus_create(struct config_bus *b, const char *name, int socket)
{
	const size_t frame = sizeof(struct config_frame);
	int rc = 0;

	static_assert(sizeof(struct event) % 4 == 0, "ring element");
	b->to_hrp = ring_create(name, "hrp", frame, BUS_SIZE, socket);
	if (b->to_hrp != NULL)
		b->to_management = ring_create(name, "man", frame, BUS_SIZE, socket);
	if (b->to_management != NULL)
		b->to_core = ring_create(name, "core", sizeof(struct event), EVENT_SIZE, socket);
	if (b->to_core == NULL) {
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
	rte_ring_free(b->to_core);
	b->to_hrp = b->to_management = b->to_core = NULL;
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

bool
config_bus_tell(struct config_bus *b, const struct event *e)
{
	struct event copy = *e;

	return rte_ring_sp_enqueue_elem(b->to_core, &copy, sizeof(copy)) == 0;
}

bool
config_bus_told(struct config_bus *b, struct event *e)
{
	return rte_ring_sc_dequeue_elem(b->to_core, e, sizeof(*e)) == 0;
}
