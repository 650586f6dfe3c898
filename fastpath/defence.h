/*
 * Named defences against packets that no honest host sends.  Each drops with the reason of its name
 * (drop.h), which is its counter.
 *
 * ALWAYS: what comes later relies on it.  ON, OFF: the default of the setting of the same name in
 * section `defence`.  INTERFACE: set for each interface.
 */
#pragma once

#include "drop.h"

#include <stdbool.h>
#include <stdint.h>

struct pkt;
struct worker;

/* X(name, mode, text): text ends the sentence "Drop packets ...". */
#define DEFENCES(X)                                                                                \
	X(ip_source, ALWAYS,                                                                       \
		"from addresses no host has: of no network, of groups, network and broadcast "     \
		"addresses")                                                                       \
	X(own_source, ON, "from an address of the firewall itself")                                \
	X(land, ON, "whose source and destination are one address")                                \
	X(reverse_path, INTERFACE, "whose source does not live where they come from")              \
	X(smurf, ALWAYS, "to the network or broadcast address of a connected network")             \
	X(tcp_flags, ALWAYS, "with TCP flags that no stack sends together")                        \
	X(source_route, ALWAYS, "that say which way they want to go")                              \
	X(ip_option_length, ALWAYS, "with an IPv4 option that is cut short")                       \
	X(ip_record_route, ON, "with the IPv4 option record route")                                \
	X(ip_timestamp, ON, "with the IPv4 option timestamp")                                      \
	X(ip_router_alert, ON, "with the IPv4 option router alert that are not IGMP")              \
	X(ip_options, ON, "with any other IPv4 option, or nothing but padding")

enum defence_mode { DEFENCE_ALWAYS, DEFENCE_ON, DEFENCE_OFF, DEFENCE_INTERFACE };

enum defence {
#define X(name, mode, text) DEFENCE_OF_##name,
	DEFENCES(X)
#undef X
		DEFENCE_COUNT
};

struct defence_row {
	const char *name, *text;
	enum defence_mode mode;
	enum drop_reason reason;
};

extern const struct defence_row defences[DEFENCE_COUNT];

/* Bits of struct snapshot.defences: those that cannot be switched, and those on by default. */
#define DEFENCE_BIT(name) (UINT32_C(1) << DEFENCE_OF_##name)
extern const uint32_t defence_always, defence_default;

/* How the source of a first packet is looked at on an interface, each with what the one before it
 * does. */
enum reverse_path {
	REVERSE_PATH_OFF,
	REVERSE_PATH_CONNECTED, /* connected networks are behind their own interface only */
	REVERSE_PATH_LOOSE,	/* and there is a route to it besides the default route */
	REVERSE_PATH_STRICT	/* the route to it, default or not, leads back where it came in */
};

/* defence_source: first packets: can the source be where the packet comes from?
 * => DROP_own_source, DROP_reverse_path, DROP_ip_source or DROP_NONE. */
enum drop_reason defence_source(const struct worker *, const struct pkt *);

/* defence_addresses: the addresses of a packet are such as no host has, or one address: which
 * defence is it for?  => DROP_ip_source, DROP_land, or DROP_NONE when that is switched off. */
enum drop_reason defence_addresses(const struct worker *, bool source_is_host);

/* defence_options: IPv4 options.  => the reason, or DROP_NONE: all of them may pass.
 * `header` = bytes of the header, which lie in one piece. */
enum drop_reason defence_options(
	const struct worker *, const uint8_t *ip, uint32_t header, uint8_t proto);
