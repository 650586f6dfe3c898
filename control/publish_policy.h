/*
 * From the configuration's rules and objects to a compiled policy.  Management thread only.
 */
#pragma once

#include "config_policy.h"
#include "policy.h"

#include <stddef.h>

/* publish_policy: compiled, with the schedules as they are at `now`. => NULL with a one-line
 * reason. */
struct policy *publish_policy(const struct config *, time_t now, char *err, size_t err_size);

/* publish_rules: rules of any kind, a list of items that begin with a struct config_rule.
 * => NULL with errno of policy_create(); publish_rules_explain() says it for their section. */
struct policy *publish_rules(const struct config *, const struct config_list *, size_t item_size,
	enum policy_action default_action);
void publish_rules_explain(
	const struct config_origin *section, int error, char *err, size_t err_size);

/* publish_policy_warn: a line for each of its rules that never decides, at most `max`, then one
 * with the number of the others. */
void publish_policy_warn(const struct policy *, const struct config *, uint32_t max,
	void (*say)(void *ctx, const char *line), void *ctx);

/* publish_rule_resolve: rule `index` as the policy is made of it: its sets as lists.
 * => NULL: out of memory.  publish_rule_free() takes NULL too. */
struct publish_rule;
struct publish_rule *publish_rule_resolve(const struct config *, uint32_t index);
const struct policy_rule *publish_rule_of(const struct publish_rule *);
void publish_rule_free(struct publish_rule *);

/* publish_policy_schedules: switch the rules of a policy made from this configuration on and off.
 * => Any policy, also one in use; true when a rule changed. */
bool publish_policy_schedules(struct policy *, const struct config *, time_t now);
