/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Scripts that are run every so often: see script_watch.h.
 */
#include "script_watch.h"

#include "check.h"
#include "ha_config.h"
#include "log.h"

#include <errno.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct script {
	const struct config_script *config; /* the first configuration lives as long as we do */
	struct script_user user;
	const char *args[SCRIPT_ARGS + 1];
	struct script_job job;
	mono_t next;
	uint32_t against;   /* runs in a row that say otherwise than `up` */
	_Atomic(int8_t) up; // management writes, control core reads; -1 = not known yet
	struct script_status status;
};

struct script_watch {
	uint16_t count;
	struct script list[];
};

static int
set_up(struct script *s, const struct config_script *c, char *err, size_t err_size)
{
	char why[256];

	s->config = c;
	s->status = (struct script_status){ .name = c->name, .path = c->path, .user = c->user };
	snprintf(s->status.last, sizeof(s->status.last), "never run");
	atomic_init(&s->up, (int8_t)-1);
	for (uint32_t i = 0; i < c->arguments.count; i++)
		s->args[i] = (const char *)c->arguments.items + i * SCRIPT_ARGUMENT;
	const int rc = script_user_find(c->user, &s->user, why, sizeof(why));

	if (rc < 0)
		config_reason(&c->origin, "user", err, err_size, "%s, expected one", why);
	return rc;
}

struct script_watch *
script_watch_create(const struct config *config, char *err, size_t err_size)
{
	const struct config_list *const list = config_section_data(config, "scripts");
	const uint16_t count = list != NULL ? (uint16_t)list->count : 0;
	struct script_watch *const w = calloc(1, sizeof(*w) + count * sizeof(w->list[0]));

	snprintf(err, err_size, "scripts: out of memory");
	for (uint16_t i = 0; w != NULL && i < count; i++) {
		const struct config_script *const all = list->items;

		if (set_up(&w->list[i], &all[i], err, err_size) < 0) {
			free(w);
			return NULL;
		}
		w->count++;
	}
	return w;
}

void
script_watch_destroy(struct script_watch *w)
{
	if (w == NULL)
		return;
	for (uint16_t i = 0; i < w->count; i++)
		script_stop(&w->list[i].job);
	free(w);
}

/* A run has ended well or not: the first one decides alone, then it takes `rise` or `fall` in a
 * row. */
static void
judge(struct script *s, bool good)
{
	const int8_t up = atomic_load_explicit(&s->up, memory_order_relaxed);

	s->status.runs++;
	s->status.failures += !good;
	if (up == (int8_t)good) {
		s->against = 0;
		return;
	}
	s->against++;
	if (up >= 0 && s->against < (uint32_t)(good ? s->config->rise : s->config->fall))
		return;
	s->against = 0;
	s->status.changes++;
	atomic_store_explicit(&s->up, (int8_t)good, memory_order_relaxed);
	if (good)
		LOG(NOTICE, "script %s: up (%s)", s->config->name, s->status.last);
	else
		LOG(WARNING, "script %s: down (%s)", s->config->name, s->status.last);
}

static void
start(struct script *s, mono_t now)
{
	const struct config_script *const c = s->config;
	const struct script_call call = { .path = c->path,
		.args = s->args,
		.user = &s->user,
		.timeout_ms = (uint32_t)c->timeout_ms };
	char why[sizeof(s->status.last)];

	s->next = mono_add_ms(now, (uint64_t)c->interval_ms);
	if (script_start(&s->job, &call, now, why, sizeof(why)) == 0)
		return;
	snprintf(s->status.last, sizeof(s->status.last), "%s", why);
	s->status.last_ms = 0;
	s->status.refused++;
	judge(s, false);
}

static void
ended(struct script *s)
{
	s->status.timeouts += s->job.state == SCRIPT_TIMED_OUT;
	s->status.last_ms = (uint32_t)mono_since_ms(s->job.ended, s->job.started);
	script_end_text(&s->job, s->status.last, sizeof(s->status.last));
	judge(s, s->job.state == SCRIPT_EXITED && s->job.code == 0);
	s->job.state = SCRIPT_IDLE;
}

void
script_watch_tick(struct script_watch *w, mono_t now)
{
	for (uint16_t i = 0; i < w->count; i++) {
		struct script *const s = &w->list[i];
		const bool ran = s->job.state == SCRIPT_RUNNING;

		if (ran && script_poll(&s->job, now) != SCRIPT_RUNNING)
			ended(s);
		if (s->job.state == SCRIPT_IDLE && !mono_before(now, s->next))
			start(s, now);
	}
}

int
script_watch_up(const struct script_watch *w, uint16_t script)
{
	FW_ASSERT(script < w->count);
	return atomic_load_explicit(&w->list[script].up, memory_order_relaxed);
}

uint16_t
script_watch_count(const struct script_watch *w)
{
	return w->count;
}

void
script_watch_status(const struct script_watch *w, uint16_t script, struct script_status *out)
{
	FW_ASSERT(script < w->count);
	*out = w->list[script].status;
	out->up = script_watch_up(w, script);
	out->running = w->list[script].job.state == SCRIPT_RUNNING;
}
