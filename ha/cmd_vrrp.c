/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * display vrrp: VRRP groups, those of VGMP and plain ones.
 */
#include "command.h"
#include "config_address.h"
#include "core.h"
#include "ha.h"
#include "ha_constants.h"
#include "management.h"
#include "role.h"
#include "row.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define ROWS_PER_STEP 16

/* Which address do its adverts come from? */
static struct ip_addr
own_address(const struct vrrp_setup *set, const struct snapshot *s, const struct core *core)
{
	const uint8_t *link_local;

	if (s == NULL || set->interface >= s->interface_count)
		return (struct ip_addr){ .family = 0 };
	if (vrrp_has(set, 4))
		return ip_addr_v4(s->interfaces[set->interface].address);
	link_local = core_link_local(core, set->interface);
	if (set->source6.family != 0 || link_local == NULL)
		return set->source6;
	return ip_addr_v6(link_local);
}

static void
row_list(json_t *row, const char *key, const struct ip_addr *all, uint8_t count)
{
	json_t *const list = json_array();
	char text[CONFIG_IP_TEXT];

	for (uint8_t i = 0; i < count; i++)
		json_array_append_new(list, json_string(config_address_ip_text(&all[i], text)));
	json_object_set_new(row, key, list);
}

static void
row_virtual_mac(json_t *row, const char *key, bool has, struct rte_ether_addr mac)
{
	if (has)
		row_mac(row, key, &mac);
	else
		json_object_set_new(row, key, json_null());
}

static void
row_hmac(json_t *row, const struct vrrp_hmac *hmac)
{
	static const char *const modes[] = { "receive_only", "permissive", "enforce" };
	static const char *const replays[] = { "time", "monotonic" };
	const struct vrrp_hmac_setup *const s = hmac != NULL ? vrrp_hmac_setup(hmac) : NULL;
	json_t *const o = s != NULL ? json_object() : json_null();

	if (s != NULL) {
		row_text(o, "mode", modes[s->mode]);
		row_text(o, "replay", replays[s->replay]);
		row_number(o, "window_s", s->window_s);
		row_number(o, "send_key", s->send_key);
		row_number(o, "keys", s->key_count);
	}
	json_object_set_new(row, "hmac", o);
}

/* What does not change. */
static void
row_setup(json_t *row, const struct vrrp_setup *set)
{
	static const char *const types[] = { "plain", "vgmp active group", "vgmp standby group" };
	static const char *const checksums[] = { "auto", "pseudo_header", "plain" };
	const bool four = vrrp_has(set, 4);
	const struct ip_addr first = vrrp_first(set, 4), first6 = vrrp_first(set, 6);

	row_ip(row, "virtual_ip", &first);
	row_ip(row, "virtual_ip6", &first6);
	row_list(row, "addresses", set->addresses, set->address_count);
	row_list(row, "peers", set->peers, set->peer_count);
	row_virtual_mac(row, "virtual_mac", four, core_virtual_mac(set->vrid));
	row_virtual_mac(row, "virtual_mac6", first6.family != 0, core_virtual_mac6(set->vrid));
	row_text(row, "type", types[set->group <= VGMP_GROUP_STANDBY ? set->group : 0]);
	row_number(row, "version", vrrp_version(set, four ? 4 : 6));
	row_text(row, "authentication",
		set->hmac != NULL    ? "hmac"
		: set->authenticated ? "password"
				     : "none");
	row_hmac(row, set->hmac);
	row_text(row, "checksum", checksums[set->checksum]);
	row_bool(row, "accept", set->accept);
	row_bool(row, "ttl_check", !set->any_ttl);
	row_bool(row, "preempt", set->preempt);
	row_number(row, "preempt_delay_s", set->preempt_delay_ms / 1000);
	row_number(row, "advert_ms", set->advert_ms);
}

static void
row_tracks(json_t *row, const struct vrrp_setup *set, uint8_t failed)
{
	json_t *const list = json_array();

	for (uint8_t i = 0; i < set->track_count; i++) {
		json_t *const t = json_object();

		row_text(t, "name", set->tracks[i].name);
		json_object_set_new(t, "weight", json_integer(set->tracks[i].weight));
		row_bool(t, "failed", (failed >> i & 1) != 0);
		json_array_append_new(list, t);
	}
	json_object_set_new(row, "track", list);
	if (set->sync != 0)
		row_text(row, "sync", set->sync_name);
	else
		json_object_set_new(row, "sync", json_null());
}

static json_t *
row_vrrp(const struct role_vrrp_status *v, const struct vrrp_setup *set, const struct management *m)
{
	const struct snapshot *const s = engine_snapshot(m->engine);
	const mono_t now = management_now(m);
	json_t *const row = json_object();
	const struct ip_addr master =
		v->state == VRRP_MASTER ? own_address(set, s, m->core) : v->master;

	row_text(row, "interface", row_interface(s, set->interface));
	row_number(row, "vrid", set->vrid);
	row_text(row, "state", v->state < VRRP_STATES ? vrrp_state_names[v->state] : "");
	row_setup(row, set);
	row_tracks(row, set, v->tracks_failed);
	row_ip(row, "master_ip", &master);
	row_number(row, "priority", v->priority);
	row_number(
		row, "master_priority", v->state == VRRP_MASTER ? v->priority : v->master_priority);
	row_number(row, "master_advert_ms",
		v->state == VRRP_MASTER ? set->advert_ms : v->master_advert_ms);
	row_number(row, "adverts_out", v->adverts_out);
	row_number(row, "adverts_in", v->adverts_in);
	row_number(row, "adverts6_in", v->adverts6_in);
	row_number(row, "resigns_in", v->resigns_in);
	row_number(row, "plain_sums_in", v->plain_sums_in);
	row_number(row, "differ_in", v->differ_in);
	row_number(row, "authentic_in", v->authentic_in);
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
		json_array_append_new(
			rows, row_vrrp(&s->vrrp[*cursor],
				      role_vrrp_setup(ha_role(m->ha_state), (uint32_t)*cursor), m));
	more = *cursor < s->vrrp_count;
	free(s);
	return more;
}

/* "A, B": the strings of a list, or "-". */
static const char *
join(const json_t *row, const char *key, char *out, size_t size)
{
	const json_t *const list = json_object_get(row, key);
	size_t used = 0;

	snprintf(out, size, "-");
	for (size_t i = 0; i < json_array_size(list) && used < size; i++)
		used += (size_t)snprintf(out + used, size - used, "%s%s", i > 0 ? ", " : "",
			json_string_value(json_array_get(list, i)));
	return out;
}

/* "A up -30, B down 0" */
static const char *
join_tracks(const json_t *row, char *out, size_t size)
{
	const json_t *const list = json_object_get(row, "track");
	size_t used = 0;

	snprintf(out, size, "-");
	for (size_t i = 0; i < json_array_size(list) && used < size; i++) {
		const json_t *const t = json_array_get(list, i);

		used += (size_t)snprintf(out + used, size - used, "%s%s %s, weight %lld",
			i > 0 ? "; " : "", row_text_of(t, "name"),
			json_is_true(json_object_get(t, "failed")) ? "down" : "up",
			row_number_of(t, "weight"));
	}
	return out;
}

/* "hmac, enforce, key 1 of 2, time window 5 s" */
static const char *
auth_text(const json_t *row, char *out, size_t size)
{
	const json_t *const o = json_object_get(row, "hmac");
	size_t used = 0;

	row_put(out, size, &used, "%s", row_text_of(row, "authentication"));
	if (!json_is_object(o))
		return out;
	row_put(out, size, &used, ", %s, sends key %lld, knows %lld, %s", row_text_of(o, "mode"),
		row_number_of(o, "send_key"), row_number_of(o, "keys"), row_text_of(o, "replay"));
	if (strcmp(row_text_of(o, "replay"), "time") == 0)
		row_put(out, size, &used, " within %lld s", row_number_of(o, "window_s"));
	return out;
}

static const char *
yes_no(const json_t *row, const char *key)
{
	return json_is_true(json_object_get(row, key)) ? "YES" : "NO";
}

/* What only few ask for. */
static void
add_verbose(const json_t *row, char *out, size_t size, size_t *used)
{
	char addresses[VRRP_ADDRESSES * CONFIG_IP_TEXT], peers[VRRP_PEERS * CONFIG_IP_TEXT];

	row_put(out, size, used,
		"   Addresses       : %s\n"
		"   Unicast peers   : %s\n"
		"   Checksum        : %s\n"
		"   Check TTL       : %s\n"
		"   Adverts         : %lld sent, %lld received, %lld of IPv6, %lld resigns, %lld "
		"conflicts\n"
		"                     %lld with a plain checksum, %lld with other addresses, %lld "
		"authentic\n",
		join(row, "addresses", addresses, sizeof(addresses)),
		join(row, "peers", peers, sizeof(peers)), row_text_of(row, "checksum"),
		yes_no(row, "ttl_check"), row_number_of(row, "adverts_out"),
		row_number_of(row, "adverts_in"), row_number_of(row, "adverts6_in"),
		row_number_of(row, "resigns_in"), row_number_of(row, "conflicts"),
		row_number_of(row, "plain_sums_in"), row_number_of(row, "differ_in"),
		row_number_of(row, "authentic_in"));
}

static void
print(const json_t *row, bool verbose, char *out, size_t size)
{
	char tracks[VRRP_TRACKS * 96], auth[96];
	size_t used = 0;

	row_put(out, size, &used,
		" %s | Virtual Router %lld\n"
		"   State           : %s\n"
		"   Virtual IP      : %s\n"
		"   Virtual IPv6    : %s\n"
		"   Master IP       : %s\n"
		"   Priority        : %lld\n"
		"   Master priority : %lld\n"
		"   Preempt         : %s, delay %lld s\n"
		"   Timer           : %lld ms, of the master %lld ms\n"
		"   Version         : %lld\n"
		"   Auth type       : %s\n"
		"   Accept mode     : %s\n"
		"   Sync group      : %s\n"
		"   Track           : %s\n"
		"   Virtual MAC     : %s\n"
		"   Virtual MAC6    : %s\n"
		"   Config type     : %s\n",
		row_text_of(row, "interface"), row_number_of(row, "vrid"),
		row_text_of(row, "state"), row_text_of(row, "virtual_ip"),
		row_text_of(row, "virtual_ip6"), row_text_of(row, "master_ip"),
		row_number_of(row, "priority"), row_number_of(row, "master_priority"),
		yes_no(row, "preempt"), row_number_of(row, "preempt_delay_s"),
		row_number_of(row, "advert_ms"), row_number_of(row, "master_advert_ms"),
		row_number_of(row, "version"), auth_text(row, auth, sizeof(auth)),
		yes_no(row, "accept"), row_text_of(row, "sync"),
		join_tracks(row, tracks, sizeof(tracks)), row_text_of(row, "virtual_mac"),
		row_text_of(row, "virtual_mac6"), row_text_of(row, "type"));
	if (verbose)
		add_verbose(row, out, size, &used);
	row_put(out, size, &used, "   Stable          : %lld s\n", row_number_of(row, "stable_s"));
}

static const struct view view_vrrp = {
	.name = "vrrp",
	.help = "VRRP groups: states, virtual addresses, adverts",
	.collect = collect,
	.print = print,
};

/* ---- vrrp-statistics: the same groups as a table of counters ---- */

static const struct view_column columns_statistics[] = {
	{ "interface", "Interface" },
	{ "vrid", "VRID" },
	{ "adverts_out", "Sent" },
	{ "adverts_in", "Received" },
	{ "adverts6_in", "Of IPv6" },
	{ "resigns_in", "Resigns" },
	{ "conflicts", "Conflicts" },
	{ "plain_sums_in", "Plain sum" },
	{ "differ_in", "Differ" },
	{ "authentic_in", "Authentic" },
	{ NULL, NULL },
};

static const struct view view_statistics = {
	.name = "vrrp-statistics",
	.help = "VRRP groups: what was sent and received",
	.columns = columns_statistics,
	.collect = collect,
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
COMMAND_SHOW(verbose, view_vrrp, true,
	"display vrrp verbose: the same with all addresses and adverts", COMMAND_WORD("display"),
	COMMAND_WORD("vrrp"), COMMAND_WORD("verbose"));
COMMAND_SHOW(statistics, view_statistics, false,
	"display vrrp statistics: adverts sent and received by each group", COMMAND_WORD("display"),
	COMMAND_WORD("vrrp"), COMMAND_WORD("statistics"));
COMMAND_SHOW(refused, view_refused, false,
	"display vrrp refused: received adverts that were refused, by reason",
	COMMAND_WORD("display"), COMMAND_WORD("vrrp"), COMMAND_WORD("refused"));

static cmdline_parse_inst_t *const insts[] = { &inst_show, &inst_verbose, &inst_statistics,
	&inst_refused, NULL };
static const struct view *const views[] = { &view_vrrp, &view_statistics, &view_refused, NULL };

extern const struct command command_vrrp;
const struct command command_vrrp = { .insts = insts, .views = views };
