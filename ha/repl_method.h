/*
 * The methods of mirroring (repl.h, struct repl_methods): what each tells of sessions.  Pure.
 */
#pragma once

#include "repl.h"
#include "session.h"

#include <stdbool.h>
#include <stdint.h>

/* repl_method_tells: does a change of a session reach the peer by itself, soon or late? */
static inline bool
repl_method_tells(const struct repl_methods *m)
{
	return m->quick || m->period_s > 0;
}

/* repl_method_leaves_out: R196: sessions to the firewall itself, half-open TCP, UDP of one packet,
 * unless the method is quick.
 * repl_method_waits: it may become one that is told without another word of its worker. */
bool repl_method_leaves_out(const struct repl_methods *, const struct session *, uint32_t ctl);
bool repl_method_waits(const struct repl_methods *, uint32_t ctl);
