/*
 * TCP, UDP and SCTP headers, of either family.  => The caller has found proto, l4_off and ip_len.
 */
#pragma once

#include "tcp_option.h"
#include "worker.h"

/* Both ports of TCP, UDP and SCTP stand where these do. */
struct parse_ports {
	rte_be16_t src, dst;
};

/* parse_key_ports: ports of a packet's key, of either family, the sender's first. */
static inline struct parse_ports
parse_key_ports(const struct pkt *p)
{
	const rte_be16_t *ports = p->family == 6 ? p->key6.port : p->key.port;

	return (struct parse_ports){ .src = ports[p->swap], .dst = ports[!p->swap] };
}

static inline enum drop_reason
parse_l4_tcp(const struct worker *w, const struct pkt *p, struct parse_ports *ports)
{
	const struct rte_tcp_hdr *tcp = pkt_l4(p);
	const uint16_t len = pkt_l4_len(p);
	uint32_t header;

	if (unlikely(len < sizeof(*tcp)))
		return DROP_l4_header;
	header = (uint32_t)(tcp->data_off >> 4) * 4;
	if (unlikely(header < sizeof(*tcp) || header > len))
		return DROP_l4_header;
	if (unlikely((w->engine->tcp_flags_valid >> (tcp->tcp_flags & 0x3f) & 1) == 0))
		return DROP_tcp_flags;
	if (unlikely(tcp->tcp_flags & TCP_SYN) && unlikely(!tcp_options_sound(tcp)))
		return DROP_l4_header;
	ports->src = tcp->src_port;
	ports->dst = tcp->dst_port;
	return DROP_NONE;
}

static inline enum drop_reason
parse_l4_sctp(const struct pkt *p, struct parse_ports *ports)
{
	const struct rte_sctp_hdr *sctp = pkt_l4(p);

	if (unlikely(pkt_l4_len(p) < sizeof(*sctp)))
		return DROP_l4_header;
	ports->src = sctp->src_port;
	ports->dst = sctp->dst_port;
	return DROP_NONE;
}

static inline enum drop_reason
parse_l4_udp(const struct pkt *p, struct parse_ports *ports)
{
	const struct rte_udp_hdr *udp = pkt_l4(p);
	const uint16_t len = pkt_l4_len(p);

	if (unlikely(len < sizeof(*udp) || rte_be_to_cpu_16(udp->dgram_len) < sizeof(*udp) ||
		     rte_be_to_cpu_16(udp->dgram_len) > len))
		return DROP_l4_header;
	ports->src = udp->src_port;
	ports->dst = udp->dst_port;
	return DROP_NONE;
}
