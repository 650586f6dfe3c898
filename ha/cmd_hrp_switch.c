/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * hrp switch-over, [undo] hrp standby-device: what an operator orders about the roles.
 */
#include "command.h"
#include "ha.h"
#include "management.h"
#include "role.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define POLL_MS	    2
#define WAIT_MS	    1000 /* beyond three requests */
#define WAIT_MAX_MS 5000 /* the management thread does nothing else meanwhile */

/* => false, with the reason told. */
static bool
order(struct console_client *client, enum ha_order_what what, uint64_t arg)
{
	struct management *const m = console_management(client);
	const int rc = m->ha_state != NULL ? core_request(m->core, what, arg) : -ENOTSUP;

	if (rc == ROLE_DONE)
		return true;
	if (rc < 0)
		console_error(client, "nothing changed: %s\n", strerror(-rc));
	else
		console_error(client, "refused: %s\n",
			rc < ROLE_ORDERS ? role_order_texts[rc] : "unknown reason");
	return false;
}

/* The hand-over takes a round trip, one that comes to nothing three hello intervals.  => its end,
 * if it is near. */
static enum role_switch_state
wait_for_end(struct management *m, struct role_status *s)
{
	const struct timespec nap = { .tv_nsec = POLL_MS * 1000000L };
	const mono_t start = management_now(m);
	uint64_t limit;

	do {
		nanosleep(&nap, NULL);
		management_alive(m);
		role_status_read(ha_role(m->ha_state), s);
		limit = WAIT_MS + 4 * (uint64_t)s->hello_ms;
		if (limit > WAIT_MAX_MS)
			limit = WAIT_MAX_MS;
	} while (s->switch_over == ROLE_SWITCH_UNDER_WAY &&
		 mono_since_ms(management_now(m), start) < limit);
	return (enum role_switch_state)s->switch_over;
}

/* => false: it came to nothing, and the reason is told. */
static bool
tell_end(struct console_client *client)
{
	struct management *const m = console_management(client);
	struct role_status *const s = malloc(sizeof(*s));
	const mono_t start = management_now(m);

	if (s == NULL) {
		console_error(client, "begun; out of memory to wait for its end\n");
		return false;
	}
	const enum role_switch_state end = wait_for_end(m, s);

	if (end == ROLE_SWITCH_DONE) {
		console_print(client, " The peer is active now (%llu ms).\n",
			(unsigned long long)mono_since_ms(management_now(m), start));
		if (s->preempt && !s->held)
			console_print(client,
				" This box preempts in %u s; hrp standby-device keeps it "
				"standby.\n",
				s->preempt_delay_s);
	} else if (end == ROLE_SWITCH_FAILED) {
		console_error(client, "the peer did not take over; this box stays active\n");
	} else if (end == ROLE_SWITCH_UNDER_WAY) {
		console_error(client, "still under way; see display hrp state\n");
	}
	free(s);
	return end == ROLE_SWITCH_DONE || end == ROLE_SWITCH_NONE;
}

static void
run_switch_over(void *parsed, struct cmdline *cl, void *client)
{
	(void)parsed;
	(void)cl;
	if (order(client, HA_ORDER_SWITCH_OVER, 0))
		(void)tell_end(client);
}

static void
run_hold(void *parsed, struct cmdline *cl, void *client)
{
	(void)parsed;
	(void)cl;
	if (order(client, HA_ORDER_HOLD, 1) && tell_end(client))
		console_print(
			client, " Held in standby until undo hrp standby-device or a restart.\n");
}

static void
run_release(void *parsed, struct cmdline *cl, void *client)
{
	(void)parsed;
	(void)cl;
	if (order(client, HA_ORDER_HOLD, 0))
		console_print(client, " No longer held in standby.\n");
}

static cmdline_parse_inst_t inst_switch = {
	.f = run_switch_over,
	.help_str = "hrp switch-over: hand the role to the peer, without losing a packet",
	.tokens = { COMMAND_WORD("hrp"), COMMAND_WORD("switch-over"), NULL },
};
static cmdline_parse_inst_t inst_hold = {
	.f = run_hold,
	.help_str = "hrp standby-device: stay standby as long as the peer lives (maintenance)",
	.tokens = { COMMAND_WORD("hrp"), COMMAND_WORD("standby-device"), NULL },
};
static cmdline_parse_inst_t inst_release = {
	.f = run_release,
	.help_str = "undo hrp standby-device: take part in elections as configured again",
	.tokens = { COMMAND_WORD("undo"), COMMAND_WORD("hrp"), COMMAND_WORD("standby-device"),
		NULL },
};

static cmdline_parse_inst_t *const insts[] = { &inst_switch, &inst_hold, &inst_release, NULL };

extern const struct command command_hrp_switch;
const struct command command_hrp_switch = { .insts = insts };
