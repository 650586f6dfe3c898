/* SPDX-License-Identifier: BSD-3-Clause */
#include "repl_method.h"

bool
repl_method_leaves_out(const struct repl_methods *m, const struct session *s, uint32_t ctl)
{
	if (m->quick)
		return false;
	if ((ctl & SESSION_F_LOCAL) != 0)
		return true;
	switch (session_state_of(ctl)) {
	case SESSION_TCP_SYN_SENT:
	case SESSION_TCP_SYN_RECEIVED:
		return true;
	case SESSION_UDP_FIRST:
	case SESSION_DNS_FIRST:
		/* Counted by a worker meanwhile: one turn early or late makes no difference. */
		return s->dir[0].packets <= 1;
	default:
		return false;
	}
}

bool
repl_method_waits(const struct repl_methods *m, uint32_t ctl)
{
	const enum session_state state = session_state_of(ctl);

	return !m->quick && (state == SESSION_UDP_FIRST || state == SESSION_DNS_FIRST);
}
