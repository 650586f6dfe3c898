/* SPDX-License-Identifier: BSD-3-Clause */
/* The memory limit of a control group, from files as the kernel shows them. */
#include "cgroup.h"

#include <errno.h>
#include <limits.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

struct entry {
	const char *path, *text;
};

static char root[] = "/tmp/cgroup_test.XXXXXX";

static void
write_entry(const struct entry *e)
{
	char path[PATH_MAX];

	snprintf(path, sizeof(path), "%s/%s", root, e->path);
	for (char *at = path + strlen(root) + 1; (at = strchr(at, '/')) != NULL; at++) {
		*at = '\0';
		assert_true(mkdir(path, 0700) == 0 || errno == EEXIST);
		*at = '/';
	}
	FILE *f = fopen(path, "we");
	assert_non_null(f);
	assert_true(fputs(e->text, f) >= 0);
	assert_int_equal(fclose(f), 0);
}

static int
clean_up(void **state)
{
	char command[PATH_MAX];

	(void)state;
	snprintf(command, sizeof(command), "rm -rf %s", root);
	return system(command);
}

static void
X35_the_lowest_limit_above_a_program_holds(void **state)
{
	static const struct {
		const char *list;
		struct entry entries[3];
		int64_t mb;
	} rows[] = {
		{ "0::/a.slice/b.service\n", { { "a.slice/b.service/memory.max", "536870912\n" } },
			512 },
		{ "0::/a.slice/b.service\n",
			{ { "a.slice/b.service/memory.max", "max\n" },
				{ "a.slice/memory.max", "1073741824\n" } },
			1024 },
		{ "0::/a.slice/b.service\n",
			{ { "a.slice/b.service/memory.max", "2147483648\n" },
				{ "a.slice/memory.max", "1073741824\n" } },
			1024 },
		/* Version 1, beside an empty version 2. */
		{ "4:cpu,memory:/box\n0::/\n",
			{ { "memory/box/memory.limit_in_bytes", "268435456\n" } }, 256 },
		{ "4:memory:/box\n",
			{ { "memory/box/memory.limit_in_bytes", "9223372036854771712\n" } }, -1 },
		/* In a container: the path is the host's, the files are its own. */
		{ "0::/host/path\n", { { "memory.max", "134217728\n" } }, 128 },
		/* No limit, no controller, nothing to read. */
		{ "0::/a\n", { { "a/memory.max", "max\n" } }, -1 },
		{ "3:cpuset:/box\n", { { "memory/box/memory.limit_in_bytes", "268435456\n" } },
			-1 },
		{ "3:memory2,xmemory:/box\n", { { "memory/box/memory.limit_in_bytes", "1\n" } },
			-1 },
		{ "nonsense\n\n5:\n", { { "memory.max", "" } }, -1 },
		{ "0::/a\n", { { "a/memory.max", "1000000\n" } }, 0 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		char list[PATH_MAX];

		memcpy(root + sizeof(root) - 7, "XXXXXX", 6);
		assert_non_null(mkdtemp(root));
		write_entry(&(struct entry){ "list", rows[i].list });
		for (size_t k = 0; k < 3 && rows[i].entries[k].path != NULL; k++)
			write_entry(&rows[i].entries[k]);
		snprintf(list, sizeof(list), "%s/list", root);
		if (cgroup_memory_limit_mb(list, root) != rows[i].mb)
			fail_msg("row %zu: %lld MiB", i,
				(long long)cgroup_memory_limit_mb(list, root));
		assert_int_equal(clean_up(NULL), 0);
	}
	assert_int_equal(cgroup_memory_limit_mb("/nonexistent/list", "/nonexistent"), -1);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_teardown(X35_the_lowest_limit_above_a_program_holds, clean_up),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
