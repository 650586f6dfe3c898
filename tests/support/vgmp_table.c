/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The VGMP table as it is in ha/vgmp.c, for readers (docs/ha.md; usage: page.h) and for spin
 * (--promela: what tests/model/vgmp.pml includes).
 */
#include "page.h"
#include "vgmp.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const struct action {
	uint8_t bit;
	const char *symbol, *text;
} actions[] = {
	{ VGMP_DO_STEP_DOWN, "STEP_DOWN", "step down" },
	{ VGMP_DO_ASK_STANDBY, "ASK_STANDBY", "give up the addresses, ask \"let me be Standby\"" },
	{ VGMP_DO_ASK_ACTIVE, "ASK_ACTIVE", "ask \"let me be Active\"" },
	{ VGMP_DO_SAY_SWITCH, "SAY_SWITCH", "say \"switch\"" },
	{ VGMP_DO_SAY_NO, "SAY_NO", "say \"do not switch\"" },
	{ VGMP_DO_TAKE_OVER, "TAKE_OVER", "take over" },
	{ VGMP_DO_LISTEN, "LISTEN", "listen" },
};
#define ACTIONS (sizeof(actions) / sizeof(actions[0]))

static const char *const state_texts[VGMP_STATES] = {
	[VGMP_INITIALIZE] = "Initialize",
	[VGMP_ACTIVE] = "Active",
	[VGMP_STANDBY] = "Standby",
	[VGMP_ACTIVE_TO_STANDBY] = "ActiveToStandby",
	[VGMP_STANDBY_TO_ACTIVE] = "StandbyToActive",
};

#define SYMBOL(x) [VGMP_##x] = #x
static const char *const state_symbols[] = {
	SYMBOL(INITIALIZE),
	SYMBOL(ACTIVE),
	SYMBOL(STANDBY),
	SYMBOL(ACTIVE_TO_STANDBY),
	SYMBOL(STANDBY_TO_ACTIVE),
};
static const char *const event_symbols[] = {
	SYMBOL(ENABLE_ACTIVE),
	SYMBOL(ENABLE_STANDBY),
	SYMBOL(DISABLE),
	SYMBOL(FENCED),
	SYMBOL(MEMBER_FAILED),
	SYMBOL(PREEMPT),
	SYMBOL(ASKED_STANDBY_HIGHER),
	SYMBOL(ASKED_STANDBY_LOWER),
	SYMBOL(ASKED_ACTIVE_LOWER),
	SYMBOL(ASKED_ACTIVE_HIGHER),
	SYMBOL(ANSWER_SWITCH),
	SYMBOL(ANSWER_NO),
	SYMBOL(NO_ANSWER),
	SYMBOL(PEER_ACTIVE),
	SYMBOL(PEER_IDLE),
	SYMBOL(PEER_GONE),
	SYMBOL(PEER_WINS),
};
static_assert(sizeof(state_symbols) / sizeof(state_symbols[0]) == VGMP_STATES, "a new state");
static_assert(sizeof(event_symbols) / sizeof(event_symbols[0]) == VGMP_EVENTS, "a new event");

/* ---- for readers ---- */

static void
print_states(FILE *f, uint8_t states)
{
	const uint8_t all = (1u << VGMP_STATES) - 1;
	const char *comma = "";

	if (states == all) {
		fputs("any", f);
		return;
	}
	for (unsigned int s = 0; s < VGMP_STATES; s++) {
		if ((states >> s & 1) == 0)
			continue;
		fprintf(f, "%s%s", comma, state_texts[s]);
		comma = ", ";
	}
}

static void
print_row(FILE *f, const struct vgmp_row *r)
{
	const char *comma = "";

	fprintf(f, "| %s | ", r->rule);
	print_states(f, r->states);
	fprintf(f, " | %s | ", vgmp_event_names[r->event]);
	for (size_t a = 0; a < ACTIONS; a++) {
		if ((r->action & actions[a].bit) == 0)
			continue;
		fprintf(f, "%s%s", comma, actions[a].text);
		comma = ", ";
	}
	fprintf(f, " | %s |\n", r->next == VGMP_SAME ? "same" : state_texts[r->next]);
}

static void
print_table(FILE *f)
{
	unsigned int count, pairs = 0;
	const struct vgmp_row *const rows = vgmp_rows(&count);

	fputs("| Rule | In state | Event | Does | Next |\n|---|---|---|---|---|\n", f);
	for (unsigned int i = 0; i < count; i++) {
		if (rows[i].rule[0] == '\0' && rows[i].action == 0 && rows[i].next == VGMP_SAME) {
			for (unsigned int s = 0; s < VGMP_STATES; s++)
				pairs += rows[i].states >> s & 1;
			continue;
		}
		print_row(f, &rows[i]);
	}
	fprintf(f, "\nThe other %u of the %u pairs of state and event: nothing happens.\n", pairs,
		VGMP_STATES * VGMP_EVENTS);
}

/* ---- for spin ---- */

static void
print_step(FILE *f, unsigned int state, unsigned int event)
{
	enum vgmp_state next;
	const struct vgmp_row *const r =
		vgmp_step((enum vgmp_state)state, (enum vgmp_event)event, &next);

	fprintf(f, "\tROW(%s, %s, %s, %u)\n", state_symbols[state], event_symbols[event],
		state_symbols[next], r->action);
}

static void
print_promela(FILE *f)
{
	fputs("/* Written by vgmp_table --promela from ha/vgmp.c. */\n", f);
	for (unsigned int s = 0; s < VGMP_STATES; s++)
		fprintf(f, "#define %s %u\n", state_symbols[s], s);
	for (unsigned int e = 0; e < VGMP_EVENTS; e++)
		fprintf(f, "#define %s %u\n", event_symbols[e], e);
	for (size_t a = 0; a < ACTIONS; a++)
		fprintf(f, "#define DO_%s %u\n", actions[a].symbol, actions[a].bit);
	fprintf(f, "#define STATES %u\n#define EVENTS %u\ninline vgmp_fill()\n{\n", VGMP_STATES,
		VGMP_EVENTS);
	for (unsigned int e = 0; e < VGMP_EVENTS; e++)
		for (unsigned int s = 0; s < VGMP_STATES; s++)
			print_step(f, s, e);
	fputs("}\n", f);
}

int
main(int argc, char **argv)
{
	struct page_part part = {
		.begin = "<!-- VGMP table: begin (written by tests/support/vgmp_table.c) -->\n",
		.end = "<!-- VGMP table: end -->\n",
		.source = "ha/vgmp.c says",
	};
	const bool promela = argc == 2 && strcmp(argv[1], "--promela") == 0;
	char *text = NULL;
	size_t size = 0;
	FILE *const f = open_memstream(&text, &size);

	if (f == NULL)
		return 2;
	if (promela)
		print_promela(f);
	else
		print_table(f);
	fclose(f);
	part.text = text;
	const int rc = page_main(argc, argv, &part);

	free(text);
	return rc;
}
