/*
 * Which devices the daemon may take, before it takes one.
 */
#pragma once

#include "config.h"

#include <stddef.h>

/* devices_check: does this DPDK have a network driver for each port of the configuration?  Loads
 * DPDK's drivers and starts nothing.  => 0, or -1 with "FILE:LINE: SETTING: reason". */
int devices_check(const struct config *, char *err, size_t err_size);

/* devices_lock: reserve each port's kernel interface or PCI device until this process ends.
 * => 0, or -1 with a reason: another daemon of this network namespace has it. */
int devices_lock(const struct config *, char *err, size_t err_size);

/* devices_mtu: that of a kernel interface; -errno. */
int devices_mtu(const char *interface);
