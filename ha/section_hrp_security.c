/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Section `hrp_security`: how the messages between the boxes are signed (hrp_trailer.h).
 */
#include "hrp_keys.h"

/* Words of enum ha_algorithm - 1: without keys nothing is signed. */
static const char *const algorithm_words[] = { "hmac-sha256", "aes-256-gcm", NULL };
static const char *const rollout_words[] = { "enforce", "permissive", "receive-only", NULL };

// clang-format off
static const struct config_setting_desc key_settings[] = {
	{ .name = "id", .type = SETTING_INT, SETTING_AT(struct config_hrp_key, id),
	  .required = true, .min = 1, .max = 65535, .help = "Number of the key, the same on both boxes." },
	{ .name = "file", .type = SETTING_STRING, SETTING_AT(struct config_hrp_key, file),
	  .required = true, .min = 2, .max = HRP_KEY_FILE_MAX - 1,
	  .help = "File with the secret in its first line, 16 to 64 characters; mode 0600. The same "
		  "secret on both boxes." },
	{ .name = NULL },
};

static const struct config_setting_desc settings[] = {
	{ .name = "algorithm", .type = SETTING_ENUM, SETTING_AT(struct config_hrp_security, algorithm),
	  .choices = algorithm_words, .fallback = "aes-256-gcm",
	  .help = "`hmac-sha256` signs, `aes-256-gcm` signs and encrypts; the same on both boxes." },
	{ .name = "rollout", .type = SETTING_ENUM, SETTING_AT(struct config_hrp_security, rollout),
	  .choices = rollout_words, .fallback = "enforce",
	  .help = "To come from no keys to keys one box after the other: `receive-only` does not sign "
		  "yet and takes both, `permissive` signs and takes both, `enforce` signs and takes "
		  "nothing else." },
	{ .name = "keys", .type = SETTING_LIST, .offset = offsetof(struct config_hrp_security, keys),
	  .size = sizeof(struct config_hrp_key), .max_items = HRP_KEYS_MAX, .settings = key_settings,
	  .help = "The first one signs, each is taken: so a secret is changed without a gap. None: "
		  "nothing is signed." },
	{ .name = NULL },
};
// clang-format on

static int
check(struct config *c)
{
	struct config_hrp_security *const s = config_section_fill(c, "hrp_security");
	const struct config_hrp_key *const keys = s->keys.items;
	struct hrp_key key;
	char why[160];

	s->algorithm += HA_ALGORITHM_HMAC;
	for (uint32_t i = 0; i < s->keys.count; i++) {
		if (keys[i].file[0] != '/')
			return config_fail(c, &keys[i].origin, "file",
				"\"%s\" is not a whole path, expected one that begins with /",
				keys[i].file);
		for (uint32_t j = 0; j < i; j++)
			if (keys[j].id == keys[i].id)
				return config_fail(c, &keys[i].origin, "id",
					"is that of line %d too, expected another number",
					keys[j].origin.line);
		if (hrp_keys_read(keys[i].file, &key, why, sizeof(why)) != 0)
			return config_fail(c, &keys[i].origin, "file", "%s: %s", keys[i].file, why);
	}
	return 0;
}

const struct config_section config_section_hrp_security = {
	.name = "hrp_security",
	.size = sizeof(struct config_hrp_security),
	.settings = settings,
	.check = check,
	.help = "How the messages between the boxes are signed. A change needs a restart of each "
		"box.",
};
