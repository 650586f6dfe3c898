/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The configuration as an object: reading a file, what sections look up in each other, saving.
 * Management thread only.
 */
#include "config.h"

#include "config_schema.h"
#include "snapshot.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define FILE_MAX (16U << 20) /* bytes: far above MAX_RULES rules */

/* ---- reading ---- */

static int
whole_file_fail(struct config *c, const char *what, int error)
{
	return config_schema_fail(c, 0, "file", "%s%s%s, expected a readable configuration file",
		what, error != 0 ? ": " : "", error != 0 ? strerror(error) : "");
}

/* => malloc'ed text, NULL with the reason noted. */
static char *
read_text(struct config *c)
{
	const int fd = open(c->path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	char *text = NULL;
	struct stat st;
	size_t size, n = 0;

	if (fd < 0) {
		whole_file_fail(c, "cannot be opened", errno);
		return NULL;
	}
	if (fstat(fd, &st) < 0) {
		whole_file_fail(c, "cannot be read", errno);
		goto out;
	}
	if (!S_ISREG(st.st_mode)) {
		whole_file_fail(
			c, S_ISDIR(st.st_mode) ? "is a directory" : "is no regular file", 0);
		goto out;
	}
	if (st.st_size == 0 || st.st_size > FILE_MAX) {
		whole_file_fail(c, st.st_size == 0 ? "is empty" : "is larger than 16 MiB", 0);
		goto out;
	}
	size = (size_t)st.st_size;
	text = calloc(1, size + 1);
	while (text != NULL && n < size) {
		const ssize_t got = read(fd, text + n, size - n);

		if (got > 0) {
			n += (size_t)got;
			continue;
		}
		if (got < 0 && errno == EINTR)
			continue;
		whole_file_fail(c, "cannot be read", got < 0 ? errno : EIO);
		free(text);
		text = NULL;
		goto out;
	}
	if (text == NULL) {
		whole_file_fail(c, "cannot be read", ENOMEM);
	} else if (memchr(text, '\0', size) != NULL) {
		int line = 1;

		for (const char *p = text; *p != '\0'; p++)
			line += *p == '\n';
		config_schema_fail(c, line, "file", "has a NUL byte, expected text");
		free(text);
		text = NULL;
	}
out:
	close(fd);
	return text;
}

/* The tree is one file: what is saved and replicated must be what was read. */
static int
refuse_include(struct config *c, const char *text)
{
	int line = 1;

	while (text != NULL) {
		const size_t blanks = strspn(text, " \t");

		if (strncmp(text + blanks, "@include", 8) == 0)
			return config_schema_fail(c, line, "@include",
				"is not supported, expected the whole configuration in one file");
		text = strchr(text, '\n');
		if (text != NULL)
			text++;
		line++;
	}
	return 0;
}

/* The end of a comment or string that begins at `at`, or `at` itself. */
static const char *
skip_quoted(const char *at)
{
	const char *end;

	if (*at == '#' || (at[0] == '/' && at[1] == '/'))
		return at + strcspn(at, "\n");
	if (at[0] == '/' && at[1] == '*') {
		end = strstr(at + 2, "*/");
		return end != NULL ? end + 2 : at + strlen(at);
	}
	if (*at != '"')
		return at;
	for (at++; *at != '\0' && *at != '"'; at++) {
		if (*at == '\\' && at[1] != '\0')
			at++;
	}
	return *at == '"' ? at + 1 : at;
}

/* libconfig keeps the low 32 bits of an integer without the suffix L, silently. */
static int
refuse_wide_integers(struct config *c, const char *text)
{
	int line = 1;

	for (const char *at = text; *at != '\0';) {
		const char *next = skip_quoted(at);
		size_t word = strspn(
			at, "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ_.*-+");
		char *end;

		if (next != at) {
			for (; at < next; at++)
				line += *at == '\n';
			continue;
		}
		if (word == 0) {
			line += *at++ == '\n';
			continue;
		}
		errno = 0;
		if (strchr("-+0123456789", *at) != NULL) {
			const long long value = strtoll(at, &end, 0);

			if (end == at + word && (errno != 0 || value > INT_MAX || value < INT_MIN))
				return config_schema_fail(c, line, "syntax",
					"the integer %.*s is too large, expected %d to %d, or the "
					"suffix L",
					(int)RTE_MIN(word, (size_t)40), at, INT_MIN, INT_MAX);
		}
		at += word;
	}
	return 0;
}

static int
syntax_fail(struct config *c, const char *text)
{
	const int line = config_error_line(&c->tree);
	char near[CONFIG_QUOTED], start[CONFIG_QUOTED];
	size_t n;

	for (int i = 1; i < line && text != NULL; i++) {
		text = strchr(text, '\n');
		if (text != NULL)
			text++;
	}
	if (text == NULL)
		text = "";
	text += strspn(text, " \t");
	n = strcspn(text, "\n");
	snprintf(start, sizeof(start), "%.*s", (int)RTE_MIN(n, sizeof(start) - 1), text);
	return config_schema_fail(c, line, "syntax",
		"%s at or before \"%s\", expected name = value; with every quote and bracket "
		"closed and "
		"each name once in its group",
		config_error_text(&c->tree), config_schema_quote(start, near));
}

static struct config *
new_config(const char *path, const struct config_section *const *sections)
{
	struct config *c = calloc(1, sizeof(*c));

	if (c == NULL)
		return NULL;
	config_init(&c->tree);
	c->sections = sections;
	c->path = strdup(path);
	if (c->path == NULL) {
		config_free(c);
		return NULL;
	}
	return c;
}

static int
read_tree(struct config *c, const char *text)
{
	int rc = refuse_include(c, text);

	if (rc == 0)
		rc = refuse_wide_integers(c, text);
	if (rc == 0 && config_read_string(&c->tree, text) != CONFIG_TRUE)
		rc = syntax_fail(c, text);
	return rc;
}

static int
fill(struct config *c, const char *text)
{
	const int rc = read_tree(c, text);

	return rc < 0 ? rc : config_schema_compile(c);
}

/* => c, or NULL with the reason in err and c gone. */
static struct config *
finish(struct config *c, int rc, char *err, size_t err_size)
{
	if (rc == 0)
		return c;
	snprintf(err, err_size, "%s", c->error);
	config_free(c);
	return NULL;
}

struct config *
config_load(
	const char *path, const struct config_section *const *sections, char *err, size_t err_size)
{
	struct config *c = new_config(path, sections);
	char *text;
	int rc = -EINVAL;

	if (c == NULL) {
		snprintf(err, err_size, "%s:0: file: out of memory, expected enough for it", path);
		return NULL;
	}
	text = read_text(c);
	if (text != NULL)
		rc = fill(c, text);
	free(text);
	return finish(c, rc, err, err_size);
}

static struct config *
from_text(const char *text, const char *path, const struct config_section *const *sections,
	int (*take)(struct config *, const char *), char *err, size_t err_size)
{
	struct config *c = new_config(path, sections);

	if (c == NULL) {
		snprintf(err, err_size, "%s:0: file: out of memory, expected enough for it", path);
		return NULL;
	}
	return finish(c, take(c, text), err, err_size);
}

struct config *
config_parse(const char *text, const char *path, const struct config_section *const *sections,
	char *err, size_t err_size)
{
	return from_text(text, path, sections, fill, err, err_size);
}

struct config *
config_schema_tree(const char *text, const char *path, const struct config_section *const *sections,
	char *err, size_t err_size)
{
	return from_text(text, path, sections, read_tree, err, err_size);
}

void
config_free(struct config *c)
{
	if (c == NULL)
		return;
	config_destroy(&c->tree);
	config_schema_free(c);
	free(c->path);
	free(c);
}

/* ---- for sections ---- */

void *
config_section_fill(struct config *c, const char *section)
{
	for (unsigned int i = 0; c->sections[i] != NULL; i++) {
		if (strcmp(c->sections[i]->name, section) == 0)
			return c->data[i];
	}
	return NULL;
}

const void *
config_section_data(const struct config *c, const char *section)
{
	for (unsigned int i = 0; c->sections[i] != NULL; i++) {
		if (strcmp(c->sections[i]->name, section) == 0)
			return c->data[i];
	}
	return NULL;
}

/* "name", or "group.name", up to a '[' in it.  => NULL: it is not written in the file */
static const config_setting_t *
written(const struct config_origin *origin, const char *setting)
{
	const config_setting_t *node = origin->node;
	const char *at = setting;
	char name[64];

	while (node != NULL && config_setting_is_group(node)) {
		const size_t len = strcspn(at, ".[");

		snprintf(name, sizeof(name), "%.*s", (int)len, at);
		node = config_setting_get_member(node, name);
		if (at[len] != '.')
			return node;
		at += len + 1;
	}
	return NULL;
}

bool
config_is_set(const struct config_origin *origin, const char *setting)
{
	return written(origin, setting) != NULL;
}

/* Line of "name", "group.name" or "name[2]" within an item; the item's own when it is not written
 * there. */
static int
setting_line(const struct config_origin *origin, const char *setting)
{
	const config_setting_t *const node = written(origin, setting), *elem;
	unsigned int index;

	if (node == NULL)
		return origin->line;
	if (sscanf(setting + strcspn(setting, "["), "[%u]", &index) == 1) {
		elem = config_setting_get_elem(node, index);
		if (elem != NULL)
			return config_setting_source_line(elem);
	}
	return config_setting_source_line(node);
}

int
config_fail(struct config *c, const struct config_origin *origin, const char *setting,
	const char *fmt, ...)
{
	char path[256], text[512];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	snprintf(path, sizeof(path), "%s%s%s", origin->path, setting != NULL ? "." : "",
		setting != NULL ? setting : "");
	return config_schema_fail(c, setting != NULL ? setting_line(origin, setting) : origin->line,
		path, "%s", text);
}

void
config_reason(const struct config_origin *origin, const char *setting, char *err, size_t err_size,
	const char *fmt, ...)
{
	const int n = snprintf(err, err_size, "%s:%d: %s.%s: ", origin->file,
		setting_line(origin, setting), origin->path, setting);
	va_list ap;

	if (n > 0 && (size_t)n < err_size) {
		va_start(ap, fmt);
		vsnprintf(err + n, err_size - (size_t)n, fmt, ap);
		va_end(ap);
	}
}

struct named {
	const char *name;
	uint32_t index;
};

static int
named_compare(const void *pa, const void *pb)
{
	const struct named *a = pa, *b = pb;
	const int order = strcmp(a->name, b->name);

	if (order != 0)
		return order;
	return a->index < b->index ? -1 : 1;
}

int
config_unique(struct config *c, const struct config_list *list, size_t item_size, size_t offset,
	const char *setting)
{
	struct named *all = calloc((size_t)list->count + 1, sizeof(*all));
	uint32_t again = UINT32_MAX, first = 0;
	const struct config_origin *origin;

	if (all == NULL)
		return config_schema_fail(c, 0, "file", "out of memory, expected enough for it");
	for (uint32_t i = 0; i < list->count; i++) {
		all[i].name = (const char *)list->items + i * item_size + offset;
		all[i].index = i;
	}
	qsort(all, list->count, sizeof(*all), named_compare);
	for (uint32_t i = 1; i < list->count; i++) {
		if (strcmp(all[i - 1].name, all[i].name) == 0 && all[i].index < again) {
			again = all[i].index;
			first = all[i - 1].index;
		}
	}
	free(all);
	if (again == UINT32_MAX)
		return 0;
	origin = (const void *)((const char *)list->items + first * item_size);
	first = (uint32_t)origin->line;
	origin = (const void *)((const char *)list->items + again * item_size);
	return config_fail(
		c, origin, setting, "is taken by the item in line %u, expected its own", first);
}

/* ---- what several parts look up ---- */

const struct config_zone config_builtin_zones[CONFIG_BUILTIN_ZONES] = {
	{ .name = "local", .priority = 100 },
	{ .name = "trust", .priority = 85 },
	{ .name = "dmz", .priority = 50 },
	{ .name = "untrust", .priority = 5 },
};

uint8_t
config_zone_id(const struct config *c, const char *name)
{
	const struct config_list *list = config_section_data(c, "zones");
	const struct config_zone *zones = list->items;

	for (unsigned int i = 0; i < CONFIG_BUILTIN_ZONES; i++) {
		if (strcmp(config_builtin_zones[i].name, name) == 0)
			return (uint8_t)(i + ZONE_LOCAL);
	}
	for (uint32_t i = 0; i < list->count; i++) {
		if (strcmp(zones[i].name, name) == 0)
			return (uint8_t)(i + CONFIG_BUILTIN_ZONES + ZONE_LOCAL);
	}
	return ZONE_NONE;
}

int
config_interface_index(const struct config *c, const char *name)
{
	const struct config_list *list = config_section_data(c, "interfaces");
	const struct config_interface *interfaces = list->items;

	for (uint32_t i = 0; i < list->count; i++) {
		if (strcmp(interfaces[i].name, name) == 0)
			return (int)i;
	}
	return -1;
}

int
config_port_index(const struct config *c, const char *name)
{
	const struct config_list *list = config_section_data(c, "ports");
	const struct config_list *trunks = config_section_data(c, "eth_trunks");
	const struct config_port *ports = list->items;
	const struct config_trunk *t = trunks->items;

	for (uint32_t i = 0; i < list->count; i++) {
		if (strcmp(ports[i].name, name) == 0)
			return (int)i;
	}
	for (uint32_t i = 0; i < trunks->count; i++) {
		if (strcmp(t[i].name, name) == 0)
			return (int)(list->count + i);
	}
	return -1;
}

const char *
config_port_name(const struct config *c, uint16_t index)
{
	const struct config_list *list = config_section_data(c, "ports");
	const struct config_list *trunks = config_section_data(c, "eth_trunks");

	if (index < list->count)
		return ((const struct config_port *)list->items)[index].name;
	if (index - list->count < trunks->count)
		return ((const struct config_trunk *)trunks->items)[index - list->count].name;
	return "";
}

int64_t
config_port_mtu(const struct config *c, uint16_t index)
{
	const struct config_list *list = config_section_data(c, "ports");
	const struct config_list *trunks = config_section_data(c, "eth_trunks");
	const struct config_port *ports = list->items;
	const struct config_trunk *t = trunks->items;
	int member;

	if (index < list->count)
		return ports[index].mtu;
	/* That of its members, which is the same everywhere. */
	member = config_port_index(c, t[index - list->count].members.items);
	return member >= 0 && member < (int)list->count ? ports[member].mtu : 0;
}

const char *
config_port_user(const struct config *c, const char *name)
{
	const struct config_list *trunks = config_section_data(c, "eth_trunks");
	const struct config_trunk *t = trunks->items;

	for (uint32_t i = 0; i < trunks->count; i++) {
		const char(*members)[CONFIG_PORT_NAME] = t[i].members.items;

		for (uint32_t k = 0; k < t[i].members.count; k++) {
			if (strcmp(members[k], name) == 0)
				return t[i].name;
		}
	}
	return name;
}

/* ---- saving ---- */

/* What a save is about: the real file, the new one beside it, their folder. */
struct save {
	char real[PATH_MAX];
	char next[PATH_MAX];
	char folder[PATH_MAX];
	struct stat old;
	bool exists;
};

/* A file that is not there yet: its folder's real path and its name. */
static int
resolve_new(struct save *s, const char *path)
{
	const char *slash = strrchr(path, '/');
	const char *base = slash != NULL ? slash + 1 : path;
	struct stat st;

	if (lstat(path, &st) == 0)
		return -EMLINK; /* a symlink to nowhere */
	if (base[0] == '\0' || strlen(path) >= sizeof(s->next))
		return -EINVAL;
	snprintf(s->next, sizeof(s->next), "%.*s", slash != NULL ? (int)(slash - path + 1) : 1,
		slash != NULL ? path : ".");
	if (realpath(s->next, s->folder) == NULL)
		return -errno;
	if (snprintf(s->real, sizeof(s->real), "%s/%s", s->folder, base) >= (int)sizeof(s->real))
		return -ENAMETOOLONG;
	return 0;
}

/* Where does `path` really lead?  The file need not exist, its folder must. */
static int
save_resolve(struct save *s, const char *path)
{
	int rc = 0;

	if (realpath(path, s->real) == NULL)
		rc = errno == ENOENT ? resolve_new(s, path) : -errno;
	if (rc < 0)
		return rc;
	memcpy(s->folder, s->real, sizeof(s->folder));
	*strrchr(s->folder, '/') = '\0';
	if (s->folder[0] == '\0')
		strcpy(s->folder, "/");
	if (snprintf(s->next, sizeof(s->next), "%s.new", s->real) >= (int)sizeof(s->next))
		return -ENAMETOOLONG;
	s->exists = lstat(s->real, &s->old) == 0;
	return s->exists && !S_ISREG(s->old.st_mode) ? -EINVAL : 0;
}

static const char *
save_reason(int rc)
{
	if (rc == -EINVAL)
		return "not a regular file";
	if (rc == -EMLINK)
		return "a symbolic link to nowhere";
	return strerror(-rc);
}

/* The new file, with the old one's mode and owner. => fd or -errno */
static int
save_open(const struct save *s)
{
	int fd, rc;

	/* What a killed save left; a link put here is removed, never followed. */
	if (unlink(s->next) < 0 && errno != ENOENT)
		return -errno;
	fd = open(s->next, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (fd < 0)
		return -errno;
	if (!s->exists)
		return fd;
	if ((s->old.st_uid != geteuid() || s->old.st_gid != getegid()) &&
		fchown(fd, s->old.st_uid, s->old.st_gid) < 0)
		goto err_file;
	if (fchmod(fd, s->old.st_mode & 07777) < 0)
		goto err_file;
	return fd;
err_file:
	rc = -errno;
	close(fd);
	unlink(s->next);
	return rc;
}

static int
save_write(const struct config *c, const struct save *s)
{
	const int fd = save_open(s);
	FILE *f;
	int rc = 0;

	if (fd < 0)
		return fd;
	f = fdopen(fd, "w");
	if (f == NULL) {
		rc = -errno;
		close(fd);
		unlink(s->next);
		return rc;
	}
	config_write(&c->tree, f);
	if (fflush(f) != 0 || ferror(f) != 0 || fsync(fd) < 0)
		rc = errno != 0 ? -errno : -EIO;
	if (fclose(f) != 0 && rc == 0)
		rc = -errno;
	if (rc < 0)
		unlink(s->next);
	return rc;
}

static int
save_rename(const struct save *s)
{
	const int fd = open(s->folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	int rc = 0;

	if (fd < 0)
		rc = -errno;
	else if (rename(s->next, s->real) < 0)
		rc = -errno;
	if (rc < 0)
		unlink(s->next);
	else if (fsync(fd) < 0)
		rc = -errno;
	if (fd >= 0)
		close(fd);
	return rc;
}

int
config_save(const struct config *c, const char *path, char *err, size_t err_size)
{
	struct save *s = calloc(1, sizeof(*s)); /* three paths are too much for the stack */
	int rc;

	if (s == NULL)
		rc = -ENOMEM;
	else
		rc = save_resolve(s, path);
	if (rc == 0)
		rc = save_write(c, s);
	if (rc == 0)
		rc = save_rename(s);
	if (rc < 0)
		snprintf(err, err_size, "%s: cannot be saved: %s", path, save_reason(rc));
	free(s);
	return rc;
}
