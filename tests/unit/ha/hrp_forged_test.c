/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Two HRP cores and a wire on which somebody else writes too: numbers, keys, forgeries.
 */
#include "hrp_sides.h"

#include <rte_ip.h>

/* ---- numbers and keys ---- */

static uint64_t
refused(int i, enum ha_refusal why)
{
	struct hrp_status st;

	run(60); /* it is published every 50 ms */
	hrp_status(side[i].hrp, &st);
	return st.refused[why];
}

static uint64_t
refused_in_all(int i)
{
	struct hrp_status st;
	uint64_t n = 0;

	run(60); /* it is published every 50 ms */
	hrp_status(side[i].hrp, &st);
	for (int why = 1; why < HA_REFUSAL_COUNT; why++)
		n += st.refused[why];
	return n;
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

/* The peer goes on, and we have started again: what our earlier life has heard of it is said once
 * more before the peer says anything new. */
static void
HAC_01_what_was_said_before_our_own_start_changes_nothing(void **state)
{
	(void)state;
	for (int i = -1; i < 2; i++) {
		security = i < 0 ? NULL : &keys[i];
		setup(1, 27);
		form();
		until_synchronised(1000);
		recording = true;
		recorded_from = 0;
		hello(0, VGMP_STANDBY, stamp());
		create(0, 1);
		run(3 * HELLO_MS);
		recording = false;
		stop_hrp(1);
		run(HELLO_MS);
		start_hrp(1);
		run(4 * HELLO_MS);
		assert_true(side[1].linked && recorded_count > 4);
		const uint32_t received = side[1].received;
		const uint64_t before = refused_in_all(1);

		for (uint32_t n = 0; n < recorded_count; n++)
			arrive(1, 0, recorded[n]);
		assert_int_equal(refused_in_all(1) - before, recorded_count);
		assert_int_equal(side[1].received, received);
		recorded_count = 0;
		teardown();
	}
	security = NULL;
}

/* A piece of the configuration of a side goes out.  => how many have come to the other one */
static uint32_t
configured(int from)
{
	struct config_frame f = { .len = 4,
		.head = { .kind = HRP_CONFIG_CHUNK,
			.role = HRP_CONFIG_MASTER,
			.transfer = RTE_BE32(7),
			.generation = RTE_BE32(3),
			.size = RTE_BE32(4) },
		.text = "old" };
	uint32_t n = 0;

	assert_true(config_bus_put(side[from].config.to_hrp, &f));
	run(5);
	while (config_bus_get(side[!from].config.to_management, &f))
		n += f.head.kind == HRP_CONFIG_CHUNK;
	return n;
}

/* Data has numbers of its own, of which the probe that makes the peer trusted says nothing: who
 * holds true data back must not bring an old configuration in before it. */
static void
HAC_01_what_was_said_before_our_own_start_is_no_configuration(void **state)
{
	struct config_frame f;

	(void)state;
	for (int i = -1; i < 2; i++) {
		security = i < 0 ? NULL : &keys[i];
		setup(1, 28);
		form();
		until_synchronised(1000);
		recording = true;
		recorded_from = 0;
		assert_int_equal(configured(0), 1);
		run(3 * HELLO_MS);
		recording = false;
		stop_hrp(1);
		role(0, true, false);
		run(5 * HELLO_MS);
		start_hrp(1);
		run(HELLO_MS);
		assert_true(side[1].linked && recorded_count > 4);
		wire.cut[0] = true;
		for (uint32_t n = 0; n < recorded_count; n++)
			arrive(1, 0, recorded[n]);
		run(5);
		assert_false(config_bus_get(side[1].config.to_management, &f));
		wire.cut[0] = false;
		/* What it says now is heard. */
		hello(0, VGMP_ACTIVE, stamp());
		role(0, true, true);
		role(1, false, true);
		until_synchronised(2000);
		assert_int_equal(configured(0), 1);
		assert_int_equal(configured(1), 1);
		recorded_count = 0;
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

/* No clock is asked for: one that is wrong by years harms nothing, nor does its correction. */
static void
HAC_05_clocks_do_not_matter(void **state)
{
	static const uint32_t rows[][2] = { { 0, UINT32_MAX }, { 1700000000, 1700003600 },
		{ 1700003600, 1700000000 } };

	(void)state;
	for (size_t i = 0; i < RTE_DIM(rows); i++) {
		security = &keys[1];
		memcpy(boots, rows[i], sizeof(boots));
		setup(1, 24);
		form();
		until_synchronised(1000);
		stop_hrp(1);
		boots[1] = boots[0] - 1; /* set back, and started again */
		run(HELLO_MS);
		start_hrp(1);
		run(4 * HELLO_MS);
		assert_true(side[0].linked && side[1].linked);
		teardown();
	}
	memset(boots, 0, sizeof(boots));
	security = NULL;
}

static void
as_of_the_next_version(struct rte_mbuf *m)
{
	uint8_t *const message = rte_pktmbuf_mtod(m, uint8_t *) + 34;
	const uint16_t len = (uint16_t)(rte_pktmbuf_data_len(m) - 34);
	struct ha_trailer end;

	memcpy(&end, message + len - sizeof(end), sizeof(end));
	end.version = HA_VERSION + 1;
	memcpy(message + len - sizeof(end), &end, sizeof(end));
	memset(message + 6, 0, 2);
	const rte_be16_t sum = (rte_be16_t)~rte_raw_cksum(message, len);

	memcpy(message + 6, &sum, sizeof(sum));
}

/* What an earlier start of the peer has said, with another version then: it changes nothing. */
static void
HAC_01_HAC_04_an_earlier_life_of_another_version_changes_nothing(void **state)
{
	struct hrp_status st;

	(void)state;
	setup(1, 26);
	recording = true;
	recorded_from = 0;
	run(3 * HELLO_MS);
	recording = false;
	stop_hrp(0);
	run(HELLO_MS);
	start_hrp(0);
	form();
	until_synchronised(1000);
	assert_true(recorded_count > 2);
	for (uint32_t i = 0; i < recorded_count; i++) {
		as_of_the_next_version(recorded[i]);
		arrive(1, 0, recorded[i]);
	}
	recorded_count = 0;
	assert_true(refused(1, HA_REFUSED_life) > 2);
	hrp_status(side[1].hrp, &st);
	assert_false(st.other_version);
	assert_true(side[1].synchronised);
	teardown();
}

static void
HAC_04_a_peer_of_another_version_is_told(void **state)
{
	struct hrp_status st;

	(void)state;
	setup(1, 25);
	form();
	until_synchronised(1000);
	const uint32_t before = side[1].received;
	uint32_t data = 0;

	recorded_from = 0;
	recording = wire.cut[0] = true;
	hello(0, VGMP_ACTIVE, stamp());
	run(HELLO_MS);
	recording = wire.cut[0] = false;
	for (uint32_t i = 0; i < recorded_count; i++) {
		const uint8_t *const message = rte_pktmbuf_mtod(recorded[i], uint8_t *) + 34;
		const uint16_t len = (uint16_t)(rte_pktmbuf_data_len(recorded[i]) - 34);
		struct ha_trailer end;

		memcpy(&end, message + len - sizeof(end), sizeof(end));
		data += (end.sequence & RTE_BE64(HA_SEQUENCE_DATA)) != 0;
		as_of_the_next_version(recorded[i]);
		arrive(1, 0, recorded[i]);
	}
	recorded_count = 0;
	/* Hellos are a sign of life, data is refused. */
	assert_int_equal(refused(1, HA_REFUSED_version), data);
	assert_int_equal(side[1].received, before + 1);
	assert_true((side[1].last.flag & HA_RECEIVED_OTHER_VERSION) != 0);
	assert_false(side[1].synchronised);
	hrp_status(side[1].hrp, &st);
	assert_true(st.other_version);
	run(11000);
	hrp_status(side[1].hrp, &st);
	assert_false(st.other_version);
	teardown();
}

/* ---- forgeries ---- */

#define HEAD	(sizeof(struct rte_ether_hdr) + sizeof(struct rte_ipv4_hdr))
#define SAMPLES 64

/* MENDED: with a checksum that fits. */
enum { FLIP, FLIP_MENDED, CUT, CUT_MENDED, REPLAY, REFLECT, LIFE, UNSIGNED, FORGERIES };

static void
put_sum(uint8_t *at, uint16_t len, size_t offset)
{
	memset(at + offset, 0, sizeof(rte_be16_t));
	const rte_be16_t sum = (rte_be16_t)~rte_raw_cksum(at, len);

	memcpy(at + offset, &sum, sizeof(sum));
}

/* A frame of the sample that is wrong in this way, with headers that fit. */
static struct rte_mbuf *
forge(const struct rte_mbuf *sample, unsigned int how)
{
	struct rte_mbuf *m = rte_pktmbuf_copy(sample, pool, 0, UINT32_MAX);
	uint8_t *const frame = rte_pktmbuf_mtod(m, uint8_t *), *const message = frame + HEAD;
	uint16_t len = (uint16_t)(rte_pktmbuf_data_len(m) - HEAD);
	struct rte_ipv4_hdr ip;
	struct ha_trailer end;

	memcpy(&end, message + len - sizeof(end), sizeof(end));
	switch (how) {
	case FLIP:
	case FLIP_MENDED:
		message[rnd() % len] ^= (uint8_t)(1u << rnd() % 8);
		break;
	case CUT:
	case CUT_MENDED:
		len = (uint16_t)(rnd() % len);
		rte_pktmbuf_trim(m, (uint16_t)(rte_pktmbuf_data_len(m) - HEAD - len));
		break;
	case LIFE:
		end.life ^= rte_cpu_to_be_64(1 + rnd());
		memcpy(message + len - sizeof(end), &end, sizeof(end));
		break;
	case UNSIGNED:
		end.algorithm = HA_ALGORITHM_NONE;
		end.key_id = 0;
		memcpy(message + len - sizeof(end), &end, sizeof(end));
		break;
	default:
		break;
	}
	if (how != FLIP && how != CUT && len >= sizeof(struct ha_vrrp))
		put_sum(message, len, offsetof(struct ha_vrrp, checksum));
	memcpy(&ip, frame + sizeof(struct rte_ether_hdr), sizeof(ip));
	ip.total_length = rte_cpu_to_be_16((uint16_t)(sizeof(ip) + len));
	memcpy(frame + sizeof(struct rte_ether_hdr), &ip, sizeof(ip));
	put_sum(frame + sizeof(struct rte_ether_hdr), sizeof(ip),
		offsetof(struct rte_ipv4_hdr, hdr_checksum));
	return m;
}

/* TWINWALL_FORGED=10000000: as many as issue and release want. */
static uint32_t
how_many(void)
{
	const char *const wanted = getenv("TWINWALL_FORGED");

	return wanted != NULL ? (uint32_t)strtoul(wanted, NULL, 10) : 40000;
}

static void
HAC_01_HAC_02_HAC_03_nothing_forged_changes_anything(void **state)
{
	const uint32_t total = how_many();
	struct hrp_status before, after;
	struct rte_mbuf *samples[2][SAMPLES]; /* of side 0; of side 1 */

	(void)state;
	security = &keys[1];
	setup(1, 22);
	for (uint32_t n = 0; n < 500; n++)
		create(0, n);
	form();
	until_synchronised(1000);
	for (int from = 0; from < 2; from++) {
		recording = true;
		recorded_from = from;
		for (uint32_t n = 0; recorded_count < SAMPLES; n++) {
			if (from == 0)
				create(0, 500 + n);
			hello(from, from == 0 ? VGMP_ACTIVE : VGMP_STANDBY, stamp());
			run(HELLO_MS / 4);
		}
		recording = false;
		memcpy(samples[from], recorded, sizeof(samples[from]));
		rte_pktmbuf_free_bulk(recorded + SAMPLES, recorded_count - SAMPLES);
		recorded_count = 0;
	}
	run(HELLO_MS);
	const uint32_t sessions = count(1);
	const uint64_t refusals = refused_in_all(1);

	hrp_status(side[1].hrp, &before);
	const uint32_t received = side[1].received;

	for (uint32_t n = 0; n < total; n++) {
		const unsigned int how = n % FORGERIES;

		arrive(1, 0, forge(samples[how == REFLECT][rnd() % SAMPLES], how));
		if (n % 48 == 47)
			step();
	}
	run(2 * HELLO_MS);
	assert_int_equal(refused_in_all(1) - refusals, total);
	hrp_status(side[1].hrp, &after);
	for (int why = 1; why < HA_REFUSAL_COUNT && total > 40000; why++)
		if (after.refused[why] != before.refused[why])
			printf("# %-10s %ju\n", ha_refusal_names[why],
				(uintmax_t)(after.refused[why] - before.refused[why]));
	assert_int_equal(count(1), sessions);
	assert_int_equal(side[1].received, received);
	assert_int_equal(after.links[0].changes, before.links[0].changes);
	assert_int_equal(after.stream.opened, before.stream.opened);
	assert_int_equal(after.bulk_in, HRP_BULK_EQUAL);
	assert_true(side[0].linked && side[1].linked && side[1].synchronised);
	for (int from = 0; from < 2; from++)
		rte_pktmbuf_free_bulk(samples[from], SAMPLES);
	teardown();
	security = NULL;
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(X12_a_hello_that_comes_late_or_twice_is_told_once),
		cmocka_unit_test(HAC_01_an_earlier_life_of_the_peer_is_refused),
		cmocka_unit_test(HAC_01_what_was_said_before_our_own_start_changes_nothing),
		cmocka_unit_test(HAC_01_what_was_said_before_our_own_start_is_no_configuration),
		cmocka_unit_test(X14_tables_are_equal_with_keys_on_a_bad_wire),
		cmocka_unit_test(HAC_02_another_secret_is_no_peer),
		cmocka_unit_test(HAC_05_clocks_do_not_matter),
		cmocka_unit_test(HAC_04_a_peer_of_another_version_is_told),
		cmocka_unit_test(HAC_01_HAC_04_an_earlier_life_of_another_version_changes_nothing),
		cmocka_unit_test(HAC_01_HAC_02_HAC_03_nothing_forged_changes_anything),
	};
	test_eal_start(768, 1);
	pool = rte_pktmbuf_pool_create(
		"hrp-pool", 8191, 0, 0, RTE_MBUF_DEFAULT_BUF_SIZE, SOCKET_ID_ANY);
	if (pool == NULL)
		return 99;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
