/*
 * The session table: one slab of sessions, one index from canonical key to session for both
 * families and all workers, and per worker (the session's home) a timer wheel.
 *
 * Readers (any registered lcore) never lock.  A removed session returns to the slab only after a
 * grace period of the engine's QSBR variable (fastpath/rcu.h): until then its memory and its key
 * stay readable.
 *
 * Only the home worker touches a session's timer and removes it: others hand it {session, op}
 * through its inbox.
 *
 * A session that is translated has two keys: that of the tuple as its initiator's packets come in,
 * which all that follows calls the key, and the outside key, of the tuple as they leave, by which
 * the responder's packets find it.
 *
 * Functions that take a key exist for IPv4 and, with the same contract, for IPv6.
 */
#pragma once

#include "clock.h"
#include "session.h"
#include "session_key.h"

#include <stdbool.h>
#include <stdint.h>

struct rcu;
struct session_table;

struct session_table_params {
	const char *name;      /* unique in the process: prefix of DPDK object names */
	uint32_t max_sessions; /* slab size */
	uint16_t shards;       /* = workers, 1-32 */
	uint64_t hash_seed;    /* random per boot */
	int socket;	       /* NUMA node or SOCKET_ID_ANY */
	struct rcu *rcu;
	const uint32_t *timeouts; /* [SESSION_STATES] seconds; NULL = defaults */
	bool nat;		  /* sessions may have outside keys: 20 bytes a session more */
};

/* The outside key of a session.  Always IPv4; that of an IPv6 session is what NAT64 makes of it.
 * Its protocol is that of the key, with ICMP for ICMPv6. */
struct session_outside {
	struct session_key4 key;
	uint8_t swap; /* the initiator is this endpoint of it */
	/* For whoever translates, kept with the session and looked at by nobody: nat_note() of the
	 * group that the outside source is from, and of that which the destination, as it comes in,
	 * is from; 0: of none. */
	uint32_t note, inbound;
};

/* What stands in the way of a session with two keys. */
enum session_clash {
	SESSION_CLASH_NONE,
	SESSION_CLASH_KEY,    /* a session has this key */
	SESSION_CLASH_OUTSIDE /* a session has the outside key, as its one or its other */
};

/* What a shard's inbox carries to the home worker. */
enum session_op {
	SESSION_OP_ARM,	  /* put a session made elsewhere on the wheel */
	SESSION_OP_KILL,  /* remove it */
	SESSION_OP_DENY,  /* remove it: the policy no longer permits it */
	SESSION_OP_EVICT, /* remove it: others need the room */
	SESSION_OP_RETIME /* its state changed elsewhere: look at its deadline again */
};

enum session_end {
	SESSION_END_IDLE,    /* nothing for its idle time */
	SESSION_END_REMOVED, /* by SESSION_OP_KILL */
	SESSION_END_DENIED,  /* by SESSION_OP_DENY */
	SESSION_END_EVICTED  /* by session_table_evict() */
};

/* One session leaving the table, as told to the owner's callback (mirror, log, counters). */
typedef void (*session_gone_fn)(void *ctx, struct session *, uint32_t index, enum session_end);

/* => NULL with errno ENOMEM (too little memory: the caller names the sizes) or EINVAL. */
struct session_table *session_table_create(const struct session_table_params *);
void session_table_destroy(struct session_table *);

struct session *session_table_at(const struct session_table *, uint32_t index);
uint32_t session_table_index(const struct session_table *, const struct session *);
uint32_t session_table_capacity(const struct session_table *);
uint32_t session_table_count(const struct session_table *);  /* visible sessions, any lcore */
uint64_t session_table_memory(const struct session_table *); /* bytes: slab and index */
/* session_table_taken: sessions that are not free: visible, being made, or waiting for their grace
 * period.  Any lcore; exact while nobody takes or gives one back. */
uint32_t session_table_taken(const struct session_table *);
/* session_table_indexed: keys in the index, counted in steps.  *at: where to go on, 0 at first; 0
 * again: that was the last step.  => keys met in this step, any lcore. */
uint32_t session_table_indexed(const struct session_table *, uint32_t *at);
uint32_t session_table_timeout(const struct session_table *, const struct session *);
/* Idle seconds of a state. */
uint32_t session_table_state_timeout(const struct session_table *, enum session_state);

/* session_table_set_timeouts: idle seconds of every state from now on, for living sessions too: an
 * idle one ends when it has been idle for its new time, at once if it has been already.
 * => M only; takes effect within a few turns of the workers. */
void session_table_set_timeouts(struct session_table *, const uint32_t seconds[SESSION_STATES]);

/* session_table_home4: home worker of a key, from its addresses and ports (symmetric Toeplitz). */
uint16_t session_table_home4(const struct session_table *, const struct session_key4 *);
uint16_t session_table_home6(const struct session_table *, const struct session_key6 *);
/* The same from the NIC's RSS hash of the packet (key 0x6d5a repeated; ports hashed for TCP and UDP
 * only, as home4 does: a port that hashes otherwise must not use this). */
uint16_t session_table_home_rss(const struct session_table *, uint32_t rss);
/* session_table_rss: the lower half of the hash of a tuple whose 32- and 16-bit words (ports of TCP
 * and UDP only), in host byte order, XORed give `fold`.  It is linear: the hash of a ^ b is that
 * of a XORed with that of b. */
uint16_t session_table_rss(const struct session_table *, uint32_t fold);

#define SESSION_DIR_OUTSIDE 2

/* session_table_lookup4: bulk lookup of n <= 64 keys.
 * => out[i] = session index or SESSION_NONE.  dir[i]: in, which endpoint of the key has sent (its
 *    swap bit); out, the direction of the session that is (0 = the initiator's), 0 on a miss.
 *    With 0 in, what comes out is the endpoint that is the initiator.  SESSION_DIR_OUTSIDE is
 *    added when it was found by its outside key: of a session with two keys direction 0 comes by
 *    the key and direction 1 by the outside key; else the packet is not of this connection.
 *    Lock-free; results stay valid until the caller's next quiescent report.  The lines of each
 *    session that its packet will need are prefetched.  DEAD sessions are found too, for a moment:
 *    look at ctl. */
void session_table_lookup4(const struct session_table *, const struct session_key4 *const *keys,
	uint32_t n, uint32_t *out, uint8_t *dir);
void session_table_lookup6(const struct session_table *, const struct session_key6 *const *keys,
	uint32_t n, uint32_t *out, uint8_t *dir);

/* session_table_alloc: take a free session for `lcore` (its own cache).
 * => Zeroed but for generation, home = SESSION_NO_HOME.  NULL when the slab is empty. */
struct session *session_table_alloc(struct session_table *);
/* Give back one that never became visible. */
void session_table_unalloc(struct session_table *, struct session *);

/* session_table_insert4: make a filled session visible under `key` (sets its key, home, created).
 * => Any lcore registered with rcu.  ctl holds its state and session_kind(), as the key has it.
 *    Returns the session's index; or, when the key exists already, the existing session's index
 *    with *existed = true and the new one not inserted; or SESSION_NONE when the index is full.
 *    `self` = the caller's worker or UINT16_MAX: at home the timer is armed directly, else through
 *    the inbox. */
uint32_t session_table_insert4(struct session_table *, struct session *,
	const struct session_key4 *, uint16_t self, mono_t now, bool *existed);
uint32_t session_table_insert6(struct session_table *, struct session *,
	const struct session_key6 *, uint16_t self, mono_t now, bool *existed);

/* session_table_replace4: make `s` visible in the place of session `old`, which has ended and holds
 * the same key: a new connection from the same ports need not wait for the old one's removal.
 * => Any lcore registered with rcu.  Returns the index of `s`, or SESSION_NONE when `old` no longer
 *    holds the key.  The old session is handed to its home worker to remove. */
uint32_t session_table_replace4(struct session_table *, struct session *s,
	const struct session_key4 *, uint32_t old, uint16_t self, mono_t now);
uint32_t session_table_replace6(struct session_table *, struct session *s,
	const struct session_key6 *, uint32_t old, uint16_t self, mono_t now);

/* session_table_insert4_nat: make a session visible under two keys, which differ; in the place of
 * `old` unless that is SESSION_NONE: an ended session with the same key, which is handed to its
 * home worker to remove.  The successor may have the outside key of `old` or another one.
 * => As session_table_insert4(), of a table with `nat`.  Whoever finds the session by its key can
 *    rely on the outside key being there.  *clash != NONE: nothing was inserted; returns the
 *    session that is in the way, which may be DEAD, for a moment.  SESSION_NONE: the index is
 *    full, or `old` no longer holds the key.  What was not inserted is still the caller's, to be
 *    tried again with other keys or to be given back. */
uint32_t session_table_insert4_nat(struct session_table *, struct session *,
	const struct session_key4 *, const struct session_outside *, uint32_t old, uint16_t self,
	mono_t now, enum session_clash *);
uint32_t session_table_insert6_nat(struct session_table *, struct session *,
	const struct session_key6 *, const struct session_outside *, uint32_t old, uint16_t self,
	mono_t now, enum session_clash *);
/* session_table_outside: copy out the outside key of a visible session.
 * => Any registered lcore.  false when it is gone or has none. */
bool session_table_outside(
	const struct session_table *, const struct session *, struct session_outside *);

/* A sum in ones' complement of at most four words. */
static inline uint16_t
session_sum32(uint64_t sum)
{
	sum = (sum & 0xffffffff) + (sum >> 32);
	sum = (sum & 0xffff) + (sum >> 16);
	sum = (sum & 0xffff) + (sum >> 16);
	return (uint16_t)sum;
}

/* How the packets of one direction of a translated IPv4 session leave. */
struct session_leaving {
	rte_be32_t src, dst;
	rte_be16_t sport, dport; /* as in the key: of ICMP the identifier and what stands for it */
	uint16_t address_sum;	 /* what the addresses that leave sum up to more than those that */
	uint16_t port_sum; /* came, and the ports: in ones' complement, byte order of packets */
};
/* session_leaving: => Any registered lcore, of a session that is visible and translated.  Without a
 * branch on the direction, which nobody can foretell. */
static inline void
session_leaving(const struct session *s, unsigned int dir, struct session_leaving *l)
{
	const bool back = dir != 0;
	const rte_be32_t *addr = back ? s->addr : s->outside_addr,
			 *was = back ? s->outside_addr : s->addr;
	const rte_be16_t *port = back ? s->port : s->outside_port,
			 *had = back ? s->outside_port : s->port;
	/* The responder is the other endpoint. */
	const unsigned int src = (back ? !session_swap(s) : s->outside_swap);

	*l = (struct session_leaving){ .src = addr[src],
		.dst = addr[src ^ 1],
		.sport = port[src],
		.dport = port[src ^ 1],
		.address_sum = session_sum32(
			(uint64_t)addr[0] + addr[1] + (uint32_t)~was[0] + (uint32_t)~was[1]),
		.port_sum = session_sum32(
			(uint64_t)port[0] + port[1] + (uint16_t)~had[0] + (uint16_t)~had[1]) };
}

/* session_table_key4: copy out the key of a visible session.
 * => Any registered lcore.  false when it is gone or of another family. */
bool session_table_key4(
	const struct session_table *, const struct session *, struct session_key4 *);
bool session_table_key6(
	const struct session_table *, const struct session *, struct session_key6 *);

/* session_table_address6: of endpoint 0 or 1 of the key of a visible IPv6 session.
 * => Any registered lcore; valid until its next quiescent report. */
const uint8_t *session_table_address6(
	const struct session_table *, const struct session *, unsigned int endpoint);

/* session_table_post: hand an op to the home worker.  => false: inbox full, try again later; only
 * for KILL and DENY, since a timer op then goes another way.  Nothing happens to a session that is
 * gone. */
bool session_table_post(
	struct session_table *, uint32_t index, uint16_t generation, enum session_op);

/* session_table_set_state: CAS a new state (and flag changes) into ctl, and re-time when the new
 * deadline is earlier: directly if self is its home, else through the inbox.  The bits of
 * session_kind() stay as they are.
 * => false when somebody else changed ctl first: read it again and decide anew. */
bool session_table_set_state(struct session_table *, struct session *, uint32_t old_ctl,
	uint32_t new_ctl, uint16_t self, mono_t now);

/* session_table_poll: the home worker's housekeeping: inbox (at most 4 x `budget` ops), at most
 * `budget` wheel entries, and freeing what has passed its grace period (one batch of 256).  `gone`
 * is told of each session removed, before its key leaves; `refresh` of each found alive when its
 * slot fired (the mirror's keep-alive). */
void session_table_poll(struct session_table *, uint16_t self, mono_t now, uint32_t budget,
	session_gone_fn gone, void (*refresh)(void *, struct session *, uint32_t), void *ctx);

/* session_table_wanted: how many sessions should be evicted, so that new ones find room: 0 unless
 * the table is nearly full.  Any lcore. */
uint32_t session_table_wanted(const struct session_table *);
/* session_table_evict: end as many as are wanted, up to `most`, of the sessions that worker `self`
 * has made and that can be spared, oldest first and none younger than others': those nobody has
 * answered, those that are over, the firewall's own.  Never one that both sides use.
 * => How many. */
uint32_t session_table_evict(struct session_table *, uint16_t self, mono_t now, uint32_t most,
	session_gone_fn gone, void *ctx);

/* Dirty bits: "tell the mirror about this session later".  Any lcore sets, the HRP core takes. */
void session_table_set_dirty(struct session_table *, uint32_t index);
/* => next dirty index at or after *cursor, cleared; SESSION_NONE at the end (cursor rewinds). */
uint32_t session_table_take_dirty(struct session_table *, uint32_t *cursor);
