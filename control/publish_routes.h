/*
 * The part of publish.c that compiles the routes of both families.
 */
#pragma once

#include "publish.h"

/* publish_routes: connected subnets and static routes of the configuration go into the engine's
 * tables; `s` is the new snapshot with its interfaces filled.
 * => 0, or -errno with a reason; then neither table has changed. */
int publish_routes(struct engine *, const struct config *, const struct snapshot *s,
	const struct publish_extra *, char *err, size_t err_size);
