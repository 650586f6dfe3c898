/*
 * What becomes of the scans that workers have seen (fastpath/scan.h): a line in the log, at most
 * one a second, an entry in the blacklist where it is wished for, and the last ones for shows.
 * Management thread only.
 */
#pragma once

#include "config.h"
#include "engine.h"
#include "log.h"

#define SCAN_WATCH_LAST 64

struct scan_seen {
	struct scan_event event;
	mono_t when;
	bool listed; /* entered in the blacklist */
};

struct scan_watch {
	struct scan_seen last[SCAN_WATCH_LAST]; /* a ring */
	uint64_t seen, excepted, listed;	/* since the start */
	uint64_t not_listed;			/* the blacklist was full */
	struct log_limit limit;
};

/* scan_watch_poll: take what workers have told, at most 16.
 * => May block for grace periods.  true: there may be more. */
bool scan_watch_poll(struct scan_watch *, struct engine *, const struct config_scan *, mono_t now);
