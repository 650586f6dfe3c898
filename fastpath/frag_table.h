/*
 * The fragment table: datagrams of which fragments have come but not all.  It holds the buffers,
 * sorts them, and says when a datagram is complete or can never be sound; nothing is copied and
 * nothing allocated per fragment.
 *
 * Shared by all workers, since the fragments of one datagram may come in at several of them.  It is
 * divided into shards, each with entries, order of age and a short lock of its own; the keyed hash
 * of a datagram names its shard.  Where this page says "oldest" it means of the shard.  Half of the
 * buffers are divided as well, so that no shard can be starved; the others are for who comes first.
 *
 * A datagram of which two fragments overlap is poisoned (RFC 5722): its entry stays, without
 * buffers, until its time is over, and whatever else belongs to it is refused.
 */
#pragma once

#include "clock.h"
#include "drop.h"

#include <rte_mbuf.h>

#include <assert.h>
#include <stdbool.h>
#include <stdint.h>

struct frag_table;

/* Which datagram: what RFC 791 and RFC 8200 4.5 say, and where it came in.  Unused bytes are 0. */
struct frag_key {
	uint8_t src[16], dst[16]; /* IPv4: the first four bytes */
	uint32_t id;		  /* as in the packet */
	uint16_t scope;		  /* where addresses and numbers mean the same */
	uint8_t proto;		  /* IPv4; 0 in IPv6, whose later fragments need not say it */
	uint8_t family;		  /* 4 or 6 */
};
static_assert(sizeof(struct frag_key) == 40, "hashed and compared as words");

enum frag_fate {
	FRAG_HELD,
	FRAG_COMPLETE, /* list: the datagram, in order */
	FRAG_REFUSED   /* list: what is to be dropped, the new one included; reason */
};

struct frag_result {
	struct rte_mbuf *list;	  /* linked by pkt_part()->next */
	struct rte_mbuf *evicted; /* always to be dropped: of older datagrams, for want of room */
	uint32_t bytes;		  /* COMPLETE: of the datagram behind its IP header */
	enum drop_reason reason;
};

/* Datagrams; the sums are of all time. */
struct frag_stats {
	uint64_t datagrams, fragments; /* held now; poisoned datagrams count, too */
	uint64_t buffers; /* that they take: more than fragments where these are long */
	uint64_t max_datagrams, max_buffers;
	uint64_t begun, complete, poisoned, timed_out, evicted;
};

/* frag_table_create: room for `datagrams` with `buffers` packet buffers together, both at least 1.
 * => NULL: too little memory. */
struct frag_table *frag_table_create(uint32_t datagrams, uint32_t buffers, int socket);
void frag_table_destroy(struct frag_table *); /* with the buffers it holds */

/* frag_table_add: one more fragment; the caller has filled in its pkt_part() but `next`, with a
 * length above 0 and, if `more` follow, a multiple of 8.  `most`: fragments of one datagram.
 * => Any worker. */
enum frag_fate frag_table_add(struct frag_table *, const struct frag_key *, struct rte_mbuf *,
	bool more, uint32_t most, mono_t now, struct frag_result *);

/* frag_table_expire: a few datagrams of the next shard that began before `before`; *cursor is the
 * caller's place.  => Their buffers, to be dropped; NULL when there were none. */
struct rte_mbuf *frag_table_expire(struct frag_table *, uint32_t *cursor, mono_t before);

/* frag_table_stats: => any thread; takes each shard's lock for a moment. */
void frag_table_stats(struct frag_table *, struct frag_stats *);
