/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Sessions as a replicated table: two engines, records carried by hand, fake clock.
 */
#include "hrp.h"
#include "repl_sides.h"
#include "session_other.h"
#include "session_record.h"
#include "worker.h" /* worker_event() */

static uint32_t
create_at_a(uint32_t n, uint8_t proto, enum session_state state, uint32_t flags)
{
	const struct session_tuple4 t = ha_box_tuple(n, proto);
	const uint32_t index = ha_box_session(&a.box, &t, state, flags, now);

	assert_int_not_equal(index, SESSION_NONE);
	session_table_set_dirty(a.box.sessions, index);
	return index;
}

static uint32_t
copy_at_b(uint32_t n, uint8_t proto)
{
	const struct session_tuple4 t = ha_box_tuple(n, proto);

	return ha_box_find(&b.box, &t);
}

/* The record of tuple n, ready to be spoilt. */
static struct hrp_record_session4
record(uint32_t n, uint32_t index, uint16_t generation)
{
	const struct session_tuple4 t = ha_box_tuple(n, IPPROTO_TCP);

	return (struct hrp_record_session4){
		.head = { HRP_RECORD_SESSION4, 60, rte_cpu_to_be_16(generation),
			rte_cpu_to_be_32(index) },
		.what = { .proto = t.proto,
			.state = SESSION_TCP_ESTABLISHED,
			.zone = { 2, 4 },
			.wscale = { 7, 7 } },
		.src = t.src,
		.dst = t.dst,
		.how = { .sport = t.sport, .dport = t.dport },
	};
}

/* The same of its IPv6 twin. */
static struct hrp_record_session6
record6(uint32_t n, uint32_t index, uint16_t generation)
{
	const struct session_tuple4 t = ha_box_tuple(n, IPPROTO_TCP);
	const struct session_tuple6 six = ha_box_twin(&t);
	const struct hrp_record_session4 r4 = record(n, index, generation);
	struct hrp_record_session6 r = { .head = r4.head, .what = r4.what, .how = r4.how };

	r.head.type = HRP_RECORD_SESSION6;
	r.head.length = sizeof(r);
	memcpy(r.src, six.src, sizeof(r.src));
	memcpy(r.dst, six.dst, sizeof(r.dst));
	return r;
}

static enum repl_verdict
install(const struct hrp_record_session4 *r)
{
	return ops->install(b.t, (const uint8_t *)r, sizeof(*r), now);
}

static enum repl_verdict
install6(const struct hrp_record_session6 *r)
{
	return ops->install(b.t, (const uint8_t *)r, sizeof(*r), now);
}

static enum repl_verdict
install_delete(uint32_t index, uint16_t generation)
{
	const struct hrp_record r = { HRP_RECORD_DELETE, 8, rte_cpu_to_be_16(generation),
		rte_cpu_to_be_32(index) };

	return ops->install(b.t, (const uint8_t *)&r, sizeof(r), now);
}

/* ---- */

static void
every_field_arrives(void **state)
{
	(void)state;
	static const struct {
		uint8_t proto;
		enum session_state s;
		uint32_t flags;
	} rows[] = {
		{ IPPROTO_TCP, SESSION_TCP_SYN_SENT, 0 },
		{ IPPROTO_TCP, SESSION_TCP_ESTABLISHED, 0 },
		{ IPPROTO_TCP, SESSION_TCP_FIN_WAIT, SESSION_F_FIN0 },
		{ IPPROTO_TCP, SESSION_TCP_CLOSE_WAIT, SESSION_F_FIN1 | SESSION_F_FINACK1 },
		{ IPPROTO_TCP, SESSION_TCP_TIME_WAIT,
			SESSION_F_FIN0 | SESSION_F_FIN1 | SESSION_F_FINACK0 | SESSION_F_FINACK1 },
		{ IPPROTO_TCP, SESSION_TCP_CLOSED, 0 },
		{ IPPROTO_UDP, SESSION_UDP_FIRST, 0 },
		{ IPPROTO_UDP, SESSION_UDP_REPLIED, 0 },
		{ IPPROTO_ICMP, SESSION_ICMP_REPLIED, 0 },
		{ IPPROTO_UDP, SESSION_DNS_REPLIED, 0 },
		{ IPPROTO_SCTP, SESSION_SCTP_CLOSED, 0 },
		{ 50, SESSION_ESP_FIRST, 0 },
		{ 253, SESSION_OTHER_FIRST, 0 },
	};
	for (uint32_t k = 0; k < 2 * RTE_DIM(rows); k++) {
		const uint32_t i = k / 2;
		const unsigned int family = k % 2 == 0 ? 4 : 6;
		struct session_tuple4 t = ha_box_tuple(i, rows[i].proto);
		if (rows[i].proto == 50 || rows[i].proto == 253)
			t.sport = t.dport = 0;
		const uint32_t from =
			ha_box_session_of(&a.box, &t, family, rows[i].s, rows[i].flags, now);
		assert_int_not_equal(from, SESSION_NONE);
		session_table_set_dirty(a.box.sessions, from);
		turn(200);
		drain();
		assert_int_equal(a.len, family == 6 ? sizeof(struct hrp_record_session6)
						    : sizeof(struct hrp_record_session4));
		assert_true(a.len <= (family == 6 ? 88 : 64));
		assert_int_equal(apply(), 0);

		const uint32_t to = ha_box_find_of(&b.box, &t, family);
		assert_int_not_equal(to, SESSION_NONE);
		const struct session *x = ha_box_at(&a.box, from), *y = ha_box_at(&b.box, to);
		const uint32_t learn = SESSION_F_LEARN0 | SESSION_F_LEARN1;
		assert_int_equal(
			ha_box_ctl(&b.box, to), ha_box_ctl(&a.box, from) | SESSION_F_REMOTE |
							(rows[i].proto == IPPROTO_TCP ? learn : 0));
		assert_int_equal(session_family(y), family);
		assert_int_equal(session_proto(x), session_proto(y));
		assert_int_equal(session_swap(x), session_swap(y));
		assert_int_equal(x->policy, y->policy);
		assert_int_equal(x->created, y->created);
		assert_int_equal(x->last_seen, y->last_seen);
		assert_memory_equal(x->zone, y->zone, 2);
		for (int d = 0; d < 2 && rows[i].proto == IPPROTO_TCP; d++) {
			assert_int_equal(x->dir[d].tcp_end, y->dir[d].tcp_end);
			assert_int_equal(x->dir[d].tcp_max_end, y->dir[d].tcp_max_end);
			assert_int_equal(x->dir[d].tcp_max_win, y->dir[d].tcp_max_win);
			assert_int_equal(x->dir[d].tcp_wscale, y->dir[d].tcp_wscale);
			assert_int_equal(y->dir[d].route_gen, 0);
			assert_int_equal(y->dir[d].neigh, NEIGH_NONE);
		}
	}
	assert_equal_digests();
}

static void
R201_an_update_refreshes_the_copy_in_place(void **state)
{
	(void)state;
	const uint32_t from = create_at_a(1, IPPROTO_TCP, SESSION_TCP_SYN_SENT, 0);

	drain();
	apply();
	const uint32_t to = copy_at_b(1, IPPROTO_TCP);
	assert_true(session_table_set_state(a.box.sessions, ha_box_at(&a.box, from),
		atomic_load(&ha_box_at(&a.box, from)->ctl), SESSION_TCP_ESTABLISHED, UINT16_MAX,
		now));
	turn(4000);
	atomic_store(&ha_box_at(&a.box, from)->last_seen, mono_seconds(now));
	session_table_set_dirty(a.box.sessions, from);
	drain();
	apply();
	assert_int_equal(copy_at_b(1, IPPROTO_TCP), to);
	assert_int_equal(session_state_of(ha_box_ctl(&b.box, to)), SESSION_TCP_ESTABLISHED);
	assert_int_equal(ha_box_at(&b.box, to)->last_seen, mono_seconds(now));
	assert_int_equal(stats(&b).updated, 1);
	assert_equal_digests();
}

static void
R198_sessions_to_the_firewall_itself_are_stored_at_the_peer(void **state)
{
	static const uint8_t link_local[2] = { 0xfe, 0x80 };
	const struct session_tuple4 t = ha_box_tuple(2, IPPROTO_ICMP);
	struct session_tuple6 six = ha_box_twin(&t);
	union session_walk_key key;

	(void)state;
	const uint32_t own = create_at_a(1, IPPROTO_ICMP, SESSION_ICMP_REPLIED, SESSION_F_LOCAL);
	ha_box_at(&a.box, own)->zone[1] = ZONE_LOCAL;
	drain();
	assert_int_equal(apply(), 0);
	assert_int_equal(session_table_count(b.box.sessions), 1);
	assert_true((ha_box_ctl(&b.box, copy_at_b(1, IPPROTO_ICMP)) &
			    (SESSION_F_LOCAL | SESSION_F_REMOTE)) ==
		    (SESSION_F_LOCAL | SESSION_F_REMOTE));
	assert_equal_digests();
	/* A neighbour's ping to a link-local address: the peer would refuse such a one. */
	session_key6_make(&key.v6, six.src, six.dst, six.sport, six.dport, six.proto);
	assert_true(session_record_carries(&key, 6));
	memcpy(six.src, link_local, sizeof(link_local));
	session_key6_make(&key.v6, six.src, six.dst, six.sport, six.dport, six.proto);
	assert_false(session_record_carries(&key, 6));
}

static void
copies_are_not_mirrored_back(void **state)
{
	(void)state;
	create_at_a(1, IPPROTO_TCP, SESSION_TCP_ESTABLISHED, SESSION_F_REMOTE);
	drain();
	assert_int_equal(a.len, 0);
}

static void
R201_a_removed_session_is_removed_from_the_peer(void **state)
{
	(void)state;
	const uint32_t from = create_at_a(1, IPPROTO_UDP, SESSION_UDP_REPLIED, 0);

	drain();
	apply();
	assert_int_not_equal(copy_at_b(1, IPPROTO_UDP), SESSION_NONE);
	ha_box_kill(&a.box, from);
	turn(1);
	drain();
	assert_int_equal(a.len, sizeof(struct hrp_record));
	apply();
	turn(1);
	assert_int_equal(copy_at_b(1, IPPROTO_UDP), SESSION_NONE);
	assert_int_equal(session_table_count(b.box.sessions), 0);
	assert_equal_digests();
}

static void
HAC_06_wrong_values_are_refused_and_change_nothing(void **state)
{
	(void)state;
	static const struct {
		const char *what;
		uint8_t offset;
		uint32_t value;
		uint8_t bytes;
	} rows[] = {
		{ "state 255", 9, 255, 1 },
		{ "state 0", 9, 0, 1 },
		{ "state of another protocol", 9, SESSION_UDP_REPLIED, 1 },
		{ "state of another protocol yet", 9, SESSION_SCTP_CLOSED, 1 },
		{ "state beyond the last", 9, SESSION_STATES, 1 },
		{ "protocol 0 with ports, and a TCP state", 8, 0, 1 },
		{ "protocol UDP with a TCP state", 8, IPPROTO_UDP, 1 },
		{ "protocol without ports", 8, 50, 1 },
		{ "zone 0", 12, 0, 1 },
		{ "zone 255", 12, 255, 1 },
		{ "zone that is not configured", 13, 5, 1 },
		{ "window scale 15", 14, 15, 1 },
		{ "window scale 254", 15, 254, 1 },
		{ "source 0.0.0.0", 16, 0, 4 },
		{ "source 127.0.0.1", 16, 0x7f000001, 4 },
		{ "source multicast", 16, 0xe0000012, 4 },
		{ "source broadcast", 16, 0xffffffff, 4 },
		{ "destination 0.1.2.3", 20, 0x00010203, 4 },
		{ "destination class E", 20, 0xf0000001, 4 },
		{ "index beyond the owner's table", 4, SESSIONS, 4 },
		{ "index 2^32-1", 4, UINT32_MAX, 4 },
	};
	for (size_t i = 0; i < RTE_DIM(rows); i++) {
		struct hrp_record_session4 r = record(1, 7, 1);
		for (int k = 0; k < rows[i].bytes; k++)
			((uint8_t *)&r)[rows[i].offset + k] =
				(uint8_t)(rows[i].value >> 8 * (rows[i].bytes - 1 - k));
		if (install(&r) != REPL_REFUSED)
			fail_msg("accepted: %s", rows[i].what);
	}
	struct hrp_record_session4 r = record(1, 7, 1);
	r.what.proto = IPPROTO_UDP;
	r.what.state = SESSION_UDP_REPLIED;
	r.what.flags = RTE_BE16(HRP_SESSION_FIN0);
	assert_int_equal(install(&r), REPL_REFUSED); /* FIN of a datagram */
	r.what.flags = 0;
	r.what.proto = IPPROTO_ICMP;
	r.what.state = SESSION_ICMP_FIRST;
	assert_int_equal(install(&r), REPL_REFUSED); /* echo without port 2048 */

	r = record(1, 7, 1);
	assert_int_equal(ops->install(b.t, (const uint8_t *)&r, 59, now), REPL_REFUSED);
	assert_int_equal(ops->install(b.t, (const uint8_t *)&r, 8, now), REPL_REFUSED);
	r.head.type = HRP_RECORD_DELETE;
	assert_int_equal(ops->install(b.t, (const uint8_t *)&r, 60, now), REPL_REFUSED);
	assert_int_equal(session_table_count(b.box.sessions), 0);
	r = record(1, 7, 1);
	assert_int_equal(install(&r), REPL_DONE);
}

static void
HAC_06_wrong_IPv6_values_are_refused_and_change_nothing(void **state)
{
	(void)state;
	static const struct {
		const char *what;
		uint8_t offset, bytes;
		uint8_t value[16];
	} rows[] = {
		{ "state of another protocol", 9, 1, { SESSION_UDP_REPLIED } },
		{ "ICMP of IPv4", 8, 1, { IPPROTO_ICMP } },
		{ "ICMPv6 with a TCP state", 8, 1, { IPPROTO_ICMPV6 } },
		{ "protocol 0", 8, 1, { 0 } },
		{ "zone that is not configured", 13, 1, { 5 } },
		{ "window scale 15", 14, 1, { 15 } },
		{ "source unspecified", 16, 16, { 0 } },
		{ "source loopback", 16, 16, { [15] = 1 } },
		{ "source multicast", 16, 16, { 0xff, 2, [15] = 1 } },
		{ "source link-local", 16, 16, { 0xfe, 0x80, [15] = 1 } },
		{ "source IPv4-mapped", 16, 16, { [10] = 0xff, 0xff, 10, 1, 1, 1 } },
		{ "destination unspecified", 32, 16, { 0 } },
		{ "destination multicast", 32, 16, { 0xff, 5, [15] = 1 } },
		{ "destination link-local", 32, 16, { 0xfe, 0x80, [15] = 1 } },
		{ "index 2^32-1", 4, 4, { 0xff, 0xff, 0xff, 0xff } },
	};
	for (size_t i = 0; i < RTE_DIM(rows); i++) {
		struct hrp_record_session6 r = record6(1, 7, 1);
		memcpy((uint8_t *)&r + rows[i].offset, rows[i].value, rows[i].bytes);
		if (install6(&r) != REPL_REFUSED)
			fail_msg("accepted: %s", rows[i].what);
	}
	struct hrp_record_session6 r = record6(1, 7, 1);
	r.what.proto = IPPROTO_ICMPV6;
	r.what.state = SESSION_ICMP_FIRST;
	r.how.dport = RTE_BE16(130 << 8);
	assert_int_equal(install6(&r), REPL_REFUSED); /* no query that is tracked */
	r.how.dport = RTE_BE16(128 << 8 | 1);
	assert_int_equal(install6(&r), REPL_REFUSED); /* nor that code */

	r = record6(1, 7, 1);
	assert_int_equal(ops->install(b.t, (const uint8_t *)&r, 60, now), REPL_REFUSED);
	assert_int_equal(ops->install(b.t, (const uint8_t *)&r, 83, now), REPL_REFUSED);
	assert_int_equal(session_table_count(b.box.sessions), 0);
	assert_int_equal(install6(&r), REPL_DONE);
}

/* What a worker's parser takes of a protocol (parse.c, parse6.c): whatever has begun can be told.
 */
static void
R198_the_peer_takes_whatever_a_worker_lets_begin(void **state)
{
	static const rte_be16_t ports[][2] = { { 0, RTE_BE16(80) }, { RTE_BE16(1024), 0 },
		{ 0, 0 } };
	uint32_t n = 0;

	(void)state;
	for (uint32_t k = 0; k < 2 * 256; k++) {
		const unsigned int family = k % 2 == 0 ? 4 : 6;
		const uint8_t proto = (uint8_t)(k / 2);
		const bool has_ports =
			proto == IPPROTO_TCP || proto == IPPROTO_UDP || proto == IPPROTO_SCTP;

		/* The twin of ICMP is ICMPv6; 0 is an extension header of IPv6. */
		if (family == 6 && (proto == IPPROTO_ICMPV6 || proto == 0))
			continue;
		for (uint32_t i = 0; i < (has_ports ? RTE_DIM(ports) : 1); i++) {
			struct session_tuple4 t = ha_box_tuple(++n, proto);

			if (has_ports || proto != IPPROTO_ICMP) {
				t.sport = has_ports ? ports[i][0] : 0;
				t.dport = has_ports ? ports[i][1] : 0;
			}
			const uint32_t from = ha_box_session_of(&a.box, &t, family,
				proto == IPPROTO_TCP ? SESSION_TCP_SYN_SENT
						     : session_other_first(proto, t.dport),
				0, now);

			assert_int_not_equal(from, SESSION_NONE);
			session_table_set_dirty(a.box.sessions, from);
			turn(10);
			drain();
			if (apply() != 0)
				fail_msg("refused: protocol %u of IPv%u, ports %u and %u", proto,
					family, rte_be_to_cpu_16(t.sport),
					rte_be_to_cpu_16(t.dport));
		}
	}
	assert_equal_digests();
}

static void
a_slot_may_change_its_family(void **state)
{
	(void)state;
	const struct session_tuple4 t = ha_box_tuple(1, IPPROTO_TCP);
	const struct hrp_record_session4 four = record(1, 7, 3);
	const struct hrp_record_session6 six = record6(1, 7, 4);
	const struct hrp_record_session4 again = record(1, 7, 5);

	assert_int_equal(install(&four), REPL_DONE);
	assert_int_equal(install6(&six), REPL_DONE);
	turn(1);
	assert_int_equal(ha_box_find_of(&b.box, &t, 4), SESSION_NONE);
	assert_int_not_equal(ha_box_find_of(&b.box, &t, 6), SESSION_NONE);
	assert_int_equal(install(&again), REPL_DONE);
	turn(1);
	assert_int_not_equal(ha_box_find_of(&b.box, &t, 4), SESSION_NONE);
	assert_int_equal(ha_box_find_of(&b.box, &t, 6), SESSION_NONE);
	install_delete(7, 5);
	turn(1);
	assert_int_equal(session_table_count(b.box.sessions), 0);
}

static void
records_of_a_later_version_are_skipped(void **state)
{
	(void)state;
	uint8_t unknown[120] = { 77, 120 };

	assert_int_equal(ops->install(b.t, unknown, sizeof(unknown), now), REPL_DONE);
	assert_int_equal(session_table_count(b.box.sessions), 0);
}

static void
a_table_of_nonsense_size_is_refused(void **state)
{
	(void)state;
	assert_false(ops->round(b.t, 0));
	assert_false(ops->round(b.t, HRP_CAPACITY_MAX + 1));
	assert_false(ops->round(b.t, UINT32_MAX));
}

static void
a_delete_needs_the_right_generation(void **state)
{
	(void)state;
	const struct hrp_record_session4 r = record(1, 7, 3);

	assert_int_equal(install(&r), REPL_DONE);
	install_delete(7, 2);
	install_delete(7, 4);
	install_delete(8, 3);
	turn(1);
	assert_int_not_equal(copy_at_b(1, IPPROTO_TCP), SESSION_NONE);
	assert_int_equal(stats(&b).unknown, 3);
	install_delete(7, 3);
	turn(1);
	assert_int_equal(copy_at_b(1, IPPROTO_TCP), SESSION_NONE);
	install_delete(7, 3); /* doubled */
	assert_int_equal(stats(&b).removed, 1);
}

static void
a_new_generation_means_the_previous_session_is_gone(void **state)
{
	(void)state;
	struct hrp_record_session4 r = record(1, 7, 3);

	assert_int_equal(install(&r), REPL_DONE);
	r = record(2, 7, 4);
	assert_int_equal(install(&r), REPL_DONE);
	turn(1);
	assert_int_equal(copy_at_b(1, IPPROTO_TCP), SESSION_NONE);
	assert_int_not_equal(copy_at_b(2, IPPROTO_TCP), SESSION_NONE);
	install_delete(7, 3); /* late */
	turn(1);
	assert_int_not_equal(copy_at_b(2, IPPROTO_TCP), SESSION_NONE);
}

static void
a_restarted_owner_may_use_the_same_name_for_another_session(void **state)
{
	(void)state;
	struct hrp_record_session4 r = record(1, 7, 0);

	assert_int_equal(install(&r), REPL_DONE);
	r = record(3, 7, 0);
	assert_int_equal(install(&r), REPL_DONE);
	turn(1);
	assert_int_equal(copy_at_b(1, IPPROTO_TCP), SESSION_NONE);
	assert_int_not_equal(copy_at_b(3, IPPROTO_TCP), SESSION_NONE);
}

static void
HAC_07_a_late_event_does_not_delete_the_slots_next_session(void **state)
{
	(void)state;
	const uint32_t index = create_at_a(1, IPPROTO_UDP, SESSION_UDP_REPLIED, 0);
	struct session *s = ha_box_at(&a.box, index);

	drain();
	apply();
	/* The end of the old session waits in one ring, the start of the next one, in the same
	 * slot, is found first in another. */
	for (uint16_t w = 0; w < 2; w++)
		worker_poll(
			engine_worker(a.box.engine, w), now); /* notices that the mirror is on */
	worker_event(engine_worker(a.box.engine, 1), s, index, MIRROR_DELETE);
	atomic_fetch_add(&s->generation, 1);
	worker_event(engine_worker(a.box.engine, 0), s, index, MIRROR_CREATE);
	drain();
	assert_int_equal(a.len, sizeof(struct hrp_record_session4));
	while (ops->drain(a.t, &a.out, now) != 0)
		;
	assert_int_equal(a.len, sizeof(struct hrp_record_session4));
}

static void
HAC_07_a_late_delete_does_not_kill_the_successor_with_the_same_key(void **state)
{
	(void)state;
	/* Retried connection: the new session's record overtakes the old one's delete, since they
	 * come through two workers' rings. */
	struct hrp_record_session4 r = record(1, 7, 3);

	assert_int_equal(install(&r), REPL_DONE);
	r = record(1, 9, 1);
	assert_int_equal(install(&r), REPL_DONE);
	install_delete(7, 3);
	turn(1);
	assert_int_not_equal(copy_at_b(1, IPPROTO_TCP), SESSION_NONE);
	install_delete(9, 1);
	turn(1);
	assert_int_equal(copy_at_b(1, IPPROTO_TCP), SESSION_NONE);
}

static void
HAC_07_removed_and_opened_again_waits_for_the_removal(void **state)
{
	(void)state;
	struct hrp_record_session4 r = record(1, 7, 3);

	assert_int_equal(install(&r), REPL_DONE);
	assert_int_equal(install_delete(7, 3), REPL_DONE);
	r = record(1, 9, 1);
	assert_int_equal(install(&r), REPL_RETRY); /* the worker has not removed it yet */
	assert_int_equal(install(&r), REPL_RETRY);
	turn(1);
	assert_int_equal(install(&r), REPL_DONE);
	turn(5);
	assert_int_not_equal(copy_at_b(1, IPPROTO_TCP), SESSION_NONE);
	assert_int_equal(session_table_count(b.box.sessions), 1);
}

static void
a_session_opened_from_the_other_side_replaces_the_copy(void **state)
{
	(void)state;
	struct hrp_record_session4 r = record(1, 7, 3);
	enum repl_verdict v;

	assert_int_equal(install(&r), REPL_DONE);
	RTE_SWAP(r.src, r.dst);
	RTE_SWAP(r.how.sport, r.how.dport);
	r.head.index = RTE_BE32(9);
	while ((v = install(&r)) == REPL_RETRY)
		turn(1);
	assert_int_equal(v, REPL_DONE);
	turn(1);
	const uint32_t to = copy_at_b(1, IPPROTO_TCP);
	assert_int_not_equal(to, SESSION_NONE);
	struct session_key4 key;
	assert_true(session_table_key4(b.box.sessions, ha_box_at(&b.box, to), &key));
	assert_int_equal(session_key4_tuple(&key, session_swap(ha_box_at(&b.box, to))).src, r.src);
}

static void
a_stuck_worker_stops_the_mirror_for_two_seconds_at_most(void **state)
{
	(void)state;
	struct hrp_record_session4 r = record(1, 7, 3);
	uint32_t ms = 0;

	assert_int_equal(install(&r), REPL_DONE);
	assert_int_equal(install_delete(7, 3), REPL_DONE);
	r = record(1, 9, 1);
	for (; install(&r) == REPL_RETRY; ms += 10)
		now = mono_add_ms(now, 10); /* no worker runs */
	assert_in_range(ms, 1990, 2010);
	r = record(2, 10, 1);
	assert_int_equal(install(&r), REPL_DONE);
}

static void
own_sessions_in_use_never_go_backwards(void **state)
{
	(void)state;
	const struct session_tuple4 t = ha_box_tuple(1, IPPROTO_TCP);
	struct hrp_record_session4 r = record(1, 7, 3);
	const uint32_t own = ha_box_session(&b.box, &t, SESSION_TCP_TIME_WAIT, 0, now);

	set_role(&b, true, false); /* what was on its way when the peer has handed over */
	assert_int_equal(install(&r), REPL_DONE);
	assert_int_equal(ha_box_ctl(&b.box, own) & (SESSION_STATE_MASK | SESSION_F_SHARED),
		SESSION_TCP_TIME_WAIT);
	set_role(&b, true, true); /* load sharing: it counts, but not backwards */
	assert_int_equal(install(&r), REPL_DONE);
	assert_int_equal(ha_box_ctl(&b.box, own) & (SESSION_STATE_MASK | SESSION_F_SHARED),
		SESSION_TCP_TIME_WAIT | SESSION_F_SHARED);
	install_delete(7, 3);
	turn(1);
	assert_int_equal(copy_at_b(1, IPPROTO_TCP), own);

	/* Stepped down: what the active one says counts. */
	set_role(&b, false, true);
	assert_int_equal(install(&r), REPL_DONE);
	assert_int_equal(ha_box_ctl(&b.box, own) & (SESSION_STATE_MASK | SESSION_F_REMOTE),
		SESSION_TCP_ESTABLISHED | SESSION_F_REMOTE);
}

static void
a_copy_taken_over_by_traffic_is_ours(void **state)
{
	(void)state;
	struct hrp_record_session4 r = record(1, 7, 3);

	assert_int_equal(install(&r), REPL_DONE);
	const uint32_t to = copy_at_b(1, IPPROTO_TCP);
	set_role(&b, true, false);
	atomic_fetch_and(&ha_box_at(&b.box, to)->ctl, ~SESSION_F_REMOTE);
	install_delete(7, 3);
	turn(1);
	assert_int_equal(copy_at_b(1, IPPROTO_TCP), to);
	assert_int_equal(install(&r), REPL_DONE);
	assert_int_equal(stats(&b).conflicts, 0);
	assert_int_equal(ha_box_ctl(&b.box, to) & (SESSION_F_REMOTE | SESSION_F_SHARED), 0);
}

static void
R7_X39_what_the_peer_has_seen_of_our_session_counts(void **state)
{
	static const struct {
		uint8_t ours, theirs, becomes;
		uint16_t fins; /* of the record */
	} rows[] = {
		{ SESSION_TCP_SYN_SENT, SESSION_TCP_SYN_RECEIVED, SESSION_TCP_SYN_RECEIVED, 0 },
		{ SESSION_TCP_SYN_RECEIVED, SESSION_TCP_SYN_SENT, SESSION_TCP_SYN_RECEIVED, 0 },
		{ SESSION_TCP_SYN_RECEIVED, SESSION_TCP_ESTABLISHED, SESSION_TCP_ESTABLISHED, 0 },
		{ SESSION_TCP_ESTABLISHED, SESSION_TCP_FIN_WAIT, SESSION_TCP_FIN_WAIT,
			HRP_SESSION_FIN1 },
		{ SESSION_TCP_CLOSING, SESSION_TCP_CLOSING, SESSION_TCP_TIME_WAIT,
			HRP_SESSION_FIN0 | HRP_SESSION_FIN1 | HRP_SESSION_FINACK0 |
				HRP_SESSION_FINACK1 },
		{ SESSION_TCP_ESTABLISHED, SESSION_TCP_CLOSED, SESSION_TCP_CLOSED, 0 },
		/* Opened again, there or here. */
		{ SESSION_TCP_TIME_WAIT, SESSION_TCP_SYN_SENT, SESSION_TCP_SYN_SENT, 0 },
		{ SESSION_TCP_SYN_SENT, SESSION_TCP_TIME_WAIT, SESSION_TCP_SYN_SENT, 0 },
	};

	(void)state;
	set_role(&b, true, true);
	for (uint32_t i = 0; i < RTE_DIM(rows); i++) {
		const struct session_tuple4 t = ha_box_tuple(i, IPPROTO_TCP);
		const uint32_t own = ha_box_session(&b.box, &t, rows[i].ours, 0, now);
		struct session *s = ha_box_at(&b.box, own);
		struct hrp_record_session4 r = record(i, 100 + i, 3);

		r.what.state = rows[i].theirs;
		r.what.flags = rte_cpu_to_be_16(rows[i].fins);
		r.how.dir[1].tcp_end = RTE_BE32(5000);
		assert_int_equal(install(&r), REPL_DONE);
		assert_int_equal(atomic_load(&s->ctl) &
					 (SESSION_STATE_MASK | SESSION_F_REMOTE | SESSION_F_SHARED),
			rows[i].becomes | SESSION_F_SHARED);
		assert_int_equal(atomic_load(&s->last_seen), mono_seconds(now));
		/* The peer's part ends: it is told of ours, and checked as ever again. */
		install_delete(100 + i, 3);
		assert_int_equal(atomic_load(&s->ctl) & SESSION_F_SHARED, 0);
		assert_int_equal((atomic_load(&s->ctl) & SESSION_F_LEARN0) != 0,
			rows[i].becomes >= SESSION_TCP_ESTABLISHED);
	}
	assert_int_equal(stats(&b).conflicts, 0);
}

static void
R7_a_session_that_both_own_counts_on_both(void **state)
{
	struct repl_digest sent, held;
	const struct session_tuple4 t = ha_box_tuple(1, IPPROTO_TCP);
	const uint32_t theirs = ha_box_session(&b.box, &t, SESSION_TCP_ESTABLISHED, 0, now);

	(void)state;
	set_role(&b, true, true);
	session_table_set_dirty(
		a.box.sessions, ha_box_session(&a.box, &t, SESSION_TCP_ESTABLISHED, 0, now));
	drain();
	assert_int_equal(apply(), 0);
	ops->sent(a.t, &sent);
	while (ops->sweep(b.t, &held) != REPL_DONE)
		;
	assert_int_equal(sent.count, 1);
	assert_int_equal(held.count, 1);
	assert_true(sent.sum == held.sum);
	assert_int_equal(copy_at_b(1, IPPROTO_TCP), theirs);
	/* Without the peer it is ours alone. */
	set_role(&b, true, false);
	while (!ops->adopt(b.t, now))
		;
	assert_int_equal(atomic_load(&ha_box_at(&b.box, theirs)->ctl) & SESSION_F_SHARED, 0);
}

static void
X32_a_full_table_refuses_and_counts(void **state)
{
	(void)state;
	struct hrp_record_session4 r;
	uint32_t refused = 0;

	for (uint32_t i = 0; i < SESSIONS; i++) {
		r = record(i, i, 1);
		r.head.index = rte_cpu_to_be_32(i);
		assert_int_not_equal(install(&r), REPL_RETRY);
		turn(0);
	}
	for (uint32_t i = 0; i < 100; i++) {
		r = record(SESSIONS + i, i, 2);
		r.head.index = rte_cpu_to_be_32(SESSIONS - 1 - i);
		refused += install(&r) == REPL_REFUSED;
	}
	assert_true(refused > 0);
	assert_int_equal(stats(&b).full, refused);
}

static void
a_bulk_sends_all_that_is_owned(void **state)
{
	(void)state;
	for (uint32_t i = 0; i < 1000; i++) {
		const struct session_tuple4 t = ha_box_tuple(i, IPPROTO_UDP);
		ha_box_session_of(&a.box, &t, i % 20 < 10 ? 4 : 6, SESSION_UDP_REPLIED,
			i % 10 < 2 ? SESSION_F_REMOTE : 0, now);
	}
	while (!ops->walk(a.t, &a.out, now))
		;
	assert_int_equal(a.len, 400 * 60 + 400 * 84);
	assert_int_equal(apply(), 0);
	assert_int_equal(session_table_count(b.box.sessions), 800);
	assert_equal_digests();
}

static void
a_bulk_without_room_goes_on_where_it_stopped(void **state)
{
	(void)state;
	for (uint32_t i = 0; i < 500; i++)
		create_at_a(i, IPPROTO_UDP, SESSION_UDP_REPLIED, 0);
	a.room = 1400;
	for (int i = 0; i < 1000 && !ops->walk(a.t, &a.out, now); i++)
		apply();
	apply();
	a.room = BUFFER;
	assert_int_equal(session_table_count(b.box.sessions), 500);
	assert_equal_digests();
}

static void
X23_the_end_of_a_bulk_removes_what_it_did_not_confirm(void **state)
{
	(void)state;
	const struct session_tuple4 own = ha_box_tuple(60000, IPPROTO_UDP);
	uint32_t estimate;

	for (uint32_t i = 0; i < 300; i++)
		create_at_a(i, IPPROTO_UDP, SESSION_UDP_REPLIED, 0);
	drain();
	apply();
	assert_int_not_equal(ha_box_session(&b.box, &own, SESSION_UDP_FIRST, 0, now), SESSION_NONE);
	assert_equal_digests();

	/* 100 end unnoticed (their deletes are thrown away), then a new round. */
	for (uint32_t i = 0; i < 100; i++) {
		const struct session_tuple4 t = ha_box_tuple(i, IPPROTO_UDP);
		ha_box_kill(&a.box, ha_box_find(&a.box, &t));
	}
	turn(1);
	ops->discard(a.t);
	ops->walk_begin(a.t, &estimate);
	assert_true(ops->round(b.t, SESSIONS));
	while (!ops->walk(a.t, &a.out, now))
		;
	assert_int_equal(a.len, 200 * 60);
	apply();
	assert_equal_digests();
	turn(5);
	assert_int_equal(session_table_count(b.box.sessions), 201); /* and our own one */
	assert_int_equal(stats(&b).swept, 100);
}

static void
a_copy_lost_on_the_way_shows_in_the_digest(void **state)
{
	(void)state;
	struct repl_digest want;

	for (uint32_t i = 0; i < 50; i++)
		create_at_a(i, IPPROTO_UDP, SESSION_UDP_REPLIED, 0);
	drain();
	apply();
	ha_box_kill(&b.box, copy_at_b(20, IPPROTO_UDP)); /* by hand, on the standby */
	turn(1);
	const struct repl_digest have = sweep();
	ops->sent(a.t, &want);
	assert_int_equal(want.count, 50);
	assert_int_equal(have.count, 49);
	assert_true(have.sum != want.sum);
}

static void
a_full_event_ring_loses_nothing(void **state)
{
	(void)state;
	/* 64 events fit; 600 sessions end in one turn of the workers. */
	for (uint32_t i = 0; i < 600; i++)
		create_at_a(i, IPPROTO_UDP, SESSION_UDP_REPLIED, 0);
	drain();
	apply();
	assert_int_equal(session_table_count(b.box.sessions), 600);
	for (uint32_t i = 0; i < 600; i += 2) {
		const struct session_tuple4 t = ha_box_tuple(i, IPPROTO_UDP);
		assert_true(ha_box_kill(&a.box, ha_box_find(&a.box, &t)));
	}
	turn(1);
	drain();
	apply();
	turn(5);
	assert_int_equal(session_table_count(b.box.sessions), 300);
	assert_equal_digests();
}

static void
a_standby_discards_its_events(void **state)
{
	(void)state;
	for (uint32_t i = 0; i < 20; i++) {
		const uint32_t index = create_at_a(i, IPPROTO_UDP, SESSION_UDP_REPLIED, 0);
		ha_box_kill(&a.box, index);
	}
	turn(1);
	assert_true(ops->discard(a.t) > 0);
	assert_int_equal(a.len, 0);
	assert_int_equal(ops->discard(a.t), 0);
}

static void
takeover_makes_the_copies_ours(void **state)
{
	(void)state;
	for (uint32_t i = 0; i < 300; i++)
		create_at_a(i, IPPROTO_UDP, SESSION_UDP_REPLIED, 0);
	turn(7000);
	drain();
	apply();
	set_role(&b, true, false);
	assert_false(ops->orphans(b.t));
	while (!ops->adopt(b.t, now))
		;
	assert_int_equal(stats(&b).adopted, 300);
	for (uint32_t i = 0; i < 300; i++) {
		const uint32_t to = copy_at_b(i, IPPROTO_UDP);
		assert_int_equal(ha_box_ctl(&b.box, to), SESSION_UDP_REPLIED);
		assert_int_equal(ha_box_at(&b.box, to)->last_seen, mono_seconds(now)); /* P20 */
	}
	/* What still arrives from the old owner is nobody's: look again. */
	const struct hrp_record_session4 r = record(40000, 4000, 1);
	assert_int_equal(install(&r), REPL_DONE);
	assert_true(ops->orphans(b.t));
	while (!ops->adopt(b.t, now))
		;
	assert_false(ops->orphans(b.t));
	assert_int_equal(stats(&b).adopted, 301);
}

static void
HAC_07_random_life_converges(void **state)
{
	(void)state;
	/* Create, close, re-open with the same tuple, in random order; both boxes' workers run at
	 * random moments; some events only reach the dirty bits. */
	uint64_t seed = 12345;
	for (int step = 0; step < 20000; step++) {
		seed = seed * UINT64_C(6364136223846793005) + 1442695040888963407;
		const uint32_t r = (uint32_t)(seed >> 33);
		struct session_tuple4 t = ha_box_tuple(r % 400, IPPROTO_TCP);
		if ((r >> 9 & 15) == 0) { /* from the other side */
			RTE_SWAP(t.src, t.dst);
			RTE_SWAP(t.sport, t.dport);
		}
		const unsigned int family = (r >> 4 & 3) == 0 ? 6 : 4;
		const uint32_t index = ha_box_find_of(&a.box, &t, family);
		if (index == SESSION_NONE) {
			const uint32_t made = ha_box_session_of(
				&a.box, &t, family, SESSION_TCP_ESTABLISHED, 0, now);
			if (made != SESSION_NONE)
				session_table_set_dirty(a.box.sessions, made);
		} else if ((r >> 13 & 1) != 0) {
			ha_box_kill(&a.box, index);
		} else {
			session_table_set_dirty(a.box.sessions, index);
		}
		now.ns += 20 * NS_PER_US;
		if ((r >> 15 & 3) == 0)
			ha_box_poll(&a.box, now);
		if ((r >> 17 & 7) == 0)
			ops->drain(a.t, &a.out, now);
		if ((r >> 20 & 7) == 0)
			apply();
		if ((r >> 23 & 7) == 0)
			ha_box_poll(&b.box, now);
	}
	turn(1);
	drain();
	assert_int_equal(apply(), 0);
	turn(5);
	drain();
	apply();
	turn(5);
	assert_int_equal(session_table_count(b.box.sessions), session_table_count(a.box.sessions));
	assert_equal_digests();
	assert_int_equal(stats(&b).swept, 0);
}

int
main(void)
{
#define CASE(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
	const struct CMUnitTest tests[] = {
		CASE(every_field_arrives),
		CASE(R201_an_update_refreshes_the_copy_in_place),
		CASE(R198_sessions_to_the_firewall_itself_are_stored_at_the_peer),
		CASE(copies_are_not_mirrored_back),
		CASE(R201_a_removed_session_is_removed_from_the_peer),
		CASE(HAC_06_wrong_values_are_refused_and_change_nothing),
		CASE(HAC_06_wrong_IPv6_values_are_refused_and_change_nothing),
		CASE(R198_the_peer_takes_whatever_a_worker_lets_begin),
		CASE(a_slot_may_change_its_family),
		CASE(records_of_a_later_version_are_skipped),
		CASE(a_table_of_nonsense_size_is_refused),
		CASE(a_delete_needs_the_right_generation),
		CASE(a_new_generation_means_the_previous_session_is_gone),
		CASE(a_restarted_owner_may_use_the_same_name_for_another_session),
		CASE(HAC_07_a_late_event_does_not_delete_the_slots_next_session),
		CASE(HAC_07_a_late_delete_does_not_kill_the_successor_with_the_same_key),
		CASE(HAC_07_removed_and_opened_again_waits_for_the_removal),
		CASE(a_session_opened_from_the_other_side_replaces_the_copy),
		CASE(a_stuck_worker_stops_the_mirror_for_two_seconds_at_most),
		CASE(own_sessions_in_use_never_go_backwards),
		CASE(a_copy_taken_over_by_traffic_is_ours),
		CASE(R7_X39_what_the_peer_has_seen_of_our_session_counts),
		CASE(R7_a_session_that_both_own_counts_on_both),
		CASE(X32_a_full_table_refuses_and_counts),
		CASE(a_bulk_sends_all_that_is_owned),
		CASE(a_bulk_without_room_goes_on_where_it_stopped),
		CASE(X23_the_end_of_a_bulk_removes_what_it_did_not_confirm),
		CASE(a_copy_lost_on_the_way_shows_in_the_digest),
		CASE(a_full_event_ring_loses_nothing),
		CASE(a_standby_discards_its_events),
		CASE(takeover_makes_the_copies_ours),
		CASE(HAC_07_random_life_converges),
	};
	test_eal_start(512, 1);
	sides_start();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
