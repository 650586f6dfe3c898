/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Messages worth repeating by another link (R173).
 */
#include "hrp_recent.h"
#include "hrp_wire.h"
#include "vgmp.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#define LEN (sizeof(struct ha_vrrp) + sizeof(struct ha_vgmp))

static void
put(struct hrp_recent *r, uint8_t group, enum vgmp_state state, uint16_t id, uint64_t ms)
{
	const struct ha_vgmp g = {
		.vtype = HA_VGMP_HELLO, .group = group, .state = (uint8_t)state, .request_id = id
	};
	uint8_t m[LEN] = { 0 };

	memcpy(m + sizeof(struct ha_vrrp), &g, sizeof(g));
	hrp_recent_put(r, &g, m, sizeof(m), (mono_t){ .ns = ms * NS_PER_MS });
}

/* The ids of what is listed, as digits. */
static uint64_t
listed(const struct hrp_recent *r, uint64_t ms, uint32_t age_ms)
{
	const struct hrp_recent_message *out[HRP_RECENT];
	const uint32_t n = hrp_recent_list(r, (mono_t){ .ns = ms * NS_PER_MS }, age_ms, out);
	uint64_t digits = 0;

	for (uint32_t i = 0; i < n; i++) {
		struct ha_vgmp g;

		assert_int_equal(out[i]->len, LEN);
		memcpy(&g, out[i]->data + sizeof(struct ha_vrrp), sizeof(g));
		digits = digits * 10 + g.request_id;
	}
	return digits;
}

static void
the_young_ones_come_in_their_order(void **state)
{
	struct hrp_recent r = { 0 };

	(void)state;
	assert_int_equal(listed(&r, 1000, 100), 0);
	put(&r, 1, VGMP_ACTIVE, 1, 1000);
	put(&r, 2, VGMP_STANDBY, 2, 1050);
	put(&r, 1, VGMP_ACTIVE, 3, 1100);
	assert_int_equal(listed(&r, 1100, 100), 123);
	assert_int_equal(listed(&r, 1101, 100), 23);
	assert_int_equal(listed(&r, 1151, 100), 3);
	assert_int_equal(listed(&r, 1201, 100), 0);
}

static void
what_a_group_said_in_another_state_is_left_out(void **state)
{
	struct hrp_recent r = { 0 };

	(void)state;
	put(&r, 1, VGMP_ACTIVE, 1, 1000);
	put(&r, 2, VGMP_STANDBY, 2, 1010);
	put(&r, 1, VGMP_ACTIVE_TO_STANDBY, 3, 1020);
	assert_int_equal(listed(&r, 1030, 100), 23);
	put(&r, 1, VGMP_STANDBY, 4, 1030);
	assert_int_equal(listed(&r, 1030, 100), 24);
}

static void
only_so_many_are_kept_and_nothing_strange(void **state)
{
	const uint8_t message[HRP_RECENT_MAX + 1] = { 0 };
	const struct ha_vgmp g = { .group = 1 };
	const struct hrp_recent_message *out[HRP_RECENT];
	struct hrp_recent r = { 0 };

	(void)state;
	hrp_recent_put(&r, &g, message, sizeof(message), (mono_t){ .ns = 1 });
	assert_int_equal(r.next, 0);
	for (uint16_t i = 0; i < HRP_RECENT + 9; i++)
		put(&r, 1, VGMP_ACTIVE, i % 10, 1000);
	assert_int_equal(hrp_recent_list(&r, (mono_t){ .ns = NS_PER_SEC }, 1, out), HRP_RECENT);
	assert_ptr_equal(out[HRP_RECENT - 1], &r.list[(r.next - 1) % HRP_RECENT]);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_young_ones_come_in_their_order),
		cmocka_unit_test(what_a_group_said_in_another_state_is_left_out),
		cmocka_unit_test(only_so_many_are_kept_and_nothing_strange),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
