/*
 * DPDK's log lines become lines of ours: at debug level until the daemon has started, at their own
 * afterwards.  A start that fails thus says one thing, and can quote what a driver said first.
 */
#pragma once

#include <stddef.h>

/* dpdk_log_open: before anything of DPDK runs.  => 0 or -errno. */
int dpdk_log_open(void);
/* dpdk_log_reason: the first line since dpdk_log_forget(), "" for none.  => out. */
const char *dpdk_log_reason(char *out, size_t size);
void dpdk_log_forget(void);
/* dpdk_log_started: errors from here on are the operator's business. */
void dpdk_log_started(void);
