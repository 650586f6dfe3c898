/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The session machine: a list of events decoded from the input: packets of a few connections, time,
 * workers, rules, settings, take-over.  After each: as many sessions as can be walked, and the
 * sums; at the end: nothing left.
 */
#include "frame.h"
#include "fuzz.h"
#include "session_walk.h"

#include <string.h>

#define EVENTS	  200
#define PUBLISHES 2 /* of one input: they are slow */
#define FLOWS	  6

enum event { PACKET, TICK, RULE, SETTING, TAKE_OVER, RESET, LEASE };

const uint16_t fuzz_workers = 2;

struct machine {
	struct engine_box *b;
	struct session_table *t;
	struct fuzz_input *in;
	unsigned int publishes;
};

static struct session *
session_of(const struct machine *m, const struct frame_spec *f)
{
	const bool echo = f->proto == 1;
	struct session_key4 key;
	const struct session_key4 *keys = &key;
	uint32_t index;
	uint8_t swap = 0;

	session_key4_make(&key, f->src.v4, f->dst.v4, rte_cpu_to_be_16(echo ? f->id : f->sport),
		echo ? SESSION_ICMP_ECHO_PORT : rte_cpu_to_be_16(f->dport), f->proto);
	session_table_lookup4(m->t, &keys, 1, &index, &swap);
	return index == SESSION_NONE ? NULL : session_table_at(m->t, index);
}

/* A number near what the session has seen, or any. */
static uint32_t
near(struct machine *m, const struct session *s, unsigned int d)
{
	const uint8_t how = fuzz_byte(m->in);
	const int8_t off = (int8_t)fuzz_byte(m->in);
	uint32_t base = 0;

	if (s != NULL && how & 1)
		base = s->dir[d].tcp_end;
	else if (s != NULL && how & 2)
		base = s->dir[d].tcp_max_end;
	else if (how & 4)
		return fuzz_word(m->in);
	return base + (uint32_t)(how & 8 ? off * 1000 : how & 16 ? off : 0);
}

static void
packet(struct machine *m)
{
	static const struct {
		enum frame_kind kind;
		uint8_t proto;
	} kinds[] = { { FRAME_TCP, 6 }, { FRAME_TCP, 6 }, { FRAME_TCP, 6 }, { FRAME_UDP, 17 },
		{ FRAME_ICMP, 1 }, { FRAME_SCTP, 132 } };
	const unsigned int flow = fuzz_byte(m->in) % FLOWS;
	const uint8_t choice = fuzz_byte(m->in);
	const unsigned int d = choice & 1;
	const uint16_t port = d == 0 ? BOX_TRUST : BOX_UNTRUST;
	const struct rte_ether_addr src = { { 2, 0, 0, 0, 0, 1 } };
	struct frame_spec f = { .kind = kinds[flow].kind,
		.proto = kinds[flow].proto,
		.ttl = 64,
		.udp_len = -1,
		.ip_len = -1,
		.wscale = 0xff,
		.id = 7,
		.src = ip_addr_v4(RTE_BE32(BOX_IPV4(10, 1, 1, 10))),
		.dst = ip_addr_v4(RTE_BE32(BOX_IPV4(200, 1, 1, 10))),
		.sport = (uint16_t)(4000 + flow),
		.dport = 80 };
	const struct session *s = session_of(m, &f);
	uint8_t bytes[FRAME_MAX];
	size_t len;

	if (d == 1) {
		const struct ip_addr address = f.src;

		f.src = f.dst;
		f.dst = address;
		f.dport = f.sport;
		f.sport = 80;
		f.type = 0;
	} else {
		f.type = 8;
	}
	if (f.kind == FRAME_TCP) {
		f.flags = fuzz_byte(m->in) & 0x3f;
		f.seq = near(m, s, d);
		f.ack = near(m, s, !d);
		f.window = (uint16_t)(fuzz_byte(m->in) << 8);
		if (choice & 4)
			f.wscale = fuzz_byte(m->in);
		if (choice & 8)
			f.mss = (uint16_t)fuzz_word(m->in);
	}
	f.chunk = choice >> 4;
	f.len = choice & 16 ? fuzz_byte(m->in) : 0;
	f.bad_l4_sum = choice == 0xff;
	len = frame_build(&f, &m->b->ports[port].mac, &src, bytes);
	fuzz_feed(m->b, port, choice >> 1 & 1, bytes, len, 0, 0);
}

static void
publish(struct machine *m, enum event event)
{
	struct engine_box *b = m->b;
	const uint8_t choice = fuzz_byte(m->in);

	if (m->publishes++ >= PUBLISHES)
		return;
	if (event == RULE) {
		b->default_action = choice & 1 ? POLICY_PERMIT : POLICY_DENY;
		b->up[BOX_UNTRUST] = !(choice & 2);
		b->rule_count = choice & 4 ? 0 : 1;
	} else {
		b->tracking.tcp_loose = choice & 1;
		b->tracking.tcp_window_check = choice & 2;
		b->tracking.verify_all = choice & 4;
		b->tcp_mss[BOX_UNTRUST] = choice & 8 ? 1300 : 0;
	}
	engine_box_publish(b);
}

/* As a stand-by sees its sessions: the peer's, windows old; then it takes over. */
static void
take_over(struct machine *m)
{
	const uint8_t choice = fuzz_byte(m->in);

	for (uint32_t i = 0; i < session_table_capacity(m->t); i++) {
		struct session *s = session_table_at(m->t, i);
		struct session_key4 key;

		if (!session_table_key4(m->t, s, &key))
			continue;
		if (choice & 1)
			atomic_fetch_or(&s->ctl, SESSION_F_REMOTE);
		if (choice & 2 && key.proto == 6) {
			s->dir[0].learn = s->dir[1].learn = 0;
			atomic_fetch_or(&s->ctl, SESSION_F_LEARN0 | SESSION_F_LEARN1);
		}
	}
}

static void
check(const struct machine *m)
{
	uint32_t walked = 0;

	for (uint32_t i = 0; i < session_table_capacity(m->t); i++) {
		const struct session *s = session_table_at(m->t, i);
		struct session_key4 key;

		/* The dead wait for their grace period, no longer counted. */
		if (!session_table_key4(m->t, s, &key) || atomic_load(&s->ctl) & SESSION_F_DEAD)
			continue;
		walked++;
		FUZZ_CHECK(session_state_of(atomic_load(&s->ctl)) > SESSION_FREE &&
				   session_state_of(atomic_load(&s->ctl)) < SESSION_STATES,
			"a session in state %u", session_state_of(atomic_load(&s->ctl)));
	}
	FUZZ_CHECK(walked == session_table_count(m->t), "%u sessions counted, %u found",
		session_table_count(m->t), walked);
}

/* Packets are most of what happens. */
static enum event
event_of(uint8_t byte)
{
	static const struct {
		uint8_t from;
		enum event event;
	} rows[] = { { 252, RULE }, { 248, SETTING }, { 240, LEASE }, { 232, RESET },
		{ 224, TAKE_OVER }, { 200, TICK } };

	for (size_t i = 0; i < RTE_DIM(rows); i++) {
		if (byte >= rows[i].from)
			return rows[i].event;
	}
	return PACKET;
}

static void
happen(struct machine *m)
{
	const enum event event = event_of(fuzz_byte(m->in));
	const uint8_t ms = event == TICK ? fuzz_byte(m->in) : 0;
	struct session_walk walk;

	switch (event) {
	case TICK:
		m->b->now = mono_add_ms(m->b->now, ms < 128 ? ms * 10U : (ms - 127U) * 10000);
		break;
	case RULE:
	case SETTING:
		publish(m, event);
		break;
	case TAKE_OVER:
		take_over(m);
		break;
	case RESET:
		walk = (struct session_walk){ .slots = UINT32_MAX };
		session_walk_reset(engine_sessions(m->b->engine), &walk);
		break;
	case LEASE:
		engine_set_lease(
			m->b->engine, fuzz_byte(m->in) & 1 ? MONO_NEVER : (mono_t){ .ns = 0 });
		break;
	case PACKET:
		packet(m);
		break;
	}
}

static void
publish_plain(struct engine_box *b)
{
	b->rule_count = 1;
	b->default_action = POLICY_DENY;
	b->up[BOX_UNTRUST] = true;
	b->tcp_mss[BOX_UNTRUST] = 0;
	b->tracking = (struct snapshot_tracking){ .tcp_window_check = true };
	engine_box_publish(b);
}

void
fuzz_start(struct engine_box *b)
{
	b->rules[0].services = NULL;
	b->rules[0].service_count = 0;
	publish_plain(b);
}

void
fuzz_one(struct engine_box *b, struct fuzz_input *in)
{
	struct machine m = { .b = b, .t = engine_sessions(b->engine), .in = in };

	engine_set_lease(b->engine, MONO_NEVER);
	for (unsigned int i = 0; i < EVENTS && in->at < in->size; i++) {
		happen(&m);
		fuzz_run(b);
		check(&m);
	}
	engine_set_lease(b->engine, MONO_NEVER);
	fuzz_age(b);
	check(&m);
	if (m.publishes > 0)
		publish_plain(b); /* each input begins alike */
}
