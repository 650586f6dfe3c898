/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Lines of other threads wait in a bounded queue (D. Vyukov's: a turn number per slot).  A thread
 * that is preempted in the middle of a line holds up nobody but log_drain(), which comes again;
 * rte_ring's producers would wait for it.
 *
 * State is file-scope, as DPDK's log types are: a log line must not need an argument.
 */
#include "log.h"

#include <errno.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define LINE_SIZE   1024 /* with its newline, without a NUL */
#define QUEUE_LINES 256	 /* power of two */

struct line {
	uint32_t len;
	char text[LINE_SIZE];
};

/* Slot i is free for the line number `turn` (turn % QUEUE_LINES == i); turn is one more while that
 * line is in it, and QUEUE_LINES more when it has been taken out. */
struct slot {
	_Atomic(uint32_t) turn; /* every thread, release/acquire */
	struct line line;	/* whoever has the turn */
};

struct queue {
	_Atomic(uint32_t) next; /* number of the next line put in; every thread */
	uint32_t first;		/* of the next line taken out; management only */
	struct slot slots[QUEUE_LINES];
};

static struct {
	char tag[16];	  /* management writes before `queue` is set, as the next two */
	_Atomic(int) max; /* enum log_level; any thread reads */
	pthread_t management;
	_Atomic(struct queue *) queue; /* management writes, every thread reads; NULL = at once */
	_Atomic(uint64_t) lost;	       /* every thread adds */
	uint64_t lost_told;	       /* management only */
} state = { .tag = "twinwalld", .max = LOG_LEVEL_INFO };

const char *const log_level_names[LOG_LEVEL_DEBUG + 1] = {
	[LOG_LEVEL_ERROR] = "error",
	[LOG_LEVEL_WARNING] = "warning",
	[LOG_LEVEL_NOTICE] = "notice",
	[LOG_LEVEL_INFO] = "info",
	[LOG_LEVEL_DEBUG] = "debug",
};

static void
copy_line(struct line *to, const struct line *from)
{
	to->len = from->len;
	memcpy(to->text, from->text, from->len);
}

/* => false: full */
static bool
queue_put(struct queue *q, const struct line *line)
{
	uint32_t number = atomic_load_explicit(&q->next, memory_order_relaxed);
	struct slot *slot;

	for (;;) {
		uint32_t turn;

		slot = &q->slots[number % QUEUE_LINES];
		turn = atomic_load_explicit(&slot->turn, memory_order_acquire);
		if ((int32_t)(turn - number) < 0)
			return false;
		if (turn != number)
			number = atomic_load_explicit(&q->next, memory_order_relaxed);
		else if (atomic_compare_exchange_weak_explicit(&q->next, &number, number + 1,
				 memory_order_relaxed, memory_order_relaxed))
			break;
	}
	copy_line(&slot->line, line);
	atomic_store_explicit(&slot->turn, number + 1, memory_order_release);
	return true;
}

/* => false: empty, or the next line is still being written */
static bool
queue_take(struct queue *q, struct line *line)
{
	struct slot *slot = &q->slots[q->first % QUEUE_LINES];

	if (atomic_load_explicit(&slot->turn, memory_order_acquire) != q->first + 1)
		return false;
	copy_line(line, &slot->line);
	atomic_store_explicit(&slot->turn, q->first + QUEUE_LINES, memory_order_release);
	q->first++;
	return true;
}

static void
write_line(const struct line *line)
{
	ssize_t n;

	do
		n = write(STDERR_FILENO, line->text, line->len);
	while (n < 0 && errno == EINTR);
	if (n < 0)
		atomic_fetch_add_explicit(&state.lost, 1, memory_order_relaxed);
}

/* Format a line; what may come from outside loses its control characters. */
static void __attribute__((format(printf, 3, 0)))
fill_line(struct line *line, enum log_level level, const char *fmt, va_list ap)
{
	const size_t size = LINE_SIZE - 1;
	size_t used;
	int n;

	n = snprintf(line->text, size, "%s %s: ", log_level_names[level], state.tag);
	used = n > 0 ? (size_t)n : 0;
	n = vsnprintf(line->text + used, size - used, fmt, ap);
	if (n > 0)
		used += (size_t)n < size - used ? (size_t)n : size - used - 1;
	for (size_t i = 0; i < used; i++) {
		if (line->text[i] < ' ' || line->text[i] > '~')
			line->text[i] = '?';
	}
	line->text[used++] = '\n';
	line->len = (uint32_t)used;
}

static void __attribute__((format(printf, 2, 3)))
write_now(enum log_level level, const char *fmt, ...)
{
	struct line line;
	va_list ap;

	va_start(ap, fmt);
	fill_line(&line, level, fmt, ap);
	va_end(ap);
	write_line(&line);
}

int
log_start(const char *tag, enum log_level max)
{
	struct queue *q = calloc(1, sizeof(*q));

	if (q == NULL)
		return -ENOMEM;
	for (uint32_t i = 0; i < QUEUE_LINES; i++)
		atomic_init(&q->slots[i].turn, i);
	snprintf(state.tag, sizeof(state.tag), "%s", tag);
	state.management = pthread_self();
	atomic_store(&state.max, max);
	atomic_store(&state.lost, 0);
	state.lost_told = 0;
	atomic_store_explicit(&state.queue, q, memory_order_release);
	return 0;
}

void
log_stop(void)
{
	struct queue *q = atomic_load(&state.queue);

	log_drain();
	atomic_store(&state.queue, NULL);
	free(q);
}

void
log_drain(void)
{
	struct queue *q = atomic_load_explicit(&state.queue, memory_order_acquire);
	uint64_t lost;
	struct line line;

	if (q == NULL)
		return;
	/* At most one queue full: busy writers must not keep the management thread here. */
	for (unsigned int i = 0; i < QUEUE_LINES && queue_take(q, &line); i++)
		write_line(&line);
	lost = atomic_load_explicit(&state.lost, memory_order_relaxed);
	if (lost != state.lost_told) {
		write_now(LOG_LEVEL_WARNING, "log: %llu lines lost",
			(unsigned long long)(lost - state.lost_told));
		state.lost_told = lost;
	}
}

uint64_t
log_lost(void)
{
	return atomic_load_explicit(&state.lost, memory_order_relaxed);
}

void
log_write(enum log_level level, const char *fmt, ...)
{
	struct queue *q = atomic_load_explicit(&state.queue, memory_order_acquire);
	struct line line;
	va_list ap;

	if ((int)level > atomic_load_explicit(&state.max, memory_order_relaxed))
		return;
	va_start(ap, fmt);
	fill_line(&line, level, fmt, ap);
	va_end(ap);
	if (q == NULL) {
		write_line(&line);
	} else if (pthread_equal(pthread_self(), state.management)) {
		log_drain(); /* what others said before comes first */
		write_line(&line);
	} else if (!queue_put(q, &line)) {
		atomic_fetch_add_explicit(&state.lost, 1, memory_order_relaxed);
	}
}

bool
log_allowed(struct log_limit *limit, uint64_t now_ns)
{
	if (now_ns < limit->next_ns) {
		limit->suppressed++;
		return false;
	}
	limit->next_ns = now_ns + UINT64_C(1000000000);
	return true;
}
