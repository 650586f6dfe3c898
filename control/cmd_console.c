/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * help and quit: the console's own commands.
 */
#include "command.h"
#include "management.h"

#include <stdio.h>
#include <string.h>

/* print_help: commands whose words begin with `prefix`, from their help_str "WORDS: text". */
static uint32_t
print_help(struct console_client *client, const char *prefix)
{
	uint32_t shown = 0;

	for (const struct command *const *c = console_management(client)->commands; *c != NULL;
		c++) {
		for (uint32_t i = 0; (*c)->insts[i] != NULL; i++) {
			const char *help = (*c)->insts[i]->help_str;
			const char *colon = help != NULL ? strstr(help, ": ") : NULL;

			if (colon == NULL || strncmp(help, prefix, strlen(prefix)) != 0)
				continue;
			console_print(
				client, " %.*s\n     %s\n", (int)(colon - help), help, colon + 2);
			shown++;
		}
	}
	return shown;
}

static void
help(void *parsed, struct cmdline *cl, void *client)
{
	struct command_result *r = parsed;
	char *prefix = r->tail;
	size_t len = strlen(prefix);

	(void)cl;
	while (len > 0 && (prefix[len - 1] == ' ' || prefix[len - 1] == '\t'))
		prefix[--len] = '\0';
	if (print_help(client, prefix) == 0)
		console_error(client, "no command begins with \"%.60s\"", prefix);
}

static void
quit(void *parsed, struct cmdline *cl, void *client)
{
	(void)parsed;
	(void)cl;
	console_quit(client);
}

static cmdline_parse_inst_t inst_help = {
	.f = help,
	.help_str = "help: this list; Tab completes a word, ? shows what may follow",
	.tokens = { COMMAND_WORD("help"), NULL },
};
static cmdline_parse_inst_t inst_help_words = {
	.f = help,
	.help_str = "help WORDS: the commands that begin with these words",
	.tokens = { COMMAND_WORD("help"), COMMAND_TAIL, NULL },
};
static cmdline_parse_inst_t inst_quit = {
	.f = quit,
	.help_str = "quit: leave the console; the daemon goes on",
	.tokens = { COMMAND_WORD("quit"), NULL },
};

static cmdline_parse_inst_t *const insts[] = { &inst_help, &inst_help_words, &inst_quit, NULL };

const struct command command_console = { .insts = insts };
