/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Programs that are told of changes of role: see notify.h.
 */
#include "notify.h"

#include "ha_config.h"
#include "log.h"
#include "row.h"
#include "script_run.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define NOTIFY_VRRP    2 /* objects: the Active and the Standby group, then VRRP groups */
#define NOTIFY_OBJECTS (NOTIFY_VRRP + VRRP_MAX_GROUPS)
#define NOTIFY_RUNNING 16  /* at a time */
#define NOTIFY_EVENTS  256 /* a look */
#define ENV_MAX	       14
#define ENV_SIZE       160

struct object {
	bool pending; /* `event` is to be told when nothing runs */
	struct event event;
	struct script_job job;
	char told[8]; /* the last state a program was started with */
	uint64_t runs, failed, refused,
		merged;	 /* merged: events that were replaced by newer ones */
	char result[64]; /* of the last one */
};

struct notify {
	const struct events *events;
	uint64_t next; /* event to be looked at */
	uint32_t running;
	uint64_t lost;
	struct object objects[NOTIFY_OBJECTS];
};

/* What the configuration says of an object; path "": nothing. */
struct order {
	const char *path, *user;
	int64_t timeout_s;
};

struct notify *
notify_create(const struct events *events)
{
	struct notify *const n = calloc(1, sizeof(*n));

	if (n == NULL)
		return NULL;
	n->events = events;
	n->next = 1;
	return n;
}

void
notify_destroy(struct notify *n)
{
	if (n == NULL)
		return;
	for (uint32_t i = 0; i < NOTIFY_OBJECTS; i++)
		script_stop(&n->objects[i].job);
	free(n);
}

static struct order
order_of(const struct config *config, uint32_t object)
{
	const struct config_hrp *const hrp = config_section_data(config, "hrp");
	const struct config_list *const list = config_section_data(config, "vrrp");
	const struct config_vrrp *const all = list != NULL ? list->items : NULL;
	const uint32_t place = object - NOTIFY_VRRP;

	if (object < NOTIFY_VRRP && hrp != NULL && hrp->enable)
		return (struct order){ hrp->notify, hrp->notify_user, hrp->notify_timeout_s };
	if (object >= NOTIFY_VRRP && list != NULL && place < list->count)
		return (struct order){ all[place].notify, all[place].notify_user,
			all[place].notify_timeout_s };
	return (struct order){ "", "", 0 };
}

/* "active", "GigabitEthernet1/0/1 vrid 7" */
static const char *
name_of(const struct config *config, uint32_t object, char *out, size_t size)
{
	static const char *const groups[NOTIFY_VRRP] = { "active", "standby" };
	const struct config_list *const list = config_section_data(config, "vrrp");
	const struct config_vrrp *const all = list != NULL ? list->items : NULL;
	const uint32_t place = object - NOTIFY_VRRP;

	if (object < NOTIFY_VRRP)
		snprintf(out, size, "%s", groups[object]);
	else if (list != NULL && place < list->count)
		snprintf(out, size, "%s vrid %u", all[place].interface,
			(unsigned int)all[place].vrid);
	else
		snprintf(out, size, "?");
	return out;
}

/* keepalived's words. */
static const char *
state_of(const struct event *e)
{
	if (strcmp(e->to, "active") == 0 || strcmp(e->to, "Master") == 0)
		return "MASTER";
	if (strcmp(e->to, "standby") == 0 || strcmp(e->to, "Backup") == 0)
		return "BACKUP";
	return e->leaving ? "STOP" : "FAULT";
}

/* ---- running ---- */

struct environment {
	uint32_t count;
	const char *list[ENV_MAX + 1];
	char text[ENV_MAX][ENV_SIZE];
};

static void put(struct environment *, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

static void
put(struct environment *env, const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	vsnprintf(env->text[env->count], ENV_SIZE, fmt, args);
	va_end(args);
	env->list[env->count] = env->text[env->count];
	env->count++;
	env->list[env->count] = NULL;
}

static void
fill_environment(struct environment *env, const struct event *e, const char *type, const char *name,
	const struct config *config)
{
	const struct config_system *const system = config_section_data(config, "system");

	put(env, "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin");
	put(env, "TWINWALL_BOX=%s", system->name);
	put(env, "TWINWALL_TYPE=%s", type);
	put(env, "TWINWALL_NAME=%s", name);
	put(env, "TWINWALL_STATE=%s", state_of(e));
	put(env, "TWINWALL_PRIORITY=%" PRIu32, e->priority);
	put(env, "TWINWALL_FROM=%s", e->from);
	put(env, "TWINWALL_TO=%s", e->to);
	put(env, "TWINWALL_CAUSE=%s", e->cause);
	put(env, "TWINWALL_EVENT=%" PRIu64, e->number);
	if (e->kind == EVENT_VRRP) {
		put(env, "TWINWALL_VRID=%u", e->vrid);
		return;
	}
	put(env, "TWINWALL_PEER_PRIORITY=%" PRIu32, e->peer_priority);
	put(env, "TWINWALL_EPOCH=%" PRIu32, e->epoch);
}

static void
start(struct notify *n, uint32_t i, const struct order *order, const struct config *config,
	mono_t now)
{
	struct object *const o = &n->objects[i];
	const struct event *const e = &o->event;
	const char *const type = i < NOTIFY_VRRP ? "GROUP" : "INSTANCE";
	struct environment env = { .count = 0 };
	struct script_user user;
	char name[64], priority[12], why[SCRIPT_PATH_MAX + 80];
	const char *const args[] = { type, name, state_of(e), priority, e->cause, NULL };
	int rc;

	o->pending = false;
	name_of(config, i, name, sizeof(name));
	snprintf(priority, sizeof(priority), "%" PRIu32, e->priority);
	fill_environment(&env, e, type, name, config);
	rc = script_user_find(order->user, &user, why, sizeof(why));
	if (rc == 0) {
		const struct script_call call = { .path = order->path,
			.args = args,
			.env = env.list,
			.user = &user,
			.timeout_ms = (uint32_t)order->timeout_s * 1000 };

		rc = script_start(&o->job, &call, now, why, sizeof(why));
	}
	snprintf(o->told, sizeof(o->told), "%s", state_of(e));
	if (rc != 0) {
		o->refused++;
		snprintf(o->result, sizeof(o->result), "not run");
		LOG(WARNING, "notify %s %s: not run: %s", name, state_of(e), why);
		return;
	}
	o->runs++;
	n->running++;
}

static void
ended(struct notify *n, uint32_t i, const struct config *config)
{
	struct object *const o = &n->objects[i];
	const bool good = o->job.state == SCRIPT_EXITED && o->job.code == 0;
	const uint32_t ms = (uint32_t)mono_since_ms(o->job.ended, o->job.started);
	char name[64];

	n->running--;
	name_of(config, i, name, sizeof(name));
	script_end_text(&o->job, o->result, sizeof(o->result));
	if (good) {
		LOG(INFO, "notify %s %s: %s after %u ms", name, o->told, o->result, ms);
		return;
	}
	o->failed++;
	LOG(WARNING, "notify %s %s: %s after %u ms", name, o->told, o->result, ms);
}

/* ---- events ---- */

static uint32_t
object_of(const struct event *e)
{
	if (e->kind == EVENT_ROLE)
		return strcmp(e->group, "active") == 0 ? 0 : 1;
	if (e->kind == EVENT_VRRP && e->place < VRRP_MAX_GROUPS)
		return NOTIFY_VRRP + e->place;
	return NOTIFY_OBJECTS;
}

static void
take(struct notify *n, const struct event *e, const struct config *config)
{
	const uint32_t i = object_of(e);

	if (i == NOTIFY_OBJECTS || order_of(config, i).path[0] == '\0')
		return;
	n->objects[i].merged += n->objects[i].pending;
	n->objects[i].event = *e;
	n->objects[i].pending = true;
}

static void
take_new(struct notify *n, const struct config *config)
{
	const uint64_t end = events_next(n->events);
	struct event e;

	for (int k = 0; k < NOTIFY_EVENTS && n->next != end; k++) {
		if (events_get(n->events, n->next, &e)) {
			take(n, &e, config);
			n->next++;
			continue;
		}
		const uint64_t oldest = events_oldest(n->events), first = n->next;

		n->next = oldest > first ? oldest : first + 1;
		n->lost += n->next - first;
		LOG(WARNING, "notify: %" PRIu64 " events lost", n->next - first);
	}
}

enum management_ha_state
notify_poll(struct notify *n, const struct config *config, mono_t now)
{
	enum management_ha_state state = MANAGEMENT_HA_IDLE;

	take_new(n, config);
	for (uint32_t i = 0; i < NOTIFY_OBJECTS; i++) {
		struct object *const o = &n->objects[i];
		const struct order order = order_of(config, i);

		if (o->job.state == SCRIPT_RUNNING && script_poll(&o->job, now) != SCRIPT_RUNNING)
			ended(n, i, config);
		if (order.path[0] == '\0')
			o->pending = false; /* no longer wanted */
		else if (state == MANAGEMENT_HA_IDLE)
			state = MANAGEMENT_HA_WAITING;
		if (o->pending && o->job.state != SCRIPT_RUNNING && n->running < NOTIFY_RUNNING)
			start(n, i, &order, config, now);
		if (o->pending || o->job.state == SCRIPT_RUNNING)
			state = MANAGEMENT_HA_BUSY;
	}
	return n->next != events_next(n->events) && state != MANAGEMENT_HA_IDLE ? MANAGEMENT_HA_BUSY
										: state;
}

void
notify_rows(const struct notify *n, const struct config *config, json_t *rows)
{
	char name[64];

	for (uint32_t i = 0; i < NOTIFY_OBJECTS; i++) {
		const struct object *const o = &n->objects[i];
		const struct order order = order_of(config, i);
		json_t *row;

		if (order.path[0] == '\0' && o->runs + o->refused == 0)
			continue;
		row = json_object();
		row_text(row, "type", i < NOTIFY_VRRP ? "GROUP" : "INSTANCE");
		row_text(row, "name", name_of(config, i, name, sizeof(name)));
		row_text(row, "program", order.path);
		row_text(row, "user", order.path[0] != '\0' ? order.user : "");
		row_text(row, "told", o->told);
		row_bool(row, "running", o->job.state == SCRIPT_RUNNING);
		row_text(row, "result", o->result);
		row_number(row, "runs", o->runs);
		row_number(row, "failed", o->failed);
		row_number(row, "refused", o->refused);
		row_number(row, "merged", o->merged);
		json_array_append_new(rows, row);
	}
}
