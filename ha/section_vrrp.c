/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Section `vrrp`: VRRP groups, driven by a VGMP group (R49) or standing alone (plain VRRP).
 */
#include "config_address.h"
#include "ha_config.h"
#include "ha_constants.h"
#include "vrrp_nat.h"
#include "vrrp_wire.h"

#include <stdio.h>
#include <string.h>

#define ADVERT_V2_MAX_MS 255000
#define ADVERT_V3_MAX_MS (VRRP_WIRE_CS_MAX * 10)

static const char *const checksum_words[] = { [VRRP_CHECKSUM_AUTO] = "auto",
	[VRRP_CHECKSUM_PSEUDO] = "pseudo_header",
	[VRRP_CHECKSUM_PLAIN] = "plain",
	NULL };

static const char *const auth_words[] = { "none", "hmac", NULL };
static const char *const mode_words[] = { [VRRP_HMAC_RECEIVE_ONLY] = "receive_only",
	[VRRP_HMAC_PERMISSIVE] = "permissive",
	[VRRP_HMAC_ENFORCE] = "enforce",
	NULL };
static const char *const replay_words[] = {
	[VRRP_HMAC_TIME] = "time", [VRRP_HMAC_MONOTONIC] = "monotonic", NULL
};

static const char *const group_words[] = { [VGMP_GROUP_NONE] = "none",
	[VGMP_GROUP_ACTIVE] = "active",
	[VGMP_GROUP_STANDBY] = "standby",
	NULL };

// clang-format off
static const struct config_setting_desc track_settings[] = {
	{ .name = "interface", .type = SETTING_NAME, SETTING_AT(struct config_vrrp_track, interface),
	  .min = 1, .max = 47, .help = "Interface that must be up; this, `destination` or `script`." },
	{ .name = "destination", .type = SETTING_IP, SETTING_AT(struct config_vrrp_track, destination),
	  .help = "Address that a route must lead to: failed while there is none, its interface is "
		  "down, or its next hop does not answer." },
	{ .name = "script", .type = SETTING_NAME, SETTING_AT(struct config_vrrp_track, script),
	  .min = 1, .max = SCRIPT_NAME - 1,
	  .help = "One of the section `scripts`; until it has ended once it counts as failed." },
	{ .name = "weight", .type = SETTING_INT, SETTING_AT(struct config_vrrp_track, weight),
	  .min = -253, .max = 253, .fallback = "0",
	  .help = "Added to the priority: a negative one while it has failed, a positive one while it "
		  "has not; 0: the group is in Initialize while it has failed." },
	{ .name = "reverse", .type = SETTING_BOOL, SETTING_AT(struct config_vrrp_track, reverse),
	  .fallback = "false", .help = "It counts as failed while it has not, and the other way round." },
	{ .name = NULL },
};

static const struct config_setting_desc key_settings[] = {
	{ .name = "id", .type = SETTING_INT, SETTING_AT(struct config_vrrp_key, id),
	  .required = true, .min = 1, .max = 255, .help = "Number of the key, the same on all routers." },
	{ .name = "secret", .type = SETTING_STRING, SETTING_AT(struct config_vrrp_key, secret),
	  .required = true, .min = 1, .max = VRRP_SECRET - 1,
	  .help = "32 to 64 characters, or \"hex:\" and as many octets in hexadecimal." },
	{ .name = NULL },
};

static const struct config_setting_desc auth_settings[] = {
	{ .name = "type", .type = SETTING_ENUM, SETTING_AT(struct config_vrrp_auth, type),
	  .choices = auth_words, .fallback = "none",
	  .help = "hmac: each advert, of any version and family, carries an HMAC-SHA256 behind it, as "
		  "keepalived's auth_hmac (from 2.4 on). none: nothing else may be written in `auth`." },
	{ .name = "keys", .type = SETTING_LIST, .offset = offsetof(struct config_vrrp_auth, keys),
	  .size = sizeof(struct config_vrrp_key), .max_items = VRRP_HMAC_KEYS,
	  .settings = key_settings, .help = "Adverts with any of them are accepted." },
	{ .name = "send_key", .type = SETTING_INT, SETTING_AT(struct config_vrrp_auth, send_key),
	  .max = 255, .fallback = "0", .help = "Key that ours have, by id; 0: the first of the list." },
	{ .name = "mode", .type = SETTING_ENUM, SETTING_AT(struct config_vrrp_auth, mode),
	  .choices = mode_words, .fallback = "enforce",
	  .help = "enforce: adverts without HMAC are refused; permissive: accepted; receive_only: "
		  "and ours have none. What has one is always checked." },
	{ .name = "replay", .type = SETTING_ENUM, SETTING_AT(struct config_vrrp_auth, replay),
	  .choices = replay_words, .fallback = "time",
	  .help = "time: an advert must be later than the sender's last and its time near ours; "
		  "monotonic: later alone, for routers without a common time." },
	{ .name = "window_s", .type = SETTING_INT, SETTING_AT(struct config_vrrp_auth, window_s),
	  .max = VRRP_HMAC_WINDOW_MAX, .fallback = "0", .unit = "s",
	  .help = "So near; 0: three times advert_ms, at least 5." },
	{ .name = NULL },
};

static const struct config_setting_desc settings[] = {
	{ .name = "vrid", .type = SETTING_INT, SETTING_AT(struct config_vrrp, vrid),
	  .required = true, .min = 1, .max = 255,
	  .help = "Virtual router id, once per interface; the peer's group has the same." },
	{ .name = "interface", .type = SETTING_NAME, SETTING_AT(struct config_vrrp, interface),
	  .required = true, .min = 1, .max = 47, .help = "Service interface; it needs an address." },
	{ .name = "virtual_ip", .type = SETTING_HOST, SETTING_AT(struct config_vrrp, virtual_ip),
	  .min = 0, .max = 32,
	  .help = "Address that the routers share; the length may be left out inside the interface's "
		  "subnet. This or `virtual_ip6` must be there." },
	{ .name = "virtual_ip6", .type = SETTING_IP, SETTING_AT(struct config_vrrp, virtual_ip6),
	  .help = "IPv6 address that they share, link-local or of a subnet of the interface's "
		  "address6. A group that follows VGMP may have both, a plain one is of one family." },
	{ .name = "more", .type = SETTING_SPANS, .offset = offsetof(struct config_vrrp, more),
	  .max_items = VRRP_ADDRESSES - 1,
	  .help = "Further addresses of the group, single ones. A plain IPv6 group needs a link-local "
		  "one among all (RFC 9568 5.2.9); that is sent first." },
	{ .name = "group", .type = SETTING_ENUM, SETTING_AT(struct config_vrrp, group),
	  .choices = group_words, .fallback = "none",
	  .help = "VGMP group it follows; none = plain VRRP with its own priority." },
	{ .name = "version", .type = SETTING_INT, SETTING_AT(struct config_vrrp, version),
	  .min = 2, .max = 3, .fallback = "2",
	  .help = "Of VRRP over IPv4: 2 (RFC 3768) or 3 (RFC 9568); over IPv6 it is always 3." },
	{ .name = "priority", .type = SETTING_INT, SETTING_AT(struct config_vrrp, priority),
	  .min = 1, .max = 254, .fallback = "100",
	  .help = "Plain VRRP only: the highest becomes master." },
	{ .name = "advert_ms", .type = SETTING_INT, SETTING_AT(struct config_vrrp, advert_ms),
	  .min = 10, .max = ADVERT_V2_MAX_MS, .fallback = "1000", .unit = "ms",
	  .help = "Time between adverts. Version 2: whole seconds, the same on all routers of the "
		  "group; version 3: a multiple of 10, at most 40950, others learn it." },
	{ .name = "preempt", .type = SETTING_BOOL, SETTING_AT(struct config_vrrp, preempt),
	  .fallback = "true",
	  .help = "Plain VRRP only: take over from a master of lower priority." },
	{ .name = "preempt_delay_s", .type = SETTING_INT, SETTING_AT(struct config_vrrp, preempt_delay_s),
	  .max = 1800, .fallback = "0", .unit = "s",
	  .help = "Plain VRRP only: so long a master of lower priority is left alone." },
	{ .name = "checksum", .type = SETTING_ENUM, SETTING_AT(struct config_vrrp, checksum),
	  .choices = checksum_words, .fallback = "auto",
	  .help = "Of adverts sent in version 3 over IPv4: with the pseudo-header that most routers "
		  "expect, plain as in RFC 9568, or as in the last advert heard (first with). Both are "
		  "accepted." },
	{ .name = "password", .type = SETTING_STRING, SETTING_AT(struct config_vrrp, password),
	  .max = 8, .fallback = "",
	  .help = "Simple authentication of version 2, readable by everybody on the link; the same on "
		  "all routers of the group. Empty: none." },
	{ .name = "auth", .type = SETTING_GROUP, .offset = offsetof(struct config_vrrp, auth),
	  .settings = auth_settings, .help = "Authentication that nobody on the link can forge." },
	{ .name = "accept", .type = SETTING_BOOL, SETTING_AT(struct config_vrrp, accept),
	  .fallback = "true",
	  .help = "Answer echo requests to the virtual addresses (accept mode); ARP and neighbour "
		  "discovery are always answered." },
	{ .name = "peers", .type = SETTING_SPANS, .offset = offsetof(struct config_vrrp, peers),
	  .max_items = VRRP_PEERS,
	  .help = "Adverts go to these routers alone and are taken from them alone; empty: multicast." },
	{ .name = "ttl_check", .type = SETTING_BOOL, SETTING_AT(struct config_vrrp, ttl_check),
	  .fallback = "true",
	  .help = "Refuse adverts of `peers` that passed a router (TTL below 255)." },
	{ .name = "sync", .type = SETTING_NAME, SETTING_AT(struct config_vrrp, sync),
	  .min = 1, .max = 31,
	  .help = "Plain VRRP only: groups with the same name change their state together." },
	{ .name = "track", .type = SETTING_LIST, .offset = offsetof(struct config_vrrp, track),
	  .size = sizeof(struct config_vrrp_track), .max_items = VRRP_TRACKS, .settings = track_settings,
	  .help = "Plain VRRP only: what changes the priority, which stays within 1 to 254." },
	{ .name = "garp_count", .type = SETTING_INT, SETTING_AT(struct config_vrrp, garp_count),
	  .min = 1, .max = 10, .fallback = "2",
	  .help = "Gratuitous ARPs, of IPv6 neighbour adverts, of each address when it becomes ours." },
	{ .name = "garp_delay_ms", .type = SETTING_INT, SETTING_AT(struct config_vrrp, garp_delay_ms),
	  .min = 100, .max = 60000, .fallback = "1000", .unit = "ms", .help = "Time between them." },
	{ .name = "garp_refresh_s", .type = SETTING_INT, SETTING_AT(struct config_vrrp, garp_refresh_s),
	  .max = 86400, .fallback = "0", .unit = "s",
	  .help = "One more each so often while it is ours; 0 = none." },
	{ .name = "notify", .type = SETTING_STRING, SETTING_AT(struct config_vrrp, notify), .live = true,
	  .max = SCRIPT_PATH_MAX - 1,
	  .help = "Absolute path of a program that is told of each change of state of the group: its arguments "
		  "are in docs/ha.md. Neither it nor a folder on the way to it may be writable by "
		  "anybody but root and `notify_user`. Empty: none." },
	{ .name = "notify_user", .type = SETTING_NAME, SETTING_AT(struct config_vrrp, notify_user),
	  .live = true, .min = 1, .max = SCRIPT_NAME - 1, .fallback = "nobody",
	  .help = "User it runs as." },
	{ .name = "notify_timeout_s", .type = SETTING_INT,
	  SETTING_AT(struct config_vrrp, notify_timeout_s), .live = true, .min = 1, .max = 3600,
	  .fallback = "30", .unit = "s", .help = "One that runs longer is killed." },
	{ .name = NULL },
};
// clang-format on

/* An address of a group, and the setting that has it. */
struct address {
	struct ip_addr ip;
	char setting[24];
};

static uint32_t
addresses_of(const struct config_vrrp *v, struct address out[VRRP_ADDRESSES + 2])
{
	const struct config_span *more = v->more.items;
	uint32_t n = 0;

	if (v->virtual_ip.address != 0)
		out[n++] = (struct address){ ip_addr_v4(v->virtual_ip.address), "virtual_ip" };
	if (v->virtual_ip6.family != 0)
		out[n++] = (struct address){ v->virtual_ip6, "virtual_ip6" };
	for (uint32_t i = 0; i < v->more.count; i++) {
		out[n].ip = more[i].first;
		snprintf(out[n++].setting, sizeof(out[0].setting), "more[%u]", i);
	}
	return n;
}

static int
check_alone(struct config *c, const struct config_vrrp *v)
{
	static const char *const plain_only[] = { "priority", "preempt", "preempt_delay_s", "sync",
		"track" };
	const struct config_hrp *hrp = config_section_data(c, "hrp");
	const bool second = v->virtual_ip.address != 0 && v->version == 2;

	if (second && v->advert_ms % 1000 != 0)
		return config_fail(c, &v->origin, "advert_ms",
			"%d is no whole second, expected 1000, 2000, ... or version = 3",
			(int)v->advert_ms);
	if (v->advert_ms % 10 != 0)
		return config_fail(c, &v->origin, "advert_ms",
			"%d is no multiple of 10, expected one", (int)v->advert_ms);
	if ((!second || v->virtual_ip6.family != 0) && v->advert_ms > ADVERT_V3_MAX_MS)
		return config_fail(c, &v->origin, "advert_ms",
			"%d does not fit in an advert of version 3, expected at most %d",
			(int)v->advert_ms, ADVERT_V3_MAX_MS);
	if (v->password[0] != '\0' && !second)
		return config_fail(c, &v->origin, "password",
			"is set, but version 3 has no authentication, expected none");
	if (config_is_set(&v->origin, "checksum") &&
		(v->version != 3 || v->virtual_ip.address == 0))
		return config_fail(c, &v->origin, "checksum",
			"is for version 3 over IPv4, expected it with version = 3 and virtual_ip "
			"only");
	if (v->group == VGMP_GROUP_NONE)
		return 0;
	if (!hrp->enable)
		return config_fail(c, &v->origin, "group",
			"follows a VGMP group but hrp is off, expected hrp.enable = true or group "
			"= \"none\"");
	for (unsigned int i = 0; i < RTE_DIM(plain_only); i++) {
		if (config_is_set(&v->origin, plain_only[i]))
			return config_fail(c, &v->origin, plain_only[i],
				"is decided by the VGMP group, expected it with group = \"none\" "
				"only");
	}
	return 0;
}

static int
check_auth(struct config *c, const struct config_vrrp *v)
{
	static const char *const of_hmac[] = { "auth.send_key", "auth.mode", "auth.replay",
		"auth.window_s" };
	const struct config_vrrp_key *const keys = v->auth.keys.items;
	uint8_t secret[VRRP_HMAC_KEY_MAX];
	bool found = v->auth.send_key == 0;

	if (v->auth.type == 0 && v->auth.keys.count > 0)
		return config_fail(c, &v->origin, "auth.keys",
			"are set, but there is no authentication, expected them with type = "
			"\"hmac\" only");
	/* Who writes `mode = "enforce"` believes that something is enforced. */
	for (unsigned int i = 0; v->auth.type == 0 && i < RTE_DIM(of_hmac); i++) {
		if (config_is_set(&v->origin, of_hmac[i]))
			return config_fail(c, &v->origin, of_hmac[i],
				"is set, but there is no authentication, expected it with type = "
				"\"hmac\" only");
	}
	if (v->auth.type == 0)
		return 0;
	if (v->auth.keys.count == 0)
		return config_fail(
			c, &v->origin, "auth.keys", "are missing, expected at least one");
	if (v->password[0] != '\0')
		return config_fail(
			c, &v->origin, "password", "is set beside auth, expected one of the two");
	if (v->auth.window_s != 0 && v->auth.replay != VRRP_HMAC_TIME)
		return config_fail(c, &v->origin, "auth.window_s",
			"is set, but no time is looked at, expected it with replay = \"time\" "
			"only");
	for (uint32_t i = 0; i < v->auth.keys.count; i++) {
		found = found || keys[i].id == v->auth.send_key;
		if (config_vrrp_secret(keys[i].secret, secret) < 0)
			return config_fail(c, &keys[i].origin, "secret",
				"is too short, too long, or no hexadecimal, expected 32 to 64 "
				"characters or \"hex:\" and as many octets");
		for (uint32_t k = 0; k < i; k++) {
			if (keys[i].id == keys[k].id)
				return config_fail(c, &keys[i].origin, "id",
					"%d is that of the key in line %d, expected another one",
					(int)keys[i].id, keys[k].origin.line);
		}
	}
	if (!found)
		return config_fail(c, &v->origin, "auth.send_key",
			"%d is the id of no key, expected that of one", (int)v->auth.send_key);
	return 0;
}

/* R50, R51; completes a length that was left out. */
static int
check_subnet(struct config *c, struct config_vrrp *v, const struct config_interface *own)
{
	char text[CONFIG_ADDRESS_TEXT];
	const bool inside = config_address_in(&own->address, v->virtual_ip.address);

	if (!inside && v->virtual_ip.len == 0)
		return config_fail(c, &v->origin, "virtual_ip",
			"%s is outside the subnet of %s, expected it with a prefix length",
			config_address_text(v->virtual_ip.address, text), own->name);
	if (v->virtual_ip.len == 0)
		v->virtual_ip.len = own->address.len;
	return 0;
}

/* Of an IPv4 address: where is it, and whose is it already? */
static int
check_address4(struct config *c, const struct config_vrrp *v, const struct address *a, int own)
{
	const struct config_list *interfaces = config_section_data(c, "interfaces");
	const struct config_interface *all = interfaces->items;
	const bool inside = config_address_in(&all[own].address, a->ip.v4);
	char text[CONFIG_ADDRESS_TEXT];

	config_address_text(a->ip.v4, text);
	if (!inside && !config_address_in(&v->virtual_ip, a->ip.v4))
		return config_fail(c, &v->origin, a->setting,
			"%s is outside the subnets of %s and of virtual_ip, expected a host of one",
			text, all[own].name);
	if (config_address_is_edge(inside ? &all[own].address : &v->virtual_ip, a->ip.v4))
		return config_fail(c, &v->origin, a->setting,
			"%s is the network or broadcast address of %s's subnet, expected a host",
			text, all[own].name);
	for (int i = 0; i < (int)interfaces->count; i++) {
		if (all[i].address.len == 0)
			continue;
		/* R39: in plain VRRP the address may be the interface's own. */
		if (all[i].address.address == a->ip.v4 && (i != own || v->group != VGMP_GROUP_NONE))
			return config_fail(c, &v->origin, a->setting,
				"%s is the address of interface %s, expected one that no box has",
				text, all[i].name);
		if (i != own && config_address_in(&all[i].address, a->ip.v4))
			return config_fail(c, &v->origin, a->setting,
				"%s belongs to the subnet of interface %s, expected a host of %s's",
				text, all[i].name, all[own].name);
	}
	return 0;
}

static bool
is_own6(const struct config_interface *own, const struct ip_addr *a)
{
	const struct config_net *nets = own->address6.items;

	for (uint32_t i = 0; i < own->address6.count; i++) {
		if (ip_addr_equal(&nets[i].address, a))
			return true;
	}
	return false;
}

static int
check_address6(struct config *c, const struct config_vrrp *v, const struct address *a,
	const struct config_interface *own)
{
	const struct config_net *nets = own->address6.items;
	static const uint8_t anycast[IP6_LEN] = { 0xfe, 0x80 };
	bool inside = ip6_is_link_local(a->ip.v6);
	char text[CONFIG_IP_TEXT];

	config_address_ip_text(&a->ip, text);
	if (ip6_equal(a->ip.v6, anycast))
		return config_fail(c, &v->origin, a->setting,
			"%s is the subnet-router anycast address of every link, expected a host",
			text);
	for (uint32_t i = 0; i < own->address6.count; i++) {
		if (!config_address_net_in(&nets[i], &a->ip))
			continue;
		inside = true;
		if (config_address_net_is_edge(&nets[i], &a->ip))
			return config_fail(c, &v->origin, a->setting,
				"%s is the subnet-router anycast address of %s's subnet, expected "
				"a host",
				text, own->name);
	}
	if (ip_addr_equal(&own->link_local, &a->ip) || is_own6(own, &a->ip))
		return config_fail(c, &v->origin, a->setting,
			"%s is the address of interface %s, expected one that no box has", text,
			own->name);
	if (!inside)
		return config_fail(c, &v->origin, a->setting,
			"%s is outside the subnets of %s, expected a link-local address or a host "
			"of one",
			text, own->name);
	return 0;
}

/* Is it a next hop? */
static int
check_routes(struct config *c, const struct config_vrrp *v, const struct address *a)
{
	const struct config_list *routes = config_section_data(c, "routes");
	const struct config_route *r = routes->items;
	const bool link_local = a->ip.family == 6 && ip6_is_link_local(a->ip.v6);
	char text[CONFIG_IP_TEXT];

	for (uint32_t i = 0; i < routes->count; i++) {
		if (!ip_addr_equal(&r[i].via, &a->ip) ||
			(link_local && strcmp(r[i].interface, v->interface) != 0))
			continue;
		return config_fail(c, &v->origin, a->setting,
			"%s is the next hop of the route in line %d, expected one that no host has",
			config_address_ip_text(&a->ip, text), r[i].origin.line);
	}
	return 0;
}

static int
check_address(struct config *c, const struct config_vrrp *v, const struct address *a, int own)
{
	const struct config_list *interfaces = config_section_data(c, "interfaces");
	const struct config_interface *const all = interfaces->items;
	const int rc = a->ip.family == 6 ? check_address6(c, v, a, &all[own])
					 : check_address4(c, v, a, own);

	return rc < 0 ? rc : check_routes(c, v, a);
}

/* Of one address each, and of a family that the group has. */
static int
check_list(struct config *c, const struct config_vrrp *v, const struct config_list *list,
	const char *setting)
{
	const struct config_span *const all = list->items;
	char name[24];

	for (uint32_t i = 0; i < list->count; i++) {
		const bool has = all[i].first.family == 6 ? v->virtual_ip6.family != 0
							  : v->virtual_ip.address != 0;

		snprintf(name, sizeof(name), "%s[%u]", setting, i);
		if (!ip_addr_equal(&all[i].first, &all[i].last) ||
			!config_address_ip_is_host(&all[i].first))
			return config_fail(c, &v->origin, name,
				"is not the address of one host, expected such as \"10.1.1.9\"");
		if (!has)
			return config_fail(c, &v->origin, name,
				"is of a family that the group does not have, expected virtual_ip "
				"or virtual_ip6 of it");
	}
	return 0;
}

/* R42, R43, R234 */
static int
check_track(struct config *c, const struct config_vrrp *v, const struct config_interface *own)
{
	const struct config_vrrp_track *const all = v->track.items;

	if (v->sync[0] != '\0' && config_vrrp_is_owner(own, v))
		return config_fail(c, &v->origin, "sync",
			"is set, but the owner of an address is always master, expected another "
			"virtual_ip or no sync");
	for (uint32_t i = 0; i < v->track.count; i++) {
		const struct config_vrrp_track *const t = &all[i];
		const int rc =
			config_track_check(c, &t->origin, t->interface, &t->destination, t->script);

		if (rc < 0)
			return rc;
	}
	return 0;
}

/* R230: neighbours, all of one family. */
static int
check_peers(struct config *c, const struct config_vrrp *v, const struct config_interface *own)
{
	const struct config_span *const all = v->peers.items;
	char name[24];

	if (v->peers.count == 0 && !v->ttl_check)
		return config_fail(c, &v->origin, "ttl_check",
			"is off, but adverts of all routers must have TTL 255, expected it with "
			"peers only");
	if (v->peers.count > 0 && v->virtual_ip.address != 0 && v->virtual_ip6.family != 0)
		return config_fail(c, &v->origin, "peers",
			"are set in a group of both families, expected a group for each");
	for (uint32_t i = 0; i < v->peers.count; i++) {
		const struct ip_addr *const p = &all[i].first;
		const bool link_local = p->family == 6 && ip6_is_link_local(p->v6);

		snprintf(name, sizeof(name), "peers[%u]", i);
		if (p->family == 4 ? p->v4 == own->address.address
				   : ip_addr_equal(p, &own->link_local) || is_own6(own, p))
			return config_fail(c, &v->origin, name,
				"is our own address, expected that of another router");
		if (p->family == 4 ? !config_address_in(&own->address, p->v4) ||
					     config_address_is_edge(&own->address, p->v4)
				   : !link_local && config_vrrp_source6(own, p).family == 0)
			return config_fail(c, &v->origin, name,
				"is no host in a subnet of %s, expected one", own->name);
		if (p->family == 6 && link_local != ip6_is_link_local(all[0].first.v6))
			return config_fail(c, &v->origin, name,
				"is link-local beside one that is not, or the other way round, "
				"expected all of one kind");
	}
	return 0;
}

static int
check_others(struct config *c, const struct config_vrrp *all, uint32_t mine)
{
	const struct config_vrrp *v = &all[mine];
	struct address ours[VRRP_ADDRESSES + 2], theirs[VRRP_ADDRESSES + 2];
	const uint32_t n = addresses_of(v, ours);

	for (uint32_t j = 0; j <= mine; j++) {
		const bool same = strcmp(v->interface, all[j].interface) == 0;
		const bool shared =
			(v->virtual_ip.address != 0 && all[j].virtual_ip.address != 0) ||
			(v->virtual_ip6.family != 0 && all[j].virtual_ip6.family != 0);
		const uint32_t m = addresses_of(&all[j], theirs);

		/* Another one of the other family may have it (RFC 9568 5.2.3). */
		if (j != mine && v->vrid == all[j].vrid && same && shared)
			return config_fail(c, &v->origin, "vrid",
				"%d is on %s already in line %d, expected another number",
				(int)v->vrid, v->interface, all[j].origin.line);
		for (uint32_t i = 0; i < n; i++) {
			for (uint32_t k = 0; k < (j == mine ? i : m); k++) {
				if (!ip_addr_equal(&ours[i].ip, &theirs[k].ip) ||
					(ours[i].ip.family == 6 && !same))
					continue;
				return config_fail(c, &v->origin, ours[i].setting,
					"is taken by the group in line %d, expected an address of "
					"its own",
					all[j].origin.line);
			}
		}
	}
	return 0;
}

/* What it takes on the interface; RFC 9568 5.2.9. */
static int
check_family(struct config *c, const struct config_vrrp *v, const struct config_interface *own)
{
	struct ip_addr addresses[VRRP_ADDRESSES];
	const bool four = v->virtual_ip.address != 0, six = v->virtual_ip6.family != 0;
	char text[CONFIG_IP_TEXT];

	if (!four && !six)
		return config_fail(c, &v->origin, "virtual_ip",
			"is missing, expected an address here or in virtual_ip6");
	if (six && v->virtual_ip6.family != 6)
		return config_fail(c, &v->origin, "virtual_ip6",
			"%s is no IPv6 address, expected one, link-local for example",
			config_address_ip_text(&v->virtual_ip6, text));
	if (four && own->address.len == 0)
		return config_fail(c, &v->origin, "interface",
			"%s has no address, expected an interface with one", v->interface);
	if (six && own->address6.count == 0)
		return config_fail(c, &v->origin, "virtual_ip6",
			"%s has no address6, expected an interface with one", own->name);
	if (v->group != VGMP_GROUP_NONE)
		return 0;
	if (four && six)
		return config_fail(c, &v->origin, "virtual_ip6",
			"is set beside virtual_ip in a plain group, expected a group for each "
			"family");
	if (v->more.count >= VRRP_ADDRESSES)
		return 0; /* refused already */
	config_vrrp_addresses(v, addresses);
	if (six && !ip6_is_link_local(addresses[0].v6))
		return config_fail(c, &v->origin, "virtual_ip6",
			"is not link-local, nor is one of more, expected one in a plain group");
	return 0;
}

static int
check_group(struct config *c, struct config_vrrp *all, uint32_t mine)
{
	const struct config_list *interfaces = config_section_data(c, "interfaces");
	struct config_vrrp *v = &all[mine];
	const struct config_interface *own;
	struct address addresses[VRRP_ADDRESSES + 2];
	const int index = config_interface_index(c, v->interface);
	uint32_t n;
	int rc;

	if (index < 0)
		return config_fail(c, &v->origin, "interface",
			"unknown interface \"%s\", expected the name of one in the section "
			"interfaces",
			v->interface);
	own = (const struct config_interface *)interfaces->items + index;
	n = addresses_of(v, addresses);
	if (n > VRRP_ADDRESSES)
		return config_fail(c, &v->origin, "more",
			"makes %u addresses of the group, expected at most %u", n, VRRP_ADDRESSES);
	rc = check_family(c, v, own);
	if (rc == 0)
		rc = check_alone(c, v);
	if (rc == 0)
		rc = check_auth(c, v);
	if (rc == 0 && v->virtual_ip.address != 0)
		rc = check_subnet(c, v, own);
	if (rc == 0)
		rc = check_list(c, v, &v->more, "more");
	if (rc == 0)
		rc = check_list(c, v, &v->peers, "peers");
	if (rc == 0)
		rc = check_peers(c, v, own);
	if (rc == 0)
		rc = check_track(c, v, own);
	for (uint32_t i = 0; rc == 0 && i < n; i++)
		rc = check_address(c, v, &addresses[i], index);
	return rc < 0 ? rc : check_others(c, all, mine);
}

/* R50: a virtual address outside its interface's subnet brings a subnet, which is a route. */
static uint32_t
count_subnets(const struct config *c, const struct config_list *list)
{
	const struct config_list *interfaces = config_section_data(c, "interfaces");
	const struct config_interface *all = interfaces->items;
	const struct config_vrrp *v = list->items;
	uint32_t n = 0;

	for (uint32_t i = 0; i < list->count; i++)
		n += v[i].virtual_ip.address != 0 &&
		     !config_address_in(&all[config_interface_index(c, v[i].interface)].address,
			     v[i].virtual_ip.address);
	return n;
}

static int
check(struct config *c)
{
	const struct config_list *list = config_section_fill(c, "vrrp");
	const struct config_vrrp *const all = list->items;
	uint32_t addresses = 0;
	int rc = 0;

	for (uint32_t i = 0; rc == 0 && i < list->count; i++) {
		rc = check_group(c, list->items, i);
		if (rc == 0)
			rc = config_notify_check(
				c, &all[i].origin, all[i].notify, all[i].notify_user);
		addresses += all[i].more.count + (all[i].virtual_ip.address != 0) +
			     (all[i].virtual_ip6.family != 0);
		if (rc == 0 && addresses > VRRP_MAX_ADDRESSES)
			rc = config_fail(c, &all[i].origin, NULL,
				"brings the virtual addresses to %u, expected at most %u",
				addresses, VRRP_MAX_ADDRESSES);
	}
	if (rc == 0)
		rc = config_route_check_room(c, config_route_count(c, 4) + count_subnets(c, list));
	return rc == 0 ? vrrp_nat_check(c) : rc;
}

const struct config_section config_section_vrrp = {
	.name = "vrrp",
	.list = true,
	.max_items = VRRP_MAX_GROUPS,
	.size = sizeof(struct config_vrrp),
	.settings = settings,
	.check = check,
	.help = "VRRP groups: the addresses that the pair shares.",
};
