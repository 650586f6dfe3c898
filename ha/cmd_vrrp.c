/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * display vrrp: VRRP groups, those of VGMP and plain ones.
 */
#include "command.h"
#include "core.h"
#include "ha.h"
#include "ha_constants.h"
#include "management.h"
#include "role.h"
#include "row.h"

#include <stdio.h>
#include <stdlib.h>

#define ROWS_PER_STEP 16

static json_t *
row_vrrp(const struct role_vrrp_status *v, const struct snapshot *s, mono_t now)
{
	static const char *const types[] = { "plain", "vgmp active group", "vgmp standby group" };
	json_t *const row = json_object();
	const struct rte_ether_addr mac = core_virtual_mac(v->vrid);
	const struct rte_ether_addr mac6 = core_virtual_mac6(v->vrid);
	rte_be32_t master = v->master;

	if (v->state == VRRP_MASTER && s != NULL && v->interface < s->interface_count)
		master = s->interfaces[v->interface].address;
	row_text(row, "interface", row_interface(s, v->interface));
	row_number(row, "vrid", v->vrid);
	row_text(row, "state", v->state < VRRP_STATES ? vrrp_state_names[v->state] : "");
	row_address(row, "virtual_ip", v->address);
	row_ip(row, "virtual_ip6", &v->address6);
	row_address(row, "master_ip", master);
	row_number(row, "priority", v->priority);
	row_number(
		row, "master_priority", v->state == VRRP_MASTER ? v->priority : v->master_priority);
	row_bool(row, "preempt", v->preempt);
	row_number(row, "advert_ms", v->advert_ms);
	row_mac(row, "virtual_mac", &mac);
	if (v->address6.family == 6)
		row_mac(row, "virtual_mac6", &mac6);
	else
		json_object_set_new(row, "virtual_mac6", json_null());
	row_text(row, "type", types[v->group <= VGMP_GROUP_STANDBY ? v->group : 0]);
	row_number(row, "adverts_out", v->adverts_out);
	row_number(row, "adverts_in", v->adverts_in);
	row_number(row, "adverts6_in", v->adverts6_in);
	row_number(row, "resigns_in", v->resigns_in);
	row_number(row, "conflicts", v->conflicts);
	if (v->changed_ns == 0)
		json_object_set_new(row, "stable_s", json_null());
	else
		row_number(row, "stable_s",
			now.ns > v->changed_ns ? (now.ns - v->changed_ns) / NS_PER_SEC : 0);
	return row;
}

static bool
collect(struct management *m, const json_t *filter, uint64_t *cursor, json_t *rows)
{
	struct role_status *const s = malloc(sizeof(*s));
	bool more = false;

	(void)filter;
	if (s == NULL || m->ha_state == NULL) {
		free(s);
		return false;
	}
	role_status_read(ha_role(m->ha_state), s);
	for (int n = 0; *cursor < s->vrrp_count && n < ROWS_PER_STEP; n++, (*cursor)++)
		json_array_append_new(rows,
			row_vrrp(&s->vrrp[*cursor], engine_snapshot(m->engine), management_now(m)));
	more = *cursor < s->vrrp_count;
	free(s);
	return more;
}

static const char *
string_of(const json_t *row, const char *key)
{
	const char *const s = json_string_value(json_object_get(row, key));

	return s != NULL ? s : "-";
}

static long long
number_of(const json_t *row, const char *key)
{
	return json_integer_value(json_object_get(row, key));
}

static void
print(const json_t *row, bool verbose, char *out, size_t size)
{
	(void)verbose;
	snprintf(out, size,
		" %s | Virtual Router %lld\n"
		"   State           : %s\n"
		"   Virtual IP      : %s\n"
		"   Virtual IPv6    : %s\n"
		"   Master IP       : %s\n"
		"   Priority        : %lld\n"
		"   Master priority : %lld\n"
		"   Preempt         : %s\n"
		"   Timer           : %lld s\n"
		"   Auth type       : NONE\n"
		"   Virtual MAC     : %s\n"
		"   Virtual MAC6    : %s\n"
		"   Check TTL       : YES\n"
		"   Config type     : %s\n"
		"   Adverts         : %lld sent, %lld received, %lld of IPv6, %lld resigns, %lld "
		"conflicts\n"
		"   Stable          : %lld s\n",
		string_of(row, "interface"), number_of(row, "vrid"), string_of(row, "state"),
		string_of(row, "virtual_ip"), string_of(row, "virtual_ip6"),
		string_of(row, "master_ip"), number_of(row, "priority"),
		number_of(row, "master_priority"),
		json_is_true(json_object_get(row, "preempt")) ? "YES" : "NO",
		number_of(row, "advert_ms") / 1000, string_of(row, "virtual_mac"),
		string_of(row, "virtual_mac6"), string_of(row, "type"),
		number_of(row, "adverts_out"), number_of(row, "adverts_in"),
		number_of(row, "adverts6_in"), number_of(row, "resigns_in"),
		number_of(row, "conflicts"), number_of(row, "stable_s"));
}

static const struct view view_vrrp = {
	.name = "vrrp",
	.help = "VRRP groups: states, virtual addresses, adverts",
	.collect = collect,
	.print = print,
};

/* ---- vrrp-refused: adverts that changed nothing, by reason ---- */

static bool
collect_refused(struct management *m, const json_t *filter, uint64_t *cursor, json_t *rows)
{
	struct role_status *const s = malloc(sizeof(*s));

	(void)filter;
	(void)cursor;
	if (s == NULL || m->ha_state == NULL) {
		free(s);
		return false;
	}
	role_status_read(ha_role(m->ha_state), s);
	for (int i = 1; i < VRRP_REFUSAL_COUNT; i++) {
		json_t *const row = json_object();

		row_text(row, "reason", vrrp_refusal_names[i]);
		row_number(row, "adverts", s->adverts_refused[i]);
		row_text(row, "text", vrrp_refusal_texts[i]);
		json_array_append_new(rows, row);
	}
	free(s);
	return false;
}

static const struct view_column columns_refused[] = {
	{ "reason", "Reason" },
	{ "adverts", "Adverts" },
	{ "text", "Meaning" },
	{ NULL, NULL },
};

static const struct view view_refused = {
	.name = "vrrp-refused",
	.help = "received VRRP adverts that were refused, by reason",
	.columns = columns_refused,
	.collect = collect_refused,
};

COMMAND_SHOW(show, view_vrrp, false, "display vrrp: VRRP groups, their states and addresses",
	COMMAND_WORD("display"), COMMAND_WORD("vrrp"));
COMMAND_SHOW(refused, view_refused, false,
	"display vrrp refused: received adverts that were refused, by reason",
	COMMAND_WORD("display"), COMMAND_WORD("vrrp"), COMMAND_WORD("refused"));

static cmdline_parse_inst_t *const insts[] = { &inst_show, &inst_refused, NULL };
static const struct view *const views[] = { &view_vrrp, &view_refused, NULL };

extern const struct command command_vrrp;
const struct command command_vrrp = { .insts = insts, .views = views };
