/*
 * The trace an operator has started: begins, ends by itself, and keeps what the workers wrote until
 * the next one (fastpath/trace.h).
 *
 * Management thread only.
 */
#pragma once

#include "clock.h"
#include "engine.h"
#include "trace.h"

#include <stdbool.h>
#include <stdint.h>

struct management;

enum tracing_state { TRACING_NONE, TRACING_ON, TRACING_COUNT, TRACING_TIME, TRACING_STOPPED };

/* A member of struct management, zero at first. */
struct tracing {
	enum tracing_state state; /* the last three: why it has ended */
	struct trace *trace;	  /* workers have it or may still have it */
	uint64_t grace;		  /* after the end: when no worker has it any more */
	mono_t until;
	uint64_t wall; /* ns since 1970 at 0 of the engine's clock */
	uint32_t count, records;
	struct trace_record *record; /* [count], of all workers in order of time */
	uint32_t taken[MAX_WORKERS]; /* of each worker */
	struct trace_counts counts;
	char words[256]; /* as the operator wrote it */
};

/* tracing_start: `words` of the console.  => false with a reason. */
bool tracing_start(struct management *, const char *words, char *err, size_t err_size);
/* tracing_stop: => false: none is on. */
bool tracing_stop(struct management *);
/* tracing_poll: take what has been written; end the trace when it is time. */
void tracing_poll(struct management *);
/* tracing_close: before the engine goes; may block for a grace period. */
void tracing_close(struct management *);

/* tracing_complete: words that may follow `tail` of "trace start". => count */
int tracing_complete(const struct management *, const char *tail, const char **words, int max);
