/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * display hrp state [verbose]: roles and what they depend on (requirements.md 2.5).
 */
#include "command.h"
#include "ha.h"
#include "ha_backup.h"
#include "hrp.h"
#include "hrp_usage.h"
#include "management.h"
#include "role.h"
#include "row.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

/* ---- hrp-state ---- */

static const char *const group_names[] = { "none", "active", "standby" };

/* The box's role: what its enabled groups are, the most important first. */
static const char *
role_name(const struct role_status *s)
{
	bool standby = false;

	for (int id = VGMP_GROUP_ACTIVE; id <= VGMP_GROUP_STANDBY; id++) {
		if (s->group[id].enabled && s->group[id].state == VGMP_ACTIVE)
			return vgmp_state_names[VGMP_ACTIVE];
		standby = standby || (s->group[id].enabled && s->group[id].state == VGMP_STANDBY);
	}
	return vgmp_state_names[standby ? VGMP_STANDBY : VGMP_INITIALIZE];
}

static const char *
peer_name(const struct role_status *s)
{
	enum vgmp_state best = VGMP_INITIALIZE;
	bool known = false;

	for (int id = VGMP_GROUP_ACTIVE; id <= VGMP_GROUP_STANDBY; id++) {
		const struct role_group_status *const g = &s->group[id];

		if (!g->enabled || !g->peer_known)
			continue;
		known = true;
		if (g->peer_state == VGMP_ACTIVE ||
			(g->peer_state == VGMP_STANDBY && best == VGMP_INITIALIZE))
			best = (enum vgmp_state)g->peer_state;
	}
	return known && s->peer_alive ? vgmp_state_names[best] : "unknown";
}

/* What the HRP core tells: use of the running link in percent (null = not known), and how messages
 * are signed. */
static void
row_channel(json_t *row, const struct hrp *hrp, const struct engine *engine)
{
	struct hrp_status *const h = malloc(sizeof(*h));
	double usage = -1;

	if (h == NULL)
		return;
	hrp_status(hrp, h);
	if (h->running < h->links_count)
		usage = hrp_usage_percent(engine, &h->links[h->running]);
	json_object_set_new(
		row, "backup_channel_percent", usage < 0 ? json_null() : json_real(usage));
	row_text(row, "signature", hrp_algorithm_names[h->algorithm]);
	row_text(row, "signature_rollout", hrp_rollout_names[h->rollout]);
	row_number(row, "signature_key", h->key_id);
	row_bool(row, "other_version", h->other_version);
	row_bool(row, "same_nat_resource", h->same_half);
	row_bool(row, "mirror_session", h->quick);
	row_number(row, "auto_sync_period_s", h->period_s);
	free(h);
}

static void
row_backup(json_t *row, const struct ha_backup *b)
{
	struct config_backup_status s;

	if (b == NULL)
		return;
	ha_backup_status(b, &s);
	row_text(row, "config_role", config_role_names[s.role]);
	row_text(row, "config_state", config_backup_state_names[s.state]);
	row_number(row, "config_generation", s.generation);
}

static void
row_change(json_t *row, const struct role_group_status *g, mono_t now)
{
	const uint64_t ago = now.ns > g->changed_ns ? (now.ns - g->changed_ns) / NS_PER_SEC : 0;
	const time_t when = time(NULL) - (time_t)ago;
	struct tm tm;
	char text[32];
	json_t *change;

	if (g->changed_ns == 0) {
		json_object_set_new(row, "last_change", json_null());
		return;
	}
	change = json_object();
	localtime_r(&when, &tm);
	strftime(text, sizeof(text), "%Y/%m/%d %H:%M:%S", &tm);
	row_text(change, "time", text);
	row_number(change, "ago_s", ago);
	row_text(change, "from", vgmp_state_names[g->from]);
	row_text(change, "to", vgmp_state_names[g->state]);
	row_text(change, "reason", g->cause);
	row_number(change, "priority", g->changed_priority);
	row_number(change, "peer_priority", g->changed_peer_priority);
	json_object_set_new(row, "last_change", change);
}

static json_t *
row_group(const struct role_status *s, int id, mono_t now)
{
	const struct role_group_status *const g = &s->group[id];
	json_t *const row = json_object();

	row_text(row, "group", group_names[id]);
	row_bool(row, "enabled", g->enabled);
	row_text(row, "state", vgmp_state_names[g->state]);
	row_bool(row, "listening", g->listening);
	row_number(row, "priority", g->priority);
	row_number(row, "members", g->members);
	row_number(row, "failed", g->failed);
	row_number(row, "epoch", g->epoch);
	if (g->peer_known) {
		row_text(row, "peer_state", vgmp_state_names[g->peer_state]);
		row_number(row, "peer_priority", g->peer_priority);
		row_number(row, "peer_epoch", g->peer_epoch);
		row_number(row, "peer_members", g->peer_members);
	} else {
		json_object_set_new(row, "peer_state", json_null());
		json_object_set_new(row, "peer_priority", json_null());
		json_object_set_new(row, "peer_epoch", json_null());
		json_object_set_new(row, "peer_members", json_null());
	}
	row_change(row, g, now);
	return row;
}

/* The state of a member that is a VRRP group, in VGMP's words. */
static const char *
vrrp_state(const struct role *role, const struct role_status *s, const struct mon_member *m)
{
	static const enum vgmp_state states[VRRP_STATES] = { [VRRP_INITIALIZE] = VGMP_INITIALIZE,
		[VRRP_BACKUP] = VGMP_STANDBY,
		[VRRP_MASTER] = VGMP_ACTIVE };

	for (uint32_t i = 0; i < s->vrrp_count; i++) {
		const struct vrrp_setup *const v = role_vrrp_setup(role, i);

		if (v->interface == m->interface && v->vrid == m->vrid && v->group == m->group)
			return vgmp_state_names[states[s->vrrp[i].state % VRRP_STATES]];
	}
	return vgmp_state_names[VGMP_INITIALIZE];
}

/* Is a group active here and its pair at the peer as well (R210)? */
static bool
two_active(const struct role_status *s)
{
	bool both = false;

	for (int id = VGMP_GROUP_ACTIVE; id <= VGMP_GROUP_STANDBY; id++) {
		const struct role_group_status *const g = &s->group[id];

		both = both || (g->enabled && g->peer_known && s->peer_alive &&
				       g->state == VGMP_ACTIVE && g->peer_state == VGMP_ACTIVE);
	}
	return both;
}

static bool
vrrp_differ(const struct role_status *s)
{
	return s->group[VGMP_GROUP_ACTIVE].vrids == ROLE_VRIDS_DIFFER ||
	       s->group[VGMP_GROUP_STANDBY].vrids == ROLE_VRIDS_DIFFER;
}

/* VRRP groups whose adverts come from another master: a vrid that is not opposite, or used twice.
 */
static json_t *
row_other_masters(const struct role *role, const struct role_status *s, mono_t now)
{
	json_t *const list = json_array();

	for (uint32_t i = 0; i < s->vrrp_count; i++) {
		if (role_rival(role, s, i, now))
			json_array_append_new(list, json_string(role_vrrp_setup(role, i)->name));
	}
	return list;
}

static json_t *
row_members(const struct role *role, const struct role_status *s)
{
	const struct mon *const mon = role_members(role);
	json_t *const list = json_array();

	for (uint32_t i = 0; i < s->member_count; i++) {
		json_t *const row = json_object();

		row_text(row, "member", mon->list[i].name);
		row_text(row, "type", mon->list[i].type->name);
		row_text(row, "group", group_names[mon->list[i].group]);
		row_text(row, "state", s->member_failed[i] ? "down" : "up");
		if (mon->list[i].vrid != 0)
			row_text(row, "vrrp_state", vrrp_state(role, s, &mon->list[i]));
		json_array_append_new(list, row);
	}
	return list;
}

static bool
collect_state(struct management *m, const json_t *filter, uint64_t *cursor, json_t *rows)
{
	struct role_status *const s = malloc(sizeof(*s));
	const mono_t now = management_now(m);
	json_t *row, *groups;

	(void)filter;
	(void)cursor;
	if (s == NULL || m->ha_state == NULL) {
		free(s);
		return false;
	}
	role_status_read(ha_role(m->ha_state), s);
	row = json_object();
	row_bool(row, "enabled", s->paired);
	if (s->paired) {
		row_text(row, "role", role_name(s));
		row_text(row, "peer", peer_name(s));
		row_bool(row, "synchronised", s->synchronised);
		row_bool(row, "wrong_pairing", s->mispaired);
		row_bool(row, "two_active", two_active(s));
		row_bool(row, "vrrp_differ", vrrp_differ(s));
		json_object_set_new(
			row, "other_masters", row_other_masters(ha_role(m->ha_state), s, now));
		row_bool(row, "worker_stuck", s->unfit);
		row_bool(row, "held", s->held);
		row_text(row, "split_brain", role_split_names[s->split]);
		if (s->split_cause[0] != '\0')
			row_text(row, "split_brain_cause", s->split_cause);
		else
			json_object_set_new(row, "split_brain_cause", json_null());
		row_text(row, "split_brain_way_out", s->split_yield ? "yield" : "alarm");
		row_bool(row, "self_test_failed", m->self_test.failed);
		groups = json_array();
		json_array_append_new(groups, row_group(s, VGMP_GROUP_ACTIVE, now));
		json_array_append_new(groups, row_group(s, VGMP_GROUP_STANDBY, now));
		json_object_set_new(row, "groups", groups);
		row_channel(row, ha_hrp(m->ha_state), m->engine);
		row_backup(row, ha_config_backup(m->ha_state));
		row_number(row, "hello_ms", s->hello_ms);
		row_number(row, "misses", s->misses);
		row_bool(row, "preempt", s->preempt);
		row_number(row, "preempt_delay_s", s->preempt_delay_s);
		row_number(row, "takeovers", s->takeovers);
		row_number(row, "fences", s->fences);
		row_number(row, "both_active", s->dual_active);
		row_number(row, "hello_mismatch", s->hello_mismatch);
		row_number(row, "split_brains", s->splits);
		row_number(row, "split_brains_averted", s->splits_averted);
		json_object_set_new(row, "members", row_members(ha_role(m->ha_state), s));
	}
	json_array_append_new(rows, row);
	free(s);
	return false;
}

/* Text is built piece by piece; what does not fit is cut at the end. */
struct text {
	char *out;
	size_t size, used;
};

static void add(struct text *, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

static void
add(struct text *t, const char *fmt, ...)
{
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = vsnprintf(t->out + t->used, t->size - t->used, fmt, ap);
	va_end(ap);
	if (n > 0)
		t->used = t->used + (size_t)n < t->size ? t->used + (size_t)n : t->size - 1;
}

static bool
true_of(const json_t *row, const char *key)
{
	return json_is_true(json_object_get(row, key));
}

static void
add_security(struct text *t, const json_t *row)
{
	if (true_of(row, "other_version"))
		add(t, " Warning: version mismatch: the roles work, sessions are not mirrored\n");
	if (true_of(row, "same_nat_resource"))
		add(t, " Warning: both boxes hand out the same half of the NAT ports, expected "
		       "hrp.nat_resource of opposite groups\n");
	const char *const signature = row_text_of(row, "signature");

	if (!true_of(row, "mirror_session") && row_number_of(row, "auto_sync_period_s") == 0)
		add(t, " Warning: sessions are mirrored by order only (hrp.auto_sync)\n");
	if (strcmp(signature, "none") == 0)
		add(t, " Warning: messages between the boxes are not signed (hrp_security)\n");
	else if (strcmp(row_text_of(row, "signature_rollout"), "enforce") != 0)
		add(t, " Warning: messages without a signature are taken too (hrp_security)\n");
}

static void
add_group(struct text *t, const json_t *g)
{
	const bool active = strcmp(row_text_of(g, "group"), "active") == 0;
	const json_t *const peer = json_object_get(g, "peer_priority");

	add(t, " %s: %s", active ? "Active group " : "Standby group", row_text_of(g, "state"));
	if (true_of(g, "enabled")) {
		add(t, "   priority %" JSON_INTEGER_FORMAT, row_number_of(g, "priority"));
		if (json_is_integer(peer))
			add(t, ", peer %" JSON_INTEGER_FORMAT, json_integer_value(peer));
		else
			add(t, ", peer unknown");
		if (true_of(g, "listening"))
			add(t, ", listening for the peer");
	}
	add(t, "\n");
}

static void
add_split(struct text *t, const json_t *row)
{
	const char *const split = row_text_of(row, "split_brain");

	if (strcmp(split, role_split_names[ROLE_SPLIT_BOTH]) == 0)
		add(t, " Warning: split brain, both boxes are active\n");
	else if (strcmp(split, role_split_names[ROLE_SPLIT_AVERTED]) == 0)
		add(t, " Warning: split brain averted, no heartbeat works and the peer is "
		       "active\n");
	else
		return;
	add(t, " Cause: %s\n", row_text_of(row, "split_brain_cause"));
}

static void
add_change(struct text *t, const json_t *groups)
{
	const json_t *last = NULL, *g;
	size_t i;

	json_array_foreach(groups, i, g)
	{
		const json_t *const c = json_object_get(g, "last_change");

		if (json_is_object(c) &&
			(last == NULL || row_number_of(c, "ago_s") <= row_number_of(last, "ago_s")))
			last = c;
	}
	if (last == NULL) {
		add(t, " Last state change: none\n");
		return;
	}
	const json_int_t s = row_number_of(last, "ago_s");

	add(t,
		" Stable time: %" JSON_INTEGER_FORMAT " days, %" JSON_INTEGER_FORMAT
		" hours, %" JSON_INTEGER_FORMAT " minutes\n",
		s / 86400, s / 3600 % 24, s / 60 % 60);
	add(t,
		" Last state change: %s %s -> %s, reason %s, local %" JSON_INTEGER_FORMAT
		", peer %" JSON_INTEGER_FORMAT "\n",
		row_text_of(last, "time"), row_text_of(last, "from"), row_text_of(last, "to"),
		row_text_of(last, "reason"), row_number_of(last, "priority"),
		row_number_of(last, "peer_priority"));
}

/* R193, R198 */
static void
add_methods(struct text *t, const json_t *row)
{
	const json_int_t period = row_number_of(row, "auto_sync_period_s");

	add(t, " Mirroring: quick %s, automatic ", true_of(row, "mirror_session") ? "on" : "off");
	if (period > 0)
		add(t, "each %" JSON_INTEGER_FORMAT "s\n", period);
	else
		add(t, "off\n");
}

static void
add_verbose(struct text *t, const json_t *row)
{
	const json_t *m;
	size_t i;

	add(t,
		" Configuration: hello %" JSON_INTEGER_FORMAT "ms, misses %" JSON_INTEGER_FORMAT
		", preempt ",
		row_number_of(row, "hello_ms"), row_number_of(row, "misses"));
	if (true_of(row, "preempt"))
		add(t, "%" JSON_INTEGER_FORMAT "s\n", row_number_of(row, "preempt_delay_s"));
	else
		add(t, "off\n");
	add(t, " Backup of the configuration: %s, %s, generation %" JSON_INTEGER_FORMAT "\n",
		row_text_of(row, "config_role"), row_text_of(row, "config_state"),
		row_number_of(row, "config_generation"));
	add(t, " Synchronised: %s\n", true_of(row, "synchronised") ? "yes" : "no");
	add_methods(t, row);
	add(t, " Signature: %s", row_text_of(row, "signature"));
	if (row_number_of(row, "signature_key") != 0)
		add(t, ", key %" JSON_INTEGER_FORMAT ", %s", row_number_of(row, "signature_key"),
			row_text_of(row, "signature_rollout"));
	add(t, "\n");
	add(t,
		" Events: takeovers %" JSON_INTEGER_FORMAT ", fenced %" JSON_INTEGER_FORMAT
		", both active %" JSON_INTEGER_FORMAT ", hello mismatch %" JSON_INTEGER_FORMAT
		", split brain %" JSON_INTEGER_FORMAT ", averted %" JSON_INTEGER_FORMAT "\n",
		row_number_of(row, "takeovers"), row_number_of(row, "fences"),
		row_number_of(row, "both_active"), row_number_of(row, "hello_mismatch"),
		row_number_of(row, "split_brains"), row_number_of(row, "split_brains_averted"));
	add(t, " Split brain: %s\n", row_text_of(row, "split_brain_way_out"));
	add(t, " Detail:");
	json_array_foreach(json_object_get(row, "members"), i, m)
	{
		add(t, "%s %s: %s", i > 0 ? " |" : "", row_text_of(m, "member"),
			row_text_of(m,
				json_object_get(m, "vrrp_state") != NULL ? "vrrp_state" : "state"));
	}
	add(t, "\n");
}

static void
print_state(const json_t *row, bool verbose, char *out, size_t size)
{
	struct text t = { .out = out, .size = size };
	const json_t *const groups = json_object_get(row, "groups");
	const json_t *const usage = json_object_get(row, "backup_channel_percent");
	const json_t *other;
	size_t i;

	out[0] = '\0';
	if (!true_of(row, "enabled")) {
		add(&t, " Hot standby is not enabled\n");
		return;
	}
	add(&t, " Role: %s, peer: %s\n", row_text_of(row, "role"), row_text_of(row, "peer"));
	if (true_of(row, "wrong_pairing"))
		add(&t, " Warning: both boxes use the same group, expected opposite groups\n");
	if (true_of(row, "vrrp_differ"))
		add(&t, " Warning: the boxes have different VRRP groups (display vrrp on both)\n");
	if (true_of(row, "two_active"))
		add(&t, " Warning: both boxes are active\n");
	json_array_foreach(json_object_get(row, "other_masters"), i, other)
	{
		add(&t, " Warning: %s: another master has been heard\n", json_string_value(other));
	}
	if (true_of(row, "worker_stuck"))
		add(&t, " Warning: a worker does not run\n");
	if (true_of(row, "self_test_failed"))
		add(&t, " Warning: the self-test has failed (display self-test)\n");
	if (true_of(row, "held"))
		add(&t, " Held in standby by order (hrp standby-device)\n");
	add_split(&t, row);
	add_security(&t, row);
	add_group(&t, json_array_get(groups, 0));
	add_group(&t, json_array_get(groups, 1));
	if (json_is_real(usage))
		add(&t, " Backup channel usage: %.2f%%\n", json_real_value(usage));
	add_change(&t, groups);
	if (verbose)
		add_verbose(&t, row);
}

static const struct view view_state = {
	.name = "hrp-state",
	.help = "role of this box and its peer, VGMP groups, members",
	.collect = collect_state,
	.print = print_state,
};

/* ---- commands ---- */

COMMAND_SHOW(state, view_state, false, "display hrp state: role of this box and its peer",
	COMMAND_WORD("display"), COMMAND_WORD("hrp"), COMMAND_WORD("state"));
COMMAND_SHOW(state_verbose, view_state, true,
	"display hrp state verbose: the same with configuration and members",
	COMMAND_WORD("display"), COMMAND_WORD("hrp"), COMMAND_WORD("state"),
	COMMAND_WORD("verbose"));
static cmdline_parse_inst_t *const insts[] = { &inst_state, &inst_state_verbose, NULL };
static const struct view *const views[] = { &view_state, NULL };

extern const struct command command_hrp;
const struct command command_hrp = { .insts = insts, .views = views };
