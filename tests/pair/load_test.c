/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Mirroring at the rate that the issue of it names: 200,000 new sessions a second, over a heartbeat
 * wire that loses and reorders.  Nothing of it is a matter of this machine's speed: the clock is
 * the simulator's.
 */
#include "hrp.h"
#include "pair.h"
#include "test_eal.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#define RATE	   200000u /* sessions a second */
#define MS	   1000u
#define PER_STEP   (RATE / (1000000u / PAIR_STEP_US))
#define FIRST_PORT 1024u
#define SPREAD	   60000u /* client's ports; then the server's next one */
#define SERVICE	   5000u
#define LAG_US	   2000u

static uint32_t answered;

/* The server answers whatever comes; the client counts. */
static void
receive(void *ctx, struct host *h, const uint8_t *ip, uint16_t len, mono_t now)
{
	const struct traffic *const t = ctx;
	struct udp_packet p;

	if (len != sizeof(p))
		return;
	memcpy(&p, ip, sizeof(p));
	if (h == t->client)
		answered++;
	else
		traffic_send_udp(h, rte_be_to_cpu_32(p.ip.src_addr),
			rte_be_to_cpu_16(p.udp.dst_port), rte_be_to_cpu_16(p.udp.src_port), 0, now);
}

static bool
equal(struct pair *p)
{
	return pair_sessions(p, 0) == pair_sessions(p, 1) && pair_differences(p) == 0;
}

/* R201, R202 */
static void
R202_two_hundred_thousand_sessions_a_second_over_a_lossy_wire_end_equal(void **state)
{
	struct hrp_status status;
	uint32_t sent = 0;

	(void)state;
	struct pair *const p = pair_create(&(struct pair_options){ .hello_ms = 100,
		.max_sessions = 1u << 18,
		.event_ring = 4096,
		.seed = 1,
		.workers = { 2, 1 } });
	struct traffic *const t = pair_traffic(p);

	pair_form(p);
	t->udp_on = t->tcp_on = false;
	t->client->receive = t->server->receive = receive;
	pair_heartbeat(p)->loss = 1;
	pair_heartbeat(p)->reorder = 5;
	answered = 0;
	for (uint32_t step = 0; step < MS * 1000 / PAIR_STEP_US; step++) {
		for (uint32_t i = 0; i < PER_STEP; i++, sent++)
			traffic_send_udp(t->client, t->server->address,
				(uint16_t)(FIRST_PORT + sent % SPREAD),
				(uint16_t)(SERVICE + sent / SPREAD), sent, pair_now(p));
		pair_step(p);
	}
	pair_run(p, 2); /* the last answers */
	assert_int_equal(answered, sent);
	assert_true(pair_sessions(p, 0) >= RATE * MS / 1000);
	if (!pair_run_until(p, equal, 1000))
		fail_msg("%u and %u sessions, %u differences a second after the last change",
			pair_sessions(p, 0), pair_sessions(p, 1), pair_differences(p));
	hrp_status(ha_hrp(pair_box(p, 0)->ha), &status);
	print_message("lag: median %llu us, at most %llu; %llu frames resent\n",
		(unsigned long long)status.tables[0].lag_median_us,
		(unsigned long long)status.tables[0].lag_max_us,
		(unsigned long long)status.stream.resent);
	assert_true(status.stream.resent > 0); /* the wire did lose */
	assert_true(status.tables[0].lag_median_us <= LAG_US);
	/* The boxes say so themselves: a bulk with count and digest is equal, and nothing had to be
	 * repaired. */
	assert_int_equal(status.tables[0].differing, 0);
	assert_true(ha_sync(pair_box(p, 0)->ha));
	for (uint32_t ms = 0; ms < 3000; ms++) {
		pair_run(p, 1);
		if (pair_table(p, 0, status.tables[0].name)->bulk_out == HRP_BULK_EQUAL &&
			pair_table(p, 0, status.tables[0].name)->bulks_out >
				status.tables[0].bulks_out)
			break;
	}
	assert_int_equal(pair_table(p, 0, status.tables[0].name)->bulk_out, HRP_BULK_EQUAL);
	assert_true(
		pair_table(p, 0, status.tables[0].name)->bulks_out > status.tables[0].bulks_out);
	assert_int_equal(pair_table(p, 1, status.tables[0].name)->swept, 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_teardown(
			R202_two_hundred_thousand_sessions_a_second_over_a_lossy_wire_end_equal,
			pair_teardown),
	};

	test_eal_start(1024, 1);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
