/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Role lease: see lease.h for the inequality it keeps.
 */
#include "lease.h"

#define LEASE_TURNS 2 /* one may have been under way when the hello was handed over */

void
lease_init(struct lease *l, uint32_t hello_ms, uint32_t misses)
{
	*l = (struct lease){ .hello_ns = hello_ms * NS_PER_MS };
	l->reach_ns = misses * l->hello_ns - l->hello_ns / 4;
}

void
lease_begin(struct lease *l, mono_t base)
{
	l->until.ns = base.ns + l->reach_ns;
	l->pending = false;
}

void
lease_end(struct lease *l)
{
	l->until.ns = 0;
	l->pending = false;
}

void
lease_hello(struct lease *l, mono_t now, uint64_t turns)
{
	/* An older one that was not seen to leave proves nothing any more. */
	l->pending = true;
	l->given = now;
	l->turns = turns;
}

void
lease_turns(struct lease *l, mono_t now, uint64_t turns)
{
	if (!l->pending || turns - l->turns < LEASE_TURNS)
		return;
	l->pending = false;
	/* Over is over: only a new takeover brings it back. */
	if (l->until.ns == 0 || lease_lapsed(l, now) || now.ns - l->given.ns > l->hello_ns / 2)
		return;
	const uint64_t until = l->given.ns + l->reach_ns;

	if (until > l->until.ns)
		l->until.ns = until;
}

void
lease_shorten(struct lease *l, mono_t until)
{
	l->pending = false;
	if (mono_before(until, l->until))
		l->until = until;
}

bool
lease_lapsed(const struct lease *l, mono_t now)
{
	return l->until.ns != 0 && now.ns >= l->until.ns;
}
