/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The JSON socket.  Management thread only.
 *
 * An answer is written row by row while the client's buffer has room, so that the longest answer
 * needs no more memory than the shortest.  The next request is looked at when the answer is whole.
 */
#include "json_server.h"

#include "farewell.h"
#include "listener.h"
#include "log.h"
#include "management.h"
#include "stream.h"
#include "subscription.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

#define STEP_NS NS_PER_MS

struct json_client {
	struct stream stream; /* first */
	struct json_server *server;
	uint32_t number;
	bool quit;
	/* The answer under way; view NULL = none */
	const struct view *view;
	json_t *filter;
	uint64_t cursor;
	uint32_t skip; /* rows of the step at `cursor` that an earlier page has given */
	uint32_t left; /* rows this page may still have */
	bool first;
	struct subscription events;
};

struct json_server {
	struct management *management;
	int epfd;
	struct listener listener; /* fd -1: none */
	struct json_client *clients[JSON_CLIENTS];
	struct farewell farewell;
	uint32_t count, number;
	struct log_limit refused, dropped;
};

/* ---- the object "objects": what there is to get ---- */

static bool
collect_objects(struct management *m, const json_t *filter, uint64_t *cursor, json_t *rows)
{
	(void)filter;
	(void)cursor;
	for (const struct command *const *c = m->commands; c != NULL && *c != NULL; c++) {
		for (const struct view *const *v = (*c)->views; v != NULL && *v != NULL; v++) {
			json_t *filters = json_array();

			for (const char *const *f = (*v)->filters; f != NULL && *f != NULL; f++)
				json_array_append_new(filters, json_string(*f));
			json_array_append_new(
				rows, json_pack("{s:s, s:s, s:o}", "name", (*v)->name, "help",
					      (*v)->help, "filters", filters));
		}
	}
	return false;
}

static const struct view view_objects = {
	.name = "objects",
	.help = "every object, with the filters it knows",
	.collect = collect_objects,
};

/* ---- answers ---- */

static void
put(struct json_client *c, const char *text)
{
	stream_raw(&c->stream, text, strlen(text));
}

static void
put_value(struct json_client *c, const json_t *value)
{
	char *text = value != NULL ? json_dumps(value, JSON_COMPACT | JSON_ENCODE_ANY) : NULL;

	put(c, text != NULL ? text : "null");
	free(text);
}

static void
put_error(struct json_client *c, const json_t *id, const char *code, const char *message)
{
	char plain[512];
	json_t *error;

	/* The parser's message quotes its input, which may be anything. */
	snprintf(plain, sizeof(plain), "%s", message);
	for (char *p = plain; *p != '\0'; p++)
		if (*p < 0x20 || *p > 0x7e)
			*p = '?';
	error = json_pack("{s:s, s:s}", "code", code, "message", plain);
	put(c, "{\"schema\":1,\"id\":");
	put_value(c, id);
	put(c, ",\"ok\":false,\"error\":");
	put_value(c, error);
	put(c, "}\n");
	json_decref(error);
}

static void
end_answer(struct json_client *c, bool more)
{
	char text[80];

	if (more)
		snprintf(text, sizeof(text), "],\"more\":\"%" PRIu64 ":%" PRIu32 "\"}\n", c->cursor,
			c->skip);
	else
		snprintf(text, sizeof(text), "]}\n");
	put(c, text);
	json_decref(c->filter);
	c->filter = NULL;
	c->view = NULL;
}

/* pump: rows of the answer under way, for a bounded time. */
static void
pump(struct json_client *c)
{
	struct management *m = c->server->management;
	const mono_t start = management_now(m);

	while (c->view != NULL && !stream_full(&c->stream) && !c->stream.cut) {
		json_t *rows = json_array();
		uint64_t next = c->cursor;
		const bool more = view_collect(m, c->view, c->filter, &next, rows);
		const size_t size = json_array_size(rows);

		while (c->skip < size && c->left > 0) {
			put(c, c->first ? "" : ",");
			put_value(c, json_array_get(rows, c->skip));
			c->first = false;
			c->skip++;
			c->left--;
		}
		json_decref(rows);
		if (c->skip < size) {
			end_answer(c, true);
		} else {
			c->cursor = next;
			c->skip = 0;
			if (!more || c->left == 0)
				end_answer(c, more);
		}
		if (management_now(m).ns - start.ns > STEP_NS)
			break;
	}
}

/* ---- requests ---- */

static bool
parse_cursor(struct json_client *c, const char *text)
{
	unsigned long long cursor, skip;
	char *end;

	if (text[0] < '0' || text[0] > '9')
		return false;
	errno = 0;
	cursor = strtoull(text, &end, 10);
	if (errno != 0 || end[0] != ':' || end[1] < '0' || end[1] > '9')
		return false;
	skip = strtoull(end + 1, &end, 10);
	if (errno != 0 || *end != '\0' || skip > UINT32_MAX)
		return false;
	c->cursor = cursor;
	c->skip = (uint32_t)skip;
	return true;
}

/* check_keys: only what a request may have. */
static bool
check_keys(json_t *request, char *err, size_t err_size)
{
	static const char *const known[] = { "schema", "id", "get", "filter", "limit", "cursor",
		"subscribe", "from" };
	const char *key;
	json_t *value;

	json_object_foreach(request, key, value)
	{
		bool found = false;

		for (size_t i = 0; i < sizeof(known) / sizeof(known[0]) && !found; i++)
			found = strcmp(known[i], key) == 0;
		if (!found) {
			snprintf(err, err_size, "a request has no member \"%.40s\"", key);
			return false;
		}
	}
	return true;
}

/* subscribe: the answer, from which on events follow. => NULL or the error's code, with err. */
static const char *
subscribe(struct json_client *c, const json_t *request, char *err, size_t err_size)
{
	json_t *answer = NULL;
	const char *code = subscription_begin(
		&c->events, c->server->management, request, &answer, err, err_size);

	if (code != NULL)
		return code;
	put(c, "{\"schema\":1,\"id\":");
	put_value(c, json_object_get(request, "id"));
	put(c, ",\"ok\":true,\"subscribed\":");
	put_value(c, answer);
	put(c, "}\n");
	json_decref(answer);
	return NULL;
}

/* begin: check a request and start its answer. => NULL or the error's code, with err. */
static const char *
begin(struct json_client *c, json_t *request, char *err, size_t err_size)
{
	struct management *m = c->server->management;
	const json_t *schema = json_object_get(request, "schema");
	const json_t *get = json_object_get(request, "get");
	json_t *filter = json_object_get(request, "filter");
	const json_t *limit = json_object_get(request, "limit");
	const json_t *cursor = json_object_get(request, "cursor");
	const struct view *view;

	if (!json_is_integer(schema) || json_integer_value(schema) != JSON_SCHEMA) {
		snprintf(err, err_size, "schema: expected %d", JSON_SCHEMA);
		return "schema";
	}
	if (!check_keys(request, err, err_size))
		return "request";
	if (json_object_get(request, "subscribe") != NULL)
		return subscribe(c, request, err, err_size);
	if (json_object_get(request, "from") != NULL) {
		snprintf(err, err_size, "from: has no meaning without subscribe");
		return "request";
	}
	if (!json_is_string(get)) {
		snprintf(err, err_size, "get: expected the name of an object");
		return "request";
	}
	if (limit != NULL && (!json_is_integer(limit) || json_integer_value(limit) < 1 ||
				     json_integer_value(limit) > JSON_LIMIT_MAX)) {
		snprintf(err, err_size, "limit: expected 1-%d", JSON_LIMIT_MAX);
		return "request";
	}
	if (filter != NULL && !json_is_object(filter)) {
		snprintf(err, err_size, "filter: expected an object");
		return "request";
	}
	c->cursor = 0;
	c->skip = 0;
	if (cursor != NULL &&
		(!json_is_string(cursor) || !parse_cursor(c, json_string_value(cursor)))) {
		snprintf(err, err_size, "cursor: expected the value of \"more\" of an answer");
		return "request";
	}
	view = strcmp(json_string_value(get), view_objects.name) == 0
		       ? &view_objects
		       : view_find(m, json_string_value(get));
	if (view == NULL) {
		snprintf(err, err_size, "no object \"%.40s\"; get \"objects\" lists them",
			json_string_value(get));
		return "unknown_object";
	}
	if (!view_check(m, view, filter, err, err_size))
		return "filter";
	c->view = view;
	c->filter = json_incref(filter);
	c->left = limit != NULL ? (uint32_t)json_integer_value(limit) : JSON_LIMIT;
	c->first = true;
	put(c, "{\"schema\":1,\"id\":");
	put_value(c, json_object_get(request, "id"));
	put(c, ",\"ok\":true,\"rows\":[");
	return NULL;
}

static void
request_line(struct json_client *c, const char *line, size_t len)
{
	char err[256] = "";
	const char *code;
	json_error_t error;
	json_t *request = json_loadb(line, len, JSON_REJECT_DUPLICATES | JSON_DECODE_ANY, &error);

	if (request == NULL) {
		put_error(c, NULL, "parse", error.text);
		return;
	}
	if (!json_is_object(request)) {
		put_error(c, NULL, "request", "expected an object");
	} else {
		code = begin(c, request, err, sizeof(err));
		if (code != NULL)
			put_error(c, json_object_get(request, "id"), code, err);
	}
	json_decref(request);
}

/* feed: whole lines, until an answer is under way. */
static void
feed(struct json_client *c, mono_t now)
{
	struct stream *s = &c->stream;
	size_t at = 0;

	while (c->view == NULL && !c->quit && !stream_full(s)) {
		const char *line = s->in + at;
		const char *end = memchr(line, '\n', s->in_len - at);
		size_t len;

		if (end == NULL) {
			if (at == 0 && s->in_len == s->in_max) {
				put_error(
					c, NULL, "too_long", "expected at most 65535 bytes a line");
				if (log_allowed(&c->server->dropped, now.ns))
					LOG(NOTICE, "json: client %u dropped: line too long",
						c->number);
				c->quit = true;
			}
			break;
		}
		len = (size_t)(end - line);
		at += len + 1;
		if (len > 0 && line[len - 1] == '\r')
			len--;
		if (len > 0)
			request_line(c, line, len);
		s->last_line = now;
	}
	stream_consume(s, at);
}

/* ---- clients ---- */

/* client_end: `told` = the client has been sent why and shall be able to read it. */
static void
client_end(struct json_client *c, bool told)
{
	int fd;

	for (uint32_t i = 0; i < JSON_CLIENTS; i++) {
		if (c->server->clients[i] == c) {
			c->server->clients[i] = NULL;
			c->server->count--;
		}
	}
	json_decref(c->filter);
	fd = stream_release(&c->stream);
	if (fd >= 0 && told)
		farewell_say(&c->server->farewell, fd, management_now(c->server->management));
	else if (fd >= 0)
		close(fd);
	free(c);
}

static void
ready(struct loop_source *source, uint32_t events)
{
	struct json_client *c = (struct json_client *)source;
	struct stream *s = &c->stream;
	const mono_t now = management_now(c->server->management);

	stream_flush(s, now);
	if (events & (EPOLLIN | EPOLLHUP))
		stream_read(s);
	if ((events & EPOLLERR) || ((events & EPOLLHUP) && (c->view != NULL || c->events.on)))
		s->dead = true;
	if (c->view == NULL)
		feed(c, now);
	pump(c);
	if (c->view == NULL)
		subscription_pump(&c->events, c->server->management, s);
	if (c->view != NULL || c->events.on)
		s->last_line = now;
	if (s->cut)
		s->dead = true; /* half an answer would be worse than none */
	stream_flush(s, now);
	if (s->dead || (s->out_len == 0 && c->view == NULL &&
			       (c->quit || (s->eof && !c->events.on &&
						   memchr(s->in, '\n', s->in_len) == NULL)))) {
		client_end(c, c->quit && !s->dead);
		return;
	}
	/* Pipelined requests wait in the buffer: come back for them without new input. */
	stream_arm(s, !c->quit && !stream_full(s),
		c->view != NULL || subscription_behind(&c->events, c->server->management) ||
			(!c->quit && memchr(s->in, '\n', s->in_len) != NULL));
}

int
json_server_attach(struct json_server *server, int fd)
{
	static const char full[] = "{\"schema\":1,\"id\":null,\"ok\":false,\"error\":{\"code\":"
				   "\"too_many_clients\",\"message\":\"too many clients\"}}\n";
	const mono_t now = management_now(server->management);
	struct json_client *c;
	uint32_t slot = 0;
	int rc;

	while (slot < JSON_CLIENTS && server->clients[slot] != NULL)
		slot++;
	c = slot < JSON_CLIENTS ? calloc(1, sizeof(*c)) : NULL;
	if (c == NULL) {
		if (log_allowed(&server->refused, now.ns))
			LOG(NOTICE, "json: client refused: too many clients");
		(void)!write(fd, full, sizeof(full) - 1);
		farewell_say(&server->farewell, fd, now);
		return -EMFILE;
	}
	c->server = server;
	c->number = ++server->number;
	rc = stream_open(&c->stream, server->epfd, fd, fd, JSON_LINE_MAX, ready, now);
	if (rc != 0) {
		free(c);
		return rc;
	}
	server->clients[slot] = c;
	server->count++;
	stream_arm(&c->stream, true, false);
	return 0;
}

static void
accepted(void *ctx, int fd)
{
	(void)json_server_attach(ctx, fd);
}

/* ---- the server ---- */

struct json_server *
json_server_create(struct management *m, int epfd, const char *path, char *err, size_t err_size)
{
	struct json_server *server = calloc(1, sizeof(*server));

	if (server == NULL) {
		snprintf(err, err_size, "out of memory");
		errno = ENOMEM;
		return NULL;
	}
	server->management = m;
	server->epfd = epfd;
	server->listener.fd = -1;
	farewell_init(&server->farewell, epfd);
	if (path[0] != '\0') {
		const int rc = listener_open(&server->listener, epfd, path, "system.json_socket",
			accepted, server, err, err_size);

		if (rc != 0) {
			free(server);
			errno = -rc;
			return NULL;
		}
	}
	return server;
}

void
json_server_destroy(struct json_server *server)
{
	listener_close(&server->listener);
	for (uint32_t i = 0; i < JSON_CLIENTS; i++)
		if (server->clients[i] != NULL)
			client_end(server->clients[i], false);
	farewell_end(&server->farewell);
	free(server);
}

void
json_server_tick(struct json_server *server)
{
	const mono_t now = management_now(server->management);

	listener_tick(&server->listener);
	farewell_tick(&server->farewell, now);
	for (uint32_t i = 0; i < JSON_CLIENTS; i++) {
		struct json_client *c = server->clients[i];

		if (c != NULL && c->events.on)
			c->stream.last_line = now; /* it has nothing more to say */

		const char *why =
			c != NULL ? stream_expired(&c->stream, c->view != NULL, now) : NULL;

		if (why == NULL)
			continue;
		if (log_allowed(&server->dropped, now.ns))
			LOG(NOTICE, "json: client %u dropped: %s", c->number, why);
		client_end(c, false);
	}
}

bool
json_server_events(struct json_server *server)
{
	bool some = false;

	for (uint32_t i = 0; i < JSON_CLIENTS; i++) {
		struct json_client *c = server->clients[i];

		some = some || (c != NULL && c->events.on);
		if (c != NULL && subscription_behind(&c->events, server->management))
			ready(&c->stream.source, 0);
	}
	return some;
}

uint32_t
json_server_count(const struct json_server *server)
{
	return server->count;
}
