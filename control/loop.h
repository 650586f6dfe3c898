/*
 * One file descriptor in the management thread's epoll set.  Embedded as the first member of what
 * it belongs to; epoll's data.ptr is its address.
 */
#pragma once

#include <stdint.h>

struct loop_source {
	/* Called with the ready EPOLL* bits.  May free its owner, but no other source's. */
	void (*ready)(struct loop_source *, uint32_t events);
};
