/*
 * Filters as operators and programs write them: words on the console, a JSON object on the socket,
 * a struct for whoever filters.  What there is to say is a table; the console's words become the
 * same JSON object a program sends, so both are checked in one place.
 *
 * Management thread only.
 */
#pragma once

#include "config.h"
#include "snapshot.h"

#include <jansson.h>

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* What a word takes, and the type of the member it sets. */
enum filter_kind {
	FILTER_NET,	  /* an address or prefix: struct config_net */
	FILTER_PORT,	  /* 0-65535: int */
	FILTER_PROTOCOL,  /* a name or 0-255: int */
	FILTER_ZONE,	  /* a zone's name: uint8_t */
	FILTER_INTERFACE, /* an interface's name: uint16_t */
	FILTER_REASON,	  /* a drop reason: int */
	FILTER_NUMBER,	  /* min..max: int */
	FILTER_CHOICE,	  /* one of `choices`: int, its index */
	FILTER_NAME,	  /* any word: char[max] */
	FILTER_TRUE,	  /* nothing, true: int 1; in JSON a boolean */
	FILTER_FALSE	  /* nothing, false: int 0 */
};

struct filter_word {
	const char *word; /* NULL ends the table */
	const char *key;  /* of the JSON object */
	enum filter_kind kind;
	size_t offset; /* of the member */
	int min, max;
	const char *const *choices; /* NULL-terminated */
};

/* filter_words: the console's words to a JSON object; `verbose` is taken out when wanted.
 * => NULL with a reason. */
json_t *filter_words(
	const struct filter_word *, const char *words, bool *verbose, char *err, size_t err_size);

/* filter_compile: set what the object names; the caller has set the rest.  `filter` NULL = nothing.
 * => false with a reason. */
bool filter_compile(const struct filter_word *, void *out, const json_t *filter,
	const struct snapshot *, char *err, size_t err_size);

/* filter_complete: words that may follow `tail`. => count */
int filter_complete(const struct filter_word *, const char *tail, const struct snapshot *,
	const char **words, int max);

/* filter_protocol: "tcp", "udp", ... or the number in `buf`. */
const char *filter_protocol(uint8_t proto, char buf[8]);
