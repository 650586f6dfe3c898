/* SPDX-License-Identifier: BSD-3-Clause */
#include "alg.h"

#include "alg_list.h"
#include "check.h"

#include <netinet/in.h>
#include <stdio.h>
#include <string.h>

#define WELL_KNOWN 1024

const struct alg *
alg_of(enum alg_id id)
{
	for (const struct alg *const *a = algs; *a != NULL; a++) {
		if ((*a)->id == id)
			return *a;
	}
	return NULL;
}

enum alg_id
alg_by_service(uint8_t proto, rte_be16_t dport)
{
	const uint16_t port = rte_be_to_cpu_16(dport);

	for (const struct alg *const *a = algs; *a != NULL; a++) {
		if ((*a)->port == port && ((*a)->proto[0] == proto || (*a)->proto[1] == proto))
			return proto == 0 ? ALG_NONE : (*a)->id;
	}
	return ALG_NONE;
}

enum alg_id
alg_by_name(const char *name)
{
	for (const struct alg *const *a = algs; *a != NULL; a++) {
		if (strcmp((*a)->name, name) == 0)
			return (*a)->id;
	}
	return ALG_NONE;
}

bool
alg_permits(const struct alg_finding *f, const struct ip_addr *speaker)
{
	const uint32_t port = rte_be_to_cpu_16(f->port);

	if (f->what != ALG_EXPECT || f->hearer)
		return false;
	if (f->addr.family != 0 && !ip_addr_equal(&f->addr, speaker))
		return false;
	if (f->proto == IPPROTO_GRE || port == 0)
		return true;
	return port >= WELL_KNOWN && port + f->count - 1 <= UINT16_MAX;
}

/* The text of finding `i`, new or as it was. => its length, 0: cannot be said */
static uint32_t
piece(const struct alg *alg, const struct alg_finding *f, const struct alg_endpoint *to,
	int32_t growth, char buf[ALG_PRINT_MAX])
{
	int n;

	if (f->what != ALG_LENGTH)
		return alg->print(f, to, buf, ALG_PRINT_MAX);
	n = snprintf(buf, ALG_PRINT_MAX, "%d", (int)f->number + growth);
	FW_ASSERT(n > 0 && n < ALG_PRINT_MAX);
	return (uint32_t)n;
}

static bool
stays(const struct alg_finding *f, const struct alg_endpoint *to)
{
	return f->len == 0 || (f->what != ALG_LENGTH && !to->given);
}

uint32_t
alg_rewrite(const struct alg *alg, const char *text, uint32_t len, const struct alg_findings *found,
	const struct alg_endpoint *to, char *out, uint32_t size)
{
	char buf[ALG_PRINT_MAX];
	uint32_t body = len, from = 0, n = 0;
	int32_t growth = 0; /* of the body */

	for (uint32_t i = 0; i < found->count; i++) {
		if (found->list[i].what == ALG_LENGTH)
			body = len - found->list[i].number;
	}
	for (uint32_t i = 0; i < found->count; i++) {
		const struct alg_finding *f = &found->list[i];

		if (f->at < body || stays(f, &to[i]))
			continue;
		growth += (int32_t)piece(alg, f, &to[i], 0, buf) - (int32_t)f->len;
	}
	for (uint32_t i = 0; i < found->count; i++) {
		const struct alg_finding *f = &found->list[i];
		uint32_t printed;

		if (stays(f, &to[i]))
			continue;
		FW_ASSERT(f->at >= from && f->at + f->len <= len);
		printed = piece(alg, f, &to[i], growth, buf);
		if (printed == 0 || n + (f->at - from) + printed > size)
			return 0;
		memcpy(out + n, text + from, f->at - from);
		n += f->at - from;
		memcpy(out + n, buf, printed);
		n += printed;
		from = f->at + f->len;
	}
	if (n + (len - from) > size)
		return 0;
	memcpy(out + n, text + from, len - from);
	return n + (len - from);
}
