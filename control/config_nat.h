/*
 * What the sections of address translation compile to, and what they have in common: public
 * addresses.
 */
#pragma once

#include "config_policy.h"
#include "nat.h"

#define CONFIG_NAT_GROUPS     128 /* the engine's, less those of interfaces and retired ones */
#define CONFIG_NAT_GROUP_NAME 64

enum config_nat_mapping { CONFIG_NAT_INDEPENDENT, CONFIG_NAT_DEPENDENT };

struct config_nat_group {
	struct config_origin origin;
	char name[CONFIG_NAT_GROUP_NAME];
	int mode;		      /* enum nat_pool_mode */
	struct config_list addresses; /* struct config_span */
	int64_t vrid;		      /* 0 = none, as in the others */
	int64_t block;
	bool paired;
	int mapping, filtering; /* enum config_nat_mapping */
};

enum config_nat_action { CONFIG_NAT_KEEP, CONFIG_NAT_SOURCE };

struct config_nat_rule {
	struct config_rule match;
	int action; /* enum config_nat_action */
	char group[CONFIG_NAT_GROUP_NAME];
	bool easy_ip, alg;
};

struct config_nat_policy {
	struct config_origin origin;
	struct config_list rules; /* struct config_nat_rule */
};

enum config_nat_protocol { CONFIG_NAT_ANY, CONFIG_NAT_TCP, CONFIG_NAT_UDP };

struct config_nat_server {
	struct config_origin origin;
	char name[CONFIG_NAT_GROUP_NAME];
	struct config_list zones; /* char[CONFIG_ZONE_NAME] */
	int protocol;		  /* enum config_nat_protocol */
	rte_be32_t public_address;
	struct config_range public_port;
	struct config_list inside_addresses; /* struct config_span, 1-NAT_SERVER_INSIDE hosts */
	int64_t inside_port;		     /* 0 = as the public one */
	int64_t vrid;
};

struct config_nat_static {
	struct config_origin origin;
	char name[CONFIG_NAT_GROUP_NAME];
	struct config_prefix public, inside;
	int64_t vrid;
};

struct config_nat64 {
	struct config_origin origin;
	char name[CONFIG_NAT_GROUP_NAME];
	struct config_net prefix;
	char group[CONFIG_NAT_GROUP_NAME];
	struct config_list zones; /* char[CONFIG_ZONE_NAME] */
};

/* Words of the settings, NULL-terminated; the last by enum config_nat_protocol. */
extern const char *const config_nat_modes[],
	*const config_nat_mappings[], *const config_nat_actions[], *const config_nat_protocols[];

/* config_nat_used: does any of the sections have an item?  config_nat_wanted: ... or does
 * system.nat want room for one? */
bool config_nat_used(const struct config *);
bool config_nat_wanted(const struct config *);

/* config_nat_easy_ip: does a rule that is enabled translate to the interfaces' addresses? */
bool config_nat_easy_ip(const struct config *);

/* => NULL when there is none */
const struct config_nat_group *config_nat_group_find(const struct config *, const char *name);

/* config_nat_check_zones: setting `zones` of an item: zones that packets come from.  => 0, -EINVAL
 * config_nat_zones: bit per zone id. */
int config_nat_check_zones(
	struct config *, const struct config_origin *, const struct config_list *zones);
uint64_t config_nat_zones(const struct config *, const struct config_list *zones);

/* config_nat_span: an IPv4 span in host byte order. => false: it is IPv6. */
bool config_nat_span(const struct config_span *, uint32_t *from, uint32_t *to);

/* Addresses that are public: where they are from, and who has them. */
enum config_nat_owner {
	CONFIG_NAT_OF_PAT, /* a group's */
	CONFIG_NAT_OF_NO_PAT,
	CONFIG_NAT_OF_STATIC,
	CONFIG_NAT_OF_SERVER
};

struct config_nat_public {
	const struct config_origin *origin;
	char setting[24];
	uint32_t from, to; /* host byte order, both included */
	enum config_nat_owner owner;
	uint8_t vrid; /* 0 = none */
	bool ports;   /* not the whole address: some ports */
};

/* config_nat_publics: all of them, in order of their first address; for free().
 * => NULL: out of memory */
struct config_nat_public *config_nat_publics(const struct config *, uint32_t *count);

/* config_nat_check_publics: nobody else has them. => 0 or -EINVAL */
int config_nat_check_publics(struct config *);
