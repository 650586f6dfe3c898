/*
 * ICMP and ICMPv6 messages in each other's words (RFC 7915 4.2, 5.2).  Pure, any thread.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

/* First 8 bytes of a message, but for its checksum.  Host byte order. */
struct nat64_message {
	uint8_t type, code;
	uint32_t word; /* errors: MTU, or pointer; echo: identifier and number */
};

/* What decides which MTU is told. */
struct nat64_mtus {
	uint16_t four, six; /* of the links on either side of us */
	uint16_t quoted;    /* length that the quoted packet had, for routers that tell no MTU */
};

/* nat64_message_to6, nat64_message_to4: => false: the other side has no such message. */
bool nat64_message_to6(
	const struct nat64_message *, const struct nat64_mtus *, struct nat64_message *);
bool nat64_message_to4(
	const struct nat64_message *, const struct nat64_mtus *, struct nat64_message *);
