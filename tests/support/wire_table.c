/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Prints the places of all fields of HA messages, from the structures themselves, as the table that
 * docs/wire.md holds; --check PAGE compares, --write PAGE puts it there.
 */
#include "alg_session.h"
#include "hrp_frame.h"
#include "hrp_stream.h"
#include "hrp_wire.h"
#include "page.h"
#include "servermap.h"
#include "vgmp.h"

#include <rte_common.h>

#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

struct place {
	const char *field;
	size_t at, bytes;
};
#define AT(s, base, member)                                                                        \
	{                                                                                          \
#member, (base) + offsetof(struct s, member), sizeof(((struct s *)0)->member)      \
	}

struct layout {
	const char *name;
	size_t bytes; /* of all of it */
	const struct place *places;
	size_t count;
};
#define LAYOUT(text, size, list)                                                                   \
	{                                                                                          \
		text, size, list, RTE_DIM(list)                                                    \
	}

#define BODY sizeof(struct ha_vrrp)
#define HRP  (BODY + sizeof(struct ha_vgmp))
#define DATA (HRP + sizeof(struct hrp_header))

static const struct place head[] = { AT(ha_vrrp, 0, version_type), AT(ha_vrrp, 0, vrid),
	AT(ha_vrrp, 0, type2), AT(ha_vrrp, 0, count), AT(ha_vrrp, 0, auth_type),
	AT(ha_vrrp, 0, interval), AT(ha_vrrp, 0, checksum) };
static const struct place probe[] = { AT(ha_probe, BODY, flags), AT(ha_probe, BODY, slot),
	AT(ha_probe, BODY, hello_ms), AT(ha_probe, BODY, address), AT(ha_probe, BODY, sequence),
	AT(ha_probe, BODY, echo), AT(ha_probe, BODY, clock_ms), AT(ha_probe, BODY, name_crc) };
static const struct place vgmp[] = { AT(ha_vgmp, BODY, vtype), AT(ha_vgmp, BODY, mode),
	AT(ha_vgmp, BODY, group), AT(ha_vgmp, BODY, state), AT(ha_vgmp, BODY, priority),
	AT(ha_vgmp, BODY, request_id), AT(ha_vgmp, BODY, op), AT(ha_vgmp, BODY, result),
	AT(ha_vgmp, BODY, members), AT(ha_vgmp, BODY, failed) };
static const struct place hello[] = { AT(hrp_hello, HRP, epoch), AT(hrp_hello, HRP, config_role),
	AT(hrp_hello, HRP, flags), AT(hrp_hello, HRP, hello_ms), AT(hrp_hello, HRP, sessions),
	AT(hrp_hello, HRP, config_generation), AT(hrp_hello, HRP, config_digest) };
static const struct place data[] = { AT(hrp_header, HRP, source_module),
	AT(hrp_header, HRP, source_sub), AT(hrp_header, HRP, dest_module),
	AT(hrp_header, HRP, dest_sub), AT(hrp_header, HRP, op), AT(hrp_header, HRP, flags),
	AT(hrp_header, HRP, records), AT(hrp_header, HRP, sequence), AT(hrp_header, HRP, fragment),
	AT(hrp_header, HRP, fragments), AT(hrp_header, HRP, length),
	AT(hrp_stream_head, DATA, stream), AT(hrp_stream_head, DATA, first) };
static const struct place bulk[] = { AT(hrp_bulk, DATA, round), AT(hrp_bulk, DATA, capacity),
	AT(hrp_bulk, DATA, count), AT(hrp_bulk, DATA, tables), AT(hrp_bulk, DATA, digest) };
static const struct place nack[] = { AT(hrp_nack, DATA, reason), AT(hrp_nack, DATA, tables) };
static const struct place part[] = { AT(hrp_part, DATA, first), AT(hrp_part, DATA, places),
	AT(hrp_part, DATA, count), AT(hrp_part, DATA, number), AT(hrp_part, DATA, digest),
	AT(hrp_part, DATA, content) };
static const struct place config[] = { AT(hrp_config, DATA, kind), AT(hrp_config, DATA, role),
	AT(hrp_config, DATA, flags), AT(hrp_config, DATA, result), AT(hrp_config, DATA, transfer),
	AT(hrp_config, DATA, generation), AT(hrp_config, DATA, digest), AT(hrp_config, DATA, size),
	AT(hrp_config, DATA, offset) };
static const struct place trailer[] = { AT(ha_trailer, 0, magic), AT(ha_trailer, 0, version),
	AT(ha_trailer, 0, algorithm), AT(ha_trailer, 0, key_id), AT(ha_trailer, 0, life),
	AT(ha_trailer, 0, boot), AT(ha_trailer, 0, epoch), AT(ha_trailer, 0, sequence),
	AT(ha_trailer, 0, tag) };

static const struct place record[] = { AT(hrp_record, 0, type), AT(hrp_record, 0, length),
	AT(hrp_record, 0, generation), AT(hrp_record, 0, index) };
#define WHAT(s)                                                                                    \
	AT(s, 0, what.proto), AT(s, 0, what.state), AT(s, 0, what.flags), AT(s, 0, what.zone),     \
		AT(s, 0, what.wscale), AT(s, 0, src), AT(s, 0, dst), AT(s, 0, how.sport),          \
		AT(s, 0, how.dport), AT(s, 0, how.policy), AT(s, 0, how.idle_s),                   \
		AT(s, 0, how.age_s), AT(s, 0, how.dir[0].tcp_end),                                 \
		AT(s, 0, how.dir[0].tcp_max_end), AT(s, 0, how.dir[0].tcp_max_win),                \
		AT(s, 0, how.dir[1].tcp_end), AT(s, 0, how.dir[1].tcp_max_end),                    \
		AT(s, 0, how.dir[1].tcp_max_win)
#define OUTSIDE(s)                                                                                 \
	AT(s, 0, outside.src), AT(s, 0, outside.dst), AT(s, 0, outside.sport),                     \
		AT(s, 0, outside.dport), AT(s, 0, outside.group), AT(s, 0, outside.inbound)
static const struct place session4[] = { WHAT(hrp_record_session4) };
static const struct place session6[] = { WHAT(hrp_record_session6) };
static const struct place session4_nat[] = { OUTSIDE(hrp_record_session4_nat) };
static const struct place session6_nat[] = { OUTSIDE(hrp_record_session6_nat) };
static const struct place alg[] = { AT(hrp_record_alg, 0, alg), AT(hrp_record_alg, 0, flags),
	AT(hrp_record_alg, 0, dir[0].next), AT(hrp_record_alg, 0, dir[0].shift),
	AT(hrp_record_alg, 0, dir[0].floor), AT(hrp_record_alg, 0, dir[1].next),
	AT(hrp_record_alg, 0, dir[1].shift), AT(hrp_record_alg, 0, dir[1].floor) };
static const struct place edit[] = { AT(hrp_record_alg_edit, 0, dir),
	AT(hrp_record_alg_edit, 0, was), AT(hrp_record_alg_edit, 0, seq),
	AT(hrp_record_alg_edit, 0, shift) };
#define MAP(member) AT(hrp_record_servermap, 0, member)
static const struct place servermap[] = { MAP(kind), MAP(alg), MAP(child_alg), MAP(zone),
	MAP(proto), MAP(family), MAP(given), MAP(uses), MAP(parent_generation), MAP(dport),
	MAP(to_port), MAP(left_ms), MAP(policy), MAP(group), MAP(parent), MAP(call), MAP(dst),
	MAP(src), MAP(to), MAP(from) };

#define LISTED(member) AT(hrp_record_blacklist, 0, member)
static const struct place blacklist[] = { LISTED(side), LISTED(origin), LISTED(family), LISTED(len),
	LISTED(left_ms), LISTED(prefix) };

static const struct layout layouts[] = {
	LAYOUT("every message, Type2 1 probe, 2 VGMP, 5 check", sizeof(struct ha_vrrp), head),
	LAYOUT("link probe", BODY + sizeof(struct ha_probe), probe),
	LAYOUT("VGMP header", HRP, vgmp),
	LAYOUT("HRP hello", HRP + sizeof(struct hrp_hello), hello),
	LAYOUT("HRP data", HRP_STREAM_OVERHEAD, data),
	LAYOUT("BULK BEGIN, BULK END, RESULT", DATA + sizeof(struct hrp_bulk), bulk),
	LAYOUT("CHECK, PART BEGIN, PART END, CHECKED", DATA + sizeof(struct hrp_part), part),
	LAYOUT("NACK", DATA + sizeof(struct hrp_nack), nack),
	LAYOUT("CONFIG, and text", HRP_CONFIG_OVERHEAD, config),
	LAYOUT("trailer, from its beginning", sizeof(struct ha_trailer), trailer),
	LAYOUT("record, from its beginning", sizeof(struct hrp_record), record),
	LAYOUT("SESSION4", sizeof(struct hrp_record_session4), session4),
	LAYOUT("SESSION6", sizeof(struct hrp_record_session6), session6),
	LAYOUT("SESSION4_NAT, behind that of SESSION4", sizeof(struct hrp_record_session4_nat),
		session4_nat),
	LAYOUT("SESSION6_NAT, behind that of SESSION6", sizeof(struct hrp_record_session6_nat),
		session6_nat),
	LAYOUT("ALG", sizeof(struct hrp_record_alg), alg),
	LAYOUT("ALG_EDIT, and text", sizeof(struct hrp_record_alg_edit), edit),
	LAYOUT("SERVERMAP", sizeof(struct hrp_record_servermap), servermap),
	LAYOUT("BLACKLIST", sizeof(struct hrp_record_blacklist), blacklist),
};

struct value {
	const char *name;
	unsigned int value;
};
#define VALUE(text, n)                                                                             \
	{                                                                                          \
		text, n                                                                            \
	}
static const struct value values[] = {
	VALUE("version and type", HA_VERSION_TYPE),
	VALUE("authentication type: a trailer", HA_AUTH_TRAILER),
	VALUE("Type2 link probe", HA_PROBE),
	VALUE("Type2 VGMP", HA_VGMP),
	VALUE("Type2 consistency check", HA_CHECK),
	VALUE("vType VGMP hello", HA_VGMP_HELLO),
	VALUE("vType HRP hello", HA_HRP_HELLO),
	VALUE("vType HRP data", HA_HRP_DATA),
	VALUE("op ADD", HRP_OP_ADD),
	VALUE("op COMMAND", HRP_OP_COMMAND),
	VALUE("op BULK BEGIN", HRP_OP_BULK_BEGIN),
	VALUE("op BULK END", HRP_OP_BULK_END),
	VALUE("op ACK", HRP_OP_ACK),
	VALUE("op NACK", HRP_OP_NACK),
	VALUE("op RESULT", HRP_OP_RESULT),
	VALUE("op CHECK", HRP_OP_CHECK),
	VALUE("op PART BEGIN", HRP_OP_PART_BEGIN),
	VALUE("op PART END", HRP_OP_PART_END),
	VALUE("op CHECKED", HRP_OP_CHECKED),
	VALUE("NACK RESYNC", HRP_NACK_RESYNC),
	VALUE("NACK UNKNOWN", HRP_NACK_UNKNOWN),
	VALUE("tables: it answers CHECK", HRP_TAKES_PARTS),
	VALUE("tables: of all tables", HRP_TAKES_ALL_PARTS),
	VALUE("tables: mask of its half of the NAT ports", HRP_NAT_HALF_MASK),
	VALUE("module CONFIG", HRP_MODULE_CONFIG),
	VALUE("CONFIG STATE", HRP_CONFIG_STATE),
	VALUE("CONFIG CHUNK", HRP_CONFIG_CHUNK),
	VALUE("CONFIG ACK", HRP_CONFIG_ACK),
	VALUE("CONFIG RESULT", HRP_CONFIG_RESULT),
	VALUE("module SESSION", HRP_MODULE_SESSION),
	VALUE("module SERVERMAP", HRP_MODULE_SERVERMAP),
	VALUE("module BLACKLIST", HRP_MODULE_BLACKLIST),
	VALUE("record SESSION4", HRP_RECORD_SESSION4),
	VALUE("record DELETE", HRP_RECORD_DELETE),
	VALUE("record SESSION6", HRP_RECORD_SESSION6),
	VALUE("record SESSION4_NAT", HRP_RECORD_SESSION4_NAT),
	VALUE("record SESSION6_NAT", HRP_RECORD_SESSION6_NAT),
	VALUE("record ALG", HRP_RECORD_ALG),
	VALUE("record ALG_EDIT", HRP_RECORD_ALG_EDIT),
	VALUE("record SERVERMAP", HRP_RECORD_SERVERMAP),
	VALUE("record BLACKLIST", HRP_RECORD_BLACKLIST),
	VALUE("state Initialize", VGMP_INITIALIZE),
	VALUE("state Active", VGMP_ACTIVE),
	VALUE("state Standby", VGMP_STANDBY),
	VALUE("state ActiveToStandby", VGMP_ACTIVE_TO_STANDBY),
	VALUE("state StandbyToActive", VGMP_STANDBY_TO_ACTIVE),
	VALUE("ALG FTP", ALG_FTP),
	VALUE("ALG TFTP", ALG_TFTP),
	VALUE("ALG SIP", ALG_SIP),
	VALUE("ALG RTSP", ALG_RTSP),
	VALUE("ALG PPTP", ALG_PPTP),
	VALUE("window, frames", HRP_STREAM_WINDOW),
	VALUE("trailer's version", HA_VERSION),
	VALUE("algorithm HMAC-SHA-256", HA_ALGORITHM_HMAC),
	VALUE("algorithm AES-256-GCM", HA_ALGORITHM_GCM),
};

static char text[1 << 15];

static void __attribute__((format(printf, 1, 2))) say(const char *fmt, ...)
{
	const size_t len = strlen(text);
	va_list args;

	va_start(args, fmt);
	vsnprintf(text + len, sizeof(text) - len, fmt, args);
	va_end(args);
}

int
main(int argc, char **argv)
{
	say("| Layout | Bytes | Fields: offset, bytes |\n|---|---|---|\n");
	for (size_t i = 0; i < RTE_DIM(layouts); i++) {
		const struct layout *const l = &layouts[i];

		say("| %s | %zu |", l->name, l->bytes);
		for (size_t k = 0; k < l->count; k++)
			say("%s `%s` %zu, %zu", k > 0 ? ";" : "", l->places[k].field,
				l->places[k].at, l->places[k].bytes);
		say(" |\n");
	}
	say("\n| Value | |\n|---|---|\n");
	for (size_t i = 0; i < RTE_DIM(values); i++)
		say("| %s | %u |\n", values[i].name, values[i].value);
	return page_main(argc, argv,
		&(struct page_part){ .begin = "<!-- wire_table: begin -->\n",
			.end = "<!-- wire_table: end -->",
			.text = text,
			.source = "ha/hrp_wire.h" });
}
