/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Last words.  Management thread only.
 */
#include "farewell.h"

#include <errno.h>
#include <stddef.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#define READ_STEP 2048 /* what one client may take of one turn of the loop */

static void
leave(struct farewell_client *c)
{
	epoll_ctl(c->epfd, EPOLL_CTL_DEL, c->fd, NULL);
	close(c->fd);
	c->fd = -1;
}

static void
ready(struct loop_source *source, uint32_t events)
{
	struct farewell_client *c = (struct farewell_client *)source;
	char away[READ_STEP];
	const ssize_t n = recv(c->fd, away, sizeof(away), MSG_DONTWAIT);

	(void)events;
	if (n > 0)
		c->bytes += (uint32_t)n;
	if (n == 0 || (n < 0 && errno != EAGAIN && errno != EINTR) || c->bytes > FAREWELL_BYTES)
		leave(c);
}

void
farewell_init(struct farewell *f, int epfd)
{
	f->epfd = epfd;
	for (uint32_t i = 0; i < FAREWELL_MAX; i++)
		f->client[i].fd = -1;
}

void
farewell_say(struct farewell *f, int fd, mono_t now)
{
	struct farewell_client *c = &f->client[0];
	struct epoll_event ev = { .events = EPOLLIN };

	for (uint32_t i = 0; i < FAREWELL_MAX && c->fd >= 0; i++)
		if (f->client[i].fd < 0 || f->client[i].since.ns < c->since.ns)
			c = &f->client[i];
	if (c->fd >= 0)
		leave(c);
	ev.data.ptr = &c->source;
	if (shutdown(fd, SHUT_WR) != 0 || epoll_ctl(f->epfd, EPOLL_CTL_ADD, fd, &ev) != 0) {
		close(fd); /* gone already, or no socket */
		return;
	}
	*c = (struct farewell_client){
		.source.ready = ready, .fd = fd, .epfd = f->epfd, .since = now
	};
}

void
farewell_tick(struct farewell *f, mono_t now)
{
	for (uint32_t i = 0; i < FAREWELL_MAX; i++) {
		struct farewell_client *c = &f->client[i];

		if (c->fd >= 0 && mono_since_ms(now, c->since) >= FAREWELL_MS)
			leave(c);
	}
}

void
farewell_end(struct farewell *f)
{
	for (uint32_t i = 0; i < FAREWELL_MAX; i++)
		if (f->client[i].fd >= 0)
			leave(&f->client[i]);
}
