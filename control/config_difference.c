/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Comparing two compiled configurations through the sections' tables.  Management thread.
 */
#include "check.h"
#include "config_schema.h"

#include <stdio.h>
#include <string.h>

struct comparison {
	enum config_part what;
	char *setting; /* where the first difference goes */
	size_t size;
};

static bool structs_differ(struct comparison *, const struct config_setting_desc *, const char *a,
	const char *b, const char *path);

static bool
note(struct comparison *cmp, const char *path, const char *name)
{
	snprintf(cmp->setting, cmp->size, "%s%s%s", path, name != NULL ? "." : "",
		name != NULL ? name : "");
	return true;
}

static size_t
item_size(const struct config_setting_desc *d)
{
	if (d->type == SETTING_INTS)
		return sizeof(int64_t);
	if (d->type == SETTING_SPANS)
		return sizeof(struct config_span);
	if (d->type == SETTING_HOSTS6)
		return sizeof(struct config_net);
	return d->type == SETTING_PREFIXES ? sizeof(struct config_prefix) : d->size;
}

/* Strings: what stands after the end of one does not count. */
static bool
scalars_differ(const struct config_setting_desc *d, const char *a, const char *b)
{
	const struct config_prefix *pa = (const void *)a, *pb = (const void *)b;
	const struct config_net *na = (const void *)a, *nb = (const void *)b;

	switch (d->type) {
	case SETTING_BOOL:
		return *(const bool *)a != *(const bool *)b;
	case SETTING_INT:
	case SETTING_INTS:
		return *(const int64_t *)(const void *)a != *(const int64_t *)(const void *)b;
	case SETTING_STRING:
	case SETTING_NAME:
	case SETTING_STRINGS:
		return strcmp(a, b) != 0;
	case SETTING_ENUM:
		return *(const int *)(const void *)a != *(const int *)(const void *)b;
	case SETTING_ADDRESS:
		return memcmp(a, b, sizeof(rte_be32_t)) != 0;
	case SETTING_PREFIX:
	case SETTING_HOST:
	case SETTING_PREFIXES:
		return pa->address != pb->address || pa->len != pb->len;
	case SETTING_IP:
		return !ip_addr_equal((const void *)a, (const void *)b);
	case SETTING_NET:
	case SETTING_HOSTS6:
		return !ip_addr_equal(&na->address, &nb->address) || na->len != nb->len;
	case SETTING_RANGE:
		return memcmp(a, b, sizeof(struct config_range)) != 0;
	case SETTING_SPANS:
		return memcmp(a, b, sizeof(struct config_span)) != 0;
	case SETTING_GROUP:
	case SETTING_LIST:
		break;
	}
	FW_ASSERT(false);
	return true;
}

static bool
items_differ(struct comparison *cmp, const struct config_setting_desc *settings, size_t size,
	const struct config_list *a, const struct config_list *b, const char *path)
{
	if (a->count != b->count)
		return note(cmp, path, NULL);
	for (uint32_t i = 0; i < a->count; i++) {
		const char *const item_a = (const char *)a->items + i * size;
		const char *const item_b = (const char *)b->items + i * size;
		const struct config_origin *origin = (const void *)item_b;

		if (structs_differ(cmp, settings, item_a, item_b, origin->path))
			return true;
	}
	return false;
}

static bool
value_differs(struct comparison *cmp, const struct config_setting_desc *d, const char *a,
	const char *b, const char *path)
{
	const struct config_list *la = (const void *)a, *lb = (const void *)b;
	char inner[160];

	switch (d->type) {
	case SETTING_GROUP:
		if (snprintf(inner, sizeof(inner), "%s.%s", path, d->name) >= (int)sizeof(inner))
			return structs_differ(cmp, d->settings, a, b, path);
		return structs_differ(cmp, d->settings, a, b, inner);
	case SETTING_LIST:
		if (la->count != lb->count)
			return note(cmp, path, d->name);
		return items_differ(cmp, d->settings, d->size, la, lb, path);
	case SETTING_STRINGS:
	case SETTING_PREFIXES:
	case SETTING_SPANS:
	case SETTING_HOSTS6:
	case SETTING_INTS:
		if (la->count != lb->count)
			return note(cmp, path, d->name);
		for (uint32_t i = 0; i < la->count; i++) {
			if (scalars_differ(d, (const char *)la->items + i * item_size(d),
				    (const char *)lb->items + i * item_size(d)))
				return note(cmp, path, d->name);
		}
		return false;
	case SETTING_BOOL:
	case SETTING_INT:
	case SETTING_STRING:
	case SETTING_NAME:
	case SETTING_ENUM:
	case SETTING_ADDRESS:
	case SETTING_PREFIX:
	case SETTING_HOST:
	case SETTING_IP:
	case SETTING_NET:
	case SETTING_RANGE:
		break;
	}
	return scalars_differ(d, a, b) && note(cmp, path, d->name);
}

static bool
structs_differ(struct comparison *cmp, const struct config_setting_desc *settings, const char *a,
	const char *b, const char *path)
{
	for (const struct config_setting_desc *d = settings; d->name != NULL; d++) {
		if (cmp->what == CONFIG_RESTART && d->live)
			continue;
		if (value_differs(cmp, d, a + d->offset, b + d->offset, path))
			return true;
	}
	return false;
}

/* Does every setting of the table allow a change by reload? */
static bool
all_live(const struct config_setting_desc *settings)
{
	for (const struct config_setting_desc *d = settings; d->name != NULL; d++) {
		if (!d->live)
			return false;
	}
	return true;
}

bool
config_difference(const struct config *a, const struct config *b, enum config_part what,
	char *setting, size_t size)
{
	struct comparison cmp = { .what = what, .setting = setting, .size = size };

	FW_ASSERT(a->sections == b->sections);
	for (unsigned int i = 0; a->sections[i] != NULL; i++) {
		const struct config_section *s = a->sections[i];
		bool differ;

		if ((what == CONFIG_RESTART && all_live(s->settings)) ||
			(what == CONFIG_REPLICATED && !s->replicated))
			continue;
		if (s->list)
			differ = items_differ(
				&cmp, s->settings, s->size, a->data[i], b->data[i], s->name);
		else
			differ = structs_differ(&cmp, s->settings, a->data[i], b->data[i], s->name);
		if (differ)
			return true;
	}
	return false;
}
