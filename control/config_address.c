/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Strict parsing: what inet_pton takes, decimal lengths and ports without signs or blanks.
 */
#include "config_address.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>

/* Decimal digits only, at most `max`. => end of the number, NULL when there is none. */
static const char *
parse_number(const char *text, uint32_t max, uint32_t *out)
{
	uint32_t n = 0;

	if (*text < '0' || *text > '9')
		return NULL;
	for (; *text >= '0' && *text <= '9'; text++) {
		n = n * 10 + (uint32_t)(*text - '0');
		if (n > max)
			return NULL;
	}
	*out = n;
	return text;
}

bool
config_address_parse(const char *text, rte_be32_t *out)
{
	struct in_addr a;

	if (inet_pton(AF_INET, text, &a) != 1)
		return false;
	*out = a.s_addr;
	return true;
}

bool
config_address_parse_prefix(const char *text, struct config_prefix *out, bool *has_len)
{
	const char *slash = strchr(text, '/');
	char address[16];
	uint32_t len = 0;

	if (slash == NULL) {
		*has_len = false;
		out->len = 0;
		return config_address_parse(text, &out->address);
	}
	if ((size_t)(slash - text) >= sizeof(address))
		return false;
	memcpy(address, text, (size_t)(slash - text));
	address[slash - text] = '\0';
	text = parse_number(slash + 1, 32, &len);
	if (text == NULL || *text != '\0')
		return false;
	*has_len = true;
	out->len = (uint8_t)len;
	return config_address_parse(address, &out->address);
}

bool
config_address_parse_range(const char *text, struct config_range *out)
{
	uint32_t min, max;

	text = parse_number(text, UINT16_MAX, &min);
	if (text == NULL)
		return false;
	max = min;
	if (*text == '-')
		text = parse_number(text + 1, UINT16_MAX, &max);
	if (text == NULL || *text != '\0' || min > max)
		return false;
	*out = (struct config_range){ .min = (uint16_t)min, .max = (uint16_t)max };
	return true;
}

rte_be32_t
config_address_mask(uint8_t len)
{
	return len == 0 ? 0 : rte_cpu_to_be_32(UINT32_MAX << (32 - len));
}

bool
config_address_in(const struct config_prefix *p, rte_be32_t address)
{
	return ((p->address ^ address) & config_address_mask(p->len)) == 0;
}

bool
config_address_is_edge(const struct config_prefix *p, rte_be32_t address)
{
	const rte_be32_t host = (rte_be32_t)~config_address_mask(p->len);

	return p->len <= 30 && ((address & host) == 0 || (address & host) == host);
}

bool
config_address_overlap(const struct config_prefix *a, const struct config_prefix *b)
{
	return a->len < b->len ? config_address_in(a, b->address)
			       : config_address_in(b, a->address);
}

const char *
config_address_text(rte_be32_t address, char buf[CONFIG_ADDRESS_TEXT])
{
	return inet_ntop(AF_INET, &address, buf, CONFIG_ADDRESS_TEXT);
}

const char *
config_address_prefix_text(const struct config_prefix *p, char buf[CONFIG_ADDRESS_TEXT])
{
	const size_t n = strlen(config_address_text(p->address, buf));

	snprintf(buf + n, CONFIG_ADDRESS_TEXT - n, "/%u", p->len);
	return buf;
}

/* ---- either family ---- */

bool
config_address_parse_ip(const char *text, struct ip_addr *out)
{
	memset(out, 0, sizeof(*out));
	if (inet_pton(AF_INET, text, &out->v4) == 1)
		out->family = 4;
	else if (inet_pton(AF_INET6, text, out->v6) == 1)
		out->family = 6;
	return out->family != 0;
}

bool
config_address_parse_net(const char *text, struct config_net *out)
{
	const char *slash = strchr(text, '/');
	char address[INET6_ADDRSTRLEN];
	uint32_t len;

	if (slash == NULL || (size_t)(slash - text) >= sizeof(address))
		return false;
	memcpy(address, text, (size_t)(slash - text));
	address[slash - text] = '\0';
	memset(out, 0, sizeof(*out));
	if (!config_address_parse_ip(address, &out->address))
		return false;
	text = parse_number(slash + 1, out->address.family == 6 ? IP6_BITS : 32, &len);
	if (text == NULL || *text != '\0')
		return false;
	out->len = (uint8_t)len;
	return true;
}

bool
config_address_ip_is_host(const struct ip_addr *a)
{
	return a->family == 6 ? ip6_is_host(a->v6) : ip4_is_host(a->v4);
}

static struct config_prefix
as_prefix(const struct config_net *n)
{
	return (struct config_prefix){ .address = n->address.v4, .len = n->len };
}

bool
config_address_net_in(const struct config_net *n, const struct ip_addr *a)
{
	const struct config_prefix p = as_prefix(n);

	if (n->address.family != a->family)
		return false;
	return a->family == 6 ? ip6_in_prefix(a->v6, n->address.v6, n->len)
			      : config_address_in(&p, a->v4);
}

bool
config_address_net_overlap(const struct config_net *a, const struct config_net *b)
{
	return a->len < b->len ? config_address_net_in(a, &b->address)
			       : config_address_net_in(b, &a->address);
}

struct config_net
config_address_network(const struct config_net *n)
{
	struct config_net out = *n;

	if (n->address.family == 6)
		ip6_mask(out.address.v6, n->len);
	else
		out.address.v4 &= config_address_mask(n->len);
	return out;
}

bool
config_address_net_is_edge(const struct config_net *n, const struct ip_addr *a)
{
	const struct config_net network = config_address_network(n);
	const struct config_prefix p = as_prefix(n);

	if (a->family != 6)
		return config_address_is_edge(&p, a->v4);
	return n->len <= 126 && ip6_equal(network.address.v6, a->v6);
}

const char *
config_address_ip_text(const struct ip_addr *a, char buf[CONFIG_IP_TEXT])
{
	const void *bytes = a->family == 6 ? (const void *)a->v6 : &a->v4;

	return inet_ntop(a->family == 6 ? AF_INET6 : AF_INET, bytes, buf, CONFIG_IP_TEXT);
}

const char *
config_address_net_text(const struct config_net *n, char buf[CONFIG_IP_TEXT])
{
	const size_t used = strlen(config_address_ip_text(&n->address, buf));

	snprintf(buf + used, CONFIG_IP_TEXT - used, "/%u", n->len);
	return buf;
}
