/*
 * Console commands: one file cmd_<noun>.c each, listed in its folder's meson.build.
 *
 * A command is a NULL-terminated list of librte_cmdline instructions.  The console copies them for
 * each client and puts the client into .data, so a handler is
 *
 *	static void show_arp(void *parsed, struct cmdline *cl, void *client);
 *
 * and passes `client` to the functions below; it must not use cmdline_printf() or `cl`.
 * help_str is "WORDS: what it does" and is what `help` and the key '?' print.
 */
#pragma once

#include "view.h"

#include <cmdline_parse.h>
#include <cmdline_parse_string.h>

struct console_client;

/* What `parsed` points to when a command is made of the tokens below. */
struct command_result {
	cmdline_fixed_string_t word; /* the last fixed word */
	cmdline_fixed_string_t argument;
	cmdline_multi_string_t tail;
};

/* Tokens: a fixed word, any one word, everything up to the end of the line (at least one word). */
#define COMMAND_TOKEN(field, string)                                                               \
	(&((cmdline_parse_token_string_t)TOKEN_STRING_INITIALIZER(                                 \
		   struct command_result, field, string))                                          \
			.hdr)
#define COMMAND_WORD(string) COMMAND_TOKEN(word, string)
#define COMMAND_ARGUMENT     COMMAND_TOKEN(argument, NULL)
#define COMMAND_TAIL	     COMMAND_TOKEN(tail, TOKEN_STRING_MULTI)

/* COMMAND_SHOW: inst_<id>, the command that prints a view and takes no filter: its tokens, without
 * the end. */
#define COMMAND_SHOW(id, the_view, is_verbose, help, ...)                                          \
	static void show_##id(void *parsed, struct cmdline *cl, void *client)                      \
	{                                                                                          \
		(void)parsed;                                                                      \
		(void)cl;                                                                          \
		console_view(client, &(the_view), NULL, is_verbose);                               \
	}                                                                                          \
	static cmdline_parse_inst_t inst_##id = {                                                  \
		.f = show_##id, .help_str = help, .tokens = { __VA_ARGS__, NULL }                  \
	}

/* Most candidates a completion can offer. */
#define COMMAND_WORDS_MAX 64

/* A command file exports one of these, named command_<noun>. */
struct command {
	cmdline_parse_inst_t *const *insts; /* NULL-terminated */
	const struct view *const *views;    /* NULL-terminated, NULL = none */
	/* Completion of a TOKEN_STRING_MULTI tail: `line` is everything left of the cursor.
	 * => number of words (whole words that may stand where the cursor is); -1 = not ours. */
	int (*complete)(
		struct management *, const char *line, const char *words[COMMAND_WORDS_MAX]);
};

/* For handlers. */
struct management *console_management(struct console_client *);
/* Print text to the client; bounded, never blocks.  Control characters but \n and \t become '?'. */
void console_print(struct console_client *, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));
/* Print an error: the one-shot client (twinctl -c) exits 1. */
void console_error(struct console_client *, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));
/* Print a view; large views are streamed as the client reads.  Takes the reference of `filter`
 * (NULL = none).  At most one per command, and nothing is printed after it. */
void console_view(struct console_client *, const struct view *, json_t *filter, bool verbose);
/* Print a long text, streamed likewise.  Takes `text`, which free() can free. */
void console_text(struct console_client *, char *text);
/* Close after the output has been read. */
void console_quit(struct console_client *);
