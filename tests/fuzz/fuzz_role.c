/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The roles of one box.  Input: how it is set up, then events: messages of the peer (good ones with
 * octets altered, as many as pass ha_check()), adverts, time, carrier, threads that stop, orders.
 *
 * What must hold after each: addresses are taken with a lease only, and the lease ends before the
 * peer can have waited for N hellos; who owns is in a state that owns; a group without members is
 * in Initialize; an epoch never goes back; what the box says is well-formed; what does not pass the
 * check is counted and changes nothing; the copy for shows says the same as the roles.
 */
#include "fuzz_check.h"
#include "fuzz_input.h"
#include "hrp_wire.h"
#include "log.h"
#include "role_state.h"

#include <string.h>

#define HELLO_MS 100
#define LINKS	 2
#define QUEUE	 8

extern const struct mon_type mon_type_vrrp;

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct machine {
	struct role *role;
	struct fuzz_input *in;
	mono_t now, lease;
	bool own[UINT8_MAX + 1], link[LINKS];
	bool hrp_stopped, worker_stopped, full;
	uint64_t hrp_turns, worker_turns;
	uint16_t asked; /* number of its last request */
	struct ha_msg queue[QUEUE];
	unsigned int queued;
	uint32_t epoch[VGMP_GROUP_STANDBY + 1];
	uint64_t refused[HA_REFUSAL_COUNT], taken;
};

/* The linker leads here (--wrap): hundreds of lines an input would be most of the time. */
void __wrap_log_write(enum log_level, const char *, ...);

void
__wrap_log_write(enum log_level level, const char *fmt, ...)
{
	(void)level;
	(void)fmt;
}

/* ---- what the roles call ---- */

static void
op_lease(void *ctx, mono_t until)
{
	((struct machine *)ctx)->lease = until;
}

static void
op_own(void *ctx, uint16_t interface, uint8_t vrid, uint8_t family, bool own, mono_t now)
{
	struct machine *const m = ctx;

	(void)interface;
	(void)family;
	FUZZ_CHECK(!own || m->own[vrid] || mono_before(now, m->lease),
		"the address of vrid %u is taken without a lease", vrid);
	m->own[vrid] = own;
}

static bool
op_link_up(void *ctx, uint16_t interface)
{
	return ((struct machine *)ctx)->link[interface % LINKS];
}

static rte_be32_t
op_address(void *ctx, uint16_t interface)
{
	(void)ctx;
	return rte_cpu_to_be_32(0x0a010102u + ((uint32_t)interface << 8));
}

static const uint8_t *
op_link_local(void *ctx, uint16_t interface)
{
	(void)ctx;
	(void)interface;
	return NULL;
}

static int
op_reaches(void *ctx, const struct ip_addr *host)
{
	(void)ctx;
	(void)host;
	return 1;
}

static void
op_send(void *ctx, uint16_t interface, const uint8_t *frame, uint16_t len)
{
	struct vrrp_advert a;

	(void)ctx;
	(void)interface;
	FUZZ_CHECK(vrrp_wire_check(frame + 14, (uint16_t)(len - 14), &a) == VRRP_OK,
		"an advert that nobody takes");
}

static void
op_send_to(void *ctx, uint16_t interface, const struct ip_addr *host, uint8_t *frame, uint16_t len)
{
	(void)host;
	op_send(ctx, interface, frame, len);
}

static void
op_quiet(void *ctx, bool quiet)
{
	(void)ctx;
	(void)quiet;
}

static bool
op_put(void *ctx, const struct ha_msg *msg)
{
	struct machine *const m = ctx;
	struct ha_vgmp v;

	if (m->full)
		return false;
	if (msg->type != HA_MSG_SEND)
		return true;
	FUZZ_CHECK(msg->len <= sizeof(msg->data) && ha_check(msg->data, msg->len) == HA_OK,
		"a message that nobody takes");
	memcpy(&v, msg->data + sizeof(struct ha_vrrp), sizeof(v));
	if (v.mode == HA_REQUEST)
		m->asked = rte_be_to_cpu_16(v.request_id);
	return true;
}

static bool
op_get(void *ctx, struct ha_msg *msg)
{
	struct machine *const m = ctx;

	if (m->queued == 0)
		return false;
	*msg = m->queue[0];
	memmove(&m->queue[0], &m->queue[1], --m->queued * sizeof(m->queue[0]));
	return true;
}

static void
op_ask(void *ctx, uint16_t interface, uint8_t vrid, uint8_t family)
{
	(void)ctx;
	FUZZ_CHECK(interface < LINKS && vrid != 0 && family == 4, "asks for no address of ours");
}

static void
op_deaf(void *ctx, char *text, size_t size)
{
	(void)ctx;
	snprintf(text, size, "no link works");
}

static void
op_relearn(void *ctx)
{
	(void)ctx;
}

static uint64_t
op_hrp_turns(void *ctx)
{
	return ((struct machine *)ctx)->hrp_turns;
}

static uint64_t
op_worker_turns(void *ctx, uint16_t worker)
{
	(void)worker;
	return ((struct machine *)ctx)->worker_turns;
}

static uint32_t
op_sessions(void *ctx)
{
	(void)ctx;
	return 7;
}

/* ---- the box ---- */

/* Group of vrid 1 and 2, of 3 and 4 (on the same interfaces); 0 = none. */
static void
setup(struct vrrp *vrrps, struct mon *members, uint8_t how)
{
	const uint8_t groups[2] = { how & 1 ? VGMP_GROUP_STANDBY : VGMP_GROUP_ACTIVE,
		how & 1 ? VGMP_GROUP_ACTIVE : VGMP_GROUP_STANDBY };
	char err[100];

	mon_init(members);
	for (uint16_t i = 0; i < 2 * LINKS; i++) {
		/* Load sharing, or the second half in no group, or in the same. */
		const uint8_t group = i < LINKS ? groups[0] : how & 2 ? groups[1] : groups[0];
		const struct mon_member member = { .type = &mon_type_vrrp,
			.group = group,
			.failed = true,
			.interface = i % LINKS };
		const struct vrrp_setup set = { .vrid = (uint8_t)(i + 1),
			.group = group,
			.version = 2,
			.priority = 100,
			.preempt = true,
			.interface = i % LINKS,
			.advert_ms = 1000,
			.address_count = 1,
			.addresses = { ip_addr_v4(rte_cpu_to_be_32(0x0a010101u + i)) } };

		FUZZ_CHECK(mon_add(members, &member, err, sizeof(err)) == 0, "%s", err);
		vrrp_init(&vrrps[i], &set);
	}
}

static void
start(struct machine *m)
{
	static struct mon members;
	struct vrrp vrrps[2 * LINKS];
	const uint8_t how = fuzz_byte(m->in);
	const struct role_params params = { .paired = true,
		.hello_ms = HELLO_MS,
		.misses = how & 4 ? 2 : 3,
		.preempt = (how & 8) != 0,
		.preempt_delay_s = how & 16 ? 1 : 0,
		.split_yield = (how & 128) != 0,
		.workers = 1,
		.vrrps = vrrps,
		.vrrp_count = 2 * LINKS,
		.members = &members,
		.ops = { .ctx = m,
			.lease = op_lease,
			.own = op_own,
			.link_up = op_link_up,
			.address = op_address,
			.link_local = op_link_local,
			.reaches = op_reaches,
			.send = op_send,
			.send_to = op_send_to,
			.quiet = op_quiet,
			.ask = op_ask,
			.deaf = op_deaf,
			.relearn = op_relearn,
			.put = op_put,
			.get = op_get,
			.hrp_turns = op_hrp_turns,
			.worker_turns = op_worker_turns,
			.sessions = op_sessions } };

	m->now.ns = 10 * NS_PER_SEC;
	m->link[0] = (how & 32) == 0;
	m->link[1] = (how & 64) == 0;
	setup(vrrps, &members, how);
	m->role = role_create(&params);
	FUZZ_CHECK(m->role != NULL, "out of memory");
}

/* ---- events ---- */

static void
give(struct machine *m, const struct ha_msg *msg)
{
	if (m->queued < QUEUE)
		m->queue[m->queued++] = *msg;
}

/* A message of the peer: three octets say what, then those that are altered. */
static void
message(struct machine *m, uint8_t what)
{
	const uint8_t state = fuzz_byte(m->in), priority = fuzz_byte(m->in);
	const bool hello = (what & 1) != 0;
	struct ha_msg msg = { .type = HA_MSG_RECEIVED };
	const struct ha_vgmp v = { .vtype = hello ? HA_HRP_HELLO : HA_VGMP_HELLO,
		.mode = hello ? HA_ANNOUNCE : (uint8_t)((what >> 2) % 3),
		.group = state & 0x80 ? VGMP_GROUP_ACTIVE : VGMP_GROUP_STANDBY,
		.state = state & 7,
		.op = (uint8_t)((what >> 4) % 3),
		.result = (state >> 3) % 3,
		.request_id = rte_cpu_to_be_16((uint16_t)(m->asked - (state >> 5 & 1))),
		.priority = rte_cpu_to_be_32(priority == 0 ? 0 : 64990u + (priority & 15)) };
	const struct hrp_hello h = { .epoch = rte_cpu_to_be_32((uint32_t)(priority >> 4)),
		.hello_ms = RTE_BE16(HELLO_MS) };
	size_t len = sizeof(struct ha_vrrp) + sizeof(v);

	memcpy(msg.data + sizeof(struct ha_vrrp), &v, sizeof(v));
	if (hello) {
		memcpy(msg.data + len, &h, sizeof(h));
		len += sizeof(h);
	}
	ha_finish(msg.data, (uint16_t)len, HA_VGMP, HELLO_MS);
	if (what & 0x80) {
		fuzz_alter(m->in, msg.data, len);
		if (what & 0x40)
			ha_finish(msg.data, (uint16_t)len, (enum ha_type2)msg.data[2], HELLO_MS);
	}
	msg.len = (uint8_t)len;
	const enum ha_refusal why = ha_check(msg.data, msg.len);

	m->refused[why]++; /* as the HRP core: the roles never see those */
	if (why == HA_OK)
		give(m, &msg);
}

static void
advert(struct machine *m, uint8_t what)
{
	uint8_t frame[VRRP_WIRE_FRAME_MAX];
	struct vrrp_advert a;
	const uint16_t i = what >> 2 & 3;

	vrrp_advert_of(&m->role->vrrps[i], 4, what >> 4 & 1 ? 0 : 120, &a);
	a.source = ip_addr_v4(rte_cpu_to_be_32(0x0a010103));
	const uint16_t len = vrrp_wire_build(frame, &a);

	fuzz_alter(m->in, frame + 14, len - 14u);
	role_vrrp(m->role, i % LINKS, frame + 14, (uint16_t)(len - 14), m->now);
}

/* Time, in parts: every thread that runs has a turn in each. */
static void
turns(struct machine *m, uint8_t what)
{
	static const uint16_t parts[4] = { 5, 10, 25, 60 };
	const unsigned int count = 1u + (what >> 4);
	const uint32_t ms = parts[what >> 2 & 3];

	for (unsigned int i = 0; i < count; i++) {
		m->now = mono_add_ms(m->now, ms);
		m->hrp_turns += m->hrp_stopped ? 0 : 3;
		m->worker_turns += !m->worker_stopped;
		role_tick(m->role, m->now);
	}
}

static void
other(struct machine *m, uint8_t what)
{
	const uint8_t value = what >> 6 & 3;
	const struct ha_msg sync = { .type = HA_MSG_SYNC, .flag = value & 1 };
	const struct ha_msg links = { .type = HA_MSG_LINKS, .flag = value & 1 };

	switch (what >> 2 & 15) {
	case 0:
	case 1:
		m->link[value & 1] = (what >> 2 & 1) != 0;
		role_link(m->role, value & 1, m->link[value & 1], m->now);
		return;
	case 2:
	case 3:
		give(m, &sync);
		return;
	case 4:
		give(m, &links);
		return;
	case 5:
		m->hrp_stopped = value & 1;
		return;
	case 6:
		m->worker_stopped = value & 1;
		return;
	case 7:
		m->full = value & 1;
		return;
	case 8:
		role_switch_over(m->role, m->now);
		return;
	case 9:
		role_hold(m->role, value & 1, m->now);
		return;
	case 10:
		if (value == 3)
			role_resign(m->role);
		return;
	case 11: /* all threads have stopped for a while */
		m->now = mono_add_ms(m->now, 40u << (value * 2));
		return;
	case 12:
		m->now = mono_add_ms(m->now, 1);
		return;
	case 13: /* another box answers for an address */
		role_claim(m->role, value & 1, value + 1, 4, m->now);
		return;
	default:
		advert(m, fuzz_byte(m->in));
	}
}

/* ---- what must hold ---- */

static void
check_group(struct machine *m, uint8_t id)
{
	const struct role_group *const g = &m->role->group[id];

	FUZZ_CHECK((unsigned int)g->state < VGMP_STATES, "group %u in state %d", id, (int)g->state);
	FUZZ_CHECK(g->enabled || g->state == VGMP_INITIALIZE,
		"group %u without members is in state %d", id, (int)g->state);
	FUZZ_CHECK((int32_t)(g->epoch - m->epoch[id]) >= 0, "epoch %u after %u", g->epoch,
		m->epoch[id]);
	m->epoch[id] = g->epoch;
	FUZZ_CHECK(!g->yielded || g->state == VGMP_ACTIVE_TO_STANDBY, "yielded in state %d",
		(int)g->state);
	FUZZ_CHECK(g->asking == HA_OP_HELLO ||
			   g->state == (g->asking == HA_OP_LET_ME_STANDBY ? VGMP_ACTIVE_TO_STANDBY
									  : VGMP_STANDBY_TO_ACTIVE),
		"asks %u in state %d", g->asking, (int)g->state);
	FUZZ_CHECK(!g->listening || !vgmp_owns(g->state), "listens in state %d", (int)g->state);
}

static void
check(struct machine *m)
{
	const struct role *const r = m->role;
	bool may = false;

	for (uint8_t id = VGMP_GROUP_ACTIVE; id <= VGMP_GROUP_STANDBY; id++) {
		check_group(m, id);
		may = may || vgmp_owns(r->group[id].state) || r->group[id].draining;
	}
	for (uint16_t i = 0; i < r->vrrp_count; i++) {
		const struct vrrp_setup *const set = &r->vrrps[i].set;
		const struct role_group *const g = &r->group[set->group];

		FUZZ_CHECK(!m->own[set->vrid] || vgmp_owns(g->state) || g->draining,
			"vrid %u is owned in state %d", set->vrid, (int)g->state);
		FUZZ_CHECK(!m->own[set->vrid] || m->link[set->interface],
			"vrid %u is owned without carrier", set->vrid);
	}
	/* Nobody is active: no lease.  And the peer waits for N hellos. */
	FUZZ_CHECK(m->lease.ns == 0 || m->lease.ns == MONO_NEVER.ns || may,
		"a lease in no state to own");
	FUZZ_CHECK(m->lease.ns == MONO_NEVER.ns || m->lease.ns < m->now.ns + r->silence_ns,
		"a lease of more than N hellos");
}

/* What shows are told. */
static void
check_status(struct machine *m)
{
	static struct role_status st;

	role_status_publish(m->role, m->now);
	role_status_read(m->role, &st);
	for (uint8_t id = VGMP_GROUP_ACTIVE; id <= VGMP_GROUP_STANDBY; id++) {
		const struct role_group *const g = &m->role->group[id];

		FUZZ_CHECK(st.group[id].state == vgmp_shown(g->state) &&
				   st.group[id].epoch == g->epoch &&
				   st.group[id].priority == role_priority(m->role, g),
			"group %u is in state %d, epoch %u, priority %u; shown are %u, %u, %u", id,
			(int)g->state, g->epoch, role_priority(m->role, g), st.group[id].state,
			st.group[id].epoch, st.group[id].priority);
	}
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct machine m;
	struct fuzz_input in = { .data = data, .size = size };

	m = (struct machine){ .in = &in };
	start(&m);
	role_tick(m.role, m.now);
	while (in.at < in.size) {
		const uint8_t what = fuzz_byte(&in);

		switch (what & 3) {
		case 0:
			turns(&m, what);
			break;
		case 1:
			other(&m, what);
			break;
		default:
			message(&m, what);
		}
		check(&m);
	}
	check_status(&m);
	role_destroy(m.role);
	return 0;
}
