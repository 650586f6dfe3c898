/*
 * An event as a JSON object; docs/json.md is its contract.
 */
#pragma once

#include "config.h"
#include "events.h"

#include <jansson.h>

/* event_row: the configuration (NULL: none) has the interfaces' names.  => A new object. */
json_t *event_row(const struct event *, const struct config *);
