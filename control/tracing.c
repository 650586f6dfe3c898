/* SPDX-License-Identifier: BSD-3-Clause */
#include "tracing.h"

#include "log.h"
#include "management.h"
#include "packet_words.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define COUNT	100
#define SECONDS 60

struct trace_words {
	struct packet_words packet;
	int dropped, reason; /* reason: 0 = any */
	int count, seconds;
};

static const struct filter_word table[] = {
	PACKET_WORDS(struct trace_words),
	{ .word = "dropped",
		.key = "dropped",
		.kind = FILTER_TRUE,
		.offset = offsetof(struct trace_words, dropped) },
	{ .word = "reason",
		.key = "reason",
		.kind = FILTER_REASON,
		.offset = offsetof(struct trace_words, reason) },
	{ .word = "count",
		.key = "count",
		.kind = FILTER_NUMBER,
		.offset = offsetof(struct trace_words, count),
		.min = 1,
		.max = TRACE_COUNT_MAX },
	{ .word = "seconds",
		.key = "seconds",
		.kind = FILTER_NUMBER,
		.offset = offsetof(struct trace_words, seconds),
		.min = 1,
		.max = 3600 },
	{ .word = NULL },
};

int
tracing_complete(const struct management *m, const char *tail, const char **words, int max)
{
	return filter_complete(
		table, tail, m->engine != NULL ? engine_snapshot(m->engine) : NULL, words, max);
}

static bool
compile(const struct management *m, const char *words, struct trace_words *out, char *err,
	size_t err_size)
{
	json_t *filter = filter_words(table, words, NULL, err, err_size);
	bool good;

	if (filter == NULL)
		return false;
	*out = (struct trace_words){
		.packet = PACKET_WORDS_ANY, .count = COUNT, .seconds = SECONDS
	};
	good = filter_compile(table, out, filter, engine_snapshot(m->engine), err, err_size);
	json_decref(filter);
	return good;
}

/* Forget the last one.  => false: a worker may still write into it. */
static bool
forget(struct management *m)
{
	struct tracing *t = &m->tracing;

	if (t->trace != NULL && !rcu_done(engine_rcu(m->engine), t->grace))
		return false;
	trace_destroy(t->trace);
	free(t->record);
	*t = (struct tracing){ 0 };
	return true;
}

bool
tracing_start(struct management *m, const char *words, char *err, size_t err_size)
{
	struct tracing *t = &m->tracing;
	struct trace_params params = { 0 };
	struct trace_words w;

	tracing_poll(m);
	if (t->state == TRACING_ON) {
		snprintf(err, err_size, "a trace is on; trace stop ends it");
		return false;
	}
	if (!compile(m, words, &w, err, err_size))
		return false;
	if (!forget(m)) {
		snprintf(err, err_size, "the last trace is not quite over, try again");
		return false;
	}
	params.filter = packet_words_filter(&w.packet);
	params.dropped = w.dropped != 0 || w.reason != 0;
	params.reason = (uint8_t)w.reason;
	params.count = (uint32_t)w.count;
	t->record = calloc(params.count, sizeof(*t->record));
	if (t->record == NULL) {
		snprintf(err, err_size, "out of memory");
		return false;
	}
	t->trace = trace_create(m->engine, &params, err, err_size);
	if (t->trace == NULL)
		return false;
	t->state = TRACING_ON;
	t->count = params.count;
	t->until = mono_add_ms(management_now(m), (uint64_t)w.seconds * 1000);
	t->wall = management_wall(m);
	snprintf(t->words, sizeof(t->words), "%s", words);
	engine_set_trace(m->engine, t->trace);
	LOG(NOTICE, "trace: started%s%s", words[0] != '\0' ? ": " : "", words);
	return true;
}

static void
end(struct management *m, enum tracing_state why)
{
	struct tracing *t = &m->tracing;

	engine_set_trace(m->engine, NULL);
	t->grace = rcu_start(engine_rcu(m->engine));
	t->state = why;
	LOG(NOTICE, "trace: ended with %u packets", t->records);
}

/* The worker whose next record is the oldest one.  => -1: nobody has one. */
static int
oldest(const struct tracing *t, uint16_t workers)
{
	uint64_t at = UINT64_MAX;
	int found = -1;

	for (uint16_t i = 0; i < workers; i++) {
		const struct trace_record *r = trace_at(t->trace, i, t->taken[i]);

		if (r != NULL && r->at < at) {
			at = r->at;
			found = i;
		}
	}
	return found;
}

void
tracing_poll(struct management *m)
{
	struct tracing *t = &m->tracing;
	int worker;

	if (t->trace == NULL)
		return;
	while (t->records < t->count && (worker = oldest(t, engine_worker_count(m->engine))) >= 0)
		t->record[t->records++] = *trace_at(t->trace, (uint16_t)worker, t->taken[worker]++);
	trace_counts(t->trace, &t->counts);
	if (t->state == TRACING_ON && t->records == t->count)
		end(m, TRACING_COUNT);
	else if (t->state == TRACING_ON && !mono_before(management_now(m), t->until))
		end(m, TRACING_TIME);
}

bool
tracing_stop(struct management *m)
{
	tracing_poll(m);
	if (m->tracing.state != TRACING_ON)
		return false;
	end(m, TRACING_STOPPED);
	return true;
}

void
tracing_close(struct management *m)
{
	if (m->engine == NULL)
		return;
	if (m->tracing.state == TRACING_ON)
		end(m, TRACING_STOPPED);
	if (m->tracing.trace != NULL)
		rcu_wait(engine_rcu(m->engine));
	(void)forget(m);
}
