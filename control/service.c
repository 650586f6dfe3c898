/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Service manager: see service.h.
 */
#include "service.h"

#include <errno.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static int
number_of(const char *text, uint64_t *out)
{
	char *end;

	if (text[0] < '0' || text[0] > '9')
		return -EINVAL;
	errno = 0;
	*out = strtoull(text, &end, 10);
	return errno != 0 || *end != '\0' ? -EINVAL : 0;
}

/* A path, or '@' and a name without a file. */
static int
address_of(struct service *s, const char *path)
{
	const size_t len = strlen(path);

	if ((path[0] != '/' && path[0] != '@') || len < 2 || len >= sizeof(s->to.sun_path))
		return -EINVAL;
	s->to.sun_family = AF_UNIX;
	memcpy(s->to.sun_path, path, len);
	if (path[0] == '@')
		s->to.sun_path[0] = '\0';
	s->to_len = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + len);
	return 0;
}

/* WATCHDOG_USEC is for the process WATCHDOG_PID names. */
static int
period_of(struct service *s)
{
	const char *const usec = getenv("WATCHDOG_USEC"), *const pid = getenv("WATCHDOG_PID");
	uint64_t us = 0, whose = 0;

	if (usec == NULL)
		return 0;
	if (number_of(usec, &us) != 0 || us == 0 || us > UINT64_MAX / NS_PER_US ||
		(pid != NULL && number_of(pid, &whose) != 0))
		return -EINVAL;
	if (pid == NULL || whose == (uint64_t)getpid())
		s->period_ns = us * NS_PER_US / 2; /* as sd_watchdog_enabled(3) asks for */
	return 0;
}

int
service_open(struct service *s, mono_t now)
{
	const char *const path = getenv("NOTIFY_SOCKET");
	int rc = 0;

	*s = (struct service){ .fd = -1, .due = now };
	if (path != NULL) {
		rc = address_of(s, path);
		rc = rc == 0 ? period_of(s) : rc;
	}
	if (path != NULL && rc == 0) {
		s->fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
		rc = s->fd >= 0 ? 0 : -errno;
	}
	unsetenv("NOTIFY_SOCKET");
	unsetenv("WATCHDOG_USEC");
	unsetenv("WATCHDOG_PID");
	return rc;
}

void
service_close(struct service *s)
{
	if (s->fd >= 0)
		close(s->fd);
	s->fd = -1;
}

static void
say(struct service *s, const char *text)
{
	const size_t len = strlen(text);

	if (s->fd < 0)
		return;
	if (sendto(s->fd, text, len, MSG_NOSIGNAL, (const struct sockaddr *)&s->to, s->to_len) ==
		(ssize_t)len)
		s->sent++;
	else
		s->lost++;
}

void
service_ready(struct service *s)
{
	say(s, "READY=1");
}

void
service_stopping(struct service *s)
{
	say(s, "STOPPING=1");
}

bool
service_due(const struct service *s, mono_t now)
{
	return s->fd >= 0 && s->period_ns != 0 && !mono_before(now, s->due);
}

int
service_alive(struct service *s, const uint64_t *turns, uint32_t count, mono_t now)
{
	const int stuck = liveness_look(&s->cores, turns, count, "the service manager");

	s->due.ns = now.ns + s->period_ns;
	if (stuck < 0)
		say(s, "WATCHDOG=1");
	return stuck;
}
