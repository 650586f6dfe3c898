/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The generic compiler: walks a section's table and the libconfig tree side by side and fills the
 * section's struct.  Management thread, at start and reload.
 *
 * `path` in here is the setting as the operator sees it ("vrrp[0].vrid").
 */
#include "config_schema.h"

#include "check.h"
#include "config_address.h"
#include "config_span.h"

#include <errno.h>
#include <inttypes.h>
#include <stdalign.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PATH_SIZE     160
#define WHY_SIZE      128
#define EXPECTED_SIZE 320
#define ITEMS_MAX     65535

struct config_block {
	struct config_block *next;
};

/* ---- memory and errors ---- */

/* Zeroed memory that lives as long as the configuration. */
static void *
block_alloc(struct config *c, size_t size)
{
	/* The header keeps malloc's alignment for what follows. */
	struct config_block *b = calloc(1, size + alignof(max_align_t));

	if (b == NULL)
		return NULL;
	b->next = c->blocks;
	c->blocks = b;
	return (char *)b + alignof(max_align_t);
}

void
config_schema_free(struct config *c)
{
	while (c->blocks != NULL) {
		struct config_block *b = c->blocks;

		c->blocks = b->next;
		free(b);
	}
}

int
config_schema_fail(struct config *c, int line, const char *path, const char *fmt, ...)
{
	va_list ap;
	int n;

	if (c->error[0] != '\0')
		return -EINVAL;
	n = snprintf(c->error, sizeof(c->error), "%s:%d: %s: ", c->path, line, path);
	if (n > 0 && (size_t)n < sizeof(c->error)) {
		va_start(ap, fmt);
		vsnprintf(c->error + n, sizeof(c->error) - (size_t)n, fmt, ap);
		va_end(ap);
	}
	return -EINVAL;
}

static int
out_of_memory(struct config *c)
{
	config_schema_fail(c, 0, "file", "out of memory, expected enough for its tables");
	return -ENOMEM;
}

const char *
config_schema_quote(const char *text, char buf[CONFIG_QUOTED])
{
	size_t n = 0;

	for (; text[n] != '\0' && n < CONFIG_QUOTED - 4; n++)
		buf[n] = text[n] >= ' ' && text[n] < 0x7f ? text[n] : '?';
	snprintf(buf + n, CONFIG_QUOTED - n, "%s", text[n] != '\0' ? "..." : "");
	return buf;
}

static void
join(char path[PATH_SIZE], const char *outer, const char *name)
{
	if (snprintf(path, PATH_SIZE, "%s.%s", outer, name) >= PATH_SIZE)
		memcpy(path + PATH_SIZE - 4, "...", 4);
}

static void
join_index(char path[PATH_SIZE], const char *outer, unsigned int index)
{
	if (snprintf(path, PATH_SIZE, "%s[%u]", outer, index) >= PATH_SIZE)
		memcpy(path + PATH_SIZE - 4, "...", 4);
}

/* ---- words for errors ---- */

static const char *
node_kind(const config_setting_t *node)
{
	static const char *const kinds[] = {
		[CONFIG_TYPE_NONE] = "empty",
		[CONFIG_TYPE_GROUP] = "a group { }",
		[CONFIG_TYPE_INT] = "an integer",
		[CONFIG_TYPE_INT64] = "an integer",
		[CONFIG_TYPE_FLOAT] = "a number with a fraction",
		[CONFIG_TYPE_STRING] = "a string",
		[CONFIG_TYPE_BOOL] = "true or false",
		[CONFIG_TYPE_ARRAY] = "an array [ ]",
		[CONFIG_TYPE_LIST] = "a list ( )",
	};

	return kinds[config_setting_type(node)];
}

/* Append to a bounded text. */
static void __attribute__((format(printf, 3, 4)))
append(char *buf, size_t size, const char *fmt, ...)
{
	const size_t n = strlen(buf);
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(buf + n, size - n, fmt, ap);
	va_end(ap);
}

static void
expected_text(const struct config_setting_desc *d, const char *what, char *buf, size_t size)
{
	if (d->min == d->max)
		append(buf, size, "%s of %" PRId64 " characters", what, d->max);
	else
		append(buf, size, "%s of %" PRId64 " to %" PRId64 " characters", what, d->min,
			d->max);
}

const char *
config_schema_expected(const struct config_setting_desc *d, char *buf, size_t size)
{
	const char *const unit = d->unit != NULL ? d->unit : "";

	buf[0] = '\0';
	switch (d->type) {
	case SETTING_BOOL:
		append(buf, size, "true or false");
		break;
	case SETTING_INT:
		append(buf, size, "an integer from %" PRId64 " to %" PRId64 "%s%s", d->min, d->max,
			d->unit != NULL ? " " : "", unit);
		break;
	case SETTING_INTS:
		append(buf, size, "integers from %" PRId64 " to %" PRId64 ": [ 1, 2 ]", d->min,
			d->max);
		break;
	case SETTING_STRING:
		expected_text(d, "a string", buf, size);
		break;
	case SETTING_STRINGS:
		expected_text(d, "strings [ \"a\", \"b\" ], each", buf, size);
		break;
	case SETTING_NAME:
		expected_text(d, "a name (letters, digits and _ . / : -)", buf, size);
		break;
	case SETTING_ENUM:
		append(buf, size, "one of");
		for (unsigned int i = 0; d->choices[i] != NULL; i++)
			append(buf, size, "%s \"%s\"", i > 0 ? "," : "", d->choices[i]);
		break;
	case SETTING_ADDRESS:
		append(buf, size, "an IPv4 address a host may have, such as \"10.1.1.1\"");
		break;
	case SETTING_PREFIX:
		append(buf, size, "an IPv4 prefix with host bits 0, such as \"10.1.1.0/24\"");
		break;
	case SETTING_PREFIXES:
		append(buf, size, "IPv4 prefixes with host bits 0, such as [ \"10.1.1.0/24\" ]");
		break;
	case SETTING_SPANS:
		append(buf, size,
			"addresses, prefixes with host bits 0 or ranges of IPv4 or IPv6, such as "
			"[ \"10.1.1.5\", \"2001:db8::/32\", \"10.1.1.7-10.1.1.9\" ]");
		break;
	case SETTING_HOST:
		append(buf, size,
			"a host's IPv4 address with%s prefix length %" PRId64 " to %" PRId64
			", such as \"10.1.1.2/24\"",
			d->min == 0 ? " or without" : "", d->min > 0 ? d->min : 1, d->max);
		break;
	case SETTING_IP:
		append(buf, size,
			"an address a host may have, such as \"10.1.1.1\" or \"2001:db8::1\"");
		break;
	case SETTING_NET:
		append(buf, size,
			"a prefix with host bits 0, such as \"10.1.1.0/24\" or \"2001:db8::/32\"");
		break;
	case SETTING_HOSTS6:
		append(buf, size,
			"hosts' IPv6 addresses with prefix lengths %" PRId64 " to %" PRId64
			", such as [ \"2001:db8:1::2/64\" ]",
			d->min, d->max);
		break;
	case SETTING_RANGE:
		append(buf, size, "a port or range 0 to 65535, such as \"80\" or \"1-1024\"");
		break;
	case SETTING_GROUP:
		append(buf, size, "a group { ... }");
		break;
	case SETTING_LIST:
		append(buf, size, "a list of groups ( { ... }, { ... } )");
		break;
	}
	return buf;
}

/* Changes of one letter (missing, extra, wrong) between two short words, up to 3. */
static unsigned int
word_distance(const char *a, const char *b)
{
	unsigned int row[33];
	const size_t n = strnlen(b, 33);

	if (n > 32 || strnlen(a, 33) > 32)
		return 3;
	for (unsigned int j = 0; j <= n; j++)
		row[j] = j;
	for (unsigned int i = 1; a[i - 1] != '\0'; i++) {
		unsigned int diagonal = row[0];

		row[0] = i;
		for (unsigned int j = 1; j <= n; j++) {
			unsigned int best = diagonal + (a[i - 1] != b[j - 1]);

			diagonal = row[j];
			best = RTE_MIN(best, row[j] + 1);
			row[j] = RTE_MIN(best, row[j - 1] + 1);
		}
	}
	return row[n];
}

/* "unknown X (did you mean "y"?), expected one of ..." over names given one by one. */
struct unknown {
	const char *word;
	const char *nearest;
	char names[EXPECTED_SIZE];
};

static void
unknown_add(struct unknown *u, const char *name)
{
	if (u->nearest == NULL && word_distance(u->word, name) <= 2)
		u->nearest = name;
	append(u->names, sizeof(u->names), "%s%s", u->names[0] != '\0' ? ", " : "", name);
}

static int
unknown_fail(
	struct config *c, const struct unknown *u, int line, const char *path, const char *what)
{
	const bool hint = u->nearest != NULL;

	return config_schema_fail(c, line, path, "unknown %s%s%s%s, expected one of %s", what,
		hint ? " (did you mean \"" : "", hint ? u->nearest : "", hint ? "\"?)" : "",
		u->names);
}

/* ---- one scalar ---- */

static bool
is_word(const char *text)
{
	for (; *text != '\0'; text++) {
		const char ch = *text;

		if (!((ch >= 'a' && ch <= 'z') || (ch >= 'A' && ch <= 'Z') ||
			    (ch >= '0' && ch <= '9') || strchr("_./:-", ch) != NULL))
			return false;
	}
	return true;
}

static bool
is_printable(const char *text)
{
	for (; *text != '\0'; text++) {
		if (*text < ' ' || *text > '~')
			return false;
	}
	return true;
}

static bool
set_string(const struct config_setting_desc *d, const char *text, char *out, char *why)
{
	const size_t len = strlen(text);
	char quoted[CONFIG_QUOTED];

	FW_ASSERT(d->max < (int64_t)d->size);
	if (len < (size_t)d->min || len > (size_t)d->max) {
		snprintf(why, WHY_SIZE, "has %zu characters", len);
		return false;
	}
	if (!(d->type == SETTING_NAME ? is_word(text) : is_printable(text))) {
		snprintf(why, WHY_SIZE, "\"%s\" has characters that are not allowed",
			config_schema_quote(text, quoted));
		return false;
	}
	memcpy(out, text, len + 1);
	return true;
}

static bool
set_prefix(
	const struct config_setting_desc *d, const char *text, struct config_prefix *out, char *why)
{
	char quoted[CONFIG_QUOTED];
	struct config_prefix p;
	const char *wrong = NULL;
	bool has_len;

	config_schema_quote(text, quoted);
	if (!config_address_parse_prefix(text, &p, &has_len)) {
		snprintf(why, WHY_SIZE, "\"%s\" is not an IPv4 prefix", quoted);
		return false;
	}
	if (!has_len && (d->type == SETTING_PREFIX || d->min > 0))
		wrong = "has no prefix length";
	else if (has_len && (p.len < RTE_MAX(d->min, d->type == SETTING_HOST) || p.len > d->max))
		wrong = "has a prefix length out of range";
	else if (d->type == SETTING_PREFIX && (p.address & ~config_address_mask(p.len)) != 0)
		wrong = "has host bits set";
	else if (d->type == SETTING_HOST && !ip4_is_host(p.address))
		wrong = "is no address a host may have";
	else if (d->type == SETTING_HOST && has_len && config_address_is_edge(&p, p.address))
		wrong = "is the network or broadcast address of its subnet";
	if (wrong != NULL) {
		snprintf(why, WHY_SIZE, "\"%s\" %s", quoted, wrong);
		return false;
	}
	*out = p;
	return true;
}

static bool
set_span(const char *text, struct config_span *out, char *why)
{
	char quoted[CONFIG_QUOTED];
	const char *wrong;

	if (config_span_parse(text, out, &wrong))
		return true;
	snprintf(why, WHY_SIZE, "\"%s\" %s", config_schema_quote(text, quoted), wrong);
	return false;
}

static bool
set_ip(const char *text, struct ip_addr *out, char *why)
{
	char quoted[CONFIG_QUOTED];

	if (config_address_parse_ip(text, out) && config_address_ip_is_host(out))
		return true;
	snprintf(why, WHY_SIZE, "\"%s\" is not such an address", config_schema_quote(text, quoted));
	return false;
}

/* A prefix of either family, or (SETTING_HOSTS6) a host with its prefix length. */
static bool
set_net(const struct config_setting_desc *d, const char *text, struct config_net *out, char *why)
{
	const bool host = d->type == SETTING_HOSTS6;
	char quoted[CONFIG_QUOTED];
	const char *wrong = NULL;
	struct config_net n, network;

	config_schema_quote(text, quoted);
	if (strchr(text, '/') == NULL) {
		snprintf(why, WHY_SIZE, "\"%s\" has no prefix length", quoted);
		return false;
	}
	if (!config_address_parse_net(text, &n) || (host && n.address.family != 6)) {
		snprintf(why, WHY_SIZE, "\"%s\" is not %s with a prefix length", quoted,
			host ? "an IPv6 address" : "an address");
		return false;
	}
	network = config_address_network(&n);
	if (!host && !ip_addr_equal(&n.address, &network.address))
		wrong = "has host bits set";
	else if (host && (n.len < d->min || n.len > d->max))
		wrong = "has a prefix length out of range";
	else if (host && ip6_is_link_local(n.address.v6))
		wrong = "is a link-local address";
	else if (host && !ip6_is_host(n.address.v6))
		wrong = "is no address a host may have";
	else if (host && config_address_net_is_edge(&n, &n.address))
		wrong = "is the subnet-router anycast address of its subnet";
	if (wrong != NULL) {
		snprintf(why, WHY_SIZE, "\"%s\" %s", quoted, wrong);
		return false;
	}
	*out = n;
	return true;
}

/* A setting that is a string in the file, or any setting's default. */
static bool
set_text(const struct config_setting_desc *d, const char *text, void *out, char *why)
{
	char quoted[CONFIG_QUOTED];

	config_schema_quote(text, quoted);
	switch (d->type) {
	case SETTING_BOOL: /* defaults only, as the next one */
		*(bool *)out = strcmp(text, "true") == 0;
		return true;
	case SETTING_INT:
		*(int64_t *)out = strtoll(text, NULL, 10);
		return true;
	case SETTING_STRING:
	case SETTING_NAME:
		return set_string(d, text, out, why);
	case SETTING_ENUM:
		for (int i = 0; d->choices[i] != NULL; i++) {
			if (strcmp(text, d->choices[i]) == 0) {
				*(int *)out = i;
				return true;
			}
		}
		snprintf(why, WHY_SIZE, "unknown word \"%s\"", quoted);
		return false;
	case SETTING_ADDRESS:
		if (config_address_parse(text, out) && ip4_is_host(*(rte_be32_t *)out))
			return true;
		snprintf(why, WHY_SIZE, "\"%s\" is not such an address", quoted);
		return false;
	case SETTING_PREFIX:
	case SETTING_HOST:
		return set_prefix(d, text, out, why);
	case SETTING_SPANS: /* one of them */
		return set_span(text, out, why);
	case SETTING_IP:
		return set_ip(text, out, why);
	case SETTING_NET:
	case SETTING_HOSTS6: /* one of them */
		return set_net(d, text, out, why);
	case SETTING_RANGE:
		if (config_address_parse_range(text, out))
			return true;
		snprintf(why, WHY_SIZE, "\"%s\" is not a port or a range from low to high", quoted);
		return false;
	case SETTING_GROUP:
	case SETTING_LIST:
	case SETTING_STRINGS:
	case SETTING_PREFIXES:
	case SETTING_INTS:
		break;
	}
	FW_ASSERT(false);
	return false;
}

static bool
set_scalar(const struct config_setting_desc *d, const config_setting_t *node, void *out, char *why)
{
	const int type = config_setting_type(node);
	bool fits;

	if (d->type == SETTING_BOOL)
		fits = type == CONFIG_TYPE_BOOL;
	else if (d->type == SETTING_INT)
		fits = type == CONFIG_TYPE_INT || type == CONFIG_TYPE_INT64;
	else
		fits = type == CONFIG_TYPE_STRING;
	if (!fits) {
		snprintf(why, WHY_SIZE, "is %s", node_kind(node));
		return false;
	}
	if (d->type == SETTING_BOOL) {
		*(bool *)out = config_setting_get_bool(node) == CONFIG_TRUE;
		return true;
	}
	if (d->type == SETTING_INT) {
		const int64_t value = type == CONFIG_TYPE_INT ? config_setting_get_int(node)
							      : config_setting_get_int64(node);

		if (value < d->min || value > d->max) {
			snprintf(why, WHY_SIZE, "%" PRId64 " is out of range", value);
			return false;
		}
		*(int64_t *)out = value;
		return true;
	}
	return set_text(d, config_setting_get_string(node), out, why);
}

/* ---- structs and lists ---- */

static int compile_struct(struct config *, const config_setting_t *node,
	const struct config_setting_desc *, char *out, int line, const char *path);

static int
fail_value(struct config *c, const struct config_setting_desc *d, int line, const char *path,
	const char *why)
{
	char expected[EXPECTED_SIZE];

	return config_schema_fail(c, line, path, "%s, expected %s", why,
		config_schema_expected(d, expected, sizeof(expected)));
}

/* "outer[name]" by the item's own name where it has one, else "outer[index]". */
static void
item_path(char path[PATH_SIZE], const char *outer, const config_setting_t *item, unsigned int index)
{
	const config_setting_t *name = NULL;
	const char *text = NULL;

	if (config_setting_is_group(item))
		name = config_setting_get_member(item, "name");
	if (name != NULL)
		text = config_setting_get_string(name); /* NULL: not a string */
	if (text != NULL && text[0] != '\0' && is_word(text))
		snprintf(path, PATH_SIZE, "%.80s[%.64s]", outer, text);
	else
		join_index(path, outer, index);
}

static int
set_origin(struct config *c, const config_setting_t *node, int line, const char *path,
	struct config_origin *origin)
{
	char *copy = block_alloc(c, strlen(path) + 1);

	if (copy == NULL)
		return out_of_memory(c);
	strcpy(copy, path);
	*origin =
		(struct config_origin){ .file = c->path, .line = line, .path = copy, .node = node };
	return 0;
}

static int
list_alloc(struct config *c, const config_setting_t *node, size_t item_size, uint32_t max_items,
	bool required, const char *path, struct config_list *list)
{
	const int count = config_setting_length(node);
	const int line = config_setting_source_line(node);
	const uint32_t max = max_items > 0 ? max_items : ITEMS_MAX;

	if (required && count == 0)
		return config_schema_fail(c, line, path, "is empty, expected at least one element");
	if ((uint32_t)count > max)
		return config_schema_fail(
			c, line, path, "has %d elements, expected at most %u", count, max);
	list->count = (uint32_t)count;
	list->items = block_alloc(c, (size_t)count * item_size);
	return list->items != NULL ? 0 : out_of_memory(c);
}

/* A list of groups. */
static int
compile_items(struct config *c, const config_setting_t *node,
	const struct config_setting_desc *settings, size_t item_size, uint32_t max_items,
	bool required, const char *path, struct config_list *list)
{
	char inner[PATH_SIZE];
	int rc;

	rc = list_alloc(c, node, item_size, max_items, required, path, list);
	for (uint32_t i = 0; rc == 0 && i < list->count; i++) {
		const config_setting_t *item = config_setting_get_elem(node, i);
		const int line = config_setting_source_line(item);
		char *out = (char *)list->items + i * item_size;

		item_path(inner, path, item, i);
		rc = set_origin(c, item, line, inner, (void *)out);
		if (rc == 0)
			rc = compile_struct(c, item, settings, out, line, inner);
	}
	return rc;
}

/* An array of scalars. */
static int
compile_scalars(struct config *c, const struct config_setting_desc *d, const config_setting_t *node,
	struct config_list *list, const char *path)
{
	struct config_setting_desc one = *d;
	char why[WHY_SIZE], inner[PATH_SIZE];
	int rc;

	if (d->type == SETTING_STRINGS) {
		one.type = SETTING_STRING;
	} else if (d->type == SETTING_PREFIXES) {
		one.type = SETTING_PREFIX;
		one.size = sizeof(struct config_prefix);
	} else if (d->type == SETTING_SPANS) {
		one.size = sizeof(struct config_span);
	} else if (d->type == SETTING_HOSTS6) {
		one.size = sizeof(struct config_net);
	} else {
		one.type = SETTING_INT;
		one.size = sizeof(int64_t);
	}
	rc = list_alloc(c, node, one.size, d->max_items, d->required, path, list);
	for (uint32_t i = 0; rc == 0 && i < list->count; i++) {
		const config_setting_t *elem = config_setting_get_elem(node, i);

		join_index(inner, path, i);
		if (!set_scalar(&one, elem, (char *)list->items + i * one.size, why))
			rc = fail_value(c, &one, config_setting_source_line(elem), inner, why);
	}
	return rc;
}

static int
compile_value(struct config *c, const struct config_setting_desc *d, const config_setting_t *node,
	char *out, const char *path)
{
	const int line = config_setting_source_line(node);
	const bool aggregate = config_setting_is_list(node) || config_setting_is_array(node);
	char why[WHY_SIZE];

	switch (d->type) {
	case SETTING_GROUP:
		return compile_struct(c, node, d->settings, out, line, path);
	case SETTING_LIST:
		if (!aggregate)
			break;
		return compile_items(c, node, d->settings, d->size, d->max_items, d->required, path,
			(struct config_list *)(void *)out);
	case SETTING_STRINGS:
	case SETTING_PREFIXES:
	case SETTING_SPANS:
	case SETTING_HOSTS6:
	case SETTING_INTS:
		if (!aggregate)
			break;
		return compile_scalars(c, d, node, (struct config_list *)(void *)out, path);
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
		if (set_scalar(d, node, out, why))
			return 0;
		return fail_value(c, d, line, path, why);
	}
	snprintf(why, sizeof(why), "is %s", node_kind(node));
	return fail_value(c, d, line, path, why);
}

/* A setting that is not in the file. */
static int
compile_default(struct config *c, const struct config_setting_desc *d, char *out, int line,
	const char *path)
{
	char why[WHY_SIZE];

	if (d->required)
		return fail_value(c, d, line, path, "is missing");
	if (d->type == SETTING_GROUP)
		return compile_struct(c, NULL, d->settings, out, line, path);
	if (d->fallback != NULL && !set_text(d, d->fallback, out, why))
		FW_ASSERT(false); /* a fault of the table */
	return 0;
}

static int
check_names(struct config *c, const config_setting_t *node,
	const struct config_setting_desc *settings, const char *path)
{
	char inner[PATH_SIZE];

	for (int i = 0; i < config_setting_length(node); i++) {
		const config_setting_t *member = config_setting_get_elem(node, (unsigned int)i);
		const char *name = config_setting_name(member);
		struct unknown u = { .word = name };
		const struct config_setting_desc *d = settings;

		while (d->name != NULL && strcmp(d->name, name) != 0)
			d++;
		if (d->name != NULL)
			continue;
		for (d = settings; d->name != NULL; d++)
			unknown_add(&u, d->name);
		join(inner, path, name);
		return unknown_fail(c, &u, config_setting_source_line(member), inner, "setting");
	}
	return 0;
}

/* node NULL: everything takes its default. `line`: where the struct begins. */
static int
compile_struct(struct config *c, const config_setting_t *node,
	const struct config_setting_desc *settings, char *out, int line, const char *path)
{
	char inner[PATH_SIZE], why[WHY_SIZE];
	int rc = 0;

	if (node != NULL) {
		if (!config_setting_is_group(node)) {
			snprintf(why, sizeof(why), "is %s", node_kind(node));
			return config_schema_fail(
				c, line, path, "%s, expected a group { ... }", why);
		}
		rc = check_names(c, node, settings, path);
	}
	for (const struct config_setting_desc *d = settings; rc == 0 && d->name != NULL; d++) {
		const config_setting_t *member =
			node != NULL ? config_setting_get_member(node, d->name) : NULL;

		join(inner, path, d->name);
		if (member != NULL)
			rc = compile_value(c, d, member, out + d->offset, inner);
		else
			rc = compile_default(c, d, out + d->offset, line, inner);
	}
	return rc;
}

/* ---- sections ---- */

static int
compile_section(struct config *c, const struct config_section *s, void **data)
{
	const config_setting_t *node = config_lookup(&c->tree, s->name);
	const int line = node != NULL ? (int)config_setting_source_line(node) : 1;
	char why[WHY_SIZE];
	int rc;

	if (node == NULL && s->required)
		return config_schema_fail(c, line, s->name, "the section is missing, expected %s",
			s->list ? "a list of groups ( { ... }, { ... } )" : "a group { ... }");
	*data = block_alloc(c, s->list ? sizeof(struct config_list) : s->size);
	if (*data == NULL)
		return out_of_memory(c);
	if (!s->list) {
		rc = set_origin(c, node, line, s->name, *data);
		return rc < 0 ? rc : compile_struct(c, node, s->settings, *data, line, s->name);
	}
	if (node == NULL)
		return 0;
	if (!config_setting_is_list(node)) {
		snprintf(why, sizeof(why), "is %s", node_kind(node));
		return config_schema_fail(c, line, s->name,
			"%s, expected a list of groups ( { ... }, { ... } )", why);
	}
	return compile_items(
		c, node, s->settings, s->size, s->max_items, s->required, s->name, *data);
}

static int
check_version(struct config *c)
{
	const config_setting_t *node = config_lookup(&c->tree, "version");

	if (node == NULL)
		return config_schema_fail(
			c, 1, "version", "is missing, expected version = %d;", CONFIG_VERSION);
	if (config_setting_type(node) != CONFIG_TYPE_INT ||
		config_setting_get_int(node) != CONFIG_VERSION)
		return config_schema_fail(c, config_setting_source_line(node), "version",
			"another version of the format, expected version = %d;", CONFIG_VERSION);
	return 0;
}

static int
check_sections(struct config *c)
{
	const config_setting_t *root = config_root_setting(&c->tree);

	for (int i = 0; i < config_setting_length(root); i++) {
		const config_setting_t *node = config_setting_get_elem(root, (unsigned int)i);
		const char *name = config_setting_name(node);
		struct unknown u = { .word = name };
		unsigned int s = 0;

		if (strcmp(name, "version") == 0)
			continue;
		while (c->sections[s] != NULL && strcmp(c->sections[s]->name, name) != 0)
			s++;
		if (c->sections[s] != NULL)
			continue;
		for (s = 0; c->sections[s] != NULL; s++)
			unknown_add(&u, c->sections[s]->name);
		return unknown_fail(c, &u, config_setting_source_line(node), name, "section");
	}
	return 0;
}

int
config_schema_compile(struct config *c)
{
	unsigned int count = 0;
	int rc;

	while (c->sections[count] != NULL)
		count++;
	c->data = block_alloc(c, (count + 1) * sizeof(*c->data));
	if (c->data == NULL)
		return out_of_memory(c);
	rc = check_version(c);
	if (rc == 0)
		rc = check_sections(c);
	for (unsigned int i = 0; rc == 0 && i < count; i++)
		rc = compile_section(c, c->sections[i], &c->data[i]);
	for (unsigned int i = 0; rc == 0 && i < count; i++) {
		if (c->sections[i]->check != NULL)
			rc = c->sections[i]->check(c);
	}
	return rc;
}
