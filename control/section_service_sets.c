/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Section `service_sets`: protocols and ports under one name, beside the predefined services.
 */
#include "config_policy.h"

#include <netinet/in.h>
#include <stddef.h>

#define PROTOCOL_OSPF 89
#define PROTOCOL_VRRP 112

static const char *const protocol_words[] = { "any", "tcp", "udp", "icmp", "icmpv6", "gre", "esp",
	"ah", "sctp", "ospf", "vrrp", NULL };

static const uint8_t protocol_numbers[] = { 0, IPPROTO_TCP, IPPROTO_UDP, IPPROTO_ICMP,
	IPPROTO_ICMPV6, IPPROTO_GRE, IPPROTO_ESP, IPPROTO_AH, IPPROTO_SCTP, PROTOCOL_OSPF,
	PROTOCOL_VRRP };
static_assert(sizeof(protocol_words) / sizeof(protocol_words[0]) == sizeof(protocol_numbers) + 1,
	"a number for each word");

// clang-format off
const struct config_setting_desc config_service_settings[] = {
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
	{ .name = "icmp_type", .type = SETTING_INT, SETTING_AT(struct config_service, icmp_type),
	  .live = true, .min = 0, .max = 255, .fallback = "0",
	  .help = "Type, for ICMP and ICMPv6; any when it is left out." },
	{ .name = "icmp_code", .type = SETTING_INT, SETTING_AT(struct config_service, icmp_code),
	  .live = true, .min = 0, .max = 255, .fallback = "0",
	  .help = "Code of that type; any when it is left out." },
	{ .name = NULL },
};

static const struct config_setting_desc settings[] = {
	{ .name = "name", .type = SETTING_NAME, SETTING_AT(struct config_service_set, set.name),
	  .required = true, .live = true, .min = 1, .max = CONFIG_OBJECT_NAME - 1,
	  .help = "Name that rules and other sets refer to." },
	{ .name = "description", .type = SETTING_STRING,
	  SETTING_AT(struct config_service_set, set.description), .live = true, .max = 127,
	  .help = "What it is for." },
	{ .name = "services", .type = SETTING_LIST,
	  .offset = offsetof(struct config_service_set, services),
	  .size = sizeof(struct config_service), .live = true, .max_items = 1024,
	  .settings = config_service_settings, .help = "Protocols and ports." },
	{ .name = "sets", .type = SETTING_STRINGS,
	  .offset = offsetof(struct config_service_set, set.sets), .size = CONFIG_OBJECT_NAME,
	  .live = true, .min = 1, .max = CONFIG_OBJECT_NAME - 1, .max_items = 1024,
	  .help = "Other sets of this section, or predefined services, that belong to it." },
	{ .name = NULL },
};
// clang-format on

/* Type and code become the destination port they are compared as (policy.h). */
static int
check_icmp(struct config *c, struct config_service *s)
{
	const bool icmp =
		s->protocol_number == IPPROTO_ICMP || s->protocol_number == IPPROTO_ICMPV6;
	const bool type = config_is_set(&s->origin, "icmp_type");
	const bool code = config_is_set(&s->origin, "icmp_code");

	if (!icmp && (type || code))
		return config_fail(c, &s->origin, type ? "icmp_type" : "icmp_code",
			"is given for another protocol, expected protocol icmp or icmpv6 with it");
	if (code && !type)
		return config_fail(
			c, &s->origin, "icmp_code", "stands without icmp_type, expected both");
	if (type) {
		s->destination_port.min = (uint16_t)(s->icmp_type << 8 | s->icmp_code);
		s->destination_port.max =
			(uint16_t)(s->icmp_type << 8 | (code ? s->icmp_code : 255));
	}
	return 0;
}

int
config_service_check(struct config *c, struct config_service *s)
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
				"is given for a protocol without ports, expected protocol tcp, udp "
				"or sctp with it");
	}
	return check_icmp(c, s);
}

static bool
builtin(const char *name)
{
	uint32_t count;

	return config_builtin_service(name, &count) != NULL;
}

static int
check(struct config *c)
{
	struct config_list *list = config_section_fill(c, "service_sets");
	struct config_service_set *sets = list->items;
	int rc = 0;

	for (uint32_t i = 0; rc == 0 && i < list->count; i++) {
		struct config_service *services = sets[i].services.items;

		if (sets[i].services.count == 0 && sets[i].set.sets.count == 0)
			return config_fail(c, &sets[i].set.origin, NULL,
				"is empty, expected at least one service or set");
		if (builtin(sets[i].set.name))
			return config_fail(c, &sets[i].set.origin, "name",
				"\"%s\" is predefined, expected a name of its own",
				sets[i].set.name);
		for (uint32_t j = 0; rc == 0 && j < sets[i].services.count; j++)
			rc = config_service_check(c, &services[j]);
	}
	return rc == 0 ? config_set_check(c, list, sizeof(*sets), builtin) : rc;
}

const struct config_section config_section_service_sets = {
	.name = "service_sets",
	.replicated = true,
	.list = true,
	.max_items = 4096,
	.size = sizeof(struct config_service_set),
	.settings = settings,
	.check = check,
	.help = "Protocols and ports under one name, for rules and for other sets, beside the "
		"predefined services (`display service-set`).",
};
