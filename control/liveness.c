/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Does every core turn?
 */
#include "liveness.h"

#include "check.h"
#include "log.h"

static void
tell(int stuck, const char *who)
{
	static const char *const cores[] = { "control core", "HRP core" };
	const int first_worker = sizeof(cores) / sizeof(cores[0]);

	if (stuck < first_worker)
		LOG(ERROR, "watchdog: %s does not run: no sign of life for %s", cores[stuck], who);
	else
		LOG(ERROR, "watchdog: worker %d does not run: no sign of life for %s",
			stuck - first_worker, who);
}

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
		tell(stuck, who);
	l->told = stuck >= 0;
	return stuck;
}
