/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The reference of every setting, and the page that holds it between two marker lines.
 *
 *   describe                print it
 *   describe --check FILE   fail when FILE holds another one
 *   describe --write FILE   put it into FILE
 */
#include "sample_config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define BEGIN "<!-- settings: begin (written by tests/support/describe.c) -->\n"
#define END   "<!-- settings: end -->\n"

static void
emit(void *ctx, const char *text)
{
	fputs(text, ctx);
}

static char *
reference(void)
{
	char *text = NULL;
	size_t size = 0;
	FILE *f = open_memstream(&text, &size);

	if (f == NULL)
		exit(2);
	config_describe(sample_sections(), emit, f);
	fclose(f);
	return text;
}

/* => malloc'ed content; exits when the file cannot be read. */
static char *
content(const char *path)
{
	enum { SIZE = 1 << 20 };
	char *text = calloc(1, SIZE);
	FILE *f = fopen(path, "r");

	if (f == NULL || text == NULL || fread(text, 1, SIZE - 1, f) == 0) {
		perror(path);
		exit(2);
	}
	fclose(f);
	return text;
}

int
main(int argc, char **argv)
{
	char *const wanted = reference();
	char *page, *begin, *end;
	int rc = 0;

	if (argc != 3) {
		fputs(wanted, stdout);
		free(wanted);
		return 0;
	}
	page = content(argv[2]);
	begin = strstr(page, BEGIN);
	end = begin != NULL ? strstr(begin, END) : NULL;
	if (end == NULL) {
		fprintf(stderr, "%s: the marker lines are missing\n", argv[2]);
		return 2;
	}
	begin += strlen(BEGIN);
	if (strcmp(argv[1], "--write") == 0) {
		FILE *f = fopen(argv[2], "w");

		if (f == NULL) {
			perror(argv[2]);
			return 2;
		}
		fprintf(f, "%.*s%s%s", (int)(begin - page), page, wanted, end);
		rc = fclose(f) == 0 ? 0 : 2;
	} else if ((size_t)(end - begin) != strlen(wanted) ||
		   strncmp(begin, wanted, strlen(wanted)) != 0) {
		fprintf(stderr,
			"%s is not what the settings' tables say: run describe --write %s\n",
			argv[2], argv[2]);
		rc = 1;
	}
	free(page);
	free(wanted);
	return rc;
}
