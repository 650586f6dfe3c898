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

struct session_table;

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
	/* Of translated sessions, as the initiator's packets leave */
	struct config_net nat_source, nat_destination;
	int nat_source_port, nat; /* -1 = any; nat: 1 translated ones, 0 others */
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

/* session_filter_outside: the same as its packets leave. => false: it is not translated. */
bool session_filter_outside(
	const struct session_table *, const struct session *, struct session_filter_tuple *);

/* session_filter_match: a session of `table`; NULL: of none, it is not translated. */
bool session_filter_match(const struct session_filter *, const struct session_table *table,
	const struct session *, const union session_walk_key *);
