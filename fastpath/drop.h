/*
 * Where packets end.  Every received packet ends in exactly one of: forwarded, answered (echo
 * requests to our own addresses), punted, or one drop reason; fragments that wait for the rest of
 * their datagram are held until then.  So rx = forwarded + answered + punted + held + sum of drops.
 */
#pragma once

/* X(name, text): name is the JSON and console word; text is the operator's explanation. */
#define DROP_REASONS(X)                                                                            \
	X(runt, "frame shorter than its headers")                                                  \
	X(ether_type, "EtherType that is not handled")                                             \
	X(not_for_us, "destination MAC is neither ours nor an owned virtual MAC")                  \
	X(no_interface, "no interface is configured on the port")                                  \
	X(vlan_unknown, "VLAN tag that no interface of the port has")                              \
	X(vlan_stacked, "more than one VLAN tag, or a provider's")                                 \
	X(ip_header, "bad IP version, length or header checksum")                                  \
	X(ip_options, "IPv4 options without a reason of their own, or padding alone")              \
	X(ip_option_length, "IPv4 option of length 0 or 1, or beyond the header")                  \
	X(ip_record_route, "IPv4 option record route")                                             \
	X(ip_timestamp, "IPv4 option timestamp")                                                   \
	X(ip_router_alert, "IPv4 option router alert, not IGMP")                                   \
	X(ip6_extension, "IPv6 extension headers out of order, repeated, too many or cut short")   \
	X(source_route, "IPv4 source route, IPv6 routing header of type 0 or with hops to come")   \
	X(ip_source, "source address that no host may have")                                       \
	X(land, "source and destination are one address")                                          \
	X(own_source, "source is an address of the firewall itself")                               \
	X(reverse_path, "source does not live where the packet comes from")                        \
	X(smurf, "to the network or broadcast address of a connected network")                     \
	X(link_local, "IPv6 link-local address, which never leaves its link")                      \
	X(blacklist, "first packet from or to an address on the blacklist")                        \
	X(fragment, "IP fragment, and fragments are switched off or concern nobody else")          \
	X(frag_invalid, "fragment whose length or place no datagram can have")                     \
	X(frag_tiny, "first fragment without the whole TCP, UDP, ICMP or SCTP header")             \
	X(frag_overlap, "fragments of one datagram overlap or contradict each other")              \
	X(frag_duplicate, "fragment that has come before")                                         \
	X(frag_full, "too many fragments: of the datagram, or in all")                             \
	X(frag_timeout, "the rest of the datagram has not come in time")                           \
	X(l4_header, "TCP, UDP, SCTP or ICMP header cut short or inconsistent")                    \
	X(tcp_flags, "TCP flags that no stack sends together")                                     \
	X(l4_checksum, "wrong TCP, UDP or ICMP checksum")                                          \
	X(udp_checksum, "UDP over IPv6 without a checksum")                                        \
	X(nd_invalid, "neighbour discovery that comes from beyond its link")                       \
	X(icmp_type, "ICMP type that is not forwarded")                                            \
	X(icmp_no_session, "ICMP error about an unknown session")                                  \
	X(icmp_quote, "ICMP error quoting a TCP segment that cannot be in flight")                 \
	X(icmp_reply, "ICMP echo reply that nobody asked for")                                     \
	X(ttl, "TTL or hop limit expired")                                                         \
	X(no_session, "TCP segment or SCTP packet without a session")                              \
	X(tcp_state, "TCP segment that does not fit the session's state")                          \
	X(tcp_window, "TCP segment outside the window")                                            \
	X(no_route, "no route to the destination")                                                 \
	X(policy, "denied by a security policy rule or the default")                               \
	X(policy_reject, "rejected by a security policy rule or the default")                      \
	X(zone, "packet of a session, but from or to another zone than the session's")             \
	X(limit_source_total, "the source has as many sessions as it may")                         \
	X(limit_source_halfopen, "the source has as many half-open sessions as it may")            \
	X(limit_source_rate, "the source begins sessions faster than it may")                      \
	X(limit_zone_total, "the zone has as many sessions as it may")                             \
	X(limit_zone_halfopen, "the zone has as many half-open sessions as it may")                \
	X(limit_zone_rate, "sessions begin in the zone faster than they may")                      \
	X(nat_no_mapping, "to an outside address, and nothing is known there")                     \
	X(nat_exhausted, "no outside address or port is left to translate the source to")          \
	X(nat_protocol, "protocol without ports, whose source is to be translated to a port")      \
	X(nat_clash, "translated, it would be the packet of another session")                      \
	X(nat64_destination,                                                                       \
		"NAT64 to an IPv4 address that is ours, of translation, or none of the prefix")    \
	X(nat_direction, "packet of a translated session, sent past the translation")              \
	X(alg, "text of a control connection that cannot be rewritten")                            \
	X(table_full, "session table full")                                                        \
	X(session_dead, "session is being removed")                                                \
	X(no_service, "addressed to the firewall, nothing listens")                                \
	X(punt_full, "punt ring full")                                                             \
	X(neigh_failed, "next hop does not answer ARP or ND")                                      \
	X(not_owner, "role lease not held: standby or fenced")                                     \
	X(heartbeat_port, "service traffic on a heartbeat port")                                   \
	X(mtu, "packet larger than the way out allows")                                            \
	X(tx_full, "transmit queue full")                                                          \
	X(no_mbuf, "packet buffers exhausted")

enum drop_reason {
	DROP_NONE = 0,
#define X(name, text) DROP_##name,
	DROP_REASONS(X)
#undef X
		DROP_REASON_COUNT
};

/* Names and texts by enum drop_reason; index 0 is "none". */
extern const char *const drop_names[DROP_REASON_COUNT];
extern const char *const drop_texts[DROP_REASON_COUNT];
