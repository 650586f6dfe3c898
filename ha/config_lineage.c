/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Where a box's configuration comes from: see config_lineage.h.
 */
#include "config_lineage.h"

#include <errno.h>
#include <fcntl.h>
#include <openssl/evp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define VERSION	  1
#define TEXT_MAX  512
#define PATH_ROOM 1024 /* three of PATH_MAX are too much for the stack */

bool
config_lineage_same(const struct config_lineage *a, const struct config_lineage *b)
{
	return a->origin.generation == b->origin.generation &&
	       a->origin.has_common == b->origin.has_common && a->has_written == b->has_written &&
	       memcmp(a->origin.digest, b->origin.digest, CONFIG_DIGEST) == 0 &&
	       memcmp(a->origin.common, b->origin.common, CONFIG_DIGEST) == 0 &&
	       memcmp(a->written, b->written, CONFIG_DIGEST) == 0;
}

/* ---- text ---- */

static void
to_hex(const uint8_t digest[CONFIG_DIGEST], char text[2 * CONFIG_DIGEST + 1])
{
	for (unsigned int i = 0; i < CONFIG_DIGEST; i++)
		snprintf(text + (size_t)2 * i, 3, "%02x", digest[i]);
}

static bool
from_hex(const char *text, uint8_t digest[CONFIG_DIGEST])
{
	static const char digits[] = "0123456789abcdef";

	if (strlen(text) != (size_t)2 * CONFIG_DIGEST)
		return false;
	for (unsigned int i = 0; i < 2 * CONFIG_DIGEST; i++) {
		const char *const at = strchr(digits, text[i]);

		if (at == NULL)
			return false;
		digest[i / 2] = (uint8_t)(digest[i / 2] << 4 | (at - digits));
	}
	return true;
}

static int
put_text(const struct config_lineage *l, char text[TEXT_MAX])
{
	char hex[3][2 * CONFIG_DIGEST + 1];

	to_hex(l->origin.digest, hex[0]);
	to_hex(l->origin.common, hex[1]);
	to_hex(l->written, hex[2]);
	return snprintf(text, TEXT_MAX,
		"# Written by twinwalld for the backup of the configuration beside it.\n"
		"version %d\ngeneration %u\ndigest %s\n%s%s%s%s%s%s",
		VERSION, l->origin.generation, hex[0], l->origin.has_common ? "common " : "",
		l->origin.has_common ? hex[1] : "", l->origin.has_common ? "\n" : "",
		l->has_written ? "written " : "", l->has_written ? hex[2] : "",
		l->has_written ? "\n" : "");
}

static bool
take_generation(const char *value, uint32_t *generation)
{
	char *end;
	const unsigned long number = strtoul(value, &end, 10);

	*generation = (uint32_t)number;
	return value[0] >= '1' && value[0] <= '9' && *end == '\0' && number <= UINT32_MAX;
}

/* => NULL, or what is wrong. */
static const char *
take_line(char *line, struct config_lineage *l, bool *versioned)
{
	char *const value = strchr(line, ' ');

	if (line[0] == '#')
		return NULL;
	if (value == NULL)
		return "damaged";
	*value = '\0';
	if (strcmp(line, "version") == 0) {
		*versioned = strcmp(value + 1, "1") == 0;
		return *versioned ? NULL : "of another version";
	}
	if (!*versioned)
		return "damaged";
	if (strcmp(line, "generation") == 0)
		return take_generation(value + 1, &l->origin.generation) ? NULL : "damaged";
	if (strcmp(line, "digest") == 0)
		return from_hex(value + 1, l->origin.digest) ? NULL : "damaged";
	if (strcmp(line, "common") == 0) {
		l->origin.has_common = true;
		return from_hex(value + 1, l->origin.common) ? NULL : "damaged";
	}
	if (strcmp(line, "written") == 0) {
		l->has_written = true;
		return from_hex(value + 1, l->written) ? NULL : "damaged";
	}
	return "damaged";
}

static const char *
take_text(char *text, struct config_lineage *l)
{
	const char *why = NULL;
	bool versioned = false;
	char *rest = text;

	while (why == NULL && *rest != '\0') {
		char *const end = strchr(rest, '\n');

		if (end == NULL)
			return "damaged"; /* the end is missing */
		*end = '\0';
		why = take_line(rest, l, &versioned);
		rest = end + 1;
	}
	return why != NULL || l->origin.generation != 0 ? why : "damaged";
}

/* ---- file ---- */

static bool
path_of(const char *config_path, const char *suffix, char path[PATH_ROOM])
{
	return snprintf(path, PATH_ROOM, "%s.state%s", config_path, suffix) < PATH_ROOM;
}

/* => NULL, or who else could have written it. */
static const char *
check_owner(int fd)
{
	struct stat st;

	if (fstat(fd, &st) < 0)
		return strerror(errno);
	if (!S_ISREG(st.st_mode))
		return "not a regular file";
	if (st.st_uid != 0 && st.st_uid != geteuid())
		return "of another owner";
	return (st.st_mode & (S_IWGRP | S_IWOTH)) != 0 ? "writable by others" : NULL;
}

int
config_lineage_load(const char *config_path, struct config_lineage *l, char *err, size_t err_size)
{
	char path[PATH_ROOM], text[TEXT_MAX + 1];
	const char *why;
	ssize_t n;
	int fd;

	memset(l, 0, sizeof(*l));
	snprintf(err, err_size, "%.200s.state: the name is too long", config_path);
	if (!path_of(config_path, "", path))
		return -ENAMETOOLONG;
	fd = open(path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	if (fd < 0) {
		const int rc = -errno;

		snprintf(err, err_size, "%.200s: %s", path, strerror(-rc));
		return rc;
	}
	why = check_owner(fd);
	n = why == NULL ? read(fd, text, TEXT_MAX) : 0;
	close(fd);
	if (n < 0) {
		why = strerror(errno);
	} else if (why == NULL) {
		text[n] = '\0';
		why = strlen(text) == (size_t)n ? take_text(text, l) : "damaged";
	}
	if (why == NULL)
		return 0;
	memset(l, 0, sizeof(*l));
	snprintf(err, err_size, "%.200s: %s", path, why);
	return -EINVAL;
}

static int
write_new(const char *path, const char *text, size_t size)
{
	int fd, rc = 0;

	if (unlink(path) < 0 && errno != ENOENT)
		return -errno;
	fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (fd < 0)
		return -errno;
	const ssize_t n = write(fd, text, size);

	if (n < 0 || fsync(fd) < 0)
		rc = -errno;
	else if ((size_t)n != size)
		rc = -ENOSPC;
	if (close(fd) < 0 && rc == 0)
		rc = -errno;
	if (rc < 0)
		unlink(path);
	return rc;
}

/* The rename itself, to the disk. */
static int
sync_folder(const char *path)
{
	char folder[PATH_ROOM];
	const char *const slash = strrchr(path, '/');
	int fd, rc = 0;

	snprintf(folder, sizeof(folder), "%.*s", slash != NULL ? (int)(slash - path + 1) : 1,
		slash != NULL ? path : ".");
	fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	if (fsync(fd) < 0)
		rc = -errno;
	close(fd);
	return rc;
}

int
config_lineage_save(
	const char *config_path, const struct config_lineage *l, char *err, size_t err_size)
{
	char path[PATH_ROOM], next[PATH_ROOM], text[TEXT_MAX];
	const int size = put_text(l, text);
	int rc = -ENAMETOOLONG;

	if (path_of(config_path, "", path) && path_of(config_path, ".new", next)) {
		rc = write_new(next, text, (size_t)size);
		if (rc == 0 && rename(next, path) < 0) {
			rc = -errno;
			unlink(next);
		}
		if (rc == 0)
			rc = sync_folder(path);
	}
	if (rc < 0)
		snprintf(err, err_size, "%.200s.state: %s", config_path, strerror(-rc));
	return rc;
}

bool
config_lineage_digest(const char *path, uint8_t digest[CONFIG_DIGEST])
{
	uint8_t whole[EVP_MAX_MD_SIZE] = { 0 }, piece[2048];
	EVP_MD_CTX *const md = EVP_MD_CTX_new();
	FILE *const f = fopen(path, "re");
	bool done = false;

	if (md != NULL && f != NULL && EVP_DigestInit_ex(md, EVP_sha256(), NULL) == 1) {
		size_t n;

		while ((n = fread(piece, 1, sizeof(piece), f)) > 0)
			(void)EVP_DigestUpdate(md, piece, n);
		done = !ferror(f) && EVP_DigestFinal_ex(md, whole, NULL) == 1;
	}
	memcpy(digest, whole, CONFIG_DIGEST);
	EVP_MD_CTX_free(md);
	if (f != NULL)
		fclose(f);
	return done;
}
