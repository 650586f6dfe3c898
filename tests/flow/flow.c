/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Flow tests: rows of packets in, rows of what must become of them (README.md describes the
 * language).  Each case of a file runs on a fresh engine, as it stands and mapped to IPv6, each in
 * four ways: with one worker; the same with trust and untrust as VLANs of one port; with two and
 * every packet at its home worker; with two and packets dealt out in turn.
 *
 * usage: flow [-n|-t] FILE... ; writes TAP.  -n: every case must fail (the runner's own test).
 * -t: with a trace of every packet on.
 */
#include "flow.h"

#include "test_eal.h"

#include <stdarg.h>

#define LINE_MAX_LEN 1024

static const char *const spread_names[SPREADS] = { "1 worker", "2 workers, steered",
	"2 workers, dealt" };
const char *const flow_zone_names[BOX_PORTS] = { "trust", "dmz", "untrust" };

void
flow_fail(struct flow *f, const char *format, ...)
{
	va_list args;
	int n;

	if (f->why[0] != '\0')
		return;
	n = snprintf(f->why, sizeof(f->why), "%s:%u: ", f->file, f->line);
	va_start(args, format);
	vsnprintf(f->why + n, sizeof(f->why) - (size_t)n, format, args);
	va_end(args);
}

uint16_t
flow_port(struct flow *f, const char *zone)
{
	const int port = flow_find(zone, flow_zone_names, BOX_PORTS);

	if (port < 0)
		flow_fail(f, "zone '%s'? trust, dmz and untrust exist", zone);
	return port < 0 ? 0 : (uint16_t)port;
}

bool
flow_address(struct flow *f, const char *word, struct ip_addr *out)
{
	if (!frame_address(word, out)) {
		flow_fail(f, "'%s' is not an address", word);
		return false;
	}
	if (f->six && !f->verbatim)
		frame_address_to6(out);
	return true;
}

bool
flow_frame(struct flow *f, struct words *w, struct frame_spec *s, bool last)
{
	const char *wrong;

	flow_variables(f, w);
	wrong = frame_parse(w, s);

	if (wrong == NULL && f->six && !f->verbatim)
		wrong = frame_to6(s);
	if (wrong != NULL)
		flow_fail(f, "%s", wrong);
	else if (last && w->at < w->count)
		flow_fail(f, "'%s'?", w->word[w->at]);
	return f->why[0] == '\0';
}

struct engine_box *
flow_box(struct flow *f)
{
	char name[12];

	if (f->box != NULL)
		return f->box;
	snprintf(name, sizeof(name), "f%u", f->boxes++);
	f->box = engine_box_create(&(struct engine_box_params){
		.name = name,
		.number = 1,
		.workers = f->spread == ONE_WORKER ? 1 : 2,
		.sessions = f->table,
		.buffers = 512,
		.ring = 128,
		.event_ring = f->event_ring,
		.datagrams = f->max_datagrams,
		.fragments = f->max_fragments,
		.nat = !f->six || f->verbatim, /* begins in IPv4, but for NAT64 */
		.ipv6 = f->six,
		.places = f->places,
	});
	if (f->tracing)
		flow_trace(f, &(struct trace_params){
				      .filter = FLOW_TRACE_ANY, .count = TRACE_COUNT_MAX });
	return f->box;
}

/* Whatever was counted was taken off again. */
static void
check_limits(struct flow *f)
{
	const struct limit_table *t = engine_limits(f->box->engine);

	for (unsigned int i = 0; i < LIMIT_ZONES; i++) {
		if (t->zones[i].total != 0 || t->zones[i].half_open != 0)
			flow_fail(f, "sessions are counted in zone %u that have ended", i);
	}
	for (uint32_t i = 0; limit_used(t) && i < SOURCES; i++) {
		const struct source *s = &t->sources.entries[i];

		if (source_sessions(s) != 0 || s->half_open != 0)
			flow_fail(f, "sessions are counted of a source that have ended");
	}
}

/* What must hold after every case. */
static uint32_t
keys_left(const struct session_table *t)
{
	uint32_t keys = 0, at = 0;

	do
		keys += session_table_indexed(t, &at);
	while (at != 0);
	return keys;
}

static void
check_invariants(struct flow *f)
{
	struct worker_stats s;
	uint64_t ended;

	flow_settle(f);
	s = flow_stats(f);
	ended = s.forwarded + s.answered + s.punted + s.held;
	for (unsigned int r = 0; r < DROP_REASON_COUNT; r++)
		ended += s.drops[r];
	if (s.rx != ended)
		flow_fail(f, "%lu packets received, %lu have ended or are held", s.rx, ended);
	if (s.tx != s.forwarded + s.answered + s.injected + s.notices + s.fragments)
		flow_fail(f, "%lu packets sent, but not each counted", s.tx);
	flow_trace_check(f);
	/* Twice the longest timeout: everything must be gone, and nothing lost. */
	engine_box_wait(f->box, 2500 * 1000);
	if (session_table_count(engine_sessions(f->box->engine)) != 0)
		flow_fail(f, "sessions are left after all timers");
	if (session_table_taken(engine_sessions(f->box->engine)) != 0)
		flow_fail(f, "%u sessions are not free after all timers",
			session_table_taken(engine_sessions(f->box->engine)));
	if (keys_left(engine_sessions(f->box->engine)) != 0)
		flow_fail(f, "%u keys are left in the index",
			keys_left(engine_sessions(f->box->engine)));
	check_limits(f);
	flow_check_groups(f);
	if (flow_stats(f).held != 0)
		flow_fail(f, "fragments are held after all timers");
	for (uint16_t i = 0; i < 4; i++)
		engine_box_poll(f->box);
	if (rte_mempool_in_use_count(f->box->pool) != 0)
		flow_fail(f, "%u packet buffers leaked", rte_mempool_in_use_count(f->box->pool));
}

static void
finish_case(struct flow *f)
{
	if (f->why[0] == '\0' && f->box != NULL)
		check_invariants(f);
	if (f->box != NULL) {
		flow_trace(f, NULL);
		engine_box_destroy(f->box);
	}
	f->box = NULL;
}

static void
split(char *line, struct words *w)
{
	char *save = NULL;

	w->count = w->at = 0;
	for (char *t = strtok_r(line, " \t\n", &save);
		t != NULL && t[0] != '#' && w->count < RTE_DIM(w->word);
		t = strtok_r(NULL, " \t\n", &save))
		w->word[w->count++] = t;
}

static void
statement(struct flow *f, struct words *w)
{
	const struct flow_statement *const tables[] = { flow_packet_statements,
		flow_piece_statements, flow_own_statements, flow_state_statements,
		flow_world_statements, flow_trace_statements, flow_defence_statements,
		flow_nat_statements };
	const char *first = flow_word(w);

	for (unsigned int t = 0; t < RTE_DIM(tables); t++) {
		for (const struct flow_statement *s = tables[t]; s->word != NULL; s++) {
			if (!flow_is(first, s->word))
				continue;
			s->run(f, w);
			if (w->at < w->count)
				flow_fail(f, "'%s'?", w->word[w->at]);
			return;
		}
	}
	flow_fail(f, "no statement '%s'", first);
}

struct tally {
	unsigned int number, failed;
	bool must_fail;
};

static void
report(struct flow *f, const char *title, struct tally *t)
{
	bool good;

	if (f->skip) {
		engine_box_destroy(f->box);
		f->box = NULL;
		return;
	}
	finish_case(f);
	good = (f->why[0] == '\0') != t->must_fail;
	t->number++;
	t->failed += !good;
	printf("%sok %u - %s [%s%s%s%s]\n", good ? "" : "not ", t->number, title,
		f->six ? "as IPv6, " : "", f->tagged ? "tagged, " : "",
		f->tracing ? "traced, " : "", spread_names[f->spread]);
	if (f->why[0] != '\0')
		printf("# %s\n", f->why);
	fflush(stdout);
}

static void
begin_case(struct flow *f)
{
	const enum spread spread = f->spread;
	const bool six = f->six, tagged = f->tagged, tracing = f->tracing;
	const char *file = f->file;
	const unsigned int line = f->line, boxes = f->boxes;

	memset(f, 0, sizeof(*f));
	f->spread = spread;
	f->six = six;
	f->tagged = tagged;
	f->tracing = tracing;
	f->file = file;
	f->line = line;
	f->boxes = boxes;
	f->table = 512;
	f->event_ring = 256;
	f->held_said = -1;
	for (uint16_t i = 0; i < BOX_PORTS; i++)
		f->places[i].port = i;
	if (tagged) {
		f->places[BOX_TRUST].vlan = 10;
		f->places[BOX_UNTRUST] = (struct box_place){ .port = BOX_TRUST, .vlan = 4094 };
	}
}

static int
run_file(struct flow *f, const char *path, struct tally *t)
{
	FILE *in = fopen(path, "r");
	char line[LINE_MAX_LEN], title[LINE_MAX_LEN] = "";
	struct words w;

	if (in == NULL) {
		perror(path);
		return -1;
	}
	f->file = strrchr(path, '/') != NULL ? strrchr(path, '/') + 1 : path;
	f->line = 0;
	while (fgets(line, sizeof(line), in) != NULL) {
		f->line++;
		if (strncmp(line, "case ", 5) == 0) {
			if (title[0] != '\0')
				report(f, title, t);
			snprintf(title, sizeof(title), "%.*s", (int)strcspn(line + 5, "\n"),
				line + 5);
			begin_case(f);
			continue;
		}
		split(line, &w);
		if (w.count == 0 || f->why[0] != '\0' || f->skip)
			continue;
		if (title[0] == '\0')
			flow_fail(f, "a statement outside of a case");
		statement(f, &w);
	}
	if (title[0] != '\0')
		report(f, title, t);
	fclose(in);
	return 0;
}

int
main(int argc, char **argv)
{
	struct flow *f = calloc(1, sizeof(*f));
	struct tally t = { 0 };
	int rc = 0;

	bool option;

	t.must_fail = argc > 1 && flow_is(argv[1], "-n");
	option = t.must_fail || (argc > 1 && flow_is(argv[1], "-t"));
	if (f == NULL || argc < 2 + option) {
		fprintf(stderr, "usage: flow [-n|-t] FILE...\n");
		return 2;
	}
	f->tracing = option && !t.must_fail;
	test_eal_start(256, 1);
	for (int i = 1 + option; i < argc; i++) {
		for (unsigned int run = 0; run < 2 * SPREADS && rc == 0; run++) {
			f->six = run >= SPREADS;
			f->spread = (enum spread)(run % SPREADS);
			f->tagged = false;
			rc = run_file(f, argv[i], &t);
			f->tagged = true;
			if (rc == 0 && f->spread == ONE_WORKER)
				rc = run_file(f, argv[i], &t);
		}
	}
	printf("1..%u\n", t.number);
	free(f);
	return rc != 0 || t.failed > 0 ? 1 : 0;
}
