/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * display hrp interface [verbose]: heartbeat links (requirements.md 2.5).
 */
#include "command.h"
#include "ha.h"
#include "hrp.h"
#include "hrp_usage.h"
#include "management.h"
#include "row.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void
row_traffic(json_t *row, const struct engine *e, const struct hrp_link_status *l)
{
	const uint32_t speed = hrp_usage_speed(e, l);
	const double percent = hrp_usage_percent(e, l);

	row_number(row, "bytes_out_rate", l->bytes_out_rate);
	row_number(row, "bytes_in_rate", l->bytes_in_rate);
	json_object_set_new(row, "speed_mbps", speed > 0 ? json_integer(speed) : json_null());
	json_object_set_new(row, "usage_percent", percent < 0 ? json_null() : json_real(percent));
	row_number(row, "probes_out", l->probes_out);
	row_number(row, "probes_in", l->probes_in);
	row_number(row, "packets_out", l->packets_out);
	row_number(row, "packets_in", l->packets_in);
	row_number(row, "bytes_out", l->bytes_out);
	row_number(row, "bytes_in", l->bytes_in);
	row_number(row, "other_in", l->other_in);
	row_number(row, "send_failed", l->tx_failed);
	row_number(row, "unresolved", l->unresolved);
	row_number(row, "denied_out", l->denied_out);
	row_number(row, "denied_in", l->denied_in);
}

static json_t *
row_link(const struct management *m, const struct hrp_link_status *l)
{
	const struct snapshot *const s = engine_snapshot(m->engine);
	json_t *const row = json_object();

	row_text(row, "interface", row_interface(s, (uint16_t)l->interface));
	row_text(row, "state", l->state < HRP_LINK_STATES ? hrp_link_state_names[l->state] : "");
	row_text(row, "mode", l->remote != 0 ? "udp" : "multicast");
	row_bool(row, "heartbeat_only", l->heartbeat_only != 0);
	if (l->remote != 0)
		row_address(row, "remote", l->remote);
	else
		json_object_set_new(row, "remote", json_null());
	row_address(row, "peer_address", l->peer_address);
	row_number(row, "peer_hello_ms", l->peer_hello_ms);
	row_number(row, "rtt_us", l->rtt_us);
	row_text(row, "wiring", l->wiring < HRP_WIRINGS ? hrp_wiring_names[l->wiring] : "");
	if (l->wiring == HRP_WIRING_CROSSED && l->crossed_to != UINT32_MAX)
		row_text(row, "crossed_to", row_interface(s, (uint16_t)l->crossed_to));
	else
		json_object_set_new(row, "crossed_to", json_null());
	row_number(row, "changes", l->changes);
	row_traffic(row, m->engine, l);
	return row;
}

static bool
collect(struct management *m, const json_t *filter, uint64_t *cursor, json_t *rows)
{
	const struct hrp *const hrp = m->ha_state != NULL ? ha_hrp(m->ha_state) : NULL;
	struct hrp_status *h;

	(void)filter;
	(void)cursor;
	if (hrp == NULL)
		return false;
	h = malloc(sizeof(*h));
	if (h == NULL)
		return false;
	hrp_status(hrp, h);
	for (uint64_t i = 0; i < h->links_count && i < HRP_LINKS_MAX; i++)
		json_array_append_new(rows, row_link(m, &h->links[i]));
	free(h);
	return false;
}

/* What an operator should do something about; "" = nothing. */
static void
put_trouble(const json_t *row, char *out, size_t size)
{
	const char *const to = json_string_value(json_object_get(row, "crossed_to"));
	const char *const wiring = row_text_of(row, "wiring");
	const bool works = strcmp(row_text_of(row, "state"), "ready") == 0 ||
			   strcmp(row_text_of(row, "state"), "running") == 0;

	out[0] = '\0';
	if (strcmp(wiring, "service") == 0)
		snprintf(out, size, " (cable leads into a service network: adverts are heard)");
	else if (strcmp(wiring, "crossed") == 0)
		snprintf(out, size, " (cable crossed: it ends at %s of the peer)",
			to != NULL ? to : "another interface");
	else if (!works && row_number_of(row, "denied_out") + row_number_of(row, "denied_in") > 0)
		snprintf(out, size, " (the security policy does not permit it)");
}

static void
print(const json_t *row, bool verbose, char *out, size_t size)
{
	const json_t *const percent = json_object_get(row, "usage_percent");
	char trouble[128], usage[64] = "", peer[64] = "";
	int n;

	put_trouble(row, trouble, sizeof(trouble));
	n = snprintf(out, size, " %28s : %s%s\n", row_text_of(row, "interface"),
		row_text_of(row, "state"), trouble);
	if (!verbose || n < 0 || (size_t)n >= size)
		return;
	if (json_is_real(percent))
		snprintf(usage, sizeof(usage), ", %.2f%% of %" JSON_INTEGER_FORMAT " Mbit/s",
			json_real_value(percent), row_number_of(row, "speed_mbps"));
	if (json_is_string(json_object_get(row, "remote")))
		snprintf(peer, sizeof(peer), " to %s", row_text_of(row, "remote"));
	snprintf(out + n, size - (size_t)n,
		"   %s%s%s, round trip %" JSON_INTEGER_FORMAT
		" us, state changes %" JSON_INTEGER_FORMAT "\n   out %" JSON_INTEGER_FORMAT
		" kbit/s, in %" JSON_INTEGER_FORMAT " kbit/s%s\n",
		row_text_of(row, "mode"), peer,
		json_is_true(json_object_get(row, "heartbeat_only")) ? ", heartbeat only" : "",
		row_number_of(row, "rtt_us"), row_number_of(row, "changes"),
		row_number_of(row, "bytes_out_rate") / 125,
		row_number_of(row, "bytes_in_rate") / 125, usage);
}

static const struct view view_interface = {
	.name = "hrp-interface",
	.help = "heartbeat interfaces in the order of preference",
	.collect = collect,
	.print = print,
};

COMMAND_SHOW(interface, view_interface, false,
	"display hrp interface: heartbeat interfaces and their states", COMMAND_WORD("display"),
	COMMAND_WORD("hrp"), COMMAND_WORD("interface"));
COMMAND_SHOW(interface_verbose, view_interface, true,
	"display hrp interface verbose: the same with round trip and bandwidth in use",
	COMMAND_WORD("display"), COMMAND_WORD("hrp"), COMMAND_WORD("interface"),
	COMMAND_WORD("verbose"));

static cmdline_parse_inst_t *const insts[] = { &inst_interface, &inst_interface_verbose, NULL };
static const struct view *const views[] = { &view_interface, NULL };

extern const struct command command_hrp_interface;
const struct command command_hrp_interface = { .insts = insts, .views = views };
