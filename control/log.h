/*
 * One-line logs: object, old state, new state, cause.  Any thread but workers.  A line is
 * "<level> <tag>: text", written to stderr (and so to the journal) by one write(2) of at most
 * 1 KiB; control characters and bytes outside ASCII, which may come from outside, become '?'.
 *
 * After log_start() only the thread that called it (management) writes.  Lines of other threads,
 * which must never wait for a slow stderr, go through a queue that log_drain() empties; when it
 * is full they are counted and lost.  Before log_start(), and in tests, lines are written at once.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

enum log_level {
	LOG_LEVEL_ERROR,
	LOG_LEVEL_WARNING,
	LOG_LEVEL_NOTICE,
	LOG_LEVEL_INFO,
	LOG_LEVEL_DEBUG
};

extern const char *const log_level_names[LOG_LEVEL_DEBUG + 1];

/* log_start: by the management thread, once, while no other thread logs yet. => 0 or -errno. */
int log_start(const char *tag, enum log_level max);
/* log_stop: drain, then write at once again.  No other thread may log any more. */
void log_stop(void);
void log_drain(void); /* management thread */
uint64_t log_lost(void);

void log_write(enum log_level, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* Rate limit for anything a packet can cause, one object per kind of line and owned by one thread:
 * if (log_allowed(&limit, now.ns)) LOG(...), at most one line a second. */
struct log_limit {
	uint64_t next_ns;
	uint64_t suppressed; /* lines not written so far */
};
bool log_allowed(struct log_limit *, uint64_t now_ns);

#define LOG(level, ...) log_write(LOG_LEVEL_##level, __VA_ARGS__)
