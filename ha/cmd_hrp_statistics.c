/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * display hrp statistics: the mirror's counters: stream, sessions, bulks, refused messages.
 */
#include "command.h"
#include "ha.h"
#include "hrp.h"
#include "management.h"
#include "row.h"

#include <stdlib.h>

#define STREAM(member, words)                                                                      \
	{                                                                                          \
#member, offsetof(struct hrp_stream_status, member), words                         \
	}
#define SESSION(member, words)                                                                     \
	{                                                                                          \
#member, offsetof(struct hrp_session_status, member), words                        \
	}
#define BOX(member, words)                                                                         \
	{                                                                                          \
#member, offsetof(struct hrp_status, member), words                                \
	}

static const struct row_counter stream[] = {
	STREAM(frames_out, "numbered frames sent, resent ones not counted"),
	STREAM(frames_in, "numbered frames received"),
	STREAM(resent, "frames sent again"),
	STREAM(timeouts, "times that no acknowledgement came"),
	STREAM(acks_out, "acknowledgements sent"),
	STREAM(acks_in, "acknowledgements received"),
	STREAM(nacks_out,
		"times that the peer was asked for its stream; an active box asks once a hello"),
	STREAM(nacks_in, "times that the peer asked for one"),
	STREAM(duplicates, "frames that had come before"),
	STREAM(reordered, "frames that came too early"),
	STREAM(refused, "frames of another stream"),
	STREAM(opened, "streams begun"),
	STREAM(window_full, "times that the window was full"),
	STREAM(unacked, "frames in the window now"),
	STREAM(rtt_us, "round trip, us"),
	STREAM(lag_us, "age of the oldest frame in the window, us"),
	{ NULL, 0, NULL },
};

static const struct row_counter sessions[] = {
	SESSION(sent, "records sent"),
	SESSION(deleted, "deletions sent"),
	SESSION(skipped, "changes not worth a record"),
	SESSION(discarded, "changes of a standby, not sent"),
	SESSION(installed, "copies made"),
	SESSION(updated, "copies refreshed"),
	SESSION(removed, "copies removed"),
	SESSION(conflicts, "records refused: this box owns that session"),
	SESSION(unclaimed, "copies whose outside port another session holds here"),
	SESSION(unread, "records of ALGs that cannot go on here"),
	SESSION(untranslatable, "records refused: no such NAT, or address group, here"),
	SESSION(full, "records refused: table full"),
	SESSION(unknown, "deletions of sessions that are not here"),
	SESSION(retries, "records put off for a moment"),
	SESSION(adopted, "copies that became our own"),
	SESSION(swept, "copies dropped because a bulk did not confirm them"),
	{ NULL, 0, NULL },
};

static const struct row_counter box[] = {
	BOX(bulks_out, "bulks sent"),
	BOX(bulk_out_count, "records of the last one"),
	BOX(bulks_in, "bulks received"),
	BOX(bulk_in_count, "records of the last one"),
	BOX(stale_dropped,
		"hellos not sent: they were older than an interval (the process did not run)"),
	BOX(bus_full, "messages between the cores that found no room"),
	BOX(no_mbuf, "messages not sent: no packet buffer"),
	BOX(no_link, "messages not sent: no heartbeat link"),
	BOX(repeated, "messages sent again by another heartbeat link"),
	BOX(unsealed, "messages not sent: they could not be signed"),
	{ NULL, 0, NULL },
};

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
	row_counters(rows, "stream", &h->stream, stream);
	row_counters(rows, "sessions", &h->sessions, sessions);
	row_counters(rows, "box", h, box);
	for (int i = 1; i < HA_REFUSAL_COUNT; i++)
		row_counter(
			rows, "refused", ha_refusal_names[i], h->refused[i], ha_refusal_texts[i]);
	free(h);
	return false;
}

static const struct view view_statistics = {
	.name = "hrp-statistics",
	.help = "counters of the session mirror and of refused messages",
	.columns = row_counter_columns,
	.collect = collect,
};

COMMAND_SHOW(statistics, view_statistics, false,
	"display hrp statistics: counters of the session mirror and of refused messages",
	COMMAND_WORD("display"), COMMAND_WORD("hrp"), COMMAND_WORD("statistics"));

static cmdline_parse_inst_t *const insts[] = { &inst_statistics, NULL };
static const struct view *const views[] = { &view_statistics, NULL };

extern const struct command command_hrp_statistics;
const struct command command_hrp_statistics = { .insts = insts, .views = views };
