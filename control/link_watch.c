/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * An event of the kernel only says "look again": the state itself is always asked for, by name.  So
 * neither old events in the queue nor lost ones (ENOBUFS) can leave a wrong state behind, and an
 * interface that vanishes and comes back, perhaps with another index, is followed.
 */
#include "link_watch.h"

#include "device.h"
#include "log.h"
#include "packet_ring.h"
#include "snapshot.h"
#include "trunk.h"

#include <libmnl/libmnl.h>
#include <rte_ethdev.h>

#include <errno.h>
#include <linux/if.h>
#include <linux/if_link.h>
#include <linux/rtnetlink.h>
#include <stdalign.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#define BUFFER	      16384 /* a link's description with all its attributes */
#define READS	      64    /* datagrams per call, so that a storm of events starves nobody */
#define QUERY_WAIT_MS 200   /* the kernel answers within the send call; this is for surprises */

struct watched {
	bool used;
	bool up;
	bool ask;    /* look again */
	bool backup; /* a trunk of that mode */
	uint16_t ethdev;
	uint16_t active;     /* port: its member that carries the traffic, UINT16_MAX = not known */
	uint32_t members;    /* of a trunk: bit per port */
	int index;	     /* of the kernel interface when last seen, 0 = gone */
	char name[IFNAMSIZ]; /* "" = the kernel does not know this port: ask the driver */
};

struct link_watch {
	link_changed_fn changed;
	link_moved_fn moved;
	void *ctx;
	struct mnl_socket *events;
	struct watched ports[MAX_PORTS];
	uint64_t lost;			/* times the kernel's queue overflowed */
	alignas(8) char buffer[BUFFER]; /* of the message being read or written */
};

/* ---- asking the kernel ---- */

static const char *
link_name(struct nlmsghdr *h)
{
	struct nlattr *attr;

	mnl_attr_for_each(attr, h, sizeof(struct ifinfomsg))
	{
		if (mnl_attr_get_type(attr) == IFLA_IFNAME &&
			mnl_attr_validate(attr, MNL_TYPE_NUL_STRING) >= 0)
			return mnl_attr_get_str(attr);
	}
	return "";
}

static bool
is_link_message(const struct nlmsghdr *h)
{
	return (h->nlmsg_type == RTM_NEWLINK || h->nlmsg_type == RTM_DELLINK) &&
	       mnl_nlmsg_get_payload_len(h) >= sizeof(struct ifinfomsg);
}

static int
send_query(const struct mnl_socket *s, const char *name, char *buffer)
{
	struct nlmsghdr *h = mnl_nlmsg_put_header(buffer);
	struct ifinfomsg *info;

	h->nlmsg_type = RTM_GETLINK;
	h->nlmsg_flags = NLM_F_REQUEST;
	h->nlmsg_seq = 1;
	info = mnl_nlmsg_put_extra_header(h, sizeof(*info));
	info->ifi_family = AF_UNSPEC;
	mnl_attr_put_strz(h, IFLA_IFNAME, name);
	mnl_attr_put_u32(h, IFLA_EXT_MASK, RTEXT_FILTER_SKIP_STATS);
	return mnl_socket_sendto(s, h, h->nlmsg_len) < 0 ? -errno : 0;
}

/* The answer to send_query: one link, or an error. */
static int
read_answer(const struct mnl_socket *s, char *buffer, int *index, bool *up)
{
	const unsigned int need = IFF_UP | IFF_RUNNING | IFF_LOWER_UP;
	const ssize_t n = mnl_socket_recvfrom(s, buffer, BUFFER);
	const struct nlmsghdr *h = (const void *)buffer;
	int left = (int)n;

	if (n < 0)
		return -errno;
	if (!mnl_nlmsg_ok(h, left))
		return -EBADMSG;
	if (h->nlmsg_type == NLMSG_ERROR &&
		mnl_nlmsg_get_payload_len(h) >= sizeof(struct nlmsgerr)) {
		const struct nlmsgerr *e = mnl_nlmsg_get_payload(h);

		return e->error < 0 ? e->error : -EBADMSG;
	}
	if (h->nlmsg_type != RTM_NEWLINK || !is_link_message(h))
		return -EBADMSG;
	*index = ((const struct ifinfomsg *)mnl_nlmsg_get_payload(h))->ifi_index;
	*up = (((const struct ifinfomsg *)mnl_nlmsg_get_payload(h))->ifi_flags & need) == need;
	return 0;
}

/* kernel_state: the state of an interface now.
 * => 0, also when there is no such interface (*index = 0, down); -errno: not known. */
static int
kernel_state(struct link_watch *w, const char *name, int *index, bool *up)
{
	/* A socket of its own, so that no answer of an earlier question can be in it. */
	struct mnl_socket *s = mnl_socket_open2(NETLINK_ROUTE, SOCK_CLOEXEC);
	const struct timeval wait = { .tv_usec = QUERY_WAIT_MS * 1000 };
	int rc;

	*index = 0;
	*up = false;
	if (s == NULL)
		return -errno;
	rc = setsockopt(mnl_socket_get_fd(s), SOL_SOCKET, SO_RCVTIMEO, &wait, sizeof(wait)) < 0 ||
			     mnl_socket_bind(s, 0, MNL_SOCKET_AUTOPID) < 0
		     ? -errno
		     : send_query(s, name, w->buffer);
	if (rc == 0)
		rc = read_answer(s, w->buffer, index, up);
	mnl_socket_close(s);
	return rc == -ENODEV ? 0 : rc;
}

/* ---- states ---- */

static void
set_state(struct link_watch *w, uint16_t port, bool up, bool first)
{
	struct watched *p = &w->ports[port];

	if (!first && p->up == up)
		return;
	p->up = up;
	w->changed(w->ctx, port, up);
}

/* The port of a trunk's member. => UINT16_MAX: none. */
static uint16_t
member_port(const struct link_watch *w, uint32_t members, uint16_t ethdev)
{
	for (; members != 0; members &= members - 1) {
		const uint16_t port = (uint16_t)__builtin_ctz(members);

		if (w->ports[port].ethdev == ethdev)
			return port;
	}
	return UINT16_MAX;
}

/* Which member carries the traffic, and has it a carrier?  The driver sees to that itself for NICs,
 * but not for kernel interfaces, which it believes to be up always. => any has one */
static bool
look_at_members(struct link_watch *w, uint16_t trunk)
{
	struct watched *p = &w->ports[trunk];
	uint16_t active =
		p->backup ? member_port(w, p->members, trunk_active(p->ethdev)) : UINT16_MAX;
	uint32_t up = 0;

	for (uint32_t left = p->members; left != 0; left &= left - 1)
		up |= (uint32_t)w->ports[__builtin_ctz(left)].up << __builtin_ctz(left);
	if (!p->backup || up == 0)
		return up != 0;
	if (active == UINT16_MAX || (up >> active & 1) == 0) {
		active = (uint16_t)__builtin_ctz(up);
		trunk_set_active(p->ethdev, w->ports[active].ethdev);
	}
	if (active != p->active && p->active != UINT16_MAX && w->moved != NULL)
		w->moved(w->ctx, trunk, active);
	p->active = active;
	return true;
}

/* The carrier is back: before anybody sends, away with what was sent without it. */
static void
forget_held(const struct watched *p)
{
	const ssize_t bytes = packet_ring_flush(p->index);

	if (bytes > 0)
		LOG(NOTICE,
			"interface %s: carrier is back, %zd bytes held without it are thrown away",
			p->name, bytes);
	else if (bytes < 0)
		LOG(WARNING, "interface %s: frames held without a carrier may go out now: %s",
			p->name, strerror((int)-bytes));
}

static void
look(struct link_watch *w, uint16_t port, bool first)
{
	struct watched *p = &w->ports[port];
	struct rte_eth_link link = { 0 };
	bool up;
	int index;

	p->ask = false;
	if (p->name[0] != '\0') {
		if (kernel_state(w, p->name, &index, &up) < 0) {
			p->ask = true; /* link_watch_poll() tries again */
			if (!first)
				return;
		}
		p->index = index;
		if (up && !p->up && !first)
			forget_held(p);
	} else {
		if (rte_eth_link_get_nowait(p->ethdev, &link) < 0)
			link.link_status = RTE_ETH_LINK_DOWN;
		up = link.link_status == RTE_ETH_LINK_UP;
		if (p->members != 0)
			up = look_at_members(w, port) && up;
	}
	set_state(w, port, up, first);
}

/* Mark the ports that a message is about: by name, or by index when the name was changed. */
static void
mark(struct link_watch *w, struct nlmsghdr *h)
{
	const struct ifinfomsg *info = mnl_nlmsg_get_payload(h);
	const char *name = link_name(h);

	for (uint16_t i = 0; i < MAX_PORTS; i++) {
		struct watched *p = &w->ports[i];

		if (p->used && p->name[0] != '\0' &&
			(strcmp(p->name, name) == 0 || p->index == info->ifi_index))
			p->ask = true;
	}
}

static void
mark_all(struct link_watch *w)
{
	for (uint16_t i = 0; i < MAX_PORTS; i++)
		w->ports[i].ask = w->ports[i].used && w->ports[i].name[0] != '\0';
}

static void
look_at_marked(struct link_watch *w)
{
	for (uint16_t i = 0; i < MAX_PORTS; i++) {
		if (w->ports[i].used && w->ports[i].ask)
			look(w, i, false);
	}
}

/* ---- exported ---- */

struct link_watch *
link_watch_create(link_changed_fn changed, void *ctx)
{
	struct link_watch *w = calloc(1, sizeof(*w));
	int saved;

	if (w == NULL)
		return NULL;
	w->changed = changed;
	w->ctx = ctx;
	w->events = mnl_socket_open2(NETLINK_ROUTE, SOCK_NONBLOCK | SOCK_CLOEXEC);
	if (w->events == NULL || mnl_socket_bind(w->events, RTMGRP_LINK, MNL_SOCKET_AUTOPID) < 0) {
		saved = errno;
		link_watch_destroy(w);
		errno = saved;
		return NULL;
	}
	return w;
}

void
link_watch_destroy(struct link_watch *w)
{
	if (w == NULL)
		return;
	if (w->events != NULL)
		mnl_socket_close(w->events);
	free(w);
}

int
link_watch_add(struct link_watch *w, uint16_t port, uint16_t ethdev, const char *devargs)
{
	struct watched *p;
	int rc;

	if (port >= MAX_PORTS)
		return -EINVAL;
	p = &w->ports[port];
	if (p->used)
		return -EEXIST;
	rc = device_interface(devargs, p->name);
	if (rc < 0)
		return rc;
	p->used = true;
	p->ethdev = ethdev;
	look(w, port, true);
	return 0;
}

int
link_watch_add_trunk(
	struct link_watch *w, uint16_t port, uint16_t ethdev, uint32_t members, bool backup)
{
	if (port >= MAX_PORTS || members == 0)
		return -EINVAL;
	if (w->ports[port].used)
		return -EEXIST;
	w->ports[port] = (struct watched){ .used = true,
		.backup = backup,
		.ethdev = ethdev,
		.active = UINT16_MAX,
		.members = members };
	look(w, port, true);
	return 0;
}

void
link_watch_on_move(struct link_watch *w, link_moved_fn moved)
{
	w->moved = moved;
}

int
link_watch_fd(const struct link_watch *w)
{
	return mnl_socket_get_fd(w->events);
}

void
link_watch_read(struct link_watch *w)
{
	struct nlmsghdr *h;

	for (unsigned int i = 0; i < READS; i++) {
		const ssize_t n = recv(link_watch_fd(w), w->buffer, BUFFER, MSG_TRUNC);
		int left = (int)n;

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0 && errno == ENOBUFS) {
			w->lost++;
			LOG(WARNING,
				"netlink: events lost (%llu times so far), looking at every link",
				(unsigned long long)w->lost);
			mark_all(w);
			continue;
		}
		if (n <= 0)
			break;
		if (n > BUFFER) {
			mark_all(w); /* cut off: it may be about anything */
			continue;
		}
		for (h = (void *)w->buffer; mnl_nlmsg_ok(h, left); h = mnl_nlmsg_next(h, &left)) {
			if (is_link_message(h))
				mark(w, h);
		}
	}
	look_at_marked(w);
	for (uint16_t i = 0; i < MAX_PORTS; i++) {
		if (w->ports[i].used && w->ports[i].members != 0)
			look(w, i, false);
	}
}

void
link_watch_poll(struct link_watch *w)
{
	for (uint16_t i = 0; i < MAX_PORTS; i++) {
		const struct watched *p = &w->ports[i];

		if (p->used && (p->name[0] == '\0' || p->ask))
			look(w, i, false);
	}
}

void
link_watch_report(const struct link_watch *w)
{
	for (uint16_t i = 0; i < MAX_PORTS; i++) {
		if (w->ports[i].used)
			w->changed(w->ctx, i, w->ports[i].up);
	}
}

bool
link_watch_up(const struct link_watch *w, uint16_t port)
{
	return port < MAX_PORTS && w->ports[port].used && w->ports[port].up;
}
