/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Objects that contain others of their kind by name: address sets and service sets.
 */
#include "config_policy.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const struct config_set *
at(const struct config_list *list, size_t item_size, uint32_t i)
{
	return (const void *)((const char *)list->items + i * item_size);
}

int
config_set_find(const struct config_list *list, size_t item_size, const char *name)
{
	for (uint32_t i = 0; i < list->count; i++) {
		if (strcmp(at(list, item_size, i)->name, name) == 0)
			return (int)i;
	}
	return -1;
}

enum visit { UNSEEN, OPEN, DONE };

struct walk {
	struct config *config;
	const struct config_list *list;
	size_t item_size;
	bool (*builtin)(const char *);
	enum visit *visit;
	uint32_t *stack, *next; /* sets on the way down, and the element each stands at */
};

static int
refuse(const struct walk *w, const struct config_set *s, uint32_t element, const char *what)
{
	const char(*names)[CONFIG_OBJECT_NAME] = s->sets.items;
	char setting[48];

	snprintf(setting, sizeof(setting), "sets[%u]", element);
	return config_fail(w->config, &s->origin, setting, "\"%s\" %s", names[element], what);
}

/* Depth first from one set, without recursion: chains may be as long as the list. */
static int
visit_from(struct walk *w, uint32_t root)
{
	uint32_t depth = 0;

	w->stack[0] = root;
	w->next[0] = 0;
	w->visit[root] = OPEN;
	for (;;) {
		const struct config_set *s = at(w->list, w->item_size, w->stack[depth]);
		const char(*names)[CONFIG_OBJECT_NAME] = s->sets.items;
		const uint32_t element = w->next[depth];
		int found;

		if (element == s->sets.count) {
			w->visit[w->stack[depth]] = DONE;
			if (depth-- == 0)
				return 0;
			continue;
		}
		w->next[depth]++;
		if (w->builtin != NULL && w->builtin(names[element]))
			continue;
		found = config_set_find(w->list, w->item_size, names[element]);
		if (found < 0)
			return refuse(w, s, element, "is unknown, expected a set of this section");
		if (w->visit[found] == OPEN)
			return refuse(w, s, element, "leads back to this set, expected no loop");
		if (w->visit[found] == DONE)
			continue;
		w->visit[found] = OPEN;
		w->stack[++depth] = (uint32_t)found;
		w->next[depth] = 0;
	}
}

int
config_set_check(struct config *c, const struct config_list *list, size_t item_size,
	bool (*builtin)(const char *))
{
	const size_t n = (size_t)list->count + 1;
	struct walk w = { .config = c, .list = list, .item_size = item_size, .builtin = builtin };
	int rc = config_unique(c, list, item_size, offsetof(struct config_set, name), "name");

	w.visit = calloc(n, sizeof(*w.visit));
	w.stack = calloc(n, sizeof(*w.stack));
	w.next = calloc(n, sizeof(*w.next));
	if (w.visit == NULL || w.stack == NULL || w.next == NULL)
		rc = -ENOMEM;
	for (uint32_t i = 0; rc == 0 && i < list->count; i++) {
		if (w.visit[i] == UNSEEN)
			rc = visit_from(&w, i);
	}
	free(w.visit);
	free(w.stack);
	free(w.next);
	return rc;
}
