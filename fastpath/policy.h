/*
 * Security policy: the first rule that matches (zones, addresses of both families, protocol, ports)
 * decides, else the default.  Built by the management thread, then read-only; replaced with its
 * snapshot.
 */
#pragma once

#include "ip_addr.h"
#include "snapshot.h"

#include <rte_byteorder.h>

#include <stdbool.h>
#include <stdint.h>

/* REJECT is DENY that tells the sender. */
enum policy_action { POLICY_DENY, POLICY_PERMIT, POLICY_REJECT };

struct policy_range {
	struct ip_addr first, last; /* inclusive, both of one family */
};

struct policy_service {
	uint8_t proto; /* 0 = any, then with all ports */
	uint16_t sport_min, sport_max;
	uint16_t dport_min, dport_max; /* ICMP and ICMPv6: type << 8 | code */
};

/* Empty lists match anything; a list with addresses of one family only matches nothing of the
 * other.  Rules may share their lists, which is cheaper than equal ones. */
struct policy_rule {
	char name[64];
	enum policy_action action;
	bool log;      /* its sessions and refusals, with log.sessions or log.denied = "rules" */
	bool no_alg;   /* nothing that its sessions say is looked into */
	bool disabled; /* keeps its slot, matches nothing */
	uint32_t schedule; /* 0 = always; rules with the same number are active together */
	uint64_t source_zones, destination_zones; /* bit per zone id; 0 = any */
	uint32_t source_count, destination_count, service_count;
	const struct policy_range *sources, *destinations;
	const struct policy_service *services;
};

struct policy_key {
	uint8_t source_zone, destination_zone, proto;
	rte_be32_t src, dst;
	rte_be16_t sport, dport; /* as in struct policy_service; 0 for protocols without */
};

struct policy_key6 {
	uint8_t source_zone, destination_zone, proto;
	rte_be16_t sport, dport;
	uint8_t src[IP6_LEN], dst[IP6_LEN];
};

struct policy_verdict {
	enum policy_action action;
	uint16_t slot; /* counter slot: rule number from 1, 0 = the default */
	uint32_t id;   /* stable id of the rule, 0 = the default */
};

/* policy_create: compile `count` rules in order.  Keeps nothing of what it is given.
 * => Management thread; may take some 100 ms for 10,000 rules.  NULL with errno: E2BIG (more than
 *    MAX_RULES, or than POLICY_ENTRIES_MAX with each service that has a source port counted as one
 *    more, or their combinations would need more than POLICY_MEMORY_MAX), ENOMEM. */
#define POLICY_ENTRIES_MAX 32768
#define POLICY_MEMORY_MAX  (UINT64_C(256) << 20) /* bytes, per dimension */
struct policy *policy_create(
	const struct policy_rule *, uint32_t count, enum policy_action default_action);
void policy_destroy(struct policy *);

/* policy_classify: first match for n <= 32 keys.  Any lcore, lock-free. */
void policy_classify(
	const struct policy *, const struct policy_key *, uint32_t n, struct policy_verdict *);
void policy_classify6(
	const struct policy *, const struct policy_key6 *, uint32_t n, struct policy_verdict *);

/* policy_set_active: let a rule match or not (schedules); a rule is active at first.
 * => M, also while the policy is in use: packets see it within a moment. true when it changed. */
bool policy_set_active(struct policy *, uint16_t slot, bool active);
bool policy_active(const struct policy *, uint16_t slot); /* false for a disabled rule as well */

/* policy_rule_id: an id that depends on the rule's name only, the same on both boxes, never 0. */
uint32_t policy_rule_id(const char *name);

uint16_t policy_rule_count(const struct policy *);
/* slot 1..count => the rule's name; slot 0 => NULL */
const char *policy_rule_name(const struct policy *, uint16_t slot);
bool policy_rule_log(const struct policy *, uint16_t slot);
bool policy_rule_no_alg(const struct policy *, uint16_t slot); /* 0: the default: false */
enum policy_action policy_rule_action(const struct policy *, uint16_t slot); /* 0: the default */
/* policy_rule_shadow: why a rule never decides, schedules aside: slot of an earlier rule that takes
 * all its packets; its own slot: nothing can match, source and destination are of different
 * families.  => 0: it may decide; cover by several rules together is not found. */
uint16_t policy_rule_shadow(const struct policy *, uint16_t slot);
/* => slot of the rule with this id, 0 when there is none. */
uint16_t policy_slot_of(const struct policy *, uint32_t id);
/* => bytes */
uint64_t policy_memory(const struct policy *);

/* policy_prefix4: the addresses of a prefix, host order. */
static inline struct policy_range
policy_prefix4(uint32_t address, uint8_t len)
{
	const uint32_t host = len == 0 ? UINT32_MAX : (uint32_t)((UINT64_C(1) << (32 - len)) - 1);

	return (struct policy_range){ .first = ip_addr_v4(rte_cpu_to_be_32(address & ~host)),
		.last = ip_addr_v4(rte_cpu_to_be_32(address | host)) };
}

static inline struct policy_range
policy_prefix6(const uint8_t address[IP6_LEN], uint8_t len)
{
	struct policy_range r = { .first = ip_addr_v6(address), .last = ip_addr_v6(address) };

	ip6_mask(r.first.v6, len);
	for (unsigned int i = 0; i < IP6_LEN; i++) {
		const unsigned int bits = len > 8 * i ? len - 8 * i : 0;

		if (bits < 8)
			r.last.v6[i] |= (uint8_t)(0xff >> bits);
	}
	return r;
}
