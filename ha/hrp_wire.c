/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * HA messages: the only code that trusts nothing about their bytes.  Pure functions, any thread.
 */
#include "hrp_wire.h"

#include "vgmp.h"

#include <rte_ip.h>

#include <string.h>

const char *const ha_refusal_names[HA_REFUSAL_COUNT] = { [HA_OK] = "none",
#define X(name, text) [HA_REFUSED_##name] = #name,
	HA_REFUSALS(X)
#undef X
};

const char *const ha_refusal_texts[HA_REFUSAL_COUNT] = { [HA_OK] = "accepted",
#define X(name, text) [HA_REFUSED_##name] = text,
	HA_REFUSALS(X)
#undef X
};

#define VGMP_END (sizeof(struct ha_vrrp) + sizeof(struct ha_vgmp))

/* 3.8, structure only: no field of a consistency check is used yet. */
struct check_head {
	uint8_t mode, status;
	rte_be16_t modules;
	rte_be32_t id;
};
#define CHECK_MODULE_BYTES 40

void
ha_finish(uint8_t *message, uint16_t len, enum ha_type2 type2, uint32_t hello_ms)
{
	const uint32_t seconds = (hello_ms + 999) / 1000;
	struct ha_vrrp v = {
		.version_type = HA_VERSION_TYPE,
		.type2 = (uint8_t)type2,
		.interval = seconds > UINT8_MAX ? UINT8_MAX : (uint8_t)seconds,
	};

	memcpy(message, &v, sizeof(v));
	v.checksum = (rte_be16_t)~rte_raw_cksum(message, len);
	memcpy(message, &v, sizeof(v));
}

/* What a text of a document, or a reason, is cut to; a document is none of ours to look into. */
static enum ha_refusal
check_config(const uint8_t *body, uint16_t len)
{
	const size_t head = sizeof(struct hrp_header) + sizeof(struct hrp_config);
	struct hrp_config c;

	if (len < head)
		return HA_REFUSED_short;
	memcpy(&c, body + sizeof(struct hrp_header), sizeof(c));
	const uint32_t size = rte_be_to_cpu_32(c.size), offset = rte_be_to_cpu_32(c.offset);
	const uint32_t text = (uint32_t)(len - head);

	if (c.kind < HRP_CONFIG_STATE || c.kind > HRP_CONFIG_RESULT ||
		c.role > HRP_CONFIG_STANDBY || c.result > HRP_CONFIG_REFUSED ||
		size > HRP_CONFIG_SIZE_MAX || text > HRP_CONFIG_CHUNK_MAX)
		return HA_REFUSED_field;
	if (c.kind == HRP_CONFIG_CHUNK)
		return offset > size || text > size - offset ? HA_REFUSED_field : HA_OK;
	return c.kind != HRP_CONFIG_RESULT && text != 0 ? HA_REFUSED_field : HA_OK;
}

static enum ha_refusal
check_hrp(const uint8_t *body, uint16_t len)
{
	struct hrp_header h;
	uint16_t need;

	if (len < sizeof(h) + sizeof(struct hrp_stream_head))
		return HA_REFUSED_short;
	memcpy(&h, body, sizeof(h));
	if (rte_be_to_cpu_32(h.length) != len - sizeof(h))
		return HA_REFUSED_field;
	if (rte_be_to_cpu_16(h.fragment) != 0 || rte_be_to_cpu_16(h.fragments) != 1)
		return HA_REFUSED_field;
	const uint16_t module = rte_be_to_cpu_16(h.dest_module);
	if (module == 0 || module > HRP_MODULE_LAST)
		return HA_REFUSED_module;

	if ((h.op == HRP_OP_COMMAND) != (module == HRP_MODULE_CONFIG))
		return HA_REFUSED_field;

	switch (h.op) {
	case HRP_OP_COMMAND:
		return check_config(body, len);
	case HRP_OP_ADD:
		/* Records are checked one by one, with their table's rules (repl.h). */
		need = sizeof(struct hrp_stream_head);
		break;
	case HRP_OP_BULK_BEGIN:
	case HRP_OP_BULK_END:
	case HRP_OP_RESULT:
		need = sizeof(struct hrp_bulk);
		break;
	case HRP_OP_CHECK:
	case HRP_OP_PART_BEGIN:
	case HRP_OP_PART_END:
	case HRP_OP_CHECKED:
		need = sizeof(struct hrp_part);
		break;
	case HRP_OP_ACK:
		need = sizeof(struct hrp_stream_head) + HRP_STREAM_WINDOW / 8;
		break;
	case HRP_OP_NACK:
		need = sizeof(struct hrp_nack);
		break;
	default:
		return HA_REFUSED_field;
	}
	if (len < sizeof(h) + need)
		return HA_REFUSED_short;
	return h.op != HRP_OP_ADD && len != sizeof(h) + need ? HA_REFUSED_field : HA_OK;
}

static enum ha_refusal
check_vgmp(const uint8_t *message, uint16_t len)
{
	struct ha_vgmp g;
	struct hrp_hello hello;

	if (len < VGMP_END)
		return HA_REFUSED_short;
	memcpy(&g, message + sizeof(struct ha_vrrp), sizeof(g));
	if (g.vtype < HA_VGMP_HELLO || g.vtype > HA_HRP_DATA)
		return HA_REFUSED_vtype;
	if (g.mode > HA_REPLY || g.group < 1 || g.group > 2 || g.state >= VGMP_STATES ||
		g.op > HA_OP_LET_ME_ACTIVE || g.result > HA_RESULT_NO_SWITCH ||
		rte_be_to_cpu_16(g.failed) > rte_be_to_cpu_16(g.members))
		return HA_REFUSED_field;

	switch (g.vtype) {
	case HA_VGMP_HELLO:
		return len == VGMP_END ? HA_OK : HA_REFUSED_field;
	case HA_HRP_HELLO:
		if (len != VGMP_END + sizeof(hello))
			return len < VGMP_END + sizeof(hello) ? HA_REFUSED_short : HA_REFUSED_field;
		memcpy(&hello, message + VGMP_END, sizeof(hello));
		return hello.config_role <= 2 ? HA_OK : HA_REFUSED_field;
	default:
		return check_hrp(message + VGMP_END, (uint16_t)(len - VGMP_END));
	}
}

static enum ha_refusal
check_consistency(const uint8_t *message, uint16_t len)
{
	struct check_head c;

	if (len < sizeof(struct ha_vrrp) + sizeof(c))
		return HA_REFUSED_short;
	memcpy(&c, message + sizeof(struct ha_vrrp), sizeof(c));
	if (c.mode < 1 || c.mode > 2 || c.status > 2)
		return HA_REFUSED_field;
	const size_t want = sizeof(struct ha_vrrp) + sizeof(c) +
			    (size_t)rte_be_to_cpu_16(c.modules) * CHECK_MODULE_BYTES;
	return len == want ? HA_OK : HA_REFUSED_field;
}

enum ha_refusal
ha_check_head(const uint8_t *message, uint16_t len, uint8_t auth_type)
{
	struct ha_vrrp v;

	if (len < sizeof(v))
		return HA_REFUSED_short;
	memcpy(&v, message, sizeof(v));
	if (v.version_type != HA_VERSION_TYPE)
		return HA_REFUSED_type;
	if (v.vrid != 0)
		return HA_REFUSED_vrid;
	if (rte_raw_cksum(message, len) != 0xffff)
		return HA_REFUSED_checksum;
	if (v.auth_type != auth_type)
		return HA_REFUSED_auth;
	return v.count != 0 || v.interval == 0 ? HA_REFUSED_field : HA_OK;
}

enum ha_refusal
ha_check_body(const uint8_t *message, uint16_t len)
{
	struct ha_vrrp v;

	if (len < sizeof(v))
		return HA_REFUSED_short;
	memcpy(&v, message, sizeof(v));
	switch (v.type2) {
	case HA_PROBE:
		if (len != sizeof(v) + sizeof(struct ha_probe))
			return len < sizeof(v) + sizeof(struct ha_probe) ? HA_REFUSED_short
									 : HA_REFUSED_field;
		return HA_OK;
	case HA_VGMP:
		return check_vgmp(message, len);
	case HA_CHECK:
		return check_consistency(message, len);
	default:
		return HA_REFUSED_type2;
	}
}

bool
ha_known(const uint8_t *message, uint16_t *len)
{
	struct ha_vrrp v;
	struct ha_vgmp g;
	size_t known;

	if (*len < sizeof(v))
		return false;
	memcpy(&v, message, sizeof(v));
	if (v.type2 == HA_PROBE) {
		known = sizeof(v) + sizeof(struct ha_probe);
	} else if (v.type2 == HA_VGMP && *len >= VGMP_END) {
		memcpy(&g, message + sizeof(v), sizeof(g));
		if (g.vtype != HA_VGMP_HELLO && g.vtype != HA_HRP_HELLO)
			return false;
		known = VGMP_END + (g.vtype == HA_HRP_HELLO ? sizeof(struct hrp_hello) : 0);
	} else {
		return false;
	}
	if (*len > known)
		*len = (uint16_t)known;
	return true;
}

enum ha_refusal
ha_check(const uint8_t *message, uint16_t len)
{
	const enum ha_refusal why = ha_check_head(message, len, HA_AUTH_NONE);

	return why != HA_OK ? why : ha_check_body(message, len);
}
