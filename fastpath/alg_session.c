/* SPDX-License-Identifier: BSD-3-Clause */
#include "alg_session.h"

#include "nat.h"
#include "nat_walk.h"
#include "parse_l4.h"
#include "servermap.h"

#include <rte_malloc.h>

#include <stdlib.h>
#include <string.h>

#define EXPECTED_MAX 32 /* entries of one message */
#define RUN_TRIES    16 /* places tried for ports in a row */
#define V4_HEADERS   40
#define V6_HEADERS   60

enum count { EXPECTED, REFUSED, NO_PORT, FULL, DATAGRAMS, UNPRINTABLE, COUNTS };

/* What one worker needs to work a message out. */
struct scratch {
	struct alg_findings found;
	struct alg_endpoint to[ALG_FINDINGS_MAX];
	struct servermap_entry expected[EXPECTED_MAX];
	uint32_t expected_count;
	uint32_t ended; /* call that is over, when `ends` */
	bool ends;
	uint32_t random;
	char text[ALG_TEXT_MAX];
};

/* Places of sessions that are gone, oldest first; others may still have them in their hands. */
struct retired {
	struct alg_stream *first, *last;
};

struct alg_table {
	struct alg_streams *streams;
	/* By session index: ALG << 24 | place + 1, 0: none.  Zero pages until they are used. */
	_Atomic(uint32_t) *sessions;
	_Atomic(uint64_t) counts[COUNTS];
	struct retired retired[MAX_WORKERS];
	struct scratch *scratch[MAX_WORKERS];
};

#define PLACE_BITS 24
#define PLACE_MASK ((UINT32_C(1) << PLACE_BITS) - 1)

struct alg_table *
alg_table_create(uint32_t max_sessions, uint32_t places, uint16_t workers, int socket)
{
	struct alg_table *t = rte_zmalloc_socket("alg_table", sizeof(*t), 64, socket);
	bool whole;

	FW_ASSERT(places < PLACE_MASK);
	if (t == NULL)
		return NULL;
	t->streams = alg_streams_create(places, socket);
	t->sessions = calloc(max_sessions, sizeof(t->sessions[0]));
	whole = t->streams != NULL && t->sessions != NULL;
	for (uint16_t i = 0; i < workers; i++) {
		t->scratch[i] =
			rte_zmalloc_socket("alg_scratch", sizeof(*t->scratch[i]), 64, socket);
		whole = whole && t->scratch[i] != NULL;
		if (t->scratch[i] != NULL)
			t->scratch[i]->random = i + 1U;
	}
	if (whole)
		return t;
	alg_table_destroy(t);
	return NULL;
}

void
alg_table_destroy(struct alg_table *t)
{
	if (t == NULL)
		return;
	for (uint16_t i = 0; i < MAX_WORKERS; i++)
		rte_free(t->scratch[i]);
	alg_streams_destroy(t->streams);
	free(t->sessions);
	rte_free(t);
}

static void
count(struct alg_table *t, enum count what)
{
	atomic_fetch_add_explicit(&t->counts[what], 1, memory_order_relaxed);
}

static uint64_t
counted(const struct alg_table *t, enum count what)
{
	return atomic_load_explicit(&t->counts[what], memory_order_relaxed);
}

struct alg_table_stats
alg_table_stats(const struct alg_table *t)
{
	return (struct alg_table_stats){ .streams = alg_streams_stats(t->streams),
		.expected = counted(t, EXPECTED),
		.refused = counted(t, REFUSED),
		.no_port = counted(t, NO_PORT),
		.full = counted(t, FULL),
		.datagrams = counted(t, DATAGRAMS),
		.unprintable = counted(t, UNPRINTABLE) };
}

static uint32_t
word_of(const struct alg_table *t, uint32_t index)
{
	return atomic_load_explicit(&t->sessions[index], memory_order_acquire);
}

enum alg_id
alg_session_of(const struct alg_table *t, uint32_t index)
{
	return (enum alg_id)(word_of(t, index) >> PLACE_BITS);
}

static struct alg_stream *
stream_of(const struct alg_table *t, uint32_t index)
{
	const uint32_t place = word_of(t, index) & PLACE_MASK;

	return place != 0 ? alg_stream_of(t->streams, place - 1) : NULL;
}

/* ---- a session begins and ends ---- */

void
alg_session_start(struct worker *w, struct session *s, uint8_t proto, rte_be16_t dport,
	enum alg_id child, uint16_t rule)
{
	struct alg_table *t = w->engine->algs;
	const enum alg_id id = child != ALG_NONE ? child : alg_by_service(proto, dport);
	struct alg_stream *stream = NULL;
	uint32_t word;

	if (id == ALG_NONE || (w->snap->algs >> id & 1) == 0 ||
		(child == ALG_NONE && policy_rule_no_alg(w->snap->policy, rule)))
		return;
	if (proto == IPPROTO_TCP) {
		stream = alg_stream_get(t->streams);
		if (stream == NULL)
			return; /* counted there */
	}
	word = (uint32_t)id << PLACE_BITS | (stream != NULL ? stream->id + 1 : 0);
	atomic_store_explicit(
		&t->sessions[session_table_index(w->sessions, s)], word, memory_order_release);
	atomic_fetch_or_explicit(&s->ctl, SESSION_F_ALG, memory_order_relaxed);
}

void
alg_session_unstart(struct worker *w, struct session *s)
{
	struct alg_table *t = w->engine->algs;
	const uint32_t index = session_table_index(w->sessions, s);
	struct alg_stream *stream;

	if ((atomic_load_explicit(&s->ctl, memory_order_relaxed) & SESSION_F_ALG) == 0)
		return;
	stream = stream_of(t, index);
	if (stream != NULL)
		alg_stream_put(t->streams, stream);
	atomic_store_explicit(&t->sessions[index], 0, memory_order_release);
}

static void
retire(struct worker *w, struct alg_stream *stream)
{
	struct retired *r = &w->engine->algs->retired[w->id];

	stream->token = rcu_start(w->engine->rcu);
	stream->next_free = ALG_STREAM_NONE;
	if (r->first == NULL)
		r->first = stream;
	else
		r->last->next_free = stream->id;
	r->last = stream;
}

void
alg_session_gone(struct worker *w, const struct session *s, uint32_t index)
{
	struct alg_table *t = w->engine->algs;
	struct alg_stream *stream = stream_of(t, index);

	servermap_remove_parent(w->servermap, index,
		atomic_load_explicit(&s->generation, memory_order_relaxed), nat_expected_gone, w);
	atomic_store_explicit(&t->sessions[index], 0, memory_order_release);
	if (stream != NULL)
		retire(w, stream);
}

void
alg_session_age(struct worker *w)
{
	struct alg_table *t = w->engine->algs;
	struct retired *r = &t->retired[w->id];

	while (r->first != NULL && rcu_done(w->engine->rcu, r->first->token)) {
		struct alg_stream *stream = r->first;

		r->first = stream->next_free != ALG_STREAM_NONE
				   ? alg_stream_of(t->streams, stream->next_free)
				   : NULL;
		alg_stream_put(t->streams, stream);
	}
}

/* ---- a session of the peer's ---- */

bool
alg_session_keep(const struct alg_table *t, uint32_t index, struct alg_kept *kept)
{
	struct alg_stream *stream = stream_of(t, index);

	kept->id = alg_session_of(t, index);
	kept->has_stream = stream != NULL;
	return stream == NULL || alg_stream_keep(stream, &kept->stream) == ALG_STREAM_DONE;
}

/* The word is there: let workers know, unless the session is being removed: whoever does that looks
 * behind SESSION_F_DEAD for SESSION_F_ALG. */
static bool
publish(struct session *s, uint16_t generation)
{
	uint32_t ctl = atomic_load_explicit(&s->ctl, memory_order_acquire);

	do {
		if ((ctl & SESSION_F_DEAD) != 0 ||
			atomic_load_explicit(&s->generation, memory_order_relaxed) != generation)
			return false;
	} while (!atomic_compare_exchange_weak_explicit(
		&s->ctl, &ctl, ctl | SESSION_F_ALG, memory_order_acq_rel, memory_order_acquire));
	return true;
}

enum alg_resumed
alg_session_resume(struct alg_table *t, struct session_table *sessions, uint32_t index,
	uint16_t generation, const struct alg_kept *kept)
{
	struct session *s = session_table_at(sessions, index);
	const struct alg *alg = alg_of(kept->id);
	struct alg_stream *stream = stream_of(t, index);
	const bool fresh = word_of(t, index) == 0;

	if (alg == NULL || kept->has_stream != (session_proto(s) == IPPROTO_TCP))
		return ALG_RESUME_NOT;
	if (fresh && kept->has_stream)
		stream = alg_stream_get(t->streams);
	if (kept->has_stream && stream == NULL)
		return ALG_RESUME_NOT;
	if (!fresh && alg_session_of(t, index) != kept->id)
		return ALG_RESUME_NOT;
	/* Of a fresh one nobody else knows. */
	if (stream != NULL && alg_stream_resume(stream, alg, &kept->stream) != ALG_STREAM_DONE)
		return ALG_RESUME_LATER;
	if (!fresh)
		return ALG_RESUMED;
	atomic_store_explicit(&t->sessions[index],
		(uint32_t)kept->id << PLACE_BITS | (stream != NULL ? stream->id + 1 : 0),
		memory_order_release);
	if (publish(s, generation))
		return ALG_RESUMED;
	atomic_store_explicit(&t->sessions[index], 0, memory_order_release);
	if (stream != NULL)
		alg_stream_put(t->streams, stream);
	return ALG_RESUME_NOT;
}

enum alg_resumed
alg_session_again(
	struct alg_table *t, uint32_t index, unsigned int dir, const struct alg_seq_kept_edit *edit)
{
	struct alg_stream *stream = stream_of(t, index);

	if (stream == NULL)
		return ALG_RESUME_NOT;
	switch (alg_stream_again(stream, dir, edit)) {
	case ALG_STREAM_DONE:
		return ALG_RESUMED;
	case ALG_STREAM_BUSY:
		return ALG_RESUME_LATER;
	case ALG_STREAM_WRONG:
		break;
	}
	return ALG_RESUME_NOT;
}

/* ---- what a message says ---- */

/* Who speaks, as his packets have it, and how both look on the other side. */
struct sides {
	struct ip_addr speaker, hearer;
	rte_be16_t sport, dport;
	struct ip_addr seen, real; /* the speaker as the hearer sees him; the hearer as he is */
	rte_be16_t seen_port, real_port;
	uint8_t proto;
	uint8_t zone[2]; /* of the speaker, of the hearer */
};

static void
look_at_sides(const struct pkt *p, const struct alg_pass *pass, struct sides *sides)
{
	const struct parse_ports ports = parse_key_ports(p);
	struct session_leaving l;

	*sides = (struct sides){ .sport = ports.src,
		.dport = ports.dst,
		.proto = p->proto,
		.zone = { pass->s->zone[pass->dir], pass->s->zone[!pass->dir] } };
	if (p->family == 6) {
		sides->speaker = ip_addr_v6(p->ip6->src_addr);
		sides->hearer = ip_addr_v6(p->ip6->dst_addr);
	} else {
		sides->speaker = ip_addr_v4(p->ip->src_addr);
		sides->hearer = ip_addr_v4(p->ip->dst_addr);
	}
	sides->seen = sides->speaker;
	sides->real = sides->hearer;
	sides->seen_port = sides->sport;
	sides->real_port = sides->dport;
	if (!session_translated(pass->s))
		return;
	session_leaving(pass->s, pass->dir, &l);
	sides->seen = ip_addr_v4(l.src);
	sides->real = ip_addr_v4(l.dst);
	sides->seen_port = l.sport;
	sides->real_port = l.dport;
}

/* Ports in a row at the address by which the speaker is seen. */
struct run {
	struct nat_got got;
	unsigned int count;
	uint32_t note; /* each is held by it; 0: none is */
};

/* The group that the address is from, NAT_GROUP_NONE: a NAT server's or a static mapping's. */
static uint16_t
group_of(const struct nat *nat, rte_be32_t address)
{
	for (uint32_t i = 0; i < nat->group_count; i++) {
		if (nat_pool_has(nat_groups_pool(nat->groups, nat->group_ids[i]), address))
			return nat->group_ids[i];
	}
	return NAT_GROUP_NONE;
}

static bool
claim_run(struct nat_groups *groups, uint16_t group, uint8_t proto, rte_be32_t host,
	rte_be16_t port, unsigned int n, const struct nat_got *first)
{
	for (unsigned int i = 0; i < n; i++) {
		struct nat_got got = { .addr = first->addr,
			.port = rte_cpu_to_be_16((uint16_t)(rte_be_to_cpu_16(first->port) + i)) };
		const rte_be16_t inside = rte_cpu_to_be_16((uint16_t)(rte_be_to_cpu_16(port) + i));

		if (nat_groups_announce_at(groups, group, proto, host, inside, &got) == NAT_OK)
			continue;
		while (i-- > 0) {
			got.port = rte_cpu_to_be_16((uint16_t)(rte_be_to_cpu_16(first->port) + i));
			nat_groups_give(groups, group, proto, &got);
		}
		return false;
	}
	return true;
}

static uint32_t
next_random(struct scratch *x)
{
	x->random = x->random * 1664525U + 1013904223U;
	return x->random >> 8;
}

/* Several ports: in a row, which only trying finds. */
static bool
take_row(struct nat_groups *groups, struct scratch *x, uint16_t group, uint8_t proto,
	rte_be32_t host, rte_be16_t port, struct run *run)
{
	const uint16_t first = rte_be_to_cpu_16(port);
	const uint32_t high = UINT16_MAX - 1024 - run->count;

	for (unsigned int i = 0; i < RUN_TRIES; i++) {
		uint32_t at = i == 0 ? first : 1024 + next_random(x) % high;

		at = (at & ~1U) | (first & 1); /* parity: RTP even, RTCP odd */
		run->got.port = rte_cpu_to_be_16((uint16_t)at);
		if (claim_run(groups, group, proto, host, port, run->count, &run->got))
			return true;
	}
	return false;
}

static bool
take_run(struct worker *w, struct scratch *x, uint16_t group, uint8_t proto,
	const struct sides *sides, rte_be16_t port, struct run *run)
{
	struct nat_groups *groups = w->engine->nat_groups;
	const rte_be32_t host = sides->speaker.v4;
	const struct nat_want want = { .worker = w->id,
		.proto = proto,
		.host = host,
		.port = port,
		.remote = sides->real.v4,
		.at = sides->seen.v4 };

	if (run->count == 1)
		return nat_groups_announce(groups, group, &want, &run->got) == NAT_OK;
	if (!nat_groups_mapped(groups, group, proto, host, port, &run->got)) {
		run->got.addr = sides->seen.v4;
		return take_row(groups, x, group, proto, host, port, run);
	}
	/* Said before, or already sent from: it has its port, and those behind it if it can. */
	if (run->got.addr != sides->seen.v4)
		return false;
	while (!claim_run(groups, group, proto, host, port, run->count, &run->got)) {
		if (--run->count == 0)
			return false;
	}
	return true;
}

/* => false: there are none. */
static bool
outside_run(struct worker *w, struct scratch *x, uint8_t proto, const struct sides *sides,
	rte_be16_t port, struct run *run)
{
	const struct nat *nat = w->snap->nat;
	const unsigned int n = run->count;
	uint16_t group;

	if (nat == NULL)
		return false;
	group = group_of(nat, sides->seen.v4);
	/* Where it speaks from: the session has that port, so nobody else has. */
	if (n == 1 && port == sides->sport && proto == sides->proto &&
		(group == NAT_GROUP_NONE ||
			!nat_groups_params(nat->groups, group)->endpoint_independent)) {
		run->got = (struct nat_got){ .addr = sides->seen.v4, .port = sides->seen_port };
		return true;
	}
	if (group != NAT_GROUP_NONE) {
		run->note = nat_note(group);
		return take_run(w, x, group, proto, sides, port, run);
	}
	/* The port it has, unless that is a service's. */
	run->got = (struct nat_got){ .addr = sides->seen.v4, .port = port };
	for (unsigned int i = 0; i < n; i++) {
		const struct nat_server *server =
			nat_server_find(nat, sides->zone[1], sides->seen.v4, proto,
				rte_cpu_to_be_16((uint16_t)(rte_be_to_cpu_16(port) + i)));

		if (server != NULL && server->proto != 0)
			return false;
	}
	return true;
}

/* A connection to the speaker, or several in a row of ports, is announced. */
static void
expect(struct worker *w, struct scratch *x, const struct alg_pass *pass, const struct sides *sides,
	const struct alg_finding *f, struct alg_endpoint *to)
{
	struct alg_table *t = w->engine->algs;
	const bool gre = f->proto == IPPROTO_GRE; /* what stands for its port is a call's number */
	const rte_be16_t port = gre ? 0 : f->port != 0 ? f->port : sides->sport;
	const bool moved = !ip_addr_equal(&sides->speaker, &sides->seen);
	struct run run = { .got = { .addr = sides->seen.v4, .port = port }, .count = f->count };

	/* To port 0 nobody can answer, and the peer's map would not take it. */
	if (!alg_permits(f, &sides->speaker) || (!gre && port == 0)) {
		count(t, REFUSED);
		return;
	}
	if (x->expected_count + f->count > EXPECTED_MAX) {
		count(t, FULL);
		return;
	}
	if (moved && !outside_run(w, x, f->proto, sides, port, &run)) {
		count(t, NO_PORT);
		return;
	}
	for (unsigned int i = 0; i < run.count; i++) {
		struct servermap_entry *e = &x->expected[x->expected_count++];
		const uint16_t number = (uint16_t)(rte_be_to_cpu_16(port) + i);

		*e = (struct servermap_entry){
			.key = { .dst = sides->seen,
				.dport = gre ? 0
					     : rte_cpu_to_be_16(
						       (uint16_t)(rte_be_to_cpu_16(run.got.port) +
								  i)),
				.proto = f->proto },
			.type = SERVERMAP_ASPF,
			.alg = (uint8_t)pass->alg->id,
			.child_alg = f->child,
			.zone = sides->zone[1],
			.uses = 1,
			.note = run.note,
			.policy = atomic_load_explicit(&pass->s->policy, memory_order_relaxed),
			.parent = pass->index,
			.parent_generation =
				atomic_load_explicit(&pass->s->generation, memory_order_relaxed),
			.call = f->call,
			.until = mono_add_ms(w->now,
				(f->seconds != 0 ? f->seconds : pass->alg->expect_s) * 1000ULL),
		};
		if (moved)
			e->key.dst = ip_addr_v4(run.got.addr);
		if (!f->anyone)
			e->src = sides->real;
		if (moved) {
			e->to = sides->speaker;
			e->to_port = gre ? 0 : rte_cpu_to_be_16(number);
		}
		if (!ip_addr_equal(&sides->real, &sides->hearer))
			e->from = sides->hearer;
	}
	if (moved && !gre)
		*to = (struct alg_endpoint){
			.addr = ip_addr_v4(run.got.addr), .port = run.got.port, .given = true
		};
}

/* What a port of the hearer's stands for: its own, or one that was announced before: as it said it
 * itself.  => false: it has not said that, the port stays */
static bool
port_behind(const struct worker *w, const struct sides *sides, const struct alg_finding *f,
	rte_be16_t *port)
{
	const struct servermap_key key = { .dst = sides->hearer,
		.dport = f->port,
		.proto = f->proto != 0 ? f->proto : sides->proto };
	struct servermap_entry e;

	*port = sides->real_port;
	if (f->port == sides->dport)
		return true;
	if (servermap_peek(w->servermap, &key, &sides->speaker, sides->zone[0], w->now, &e) &&
		ip_addr_equal(&e.to, &sides->real)) {
		*port = e.to_port;
		return true;
	}
	*port = f->port;
	return false;
}

/* An endpoint is mentioned: on the other side it is another one.  Most are the speaker's; answers
 * repeat what was asked (Via, Contact) and requests name whom they are for. */
static void
mention(const struct worker *w, const struct sides *sides, const struct alg_finding *f,
	struct alg_endpoint *to)
{
	const bool speaker = f->addr.family == 0 || ip_addr_equal(&f->addr, &sides->speaker);
	const bool hearer = f->addr.family == 0 || ip_addr_equal(&f->addr, &sides->hearer);
	rte_be16_t port;

	if (f->hearer || (hearer && !speaker)) {
		/* Other hosts may be behind the same address: theirs is not the hearer's. */
		if (!hearer || (!port_behind(w, sides, f, &port) && !f->hearer))
			return;
		to->given = !ip_addr_equal(&sides->real, &sides->hearer) || port != f->port;
		to->addr = sides->real;
	} else {
		if (!speaker)
			return;
		port = f->port == sides->sport ? sides->seen_port : f->port;
		to->given = !ip_addr_equal(&sides->seen, &sides->speaker) || port != f->port;
		to->addr = sides->seen;
	}
	to->port = port;
}

/* => are there other endpoints to print? */
static bool
work_out(struct worker *w, struct scratch *x, const struct pkt *p, const struct alg_pass *pass,
	const struct alg_findings *found)
{
	struct sides sides;
	bool other = false;

	look_at_sides(p, pass, &sides);
	x->expected_count = 0;
	x->ends = false;
	for (uint32_t i = 0; i < found->count; i++) {
		const struct alg_finding *f = &found->list[i];

		x->to[i] = (struct alg_endpoint){ 0 };
		switch (f->what) {
		case ALG_EXPECT:
			expect(w, x, pass, &sides, f, &x->to[i]);
			break;
		case ALG_ADDRESS:
			mention(w, &sides, f, &x->to[i]);
			break;
		case ALG_END:
			x->ends = true;
			x->ended = f->call;
			break;
		case ALG_LENGTH:
			break;
		}
		other |= x->to[i].given && f->len != 0;
	}
	return other;
}

/* The message goes: what it says holds.  Else: what was taken for it goes back. */
static void
settle(struct worker *w, const struct scratch *x, const struct alg_pass *pass, bool goes)
{
	struct alg_table *t = w->engine->algs;

	for (uint32_t i = 0; i < x->expected_count; i++) {
		const struct servermap_entry *e = &x->expected[i];
		bool renewed = false;

		if (goes && servermap_add(w->servermap, e, pass->alg->expect_max, &renewed)) {
			count(t, EXPECTED);
			if (!renewed)
				continue;
		} else if (goes) {
			count(t, FULL);
		}
		nat_expected_gone(w, e);
	}
	if (goes && x->ends)
		servermap_remove_call(w->servermap, pass->index,
			atomic_load_explicit(&pass->s->generation, memory_order_relaxed), x->ended,
			nat_expected_gone, w);
}

/* ---- packets ---- */

static void
text_of_stream(struct worker *w, struct pkt *p, const struct alg_pass *pass,
	struct alg_stream_segment *segment)
{
	struct scratch *x = w->engine->algs->scratch[w->id];
	struct alg_message m;

	while (alg_stream_next(segment, &m)) {
		const bool other = work_out(w, x, p, pass, &m.found);
		uint32_t len;
		bool goes;

		if (!other) {
			settle(w, x, pass, true);
			continue;
		}
		len = alg_rewrite(
			pass->alg, m.text, m.len, &m.found, x->to, x->text, sizeof(x->text));
		if (len == 0)
			count(w->engine->algs, UNPRINTABLE);
		goes = len != 0 && alg_stream_edit(segment, &m, x->text, len);
		settle(w, x, pass, goes);
		/* One that was refused is read again; what follows it waits for it. */
		if (!goes && len != 0 && m.editable)
			break;
	}
}

/* => false: the datagram cannot be rewritten. */
static bool
text_of_datagram(struct worker *w, struct pkt *p, const struct alg_pass *pass)
{
	struct scratch *x = w->engine->algs->scratch[w->id];
	struct alg_edit edit;
	uint32_t len, is;
	const char *text = alg_edit_payload(p, &len);
	bool goes;

	if (text == NULL || len > ALG_LINE_MAX)
		return true;
	if (pass->alg->scan(pass->dir, p->proto, text, len, &x->found) != len)
		return true;
	count(w->engine->algs, DATAGRAMS);
	if (!work_out(w, x, p, pass, &x->found)) {
		settle(w, x, pass, true);
		return true;
	}
	is = alg_rewrite(pass->alg, text, len, &x->found, x->to, x->text, sizeof(x->text));
	goes = is != 0;
	if (goes) {
		alg_edit_begin(&edit, p);
		goes = alg_edit_replace(&edit, 0, len, x->text, is);
		alg_edit_end(&edit);
	}
	if (!goes)
		count(w->engine->algs, UNPRINTABLE);
	settle(w, x, pass, goes);
	return goes;
}

void
alg_session_begin(struct worker *w, struct session *s, uint32_t index, unsigned int dir,
	struct pkt *p, struct alg_pass *pass)
{
	const struct alg_table *t = w->engine->algs;

	*pass = (struct alg_pass){ .alg = alg_of(alg_session_of(t, index)),
		.stream = p->proto == IPPROTO_TCP ? stream_of(t, index) : NULL,
		.s = s,
		.index = index,
		.dir = dir };
	if (pass->stream == NULL)
		return;
	rte_spinlock_lock(&pass->stream->lock);
	pass->mark = alg_stream_mark(pass->stream);
	alg_stream_in(pass->stream, dir, p);
}

/* Text may grow: leave it room. */
static void
clamp(const struct session *s, struct pkt *p, uint16_t mtu)
{
	const uint16_t headers = p->family == 6 ? V6_HEADERS : V4_HEADERS;

	if (session_translated(s) && mtu > headers + 2 * ALG_GROWTH_MAX)
		tcp_mss_clamp(pkt_l4(p), (uint16_t)(mtu - headers - ALG_GROWTH_MAX));
}

bool
alg_session_text(struct worker *w, struct pkt *p, uint16_t mtu, const struct alg_pass *pass)
{
	const struct rte_tcp_hdr *tcp = pkt_l4(p);
	struct alg_stream_segment segment;
	enum session_state state;

	if (pass->alg == NULL)
		return true;
	if (p->proto == IPPROTO_UDP)
		return text_of_datagram(w, p, pass);
	if (pass->stream == NULL)
		return true;
	if ((tcp->tcp_flags & TCP_SYN) != 0) {
		state = session_state_of(atomic_load_explicit(&pass->s->ctl, memory_order_acquire));
		/* Not one that is merely let pass. */
		if (state == SESSION_TCP_SYN_SENT || state == SESSION_TCP_SYN_RECEIVED)
			alg_stream_syn(pass->stream, pass->dir, p);
		clamp(pass->s, p, mtu);
		return true;
	}
	alg_stream_enter(&segment, w->engine->algs->streams, pass->stream, pass->alg, pass->dir, p,
		session_translated(pass->s));
	text_of_stream(w, p, pass, &segment);
	return alg_stream_out(&segment);
}

static bool
let_go(const struct alg_pass *pass)
{
	bool changed;

	if (pass->stream == NULL)
		return false;
	changed = alg_stream_mark(pass->stream) != pass->mark;
	rte_spinlock_unlock(&pass->stream->lock);
	return changed;
}

void
alg_session_end(struct worker *w, const struct alg_pass *pass)
{
	if (let_go(pass))
		worker_event(w, pass->s, pass->index, MIRROR_UPDATE);
}

uint32_t
alg_session_quoted(const struct worker *w, const struct session *s, unsigned int dir, uint32_t seq)
{
	struct alg_stream *stream = stream_of(w->engine->algs, session_table_index(w->sessions, s));

	if (stream == NULL)
		return seq;
	rte_spinlock_lock(&stream->lock);
	seq = alg_seq_back(&stream->seq[dir], seq, false);
	rte_spinlock_unlock(&stream->lock);
	return seq;
}

bool
alg_session_first(struct worker *w, struct session *s, struct pkt *p, uint16_t mtu)
{
	struct alg_pass pass;
	bool goes;

	alg_session_begin(w, s, session_table_index(w->sessions, s), 0, p, &pass);
	goes = alg_session_text(w, p, mtu, &pass);
	(void)let_go(&pass); /* that there is a new session is told behind this */
	return goes;
}
