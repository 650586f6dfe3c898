/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Followers of the events: see subscription.h.
 */
#include "subscription.h"

#include "event_row.h"
#include "json_server.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PUMP_MAX 256 /* events a call, which bounds a turn of the loop */

const char *
subscription_begin(struct subscription *s, const struct management *m, const json_t *request,
	json_t **answer, char *err, size_t err_size)
{
	const json_t *const what = json_object_get(request, "subscribe");
	const json_t *const from = json_object_get(request, "from");
	static const char *const others[] = { "get", "filter", "limit", "cursor" };

	for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++) {
		if (json_object_get(request, others[i]) != NULL) {
			snprintf(err, err_size, "%s: has no meaning beside subscribe", others[i]);
			return "request";
		}
	}
	if (!json_is_string(what) || strcmp(json_string_value(what), "events") != 0 ||
		m->events == NULL) {
		snprintf(err, err_size, "subscribe: expected \"events\"");
		return "request";
	}
	const uint64_t next = events_next(m->events), oldest = events_oldest(m->events);

	if (from != NULL && (!json_is_integer(from) || json_integer_value(from) < 1)) {
		snprintf(err, err_size, "from: expected the number of an event");
		return "request";
	}
	if (from != NULL && (uint64_t)json_integer_value(from) > next) {
		snprintf(err, err_size,
			"from: the next event is number %" PRIu64
			"; this daemon has started since a later one",
			next);
		return "from";
	}
	s->on = true;
	s->next = from != NULL ? (uint64_t)json_integer_value(from) : next;
	*answer =
		json_pack("{s:s, s:I, s:I, s:I}", "instance", events_instance(m->events), "oldest",
			(json_int_t)oldest, "from", (json_int_t)s->next, "next", (json_int_t)next);
	return NULL;
}

bool
subscription_behind(const struct subscription *s, const struct management *m)
{
	return s->on && s->next != events_next(m->events);
}

static void
put_line(struct stream *out, const char *key, json_t *value)
{
	char *const text = json_dumps(value, JSON_COMPACT);
	char head[40];
	const int n = snprintf(head, sizeof(head), "{\"schema\":%d,\"%s\":", JSON_SCHEMA, key);

	if (text != NULL) { /* else out of memory, and the number is missing */
		stream_raw(out, head, (size_t)n);
		stream_raw(out, text, strlen(text));
		stream_raw(out, "}\n", 2);
	}
	free(text);
	json_decref(value);
}

void
subscription_pump(struct subscription *s, const struct management *m, struct stream *out)
{
	struct event e;

	for (int i = 0; i < PUMP_MAX && subscription_behind(s, m) && !stream_full(out); i++) {
		if (events_get(m->events, s->next, &e)) {
			put_line(out, "event", event_row(&e, m->config));
			s->next++;
			continue;
		}
		const uint64_t oldest = events_oldest(m->events), first = s->next;

		/* Overwritten: go on with what there is, which is never behind us. */
		s->next = oldest > first ? oldest : first + 1;
		put_line(out, "lost",
			json_pack("{s:I, s:I}", "count", (json_int_t)(s->next - first), "next",
				(json_int_t)s->next));
	}
}
