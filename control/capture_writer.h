/*
 * The thread that writes a capture: takes frames from the workers' rings, oldest first, and writes
 * them to a pcapng file until it is full or told to finish.  Not an lcore; of low priority, on CPUs
 * that no lcore has.
 *
 * The management thread makes it, asks it to finish when no worker adds any more, and joins it.
 */
#pragma once

#include "capture.h"
#include "engine.h"

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

struct capture_writer;

struct capture_writer_params {
	const struct engine *engine;
	struct capture *capture;
	FILE *file;	      /* is closed by the writer, also if it cannot be made */
	uint64_t wall;	      /* ns since 1970 at 0 of the engine's clock */
	uint64_t count, size; /* packets, bytes; where it ends by itself */
	uint32_t snaplen;
};

struct capture_writer_status {
	uint64_t packets, bytes;
	bool full; /* count or size is reached: nothing is written any more */
	bool over; /* finished; the file is closed */
	int error; /* errno of what the file did not take, 0 = none; it is full then */
};

/* => NULL with a reason. */
struct capture_writer *capture_writer_start(
	const struct capture_writer_params *, char *err, size_t err_size);
/* No worker adds any more: write what is there, and the end of the file. */
void capture_writer_finish(struct capture_writer *);
void capture_writer_status(const struct capture_writer *, struct capture_writer_status *);
/* After capture_writer_finish(); waits until it is over. */
void capture_writer_join(struct capture_writer *);
