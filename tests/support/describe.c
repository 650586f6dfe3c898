/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The reference of every setting, in docs/configuration.md.  Usage: page.h.
 */
#include "page.h"
#include "sample_config.h"

#include <stdio.h>
#include <stdlib.h>

static void
emit(void *ctx, const char *text)
{
	fputs(text, ctx);
}

int
main(int argc, char **argv)
{
	struct page_part part = {
		.begin = "<!-- settings: begin (written by tests/support/describe.c) -->\n",
		.end = "<!-- settings: end -->\n",
		.source = "the settings' tables say",
	};
	char *text = NULL;
	size_t size = 0;
	FILE *const f = open_memstream(&text, &size);

	if (f == NULL)
		return 2;
	config_describe(sample_sections(), emit, f);
	fclose(f);
	part.text = text;
	const int rc = page_main(argc, argv, &part);

	free(text);
	return rc;
}
