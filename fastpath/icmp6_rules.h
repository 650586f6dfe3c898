/*
 * What becomes of ICMPv6, by type: the built-in rules that RFC 4890 asks of a firewall.  They stand
 * before the security policy and cannot be changed; `display firewall icmpv6-rules` prints them.
 */
#pragma once

#include <stdint.h>

enum icmp6_action {
	ICMP6_DROP,    /* never forwarded, nothing of ours listens */
	ICMP6_RELATED, /* with the session of the packet it quotes, and to that packet's sender */
	ICMP6_POLICY,  /* a query, tracked with its reply; the security policy decides */
	ICMP6_LINK     /* on its link only (hop limit 255): for the control core, never forwarded */
};

/* X(first type, last type, action, name, reference): by type; types not named are dropped. */
#define ICMP6_RULES(X)                                                                             \
	X(1, 1, RELATED, "destination-unreachable", "RFC 4890 4.3.1")                              \
	X(2, 2, RELATED, "packet-too-big", "RFC 4890 4.3.1")                                       \
	X(3, 3, RELATED, "time-exceeded", "RFC 4890 4.3.1, 4.3.2")                                 \
	X(4, 4, RELATED, "parameter-problem", "RFC 4890 4.3.1, 4.3.2")                             \
	X(5, 127, DROP, "unassigned and private errors", "RFC 4890 4.3.4, 4.3.5")                  \
	X(128, 129, POLICY, "echo", "RFC 4890 4.3.1")                                              \
	X(130, 132, DROP, "multicast-listener", "RFC 4890 4.3.3")                                  \
	X(133, 134, LINK, "router-discovery", "RFC 4890 4.3.3")                                    \
	X(135, 136, LINK, "neighbour-discovery", "RFC 4890 4.3.3")                                 \
	X(137, 137, LINK, "redirect", "RFC 4890 4.3.3")                                            \
	X(138, 138, DROP, "router-renumbering", "RFC 4890 4.3.5")                                  \
	X(139, 140, DROP, "node-information", "RFC 4890 4.3.5")                                    \
	X(141, 142, DROP, "inverse-neighbour-discovery", "RFC 4890 4.3.3")                         \
	X(143, 143, DROP, "multicast-listener-2", "RFC 4890 4.3.3")                                \
	X(144, 145, POLICY, "home-agent-address", "RFC 4890 4.3.2")                                \
	X(146, 147, POLICY, "mobile-prefix", "RFC 4890 4.3.2")                                     \
	X(148, 149, DROP, "certification-path", "RFC 4890 4.3.3")                                  \
	X(150, 150, DROP, "seamoby", "RFC 4890 4.3.4")                                             \
	X(151, 153, DROP, "multicast-router", "RFC 4890 4.3.3")                                    \
	X(154, 255, DROP, "unassigned and private queries", "RFC 4890 4.3.4, 4.3.5")

struct icmp6_rule {
	uint8_t first, last; /* types */
	uint8_t action;	     /* enum icmp6_action */
	const char *name;
	const char *reference;
};

/* The rules for people, by type; ends with a NULL name. */
extern const struct icmp6_rule icmp6_rules[];
/* The same for packets: enum icmp6_action by type. */
extern const uint8_t icmp6_actions[256];
