/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * IPFIX messages, read back the way a collector does: templates first, then records by what the
 * templates said.
 */
#include "ipfix.h"

#include <rte_common.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#define MAX_FIELDS 32

struct template
{
	unsigned int count;
	struct {
		uint16_t element, len;
	} field[MAX_FIELDS];
};

static struct template templates[16]; /* by id - 256 */

static uint64_t
get(const uint8_t *at, size_t len)
{
	uint64_t v = 0;

	while (len-- > 0)
		v = v << 8 | *at++;
	return v;
}

static void
read_templates(const struct ipfix_message *m)
{
	size_t at = 16;

	memset(templates, 0, sizeof(templates));
	assert_int_equal(get(m->data, 2), 10);
	assert_int_equal(get(m->data + 2, 2), m->len);
	assert_int_equal(get(m->data + at, 2), 2);
	assert_int_equal(get(m->data + at + 2, 2), m->len - 16);
	for (at += 4; at < m->len;) {
		const uint64_t id = get(m->data + at, 2), count = get(m->data + at + 2, 2);
		struct template *t = &templates[id - 256];

		assert_in_range(id, 256, 271);
		assert_in_range(count, 1, MAX_FIELDS);
		assert_int_equal(t->count, 0);
		t->count = (unsigned int)count;
		at += 4;
		for (unsigned int i = 0; i < count; i++, at += 4) {
			t->field[i].element = (uint16_t)get(m->data + at, 2);
			t->field[i].len = (uint16_t)get(m->data + at + 2, 2);
		}
	}
	assert_int_equal(at, m->len);
}

/* => the value of an element of the record at `at`; len = its length, 0 = the template has none */
static const uint8_t *
element(const uint8_t *at, uint64_t id, uint16_t number, size_t *len)
{
	const struct template *t = &templates[id - 256];

	for (unsigned int i = 0; i < t->count; i++) {
		*len = t->field[i].len;
		if (t->field[i].element == number)
			return at;
		at += t->field[i].len;
	}
	*len = 0;
	return NULL;
}

static uint64_t
value(const uint8_t *record, uint64_t id, uint16_t number)
{
	size_t len;
	const uint8_t *at = element(record, id, number, &len);

	assert_in_range(len, 1, 8);
	return get(at, len);
}

static const struct log_time at_noon = { .wall_ms = UINT64_C(1795780800000), .engine_s = 5000 };

static struct traffic_log_record
a_record(uint8_t event, uint8_t family)
{
	struct traffic_log_record r = { .packets = { 7, 5 },
		.bytes = { 700, UINT64_C(0x123456789a) },
		.sport = RTE_BE16(40000),
		.dport = RTE_BE16(443),
		.family = family,
		.proto = 6,
		.zone = { 2, 4 },
		.event = event,
		.end = event == TRAFFIC_LOG_DELETE ? TRAFFIC_LOG_END_CLOSED : 0,
		.generation = 3,
		.index = 77,
		.created = 4000,
		.at = 4990 };

	for (uint8_t i = 0; i < (family == 6 ? 16 : 4); i++) {
		r.src.v6[i] = (uint8_t)(10 + i);
		r.dst.v6[i] = (uint8_t)(200 - i);
	}
	return r;
}

static void
records_read_as_their_templates_say(void **state)
{
	struct ipfix_message t, m;

	(void)state;
	ipfix_templates(&t);
	ipfix_finish(&t, at_noon.wall_ms, 0, 9);
	read_templates(&t);
	for (uint8_t event = TRAFFIC_LOG_CREATE; event <= TRAFFIC_LOG_DENY; event++) {
		for (uint8_t family = 4; family <= 6; family += 2) {
			const struct traffic_log_record r = a_record(event, family);
			const uint8_t *record = m.data + 20, *address;
			uint64_t id;
			size_t len;

			ipfix_begin(&m);
			assert_true(ipfix_add(&m, &r, &at_noon));
			ipfix_finish(&m, at_noon.wall_ms, 42, 9);
			assert_int_equal(get(m.data, 2), 10);
			assert_int_equal(get(m.data + 2, 2), m.len);
			assert_int_equal(get(m.data + 4, 4), at_noon.wall_ms / 1000);
			assert_int_equal(get(m.data + 8, 4), 42);
			assert_int_equal(get(m.data + 12, 4), 9);
			id = get(m.data + 16, 2);
			assert_in_range(id, 256, 271);
			assert_int_equal(get(m.data + 18, 2), m.len - 16);

			assert_int_equal(value(record, id, 233), event);
			assert_int_equal(value(record, id, 4), 6);
			assert_int_equal(value(record, id, 7), 40000);
			assert_int_equal(value(record, id, 11), 443);
			assert_int_equal(value(record, id, 323), at_noon.wall_ms - 10000);
			address = element(record, id, family == 6 ? 27 : 8, &len);
			assert_int_equal(len, family == 6 ? 16 : 4);
			assert_memory_equal(address, &r.src, len);
			address = element(record, id, family == 6 ? 28 : 12, &len);
			assert_memory_equal(address, &r.dst, len);
			element(record, id, 148, &len);
			assert_int_equal(len, event == TRAFFIC_LOG_DENY ? 0 : 8);
			element(record, id, 136, &len);
			assert_int_equal(len, event == TRAFFIC_LOG_DELETE ? 1 : 0);
			if (event != TRAFFIC_LOG_DELETE)
				continue;
			assert_int_equal(value(record, id, 136), 3);
			assert_int_equal(value(record, id, 298), 7);
			assert_int_equal(value(record, id, 231), 700);
			assert_int_equal(value(record, id, 299), 5);
			assert_int_equal(value(record, id, 232), UINT64_C(0x123456789a));
			assert_int_equal(value(record, id, 152), at_noon.wall_ms - 1000000);
			assert_int_equal(value(record, id, 153), at_noon.wall_ms - 10000);
		}
	}
}

/* RFC 8158: the same record with what the session is outside, and the event's number. */
static void
RFC8158_translated_sessions_say_what_they_are_outside(void **state)
{
	static const struct {
		enum traffic_log_event event;
		uint8_t family;
		unsigned int nat_event;
	} rows[] = { { TRAFFIC_LOG_CREATE, 4, 4 }, { TRAFFIC_LOG_DELETE, 4, 5 },
		{ TRAFFIC_LOG_CREATE, 6, 6 }, { TRAFFIC_LOG_DELETE, 6, 7 } };
	struct ipfix_message m;

	(void)state;
	ipfix_templates(&m);
	ipfix_finish(&m, 0, 0, 0);
	read_templates(&m);
	for (size_t i = 0; i < RTE_DIM(rows); i++) {
		struct traffic_log_record r = a_record(rows[i].event, rows[i].family);
		const uint8_t *record = m.data + 20;
		const uint8_t *address;
		uint64_t id;
		size_t len;

		r.nat_src = RTE_BE32(0xc6336401);
		r.nat_dst = RTE_BE32(0xc0000209);
		r.nat_sport = RTE_BE16(1024);
		r.nat_dport = RTE_BE16(8443);
		ipfix_begin(&m);
		assert_true(ipfix_add(&m, &r, &at_noon));
		ipfix_finish(&m, 0, 0, 0);
		id = get(m.data + 16, 2);
		assert_int_equal(value(record, id, 230), rows[i].nat_event);
		assert_int_equal(value(record, id, 233), rows[i].event);
		assert_int_equal(value(record, id, 225), 0xc6336401);
		assert_int_equal(value(record, id, 226), 0xc0000209);
		assert_int_equal(value(record, id, 227), 1024);
		assert_int_equal(value(record, id, 228), 8443);
		assert_int_equal(value(record, id, 7), 40000);
		address = element(record, id, rows[i].family == 6 ? 27 : 8, &len);
		assert_memory_equal(address, &r.src, len);
		if (rows[i].event == TRAFFIC_LOG_DELETE)
			assert_int_equal(value(record, id, 232), UINT64_C(0x123456789a));
	}
}

static void
RFC8158_exhausted_groups_have_an_event(void **state)
{
	struct nat_alarm_event e = { .group = "office", .id = 0x12345678 };
	struct ipfix_message m;
	const uint8_t *name;
	uint64_t id;
	size_t len;

	(void)state;
	ipfix_templates(&m);
	ipfix_finish(&m, 0, 0, 0);
	read_templates(&m);
	for (unsigned int i = 0; i < 2; i++) {
		e.no_pat = i == 1;
		ipfix_begin(&m);
		assert_true(ipfix_add_exhausted(&m, &e, at_noon.wall_ms));
		ipfix_finish(&m, 0, 0, 0);
		id = get(m.data + 16, 2);
		assert_int_equal(value(m.data + 20, id, 323), at_noon.wall_ms);
		assert_int_equal(value(m.data + 20, id, 230), i == 1 ? 3 : 12);
		assert_int_equal(value(m.data + 20, id, 283), 0x12345678);
		name = element(m.data + 20, id, 284, &len);
		assert_int_equal(len, 65535); /* variable */
		assert_memory_equal(name, "\006office", 7);
		assert_int_equal(m.len, 20 + 8 + 1 + 4 + 7);
		assert_int_equal(m.records, 1);
	}
	/* What does not fit is not begun. */
	ipfix_begin(&m);
	while (ipfix_add_exhausted(&m, &e, 0)) {
	}
	assert_in_range(m.len, IPFIX_MESSAGE_MAX - 19, IPFIX_MESSAGE_MAX);
}

static void
end_reasons(void **state)
{
	static const struct {
		enum traffic_log_end end;
		unsigned int reason;
	} rows[] = { { TRAFFIC_LOG_END_IDLE, 1 }, { TRAFFIC_LOG_END_CLOSED, 3 },
		{ TRAFFIC_LOG_END_FORCED, 4 } };
	struct ipfix_message m;

	(void)state;
	ipfix_templates(&m);
	ipfix_finish(&m, 0, 0, 0);
	read_templates(&m);
	for (size_t i = 0; i < RTE_DIM(rows); i++) {
		struct traffic_log_record r = a_record(TRAFFIC_LOG_DELETE, 4);

		r.end = (uint8_t)rows[i].end;
		ipfix_begin(&m);
		assert_true(ipfix_add(&m, &r, &at_noon));
		assert_int_equal(value(m.data + 20, get(m.data + 16, 2), 136), rows[i].reason);
	}
}

static void
a_message_is_filled_and_never_more(void **state)
{
	struct traffic_log_record r[2] = { a_record(TRAFFIC_LOG_DELETE, 6),
		a_record(TRAFFIC_LOG_CREATE, 4) };
	struct ipfix_message m;
	uint32_t n = 0;

	(void)state;
	ipfix_begin(&m);
	while (ipfix_add(&m, &r[n / 3 & 1], &at_noon)) /* sets of three */
		n++;
	ipfix_finish(&m, 0, 0, 0);
	assert_int_equal(m.records, n);
	assert_in_range(n, 12, 40);
	assert_in_range(m.len, IPFIX_MESSAGE_MAX - 120, IPFIX_MESSAGE_MAX);
	/* The sets fill the message exactly. */
	size_t at = 16;

	while (at < m.len)
		at += get(m.data + at + 2, 2);
	assert_int_equal(at, m.len);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(records_read_as_their_templates_say),
		cmocka_unit_test(RFC8158_translated_sessions_say_what_they_are_outside),
		cmocka_unit_test(RFC8158_exhausted_groups_have_an_event),
		cmocka_unit_test(end_reasons),
		cmocka_unit_test(a_message_is_filled_and_never_more),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
