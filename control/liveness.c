/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Does every core turn?
 */
#include "liveness.h"

#include "check.h"
#include "log.h"

int
liveness_look(struct liveness *l, const uint64_t *turns, uint32_t count, const char *who)
{
	int stuck = -1;

	FW_ASSERT(count <= LIVENESS_CORES);
	for (uint32_t i = count; i > 0; i--) {
		if (turns[i - 1] == l->turns[i - 1])
			stuck = (int)i - 1;
		l->turns[i - 1] = turns[i - 1];
	}
	if (stuck >= 0 && !l->told)
		LOG(ERROR, "watchdog: %s %d does not run: no sign of life for %s",
			stuck == 0 ? "control core" : "worker", stuck == 0 ? 0 : stuck - 1, who);
	l->told = stuck >= 0;
	return stuck;
}
