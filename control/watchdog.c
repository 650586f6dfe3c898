/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Hardware watchdog: see watchdog.h and the kernel's watchdog-api.
 */
#include "watchdog.h"

#include "log.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/watchdog.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

/* A third of its time: one that comes late, or is not taken, costs nothing. */
#define FEEDS_PER_TIMEOUT 3

int
watchdog_check(const char *path, char *err, size_t err_size)
{
	struct stat st;

	if (stat(path, &st) != 0) {
		const int rc = -errno;

		snprintf(err, err_size, "watchdog %s: %s", path, strerror(-rc));
		return rc;
	}
	if (!S_ISCHR(st.st_mode)) {
		snprintf(err, err_size, "watchdog %s: is no device", path);
		return -ENOTTY;
	}
	if (access(path, W_OK) != 0) {
		const int rc = -errno;

		snprintf(err, err_size, "watchdog %s: %s", path, strerror(-rc));
		return rc;
	}
	return 0;
}

int
watchdog_open(struct watchdog *w, const char *path, uint32_t timeout_s, mono_t now, char *err,
	size_t err_size)
{
	struct watchdog_info info = { 0 };
	int timeout = (int)timeout_s, fd, rc = watchdog_check(path, err, err_size);

	if (rc < 0)
		return rc;
	fd = open(path, O_WRONLY | O_CLOEXEC | O_NONBLOCK);
	if (fd < 0) {
		rc = -errno;
		snprintf(err, err_size, "watchdog %s: %s", path, strerror(-rc));
		return rc;
	}
	if (ioctl(fd, WDIOC_GETSUPPORT, &info) != 0) {
		rc = -errno;
		snprintf(err, err_size, "watchdog %s: is no watchdog", path);
		close(fd);
		return rc;
	}
	if (ioctl(fd, WDIOC_SETTIMEOUT, &timeout) != 0 &&
		ioctl(fd, WDIOC_GETTIMEOUT, &timeout) != 0)
		timeout = (int)timeout_s;
	if (timeout < 1)
		timeout = 1;
	LOG(NOTICE, "watchdog: %s resets this machine %d s after the last sign of life%s", path,
		timeout,
		info.options & WDIOF_MAGICCLOSE ? "" : "; it goes on when this daemon ends");
	watchdog_attach(w, fd, (uint32_t)timeout, now);
	return 0;
}

void
watchdog_attach(struct watchdog *w, int fd, uint32_t timeout_s, mono_t now)
{
	*w = (struct watchdog){
		.fd = fd, .period_ns = timeout_s * NS_PER_SEC / FEEDS_PER_TIMEOUT, .due = now
	};
}

bool
watchdog_due(const struct watchdog *w, mono_t now)
{
	return w->fd >= 0 && !mono_before(now, w->due);
}

static bool
say(struct watchdog *w, char c)
{
	ssize_t n;

	do
		n = write(w->fd, &c, 1);
	while (n < 0 && errno == EINTR);
	return n == 1;
}

int
watchdog_feed(struct watchdog *w, const uint64_t *turns, uint32_t count, mono_t now)
{
	const int stuck = liveness_look(&w->cores, turns, count, "the watchdog");

	w->due.ns = now.ns + w->period_ns;
	if (stuck >= 0)
		return stuck;
	if (say(w, '.'))
		w->fed++;
	else if (w->failed++ == 0)
		LOG(ERROR, "watchdog: cannot be fed: %s", strerror(errno));
	return stuck;
}

void
watchdog_close(struct watchdog *w)
{
	if (w->fd < 0)
		return;
	if (!say(w, 'V'))
		LOG(ERROR, "watchdog: cannot be stopped: %s", strerror(errno));
	close(w->fd);
	w->fd = -1;
}
