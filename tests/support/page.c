/* SPDX-License-Identifier: BSD-3-Clause */
#include "page.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

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

static int
write_page(const char *path, const char *page, const char *begin, const char *end, const char *text)
{
	FILE *f = fopen(path, "w");

	if (f == NULL) {
		perror(path);
		return 2;
	}
	fprintf(f, "%.*s%s%s", (int)(begin - page), page, text, end);
	return fclose(f) == 0 ? 0 : 2;
}

int
page_main(int argc, char **argv, const struct page_part *part)
{
	char *page;
	const char *begin, *end;
	int rc = 0;

	if (argc != 3) {
		fputs(part->text, stdout);
		return 0;
	}
	page = content(argv[2]);
	begin = strstr(page, part->begin);
	end = begin != NULL ? strstr(begin, part->end) : NULL;
	if (end == NULL) {
		fprintf(stderr, "%s: the marker lines are missing\n", argv[2]);
		free(page);
		return 2;
	}
	begin += strlen(part->begin);
	if (strcmp(argv[1], "--write") == 0) {
		rc = write_page(argv[2], page, begin, end, part->text);
	} else if ((size_t)(end - begin) != strlen(part->text) ||
		   strncmp(begin, part->text, strlen(part->text)) != 0) {
		fprintf(stderr, "%s is not what %s: run %s --write %s\n", argv[2], part->source,
			argv[0], argv[2]);
		rc = 1;
	}
	free(page);
	return rc;
}
