/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Records of the mirror's tables.  Input: records for the tables of a standby box, of any content,
 * or good ones with octets altered, in any order; time; the role.
 *
 * What must hold: what passes its table's check reads the same when it is packed again; what does
 * not is refused, and no session, port or entry comes or goes; no record is read beyond its end;
 * and when a bulk confirms nothing, nothing is left.
 */
#include "alg_record.h"
#include "blacklist_record.h"
#include "fuzz_check.h"
#include "fuzz_input.h"
#include "nat_group.h"
#include "repl.h"
#include "servermap_record.h"
#include "session_record.h"

/* The boxes of the unit tests. */
#include "ha_box.h"

#define CAPACITY   64 /* of the owner's tables */
#define TABLES_MAX 16
#define NOW_S	   100000 /* so that idle and age are whole */

int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct ha_box box;
static const struct repl_table *const *tables;
static void *state[TABLES_MAX];
static mono_t now;

int
LLVMFuzzerInitialize(int *argc, char ***argv)
{
	char err[128];

	(void)argc;
	(void)argv;
	test_eal_start(512, 1);
	ha_box_start(&box, "fuzz", 2, 1024, 64);
	tables = repl_tables_get();
	for (uint32_t i = 0; i < repl_table_count(); i++) {
		state[i] = tables[i]->create(&(struct repl_params){ .engine = box.engine,
						     .sessions = i == 0 ? NULL : state[0] },
			err, sizeof(err));
		FUZZ_CHECK(state[i] != NULL, "%s", err);
	}
	now.ns = NOW_S * NS_PER_SEC;
	return 0;
}

/* ---- what there is ---- */

struct seen {
	uint64_t entries[TABLES_MAX];
	uint32_t ports;
};

static struct seen
look(void)
{
	struct nat_groups *const groups = engine_nat_groups(box.engine);
	const struct nat_usage u = nat_pool_usage(
		nat_groups_pool(groups, nat_groups_find(groups, "office")), NAT_POOL_UNOWNED);
	struct seen s = { .ports = u.used[0] + u.used[1] + u.used[2] };
	struct repl_counts c;

	for (uint32_t i = 0; i < repl_table_count(); i++) {
		tables[i]->counts(state[i], &c);
		s.entries[i] = c.entries;
	}
	return s;
}

static void
turn(uint64_t ms)
{
	now = mono_add_ms(now, ms);
	ha_box_poll(&box, now);
	ha_box_poll(&box, now);
}

/* ---- a good record of each type ---- */

static uint16_t
good_session(uint8_t type, uint8_t n, uint8_t *record)
{
	static const struct {
		uint8_t proto, state;
	} kinds[] = { { IPPROTO_TCP, SESSION_TCP_ESTABLISHED },
		{ IPPROTO_UDP, SESSION_UDP_REPLIED }, { IPPROTO_ICMP, SESSION_ICMP_REPLIED },
		{ IPPROTO_SCTP, SESSION_SCTP_FIRST } };
	const uint8_t proto = kinds[n & 3].proto;
	const struct session_tuple4 t = ha_box_tuple(n, proto);
	const struct session_tuple6 six = ha_box_twin(&t);
	const bool is6 = type == HRP_RECORD_SESSION6 || type == HRP_RECORD_SESSION6_NAT;
	union hrp_record_session r;
	struct hrp_session_how *const how = is6 ? &r.v6.how : &r.v4.how;
	struct hrp_session_outside *const outside = is6 ? &r.v6_nat.outside : &r.v4_nat.outside;

	memset(&r, 0, sizeof(r));
	r.head = (struct hrp_record){ type, session_record_size(type), RTE_BE16(1),
		rte_cpu_to_be_32(n % CAPACITY) };
	r.v4.what = (struct hrp_session_what){ .proto = is6 ? six.proto : proto,
		.state = kinds[n & 3].state,
		.zone = { 2, 4 },
		.wscale = { 7, 255 } };
	if (is6) {
		memcpy(r.v6.src, six.src, sizeof(r.v6.src));
		memcpy(r.v6.dst, six.dst, sizeof(r.v6.dst));
	} else {
		r.v4.src = t.src;
		r.v4.dst = t.dst;
	}
	how->sport = t.sport;
	how->dport = is6 ? six.dport : t.dport;
	if (type == HRP_RECORD_SESSION4_NAT || type == HRP_RECORD_SESSION6_NAT)
		*outside = (struct hrp_session_outside){ .src = RTE_BE32(0xcb007101),
			.dst = t.dst,
			.sport = rte_cpu_to_be_16((uint16_t)(2000 + n)),
			.dport = proto == IPPROTO_ICMP ? SESSION_ICMP_ECHO_PORT : t.dport,
			.group = rte_cpu_to_be_32(nat_groups_name(engine_nat_groups(box.engine),
				nat_groups_find(engine_nat_groups(box.engine), "office"))) };
	memcpy(record, &r, r.head.length);
	return r.head.length;
}

static uint16_t
good_servermap(uint8_t n, uint8_t *record)
{
	const struct servermap_entry e = { .key = { .dst = ip_addr_v4(RTE_BE32(0xc6336407)),
						   .dport = rte_cpu_to_be_16(5000 + n),
						   .proto = IPPROTO_TCP },
		.type = SERVERMAP_ASPF,
		.alg = 1,
		.zone = 4,
		.uses = 1,
		.parent = (n & 1) != 0 ? n % CAPACITY : SERVERMAP_NONE,
		.parent_generation = 1,
		.until = mono_add_ms(now, 30000) };
	struct hrp_record_servermap r;

	servermap_record_pack(&e, n % CAPACITY, 1, 0, now, &r);
	memcpy(record, &r, sizeof(r));
	return sizeof(r);
}

static uint16_t
good_blacklist(uint8_t n, uint8_t *record)
{
	const struct blacklist_entry e = { .prefix = ip_addr_v4(rte_cpu_to_be_32(0xcb007100u + n)),
		.len = 32,
		.side = n & 1,
		.origin = (n & 2) != 0 ? BLACKLIST_SCAN : BLACKLIST_MANUAL,
		.until = mono_add_ms(now, 30000) };
	struct hrp_record_blacklist r;

	blacklist_record_pack(&e, n % CAPACITY, now, &r);
	memcpy(record, &r, sizeof(r));
	return sizeof(r);
}

static uint16_t
good_alg(uint8_t type, uint8_t n, uint8_t *record)
{
	const struct alg_kept kept = { .id = ALG_FTP, .has_stream = true };
	const struct alg_seq_kept_edit edit = { .seq = 1000, .was = 5, .is = 7, .text = "PORT 1," };
	struct hrp_record_alg r;

	if (type == HRP_RECORD_ALG_EDIT)
		return alg_record_pack_edit(&edit, n & 1, n % CAPACITY, 1, record);
	alg_record_pack(&kept, n % CAPACITY, 1, &r);
	memcpy(record, &r, sizeof(r));
	return sizeof(r);
}

/* => length */
static uint16_t
good(uint8_t type, uint8_t n, uint8_t *record)
{
	switch (type) {
	case HRP_RECORD_SESSION4:
	case HRP_RECORD_SESSION6:
	case HRP_RECORD_SESSION4_NAT:
	case HRP_RECORD_SESSION6_NAT:
		return good_session(type, n, record);
	case HRP_RECORD_SERVERMAP:
		return good_servermap(n, record);
	case HRP_RECORD_BLACKLIST:
		return good_blacklist(n, record);
	case HRP_RECORD_ALG:
	case HRP_RECORD_ALG_EDIT:
		return good_alg(type, n, record);
	default:
		memcpy(record,
			&(struct hrp_record){ type, sizeof(struct hrp_record), RTE_BE16(1),
				rte_cpu_to_be_32(n % CAPACITY) },
			sizeof(struct hrp_record));
		return sizeof(struct hrp_record);
	}
}

/* ---- the checks, and what is packed again ---- */

static bool
session_again(const uint8_t *record, uint8_t len)
{
	static struct session s;
	union hrp_record_session r, again[2];
	struct session_record_key key;

	memset(&r, 0, sizeof(r));
	memset(again, 0, sizeof(again));
	if (len != session_record_size(record[0]))
		return false;
	memcpy(&r, record, len);
	if (!session_record_check(&r, engine_snapshot(box.engine)))
		return false;
	/* Twice: the first drops what means nothing, then nothing may change any more. */
	for (unsigned int i = 0; i < 2; i++) {
		const union hrp_record_session *const from = i == 0 ? &r : &again[0];
		const struct hrp_session_what *const what = session_record_what(from);

		memset(&s, 0, sizeof(s));
		session_record_key(from, &key);
		s.zone[0] = what->zone[0];
		s.zone[1] = what->zone[1];
		const uint32_t ctl = session_record_unpack(from, NOW_S, &s) |
				     session_kind(key.family, what->proto, key.swap);
		atomic_store(&s.ctl, ctl);
		key.outside.note = key.group;
		key.outside.inbound = key.inbound;
		const uint8_t n = session_record_pack(&s, &key.key,
			key.translated ? &key.outside : NULL, rte_be_to_cpu_32(r.head.index),
			rte_be_to_cpu_16(r.head.generation), ctl, NOW_S, &again[i]);
		FUZZ_CHECK(n == len, "a record of %u bytes has become one of %u", len, n);
		FUZZ_CHECK(session_record_check(&again[i], engine_snapshot(box.engine)),
			"what was packed again does not pass the check");
	}
	FUZZ_CHECK(memcmp(&again[0], &again[1], len) == 0, "packed again, it is another record");
	FUZZ_CHECK(
		memcmp(&r.v4.src, &again[0].v4.src, session_record_family(&r) == 6 ? 32 : 8) == 0 &&
			memcmp(session_record_how(&r), session_record_how(&again[0]), 8) == 0,
		"it names another session");
	return true;
}

static bool
servermap_again(const uint8_t *record, uint8_t len)
{
	const struct snapshot *const snap = engine_snapshot(box.engine);
	struct servermap_entry e, e2;
	struct servermap_names names, names2;
	struct hrp_record_servermap r, again;

	if (len != sizeof(r))
		return false;
	memcpy(&r, record, sizeof(r));
	if (!servermap_record_unpack(&r, snap, now, &e, &names))
		return false;
	e.parent = names.parent;
	e.parent_generation = names.parent_generation;
	servermap_record_pack(&e, rte_be_to_cpu_32(r.head.index),
		rte_be_to_cpu_16(r.head.generation), names.group, now, &again);
	FUZZ_CHECK(servermap_record_unpack(&again, snap, now, &e2, &names2),
		"an entry that is packed again is refused");
	e2.parent = names2.parent;
	e2.parent_generation = names2.parent_generation;
	FUZZ_CHECK(names.group == names2.group && names.parent == names2.parent &&
			   names.parent_generation == names2.parent_generation &&
			   servermap_record_name(&e) == servermap_record_name(&e2) &&
			   servermap_record_content(&e) == servermap_record_content(&e2) &&
			   e.until.ns == e2.until.ns && e.uses == e2.uses && e.call == e2.call &&
			   e.policy == e2.policy && e.parent == e2.parent && e.alg == e2.alg,
		"an entry that is packed again is another one");
	return true;
}

static bool
blacklist_again(const uint8_t *record, uint8_t len)
{
	struct hrp_record_blacklist r, again;
	struct blacklist_entry e, e2;

	if (len != sizeof(r))
		return false;
	memcpy(&r, record, sizeof(r));
	if (!blacklist_record_unpack(&r, now, &e))
		return false;
	blacklist_record_pack(&e, rte_be_to_cpu_32(r.head.index), now, &again);
	FUZZ_CHECK(blacklist_record_unpack(&again, now, &e2),
		"an entry that is packed again is refused");
	FUZZ_CHECK(blacklist_record_name(&e) == blacklist_record_name(&e2) &&
			   blacklist_record_content(&e) == blacklist_record_content(&e2) &&
			   e.until.ns == e2.until.ns && e.side == e2.side && e.len == e2.len &&
			   ip_addr_equal(&e.prefix, &e2.prefix),
		"an entry that is packed again is another one");
	return true;
}

static bool
alg_again(const uint8_t *record, uint8_t len)
{
	struct alg_seq_kept_edit edit;
	struct hrp_record_alg r, again;
	struct alg_kept kept;
	unsigned int dir;
	uint8_t bytes[ALG_RECORD_MAX];

	if (record[0] == HRP_RECORD_ALG_EDIT) {
		if (!alg_record_unpack_edit(record, len, &dir, &edit))
			return false;
		FUZZ_CHECK(alg_record_pack_edit(&edit, dir, 1, 1, bytes) == len &&
				   memcmp(record + sizeof(struct hrp_record_alg_edit),
					   bytes + sizeof(struct hrp_record_alg_edit),
					   len - sizeof(struct hrp_record_alg_edit)) == 0,
			"an edit that is packed again is another one");
		return true;
	}
	if (!alg_record_unpack(record, len, &kept))
		return false;
	memcpy(&r, record, sizeof(r));
	FUZZ_CHECK(alg_record_pack(&kept, 1, 1, &again) == len && again.alg == r.alg &&
			   (!kept.has_stream || memcmp(again.dir, r.dir, sizeof(r.dir)) == 0),
		"an ALG that is packed again is another one");
	return true;
}

/* => does its own check know it? */
static bool
passes(const uint8_t *record, uint8_t len)
{
	switch (record[0]) {
	case HRP_RECORD_SESSION4:
	case HRP_RECORD_SESSION6:
	case HRP_RECORD_SESSION4_NAT:
	case HRP_RECORD_SESSION6_NAT:
		return session_again(record, len);
	case HRP_RECORD_SERVERMAP:
		return servermap_again(record, len);
	case HRP_RECORD_BLACKLIST:
		return blacklist_again(record, len);
	case HRP_RECORD_ALG:
	case HRP_RECORD_ALG_EDIT:
		return alg_again(record, len);
	default:
		return true;
	}
}

/* Tables know the types of their own; others are of a later version. */
static bool
known_to(const struct repl_table *t, uint8_t type)
{
	switch (t->module) {
	case HRP_MODULE_SESSION:
		return type != HRP_RECORD_SERVERMAP && type != HRP_RECORD_BLACKLIST;
	case HRP_MODULE_SERVERMAP:
		return type == HRP_RECORD_SERVERMAP;
	case HRP_MODULE_BLACKLIST:
		return type == HRP_RECORD_BLACKLIST;
	default:
		return false;
	}
}

static void
install(uint32_t table, const uint8_t *bytes, uint8_t len)
{
	uint8_t *const record = malloc(len);
	const struct seen before = look();
	enum repl_verdict v = REPL_RETRY;

	FUZZ_CHECK(record != NULL, "out of memory");
	memcpy(record, bytes, len);
	const bool good = passes(record, len);

	for (unsigned int i = 0; i < 50 && v == REPL_RETRY; i++) {
		v = tables[table]->install(state[table], record, len, now);
		if (v == REPL_RETRY)
			turn(100);
	}
	FUZZ_CHECK(v != REPL_RETRY, "a record of type %u is never finished with", record[0]);
	if (!good && known_to(tables[table], record[0])) {
		const struct seen after = look();

		FUZZ_CHECK(v == REPL_REFUSED, "a record that makes no sense is taken");
		FUZZ_CHECK(memcmp(&before, &after, sizeof(before)) == 0,
			"it was refused, and something has changed");
	}
	free(record);
}

static void
one_record(struct fuzz_input *in, uint8_t what)
{
	const uint32_t table = (what >> 4 & 7) % repl_table_count();
	const uint8_t type = what & 15;
	uint8_t record[UINT8_MAX + 1] = { 0 };
	uint16_t len;

	len = good(type, fuzz_byte(in), record);
	if ((what & 0x80) != 0) {
		len = fuzz_byte(in);
		len = RTE_MAX(len, (uint16_t)sizeof(struct hrp_record));
		record[1] = (uint8_t)len;
	}
	fuzz_alter(in, record, len);
	record[1] = (uint8_t)len; /* the mirror goes by it */
	install(table, record, (uint8_t)len);
}

/* A bulk that confirms nothing. */
static void
nothing_is_left(void)
{
	static const struct repl_role standby = { .peer_active = true };
	struct repl_digest d;
	struct seen s;

	for (uint32_t i = 0; i < repl_table_count(); i++) {
		tables[i]->role(state[i], &standby);
		FUZZ_CHECK(tables[i]->round(state[i], CAPACITY), "a bulk is refused");
	}
	for (uint32_t i = 0; i < repl_table_count(); i++) {
		for (unsigned int n = 0; tables[i]->sweep(state[i], &d) != REPL_DONE; n++) {
			FUZZ_CHECK(n < 10000, "a sweep without an end");
			turn(1);
		}
		FUZZ_CHECK(d.count == 0, "%u entries are confirmed by nobody", d.count);
	}
	for (unsigned int n = 0; n < 20; n++)
		turn(10);
	s = look();
	for (uint32_t i = 0; i < repl_table_count(); i++)
		FUZZ_CHECK(s.entries[i] == 0, "table %s: %u entries are left", tables[i]->name,
			(unsigned int)s.entries[i]);
	FUZZ_CHECK(s.ports == 0, "%u ports are held by nobody", s.ports);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct fuzz_input in = { .data = data, .size = size };

	for (uint32_t i = 0; i < repl_table_count(); i++)
		FUZZ_CHECK(tables[i]->round(state[i], CAPACITY), "a bulk is refused");
	while (in.at < in.size) {
		const uint8_t what = fuzz_byte(&in);

		if ((what & 15) == 15)
			turn(what >> 4);
		else
			one_record(&in, what);
	}
	nothing_is_left();
	return 0;
}
