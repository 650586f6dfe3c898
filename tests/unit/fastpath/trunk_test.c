/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * LACP: two trunks of two cables each (rings), end to end: traffic goes on when a cable is cut. The
 * bonding driver looks at links and speaks LACP by alarms of its own thread, so the case waits for
 * real time to pass.  The other modes must set MACs, which rings have not: theirs are net_null.
 */
#include "test_eal.h"

/* Before port.h: a header of the bonding driver has a struct of the same name as ours. */
#include "port.h"
#include "trunk.h"

#include <rte_bus_vdev.h>
#include <rte_cycles.h>
#include <rte_eth_ring.h>
#include <rte_ethdev.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#define CABLES	  2
#define BURST	  32
#define PATIENCE  20 /* seconds */
#define FRAME_LEN 64

/* An end of the trunk, or a trunk alone. */
struct end {
	struct port port;
	uint16_t members[CABLES];
};

static struct rte_mempool *pool;
static unsigned int generation;

struct pair {
	struct end ends[2];
	struct rte_ring *wires[2][CABLES]; /* towards that end */
	struct rte_mbuf *got[BURST];
	uint16_t got_count;
};

/* A running trunk of the members. */
static void
make_trunk(struct end *e, enum trunk_mode mode, const char *name)
{
	struct trunk_params params = {
		.name = name, .mode = mode, .hash = TRUNK_L34, .member_count = CABLES
	};
	struct port_params port = {
		.pool = pool, .queues = 1, .mtu = RTE_ETHER_MTU, .promiscuous = true
	};
	char err[128] = "";

	memcpy(params.members, e->members, sizeof(e->members));
	assert_int_equal(trunk_create(&params, &port.ethdev, err, sizeof(err)), 0);
	assert_string_equal(err, "");
	assert_int_equal(port_start(&e->port, &port, err, sizeof(err)), 0);
	assert_string_equal(err, "");
}

static void
make_end(struct pair *p, unsigned int e)
{
	char name[24];

	for (unsigned int c = 0; c < CABLES; c++) {
		int member;

		snprintf(name, sizeof(name), "t%u-%u-%u", generation, e, c);
		member = rte_eth_from_rings(name, &p->wires[e][c], 1, &p->wires[!e][c], 1, 0);
		assert_true(member >= 0);
		p->ends[e].members[c] = (uint16_t)member;
	}
	snprintf(name, sizeof(name), "t%u-%u", generation, e);
	make_trunk(&p->ends[e], TRUNK_LACP, name);
}

static struct pair *
make_pair(void)
{
	static struct pair p;
	char name[24];

	memset(&p, 0, sizeof(p));
	generation++;
	for (unsigned int e = 0; e < 2; e++) {
		for (unsigned int c = 0; c < CABLES; c++) {
			snprintf(name, sizeof(name), "w%u-%u-%u", generation, e, c);
			p.wires[e][c] = rte_ring_create(
				name, 256, SOCKET_ID_ANY, RING_F_SP_ENQ | RING_F_SC_DEQ);
			assert_non_null(p.wires[e][c]);
		}
	}
	make_end(&p, 0);
	make_end(&p, 1);
	return &p;
}

/* One turn of both ends, as workers make it: LACP speaks through them. */
static void
turn(struct pair *p)
{
	for (unsigned int e = 0; e < 2; e++) {
		const uint16_t ethdev = p->ends[e].port.ethdev;
		struct rte_mbuf *m[BURST];
		const uint16_t n = rte_eth_rx_burst(ethdev, 0, m, BURST);

		for (uint16_t i = 0; i < n; i++) {
			if (e == 1 && p->got_count < BURST)
				p->got[p->got_count++] = m[i];
			else
				rte_pktmbuf_free(m[i]);
		}
		rte_eth_tx_burst(ethdev, 0, NULL, 0);
	}
}

/* Wait for a condition. => false: it did not come true. */
static bool
until(struct pair *p, bool (*holds)(struct pair *))
{
	const uint64_t end = rte_get_timer_cycles() + PATIENCE * rte_get_timer_hz();

	while (!holds(p)) {
		if (rte_get_timer_cycles() > end)
			return false;
		turn(p);
	}
	return true;
}

static unsigned int
active_members(const struct end *e)
{
	unsigned int n = 0;

	for (unsigned int c = 0; c < CABLES; c++) {
		struct trunk_member m;

		n += trunk_member(e->port.ethdev, e->members[c], TRUNK_LACP, &m) && m.active;
	}
	return n;
}

static bool
all_carry(struct pair *p)
{
	return active_members(&p->ends[0]) == CABLES && active_members(&p->ends[1]) == CABLES;
}

static bool
one_carries(struct pair *p)
{
	return active_members(&p->ends[0]) == 1 && active_members(&p->ends[1]) == 1;
}

/* UDP of one flow in many: the hash chooses the member. => sent */
static uint16_t
send_frame(const struct end *from, uint16_t flow)
{
	struct rte_mbuf *m = rte_pktmbuf_alloc(pool);
	uint8_t bytes[FRAME_LEN] = { [0] = 2,
		[6] = 2,
		[11] = 1,
		[12] = 0x08,
		[14] = 0x45,
		[17] = FRAME_LEN - 14,
		[22] = 64,
		[23] = 17,
		[26] = 10,
		[30] = 10,
		[34] = (uint8_t)(flow >> 8),
		[35] = (uint8_t)flow };
	uint16_t sent;

	if (m == NULL)
		return 0;
	m->data_len = sizeof(bytes);
	m->pkt_len = sizeof(bytes);
	memcpy(rte_pktmbuf_mtod(m, void *), bytes, sizeof(bytes));
	sent = rte_eth_tx_burst(from->port.ethdev, 0, &m, 1);
	if (sent == 0)
		rte_pktmbuf_free(m);
	return sent;
}

/* Members that have just been chosen may not yet take what the others send: so again and again. */
static bool
ten_arrive(struct pair *p)
{
	static uint16_t flow;

	if (p->got_count < 10)
		(void)send_frame(&p->ends[0], flow++);
	return p->got_count >= 10;
}

static void
traffic_passes(struct pair *p)
{
	assert_true(until(p, ten_arrive));
	for (uint16_t i = 0; i < p->got_count; i++)
		rte_pktmbuf_free(p->got[i]);
	p->got_count = 0;
}

static void
cut_first(struct pair *p)
{
	for (unsigned int e = 0; e < 2; e++)
		assert_int_equal(rte_eth_dev_set_link_down(p->ends[e].members[0]), 0);
}

static void
end_pair(struct pair *p)
{
	struct rte_mbuf *m;

	for (unsigned int e = 0; e < 2; e++)
		port_stop(&p->ends[e].port);
	for (unsigned int e = 0; e < 2; e++) {
		for (unsigned int c = 0; c < CABLES; c++) {
			rte_eth_dev_close(p->ends[e].members[c]);
			while (rte_ring_dequeue(p->wires[e][c], (void **)&m) == 0)
				rte_pktmbuf_free(m);
			rte_ring_free(p->wires[e][c]);
		}
	}
}

static void
lacp_carries_on_when_a_cable_is_cut(void **state)
{
	struct pair *p = make_pair();

	(void)state;
	assert_true(until(p, all_carry));
	traffic_passes(p);
	cut_first(p);
	assert_true(until(p, one_carries));
	traffic_passes(p);
	end_pair(p);
}

/* A trunk of two net_null, which count what they are given. */
static struct end
null_trunk(enum trunk_mode mode)
{
	struct end e;
	char name[24];

	generation++;
	for (unsigned int c = 0; c < CABLES; c++) {
		snprintf(name, sizeof(name), "net_null_t%u-%u", generation, c);
		assert_int_equal(rte_vdev_init(name, ""), 0);
		assert_int_equal(rte_eth_dev_get_port_by_name(name, &e.members[c]), 0);
	}
	snprintf(name, sizeof(name), "n%u", generation);
	make_trunk(&e, mode, name);
	return e;
}

static uint64_t
sent_by(uint16_t member)
{
	struct rte_eth_stats stats;

	assert_int_equal(rte_eth_stats_get(member, &stats), 0);
	return stats.opackets;
}

static void
end_null(struct end *e)
{
	char name[24];

	port_stop(&e->port);
	for (unsigned int c = 0; c < CABLES; c++) {
		snprintf(name, sizeof(name), "net_null_t%u-%u", generation, c);
		assert_int_equal(rte_vdev_uninit(name), 0);
	}
}

/* Until a frame leaves: the driver finds its members up in a moment. */
static void
wait_for_members(const struct end *e, unsigned int wanted, enum trunk_mode mode)
{
	const uint64_t end = rte_get_timer_cycles() + PATIENCE * rte_get_timer_hz();
	unsigned int n;

	do {
		n = 0;
		for (unsigned int c = 0; c < CABLES; c++) {
			struct trunk_member m;

			n += trunk_member(e->port.ethdev, e->members[c], mode, &m) && m.active;
		}
	} while (n != wanted && rte_get_timer_cycles() < end);
	assert_int_equal(n, wanted);
}

static void
balance_uses_all_members(void **state)
{
	struct end e = null_trunk(TRUNK_BALANCE);

	(void)state;
	wait_for_members(&e, CABLES, TRUNK_BALANCE);
	for (uint16_t flow = 0; flow < 1000; flow++)
		assert_int_equal(send_frame(&e, flow), 1);
	assert_int_equal(sent_by(e.members[0]) + sent_by(e.members[1]), 1000);
	assert_in_range(sent_by(e.members[0]), 300, 700);
	end_null(&e);
}

static void
backup_uses_one_which_can_be_chosen(void **state)
{
	struct end e = null_trunk(TRUNK_ACTIVE_BACKUP);
	struct trunk_member m;

	(void)state;
	wait_for_members(&e, 1, TRUNK_ACTIVE_BACKUP);
	assert_int_equal(trunk_active(e.port.ethdev), e.members[0]);
	for (uint16_t flow = 0; flow < 100; flow++)
		assert_int_equal(send_frame(&e, flow), 1);
	assert_int_equal(sent_by(e.members[0]), 100);
	trunk_set_active(e.port.ethdev, e.members[1]);
	assert_int_equal(trunk_active(e.port.ethdev), e.members[1]);
	assert_true(trunk_member(e.port.ethdev, e.members[0], TRUNK_ACTIVE_BACKUP, &m));
	assert_false(m.active);
	for (uint16_t flow = 0; flow < 100; flow++)
		assert_int_equal(send_frame(&e, flow), 1);
	assert_int_equal(sent_by(e.members[0]), 100);
	assert_int_equal(sent_by(e.members[1]), 100);
	end_null(&e);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(balance_uses_all_members),
		cmocka_unit_test(backup_uses_one_which_can_be_chosen),
		cmocka_unit_test(lacp_carries_on_when_a_cable_is_cut),
	};

	test_eal_start(64, 1);
	pool = port_pool_create("trunk", 4096, RTE_MBUF_DEFAULT_DATAROOM, SOCKET_ID_ANY);
	if (pool == NULL)
		return 99;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
