/*
 * Addresses and prefixes as operators write them.
 */
#pragma once

#include "config.h"

/* Each: => true and *out filled, or false for any other text. */
bool config_address_parse(const char *text, rte_be32_t *out);
/* "address/length"; without "/length" *has_len is false and the length 0. */
bool config_address_parse_prefix(const char *text, struct config_prefix *out, bool *has_len);
bool config_address_parse_range(const char *text, struct config_range *out); /* "80", "1-1024" */

bool config_address_in(const struct config_prefix *, rte_be32_t);
/* Network or broadcast address of the prefix: no host has it (prefixes up to /30). */
bool config_address_is_edge(const struct config_prefix *, rte_be32_t);
bool config_address_overlap(const struct config_prefix *, const struct config_prefix *);
rte_be32_t config_address_mask(uint8_t len);

/* ---- either family ---- */

bool config_address_parse_ip(const char *text, struct ip_addr *out);
/* "address/length" only. */
bool config_address_parse_net(const char *text, struct config_net *out);
/* May a host have it? IPv6: not unspecified, loopback, IPv4-mapped, multicast. */
bool config_address_ip_is_host(const struct ip_addr *);
bool config_address_net_in(const struct config_net *, const struct ip_addr *);
bool config_address_net_overlap(const struct config_net *, const struct config_net *);
/* No host has it: IPv4 network or broadcast address (up to /30), IPv6 subnet-router anycast (up to
 * /126, RFC 4291 2.6.1). */
bool config_address_net_is_edge(const struct config_net *, const struct ip_addr *);
/* Without its host bits. */
struct config_net config_address_network(const struct config_net *);

#define CONFIG_IP_TEXT 52 /* the longest IPv6 address and "/128" */
/* => buf */
const char *config_address_ip_text(const struct ip_addr *, char buf[CONFIG_IP_TEXT]);
const char *config_address_net_text(const struct config_net *, char buf[CONFIG_IP_TEXT]);

/* ---- IPv4 text ---- */

#define CONFIG_ADDRESS_TEXT 20 /* "255.255.255.255/32" */
/* => buf */
const char *config_address_text(rte_be32_t, char buf[CONFIG_ADDRESS_TEXT]);
const char *config_address_prefix_text(const struct config_prefix *, char buf[CONFIG_ADDRESS_TEXT]);
