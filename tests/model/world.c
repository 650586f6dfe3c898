/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Two boxes and a wire: actions, steps and claims.  See world.h.
 */
#include "world_state.h"

#include <stdlib.h>
#include <string.h>

struct world world;
static struct world_options options;
static char reason[WORLD_REASON];

/* ---- what the real code calls ---- */

static int
box_of(const void *ctx)
{
	return ctx == &world.box[1];
}

static bool
wrong(const char *text)
{
	if (reason[0] == '\0')
		snprintf(reason, sizeof(reason), "%s", text);
	return false;
}

static void
op_lease(void *ctx, mono_t until)
{
	((struct world_box *)ctx)->lease = until;
}

static void
op_own(void *ctx, uint16_t interface, uint8_t vrid, uint8_t family, bool own, mono_t now)
{
	struct world_box *const b = ctx;

	(void)vrid;
	(void)family;
	if (own && !mono_before(now, b->lease))
		wrong("an address is taken without a lease");
	b->own[interface] = own;
}

static bool
op_link_up(void *ctx, uint16_t interface)
{
	return ((struct world_box *)ctx)->link[interface];
}

static rte_be32_t
op_address(void *ctx, uint16_t interface)
{
	(void)ctx;
	(void)interface;
	return 0; /* driven groups: adverts decide nothing */
}

static const uint8_t *
op_link_local(void *ctx, uint16_t interface)
{
	(void)ctx;
	(void)interface;
	return NULL;
}

static void
op_send(void *ctx, uint16_t interface, const uint8_t *frame, uint16_t len)
{
	(void)ctx;
	(void)interface;
	(void)frame;
	(void)len;
}

void
world_push(struct world_queue *q, const struct world_msg *m)
{
	if (q->count < WORLD_QUEUE) /* full: lost, as in a port's queue */
		q->list[q->count++] = *m;
}

static bool
op_put(void *ctx, const struct ha_msg *m)
{
	struct world_box *const b = ctx;
	struct ha_vgmp v;
	struct hrp_hello h = { 0 };

	if (m->type == HA_MSG_ROLE)
		b->told = (uint8_t)m->value;
	if (m->type != HA_MSG_SEND)
		return true;
	memcpy(&v, m->data + sizeof(struct ha_vrrp), sizeof(v));
	if (m->len > sizeof(struct ha_vrrp) + sizeof(v))
		memcpy(&h, m->data + sizeof(struct ha_vrrp) + sizeof(v), sizeof(h));
	const struct world_msg x = { .hello = v.vtype == HA_HRP_HELLO,
		.mode = v.mode,
		.op = v.op,
		.result = v.result,
		.state = v.state,
		/* An announcement has N x H there, which is the same on both boxes here. */
		.id = v.mode == HA_ANNOUNCE ? 0 : rte_be_to_cpu_16(v.request_id),
		.priority = (uint16_t)rte_be_to_cpu_32(v.priority),
		.epoch = (uint8_t)rte_be_to_cpu_32(h.epoch),
		.known = b->told,
		.at = world.now };

	world_push(&b->out, &x);
	return true;
}

uint8_t
world_group(int which)
{
	return options.same != 0 ? options.same
				 : (uint8_t)(which == 0 ? VGMP_GROUP_ACTIVE : VGMP_GROUP_STANDBY);
}

static void
build(const struct world_msg *x, int from, struct ha_msg *m)
{
	struct ha_vgmp v = { .vtype = x->hello ? HA_HRP_HELLO : HA_VGMP_HELLO,
		.group = world_group(from),
		.state = x->state,
		.mode = x->mode,
		.op = x->op,
		.result = x->result,
		.request_id = rte_cpu_to_be_16(x->id),
		.priority = rte_cpu_to_be_32(x->priority),
		.members = RTE_BE16(WORLD_LINKS) };
	const struct hrp_hello h = { .epoch = rte_cpu_to_be_32(x->epoch),
		.hello_ms = rte_cpu_to_be_16(WORLD_HELLO_MS) };

	*m = (struct ha_msg){ .type = HA_MSG_RECEIVED,
		.flag = from == 1 ? HA_RECEIVED_FIRST : 0,
		.value = x->known };
	memcpy(m->data + sizeof(struct ha_vrrp), &v, sizeof(v));
	m->len = sizeof(struct ha_vrrp) + sizeof(v);
	if (x->hello) {
		memcpy(m->data + m->len, &h, sizeof(h));
		m->len += sizeof(h);
	}
}

static void
take_first(struct world_queue *q)
{
	q->count--;
	memmove(&q->list[0], &q->list[1], q->count * sizeof(q->list[0]));
}

static void
op_quiet(void *ctx, bool quiet)
{
	(void)ctx;
	(void)quiet; /* no planned switch here */
}

static bool
op_get(void *ctx, struct ha_msg *m)
{
	struct world_box *const b = ctx;

	if (b->role->synchronised != b->sync) {
		*m = (struct ha_msg){ .type = HA_MSG_SYNC, .flag = b->sync };
		return true;
	}
	if (b->in.count == 0)
		return false;
	const uint64_t age = (world.now.ns - b->in.list[0].at.ns) / WORLD_STEP;
	struct world_path *const p = &world.path[1 - box_of(ctx)];

	if (age < p->silent)
		p->silent = (uint8_t)age;
	build(&b->in.list[0], 1 - box_of(ctx), m);
	take_first(&b->in);
	return true;
}

static uint64_t
op_hrp_turns(void *ctx)
{
	return ((struct world_box *)ctx)->turns;
}

static uint64_t
op_worker_turns(void *ctx, uint16_t worker)
{
	(void)ctx;
	(void)worker;
	return 0;
}

static uint32_t
op_sessions(void *ctx)
{
	(void)ctx;
	return 0;
}

/* ---- boxes ---- */

static struct role *
create(int which)
{
	static struct mon members;
	const uint8_t group = world_group(which);
	struct vrrp vrrps[WORLD_LINKS];
	struct role_params p = { .paired = true,
		.hello_ms = WORLD_HELLO_MS,
		.misses = options.misses,
		.preempt = options.preempt,
		.vrrps = vrrps,
		.vrrp_count = WORLD_LINKS,
		.members = &members,
		.ops = { .ctx = &world.box[which],
			.lease = op_lease,
			.own = op_own,
			.quiet = op_quiet,
			.link_up = op_link_up,
			.address = op_address,
			.link_local = op_link_local,
			.send = op_send,
			.put = op_put,
			.get = op_get,
			.hrp_turns = op_hrp_turns,
			.worker_turns = op_worker_turns,
			.sessions = op_sessions } };
	char err[100];

	mon_init(&members);
	for (uint16_t i = 0; i < WORLD_LINKS; i++) {
		const struct mon_member m = {
			.type = &mon_type_vrrp, .group = group, .failed = true, .interface = i
		};

		mon_add(&members, &m, err, sizeof(err));
		const struct vrrp_setup setup = { .vrid = (uint8_t)(i + 1),
			.group = group,
			.version = 2,
			.priority = 100,
			.preempt = true,
			.interface = i,
			.advert_ms = 1000,
			.address_count = 1,
			.addresses = { ip_addr_v4(RTE_BE32(0x0a010101)) } };
		vrrp_init(&vrrps[i], &setup);
	}
	return role_create(&p);
}

/* A box as after power-on; the links keep their state. */
static void
reset(int which, bool dead)
{
	struct world_box *const b = &world.box[which];

	world_forget(b);
	b->dead = dead;
	b->control_frozen = b->hrp_frozen = b->sync = false;
	b->frozen_for = 0;
	b->newest = 0;
	b->lease.ns = 0;
	memset(b->own, 0, sizeof(b->own));
	b->out.count = b->nic.count = b->in.count = 0;
}

void
world_open(const struct world_options *o)
{
	options = *o;
	memset(&world, 0, sizeof(world));
	world.misses = o->misses;
	world.now.ns = WORLD_NOW;
	for (int i = 0; i < 2; i++) {
		world.box[i].role = create(i);
		if (world.box[i].role == NULL)
			abort();
	}
}

void
world_close(void)
{
	role_destroy(world.box[0].role);
	role_destroy(world.box[1].role);
}

void
world_start(void)
{
	reason[0] = '\0';
	world.now.ns = WORLD_NOW;
	for (int i = 0; i < 2; i++) {
		memset(world.box[i].link, true, sizeof(world.box[i].link));
		reset(i, false);
		world.path[i] = (struct world_path){ .silent = WORLD_AGE, .lost = WORLD_AGE };
	}
	world.cut = false;
	world.whole = world.synced = 0;
}

const char *
world_reason(void)
{
	return reason;
}

/* ---- actions ---- */

enum what {
	NOTHING,
	KILL,
	START,
	FREEZE,
	FREEZE_CONTROL,
	FREEZE_HRP,
	THAW,
	LINK_DOWN,
	LINK_UP,
	RESIGN,
	CUT,
	HEAL,
	LOSE,
	DOUBLE,
	DELAY,
	RELEASE,
	REVERSE,
};

/* `which`: box, or the direction from that box. */
static const struct action {
	enum what what;
	uint8_t which, link;
	const char *name;
} actions[] = {
	{ NOTHING, 0, 0, "nothing" },
	{ KILL, 0, 0, "kill 0" },
	{ KILL, 1, 0, "kill 1" },
	{ START, 0, 0, "start 0" },
	{ START, 1, 0, "start 1" },
	{ FREEZE, 0, 0, "freeze 0" },
	{ FREEZE, 1, 0, "freeze 1" },
	{ FREEZE_CONTROL, 0, 0, "freeze-control 0" },
	{ FREEZE_CONTROL, 1, 0, "freeze-control 1" },
	{ FREEZE_HRP, 0, 0, "freeze-hrp 0" },
	{ FREEZE_HRP, 1, 0, "freeze-hrp 1" },
	{ THAW, 0, 0, "thaw 0" },
	{ THAW, 1, 0, "thaw 1" },
	{ LINK_DOWN, 0, 0, "link-down 0 0" },
	{ LINK_DOWN, 0, 1, "link-down 0 1" },
	{ LINK_DOWN, 1, 0, "link-down 1 0" },
	{ LINK_DOWN, 1, 1, "link-down 1 1" },
	{ LINK_UP, 0, 0, "link-up 0 0" },
	{ LINK_UP, 0, 1, "link-up 0 1" },
	{ LINK_UP, 1, 0, "link-up 1 0" },
	{ LINK_UP, 1, 1, "link-up 1 1" },
	{ RESIGN, 0, 0, "resign 0" },
	{ RESIGN, 1, 0, "resign 1" },
	{ CUT, 0, 0, "cut 0" },
	{ CUT, 1, 0, "cut 1" },
	{ HEAL, 0, 0, "heal 0" },
	{ HEAL, 1, 0, "heal 1" },
	{ LOSE, 0, 0, "lose 0" },
	{ LOSE, 1, 0, "lose 1" },
	{ DOUBLE, 0, 0, "double 0" },
	{ DOUBLE, 1, 0, "double 1" },
	{ DELAY, 0, 0, "delay 0" },
	{ DELAY, 1, 0, "delay 1" },
	{ RELEASE, 0, 0, "release 0" },
	{ RELEASE, 1, 0, "release 1" },
	{ REVERSE, 0, 0, "reverse 0" },
	{ REVERSE, 1, 0, "reverse 1" },
};

unsigned int
world_actions(void)
{
	return sizeof(actions) / sizeof(actions[0]);
}

const char *
world_action_name(unsigned int action)
{
	return actions[action].name;
}

static bool
frozen(const struct world_box *b)
{
	return b->control_frozen || b->hrp_frozen;
}

bool
world_can(unsigned int action)
{
	const struct action *const a = &actions[action];
	const struct world_box *const b = &world.box[a->which];
	const struct world_path *const p = &world.path[a->which];

	switch (a->what) {
	case NOTHING:
		return true;
	case START:
		return b->dead;
	case FREEZE:
	case FREEZE_CONTROL:
	case FREEZE_HRP:
		return !b->dead && !frozen(b);
	case THAW:
		return !b->dead && frozen(b);
	case LINK_DOWN:
		return b->link[a->link];
	case LINK_UP:
		return !b->link[a->link];
	case RESIGN:
		return !b->dead && !b->role->resign_wanted;
	case CUT:
		return !p->cut;
	case HEAL:
		return p->cut;
	case RELEASE:
		return p->held.count > 0;
	case KILL:
		return !b->dead;
	default: /* only what is sent can be lost */
		return !b->dead && !p->cut && b->role->started && world_sends(b);
	}
}

static void
set_link(struct world_box *b, uint8_t link, bool up)
{
	b->link[link] = up;
	b->carrier_news |= (uint8_t)(1u << link);
}

static void
apply(const struct action *a)
{
	struct world_box *const b = &world.box[a->which];
	struct world_path *const p = &world.path[a->which];

	switch (a->what) {
	case KILL:
	case START:
		reset(a->which, a->what == KILL);
		return;
	case FREEZE:
		b->control_frozen = b->hrp_frozen = true;
		return;
	case FREEZE_CONTROL:
		b->control_frozen = true;
		return;
	case FREEZE_HRP:
		b->hrp_frozen = true;
		return;
	case THAW:
		b->control_frozen = b->hrp_frozen = false;
		return;
	case LINK_DOWN:
	case LINK_UP:
		set_link(b, a->link, a->what == LINK_UP);
		return;
	case RESIGN:
		role_resign(b->role);
		return;
	case CUT:
	case HEAL:
		p->cut = a->what == CUT;
		return;
	default:
		return; /* of messages: when they are sent */
	}
}

/* ---- a step ---- */

/* What box `from` sends in this step, as the action wills. */
static void
transmit(int from, const struct action *a)
{
	struct world_box *const b = &world.box[from], *const peer = &world.box[1 - from];
	struct world_path *const p = &world.path[from];
	const enum what what = a->which == from ? a->what : NOTHING;
	const uint32_t count = b->out.count;

	b->turns += 2; /* it turns far more often than H / 4: what is sent is known to have left */
	b->out.count = 0;
	for (uint32_t i = 0; i < count; i++)
		b->out.list[i].number = ++b->sent;
	for (uint32_t i = 0; i < count; i++) {
		const struct world_msg m = b->out.list[what == REVERSE ? count - 1 - i : i];

		if (world.now.ns - m.at.ns > WORLD_HELLO * WORLD_STEP) /* as hrp.c */
			continue;
		if (p->cut || what == LOSE || peer->dead) {
			p->lost = 0;
			continue;
		}
		if (what == DELAY || what == DOUBLE) {
			if (p->held.count == 0)
				p->held_for = 0;
			world_push(&p->held, &m);
		}
		if (what == DELAY)
			p->lost = 0;
		else
			world_push(&peer->nic, &m);
	}
}

/* Late ones arrive behind newer ones. */
static void
release(int from, bool now)
{
	struct world_path *const p = &world.path[from];

	if (p->held.count == 0)
		return;
	if (!now && ++p->held_for < WORLD_HELLO)
		return;
	for (uint32_t i = 0; i < p->held.count; i++) {
		if (!world.box[1 - from].dead)
			world_push(&world.box[1 - from].nic, &p->held.list[i]);
	}
	p->held.count = 0;
	p->held_for = 0;
}

static void
hrp_turn(int which, const struct action *a)
{
	struct world_box *const b = &world.box[which];

	for (uint32_t i = 0; i < b->nic.count; i++)
		if (hrp_order_newest(&b->newest, b->nic.list[i].number) || world_takes_late())
			world_push(&b->in, &b->nic.list[i]);
	b->nic.count = 0;
	transmit(which, a);
}

static void
turn(int which, const struct action *a)
{
	struct world_box *const b = &world.box[which];

	if (b->dead)
		return;
	if (frozen(b) && ++b->frozen_for >= WORLD_FREEZE)
		b->control_frozen = b->hrp_frozen = false;
	if (!frozen(b))
		b->frozen_for = 0;
	if (!b->control_frozen) {
		b->role->published_at = MONO_NEVER; /* nobody reads shows */
		for (uint16_t i = 0; i < WORLD_LINKS; i++) {
			if (b->carrier_news & 1u << i)
				role_link(b->role, i, b->link[i], world.now);
		}
		b->carrier_news = 0;
		role_tick(b->role, world.now);
	}
	if (!b->hrp_frozen)
		hrp_turn(which, a);
	if (role_resigned(b->role))
		reset(which, true);
}

bool
world_owns(int which)
{
	const struct world_box *const b = &world.box[which];

	return !b->dead && (b->own[0] || b->own[1]) && mono_before(world.now, b->lease);
}

enum vgmp_state
world_state(int which)
{
	const struct world_box *const b = &world.box[which];

	return b->dead ? VGMP_INITIALIZE : b->role->group[world_group(which)].state;
}

/* Sessions are synchronised when one owns, the other stands by and both have been heard for a
 * while. */
static void
synchronise(void)
{
	const bool good = vgmp_owns(world_state(0)) != vgmp_owns(world_state(1)) &&
			  world.path[0].silent <= WORLD_HELLO + 1 &&
			  world.path[1].silent <= WORLD_HELLO + 1 && !world.box[0].dead &&
			  !world.box[1].dead;

	if (!good)
		world.synced = 0;
	else if (world.synced < 3)
		world.synced++;
	world.box[0].sync = world.box[1].sync = world.synced == 3;
}

/* Is a path left?  None is when something was lost and, for all but half an interval of the N that
 * the peer waits, nothing sent since has arrived; there is one again when both have heard each
 * other for two intervals. */
static void
look_at_paths(void)
{
	bool heard = true;

	for (int i = 0; i < 2; i++) {
		struct world_path *const p = &world.path[i];

		p->silent += p->silent < WORLD_AGE;
		p->lost += p->lost < WORLD_AGE;
		if (p->silent >= world.misses * WORLD_HELLO - WORLD_HELLO / 2 &&
			p->lost <= p->silent && p->lost < WORLD_AGE)
			world.cut = true;
		if (p->silent > WORLD_HELLO + 2 || p->held.count > 0)
			heard = false;
	}
	if (!heard)
		world.whole = 0;
	else if (world.whole < 2 * WORLD_HELLO)
		world.whole++;
	if (world.whole == 2 * WORLD_HELLO)
		world.cut = false;
}

static bool
check(const uint32_t epochs[2])
{
	if (world_owns(0) && world_owns(1) && !world.cut)
		return wrong("two owners while a path is left");
	for (int i = 0; i < 2; i++) {
		const struct world_box *const b = &world.box[i];

		if (b->dead || frozen(b))
			continue;
		if (world_owns(i) && !vgmp_owns(world_state(i)))
			return wrong("an owner that is not active");
		if (b->link[0] && b->link[1] && b->own[0] != b->own[1])
			return wrong("half of the addresses");
		if (b->role->started &&
			(int32_t)(b->role->group[world_group(i)].epoch - epochs[i]) < 0)
			return wrong("an epoch went back");
	}
	return reason[0] == '\0';
}

bool
world_step(unsigned int action)
{
	const struct action *const a = &actions[action];
	uint32_t epochs[2];

	world.now.ns += WORLD_STEP;
	apply(a);
	for (int i = 0; i < 2; i++)
		epochs[i] = world.box[i].role->group[world_group(i)].epoch;
	for (int i = 0; i < 2; i++)
		turn(i, a);
	for (int i = 0; i < 2; i++)
		release(i, a->what == RELEASE && a->which == i);
	look_at_paths();
	synchronise();
	return check(epochs);
}

/* ---- at rest ---- */

static void
repair(bool all)
{
	for (int i = 0; i < 2; i++) {
		struct world_box *const b = &world.box[i];

		b->control_frozen = b->hrp_frozen = false;
		for (uint8_t k = 0; all && k < WORLD_LINKS; k++) {
			if (!b->link[k])
				set_link(b, k, true);
		}
		if (all && b->dead)
			reset(i, false);
		if (all)
			world.path[i].cut = false;
	}
	/* Half a path is none: see docs/testing.md. */
	if (world.path[0].cut || world.path[1].cut)
		world.path[0].cut = world.path[1].cut = true;
}

static bool
rest_is_right(void)
{
	const struct world_box *const b = world.box;
	const bool apart = world.path[0].cut && world.path[1].cut;
	const bool alive[2] = { !b[0].dead, !b[1].dead };

	for (int i = 0; i < 2; i++) {
		const bool has_link = b[i].link[0] || b[i].link[1];

		if (alive[i] && (apart || !alive[1 - i]) && world_owns(i) != has_link)
			return wrong("at rest, alone and no owner");
	}
	if (apart || !alive[0] || !alive[1])
		return true;
	if (vgmp_owns(world_state(0)) == vgmp_owns(world_state(1)))
		return wrong(vgmp_owns(world_state(0)) ? "at rest, both active"
						       : "at rest, none active");
	const int owner = vgmp_owns(world_state(1));
	const struct role_group *const g = &b[owner].role->group[world_group(owner)];

	if (g->yielded || ((b[owner].link[0] || b[owner].link[1]) && !world_owns(owner)))
		return wrong("at rest, the active one owns nothing");
	if (role_priority(b[owner].role, g) < g->peer_priority &&
		(options.preempt || b[owner].role->members.failed[g->id] > 0))
		return wrong("at rest, the worse one is active");
	if ((int32_t)(g->epoch - g->peer_epoch) < 0)
		return wrong("at rest, the older epoch is active");
	return true;
}

bool
world_settle(bool repaired)
{
	enum vgmp_state before[2];

	repair(repaired);
	for (unsigned int i = 0; i < WORLD_QUIET; i++) {
		if (!world_step(0))
			return false;
		/* Who was leaving has left: it comes back only when repaired. */
		if (repaired)
			repair(true);
	}
	if (!rest_is_right())
		return false;
	for (int i = 0; i < 2; i++)
		before[i] = vgmp_shown(world_state(i));
	for (unsigned int i = 0; i < 2 * WORLD_HELLO; i++) {
		if (!world_step(0))
			return false;
		for (int k = 0; k < 2; k++) {
			if (vgmp_shown(world_state(k)) != before[k])
				return wrong("at rest, a role changes again");
		}
	}
	return true;
}

void
world_print(FILE *f)
{
	for (int i = 0; i < 2; i++) {
		const struct world_box *const b = &world.box[i];
		const struct role_group *const g = &b->role->group[world_group(i)];

		if (b->dead) {
			fprintf(f, "  [%d dead]", i);
			continue;
		}
		fprintf(f, "  [%d %s%s%s%s%s priority %u epoch %u peer %s %u, lease %+d]", i,
			vgmp_state_names[g->state], world_owns(i) ? " OWNS" : "",
			g->listening ? " listening" : "", frozen(b) ? " frozen" : "",
			b->role->synchronised ? " synchronised" : "", role_priority(b->role, g),
			g->epoch, vgmp_state_names[g->peer_state], g->peer_priority,
			b->lease.ns == 0 ? 0
					 : (int)(((int64_t)b->lease.ns - (int64_t)world.now.ns) /
						   (int64_t)NS_PER_MS));
	}
	fprintf(f, "%s\n", world.cut ? "  no path" : "");
}
