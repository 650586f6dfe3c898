/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * display eth-trunk: the members of every trunk and which of them carry traffic.
 */
#include "command.h"
#include "management.h"
#include "row.h"
#include "trunk.h"

static const char *
lacp_text(const struct trunk_member *m)
{
	static const struct {
		uint8_t bit;
		const char *text;
	} states[] = { { TRUNK_DISTRIBUTING, "distributing" }, { TRUNK_COLLECTING, "collecting" },
		{ TRUNK_SYNCHRONIZATION, "synchronized" } };

	for (unsigned int i = 0; m->selected && i < sizeof(states) / sizeof(states[0]); i++) {
		if ((m->actor_state & states[i].bit) != 0)
			return states[i].text;
	}
	return m->selected ? "selected" : "unselected";
}

static const char *
up(const struct management *m, uint16_t port)
{
	return m->links != NULL && link_watch_up(m->links, port) ? "up" : "down";
}

static json_t *
member_row(
	const struct management *m, const struct config_trunk *t, uint16_t trunk, const char *name)
{
	static const char *const modes[] = { [TRUNK_LACP] = "lacp",
		[TRUNK_ACTIVE_BACKUP] = "active-backup",
		[TRUNK_BALANCE] = "balance" };
	static const char *const hashes[] = { "l2", "l23", "l34" };
	const uint16_t member = (uint16_t)config_port_index(m->config, name);
	const struct port *port = engine_port(m->engine, member);
	const struct port *whole = engine_port(m->engine, trunk);
	struct trunk_member state = { 0 };
	json_t *row = json_object();

	if (port != NULL && whole != NULL)
		trunk_member(whole->ethdev, port->ethdev, (enum trunk_mode)t->mode, &state);
	row_text(row, "trunk", t->name);
	row_text(row, "mode", modes[t->mode]);
	if (t->mode == TRUNK_ACTIVE_BACKUP)
		json_object_set_new(row, "hash", json_null());
	else
		row_text(row, "hash", hashes[t->hash]);
	row_text(row, "state", up(m, trunk));
	row_text(row, "member", name);
	row_text(row, "device", port != NULL ? port->name : "");
	row_text(row, "member_state", up(m, member));
	row_bool(row, "active", state.active);
	if (t->mode == TRUNK_LACP) {
		row_text(row, "lacp", lacp_text(&state));
	} else {
		json_object_set_new(row, "lacp", json_null());
	}
	if (rte_is_zero_ether_addr(&state.partner))
		json_object_set_new(row, "partner", json_null());
	else
		row_mac(row, "partner", &state.partner);
	return row;
}

static bool
collect(struct management *m, const json_t *filter, uint64_t *cursor, json_t *rows)
{
	const struct config_list *list =
		m->config != NULL ? config_section_data(m->config, "eth_trunks") : NULL;
	const struct config_trunk *t = list != NULL ? list->items : NULL;

	(void)filter;
	(void)cursor;
	for (uint32_t i = 0; t != NULL && i < list->count; i++) {
		const char(*names)[CONFIG_PORT_NAME] = t[i].members.items;
		const int trunk = config_port_index(m->config, t[i].name);

		for (uint32_t k = 0; k < t[i].members.count; k++)
			json_array_append_new(
				rows, member_row(m, &t[i], (uint16_t)trunk, names[k]));
	}
	return false;
}

static const struct view_column columns[] = {
	{ "trunk", "Trunk" },
	{ "mode", "Mode" },
	{ "hash", "Hash" },
	{ "state", "State" },
	{ "member", "Member" },
	{ "device", "Device" },
	{ "member_state", "Link" },
	{ "active", "Active" },
	{ "lacp", "LACP" },
	{ "partner", "Partner" },
	{ NULL, NULL },
};

static const struct view view_trunk = {
	.name = "eth_trunk",
	.help = "members of Eth-Trunks, and which of them carry traffic",
	.columns = columns,
	.collect = collect,
};

COMMAND_SHOW(show, view_trunk, false,
	"display eth-trunk: members of Eth-Trunks, and which of them carry traffic",
	COMMAND_WORD("display"), COMMAND_WORD("eth-trunk"));

static cmdline_parse_inst_t *const insts[] = { &inst_show, NULL };
static const struct view *const views[] = { &view_trunk, NULL };

const struct command command_trunk = { .insts = insts, .views = views };
