/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Roles of two boxes over a fake wire with a fake clock.
 *
 *	box A  10.1.1.2 / 200.1.1.2	Active group: vrid 1 on interface 0, vrid 2 on interface 2
 *	box B  10.1.1.3 / 200.1.1.3	Standby group: the same
 *
 * A step is one turn of every thread that is not frozen.  An observer counts after every step who
 * owns the addresses: state says so and the lease runs.
 */
#pragma once

#include "events.h"
#include "hrp_wire.h"
#include "role.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

extern const struct mon_type mon_type_vrrp;

#define QUEUE 4096
#define A     0
#define B     1
#define VRIDS 2

static const uint8_t virtual6[IP6_LEN] = { 0xfe, 0x80, [15] = 1 };

struct queue {
	struct ha_msg m[QUEUE];
	uint32_t head, tail;
};

/* The service network: adverts, questions who speaks for an address, answers. */
struct lan_frame {
	uint8_t to, vrid; /* vrid 0: an advert */
	bool answer;
	uint16_t interface, len;
	uint8_t ip[VRRP_WIRE_FRAME_MAX];
};
#define LAN_QUEUE 256

struct box {
	struct role *role;
	bool control_frozen, hrp_frozen, dead;
	bool link[4];
	uint64_t hrp_turns, worker_turns;
	bool worker_frozen;
	mono_t lease;
	bool own[4]; /* by interface */
	bool quiet;  /* owns, but neither announces nor answers */
	bool own_vrid[UINT8_MAX + 1];
	uint32_t takeovers, adverts, resigns, adverts6, resigns6, relearns, announces, questions;
	struct ip_addr sent_to; /* the last unicast one */
	int reaches;		/* every host: 1 yes, 0 no, -1 not known */
	int script;		/* every script, likewise */
	rte_be32_t address;
	const uint8_t *link_local; /* on every interface; NULL = none */
	uint64_t clock_ahead_ns;
	uint8_t last4[VRRP_WIRE_FRAME_MAX]; /* the last advert of IPv4 */
	uint16_t last4_len;
	uint8_t last6[VRRP_WIRE_FRAME_MAX]; /* the last advert of IPv6 */
	uint16_t last6_len;
	struct queue out; /* ring to the HRP core */
	struct queue nic; /* receive queue of the heartbeat port */
	struct queue in;  /* ring to the control core */
	struct events *events;
	struct sim *sim;
};

struct sim {
	mono_t now;
	uint64_t step_ns;
	uint32_t hello_ms, misses;
	struct mon_member
		extra; /* of a box that starts, in its group or the named one; type NULL: none */
	struct vrrp_setup more[2]; /* one more group of a box; vrid 0: none */
	uint8_t octet[2][VRIDS];   /* last one of the addresses of its groups; 0: the usual one */
	bool preempt;
	uint32_t preempt_delay_s;
	bool wire[2];	    /* from A, from B */
	uint8_t lose[2];    /* VGMP group whose messages are lost on it; 0: none */
	bool lan, lan_deaf; /* carries adverts and questions; deaf: adverts alone */
	struct lan_frame frames[LAN_QUEUE];
	uint32_t lan_head, lan_tail;
	bool yield;	   /* hrp.split_brain */
	bool held_back[2]; /* its self-test has failed */
	bool unmarked[2];  /* of a version that knows no mark of VRRP groups */
	struct box box[2];
	uint64_t both_ns, none_ns, longest_both_ns, both_run_ns;
	uint32_t requests; /* seen on the wire: VGMP requests to switch */
	uint16_t mark;	   /* likewise: of the last HRP hello */
	struct ha_vgmp last_request, last_reply;
};

static inline void
push(struct queue *q, const struct ha_msg *m)
{
	assert_true(q->tail - q->head < QUEUE);
	q->m[q->tail++ % QUEUE] = *m;
}

static inline bool
pop(struct queue *q, struct ha_msg *m)
{
	if (q->head == q->tail)
		return false;
	*m = q->m[q->head++ % QUEUE];
	return true;
}

static inline void
op_lease(void *ctx, mono_t until)
{
	((struct box *)ctx)->lease = until;
}

static inline void
op_own(void *ctx, uint16_t interface, uint8_t vrid, uint8_t family, bool own, mono_t now)
{
	struct box *const b = ctx;

	(void)family;
	b->own_vrid[vrid] = own;
	if (own && !b->own[interface]) {
		b->takeovers++;
		/* Never an announcement without the lease. */
		assert_true(now.ns < b->lease.ns);
	}
	b->own[interface] = own;
}

static inline bool
op_link_up(void *ctx, uint16_t interface)
{
	return ((struct box *)ctx)->link[interface];
}

static inline int
op_reaches(void *ctx, const struct ip_addr *host)
{
	(void)host;
	return ((struct box *)ctx)->reaches;
}

static inline int
op_script(void *ctx, uint16_t script)
{
	(void)script;
	return ((struct box *)ctx)->script;
}

static inline uint64_t
op_wall_ns(void *ctx)
{
	const struct box *const b = ctx;

	return b->sim->now.ns + b->clock_ahead_ns + UINT64_C(1800000000) * NS_PER_SEC;
}

static inline rte_be32_t
op_address(void *ctx, uint16_t interface)
{
	return ((struct box *)ctx)->address + interface;
}

/* From a box; without a sim, for tests of one box alone, nowhere. */
static inline void
lan_put(const struct box *from, struct lan_frame f)
{
	struct sim *const s = from->sim;

	if (s == NULL || !s->lan)
		return;
	assert_true(s->lan_tail - s->lan_head < LAN_QUEUE);
	f.to = from == &s->box[A] ? B : A;
	s->frames[s->lan_tail++ % LAN_QUEUE] = f;
}

static inline void
op_ask(void *ctx, uint16_t interface, uint8_t vrid, uint8_t family)
{
	struct box *const b = ctx;

	b->questions++;
	if (family == 4 && !b->sim->lan_deaf)
		lan_put(b, (struct lan_frame){ .vrid = vrid, .interface = interface });
}

static inline void
op_deaf(void *ctx, char *text, size_t size)
{
	(void)ctx;
	snprintf(text, size, "hb0 no carrier");
}

static inline void
op_relearn(void *ctx)
{
	((struct box *)ctx)->relearns++;
}

static inline void
op_announce(void *ctx, uint16_t interface, uint8_t vrid)
{
	(void)interface;
	(void)vrid;
	((struct box *)ctx)->announces++;
}

static inline void
op_send(void *ctx, uint16_t interface, const uint8_t *frame, uint16_t len)
{
	struct box *const b = ctx;
	struct lan_frame f = { .interface = interface, .len = (uint16_t)(len - 14) };
	struct vrrp_advert a;

	memcpy(f.ip, frame + 14, f.len);
	lan_put(b, f);
	assert_int_equal(vrrp_wire_check(frame + 14, (uint16_t)(len - 14), &a), VRRP_OK);
	assert_false(b->quiet);
	if (a.source.family == 6) {
		memcpy(b->last6, frame, len);
		b->last6_len = len;
		*(a.priority == 0 ? &b->resigns6 : &b->adverts6) += 1;
	} else {
		memcpy(b->last4, frame, len);
		b->last4_len = len;
		*(a.priority == 0 ? &b->resigns : &b->adverts) += 1;
	}
}

static inline void
op_send_to(void *ctx, uint16_t interface, const struct ip_addr *host, uint8_t *frame, uint16_t len)
{
	struct box *const b = ctx;

	b->sent_to = *host;
	op_send(ctx, interface, frame, len);
}

static inline void
op_quiet(void *ctx, bool quiet)
{
	((struct box *)ctx)->quiet = quiet;
}

static inline bool
op_put(void *ctx, const struct ha_msg *m)
{
	struct box *const b = ctx;

	struct ha_msg copy = *m;
	struct ha_vgmp v;

	if (b->out.tail - b->out.head >= 200)
		return false;
	memcpy(&v, m->data + sizeof(struct ha_vrrp), sizeof(v));
	if (m->type == HA_MSG_SEND && v.vtype == HA_HRP_HELLO &&
		b->sim->unmarked[b - b->sim->box]) {
		v.request_id = 0;
		memcpy(copy.data + sizeof(struct ha_vrrp), &v, sizeof(v));
		ha_finish(copy.data, copy.len, HA_VGMP, b->sim->hello_ms);
	}
	push(&b->out, &copy);
	return true;
}

static inline bool
op_get(void *ctx, struct ha_msg *m)
{
	return pop(&((struct box *)ctx)->in, m);
}

static inline uint64_t
op_hrp_turns(void *ctx)
{
	return ((struct box *)ctx)->hrp_turns;
}

static inline uint64_t
op_worker_turns(void *ctx, uint16_t worker)
{
	(void)worker;
	return ((struct box *)ctx)->worker_turns;
}

static inline uint32_t
op_sessions(void *ctx)
{
	(void)ctx;
	return 7;
}

static inline const uint8_t *
op_link_local(void *ctx, uint16_t interface)
{
	(void)interface;
	return ((struct box *)ctx)->link_local;
}

static inline struct role_ops
box_ops(struct box *b)
{
	return (struct role_ops){ .ctx = b,
		.lease = op_lease,
		.own = op_own,
		.link_up = op_link_up,
		.address = op_address,
		.link_local = op_link_local,
		.send = op_send,
		.send_to = op_send_to,
		.quiet = op_quiet,
		.reaches = op_reaches,
		.script = op_script,
		.put = op_put,
		.get = op_get,
		.hrp_turns = op_hrp_turns,
		.worker_turns = op_worker_turns,
		.sessions = op_sessions,
		.ask = op_ask,
		.deaf = op_deaf,
		.relearn = op_relearn,
		.announce = op_announce,
		.wall_ns = op_wall_ns };
}

static inline struct vrrp_setup
vrrp_of(uint8_t vrid, uint16_t interface, uint8_t group)
{
	return (struct vrrp_setup){ .vrid = vrid,
		.group = group,
		.version = 2,
		.priority = 100,
		.preempt = true,
		.interface = interface,
		.advert_ms = 1000,
		.address_count = 1,
		.addresses = { ip_addr_v4(RTE_BE32(0x0a010101)) } };
}

static inline void
box_start(struct sim *s, int which)
{
	struct box *const b = &s->box[which];
	static struct mon members;

	struct vrrp vrrps[VRIDS + 1];
	const uint8_t group = which == A ? VGMP_GROUP_ACTIVE : VGMP_GROUP_STANDBY;
	struct vrrp_setup *const more = &s->more[which];
	struct role_params p = { .paired = true,
		.hello_ms = s->hello_ms,
		.misses = s->misses,
		.preempt = s->preempt,
		.preempt_delay_s = s->preempt_delay_s,
		.split_yield = s->yield,
		.held_back = s->held_back[which],
		.workers = 1,
		.seed = (uint32_t)which * 1000,
		.vrrps = vrrps,
		.vrrp_count = (uint16_t)(VRIDS + (more->vrid != 0)),
		.members = &members,
		.ops = box_ops(b) };
	char err[100];

	memset(b, 0, sizeof(*b));
	b->sim = s;
	p.events = b->events = events_create();
	b->address = which == A ? RTE_BE32(0x0a010102) : RTE_BE32(0x0a010103);

	mon_init(&members);
	for (uint16_t i = 0; i < VRIDS; i++) {
		const uint16_t interface = i * 2;
		const struct mon_member m = { .type = &mon_type_vrrp,
			.group = group,
			.failed = true,
			.interface = interface };

		b->link[interface] = true;
		assert_int_equal(mon_add(&members, &m, err, sizeof(err)), 0);
		struct vrrp_setup setup = vrrp_of((uint8_t)(i + 1), interface, group);

		if (s->octet[which][i] != 0)
			setup.addresses[0] =
				ip_addr_v4(rte_cpu_to_be_32(0x0a010100u + s->octet[which][i]));
		if (i == 0) /* the second group has none */
			setup.addresses[setup.address_count++] = ip_addr_v6(virtual6);
		vrrp_init(&vrrps[i], &setup);
	}
	if (more->vrid != 0) {
		const struct mon_member m = { .type = &mon_type_vrrp,
			.group = group,
			.failed = true,
			.interface = more->interface };

		more->group = group;
		vrrp_init(&vrrps[VRIDS], more);
		assert_int_equal(mon_add(&members, &m, err, sizeof(err)), 0);
	}
	if (s->extra.type != NULL) {
		struct mon_member extra = s->extra;

		if (extra.group == VGMP_GROUP_NONE)
			extra.group = group;
		assert_int_equal(mon_add(&members, &extra, err, sizeof(err)), 0);
	}
	b->role = role_create(&p);
	assert_non_null(b->role);
}

/* Load sharing: vrid 1 and 3 in the Active group of A, 2 and 4 in the Active group of B; 1 and 2 on
 * interface 0, 3 and 4 on interface 2 (R103, R104). */
static inline void
box_start_sharing(struct sim *s, int which)
{
	struct box *const b = &s->box[which];
	static struct mon members;
	struct vrrp vrrps[4];
	char err[100];
	struct role_params p = { .paired = true,
		.hello_ms = s->hello_ms,
		.misses = s->misses,
		.seed = (uint32_t)which * 1000,
		.vrrps = vrrps,
		.vrrp_count = 4,
		.members = &members,
		.ops = box_ops(b) };

	memset(b, 0, sizeof(*b));
	b->sim = s;
	b->address = which == A ? RTE_BE32(0x0a010102) : RTE_BE32(0x0a010103);
	mon_init(&members);
	for (uint8_t vrid = 1; vrid <= 4; vrid++) {
		const uint16_t interface = vrid <= 2 ? 0 : 2;
		const bool of_a = vrid % 2 == 1;
		const uint8_t group = of_a == (which == A) ? VGMP_GROUP_ACTIVE : VGMP_GROUP_STANDBY;
		const struct mon_member m = { .type = &mon_type_vrrp,
			.group = group,
			.failed = true,
			.interface = interface };

		b->link[interface] = true;
		assert_int_equal(mon_add(&members, &m, err, sizeof(err)), 0);
		const struct vrrp_setup setup = vrrp_of(vrid, interface, group);

		vrrp_init(&vrrps[vrid - 1], &setup);
	}
	b->role = role_create(&p);
	assert_non_null(b->role);
}

static inline void
box_kill(struct sim *s, int which)
{
	struct box *const b = &s->box[which];

	role_destroy(b->role);
	events_destroy(b->events);
	memset(b, 0, sizeof(*b));
	b->dead = true;
}

static inline struct sim *
sim_new(uint32_t hello_ms, uint32_t misses)
{
	struct sim *const s = calloc(1, sizeof(*s));

	assert_non_null(s);
	s->now.ns = 10 * NS_PER_SEC;
	s->step_ns = hello_ms * NS_PER_MS / 100;
	s->hello_ms = hello_ms;
	s->misses = misses;
	s->wire[A] = s->wire[B] = true;
	s->box[A].dead = s->box[B].dead = true;
	return s;
}

static inline void
sim_free(struct sim *s)
{
	for (int i = A; i <= B; i++) {
		role_destroy(s->box[i].role);
		events_destroy(s->box[i].events);
	}
	free(s);
}

static inline bool
owns(const struct sim *s, int which)
{
	const struct box *const b = &s->box[which];

	return !b->dead && (b->own[0] || b->own[2]) && s->now.ns < b->lease.ns;
}

static inline void
watch_wire(struct sim *s, const struct ha_msg *m)
{
	struct ha_vgmp v;

	memcpy(&v, m->data + sizeof(struct ha_vrrp), sizeof(v));
	if (v.vtype == HA_HRP_HELLO)
		s->mark = rte_be_to_cpu_16(v.request_id);
	if (v.op == HA_OP_HELLO)
		return;
	if (v.mode == HA_REQUEST) {
		s->requests++;
		s->last_request = v;
	} else if (v.mode == HA_REPLY) {
		s->last_reply = v;
	}
}

static inline bool
is_lost(const struct sim *s, int which, const struct ha_msg *m)
{
	struct ha_vgmp v;

	memcpy(&v, m->data + sizeof(struct ha_vrrp), sizeof(v));
	return !s->wire[which] || v.group == s->lose[which];
}

static inline void
hrp_turn(struct sim *s, int which)
{
	struct box *const b = &s->box[which], *const peer = &s->box[1 - which];
	const uint32_t now_ms = (uint32_t)(s->now.ns / NS_PER_MS);
	struct ha_msg m;

	while (pop(&b->nic, &m))
		push(&b->in, &m);
	while (pop(&b->out, &m)) {
		if (m.type != HA_MSG_SEND || now_ms - m.value > s->hello_ms)
			continue;
		assert_int_equal(ha_check(m.data, m.len), HA_OK);
		watch_wire(s, &m);
		if (is_lost(s, which, &m) || peer->dead)
			continue;
		m.type = HA_MSG_RECEIVED;
		push(&peer->nic, &m);
	}
	b->hrp_turns++;
}

/* What arrives from the service network; a box that stands still reads it when it goes on. */
static inline void
lan_turn(struct sim *s)
{
	for (uint32_t n = s->lan_tail - s->lan_head; n > 0; n--) {
		struct lan_frame f = s->frames[s->lan_head++ % LAN_QUEUE];
		struct box *const to = &s->box[f.to];

		if (to->dead || !to->link[f.interface] || !s->box[1 - f.to].link[f.interface])
			continue;
		if (to->control_frozen) {
			lan_put(&s->box[1 - f.to], f);
		} else if (f.vrid == 0) {
			role_vrrp(to->role, f.interface, f.ip, f.len, s->now);
		} else if (f.answer) {
			role_claim(to->role, f.interface, f.vrid, 4, s->now);
		} else if (to->own_vrid[f.vrid] && s->now.ns < to->lease.ns && !to->quiet) {
			f.answer = true;
			lan_put(to, f);
		}
	}
}

static inline void
observe(struct sim *s)
{
	const bool a = owns(s, A), b = owns(s, B);

	if (a && b) {
		s->both_ns += s->step_ns;
		s->both_run_ns += s->step_ns;
		if (s->both_run_ns > s->longest_both_ns)
			s->longest_both_ns = s->both_run_ns;
	} else {
		s->both_run_ns = 0;
	}
	if (!a && !b)
		s->none_ns += s->step_ns;
	/* VRP-11: all addresses of a box move together. */
	for (int i = A; i <= B; i++) {
		const struct box *const x = &s->box[i];

		if (!x->dead && !x->control_frozen && x->link[0] && x->link[2])
			assert_int_equal(x->own[0], x->own[2]);
	}
}

static inline void
step(struct sim *s)
{
	s->now.ns += s->step_ns;
	for (int i = A; i <= B; i++) {
		struct box *const b = &s->box[i];

		if (b->dead)
			continue;
		if (!b->control_frozen)
			role_tick(b->role, s->now);
		if (!b->hrp_frozen)
			hrp_turn(s, i);
		if (!b->worker_frozen)
			b->worker_turns++;
	}
	lan_turn(s);
	observe(s);
}

static inline void
run_ms(struct sim *s, uint64_t ms)
{
	const mono_t end = mono_add_ms(s->now, ms);

	while (mono_before(s->now, end))
		step(s);
}

static inline void
freeze(struct sim *s, int which, bool on)
{
	s->box[which].control_frozen = s->box[which].hrp_frozen = s->box[which].worker_frozen = on;
}

static inline void
set_link(struct sim *s, int which, uint16_t interface, bool up)
{
	s->box[which].link[interface] = up;
	role_link(s->box[which].role, interface, up, s->now);
}

static inline void
set_sync(struct sim *s, bool on)
{
	const struct ha_msg m = { .type = HA_MSG_SYNC, .flag = on };

	for (int i = A; i <= B; i++)
		if (!s->box[i].dead)
			push(&s->box[i].in, &m);
}

static inline struct role_status *
status_of(const struct sim *s, int which)
{
	static struct role_status st[2];

	role_status_read(s->box[which].role, &st[which]);
	return &st[which];
}

static inline uint8_t
state_of(const struct sim *s, int which)
{
	return status_of(s, which)
		->group[which == A ? VGMP_GROUP_ACTIVE : VGMP_GROUP_STANDBY]
		.state;
}

static inline uint32_t
priority_of(const struct sim *s, int which)
{
	return status_of(s, which)
		->group[which == A ? VGMP_GROUP_ACTIVE : VGMP_GROUP_STANDBY]
		.priority;
}

/* Both started, one hello later: A Active, B Standby. */
static inline struct sim *
formed(uint32_t hello_ms, uint32_t misses)
{
	struct sim *const s = sim_new(hello_ms, misses);

	box_start(s, A);
	box_start(s, B);
	run_ms(s, 3 * (uint64_t)hello_ms);
	assert_true(owns(s, A));
	assert_false(owns(s, B));
	s->none_ns = s->both_ns = 0;
	return s;
}

static inline void
one_owner(const struct sim *s, int which)
{
	assert_true(owns(s, which));
	assert_false(owns(s, 1 - which));
	assert_int_equal(s->both_ns, 0);
}

/* Now; while the box handed over by order both forwarded. */
static inline void
one_owner_after(const struct sim *s, int which)
{
	assert_true(owns(s, which));
	assert_false(owns(s, 1 - which));
}
