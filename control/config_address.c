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

bool
config_address_is_host(rte_be32_t address)
{
	const uint8_t first = (uint8_t)(rte_be_to_cpu_32(address) >> 24);

	return first != 0 && first != 127 && first < 224;
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
