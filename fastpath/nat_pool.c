/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * See nat_pool.h.
 *
 * A block's word: ports in use per kind, that is protocol and parity, and above them its owner + 1.
 * It follows the bits: a port is set, then counted; cleared, then counted off.  In between the word
 * may say less than is in use, never that a port is free which is not: that only the bit says.
 *
 * The bits of an address are of all pools that have it: after a reload the sessions of a group that
 * has changed may live on beside those of its successor.  All else is the pool's own.
 *
 * An address keeps, for each kind, the blocks that have room, so that full ones cost a search
 * nothing, least of all when every one is full.  Whoever counts a block's last port takes it out,
 * and looks again; whoever gives the first one back puts it in.  So none with room is ever missing;
 * a full one may be there, as its word will say.
 *
 * Which worker a reply comes home to depends on seven bits, a linear function of the tuple: that
 * of its 16-bit words XORed.  So the ports of one word of the bit map that lead home to a worker
 * are one of 128 masks, chosen by the rest of the tuple.
 */
#include "nat_pool.h"

#include "check.h"
#include "session_table.h"

#include <rte_common.h>
#include <rte_malloc.h>
#include <rte_prefetch.h>
#include <rte_spinlock.h>

#include <errno.h>
#include <netinet/in.h>
#include <stdalign.h>
#include <stdatomic.h>
#include <string.h>

#define PORTS	     65536u
#define WORD_PORTS   64u
#define WORDS	     (PORTS / WORD_PORTS)
#define LOW_PORTS    1024u /* RFC 4787 REQ-3: well-known ports */
#define HOMES	     128u  /* values of the seven bits */
#define MAX_WORKERS  32u
#define KINDS	     5u /* TCP even, odd, UDP even, odd; ICMP */
#define KIND_BITS    11
#define KIND_MASK    ((UINT64_C(1) << KIND_BITS) - 1)
#define OWNER_SHIFT  (KINDS * KIND_BITS)
#define OWNER_MASK   (UINT64_C(0xff) << OWNER_SHIFT)
#define USED_MASK    ((UINT64_C(1) << OWNER_SHIFT) - 1)
#define EVEN_PORTS   UINT64_C(0x5555555555555555)
#define MAX_SECTIONS 256u

/* What is handed out of one address, by all pools of a mode that have it. */
struct address {
	uint32_t pools;		/* the thread that creates and destroys them */
	_Atomic(uint64_t) host; /* NO-PAT: host << 32 | sessions; 0 = free */
	/* PAT: NAT_POOL_PROTOCOLS of them; 1 = in use, or never handed out */
	alignas(64) _Atomic(uint64_t) bits[][WORDS];
};

/* PAT: which blocks of an address have room, bit per block. */
struct room {
	_Atomic(uint64_t) blocks[KINDS][WORDS / 64];
};

/* NO-PAT: the places of hosts are the addresses. */
struct place {
	_Atomic(uint32_t) reach; /* hosts whose first place this is lie within so many places */
	rte_spinlock_t lock;	 /* of those hosts, while one gets its address */
};

/* One worker's own. */
struct taker {
	alignas(64) uint64_t random;
	uint32_t addr;	      /* the address it takes from, when not paired */
	uint64_t home[HOMES]; /* ports of a word that lead home, see above */
};

struct nat_pool {
	enum nat_pool_mode mode;
	bool paired;
	uint16_t workers;
	uint32_t count;			     /* addresses */
	uint32_t block, block_shift, blocks; /* ports, log 2 of them; blocks an address */
	const struct session_table *homes;
	const _Atomic(uint8_t) *halves; /* NULL: the whole */
	uint64_t half[NAT_WHOLE + 1]
		     [WORDS / 64]; /* blocks with ports of these halves, bit per block */
	unsigned int section_count;
	struct nat_pool_section *sections;
	uint32_t *first; /* index of each section's first address */
	struct address **addresses;
	struct room *rooms;
	_Atomic(uint64_t) *block_words; /* [count * blocks] */
	struct place *places;
	struct taker *takers;
	uint64_t memory;
};

static void *
take_memory(struct nat_pool *p, size_t size, int socket)
{
	void *m = rte_zmalloc_socket("nat_pool", size, 64, socket);

	p->memory += m != NULL ? size : 0;
	return m;
}

/* => number of addresses, or 0: something is wrong with the sections. */
static uint32_t
count_addresses(const struct nat_pool_params *params)
{
	uint64_t sum = 0;

	for (unsigned int i = 0; i < params->section_count; i++) {
		const struct nat_pool_section *s = &params->sections[i];

		if (s->from == 0 || s->to < s->from)
			return 0;
		for (unsigned int j = 0; j < i; j++)
			if (s->from <= params->sections[j].to && params->sections[j].from <= s->to)
				return 0;
		sum += (uint64_t)s->to - s->from + 1;
	}
	return sum <= NAT_POOL_ADDRESSES ? (uint32_t)sum : 0;
}

/* Addresses by number, and back */

static rte_be32_t
address_at(const struct nat_pool *p, uint32_t index)
{
	unsigned int i = p->section_count - 1;

	while (p->first[i] > index)
		i--;
	return rte_cpu_to_be_32(p->sections[i].from + (index - p->first[i]));
}

/* => false: not of this pool. */
static bool
index_of(const struct nat_pool *p, rte_be32_t addr, uint32_t *index)
{
	const uint32_t a = rte_be_to_cpu_32(addr);

	for (unsigned int i = 0; i < p->section_count; i++) {
		if (a >= p->sections[i].from && a <= p->sections[i].to) {
			*index = p->first[i] + (a - p->sections[i].from);
			return true;
		}
	}
	return false;
}

/* The address a host is sent to first; the same on both boxes. */
static uint32_t
index_of_host(const struct nat_pool *p, rte_be32_t host)
{
	uint32_t x = rte_be_to_cpu_32(host) * UINT32_C(0x9e3779b1);

	x = (x ^ x >> 15) * UINT32_C(0x85ebca77);
	x ^= x >> 13;
	return (uint32_t)((uint64_t)x * p->count >> 32);
}

static bool
params_valid(const struct nat_pool_params *p)
{
	return p->section_count >= 1 && p->section_count <= MAX_SECTIONS &&
	       count_addresses(p) != 0 && p->workers >= 1 && p->workers <= MAX_WORKERS &&
	       (p->mode == NAT_POOL_NO_PAT ||
		       (rte_is_power_of_2(p->block) && p->block >= WORD_PORTS &&
			       p->block <= LOW_PORTS));
}

static void
taker_init(struct nat_pool *p, uint16_t worker, uint64_t seed)
{
	struct taker *t = &p->takers[worker];

	t->random = (seed ^ (worker + 1) * UINT64_C(0x9e3779b97f4a7c15)) | 1;
	t->addr = (uint32_t)((uint64_t)worker * p->count / p->workers);
	for (uint32_t rest = 0; rest < HOMES; rest++) {
		for (uint32_t low = 0; low < WORD_PORTS; low++) {
			const uint32_t hash =
				p->homes != NULL ? rest ^ session_table_rss(p->homes, low) : 0;

			if (p->homes == NULL || session_table_home_rss(p->homes, hash) == worker)
				t->home[rest] |= UINT64_C(1) << low;
		}
	}
}

/* Which blocks have ports of a half.  One of 1024 ports has both of the lowest. */
static void
find_halves(struct nat_pool *p)
{
	for (uint32_t port = 0; port < PORTS; port += WORD_PORTS) {
		const uint32_t block = port >> p->block_shift;

		for (unsigned int halves = 1; halves <= NAT_WHOLE; halves++)
			if ((nat_pool_half(port) & halves) != 0)
				p->half[halves][block / 64] |= UINT64_C(1) << (block % 64);
	}
}

/* An address as one of the others has it, else a new one. */
static struct address *
share_address(struct nat_pool *p, const struct nat_pool_params *params, rte_be32_t addr)
{
	const size_t bits = p->mode == NAT_POOL_PAT ? NAT_POOL_PROTOCOLS : 0;
	struct address *a;
	uint32_t at;

	for (uint32_t i = 0; i < params->other_count; i++) {
		const struct nat_pool *other = params->others[i];

		if (other->mode == p->mode && index_of(other, addr, &at)) {
			other->addresses[at]->pools++;
			p->memory += sizeof(*a) + bits * sizeof(a->bits[0]);
			return other->addresses[at];
		}
	}
	a = take_memory(p, sizeof(*a) + bits * sizeof(a->bits[0]), params->socket);
	if (a == NULL)
		return NULL;
	a->pools = 1;
	/* Port 0 is no port; identifier 0 is one. */
	for (unsigned int proto = 0; bits != 0 && proto < 2; proto++)
		atomic_init(&a->bits[proto][0], 1);
	return a;
}

/* Whoever has an address of ours in another pool is found here, too. */
static void
find_hosts(struct nat_pool *p)
{
	for (uint32_t i = 0; i < p->count; i++) {
		const uint64_t word = atomic_load(&p->addresses[i]->host);
		const uint32_t home = index_of_host(p, (rte_be32_t)(word >> 32));
		const uint32_t reach = (i >= home ? i - home : i + p->count - home) + 1;

		rte_spinlock_init(&p->places[i].lock);
		if (word != 0 && p->places[home].reach < reach)
			p->places[home].reach = reach;
	}
}

static bool
create_addresses(struct nat_pool *p, const struct nat_pool_params *params)
{
	p->addresses = take_memory(p, sizeof(p->addresses[0]) * (size_t)p->count, params->socket);
	for (uint32_t i = 0; p->addresses != NULL && i < p->count; i++) {
		p->addresses[i] = share_address(p, params, address_at(p, i));
		if (p->addresses[i] == NULL)
			return false;
	}
	return p->addresses != NULL;
}

static bool
create_parts(struct nat_pool *p, const struct nat_pool_params *params)
{
	uint32_t at = 0;

	p->sections =
		take_memory(p, sizeof(p->sections[0]) * params->section_count, params->socket);
	p->first = take_memory(p, sizeof(p->first[0]) * params->section_count, params->socket);
	p->takers = take_memory(p, sizeof(struct taker) * params->workers, params->socket);
	if (p->sections == NULL || p->first == NULL || p->takers == NULL)
		return false;
	memcpy(p->sections, params->sections, sizeof(p->sections[0]) * params->section_count);
	for (unsigned int i = 0; i < params->section_count; i++) {
		p->first[i] = at;
		at += p->sections[i].to - p->sections[i].from + 1;
	}
	for (uint16_t i = 0; i < params->workers; i++)
		taker_init(p, i, params->seed);
	if (!create_addresses(p, params))
		return false;
	if (p->mode == NAT_POOL_NO_PAT) {
		p->places = take_memory(p, sizeof(struct place) * p->count, params->socket);
		if (p->places != NULL)
			find_hosts(p);
		return p->places != NULL;
	}
	p->rooms = take_memory(p, sizeof(struct room) * (size_t)p->count, params->socket);
	p->block_words =
		take_memory(p, sizeof(uint64_t) * (size_t)p->count * p->blocks, params->socket);
	if (p->rooms == NULL || p->block_words == NULL)
		return false;
	for (uint32_t i = 0; i < p->count; i++)
		for (unsigned int kind = 0; kind < KINDS; kind++)
			for (uint32_t block = 0; block < p->blocks; block++)
				p->rooms[i].blocks[kind][block / 64] |= UINT64_C(1) << (block % 64);
	return true;
}

struct nat_pool *
nat_pool_create(const struct nat_pool_params *params)
{
	struct nat_pool *p;

	if (!params_valid(params)) {
		errno = EINVAL;
		return NULL;
	}
	p = rte_zmalloc_socket("nat_pool", sizeof(*p), 64, params->socket);
	if (p == NULL) {
		errno = ENOMEM;
		return NULL;
	}
	p->memory = sizeof(*p);
	p->mode = params->mode;
	p->paired = params->paired;
	p->workers = params->workers;
	p->homes = params->workers > 1 ? params->homes : NULL;
	p->count = count_addresses(params);
	p->section_count = params->section_count;
	if (p->mode == NAT_POOL_PAT) {
		p->block = params->block;
		p->block_shift = rte_log2_u32(p->block);
		p->blocks = PORTS >> p->block_shift;
		p->halves = params->halves;
		find_halves(p);
	}
	if (!create_parts(p, params)) {
		nat_pool_destroy(p);
		errno = ENOMEM;
		return NULL;
	}
	return p;
}

void
nat_pool_destroy(struct nat_pool *p)
{
	if (p == NULL)
		return;
	rte_free(p->sections);
	rte_free(p->first);
	rte_free(p->takers);
	for (uint32_t i = 0; p->addresses != NULL && i < p->count; i++)
		if (p->addresses[i] != NULL && --p->addresses[i]->pools == 0)
			rte_free(p->addresses[i]);
	rte_free(p->addresses);
	rte_free(p->rooms);
	rte_free((void *)(uintptr_t)p->block_words);
	rte_free(p->places);
	rte_free(p);
}

uint32_t
nat_pool_addresses(const struct nat_pool *p)
{
	return p->count;
}

uint64_t
nat_pool_memory(const struct nat_pool *p)
{
	return p->memory;
}

bool
nat_pool_has(const struct nat_pool *p, rte_be32_t addr)
{
	uint32_t index;

	return index_of(p, addr, &index);
}

/* PAT */

/* => which of the bit maps, or -1. */
static int
protocol_of(uint8_t proto)
{
	switch (proto) {
	case IPPROTO_TCP:
		return 0;
	case IPPROTO_UDP:
		return 1;
	case IPPROTO_ICMP:
		return 2;
	default:
		return -1;
	}
}

static uint32_t
next_random(struct taker *t)
{
	t->random ^= t->random << 13;
	t->random ^= t->random >> 7;
	t->random ^= t->random << 17;
	return (uint32_t)(t->random >> 32);
}

static _Atomic(uint64_t) *
block_of(const struct nat_pool *p, uint32_t addr, uint32_t port)
{
	return &p->block_words[addr * p->blocks + (port >> p->block_shift)];
}

static unsigned int
kind_of(int proto, uint32_t port)
{
	return proto == 2 ? KINDS - 1 : (unsigned int)proto * 2 + (port & 1);
}

static uint64_t
one_port(unsigned int kind)
{
	return UINT64_C(1) << (KIND_BITS * kind);
}

static uint32_t
used_of(uint64_t word, unsigned int kind)
{
	return word >> (KIND_BITS * kind) & KIND_MASK;
}

/* Ports of a kind in a block. */
static uint32_t
ports_of(const struct nat_pool *p, unsigned int kind)
{
	return kind == KINDS - 1 ? p->block : p->block / 2;
}

static _Atomic(uint64_t) *
room_of(struct nat_pool *p, uint32_t addr, unsigned int kind, uint32_t block)
{
	return &p->rooms[addr].blocks[kind][block / 64];
}

/* => true: the port was free and is ours. */
static bool
set_port(struct nat_pool *p, uint32_t addr, int proto, uint32_t port)
{
	const uint64_t bit = UINT64_C(1) << (port % WORD_PORTS);
	const unsigned int kind = kind_of(proto, port);
	const uint32_t block = port >> p->block_shift, all = ports_of(p, kind);
	_Atomic(uint64_t) *word = block_of(p, addr, port);

	if (atomic_fetch_or(&p->addresses[addr]->bits[proto][port / WORD_PORTS], bit) & bit)
		return false;
	if (used_of(atomic_fetch_add(word, one_port(kind)), kind) + 1 >= all) {
		atomic_fetch_and(room_of(p, addr, kind, block), ~(UINT64_C(1) << (block % 64)));
		if (used_of(atomic_load(word), kind) < all)
			atomic_fetch_or(room_of(p, addr, kind, block), UINT64_C(1) << (block % 64));
	}
	return true;
}

/* What a search takes. */
struct search {
	uint32_t first, end; /* blocks of the class */
	unsigned int kind;
	uint64_t parity; /* ports of a word */
	bool own;	 /* of own and free blocks only */
	bool home;	 /* only those that lead home */
	uint8_t halves;
	uint32_t rest; /* the seven bits of the tuple without its port */
};

/* The ports of a word of the bit map that lead home. */
static uint64_t
home_ports(const struct nat_pool *p, const struct taker *t, uint32_t rest, uint32_t word)
{
	return t->home[rest ^ (session_table_rss(p->homes, word * WORD_PORTS) & (HOMES - 1))];
}

static bool
leads_home(const struct nat_pool *p, const struct taker *t, uint32_t rest, uint32_t port)
{
	return home_ports(p, t, rest, port / WORD_PORTS) >> (port % WORD_PORTS) & 1;
}

/* A port of one block, from a random place on.  => -1: none that will do. */
static int
search_block(struct nat_pool *p, struct taker *t, uint32_t addr, int proto, uint32_t block,
	const struct search *s)
{
	const uint32_t words = p->block / WORD_PORTS, start = next_random(t);
	const uint32_t turn = next_random(t) % WORD_PORTS;

	for (uint32_t i = 0; i < words; i++) {
		const uint32_t word = block * words + ((start + i) & (words - 1));
		_Atomic(uint64_t) *bits = &p->addresses[addr]->bits[proto][word];
		uint64_t good = s->parity;

		if ((nat_pool_half(word * WORD_PORTS) & s->halves) == 0)
			continue;
		if (s->home)
			good &= home_ports(p, t, s->rest, word);
		while (true) {
			const uint64_t free =
				good & ~atomic_load_explicit(bits, memory_order_relaxed);
			const uint64_t turned = free >> turn | free << (-turn & (WORD_PORTS - 1));
			uint32_t port;

			if (free == 0)
				break;
			port = word * WORD_PORTS +
			       (((uint32_t)__builtin_ctzll(turned) + turn) & (WORD_PORTS - 1));
			if (set_port(p, addr, proto, port))
				return (int)port;
		}
	}
	return -1;
}

/* May this worker take from a block?  A free one becomes its own. */
static bool
enter_block(_Atomic(uint64_t) *block, uint16_t worker)
{
	uint64_t word = atomic_load_explicit(block, memory_order_relaxed);
	const uint64_t mine = (uint64_t)(worker + 1) << OWNER_SHIFT;

	while ((word & OWNER_MASK) == 0)
		if (atomic_compare_exchange_weak(block, &word, word | mine))
			return true;
	return (word & OWNER_MASK) == mine;
}

/* => the first block from `at` on that has room and is one of `half`, or `end`. */
static uint32_t
next_room(const _Atomic(uint64_t) *room, const uint64_t *half, uint32_t at, uint32_t end)
{
	while (at < end) {
		const uint64_t left = (atomic_load_explicit(&room[at / 64], memory_order_relaxed) &
					      half[at / 64]) >>
				      (at % 64);

		if (left != 0)
			return RTE_MIN(at + (uint32_t)__builtin_ctzll(left), end);
		at = (at | 63) + 1;
	}
	return end;
}

/* Blocks from `at` to `end`, `own` ones or others.  => a port, or -1. */
static int
search_blocks(struct nat_pool *p, uint16_t worker, uint32_t addr, int proto, const struct search *s,
	bool own, uint32_t at, uint32_t end)
{
	const _Atomic(uint64_t) *room = p->rooms[addr].blocks[s->kind];
	_Atomic(uint64_t) *words = &p->block_words[addr * p->blocks];
	const uint64_t *half = p->half[s->halves];
	struct taker *t = &p->takers[worker];

	for (at = next_room(room, half, at, end); at < end;
		at = next_room(room, half, at + 1, end)) {
		const uint64_t word = atomic_load_explicit(&words[at], memory_order_relaxed);
		int port;

		if ((word >> OWNER_SHIFT == worker + 1u) != own ||
			(s->own && !own && !enter_block(&words[at], worker)))
			continue;
		port = search_block(p, t, addr, proto, at, s);
		if (port >= 0)
			return port;
	}
	return -1;
}

/* => a port of the address, or -1. */
static int
search_address(
	struct nat_pool *p, uint16_t worker, uint32_t addr, int proto, const struct search *s)
{
	const uint32_t start =
		s->first +
		(uint32_t)((uint64_t)next_random(&p->takers[worker]) * (s->end - s->first) >> 32);

	/* Own blocks first, then free ones: few blocks, well filled. */
	for (unsigned int pass = 0; pass < 2; pass++) {
		int port = search_blocks(p, worker, addr, proto, s, pass == 0, start, s->end);

		if (port < 0)
			port = search_blocks(p, worker, addr, proto, s, pass == 0, s->first, start);
		if (port >= 0)
			return port;
	}
	return -1;
}

/* What is given up, one after the other, when there is no such port at any address. */
enum round {
	ROUND_HOME,  /* own and free blocks; the reply comes home */
	ROUND_OTHER, /* any block, and wherever the reply comes */
	ROUND_PARITY /* the other parity */
};

/* => a port of the address, or -1. */
static int
take_port(struct nat_pool *p, const struct nat_want *w, uint32_t addr, int proto, enum round round)
{
	const uint32_t port = rte_be_to_cpu_16(w->port), low = LOW_PORTS >> p->block_shift;
	const bool ports = w->proto != IPPROTO_ICMP; /* which NICs hash */
	struct search s = { .end = p->blocks,
		.parity = UINT64_MAX,
		.own = round == ROUND_HOME,
		.halves = p->halves != NULL ? atomic_load_explicit(p->halves, memory_order_relaxed)
					    : NAT_WHOLE };

	if (ports) {
		s.first = port < LOW_PORTS ? 0 : low;
		s.end = port < LOW_PORTS ? low : p->blocks;
		s.parity = (port & 1) != (round == ROUND_PARITY) ? ~EVEN_PORTS : EVEN_PORTS;
	}
	s.kind = kind_of(proto, s.parity == EVEN_PORTS ? 0 : 1);
	if (round == ROUND_HOME && ports && p->homes != NULL) {
		s.home = true;
		s.rest = session_table_rss(
				 p->homes, rte_be_to_cpu_32(w->remote ^ address_at(p, addr)) ^
						   rte_be_to_cpu_16(w->remote_port)) &
			 (HOMES - 1);
	}
	if (round == ROUND_HOME && (nat_pool_half(port) & s.halves) != 0 &&
		(!s.home || leads_home(p, &p->takers[w->worker], s.rest, port)) &&
		set_port(p, addr, proto, port))
		return (int)port;
	return search_address(p, w->worker, addr, proto, &s);
}

static enum nat_refusal
take_pat(struct nat_pool *p, const struct nat_want *w, struct nat_got *got)
{
	const int proto = protocol_of(w->proto);
	const bool one = p->paired || w->at != 0;
	const uint32_t tries = one ? 1 : p->count;
	struct taker *t = &p->takers[w->worker];
	uint32_t addr = p->paired ? index_of_host(p, w->host) : t->addr;

	if (proto < 0)
		return NAT_NO_PORTS_IN_PROTOCOL;
	if (w->at != 0 && !index_of(p, w->at, &addr))
		return NAT_NOT_OURS;
	for (enum round round = ROUND_HOME; round <= ROUND_PARITY; round++) {
		for (uint32_t i = 0; i < tries; i++) {
			const int port = take_port(p, w, addr, proto, round);

			if (port >= 0) {
				if (!one)
					t->addr = addr;
				*got = (struct nat_got){ .addr = address_at(p, addr),
					.port = rte_cpu_to_be_16((uint16_t)port) };
				return NAT_OK;
			}
			if (!one)
				addr = addr + 1 == p->count ? 0 : addr + 1;
		}
	}
	return NAT_NO_PORT;
}

static bool
give_pat(struct nat_pool *p, uint32_t addr, uint8_t ip_proto, rte_be16_t be_port)
{
	const int proto = protocol_of(ip_proto);
	const uint32_t port = rte_be_to_cpu_16(be_port);
	const uint64_t bit = UINT64_C(1) << (port % WORD_PORTS);
	const uint32_t n = port >> p->block_shift;
	_Atomic(uint64_t) *block;
	unsigned int kind;
	uint64_t word;

	if (proto < 0 || (port == 0 && ip_proto != IPPROTO_ICMP))
		return false;
	if (!(atomic_fetch_and(&p->addresses[addr]->bits[proto][port / WORD_PORTS], ~bit) & bit))
		return false;
	block = block_of(p, addr, port);
	kind = kind_of(proto, port);
	word = atomic_fetch_sub(block, one_port(kind)) - one_port(kind);
	if (used_of(word, kind) + 1 >= ports_of(p, kind))
		atomic_fetch_or(room_of(p, addr, kind, n), UINT64_C(1) << (n % 64));
	/* The last one: the block is anybody's. */
	if ((word & USED_MASK) == 0)
		atomic_compare_exchange_strong(block, &word, 0);
	return true;
}

/* NO-PAT */

static uint64_t
host_word(rte_be32_t host)
{
	return (uint64_t)host << 32;
}

/* => the place of a host, its sessions counted one up; or UINT32_MAX: it has none. */
static uint32_t
hold_host(struct nat_pool *p, uint32_t home, rte_be32_t host)
{
	const uint32_t reach = atomic_load_explicit(&p->places[home].reach, memory_order_acquire);
	uint32_t at = home;

	for (uint32_t i = 0; i < reach; i++, at = at + 1 == p->count ? 0 : at + 1) {
		uint64_t word = atomic_load_explicit(&p->addresses[at]->host, memory_order_acquire);

		while (word >> 32 == host && word != 0)
			if (atomic_compare_exchange_weak(&p->addresses[at]->host, &word, word + 1))
				return at;
	}
	return UINT32_MAX;
}

/* Under the lock of its home: a host gets the place `distance` behind it, if that is free. */
static bool
settle(struct nat_pool *p, uint32_t home, uint32_t distance, rte_be32_t host)
{
	const uint32_t at =
		home + distance < p->count ? home + distance : home + distance - p->count;
	uint64_t none = 0;

	if (!atomic_compare_exchange_strong(&p->addresses[at]->host, &none, host_word(host) | 1))
		return false;
	if (atomic_load_explicit(&p->places[home].reach, memory_order_relaxed) <= distance)
		atomic_store_explicit(&p->places[home].reach, distance + 1, memory_order_release);
	return true;
}

static enum nat_refusal
take_address(struct nat_pool *p, const struct nat_want *w, struct nat_got *got)
{
	const uint32_t home = index_of_host(p, w->host);
	uint32_t at = hold_host(p, home, w->host);

	if (at == UINT32_MAX) {
		rte_spinlock_lock(&p->places[home].lock);
		at = hold_host(p, home, w->host);
		for (uint32_t i = 0; at == UINT32_MAX && i < p->count; i++)
			if (settle(p, home, i, w->host))
				at = home + i < p->count ? home + i : home + i - p->count;
		rte_spinlock_unlock(&p->places[home].lock);
	}
	if (at == UINT32_MAX)
		return NAT_NO_ADDRESS;
	*got = (struct nat_got){ .addr = address_at(p, at), .port = w->port };
	return NAT_OK;
}

static bool
give_address(struct nat_pool *p, uint32_t index)
{
	uint64_t word = atomic_load(&p->addresses[index]->host);

	do {
		if (word == 0)
			return false;
	} while (!atomic_compare_exchange_weak(
		&p->addresses[index]->host, &word, (uint32_t)word == 1 ? 0 : word - 1));
	return true;
}

static enum nat_refusal
claim_address(struct nat_pool *p, uint32_t index, rte_be32_t host)
{
	const uint32_t home = index_of_host(p, host);
	enum nat_refusal refusal = NAT_OK;
	uint32_t at;

	rte_spinlock_lock(&p->places[home].lock);
	at = hold_host(p, home, host);
	if (at == UINT32_MAX) {
		if (!settle(p, home, index >= home ? index - home : index + p->count - home, host))
			refusal = NAT_TAKEN;
	} else if (at != index) { /* it has another one already */
		give_address(p, at);
		refusal = NAT_TAKEN;
	}
	rte_spinlock_unlock(&p->places[home].lock);
	return refusal;
}

/* Both */

enum nat_refusal
nat_pool_take(struct nat_pool *p, const struct nat_want *w, struct nat_got *got)
{
	FW_ASSERT(w->worker < p->workers);
	return p->mode == NAT_POOL_PAT ? take_pat(p, w, got) : take_address(p, w, got);
}

enum nat_refusal
nat_pool_claim(struct nat_pool *p, uint8_t ip_proto, rte_be32_t host, const struct nat_got *got)
{
	const uint32_t port = rte_be_to_cpu_16(got->port);
	const int proto = protocol_of(ip_proto);
	uint32_t index;

	if (!index_of(p, got->addr, &index))
		return NAT_NOT_OURS;
	if (p->mode == NAT_POOL_NO_PAT)
		return claim_address(p, index, host);
	if (proto < 0)
		return NAT_NO_PORTS_IN_PROTOCOL;
	return set_port(p, index, proto, port) ? NAT_OK : NAT_TAKEN;
}

bool
nat_pool_give(struct nat_pool *p, uint8_t proto, const struct nat_got *got)
{
	uint32_t index;

	if (!index_of(p, got->addr, &index))
		return false;
	return p->mode == NAT_POOL_PAT ? give_pat(p, index, proto, got->port)
				       : give_address(p, index);
}

/* Shows */

uint32_t
nat_pool_blocks(const struct nat_pool *p)
{
	return p->count * p->blocks;
}

struct nat_block_usage
nat_pool_block(const struct nat_pool *p, uint32_t n)
{
	const uint64_t word = atomic_load_explicit(&p->block_words[n], memory_order_relaxed);
	const uint32_t addr = n / p->blocks, owner = (uint32_t)(word >> OWNER_SHIFT);
	struct nat_block_usage u = { .addr = address_at(p, addr),
		.first = (uint16_t)((n - addr * p->blocks) << p->block_shift),
		.owner = owner != 0 ? (uint16_t)(owner - 1) : NAT_POOL_UNOWNED };

	for (unsigned int kind = 0; kind < KINDS; kind++)
		u.used[kind / 2] = (uint16_t)(u.used[kind / 2] + used_of(word, kind));
	return u;
}

struct nat_usage
nat_pool_usage(const struct nat_pool *p, uint16_t worker)
{
	struct nat_usage sum = { 0 };

	for (uint32_t n = 0; n < nat_pool_blocks(p); n++) {
		const struct nat_block_usage u = nat_pool_block(p, n);

		if (worker != NAT_POOL_UNOWNED && u.owner != worker)
			continue;
		sum.blocks += u.owner != NAT_POOL_UNOWNED || (u.used[0] | u.used[1] | u.used[2]);
		for (int i = 0; i < NAT_POOL_PROTOCOLS; i++)
			sum.used[i] += u.used[i];
	}
	for (uint32_t i = 0; p->mode == NAT_POOL_NO_PAT && i < p->count; i++)
		sum.hosts +=
			atomic_load_explicit(&p->addresses[i]->host, memory_order_relaxed) != 0;
	return sum;
}

bool
nat_pool_host(const struct nat_pool *p, rte_be32_t addr, rte_be32_t *host, uint32_t *sessions)
{
	uint32_t index;
	uint64_t word;

	if (p->mode != NAT_POOL_NO_PAT || !index_of(p, addr, &index))
		return false;
	word = atomic_load_explicit(&p->addresses[index]->host, memory_order_acquire);
	*host = (rte_be32_t)(word >> 32);
	*sessions = (uint32_t)word;
	return word != 0;
}
