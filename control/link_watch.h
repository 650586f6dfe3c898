/*
 * Carrier of kernel-backed ports, from rtnetlink (libmnl).  Debian's af_packet driver always says
 * "up", so for ports whose devargs name a kernel interface (iface=, remote=) the kernel is asked:
 * link is up while IFF_RUNNING and IFF_UP are set.  Other ports use rte_eth_link_get_nowait().
 *
 * Management thread: add the fd to the event loop, call link_watch_read() when it is readable and
 * link_watch_poll() about every 100 ms for the ports the kernel does not know.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

struct link_watch;

typedef void (*link_changed_fn)(void *ctx, uint16_t port, bool up);

struct link_watch *link_watch_create(link_changed_fn, void *ctx);
void link_watch_destroy(struct link_watch *);
/* devargs decide how the port is watched; reports the first state at once through the callback. */
int link_watch_add(struct link_watch *, uint16_t port, uint16_t ethdev, const char *devargs);
/* A trunk whose members (bits of ports already added) are watched too: it is up while the driver
 * says so and a member is.  `backup`: one member carries the traffic; this sees to it that it is
 * one with a carrier, and reports when it is another. */
int link_watch_add_trunk(
	struct link_watch *, uint16_t port, uint16_t ethdev, uint32_t members, bool backup);
typedef void (*link_moved_fn)(void *ctx, uint16_t port, uint16_t member);
void link_watch_on_move(struct link_watch *, link_moved_fn);
int link_watch_fd(const struct link_watch *);
void link_watch_read(struct link_watch *);
void link_watch_poll(struct link_watch *);
/* Tell every port's state again (what the callback makes of it has changed). */
void link_watch_report(const struct link_watch *);
bool link_watch_up(const struct link_watch *, uint16_t port);
