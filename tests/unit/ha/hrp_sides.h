/*
 * Two HRP cores on a wire of rings that loses, doubles and reorders; the test plays both control
 * cores and all workers.  Fake clock.
 */
#include "config_bus.h"
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
	struct config_bus config;
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
static struct rte_mbuf *recorded[WIRE]; /* of what one side has sent */
static uint32_t recorded_count;
static int recorded_from;
static bool recording;
static bool crossed;			    /* the two cables */
static uint32_t boots[2];		    /* what their clocks said when they started, s */
static const struct hrp_security *security; /* of both sides; NULL = no keys */
static uint64_t rnd_state;
static mono_t now;
static unsigned int serial;

static inline uint32_t
rnd(void)
{
	rnd_state = rnd_state * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
	return (uint32_t)(rnd_state >> 33);
}

/* ---- the rig ---- */

static inline void
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

static inline void
start_hrp(int i)
{
	struct hrp_heartbeat hb[2] = { 0 };
	struct side *s = &side[i];
	char err[256] = "", name[16];

	snprintf(name, sizeof(name), "hb%u", serial++);
	assert_int_equal(ha_bus_create(&s->bus, name, SOCKET_ID_ANY), 0);
	assert_int_equal(config_bus_create(&s->config, name, SOCKET_ID_ANY), 0);
	for (uint16_t l = 0; l < s->links; l++)
		hb[l] = (struct hrp_heartbeat){ .name = l == 0 ? "GigabitEthernet1/0/2"
							       : "GigabitEthernet1/0/4",
			.ethdev = s->ethdev[l],
			.interface = (uint16_t)(HB_INTERFACE + l),
			.prefix_len = 24,
			.address = rte_cpu_to_be_32(0x0a0a0001u + (uint32_t)i + ((uint32_t)l << 8)),
			.mac = { { 2, 0, 0, 0, (uint8_t)l, (uint8_t)i } } };
	s->hrp = hrp_create(&(struct hrp_params){ .name = name,
				    .methods = { .quick = true },
				    .engine = s->box.engine,
				    .pool = pool,
				    .bus = &s->bus,
				    .config = &s->config,
				    .heartbeats = hb,
				    .heartbeat_count = s->links,
				    .hello_ms = HELLO_MS,
				    .socket = SOCKET_ID_ANY,
				    .seed = 1000 + serial,
				    .life = 1 + serial,
				    .boot = boots[i],
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

static inline void
stop_hrp(int i)
{
	hrp_core_unbind(side[i].hrp);
	hrp_destroy(side[i].hrp);
	ha_bus_destroy(&side[i].bus);
	config_bus_destroy(&side[i].config);
	side[i].hrp = NULL;
	side[i].dead = true;
}

static inline void
start_engine(int i)
{
	char name[16];

	snprintf(name, sizeof(name), "hr%u", serial++);
	ha_box_start(&side[i].box, name, (uint16_t)(1 + i), SESSIONS,
		256); /* unlike numbers of workers */
}

static inline void
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

static inline void
drop_all(struct rte_ring *r)
{
	struct rte_mbuf *m;

	while (rte_ring_sc_dequeue(r, (void **)&m) == 0)
		rte_pktmbuf_free(m);
}

static inline void
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

static inline void
arrive(int to, uint16_t link, struct rte_mbuf *m)
{
	if (crossed)
		link = !link;
	if (rte_ring_sp_enqueue(side[to].rx[link], m) != 0)
		rte_pktmbuf_free(m);
}

static inline void
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
		if (recording && from == recorded_from && recorded_count < WIRE)
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

static inline void
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

static inline void
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

static inline void
run(uint32_t ms)
{
	for (uint32_t us = 0; us < ms * 1000; us += STEP_US)
		step();
}

static inline void
role(int i, bool active, bool alive)
{
	struct ha_msg msg = { .type = HA_MSG_ROLE, .flag = active, .len = 2 };

	msg.data[0] = alive;
	msg.data[1] = active ? (uint8_t)(1 << (i + 1)) : 0;
	assert_true(ha_bus_put(side[i].bus.to_hrp, &msg));
}

/* A VGMP hello of the Active or Standby group, as the control core would send it. */
static inline void
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

static inline uint32_t
stamp(void)
{
	return (uint32_t)(now.ns / NS_PER_MS);
}

static inline void
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

static inline void
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

static inline uint32_t
create(int i, uint32_t n)
{
	const struct session_tuple4 t = ha_box_tuple(n, IPPROTO_TCP);
	const uint32_t index = ha_box_session(&side[i].box, &t, SESSION_TCP_ESTABLISHED, 0, now);

	if (index != SESSION_NONE)
		session_table_set_dirty(side[i].box.sessions, index);
	return index;
}

static inline uint32_t
count(int i)
{
	return session_table_count(side[i].box.sessions);
}

/* Every session of `of` exists on the other box. */
static inline void
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
