/* SPDX-License-Identifier: BSD-3-Clause */
#include "scan_watch.h"

#include "config_address.h"
#include "config_span.h"
#include "row.h"

#include <inttypes.h>

#define AT_ONCE 16

/* Is any address of the source excepted? */
static bool
excepted(const struct config_scan *c, const struct scan_event *e)
{
	const struct config_span *spans = c->except.items;
	const size_t bytes = e->len / 8;

	for (uint32_t i = 0; i < c->except.count; i++) {
		if (spans[i].first.family == e->source.family &&
			memcmp(spans[i].first.v6, e->source.v6, bytes) <= 0 &&
			memcmp(e->source.v6, spans[i].last.v6, bytes) <= 0)
			return true;
	}
	return false;
}

/* => it is in the blacklist now. */
static bool
list(struct scan_watch *w, struct engine *e, const struct config_scan *c,
	const struct scan_event *event, mono_t now)
{
	const struct blacklist_entry entry = {
		.prefix = event->source,
		.len = event->len,
		.side = BLACKLIST_SOURCE,
		.origin = BLACKLIST_SCAN,
		.until = mono_add_ms(now, (uint64_t)c->blacklist * 1000),
	};
	int rc;

	if (c->blacklist == 0)
		return false;
	rc = blacklist_add(engine_blacklist(e), &entry, session_table_capacity(engine_sessions(e)));
	w->listed += rc == 0;
	w->not_listed += rc == -ENOSPC;
	return rc == 0;
}

static void
report(struct scan_watch *w, const struct engine *e, const struct config_scan *c,
	const struct scan_seen *s)
{
	const struct config_net net = { .address = s->event.source, .len = s->event.len };
	char text[CONFIG_IP_TEXT];

	if (!log_allowed(&w->limit, s->when.ns))
		return;
	LOG(WARNING,
		"scan: %s in zone %s tries %s: about %d or more in %d s%s; %" PRIu64
		" lines left out",
		config_address_net_text(&net, text), row_zone(engine_snapshot(e), s->event.zone),
		s->event.kind == SCAN_PORTS ? "ports" : "hosts",
		(int)(s->event.kind == SCAN_PORTS ? c->ports : c->hosts), (int)c->interval,
		s->listed ? ", blacklisted" : "", w->limit.suppressed);
}

bool
scan_watch_poll(struct scan_watch *w, struct engine *e, const struct config_scan *c, mono_t now)
{
	struct scan_event events[AT_ONCE];
	const uint32_t n = engine_scan_dequeue(e, events, AT_ONCE);

	for (uint32_t i = 0; i < n; i++) {
		struct scan_seen *s = &w->last[w->seen % SCAN_WATCH_LAST];

		if (excepted(c, &events[i])) {
			w->excepted++;
			continue;
		}
		*s = (struct scan_seen){
			.event = events[i], .when = now, .listed = list(w, e, c, &events[i], now)
		};
		w->seen++;
		report(w, e, c, s);
	}
	return n == AT_ONCE;
}
