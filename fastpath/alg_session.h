/*
 * Sessions that an ALG looks into: what of them is kept, and what follows from what they say:
 * entries in the server-map, ports of address groups, other text.
 *
 * A session has SESSION_F_ALG from its first packet on, when its service is one of an ALG that is
 * on and neither its rule nor its translation forbids it, or when the session that spoke of it said
 * so.  A TCP session needs a place for its streams; where none is free it goes without.
 *
 * In the walk, around tracking:
 *
 *   alg_session_begin()  lock the streams; acknowledgements as the text's sender counts
 *   (tracking)
 *   alg_session_text()   read, expect, rewrite, shift; before the translation of the headers
 *   alg_session_end()    always; the mirror hears of what the peer must know
 */
#pragma once

#include "alg_stream.h"
#include "worker.h"

struct alg_table;

/* A packet on its way through. */
struct alg_pass {
	const struct alg *alg;
	struct alg_stream *stream; /* of TCP, locked; NULL: it is only forwarded */
	struct session *s;
	uint32_t index;
	unsigned int dir;
	uint32_t mark; /* of the stream, as the packet came */
};

/* alg_table_create: `places`: TCP sessions at a time.  => NULL: too little memory. */
struct alg_table *alg_table_create(
	uint32_t max_sessions, uint32_t places, uint16_t workers, int socket);
void alg_table_destroy(struct alg_table *); /* takes NULL */

struct alg_table_stats {
	struct alg_streams_stats streams;
	uint64_t expected;    /* connections that were announced and let in to the server-map */
	uint64_t refused;     /* announced, of a third host or a well-known port */
	uint64_t no_port;     /* no outside port for it, or the protocol has none */
	uint64_t full;	      /* the server-map was full, or the session had its share */
	uint64_t datagrams;   /* read */
	uint64_t unprintable; /* text that would not fit, or whose datagram could not grow */
};
struct alg_table_stats alg_table_stats(const struct alg_table *);
/* alg_session_of: for shows: the ALG of a session, ALG_NONE. */
enum alg_id alg_session_of(const struct alg_table *, uint32_t index);

/* alg_session_start: a session that is being filled, with state and kind, gets SESSION_F_ALG.
 * `child`: the ALG that the server-map's entry names, ALG_NONE: by its service, which is at
 * `dport`. `rule`: slot of the rule that permits it. */
void alg_session_start(struct worker *, struct session *, uint8_t proto, rte_be16_t dport,
	enum alg_id child, uint16_t rule);
/* alg_session_unstart: it never became visible. */
void alg_session_unstart(struct worker *, struct session *);
/* alg_session_first: text of the first packet; `mtu` of its way out. => false: drop it. */
bool alg_session_first(struct worker *, struct session *, struct pkt *, uint16_t mtu);
/* alg_session_gone: the session is being removed. */
void alg_session_gone(struct worker *, const struct session *, uint32_t index);
/* alg_session_age: in housekeeping: places of sessions that are gone become free. */
void alg_session_age(struct worker *);

void alg_session_begin(struct worker *, struct session *, uint32_t index, unsigned int dir,
	struct pkt *, struct alg_pass *);
/* => false: its text cannot go: drop it. */
bool alg_session_text(struct worker *, struct pkt *, uint16_t mtu, const struct alg_pass *);
void alg_session_end(struct worker *, const struct alg_pass *);
/* alg_session_quoted: of a TCP session: a number that an ICMP error quotes, as the sender of this
 * direction counts: edits have shifted it. */
uint32_t alg_session_quoted(
	const struct worker *, const struct session *, unsigned int dir, uint32_t seq);

/* What the peer needs of a session to read on when it takes over. */
struct alg_kept {
	enum alg_id id;
	bool has_stream; /* of TCP */
	struct alg_stream_kept stream;
};
/* alg_session_keep: => HRP core; false: in the hands of a worker, later. */
bool alg_session_keep(const struct alg_table *, uint32_t index, struct alg_kept *);

enum alg_resumed {
	ALG_RESUMED,
	ALG_RESUME_LATER, /* in the hands of a worker */
	ALG_RESUME_NOT	  /* no place is free (counted), or this cannot be of this session */
};
/* alg_session_resume: the peer's ALG has come so far with the session that this is the copy of: it
 * gets SESSION_F_ALG if it has it not.
 * => HRP core, a reader of grace periods, which has seen the session with this generation. */
enum alg_resumed alg_session_resume(struct alg_table *, struct session_table *, uint32_t index,
	uint16_t generation, const struct alg_kept *);
/* alg_session_again: ... and this edit may have to be sent again. */
enum alg_resumed alg_session_again(
	struct alg_table *, uint32_t index, unsigned int dir, const struct alg_seq_kept_edit *);
