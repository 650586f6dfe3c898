/*
 * The management side in a box: console and JSON server over an engine box, driven one turn of the
 * event loop at a time by the test, with clients on socketpairs.
 */
#pragma once

#include "engine_box.h"
#include "management.h"

struct console;
struct json_server;

struct management_box {
	struct management m;
	struct engine_box *box;
	int epfd;
	struct console *console;
	struct json_server *json;
};

/* Without an engine (sessions = 0) only commands that need none may be used.  `console_path` and
 * `json_path`: sockets as well, NULL = none. */
struct management_box *management_box_create(
	uint32_t sessions, const char *console_path, const char *json_path);
void management_box_destroy(struct management_box *);

/* TCP sessions 10.1.0.0+n:1024 -> 200.1.1.10:80, established; every fourth a copy of the peer's. */
void management_box_sessions(struct management_box *, uint32_t count);

/* One turn of the loop: => number of ready descriptors. */
int management_box_turn(struct management_box *);
/* Time passes. */
void management_box_jump(struct management_box *, uint64_t ms);

/* => the client's end, non-blocking. */
int management_box_console(struct management_box *);
int management_box_json(struct management_box *);

/* Send all of it while the loop runs. => false: the server has closed. */
bool management_box_send(struct management_box *, int fd, const char *data, size_t n);
/* Run the loop until `until` has been received, the server closes, or nothing happens any more.
 * => what was received, free() it; *len = its length. */
char *management_box_receive(struct management_box *, int fd, const char *until, size_t *len);
/* Send a line, receive up to and with `until`. */
char *management_box_ask(struct management_box *, int fd, const char *line, const char *until);
/* Has the server closed this client? */
bool management_box_closed(struct management_box *, int fd);
