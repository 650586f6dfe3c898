/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * wire_samples FILE: writes a capture with each HA message and each record, made by the code that
 * makes them in the product, and prints what a dissector must find in it: number of the frame,
 * field, value.  tests/support/dissect.py compares.
 */
#include "alg_record.h"
#include "blacklist_record.h"
#include "hrp_frame.h"
#include "hrp_stream.h"
#include "hrp_trailer.h"
#include "servermap_record.h"
#include "session_record.h"
#include "vgmp.h"

#include <rte_byteorder.h>

#include <netinet/in.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define FRAME_MAX 1500
#define HELLO_MS  100
#define NOW_S	  5000
#define LIFE	  0x1122334455667788u

static FILE *capture;
static unsigned int frames;
static struct hrp_trailer *trailer;
static bool udp;
static uint64_t sequence[2];
static uint32_t epoch = 9;

/* ---- what is written and printed ---- */

static void
write_frame(const uint8_t *frame, uint32_t len)
{
	const uint32_t head[4] = { frames, 0, len, len }; /* s, us, of it here, of it there */

	if (fwrite(head, sizeof(head), 1, capture) != 1 || fwrite(frame, len, 1, capture) != 1) {
		perror("capture");
		exit(2);
	}
	frames++;
}

/* Of the last frame. */
static void __attribute__((format(printf, 2, 3))) expect(const char *field, const char *fmt, ...)
{
	va_list args;

	printf("%u\t%s\t", frames, field);
	va_start(args, fmt);
	vprintf(fmt, args);
	va_end(args);
	putchar('\n');
}

/* A finished message without trailer goes on the wire. */
static void
put(const uint8_t *message, uint16_t len, bool data)
{
	const struct hrp_frame_end end = { .address = RTE_BE32(0x0a0a0001),
		.remote = udp ? RTE_BE32(0x0a0a0002) : 0,
		.prefix_len = 24,
		.mac = { { 2, 0, 0, 0, 0, 1 } },
		.next_hop = { { 2, 0, 0, 0, 0, 2 } } };
	const uint16_t head = hrp_frame_overhead(&end);
	uint8_t frame[FRAME_MAX + 200] = { 0 };
	const uint16_t whole = hrp_trailer_seal(trailer, message, len, data, epoch, frame + head);

	if (whole == 0)
		exit(2);
	hrp_frame_write(frame, whole, &end, 7);
	write_frame(frame, (uint32_t)head + whole);
	expect("twinwall.checksum_good", "1");
	expect("twinwall.interval", "1");
	expect("twinwall.trailer.life", "0x%016llx", (unsigned long long)LIFE);
	expect("twinwall.trailer.boot", "77");
	expect("twinwall.trailer.epoch", "%u", epoch);
	expect("twinwall.trailer.data", "%d", data);
	expect("twinwall.trailer.sequence", "%llu", (unsigned long long)++sequence[data]);
}

/* ---- messages without numbers ---- */

static void
probe(uint8_t flags)
{
	const struct ha_probe p = { .flags = flags,
		.slot = 3,
		.hello_ms = RTE_BE16(HELLO_MS),
		.address = RTE_BE32(0x0a0a0001),
		.sequence = RTE_BE32(4000000001u),
		.echo = RTE_BE32(12),
		.clock_ms = RTE_BE32(34),
		.name_crc = RTE_BE32(0xdeadbeef) };
	uint8_t m[sizeof(struct ha_vrrp) + sizeof(p)];

	memcpy(m + sizeof(struct ha_vrrp), &p, sizeof(p));
	ha_finish(m, sizeof(m), HA_PROBE, HELLO_MS);
	put(m, sizeof(m), false);
	expect("twinwall.type2", "1");
	expect("twinwall.probe.flags", "0x%02x", flags);
	expect("twinwall.probe.heard", "%d", (flags & HA_PROBE_HEARD) != 0);
	expect("twinwall.probe.udp", "%d", (flags & HA_PROBE_UDP) != 0);
	expect("twinwall.probe.answer", "%d", (flags & HA_PROBE_ANSWER) != 0);
	expect("twinwall.probe.slot", "3");
	expect("twinwall.probe.hello_ms", "%d", HELLO_MS);
	expect("twinwall.probe.address", "10.10.0.1");
	expect("twinwall.probe.sequence", "4000000001");
	expect("twinwall.probe.echo", "12");
	expect("twinwall.probe.clock_ms", "34");
	expect("twinwall.probe.name_crc", "0xdeadbeef");
}

static void
hello(enum ha_vtype type, enum ha_mode mode)
{
	const struct ha_vgmp g = { .vtype = (uint8_t)type,
		.mode = (uint8_t)mode,
		.group = 2,
		.state = VGMP_STANDBY_TO_ACTIVE,
		.priority = RTE_BE32(65001),
		.request_id = RTE_BE16(513),
		.op = HA_OP_LET_ME_ACTIVE,
		.result = HA_RESULT_NO_SWITCH,
		.members = RTE_BE16(6),
		.failed = RTE_BE16(1) };
	const struct hrp_hello h = { .epoch = RTE_BE32(21),
		.config_role = 2,
		.flags = HRP_HELLO_LEAVING | HRP_HELLO_PREEMPT,
		.hello_ms = RTE_BE16(HELLO_MS),
		.sessions = RTE_BE32(1234567),
		.config_generation = RTE_BE32(8),
		.config_digest = { 1, 2, 3, 4, 5, 6, 7, 8 } };
	uint8_t m[sizeof(struct ha_vrrp) + sizeof(g) + sizeof(h)];
	const uint16_t len = (uint16_t)(sizeof(m) - (type == HA_HRP_HELLO ? 0 : sizeof(h)));

	memcpy(m + sizeof(struct ha_vrrp), &g, sizeof(g));
	memcpy(m + sizeof(struct ha_vrrp) + sizeof(g), &h, sizeof(h));
	ha_finish(m, len, HA_VGMP, HELLO_MS);
	if (ha_check(m, len) != HA_OK)
		exit(2);
	put(m, len, false);
	expect("twinwall.type2", "2");
	expect("twinwall.vtype", "%d", type);
	expect("twinwall.mode", "%d", mode);
	expect("twinwall.group", "2");
	expect("twinwall.state", "%d", VGMP_STANDBY_TO_ACTIVE);
	expect("twinwall.priority", "65001");
	if (mode != HA_ANNOUNCE)
		expect("twinwall.request_id", "513");
	else if (type == HA_HRP_HELLO)
		expect("twinwall.mark", "0x0201");
	else
		expect("twinwall.patience_ms", "5130");
	expect("twinwall.vgmp_op", "2");
	expect("twinwall.result", "2");
	expect("twinwall.members", "6");
	expect("twinwall.failed", "1");
	if (type != HA_HRP_HELLO)
		return;
	expect("twinwall.hello.epoch", "21");
	expect("twinwall.hello.config_role", "2");
	expect("twinwall.hello.flags", "0x41");
	expect("twinwall.hello.hello_ms", "%d", HELLO_MS);
	expect("twinwall.hello.sessions", "1234567");
	expect("twinwall.hello.config_generation", "8");
	expect("twinwall.hello.config_digest", "0102030405060708");
}

/* A piece of a document. */
static void
config(void)
{
	static const char text[] = "zones = ( );\n";
	const struct ha_vgmp g = { .vtype = HA_HRP_DATA, .group = 1 };
	const struct hrp_config c = { .kind = HRP_CONFIG_CHUNK,
		.role = HRP_CONFIG_MASTER,
		.flags = HRP_HELLO_AUTO_CONFIG,
		.result = HRP_CONFIG_REFUSED,
		.transfer = RTE_BE32(0xcafe0001),
		.generation = RTE_BE32(9),
		.digest = { 8, 7, 6, 5, 4, 3, 2, 1 },
		.size = RTE_BE32(70000),
		.offset = RTE_BE32(400) };
	const struct hrp_header h = { .source_module = RTE_BE16(HRP_MODULE_CONFIG),
		.dest_module = RTE_BE16(HRP_MODULE_CONFIG),
		.op = HRP_OP_COMMAND,
		.fragments = RTE_BE16(1),
		.length = RTE_BE32(sizeof(c) + sizeof(text) - 1) };
	uint8_t m[HRP_CONFIG_OVERHEAD + sizeof(text) - 1];
	uint8_t *at = m + sizeof(struct ha_vrrp);

	memcpy(at, &g, sizeof(g));
	at += sizeof(g);
	memcpy(at, &h, sizeof(h));
	at += sizeof(h);
	memcpy(at, &c, sizeof(c));
	memcpy(at + sizeof(c), text, sizeof(text) - 1);
	ha_finish(m, sizeof(m), HA_VGMP, HELLO_MS);
	put(m, sizeof(m), true);
	expect("twinwall.module", "1");
	expect("twinwall.op", "3");
	expect("twinwall.config.kind", "2");
	expect("twinwall.config.role", "1");
	expect("twinwall.config.flags", "0x04");
	expect("twinwall.config.result", "2");
	expect("twinwall.config.transfer", "0xcafe0001");
	expect("twinwall.config.generation", "9");
	expect("twinwall.config.digest", "0807060504030201");
	expect("twinwall.config.size", "70000");
	expect("twinwall.config.offset", "400");
}

/* ---- streams ---- */

struct end {
	struct hrp_stream *stream, *peer;
};
static struct end ends[2];
static mono_t now = { .ns = NOW_S * NS_PER_SEC };

static bool
send_data(void *ctx, const uint8_t *message, uint16_t len)
{
	struct end *const e = ctx;
	struct hrp_header h;
	struct hrp_stream_head s;

	put(message, len, true);
	memcpy(&h, message + sizeof(struct ha_vrrp) + sizeof(struct ha_vgmp), sizeof(h));
	memcpy(&s, message + HRP_STREAM_OVERHEAD - sizeof(s), sizeof(s));
	expect("twinwall.vtype", "3");
	expect("twinwall.module", "%u", rte_be_to_cpu_16(h.dest_module));
	expect("twinwall.op", "%u", h.op);
	expect("twinwall.records", "%u", rte_be_to_cpu_16(h.records));
	expect("twinwall.sequence", "%u", rte_be_to_cpu_32(h.sequence));
	expect("twinwall.length", "%u", rte_be_to_cpu_32(h.length));
	expect("twinwall.stream", "0x%08x", rte_be_to_cpu_32(s.stream));
	expect("twinwall.first", "%u", rte_be_to_cpu_32(s.first));
	hrp_stream_receive(e->peer, message, len, now);
	return true;
}

static bool
deliver(void *ctx, const uint8_t *message, uint16_t len, mono_t t)
{
	(void)ctx;
	(void)message;
	(void)len;
	(void)t;
	return true;
}

static void
expect_bulk(void)
{
	expect("twinwall.round", "5");
	expect("twinwall.capacity", "4096");
	expect("twinwall.count", "17");
	expect("twinwall.tables", "0x2004");
	expect("twinwall.digest", "0x00000000deadbeef");
}

static const struct hrp_bulk bulk = { .round = RTE_BE32(5),
	.capacity = RTE_BE32(4096),
	.count = RTE_BE32(17),
	.tables = RTE_BE16(0x2004),
	.digest = RTE_BE64(0xdeadbeef) };

static void
opened(void *ctx, uint16_t tables, mono_t t)
{
	struct end *const e = ctx;

	(void)tables;
	hrp_stream_bulk(e->stream, HRP_MODULE_SESSION, HRP_OP_BULK_BEGIN, &bulk, t);
}

static void
result(void *ctx, const struct hrp_bulk *b, mono_t t)
{
	(void)ctx;
	(void)b;
	(void)t;
}

static void
checked(void *ctx, uint16_t module, const struct hrp_part *p, mono_t t)
{
	(void)ctx;
	(void)module;
	(void)p;
	(void)t;
}

/* One record, in a frame of its own. */
static void
put_record(uint16_t module, const void *record, uint8_t len)
{
	const struct hrp_record *const head = record;
	uint8_t *const room = hrp_stream_reserve(ends[0].stream, module, len, now);

	if (room == NULL)
		exit(2);
	memcpy(room, record, len);
	hrp_stream_commit(ends[0].stream, len);
	hrp_stream_flush(ends[0].stream, now);
	expect("twinwall.record", "%u", head->type);
	expect("twinwall.record.length", "%u", len);
	expect("twinwall.record.generation", "%u", rte_be_to_cpu_16(head->generation));
	expect("twinwall.record.index", "%u", rte_be_to_cpu_32(head->index));
}

static void
put_session(unsigned int family, bool translated)
{
	static const uint8_t a[16] = { 0x20, 1, 0xd, 0xb8, [15] = 1 };
	static const uint8_t b[16] = { 0x20, 1, 0xd, 0xb8, [15] = 2 };
	static struct session s;
	struct session_outside outside = { .note = 0xaa55, .inbound = 0x55aa };
	union session_walk_key key;
	union hrp_record_session r;
	uint8_t swap, len;
	uint32_t ctl;

	memset(&key, 0, sizeof(key));
	swap = family == 6 ? session_key6_make(
				     &key.v6, a, b, RTE_BE16(1025), RTE_BE16(443), IPPROTO_TCP)
			   : session_key4_make(&key.v4, RTE_BE32(0x0a01010a), RTE_BE32(0xc801010a),
				     RTE_BE16(1025), RTE_BE16(443), IPPROTO_TCP);
	outside.swap = session_key4_make(&outside.key, RTE_BE32(0xcb007101), RTE_BE32(0xc801010b),
		RTE_BE16(2048), RTE_BE16(8443), IPPROTO_TCP);
	ctl = session_kind((uint8_t)family, IPPROTO_TCP, swap) | SESSION_TCP_ESTABLISHED |
	      SESSION_F_FIN0 | SESSION_F_EXPECTED;
	atomic_store(&s.ctl, ctl);
	atomic_store(&s.last_seen, NOW_S - 3);
	s.created = NOW_S - 60;
	s.policy = 0x1234;
	s.zone[0] = 2;
	s.zone[1] = 4;
	for (uint32_t d = 0; d < 2; d++) {
		s.dir[d].tcp_end = 1000 + d;
		s.dir[d].tcp_max_end = 70000 + d;
		s.dir[d].tcp_max_win = 65535 << d;
		s.dir[d].tcp_wscale = (uint8_t)(7 + d);
	}
	len = session_record_pack(
		&s, &key, translated ? &outside : NULL, 123456, 77, ctl, NOW_S, &r);
	put_record(HRP_MODULE_SESSION, &r, len);
	expect("twinwall.session.protocol", "6");
	expect("twinwall.session.state", "%d", SESSION_TCP_ESTABLISHED);
	expect("twinwall.session.flags", "0x%04x", HRP_SESSION_FIN0 | HRP_SESSION_EXPECTED);
	expect("twinwall.session.zone", "2,4");
	expect("twinwall.session.wscale", "7,8");
	if (family == 6)
		expect("twinwall.session.address6", "2001:db8::1,2001:db8::2");
	else
		expect("twinwall.session.address", "10.1.1.10,200.1.1.10");
	expect("twinwall.session.port", "1025,443");
	expect("twinwall.session.policy", "0x00001234");
	expect("twinwall.session.idle", "3");
	expect("twinwall.session.age", "60");
	expect("twinwall.session.end", "1000,1001");
	expect("twinwall.session.max_end", "70000,70001");
	expect("twinwall.session.max_win", "65535,131070");
	if (!translated)
		return;
	expect("twinwall.session.outside", "203.0.113.1,200.1.1.11");
	expect("twinwall.session.outside_port", "2048,8443");
	expect("twinwall.session.address_group", "0x0000aa55,0x000055aa");
}

static void
put_algs(void)
{
	const struct alg_kept kept = { .id = ALG_FTP,
		.has_stream = true,
		.stream = { .lines = { { .next = 1000, .on = true, .known = true },
				    { .next = 2000, .on = true } },
			.seq = { { .shift = 5, .floor = 900, .has_floor = true },
				{ .shift = (uint32_t)-3 } } } };
	const struct alg_seq_kept_edit edit = {
		.seq = 1500, .shift = (uint32_t)-2, .was = 6, .is = 9, .text = "PORT 1,2\n"
	};
	uint8_t bytes[ALG_RECORD_MAX];
	struct hrp_record_alg r;

	put_record(HRP_MODULE_SESSION, &r, alg_record_pack(&kept, 123456, 77, &r));
	expect("twinwall.alg.alg", "%d", ALG_FTP);
	expect("twinwall.alg.flags", "0x%02x",
		HRP_ALG_STREAM | HRP_ALG_ON0 | HRP_ALG_ON0 << 1 | HRP_ALG_KNOWN0 | HRP_ALG_FLOOR0);
	expect("twinwall.alg.next", "1000,2000");
	expect("twinwall.alg.shift", "5,-3");
	expect("twinwall.alg.floor", "900,0");
	put_record(HRP_MODULE_SESSION, bytes, alg_record_pack_edit(&edit, 1, 123456, 77, bytes));
	expect("twinwall.edit.direction", "1");
	expect("twinwall.edit.was", "6");
	expect("twinwall.edit.begin", "1500");
	expect("twinwall.edit.shift", "-2");
	expect("twinwall.edit.text", "PORT 1,2\\n");
}

static void
put_servermap(void)
{
	const struct servermap_entry e = { .key = { .dst = ip_addr_v4(RTE_BE32(0xcb007101)),
						   .dport = RTE_BE16(5001),
						   .proto = IPPROTO_TCP },
		.src = ip_addr_v4(RTE_BE32(0xc801010a)),
		.to = ip_addr_v4(RTE_BE32(0x0a01010a)),
		.to_port = RTE_BE16(5002),
		.type = SERVERMAP_FULL_CONE,
		.alg = ALG_FTP,
		.child_alg = ALG_SIP,
		.zone = 4,
		.uses = 2,
		.policy = 0x77,
		.parent = 99,
		.parent_generation = 3,
		.call = 6,
		.until = mono_add_ms(now, 30000) };
	struct hrp_record_servermap r;

	servermap_record_pack(&e, 31, 4, 0x99, now, &r);
	put_record(HRP_MODULE_SERVERMAP, &r, sizeof(r));
	expect("twinwall.servermap.kind", "%d", SERVERMAP_FULL_CONE);
	expect("twinwall.alg.alg", "%d", ALG_FTP);
	expect("twinwall.servermap.child_alg", "%d", ALG_SIP);
	expect("twinwall.servermap.zone", "4");
	expect("twinwall.servermap.protocol", "6");
	expect("twinwall.servermap.family", "4");
	expect("twinwall.servermap.given", "0x%02x", HRP_SERVERMAP_SRC | HRP_SERVERMAP_TO);
	expect("twinwall.servermap.uses", "2");
	expect("twinwall.servermap.parent_generation", "3");
	expect("twinwall.servermap.port", "5001");
	expect("twinwall.servermap.to_port", "5002");
	expect("twinwall.servermap.left_ms", "30000");
	expect("twinwall.session.policy", "0x00000077");
	expect("twinwall.session.address_group", "0x00000099");
	expect("twinwall.servermap.parent", "99");
	expect("twinwall.servermap.call", "6");
	expect("twinwall.session.address", "203.0.113.1,200.1.1.10,10.1.1.10,0.0.0.0");
}

static void
put_blacklists(void)
{
	static const uint8_t net6[16] = { 0x20, 1, 0xd, 0xb8, 0, 7 };
	struct blacklist_entry e = { .prefix = ip_addr_v4(RTE_BE32(0xcb007100)),
		.len = 24,
		.side = BLACKLIST_DESTINATION,
		.origin = BLACKLIST_SCAN,
		.generation = 5,
		.until = mono_add_ms(now, 60000) };
	struct hrp_record_blacklist r;

	for (unsigned int i = 0; i < 2; i++) {
		blacklist_record_pack(&e, 12, now, &r);
		put_record(HRP_MODULE_BLACKLIST, &r, sizeof(r));
		expect("twinwall.blacklist.direction", "1");
		expect("twinwall.blacklist.origin", "%d", BLACKLIST_SCAN);
		expect("twinwall.blacklist.family", "%u", e.prefix.family);
		expect("twinwall.blacklist.prefix", "%u", e.len);
		expect("twinwall.blacklist.left_ms", "60000");
		if (i == 0)
			expect("twinwall.session.address", "203.0.113.0");
		else
			expect("twinwall.session.address6", "2001:db8:7::");
		e.prefix = ip_addr_v6(net6);
		e.len = 48;
	}
}

static void
expect_part(uint8_t op)
{
	expect("twinwall.op", "%u", op);
	expect("twinwall.first_place", "512");
	expect("twinwall.places", "256");
	expect("twinwall.count", "18");
	expect("twinwall.number", "44");
	expect("twinwall.digest", "0x00000000feedbeef");
	expect("twinwall.content", "0x0000000000c0ffee");
}

static void
put_parts(void)
{
	static const enum hrp_op ops[] = { HRP_OP_CHECK, HRP_OP_PART_BEGIN, HRP_OP_PART_END };
	const struct hrp_part part = { .first = RTE_BE32(512),
		.places = RTE_BE32(256),
		.count = RTE_BE32(18),
		.number = RTE_BE32(44),
		.digest = RTE_BE64(0xfeedbeef),
		.content = RTE_BE64(0xc0ffee) };

	/* An acknowledgement between two samples would be taken for the second. */
	now = mono_add_ms(now, 1);
	hrp_stream_poll(ends[1].stream, now);
	for (unsigned int i = 0; i < sizeof(ops) / sizeof(ops[0]); i++) {
		hrp_stream_part(ends[0].stream, HRP_MODULE_BLACKLIST, ops[i], &part, now);
		expect_part((uint8_t)ops[i]);
	}
	hrp_stream_checked(ends[1].stream, HRP_MODULE_BLACKLIST, &part);
	expect_part(HRP_OP_CHECKED);
}

static void
put_streams(void)
{
	struct hrp_record other = { HRP_RECORD_DELETE, sizeof(other), RTE_BE16(9), RTE_BE32(8) };
	uint8_t later[12] = { 200, sizeof(later), 0, 1, 0, 0, 0, 2, 0xca, 0xfe, 0xba, 0xbe };

	for (unsigned int i = 0; i < 2; i++) {
		ends[i].stream =
			hrp_stream_create(&(struct hrp_stream_params){ .frame_max = FRAME_MAX,
				.hello_ms = HELLO_MS,
				.seed = i + 1,
				.tables = HRP_TABLE(HRP_MODULE_SERVERMAP) | HRP_TAKES_PARTS |
					  1 << HRP_NAT_HALF_SHIFT,
				.send_ctx = &ends[i],
				.send = send_data,
				.ctx = &ends[i],
				.deliver = deliver,
				.opened = opened,
				.result = result,
				.checked = checked });
		if (ends[i].stream == NULL)
			exit(2);
	}
	ends[0].peer = ends[1].stream;
	ends[1].peer = ends[0].stream;
	hrp_stream_listen(ends[1].stream, true, now);
	hrp_stream_poll(ends[1].stream, now); /* asks */
	expect("twinwall.op", "7");
	expect("twinwall.reason", "1");
	expect("twinwall.longest", "1496"); /* rounded down */
	expect("twinwall.tables", "0x9004");
	expect("twinwall.half", "1");
	expect("twinwall.parts", "1");
	expect("twinwall.all_parts", "0");
	hrp_stream_offer(ends[0].stream, true, now);
	expect("twinwall.op", "4");
	expect_bulk();
	expect("twinwall.half", "2");
	put_session(4, false);
	put_session(4, true);
	put_session(6, false);
	put_session(6, true);
	put_algs();
	put_servermap();
	put_blacklists();
	put_parts();
	put_record(HRP_MODULE_SERVERMAP, &other, sizeof(other));
	put_record(HRP_MODULE_SESSION, later, sizeof(later));
	expect("twinwall.record.unknown", "cafebabe");
	hrp_stream_bulk(ends[0].stream, HRP_MODULE_SESSION, HRP_OP_BULK_END, &bulk, now);
	expect_bulk();
	hrp_stream_result(ends[1].stream, HRP_MODULE_SESSION, &bulk);
	expect_bulk();
	now = mono_add_ms(now, 2 * HELLO_MS);
	hrp_stream_poll(ends[1].stream, now);
	expect("twinwall.op", "6");
	expect("twinwall.bitmap", "%064d", 0);
	hrp_stream_destroy(ends[0].stream);
	hrp_stream_destroy(ends[1].stream);
}

static void
seal_with(enum ha_algorithm algorithm)
{
	struct hrp_security security = { .algorithm = algorithm };
	char err[128];

	if (algorithm != HA_ALGORITHM_NONE) {
		security.key_count = 1;
		security.keys[0] = (struct hrp_key){ .id = 3, .len = HRP_SECRET_MIN };
	}
	hrp_trailer_destroy(trailer);
	sequence[0] = sequence[1] = 0;
	trailer = hrp_trailer_create(&security, LIFE, 77, err, sizeof(err));
	if (trailer == NULL)
		exit(2);
}

int
main(int argc, char **argv)
{
	/* magic, version 2.4, zone, accuracy, snap length, Ethernet */
	static const uint32_t head[6] = { 0xa1b2c3d4, 0x00040002, 0, 0, 65535, 1 };

	if (argc != 2 || (capture = fopen(argv[1], "wb")) == NULL ||
		fwrite(head, sizeof(head), 1, capture) != 1) {
		fprintf(stderr, "usage: wire_samples FILE\n");
		return 2;
	}
	seal_with(HA_ALGORITHM_NONE);
	probe(HA_PROBE_HEARD | HA_PROBE_ANSWER);
	expect("twinwall.trailer.version", "%d", HA_VERSION);
	expect("twinwall.trailer.algorithm", "0");
	expect("twinwall.trailer.magic", "HRP1");
	for (enum ha_mode mode = HA_ANNOUNCE; mode <= HA_REQUEST; mode++) {
		hello(HA_VGMP_HELLO, mode);
		hello(HA_HRP_HELLO, mode);
	}
	config();
	put_streams();
	udp = true;
	probe(HA_PROBE_UDP);
	expect("udp.dstport", "18514");
	hello(HA_HRP_HELLO, HA_REQUEST);
	seal_with(HA_ALGORITHM_HMAC);
	hello(HA_VGMP_HELLO, HA_REQUEST);
	expect("twinwall.trailer.algorithm", "1");
	expect("twinwall.trailer.key", "3");
	return fclose(capture) == 0 ? 0 : 2;
}
