/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * display firewall statistics core: what the control core has done: ARP, ND, neighbours, packets
 * that wait for a next hop, late turns; and packet buffers in use.
 */
#include "command.h"
#include "log.h"
#include "management.h"
#include "row.h"

#define ROW(member, words)                                                                         \
	{                                                                                          \
#member, offsetof(struct core_stats, member), words                                \
	}

static const struct row_counter arp[] = {
	ROW(arp_requests_in, "requests received"),
	ROW(arp_replies_in, "replies received"),
	ROW(arp_requests_out, "requests sent"),
	ROW(arp_replies_out, "replies sent"),
	ROW(garp_out, "gratuitous ARP sent"),
	ROW(garp_in, "of those received: gratuitous"),
	ROW(arp_probes, "of those received: probes of an address by who wants to use it"),
	ROW(arp_ignored, "requests for an address that is not ours now"),
	ROW(arp_own, "our own frames, sent back by a loop"),
	ROW(arp_conflict, "somebody else claims an address of ours"),
	ROW(arp_bad, "refused; sum of the six below"),
	ROW(arp_short, "cut short"),
	ROW(arp_format, "not Ethernet and IPv4"),
	ROW(arp_opcode, "neither request nor reply"),
	ROW(arp_sender_mac, "sender's MAC is no host's, or not the frame's"),
	ROW(arp_sender_address, "sender's address is no host's"),
	ROW(arp_off_subnet, "sender is not in the interface's network"),
	{ NULL, 0, NULL },
};

static const struct row_counter nd[] = {
	ROW(nd_solicits_in, "neighbour solicitations received"),
	ROW(nd_adverts_in, "neighbour adverts received"),
	ROW(nd_solicits_out, "neighbour solicitations sent"),
	ROW(nd_adverts_out, "neighbour adverts sent"),
	ROW(nd_router, "router messages and redirects: ignored"),
	ROW(nd_ignored, "for somebody else, or from nobody we know"),
	ROW(nd_own, "our own frames, sent back by a loop"),
	ROW(nd_conflict, "somebody else claims an address of ours"),
	ROW(nd_duplicates, "own addresses not used, since somebody else has them"),
	ROW(nd_bad, "refused, the three below included"),
	ROW(nd_hop_limit, "hop limit is not 255"),
	ROW(nd_checksum, "wrong checksum"),
	ROW(nd_off_link, "sender or target is not on the interface's link"),
	{ NULL, 0, NULL },
};

static const struct row_counter neighbours[] = {
	ROW(neigh_failed, "next hops that did not answer"),
	ROW(neigh_moved, "neighbours that have another MAC now"),
	ROW(neigh_full, "no room for another neighbour"),
	ROW(pending_queued, "packets that had to wait for a next hop's MAC"),
	ROW(pending_sent, "of those: sent on"),
	ROW(pending_fenced, "of those: dropped, the role lease was not held"),
	ROW(pending_dropped, "of those: dropped, queue full or no answer"),
	{ NULL, 0, NULL },
};

static const struct row_counter frames[] = {
	ROW(vrrp_in, "VRRP packets received"),
	ROW(sent, "own frames sent"),
	ROW(send_failed, "own frames that could not be sent"),
	ROW(punt_ignored, "packets given to the control core that it has no use for"),
	ROW(stalls, "own turns that came more than 50 ms late"),
	{ NULL, 0, NULL },
};

/* At rest all but what is held for the rest of a datagram, for a next hop or by a NIC is free. */
static void
put_memory(json_t *rows, struct management *m, uint64_t keys)
{
	const struct session_table *t = engine_sessions(m->engine);
	uint32_t used = 0;
	const uint32_t all = m->core != NULL ? core_buffers(m->core, &used) : 0;

	row_counter(rows, "memory", "packet_buffers", all, "packet buffers there are");
	row_counter(rows, "memory", "packet_buffers_used", used, "of those: not free now");
	row_counter(rows, "memory", "sessions_used", session_table_taken(t),
		"sessions that are not free: also those just ended, or being made");
	row_counter(rows, "memory", "session_keys", keys, "keys that lead to a session");
}

static bool
collect(struct management *m, const json_t *filter, uint64_t *cursor, json_t *rows)
{
	struct core_stats stats = { 0 };
	uint32_t at = (uint32_t)*cursor;
	const uint64_t keys =
		(*cursor >> 32) + session_table_indexed(engine_sessions(m->engine), &at);

	/* The index is long: the keys so far, and where to go on, are the cursor. */
	(void)filter;
	*cursor = keys << 32 | at;
	if (at != 0)
		return true;
	if (m->core != NULL)
		core_stats(m->core, &stats);
	row_counters(rows, "arp", &stats, arp);
	row_counters(rows, "nd", &stats, nd);
	row_counters(rows, "neighbours", &stats, neighbours);
	row_counters(rows, "core", &stats, frames);
	put_memory(rows, m, keys);
	row_counter(rows, "log", "lines_lost", log_lost(), "log lines that could not be written");
	return false;
}

static const struct view view_core = {
	.name = "core-statistics",
	.help = "counters of the control core: ARP, ND, neighbours, late turns",
	.columns = row_counter_columns,
	.collect = collect,
};

COMMAND_SHOW(core, view_core, false,
	"display firewall statistics core: what the control core has done", COMMAND_WORD("display"),
	COMMAND_WORD("firewall"), COMMAND_WORD("statistics"), COMMAND_WORD("core"));

static cmdline_parse_inst_t *const insts[] = { &inst_core, NULL };
static const struct view *const views[] = { &view_core, NULL };

const struct command command_core = { .insts = insts, .views = views };
