/*
 * Private to policy*.c: the compiled policy, and its draft while it is being built.
 */
#pragma once

#include "policy.h"
#include "policy_axis.h"
#include "policy_count.h"

#include <stdatomic.h>

enum policy_axis_name { AXIS_SRC4, AXIS_DST4, AXIS_SRC6, AXIS_DST6, AXIS_DPORT, AXIS_SPORT, AXES };

struct policy_kept {
	char name[64];
	uint32_t id;
	enum policy_action action;
	bool log;
	bool no_alg;
	uint32_t first, entries; /* its entries */
	uint16_t shadow;	 /* policy_rule_shadow() */
};

struct policy {
	enum policy_action default_action;
	uint16_t count;
	bool has_sport; /* some entry looks at source ports */
	uint32_t entry_count;
	uint32_t words, summary;   /* as in every axis */
	uint64_t pairs[MAX_ZONES]; /* by source zone: zones to which some entry leads */
	struct policy_axis axis[AXES];
	_Atomic(uint64_t) *active; /* [words]: M writes, any lcore reads: entries that count now */
	uint64_t *zone[2];	   /* source, destination: [MAX_ZONES][summary + words] */
	struct policy_verdict *verdict; /* [entry_count]: what it says; [entry_count] the default */
	struct policy_kept *rules;	/* [count] */
	uint32_t *ids;			/* open addressing by id: id, slot */
	uint32_t ids_mask;
	/* policy_count.c */
	uint16_t workers;
	uint32_t row_size;
	struct policy_counter *counts; /* [workers + 1][row_size] */
	void *counts_memory;
};

/* An entry of the draft: a rule, or one of its services that has source ports. */
struct draft_entry {
	const struct policy_rule *rule;
	const struct policy_service *services; /* NULL = any */
	uint32_t service_count;
	uint16_t slot;
	bool sport; /* its one service has source ports */
};

/* Entries that share a list on one axis, and the list as ranges. */
struct draft_groups {
	struct axis_group *groups;
	uint32_t count;
	uint32_t *members;  /* [entries]: of group after group */
	uint32_t *group_of; /* [entries] */
	struct axis_range *ranges;
};

struct draft {
	struct draft_entry *entries;
	uint32_t count;
	struct draft_groups axis[AXES];
};

/* policy_draft_create: => 0, -ENOMEM or -E2BIG; to be freed in any case. */
int policy_draft_create(struct draft *, const struct policy_rule *, uint32_t count);
void policy_draft_free(struct draft *);

/* Width of an axis' values. */
extern const uint8_t policy_axis_bits[AXES];

/* => value on the axes of ports */
static inline uint32_t
policy_port_value(uint8_t proto, uint16_t port)
{
	return (uint32_t)proto << 16 | port;
}

/* ---- sets of entries ---- */

/* One packed set of a packet, and how many of its words lie before the current summary word. */
struct cursor {
	const uint64_t *any_summary, *any; /* entries that are in every set of this axis */
	const uint64_t *set;
	uint32_t rank;
};

static inline void
cursor_at(struct cursor *c, const struct policy_axis *a, const uint64_t *set)
{
	c->any_summary = a->any_summary;
	c->any = a->any;
	c->set = set;
	c->rank = a->summary;
}

static inline uint64_t
cursor_word(const struct cursor *c, uint32_t summary_word, uint32_t bit)
{
	const uint64_t summary = c->set[summary_word];
	uint64_t word = c->any[summary_word * 64 + bit];

	if (summary >> bit & 1)
		word |= c->set[c->rank + (uint32_t)__builtin_popcountll(
						 summary & ((UINT64_C(1) << bit) - 1))];
	return word;
}

/* ---- */

/* => 0 or -ENOMEM */
int policy_counts_create(struct policy *);

/* policy_find_shadows: fill rules[].shadow. */
void policy_find_shadows(struct policy *, const struct draft *);
