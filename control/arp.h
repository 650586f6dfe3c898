/*
 * ARP frames (RFC 826, RFC 5227) as bytes: reading, checking and writing.  Pure; what they mean is
 * decided in core_arp.c.
 */
#pragma once

#include <rte_byteorder.h>
#include <rte_ether.h>

#include <stddef.h>
#include <stdint.h>

#define ARP_FRAME_LEN 60 /* Ethernet's minimum without FCS; the ARP message ends at 42 */

#define ARP_REQUEST 1
#define ARP_REPLY   2

struct arp {
	uint16_t op;
	struct rte_ether_addr sender_mac, target_mac;
	rte_be32_t sender, target; /* sender 0: a probe (RFC 5227 2.1.1) */
};

enum arp_verdict {
	ARP_OK,
	ARP_SHORT,	   /* cut off */
	ARP_FORMAT,	   /* not Ethernet and IPv4 */
	ARP_OPCODE,	   /* neither request nor reply */
	ARP_SENDER_MAC,	   /* zero, broadcast or multicast */
	ARP_SENDER_ADDRESS /* one that no host has */
};

/* arp_parse: check an Ethernet frame of type ARP and take it apart. */
enum arp_verdict arp_parse(const void *frame, size_t len, struct arp *);

/* arp_request: `mac`/`sender` ask who has `target`; `whom` = ask this host only, NULL = everybody.
 */
void arp_request(uint8_t frame[ARP_FRAME_LEN], const struct rte_ether_addr *mac, rte_be32_t sender,
	rte_be32_t target, const struct rte_ether_addr *whom);
/* arp_reply: the answer to a request: its target is at `mac`, which is also the Ethernet source. */
void arp_reply(
	uint8_t frame[ARP_FRAME_LEN], const struct arp *request, const struct rte_ether_addr *mac);
/* arp_gratuitous: tell everybody that `address` is at `mac` (request form, ha.md 4.4). */
void arp_gratuitous(
	uint8_t frame[ARP_FRAME_LEN], const struct rte_ether_addr *mac, rte_be32_t address);
