/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The role lease: its inequality for every hello interval and number of misses, by brute force over
 * the moment everything stops.
 */
#include "ha_constants.h"
#include "lease.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

static const uint32_t hellos_ms[] = { HRP_HELLO_MIN_MS, 20, 50, 100, 333, 1000, 5000,
	HRP_HELLO_MAX_MS };

/* What stops at the tick `stop`: then the peer has heard every hello that left. */
enum stop { CONTROL, HRP, BOTH };

/*
 * One Active box: control core and HRP core take turns `turn_ns` apart; a hello leaves at the HRP
 * core's next turn and is heard `wire_ns` later.  => The end of the lease and the earliest
 * takeover.
 */
static void
run(uint32_t hello_ms, uint32_t misses, uint64_t turn_ns, uint64_t wire_ns, uint64_t stop_ns,
	enum stop what, uint64_t *end, uint64_t *takeover)
{
	const uint64_t h = hello_ms * NS_PER_MS, start = 100 * h;
	uint64_t due = start, turns = 0, heard = start - h, ring = 0;
	struct lease l;

	lease_init(&l, hello_ms, misses);
	lease_begin(&l, (mono_t){ .ns = start - h });
	for (uint64_t now = start; now < start + 12 * h; now += turn_ns) {
		const bool stopped = now >= start + stop_ns;

		if (!stopped || what == HRP) {
			lease_turns(&l, (mono_t){ .ns = now }, turns);
			if (lease_lapsed(&l, (mono_t){ .ns = now }))
				break; /* the box fences itself */
			if (now >= due) {
				due += h;
				ring = now;
				lease_hello(&l, (mono_t){ .ns = now }, turns);
			}
		}
		if (!stopped || what == CONTROL) {
			if (ring != 0)
				heard = now + wire_ns;
			ring = 0;
			turns++;
		}
	}
	*end = l.until.ns;
	*takeover = heard + misses * h;
}

static void
the_lease_ends_before_the_peers_earliest_takeover(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(hellos_ms) / sizeof(hellos_ms[0]); i++) {
		const uint64_t h = hellos_ms[i] * NS_PER_MS;

		for (uint32_t n = HRP_MISSES_MIN; n <= HRP_MISSES_MAX; n++)
			for (uint64_t stop = 0; stop < 4 * h; stop += h / 37)
				for (int what = CONTROL; what <= BOTH; what++) {
					uint64_t end, takeover;

					run(hellos_ms[i], n, h / 100, h / 1000, stop,
						(enum stop)what, &end, &takeover);
					/* With the margin, which pays for clock rates. */
					if (end + h / 4 > takeover)
						fail_msg("hello %u ms, misses %u, stop %d: lease "
							 "ends %lld us too late",
							hellos_ms[i], n, what,
							(long long)(end + h / 4 - takeover) / 1000);
				}
	}
}

static void
a_running_box_never_loses_it(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(hellos_ms) / sizeof(hellos_ms[0]); i++) {
		const uint64_t h = hellos_ms[i] * NS_PER_MS;

		for (uint32_t n = HRP_MISSES_MIN; n <= HRP_MISSES_MAX; n++) {
			uint64_t end, takeover;

			run(hellos_ms[i], n, h / 100, 0, UINT64_MAX / 2, BOTH, &end, &takeover);
			/* Last renewed by the last hello. */
			assert_true(end >= 111 * h + (n - 1) * h - h / 4);
		}
	}
}

static void
a_pause_of_the_documented_length_is_harmless(void **state)
{
	struct lease l;

	(void)state;
	for (uint32_t n = HRP_MISSES_MIN; n <= HRP_MISSES_MAX; n++) {
		lease_init(&l, 100, n);
		lease_begin(&l, (mono_t){ .ns = NS_PER_SEC });
		lease_hello(&l, (mono_t){ .ns = NS_PER_SEC }, 5);
		lease_turns(&l, (mono_t){ .ns = NS_PER_SEC + NS_PER_MS }, 7);
		/* (N - 1) x H - H / 4 after the next hello was due */
		assert_false(lease_lapsed(
			&l, (mono_t){ .ns = NS_PER_SEC + (n * 100 - 25) * NS_PER_MS - 1 }));
		assert_true(lease_lapsed(
			&l, (mono_t){ .ns = NS_PER_SEC + (n * 100 - 25) * NS_PER_MS }));
	}
}

static void
a_hello_that_is_not_seen_to_leave_in_time_renews_nothing(void **state)
{
	struct lease l;
	uint64_t before;

	(void)state;
	lease_init(&l, 100, 3);
	lease_begin(&l, (mono_t){ .ns = NS_PER_SEC });
	before = l.until.ns;
	lease_hello(&l, mono_add_ms((mono_t){ .ns = NS_PER_SEC }, 50), 10);
	lease_turns(&l, mono_add_ms((mono_t){ .ns = NS_PER_SEC }, 51), 11); /* may be half a turn */
	assert_int_equal(l.until.ns, before);
	lease_turns(
		&l, mono_add_ms((mono_t){ .ns = NS_PER_SEC }, 101), 12); /* dropped as too old? */
	assert_int_equal(l.until.ns, before);
	lease_turns(&l, mono_add_ms((mono_t){ .ns = NS_PER_SEC }, 102), 13);
	assert_int_equal(l.until.ns, before);
	lease_hello(&l, mono_add_ms((mono_t){ .ns = NS_PER_SEC }, 150), 20);
	lease_turns(&l, mono_add_ms((mono_t){ .ns = NS_PER_SEC }, 151), 22);
	assert_int_equal(l.until.ns, before + 150 * NS_PER_MS);
}

static void
over_is_over(void **state)
{
	const mono_t late = { .ns = 2 * NS_PER_SEC };
	struct lease l;

	(void)state;
	lease_init(&l, 100, 3);
	assert_false(lease_lapsed(&l, late)); /* never granted */
	lease_begin(&l, (mono_t){ .ns = NS_PER_SEC });
	assert_true(lease_lapsed(&l, late));
	lease_hello(&l, late, 1);
	lease_turns(&l, late, 9);
	assert_true(lease_lapsed(&l, late));
	lease_end(&l);
	assert_int_equal(l.until.ns, 0);
	lease_hello(&l, late, 10);
	lease_turns(&l, late, 19);
	assert_int_equal(l.until.ns, 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_lease_ends_before_the_peers_earliest_takeover),
		cmocka_unit_test(a_running_box_never_loses_it),
		cmocka_unit_test(a_pause_of_the_documented_length_is_harmless),
		cmocka_unit_test(a_hello_that_is_not_seen_to_leave_in_time_renews_nothing),
		cmocka_unit_test(over_is_over),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
