/* SPDX-License-Identifier: BSD-3-Clause */
/* DOS-04: what becomes of scans: the blacklist, exceptions, the last ones. */
#include "engine_box.h"
#include "scan_watch.h"
#include "test_eal.h"
#include "worker.h"

#include <rte_ring_elem.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

static struct engine_box *box;
static struct scan_watch watch;

static struct ip_addr
host(uint32_t n)
{
	return ip_addr_v4(rte_cpu_to_be_32(BOX_IPV4(203, 0, 113, 0) + n));
}

static void
happens(struct ip_addr source, uint8_t len)
{
	struct scan_event e = {
		.source = source, .len = len, .zone = BOX_ZONE_UNTRUST, .kind = SCAN_PORTS
	};

	assert_int_equal(rte_ring_enqueue_elem(box->engine->scans, &e, sizeof(e)), 0);
}

static bool
poll(const struct config_scan *c)
{
	bool more;

	engine_box_sleep(box);
	more = scan_watch_poll(&watch, box->engine, c, box->now);
	engine_box_wake(box);
	return more;
}

static int
setup(void **state)
{
	static unsigned int boxes;
	char name[12];

	(void)state;
	snprintf(name, sizeof(name), "sw%u", boxes++);
	box = engine_box_create(&(struct engine_box_params){ .name = name,
		.number = 1,
		.workers = 1,
		.sessions = 256,
		.buffers = 255,
		.ring = 64,
		.event_ring = 64 });
	watch = (struct scan_watch){ 0 };
	return 0;
}

static int
teardown(void **state)
{
	(void)state;
	engine_box_destroy(box);
	return 0;
}

static void
a_scan_is_logged_and_blacklisted_for_its_time(void **state)
{
	const struct config_scan c = { .ports = 100, .interval = 10, .blacklist = 60 };
	const struct blacklist *b = engine_blacklist(box->engine);

	(void)state;
	happens(host(9), 32);
	assert_false(poll(&c));
	assert_int_equal(watch.seen, 1);
	assert_true(watch.last[0].listed);
	assert_int_equal(b->count, 1);
	assert_int_equal(b->entries[0].origin, BLACKLIST_SCAN);
	assert_int_equal(b->entries[0].side, BLACKLIST_SOURCE);
	assert_int_equal(b->entries[0].until.ns, mono_add_ms(box->now, 60000).ns);
	assert_true(blacklist_sweeping(b)); /* its sessions end, too */
}

static void
without_a_time_it_is_only_logged(void **state)
{
	const struct config_scan c = { .ports = 100, .interval = 10 };

	(void)state;
	happens(host(9), 32);
	poll(&c);
	assert_int_equal(watch.seen, 1);
	assert_false(watch.last[0].listed);
	assert_int_equal(engine_blacklist(box->engine)->count, 0);
}

static void
who_is_excepted_may_scan(void **state)
{
	struct ip_addr six = { .family = 6, .v6 = { 0x20, 0x01, 0x0d, 0xb8, [15] = 7 } };
	struct config_span spans[] = { { host(5), host(9) }, { six, six } };
	const struct config_scan c = { .ports = 100,
		.interval = 10,
		.blacklist = 60,
		.except = { .items = spans, .count = RTE_DIM(spans) } };

	(void)state;
	happens(host(4), 32);
	happens(host(5), 32);
	happens(host(9), 32);
	happens(host(10), 32);
	six.v6[15] = 0;
	happens(six, 64); /* the network of one that is excepted */
	six.v6[7] = 1;
	happens(six, 64);
	poll(&c);
	assert_int_equal(watch.seen, 3);
	assert_int_equal(watch.excepted, 3);
	assert_int_equal(engine_blacklist(box->engine)->count, 3);
}

static void
many_are_taken_in_steps_and_the_last_are_kept(void **state)
{
	const struct config_scan c = { .ports = 100, .interval = 10 };
	unsigned int steps = 0;

	(void)state;
	for (uint32_t i = 0; i < 100; i++)
		happens(host(i), 32);
	while (poll(&c))
		steps++;
	assert_int_equal(steps, 6);
	assert_int_equal(watch.seen, 100);
	assert_true(watch.limit.suppressed > 90); /* of the same moment: one line */
	for (uint32_t i = 0; i < SCAN_WATCH_LAST; i++) {
		const struct ip_addr want = host(99 - i);

		assert_true(ip_addr_equal(
			&watch.last[(watch.seen - 1 - i) % SCAN_WATCH_LAST].event.source, &want));
	}
}

#define CASE(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(a_scan_is_logged_and_blacklisted_for_its_time),
		CASE(without_a_time_it_is_only_logged),
		CASE(who_is_excepted_may_scan),
		CASE(many_are_taken_in_steps_and_the_last_are_kept),
	};

	test_eal_start(256, 1);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
