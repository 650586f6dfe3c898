/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Two HRP cores on a wire of rings that loses, doubles and reorders; the test plays both control
 * cores and all workers.  Fake clock.
 */
#include "ha_box.h"
#include "hrp.h"
#include "hrp_frame.h"
#include "vgmp.h"

#include <rte_eth_ring.h>
#include <rte_ethdev.h>
#include <rte_mbuf.h>

#define HELLO_MS     100
#define STEP_US	     250
#define SESSIONS     8192
#define WIRE	     1024
#define HELD	     512
#define HB_INTERFACE 2

struct side {
	struct ha_box box;
	struct ha_bus bus;
	struct hrp *hrp;
	struct rte_ring *tx[2], *rx[2]; /* per link */
	uint16_t ethdev[2];
	uint16_t links;
	bool dead;
	/* what its control core has been told */
	bool linked, synchronised;
	uint32_t received;
	struct ha_msg last;
};

struct wire {
	uint32_t loss, duplicate, reorder; /* percent */
	bool cut[2];			   /* per link */
};

static struct side side[2];
static struct wire wire;
static struct rte_mempool *pool;
static struct rte_mbuf *held[2][HELD];
static uint32_t held_count[2];
static struct rte_mbuf *recorded[WIRE]; /* of what side 0 has sent */
static uint32_t recorded_count;
static bool recording;
static const struct hrp_security *security; /* of both sides; NULL = no keys */
static uint64_t rnd_state;
static mono_t now;
static unsigned int serial;

static uint32_t
rnd(void)
{
	rnd_state = rnd_state * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
	return (uint32_t)(rnd_state >> 33);
}

/* ---- the rig ---- */

static void
make_port(struct side *s, uint16_t link)
{
	char name[32];
	const struct rte_eth_conf conf = { 0 };

	snprintf(name, sizeof(name), "hrx%u", serial);
	s->rx[link] = rte_ring_create(name, WIRE, SOCKET_ID_ANY, RING_F_SP_ENQ | RING_F_SC_DEQ);
	snprintf(name, sizeof(name), "htx%u", serial);
	s->tx[link] = rte_ring_create(name, WIRE, SOCKET_ID_ANY, RING_F_SP_ENQ | RING_F_SC_DEQ);
	snprintf(name, sizeof(name), "hport%u", serial++);
	assert_non_null(s->rx[link]);
	assert_non_null(s->tx[link]);
	const int id = rte_eth_from_rings(name, &s->rx[link], 1, &s->tx[link], 1, 0);
	assert_true(id >= 0);
	s->ethdev[link] = (uint16_t)id;
	assert_int_equal(rte_eth_dev_configure(s->ethdev[link], 1, 1, &conf), 0);
	assert_int_equal(rte_eth_rx_queue_setup(s->ethdev[link], 0, WIRE, 0, NULL, pool), 0);
	assert_int_equal(rte_eth_tx_queue_setup(s->ethdev[link], 0, WIRE, 0, NULL), 0);
	assert_int_equal(rte_eth_dev_start(s->ethdev[link]), 0);
}

static void
start_hrp(int i)
{
	struct hrp_heartbeat hb[2] = { 0 };
	struct side *s = &side[i];
	char err[256] = "", name[16];

	snprintf(name, sizeof(name), "hb%u", serial++);
	assert_int_equal(ha_bus_create(&s->bus, name, SOCKET_ID_ANY), 0);
	for (uint16_t l = 0; l < s->links; l++)
		hb[l] = (struct hrp_heartbeat){ .name = l == 0 ? "GigabitEthernet1/0/2"
							       : "GigabitEthernet1/0/4",
			.ethdev = s->ethdev[l],
			.interface = (uint16_t)(HB_INTERFACE + l),
			.prefix_len = 24,
			.address = rte_cpu_to_be_32(0x0a0a0001u + (uint32_t)i + ((uint32_t)l << 8)),
			.mac = { { 2, 0, 0, 0, (uint8_t)l, (uint8_t)i } } };
	s->hrp = hrp_create(&(struct hrp_params){ .name = name,
				    .engine = s->box.engine,
				    .pool = pool,
				    .bus = &s->bus,
				    .heartbeats = hb,
				    .heartbeat_count = s->links,
				    .hello_ms = HELLO_MS,
				    .socket = SOCKET_ID_ANY,
				    .seed = 1000 + serial,
				    .life = 1 + serial,
				    .security = security },
		err, sizeof(err));
	if (s->hrp == NULL)
		fail_msg("%s", err);
	assert_int_equal(hrp_core_bind(s->hrp), 0);
	for (uint16_t l = 0; l < s->links; l++)
		hrp_core_link(s->hrp, (uint16_t)(HB_INTERFACE + l), true);
	s->linked = s->synchronised = s->dead = false;
	s->received = 0;
}

static void
stop_hrp(int i)
{
	hrp_core_unbind(side[i].hrp);
	hrp_destroy(side[i].hrp);
	ha_bus_destroy(&side[i].bus);
	side[i].hrp = NULL;
	side[i].dead = true;
}

static void
start_engine(int i)
{
	char name[16];

	snprintf(name, sizeof(name), "hr%u", serial++);
	ha_box_start(&side[i].box, name, (uint16_t)(1 + i), SESSIONS,
		256); /* unlike numbers of workers */
}

static void
setup(uint16_t links, uint64_t seed)
{
	memset(side, 0, sizeof(side));
	memset(&wire, 0, sizeof(wire));
	rnd_state = seed;
	now = (mono_t){ .ns = 1000 * NS_PER_SEC };
	for (int i = 0; i < 2; i++) {
		side[i].links = links;
		start_engine(i);
		for (uint16_t l = 0; l < links; l++)
			make_port(&side[i], l);
		start_hrp(i);
	}
}

static void
drop_all(struct rte_ring *r)
{
	struct rte_mbuf *m;

	while (rte_ring_sc_dequeue(r, (void **)&m) == 0)
		rte_pktmbuf_free(m);
}

static void
teardown(void)
{
	for (int i = 0; i < 2; i++) {
		if (side[i].hrp != NULL)
			stop_hrp(i);
		ha_box_stop(&side[i].box);
		for (uint16_t l = 0; l < side[i].links; l++) {
			rte_eth_dev_stop(side[i].ethdev[l]);
			rte_eth_dev_close(side[i].ethdev[l]);
			drop_all(side[i].rx[l]);
			drop_all(side[i].tx[l]);
			rte_ring_free(side[i].rx[l]);
			rte_ring_free(side[i].tx[l]);
		}
		rte_pktmbuf_free_bulk(held[i], held_count[i]);
		held_count[i] = 0;
	}
	assert_int_equal(rte_mempool_in_use_count(pool), 0); /* nothing leaked */
}

static void
arrive(int to, uint16_t link, struct rte_mbuf *m)
{
	if (rte_ring_sp_enqueue(side[to].rx[link], m) != 0)
		rte_pktmbuf_free(m);
}

static void
carry(int from, uint16_t link)
{
	struct rte_mbuf *m;

	/* What was held back arrives after newer frames. */
	for (uint32_t i = 0; link == 0 && i < held_count[!from];) {
		if (rnd() % 4 != 0) {
			i++;
			continue;
		}
		arrive(!from, 0, held[!from][i]);
		held[!from][i] = held[!from][--held_count[!from]];
	}
	while (rte_ring_sc_dequeue(side[from].tx[link], (void **)&m) == 0) {
		if (recording && from == 0 && recorded_count < WIRE)
			recorded[recorded_count++] = rte_pktmbuf_copy(m, pool, 0, UINT32_MAX);
		if (wire.cut[link] || side[!from].dead || rnd() % 100 < wire.loss) {
			rte_pktmbuf_free(m);
			continue;
		}
		if (rnd() % 100 < wire.duplicate) {
			struct rte_mbuf *copy = rte_pktmbuf_copy(m, pool, 0, UINT32_MAX);
			if (copy != NULL)
				arrive(!from, link, copy);
		}
		if (link == 0 && rnd() % 100 < wire.reorder && held_count[!from] < HELD)
			held[!from][held_count[!from]++] = m;
		else
			arrive(!from, link, m);
	}
}

static void
listen_to(struct side *s)
{
	struct ha_msg msg;

	while (ha_bus_get(s->bus.to_core, &msg)) {
		switch (msg.type) {
		case HA_MSG_LINKS:
			s->linked = msg.flag != 0;
			break;
		case HA_MSG_LINK:
			break;
		case HA_MSG_SYNC:
			s->synchronised = msg.flag != 0;
			break;
		case HA_MSG_RECEIVED:
			s->received++;
			s->last = msg;
			break;
		default:
			fail_msg("message %u to the control core", msg.type);
		}
	}
}

static void
step(void)
{
	now = mono_add_us(now, STEP_US);
	for (int i = 0; i < 2; i++) {
		if (side[i].dead)
			continue;
		hrp_core_poll(side[i].hrp, now);
		listen_to(&side[i]);
		ha_box_poll(&side[i].box, now);
	}
	for (int i = 0; i < 2; i++)
		for (uint16_t l = 0; l < side[i].links; l++)
			carry(i, l);
}

static void
run(uint32_t ms)
{
	for (uint32_t us = 0; us < ms * 1000; us += STEP_US)
		step();
}

static void
role(int i, bool active, bool alive)
{
	struct ha_msg msg = { .type = HA_MSG_ROLE, .flag = active, .len = 1 };

	msg.data[0] = alive;
	assert_true(ha_bus_put(side[i].bus.to_hrp, &msg));
}

/* A VGMP hello of the Active or Standby group, as the control core would send it. */
static void
hello(int i, enum vgmp_state state, uint32_t stamp_ms)
{
	struct ha_msg msg = { .type = HA_MSG_SEND, .len = 24, .value = stamp_ms };
	const struct ha_vgmp g = { .vtype = HA_VGMP_HELLO,
		.group = (uint8_t)(i + 1),
		.state = (uint8_t)state,
		.priority = RTE_BE32(65001) };

	memcpy(msg.data + sizeof(struct ha_vrrp), &g, sizeof(g));
	ha_finish(msg.data, 24, HA_VGMP, HELLO_MS);
	assert_true(ha_bus_put(side[i].bus.to_hrp, &msg));
}

static uint32_t
stamp(void)
{
	return (uint32_t)(now.ns / NS_PER_MS);
}

static void
form(void)
{
	run(2 * HELLO_MS);
	assert_true(side[0].linked && side[1].linked);
	hello(0, VGMP_ACTIVE, stamp());
	hello(1, VGMP_STANDBY, stamp());
	run(1);
	role(0, true, true);
	role(1, false, true);
}

static void
until_synchronised(uint32_t ms)
{
	for (uint32_t t = 0; t < ms && !(side[0].synchronised && side[1].synchronised); t += 5)
		run(5);
	if (!side[0].synchronised || !side[1].synchronised) {
		struct hrp_status a, b;
		hrp_status(side[0].hrp, &a);
		hrp_status(side[1].hrp, &b);
		fail_msg("not synchronised: out %s in %s, unacked %u, counts %u %u, refused %u %u",
			hrp_bulk_state_names[a.bulk_out], hrp_bulk_state_names[b.bulk_in],
			(unsigned int)a.stream.unacked, (unsigned int)a.bulk_out_count,
			(unsigned int)b.bulk_in_count, (unsigned int)b.refused[HA_REFUSED_record],
			(unsigned int)b.refused[HA_REFUSED_sequence]);
	}
}

static uint32_t
create(int i, uint32_t n)
{
	const struct session_tuple4 t = ha_box_tuple(n, IPPROTO_TCP);
	const uint32_t index = ha_box_session(&side[i].box, &t, SESSION_TCP_ESTABLISHED, 0, now);

	if (index != SESSION_NONE)
		session_table_set_dirty(side[i].box.sessions, index);
	return index;
}

static uint32_t
count(int i)
{
	return session_table_count(side[i].box.sessions);
}

/* Every session of `of` exists on the other box. */
static void
assert_mirrored(int of, uint32_t tuples)
{
	for (uint32_t n = 0; n < tuples; n++) {
		const struct session_tuple4 t = ha_box_tuple(n, IPPROTO_TCP);
		const uint32_t x = ha_box_find(&side[of].box, &t),
			       y = ha_box_find(&side[!of].box, &t);
		if ((x == SESSION_NONE) != (y == SESSION_NONE))
			fail_msg("session %u: %u here, %u there", n, x, y);
	}
	assert_int_equal(count(0), count(1));
}

/* ---- cases ---- */

static void
two_cores_link_up_and_report_it(void **state)
{
	struct hrp_status st;

	(void)state;
	setup(2, 1);
	run(2 * HELLO_MS);
	for (int i = 0; i < 2; i++) {
		assert_true(side[i].linked);
		hrp_status(side[i].hrp, &st);
		assert_int_equal(st.links_count, 2);
		assert_int_equal(st.running, 0);
		assert_int_equal(st.links[0].state, HRP_LINK_RUNNING);
		assert_int_equal(st.links[1].state, HRP_LINK_READY);
		assert_int_equal(st.links[0].interface, HB_INTERFACE);
	}
	wire.cut[0] = wire.cut[1] = true;
	run(5 * HELLO_MS);
	assert_false(side[0].linked);
	teardown();
}

static void
hellos_go_out_before_any_probe_was_answered(void **state)
{
	(void)state;
	setup(1, 2);
	run(1);
	hello(0, VGMP_ACTIVE, stamp());
	run(2);
	assert_int_equal(side[1].received, 1);
	assert_int_equal(side[1].last.len, 24);
	assert_int_equal(side[1].last.slot, 0);
	teardown();
}

static void
X18_hellos_from_before_a_stall_are_not_sent(void **state)
{
	struct hrp_status st;

	(void)state;
	setup(1, 3);
	run(3 * HELLO_MS);
	hello(0, VGMP_ACTIVE, stamp() - HELLO_MS - 1);
	hello(0, VGMP_ACTIVE, stamp() - HELLO_MS / 2);
	run(HELLO_MS);
	assert_int_equal(side[1].received, 1);
	hrp_status(side[0].hrp, &st);
	assert_int_equal(st.stale_dropped, 1);
	teardown();
}

static void
sessions_are_mirrored_bulk_first_then_live(void **state)
{
	struct hrp_status st;

	(void)state;
	setup(1, 4);
	for (uint32_t n = 0; n < 3000; n++)
		create(0, n);
	form();
	until_synchronised(1000);
	assert_mirrored(0, 3000);
	for (uint32_t n = 3000; n < 3500; n++)
		create(0, n);
	run(20);
	assert_mirrored(0, 3500);
	for (uint32_t n = 0; n < 3500; n += 3) {
		const struct session_tuple4 t = ha_box_tuple(n, IPPROTO_TCP);
		while (!ha_box_kill(&side[0].box, ha_box_find(&side[0].box, &t)))
			step();
	}
	run(50);
	assert_mirrored(0, 3500);
	assert_int_equal(count(1), 3500 - 1167);
	hrp_status(side[0].hrp, &st);
	assert_true(st.synchronised && st.mirroring && st.active && !st.peer_active);
	assert_int_equal(st.stream.resent, 0);
	assert_int_equal(st.bulks_out, 1);
	hrp_status(side[1].hrp, &st);
	assert_true(st.synchronised && !st.mirroring && st.peer_active);
	assert_int_equal(st.sessions.sent, 0);
	assert_int_equal(st.bulk_in, HRP_BULK_EQUAL);
	teardown();
}

static void
an_empty_table_is_synchronised_too(void **state)
{
	(void)state;
	setup(1, 5);
	form();
	until_synchronised(500);
	teardown();
}

static void
X12_X14_tables_are_equal_on_a_bad_wire(void **state)
{
	(void)state;
	static const struct wire rows[] = { { 1, 0, 0, { false } }, { 5, 0, 0, { false } },
		{ 20, 0, 0, { false } }, { 0, 10, 10, { false } }, { 20, 20, 20, { false } } };
	for (uint32_t row = 0; row < RTE_DIM(rows); row++) {
		setup(1, 100 + row);
		run(2 * HELLO_MS);
		for (uint32_t n = 0; n < 1000; n++)
			create(0, n);
		form();
		wire = rows[row];
		/* Sessions come and go while the bulk runs and afterwards. */
		for (uint32_t i = 0; i < 4000; i++) {
			const uint32_t n = rnd() % 2000;
			const struct session_tuple4 t = ha_box_tuple(n, IPPROTO_TCP);
			const uint32_t index = ha_box_find(&side[0].box, &t);
			if (index == SESSION_NONE)
				create(0, n);
			else if (rnd() % 2 == 0)
				ha_box_kill(&side[0].box, index);
			if (i % 4 == 0)
				step();
		}
		until_synchronised(20000);
		run(2000);
		assert_mirrored(0, 2000);
		teardown();
	}
}

static void
X23_a_peer_that_restarts_empty_is_filled_again(void **state)
{
	(void)state;
	setup(1, 6);
	for (uint32_t n = 0; n < 2000; n++)
		create(0, n);
	form();
	until_synchronised(1000);
	stop_hrp(1);
	ha_box_stop(&side[1].box);
	run(10);
	role(0, true, false); /* hellos are missing */
	run(5 * HELLO_MS);
	assert_false(side[0].synchronised);
	for (uint32_t n = 2000; n < 2500; n++)
		create(0, n);
	run(100);
	assert_int_equal(count(0), 2500);

	start_engine(1);
	start_hrp(1);
	run(3 * HELLO_MS);
	assert_false(side[1].synchronised);
	assert_int_equal(count(0), 2500); /* the survivor's table is untouched */
	role(0, true, true);
	hello(0, VGMP_ACTIVE, stamp());
	role(1, false, true);
	until_synchronised(2000);
	assert_mirrored(0, 2500);
	teardown();
}

static void
X26_after_takeover_the_new_active_mirrors_everything_back(void **state)
{
	(void)state;
	setup(1, 7);
	for (uint32_t n = 0; n < 2000; n++)
		create(0, n);
	form();
	until_synchronised(1000);
	/* Box 0 dies; 1 takes over; not one packet comes for the sessions. */
	stop_hrp(0);
	ha_box_stop(&side[0].box);
	role(1, true, false);
	run(100);
	for (uint32_t n = 0; n < 2000; n++) {
		const struct session_tuple4 t = ha_box_tuple(n, IPPROTO_TCP);
		assert_int_equal(
			ha_box_ctl(&side[1].box, ha_box_find(&side[1].box, &t)) & SESSION_F_REMOTE,
			0);
	}
	/* 0 comes back empty as standby, gets all, and takes over again. */
	start_engine(0);
	start_hrp(0);
	run(3 * HELLO_MS);
	hello(1, VGMP_ACTIVE, stamp());
	hello(0, VGMP_STANDBY, stamp());
	role(1, true, true);
	role(0, false, true);
	until_synchronised(2000);
	assert_mirrored(1, 2000);
	stop_hrp(1);
	role(0, true, false);
	run(100);
	assert_int_equal(count(0), 2000);
	teardown();
}

static void
a_planned_switch_turns_the_mirror_around(void **state)
{
	(void)state;
	setup(1, 8);
	for (uint32_t n = 0; n < 1000; n++)
		create(0, n);
	form();
	until_synchronised(1000);
	for (uint32_t n = 1000; n < 1100; n++)
		create(0, n); /* in the last moment */
	role(0, false, true);
	role(1, true, true);
	hello(0, VGMP_STANDBY, stamp());
	hello(1, VGMP_ACTIVE, stamp());
	run(500);
	until_synchronised(2000);
	assert_mirrored(1, 1100);
	for (uint32_t n = 1100; n < 1200; n++)
		create(1, n);
	run(50);
	assert_mirrored(1, 1200);
	struct hrp_status st;
	hrp_status(side[0].hrp, &st);
	assert_int_equal(st.sessions.conflicts, 0);
	for (uint32_t n = 0; n < 1200; n++) {
		const struct session_tuple4 t = ha_box_tuple(n, IPPROTO_TCP);
		assert_int_equal(
			ha_box_ctl(&side[1].box, ha_box_find(&side[1].box, &t)) & SESSION_F_REMOTE,
			0);
		assert_int_not_equal(
			ha_box_ctl(&side[0].box, ha_box_find(&side[0].box, &t)) & SESSION_F_REMOTE,
			0);
	}
	teardown();
}

static void
R168_the_mirror_moves_to_the_next_link(void **state)
{
	struct hrp_status st;

	(void)state;
	setup(2, 9);
	for (uint32_t n = 0; n < 1000; n++)
		create(0, n);
	form();
	until_synchronised(1000);
	wire.cut[0] = true;
	for (uint32_t n = 1000; n < 1500; n++)
		create(0, n);
	run(6 * HELLO_MS);
	assert_true(side[0].linked && side[1].linked);
	assert_mirrored(0, 1500);
	hrp_status(side[0].hrp, &st);
	assert_int_equal(st.running, 1);
	assert_int_equal(st.bulks_out, 1); /* the same stream went on */
	assert_true(st.synchronised);
	teardown();
}

static void
X41_without_any_link_events_wait_and_nothing_is_lost(void **state)
{
	(void)state;
	setup(1, 10);
	form();
	until_synchronised(1000);
	wire.cut[0] = true;
	for (uint32_t n = 0; n < 6000; n++) {
		create(0, n);
		if (n % 10 == 0)
			step();
	}
	run(10 * HELLO_MS);
	assert_true(count(1) < 6000);
	wire.cut[0] = false;
	run(10 * HELLO_MS);
	assert_mirrored(0, 6000);
	teardown();
}

static void
load_sharing_mirrors_both_ways(void **state)
{
	(void)state;
	setup(1, 11);
	for (uint32_t n = 0; n < 500; n++)
		create(0, n);
	for (uint32_t n = 500; n < 1000; n++)
		create(1, n);
	run(2 * HELLO_MS);
	hello(0, VGMP_ACTIVE, stamp());
	hello(1, VGMP_ACTIVE, stamp());
	run(1);
	role(0, true, true);
	role(1, true, true);
	until_synchronised(1000);
	run(100);
	assert_mirrored(0, 1000);
	assert_mirrored(1, 1000);
	teardown();
}

static void
sessions_of_a_zone_the_peer_lacks_are_refused_and_shown(void **state)
{
	struct hrp_status st;

	(void)state;
	setup(1, 12);
	for (uint32_t n = 0; n < 10; n++)
		create(0, n);
	ha_box_at(&side[0].box, create(0, 10))->zone[0] = 40;
	form();
	run(500);
	assert_int_equal(count(1), 10);
	assert_false(side[1].synchronised);
	hrp_status(side[1].hrp, &st);
	assert_true(st.refused[HA_REFUSED_record] >= 1);
	assert_int_equal(st.bulk_in, HRP_BULK_DIFFERS);
	teardown();
}

static void
strange_frames_are_counted_and_freed(void **state)
{
	struct hrp_status st;

	(void)state;
	setup(1, 13);
	run(3 * HELLO_MS);
	for (uint32_t i = 0; i < 500; i++) {
		struct rte_mbuf *m = rte_pktmbuf_alloc(pool);
		const uint16_t len = (uint16_t)(rnd() % 200);
		uint8_t *p = (uint8_t *)rte_pktmbuf_append(m, len);
		for (uint16_t k = 0; k < len; k++)
			p[k] = (uint8_t)rnd();
		if (i % 2 == 0 && len > 40) { /* looks like ours up to the message */
			static const uint8_t head[] = { 1, 0, 0x5e, 0, 0, 0x12, 2, 0, 0, 0, 0, 1, 8,
				0, 0x45, 0 };
			struct rte_ipv4_hdr *ip = (struct rte_ipv4_hdr *)(void *)(p + 14);
			memcpy(p, head, sizeof(head));
			ip->total_length = rte_cpu_to_be_16((uint16_t)(len - 14));
			ip->fragment_offset = 0;
			ip->time_to_live = 255;
			ip->next_proto_id = 112;
			ip->src_addr = rte_cpu_to_be_32(0x0a0a0001);
			ip->dst_addr = rte_cpu_to_be_32(0xe0000012);
			ip->hdr_checksum = 0;
			ip->hdr_checksum = rte_ipv4_cksum(ip);
		}
		arrive(1, 0, m);
		if (i % 50 == 0)
			step();
	}
	run(100);
	hrp_status(side[1].hrp, &st);
	uint64_t refused = 0;
	for (int i = 1; i < HA_REFUSAL_COUNT; i++)
		refused += st.refused[i];
	assert_true(refused >= 150);
	assert_true(st.links[0].other_in >= 150);
	assert_true(side[1].linked);
	teardown();
}

/* ---- numbers and keys ---- */

static uint64_t
refused(int i, enum ha_refusal why)
{
	struct hrp_status st;

	run(60); /* it is published every 50 ms */
	hrp_status(side[i].hrp, &st);
	return st.refused[why];
}

static void
X12_a_hello_that_comes_late_or_twice_is_told_once(void **state)
{
	(void)state;
	setup(1, 18);
	run(3 * HELLO_MS);
	wire.duplicate = 100;
	hello(0, VGMP_ACTIVE, stamp());
	run(5);
	wire.duplicate = 0;
	assert_int_equal(side[1].received, 1);
	assert_true(refused(1, HA_REFUSED_replayed) >= 1);
	assert_int_equal(refused(1, HA_REFUSED_late), 0);
	/* The older one is held back until the newer one has arrived. */
	hello(0, VGMP_STANDBY, stamp());
	wire.reorder = 100;
	step();
	wire.reorder = 0;
	hello(0, VGMP_ACTIVE, stamp());
	run(20);
	struct ha_vgmp g;

	memcpy(&g, side[1].last.data + sizeof(struct ha_vrrp), sizeof(g));
	assert_int_equal(g.state, VGMP_ACTIVE);
	assert_int_equal(side[1].received + refused(1, HA_REFUSED_late), 3);
	teardown();
}

/* All that an earlier life of the peer has said, once more: nothing of it counts. */
static void
replay(void)
{
	struct hrp_status before, after;
	uint64_t counted = 0;

	run(3 * HELLO_MS);
	recording = true;
	hello(0, VGMP_ACTIVE, stamp());
	run(4 * HELLO_MS);
	recording = false;
	stop_hrp(0);
	run(HELLO_MS);
	start_hrp(0);
	run(4 * HELLO_MS);
	assert_true(side[0].linked && side[1].linked && recorded_count > 4);
	const uint32_t received = side[1].received;

	run(60); /* it is published every 50 ms */
	hrp_status(side[1].hrp, &before);
	for (uint32_t i = 0; i < recorded_count; i++)
		arrive(1, 0, recorded[i]);
	run(2 * HELLO_MS);
	hrp_status(side[1].hrp, &after);
	for (int i = 0; i < HA_REFUSAL_COUNT; i++)
		counted += after.refused[i] - before.refused[i];
	assert_int_equal(counted, recorded_count);
	assert_int_equal(after.refused[HA_REFUSED_life] - before.refused[HA_REFUSED_life], counted);
	assert_int_equal(side[1].received, received);
	assert_int_equal(after.links[0].changes, before.links[0].changes);
	assert_true(side[0].linked && side[1].linked);
	recorded_count = 0;
}

static const struct hrp_security keys[] = {
	{ .algorithm = HA_ALGORITHM_HMAC,
		.key_count = 1,
		.keys = { { .id = 1, .len = 16, .secret = "0123456789abcdef" } } },
	{ .algorithm = HA_ALGORITHM_GCM,
		.key_count = 1,
		.keys = { { .id = 1, .len = 16, .secret = "0123456789abcdef" } } },
	{ .algorithm = HA_ALGORITHM_GCM,
		.key_count = 1,
		.keys = { { .id = 1, .len = 16, .secret = "0123456789abcdeF" } } },
};

static void
HAC_01_an_earlier_life_of_the_peer_is_refused(void **state)
{
	(void)state;
	for (int i = -1; i < 2; i++) {
		security = i < 0 ? NULL : &keys[i];
		setup(1, 19);
		replay();
		teardown();
	}
	security = NULL;
}

static void
X14_tables_are_equal_with_keys_on_a_bad_wire(void **state)
{
	(void)state;
	for (int i = 0; i < 2; i++) {
		security = &keys[i];
		setup(1, 20);
		wire = (struct wire){ .loss = 5, .duplicate = 5, .reorder = 10 };
		for (uint32_t n = 0; n < 2000; n++)
			create(0, n);
		form();
		until_synchronised(4000);
		wire = (struct wire){ .loss = 0 };
		run(4 * HELLO_MS);
		assert_mirrored(0, 2000);
		assert_int_equal(refused(0, HA_REFUSED_tag) + refused(1, HA_REFUSED_tag), 0);
		teardown();
	}
	security = NULL;
}

static void
HAC_02_another_secret_is_no_peer(void **state)
{
	(void)state;
	security = &keys[1];
	setup(1, 21);
	stop_hrp(1);
	security = &keys[2];
	start_hrp(1);
	run(5 * HELLO_MS);
	assert_false(side[0].linked || side[1].linked);
	assert_true(refused(0, HA_REFUSED_tag) >= 3 && refused(1, HA_REFUSED_tag) >= 3);
	teardown();
	security = NULL;
}

/* Whoever hears a router's advert on a heartbeat cable hears a service network. */
static void
R159_an_advert_on_a_heartbeat_link_tells_where_its_cable_ends(void **state)
{
	const struct hrp_frame_end router = { .address = RTE_BE32(0x0a0a0009), .prefix_len = 24 };
	const uint8_t advert[8] = { 0x21, 1, 100, 1, 0, 1, 0, 0 };
	struct hrp_status st;

	(void)state;
	setup(1, 17);
	run(3 * HELLO_MS);
	hrp_status(side[1].hrp, &st);
	assert_int_equal(st.links[0].wiring, HRP_WIRING_STRAIGHT);
	struct rte_mbuf *m = rte_pktmbuf_alloc(pool);
	uint8_t frame[HRP_FRAME_OVERHEAD + sizeof(advert)];
	char *room = rte_pktmbuf_append(m, sizeof(frame));

	memcpy(frame + HRP_FRAME_OVERHEAD, advert, sizeof(advert));
	hrp_frame_write(frame, sizeof(advert), &router, 1);
	for (unsigned int i = 0; i < sizeof(frame); i++)
		room[i] = (char)frame[i];
	arrive(1, 0, m);
	run(100);
	hrp_status(side[1].hrp, &st);
	assert_int_equal(st.links[0].wiring, HRP_WIRING_SERVICE);
	assert_int_equal(st.refused[HA_REFUSED_type], 1);
	assert_true(side[1].linked); /* it works all the same */
	run(11000);
	hrp_status(side[1].hrp, &st);
	assert_int_equal(st.links[0].wiring, HRP_WIRING_STRAIGHT);
	teardown();
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(two_cores_link_up_and_report_it),
		cmocka_unit_test(hellos_go_out_before_any_probe_was_answered),
		cmocka_unit_test(X18_hellos_from_before_a_stall_are_not_sent),
		cmocka_unit_test(sessions_are_mirrored_bulk_first_then_live),
		cmocka_unit_test(an_empty_table_is_synchronised_too),
		cmocka_unit_test(X12_X14_tables_are_equal_on_a_bad_wire),
		cmocka_unit_test(X23_a_peer_that_restarts_empty_is_filled_again),
		cmocka_unit_test(X26_after_takeover_the_new_active_mirrors_everything_back),
		cmocka_unit_test(a_planned_switch_turns_the_mirror_around),
		cmocka_unit_test(R168_the_mirror_moves_to_the_next_link),
		cmocka_unit_test(X41_without_any_link_events_wait_and_nothing_is_lost),
		cmocka_unit_test(load_sharing_mirrors_both_ways),
		cmocka_unit_test(sessions_of_a_zone_the_peer_lacks_are_refused_and_shown),
		cmocka_unit_test(strange_frames_are_counted_and_freed),
		cmocka_unit_test(X12_a_hello_that_comes_late_or_twice_is_told_once),
		cmocka_unit_test(HAC_01_an_earlier_life_of_the_peer_is_refused),
		cmocka_unit_test(X14_tables_are_equal_with_keys_on_a_bad_wire),
		cmocka_unit_test(HAC_02_another_secret_is_no_peer),
		cmocka_unit_test(R159_an_advert_on_a_heartbeat_link_tells_where_its_cable_ends),
	};
	test_eal_start(768, NULL);
	pool = rte_pktmbuf_pool_create(
		"hrp-pool", 8191, 0, 0, RTE_MBUF_DEFAULT_BUF_SIZE, SOCKET_ID_ANY);
	if (pool == NULL)
		return 99;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
