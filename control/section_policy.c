/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Section `security_policy`: rules, the first that matches decides.
 */
#include "config.h"
#include "policy.h"
#include "snapshot.h"

#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define NAMES_SIZE    32
#define PROTOCOL_OSPF 89
#define PROTOCOL_VRRP 112

const char *const config_policy_actions[] = {
	[POLICY_DENY] = "deny", [POLICY_PERMIT] = "permit", [POLICY_REJECT] = "reject", NULL
};

static const char *const protocol_words[] = { "any", "tcp", "udp", "icmp", "gre", "esp", "ah",
	"sctp", "ospf", "vrrp", NULL };

static const uint8_t protocol_numbers[] = { 0, IPPROTO_TCP, IPPROTO_UDP, IPPROTO_ICMP, IPPROTO_GRE,
	IPPROTO_ESP, IPPROTO_AH, IPPROTO_SCTP, PROTOCOL_OSPF, PROTOCOL_VRRP };
static_assert(RTE_DIM(protocol_words) == RTE_DIM(protocol_numbers) + 1, "a number for each word");

// clang-format off
static const struct config_setting_desc service_settings[] = {
	{ .name = "protocol", .type = SETTING_ENUM, SETTING_AT(struct config_service, protocol),
	  .live = true, .choices = protocol_words, .fallback = "any", .help = "IP protocol by name." },
	{ .name = "protocol_number", .type = SETTING_INT,
	  SETTING_AT(struct config_service, protocol_number),
	  .live = true, .min = 1, .max = 255, .fallback = "0",
	  .help = "IP protocol by number, instead of `protocol`; 0, the default, means not used." },
	{ .name = "source_port", .type = SETTING_RANGE, SETTING_AT(struct config_service, source_port),
	  .live = true, .fallback = "0-65535", .help = "Source ports, for TCP, UDP and SCTP." },
	{ .name = "destination_port", .type = SETTING_RANGE,
	  SETTING_AT(struct config_service, destination_port),
	  .live = true, .fallback = "0-65535", .help = "Destination ports, for TCP, UDP and SCTP." },
	{ .name = NULL },
};

static const struct config_setting_desc rule_settings[] = {
	{ .name = "name", .type = SETTING_NAME, SETTING_AT(struct config_rule, name),
	  .required = true, .live = true, .min = 1, .max = 63,
	  .help = "Name of the rule, in hit counts and sessions." },
	{ .name = "source_zones", .type = SETTING_STRINGS,
	  .offset = offsetof(struct config_rule, source_zones), .size = NAMES_SIZE,
	  .live = true, .min = 1, .max = NAMES_SIZE - 1, .max_items = MAX_ZONES,
	  .help = "Zones packets come from; empty = any." },
	{ .name = "destination_zones", .type = SETTING_STRINGS,
	  .offset = offsetof(struct config_rule, destination_zones), .size = NAMES_SIZE,
	  .live = true, .min = 1, .max = NAMES_SIZE - 1, .max_items = MAX_ZONES,
	  .help = "Zones packets go to; empty = any." },
	{ .name = "source_addresses", .type = SETTING_SPANS,
	  .offset = offsetof(struct config_rule, source_addresses), .live = true,
	  .max_items = 4096, .help = "Source addresses; empty = any." },
	{ .name = "destination_addresses", .type = SETTING_SPANS,
	  .offset = offsetof(struct config_rule, destination_addresses), .live = true,
	  .max_items = 4096, .help = "Destination addresses; empty = any." },
	{ .name = "services", .type = SETTING_LIST, .offset = offsetof(struct config_rule, services),
	  .size = sizeof(struct config_service), .live = true, .max_items = 1024,
	  .settings = service_settings, .help = "Protocols and ports; empty = any." },
	{ .name = "action", .type = SETTING_ENUM, SETTING_AT(struct config_rule, action),
	  .required = true, .live = true, .choices = config_policy_actions,
	  .help = "What happens to a connection that matches." },
	{ .name = NULL },
};

static const struct config_setting_desc settings[] = {
	{ .name = "default", .type = SETTING_ENUM, SETTING_AT(struct config_policy, default_action),
	  .live = true, .choices = config_policy_actions, .fallback = "deny",
	  .help = "What happens to a connection that no rule matches." },
	{ .name = "rules", .type = SETTING_LIST, .offset = offsetof(struct config_policy, rules),
	  .size = sizeof(struct config_rule), .live = true, .max_items = MAX_RULES - 1,
	  .settings = rule_settings, .help = "The rules, in the order they are tried." },
	{ .name = NULL },
};
// clang-format on

static int
check_zones(struct config *c, const struct config_rule *r, const struct config_list *list,
	const char *setting)
{
	const char(*names)[NAMES_SIZE] = list->items;
	char element[48];

	for (uint32_t i = 0; i < list->count; i++) {
		if (config_zone_id(c, names[i]) != ZONE_NONE)
			continue;
		snprintf(element, sizeof(element), "%s[%u]", setting, i);
		return config_fail(c, &r->origin, element,
			"unknown zone \"%s\", expected local, trust, dmz, untrust or one of the "
			"section "
			"zones",
			names[i]);
	}
	return 0;
}

static int
check_service(struct config *c, struct config_service *s)
{
	static const char *const ports[] = { "source_port", "destination_port" };
	bool has_ports;

	if (config_is_set(&s->origin, "protocol_number")) {
		if (config_is_set(&s->origin, "protocol"))
			return config_fail(c, &s->origin, "protocol_number",
				"stands beside protocol, expected only one of the two");
	} else {
		s->protocol_number = protocol_numbers[s->protocol];
	}
	has_ports = s->protocol_number == IPPROTO_TCP || s->protocol_number == IPPROTO_UDP ||
		    s->protocol_number == IPPROTO_SCTP;
	for (unsigned int i = 0; i < RTE_DIM(ports); i++) {
		if (!has_ports && config_is_set(&s->origin, ports[i]))
			return config_fail(c, &s->origin, ports[i],
				"is given for a protocol without ports, expected protocol tcp, "
				"udp or sctp with it");
	}
	return 0;
}

/* What the compiled policy has to hold: a rule, and each of its services with source ports. */
static uint32_t
entries_of(const struct config_rule *r)
{
	const struct config_service *s = r->services.items;
	uint32_t n = 1;

	for (uint32_t i = 0; i < r->services.count; i++)
		n += s[i].source_port.min != 0 || s[i].source_port.max != UINT16_MAX;
	return n;
}

static int
check_rule(struct config *c, const struct config_rule *r, uint64_t *entries)
{
	struct config_service *services = r->services.items;
	int rc;

	rc = check_zones(c, r, &r->source_zones, "source_zones");
	if (rc == 0)
		rc = check_zones(c, r, &r->destination_zones, "destination_zones");
	for (uint32_t i = 0; rc == 0 && i < r->services.count; i++)
		rc = check_service(c, &services[i]);
	*entries += entries_of(r);
	if (rc == 0 && *entries > POLICY_ENTRIES_MAX)
		return config_fail(c, &r->origin, NULL,
			"the rules up to here and their services with source ports are %llu, "
			"expected at most %u",
			(unsigned long long)*entries, POLICY_ENTRIES_MAX);
	return rc;
}

struct rule_id {
	uint32_t id, index;
};

static int
id_order(const void *pa, const void *pb)
{
	const struct rule_id *a = pa, *b = pb;

	if (a->id != b->id)
		return a->id < b->id ? -1 : 1;
	return a->index < b->index ? -1 : a->index > b->index;
}

/* Sessions and the peer know a rule by a hash of its name. */
static int
check_ids(struct config *c, const struct config_list *list)
{
	const struct config_rule *rules = list->items;
	struct rule_id *ids = calloc((size_t)list->count + 1, sizeof(*ids));
	int rc = 0;

	if (ids == NULL)
		return config_fail(
			c, &rules->origin, NULL, "out of memory, expected enough for it");
	for (uint32_t i = 0; i < list->count; i++)
		ids[i] = (struct rule_id){ policy_rule_id(rules[i].name), i };
	qsort(ids, list->count, sizeof(*ids), id_order);
	for (uint32_t i = 1; rc == 0 && i < list->count; i++) {
		if (ids[i].id == ids[i - 1].id)
			rc = config_fail(c, &rules[ids[i].index].origin, "name",
				"has by chance the same id as rule %s, expected another name",
				rules[ids[i - 1].index].name);
	}
	free(ids);
	return rc;
}

static int
check(struct config *c)
{
	const struct config_policy *p = config_section_data(c, "security_policy");
	const struct config_rule *rules = p->rules.items;
	uint64_t entries = 0;
	int rc;

	rc = config_unique(
		c, &p->rules, sizeof(*rules), offsetof(struct config_rule, name), "name");
	if (rc == 0)
		rc = check_ids(c, &p->rules);
	for (uint32_t i = 0; rc == 0 && i < p->rules.count; i++)
		rc = check_rule(c, &rules[i], &entries);
	return rc;
}

const struct config_section config_section_policy = {
	.name = "security_policy",
	.replicated = true,
	.size = sizeof(struct config_policy),
	.settings = settings,
	.check = check,
	.help = "Which connections may be made: the first rule that matches decides, then the "
		"default.",
};
