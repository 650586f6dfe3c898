/*
 * Security policy: first match over (zones, addresses, protocol, ports), compiled to one rte_acl
 * context.  Built by the management thread, then read-only; replaced with its snapshot.
 */
#pragma once

#include "snapshot.h"

#include <rte_byteorder.h>

#include <stdbool.h>
#include <stdint.h>

enum policy_action { POLICY_DENY, POLICY_PERMIT };

struct policy_prefix {
	uint32_t address; /* host order */
	uint8_t len;
};

struct policy_service {
	uint8_t proto; /* 0 = any */
	uint16_t sport_min, sport_max;
	uint16_t dport_min, dport_max;
};

/* Empty lists match anything. */
struct policy_rule {
	char name[64];
	enum policy_action action;
	bool log; /* its sessions and refusals, with log.sessions or log.denied = "rules" */
	uint64_t source_zones, destination_zones; /* bit per zone id; 0 = any */
	uint16_t source_count, destination_count, service_count;
	struct policy_prefix *sources, *destinations;
	struct policy_service *services;
};

struct policy_key {
	uint8_t source_zone, destination_zone, proto;
	rte_be32_t src, dst;
	rte_be16_t sport, dport; /* ICMP: 0 */
};

struct policy_verdict {
	enum policy_action action;
	uint16_t slot; /* counter slot: rule number from 1, 0 = the default */
	uint32_t id;   /* stable id of the rule, 0 = the default */
};

/* policy_create: compile `count` rules in order.  Copies what it needs.
 * => Management thread.  NULL with errno: E2BIG (more than MAX_RULES, or the expansion of lists is
 *    too large), ENOMEM. */
struct policy *policy_create(const char *name, const struct policy_rule *, uint16_t count,
	enum policy_action default_action, int socket);
void policy_destroy(struct policy *);

/* policy_classify: first match for n <= 32 keys.  Any lcore, lock-free. */
void policy_classify(
	const struct policy *, const struct policy_key *, uint32_t n, struct policy_verdict *);

/* policy_rule_id: an id that depends on the rule's name only, the same on both boxes, never 0. */
uint32_t policy_rule_id(const char *name);

uint16_t policy_rule_count(const struct policy *);
/* slot 1..count => rule as given (lists included); slot 0 => NULL */
const struct policy_rule *policy_rule_at(const struct policy *, uint16_t slot);
enum policy_action policy_default_action(const struct policy *);
/* => slot of the rule with this id, 0 when there is none. */
uint16_t policy_slot_of(const struct policy *, uint32_t id);
