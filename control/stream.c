/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Byte streams of console and JSON clients.  Management thread only; nothing blocks.
 */
#include "stream.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

/* How much one client may take of one turn of the loop. */
#define READ_STEP  4096
#define WRITE_STEP (64 * 1024)
#define OUT_START  4096

static int
set_nonblocking(int fd)
{
	const int flags = fcntl(fd, F_GETFL);

	if (flags < 0 || (!(flags & O_NONBLOCK) && fcntl(fd, F_SETFL, flags | O_NONBLOCK) != 0))
		return -errno;
	return 0;
}

int
stream_open(struct stream *s, int epfd, int in_fd, int out_fd, size_t in_max,
	void (*ready)(struct loop_source *, uint32_t), mono_t now)
{
	struct epoll_event ev = { .data.ptr = &s->source };
	int rc;

	*s = (struct stream){ .source.ready = ready,
		.epfd = epfd,
		.in_fd = in_fd,
		.out_fd = out_fd,
		.in_max = in_max,
		.last_line = now,
		.last_taken = now };
	s->in = malloc(in_max);
	rc = s->in == NULL ? -ENOMEM : set_nonblocking(in_fd);
	if (rc == 0 && out_fd != in_fd)
		rc = set_nonblocking(out_fd);
	if (rc == 0 && epoll_ctl(epfd, EPOLL_CTL_ADD, in_fd, &ev) != 0)
		rc = -errno;
	if (rc == 0 && out_fd != in_fd && epoll_ctl(epfd, EPOLL_CTL_ADD, out_fd, &ev) != 0)
		rc = -errno;
	if (rc != 0)
		stream_close(s);
	return rc;
}

int
stream_release(struct stream *s)
{
	int fd = s->in_fd;

	/* A descriptor somebody else holds too would stay in the set after close(). */
	epoll_ctl(s->epfd, EPOLL_CTL_DEL, s->in_fd, NULL);
	if (s->out_fd != s->in_fd) {
		epoll_ctl(s->epfd, EPOLL_CTL_DEL, s->out_fd, NULL);
		close(s->out_fd);
		close(s->in_fd);
		fd = -1;
	}
	free(s->in);
	free(s->out);
	s->in = s->out = NULL;
	s->in_len = s->out_len = s->out_cap = 0;
	s->dead = true;
	return fd;
}

void
stream_close(struct stream *s)
{
	const int fd = stream_release(s);

	if (fd >= 0)
		close(fd);
}

/* Somebody who has closed for good cannot want what he has half written: a command cut by a
 * client's end must not run.  Who has only shut down his sending side waits for the answer. */
static bool
awaited(const struct stream *s)
{
	struct pollfd p = { .fd = s->out_fd };

	return poll(&p, 1, 0) == 0;
}

void
stream_read(struct stream *s)
{
	const size_t room = s->in_max - s->in_len;
	ssize_t n;

	if (room == 0 || s->eof)
		return;
	do {
		n = read(s->in_fd, s->in + s->in_len, room < READ_STEP ? room : READ_STEP);
	} while (n < 0 && errno == EINTR);
	if (n > 0) {
		s->in_len += (size_t)n;
		s->open_line = s->in[s->in_len - 1] != '\n' && s->in[s->in_len - 1] != '\r';
	} else if (n == 0) {
		s->eof = true;
		if (s->open_line && awaited(s))
			s->in[s->in_len++] = '\n';
		if (s->in_fd != s->out_fd) /* else a closed pipe's EPOLLHUP would fire for ever */
			epoll_ctl(s->epfd, EPOLL_CTL_DEL, s->in_fd, NULL);
	} else if (errno != EAGAIN) {
		s->dead = true;
	}
}

void
stream_consume(struct stream *s, size_t n)
{
	memmove(s->in, s->in + n, s->in_len - n);
	s->in_len -= n;
}

void
stream_flush(struct stream *s, mono_t now)
{
	size_t budget = WRITE_STEP;

	while (s->out_len > 0 && budget > 0 && !s->dead) {
		const size_t want = s->out_len < budget ? s->out_len : budget;
		/* SIGPIPE is ignored by the daemon, so write() serves sockets and terminals. */
		const ssize_t n = write(s->out_fd, s->out + s->out_head, want);

		if (n > 0) {
			s->out_head += (size_t)n;
			s->out_len -= (size_t)n;
			budget -= (size_t)n;
			s->last_taken = now;
		} else if (n < 0 && errno == EAGAIN) {
			break;
		} else if (n == 0 || errno != EINTR) {
			s->dead = true;
		}
	}
	if (s->out_len == 0) {
		s->out_head = 0;
		s->cut = false;
		s->last_taken = now; /* nothing waits: the client is not deaf */
		if (s->out_cap > OUT_START) {
			free(s->out);
			s->out = NULL;
			s->out_cap = 0;
		}
	}
}

static void
rearm(struct stream *s, int fd, uint32_t *armed, uint32_t want)
{
	struct epoll_event ev = { .events = want, .data.ptr = &s->source };

	if (*armed != want && epoll_ctl(s->epfd, EPOLL_CTL_MOD, fd, &ev) == 0)
		*armed = want;
}

void
stream_arm(struct stream *s, bool want_in, bool busy)
{
	const uint32_t in = want_in && !s->eof && s->in_len < s->in_max ? EPOLLIN : 0;
	const uint32_t out = s->out_len > 0 || busy ? EPOLLOUT : 0;

	if (s->in_fd == s->out_fd) {
		rearm(s, s->in_fd, &s->armed_in, in | out);
	} else {
		rearm(s, s->in_fd, &s->armed_in, in);
		rearm(s, s->out_fd, &s->armed_out, out);
	}
}

/* reserve: room for n more bytes at the end. => false: over the limit or out of memory. */
static bool
reserve(struct stream *s, size_t n)
{
	size_t cap = s->out_cap > 0 ? s->out_cap : OUT_START;
	char *grown;

	if (s->out_len + n > STREAM_MAX)
		return false;
	if (s->out_head + s->out_len + n <= s->out_cap)
		return true;
	if (s->out_head > 0) {
		memmove(s->out, s->out + s->out_head, s->out_len);
		s->out_head = 0;
	}
	while (cap < s->out_len + n)
		cap *= 2;
	if (cap == s->out_cap)
		return true;
	grown = realloc(s->out, cap);
	if (grown == NULL)
		return false;
	s->out = grown;
	s->out_cap = cap;
	return true;
}

void
stream_raw(struct stream *s, const void *data, size_t n)
{
	if (s->dead || s->cut || n == 0)
		return;
	if (!reserve(s, n)) {
		s->cut = true;
		return;
	}
	memcpy(s->out + s->out_head + s->out_len, data, n);
	s->out_len += n;
}

void
stream_text(struct stream *s, const char *text, size_t n)
{
	size_t at = s->out_len;

	stream_raw(s, text, n);
	for (; at < s->out_len; at++) {
		unsigned char *c = (unsigned char *)&s->out[s->out_head + at];

		if ((*c < 0x20 && *c != '\n' && *c != '\t') || *c == 0x7f)
			*c = '?';
	}
}

const char *
stream_expired(const struct stream *s, bool busy, mono_t now)
{
	if ((s->out_len > 0 || busy) && mono_since_ms(now, s->last_taken) >= STREAM_UNREAD_MS)
		return "does not read";
	if (mono_since_ms(now, s->last_line) >= STREAM_IDLE_MS)
		return "idle";
	return NULL;
}
