/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The replicated half of a configuration: as one document that two boxes can compare and carry
 * over, and put together with the local half of another box.  Management thread only.
 */
#include "config.h"
#include "config_schema.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const struct config_section *
section_named(const struct config_section *const *sections, const char *name)
{
	for (unsigned int i = 0; sections[i] != NULL; i++) {
		if (strcmp(sections[i]->name, name) == 0)
			return sections[i];
	}
	return NULL;
}

/* => false: out of memory. */
static bool
copy_value(config_setting_t *to, const config_setting_t *from)
{
	int done = CONFIG_TRUE;

	switch (config_setting_type(from)) {
	case CONFIG_TYPE_INT:
		done = config_setting_set_int(to, config_setting_get_int(from));
		break;
	case CONFIG_TYPE_INT64:
		done = config_setting_set_int64(to, config_setting_get_int64(from));
		break;
	case CONFIG_TYPE_FLOAT:
		done = config_setting_set_float(to, config_setting_get_float(from));
		break;
	case CONFIG_TYPE_BOOL:
		done = config_setting_set_bool(to, config_setting_get_bool(from));
		break;
	case CONFIG_TYPE_STRING:
		done = config_setting_set_string(to, config_setting_get_string(from));
		break;
	default:
		break;
	}
	return done == CONFIG_TRUE;
}

/* copy_setting: `from`, with all in it, into the group, list or array `parent`; groups are no
 * deeper than the tables of sections. => false: out of memory. */
static bool
copy_setting(config_setting_t *parent, const config_setting_t *from)
{
	config_setting_t *const to =
		config_setting_add(parent, config_setting_name(from), config_setting_type(from));

	if (to == NULL || !copy_value(to, from))
		return false;
	if (!config_setting_is_aggregate(from))
		return true;
	for (int i = 0; i < config_setting_length(from); i++) {
		if (!copy_setting(to, config_setting_get_elem(from, (unsigned int)i)))
			return false;
	}
	return true;
}

/* => malloc'ed text of the tree, NULL: out of memory. */
static char *
text_of(const config_t *tree)
{
	char *text = NULL;
	size_t size = 0;
	FILE *const f = open_memstream(&text, &size);

	if (f == NULL)
		return NULL;
	config_write(tree, f);
	if (fclose(f) == 0)
		return text;
	free(text);
	return NULL;
}

char *
config_replicated_text(const struct config *c)
{
	bool whole = true;
	char *text = NULL;
	config_t out;

	config_init(&out);
	for (unsigned int i = 0; whole && c->sections[i] != NULL; i++) {
		const config_setting_t *const node = config_lookup(&c->tree, c->sections[i]->name);

		if (c->sections[i]->replicated && node != NULL)
			whole = copy_setting(config_root_setting(&out), node);
	}
	if (whole)
		text = text_of(&out);
	config_destroy(&out);
	return text;
}

/* Does the document hold replicated sections alone, all of them known here? */
static bool
check_document(const struct config *local, const config_t *document, char *err, size_t err_size)
{
	const config_setting_t *const root = config_root_setting(document);

	for (int i = 0; i < config_setting_length(root); i++) {
		const char *const name =
			config_setting_name(config_setting_get_elem(root, (unsigned int)i));
		const struct config_section *const s = section_named(local->sections, name);
		char word[CONFIG_QUOTED];

		if (s != NULL && s->replicated)
			continue;
		snprintf(err, err_size, "\"%s\": %s", config_schema_quote(name, word),
			s == NULL ? "a section that this version does not know"
				  : "a section of each box, expected replicated ones only");
		return false;
	}
	return true;
}

/* The local sections stay where they are; each replicated one takes the place of its predecessor.
 * => false: out of memory. */
static bool
put_together(config_setting_t *out, const struct config *local, const config_t *document)
{
	const config_setting_t *const ours = config_root_setting(&local->tree);
	const config_setting_t *const theirs = config_root_setting(document);
	bool whole = true;

	for (int i = 0; whole && i < config_setting_length(ours); i++) {
		const config_setting_t *node = config_setting_get_elem(ours, (unsigned int)i);
		const struct config_section *const s =
			section_named(local->sections, config_setting_name(node));

		if (s != NULL && s->replicated)
			node = config_setting_get_member(theirs, s->name);
		whole = node == NULL || copy_setting(out, node);
	}
	for (int i = 0; whole && i < config_setting_length(theirs); i++) {
		const config_setting_t *const node =
			config_setting_get_elem(theirs, (unsigned int)i);

		if (config_setting_get_member(out, config_setting_name(node)) == NULL)
			whole = copy_setting(out, node);
	}
	return whole;
}

struct config *
config_merge(const struct config *local, const char *document, char *err, size_t err_size)
{
	struct config *const theirs = config_schema_tree(
		document, "the peer's configuration", local->sections, err, err_size);
	struct config *merged = NULL;
	char *text = NULL;
	config_t out;

	if (theirs == NULL)
		return NULL;
	config_init(&out);
	if (check_document(local, &theirs->tree, err, err_size)) {
		if (put_together(config_root_setting(&out), local, &theirs->tree))
			text = text_of(&out);
		if (text == NULL)
			snprintf(err, err_size, "out of memory");
	}
	if (text != NULL)
		merged = config_parse(text, local->path, local->sections, err, err_size);
	free(text);
	config_destroy(&out);
	config_free(theirs);
	return merged;
}
