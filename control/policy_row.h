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

/* policy_row_match: what a rule matches, by the names of its settings.  policy_row_state: "state",
 * what keeps it from deciding, and "shadowed_by", the rule that takes all of its packets first
 * (itself when no packet can match). */
struct policy;
void policy_row_match(json_t *row, const struct config_rule *);
void policy_row_state(
	json_t *row, const struct policy *, const struct config_rule *, uint16_t slot);

/* policy_row_hits: "hits", "last_hit" (UTC, null = never). */
void policy_row_hits(json_t *row, const struct management *, const struct policy_counter *);
/* policy_row_counters: the same with "packets", "bytes", "sessions" between. */
void policy_row_counters(json_t *row, const struct management *, const struct policy_counter *,
	const struct policy_usage_of *);
