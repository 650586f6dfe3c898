/*
 * Session filters: what `display firewall session table` and `reset firewall session table` and the
 * JSON object "sessions" accept.
 */
#pragma once

#include "config.h"
#include "filter_word.h"
#include "session.h"
#include "session_walk.h"
#include "snapshot.h"

#include <jansson.h>

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* All apply to the initiator's tuple. */
struct session_filter {
	/* Of either side */
	struct config_net address; /* family 0 = any, else sessions of this family only */
	int port;		   /* -1 = any */
	uint8_t zone;		   /* 0 = any */
	/* Of one side, or of the session */
	struct config_net source, destination;
	int source_port, destination_port;     /* -1 = any */
	int protocol;			       /* -1 = any */
	uint8_t source_zone, destination_zone; /* 0 = any */
	int remote;			       /* -1 = any, 0 made here, 1 copies of the peer's */
};

/* Keys of the JSON object, NULL-terminated. */
extern const char *const session_filter_keys[];
/* The console's words; ends with word NULL. */
extern const struct filter_word session_filter_table[];

/* session_filter_compile: => false with a reason.  `filter` NULL = everything. */
bool session_filter_compile(struct session_filter *, const json_t *filter, const struct snapshot *,
	char *err, size_t err_size);

/* A session's tuple as its initiator sees it, of either family. */
struct session_filter_tuple {
	struct ip_addr src, dst;
	rte_be16_t sport, dport;
	uint8_t proto;
};

struct session_filter_tuple session_filter_tuple(
	const struct session *, const union session_walk_key *);

bool session_filter_match(
	const struct session_filter *, const struct session *, const union session_walk_key *);
