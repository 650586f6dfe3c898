/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * display port: what drivers do for the ports and what is left to software; display port
 * statistics: the drivers' own counters (DPDK's xstats), which only this thread reads.
 */
#include "command.h"
#include "management.h"
#include "row.h"

#include <rte_ethdev.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *
name_of(const struct management *m, uint16_t port)
{
	return m->config != NULL ? config_port_name(m->config, port) : "";
}

static const char *
who(bool driver)
{
	return driver ? "hardware" : "software";
}

static void
add_link(json_t *row, const struct management *m, uint16_t index, const struct port *port)
{
	struct rte_eth_link link = { 0 };

	if (rte_eth_link_get_nowait(port->ethdev, &link) < 0)
		memset(&link, 0, sizeof(link));
	row_text(row, "state", m->links != NULL && link_watch_up(m->links, index) ? "up" : "down");
	if (link.link_speed == RTE_ETH_SPEED_NUM_NONE ||
		link.link_speed == RTE_ETH_SPEED_NUM_UNKNOWN)
		json_object_set_new(row, "speed_mbps", json_null());
	else
		row_number(row, "speed_mbps", link.link_speed);
}

/* Of packets received; what is sent has its checksums changed by difference, in software. */
static void
add_checksums(json_t *row, const struct port *port)
{
	static const struct {
		const char *key;
		uint64_t offload;
	} kinds[] = {
		{ "ipv4_checksum", RTE_ETH_RX_OFFLOAD_IPV4_CKSUM },
		{ "tcp_checksum", RTE_ETH_RX_OFFLOAD_TCP_CKSUM },
		{ "udp_checksum", RTE_ETH_RX_OFFLOAD_UDP_CKSUM },
	};

	for (unsigned int i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++)
		row_text(row, kinds[i].key, who((port->rx_offloads & kinds[i].offload) != 0));
}

static bool
collect(struct management *m, const json_t *filter, uint64_t *cursor, json_t *rows)
{
	(void)filter;
	(void)cursor;
	for (uint16_t i = 0; i < engine_port_count(m->engine); i++) {
		const struct port *port = engine_port(m->engine, i);
		json_t *row = json_object();

		row_text(row, "port", name_of(m, i));
		row_text(row, "device", port->name);
		row_text(row, "driver", port->driver);
		add_link(row, m, i, port);
		row_mac(row, "mac", &port->mac);
		row_number(row, "mtu", port->mtu);
		row_number(row, "buffer_bytes", port->room);
		row_bool(row, "chained", (port->rx_offloads & RTE_ETH_RX_OFFLOAD_SCATTER) != 0);
		row_number(row, "queues", port->queues);
		row_text(row, "spread",
			port->queues < 2   ? "none"
			: !port->symmetric ? "driver"
			: port->reta	   ? "symmetric"
					   : "symmetric, driver's table");
		add_checksums(row, port);
		row_text(row, "vlan_strip",
			who((port->rx_offloads & RTE_ETH_RX_OFFLOAD_VLAN_STRIP) != 0));
		row_text(row, "vlan_insert", who(port->tags_by_driver));
		row_number(row, "mac_filters", port->filters);
		row_bool(row, "promiscuous", port->promiscuous);
		json_array_append_new(rows, row);
	}
	return false;
}

static const struct view_column columns[] = {
	{ "port", "Port" },
	{ "driver", "Driver" },
	{ "state", "State" },
	{ "speed_mbps", "Mbit/s" },
	{ "mtu", "MTU" },
	{ "buffer_bytes", "Buffer" },
	{ "queues", "Queues" },
	{ "spread", "Spread" },
	{ "ipv4_checksum", "IPv4Sum" },
	{ "tcp_checksum", "TCPSum" },
	{ "udp_checksum", "UDPSum" },
	{ "vlan_strip", "TagOff" },
	{ "vlan_insert", "TagOn" },
	{ "mac_filters", "Filters" },
	{ "promiscuous", "Promiscuous" },
	{ NULL, NULL },
};

static const struct view view_port = {
	.name = "port",
	.help = "ports: what their drivers do and what is left to software",
	.columns = columns,
	.collect = collect,
};

/* ---- statistics ---- */

static void
add_counters(json_t *rows, const char *name, uint16_t ethdev, bool all)
{
	const int n = rte_eth_xstats_get(ethdev, NULL, 0);
	struct rte_eth_xstat *values = n > 0 ? calloc((size_t)n, sizeof(*values)) : NULL;
	struct rte_eth_xstat_name *names = n > 0 ? calloc((size_t)n, sizeof(*names)) : NULL;

	/* A driver may have more by now: then none of these are its. */
	if (values != NULL && names != NULL &&
		rte_eth_xstats_get_names(ethdev, names, (unsigned int)n) == n &&
		rte_eth_xstats_get(ethdev, values, (unsigned int)n) == n) {
		for (int i = 0; i < n; i++) {
			json_t *row;

			if ((!all && values[i].value == 0) || values[i].id >= (uint64_t)n)
				continue;
			row = json_object();
			row_text(row, "port", name);
			row_text(row, "counter", names[values[i].id].name);
			row_number(row, "value", values[i].value);
			json_array_append_new(rows, row);
		}
	}
	free(values);
	free(names);
}

/* The cursor is the port: one a step. */
static bool
collect_statistics(struct management *m, const json_t *filter, uint64_t *cursor, json_t *rows)
{
	const char *only = json_string_value(json_object_get(filter, "port"));
	const bool all = json_is_true(json_object_get(filter, "all"));
	const struct port *port = engine_port(m->engine, (uint16_t)*cursor);
	const char *name = name_of(m, (uint16_t)*cursor);

	if (port == NULL)
		return false;
	if (only == NULL || strcmp(only, name) == 0)
		add_counters(rows, name, port->ethdev, all);
	(*cursor)++;
	return *cursor < engine_port_count(m->engine);
}

static bool
check_statistics(struct management *m, const json_t *filter, char *err, size_t err_size)
{
	const json_t *port = json_object_get(filter, "port"), *all = json_object_get(filter, "all");

	if (all != NULL && !json_is_boolean(all)) {
		snprintf(err, err_size, "all: expected true or false");
		return false;
	}
	if (port == NULL)
		return true;
	for (uint16_t i = 0; json_is_string(port) && i < engine_port_count(m->engine); i++) {
		if (strcmp(json_string_value(port), name_of(m, i)) == 0)
			return true;
	}
	snprintf(err, err_size, "port: expected the name of one in section ports");
	return false;
}

static const char *const filters[] = { "port", "all", NULL };

static const struct view_column statistics_columns[] = {
	{ "port", "Port" },
	{ "counter", "Counter" },
	{ "value", "Value" },
	{ NULL, NULL },
};

static const struct view view_statistics = {
	.name = "port_statistics",
	.help = "counters of the drivers that are not zero; of one port; all = true: all of them",
	.columns = statistics_columns,
	.collect = collect_statistics,
	.check = check_statistics,
	.filters = filters,
};

#define PORT_STATISTICS COMMAND_WORD("display"), COMMAND_WORD("port"), COMMAND_WORD("statistics")

COMMAND_SHOW(port, view_port, false,
	"display port: what the ports' drivers do and what is left to software",
	COMMAND_WORD("display"), COMMAND_WORD("port"));
COMMAND_SHOW(statistics, view_statistics, false,
	"display port statistics: counters of the drivers that are not zero", PORT_STATISTICS);

static void
show_one(void *parsed, struct cmdline *cl, void *client)
{
	const struct command_result *r = parsed;
	const bool all = strcmp(r->word, "all") == 0;
	json_t *filter = json_pack("{s:s, s:b}", "port", r->argument, "all", all);

	(void)cl;
	if (filter == NULL)
		console_error(client, "port: not valid text");
	else
		console_view(client, &view_statistics, filter, false);
}

static cmdline_parse_inst_t inst_one = {
	.f = show_one,
	.help_str = "display port statistics NAME: those of one port",
	.tokens = { PORT_STATISTICS, COMMAND_ARGUMENT, NULL },
};
static cmdline_parse_inst_t inst_all = {
	.f = show_one,
	.help_str = "display port statistics NAME all: also those that are zero",
	.tokens = { PORT_STATISTICS, COMMAND_ARGUMENT, COMMAND_WORD("all"), NULL },
};

static cmdline_parse_inst_t *const insts[] = { &inst_port, &inst_statistics, &inst_one, &inst_all,
	NULL };
static const struct view *const views[] = { &view_port, &view_statistics, NULL };

const struct command command_port = { .insts = insts, .views = views };
