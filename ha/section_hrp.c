/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Section `hrp`: hot standby: heartbeat links, detection, preemption, tracked members.
 */
#include "config_address.h"
#include "device.h"
#include "ha_config.h"
#include "ha_constants.h"
#include "snapshot.h"
#include "trunk.h"

#include <stdio.h>
#include <string.h>

/* Words of VGMP_GROUP_ACTIVE - 1 and VGMP_GROUP_STANDBY - 1: a tracked interface has a group. */
static const char *const group_words[] = { "active", "standby", NULL };

/* Words of enum hrp_split_brain. */
static const char *const split_words[] = { "alarm", "yield", NULL };

const char *const hrp_nat_resources[] = { [HRP_NAT_WHOLE] = "whole",
	[HRP_NAT_PRIMARY] = "primary-group",
	[HRP_NAT_SECONDARY] = "secondary-group",
	NULL };

// clang-format off
static const struct config_setting_desc heartbeat_settings[] = {
	{ .name = "interface", .type = SETTING_NAME, SETTING_AT(struct config_heartbeat, interface),
	  .required = true, .min = 1, .max = 47,
	  .help = "Heartbeat interface; it needs an address. It carries nothing else, unless "
		  "`heartbeat_only`." },
	{ .name = "remote", .type = SETTING_ADDRESS, SETTING_AT(struct config_heartbeat, remote),
	  .help = "The peer's address: messages go to it in UDP, port 18514, if the security policy "
		  "permits it between this zone and local. Without it they are multicast." },
	{ .name = "gateway", .type = SETTING_ADDRESS, SETTING_AT(struct config_heartbeat, gateway),
	  .help = "Router to a `remote` outside the interface's subnet; on interfaces with "
		  "`heartbeat_only` the routes lead there." },
	{ .name = "heartbeat_only", .type = SETTING_BOOL,
	  SETTING_AT(struct config_heartbeat, heartbeat_only), .fallback = "false",
	  .help = "A service interface: hellos and probes go by it in UDP, the mirror does not. "
		  "Needs `remote`." },
	{ .name = NULL },
};

static const struct config_setting_desc track_settings[] = {
	{ .name = "interface", .type = SETTING_NAME, SETTING_AT(struct config_track, interface),
	  .min = 1, .max = 47, .help = "Interface that must be up; this, `destination` or `script`." },
	{ .name = "destination", .type = SETTING_IP, SETTING_AT(struct config_track, destination),
	  .help = "Address that a route must lead to: failed while there is none, its interface is "
		  "down, or its next hop does not answer." },
	{ .name = "script", .type = SETTING_NAME, SETTING_AT(struct config_track, script),
	  .min = 1, .max = SCRIPT_NAME - 1,
	  .help = "One of the section `scripts`; until it has ended once it counts as failed." },
	{ .name = "group", .type = SETTING_ENUM, SETTING_AT(struct config_track, group),
	  .required = true, .choices = group_words, .help = "VGMP group it is a member of." },
	{ .name = NULL },
};

static const struct config_setting_desc defer_settings[] = {
	{ .name = "source_zone", .type = SETTING_NAME, SETTING_AT(struct config_defer, source_zone),
	  .required = true, .live = true, .min = 1, .max = CONFIG_ZONE_NAME - 1,
	  .help = "Zone of who begins a session." },
	{ .name = "destination_zone", .type = SETTING_NAME,
	  SETTING_AT(struct config_defer, destination_zone), .required = true, .live = true, .min = 1,
	  .max = CONFIG_ZONE_NAME - 1, .help = "Zone of who answers." },
	{ .name = NULL },
};

static const struct config_setting_desc settings[] = {
	{ .name = "enable", .type = SETTING_BOOL, SETTING_AT(struct config_hrp, enable),
	  .fallback = "false", .help = "Hot standby with a peer." },
	{ .name = "interfaces", .type = SETTING_LIST, .offset = offsetof(struct config_hrp, interfaces),
	  .size = sizeof(struct config_heartbeat), .max_items = HRP_MAX_LINKS,
	  .settings = heartbeat_settings,
	  .help = "Heartbeat interfaces; the first one that works is used." },
	{ .name = "hello_ms", .type = SETTING_INT, SETTING_AT(struct config_hrp, hello_ms),
	  .min = HRP_HELLO_MIN_MS, .max = HRP_HELLO_MAX_MS, .fallback = "1000", .unit = "ms",
	  .help = "Time between hellos; the same on both boxes." },
	{ .name = "misses", .type = SETTING_INT, SETTING_AT(struct config_hrp, misses),
	  .min = HRP_MISSES_MIN, .max = HRP_MISSES_MAX, .fallback = "3", .unit = "hellos",
	  .help = "Hellos that must be missing before the peer counts as dead; the same on both boxes. Where "
		  "hello_ms x misses differs the longer time counts on both, and both warn." },
	{ .name = "boards", .type = SETTING_INT, SETTING_AT(struct config_hrp, boards),
	  .min = 0, .max = VGMP_BOARDS_MAX, .fallback = "0", .unit = "boards",
	  .help = "Service and interface boards of a chassis: the groups' priorities begin at "
		  "45001 and 45000 plus 1000 for each; 0, for a box, means 65001 and 65000." },
	{ .name = "preempt", .type = SETTING_BOOL, SETTING_AT(struct config_hrp, preempt),
	  .fallback = "false",
	  .help = "Take the active role back after a repair, once synchronised." },
	{ .name = "preempt_delay_s", .type = SETTING_INT, SETTING_AT(struct config_hrp, preempt_delay_s),
	  .max = 1800, .fallback = "60", .unit = "s", .help = "Wait before preempting." },
	{ .name = "split_brain", .type = SETTING_ENUM, SETTING_AT(struct config_hrp, split_brain),
	  .choices = split_words, .fallback = "alarm",
	  .help = "When no heartbeat works and both boxes live. `alarm`: both become active, and "
		  "tell. `yield`: a box that would take over asks the service network first "
		  "whether the peer still owns the addresses, and waits while it does; should both "
		  "be active, the standby group steps down. The same on both boxes." },
	{ .name = "auto_sync", .type = SETTING_BOOL, SETTING_AT(struct config_hrp, auto_sync),
	  .fallback = "true",
	  .help = "Automatic mirroring of sessions: each `auto_sync_period_s` the peer is told what "
		  "has changed, but not half-open TCP connections, UDP sessions of a single packet, and "
		  "sessions to the firewall itself. It should stay on." },
	{ .name = "auto_sync_period_s", .type = SETTING_INT,
	  SETTING_AT(struct config_hrp, auto_sync_period_s), .min = 1, .max = 3600,
	  .fallback = "10", .unit = "s", .help = "Time between two rounds of automatic mirroring." },
	{ .name = "auto_sync_config", .type = SETTING_BOOL,
	  SETTING_AT(struct config_hrp, auto_sync_config), .fallback = "true", .live = true,
	  .help = "Automatic backup of the configuration: the config master's replicated sections replace those "
		  "of the other box, in its file too, whenever they differ, and are changed on the master only. "
		  "Off on either box: each has its own file, and a difference is shown." },
	{ .name = "mirror_session", .type = SETTING_BOOL,
	  SETTING_AT(struct config_hrp, mirror_session), .fallback = "true",
	  .help = "Quick mirroring: each session, of every kind, is told at once, and each change of "
		  "it. Without it a takeover loses what is younger than a period, and load sharing "
		  "with replies that come back by the other box does not work." },
	{ .name = "nat_resource", .type = SETTING_ENUM, SETTING_AT(struct config_hrp, nat_resource),
	  .choices = hrp_nat_resources, .fallback = "whole",
	  .help = "For load sharing: the half of every address group's ports (mode `pat`, easy-ip, NAT64) that this "
		  "box hands out; the other box needs the other word. Else both may choose the same port." },
	{ .name = "nat_reclaim_s", .type = SETTING_INT, SETTING_AT(struct config_hrp, nat_reclaim_s),
	  .min = 1, .max = 86400, .fallback = "60", .unit = "s",
	  .help = "How long the peer must be dead before its half is used as well; what it handed out last may "
		  "not be known here." },
	{ .name = "defer", .type = SETTING_LIST, .offset = offsetof(struct config_hrp, defer),
	  .size = sizeof(struct config_defer), .max_items = HRP_MAX_DEFER, .live = true,
	  .settings = defer_settings,
	  .help = "For load sharing where answers may pass the other box: the first packet of a session between "
		  "these zones waits until the peer has acknowledged its copy." },
	{ .name = "defer_ms", .type = SETTING_INT, SETTING_AT(struct config_hrp, defer_ms), .live = true,
	  .min = 1, .max = 1000, .fallback = "100", .unit = "ms",
	  .help = "A first packet waits no longer." },
	{ .name = "track", .type = SETTING_LIST, .offset = offsetof(struct config_hrp, track),
	  .size = sizeof(struct config_track), .max_items = HRP_MAX_TRACK, .settings = track_settings,
	  .help = "What counts as a member of a VGMP group beside VRRP groups: each that fails lowers "
		  "the group's priority by 2." },
	{ .name = "notify", .type = SETTING_STRING, SETTING_AT(struct config_hrp, notify), .live = true,
	  .max = SCRIPT_PATH_MAX - 1,
	  .help = "Absolute path of a program that is told of each change of role of a VGMP group: its arguments "
		  "are in docs/ha.md. Neither it nor a folder on the way to it may be writable by "
		  "anybody but root and `notify_user`. Empty: none." },
	{ .name = "notify_user", .type = SETTING_NAME, SETTING_AT(struct config_hrp, notify_user),
	  .live = true, .min = 1, .max = SCRIPT_NAME - 1, .fallback = "nobody",
	  .help = "User it runs as." },
	{ .name = "notify_timeout_s", .type = SETTING_INT,
	  SETTING_AT(struct config_hrp, notify_timeout_s), .live = true, .min = 1, .max = 3600,
	  .fallback = "30", .unit = "s", .help = "One that runs longer is killed." },
	{ .name = NULL },
};
// clang-format on

/* An address of another host in the interface's subnet? */
static int
check_host(struct config *c, const struct config_heartbeat *h, const char *setting,
	rte_be32_t address, const struct config_interface *own)
{
	char text[CONFIG_ADDRESS_TEXT];

	config_address_text(address, text);
	if (address == own->address.address)
		return config_fail(c, &h->origin, setting,
			"%s is our own address, expected another box's", text);
	if (config_address_is_edge(&own->address, address))
		return config_fail(c, &h->origin, setting,
			"%s is the network or broadcast address of %s's subnet, expected a host's",
			text, own->name);
	return 0;
}

/* Does the longest route to the address, which is outside its subnet, leave by this interface? */
static bool
is_routed(const struct config *c, rte_be32_t address, int interface)
{
	const struct config_list *interfaces = config_section_data(c, "interfaces");
	const struct config_list *routes = config_section_data(c, "routes");
	const struct config_interface *all = interfaces->items;
	const struct config_route *r = routes->items;
	const struct ip_addr ip = ip_addr_v4(address);
	int best = -1, by = -1;

	for (int i = 0; i < (int)interfaces->count; i++) {
		const struct config_prefix *p = &all[i].address;

		if (p->len > 0 && p->len > best && config_address_in(p, address)) {
			best = p->len;
			by = i;
		}
	}
	for (uint32_t i = 0; i < routes->count; i++) {
		if (r[i].prefix.len > best && config_address_net_in(&r[i].prefix, &ip)) {
			best = r[i].prefix.len;
			by = config_route_interface(c, &r[i]);
		}
	}
	return by == interface;
}

static int
check_remote(struct config *c, const struct config_heartbeat *h, const struct config_interface *own)
{
	const bool near = config_address_in(&own->address, h->remote);
	char text[CONFIG_ADDRESS_TEXT];
	int rc;

	if (h->remote == 0 && h->heartbeat_only)
		return config_fail(c, &h->origin, "heartbeat_only",
			"is set without remote, expected the peer's address there: by a service "
			"interface the heartbeat goes in UDP");
	if (h->gateway != 0 && (h->remote == 0 || near || h->heartbeat_only))
		return config_fail(c, &h->origin, "gateway",
			"is for a remote outside the subnet of an interface that carries nothing "
			"else, expected none here");
	if (h->remote == 0)
		return 0;
	config_address_text(h->remote, text);
	if (near || h->gateway == 0)
		rc = check_host(c, h, "remote", h->remote, own);
	else
		rc = check_host(c, h, "gateway", h->gateway, own);
	if (rc < 0 || near)
		return rc;
	if (h->heartbeat_only && !is_routed(c, h->remote, config_interface_index(c, own->name)))
		return config_fail(c, &h->origin, "remote",
			"%s is outside the subnet of %s and no route leads to it by that "
			"interface, "
			"expected one in the section routes",
			text, own->name);
	if (!h->heartbeat_only && !config_address_in(&own->address, h->gateway))
		return config_fail(c, &h->origin, h->gateway != 0 ? "gateway" : "remote",
			"%s is outside the subnet of %s, expected %s", text, own->name,
			h->gateway != 0 ? "a router in it" : "an address in it, or a gateway");
	return 0;
}

/* A heartbeat interface carries nothing else. */
static int
check_dedicated(struct config *c, const struct config_hrp *hrp, const struct config_heartbeat *h)
{
	const struct config_list *groups = config_section_data(c, "vrrp");
	const struct config_list *routes = config_section_data(c, "routes");
	const struct config_vrrp *v = groups->items;
	const struct config_track *t = hrp->track.items;
	const struct config_route *r = routes->items;
	const struct config_list *interfaces = config_section_data(c, "interfaces");
	const struct config_interface *all = interfaces->items;
	const int own = config_interface_index(c, h->interface);

	for (int i = 0; i < (int)interfaces->count; i++) {
		if (strcmp(all[i].port, all[own].port) == 0 && (i != own || all[own].vlan != 0))
			return config_fail(c, &all[i].origin, i == own ? "vlan" : "port",
				"port %s carries the heartbeat, expected one interface there, "
				"untagged",
				all[own].port);
	}
	for (uint32_t i = 0; i < groups->count; i++) {
		if (strcmp(v[i].interface, h->interface) == 0)
			return config_fail(c, &h->origin, "interface",
				"%s has the VRRP group of line %d, expected an interface for the "
				"heartbeat alone",
				h->interface, v[i].origin.line);
	}
	for (uint32_t i = 0; i < hrp->track.count; i++) {
		if (strcmp(t[i].interface, h->interface) == 0)
			return config_fail(c, &t[i].origin, "interface",
				"%s is a heartbeat interface, expected a service interface",
				h->interface);
	}
	for (uint32_t i = 0; i < routes->count; i++) {
		if (config_route_interface(c, &r[i]) == config_interface_index(c, h->interface))
			return config_fail(c, &r[i].origin, "via",
				"leads to the heartbeat interface %s, expected a next hop on a "
				"service "
				"interface",
				h->interface);
	}
	return 0;
}

static bool
is_lacp(const struct config *c, const char *port)
{
	const struct config_list *trunks = config_section_data(c, "eth_trunks");
	const struct config_trunk *t = trunks->items;

	for (uint32_t i = 0; i < trunks->count; i++) {
		if (strcmp(t[i].name, port) == 0)
			return t[i].mode == TRUNK_LACP;
	}
	return false;
}

static int
check_heartbeat(struct config *c, const struct config_hrp *hrp, uint32_t mine)
{
	const struct config_list *interfaces = config_section_data(c, "interfaces");
	const struct config_heartbeat *all = hrp->interfaces.items, *h = &all[mine];
	const int index = config_interface_index(c, h->interface);
	const struct config_interface *own;
	int rc;

	if (index < 0)
		return config_fail(c, &h->origin, "interface",
			"unknown interface \"%s\", expected the name of one in the section "
			"interfaces",
			h->interface);
	own = (const struct config_interface *)interfaces->items + index;
	if (own->address.len == 0)
		return config_fail(c, &h->origin, "interface",
			"%s has no address, expected an interface with one", h->interface);
	for (uint32_t j = 0; j < mine; j++) {
		if (strcmp(all[j].interface, h->interface) == 0)
			return config_fail(c, &h->origin, "interface",
				"%s is listed in line %d already, expected each interface once",
				h->interface, all[j].origin.line);
	}
	rc = check_remote(c, h, own);
	if (rc < 0 || h->heartbeat_only)
		return rc;
	if (own->address6.count > 0)
		return config_fail(c, &own->origin, "address6",
			"is on the heartbeat interface %s, expected IPv4 alone there",
			h->interface);
	if (is_lacp(c, own->port))
		return config_fail(c, &own->origin, "port",
			"trunk %s agrees by LACP on who carries traffic, which takes seconds, "
			"expected "
			"a trunk of another mode or a port for the heartbeat",
			own->port);
	return check_dedicated(c, hrp, h);
}

static int
check_track(struct config *c, const struct config_hrp *hrp, uint32_t mine)
{
	const struct config_track *all = hrp->track.items, *t = &all[mine];
	const int rc = config_track_check(c, &t->origin, t->interface, &t->destination, t->script);
	char text[CONFIG_IP_TEXT];

	if (rc < 0)
		return rc;
	for (uint32_t j = 0; j < mine; j++) {
		if (t->group != all[j].group || strcmp(t->interface, all[j].interface) != 0 ||
			!ip_addr_equal(&t->destination, &all[j].destination) ||
			strcmp(t->script, all[j].script) != 0)
			continue;
		return config_fail(c, &t->origin,
			t->interface[0] != '\0' ? "interface"
			: t->script[0] != '\0'  ? "script"
						: "destination",
			"%s is a member by line %d already, expected each once in a group",
			t->interface[0] != '\0' ? t->interface
			: t->script[0] != '\0'
				? t->script
				: config_address_ip_text(&t->destination, text),
			all[j].origin.line);
	}
	return 0;
}

/* Only this section knows which ports are no service ports: those have one queue. */
static int
check_queues(struct config *c, const struct config_hrp *hrp)
{
	const struct config_system *system = config_section_data(c, "system");
	const struct config_list *interfaces = config_section_data(c, "interfaces");
	const struct config_list *ports = config_section_data(c, "ports");
	const struct config_interface *all = interfaces->items;
	const struct config_heartbeat *h = hrp->interfaces.items;

	for (uint32_t i = 0; i < ports->count; i++) {
		const struct config_port *p = (const struct config_port *)ports->items + i;
		const int queues = device_queues(p->devargs);
		bool heartbeat = false;

		for (uint32_t j = 0; hrp->enable && j < hrp->interfaces.count; j++) {
			const int index = config_interface_index(c, h[j].interface);

			heartbeat |= index >= 0 && !h[j].heartbeat_only &&
				     strcmp(all[index].port, config_port_user(c, p->name)) == 0;
		}
		if (queues >= 0 && !heartbeat && queues < (int)system->worker_cpus.count)
			return config_fail(c, &p->origin, "devargs",
				"asks for %d queues, expected qpairs=%u, one for each worker",
				queues, system->worker_cpus.count);
	}
	return 0;
}

static int
check_defer(struct config *c, const struct config_defer *d)
{
	const char *const settings_of[] = { "source_zone", "destination_zone" };
	const char *const zones[] = { d->source_zone, d->destination_zone };

	for (unsigned int i = 0; i < RTE_DIM(zones); i++) {
		const uint8_t zone = config_zone_id(c, zones[i]);

		if (zone == ZONE_NONE || zone == ZONE_LOCAL)
			return config_fail(c, &d->origin, settings_of[i],
				"unknown zone \"%s\", expected trust, dmz, untrust or one of the "
				"section zones",
				zones[i]);
	}
	return 0;
}

/* Is there a link for more than hellos? */
static bool
some_mirror(const struct config_hrp *hrp)
{
	const struct config_heartbeat *h = hrp->interfaces.items;

	for (uint32_t i = 0; i < hrp->interfaces.count; i++)
		if (!h[i].heartbeat_only)
			return true;
	return false;
}

/* What the check of `system` does not know of. */
static int
check_memory(struct config *c, const struct config_hrp *hrp)
{
	const struct config_system *system = config_section_data(c, "system");
	const struct config_heartbeat *all = hrp->interfaces.items;
	const int tables = config_tables_mb(c);
	uint32_t ports = 0;

	for (uint32_t i = 0; i < hrp->interfaces.count; i++)
		ports += !all[i].heartbeat_only;
	const int buffers = config_buffers_mb((int64_t)ports * HRP_PORT_BUFFERS);
	if (system->memory_mb >= tables + buffers)
		return 0;
	return config_fail(c, &system->origin, "memory_mb",
		"%d MiB do not hold the tables and packet buffers (%d) and those of %u heartbeat "
		"interfaces (%d), expected more than %d or smaller tables",
		(int)system->memory_mb, tables, ports, buffers, tables + buffers);
}

static int
check(struct config *c)
{
	struct config_hrp *hrp = config_section_fill(c, "hrp");
	struct config_track *track = hrp->track.items;
	int rc = 0;

	for (uint32_t i = 0; i < hrp->track.count; i++)
		track[i].group += VGMP_GROUP_ACTIVE;
	for (uint32_t i = 0; rc == 0 && i < hrp->interfaces.count; i++)
		rc = check_heartbeat(c, hrp, i);
	for (uint32_t i = 0; rc == 0 && i < hrp->track.count; i++)
		rc = check_track(c, hrp, i);
	for (uint32_t i = 0; rc == 0 && i < hrp->defer.count; i++)
		rc = check_defer(c, &((const struct config_defer *)hrp->defer.items)[i]);
	if (rc == 0)
		rc = config_notify_check(c, &hrp->origin, hrp->notify, hrp->notify_user);
	if (rc == 0 && hrp->enable && !some_mirror(hrp))
		return config_fail(c, &hrp->origin, "interfaces",
			"names none that could carry the mirror, expected at least one heartbeat "
			"interface without heartbeat_only");
	if (rc == 0)
		rc = check_memory(c, hrp);
	return rc < 0 ? rc : check_queues(c, hrp);
}

const struct config_section config_section_hrp = {
	.name = "hrp",
	.size = sizeof(struct config_hrp),
	.settings = settings,
	.check = check,
	.help = "Hot standby: heartbeat links to the peer, detection of its death, preemption.",
};
