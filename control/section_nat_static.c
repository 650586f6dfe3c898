/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Section `nat_static`: one to one mappings of addresses, both ways.
 */
#include "config_address.h"
#include "config_nat.h"

#include <stdlib.h>

// clang-format off
static const struct config_setting_desc settings[] = {
	{ .name = "name", .type = SETTING_NAME, SETTING_AT(struct config_nat_static, name),
	  .required = true, .live = true, .min = 1, .max = CONFIG_NAT_GROUP_NAME - 1,
	  .help = "Name of the mapping." },
	{ .name = "public", .type = SETTING_PREFIX, SETTING_AT(struct config_nat_static, public),
	  .required = true, .live = true, .min = 8, .max = 32,
	  .help = "Address (length 32) or network that others see." },
	{ .name = "inside", .type = SETTING_PREFIX, SETTING_AT(struct config_nat_static, inside),
	  .required = true, .live = true, .min = 8, .max = 32,
	  .help = "What it is inside; of the same length, host bits stay." },
	{ .name = "vrid", .type = SETTING_INT, SETTING_AT(struct config_nat_static, vrid),
	  .live = true, .max = 255, .fallback = "0", .help = "As in `nat_address_groups`." },
	{ .name = NULL },
};
// clang-format on

static int
check_one(struct config *c, const struct config_nat_static *s)
{
	static const char *const names[] = { "public", "inside" };
	const struct config_prefix *prefixes[] = { &s->public, &s->inside };

	for (unsigned int i = 0; i < RTE_DIM(names); i++) {
		if (!ip4_is_host(prefixes[i]->address))
			return config_fail(c, &s->origin, names[i],
				"is no network of hosts, expected another");
	}
	if (s->public.len != s->inside.len)
		return config_fail(c, &s->origin, "inside",
			"has another length than the public network, expected /%u", s->public.len);
	if (config_address_overlap(&s->public, &s->inside))
		return config_fail(c, &s->origin, "inside",
			"overlaps the public network, expected another one");
	return 0;
}

static int
inside_order(const void *pa, const void *pb)
{
	const struct config_nat_static *a = *(const struct config_nat_static *const *)pa;
	const struct config_nat_static *b = *(const struct config_nat_static *const *)pb;
	const uint32_t na = rte_be_to_cpu_32(a->inside.address);
	const uint32_t nb = rte_be_to_cpu_32(b->inside.address);

	if (na != nb)
		return na < nb ? -1 : 1;
	return a->inside.len != b->inside.len ? (int)a->inside.len - (int)b->inside.len
					      : (a < b ? -1 : 1);
}

/* Each inside address has one public one.  Networks nest or are apart, so of two that overlap
 * some neighbours do. */
static int
check_inside(struct config *c, const struct config_list *list)
{
	const struct config_nat_static *all = list->items;
	const struct config_nat_static **sorted = calloc((size_t)list->count + 1, sizeof(*sorted));
	int rc = 0;

	if (sorted == NULL)
		return config_fail(
			c, &all[0].origin, NULL, "out of memory, expected enough for it");
	for (uint32_t i = 0; i < list->count; i++)
		sorted[i] = &all[i];
	qsort(sorted, list->count, sizeof(*sorted), inside_order);
	for (uint32_t i = 1; rc == 0 && i < list->count; i++) {
		const struct config_nat_static *a = sorted[i - 1], *b = sorted[i];

		if (config_address_overlap(&a->inside, &b->inside))
			rc = config_fail(c, a > b ? &a->origin : &b->origin, "inside",
				"overlaps that of %s, expected a network of its own",
				a > b ? b->name : a->name);
	}
	free(sorted);
	return rc;
}

static int
check(struct config *c)
{
	const struct config_list *list = config_section_data(c, "nat_static");
	const struct config_nat_static *all = list->items;
	int rc;

	rc = config_unique(c, list, sizeof(*all), offsetof(struct config_nat_static, name), "name");
	for (uint32_t i = 0; rc == 0 && i < list->count; i++)
		rc = check_one(c, &all[i]);
	if (rc == 0 && list->count > 0)
		rc = check_inside(c, list);
	/* Those of the sections before this one are in order by now. */
	return rc == 0 ? config_nat_check_publics(c) : rc;
}

const struct config_section config_section_nat_static = {
	.name = "nat_static",
	.replicated = true,
	.list = true,
	.max_items = NAT_STATICS_MAX,
	.size = sizeof(struct config_nat_static),
	.settings = settings,
	.check = check,
	.help = "One to one mappings of IPv4 addresses or networks, both ways: connections may "
		"begin "
		"on either side, where the security policy permits it.",
};
