/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Objects are resolved once each: an address set becomes the ranges of its own and of all sets in
 * it.  A rule with one set and nothing beside uses the set's list itself, so that the compiled
 * policy knows who shares; any other rule gets a list of its own.
 */
#include "publish_policy.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* A growing list of ranges or services. */
struct list {
	void *items;
	uint32_t count, size;
	bool shared; /* belongs to an object */
};

struct objects {
	const struct config *config;
	const struct config_list *address_sets, *service_sets;
	struct list *addresses, *services; /* by index; items NULL: not resolved yet */
	bool failed;			   /* out of memory */
};

static void
append(struct objects *o, struct list *l, const void *items, uint32_t count, size_t item_size)
{
	if (count > l->size - l->count) {
		const uint64_t size = (uint64_t)l->count + count + l->size;
		void *grown = size < UINT32_MAX ? realloc(l->items, size * item_size) : NULL;

		if (grown == NULL) {
			o->failed = true;
			return;
		}
		l->items = grown;
		l->size = (uint32_t)size;
	}
	memcpy((char *)l->items + l->count * item_size, items, count * item_size);
	l->count += count;
}

static void
append_spans(struct objects *o, struct list *l, const struct config_list *from)
{
	const struct config_span *span = from->items;

	for (uint32_t i = 0; i < from->count && !o->failed; i++) {
		const struct policy_range r = { .first = span[i].first, .last = span[i].last };

		append(o, l, &r, 1, sizeof(r));
	}
}

static void
append_services(struct objects *o, struct list *l, const struct config_list *from)
{
	const struct config_service *s = from->items;

	for (uint32_t i = 0; i < from->count && !o->failed; i++) {
		const struct policy_service service = { .proto = (uint8_t)s[i].protocol_number,
			.sport_min = s[i].source_port.min,
			.sport_max = s[i].source_port.max,
			.dport_min = s[i].destination_port.min,
			.dport_max = s[i].destination_port.max };

		append(o, l, &service, 1, sizeof(service));
	}
}

/* A set and everything below it, each once (the checks have found no loop). */
static void
collect(struct objects *o, const struct config_list *all, size_t item_size, uint32_t root,
	struct list *order)
{
	bool *seen = calloc((size_t)all->count + 1, sizeof(*seen));

	if (seen == NULL) {
		o->failed = true;
		return;
	}
	append(o, order, &root, 1, sizeof(root));
	seen[root] = true;
	for (uint32_t i = 0; i < order->count && !o->failed; i++) {
		const uint32_t at = ((const uint32_t *)order->items)[i];
		const struct config_set *s =
			(const void *)((const char *)all->items + at * item_size);
		const char(*names)[CONFIG_OBJECT_NAME] = s->sets.items;

		for (uint32_t j = 0; j < s->sets.count && !o->failed; j++) {
			const int found = config_set_find(all, item_size, names[j]);

			/* a predefined service is no set of the section */
			if (found < 0 || seen[found])
				continue;
			seen[found] = true;
			append(o, order, &(uint32_t){ (uint32_t)found }, 1, sizeof(uint32_t));
		}
	}
	free(seen);
}

static const struct list *
address_set(struct objects *o, const char *name)
{
	const struct config_address_set *sets = o->address_sets->items;
	const int index = config_set_find(o->address_sets, sizeof(*sets), name);
	struct list *l = &o->addresses[index], order = { 0 };

	if (l->items != NULL)
		return l;
	collect(o, o->address_sets, sizeof(*sets), (uint32_t)index, &order);
	for (uint32_t i = 0; i < order.count && !o->failed; i++)
		append_spans(o, l, &sets[((uint32_t *)order.items)[i]].addresses);
	free(order.items);
	return l;
}

static void
append_builtins(struct objects *o, struct list *l, const struct config_list *names)
{
	const char(*name)[CONFIG_OBJECT_NAME] = names->items;
	const struct policy_service *services;
	uint32_t count;

	for (uint32_t i = 0; i < names->count && !o->failed; i++) {
		services = config_builtin_service(name[i], &count);
		if (services != NULL)
			append(o, l, services, count, sizeof(*services));
	}
}

static const struct list *
service_set(struct objects *o, const char *name)
{
	const struct config_service_set *sets = o->service_sets->items;
	const int index = config_set_find(o->service_sets, sizeof(*sets), name);
	struct list *l, order = { 0 };

	if (index < 0)
		return NULL; /* predefined */
	l = &o->services[index];
	if (l->items != NULL)
		return l;
	collect(o, o->service_sets, sizeof(*sets), (uint32_t)index, &order);
	for (uint32_t i = 0; i < order.count && !o->failed; i++) {
		const struct config_service_set *s = &sets[((uint32_t *)order.items)[i]];

		append_services(o, l, &s->services);
		append_builtins(o, l, &s->set.sets);
	}
	free(order.items);
	return l;
}

/* The addresses of a rule's side. */
static struct list
addresses_of(struct objects *o, const struct config_list *own, const struct config_list *sets)
{
	const char(*names)[CONFIG_OBJECT_NAME] = sets->items;
	struct list l = { 0 };

	if (own->count == 0 && sets->count == 1) {
		l = *address_set(o, names[0]);
		l.shared = true;
		return l;
	}
	append_spans(o, &l, own);
	for (uint32_t i = 0; i < sets->count && !o->failed; i++) {
		const struct list *set = address_set(o, names[i]);

		append(o, &l, set->items, set->count, sizeof(struct policy_range));
	}
	return l;
}

static struct list
services_of(struct objects *o, const struct config_rule *r)
{
	const char(*names)[CONFIG_OBJECT_NAME] = r->service_sets.items;
	struct list l = { 0 };

	if (r->services.count == 0 && r->service_sets.count == 1) {
		const struct list *set = service_set(o, names[0]);

		if (set != NULL) {
			l = *set;
		} else {
			/* predefined: never written, never freed */
			l.items = (void *)(uintptr_t)config_builtin_service(names[0], &l.count);
		}
		l.shared = true;
		return l;
	}
	append_services(o, &l, &r->services);
	for (uint32_t i = 0; i < r->service_sets.count && !o->failed; i++) {
		const struct list *set = service_set(o, names[i]);

		if (set != NULL)
			append(o, &l, set->items, set->count, sizeof(struct policy_service));
	}
	append_builtins(o, &l, &r->service_sets);
	return l;
}

static uint64_t
zone_set(const struct config *c, const struct config_list *list, size_t name_size)
{
	uint64_t set = 0;

	for (uint32_t i = 0; i < list->count; i++)
		set |= UINT64_C(1) << config_zone_id(c, (const char *)list->items + i * name_size);
	return set;
}

/* The same number for rules of one schedule, by its place; 0 = always. */
static uint32_t
schedule_number(const struct config *c, const char *name)
{
	const struct config_list *list = config_section_data(c, "schedules");
	const struct config_schedule *s = name[0] != '\0' ? config_schedule_find(c, name) : NULL;

	return s != NULL ? (uint32_t)(s - (const struct config_schedule *)list->items) + 1 : 0;
}

/* The lists of one rule. */
struct lists {
	struct list sources, destinations, services;
};

static void
fill_rule(struct objects *o, const struct config_rule *from, struct policy_rule *to,
	struct lists *lists)
{
	lists->sources = addresses_of(o, &from->source_addresses, &from->source_sets);
	lists->destinations =
		addresses_of(o, &from->destination_addresses, &from->destination_sets);
	lists->services = services_of(o, from);
	snprintf(to->name, sizeof(to->name), "%s", from->name);
	to->action = (enum policy_action)from->action;
	to->disabled = !from->enable;
	to->log = from->log;
	to->no_alg = !from->alg;
	to->schedule = schedule_number(o->config, from->schedule);
	to->source_zones = zone_set(o->config, &from->source_zones, 32);
	to->destination_zones = zone_set(o->config, &from->destination_zones, 32);
	to->source_count = lists->sources.count;
	to->sources = lists->sources.items;
	to->destination_count = lists->destinations.count;
	to->destinations = lists->destinations.items;
	to->service_count = lists->services.count;
	to->services = lists->services.items;
}

static void
free_list(struct list *l)
{
	if (!l->shared)
		free(l->items);
}

struct publish_rules {
	struct objects objects;
	struct policy_rule *rules;
	struct lists *lists;
	uint32_t count;
};

static void
rules_free(struct publish_rules *r)
{
	for (uint32_t i = 0; r->lists != NULL && i < r->count; i++) {
		free_list(&r->lists[i].sources);
		free_list(&r->lists[i].destinations);
		free_list(&r->lists[i].services);
	}
	for (uint32_t i = 0; r->objects.addresses != NULL && i < r->objects.address_sets->count;
		i++)
		free(r->objects.addresses[i].items);
	for (uint32_t i = 0; r->objects.services != NULL && i < r->objects.service_sets->count; i++)
		free(r->objects.services[i].items);
	free(r->objects.addresses);
	free(r->objects.services);
	free(r->lists);
	free(r->rules);
}

static bool
rules_fill(struct publish_rules *r, const struct config *c, const void *from, size_t item_size,
	uint32_t count)
{
	struct objects *o = &r->objects;

	*r = (struct publish_rules){ .count = count };
	o->config = c;
	o->address_sets = config_section_data(c, "address_sets");
	o->service_sets = config_section_data(c, "service_sets");
	o->addresses = calloc((size_t)o->address_sets->count + 1, sizeof(*o->addresses));
	o->services = calloc((size_t)o->service_sets->count + 1, sizeof(*o->services));
	r->rules = calloc((size_t)r->count + 1, sizeof(*r->rules));
	r->lists = calloc((size_t)r->count + 1, sizeof(*r->lists));
	o->failed =
		o->addresses == NULL || o->services == NULL || r->rules == NULL || r->lists == NULL;
	for (uint32_t i = 0; i < r->count && !o->failed; i++)
		fill_rule(o, (const void *)((const char *)from + i * item_size), &r->rules[i],
			&r->lists[i]);
	return !o->failed;
}

struct policy *
publish_rules(const struct config *c, const struct config_list *list, size_t item_size,
	enum policy_action default_action)
{
	struct policy *policy = NULL;
	struct publish_rules r;
	int error = ENOMEM;

	if (rules_fill(&r, c, list->items, item_size, list->count)) {
		policy = policy_create(r.rules, r.count, default_action);
		error = errno;
	}
	rules_free(&r);
	if (policy == NULL)
		errno = error;
	return policy;
}

void
publish_rules_explain(const struct config_origin *section, int error, char *err, size_t err_size)
{
	if (error == E2BIG)
		config_reason(section, "rules", err, err_size,
			"more services with source ports or addresses than fit, expected fewer");
	else
		snprintf(err, err_size, "%s: %s", section->path, strerror(error));
}

struct policy *
publish_policy(const struct config *c, time_t now, char *err, size_t err_size)
{
	const struct config_policy *p = config_section_data(c, "security_policy");
	struct policy *policy = publish_rules(
		c, &p->rules, sizeof(struct config_rule), (enum policy_action)p->default_action);

	if (policy == NULL)
		publish_rules_explain(&p->origin, errno, err, err_size);
	else
		(void)publish_policy_schedules(policy, c, now);
	return policy;
}

struct publish_rule {
	struct publish_rules rules; /* one */
};

struct publish_rule *
publish_rule_resolve(const struct config *c, uint32_t index)
{
	const struct config_policy *p = config_section_data(c, "security_policy");
	const struct config_rule *all = p->rules.items;
	struct publish_rule *r = calloc(1, sizeof(*r));

	if (r == NULL || rules_fill(&r->rules, c, &all[index], sizeof(*all), 1))
		return r;
	publish_rule_free(r);
	return NULL;
}

const struct policy_rule *
publish_rule_of(const struct publish_rule *r)
{
	return &r->rules.rules[0];
}

void
publish_rule_free(struct publish_rule *r)
{
	if (r == NULL)
		return;
	rules_free(&r->rules);
	free(r);
}

static void
explain_shadow(const struct config_rule *rules, uint32_t rule, uint16_t by, char *line, size_t size)
{
	if (by == rule + 1)
		config_reason(&rules[rule].origin, "name", line, size,
			"never matches: its source and destination are of different families");
	else
		config_reason(&rules[rule].origin, "name", line, size,
			"never matches: rule %s in line %d takes all of its packets (%s)",
			rules[by - 1].name, rules[by - 1].origin.line,
			config_policy_actions[rules[by - 1].action]);
}

void
publish_policy_warn(const struct policy *policy, const struct config *c, uint32_t max,
	void (*say)(void *ctx, const char *line), void *ctx)
{
	const struct config_policy *p = config_section_data(c, "security_policy");
	uint32_t found = 0;
	char line[512];

	for (uint32_t i = 0; i < p->rules.count; i++) {
		const uint16_t by = policy_rule_shadow(policy, (uint16_t)(i + 1));

		if (by == 0 || found++ >= max)
			continue;
		explain_shadow(p->rules.items, i, by, line, sizeof(line));
		say(ctx, line);
	}
	if (found > max) {
		snprintf(line, sizeof(line),
			"security_policy: %u more rules never match: display security-policy",
			found - max);
		say(ctx, line);
	}
}

bool
publish_policy_schedules(struct policy *policy, const struct config *c, time_t now)
{
	const struct config_policy *p = config_section_data(c, "security_policy");
	const struct config_rule *rules = p->rules.items;
	const struct config_schedule *s = NULL;
	bool changed = false, active = true;
	struct tm local;

	localtime_r(&now, &local);
	for (uint32_t i = 0; i < p->rules.count; i++) {
		if (rules[i].schedule[0] == '\0')
			continue;
		if (s == NULL || strcmp(s->name, rules[i].schedule) != 0) {
			s = config_schedule_find(c, rules[i].schedule);
			active = s == NULL || config_schedule_active(s, now, &local);
		}
		changed |= policy_set_active(policy, (uint16_t)(i + 1), active);
	}
	return changed;
}
