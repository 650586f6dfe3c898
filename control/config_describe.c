/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The reference of every setting, as Markdown, from the sections' tables.
 */
#include "config_schema.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

struct writer {
	void (*emit)(void *, const char *);
	void *ctx;
};

static void __attribute__((format(printf, 2, 3))) put(const struct writer *w, const char *fmt, ...)
{
	char text[1024];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	w->emit(w->ctx, text);
}

static const char *
type_name(enum setting_type type)
{
	static const char *const names[] = {
		[SETTING_BOOL] = "bool",
		[SETTING_INT] = "integer",
		[SETTING_STRING] = "string",
		[SETTING_NAME] = "name",
		[SETTING_ENUM] = "word",
		[SETTING_ADDRESS] = "address",
		[SETTING_PREFIX] = "prefix",
		[SETTING_HOST] = "host/length",
		[SETTING_IP] = "address, IPv4 or IPv6",
		[SETTING_NET] = "prefix, IPv4 or IPv6",
		[SETTING_HOSTS6] = "array of IPv6 host/length",
		[SETTING_RANGE] = "port range",
		[SETTING_GROUP] = "group",
		[SETTING_LIST] = "list of groups",
		[SETTING_STRINGS] = "array of strings",
		[SETTING_PREFIXES] = "array of prefixes",
		[SETTING_SPANS] = "array of addresses",
		[SETTING_INTS] = "array of integers",
	};

	return names[type];
}

static void
put_default(const struct writer *w, const struct config_setting_desc *d)
{
	const bool bare = d->type == SETTING_BOOL || d->type == SETTING_INT;

	if (d->required)
		put(w, "required");
	else if (d->fallback != NULL)
		put(w, "`%s%s%s`", bare ? "" : "\"", d->fallback, bare ? "" : "\"");
	else if (d->type == SETTING_BOOL)
		put(w, "`false`");
	else if (d->type == SETTING_INT)
		put(w, "`0`");
	else if (d->type == SETTING_LIST || d->type == SETTING_STRINGS ||
		 d->type == SETTING_PREFIXES || d->type == SETTING_SPANS ||
		 d->type == SETTING_HOSTS6 || d->type == SETTING_INTS)
		put(w, "empty");
	else
		put(w, "none");
}

static void
put_range(const struct writer *w, const struct config_setting_desc *d)
{
	const uint32_t items = d->max_items > 0 ? d->max_items : 65535;

	switch (d->type) {
	case SETTING_BOOL:
		put(w, "`true`, `false`");
		break;
	case SETTING_INT:
		put(w, "%" PRId64 " to %" PRId64, d->min, d->max);
		break;
	case SETTING_INTS:
		put(w, "%" PRId64 " to %" PRId64 ", up to %u", d->min, d->max, items);
		break;
	case SETTING_STRING:
	case SETTING_NAME:
		put(w, "%" PRId64 " to %" PRId64 " characters", d->min, d->max);
		break;
	case SETTING_STRINGS:
		put(w, "%" PRId64 " to %" PRId64 " characters, up to %u", d->min, d->max, items);
		break;
	case SETTING_ENUM:
		for (unsigned int i = 0; d->choices[i] != NULL; i++)
			put(w, "%s`\"%s\"`", i > 0 ? ", " : "", d->choices[i]);
		break;
	case SETTING_PREFIX:
		put(w, "length %" PRId64 " to %" PRId64, d->min, d->max);
		break;
	case SETTING_PREFIXES:
	case SETTING_HOSTS6:
		put(w, "length %" PRId64 " to %" PRId64 ", up to %u", d->min, d->max, items);
		break;
	case SETTING_HOST:
		put(w, "%slength %" PRId64 " to %" PRId64, d->min == 0 ? "no length, or " : "",
			d->min > 0 ? d->min : 1, d->max);
		break;
	case SETTING_LIST:
	case SETTING_SPANS:
		put(w, "up to %u", items);
		break;
	case SETTING_RANGE:
		put(w, "0 to 65535");
		break;
	case SETTING_ADDRESS:
	case SETTING_IP:
	case SETTING_NET:
	case SETTING_GROUP:
		break;
	}
}

static void
put_settings(const struct writer *w, const struct config_section *s,
	const struct config_setting_desc *settings, const char *prefix, bool live)
{
	char inner[128];

	for (const struct config_setting_desc *d = settings; d->name != NULL; d++) {
		const bool reload = live || d->live;

		put(w, "| `%s%s` | %s | %s | ", prefix, d->name, type_name(d->type),
			d->unit != NULL ? d->unit : "");
		put_default(w, d);
		put(w, " | ");
		put_range(w, d);
		put(w, " | %s | %s | %s |\n", s->replicated ? "replicated" : "local",
			reload ? "reload" : "restart", d->help);
		if (d->settings == NULL)
			continue;
		snprintf(inner, sizeof(inner), "%s%s%s.", prefix, d->name,
			d->type == SETTING_LIST ? "[]" : "");
		put_settings(w, s, d->settings, inner, reload);
	}
}

void
config_describe(
	const struct config_section *const *sections, void (*emit)(void *, const char *), void *ctx)
{
	const struct writer w = { .emit = emit, .ctx = ctx };

	for (; *sections != NULL; sections++) {
		const struct config_section *s = *sections;

		put(&w, "### `%s`\n\n%s\n", s->name, s->help);
		if (s->list)
			put(&w, "A list of groups, up to %u%s.",
				s->max_items > 0 ? s->max_items : 65535,
				s->required ? ", at least one" : "");
		else
			put(&w, "One group%s.", s->required ? ", required" : "");
		put(&w, " %s.\n\n", s->replicated ? "Replicated to the peer" : "Local to this box");
		put(&w, "| Setting | Type | Unit | Default | Range | Peer | Change by | Meaning |\n"
			"|---|---|---|---|---|---|---|---|\n");
		put_settings(&w, s, s->settings, "", false);
		put(&w, "\n");
	}
}
