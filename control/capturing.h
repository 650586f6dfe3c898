/*
 * The capture an operator has started: opens the file, begins, ends by itself (fastpath/capture.h,
 * control/capture_writer.h).
 *
 * Management thread only.
 */
#pragma once

#include "capture_writer.h"
#include "clock.h"

#include <stdbool.h>
#include <stdint.h>

struct management;

enum capturing_state {
	CAPTURING_NONE,
	CAPTURING_ON,
	CAPTURING_ENDING, /* no worker is told any more; the file is being finished */
	CAPTURING_ENDED
};

#define CAPTURING_NAME_MAX 64

/* A member of struct management, zero at first. */
struct capturing {
	enum capturing_state state;
	const char *why; /* it ended; NULL: it has not */
	struct capture *capture;
	struct capture_writer *writer;
	uint64_t grace; /* CAPTURING_ENDING: when no worker has it any more */
	bool finishing; /* ... and that has passed */
	mono_t until;
	struct capture_writer_status status; /* as last looked at, and as it ended */
	uint64_t matched, missed;
	char file[192];	 /* path */
	char words[256]; /* as the operator wrote it */
};

/* capturing_start: `name` of a file in system.capture_folder, `words` of the console.
 * => false with a reason. */
bool capturing_start(
	struct management *, const char *name, const char *words, char *err, size_t err_size);
/* capturing_stop: => false: none is on. */
bool capturing_stop(struct management *);
/* capturing_poll: end it when it is time, step by step; never waits. */
void capturing_poll(struct management *);
/* capturing_close: before the engine goes; waits for a grace period and for the file. */
void capturing_close(struct management *);

/* capturing_complete: words that may follow `tail` of "capture start NAME". => count */
int capturing_complete(const struct management *, const char *tail, const char **words, int max);
