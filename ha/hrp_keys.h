/*
 * Secrets of the HA messages: read from files, so that neither the configuration nor anything that
 * shows it holds them.  Start-up and management thread.
 */
#pragma once

#include "config.h"
#include "hrp_trailer.h"

#include <stddef.h>

#define HRP_KEY_FILE_MAX 256

struct config_hrp_key {
	struct config_origin origin;
	int64_t id;
	char file[HRP_KEY_FILE_MAX];
};

struct config_hrp_security {
	struct config_origin origin;
	int algorithm; /* enum ha_algorithm */
	int rollout;   /* enum hrp_rollout */
	struct config_list keys;
};

extern const struct config_section config_section_hrp_security;

/* hrp_keys_read: the first line of the file, without the newline, is the secret.  Refused are
 * files that are not regular, belong to another user, or can be read or written by others.
 * => 0 or -1 with the reason in err, which says what was expected. */
int hrp_keys_read(const char *file, struct hrp_key *, char *err, size_t err_size);
/* hrp_keys_load: what the section says, with the secrets. => 0 or -1 with a one-line reason. */
int hrp_keys_load(const struct config *, struct hrp_security *, char *err, size_t err_size);
