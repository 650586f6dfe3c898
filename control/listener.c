/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Unix stream listeners.  Management thread only.
 *
 * Starts in one folder take turns under a lock on the folder itself, so that two daemons cannot
 * both find the same stale socket and both replace it.
 */
#include "listener.h"

#include "log.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#define LOCK_TRIES 100 /* times 10 ms */

static int __attribute__((format(printf, 4, 5)))
fail(char *err, size_t size, int rc, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(err, size, fmt, ap);
	va_end(ap);
	return rc;
}

/* folder_lock: make the path's folder if it is missing and lock it. => descriptor or -errno. */
static int
folder_lock(const char *path, const char *what, char *err, size_t err_size)
{
	const struct timespec pause = { .tv_nsec = 10 * 1000 * 1000 };
	char folder[sizeof(((struct sockaddr_un *)0)->sun_path)];
	char *slash;
	int fd;

	snprintf(folder, sizeof(folder), "%s", path);
	slash = strrchr(folder, '/');
	if (slash == NULL)
		snprintf(folder, sizeof(folder), ".");
	else
		slash[slash == folder] = '\0';
	if (mkdir(folder, 0755) == 0)
		(void)!chmod(folder, 0755); /* whatever the umask is */
	else if (errno != EEXIST)
		return fail(err, err_size, -errno, "%s: cannot make folder %s: %s", what, folder,
			strerror(errno));
	fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return fail(err, err_size, -errno, "%s: cannot open folder %s: %s", what, folder,
			strerror(errno));
	for (int i = 0; flock(fd, LOCK_EX | LOCK_NB) != 0; i++) {
		if (i == LOCK_TRIES) {
			close(fd);
			return fail(err, err_size, -EBUSY, "%s: folder %s is locked", what, folder);
		}
		nanosleep(&pause, NULL);
	}
	return fd;
}

/* clear_path: remove a stale socket, refuse anything else that lies there. */
static int
clear_path(const struct sockaddr_un *addr, const char *what, char *err, size_t err_size)
{
	const char *path = addr->sun_path;
	struct stat st;
	int fd, rc;

	if (lstat(path, &st) != 0) {
		if (errno == ENOENT)
			return 0;
		return fail(err, err_size, -errno, "%s: %s: %s", what, path, strerror(errno));
	}
	if (S_ISLNK(st.st_mode))
		return fail(err, err_size, -ELOOP, "%s: %s is a symbolic link", what, path);
	if (!S_ISSOCK(st.st_mode))
		return fail(
			err, err_size, -EEXIST, "%s: %s exists and is not a socket", what, path);
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return fail(err, err_size, -errno, "%s: socket: %s", what, strerror(errno));
	rc = connect(fd, (const struct sockaddr *)addr, sizeof(*addr)) == 0 ? 0 : -errno;
	close(fd);
	if (rc == 0 || rc == -EAGAIN)
		return fail(err, err_size, -EADDRINUSE, "%s: %s is in use by a running daemon",
			what, path);
	if (rc != -ECONNREFUSED)
		return fail(err, err_size, rc, "%s: %s: %s", what, path, strerror(-rc));
	if (unlink(path) != 0)
		return fail(err, err_size, -errno, "%s: cannot remove the stale socket %s: %s",
			what, path, strerror(errno));
	return 0;
}

static void
take(struct loop_source *source, uint32_t events)
{
	struct listener *l = (struct listener *)source;

	(void)events;
	for (int i = 0; i < LISTENER_ACCEPTS; i++) {
		const int fd = accept4(l->fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);

		if (fd >= 0) {
			l->accepted(l->ctx, fd);
			continue;
		}
		if (errno == EINTR || errno == ECONNABORTED)
			continue;
		if (errno != EAGAIN) {
			/* Out of descriptors or memory: level-triggered epoll would spin. */
			LOG(WARNING, "%s: accept: %s", l->path, strerror(errno));
			l->paused = epoll_ctl(l->epfd, EPOLL_CTL_DEL, l->fd, NULL) == 0;
		}
		return;
	}
}

static int
watch(struct listener *l)
{
	struct epoll_event ev = { .events = EPOLLIN, .data.ptr = &l->source };

	return epoll_ctl(l->epfd, EPOLL_CTL_ADD, l->fd, &ev) == 0 ? 0 : -errno;
}

int
listener_open(struct listener *l, int epfd, const char *path, const char *what,
	void (*accepted)(void *ctx, int fd), void *ctx, char *err, size_t err_size)
{
	struct sockaddr_un addr = { .sun_family = AF_UNIX };
	struct stat st;
	int folder, rc;

	*l = (struct listener){
		.source.ready = take, .epfd = epfd, .fd = -1, .accepted = accepted, .ctx = ctx
	};
	if (strlen(path) >= sizeof(addr.sun_path))
		return fail(err, err_size, -ENAMETOOLONG,
			"%s: %s is too long, expected at most %zu "
			"characters",
			what, path, sizeof(addr.sun_path) - 1);
	snprintf(addr.sun_path, sizeof(addr.sun_path), "%s", path);
	folder = folder_lock(path, what, err, err_size);
	if (folder < 0)
		return folder;
	rc = clear_path(&addr, what, err, err_size);
	if (rc != 0)
		goto out;
	l->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	/* Nobody can connect before listen(), so the mode is right from the first connection on. */
	if (l->fd < 0 || bind(l->fd, (struct sockaddr *)&addr, sizeof(addr)) != 0) {
		rc = fail(err, err_size, -errno, "%s: cannot make %s: %s", what, path,
			strerror(errno));
		goto out;
	}
	snprintf(l->path, sizeof(l->path), "%s", path);
	if (lstat(path, &st) == 0) {
		l->dev = st.st_dev;
		l->ino = st.st_ino;
	}
	if (chmod(path, 0660) != 0 || listen(l->fd, SOMAXCONN) != 0 || watch(l) != 0)
		rc = fail(err, err_size, -errno, "%s: %s: %s", what, path, strerror(errno));
out:
	close(folder); /* and with it the lock */
	if (rc != 0)
		listener_close(l);
	return rc;
}

void
listener_tick(struct listener *l)
{
	if (l->fd >= 0 && l->paused)
		l->paused = watch(l) != 0;
}

void
listener_close(struct listener *l)
{
	struct stat st;

	if (l->fd < 0)
		return;
	close(l->fd);
	l->fd = -1;
	if (l->path[0] != '\0' && lstat(l->path, &st) == 0 && st.st_dev == l->dev &&
		st.st_ino == l->ino)
		unlink(l->path);
}
