/*
 * Where a box's configuration comes from, kept beside its file (FILE.state) over a restart: the
 * generation, and what both boxes were last seen to have in common.
 *
 * A small text; whoever could change it could make an old configuration win, so that it counts only
 * when nobody else can.  Management thread only.
 */
#pragma once

#include "config_backup.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct config_lineage {
	struct config_origin_of origin;
	bool has_written;
	uint8_t written[CONFIG_DIGEST]; /* of the file, as this program has written it last */
};

bool config_lineage_same(const struct config_lineage *, const struct config_lineage *);
/* config_lineage_load: => 0, -ENOENT (there is none), or -errno with a one-line reason; `l` is
 * empty unless 0. */
int config_lineage_load(const char *config_path, struct config_lineage *, char *err, size_t);
/* config_lineage_save: new file, fsync, rename. => 0 or -errno with a one-line reason. */
int config_lineage_save(const char *config_path, const struct config_lineage *, char *err, size_t);
/* config_lineage_digest: of the bytes of a file. => false: it cannot be read. */
bool config_lineage_digest(const char *path, uint8_t digest[CONFIG_DIGEST]);
