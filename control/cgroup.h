/* SPDX-License-Identifier: BSD-3-Clause */
/* What a service manager or a container leaves to this program. */
#pragma once

#include <stdint.h>

/*
 * cgroup_memory_limit_mb: the lowest memory limit of this program's control group and those above
 * it, versions 1 and 2.
 *   list  its groups, a line each: /proc/self/cgroup
 *   root  where they are mounted: /sys/fs/cgroup
 * => MiB, rounded down; -1 = no limit, or none that can be read
 */
int64_t cgroup_memory_limit_mb(const char *list, const char *root);
