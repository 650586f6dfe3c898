/* SPDX-License-Identifier: BSD-3-Clause */
#include "hrp_keys.h"

#include <errno.h>
#include <fcntl.h>
#include <openssl/crypto.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static const char *
wrong_file(const struct stat *st)
{
	if (!S_ISREG(st->st_mode))
		return "is not a regular file, expected one";
	if (st->st_uid != 0 && st->st_uid != geteuid())
		return "belongs to another user, expected root's or the daemon's";
	if ((st->st_mode & (S_IRWXG | S_IRWXO)) != 0)
		return "can be read or written by others, expected mode 0600";
	return NULL;
}

static int
take_line(struct hrp_key *key, const char *text, size_t len, char *err, size_t err_size)
{
	const char *const end = memchr(text, '\n', len);
	const size_t line = end != NULL ? (size_t)(end - text) : len;

	if (line < HRP_SECRET_MIN || line > HRP_SECRET_MAX) {
		snprintf(err, err_size,
			"has a first line of %s%zu characters, expected a secret of %d to %d",
			line > HRP_SECRET_MAX ? "at least " : "", line, HRP_SECRET_MIN,
			HRP_SECRET_MAX);
		return -1;
	}
	memset(key->secret, 0, sizeof(key->secret));
	memcpy(key->secret, text, line);
	key->len = (uint16_t)line;
	return 0;
}

int
hrp_keys_read(const char *file, struct hrp_key *key, char *err, size_t err_size)
{
	const int fd = open(file, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	char text[HRP_SECRET_MAX + 2];
	const char *wrong;
	struct stat st;
	int rc = -1;

	if (fd < 0 || fstat(fd, &st) != 0) {
		snprintf(err, err_size, "%s, expected a file with a secret", strerror(errno));
		if (fd >= 0)
			close(fd);
		return -1;
	}
	wrong = wrong_file(&st);
	const ssize_t n = wrong == NULL ? read(fd, text, sizeof(text)) : 0;

	if (wrong != NULL)
		snprintf(err, err_size, "%s", wrong);
	else if (n < 0)
		snprintf(err, err_size, "%s, expected a secret", strerror(errno));
	else
		rc = take_line(key, text, (size_t)n, err, err_size);
	OPENSSL_cleanse(text, sizeof(text));
	close(fd);
	return rc;
}

int
hrp_keys_load(const struct config *c, struct hrp_security *s, char *err, size_t err_size)
{
	const struct config_hrp_security *const section = config_section_data(c, "hrp_security");
	char why[160];

	*s = (struct hrp_security){ .algorithm = HA_ALGORITHM_NONE };
	if (section == NULL || section->keys.count == 0)
		return 0;
	s->algorithm = (enum ha_algorithm)section->algorithm;
	s->rollout = (enum hrp_rollout)section->rollout;
	for (uint32_t i = 0; i < section->keys.count && i < HRP_KEYS_MAX; i++) {
		const struct config_hrp_key *const k =
			(const struct config_hrp_key *)section->keys.items + i;
		struct hrp_key *const to = &s->keys[s->key_count++];

		to->id = (uint16_t)k->id;
		if (hrp_keys_read(k->file, to, why, sizeof(why)) != 0) {
			snprintf(err, err_size, "hrp_security: %s: %s", k->file, why);
			return -1;
		}
	}
	return 0;
}
