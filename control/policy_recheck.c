/* SPDX-License-Identifier: BSD-3-Clause */
#include "policy_recheck.h"

#include "config_policy.h"
#include "log.h"
#include "management.h"

#define SLOTS_PER_STEP 16384

void
policy_recheck_begin(struct management *m, struct policy_recheck *r, uint64_t rezoned)
{
	const struct config_policy *p = config_section_data(m->config, "security_policy");

	if (p->on_change == POLICY_RE_EVALUATE) {
		r->running = true;
		r->walk.next = 0;
		r->walk.rezoned |= rezoned;
	} else {
		*r = (struct policy_recheck){ 0 };
	}
}

int
policy_recheck_step(struct management *m, struct policy_recheck *r)
{
	const uint32_t from = r->walk.next;
	bool more;

	if (!r->running)
		return -1;
	management_read_begin(m);
	more = session_recheck(m->engine, SLOTS_PER_STEP, &r->walk);
	management_read_end(m);
	if (more)
		return r->walk.next == from ? 1 : 0; /* an inbox is full: let its worker run */
	if (r->walk.denied + r->walk.moved > 0)
		LOG(NOTICE, "security policy: %u sessions ended, %u now permitted by another rule",
			r->walk.denied, r->walk.moved);
	*r = (struct policy_recheck){ 0 };
	return -1;
}
