/* SPDX-License-Identifier: BSD-3-Clause */
#include "dpdk_log.h"

#include "log.h"

#include <rte_log.h>

#include <errno.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/types.h>

static struct {
	FILE *stream;	       /* its lock guards `first` */
	char first[256];       /* any thread, under the stream's lock */
	_Atomic(bool) started; /* management writes, any thread reads */
} state;

static enum log_level
level_now(void)
{
	const unsigned int level = (unsigned int)rte_log_cur_msg_loglevel();

	if (!atomic_load_explicit(&state.started, memory_order_relaxed) || level >= RTE_LOG_DEBUG)
		return LOG_LEVEL_DEBUG;
	if (level <= RTE_LOG_ERR)
		return LOG_LEVEL_ERROR;
	if (level == RTE_LOG_WARNING)
		return LOG_LEVEL_WARNING;
	return level == RTE_LOG_NOTICE ? LOG_LEVEL_NOTICE : LOG_LEVEL_INFO;
}

/* A message of DPDK: one line, rarely several or a piece of one. */
static ssize_t
take(void *cookie, const char *text, size_t size)
{
	const char *const end = text + size;

	(void)cookie;
	for (const char *at = text; at < end;) {
		const char *stop = memchr(at, '\n', (size_t)(end - at));
		const int len = (int)((stop != NULL ? stop : end) - at);

		if (len > 0) {
			log_write(level_now(), "dpdk: %.*s", len, at);
			if (state.first[0] == '\0')
				snprintf(state.first, sizeof(state.first), "%.*s", len, at);
		}
		at += len + 1;
	}
	return (ssize_t)size;
}

int
dpdk_log_open(void)
{
	state.stream = fopencookie(NULL, "w", (cookie_io_functions_t){ .write = take });
	if (state.stream == NULL)
		return -errno;
	return rte_openlog_stream(state.stream);
}

const char *
dpdk_log_reason(char *out, size_t size)
{
	flockfile(state.stream);
	snprintf(out, size, "%s", state.first);
	funlockfile(state.stream);
	return out;
}

void
dpdk_log_forget(void)
{
	flockfile(state.stream);
	state.first[0] = '\0';
	funlockfile(state.stream);
}

void
dpdk_log_started(void)
{
	atomic_store_explicit(&state.started, true, memory_order_relaxed);
}
