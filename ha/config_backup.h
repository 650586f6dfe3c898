/*
 * Backup of the configuration (R178-R194): which of the two boxes is config master, whether both
 * have the same replicated sections, and the transfer from the master to the other one.
 *
 * A document is the text of the replicated sections (config_replicated_text()).  The master sends
 * it in chunks, a window at a time; the other box acknowledges what has arrived in order, checks
 * the digest, applies the whole or nothing, and answers what has become of it.  What is lost is
 * sent again from the last acknowledged place on.
 *
 * A box that was down does not bring an old document back (both were down, and the one that had
 * not been edited came first): a config standby whose own was edited on from what the master has
 * says so, and sends it.  The master takes it unless it has been edited as well since both had the
 * same.
 *
 * Pure but for the callbacks; management thread only.
 */
#pragma once

#include "clock.h"
#include "config_bus.h"

#include <stdbool.h>
#include <stdint.h>

#define CONFIG_DIGEST	     8
#define CONFIG_BACKUP_REASON 256
#define CONFIG_TOO_LARGE                                                                           \
	"the sections that both boxes have in common have %u bytes as one document, expected at "  \
	"most 32 MiB"

/* What the HRP core knows of the two boxes. */
struct config_standing {
	bool active, alive, peer_active; /* alive: the peer */
	bool first;			 /* of two alike this box comes before the peer */
};

/* config_role_next: the config master is the active box; with load sharing the one that was so
 * before the other came (R190), and of two that say the same of themselves the first.  A box alone
 * is its own master as soon as it is active. */
enum hrp_config_role config_role_next(
	enum hrp_config_role own, enum hrp_config_role peers, const struct config_standing *);

enum config_backup_state {
	CONFIG_BACKUP_ALONE,   /* no peer is heard */
	CONFIG_BACKUP_UNTAKEN, /* the peer is of a version that knows no backup, or has not told */
	CONFIG_BACKUP_EQUAL,
	CONFIG_BACKUP_DIFFERS,
	CONFIG_BACKUP_RUNNING, /* a transfer, or it is about to begin */
	CONFIG_BACKUP_REFUSED, /* by the config standby: the reason is known */
	CONFIG_BACKUP_STATES
};
extern const char *const config_backup_state_names[CONFIG_BACKUP_STATES];
extern const char *const config_role_names[HRP_CONFIG_STANDBY + 1];
extern const char *const config_result_names[HRP_CONFIG_REFUSED + 1];

struct config_backup_ops {
	void *ctx;
	bool (*send)(void *ctx, const struct config_frame *); /* false: not now */
	/* Apply and save a document, or change nothing. => applied; the reason why not, or what is
	 * amiss all the same, as one line in `why` ("" before). */
	bool (*apply)(void *ctx, const char *document, char *why, size_t size);
	/* What has been applied came once more: save it, unless it is; what is amiss in `why`. */
	void (*save)(void *ctx, char *why, size_t size);
	/* A transfer has ended so, with this generation; NULL = nobody wants to know. */
	void (*told)(void *ctx, bool inbound, enum hrp_config_result, uint32_t generation,
		const char *reason);
};

/* Where the document of a box comes from, over its restarts (config_lineage.h). */
struct config_origin_of {
	uint32_t generation; /* 0 = nothing is known */
	uint8_t digest[CONFIG_DIGEST];
	bool has_common;
	uint8_t common[CONFIG_DIGEST]; /* what both boxes were last seen to have */
};

struct config_backup_status {
	enum config_backup_state state;
	enum hrp_config_role role, peer_role;
	bool automatic, peer_automatic, known; /* known: the peer has told what it runs */
	bool newer, yields; /* standby: than the master's; master: the peer's is, and will come */
	uint32_t generation, peer_generation;
	uint8_t digest[CONFIG_DIGEST], peer_digest[CONFIG_DIGEST];
	uint32_t size, arrived; /* of the transfer under way, or the last */
	uint64_t sent, received, resent;
	mono_t ended; /* of the last one, 0 = never */
	bool inbound;
	enum hrp_config_result result;
	char reason[CONFIG_BACKUP_REASON];
};

struct config_backup;

/* => NULL: out of memory. */
struct config_backup *config_backup_create(const struct config_backup_ops *, uint32_t seed);
void config_backup_destroy(struct config_backup *);

/* config_backup_restore: before the first document: what config_backup_origin() gave when this box
 * ran last.  It counts only if the document is still that one. */
void config_backup_restore(struct config_backup *, const struct config_origin_of *);
void config_backup_origin(const struct config_backup *, struct config_origin_of *);

/* config_backup_next: the generation of an edit: behind both, and never 0. */
uint32_t config_backup_next(uint32_t own, uint32_t peers);
/* config_backup_document: what this box runs now; `text` is malloc'ed and ours from now on. */
void config_backup_document(struct config_backup *, char *text);
/* config_backup_receive: a checked frame of the peer, or (kind STATE) what its hello has told. */
void config_backup_receive(struct config_backup *, const struct config_frame *, mono_t now);
/* config_backup_turn: as often as you like. => is a transfer under way? */
bool config_backup_turn(
	struct config_backup *, const struct config_standing *, bool automatic, mono_t now);
/* config_backup_push: once, at once (R197). => NULL, or why not. */
const char *config_backup_push(struct config_backup *);
/* config_backup_locked: is what both boxes have in common changed at the other one (R191)? */
bool config_backup_locked(const struct config_backup *, mono_t now);
/* config_backup_pending: is this box, or the peer, about to get another configuration? */
bool config_backup_pending(const struct config_backup *);
/* config_backup_refused: the peer's document that this box has refused. => false: none */
bool config_backup_refused(const struct config_backup *, uint8_t digest[CONFIG_DIGEST]);
void config_backup_status(const struct config_backup *, struct config_backup_status *);
