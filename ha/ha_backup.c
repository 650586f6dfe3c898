/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Backup of the configuration, put together: see ha_backup.h.
 */
#include "ha_backup.h"

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
	struct management *m; /* of this turn */
	uint64_t seen;	      /* management.config_number of the document; 0 = none yet */
	mono_t now, again;    /* again: a save that has failed */
	bool unsaved;	      /* the file is not what the peer has sent */
};

static bool
op_send(void *ctx, const struct config_frame *f)
{
	const struct ha_backup *const b = ctx;

	return config_bus_put(b->bus.to_hrp, f);
}

/* What stood in the file goes on as FILE.old: comments and all. */
static void
keep_old(const char *path)
{
	char *const old = malloc(PATH_MAX);

	if (old == NULL)
		return;
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
	config_backup_document(b->machine, text);
	b->seen = b->m->config_number + 1;
}

/* What the peer has sent, into the file. */
static void
save(struct ha_backup *b, char *why, size_t size)
{
	char err[640];

	keep_old(b->m->config_path);
	b->unsaved = config_save(b->m->config, b->m->config_path, err, sizeof(err)) != 0;
	b->again = mono_add_ms(b->now, SAVE_MS);
	if (b->unsaved)
		snprintf(why, size, "%.*s", (int)size - 1, err);
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
		.ctx = b, .send = op_send, .apply = op_apply, .save = op_save
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
	atomic_store_explicit(
		&b->bus.flags, s.automatic ? HRP_HELLO_AUTO_CONFIG : 0, memory_order_relaxed);
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
