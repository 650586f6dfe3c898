/*
 * The service manager that started us: systemd's protocol of one-line datagrams to $NOTIFY_SOCKET
 * (sd_notify(3)), spoken without its library.  READY once we forward, STOPPING when we end,
 * WATCHDOG as long as every core runs, so that a box of which a core hangs is started anew (R215).
 *
 * Without $NOTIFY_SOCKET nothing happens.  Nothing here blocks: what the manager does not take is
 * lost and counted.  Management thread only.
 */
#pragma once

#include "clock.h"
#include "liveness.h"

#include <stdbool.h>
#include <stdint.h>
#include <sys/socket.h>
#include <sys/un.h>

struct service {
	int fd; /* -1: no manager */
	struct sockaddr_un to;
	socklen_t to_len;
	uint64_t period_ns; /* between two signs of life, 0 = none wanted */
	mono_t due;
	struct liveness cores;
	uint64_t sent, lost;
};

/* service_open: from the environment, which it clears, so that no child speaks for us.
 * => 0; -EINVAL: a variable is malformed (nothing is sent then); -errno. */
int service_open(struct service *, mono_t now);
void service_close(struct service *);
void service_ready(struct service *);
void service_stopping(struct service *);
/* service_due: is the next sign of life due? */
bool service_due(const struct service *, mono_t now);
/* service_alive: turns[i] counts the turns of core i; a sign of life leaves when all have turned
 * since the last call. => the first core that has not, or -1. */
int service_alive(struct service *, const uint64_t *turns, uint32_t count, mono_t now);
