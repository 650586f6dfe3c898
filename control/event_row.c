/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Events as JSON objects.  Management thread only.
 */
#include "event_row.h"

#include "row.h"

/* What a kind has beside number, time, kind, from, to, cause. */
#define HAS_GROUP      0x01
#define HAS_PRIORITY   0x02
#define HAS_PEER       0x04 /* its priority, the epoch, the number in the history */
#define HAS_INTERFACE  0x08
#define HAS_VRID       0x10
#define HAS_MEMBER     0x20
#define HAS_GENERATION 0x40

static const uint8_t has[EVENT_KINDS] = {
	[EVENT_ROLE] = HAS_GROUP | HAS_PRIORITY | HAS_PEER,
	[EVENT_LINK] = HAS_INTERFACE,
	[EVENT_MEMBER] = HAS_GROUP | HAS_MEMBER,
	[EVENT_CONFIG] = HAS_GENERATION,
	[EVENT_VRRP] = HAS_INTERFACE | HAS_VRID | HAS_PRIORITY,
};

static void
put_interface(json_t *row, const struct event *e, const struct config *config)
{
	const struct config_list *const list =
		config != NULL ? config_section_data(config, "interfaces") : NULL;
	const struct config_interface *const all = list != NULL ? list->items : NULL;

	row_text(row, "interface",
		list != NULL && e->interface < list->count ? all[e->interface].name : "");
}

json_t *
event_row(const struct event *e, const struct config *config)
{
	json_t *const row = json_object();

	row_number(row, "number", e->number);
	row_time(row, "time", e->wall_ns);
	row_text(row, "kind", event_kind_names[e->kind]);
	if (has[e->kind] & HAS_GROUP)
		row_text(row, "group", e->group);
	if (has[e->kind] & HAS_INTERFACE)
		put_interface(row, e, config);
	if (has[e->kind] & HAS_VRID)
		row_number(row, "vrid", e->vrid);
	if (has[e->kind] & HAS_MEMBER) {
		row_text(row, "member", e->member);
		row_text(row, "type", e->type);
	}
	row_text(row, "from", e->from);
	row_text(row, "to", e->to);
	row_text(row, "cause", e->cause);
	if (has[e->kind] & HAS_PRIORITY)
		row_number(row, "priority", e->priority);
	if (has[e->kind] & HAS_GENERATION)
		row_number(row, "generation", e->change);
	if (has[e->kind] & HAS_PEER) {
		row_number(row, "peer_priority", e->peer_priority);
		row_number(row, "epoch", e->epoch);
		row_number(row, "change", e->change);
	}
	return row;
}
