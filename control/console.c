/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The console.  Management thread only.
 *
 * A client's line editor (rdline) and its parser (cmdline) know no descriptor: the editor writes
 * through put_char() into the client's stream, handlers through console_print().  Tables and long
 * texts are produced in small steps while the stream has room, so a client that does not read costs
 * its buffer and nothing else, and one that reads a huge table takes turns with the others.
 */
#define ALLOW_EXPERIMENTAL_API /* rdline_new() and its two friends; stable in later releases */
#include "console.h"

#include "farewell.h"
#include "listener.h"
#include "log.h"
#include "management.h"
#include "stream.h"

#include <cmdline.h>
#include <cmdline_parse.h>
#include <cmdline_rdline.h>

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <termios.h>
#include <unistd.h>

#define INPUT_MAX  4096
#define EDITOR_MAX 512	       /* librte_cmdline's line */
#define LINE_HARD  (64 * 1024) /* bytes without an end of line before the client is dropped */
#define PROMPT_MAX 30	       /* librte_cmdline prints 31 characters of a prompt */
#define KEY_ABORT  '\x03'

/* One turn of a streaming client. */
#define STEP_ROWS 64
#define STEP_NS	  NS_PER_MS

enum client_mode {
	MODE_NEW, /* no byte seen yet */
	MODE_EDIT,
	MODE_ONESHOT
};

struct console_client {
	struct stream stream; /* first */
	struct console *console;
	uint32_t number; /* for logs */
	enum client_mode mode;
	bool terminal;
	bool quit;     /* close when everything has been read */
	bool after_cr; /* a '\n' now belongs to the '\r' before it */
	bool overflow; /* the line did not fit the editor */
	bool failed;   /* one-shot: console_error() was called */
	uint32_t line_bytes;
	struct cmdline *cmdline;
	struct rdline *rdline;
	cmdline_parse_inst_t **insts; /* copies whose .data is this client */
	char error[256];	      /* one-shot: the reason */
	/* What is being streamed: a view or a text */
	const struct view *view;
	json_t *filter;
	uint64_t cursor;
	struct view_printer printer;
	json_t *rows; /* collected, not printed: widths come from the first STEP_ROWS; NULL = none
		       */
	char *text;
	size_t text_len, text_at;
};

struct console {
	struct management *management;
	int epfd;
	struct listener listener; /* fd -1: none */
	struct console_client *clients[CONSOLE_CLIENTS];
	struct farewell farewell;
	uint32_t count, number;
	struct log_limit refused, dropped;
	struct termios saved; /* the terminal's modes, while `raw` */
	bool raw;
};

static void ready(struct loop_source *, uint32_t events);

/* ---- output ---- */

static void
emit(void *ctx, const char *text)
{
	struct console_client *c = ctx;

	stream_text(&c->stream, text, strlen(text));
}

static int
put_char(struct rdline *rdl, char ch)
{
	struct console_client *c = rdline_get_opaque(rdl);

	stream_raw(&c->stream, &ch, 1);
	return 1;
}

struct management *
console_management(struct console_client *c)
{
	return c->console->management;
}

void
console_print(struct console_client *c, const char *fmt, ...)
{
	char text[2048];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	emit(c, text);
}

void
console_error(struct console_client *c, const char *fmt, ...)
{
	char text[sizeof(c->error)];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	if (c->mode != MODE_ONESHOT) {
		console_print(c, "error: %s\n", text);
		return;
	}
	for (char *t = text; *t != '\0'; t++)
		if ((unsigned char)*t < 0x20)
			*t = ' '; /* the status is one line */
	if (!c->failed)
		memcpy(c->error, text, sizeof(c->error));
	c->failed = true;
}

void
console_view(struct console_client *c, const struct view *view, json_t *filter, bool verbose)
{
	char text[1024] = "";
	struct management *m = console_management(c);

	if (c->view != NULL || c->text != NULL ||
		!view_check(m, view, filter, text, sizeof(text))) {
		console_error(c, "%s", text[0] != '\0' ? text : "a command prints one table");
		json_decref(filter);
		return;
	}
	c->view = view;
	c->filter = filter;
	c->cursor = 0;
	c->printer = (struct view_printer){ .view = view, .verbose = verbose };
	if (view->head != NULL) {
		management_read_begin(m);
		view->head(m, filter, text, sizeof(text));
		management_read_end(m);
		emit(c, text);
	}
}

void
console_text(struct console_client *c, char *text)
{
	if (c->view != NULL || c->text != NULL || text == NULL) {
		console_error(
			c, "%s", text == NULL ? "out of memory" : "a command prints one text");
		free(text);
		return;
	}
	c->text = text;
	c->text_len = strlen(text);
	c->text_at = 0;
}

void
console_quit(struct console_client *c)
{
	c->quit = true;
}

/* ---- streaming ---- */

static bool
streaming(const struct console_client *c)
{
	return c->view != NULL || c->text != NULL;
}

static void
stop_streaming(struct console_client *c)
{
	json_decref(c->filter);
	json_decref(c->rows);
	free(c->text);
	c->filter = NULL;
	c->rows = NULL;
	c->view = NULL;
	c->text = NULL;
}

/* pump_view: a bounded number of the view's steps. */
static void
pump_view(struct console_client *c)
{
	struct management *m = console_management(c);
	const mono_t start = management_now(m);
	bool more;

	if (c->rows == NULL)
		c->rows = json_array();
	more = c->rows != NULL;
	while (more && json_array_size(c->rows) < STEP_ROWS) {
		more = view_collect(m, c->view, c->filter, &c->cursor, c->rows);
		if (management_now(m).ns - start.ns > STEP_NS)
			break;
	}
	/* Widths come from the first rows: however slow the machine, from equally many. */
	if (!more || json_array_size(c->rows) >= STEP_ROWS || c->printer.started ||
		c->view->print != NULL) {
		view_print(&c->printer, c->rows, emit, c);
		json_array_clear(c->rows);
	}
	if (more)
		return;
	if (c->view->count_shown && c->filter != NULL && json_object_size(c->filter) > 0)
		console_print(c, " Shown : %llu\n", (unsigned long long)c->printer.rows);
	stop_streaming(c);
}

static void
pump(struct console_client *c)
{
	if (c->view != NULL) {
		if (!stream_full(&c->stream))
			pump_view(c);
	} else if (c->text != NULL) {
		const size_t left = c->text_len - c->text_at;
		const size_t n = left < STREAM_HIGH / 4 ? left : STREAM_HIGH / 4;

		if (stream_full(&c->stream))
			return;
		stream_text(&c->stream, c->text + c->text_at, n);
		c->text_at += n;
		if (c->text_at == c->text_len)
			stop_streaming(c);
	}
}

/* ---- lines ---- */

static void
prompt(struct console_client *c)
{
	const struct management *m = console_management(c);
	const struct config_system *sys =
		m->config != NULL ? config_section_data(m->config, "system") : NULL;
	const char *role = m->ha.prompt != NULL ? m->ha.prompt(m->ha.ctx) : "";
	char text[PROMPT_MAX + 1];
	int n;

	/* The role and the closing bracket always fit; a long name is cut. */
	n = snprintf(text, sizeof(text) - 2, "%.12s[%s", role != NULL ? role : "",
		sys != NULL ? sys->name : "twinwall");
	if (n > (int)sizeof(text) - 3)
		n = (int)sizeof(text) - 3;
	for (int i = 0; i < n; i++)
		if (!isprint((unsigned char)text[i]))
			text[i] = '?';
	memcpy(text + n, "] ", 3);
	rdline_newline(c->rdline, text);
}

/* run_line: one command; `line` ends with '\n'. */
static void
run_line(struct console_client *c, const char *line)
{
	switch (cmdline_parse(c->cmdline, line)) {
	case CMDLINE_PARSE_NOMATCH:
		console_error(c, "unknown command; help lists the commands");
		break;
	case CMDLINE_PARSE_BAD_ARGS:
		console_error(c, "incomplete or wrong command; help lists the commands");
		break;
	case CMDLINE_PARSE_AMBIGUOUS:
		console_error(c, "ambiguous command");
		break;
	}
}

static void
validate(struct rdline *rdl, const char *line, unsigned int size)
{
	struct console_client *c = rdline_get_opaque(rdl);

	(void)size;
	if (c->overflow)
		console_error(c, "line too long, expected at most %d characters", EDITOR_MAX);
	else
		run_line(c, line);
}

/* complete_words: librte_cmdline's completion protocol over a list of whole words. */
static int
complete_words(const char *line, const char *const *words, int count, char *dst, unsigned int size,
	int *state)
{
	const char *partial = line + strlen(line), *first = NULL;
	size_t len, common = 0;
	int matches = 0;

	while (partial > line && partial[-1] != ' ' && partial[-1] != '\t')
		partial--;
	len = strlen(partial);
	for (int i = 0; i < count; i++) {
		if (strncmp(words[i], partial, len) != 0)
			continue;
		if (*state > 0 && matches == *state) {
			(*state)++;
			snprintf(dst, size, "%s", words[i]);
			return 1;
		}
		if (matches++ == 0) {
			first = words[i];
			common = strlen(first);
		}
		while (strncmp(first, words[i], common) != 0)
			common--;
	}
	if (*state > 0 || matches == 0)
		return 0;
	if (*state == 0 && len > 0 && (common > len || matches == 1)) {
		snprintf(dst, size, "%.*s%s", (int)(common - len), first + len,
			matches == 1 ? " " : "");
		return 2;
	}
	*state = 1;
	snprintf(dst, size, "%s", first);
	return 1;
}

static int
complete(struct rdline *rdl, const char *line, char *dst, unsigned int size, int *state)
{
	struct console_client *c = rdline_get_opaque(rdl);
	struct management *m = console_management(c);
	const char *words[COMMAND_WORDS_MAX];

	for (const struct command *const *cmd = m->commands; *cmd != NULL; cmd++) {
		const int n = (*cmd)->complete != NULL ? (*cmd)->complete(m, line, words) : -1;

		if (n >= 0)
			return complete_words(line, words, n, dst, size, state);
	}
	return cmdline_complete(c->cmdline, line, state, dst, size);
}

static void
add_history(struct rdline *rdl)
{
	const char *line = rdline_get_buffer(rdl);
	const char *last = rdline_get_history_item(rdl, 0);
	const size_t len = strcspn(line, "\n");

	if (len > 0 && (last == NULL || strlen(last) != len || memcmp(last, line, len) != 0))
		rdline_add_history(rdl, line);
}

/* feed_edit: input into the line editor until a command starts to stream. */
static void
feed_edit(struct console_client *c, mono_t now)
{
	struct stream *s = &c->stream;
	size_t i = 0;

	while (i < s->in_len && !streaming(c) && !c->quit && !stream_full(s)) {
		const char ch = s->in[i++];
		int rc;

		if (ch == '\n' && c->after_cr) {
			c->after_cr = false;
			continue;
		}
		c->after_cr = ch == '\r';
		if (ch == '\r' || ch == '\n' || ch == KEY_ABORT) {
			if (ch == KEY_ABORT)
				c->overflow = false;
			c->line_bytes = 0;
		} else if (++c->line_bytes >= LINE_HARD) {
			console_error(c, "line too long");
			if (log_allowed(&c->console->dropped, now.ns))
				LOG(NOTICE, "console: client %u dropped: line too long", c->number);
			c->quit = true;
			break;
		} else if (c->line_bytes > EDITOR_MAX && isprint((unsigned char)ch) &&
			   strlen(rdline_get_buffer(c->rdline)) > EDITOR_MAX) {
			c->overflow = true; /* the editor would drop this character */
			continue;
		}
		rc = rdline_char_in(c->rdline, ch);
		if (rc == RDLINE_RES_EOF || rc == RDLINE_RES_EXITED) {
			c->quit = true;
		} else if (rc == RDLINE_RES_VALIDATED) {
			if (!c->overflow)
				add_history(c->rdline);
			c->overflow = false;
			s->last_line = now;
			if (!streaming(c) && !c->quit)
				prompt(c);
		}
	}
	stream_consume(s, i);
}

static void
end_oneshot(struct console_client *c)
{
	char status[sizeof(c->error) + 16];
	const char end = CONSOLE_END;

	if (c->stream.cut && !c->failed) {
		c->failed = true;
		snprintf(c->error, sizeof(c->error), "output cut");
	}
	c->stream.cut = false;
	stream_raw(&c->stream, &end, 1);
	snprintf(status, sizeof(status), "%s%s\n", c->failed ? "ERR " : "OK",
		c->failed ? c->error : "");
	stream_text(&c->stream, status, strlen(status));
	c->quit = true;
}

static void
feed_oneshot(struct console_client *c, mono_t now)
{
	struct stream *s = &c->stream;
	const char begin = CONSOLE_BEGIN;
	const char *end = memchr(s->in, '\n', s->in_len);
	char *line;

	if (end == NULL && s->in_len < s->in_max && !s->eof)
		return;
	s->last_line = now;
	stream_raw(s, &begin, 1);
	line = end != NULL ? strndup(s->in, (size_t)(end - s->in) + 1) : NULL;
	if (line == NULL)
		console_error(c, "line too long or without an end");
	else if (strchr(line, '\n') == NULL)
		console_error(c, "NUL character in the command");
	else
		run_line(c, line);
	free(line);
	stream_consume(s, s->in_len); /* one command per connection */
	if (!streaming(c))
		end_oneshot(c);
}

static void
feed(struct console_client *c, mono_t now)
{
	struct stream *s = &c->stream;

	if (c->mode == MODE_NEW && s->in_len > 0) {
		c->mode = s->in[0] == CONSOLE_ONESHOT && !c->terminal ? MODE_ONESHOT : MODE_EDIT;
		if (c->mode == MODE_ONESHOT)
			stream_consume(s, 1);
	}
	if (c->quit)
		stream_consume(s, s->in_len);
	else if (c->mode == MODE_ONESHOT)
		feed_oneshot(c, now);
	else if (c->mode == MODE_EDIT)
		feed_edit(c, now);
}

/* abort_stream: Ctrl-C while a table runs. */
static void
abort_stream(struct console_client *c)
{
	struct stream *s = &c->stream;
	const char *key = memchr(s->in, KEY_ABORT, s->in_len);

	if (key == NULL || c->mode != MODE_EDIT)
		return;
	stream_consume(s, (size_t)(key - s->in) + 1);
	stop_streaming(c);
	s->out_len = 0;
	s->cut = false;
	emit(c, "\n");
	prompt(c);
}

/* ---- clients ---- */

static void
client_destroy(struct console_client *c)
{
	struct console *con = c->console;

	stop_streaming(c);
	if (c->rdline != NULL)
		rdline_free(c->rdline);
	if (c->cmdline != NULL)
		cmdline_free(c->cmdline);
	for (uint32_t i = 0; c->insts != NULL && c->insts[i] != NULL; i++)
		free(c->insts[i]);
	free(c->insts);
	if (c->terminal && con->raw) {
		tcsetattr(STDIN_FILENO, TCSANOW, &con->saved);
		con->raw = false;
		if (!console_management(c)->stop)
			LOG(NOTICE, "console: the terminal has left; Ctrl-C stops the daemon");
	}
	free(c);
}

/* client_end: `told` = the client has been sent its last words and shall be able to read them. */
static void
client_end(struct console_client *c, bool told)
{
	struct console *con = c->console;
	int fd;

	for (uint32_t i = 0; i < CONSOLE_CLIENTS; i++) {
		if (con->clients[i] == c) {
			con->clients[i] = NULL;
			con->count--;
		}
	}
	fd = stream_release(&c->stream);
	if (fd >= 0 && told)
		farewell_say(&con->farewell, fd, management_now(con->management));
	else if (fd >= 0)
		close(fd);
	client_destroy(c);
}

/* copy_insts: each client's own instructions, since .data is what a handler gets. */
static int
copy_insts(struct console_client *c)
{
	const struct command *const *commands = console_management(c)->commands;
	uint32_t n = 0;

	for (const struct command *const *cmd = commands; *cmd != NULL; cmd++)
		for (uint32_t i = 0; (*cmd)->insts[i] != NULL; i++)
			n++;
	c->insts = calloc(n + 1, sizeof(*c->insts));
	if (c->insts == NULL)
		return -ENOMEM;
	n = 0;
	for (const struct command *const *cmd = commands; *cmd != NULL; cmd++) {
		for (uint32_t i = 0; (*cmd)->insts[i] != NULL; i++, n++) {
			const cmdline_parse_inst_t *inst = (*cmd)->insts[i];
			size_t size = sizeof(*inst) + sizeof(inst->tokens[0]);

			for (uint32_t t = 0; inst->tokens[t] != NULL; t++)
				size += sizeof(inst->tokens[0]);
			c->insts[n] = malloc(size);
			if (c->insts[n] == NULL)
				return -ENOMEM;
			memcpy(c->insts[n], inst, size);
			c->insts[n]->data = c;
		}
	}
	return 0;
}

static struct console_client *
client_create(struct console *con, bool terminal)
{
	struct console_client *c = calloc(1, sizeof(*c));

	if (c == NULL)
		return NULL;
	c->console = con;
	c->number = ++con->number;
	c->terminal = terminal;
	c->mode = terminal ? MODE_EDIT : MODE_NEW;
	if (copy_insts(c) == 0) {
		c->cmdline = cmdline_new(c->insts, "", -1, -1);
		c->rdline = rdline_new(put_char, validate, complete, c);
	}
	if (c->cmdline != NULL && c->rdline != NULL)
		return c;
	client_destroy(c);
	return NULL;
}

int
console_attach(struct console *con, int in_fd, int out_fd, bool terminal)
{
	const mono_t now = management_now(con->management);
	struct console_client *c;
	uint32_t slot = 0;
	int rc;

	while (slot < CONSOLE_CLIENTS && con->clients[slot] != NULL)
		slot++;
	c = slot < CONSOLE_CLIENTS ? client_create(con, terminal) : NULL;
	if (c == NULL) {
		static const char full[] = "too many clients\n";

		if (log_allowed(&con->refused, now.ns))
			LOG(NOTICE, "console: client refused: %s",
				slot == CONSOLE_CLIENTS ? "too many clients" : "out of memory");
		(void)!write(out_fd, full, sizeof(full) - 1);
		farewell_say(&con->farewell, in_fd, now);
		if (out_fd != in_fd)
			close(out_fd);
		return slot == CONSOLE_CLIENTS ? -EMFILE : -ENOMEM;
	}
	rc = stream_open(&c->stream, con->epfd, in_fd, out_fd, INPUT_MAX, ready, now);
	if (rc != 0) {
		client_destroy(c);
		return rc;
	}
	con->clients[slot] = c;
	con->count++;
	prompt(c);
	stream_arm(&c->stream, true, false);
	return 0;
}

/* reopen: the descriptor with a file description of our own, so that O_NONBLOCK does not leak to
 * the shell that shares it. */
static int
reopen(int fd, int flags)
{
	char path[32];
	int own;

	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	own = open(path, flags | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
	return own >= 0 ? own : fcntl(fd, F_DUPFD_CLOEXEC, 3);
}

int
console_attach_terminal(struct console *con)
{
	const bool tty = isatty(STDIN_FILENO) && isatty(STDOUT_FILENO);
	struct termios raw;
	int in, out, rc;

	in = reopen(STDIN_FILENO, tty ? O_RDWR : O_RDONLY);
	out = tty ? in : reopen(STDOUT_FILENO, O_WRONLY);
	if (in < 0 || out < 0) {
		rc = -errno;
		if (in >= 0)
			close(in);
		return rc;
	}
	rc = console_attach(con, in, out, true);
	if (rc == 0 && tty && tcgetattr(STDIN_FILENO, &con->saved) == 0) {
		raw = con->saved;
		/* Output processing stays on: "\n" of tables and log lines needs it. */
		raw.c_lflag &= ~(tcflag_t)(ICANON | ECHO | ISIG | IEXTEN);
		raw.c_iflag &= ~(tcflag_t)(IXON | ICRNL);
		con->raw = tcsetattr(STDIN_FILENO, TCSANOW, &raw) == 0;
	}
	return rc;
}

/* turn: whatever the client's state asks for, within the bounds of one turn of the loop. */
static void
turn(struct console_client *c, uint32_t events)
{
	struct stream *s = &c->stream;
	const mono_t now = management_now(console_management(c));

	stream_flush(s, now);
	if (events & (EPOLLIN | EPOLLHUP))
		stream_read(s);
	/* A socket hung up both ways: nobody will read the rest of a table. */
	if ((events & EPOLLERR) || ((events & EPOLLHUP) && s->in_fd == s->out_fd && streaming(c)))
		s->dead = true;
	if (streaming(c) && !s->dead) {
		abort_stream(c);
		pump(c);
		if (!streaming(c)) {
			s->last_line = now;
			if (c->mode == MODE_ONESHOT)
				end_oneshot(c);
			else if (!c->quit)
				prompt(c);
		}
	}
	if (!streaming(c) && !stream_full(s))
		feed(c, now);
	if (streaming(c))
		s->last_line = now;
	stream_flush(s, now);
	if (s->dead ||
		(s->out_len == 0 && !streaming(c) && (c->quit || (s->eof && s->in_len == 0)))) {
		client_end(c, c->quit && !s->dead);
		return;
	}
	/* While a table streams, input is read only to find Ctrl-C, until its buffer is full. */
	stream_arm(s, !c->quit && !stream_full(s), streaming(c));
}

static void
ready(struct loop_source *source, uint32_t events)
{
	turn((struct console_client *)source, events);
}

static void
accepted(void *ctx, int fd)
{
	(void)console_attach(ctx, fd, fd, false);
}

/* ---- the server ---- */

struct console *
console_create(struct management *m, int epfd, const char *path, char *err, size_t err_size)
{
	struct console *con = calloc(1, sizeof(*con));

	if (con == NULL) {
		snprintf(err, err_size, "out of memory");
		errno = ENOMEM;
		return NULL;
	}
	con->management = m;
	con->epfd = epfd;
	con->listener.fd = -1;
	farewell_init(&con->farewell, epfd);
	if (path[0] != '\0') {
		const int rc = listener_open(&con->listener, epfd, path, "system.console_socket",
			accepted, con, err, err_size);

		if (rc != 0) {
			free(con);
			errno = -rc;
			return NULL;
		}
	}
	return con;
}

void
console_destroy(struct console *con)
{
	const mono_t now = management_now(con->management);

	listener_close(&con->listener);
	for (uint32_t i = 0; i < CONSOLE_CLIENTS; i++) {
		struct console_client *c = con->clients[i];

		if (c == NULL)
			continue;
		emit(c, "\nthe daemon stops\n");
		stream_flush(&c->stream, now);
		client_end(c, false);
	}
	farewell_end(&con->farewell);
	free(con);
}

void
console_tick(struct console *con)
{
	const mono_t now = management_now(con->management);

	listener_tick(&con->listener);
	farewell_tick(&con->farewell, now);
	for (uint32_t i = 0; i < CONSOLE_CLIENTS; i++) {
		struct console_client *c = con->clients[i];
		const char *why = c != NULL && !c->terminal
					  ? stream_expired(&c->stream, streaming(c), now)
					  : NULL;

		if (why == NULL)
			continue;
		if (log_allowed(&con->dropped, now.ns))
			LOG(NOTICE, "console: client %u dropped: %s", c->number, why);
		client_end(c, false);
	}
}

uint32_t
console_count(const struct console *con)
{
	return con->count;
}
