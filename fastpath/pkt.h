/*
 * A packet on its way through one worker: what parse found out and the later stages use.  Lives for
 * one burst.
 */
#pragma once

#include "session_key.h"
#include "session_other.h"
#include "session_tcp.h"
#include "snapshot.h"
#include "tcp_option.h"

#include <rte_byteorder.h>
#include <rte_ether.h>
#include <rte_icmp.h>
#include <rte_ip.h>
#include <rte_mbuf.h>
#include <rte_sctp.h>
#include <rte_tcp.h>
#include <rte_udp.h>

#include <string.h>

/* Headers that must lie in the first segment: Ethernet with a tag, the longest IPv4 header, and
 * TCP's longest, or ICMP's with the longest IPv4 header and 8 bytes behind it that an error quotes.
 * IPv6 with extension headers looks after itself (parse6.c). */
#define PKT_HEADERS_MAX (14 + 4 + 60 + 8 + 60 + 8)
#define PKT_VRRP_PROTO	112
/* RTE_IPV4 shifts into the sign bit. */
#define PKT_IPV4(a, b, c, d)                                                                       \
	((uint32_t)(a) << 24 | (uint32_t)(b) << 16 | (uint32_t)(c) << 8 | (uint32_t)(d))

#define ICMP_ECHO_REPLY	   0
#define ICMP_UNREACHABLE   3
#define ICMP_ECHO_REQUEST  8
#define ICMP_TIME_EXCEEDED 11
#define ICMP_PARAMETER	   12

#define ICMP6_ECHO_REQUEST 128
#define ICMP6_ECHO_REPLY   129

/* What an ICMP or ICMPv6 message is to a session. */
enum pkt_icmp {
	PKT_NOT_ICMP,
	PKT_ICMP_REQUEST, /* echo, and the other queries of fastpath/icmp6_rules.h */
	PKT_ICMP_REPLY,
	PKT_ICMP_ERROR /* about the packet it quotes */
};

struct pkt {
	struct rte_mbuf *m;
	union { /* the IP header */
		void *l3;
		struct rte_ipv4_hdr *ip;
		struct rte_ipv6_hdr *ip6;
	};
	uint16_t port;	    /* engine port it came in */
	uint16_t interface; /* interface it came in */
	uint16_t l4_off;    /* bytes from l3 to the L4 header: extension headers lie between */
	uint8_t family;	    /* 4 or 6 */
	uint8_t zone;	    /* of that interface */
	uint8_t swap;	    /* 1: the sender (of the quoted packet) is endpoint 1 of key */
	uint8_t proto;	    /* behind the extension headers */
	uint8_t icmp;	    /* enum pkt_icmp */
	uint8_t why;	    /* enum punt_why, when parse says so */
	/* A datagram of fragments (frag.h): m is the first of them, pkt_part(m)->next leads to the
	 * others, and ip_len is as if they were one packet: more than m has. */
	bool fragments;
	uint32_t ip_len;     /* bytes from l3 to the end */
	uint32_t quoted_seq; /* of an error about TCP */
	union {		     /* by family; of an ICMP error: of the packet it quotes */
		struct session_key4 key;
		struct session_key6 key6;
	};
};

static inline struct rte_ether_hdr *
pkt_ether(const struct pkt *p)
{
	return rte_pktmbuf_mtod(p->m, struct rte_ether_hdr *);
}

static inline void *
pkt_l4(const struct pkt *p)
{
	return (uint8_t *)p->l3 + p->l4_off;
}

static inline uint16_t
pkt_l4_len(const struct pkt *p)
{
	return (uint16_t)(p->ip_len - p->l4_off);
}

/* pkt_chunk: type of the first chunk of SCTP; SCTP_NO_CHUNK when there is none. */
static inline uint8_t
pkt_chunk(const struct pkt *p)
{
	const uint8_t *chunk = (const uint8_t *)pkt_l4(p) + sizeof(struct rte_sctp_hdr);

	return p->proto == IPPROTO_SCTP && pkt_l4_len(p) > sizeof(struct rte_sctp_hdr)
		       ? *chunk
		       : SCTP_NO_CHUNK;
}

/* pkt_mac: the 6 bytes at `mac` as a number to compare; reads 8, so more must follow. */
static inline uint64_t
pkt_mac(const void *mac)
{
	uint64_t v;

	memcpy(&v, mac, sizeof(v));
	return v & RTE_BE64(UINT64_C(0xffffffffffff0000));
}

/* pkt_tcp_segment: what tracking needs; parse has checked the header's bounds. */
static inline void
pkt_tcp_segment(const struct pkt *p, struct tcp_segment *seg)
{
	struct rte_tcp_hdr *tcp = pkt_l4(p);
	const uint16_t header = (uint16_t)(tcp->data_off >> 4 << 2);
	const uint8_t *option;

	seg->seq = rte_be_to_cpu_32(tcp->sent_seq);
	seg->ack = rte_be_to_cpu_32(tcp->recv_ack);
	seg->len = (uint32_t)pkt_l4_len(p) - header;
	seg->window = rte_be_to_cpu_16(tcp->rx_win);
	seg->flags = tcp->tcp_flags & 0x3f;
	seg->wscale = 0xff;
	if (!(seg->flags & TCP_SYN))
		return;
	option = tcp_option(tcp, TCP_OPTION_WSCALE, 3);
	if (option != NULL)
		seg->wscale = option[2] > 14 ? 14 : option[2]; /* RFC 7323 2.3 */
}
