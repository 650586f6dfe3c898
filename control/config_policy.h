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
	bool enable, log;
	struct config_list source_zones, destination_zones;		/* char[32] */
	struct config_list source_addresses, destination_addresses;	/* struct config_span */
	struct config_list source_sets, destination_sets, service_sets; /* char[64] */
	struct config_list services;					/* struct config_service */
	char schedule[CONFIG_OBJECT_NAME];				/* "" = always */
	int action;							/* enum policy_action */
};

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
