/* SPDX-License-Identifier: BSD-3-Clause */
#include "nat_share.h"
#include "test_eal.h"

#include <rte_memory.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#define RECLAIM_S 60

/* What is handed out `ms` after the row before, when the peer is there or not. */
static void
P24_the_other_half_is_taken_over_from_a_dead_peer_and_given_back(void **state)
{
	static const struct {
		uint8_t own;
		bool peer;
		uint64_t ms;
		uint8_t use;
	} rows[] = {
		{ NAT_HALF_PRIMARY, false, 1000, NAT_HALF_PRIMARY }, /* alone from the start */
		{ NAT_HALF_PRIMARY, true, 1000, NAT_HALF_PRIMARY },
		{ NAT_HALF_PRIMARY, true, 3600000, NAT_HALF_PRIMARY },
		{ NAT_HALF_PRIMARY, false, 1, NAT_HALF_PRIMARY },
		{ NAT_HALF_PRIMARY, false, 59999, NAT_HALF_PRIMARY },
		{ NAT_HALF_PRIMARY, false, 1, NAT_WHOLE },
		{ NAT_HALF_PRIMARY, true, 1, NAT_HALF_PRIMARY }, /* back: at once */
		{ NAT_HALF_PRIMARY, false, 59000, NAT_HALF_PRIMARY },
		{ NAT_HALF_SECONDARY, true, 1, NAT_HALF_SECONDARY },
		{ NAT_HALF_SECONDARY, false, 1, NAT_HALF_SECONDARY },
		{ NAT_HALF_SECONDARY, false, 60000, NAT_WHOLE },
		{ 0, true, 1, NAT_WHOLE }, /* not divided */
	};
	struct nat_groups *groups = nat_groups_create(
		&(struct nat_groups_params){ .workers = 1, .socket = SOCKET_ID_ANY });
	mono_t now = { .ns = NS_PER_SEC };
	struct nat_share s = { 0 };

	(void)state;
	assert_non_null(groups);
	assert_int_equal(nat_groups_halves(groups), NAT_WHOLE);
	for (unsigned int i = 0; i < RTE_DIM(rows); i++) {
		if (i == 0 || rows[i].own != rows[i - 1].own)
			nat_share_init(&s, rows[i].own, RECLAIM_S);
		now = mono_add_ms(now, rows[i].ms);
		nat_share_poll(&s, groups, rows[i].peer, now);
		if (nat_groups_halves(groups) != rows[i].use)
			fail_msg("row %u: %u", i, nat_groups_halves(groups));
		nat_share_poll(&s, NULL, rows[i].peer, now);
	}
	nat_groups_destroy(groups);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(P24_the_other_half_is_taken_over_from_a_dead_peer_and_given_back),
	};

	test_eal_start(64, 1);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
