/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * See nat_map.h.
 *
 * A mapping belongs to the chain of its inside endpoint: its lock is held while a port is taken for
 * it, while its sessions are counted and while it goes.  The chain of its outside endpoint only
 * leads to it; its lock is taken behind the other, or alone.  Who comes from outside therefore
 * looks twice: finds the place, then locks the inside chain and sees whether it is still there.
 */
#include "nat_map.h"

#include "chains.h"
#include "check.h"
#include "free_list.h"
#include "keyed_hash.h"

#include <errno.h>

struct nat_map {
	struct free_list places;
	struct chains inside, outside;
	struct keyed_hash hash;
	uint32_t capacity;
	uint64_t memory;
	struct nat_map_entry *entries;
};

struct nat_map *
nat_map_create(uint32_t entries, uint64_t seed, int socket)
{
	const uint64_t bytes = sizeof(struct nat_map_entry) * (uint64_t)entries;
	uint64_t places, inside, outside;
	struct nat_map *m;

	if (entries == 0 || entries > CHAINS_MAX) {
		errno = EINVAL;
		return NULL;
	}
	m = rte_zmalloc_socket("nat_map", sizeof(*m), 64, socket);
	if (m == NULL) {
		errno = ENOMEM;
		return NULL;
	}
	keyed_hash_init_seed(&m->hash, seed);
	m->capacity = entries;
	m->entries = rte_zmalloc_socket("nat_map", bytes, 64, socket);
	places = free_list_create(&m->places, entries, socket);
	inside = chains_create(&m->inside, entries, socket);
	outside = chains_create(&m->outside, entries, socket);
	m->memory = sizeof(*m) + bytes + places + inside + outside;
	if (m->entries == NULL || places == 0 || inside == 0 || outside == 0) {
		nat_map_destroy(m);
		errno = ENOMEM;
		return NULL;
	}
	return m;
}

void
nat_map_destroy(struct nat_map *m)
{
	if (m == NULL)
		return;
	chains_destroy(&m->inside);
	chains_destroy(&m->outside);
	free_list_destroy(&m->places);
	rte_free(m->entries);
	rte_free(m);
}

static uint32_t
chain_of(const struct nat_map *m, uint8_t proto, rte_be32_t addr, rte_be16_t port)
{
	const uint64_t key[2] = { (uint64_t)addr << 32 | port, 0 };

	/* As many chains inside as outside. */
	return (uint32_t)keyed_hash(&m->hash, key, proto) & m->inside.mask;
}

static bool
goes_to(const struct nat_map_entry *e, uint8_t proto, const struct nat_got *out)
{
	return e->out.addr == out->addr && e->out.port == out->port && e->proto == proto;
}

static uint32_t
find_inside(
	const struct nat_map *m, uint32_t chain, uint8_t proto, rte_be32_t host, rte_be16_t port)
{
	uint32_t i = chains_first(&m->inside, chain);

	while (i != CHAINS_END && (m->entries[i].host != host || m->entries[i].port != port ||
					  m->entries[i].proto != proto))
		i = m->inside.next[i];
	return i;
}

/* => its place, and its inside chain, locked; CHAINS_END: there is none. */
static uint32_t
lock_outside(const struct nat_map *m, uint8_t proto, const struct nat_got *out, uint32_t *inside)
{
	const uint32_t chain = chain_of(m, proto, out->addr, out->port);
	uint32_t i;

	if (chains_empty(&m->outside, chain))
		return CHAINS_END;
	chains_lock(&m->outside, chain);
	i = chains_first(&m->outside, chain);
	while (i != CHAINS_END && !goes_to(&m->entries[i], proto, out))
		i = m->outside.next[i];
	chains_unlock(&m->outside, chain);
	*inside = i != CHAINS_END ? chains_lock_of(&m->inside, i) : CHAINS_END;
	if (*inside == CHAINS_END)
		return CHAINS_END;
	if (goes_to(&m->entries[i], proto, out))
		return i;
	chains_unlock(&m->inside, *inside);
	return CHAINS_END;
}

/* Under the lock of the inside chain: a mapping is there, whole. */
static void
enter(struct nat_map *m, uint32_t chain, uint32_t i, const struct nat_map_entry *e)
{
	const uint32_t outside = chain_of(m, e->proto, e->out.addr, e->out.port);

	m->entries[i] = *e;
	chains_push(&m->inside, chain, i);
	chains_lock(&m->outside, outside);
	chains_push(&m->outside, outside, i);
	chains_unlock(&m->outside, outside);
}

/* Under the lock of the inside chain: nobody finds it any more, then the port is free. */
static void
end(struct nat_map *m, struct nat_pool *pool, uint32_t chain, uint32_t i)
{
	const struct nat_map_entry e = m->entries[i];
	const uint32_t outside = chain_of(m, e.proto, e.out.addr, e.out.port);
	bool given;

	chains_lock(&m->outside, outside);
	chains_unlink(&m->outside, outside, i);
	chains_unlock(&m->outside, outside);
	chains_unlink(&m->inside, chain, i);
	free_list_give(&m->places, i);
	given = nat_pool_give(pool, e.proto, &e.out);
	FW_ASSERT(given);
	(void)given;
}

enum nat_refusal
nat_map_hold(
	struct nat_map *m, struct nat_pool *pool, const struct nat_want *w, struct nat_got *got)
{
	const uint32_t chain = chain_of(m, w->proto, w->host, w->port);
	struct nat_map_entry e = { .proto = w->proto, .host = w->host, .port = w->port };
	enum nat_refusal refusal = NAT_OK;
	uint32_t i;

	chains_lock(&m->inside, chain);
	i = find_inside(m, chain, w->proto, w->host, w->port);
	if (i == CHAINS_END) {
		i = free_list_take(&m->places);
		refusal = i != FREE_LIST_NONE ? nat_pool_take(pool, w, &e.out) : NAT_NO_PORT;
		if (refusal == NAT_OK)
			enter(m, chain, i, &e);
		else if (i != FREE_LIST_NONE)
			free_list_give(&m->places, i);
	}
	if (refusal == NAT_OK) {
		m->entries[i].sessions++;
		*got = m->entries[i].out;
	}
	chains_unlock(&m->inside, chain);
	return refusal;
}

bool
nat_map_again(struct nat_map *m, uint8_t proto, rte_be32_t host, rte_be16_t port, bool hold,
	struct nat_got *got)
{
	const uint32_t chain = chain_of(m, proto, host, port);
	uint32_t i;

	if (chains_empty(&m->inside, chain))
		return false;
	chains_lock(&m->inside, chain);
	i = find_inside(m, chain, proto, host, port);
	if (i != CHAINS_END) {
		m->entries[i].sessions += hold;
		*got = m->entries[i].out;
	}
	chains_unlock(&m->inside, chain);
	return i != CHAINS_END;
}

enum nat_refusal
nat_map_claim(struct nat_map *m, struct nat_pool *pool, uint8_t proto, rte_be32_t host,
	rte_be16_t port, const struct nat_got *got)
{
	const uint32_t chain = chain_of(m, proto, host, port);
	const struct nat_map_entry e = { .proto = proto, .host = host, .port = port, .out = *got };
	enum nat_refusal refusal = NAT_OK;
	uint32_t i;

	chains_lock(&m->inside, chain);
	i = find_inside(m, chain, proto, host, port);
	if (i != CHAINS_END) {
		refusal = goes_to(&m->entries[i], proto, got) ? NAT_OK : NAT_TAKEN;
	} else {
		i = free_list_take(&m->places);
		refusal =
			i != FREE_LIST_NONE ? nat_pool_claim(pool, proto, host, got) : NAT_NO_PORT;
		if (refusal == NAT_OK)
			enter(m, chain, i, &e);
		else if (i != FREE_LIST_NONE)
			free_list_give(&m->places, i);
	}
	if (refusal == NAT_OK)
		m->entries[i].sessions++;
	chains_unlock(&m->inside, chain);
	return refusal;
}

bool
nat_map_drop(struct nat_map *m, struct nat_pool *pool, uint8_t proto, const struct nat_got *got)
{
	uint32_t chain;
	const uint32_t i = lock_outside(m, proto, got, &chain);

	if (i == CHAINS_END)
		return false;
	if (--m->entries[i].sessions == 0)
		end(m, pool, chain, i);
	chains_unlock(&m->inside, chain);
	return true;
}

bool
nat_map_outside(
	struct nat_map *m, uint8_t proto, const struct nat_got *got, struct nat_map_entry *e)
{
	uint32_t chain;
	const uint32_t i = lock_outside(m, proto, got, &chain);

	if (i == CHAINS_END)
		return false;
	m->entries[i].sessions++;
	*e = m->entries[i];
	chains_unlock(&m->inside, chain);
	return true;
}

uint32_t
nat_map_count(const struct nat_map *m)
{
	return free_list_taken(&m->places);
}

uint32_t
nat_map_capacity(const struct nat_map *m)
{
	return m->capacity;
}

uint64_t
nat_map_memory(const struct nat_map *m)
{
	return m->memory;
}

bool
nat_map_at(const struct nat_map *m, uint32_t place, struct nat_map_entry *e)
{
	const uint32_t chain = chains_lock_of(&m->inside, place);

	if (chain == CHAINS_END)
		return false;
	*e = m->entries[place];
	chains_unlock(&m->inside, chain);
	return true;
}
