/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * VRRP groups: the plain election (R28-R41, VRP-03..05) and groups driven by VGMP (R47-R55).
 */
#include "ha_config.h"
#include "ha_constants.h"
#include "vrrp.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#define OWN_IP RTE_BE32(0x0a010102)
#define VIP    ip_addr_v4(RTE_BE32(0x0a0101fe))

static const uint8_t link_local[4][IP6_LEN] = { { 0xfe, 0x80, [15] = 1 }, { 0xfe, 0x80, [15] = 2 },
	{ 0xfe, 0x80, [15] = 3 }, { 0xfe, 0x80, [15] = 0xfe } };

static struct vrrp v;
static struct vrrp_setup setup;
static mono_t now;
static struct ip_addr OWN, LOWER, OTHER;

static void
start(void)
{
	now.ns = 5 * NS_PER_SEC;
	vrrp_init(&v, &setup);
	if (vrrp_has(&setup, 4)) {
		OWN = ip_addr_v4(OWN_IP);
		LOWER = ip_addr_v4(RTE_BE32(0x0a010101));
		OTHER = ip_addr_v4(RTE_BE32(0x0a010103));
	} else {
		LOWER = ip_addr_v6(link_local[0]);
		OWN = ip_addr_v6(link_local[1]);
		OTHER = ip_addr_v6(link_local[2]);
	}
}

static void
plain(uint8_t priority, bool preempt, bool owner)
{
	setup = (struct vrrp_setup){ .vrid = 7,
		.version = 2,
		.priority = owner ? VRRP_PRIORITY_OWNER : priority,
		.preempt = preempt,
		.advert_ms = VRRP_ADVERT_MS,
		.address_count = 1,
		.addresses = { VIP } };
	start();
}

/* Of version 3. */
static void
plain3(uint8_t family, uint8_t priority, uint32_t advert_ms)
{
	plain(priority, true, false);
	setup.version = 3;
	setup.advert_ms = advert_ms;
	if (family == 6)
		setup.addresses[0] = ip_addr_v6(link_local[3]);
	start();
}

static void
driven(void)
{
	plain(100, true, false);
	setup.group = VGMP_GROUP_ACTIVE;
	start();
}

/* As a router sends it that is set as we are. */
static struct vrrp_advert
advert_from(uint8_t priority, struct ip_addr source)
{
	struct vrrp_advert a;

	vrrp_advert_of(&v, source.family, priority, &a);
	a.source = source;
	a.destination = source.family == 6
				? ip_addr_v6((const uint8_t[IP6_LEN]){ 0xff, 2, [15] = 0x12 })
				: ip_addr_v4(RTE_BE32(VRRP_GROUP_ADDRESS));
	a.ttl = 255;
	return a;
}

static uint32_t
hear_advert(const struct vrrp_advert *a)
{
	enum vrrp_refusal why;
	const uint32_t action = vrrp_receive(&v, a, &OWN, now, &why);

	assert_int_equal(why, VRRP_OK);
	return action;
}

static uint32_t
hear(uint8_t priority, struct ip_addr source)
{
	const struct vrrp_advert a = advert_from(priority, source);

	return hear_advert(&a);
}

/* => milliseconds until the next action (at most `limit`); *action = it. */
static uint32_t
wait(uint32_t limit, uint32_t *action)
{
	for (uint32_t ms = 1; ms <= limit; ms++) {
		now = mono_add_ms(now, 1);
		*action = vrrp_tick(&v, now);
		if (*action != 0)
			return ms;
	}
	*action = 0;
	return limit;
}

static void
R28_R29_Initialize_then_Backup_then_Master(void **state)
{
	uint32_t action;

	(void)state;
	plain(100, true, false);
	assert_int_equal(v.state, VRRP_INITIALIZE);
	assert_int_equal(wait(10000, &action), 10000); /* unavailable while the interface is down */
	assert_int_equal(hear(255, OTHER), 0);	       /* and deaf */
	assert_int_equal(v.adverts_in, 0);
	assert_int_equal(vrrp_link(&v, true, now), 0);
	assert_int_equal(v.state, VRRP_BACKUP);
	wait(10000, &action);
	assert_int_equal(v.state, VRRP_MASTER);
	/* R31, R32, R37: gratuitous ARP and an advert at once */
	assert_int_equal(action, VRRP_DO_OWN | VRRP_DO_ADVERT);
}

static void
VRP03_R30_R35_takeover_after_three_adverts_and_skew(void **state)
{
	static const struct {
		uint8_t priority;
		uint32_t down_ms;
	} rows[] = { { 254, 3007 }, { 200, 3218 }, { 150, 3414 }, { 100, 3609 }, { 1, 3996 } };

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		uint32_t action, ms;

		plain(rows[i].priority, true, false);
		assert_int_equal(vrrp_master_down_us(&v) / 1000, rows[i].down_ms);
		vrrp_link(&v, true, now);
		now = mono_add_ms(now, 1500);
		hear(255, OTHER); /* the timer starts again with every advert */
		ms = wait(10000, &action);
		assert_in_range(ms, rows[i].down_ms, rows[i].down_ms + 1);
		assert_int_equal(v.state, VRRP_MASTER);
		if (i > 0) /* R30: the higher the priority, the shorter the timer */
			assert_true(rows[i].down_ms > rows[i - 1].down_ms);
	}
}

static void
R31_a_master_advertises_every_second(void **state)
{
	uint32_t action;

	(void)state;
	plain(100, true, false);
	vrrp_link(&v, true, now);
	wait(10000, &action);
	for (int i = 0; i < 100; i++) {
		assert_int_equal(wait(2000, &action), 1000);
		assert_int_equal(action, VRRP_DO_ADVERT);
	}
	now = mono_add_ms(now, 30000); /* a pause leaves no burst behind */
	assert_int_equal(vrrp_tick(&v, now), VRRP_DO_ADVERT);
	assert_int_equal(wait(2000, &action), 1000);
}

/* VRP-05 */
static void
R36_VRP05_priority_0_hands_over_after_skew(void **state)
{
	uint32_t action;

	(void)state;
	plain(100, true, false);
	vrrp_link(&v, true, now);
	now = mono_add_ms(now, 100);
	assert_int_equal(hear(0, OTHER), 0);
	assert_int_equal(wait(10000, &action), 610); /* 609.375 */
	assert_int_equal(v.state, VRRP_MASTER);
	/* A master that hears it says at once that it is there. */
	assert_int_equal(hear(0, OTHER), VRRP_DO_ADVERT);
	/* And sends it when it leaves. */
	assert_int_equal(vrrp_stop(&v, now), VRRP_DO_RELEASE | VRRP_DO_RESIGN);
	assert_int_equal(vrrp_stop(&v, now), 0);
}

/* VRP-04: who hears whom. */
static void
R38_preemption_and_comparison(void **state)
{
	static const struct {
		const char *name;
		bool master, preempt;
		uint8_t heard;
		const struct ip_addr *from;
		enum vrrp_state next;
		bool timer_restarted;
	} rows[] = {
		{ "backup, higher", false, true, 101, &OTHER, VRRP_BACKUP, true },
		{ "backup, equal", false, true, 100, &LOWER, VRRP_BACKUP, true },
		{ "backup, lower, preempting", false, true, 99, &OTHER, VRRP_BACKUP, false },
		{ "backup, lower, not preempting", false, false, 99, &OTHER, VRRP_BACKUP, true },
		{ "master, higher", true, true, 101, &LOWER, VRRP_BACKUP, true },
		{ "master, owner", true, true, 255, &LOWER, VRRP_BACKUP, true },
		{ "master, equal, higher address", true, true, 100, &OTHER, VRRP_BACKUP, true },
		{ "master, equal, lower address", true, true, 100, &LOWER, VRRP_MASTER, false },
		{ "master, lower", true, true, 99, &OTHER, VRRP_MASTER, false },
	};

	(void)state;
	for (size_t i = 0; i < 3 * sizeof(rows) / sizeof(rows[0]); i++) {
		const typeof(rows[0]) *const row = &rows[i / 3];
		const uint8_t family = i % 3 == 2 ? 6 : 4, version = i % 3 == 0 ? 2 : 3;
		/* A Master that hears a lower one says so (RFC 9568 6.4.3). */
		const bool says = row->master && row->next == VRRP_MASTER;
		uint32_t action;
		mono_t due;

		if (version == 2)
			plain(100, row->preempt, false);
		else
			plain3(family, 100, 1000);
		v.set.preempt = row->preempt;
		vrrp_link(&v, true, now);
		if (row->master)
			wait(10000, &action);
		now = mono_add_ms(now, 500);
		due = says ? mono_add_ms(now, 1000) : v.due;
		action = hear(row->heard, *row->from);
		if (v.state != row->next ||
			(v.due.ns == mono_add_us(now, 3609375).ns) != row->timer_restarted)
			fail_msg("%s, version %u, IPv%u: %s", row->name, version, family,
				vrrp_state_names[v.state]);
		assert_int_equal(action, says					   ? VRRP_DO_ADVERT
					 : row->master && row->next == VRRP_BACKUP ? VRRP_DO_RELEASE
										   : 0);
		if (!row->timer_restarted)
			assert_int_equal(v.due.ns, due.ns);
		if (says) /* but not to each of a flood */
			assert_int_equal(hear(row->heard, *row->from), 0);
	}
}

static void
R39_the_owner_is_master_at_once_and_never_yields(void **state)
{
	enum vrrp_refusal why;

	(void)state;
	plain(100, true, true);
	const struct vrrp_advert a = advert_from(255, OTHER);

	assert_int_equal(v.priority, 255);
	assert_int_equal(vrrp_link(&v, true, now), VRRP_DO_OWN | VRRP_DO_ADVERT);
	assert_int_equal(v.state, VRRP_MASTER);
	assert_int_equal(vrrp_receive(&v, &a, &OWN, now, &why), 0);
	assert_int_equal(why, VRRP_REFUSED_owner);
	assert_int_equal(v.state, VRRP_MASTER);
}

/* While its box may own nothing another router is master by right: nothing to be refused, or warned
 * of, and it is shown. */
static void
R39_an_owner_that_is_barred_hears_who_is_master(void **state)
{
	enum vrrp_refusal why;

	(void)state;
	plain(100, true, true);
	const struct vrrp_advert a = advert_from(100, OTHER);

	assert_int_equal(vrrp_bar(&v, true, now), 0);
	assert_int_equal(vrrp_link(&v, true, now), 0);
	assert_int_equal(vrrp_receive(&v, &a, &OWN, now, &why), 0);
	assert_int_equal(why, VRRP_OK);
	assert_int_equal(v.state, VRRP_BACKUP);
	assert_true(ip_addr_equal(&v.master, &a.source));
	assert_int_equal(v.master_priority, 100);

	assert_int_equal(vrrp_bar(&v, false, now), VRRP_DO_OWN | VRRP_DO_ADVERT);
	assert_int_equal(vrrp_receive(&v, &a, &OWN, now, &why), 0);
	assert_int_equal(why, VRRP_REFUSED_owner);
	assert_int_equal(v.state, VRRP_MASTER);
}

/* The virtual address is none of theirs; who hears a better one says nothing. */
static void
R40_R41_R45_of_three_routers_the_next_highest_takes_over(void **state)
{
	struct vrrp all[3];
	const uint8_t priorities[3] = { 200, 150, 100 };
	uint32_t masters[3] = { 0 };

	(void)state;
	for (int i = 0; i < 3; i++) {
		plain(priorities[i], true, false);
		all[i] = v;
		vrrp_link(&all[i], true, now);
	}
	for (int ms = 0; ms < 20000; ms++) {
		now = mono_add_ms(now, 1);
		if (ms == 10000)
			vrrp_link(&all[0], false, now); /* the highest fails without a word */
		for (int i = 0; i < 3; i++) {
			const uint32_t action = vrrp_tick(&all[i], now);
			const struct ip_addr from[3] = { ip_addr_v4(RTE_BE32(0x0a010102)),
				ip_addr_v4(RTE_BE32(0x0a010103)),
				ip_addr_v4(RTE_BE32(0x0a010104)) };
			const struct vrrp_advert a = advert_from(priorities[i], from[i]);
			enum vrrp_refusal why;

			if (action & VRRP_DO_OWN)
				masters[i]++;
			if (action & VRRP_DO_ADVERT)
				assert_int_equal(all[i].state, VRRP_MASTER);
			for (int k = 0; k < 3 && (action & VRRP_DO_ADVERT); k++)
				if (k != i)
					vrrp_receive(&all[k], &a, &from[k], now, &why);
		}
		if (ms == 9999)
			assert_int_equal(all[0].state, VRRP_MASTER);
	}
	assert_int_equal(all[1].state, VRRP_MASTER);
	assert_int_equal(all[2].state, VRRP_BACKUP);
	assert_int_equal(masters[0], 1);
	assert_int_equal(masters[1], 1);
	assert_int_equal(masters[2], 0);
}

/* One field of an advert that would else be taken. */
enum field { NOTHING, SOURCE, VERSION, TTL, TO_US, AUTH, PASSWORD, INTERVAL, INTERVAL_0 };

static void
VRP06_VRP07_what_does_not_fit_our_configuration_changes_nothing(void **state)
{
	static const struct {
		enum field field;
		bool second, password, peers, any_ttl; /* how we are set */
		enum vrrp_refusal why;
	} rows[] = {
		{ NOTHING, true, false, false, false, VRRP_OK },
		{ NOTHING, true, true, false, false, VRRP_OK },
		{ NOTHING, false, false, false, false, VRRP_OK },
		{ NOTHING, false, false, true, false, VRRP_REFUSED_multicast },
		{ TO_US, false, false, true, false, VRRP_OK },
		{ TO_US, true, true, true, false, VRRP_OK }, /* R230, R231 */
		{ TO_US, false, false, false, false, VRRP_REFUSED_unicast },
		{ SOURCE, true, false, false, false, VRRP_REFUSED_source },
		{ VERSION, true, false, false, false, VRRP_REFUSED_other_version },
		{ VERSION, false, false, false, false, VRRP_REFUSED_other_version },
		{ TTL, false, false, true, false, VRRP_REFUSED_ttl },
		{ TTL, false, false, true, true, VRRP_OK }, /* R252 */
		{ AUTH, true, false, false, false, VRRP_REFUSED_auth },
		{ AUTH, true, true, false, false, VRRP_REFUSED_auth },
		{ PASSWORD, true, true, false, false, VRRP_REFUSED_password },
		{ INTERVAL, true, false, false, false, VRRP_REFUSED_interval },
		{ INTERVAL, false, false, false, false, VRRP_OK }, /* learned */
		{ INTERVAL_0, true, false, false, false, VRRP_REFUSED_interval },
		{ INTERVAL_0, false, false, false, false, VRRP_REFUSED_interval },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		const enum field f = rows[i].field;
		struct vrrp before;
		enum vrrp_refusal why;

		plain(100, true, false);
		setup.version = rows[i].second ? 2 : 3;
		setup.authenticated = rows[i].password;
		memcpy(setup.password, rows[i].password ? "1111" : "", 4 * rows[i].password);
		setup.peer_count = rows[i].peers;
		setup.peers[0] = OTHER;
		setup.any_ttl = rows[i].any_ttl;
		start();
		struct vrrp_advert a = advert_from(200, f == SOURCE ? OWN : OTHER);

		if (f == VERSION)
			a.version = 5 - a.version;
		if (f == TO_US || f == TTL)
			a.destination = OWN;
		if (f == TTL)
			a.ttl = 254;
		if (f == AUTH)
			a.auth_type = 1 - a.auth_type;
		if (f == PASSWORD)
			a.auth[7] = 'x';
		if (f == INTERVAL || f == INTERVAL_0)
			a.interval_ms = f == INTERVAL ? 2000 : 0;
		vrrp_link(&v, true, now);
		before = v;
		assert_int_equal(vrrp_receive(&v, &a, &OWN, now, &why), 0);
		if (why != rows[i].why)
			fail_msg("row %zu: %s, expected %s", i, vrrp_refusal_names[why],
				vrrp_refusal_names[rows[i].why]);
		if (why != VRRP_OK)
			assert_memory_equal(&v, &before, sizeof(v));
	}
}

/* A stranger among the unicast peers. */
static void
R230_only_peers_are_heard(void **state)
{
	enum vrrp_refusal why;
	struct vrrp_advert a;

	(void)state;
	plain(100, true, false);
	setup.peer_count = 2;
	setup.peers[0] = LOWER;
	setup.peers[1] = ip_addr_v4(RTE_BE32(0x0a010109));
	start();
	vrrp_link(&v, true, now);
	a = advert_from(200, OTHER);
	a.destination = OWN;
	vrrp_receive(&v, &a, &OWN, now, &why);
	assert_int_equal(why, VRRP_REFUSED_peer);
	a.source = setup.peers[1];
	vrrp_receive(&v, &a, &OWN, now, &why);
	assert_int_equal(why, VRRP_OK);
}

/* RFC 9568 6.1: of version 3 the Master's interval counts, for the skew too. */
static void
VRP03_the_interval_of_the_master_is_learned(void **state)
{
	static const struct {
		uint32_t ours_ms, theirs_ms, down_us;
		uint8_t priority;
	} rows[] = { { 1000, 10, 36093, 100 }, { 10, 1000, 3609375, 100 }, { 100, 20, 60156, 254 },
		{ 1000, 40950, 163640039, 1 } };

	(void)state;
	for (size_t i = 0; i < 2 * sizeof(rows) / sizeof(rows[0]); i++) {
		const typeof(rows[0]) *const row = &rows[i / 2];
		struct vrrp_advert a;

		plain3(i % 2 == 0 ? 4 : 6, row->priority, row->ours_ms);
		vrrp_link(&v, true, now);
		a = advert_from(254, OTHER);
		a.interval_ms = row->theirs_ms;
		hear_advert(&a);
		assert_int_equal(v.master_advert_ms, row->theirs_ms);
		assert_int_equal(vrrp_master_down_us(&v), row->down_us);
		assert_int_equal(v.due.ns, mono_add_us(now, vrrp_master_down_us(&v)).ns);
		/* As Master it goes by its own. */
		now = v.due;
		assert_int_equal(vrrp_tick(&v, now), VRRP_DO_OWN | VRRP_DO_ADVERT);
		assert_int_equal(v.due.ns, mono_add_ms(now, row->ours_ms).ns);
		/* Link down and up: nothing is known any more. */
		vrrp_link(&v, false, now);
		vrrp_link(&v, true, now);
		assert_int_equal(v.master_advert_ms, row->ours_ms);
	}
}

static void
R38_preemption_waits_for_its_delay(void **state)
{
	uint32_t ms, action;

	(void)state;
	plain(100, true, false);
	setup.preempt_delay_ms = 10000;
	start();
	vrrp_link(&v, true, now);
	for (ms = 0; ms < 60000 && v.state != VRRP_MASTER; ms += 1000) {
		hear(50, OTHER);
		wait(1000, &action);
	}
	/* The last advert that counted came before 10 s were over. */
	assert_in_range(ms, 13000, 14000);
	/* A higher one in between starts it anew. */
	start();
	vrrp_link(&v, true, now);
	for (ms = 0; ms < 60000 && v.state != VRRP_MASTER; ms += 1000) {
		hear(ms == 8000 ? 150 : 50, OTHER);
		wait(1000, &action);
	}
	assert_in_range(ms, 22000, 23000);
}

/* Which checksum is sent in version 3 over IPv4: as set, or as the last advert had it. */
static void
the_checksum_that_is_sent(void **state)
{
	static const struct {
		enum vrrp_checksum set;
		bool heard, sent_before, sent;
	} rows[] = { { VRRP_CHECKSUM_AUTO, true, false, true },
		{ VRRP_CHECKSUM_AUTO, false, false, false },
		{ VRRP_CHECKSUM_PSEUDO, true, false, false },
		{ VRRP_CHECKSUM_PLAIN, false, true, true } };

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct vrrp_advert a, out;

		plain3(4, 100, 1000);
		v.set.checksum = rows[i].set;
		vrrp_link(&v, true, now);
		a = advert_from(200, OTHER);
		assert_int_equal(a.plain_sum, rows[i].sent_before);
		a.plain_sum = rows[i].heard;
		hear_advert(&a);
		assert_int_equal(v.plain_sums_in, rows[i].heard);
		assert_true(vrrp_advert_of(&v, 4, 100, &out));
		assert_int_equal(out.plain_sum, rows[i].sent);
	}
}

/* RFC 9568 7.1: other addresses are counted, the advert is taken. */
static void
other_addresses_than_ours_are_counted(void **state)
{
	struct vrrp_advert a;

	(void)state;
	plain(100, true, false);
	setup.address_count = 2;
	setup.addresses[1] = ip_addr_v4(RTE_BE32(0x0a0101fd));
	start();
	vrrp_link(&v, true, now);
	a = advert_from(200, OTHER);
	assert_int_equal(a.count, 2);
	a.addresses[0] = setup.addresses[1]; /* in another order */
	a.addresses[1] = setup.addresses[0];
	hear_advert(&a);
	assert_int_equal(v.differ_in, 0);
	a.count = 1;
	hear_advert(&a);
	assert_int_equal(v.differ_in, 1);
	a.count = 2;
	a.addresses[0].v4 = RTE_BE32(0x0a010199);
	hear_advert(&a);
	assert_int_equal(v.differ_in, 2);
	assert_int_equal(v.adverts_in, 3);
}

static void
a_pause_of_ours_is_not_the_silence_of_the_master(void **state)
{
	uint32_t action;

	(void)state;
	plain3(6, 100, 100);
	vrrp_link(&v, true, now);
	hear(200, OTHER);
	now = mono_add_ms(now, 1000);
	vrrp_hold(&v, 1000 * NS_PER_MS);
	assert_int_equal(wait(1000, &action), 361);
	vrrp_hold(&v, 1000 * NS_PER_MS); /* a Master is late, not early */
	assert_int_equal(wait(1000, &action), 100);
}

static void
R47_R48_R52_a_driven_group_follows_VGMP_only(void **state)
{
	uint32_t action;

	(void)state;
	driven();
	assert_int_equal(v.priority, 120); /* R52, C17 */
	vrrp_link(&v, true, now);
	assert_int_equal(wait(60000, &action), 60000); /* silence is nothing to it */
	assert_int_equal(v.state, VRRP_BACKUP);
	assert_int_equal(vrrp_drive(&v, true, false, now), VRRP_DO_OWN | VRRP_DO_ADVERT);
	assert_int_equal(v.state, VRRP_MASTER);
	assert_int_equal(vrrp_drive(&v, true, false, now), 0);
	assert_int_equal(hear(254, OTHER), 0); /* adverts do not decide */
	assert_int_equal(v.state, VRRP_MASTER);
	assert_int_equal(v.conflicts, 1);
	assert_int_equal(wait(2000, &action), 1000);
	assert_int_equal(vrrp_drive(&v, false, false, now), VRRP_DO_RELEASE);
	assert_int_equal(v.state, VRRP_BACKUP);
	assert_int_equal(hear(120, OTHER), 0);
	assert_true(ip_addr_equal(&v.master, &OTHER));
	assert_int_equal(v.conflicts, 1);
}

static void
R54_link_down_is_Initialize_whatever_VGMP_says(void **state)
{
	(void)state;
	driven();
	assert_int_equal(vrrp_drive(&v, true, false, now), 0);
	assert_int_equal(v.state, VRRP_INITIALIZE);
	vrrp_link(&v, true, now);
	vrrp_drive(&v, true, false, now);
	assert_int_equal(vrrp_link(&v, false, now), VRRP_DO_RELEASE);
	assert_int_equal(v.state, VRRP_INITIALIZE);
	assert_int_equal(vrrp_drive(&v, true, false, now), 0);
}

static void
R55_link_up_is_Backup_until_VGMP_says_otherwise(void **state)
{
	uint32_t action;

	(void)state;
	driven();
	assert_int_equal(vrrp_link(&v, true, now), 0);
	assert_int_equal(v.state, VRRP_BACKUP);
	wait(10000, &action);
	assert_int_equal(v.state, VRRP_BACKUP);
}

static void
a_group_that_hands_over_advertises_at_once_when_it_stays_after_all(void **state)
{
	(void)state;
	driven();
	vrrp_link(&v, true, now);
	vrrp_drive(&v, true, false, now);
	now = mono_add_ms(now, 300);
	assert_int_equal(vrrp_drive(&v, true, true, now), 0); /* the caller does not tick it now */
	assert_int_equal(vrrp_drive(&v, true, false, now), 0);
	assert_int_equal(vrrp_tick(&v, now), VRRP_DO_ADVERT);
}

/* R250 for IPv6: adverts decide nothing under VGMP, another Master is an alarm. */
static void
R52_adverts_of_ipv6_only_announce(void **state)
{
	struct ip_addr own = ip_addr_v6(link_local[1]);
	struct vrrp_advert a;
	enum vrrp_refusal why;

	(void)state;
	driven();
	setup.addresses[setup.address_count++] = ip_addr_v6(link_local[3]);
	start();
	a = advert_from(255, ip_addr_v6(link_local[2]));
	vrrp_receive(&v, &a, &own, now, &why); /* Initialize */
	assert_int_equal(v.adverts6_in, 0);
	vrrp_link(&v, true, now);
	vrrp_receive(&v, &a, &own, now, &why);
	assert_int_equal(why, VRRP_OK);
	assert_int_equal(v.adverts6_in, 1);
	assert_int_equal(v.conflicts, 0);
	vrrp_drive(&v, true, false, now);
	own.family = 0; /* none yet */
	vrrp_receive(&v, &a, &own, now, &why);
	assert_int_equal(v.state, VRRP_MASTER);
	assert_int_equal(v.conflicts, 1);
	own.family = 6;
	a.priority = VRRP_PRIORITY_RESIGN;
	vrrp_receive(&v, &a, &own, now, &why);
	assert_int_equal(v.conflicts, 1);
	a.source = own;
	vrrp_receive(&v, &a, &own, now, &why);
	assert_int_equal(why, VRRP_REFUSED_source);
	assert_int_equal(v.adverts6_in, 3);
}

static void
VRP09_the_priority_stays_within_1_and_254(void **state)
{
	static const struct {
		uint8_t set;
		int32_t weight;
		uint8_t priority;
	} rows[] = { { 100, 0, 100 }, { 100, -30, 70 }, { 100, -253, 1 }, { 100, 253, 254 },
		{ 254, 1, 254 }, { 1, -1, 1 }, { 255, -200, 255 } };
	uint32_t action;

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		plain(rows[i].set, true, rows[i].set == 255);
		vrrp_link(&v, true, now);
		if (v.state != VRRP_MASTER)
			wait(10000, &action);
		action = vrrp_weigh(&v, rows[i].weight, now);
		assert_int_equal(v.priority, rows[i].priority);
		/* A Master says so at once. */
		assert_int_equal(action, rows[i].priority != rows[i].set ? VRRP_DO_ADVERT : 0);
		vrrp_weigh(&v, 0, now);
		assert_int_equal(v.priority, rows[i].set); /* restored */
	}
	driven(); /* VGMP has its own members */
	vrrp_weigh(&v, -50, now);
	assert_int_equal(v.priority, VRRP_PRIORITY_VGMP);
}

/* Priority 1, whatever it tracks works. */
static void
R216_nothing_raises_the_priority_of_a_box_that_is_held(void **state)
{
	static const int32_t weights[] = { 100, 253, -1, 0 };

	(void)state;
	for (size_t i = 0; i < sizeof(weights) / sizeof(weights[0]); i++) {
		plain(1, false, false);
		setup.held = true;
		start();
		vrrp_link(&v, true, now);
		assert_int_equal(vrrp_weigh(&v, weights[i], now), 0);
		assert_int_equal(v.priority, 1);
	}
}

static struct vrrp_hmac *
hmac_of(enum vrrp_hmac_mode mode, uint8_t secret)
{
	struct vrrp_hmac_setup k = { .mode = mode, .window_s = 5, .send_key = 1, .key_count = 1 };
	struct vrrp_hmac *h;

	k.keys[0] = (struct vrrp_hmac_key){ .id = 1, .len = 32 };
	memset(k.keys[0].secret, secret, 32);
	h = vrrp_hmac_create(&k);
	assert_non_null(h);
	return h;
}

/* VRP-07: a forged advert of priority 255 takes no role away.  The roll-out, step by step. */
static void
VRP07_what_each_mode_takes(void **state)
{
	enum { NONE, RIGHT, WRONG, AGAIN };
	static const struct {
		int mode; /* -1: no keys */
		int trailer;
		enum vrrp_refusal why;
	} rows[] = {
		{ -1, NONE, VRRP_OK },
		{ -1, RIGHT, VRRP_REFUSED_trailer },
		{ VRRP_HMAC_RECEIVE_ONLY, NONE, VRRP_OK },
		{ VRRP_HMAC_RECEIVE_ONLY, RIGHT, VRRP_OK },
		{ VRRP_HMAC_RECEIVE_ONLY, WRONG, VRRP_REFUSED_bad_hmac },
		{ VRRP_HMAC_PERMISSIVE, NONE, VRRP_OK },
		{ VRRP_HMAC_PERMISSIVE, RIGHT, VRRP_OK },
		{ VRRP_HMAC_PERMISSIVE, WRONG, VRRP_REFUSED_bad_hmac },
		{ VRRP_HMAC_ENFORCE, NONE, VRRP_REFUSED_no_trailer },
		{ VRRP_HMAC_ENFORCE, RIGHT, VRRP_OK },
		{ VRRP_HMAC_ENFORCE, WRONG, VRRP_REFUSED_bad_hmac },
		{ VRRP_HMAC_ENFORCE, AGAIN, VRRP_REFUSED_replayed },
	};
	static const uint8_t families[] = { 4, 6 }, versions[] = { 2, 3 };
	const uint64_t wall = UINT64_C(1800000000) * NS_PER_SEC;

	(void)state;
	for (size_t i = 0; i < 2 * sizeof(rows) / sizeof(rows[0]); i++) {
		const size_t row = i / 2;
		struct vrrp_hmac *const theirs =
			hmac_of(VRRP_HMAC_ENFORCE, rows[row].trailer == WRONG ? 2 : 1);
		struct vrrp_hmac *ours = NULL;
		struct vrrp_advert a;
		uint8_t message[VRRP_WIRE_MESSAGE_MAX];
		enum vrrp_refusal why;
		uint32_t action;

		plain3(families[i % 2], 100, 1000);
		setup.version = versions[i / 2 % 2];
		if (rows[row].mode >= 0)
			ours = hmac_of((enum vrrp_hmac_mode)rows[row].mode, 1);
		setup.hmac = ours;
		start();
		vrrp_link(&v, true, now);
		wait(60000, &action);
		assert_int_equal(v.state, VRRP_MASTER);
		a = advert_from(255, OTHER);
		a.wall_ns = wall;
		a.message = message;
		a.message_len = vrrp_wire_message(message, &a);
		if (rows[row].trailer != NONE)
			vrrp_hmac_sign(theirs, &a, wall);
		if (rows[row].trailer == AGAIN)
			assert_int_equal(vrrp_hmac_check(ours, &a), VRRP_OK);
		vrrp_receive(&v, &a, &OWN, now, &why);
		assert_int_equal(why, rows[row].why);
		assert_int_equal(v.state, why == VRRP_OK ? VRRP_BACKUP : VRRP_MASTER);
		assert_int_equal(v.authentic_in, why == VRRP_OK && rows[row].trailer == RIGHT);
		vrrp_hmac_destroy(theirs);
		vrrp_hmac_destroy(ours);
		setup.hmac = NULL;
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(R52_adverts_of_ipv6_only_announce),
		cmocka_unit_test(R28_R29_Initialize_then_Backup_then_Master),
		cmocka_unit_test(VRP03_R30_R35_takeover_after_three_adverts_and_skew),
		cmocka_unit_test(R31_a_master_advertises_every_second),
		cmocka_unit_test(R36_VRP05_priority_0_hands_over_after_skew),
		cmocka_unit_test(R38_preemption_and_comparison),
		cmocka_unit_test(R39_the_owner_is_master_at_once_and_never_yields),
		cmocka_unit_test(R39_an_owner_that_is_barred_hears_who_is_master),
		cmocka_unit_test(R40_R41_R45_of_three_routers_the_next_highest_takes_over),
		cmocka_unit_test(VRP06_VRP07_what_does_not_fit_our_configuration_changes_nothing),
		cmocka_unit_test(R230_only_peers_are_heard),
		cmocka_unit_test(VRP09_the_priority_stays_within_1_and_254),
		cmocka_unit_test(R216_nothing_raises_the_priority_of_a_box_that_is_held),
		cmocka_unit_test(VRP03_the_interval_of_the_master_is_learned),
		cmocka_unit_test(R38_preemption_waits_for_its_delay),
		cmocka_unit_test(the_checksum_that_is_sent),
		cmocka_unit_test(other_addresses_than_ours_are_counted),
		cmocka_unit_test(a_pause_of_ours_is_not_the_silence_of_the_master),
		cmocka_unit_test(R47_R48_R52_a_driven_group_follows_VGMP_only),
		cmocka_unit_test(R54_link_down_is_Initialize_whatever_VGMP_says),
		cmocka_unit_test(R55_link_up_is_Backup_until_VGMP_says_otherwise),
		cmocka_unit_test(
			a_group_that_hands_over_advertises_at_once_when_it_stays_after_all),
		cmocka_unit_test(VRP07_what_each_mode_takes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
