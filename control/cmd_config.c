/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * display configuration, save, reload.
 */
#include "command.h"
#include "log.h"
#include "management.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define CONFIG_TEXT_MAX (64 * 1024 * 1024)

/* read_file: the whole file as text, NULL with errno. */
static char *
read_file(const char *path)
{
	FILE *f = fopen(path, "re");
	struct stat st;
	char *text = NULL;
	size_t n;

	if (f == NULL)
		return NULL;
	if (fstat(fileno(f), &st) == 0 && st.st_size < CONFIG_TEXT_MAX)
		text = malloc((size_t)st.st_size + 1);
	if (text != NULL) {
		n = fread(text, 1, (size_t)st.st_size, f);
		text[n] = '\0';
	}
	fclose(f);
	return text;
}

/* The running tree is written to a private folder by the same code that saves it, and read back. */
static void
show(void *parsed, struct cmdline *cl, void *client)
{
	struct management *m = console_management(client);
	char folder[] = "/tmp/twinwall.XXXXXX", path[64], err[256];
	char *text = NULL;

	(void)parsed;
	(void)cl;
	if (mkdtemp(folder) == NULL) {
		console_error(client, "/tmp: %s", strerror(errno));
		return;
	}
	snprintf(path, sizeof(path), "%s/running.conf", folder);
	if (config_save(m->config, path, err, sizeof(err)) != 0) {
		console_error(client, "%s", err);
	} else {
		text = read_file(path);
		console_text(client, text);
		unlink(path);
	}
	rmdir(folder);
}

static void
save_to(struct console_client *client, const char *path)
{
	char err[256];

	if (config_save(console_management(client)->config, path, err, sizeof(err)) != 0) {
		console_error(client, "%s", err);
		return;
	}
	LOG(NOTICE, "configuration: saved to %s", path);
	console_print(client, " Saved to %s\n", path);
}

static void
save(void *parsed, struct cmdline *cl, void *client)
{
	(void)parsed;
	(void)cl;
	save_to(client, console_management(client)->config_path);
}

static void
save_file(void *parsed, struct cmdline *cl, void *client)
{
	const struct command_result *r = parsed;

	(void)cl;
	if (r->argument[0] != '/')
		console_error(client, "save: expected an absolute path");
	else
		save_to(client, r->argument);
}

static void
reload(void *parsed, struct cmdline *cl, void *client)
{
	struct management *m = console_management(client);
	char err[512];

	(void)parsed;
	(void)cl;
	if (management_reload(m, err, sizeof(err)) != 0)
		console_error(client, "nothing changed: %s", err);
	else
		console_print(client, " Loaded %s\n", m->config_path);
}

static cmdline_parse_inst_t inst_show = {
	.f = show,
	.help_str = "display configuration: the running configuration",
	.tokens = { COMMAND_WORD("display"), COMMAND_WORD("configuration"), NULL },
};
static cmdline_parse_inst_t inst_save = {
	.f = save,
	.help_str = "save: write the running configuration to the file it came from",
	.tokens = { COMMAND_WORD("save"), NULL },
};
static cmdline_parse_inst_t inst_save_file = {
	.f = save_file,
	.help_str = "save FILE: write the running configuration to another file",
	.tokens = { COMMAND_WORD("save"), COMMAND_ARGUMENT, NULL },
};
static cmdline_parse_inst_t inst_reload = {
	.f = reload,
	.help_str = "reload: read the configuration file again; refused as a whole if anything is "
		    "wrong",
	.tokens = { COMMAND_WORD("reload"), NULL },
};

static cmdline_parse_inst_t *const insts[] = { &inst_show, &inst_save, &inst_save_file,
	&inst_reload, NULL };

const struct command command_config = { .insts = insts };
