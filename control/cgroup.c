/* SPDX-License-Identifier: BSD-3-Clause */
#include "cgroup.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#define LINE_SIZE 512
#define NO_LIMIT  (INT64_MAX >> 20 >> 1) /* version 1 says a number near 2^63 */

/* => MiB; -1 = none here */
static int64_t
limit_in(const char *folder, const char *name)
{
	char path[LINE_SIZE];
	long long bytes;

	if ((size_t)snprintf(path, sizeof(path), "%s/%s", folder, name) >= sizeof(path))
		return -1;
	FILE *f = fopen(path, "re");
	if (f == NULL)
		return -1;
	const bool number = fscanf(f, "%lld", &bytes) == 1; /* else "max" */
	fclose(f);
	return number && bytes >> 20 < NO_LIMIT ? bytes >> 20 : -1;
}

/* A limit of any group above holds as well.  Seen from a container the path may be the host's: what
 * is not there is passed by, up to the root. */
static int64_t
lowest(const char *root, const char *path, const char *name)
{
	int64_t least = -1;
	char folder[LINE_SIZE];

	if ((size_t)snprintf(folder, sizeof(folder), "%s%s", root, path) >= sizeof(folder))
		return -1;
	for (;;) {
		const int64_t mb = limit_in(folder, name);
		char *slash = strrchr(folder + strlen(root), '/');

		if (mb >= 0 && (least < 0 || mb < least))
			least = mb;
		if (slash == NULL)
			return least;
		*slash = '\0';
	}
}

/* Is `word` one of the controllers, which commas part? */
static bool
among(const char *controllers, const char *word)
{
	const size_t len = strlen(word);

	for (const char *at = controllers; at != NULL; at = strchr(at, ',')) {
		at += *at == ',';
		if (strncmp(at, word, len) == 0 && (at[len] == ',' || at[len] == '\0'))
			return true;
	}
	return false;
}

int64_t
cgroup_memory_limit_mb(const char *list, const char *root)
{
	FILE *f = fopen(list, "re");
	char line[LINE_SIZE], under[LINE_SIZE];
	int64_t least = -1;

	/* NUMBER:CONTROLLERS:PATH; without controllers it is version 2. */
	while (f != NULL && fgets(line, sizeof(line), f) != NULL) {
		char *controllers = strchr(line, ':');
		char *path = controllers != NULL ? strchr(controllers + 1, ':') : NULL;

		if (path == NULL)
			continue;
		*controllers++ = '\0';
		*path++ = '\0';
		path[strcspn(path, "\n")] = '\0';
		const bool second = *controllers == '\0';
		if (!second && !among(controllers, "memory"))
			continue;
		if ((size_t)snprintf(under, sizeof(under), "%s%s", root, second ? "" : "/memory") >=
			sizeof(under))
			continue;
		const int64_t mb =
			lowest(under, path, second ? "memory.max" : "memory.limit_in_bytes");
		if (mb >= 0 && (least < 0 || mb < least))
			least = mb;
	}
	if (f != NULL)
		fclose(f);
	return least;
}
