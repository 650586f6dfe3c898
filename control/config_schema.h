/*
 * Private to config*.c: the configuration object and the compiler of the sections' tables.
 */
#pragma once

#include "config.h"

struct config_block;

struct config {
	config_t tree;
	char *path; /* names the file in errors */
	const struct config_section *const *sections;
	void **data;		     /* per section: its struct, or struct config_list */
	struct config_block *blocks; /* memory of all compiled structs */
	char error[640];	     /* first error, "" = none */
};

/* config_schema_compile: fill every section from the tree, then run the checks. => 0 or -EINVAL,
 * -ENOMEM with the reason in config->error. */
int config_schema_compile(struct config *);
void config_schema_free(struct config *);

/* config_schema_tree: the text as a tree, with nothing compiled: for its names and values only.
 * => NULL with a one-line reason. */
struct config *config_schema_tree(const char *text, const char *path,
	const struct config_section *const *sections, char *err, size_t err_size);

/* config_schema_fail: note the first error. => -EINVAL always. */
int config_schema_fail(struct config *, int line, const char *path, const char *fmt, ...)
	__attribute__((format(printf, 4, 5)));

/* What a setting may be: "an integer from 10 to 60000 ms". => buf */
const char *config_schema_expected(const struct config_setting_desc *, char *buf, size_t size);

/* Text from a file for a message: printable, at most 60 characters. => buf */
#define CONFIG_QUOTED 64
const char *config_schema_quote(const char *text, char buf[CONFIG_QUOTED]);
