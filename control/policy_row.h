/*
 * Lists of rules and objects as JSON arrays of text, for the views of both.
 */
#pragma once

#include "config_policy.h"

#include <jansson.h>

struct management;
struct policy_counter;
struct policy_usage_of;

json_t *policy_row_names(const struct config_list *, size_t name_size);
json_t *policy_row_addresses(const struct config_list *);
json_t *policy_row_services(const struct config_list *);
json_t *policy_row_builtin(const char *name);
/* One element of a compiled rule's list. */
json_t *policy_row_range(const struct policy_range *);
json_t *policy_row_service(const struct policy_service *);

/* policy_row_counters: "hits", "packets", "bytes", "sessions", "last_hit" (UTC, null = never). */
void policy_row_counters(json_t *row, const struct management *, const struct policy_counter *,
	const struct policy_usage_of *);
