/* SPDX-License-Identifier: BSD-3-Clause */
/* Defences: what is switched, listed, limited. */
#include "flow.h"

/* defence NAME on|off */
static void
do_defence(struct flow *f, struct words *w)
{
	const char *name = flow_word(w);
	struct engine_box *b = flow_box(f);
	const bool wanted = flow_on(f, flow_word(w));

	for (unsigned int i = 0; i < DEFENCE_COUNT; i++) {
		if (!flow_is(name, defences[i].name))
			continue;
		b->defences = (b->defences & ~(UINT32_C(1) << i)) | (uint32_t)wanted << i;
		engine_box_publish(b);
		return;
	}
	flow_fail(f, "no defence '%s'", name);
}

/* reverse_path ZONE off|connected|loose|strict */
static void
do_reverse_path(struct flow *f, struct words *w)
{
	static const char *const modes[] = { "off", "connected", "loose", "strict" };
	const uint16_t port = flow_port(f, flow_word(w));
	const int mode = flow_find(flow_word(w), modes, RTE_DIM(modes));

	if (mode < 0) {
		flow_fail(f, "off, connected, loose or strict");
		return;
	}
	flow_box(f)->reverse_path[port] = (uint8_t)mode;
	engine_box_publish(f->box);
}

/* ADDRESS[/LEN] source|destination */
static bool
listed(struct flow *f, struct words *w, struct blacklist_entry *e)
{
	static const char *const sides[] = { "source", "destination" };
	int side;

	*e = (struct blacklist_entry){ .origin = BLACKLIST_MANUAL, .until = MONO_NEVER };
	if (!flow_prefix(f, flow_word(w), &e->prefix, &e->len))
		return false;
	side = flow_find(flow_word(w), sides, RTE_DIM(sides));
	if (side < 0)
		flow_fail(f, "source or destination");
	e->side = (uint8_t)side;
	return side >= 0;
}

/* blacklist PREFIX source|destination [SECONDS|none] */
static void
do_blacklist(struct flow *f, struct words *w)
{
	struct engine_box *b = flow_box(f);
	struct blacklist_entry e;
	const char *t;
	int rc;

	if (!listed(f, w, &e))
		return;
	t = flow_word(w);
	if (t[0] != '\0' && !flow_is(t, "none"))
		e.until = mono_add_ms(b->now, strtoul(t, NULL, 10) * 1000);
	rc = flow_is(t, "none")
		     ? engine_box_unlist(b, &e.prefix, e.len, (enum blacklist_side)e.side)
		     : engine_box_blacklist(b, &e);
	if (rc != 0)
		flow_fail(f, "blacklist: %s", strerror(-rc));
}

/* blacklisted PREFIX source|destination hits=N ended=N */
static void
do_blacklisted(struct flow *f, struct words *w)
{
	struct blacklist *b = engine_blacklist(flow_box(f)->engine);
	struct blacklist_entry e;
	char have[64], want[64];

	if (!listed(f, w, &e))
		return;
	snprintf(want, sizeof(want), "%s", flow_word(w));
	snprintf(want + strlen(want), sizeof(want) - strlen(want), " %s", flow_word(w));
	for (uint32_t slot = 0; slot < b->high; slot++) {
		const struct blacklist_entry *at = &b->entries[slot];

		if (at->origin == BLACKLIST_FREE || at->len != e.len || at->side != e.side ||
			!ip_addr_equal(&at->prefix, &e.prefix))
			continue;
		snprintf(have, sizeof(have), "hits=%lu ended=%lu", blacklist_hits(b, slot),
			at->ended);
		if (!flow_is(have, want))
			flow_fail(f, "it has %s", have);
		return;
	}
	flow_fail(f, "no such entry");
}

/* limit ZONE none | [total=N] [half_open=N] [rate=N] [source_total=N] [source_half_open=N]
 * [source_rate=N] [length=N] [length6=N] */
static void
do_limit(struct flow *f, struct words *w)
{
	static const uint8_t zones[BOX_PORTS] = { BOX_ZONE_TRUST, BOX_ZONE_DMZ, BOX_ZONE_UNTRUST };
	struct engine_box *b = flow_box(f);
	const uint8_t zone = zones[flow_port(f, flow_word(w))];
	struct limit_zone *l = &b->limits[zone];
	const struct {
		const char *name;
		uint32_t *total;
	} counts[] = { { "total", &l->zone.total }, { "half_open", &l->zone.half_open },
		{ "source_total", &l->source.total },
		{ "source_half_open", &l->source.half_open } };

	*l = (struct limit_zone){ .len4 = 32, .len6 = 64 };
	b->limit_zones |= UINT64_C(1) << zone;
	while (w->at < w->count) {
		const char *t = flow_word(w), *v;
		bool known = false;

		for (unsigned int i = 0; i < RTE_DIM(counts); i++) {
			v = flow_value(t, counts[i].name);
			known |= v != NULL;
			if (v != NULL)
				*counts[i].total = (uint32_t)strtoul(v, NULL, 0);
		}
		if (known)
			continue;
		if (flow_is(t, "none"))
			b->limit_zones &= ~(UINT64_C(1) << zone);
		else if ((v = flow_value(t, "rate")) != NULL)
			l->zone.interval_ns = NS_PER_SEC / strtoul(v, NULL, 0);
		else if ((v = flow_value(t, "source_rate")) != NULL)
			l->source.interval_ns = NS_PER_SEC / strtoul(v, NULL, 0);
		else if ((v = flow_value(t, "length")) != NULL)
			l->len4 = (uint8_t)strtoul(v, NULL, 0);
		else if ((v = flow_value(t, "length6")) != NULL)
			l->len6 = (uint8_t)strtoul(v, NULL, 0);
		else
			flow_fail(f, "'%s'?", t);
	}
	engine_box_publish(b);
}

/* limited ZONE [ADDRESS/LEN] SESSIONS/HALF_OPEN/REFUSED */
static void
do_limited(struct flow *f, struct words *w)
{
	static const uint8_t zones[BOX_PORTS] = { BOX_ZONE_TRUST, BOX_ZONE_DMZ, BOX_ZONE_UNTRUST };
	struct limit_table *t = engine_limits(flow_box(f)->engine);
	const uint8_t zone = zones[flow_port(f, flow_word(w))];
	struct ip_addr address;
	const char *want;
	uint32_t slot, tag;
	char have[64];
	uint8_t len;

	if (w->count - w->at == 1) {
		snprintf(have, sizeof(have), "%u/%u/%lu", t->zones[zone].total,
			t->zones[zone].half_open, t->zones[zone].refused);
	} else {
		if (!flow_prefix(f, flow_word(w), &address, &len))
			return;
		slot = source_find(&t->sources, zone, address.family, len, address.v6,
			mono_seconds(f->box->now), &tag);
		snprintf(have, sizeof(have), "%u/%u/%lu",
			source_sessions(&t->sources.entries[slot]),
			t->sources.entries[slot].half_open, t->sources.entries[slot].refused);
	}
	want = flow_word(w);
	if (!flow_is(have, want))
		flow_fail(f, "counted are %s", have);
}

/* scan ZONE [ports=N] [hosts=N] [interval=N] */
static void
do_scan(struct flow *f, struct words *w)
{
	static const uint8_t zones[BOX_PORTS] = { BOX_ZONE_TRUST, BOX_ZONE_DMZ, BOX_ZONE_UNTRUST };
	struct engine_box *b = flow_box(f);

	b->scan_zones |= UINT64_C(1) << zones[flow_port(f, flow_word(w))];
	b->scan.interval_s = 10;
	while (w->at < w->count) {
		const char *t = flow_word(w), *v;

		if ((v = flow_value(t, "ports")) != NULL)
			b->scan.bits[SCAN_PORTS] =
				scan_bits(SOURCE_PORT_BITS, (uint32_t)strtoul(v, NULL, 0));
		else if ((v = flow_value(t, "hosts")) != NULL)
			b->scan.bits[SCAN_HOSTS] =
				scan_bits(SOURCE_HOST_BITS, (uint32_t)strtoul(v, NULL, 0));
		else if ((v = flow_value(t, "interval")) != NULL)
			b->scan.interval_s = (uint32_t)strtoul(v, NULL, 0);
		else
			flow_fail(f, "'%s'?", t);
	}
	engine_box_publish(b);
}

/* scanned [ports|hosts ADDRESS]...: these scans have been told of since the last time */
static void
do_scanned(struct flow *f, struct words *w)
{
	static const char *const kinds[SCAN_KINDS] = { "ports", "hosts" };
	struct ip_addr address;
	struct scan_event e;

	while (engine_scan_dequeue(flow_box(f)->engine, &e, 1) == 1) {
		if (w->at == w->count) {
			flow_fail(f, "one more: %s", kinds[e.kind]);
			return;
		}
		if (!flow_is(flow_word(w), kinds[e.kind]))
			flow_fail(f, "it is %s", kinds[e.kind]);
		if (!flow_address(f, flow_word(w), &address))
			return;
		if (address.family == 6)
			ip6_mask(address.v6, SCAN_LEN6);
		if (!ip_addr_equal(&e.source, &address))
			flow_fail(f, "another source");
	}
	if (w->at < w->count)
		flow_fail(f, "no scan was told of");
}

const struct flow_statement flow_defence_statements[] = {
	{ "defence", do_defence },
	{ "reverse_path", do_reverse_path },
	{ "blacklist", do_blacklist },
	{ "blacklisted", do_blacklisted },
	{ "limit", do_limit },
	{ "limited", do_limited },
	{ "scan", do_scan },
	{ "scanned", do_scanned },
	{ NULL, NULL },
};
