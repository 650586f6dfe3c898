/*
 * From the sections of address translation to what is in the snapshot.  Management thread only.
 */
#pragma once

#include "config.h"
#include "engine.h"
#include "publish.h"

#include <stddef.h>

/* publish_nat: fill s->nat (NULL: there is nothing to translate) and s->claims; the snapshot has
 * its interfaces and own addresses already, and gives back what it has got when it is destroyed.
 * => 0, or -errno with a one-line reason. */
int publish_nat(struct engine *, const struct config *, const struct publish_extra *,
	struct snapshot *, char *err, size_t err_size);
