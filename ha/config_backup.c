/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Backup of the configuration: see config_backup.h.
 */
#include "config_backup.h"

#include "log.h"

#include <rte_common.h>

#include <openssl/evp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define STATE_MS   1000	 /* between two of the same */
#define FRESH_MS   5000	 /* so long what the peer has told counts */
#define SETTLE_MS  500	 /* a role must have lasted before it is acted upon */
#define RESEND_MS  200	 /* without an acknowledgement */
#define SILENCE_MS 10000 /* without progress a transfer has failed; again after that time */
#define APPLY_MS   60000 /* the same while the peer may be applying it; again after a refusal */
#define OVER	   4	 /* transfers, power of two */
#define WINDOW	   (96 * HRP_CONFIG_CHUNK_MAX)

const char *const config_backup_state_names[CONFIG_BACKUP_STATES] = {
	[CONFIG_BACKUP_ALONE] = "alone",
	[CONFIG_BACKUP_UNTAKEN] = "untaken",
	[CONFIG_BACKUP_EQUAL] = "equal",
	[CONFIG_BACKUP_DIFFERS] = "differs",
	[CONFIG_BACKUP_RUNNING] = "running",
	[CONFIG_BACKUP_REFUSED] = "refused",
};

const char *const config_role_names[HRP_CONFIG_STANDBY + 1] = {
	[HRP_CONFIG_NOBODY] = "none",
	[HRP_CONFIG_MASTER] = "master",
	[HRP_CONFIG_STANDBY] = "standby",
};

const char *const config_result_names[HRP_CONFIG_REFUSED + 1] = {
	[HRP_CONFIG_NONE] = "none",
	[HRP_CONFIG_APPLIED] = "applied",
	[HRP_CONFIG_REFUSED] = "refused",
};

struct config_backup {
	struct config_backup_ops ops;
	uint32_t seed;
	char *text; /* what this box runs; NULL = not known yet */
	uint32_t size, generation;
	uint8_t digest[CONFIG_DIGEST], common[CONFIG_DIGEST];
	bool has_common;

	enum hrp_config_role role;
	enum config_backup_state state;
	mono_t role_since, told; /* told: last STATE out */
	bool tell, automatic, forced, alive;

	struct {
		enum hrp_config_role role;
		bool automatic, newer;
		uint32_t generation; /* 0 = it has not told */
		uint8_t digest[CONFIG_DIGEST];
		mono_t heard;
	} peer;

	struct {
		bool running;
		uint32_t id, sent, acked;
		mono_t resend, progress;
	} out;

	struct {
		char *text;
		uint32_t id, size, got, generation;
		uint8_t digest[CONFIG_DIGEST];
		bool applying, done;
	} in;
	uint32_t over[OVER]; /* transfers that came before: what comes late of them is nothing */
	uint32_t over_at;

	/* How the last transfer ended, and between which documents. */
	bool inbound;
	enum hrp_config_result result;
	uint8_t mine[CONFIG_DIGEST], theirs[CONFIG_DIGEST];
	char reason[CONFIG_BACKUP_REASON];
	mono_t ended, again;
	uint64_t sent, received, resent;
};

struct config_backup *
config_backup_create(const struct config_backup_ops *ops, uint32_t seed)
{
	struct config_backup *const b = calloc(1, sizeof(*b));

	if (b != NULL) {
		b->ops = *ops;
		b->seed = seed;
	}
	return b;
}

void
config_backup_destroy(struct config_backup *b)
{
	if (b == NULL)
		return;
	free(b->text);
	free(b->in.text);
	free(b);
}

static void
digest_of(const char *text, size_t size, uint8_t digest[CONFIG_DIGEST])
{
	uint8_t whole[EVP_MAX_MD_SIZE] = { 0 };

	(void)EVP_Digest(text, size, whole, NULL, EVP_sha256(), NULL);
	memcpy(digest, whole, CONFIG_DIGEST);
}

static bool
same(const uint8_t a[CONFIG_DIGEST], const uint8_t b[CONFIG_DIGEST])
{
	return memcmp(a, b, CONFIG_DIGEST) == 0;
}

static bool
over(mono_t now, mono_t since, uint64_t ms)
{
	return !mono_before(now, mono_add_ms(since, ms));
}

static void
forget_in(struct config_backup *b)
{
	free(b->in.text);
	memset(&b->in, 0, sizeof(b->in));
}

void
config_backup_restore(struct config_backup *b, const struct config_origin_of *o)
{
	b->generation = o->generation;
	b->has_common = o->has_common && o->generation != 0;
	memcpy(b->digest, o->digest, CONFIG_DIGEST);
	memcpy(b->common, o->common, CONFIG_DIGEST);
}

void
config_backup_origin(const struct config_backup *b, struct config_origin_of *o)
{
	*o = (struct config_origin_of){ .generation = b->generation, .has_common = b->has_common };
	memcpy(o->digest, b->digest, CONFIG_DIGEST);
	if (b->has_common)
		memcpy(o->common, b->common, CONFIG_DIGEST);
}

/* Generations go round: 1 comes behind 0xffffffff. */
static bool
later(uint32_t a, uint32_t b)
{
	return (int32_t)(a - b) > 0;
}

uint32_t
config_backup_next(uint32_t own, uint32_t peers)
{
	/* 0 is no generation: whatever is known comes behind it. */
	const uint32_t last = own == 0 || (peers != 0 && later(peers, own)) ? peers : own;

	return last == UINT32_MAX ? 1 : last + 1;
}

void
config_backup_document(struct config_backup *b, char *text)
{
	const size_t size = strlen(text);
	uint8_t digest[CONFIG_DIGEST];

	digest_of(text, size, digest);
	if (b->text == NULL && !same(digest, b->digest))
		b->has_common = false; /* edited while nobody looked */
	if (b->in.applying)
		b->generation = b->in.generation;
	else if (b->generation == 0 || !same(digest, b->digest))
		b->generation = config_backup_next(b->generation, b->peer.generation);
	free(b->text);
	b->text = text;
	b->size = (uint32_t)RTE_MIN(size, (size_t)UINT32_MAX);
	b->tell = b->tell || !same(digest, b->digest);
	if (!same(digest, b->digest)) {
		b->out.running = false; /* another transfer, of this one, follows */
		if (b->role == HRP_CONFIG_MASTER && !b->in.applying)
			forget_in(b); /* this edit is newer than what was on its way */
	}
	memcpy(b->digest, digest, CONFIG_DIGEST);
}

/* ---- who is what ---- */

enum hrp_config_role
config_role_next(
	enum hrp_config_role own, enum hrp_config_role peers, const struct config_standing *s)
{
	if (!s->alive)
		return s->active ? HRP_CONFIG_MASTER : HRP_CONFIG_NOBODY;
	if (!s->active)
		return s->peer_active ? HRP_CONFIG_STANDBY : HRP_CONFIG_NOBODY;
	if (!s->peer_active)
		return HRP_CONFIG_MASTER;
	if ((own == HRP_CONFIG_MASTER) != (peers == HRP_CONFIG_MASTER))
		return own == HRP_CONFIG_MASTER ? HRP_CONFIG_MASTER : HRP_CONFIG_STANDBY;
	return s->first ? HRP_CONFIG_MASTER : HRP_CONFIG_STANDBY;
}

static bool
peer_known(const struct config_backup *b, mono_t now)
{
	return b->alive && b->peer.generation != 0 && !over(now, b->peer.heard, FRESH_MS);
}

bool
config_backup_locked(const struct config_backup *b, mono_t now)
{
	return b->role == HRP_CONFIG_STANDBY && b->automatic && b->peer.automatic &&
	       peer_known(b, now);
}

/* Has it been tried, with nothing changed since? */
static bool
tried(const struct config_backup *b)
{
	return b->ended.ns != 0 && same(b->mine, b->digest) && same(b->theirs, b->peer.digest);
}

static enum config_backup_state
state_of(const struct config_backup *b, mono_t now)
{
	if (!b->alive)
		return CONFIG_BACKUP_ALONE;
	if (!peer_known(b, now))
		return CONFIG_BACKUP_UNTAKEN;
	if (b->out.running || (b->in.text != NULL && !b->in.done))
		return CONFIG_BACKUP_RUNNING;
	if (same(b->digest, b->peer.digest))
		return CONFIG_BACKUP_EQUAL;
	if (tried(b) && b->result == HRP_CONFIG_REFUSED)
		return CONFIG_BACKUP_REFUSED;
	return CONFIG_BACKUP_DIFFERS;
}

bool
config_backup_pending(const struct config_backup *b)
{
	return b->automatic && b->peer.automatic && b->role != HRP_CONFIG_NOBODY &&
	       (b->state == CONFIG_BACKUP_RUNNING || b->state == CONFIG_BACKUP_DIFFERS) &&
	       !(tried(b) && b->result != HRP_CONFIG_NONE);
}

bool
config_backup_refused(const struct config_backup *b, uint8_t digest[CONFIG_DIGEST])
{
	if (!b->inbound || b->result != HRP_CONFIG_REFUSED || !same(b->mine, b->digest))
		return false;
	memcpy(digest, b->theirs, CONFIG_DIGEST);
	return true;
}

/* This config standby has been edited on from what the master still has. */
static bool
newer(const struct config_backup *b)
{
	return b->role == HRP_CONFIG_STANDBY && b->peer.role == HRP_CONFIG_MASTER &&
	       b->has_common && !same(b->digest, b->common) && same(b->peer.digest, b->common) &&
	       later(b->generation, b->peer.generation) &&
	       !(tried(b) && !b->inbound && b->result == HRP_CONFIG_REFUSED);
}

/* The peer says so, and this master has not been edited since. */
static bool
yields(const struct config_backup *b)
{
	return b->role == HRP_CONFIG_MASTER && b->peer.role == HRP_CONFIG_STANDBY && b->automatic &&
	       b->peer.automatic && b->peer.newer && b->has_common && same(b->digest, b->common) &&
	       later(b->peer.generation, b->generation);
}

/* Both have the same: so far the two are one. */
static void
note_common(struct config_backup *b, mono_t now)
{
	if (!peer_known(b, now) || b->text == NULL || !same(b->digest, b->peer.digest))
		return;
	b->has_common = true;
	memcpy(b->common, b->digest, CONFIG_DIGEST);
	if (later(b->peer.generation, b->generation))
		b->generation = b->peer.generation;
}

/* What is worth a line: how a transfer ends has its own. */
static void
note_state(struct config_backup *b, mono_t now)
{
	const enum config_backup_state state = state_of(b, now);

	if (state == b->state)
		return;
	if (state == CONFIG_BACKUP_DIFFERS && !(b->automatic && b->peer.automatic))
		LOG(WARNING,
			"configuration backup: %s -> differs, the boxes' configurations are not "
			"the same "
			"and automatic backup is off",
			config_backup_state_names[b->state]);
	else if (state == CONFIG_BACKUP_EQUAL && b->state != CONFIG_BACKUP_RUNNING)
		LOG(NOTICE, "configuration backup: %s -> equal, both boxes have generation %u",
			config_backup_state_names[b->state], b->generation);
	b->state = state;
}

static void
note_role(struct config_backup *b, const struct config_standing *s, mono_t now)
{
	const enum hrp_config_role role = config_role_next(b->role, b->peer.role, s);

	if (role == b->role)
		return;
	LOG(NOTICE, "configuration backup: role %s -> %s, this box is %s, the peer is %s",
		config_role_names[b->role], config_role_names[role],
		s->active ? "active" : "not active",
		!s->alive	 ? "not heard"
		: s->peer_active ? "active"
				 : "not active");
	b->role = role;
	b->role_since = now;
	b->tell = true;
	b->out.running = b->forced = false;
	forget_in(b);
}

/* ---- out ---- */

static struct config_frame
frame_of(const struct config_backup *b, enum hrp_config_kind kind, uint32_t transfer)
{
	const uint8_t flags = (uint8_t)((b->automatic ? HRP_HELLO_AUTO_CONFIG : 0) |
					(newer(b) ? HRP_HELLO_CONFIG_NEWER : 0));
	struct config_frame f = { .head = { .kind = (uint8_t)kind,
					  .role = (uint8_t)b->role,
					  .flags = flags,
					  .transfer = rte_cpu_to_be_32(transfer),
					  .generation = rte_cpu_to_be_32(b->generation) } };

	memcpy(f.head.digest, b->digest, CONFIG_DIGEST);
	return f;
}

/* Has this box itself refused to send what it runs? */
static bool
kept_back(const struct config_backup *b)
{
	return b->size > HRP_CONFIG_SIZE_MAX && !b->inbound && tried(b) &&
	       b->result == HRP_CONFIG_REFUSED;
}

static void
tell_state(struct config_backup *b, mono_t now)
{
	struct config_frame f = frame_of(b, HRP_CONFIG_STATE, 0);

	if (!peer_known(b, now) || (!b->tell && !over(now, b->told, STATE_MS)))
		return;
	/* A result of no transfer, or the peer would wait for one for ever. */
	if (kept_back(b)) {
		f.head.kind = HRP_CONFIG_RESULT;
		f.head.result = HRP_CONFIG_REFUSED;
		f.len = (uint16_t)strlen(b->reason);
		memcpy(f.text, b->reason, f.len);
	}
	b->tell = !b->ops.send(b->ops.ctx, &f);
	b->told = now;
}

static void
end(struct config_backup *b, bool inbound, enum hrp_config_result result, const char *reason,
	mono_t now)
{
	b->inbound = inbound;
	b->result = result;
	b->ended = now;
	snprintf(b->reason, sizeof(b->reason), "%s", reason);
}

static void
tell_end(const struct config_backup *b, uint32_t generation)
{
	if (b->ops.told != NULL)
		b->ops.told(b->ops.ctx, b->inbound, b->result, generation, b->reason);
}

/* How the transfer to the peer has ended. */
static void
end_out(struct config_backup *b, enum hrp_config_result result, const char *reason, mono_t now)
{
	const bool again = tried(b) && b->result == result && strcmp(b->reason, reason) == 0;

	b->out.running = false;
	end(b, false, result, reason, now);
	memcpy(b->mine, b->digest, CONFIG_DIGEST);
	memcpy(b->theirs, b->peer.digest, CONFIG_DIGEST);
	b->again = mono_add_ms(now, result == HRP_CONFIG_REFUSED ? APPLY_MS : SILENCE_MS);
	if (again)
		return;
	tell_end(b, b->generation);
	if (result == HRP_CONFIG_APPLIED)
		LOG(NOTICE,
			"configuration backup: generation %u, %u bytes: sent -> applied by the "
			"peer%s%s",
			b->generation, b->size, reason[0] != '\0' ? ", but " : "", reason);
	else
		LOG(ERROR, "configuration backup: generation %u, %u bytes: sent -> %s, %s",
			b->generation, b->size,
			result != HRP_CONFIG_REFUSED	? "not answered"
			: b->size > HRP_CONFIG_SIZE_MAX ? "kept back"
							: "refused by the peer",
			reason);
}

static bool
may_push(const struct config_backup *b, mono_t now)
{
	if (b->out.running || b->text == NULL || !peer_known(b, now) ||
		!over(now, b->role_since, SETTLE_MS))
		return false;
	if (b->role != HRP_CONFIG_MASTER || b->peer.role != HRP_CONFIG_STANDBY) {
		if (!newer(b))
			return false;
	} else if (b->forced) {
		return true;
	} else if (yields(b)) {
		return false;
	}
	if (!b->automatic || !b->peer.automatic || same(b->digest, b->peer.digest))
		return false;
	return !tried(b) || (b->result != HRP_CONFIG_APPLIED && !mono_before(now, b->again));
}

static void
begin_out(struct config_backup *b, mono_t now)
{
	char why[CONFIG_BACKUP_REASON];

	b->forced = false;
	if (b->size > HRP_CONFIG_SIZE_MAX) {
		snprintf(why, sizeof(why), CONFIG_TOO_LARGE, b->size);
		end_out(b, HRP_CONFIG_REFUSED, why, now);
		b->tell = true;
		return;
	}
	if (b->role == HRP_CONFIG_STANDBY)
		LOG(NOTICE,
			"configuration backup: generation %u, edited on from generation %u of the "
			"config master: sent to it",
			b->generation, b->peer.generation);
	b->seed = b->seed * UINT32_C(1664525) + UINT32_C(1013904223);
	b->out.running = true;
	b->out.id = b->seed | 1;
	b->out.sent = b->out.acked = 0;
	b->out.progress = now;
	b->out.resend = mono_add_ms(now, RESEND_MS);
}

/* The piece at out.sent; an empty one behind the last asks what has become of the whole. */
static bool
send_chunk(struct config_backup *b)
{
	const uint32_t len = RTE_MIN(b->size - b->out.sent, (uint32_t)HRP_CONFIG_CHUNK_MAX);
	struct config_frame f = frame_of(b, HRP_CONFIG_CHUNK, b->out.id);

	f.head.size = rte_cpu_to_be_32(b->size);
	f.head.offset = rte_cpu_to_be_32(b->out.sent);
	f.len = (uint16_t)len;
	memcpy(f.text, b->text + b->out.sent, len);
	if (!b->ops.send(b->ops.ctx, &f))
		return false;
	b->out.sent += len;
	b->sent++;
	return true;
}

static void
pump(struct config_backup *b, mono_t now)
{
	const bool whole = b->out.acked == b->size;

	if (over(now, b->out.progress, whole ? APPLY_MS : SILENCE_MS)) {
		end_out(b, HRP_CONFIG_NONE, "the peer does not answer", now);
		return;
	}
	if (!mono_before(now, b->out.resend)) {
		b->resent += (b->out.sent - b->out.acked + HRP_CONFIG_CHUNK_MAX - 1) /
			     HRP_CONFIG_CHUNK_MAX;
		b->out.sent = b->out.acked;
		b->out.resend = mono_add_ms(now, RESEND_MS);
		if (whole)
			(void)send_chunk(b);
	}
	while (b->out.sent < b->size && b->out.sent - b->out.acked < WINDOW) {
		if (!send_chunk(b))
			return;
	}
}

const char *
config_backup_push(struct config_backup *b)
{
	if (!b->alive)
		return "no peer hears this box";
	if (b->role != HRP_CONFIG_MASTER)
		return "this box is not the config master";
	if (b->peer.generation == 0)
		return "the peer is of a version that takes no configuration, or has not told yet";
	b->forced = true;
	return NULL;
}

/* ---- in ---- */

static void
answer(struct config_backup *b, enum hrp_config_kind kind)
{
	struct config_frame f = frame_of(b, kind, b->in.id);

	f.head.offset = rte_cpu_to_be_32(b->in.got);
	if (kind == HRP_CONFIG_RESULT) {
		f.head.result = (uint8_t)b->result;
		f.len = (uint16_t)strlen(b->reason);
		memcpy(f.text, b->reason, f.len);
	}
	(void)b->ops.send(b->ops.ctx, &f); /* lost: asked for again */
}

/* The whole has arrived. */
static void
take(struct config_backup *b, mono_t now)
{
	char why[CONFIG_BACKUP_REASON] = "";
	uint8_t digest[CONFIG_DIGEST];
	bool applied = false;

	digest_of(b->in.text, b->in.size, digest);
	if (!same(digest, b->in.digest) || strlen(b->in.text) != b->in.size) {
		snprintf(why, sizeof(why), "damaged on the way");
	} else if (b->text != NULL && same(digest, b->digest)) {
		applied = true;
		b->ops.save(b->ops.ctx, why, sizeof(why));
	} else {
		b->in.applying = true;
		applied = b->ops.apply(b->ops.ctx, b->in.text, why, sizeof(why));
		b->in.applying = false;
	}
	b->in.done = true;
	const enum hrp_config_result result = applied ? HRP_CONFIG_APPLIED : HRP_CONFIG_REFUSED;
	const bool again = b->inbound && b->result == result && strcmp(b->reason, why) == 0 &&
			   same(b->theirs, b->in.digest);

	end(b, true, result, why, now);
	memcpy(b->mine, b->digest, CONFIG_DIGEST);
	memcpy(b->theirs, b->in.digest, CONFIG_DIGEST);
	if (!again)
		tell_end(b, b->in.generation);
	if (applied)
		LOG(NOTICE,
			"configuration backup: generation %u, %u bytes: received -> applied%s%s",
			b->in.generation, b->in.size, why[0] != '\0' ? ", but " : "", why);
	else
		LOG(ERROR, "configuration backup: generation %u, %u bytes: received -> refused, %s",
			b->in.generation, b->in.size, why);
	free(b->in.text);
	b->in.text = NULL;
	b->tell = true;
}

static bool
begin_in(struct config_backup *b, const struct config_frame *f)
{
	const uint32_t size = rte_be_to_cpu_32(f->head.size);

	b->over[b->over_at++ % OVER] = b->in.id;
	forget_in(b);
	b->in.text = calloc(1, (size_t)size + 1);
	if (b->in.text == NULL)
		return false;
	b->in.id = rte_be_to_cpu_32(f->head.transfer);
	b->in.size = size;
	b->in.generation = rte_be_to_cpu_32(f->head.generation);
	memcpy(b->in.digest, f->head.digest, CONFIG_DIGEST);
	return true;
}

/* A frame that others have overtaken must not bring an older document back. */
static bool
is_over(const struct config_backup *b, uint32_t id)
{
	for (unsigned int i = 0; i < OVER; i++)
		if (b->over[i] == id && id != 0)
			return true;
	return false;
}

static void
on_chunk(struct config_backup *b, const struct config_frame *f, mono_t now)
{
	const uint32_t offset = rte_be_to_cpu_32(f->head.offset);
	const uint32_t id = rte_be_to_cpu_32(f->head.transfer);
	const bool known = b->in.id == id && id != 0;

	if (!known && b->role != HRP_CONFIG_STANDBY && !yields(b))
		return; /* the peer will learn who is what, and asks again until then */
	if (!known && (offset != 0 || id == 0 || is_over(b, id) || !begin_in(b, f)))
		return;
	if (b->in.done) {
		answer(b, HRP_CONFIG_RESULT);
		return;
	}
	if (rte_be_to_cpu_32(f->head.size) != b->in.size || f->len > b->in.size - b->in.got)
		return;
	if (offset == b->in.got) {
		memcpy(b->in.text + b->in.got, f->text, f->len);
		b->in.got += f->len;
		b->received++;
	}
	answer(b, HRP_CONFIG_ACK);
	if (b->in.got == b->in.size) {
		take(b, now);
		answer(b, HRP_CONFIG_RESULT);
	}
}

static void
on_ack(struct config_backup *b, const struct config_frame *f, mono_t now)
{
	const uint32_t offset = rte_be_to_cpu_32(f->head.offset);

	if (offset <= b->out.acked || offset > b->size)
		return;
	b->out.acked = offset;
	b->out.sent = RTE_MAX(b->out.sent, offset);
	b->out.progress = now;
	b->out.resend = mono_add_ms(now, RESEND_MS);
}

static void
on_result(struct config_backup *b, const struct config_frame *f, mono_t now)
{
	char reason[CONFIG_BACKUP_REASON];

	snprintf(reason, sizeof(reason), "%.*s", (int)f->len, (const char *)f->text);
	end_out(b, (enum hrp_config_result)f->head.result, reason, now);
}

/* The master will not send what it runs. */
static void
on_kept_back(struct config_backup *b, const struct config_frame *f, mono_t now)
{
	char reason[CONFIG_BACKUP_REASON];

	if (b->role != HRP_CONFIG_STANDBY || b->peer.role != HRP_CONFIG_MASTER || b->out.running ||
		f->head.result != HRP_CONFIG_REFUSED)
		return;
	snprintf(reason, sizeof(reason), "%.*s", (int)f->len, (const char *)f->text);
	if (b->inbound && tried(b) && strcmp(b->reason, reason) == 0)
		return;
	forget_in(b);
	end(b, true, HRP_CONFIG_REFUSED, reason, now);
	memcpy(b->mine, b->digest, CONFIG_DIGEST);
	memcpy(b->theirs, b->peer.digest, CONFIG_DIGEST);
	tell_end(b, b->peer.generation);
	LOG(ERROR, "configuration backup: generation %u: kept back by the peer, %s",
		b->peer.generation, reason);
}

void
config_backup_receive(struct config_backup *b, const struct config_frame *f, mono_t now)
{
	const uint32_t transfer = rte_be_to_cpu_32(f->head.transfer);
	const bool ours = b->out.running && transfer == b->out.id;

	if (f->head.generation == 0)
		return; /* a hello of a box that knows nothing of this */
	b->tell = b->tell || b->peer.generation == 0;
	b->peer.role = (enum hrp_config_role)f->head.role;
	b->peer.automatic = (f->head.flags & HRP_HELLO_AUTO_CONFIG) != 0;
	b->peer.newer = (f->head.flags & HRP_HELLO_CONFIG_NEWER) != 0;
	b->peer.generation = rte_be_to_cpu_32(f->head.generation);
	memcpy(b->peer.digest, f->head.digest, CONFIG_DIGEST);
	b->peer.heard = now;
	switch (f->head.kind) {
	case HRP_CONFIG_CHUNK:
		on_chunk(b, f, now);
		break;
	case HRP_CONFIG_ACK:
		if (ours)
			on_ack(b, f, now);
		break;
	case HRP_CONFIG_RESULT:
		if (ours)
			on_result(b, f, now);
		else if (transfer == 0)
			on_kept_back(b, f, now);
		break;
	default:
		break;
	}
}

bool
config_backup_turn(
	struct config_backup *b, const struct config_standing *s, bool automatic, mono_t now)
{
	b->tell = b->tell || automatic != b->automatic;
	b->automatic = automatic;
	b->alive = s->alive;
	if (!s->alive) { /* what it was says nothing of what it will be */
		memset(&b->peer, 0, sizeof(b->peer));
		b->out.running = b->forced = false;
		forget_in(b);
	}
	note_role(b, s, now);
	note_common(b, now);
	tell_state(b, now);
	if (may_push(b, now))
		begin_out(b, now);
	if (b->out.running)
		pump(b, now);
	note_state(b, now);
	return b->state == CONFIG_BACKUP_RUNNING;
}

void
config_backup_status(const struct config_backup *b, struct config_backup_status *s)
{
	*s = (struct config_backup_status){ .state = b->state,
		.role = b->role,
		.peer_role = b->peer.role,
		.automatic = b->automatic,
		.peer_automatic = b->peer.automatic,
		.known = b->peer.generation != 0,
		.newer = newer(b),
		.yields = yields(b),
		.generation = b->generation,
		.peer_generation = b->peer.generation,
		.size = b->inbound ? b->in.size : b->size,
		.arrived = b->inbound ? b->in.got : b->out.acked,
		.sent = b->sent,
		.received = b->received,
		.resent = b->resent,
		.ended = b->ended,
		.inbound = b->inbound,
		.result = b->result };
	memcpy(s->digest, b->digest, CONFIG_DIGEST);
	memcpy(s->peer_digest, b->peer.digest, CONFIG_DIGEST);
	snprintf(s->reason, sizeof(s->reason), "%s", b->reason);
}
