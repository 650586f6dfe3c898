/*
 * Frames of the flow tests: from words to bytes, and checks of what comes out.
 */
#pragma once

#include <rte_ether.h>

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define FRAME_MAX 2048

/* Words of one line; `at` is the next one to be read. */
struct words {
	char *word[64];
	unsigned int count, at;
};

enum frame_kind { FRAME_TCP, FRAME_UDP, FRAME_ICMP, FRAME_IP, FRAME_ARP, FRAME_SCTP };

enum frame_icmp { FRAME_REQUEST = 8, FRAME_REPLY = 0 };

struct frame_spec {
	enum frame_kind kind;
	uint32_t src, dst; /* host order */
	uint16_t sport, dport;
	uint8_t flags, proto, ttl, type, code;
	uint32_t seq, ack;
	uint16_t id, window, len;
	uint8_t wscale;			  /* 0xff: no option */
	uint8_t chunk;			  /* SCTP: type of the first one, 1 = INIT */
	uint16_t mss;			  /* 0: no option */
	uint8_t options[40], options_len; /* raw, before the others */
	bool ae;			  /* AccECN's bit among the reserved ones */
	bool ttl_given, seq_given, ack_given, len_given;
	/* Damage */
	uint8_t version, ihl, doff;
	int udp_len, ip_len; /* -1: right */
	bool bad_sum, bad_l4_sum, no_l4_sum, df, more;
	bool nic_bad; /* the NIC says that the L4 checksum is wrong */
	uint16_t fragment, ether_type;
	uint16_t cut, pad, split; /* 0: not */
	char mac[24], smac[24];	  /* "" : the port's, the sender's */
	struct frame_spec *quote; /* inside an ICMP error */
};

/* frame_parse: read a packet from the words; stops at the first word it does not know.
 * => NULL, or what is wrong.  Frees with frame_spec_free. */
const char *frame_parse(struct words *, struct frame_spec *);
void frame_spec_free(struct frame_spec *);

bool frame_address(const char *, uint32_t *host_order);
bool frame_mac(const char *, struct rte_ether_addr *);

/* frame_build: bytes of a frame.  => Its length. */
size_t frame_build(const struct frame_spec *, const struct rte_ether_addr *dst,
	const struct rte_ether_addr *src, uint8_t bytes[FRAME_MAX]);

/* frame_sums: check every checksum of a frame that is sent.  => NULL, or what is wrong. */
const char *frame_sums(const uint8_t *frame, size_t len);

/* frame_mss: where the value of a TCP MSS option lies in a frame, 0 when it has none. */
size_t frame_mss(const uint8_t *frame, size_t len);

/* frame_is: does a frame carry what the spec says (addresses, ports, flags; ttl, seq, ack, len when
 * given)?  => NULL, or what differs. */
const char *frame_is(const struct frame_spec *, const uint8_t *frame, size_t len);
