/*
 * The console: clients on a unix socket, the terminal, or any descriptors a test hands in.
 *
 * Each client has its own librte_cmdline instance (parser and completion) and line editor; both
 * write into the client's bounded buffer, never to a descriptor.  Management thread only.
 */
#pragma once

#include "clock.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct console;
struct management;

#define CONSOLE_CLIENTS 64

/* One-shot framing (twinctl -c), see docs/console.md. */
#define CONSOLE_ONESHOT '\x01' /* first byte a one-shot client sends, before its command line */
#define CONSOLE_BEGIN	'\x02' /* the output follows */
#define CONSOLE_END	'\x04' /* "OK\n" or "ERR reason\n" follows */

/* console_create: `path` of the socket, "" = none.  => NULL with a one-line reason. */
struct console *console_create(
	struct management *, int epfd, const char *path, char *err, size_t err_size);
void console_destroy(struct console *);

/* console_attach: a client on descriptors of its own; takes them.  The terminal's client is never
 * dropped for being idle.  => 0 or -errno. */
int console_attach(struct console *, int in_fd, int out_fd, bool terminal);
/* console_attach_terminal: the process's standard input and output, in raw mode until it leaves. */
int console_attach_terminal(struct console *);

void console_tick(struct console *); /* about every 100 ms: timeouts */
uint32_t console_count(const struct console *);
