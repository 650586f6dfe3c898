/*
 * Mirror events: what workers tell the HRP core about sessions, 8 bytes each, one SP/SC ring per
 * worker.  Ring full: the session's dirty bit is set instead and the HRP core finds it by sweep, so
 * overload delays the mirror and never loses a session.
 */
#pragma once

#include <assert.h>
#include <stdint.h>

enum mirror_event_type {
	MIRROR_CREATE = 1,
	MIRROR_UPDATE = 2, /* state or owner */
	MIRROR_DELETE = 3,
	MIRROR_CREATE_HELD = 4, /* MIRROR_CREATE; its first packet waits, with `ticket` (defer.h) */
	MIRROR_REFRESH = 5	/* it is in use still: the copy must not age */
};

struct mirror_event {
	uint32_t index;
	uint16_t generation; /* with index: names the session even after it is gone */
	uint8_t type;
	uint8_t ticket; /* its lower bits: engine_ticket() */
};
static_assert(sizeof(struct mirror_event) == 8, "events go through the ring by value");
