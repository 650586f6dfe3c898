/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Roles: plain VRRP groups of one box: where adverts go, what they wait for, tracking, sync groups.
 */
#include "ha_constants.h"
#include "log.h"
#include "role_sim.h"

/* Plain groups on box A, alone; every interface is up. */
static struct sim *
plain_groups(const struct vrrp_setup *setups, uint16_t count)
{
	struct sim *const s = sim_new(1000, 3);
	struct box *const b = &s->box[A];
	static struct mon none;
	struct vrrp v[2];
	struct role_params p = {
		.vrrps = v, .vrrp_count = count, .members = &none, .ops = box_ops(b)
	};

	for (uint16_t i = 0; i < count; i++)
		vrrp_init(&v[i], &setups[i]);
	b->sim = s;
	for (int i = 0; i < 4; i++)
		b->link[i] = true;
	b->reaches = 1;
	b->dead = false;
	b->address = RTE_BE32(0x0a010102);
	b->role = role_create(&p);
	assert_non_null(b->role);
	return s;
}

static struct sim *
plain_box(const struct vrrp_setup *setup)
{
	return plain_groups(setup, 1);
}

static void
plain_run(struct sim *s, uint32_t us)
{
	for (uint32_t i = 0; i < us; i += 100) {
		s->now.ns += 100 * NS_PER_US;
		role_tick(s->box[A].role, s->now);
	}
}

static void
VRP01_a_plain_group_of_ipv6_waits_for_a_link_local_address(void **state)
{
	static const uint8_t link_local[IP6_LEN] = { 0xfe, 0x80, [15] = 2 };
	struct vrrp_setup setup = vrrp_of(7, 0, VGMP_GROUP_NONE);

	(void)state;
	setup.addresses[0] = ip_addr_v6(virtual6);
	struct sim *const s = plain_box(&setup);
	struct box *const b = &s->box[A];

	plain_run(s, 10 * 1000 * 1000);
	assert_int_equal(status_of(s, A)->vrrp[0].state, VRRP_INITIALIZE);
	assert_false(b->own[0]);
	b->link_local = link_local;
	plain_run(s, 3609 * 1000);
	assert_int_equal(status_of(s, A)->vrrp[0].state, VRRP_BACKUP);
	plain_run(s, 1000);
	assert_true(b->own[0]);
	assert_int_equal(b->adverts6, 1);
	assert_int_equal(b->adverts, 0);
	b->link_local = NULL; /* somebody else has it, or the link flapped */
	plain_run(s, 1000);
	assert_false(b->own[0]);
	sim_free(s);
}

static void
R44_R230_adverts_go_to_unicast_peers(void **state)
{
	struct vrrp_setup setup = vrrp_of(7, 0, VGMP_GROUP_NONE);

	(void)state;
	setup.peers[0] = ip_addr_v4(RTE_BE32(0x0a010103));
	setup.peers[1] = ip_addr_v4(RTE_BE32(0x0a010104));
	setup.peer_count = 2;
	struct sim *const s = plain_box(&setup);
	struct box *const b = &s->box[A];

	plain_run(s, 3611 * 1000);
	assert_true(b->own[0]);
	assert_int_equal(b->adverts, 2);
	assert_int_equal(b->sent_to.v4, RTE_BE32(0x0a010104));
	sim_free(s);
}

static void
adverts_of_10_ms_keep_their_time(void **state)
{
	struct vrrp_setup setup = vrrp_of(7, 0, VGMP_GROUP_NONE);

	(void)state;
	setup.version = 3;
	setup.advert_ms = 10;
	struct sim *const s = plain_box(&setup);
	struct box *const b = &s->box[A];

	plain_run(s, 36000); /* 3 x 10 ms + 156/256 x 10 ms = 36.09 ms */
	assert_false(b->own[0]);
	plain_run(s, 300);
	assert_true(b->own[0]);
	b->adverts = 0;
	plain_run(s, 1000 * 1000);
	assert_in_range(b->adverts, 99, 101);
	sim_free(s);
}

static const struct role_vrrp_status *
plain_state(const struct sim *s, int i, uint8_t state)
{
	const struct role_vrrp_status *const v = &status_of(s, A)->vrrp[i];

	assert_int_equal(v->state, state);
	return v;
}

/* R42, R43, R233, VRP-09: an interface, a way, and what they weigh. */
static void
R42_R43_VRP09_tracked_things_change_the_priority(void **state)
{
	struct vrrp_setup setup = vrrp_of(7, 0, VGMP_GROUP_NONE);

	(void)state;
	setup.track_count = 3;
	setup.tracks[0] = (struct vrrp_track){ .interface = 2, .weight = -30 };
	setup.tracks[1] = (struct vrrp_track){ .interface = 3, .weight = 10 };
	setup.tracks[2] = (struct vrrp_track){ .destination = ip_addr_v4(RTE_BE32(0x08080808)),
		.weight = -5 };
	struct sim *const s = plain_box(&setup);
	struct box *const b = &s->box[A];

	plain_run(s, 4 * 1000 * 1000);
	assert_int_equal(plain_state(s, 0, VRRP_MASTER)->priority, 110);
	b->adverts = 0;
	set_link(s, A, 2, false);
	plain_run(s, 20 * 1000);
	assert_int_equal(plain_state(s, 0, VRRP_MASTER)->priority, 80);
	assert_int_equal(b->adverts, 1); /* at once */
	set_link(s, A, 3, false);
	plain_run(s, 20 * 1000);
	assert_int_equal(plain_state(s, 0, VRRP_MASTER)->priority, 70);
	b->reaches = 0;
	plain_run(s, 1100 * 1000);
	assert_int_equal(plain_state(s, 0, VRRP_MASTER)->priority, 65);
	assert_int_equal(status_of(s, A)->vrrp[0].tracks_failed, 7);
	b->reaches = -1; /* being asked: as before */
	plain_run(s, 1100 * 1000);
	assert_int_equal(plain_state(s, 0, VRRP_MASTER)->priority, 65);
	b->reaches = 1;
	set_link(s, A, 2, true);
	set_link(s, A, 3, true);
	plain_run(s, 1100 * 1000);
	assert_int_equal(plain_state(s, 0, VRRP_MASTER)->priority, 110); /* exactly as it was */
	sim_free(s);
}

static void
R233_a_tracked_interface_without_a_weight_is_a_fault(void **state)
{
	struct vrrp_setup setup = vrrp_of(7, 0, VGMP_GROUP_NONE);

	(void)state;
	setup.track_count = 1;
	setup.tracks[0] = (struct vrrp_track){ .interface = 2 };
	struct sim *const s = plain_box(&setup);
	struct box *const b = &s->box[A];

	b->link[2] = false; /* from the start */
	plain_run(s, 5 * 1000 * 1000);
	plain_state(s, 0, VRRP_INITIALIZE);
	assert_int_equal(b->takeovers, 0);
	set_link(s, A, 2, true);
	plain_run(s, 4 * 1000 * 1000);
	plain_state(s, 0, VRRP_MASTER);
	assert_true(b->own[0]);
	set_link(s, A, 2, false);
	plain_run(s, 20 * 1000);
	plain_state(s, 0, VRRP_INITIALIZE);
	assert_false(b->own[0]);
	assert_int_equal(b->resigns, 1); /* its own interface is up: R36 */
	sim_free(s);
}

/* R224: until it has ended once, and whatever it says then. */
static void
R224_a_tracked_script_changes_the_priority(void **state)
{
	struct vrrp_setup setup = vrrp_of(7, 0, VGMP_GROUP_NONE);

	(void)state;
	setup.track_count = 2;
	setup.tracks[0] = (struct vrrp_track){ .script = 1, .weight = -253 };
	setup.tracks[1] = (struct vrrp_track){ .script = 1, .weight = 20, .reverse = true };
	struct sim *const s = plain_box(&setup);
	struct box *const b = &s->box[A];

	b->script = -1;
	plain_run(s, 100 * 1000);
	assert_int_equal(plain_state(s, 0, VRRP_BACKUP)->tracks_failed, 3);
	assert_int_equal(plain_state(s, 0, VRRP_BACKUP)->priority, 1);
	b->script = 1;
	plain_run(s, 5 * 1000 * 1000);
	assert_int_equal(plain_state(s, 0, VRRP_MASTER)->priority, 100);
	assert_int_equal(plain_state(s, 0, VRRP_MASTER)->tracks_failed, 2);
	b->script = 0;
	plain_run(s, 20 * 1000);
	assert_int_equal(plain_state(s, 0, VRRP_MASTER)->priority, 1); /* 100 - 253 + 20 */
	assert_int_equal(plain_state(s, 0, VRRP_MASTER)->tracks_failed, 1);
	b->script = 1;
	plain_run(s, 20 * 1000);
	assert_int_equal(plain_state(s, 0, VRRP_MASTER)->priority, 100);
	sim_free(s);
}

static void
R224_R233_a_tracked_script_without_a_weight_is_a_fault(void **state)
{
	struct vrrp_setup setup = vrrp_of(7, 0, VGMP_GROUP_NONE);

	(void)state;
	setup.track_count = 1;
	setup.tracks[0] = (struct vrrp_track){ .script = 3 };
	struct sim *const s = plain_box(&setup);
	struct box *const b = &s->box[A];

	b->script = -1;
	plain_run(s, 10 * 1000 * 1000);
	plain_state(s, 0, VRRP_INITIALIZE);
	b->script = 1;
	plain_run(s, 4 * 1000 * 1000);
	plain_state(s, 0, VRRP_MASTER);
	b->script = 0;
	plain_run(s, 20 * 1000);
	plain_state(s, 0, VRRP_INITIALIZE);
	assert_false(b->own[0]);
	assert_int_equal(b->resigns, 1);
	sim_free(s);
}

/* An advert from a router with a better address than ours. */
static void
plain_hear(struct sim *s, uint8_t vrid, uint16_t interface, uint8_t priority)
{
	uint8_t frame[VRRP_WIRE_FRAME_MAX];
	const struct vrrp_advert a = { .version = 2,
		.vrid = vrid,
		.priority = priority,
		.interval_ms = 1000,
		.source = ip_addr_v4(RTE_BE32(0x0a0101f0)),
		.count = 1,
		.addresses = { ip_addr_v4(RTE_BE32(0x0a010101)) } };
	const uint16_t len = vrrp_wire_build(frame, &a);

	role_vrrp(s->box[A].role, interface, frame + 14, (uint16_t)(len - 14), s->now);
}

/* R234, VRP-11, R46: never inside Master with outside Backup. */
static void
R234_VRP11_a_sync_group_changes_together(void **state)
{
	struct vrrp_setup setups[2] = { vrrp_of(1, 0, VGMP_GROUP_NONE),
		vrrp_of(2, 2, VGMP_GROUP_NONE) };

	(void)state;
	setups[0].sync = setups[1].sync = 1;
	struct sim *const s = plain_groups(setups, 2);
	struct box *const b = &s->box[A];

	/* One hears a master: the other does not take over alone. */
	for (int i = 0; i < 10; i++) {
		plain_hear(s, 2, 2, 200);
		plain_run(s, 1000 * 1000);
		assert_false(b->own[0]);
		assert_false(b->own[2]);
	}
	/* Silence on both: both in the same turn. */
	for (int i = 0; i < 6000 && !b->own[0] && !b->own[2]; i++)
		plain_run(s, 1000);
	assert_true(b->own[0]);
	assert_true(b->own[2]);
	/* A better one on one side: both yield, and say so where nobody else does. */
	plain_hear(s, 1, 0, 200);
	assert_false(b->own[0]);
	assert_false(b->own[2]);
	assert_int_equal(b->resigns, 1);
	plain_run(s, 5 * 1000 * 1000);
	assert_true(b->own[0]);
	/* A fault of one is a fault of both. */
	b->resigns = 0;
	set_link(s, A, 2, false);
	assert_false(b->own[0]);
	assert_false(b->own[2]);
	assert_int_equal(b->resigns, 1);
	plain_run(s, 20 * 1000);
	plain_state(s, 0, VRRP_INITIALIZE);
	plain_state(s, 1, VRRP_INITIALIZE);
	set_link(s, A, 2, true);
	plain_run(s, 20 * 1000);
	plain_state(s, 0, VRRP_BACKUP);
	plain_state(s, 1, VRRP_BACKUP);
	sim_free(s);
}

/* ---- what is told of it ---- */

static char said[2048]; /* lines since it was emptied */

void __wrap_log_write(enum log_level, const char *, ...) __attribute__((format(printf, 2, 3)));
void
__wrap_log_write(enum log_level level, const char *fmt, ...)
{
	const size_t used = strlen(said);
	va_list ap;

	(void)level;
	va_start(ap, fmt);
	vsnprintf(said + used, sizeof(said) - used, fmt, ap);
	va_end(ap);
	if (strlen(said) + 1 < sizeof(said))
		strcat(said, "\n");
}

/* Exactly these lines. */
static void
heard(const char *lines)
{
	assert_string_equal(said, lines);
	said[0] = '\0';
}

/* Exactly these among the lines that begin so. */
static void
heard_of(const char *begin, const char *lines)
{
	char found[sizeof(said)] = "", *rest = said, *line;

	while ((line = strsep(&rest, "\n")) != NULL) {
		if (strncmp(line, begin, strlen(begin)) == 0)
			snprintf(
				found + strlen(found), sizeof(found) - strlen(found), "%s\n", line);
	}
	said[0] = '\0';
	assert_string_equal(found, lines);
}

/* The words operators know from keepalived, one line each. */
static void
R241_R243_R244_R245_R246_what_is_told_of_a_sync_group(void **state)
{
	struct vrrp_setup setups[2] = { vrrp_of(1, 0, VGMP_GROUP_NONE),
		vrrp_of(2, 2, VGMP_GROUP_NONE) };

	(void)state;
	for (int i = 0; i < 2; i++) {
		setups[i].sync = 1;
		snprintf(setups[i].name, sizeof(setups[i].name), "%s", i == 0 ? "INT" : "EXT");
		snprintf(setups[i].sync_name, sizeof(setups[i].sync_name), "G1");
	}
	said[0] = '\0';
	struct sim *const s = plain_groups(setups, 2);

	plain_run(s, 1000);
	heard("(INT) Entering BACKUP STATE (init)\n(EXT) Entering BACKUP STATE (init)\n");
	plain_run(s, 4000 * 1000);
	heard("VRRP_Group(G1) Syncing instances to MASTER state\n"
	      "(INT) Entering MASTER STATE (no master is heard)\n"
	      "(EXT) Entering MASTER STATE (no master is heard)\n");
	plain_hear(s, 2, 2, 200);
	heard("(EXT) Entering BACKUP STATE (advert from 10.1.1.240 with priority 200, ours 100)\n"
	      "(INT) Entering BACKUP STATE (its sync group yields)\n"
	      "VRRP_Group(G1) Syncing instances to BACKUP state\n");
	set_link(s, A, 2, false);
	plain_run(s, 20 * 1000);
	heard("(INT) Entering FAULT STATE (fault in its sync group)\n"
	      "(EXT) Entering FAULT STATE (interface down)\n");
	sim_free(s);
}

/* A plain group, vrid 7 on interface 0, beside one of VGMP on interface 1; both are up.  The box is
 * alone: it listens for 10 s, and is active then. */
static struct sim *
beside_vgmp(const struct vrrp_setup *setup)
{
	const struct mon_member tracked = {
		.type = &mon_type_vrrp, .group = VGMP_GROUP_ACTIVE, .failed = true, .interface = 1
	};
	struct sim *const s = sim_new(1000, 10);
	struct box *const b = &s->box[A];
	static struct mon members;
	struct vrrp v;
	char err[100];
	const struct role_params p = { .paired = true,
		.hello_ms = 1000,
		.misses = 10,
		.workers = 1,
		.vrrps = &v,
		.vrrp_count = 1,
		.members = &members,
		.ops = box_ops(b) };

	mon_init(&members);
	assert_int_equal(mon_add(&members, &tracked, err, sizeof(err)), 0);
	vrrp_init(&v, setup);
	memset(b, 0, sizeof(*b));
	b->sim = s;
	b->link[0] = b->link[1] = true;
	b->address = RTE_BE32(0x0a010102);
	b->role = role_create(&p);
	assert_non_null(b->role);
	return s;
}

/* Without the lease nothing is forwarded, so no Master. */
static void
a_plain_group_of_a_box_that_is_not_active_is_no_master(void **state)
{
	const struct vrrp_setup setup = vrrp_of(7, 0, VGMP_GROUP_NONE);
	struct sim *const s = beside_vgmp(&setup);
	struct box *const b = &s->box[A];

	(void)state;
	run_ms(s, 9000); /* it listens, and has heard no master for long */
	assert_int_equal(status_of(s, A)->vrrp[0].state, VRRP_BACKUP);
	assert_false(b->own_vrid[7]);
	assert_int_equal(b->adverts, 0);
	run_ms(s, 2000); /* active: at once */
	assert_int_equal(status_of(s, A)->group[VGMP_GROUP_ACTIVE].state, VGMP_ACTIVE);
	assert_int_equal(status_of(s, A)->vrrp[0].state, VRRP_MASTER);
	assert_true(b->own_vrid[7]);
	freeze(s, A, true); /* until it is fenced */
	run_ms(s, 11000);
	freeze(s, A, false);
	run_ms(s, 1000);
	assert_int_equal(b->lease.ns, 0);
	assert_int_equal(status_of(s, A)->vrrp[0].state, VRRP_BACKUP);
	assert_false(b->own_vrid[7]);
	sim_free(s);
}

/* Nor after a pause that has cost it the lease, when an advert is the first thing that it sees: no
 * answer, as a Master would give. */
static void
an_advert_after_a_pause_meets_no_master(void **state)
{
	const struct vrrp_setup setup = vrrp_of(7, 0, VGMP_GROUP_NONE);
	struct sim *const s = beside_vgmp(&setup);
	struct box *const b = &s->box[A];

	(void)state;
	run_ms(s, 12000);
	assert_int_equal(status_of(s, A)->vrrp[0].state, VRRP_MASTER);
	freeze(s, A, true);
	run_ms(s, 11000);
	const uint32_t adverts = b->adverts;

	plain_hear(s, 7, 0, 50);
	assert_int_equal(b->lease.ns, 0);
	assert_int_equal(b->adverts, adverts);
	assert_false(b->own_vrid[7]);
	sim_free(s);
}

/* Nor is the owner of the address, which elsewhere goes straight to Master: not for one tick, and
 * nobody is told so. */
static void
R39_an_owner_on_a_box_that_is_not_active_is_no_master(void **state)
{
	struct vrrp_setup setup = vrrp_of(7, 0, VGMP_GROUP_NONE);

	(void)state;
	setup.priority = VRRP_PRIORITY_OWNER;
	snprintf(setup.name, sizeof(setup.name), "INT");
	said[0] = '\0';
	struct sim *const s = beside_vgmp(&setup);
	struct box *const b = &s->box[A];

	for (int i = 0; i < 3; i++) {
		run_ms(s, 2900);
		heard_of("(INT)", "(INT) Entering BACKUP STATE (init)\n");
		set_link(s, A, 0, false);
		heard_of("(INT)", "(INT) Entering FAULT STATE (interface down)\n");
		set_link(s, A, 0, true);
	}
	run_ms(s, 800);
	heard_of("(INT)", "(INT) Entering BACKUP STATE (init)\n");
	assert_false(b->own_vrid[7]);
	assert_int_equal(b->adverts, 0);
	assert_int_equal(b->resigns, 0);
	assert_int_equal(status_of(s, A)->vrrp[0].adverts_out, 0);

	while (status_of(s, A)->group[VGMP_GROUP_ACTIVE].state != VGMP_ACTIVE) {
		heard_of("(INT)", "");
		run_ms(s, 100);
	}
	run_ms(s, 20); /* at once, not after a Master's silence */
	assert_int_equal(status_of(s, A)->vrrp[0].state, VRRP_MASTER);
	heard_of("(INT)", "(INT) Entering MASTER STATE (this box is active)\n");
	assert_true(b->own_vrid[7]);
	sim_free(s);
}

/* RFC 3768 7.1, RFC 9568 7.1, R231: who is refused by mistake is found by the log. */
static void
what_is_refused_is_told_once_a_minute(void **state)
{
	static const struct {
		uint8_t version, ttl;
		uint32_t advert_ms;
		const char *password, *line;
	} rows[] = {
		{ 2, 255, 1000, "other",
			"(INT) advert of 10.1.1.3 refused: password is not that of our group\n" },
		{ 2, 255, 1000, "",
			"(INT) advert of 10.1.1.3 refused: authentication type is not that of our "
			"group\n" },
		{ 2, 255, 2000, "test123",
			"(INT) advert of 10.1.1.3 refused: advertisement interval is 0, or "
			"(version 2) not ours\n" },
		{ 3, 255, 1000, "",
			"(INT) advert of 10.1.1.3 refused: VRRP version is not that of our "
			"group\n" },
		{ 2, 254, 1000, "test123",
			"VRRP advert of 10.1.1.3 refused: TTL or hop limit is not 255\n" },
	};
	struct vrrp_setup ours = vrrp_of(7, 0, VGMP_GROUP_NONE);

	(void)state;
	snprintf(ours.name, sizeof(ours.name), "INT");
	ours.authenticated = true;
	memcpy(ours.password, "test123", 7);
	struct sim *const s = plain_box(&ours);

	plain_run(s, 4000 * 1000);
	assert_true(s->box[A].own[0]);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct vrrp_setup theirs = ours;
		uint8_t frame[VRRP_WIRE_FRAME_MAX];
		struct vrrp_advert a;
		struct vrrp v;

		theirs.version = rows[i].version;
		theirs.advert_ms = rows[i].advert_ms;
		theirs.authenticated = rows[i].password[0] != '\0';
		memset(theirs.password, 0, sizeof(theirs.password));
		memcpy(theirs.password, rows[i].password, strlen(rows[i].password));
		vrrp_init(&v, &theirs);
		vrrp_advert_of(&v, 4, 200, &a);
		a.source = ip_addr_v4(RTE_BE32(0x0a010103));
		vrrp_wire_build(frame, &a);
		frame[14 + 8] = rows[i].ttl;
		said[0] = '\0';
		for (int k = 0; k < 3; k++) {
			role_vrrp(s->box[A].role, 0, frame + 14, 46, s->now);
			heard(k == 1 ? "" : rows[i].line);
			s->now.ns += (k == 0 ? 59 : 2) * NS_PER_SEC;
			plain_run(s, 1000);
			said[0] = '\0';
		}
	}
	assert_true(s->box[A].own[0]);
	sim_free(s);
}

/* ---- adverts that are damaged or cut: HAC-02, HAC-03 ---- */

static uint64_t
adverts_refused(const struct sim *s)
{
	const struct role_status *const st = status_of(s, A);
	uint64_t n = 0;

	for (int i = VRRP_OK + 1; i < VRRP_REFUSAL_COUNT; i++)
		n += st->adverts_refused[i];
	return n;
}

/* A Backup that hears the Master; the advert that it has just heard, from its IP header on. */
static struct sim *
backup(uint8_t family, uint8_t version, uint8_t *packet, uint16_t *len)
{
	static const uint8_t own[IP6_LEN] = { 0xfe, 0x80, [15] = 2 };
	static const uint8_t other[IP6_LEN] = { 0xfe, 0x80, [15] = 3 };
	struct vrrp_setup setup = vrrp_of(7, 0, VGMP_GROUP_NONE);
	uint8_t frame[VRRP_WIRE_FRAME_MAX];
	struct vrrp_advert a;

	setup.version = version;
	if (family == 6)
		setup.addresses[0] = ip_addr_v6(virtual6);
	struct sim *const s = plain_box(&setup);
	struct vrrp v;

	s->box[A].link_local = own;
	plain_run(s, 1000);
	vrrp_init(&v, &setup);
	vrrp_advert_of(&v, family, 200, &a);
	a.source = family == 6 ? ip_addr_v6(other) : ip_addr_v4(RTE_BE32(0x0a010103));
	vrrp_wire_build(frame, &a);
	*len = family == 6 ? 64 : version == 2 ? 40 : 32; /* without padding */
	memcpy(packet, frame + 14, *len);
	role_vrrp(s->box[A].role, 0, packet, *len, s->now);
	plain_run(s, 11 * 1000); /* it is shown each 10 ms */
	assert_int_equal(status_of(s, A)->vrrp[0].state, VRRP_BACKUP);
	assert_int_equal(status_of(s, A)->vrrp[0].master_priority, 200);
	assert_int_equal(adverts_refused(s), 0);
	return s;
}

static void
nothing_but_counters(struct sim *s, const struct role_status *before, uint64_t count)
{
	plain_run(s, 11 * 1000);
	assert_int_equal(adverts_refused(s), count);
	assert_memory_equal(
		&status_of(s, A)->vrrp[0], &before->vrrp[0], sizeof(struct role_vrrp_status));
}

static const struct {
	uint8_t family, version, message; /* where VRRP begins */
} advert_rows[] = { { 4, 2, 20 }, { 4, 3, 20 }, { 6, 3, 40 } };

static void
HAC_02_every_flipped_bit_of_an_advert_is_refused(void **state)
{
	static struct role_status before;

	(void)state;
	for (size_t i = 0; i < sizeof(advert_rows) / sizeof(advert_rows[0]); i++) {
		uint8_t packet[VRRP_WIRE_FRAME_MAX];
		uint16_t len;
		uint64_t count = 0;
		struct sim *const s =
			backup(advert_rows[i].family, advert_rows[i].version, packet, &len);

		before = *status_of(s, A);
		for (uint32_t bit = advert_rows[i].message * 8u; bit < len * 8u; bit++, count++) {
			packet[bit / 8] ^= (uint8_t)(1 << bit % 8);
			role_vrrp(s->box[A].role, 0, packet, len, s->now);
			packet[bit / 8] ^= (uint8_t)(1 << bit % 8);
		}
		nothing_but_counters(s, &before, count);
		sim_free(s);
	}
}

static void
HAC_03_every_cut_of_an_advert_is_refused(void **state)
{
	static struct role_status before;

	(void)state;
	for (size_t i = 0; i < sizeof(advert_rows) / sizeof(advert_rows[0]); i++) {
		uint8_t packet[VRRP_WIRE_FRAME_MAX];
		uint16_t len;
		struct sim *const s =
			backup(advert_rows[i].family, advert_rows[i].version, packet, &len);

		before = *status_of(s, A);
		for (uint16_t cut = 0; cut < len; cut++) {
			uint8_t *const exact = test_malloc(cut + 1u); /* ASan watches its end */

			memcpy(exact + 1, packet, cut);
			role_vrrp(s->box[A].role, 0, exact + 1, cut, s->now);
			test_free(exact);
		}
		nothing_but_counters(s, &before, len);
		sim_free(s);
	}
}

/* HAC-04: another version is counted as such, and the election goes on as if nothing was heard. */
static void
HAC_04_adverts_of_another_version_have_their_own_reason(void **state)
{
	static struct role_status before;
	uint8_t packet[VRRP_WIRE_FRAME_MAX];
	uint16_t len;
	struct sim *const s = backup(4, 2, packet, &len);

	(void)state;
	before = *status_of(s, A);
	for (uint8_t version = 0; version < 16; version++) {
		if (version == 2)
			continue;
		packet[20] = (uint8_t)(version << 4 | 1);
		role_vrrp(s->box[A].role, 0, packet, len, s->now);
	}
	nothing_but_counters(s, &before, 15);
	const uint64_t *const refused = status_of(s, A)->adverts_refused;

	/* One of version 3 is as long as ours without authentication data: its length is wrong. */
	assert_int_equal(refused[VRRP_REFUSED_version], 14);
	assert_int_equal(refused[VRRP_REFUSED_length], 1);
	plain_run(s, 4000 * 1000);
	assert_int_equal(status_of(s, A)->vrrp[0].state, VRRP_MASTER);
	sim_free(s);
}

static struct vrrp_hmac *
hmac_of(uint8_t secret)
{
	struct vrrp_hmac_setup k = {
		.mode = VRRP_HMAC_ENFORCE, .window_s = 5, .send_key = 9, .key_count = 1
	};
	struct vrrp_hmac *h;

	k.keys[0] = (struct vrrp_hmac_key){ .id = 9, .len = 64 };
	memset(k.keys[0].secret, secret, 64);
	h = vrrp_hmac_create(&k);
	assert_non_null(h);
	return h;
}

/* Two boxes: what one sends the other takes, of each version and family; with another secret or
 * another time it does not. */
static void
VRP07_two_boxes_with_keys(void **state)
{
	static const uint8_t link_local[2][IP6_LEN] = { { 0xfe, 0x80, [15] = 2 },
		{ 0xfe, 0x80, [15] = 3 } };
	static const struct {
		uint8_t family, version, secret;
		uint32_t ahead_s;
		enum vrrp_refusal why;
	} rows[] = {
		{ 4, 2, 1, 0, VRRP_OK }, { 4, 3, 1, 0, VRRP_OK }, { 6, 3, 1, 0, VRRP_OK },
		{ 4, 2, 2, 0, VRRP_REFUSED_bad_hmac }, { 6, 3, 2, 0, VRRP_REFUSED_bad_hmac },
		{ 4, 3, 1, 5, VRRP_OK },
		{ 4, 3, 1, 7, VRRP_REFUSED_stale }, /* the advert may be a second old */
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct vrrp_hmac *const keys[2] = { hmac_of(1), hmac_of(rows[i].secret) };
		struct vrrp_setup setup = vrrp_of(7, 0, VGMP_GROUP_NONE);
		struct sim *boxes[2];

		setup.version = rows[i].version;
		if (rows[i].family == 6)
			setup.addresses[0] = ip_addr_v6(virtual6);
		for (int k = 0; k < 2; k++) {
			setup.hmac = keys[k];
			setup.priority = k == 0 ? 100 : 200;
			boxes[k] = plain_box(&setup);
			boxes[k]->box[A].link_local = link_local[k];
			boxes[k]->box[A].address = RTE_BE32(0x0a010102) + RTE_BE32((rte_be32_t)k);
			plain_run(boxes[k], 5 * 1000 * 1000);
			plain_state(boxes[k], 0, VRRP_MASTER);
		}
		struct box *const better = &boxes[1]->box[A];

		better->clock_ahead_ns = rows[i].ahead_s * NS_PER_SEC;
		plain_run(boxes[0], 1000 * 1000);
		plain_run(boxes[1], 1000 * 1000);
		const uint8_t *const f = rows[i].family == 6 ? better->last6 : better->last4;
		const uint16_t len = rows[i].family == 6 ? better->last6_len : better->last4_len;

		for (int twice = 0; twice < 2; twice++)
			role_vrrp(boxes[0]->box[A].role, 0, f + 14, (uint16_t)(len - 14),
				boxes[0]->now);
		plain_run(boxes[0], 20 * 1000);
		plain_state(boxes[0], 0, rows[i].why == VRRP_OK ? VRRP_BACKUP : VRRP_MASTER);
		if (rows[i].why == VRRP_OK)
			assert_int_equal(
				status_of(boxes[0], A)->adverts_refused[VRRP_REFUSED_replayed], 1);
		else
			assert_int_equal(status_of(boxes[0], A)->adverts_refused[rows[i].why], 2);
		for (int k = 0; k < 2; k++) {
			sim_free(boxes[k]);
			vrrp_hmac_destroy(keys[k]);
		}
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(VRP01_a_plain_group_of_ipv6_waits_for_a_link_local_address),
		cmocka_unit_test(R44_R230_adverts_go_to_unicast_peers),
		cmocka_unit_test(adverts_of_10_ms_keep_their_time),
		cmocka_unit_test(R42_R43_VRP09_tracked_things_change_the_priority),
		cmocka_unit_test(R233_a_tracked_interface_without_a_weight_is_a_fault),
		cmocka_unit_test(R224_a_tracked_script_changes_the_priority),
		cmocka_unit_test(R224_R233_a_tracked_script_without_a_weight_is_a_fault),
		cmocka_unit_test(R234_VRP11_a_sync_group_changes_together),
		cmocka_unit_test(R241_R243_R244_R245_R246_what_is_told_of_a_sync_group),
		cmocka_unit_test(a_plain_group_of_a_box_that_is_not_active_is_no_master),
		cmocka_unit_test(an_advert_after_a_pause_meets_no_master),
		cmocka_unit_test(R39_an_owner_on_a_box_that_is_not_active_is_no_master),
		cmocka_unit_test(what_is_refused_is_told_once_a_minute),
		cmocka_unit_test(VRP07_two_boxes_with_keys),
		cmocka_unit_test(HAC_02_every_flipped_bit_of_an_advert_is_refused),
		cmocka_unit_test(HAC_03_every_cut_of_an_advert_is_refused),
		cmocka_unit_test(HAC_04_adverts_of_another_version_have_their_own_reason),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
