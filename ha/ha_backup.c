/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Backup of the configuration, put together: see ha_backup.h.
 */
#include "ha_backup.h"

#include "config_lineage.h"
#include "ha_config.h"
#include "log.h"

#include <rte_common.h>

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define FRAMES	256   /* per turn */
#define SAVE_MS 60000 /* so long until a save that has failed is tried again */

struct ha_backup {
	struct config_bus bus;
	struct config_backup *machine;
	struct management *m;	     /* of this turn */
	uint64_t seen;		     /* management.config_number of the document; 0 = none yet */
	mono_t now, again;	     /* again: a save that has failed */
	bool unsaved;		     /* the file is not what the peer has sent */
	mono_t note;		     /* not before: the lineage once more */
	struct config_lineage noted; /* as it is in its file */
};

static bool
op_send(void *ctx, const struct config_frame *f)
{
	const struct ha_backup *const b = ctx;

	return config_bus_put(b->bus.to_hrp, f);
}

/* An end of a transfer, for who follows the events; 16 of them wait for the control core. */
static void
op_told(void *ctx, bool inbound, enum hrp_config_result result, uint32_t generation,
	const char *reason)
{
	struct ha_backup *const b = ctx;
	struct event e = { .kind = EVENT_CONFIG, .interface = EVENT_NONE, .change = generation };

	snprintf(e.from, sizeof(e.from), "%s", inbound ? "received" : "sent");
	snprintf(e.to, sizeof(e.to), "%s",
		result == HRP_CONFIG_NONE ? "unanswered" : config_result_names[result]);
	snprintf(e.cause, sizeof(e.cause), "%.*s", (int)sizeof(e.cause) - 1, reason);
	(void)config_bus_tell(&b->bus, &e);
}

void
ha_backup_tell(struct ha_backup *b, struct events *events, mono_t now)
{
	struct event e;

	if (!config_bus_told(&b->bus, &e))
		return;
	e.at_ns = now.ns;
	events_post(events, &e);
}

/* What stood in the file goes on as FILE.old, comments and all: what somebody has written, so that
 * the next documents do not take its place. */
static void
keep_old(const struct ha_backup *b, const char *path)
{
	char *const old = malloc(PATH_MAX);
	uint8_t digest[CONFIG_DIGEST];

	if (old == NULL)
		return;
	if (b->noted.has_written && config_lineage_digest(path, digest) &&
		memcmp(digest, b->noted.written, CONFIG_DIGEST) == 0) {
		free(old);
		return;
	}
	if (snprintf(old, PATH_MAX, "%s.old", path) >= PATH_MAX)
		errno = ENAMETOOLONG;
	else if ((unlink(old) == 0 || errno == ENOENT) &&
		 linkat(AT_FDCWD, path, AT_FDCWD, old, AT_SYMLINK_FOLLOW) == 0)
		errno = 0;
	if (errno != 0)
		LOG(WARNING, "configuration backup: %s.old cannot be kept: %s", path,
			strerror(errno));
	free(old);
}

/* Before the first document: what this box knew when it ran last. */
static void
recall(struct ha_backup *b)
{
	char err[320];
	const int rc = config_lineage_load(b->m->config_path, &b->noted, err, sizeof(err));

	if (rc != 0 && rc != -ENOENT)
		LOG(WARNING,
			"configuration backup: %s, so it is not known whether this configuration "
			"is newer than the peer's",
			err);
	config_backup_restore(b->machine, &b->noted.origin);
}

/* The running document changes with the configuration, whoever has changed it. */
static void
refresh(struct ha_backup *b)
{
	char *text;

	if (b->seen == b->m->config_number + 1 || b->m->config == NULL)
		return;
	text = config_replicated_text(b->m->config);
	if (text == NULL)
		return; /* out of memory: at the next turn */
	if (b->seen == 0)
		recall(b);
	config_backup_document(b->machine, text);
	b->seen = b->m->config_number + 1;
}

/* What the peer has sent, into the file. */
static void
save(struct ha_backup *b, char *why, size_t size)
{
	char err[640];

	keep_old(b, b->m->config_path);
	b->unsaved = config_save(b->m->config, b->m->config_path, err, sizeof(err)) != 0;
	b->again = mono_add_ms(b->now, SAVE_MS);
	if (b->unsaved)
		snprintf(why, size, "%.*s", (int)size - 1, err);
	else
		b->noted.has_written = config_lineage_digest(b->m->config_path, b->noted.written);
	b->noted.origin.generation = 0; /* is written anew */
}

/* What it will have to know then. */
static void
note(struct ha_backup *b)
{
	struct config_lineage l = b->noted;
	char err[320];

	config_backup_origin(b->machine, &l.origin);
	if (l.origin.generation == 0 || config_lineage_same(&l, &b->noted) ||
		mono_before(b->now, b->note))
		return;
	if (config_lineage_save(b->m->config_path, &l, err, sizeof(err)) == 0) {
		b->noted = l;
		return;
	}
	b->note = mono_add_ms(b->now, SAVE_MS);
	LOG(WARNING,
		"configuration backup: %s, so after a restart it is not known which "
		"configuration is newer",
		err);
}

static void
op_save(void *ctx, char *why, size_t size)
{
	struct ha_backup *const b = ctx;

	if (b->unsaved)
		save(b, why, size);
}

static bool
op_apply(void *ctx, const char *document, char *why, size_t size)
{
	struct ha_backup *const b = ctx;
	char err[640];
	struct config *const next = config_merge(b->m->config, document, err, sizeof(err));

	if (next == NULL || management_replace(b->m, next, err, sizeof(err)) != 0) {
		snprintf(why, size, "%.*s", (int)size - 1, err);
		return false;
	}
	refresh(b);
	save(b, why, size);
	return true;
}

/* The folder may be writable, or the disk have room, by now. */
static void
save_again(struct ha_backup *b)
{
	char why[CONFIG_BACKUP_REASON] = "";

	if (!b->unsaved || mono_before(b->now, b->again))
		return;
	save(b, why, sizeof(why));
	if (!b->unsaved)
		LOG(NOTICE, "configuration backup: %s is saved now", b->m->config_path);
}

struct ha_backup *
ha_backup_create(const char *name, int socket, uint32_t seed, char *err, size_t err_size)
{
	struct ha_backup *const b = calloc(1, sizeof(*b));
	const struct config_backup_ops ops = {
		.ctx = b, .send = op_send, .apply = op_apply, .save = op_save, .told = op_told
	};

	snprintf(err, err_size, "hrp: out of memory");
	if (b == NULL)
		return NULL;
	b->machine = config_backup_create(&ops, seed);
	if (b->machine != NULL && config_bus_create(&b->bus, name, socket) == 0)
		return b;
	ha_backup_destroy(b);
	return NULL;
}

void
ha_backup_destroy(struct ha_backup *b)
{
	if (b == NULL)
		return;
	config_bus_destroy(&b->bus);
	config_backup_destroy(b->machine);
	free(b);
}

struct config_bus *
ha_backup_bus(struct ha_backup *b)
{
	return &b->bus;
}

void
ha_backup_hello(const struct ha_backup *b, struct hrp_hello *h)
{
	const uint64_t digest = atomic_load_explicit(&b->bus.digest, memory_order_relaxed);

	h->config_role = atomic_load_explicit(&b->bus.role, memory_order_relaxed);
	h->flags |= atomic_load_explicit(&b->bus.flags, memory_order_relaxed);
	h->config_generation =
		rte_cpu_to_be_32(atomic_load_explicit(&b->bus.generation, memory_order_relaxed));
	memcpy(h->config_digest, &digest, sizeof(h->config_digest));
}

/* => 0, or -EFBIG with a one-line reason: no other box would ever get it. */
static int
check_size(const struct config *next, char *err, size_t err_size)
{
	char *const text = config_replicated_text(next);
	const size_t size = text != NULL ? strlen(text) : 0;

	free(text);
	if (size <= HRP_CONFIG_SIZE_MAX)
		return 0;
	snprintf(err, err_size, CONFIG_TOO_LARGE ", or hrp.auto_sync_config = false",
		(unsigned int)RTE_MIN(size, (size_t)UINT32_MAX));
	return -EFBIG;
}

int
ha_backup_check(const struct ha_backup *b, const struct config *running, const struct config *next,
	char *err, size_t err_size)
{
	const struct config_hrp *const hrp = config_section_data(next, "hrp");
	char setting[160];

	if (!hrp->auto_sync_config)
		return 0;
	if (!config_backup_locked(b->machine, b->now))
		return check_size(next, err, err_size);
	if (!config_difference(running, next, CONFIG_REPLICATED, setting, sizeof(setting)))
		return 0;
	snprintf(err, err_size,
		"%s is changed on the config master only, which is the peer: this box is the "
		"config "
		"standby",
		setting);
	return -EPERM;
}

bool
ha_backup_standby(const struct ha_backup *b)
{
	struct config_backup_status s;

	config_backup_status(b->machine, &s);
	return s.role == HRP_CONFIG_STANDBY && s.known;
}

/* For the hellos and the HRP core. */
static void
publish(struct ha_backup *b)
{
	struct config_backup_status s;
	uint64_t digest, refused;

	config_backup_status(b->machine, &s);
	memcpy(&digest, s.digest, sizeof(digest));
	if (!config_backup_refused(b->machine, (uint8_t *)&refused))
		refused = digest;
	atomic_store_explicit(&b->bus.digest, digest, memory_order_relaxed);
	atomic_store_explicit(&b->bus.refused, refused, memory_order_relaxed);
	atomic_store_explicit(&b->bus.role, (uint8_t)s.role, memory_order_relaxed);
	atomic_store_explicit(&b->bus.flags,
		(uint8_t)((s.automatic ? HRP_HELLO_AUTO_CONFIG : 0) |
			  (s.newer ? HRP_HELLO_CONFIG_NEWER : 0)),
		memory_order_relaxed);
	atomic_store_explicit(
		&b->bus.pending, config_backup_pending(b->machine), memory_order_relaxed);
	atomic_store_explicit(&b->bus.generation, s.generation, memory_order_relaxed);
}

enum management_ha_state
ha_backup_poll(struct ha_backup *b, struct management *m, mono_t now)
{
	const struct config_hrp *hrp;
	struct config_standing s;
	struct config_frame f;
	bool running = false;

	b->m = m;
	b->now = now;
	refresh(b);
	for (uint32_t i = 0; i < FRAMES && config_bus_get(b->bus.to_management, &f); i++) {
		running = running || f.head.kind != HRP_CONFIG_STATE;
		config_backup_receive(b->machine, &f, now);
	}
	const uint32_t bits = atomic_load_explicit(&b->bus.standing, memory_order_relaxed);

	s = (struct config_standing){ .active = (bits & CONFIG_STANDING_ACTIVE) != 0,
		.alive = (bits & CONFIG_STANDING_ALIVE) != 0,
		.peer_active = (bits & CONFIG_STANDING_PEER_ACTIVE) != 0,
		.first = (bits & CONFIG_STANDING_FIRST) != 0 };
	hrp = config_section_data(m->config, "hrp");
	running = config_backup_turn(b->machine, &s, hrp->auto_sync_config, now) || running;
	save_again(b);
	note(b);
	publish(b);
	return running ? MANAGEMENT_HA_WAITING : MANAGEMENT_HA_IDLE;
}

const char *
ha_backup_push(struct ha_backup *b)
{
	return config_backup_push(b->machine);
}

void
ha_backup_status(const struct ha_backup *b, struct config_backup_status *s)
{
	config_backup_status(b->machine, s);
}
