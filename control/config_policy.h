/*
 * What the sections of security policy compile to: rules, and the objects they refer to by name.
 */
#pragma once

#include "config.h"
#include "policy.h"

#include <time.h>

#define CONFIG_OBJECT_NAME 64 /* size of the name of an object */

/* What no rule matches is shown under this name, so no rule has it. */
#define CONFIG_DEFAULT_RULE "default"

/* An object that may contain others of its kind, by name. */
struct config_set {
	struct config_origin origin;
	char name[CONFIG_OBJECT_NAME];
	char description[128];
	struct config_list sets; /* char[CONFIG_OBJECT_NAME] */
};

struct config_address_set {
	struct config_set set;
	struct config_list addresses; /* struct config_span */
};

struct config_service {
	struct config_origin origin;
	int protocol;		 /* index in the names; checks turn it into protocol_number */
	int64_t protocol_number; /* 0 = any */
	struct config_range source_port, destination_port;
	int64_t icmp_type, icmp_code; /* checks turn them into destination_port */
};

struct config_service_set {
	struct config_set set;
	struct config_list services; /* struct config_service */
};

/* Every week from a time of day to another, which may be on the next day. */
struct config_period {
	struct config_origin origin;
	struct config_list days;	 /* char[4]; checks turn them into day_set */
	char from[8], to[8];		 /* "08:00" */
	uint8_t day_set;		 /* bit 0 = Sunday, as tm_wday */
	uint16_t from_minute, to_minute; /* of the day on which it begins; to up to 2 x 1440 */
};

struct config_dates {
	struct config_origin origin;
	char from[24], to[24]; /* "2026-12-24 18:00" */
	time_t begin, end;     /* local time zone of the box */
};

struct config_schedule {
	struct config_origin origin;
	char name[CONFIG_OBJECT_NAME];
	char description[128];
	struct config_list periods; /* struct config_period */
	struct config_list dates;   /* struct config_dates */
};

struct config_rule {
	struct config_origin origin;
	char name[64];
	char description[128];
	bool enable, log, alg;
	struct config_list source_zones, destination_zones;		/* char[32] */
	struct config_list source_addresses, destination_addresses;	/* struct config_span */
	struct config_list source_sets, destination_sets, service_sets; /* char[64] */
	struct config_list services;					/* struct config_service */
	char schedule[CONFIG_OBJECT_NAME];				/* "" = always */
	int action;							/* enum policy_action */
};

/* Rows of what a rule is called and matches, for every table of items that begin with a struct
 * config_rule. */
// clang-format off
#define CONFIG_RULE_MATCH                                                                          \
	{ .name = "name", .type = SETTING_NAME, SETTING_AT(struct config_rule, name),              \
	  .required = true, .live = true, .min = 1, .max = 63,                                     \
	  .help = "Name of the rule, in hit counts and sessions." },                               \
	{ .name = "description", .type = SETTING_STRING,                                           \
	  SETTING_AT(struct config_rule, description), .live = true, .max = 127,                   \
	  .help = "What it is for." },                                                             \
	{ .name = "enable", .type = SETTING_BOOL, SETTING_AT(struct config_rule, enable),          \
	  .live = true, .fallback = "true", .help = "Whether it counts at all." },                 \
	{ .name = "source_zones", .type = SETTING_STRINGS,                                         \
	  .offset = offsetof(struct config_rule, source_zones), .size = CONFIG_ZONE_NAME,          \
	  .live = true, .min = 1, .max = CONFIG_ZONE_NAME - 1, .max_items = MAX_ZONES,             \
	  .help = "Zones packets come from; empty = any." },                                       \
	{ .name = "destination_zones", .type = SETTING_STRINGS,                                    \
	  .offset = offsetof(struct config_rule, destination_zones), .size = CONFIG_ZONE_NAME,     \
	  .live = true, .min = 1, .max = CONFIG_ZONE_NAME - 1, .max_items = MAX_ZONES,             \
	  .help = "Zones packets go to; empty = any." },                                           \
	{ .name = "source_addresses", .type = SETTING_SPANS,                                       \
	  .offset = offsetof(struct config_rule, source_addresses), .live = true,                  \
	  .max_items = 4096,                                                                       \
	  .help = "Source addresses; with `source_sets` empty as well = any." },                   \
	{ .name = "source_sets", .type = SETTING_STRINGS,                                          \
	  .offset = offsetof(struct config_rule, source_sets), .size = CONFIG_OBJECT_NAME,         \
	  .live = true, .min = 1, .max = CONFIG_OBJECT_NAME - 1, .max_items = 256,                 \
	  .help = "Address sets that belong to the source addresses." },                           \
	{ .name = "destination_addresses", .type = SETTING_SPANS,                                  \
	  .offset = offsetof(struct config_rule, destination_addresses), .live = true,             \
	  .max_items = 4096,                                                                       \
	  .help = "Destination addresses; with `destination_sets` empty as well = any." },         \
	{ .name = "destination_sets", .type = SETTING_STRINGS,                                     \
	  .offset = offsetof(struct config_rule, destination_sets), .size = CONFIG_OBJECT_NAME,    \
	  .live = true, .min = 1, .max = CONFIG_OBJECT_NAME - 1, .max_items = 256,                 \
	  .help = "Address sets that belong to the destination addresses." },                      \
	{ .name = "services", .type = SETTING_LIST,                                                \
	  .offset = offsetof(struct config_rule, services), .size = sizeof(struct config_service), \
	  .live = true, .max_items = 1024, .settings = config_service_settings,                    \
	  .help = "Protocols and ports; with `service_sets` empty as well = any." },               \
	{ .name = "service_sets", .type = SETTING_STRINGS,                                         \
	  .offset = offsetof(struct config_rule, service_sets), .size = CONFIG_OBJECT_NAME,        \
	  .live = true, .min = 1, .max = CONFIG_OBJECT_NAME - 1, .max_items = 256,                 \
	  .help = "Service sets, own or predefined, that belong to the services." }
// clang-format on

/* What becomes of sessions when the policy changes. */
enum policy_on_change { POLICY_RE_EVALUATE, POLICY_KEEP };

struct config_policy {
	struct config_origin origin;
	int default_action;
	int on_change; /* enum policy_on_change */
	struct config_list rules;
};

/* Words of enum policy_action, NULL-terminated. */
extern const char *const config_policy_actions[];

/* Rows of a service, shared by rules and service sets; and its check. => 0 or -EINVAL */
extern const struct config_setting_desc config_service_settings[];
int config_service_check(struct config *, struct config_service *);

/* config_rules_check: names unique, zones and objects known; of a list of items that begin with a
 * struct config_rule. => 0 or -EINVAL */
int config_rules_check(struct config *, const struct config_list *, size_t item_size);

/* config_set_find: => index in a section's list whose items begin with struct config_set, -1. */
int config_set_find(const struct config_list *, size_t item_size, const char *name);
/* config_set_check: names unique, contained sets known (or `builtin`), no set within itself.
 * => 0 or -EINVAL */
int config_set_check(struct config *, const struct config_list *, size_t item_size,
	bool (*builtin)(const char *name));

/* config_builtin_service: the services of a well-known name, NULL. */
const struct policy_service *config_builtin_service(const char *name, uint32_t *count);
/* => name of the n-th, NULL behind the last */
const char *config_builtin_service_name(unsigned int n);

/* config_schedule_active: does it hold at `now`, of which `local` is the local time? */
bool config_schedule_active(const struct config_schedule *, time_t now, const struct tm *local);
/* => NULL when there is none */
const struct config_schedule *config_schedule_find(const struct config *, const char *name);
