/* SPDX-License-Identifier: BSD-3-Clause */
#include "capture_writer.h"

#include "pcapng.h"

#include <rte_lcore.h>

#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#define IDLE_NS	  2000000 /* between two looks at empty rings */
#define PRIORITY  10	  /* nice */
#define BLOCK_MAX 8192	  /* a packet's block without the packet, and the end of the file */
#define BATCH	  4096	  /* packets between two looks at what the management thread says */

/* The oldest frame of a worker's ring. */
struct pending {
	bool is;
	struct capture_head head;
	uint8_t data[CAPTURE_SNAPLEN_MAX + CAPTURE_ELEMENT];
};

struct capture_writer {
	struct capture_writer_params params;
	uint16_t workers;
	pthread_t thread;
	uint32_t number[DROP_PLACES]; /* of the interface in the file */
	uint64_t taken[DROP_PLACES];
	_Atomic(uint64_t) packets, bytes;
	_Atomic(bool) full, finish, over;
	_Atomic(int) error;
	struct pending pending[];
};

static void
wrote(struct capture_writer *w, uint32_t bytes)
{
	if (bytes == 0) {
		atomic_store(&w->error, errno != 0 ? errno : EIO);
		atomic_store(&w->full, true);
	}
	atomic_fetch_add(&w->bytes, bytes);
}

/* Interfaces by their names, then ports by theirs. */
static void
describe(struct capture_writer *w)
{
	const struct snapshot *s = engine_snapshot(w->params.engine);
	uint32_t number = 0;
	char text[160];

	wrote(w, pcapng_begin(w->params.file, "twinwall " TWINWALL_VERSION));
	for (uint16_t i = 0; s != NULL && i < s->interface_count; i++) {
		const struct snapshot_interface *in = &s->interfaces[i];
		const struct port *port = engine_port(w->params.engine, in->port);

		snprintf(text, sizeof(text), "zone %s, port %s", s->zones[in->zone].name,
			port != NULL ? port->name : "none");
		wrote(w, pcapng_interface(w->params.file, in->name, text, w->params.snaplen));
		w->number[i] = number++;
	}
	for (uint16_t p = 0; p < engine_port_count(w->params.engine); p++) {
		wrote(w, pcapng_interface(w->params.file, engine_port(w->params.engine, p)->name,
				 "frames that belong to no interface", w->params.snaplen));
		w->number[DROP_PLACE_PORT(p)] = number++;
	}
}

static void
write_packet(struct capture_writer *w, const struct pending *p)
{
	const bool dropped = p->head.where == CAPTURE_DROPPED;
	char comment[160] = "";

	/* The size is never exceeded; what is at the end of the file was kept free. */
	if (atomic_load(&w->bytes) + p->head.kept + BLOCK_MAX > w->params.size) {
		atomic_store(&w->full, true);
		return;
	}
	if (dropped)
		snprintf(comment, sizeof(comment), "dropped: %s: %s", drop_names[p->head.reason],
			drop_texts[p->head.reason]);
	wrote(w, pcapng_packet(w->params.file,
			 &(struct pcapng_packet){
				 .interface = w->number[p->head.place],
				 .ns = w->params.wall + p->head.at,
				 .len = p->head.len,
				 .kept = p->head.kept,
				 .data = p->data,
				 .direction = p->head.where == CAPTURE_IN    ? PCAPNG_INBOUND
					      : p->head.where == CAPTURE_OUT ? PCAPNG_OUTBOUND
									     : PCAPNG_UNKNOWN,
				 .comment = comment,
			 }));
	w->taken[p->head.place]++;
	if (atomic_fetch_add(&w->packets, 1) + 1 >= w->params.count)
		atomic_store(&w->full, true);
}

/* => the worker with the oldest frame, -1: all rings are empty. */
static int
oldest(struct capture_writer *w)
{
	uint64_t at = UINT64_MAX;
	int found = -1;

	for (uint16_t i = 0; i < w->workers; i++) {
		struct pending *p = &w->pending[i];

		if (!p->is)
			p->is = capture_take(w->params.capture, i, &p->head, p->data);
		if (p->is && p->head.at < at) {
			at = p->head.at;
			found = i;
		}
	}
	return found;
}

/* => how many frames were there, up to BATCH. */
static unsigned int
drain(struct capture_writer *w)
{
	for (unsigned int n = 0; n < BATCH; n++) {
		const int worker = oldest(w);

		if (worker < 0)
			return n;
		if (!atomic_load_explicit(&w->full, memory_order_relaxed))
			write_packet(w, &w->pending[worker]);
		w->pending[worker].is = false;
	}
	return BATCH;
}

static void
end(struct capture_writer *w)
{
	struct timespec now;
	int rc;

	clock_gettime(CLOCK_REALTIME, &now);
	for (uint16_t place = 0; atomic_load(&w->error) == 0 && place < DROP_PLACES; place++) {
		const uint64_t missed = capture_missed(w->params.capture, place);

		if (w->taken[place] > 0 || missed > 0)
			wrote(w, pcapng_statistics(w->params.file, w->number[place],
					 (uint64_t)now.tv_sec * NS_PER_SEC + (uint64_t)now.tv_nsec,
					 w->taken[place], missed));
	}
	rc = fclose(w->params.file);
	if (rc != 0 && atomic_load(&w->error) == 0)
		atomic_store(&w->error, errno);
	atomic_store(&w->over, true);
}

static void *
run(void *arg)
{
	static const struct timespec idle = { .tv_nsec = IDLE_NS };
	struct capture_writer *w = arg;

	(void)setpriority(PRIO_PROCESS, (id_t)syscall(SYS_gettid), PRIORITY);
	for (;;) {
		const bool last = atomic_load(&w->finish);
		const unsigned int n = drain(w);

		if (n == BATCH)
			continue;
		if (last)
			break;
		if (n > 0) {
			/* What is captured can be read while the capture goes on. */
			if (fflush(w->params.file) != 0)
				wrote(w, 0);
		}
		nanosleep(&idle, NULL);
	}
	end(w);
	return NULL;
}

struct capture_writer *
capture_writer_start(const struct capture_writer_params *params, char *err, size_t err_size)
{
	const uint16_t workers = engine_worker_count(params->engine);
	struct capture_writer *w = calloc(1, sizeof(*w) + workers * sizeof(struct pending));
	int rc = ENOMEM;

	if (w == NULL)
		goto err_file;
	w->params = *params;
	w->workers = workers;
	describe(w);
	rc = -rte_ctrl_thread_create(&w->thread, "capture", NULL, run, w);
	if (rc == 0)
		return w;
	free(w);
err_file:
	fclose(params->file);
	snprintf(err, err_size, "capture: %s", strerror(rc));
	return NULL;
}

void
capture_writer_finish(struct capture_writer *w)
{
	atomic_store(&w->finish, true);
}

void
capture_writer_status(const struct capture_writer *w, struct capture_writer_status *st)
{
	*st = (struct capture_writer_status){
		.packets = atomic_load(&w->packets),
		.bytes = atomic_load(&w->bytes),
		.full = atomic_load(&w->full),
		.error = atomic_load(&w->error),
		.over = atomic_load(&w->over),
	};
}

void
capture_writer_join(struct capture_writer *w)
{
	pthread_join(w->thread, NULL);
	free(w);
}
