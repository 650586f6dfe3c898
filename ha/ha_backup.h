/*
 * Backup of the configuration, put together: the machine (config_backup.h), the rings to the HRP
 * core, and what management does with a document of the peer.  Management thread only, but for
 * ha_backup_hello() and ha_backup_tell().
 */
#pragma once

#include "config_backup.h"
#include "events.h"
#include "management.h"

struct ha_backup;

/* => NULL with a one-line reason. */
struct ha_backup *ha_backup_create(
	const char *name, int socket, uint32_t seed, char *err, size_t err_size);
void ha_backup_destroy(struct ha_backup *);
struct config_bus *ha_backup_bus(struct ha_backup *);

/* ha_backup_hello: what a hello says of it. => any thread */
void ha_backup_hello(const struct ha_backup *, struct hrp_hello *);

/* ha_backup_check: may this box change from one to the other configuration by itself (R185, R191)?
 * => 0, -EPERM, or -EFBIG (more than can be sent), with a one-line reason. */
int ha_backup_check(const struct ha_backup *, const struct config *running,
	const struct config *next, char *err, size_t err_size);
/* ha_backup_standby: is this box the config standby of a peer that knows what that is (R188)? */
bool ha_backup_standby(const struct ha_backup *);
/* ha_backup_poll: every turn of management; applies and saves what the peer has sent. */
enum management_ha_state ha_backup_poll(struct ha_backup *, struct management *, mono_t now);
/* ha_backup_tell: how transfers have ended, for who follows the events; control core only. */
void ha_backup_tell(struct ha_backup *, struct events *, mono_t now);
const char *ha_backup_push(struct ha_backup *); /* config_backup_push() */
void ha_backup_status(const struct ha_backup *, struct config_backup_status *);
