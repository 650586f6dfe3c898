/* SPDX-License-Identifier: BSD-3-Clause */
#include "nd.h"

#include <rte_ip.h>

#include <string.h>

#define MESSAGE_LEN 24 /* type, code, checksum, flags, target */
#define OPTION_LEN  8  /* type, length, MAC */
#define HOP_LIMIT   255

#define OPTION_SOURCE 1
#define OPTION_TARGET 2

static const uint8_t unspecified[IP6_LEN];
static const uint8_t all_nodes[IP6_LEN] = { 0xff, 0x02, [15] = 1 };

struct message {
	uint8_t type, code;
	rte_be16_t checksum;
	uint8_t flags, reserved[3];
	uint8_t target[IP6_LEN];
};
_Static_assert(sizeof(struct message) == MESSAGE_LEN, "as on the wire");

/* ff02::1:ff00:0/104 */
static bool
is_solicited_node(const uint8_t a[IP6_LEN])
{
	uint8_t group[IP6_LEN];

	ip6_solicited_node(group, a);
	return ip6_equal(group, a);
}

static enum nd_verdict
parse_options(const uint8_t *option, size_t left, struct nd *out)
{
	const uint8_t wanted = out->type == ND_NEIGHBOR_SOLICIT ? OPTION_SOURCE : OPTION_TARGET;

	while (left > 0) {
		size_t len;

		if (left < OPTION_LEN)
			return ND_OPTION;
		len = (size_t)option[1] * 8;
		if (len == 0 || len > left)
			return ND_OPTION;
		/* Unknown ones are passed over; of equal ones the first counts. */
		if (option[0] == wanted && !out->has_mac) {
			memcpy(&out->mac, option + 2, sizeof(out->mac));
			out->has_mac = true;
			if (!rte_is_valid_assigned_ether_addr(&out->mac))
				return ND_MAC;
		}
		option += len;
		left -= len;
	}
	return ND_OK;
}

static enum nd_verdict
check_addresses(const struct nd *n)
{
	const bool nobody = ip6_is_unspecified(n->source);

	if (!ip6_is_host(n->target))
		return ND_TARGET;
	if (!nobody && !ip6_is_host(n->source))
		return ND_SOURCE;
	if (n->type == ND_NEIGHBOR_SOLICIT) {
		/* RFC 4861 7.1.1 */
		if (nobody && !is_solicited_node(n->destination))
			return ND_SOURCE;
		return nobody && n->has_mac ? ND_OPTION : ND_OK;
	}
	if (nobody)
		return ND_SOURCE;
	/* RFC 4861 7.1.2 */
	return ip6_is_multicast(n->destination) && (n->flags & ND_NA_SOLICITED) != 0 ? ND_FORMAT
										     : ND_OK;
}

static bool
checksum_fits(const struct rte_ipv6_hdr *ip, const uint8_t *bytes, size_t len)
{
	uint32_t sum = (uint32_t)rte_ipv6_phdr_cksum(ip, 0) + rte_raw_cksum(bytes, len);

	sum = (sum >> 16) + (sum & 0xffff);
	return sum == 0xffff;
}

enum nd_verdict
nd_parse(const void *frame, size_t len, struct nd *out)
{
	const uint8_t *bytes = frame;
	struct rte_ether_hdr eth;
	struct rte_ipv6_hdr ip;
	struct message m;
	enum nd_verdict verdict;
	size_t payload;

	memset(out, 0, sizeof(*out));
	if (len < sizeof(eth) + sizeof(ip) + 8)
		return ND_SHORT;
	memcpy(&eth, bytes, sizeof(eth));
	memcpy(&ip, bytes + sizeof(eth), sizeof(ip));
	payload = rte_be_to_cpu_16(ip.payload_len);
	if (eth.ether_type != RTE_BE16(RTE_ETHER_TYPE_IPV6) || ip.proto != IPPROTO_ICMPV6 ||
		rte_be_to_cpu_32(ip.vtc_flow) >> 28 != 6)
		return ND_FORMAT;
	if (payload < 8 || payload > len - sizeof(eth) - sizeof(ip))
		return ND_SHORT;
	bytes += sizeof(eth) + sizeof(ip);
	if (ip.hop_limits != HOP_LIMIT)
		return ND_HOP_LIMIT;
	if (!checksum_fits(&ip, bytes, payload))
		return ND_CHECKSUM;
	if (bytes[0] < ND_ROUTER_SOLICIT || bytes[0] > ND_REDIRECT || bytes[1] != 0)
		return ND_FORMAT;
	if (bytes[0] != ND_NEIGHBOR_SOLICIT && bytes[0] != ND_NEIGHBOR_ADVERT)
		return ND_OTHER;
	if (payload < sizeof(m))
		return ND_SHORT;
	memcpy(&m, bytes, sizeof(m));
	out->type = m.type;
	out->flags = m.type == ND_NEIGHBOR_ADVERT ? m.flags : 0;
	memcpy(out->source, ip.src_addr, IP6_LEN);
	memcpy(out->destination, ip.dst_addr, IP6_LEN);
	memcpy(out->target, m.target, IP6_LEN);
	verdict = parse_options(bytes + sizeof(m), payload - sizeof(m), out);
	return verdict == ND_OK ? check_addresses(out) : verdict;
}

struct writing {
	const struct rte_ether_addr *to, *from;
	const uint8_t *source, *destination, *target;
	uint8_t type, flags;
	uint8_t option; /* 0: none */
};

static void
write_frame(uint8_t frame[ND_FRAME_LEN], const struct writing *w)
{
	const uint16_t payload = MESSAGE_LEN + (w->option != 0 ? OPTION_LEN : 0);
	const struct rte_ether_hdr eth = { .dst_addr = *w->to,
		.src_addr = *w->from,
		.ether_type = RTE_BE16(RTE_ETHER_TYPE_IPV6) };
	struct rte_ipv6_hdr ip = { .vtc_flow = RTE_BE32(UINT32_C(6) << 28),
		.payload_len = rte_cpu_to_be_16(payload),
		.proto = IPPROTO_ICMPV6,
		.hop_limits = HOP_LIMIT };
	struct {
		struct message m;
		uint8_t option[OPTION_LEN];
	} icmp = { .m = { .type = w->type, .flags = w->flags } };

	memcpy(ip.src_addr, w->source, IP6_LEN);
	memcpy(ip.dst_addr, w->destination, IP6_LEN);
	memcpy(icmp.m.target, w->target, IP6_LEN);
	if (w->option != 0) {
		icmp.option[0] = w->option;
		icmp.option[1] = 1;
		memcpy(icmp.option + 2, w->from, sizeof(*w->from));
	}
	icmp.m.checksum = rte_ipv6_udptcp_cksum(&ip, &icmp);
	memset(frame, 0, ND_FRAME_LEN);
	memcpy(frame, &eth, sizeof(eth));
	memcpy(frame + sizeof(eth), &ip, sizeof(ip));
	memcpy(frame + sizeof(eth) + sizeof(ip), &icmp, payload);
}

void
nd_solicit(uint8_t frame[ND_FRAME_LEN], const struct rte_ether_addr *mac,
	const uint8_t source[IP6_LEN], const uint8_t target[IP6_LEN],
	const struct rte_ether_addr *whom)
{
	struct rte_ether_addr group_mac;
	uint8_t group[IP6_LEN];
	struct writing w = { .to = whom,
		.from = mac,
		.source = source,
		.destination = target,
		.target = target,
		.type = ND_NEIGHBOR_SOLICIT,
		.option = ip6_is_unspecified(source) ? 0 : OPTION_SOURCE };

	if (whom == NULL) {
		ip6_solicited_node(group, target);
		ip6_multicast_mac(&group_mac, group);
		w.to = &group_mac;
		w.destination = group;
	}
	write_frame(frame, &w);
}

void
nd_advert(uint8_t frame[ND_FRAME_LEN], const struct nd *solicit, const struct rte_ether_addr *to,
	const struct rte_ether_addr *mac, const uint8_t target[IP6_LEN])
{
	/* Nobody can be told alone who has no address yet (RFC 4861 7.2.4). */
	const bool alone = solicit != NULL && !ip6_equal(solicit->source, unspecified);
	struct rte_ether_addr group_mac;
	const struct writing w = { .to = alone ? to : &group_mac,
		.from = mac,
		.source = target,
		.destination = alone ? solicit->source : all_nodes,
		.target = target,
		.type = ND_NEIGHBOR_ADVERT,
		.flags = ND_NA_ROUTER | ND_NA_OVERRIDE | (alone ? ND_NA_SOLICITED : 0),
		.option = OPTION_TARGET };

	ip6_multicast_mac(&group_mac, all_nodes);
	write_frame(frame, &w);
}

size_t
nd_frame_len(const uint8_t frame[ND_FRAME_LEN])
{
	struct rte_ipv6_hdr ip;

	memcpy(&ip, frame + sizeof(struct rte_ether_hdr), sizeof(ip));
	return sizeof(struct rte_ether_hdr) + sizeof(ip) + rte_be_to_cpu_16(ip.payload_len);
}
