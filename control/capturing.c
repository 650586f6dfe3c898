/* SPDX-License-Identifier: BSD-3-Clause */
#include "capturing.h"

#include "log.h"
#include "management.h"
#include "packet_words.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define COUNT	1000000
#define SIZE_MB 64
#define SECONDS 600
#define SUFFIX	".pcapng"

enum direction { DIRECTION_IN, DIRECTION_OUT, DIRECTION_BOTH, DIRECTION_ALL };

static const char *const directions[] = { [DIRECTION_IN] = "in",
	[DIRECTION_OUT] = "out",
	[DIRECTION_BOTH] = "both",
	[DIRECTION_ALL] = "all",
	NULL };

struct capture_words {
	struct packet_words packet;
	int direction; /* -1: not said */
	int dropped, reason;
	int count, size, snaplen, seconds, overwrite;
};

#define AT(member) .offset = offsetof(struct capture_words, member)

static const struct filter_word table[] = {
	PACKET_WORDS(struct capture_words),
	{ .word = "direction",
		.key = "direction",
		.kind = FILTER_CHOICE,
		AT(direction),
		.choices = directions },
	{ .word = "dropped", .key = "dropped", .kind = FILTER_TRUE, AT(dropped) },
	{ .word = "reason", .key = "reason", .kind = FILTER_REASON, AT(reason) },
	{ .word = "count", .key = "count", .kind = FILTER_NUMBER, AT(count), 1, 100000000, NULL },
	{ .word = "size", .key = "size", .kind = FILTER_NUMBER, AT(size), 1, 65536, NULL },
	{ .word = "snaplen",
		.key = "snaplen",
		.kind = FILTER_NUMBER,
		AT(snaplen),
		.min = 14,
		.max = CAPTURE_SNAPLEN_MAX },
	{ .word = "seconds", .key = "seconds", .kind = FILTER_NUMBER, AT(seconds), 1, 86400, NULL },
	{ .word = "overwrite", .key = "overwrite", .kind = FILTER_TRUE, AT(overwrite) },
	{ .word = NULL },
};

int
capturing_complete(const struct management *m, const char *tail, const char **words, int max)
{
	return filter_complete(
		table, tail, m->engine != NULL ? engine_snapshot(m->engine) : NULL, words, max);
}

static bool
compile(const struct management *m, const char *words, struct capture_words *out, char *err,
	size_t err_size)
{
	json_t *filter = filter_words(table, words, NULL, err, err_size);
	bool good;

	if (filter == NULL)
		return false;
	*out = (struct capture_words){ .packet = PACKET_WORDS_ANY,
		.direction = -1,
		.count = COUNT,
		.size = SIZE_MB,
		.snaplen = CAPTURE_SNAPLEN_MAX,
		.seconds = SECONDS };
	good = filter_compile(table, out, filter, engine_snapshot(m->engine), err, err_size);
	json_decref(filter);
	if (good && out->direction >= 0 && (out->dropped || out->reason != 0)) {
		snprintf(err, err_size,
			"expected direction or dropped: what is dropped goes nowhere");
		return false;
	}
	return good;
}

static uint8_t
where_of(const struct capture_words *w)
{
	if (w->dropped || w->reason != 0)
		return CAPTURE_DROPPED;
	switch (w->direction) {
	case DIRECTION_IN:
		return CAPTURE_IN;
	case DIRECTION_OUT:
		return CAPTURE_OUT;
	case DIRECTION_ALL:
		return CAPTURE_IN | CAPTURE_OUT | CAPTURE_DROPPED;
	default:
		return CAPTURE_IN | CAPTURE_OUT;
	}
}

/* ---- the file ---- */

/* A name and nothing else: no folder, nothing hidden. */
static bool
good_name(const char *name)
{
	if (name[0] == '\0' || name[0] == '.' || name[0] == '-' ||
		strlen(name) > CAPTURING_NAME_MAX)
		return false;
	for (; *name != '\0'; name++) {
		if (!isalnum((unsigned char)*name) && strchr("._-", *name) == NULL)
			return false;
	}
	return true;
}

/* => a new file in the folder, path in c->file; NULL with a reason. */
static FILE *
open_file(struct capturing *c, const char *folder, const char *name, bool overwrite, char *err,
	size_t err_size)
{
	const size_t len = strlen(name), suffix = strlen(SUFFIX);
	const bool has = len > suffix && strcmp(name + len - suffix, SUFFIX) == 0;
	FILE *f = NULL;
	int fd;

	snprintf(c->file, sizeof(c->file), "%s/%s%s", folder, name, has ? "" : SUFFIX);
	if (overwrite && unlink(c->file) != 0 && errno != ENOENT) {
		snprintf(err, err_size, "%s: %s", c->file, strerror(errno));
		return NULL;
	}
	/* O_EXCL follows no link and writes into no file that is there. */
	fd = open(c->file, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	if (fd >= 0)
		f = fdopen(fd, "w");
	if (f != NULL)
		return f;
	snprintf(err, err_size, "%s: %s", c->file,
		errno == EEXIST ? "is there already; overwrite replaces it" : strerror(errno));
	if (fd >= 0)
		close(fd);
	return NULL;
}

/* ---- life ---- */

static bool
begin(struct management *m, const struct capture_words *w, FILE *file, char *err, size_t err_size)
{
	struct capturing *c = &m->capturing;
	struct capture_params params = {
		.filter = packet_words_filter(&w->packet),
		.where = where_of(w),
		.reason = (uint8_t)w->reason,
		.snaplen = (uint32_t)w->snaplen,
	};
	struct capture_writer_params writer = {
		.engine = m->engine,
		.file = file,
		.wall = management_wall(m),
		.count = (uint64_t)w->count,
		.size = (uint64_t)w->size << 20,
		.snaplen = params.snaplen,
	};

	c->capture = capture_create(m->engine, &params, err, err_size);
	if (c->capture == NULL) {
		fclose(file);
		return false;
	}
	writer.capture = c->capture;
	c->writer = capture_writer_start(&writer, err, err_size);
	if (c->writer != NULL)
		return true;
	capture_destroy(c->capture);
	return false;
}

bool
capturing_start(
	struct management *m, const char *name, const char *words, char *err, size_t err_size)
{
	const struct config_system *sys = config_section_data(m->config, "system");
	struct capturing *c = &m->capturing, next = { 0 };
	struct capture_words w;
	FILE *file;

	capturing_poll(m);
	if (c->state == CAPTURING_ON || c->state == CAPTURING_ENDING) {
		snprintf(err, err_size, "%s",
			c->state == CAPTURING_ON ? "a capture is on; capture stop ends it"
						 : "the last capture is not quite over, try again");
		return false;
	}
	if (sys->capture_folder[0] == '\0') {
		snprintf(err, err_size,
			"there is no folder for captures: system.capture_folder is not set");
		return false;
	}
	if (!good_name(name)) {
		snprintf(err, err_size,
			"%.40s: expected a name of at most %d letters, digits, '.', '_' and '-', "
			"without a folder",
			name, CAPTURING_NAME_MAX);
		return false;
	}
	if (!compile(m, words, &w, err, err_size))
		return false;
	file = open_file(&next, sys->capture_folder, name, w.overwrite != 0, err, err_size);
	if (file == NULL)
		return false;
	*c = next;
	if (!begin(m, &w, file, err, err_size)) {
		(void)unlink(next.file);
		*c = (struct capturing){ 0 };
		return false;
	}
	c->state = CAPTURING_ON;
	c->until = mono_add_ms(management_now(m), (uint64_t)w.seconds * 1000);
	snprintf(c->words, sizeof(c->words), "%s", words);
	engine_set_capture(m->engine, c->capture);
	LOG(NOTICE, "capture: into %s%s%s", c->file, words[0] != '\0' ? ": " : "", words);
	return true;
}

static void
end(struct management *m, const char *why)
{
	struct capturing *c = &m->capturing;

	engine_set_capture(m->engine, NULL);
	c->grace = rcu_start(engine_rcu(m->engine));
	c->state = CAPTURING_ENDING;
	c->why = why;
}

static void
look(struct capturing *c)
{
	capture_writer_status(c->writer, &c->status);
	c->matched = capture_matched(c->capture);
	c->missed = 0;
	for (uint16_t place = 0; place < DROP_PLACES; place++)
		c->missed += capture_missed(c->capture, place);
}

static void
finish(struct capturing *c)
{
	if (!c->finishing)
		capture_writer_finish(c->writer);
	c->finishing = true;
}

/* The file is closed. */
static void
conclude(struct capturing *c)
{
	look(c);
	capture_writer_join(c->writer);
	capture_destroy(c->capture);
	c->writer = NULL;
	c->capture = NULL;
	c->state = CAPTURING_ENDED;
	LOG(NOTICE, "capture: ended, %llu packets in %s: %s", (unsigned long long)c->status.packets,
		c->file, c->why);
}

void
capturing_poll(struct management *m)
{
	struct capturing *c = &m->capturing;

	if (c->state == CAPTURING_ON || c->state == CAPTURING_ENDING)
		look(c);
	if (c->state == CAPTURING_ON && c->status.error != 0)
		end(m, strerror(c->status.error));
	else if (c->state == CAPTURING_ON && c->status.full)
		end(m, "count or size reached");
	else if (c->state == CAPTURING_ON && !mono_before(management_now(m), c->until))
		end(m, "time over");
	if (c->state == CAPTURING_ENDING && rcu_done(engine_rcu(m->engine), c->grace)) {
		finish(c);
		if (c->status.over)
			conclude(c);
	}
}

bool
capturing_stop(struct management *m)
{
	capturing_poll(m);
	if (m->capturing.state != CAPTURING_ON)
		return false;
	end(m, "stopped");
	return true;
}

void
capturing_close(struct management *m)
{
	struct capturing *c = &m->capturing;
	static const struct timespec moment = { .tv_nsec = 1000000 };

	if (c->state == CAPTURING_ON)
		end(m, "the daemon stops");
	if (c->state != CAPTURING_ENDING)
		return;
	rcu_wait(engine_rcu(m->engine));
	finish(c);
	for (look(c); !c->status.over; look(c))
		nanosleep(&moment, NULL);
	conclude(c);
}
