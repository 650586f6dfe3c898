/* SPDX-License-Identifier: BSD-3-Clause */
/* Grace periods wait for every online reader and for nobody else. */
#include "rcu.h"
#include "test_eal.h"

#include <rte_memory.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

static void
without_readers_a_grace_period_is_over_at_once(void **state)
{
	struct rcu *r = rcu_create(SOCKET_ID_ANY);

	(void)state;
	assert_non_null(r);
	assert_true(rcu_done(r, rcu_start(r)));
	rcu_wait(r);
	rcu_destroy(r);
}

static void
every_online_reader_must_pass(void **state)
{
	struct rcu *r = rcu_create(SOCKET_ID_ANY);
	const int a = rcu_register(r), b = rcu_register(r);
	uint64_t token;

	(void)state;
	assert_int_not_equal(a, b);
	token = rcu_start(r);
	assert_false(rcu_done(r, token));
	rcu_quiescent(r, a);
	assert_false(rcu_done(r, token));
	rcu_quiescent(r, b);
	assert_true(rcu_done(r, token));
	assert_false(rcu_done(r, rcu_start(r)));
	rcu_destroy(r);
}

static void
a_reader_that_is_offline_or_gone_is_not_waited_for(void **state)
{
	struct rcu *r = rcu_create(SOCKET_ID_ANY);
	const int a = rcu_register(r), b = rcu_register(r);
	uint64_t token = rcu_start(r);

	(void)state;
	rcu_offline(r, a);
	assert_false(rcu_done(r, token));
	rcu_unregister(r, b);
	assert_true(rcu_done(r, token));
	rcu_online(r, a);
	token = rcu_start(r);
	assert_false(rcu_done(r, token));
	rcu_quiescent(r, a);
	assert_true(rcu_done(r, token));
	rcu_destroy(r);
}

static void
reader_slots_run_out_and_come_back(void **state)
{
	struct rcu *r = rcu_create(SOCKET_ID_ANY);
	int id[RCU_MAX_READERS];

	(void)state;
	for (int i = 0; i < RCU_MAX_READERS; i++) {
		id[i] = rcu_register(r);
		assert_true(id[i] >= 0);
	}
	assert_int_equal(rcu_register(r), -1);
	rcu_unregister(r, id[17]);
	assert_int_equal(rcu_register(r), id[17]);
	rcu_destroy(r);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(without_readers_a_grace_period_is_over_at_once),
		cmocka_unit_test(every_online_reader_must_pass),
		cmocka_unit_test(a_reader_that_is_offline_or_gone_is_not_waited_for),
		cmocka_unit_test(reader_slots_run_out_and_come_back),
	};

	test_eal_start(64, 1);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
