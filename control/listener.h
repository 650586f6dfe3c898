/*
 * Unix stream listeners of the management thread: made with care for what lies at the path already
 * (a live daemon's socket, a stale one, a symbolic link), removed at the end if still ours.
 */
#pragma once

#include "loop.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/* Connections taken per turn of the loop, so that a flood does not starve signals and netlink. */
#define LISTENER_ACCEPTS 16

struct listener {
	struct loop_source source;
	int epfd, fd;
	char path[108];
	dev_t dev; /* of the socket file, to recognise it at the end */
	ino_t ino;
	bool paused; /* out of descriptors: no accepts until the next tick */
	void (*accepted)(void *ctx, int fd);
	void *ctx;
};

/* listener_open: `what` names the setting in errors ("system.console_socket").
 * => 0; -EADDRINUSE a running daemon has it; other -errno.  err holds one line. */
int listener_open(struct listener *, int epfd, const char *path, const char *what,
	void (*accepted)(void *ctx, int fd), void *ctx, char *err, size_t err_size);
void listener_tick(struct listener *);
void listener_close(struct listener *);
