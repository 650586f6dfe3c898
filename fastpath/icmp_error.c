/* SPDX-License-Identifier: BSD-3-Clause */
#include "icmp_error.h"

#include "egress.h"

/* RFC 792: at least 8 bytes of the quoted packet's payload follow its header. */
#define QUOTED_L4 8

enum drop_reason
icmp_error_parse(struct pkt *p)
{
	const uint8_t *quote = (const uint8_t *)pkt_l4(p) + sizeof(struct rte_icmp_hdr);
	const uint32_t room = pkt_l4_len(p) - (uint32_t)sizeof(struct rte_icmp_hdr);
	struct rte_ipv4_hdr ip;
	rte_be16_t ports[4] = { 0 };
	rte_be16_t sport = 0, dport = 0;
	uint32_t header;

	if (room < sizeof(ip))
		return DROP_l4_header;
	memcpy(&ip, quote, sizeof(ip));
	header = (uint32_t)(ip.version_ihl & 0x0f) * 4;
	if (ip.version_ihl >> 4 != 4 || header < sizeof(ip) || room < header + QUOTED_L4)
		return DROP_l4_header;
	/* Later fragments have no ports; the first sender must be who is told (CVE-2019-5598). */
	if ((ip.fragment_offset & RTE_BE16(0x1fff)) != 0 || ip.src_addr != p->ip->dst_addr)
		return DROP_icmp_no_session;
	memcpy(ports, quote + header, QUOTED_L4);
	switch (ip.next_proto_id) {
	case IPPROTO_TCP:
	case IPPROTO_UDP:
	case IPPROTO_SCTP:
		sport = ports[0];
		dport = ports[1];
		p->quoted_seq =
			(uint32_t)rte_be_to_cpu_16(ports[2]) << 16 | rte_be_to_cpu_16(ports[3]);
		break;
	case IPPROTO_ICMP: {
		const uint8_t type = quote[header];

		if (type != ICMP_ECHO_REQUEST && type != ICMP_ECHO_REPLY)
			return DROP_icmp_no_session; /* no error about an error: RFC 1122 3.2.2 */
		sport = type == ICMP_ECHO_REQUEST ? ports[2] : SESSION_ICMP_ECHO_PORT;
		dport = type == ICMP_ECHO_REQUEST ? SESSION_ICMP_ECHO_PORT : ports[2];
		break;
	}
	default:
		break;
	}
	p->swap = session_key4_make(
		&p->key, ip.src_addr, ip.dst_addr, sport, dport, ip.next_proto_id);
	return DROP_NONE;
}

void
icmp_error_hit(struct worker *w, struct pkt *p, struct session *s)
{
	const uint32_t ctl = atomic_load_explicit(&s->ctl, memory_order_acquire);
	const unsigned int quoted =
		p->swap ^ session_ctl_swap(ctl); /* direction of the quoted packet */
	const unsigned int dir = !quoted;	 /* the error travels against it */
	struct egress e;
	enum drop_reason reason;

	if (ctl & SESSION_F_DEAD)
		reason = DROP_session_dead;
	else if (ctl & SESSION_F_LOCAL)
		reason = DROP_no_service;
	else if (!w->owner)
		reason = DROP_not_owner;
	else if (p->zone != s->zone[dir])
		reason = DROP_zone;
	else
		reason = egress_of(w, &s->dir[dir], p->ip->dst_addr, &e);
	if (reason == DROP_NONE)
		reason = egress_allowed(w, p, &e, s->zone[quoted]);
	if (reason == DROP_NONE && session_proto(s) == IPPROTO_TCP &&
		!session_tcp_quoted(s, quoted, p->quoted_seq))
		reason = DROP_icmp_quote;
	if (reason != DROP_NONE) {
		worker_drop(w, p, reason);
		return;
	}
	egress_send(w, p, &e);
}
