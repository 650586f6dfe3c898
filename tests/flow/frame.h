/*
 * Frames of the flow tests: from words to bytes (frame.c, frame_build.c), in fragments
 * (frame_cut.c), and checks of what comes out (frame_check.c).
 */
#pragma once

#include "ip_addr.h"

#include <rte_ether.h>

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define FRAME_MAX     2048
#define FRAME_EXT_MAX 1048 /* bytes of extension headers */

/* Words of one line; `at` is the next one to be read. */
struct words {
	char *word[64];
	unsigned int count, at;
};

enum frame_kind { FRAME_TCP, FRAME_UDP, FRAME_ICMP, FRAME_ICMP6, FRAME_IP, FRAME_ARP, FRAME_SCTP };

enum frame_icmp { FRAME_REQUEST = 8, FRAME_REPLY = 0 };

struct frame_spec {
	enum frame_kind kind;
	struct ip_addr src, dst; /* of one family */
	uint16_t sport, dport;
	uint8_t flags, proto, ttl, type, code;
	uint32_t seq, ack;
	uint16_t id, window, len;
	uint32_t mtu;			  /* that an ICMP error tells */
	uint8_t wscale;			  /* 0xff: no option */
	uint8_t chunk;			  /* SCTP: type of the first one, 1 = INIT */
	uint16_t mss;			  /* 0: no option */
	uint8_t options[40], options_len; /* raw, before the others */
	uint8_t ip_options[40], ip_options_len;
	bool ae; /* AccECN's bit among the reserved ones */
	bool ttl_given, seq_given, ack_given, len_given;
	struct ip_addr target; /* of neighbour discovery; family 0: none */
	/* IPv6 extension headers, finished but for the last one's next header */
	uint8_t ext[FRAME_EXT_MAX];
	uint16_t ext_len, ext_last; /* bytes; where the last one begins */
	uint8_t ext_first;	    /* its protocol number */
	/* Damage */
	uint8_t version, ihl, doff; /* 0: right */
	int udp_len, ip_len;	    /* -1: right */
	bool bad_sum, bad_l4_sum, no_l4_sum, df, more;
	uint64_t nic; /* what the NIC says: RTE_MBUF_F_RX_... */
	/* VLAN tags, outermost first: EtherType and identifier */
	struct {
		uint16_t type, vid;
	} tags[4];
	int tag_count; /* -1: that of the interface */
	bool nic_tag;  /* the NIC has taken the first one off */
	uint16_t fragment, ether_type;
	uint16_t cut, pad, split; /* 0: not */
	uint32_t label;		  /* IPv6 */
	uint16_t ip_id;		  /* IPv4 */
	uint8_t tos;
	char mac[24], smac[24]; /* "" : the port's, the sender's */
	bool text_given;	/* TCP and UDP: payload is `text`, `len` bytes */
	char text[512];
	struct frame_spec *quote; /* inside an ICMP error */
};

/* frame_parse: read a packet from the words; stops at the first word it does not know.
 * => NULL, or what is wrong.  Frees with frame_spec_free. */
const char *frame_parse(struct words *, struct frame_spec *);
void frame_spec_free(struct frame_spec *);

/* frame_text: payload: _ is a space; \\r, \\n, \\0 and \\_ as they read, \\xHH any byte; {N}: the
 * byte in front of it N times.  => false: too long. */
bool frame_text(const char *, struct frame_spec *);

/* frame_to6: the same packet in the other family, as a case that runs in both means it: addresses
 * by frame_address_to6(), ICMP types and codes, lengths.  ARP and IPv6 stay as they are.
 * => NULL, or what is wrong. */
const char *frame_to6(struct frame_spec *);
void frame_address_to6(struct ip_addr *);
/* The way back; an address that nothing is mapped to stays as it is. */
void frame_address_from6(struct ip_addr *);

/* => false: no address. */
bool frame_address(const char *, struct ip_addr *);
bool frame_mac(const char *, struct rte_ether_addr *);

/* frame_build: bytes of a frame.  => Its length. */
size_t frame_build(const struct frame_spec *, const struct rte_ether_addr *dst,
	const struct rte_ether_addr *src, uint8_t bytes[FRAME_MAX]);

/* frame_identify: an IPv4 frame gets this identification; frame_set_len: an IP frame is so long. */
void frame_identify(uint8_t *frame, uint16_t id);
void frame_set_len(uint8_t *frame, size_t len);

/* frame_tag: put the spec's tags into a frame, `vid` (0: none) where it does not speak of any.
 * => Its length; what is too short for tags stays. */
size_t frame_tag(const struct frame_spec *, uint16_t vid, const uint8_t *frame, size_t len,
	uint8_t out[FRAME_MAX]);
/* frame_untag: take the first tag out. => Its identifier, 0 = none. */
uint16_t frame_untag(uint8_t *frame, uint16_t *len);

/* A fragment of a frame's packet. */
struct frame_piece {
	size_t offset, len; /* of its payload, counted behind the IP header */
	uint32_t id;
	uint8_t ttl;
	bool more, df;
	bool hop; /* IPv6: behind a hop-by-hop header */
};

/* frame_cut: that fragment; what lies behind the packet's end is zeros.  Of IPv6, extension headers
 * are part of what is cut.  => Bytes of the frame, 0 when it would be too long. */
size_t frame_cut(
	const uint8_t *frame, size_t len, const struct frame_piece *, uint8_t bytes[FRAME_MAX]);
/* frame_cut_at: where offset 0 lies in a whole frame. */
size_t frame_cut_at(const uint8_t *frame);

/* frame_get: big-endian number of so many bytes. */
static inline uint32_t
frame_get(const uint8_t *p, unsigned int bytes)
{
	uint32_t v = 0;

	while (bytes-- > 0)
		v = v << 8 | *p++;
	return v;
}

/* frame_is_ip6: of an untagged frame. */
static inline bool
frame_is_ip6(const uint8_t *frame)
{
	return frame_get(frame + 12, 2) == RTE_ETHER_TYPE_IPV6;
}

/* frame_packet_len: of an IP frame, what its IP header says, without padding. */
static inline size_t
frame_packet_len(const uint8_t *frame)
{
	const uint8_t *ip = frame + RTE_ETHER_HDR_LEN;

	return frame_is_ip6(frame) ? 40 + frame_get(ip + 4, 2) : frame_get(ip + 2, 2);
}

/* frame_sums: check every checksum of a frame that is sent.  => NULL, or what is wrong. */
const char *frame_sums(const uint8_t *frame, size_t len);

/* frame_mss: where the value of a TCP MSS option lies in a frame, 0 when it has none. */
size_t frame_mss(const uint8_t *frame, size_t len);

/* frame_is: does a frame carry what the spec says (addresses, ports, flags; ttl, seq, ack, len when
 * given)?  => NULL, or what differs. */
const char *frame_is(const struct frame_spec *, const uint8_t *frame, size_t len);

/* frame_l4: where L4 begins behind the IP header and its extension headers.
 * => Offset in the frame; *proto of what is there. */
size_t frame_l4(const uint8_t *frame, size_t len, uint8_t *proto);

/* frame_place: of a fragment: its offset in bytes and more-fragments bit (1).  => 0: no fragment.
 */
uint32_t frame_place(const uint8_t *frame, size_t len);
/* frame_part_sum: add a fragment's payload to a sum.  => Its bytes.  frame_whole_sum: the checksum
 * of an ICMP message of so many bytes, from the sum of its fragments; `frame` is one of them. */
size_t frame_part_sum(const uint8_t *frame, size_t len, uint32_t *sum);
uint16_t frame_whole_sum(const uint8_t *frame, uint32_t sum, size_t bytes);

/* frame_pseudo_sum, frame_checksum: the Internet checksum and what L4 puts in front of it. */
uint32_t frame_pseudo_sum(
	const struct ip_addr *src, const struct ip_addr *dst, uint8_t proto, size_t len);
uint16_t frame_checksum(const void *data, size_t len, uint32_t sum);
