/*
 * An event as a JSON object; docs/json.md is its contract.
 */
#pragma once

#include "config.h"
#include "events.h"

#include <jansson.h>

/* event_row: `wall` = ns since 1970 at 0 of the monotonic clock; the configuration (NULL: none) has
 * the interfaces' names.  => A new object. */
json_t *event_row(const struct event *, const struct config *, uint64_t wall);
