/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * display interface: addresses, zones, carrier and counters; display ipv6 interface: IPv6
 * addresses and what duplicate detection says of them.
 */
#include "command.h"
#include "management.h"
#include "row.h"

/* Heartbeat links are the HRP core's business: the control core does not know their carrier. */
static bool
link_up(const struct management *m, const struct snapshot_interface *in, uint16_t index)
{
	if (in->heartbeat)
		return m->links != NULL && link_watch_up(m->links, in->port);
	return m->core != NULL && core_link_up(m->core, index);
}

static bool
collect(struct management *m, const json_t *filter, uint64_t *cursor, json_t *rows)
{
	const struct snapshot *s = engine_snapshot(m->engine);

	(void)filter;
	(void)cursor;
	for (uint16_t i = 0; s != NULL && i < s->interface_count; i++) {
		const struct snapshot_interface *in = &s->interfaces[i];
		const struct port *port = engine_port(m->engine, in->port);
		const bool link = link_up(m, in, i);
		struct interface_stats stats;
		json_t *row = json_object();

		if (!in->heartbeat || m->ha.interface_stats == NULL ||
			!m->ha.interface_stats(m->ha.ctx, i, &stats))
			engine_interface_stats(m->engine, i, &stats);
		row_text(row, "interface", in->name);
		row_text(row, "state", !in->up ? "shutdown" : link ? "up" : "down");
		if (in->address != 0)
			row_prefix(row, "address", in->address, in->prefix_len);
		else
			json_object_set_new(row, "address", json_null());
		row_text(row, "zone", row_zone(s, in->zone));
		row_text(row, "port", port != NULL ? port->name : "");
		row_text(row, "configured_port",
			m->config != NULL ? config_port_name(m->config, in->port) : "");
		if (in->vlan != 0)
			row_number(row, "vlan", in->vlan);
		else
			json_object_set_new(row, "vlan", json_null());
		row_mac(row, "mac", &in->mac);
		row_number(row, "mtu", in->mtu);
		row_bool(row, "heartbeat", in->heartbeat);
		row_bool(row, "ping", in->ping);
		row_number(row, "rx_packets", stats.rx_packets);
		row_number(row, "rx_bytes", stats.rx_bytes);
		row_number(row, "tx_packets", stats.tx_packets);
		row_number(row, "tx_bytes", stats.tx_bytes);
		row_number(row, "drops", stats.drops);
		json_array_append_new(rows, row);
	}
	return false;
}

static void
add_address6(json_t *rows, const struct management *m, const struct snapshot_interface *in,
	uint16_t index, unsigned int place)
{
	const bool local = place == MAX_ADDRESSES6;
	const struct ip_addr address =
		ip_addr_v6(local ? in->link_local : in->addresses6[place].address);
	json_t *row = json_object();

	row_text(row, "interface", in->name);
	row_net(row, "address", &address, local ? 64 : in->addresses6[place].len);
	row_text(row, "scope", local ? "link-local" : "global");
	row_text(row, "state",
		m->core != NULL ? core_address6_state(m->core, index, place) : "down");
	json_array_append_new(rows, row);
}

static bool
collect6(struct management *m, const json_t *filter, uint64_t *cursor, json_t *rows)
{
	const struct snapshot *s = engine_snapshot(m->engine);

	(void)filter;
	(void)cursor;
	for (uint16_t i = 0; s != NULL && i < s->interface_count; i++) {
		const struct snapshot_interface *in = &s->interfaces[i];

		for (uint8_t place = 0; place < in->address6_count; place++)
			add_address6(rows, m, in, i, place);
		if (in->address6_count > 0)
			add_address6(rows, m, in, i, MAX_ADDRESSES6);
	}
	return false;
}

static const struct view_column columns6[] = {
	{ "interface", "Interface" },
	{ "address", "Address" },
	{ "scope", "Scope" },
	{ "state", "State" },
	{ NULL, NULL },
};

static const struct view view_interface6 = {
	.name = "ipv6_interface",
	.help = "IPv6 addresses of interfaces: tentative, valid, duplicate",
	.columns = columns6,
	.collect = collect6,
};

static const struct view_column columns[] = {
	{ "interface", "Interface" },
	{ "state", "State" },
	{ "address", "Address" },
	{ "zone", "Zone" },
	{ "configured_port", "Port" },
	{ "vlan", "VLAN" },
	{ "port", "Device" },
	{ "mac", "MAC" },
	{ "mtu", "MTU" },
	{ "rx_packets", "RxPackets" },
	{ "rx_bytes", "RxBytes" },
	{ "tx_packets", "TxPackets" },
	{ "tx_bytes", "TxBytes" },
	{ "drops", "Drops" },
	{ NULL, NULL },
};

static const struct view view_interface = {
	.name = "interface",
	.help = "interfaces: address, zone, carrier, counters",
	.columns = columns,
	.collect = collect,
};

COMMAND_SHOW(show, view_interface, false,
	"display interface: addresses, zones, carrier and counters", COMMAND_WORD("display"),
	COMMAND_WORD("interface"));

COMMAND_SHOW(show6, view_interface6, false,
	"display ipv6 interface: IPv6 addresses and their state", COMMAND_WORD("display"),
	COMMAND_WORD("ipv6"), COMMAND_WORD("interface"));

static cmdline_parse_inst_t *const insts[] = { &inst_show, &inst_show6, NULL };
static const struct view *const views[] = { &view_interface, &view_interface6, NULL };

const struct command command_interface = { .insts = insts, .views = views };
