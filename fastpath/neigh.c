/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * One rte_hash per family (lock-free readers, the control core as only writer) from (interface,
 * address) to a slot of one flat array.  A removed slot and its key position are reused only after
 * a grace period.
 */
#include "neigh.h"

#include "check.h"
#include "rcu.h"

#include <rte_hash.h>
#include <rte_jhash.h>
#include <rte_malloc.h>

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct neigh_key {
	rte_be32_t address;
	uint16_t interface;
	uint16_t pad;
};

struct neigh_key6 {
	uint8_t address[IP6_LEN];
	uint16_t interface;
	uint16_t pad;
};

enum { V4, V6, FAMILIES };

struct parked {
	uint32_t index;
	int32_t position; /* in the hash of its slot's family */
	uint64_t token;	  /* 0 = not started */
};

struct neigh_table {
	struct rte_hash *hash[FAMILIES];
	struct neigh *entries;
	struct rcu *rcu;
	uint32_t max;
	_Atomic(uint32_t) count; /* C writes, shows read */
	/* C only from here */
	uint32_t *free_slots;
	uint32_t free_count;
	struct parked *parked; /* ring of removed slots waiting for their grace period */
	uint32_t parked_head, parked_count;
};

static struct rte_hash *
create_hash(const char *name, const char *family, uint32_t max, uint32_t key_len, int socket)
{
	char hash_name[RTE_HASH_NAMESIZE];
	const struct rte_hash_parameters params = {
		.name = hash_name,
		/* Headroom for parked slots and for cuckoo chains that cannot be moved. */
		.entries = max + max / 2 + 8,
		.key_len = key_len,
		.hash_func = rte_jhash,
		.socket_id = socket,
		.extra_flag = RTE_HASH_EXTRA_FLAGS_RW_CONCURRENCY_LF,
	};

	snprintf(hash_name, sizeof(hash_name), "%s-neigh%s", name, family);
	return rte_hash_create(&params);
}

struct neigh_table *
neigh_table_create(const char *name, uint32_t max, struct rcu *rcu, int socket)
{
	struct neigh_table *t = calloc(1, sizeof(*t));

	if (t == NULL)
		return NULL;
	t->rcu = rcu;
	t->max = max;
	t->hash[V4] = create_hash(name, "", max, sizeof(struct neigh_key), socket);
	t->hash[V6] = create_hash(name, "6", max, sizeof(struct neigh_key6), socket);
	t->entries = rte_zmalloc_socket("neigh", (size_t)max * sizeof(*t->entries), 64, socket);
	t->free_slots = calloc(max, sizeof(*t->free_slots));
	t->parked = calloc(max, sizeof(*t->parked));
	if (t->hash[V4] == NULL || t->hash[V6] == NULL || t->entries == NULL ||
		t->free_slots == NULL || t->parked == NULL) {
		neigh_table_destroy(t);
		errno = ENOMEM;
		return NULL;
	}
	for (uint32_t i = 0; i < max; i++)
		t->free_slots[i] = max - 1 - i;
	t->free_count = max;
	return t;
}

void
neigh_table_destroy(struct neigh_table *t)
{
	if (t == NULL)
		return;
	rte_hash_free(t->hash[V4]);
	rte_hash_free(t->hash[V6]);
	rte_free(t->entries);
	free(t->free_slots);
	free(t->parked);
	free(t);
}

static struct neigh_key
key4(uint16_t interface, rte_be32_t address)
{
	return (struct neigh_key){ .address = address, .interface = interface };
}

static struct neigh_key6
key6(uint16_t interface, const uint8_t address[IP6_LEN])
{
	struct neigh_key6 key = { .interface = interface };

	memcpy(key.address, address, sizeof(key.address));
	return key;
}

static uint32_t
find(const struct rte_hash *hash, const void *key)
{
	void *data;

	if (rte_hash_lookup_data(hash, key, &data) < 0)
		return NEIGH_NONE;
	return (uint32_t)(uintptr_t)data;
}

uint32_t
neigh_find(const struct neigh_table *t, uint16_t interface, rte_be32_t address)
{
	const struct neigh_key key = key4(interface, address);

	return find(t->hash[V4], &key);
}

uint32_t
neigh_find6(const struct neigh_table *t, uint16_t interface, const uint8_t address[IP6_LEN])
{
	const struct neigh_key6 key = key6(interface, address);

	return find(t->hash[V6], &key);
}

struct neigh *
neigh_at(const struct neigh_table *t, uint32_t index)
{
	FW_ASSERT(index < t->max);
	return &t->entries[index];
}

uint32_t
neigh_capacity(const struct neigh_table *t)
{
	return t->max;
}

uint32_t
neigh_count(const struct neigh_table *t)
{
	return atomic_load_explicit(&t->count, memory_order_relaxed);
}

/* A new entry, whose key is not in the table. => NEIGH_NONE: full. */
static uint32_t
add(struct neigh_table *t, const struct rte_hash *hash, const void *key, const struct neigh *fields)
{
	struct neigh *n;
	uint32_t index;

	if (t->free_count == 0)
		return NEIGH_NONE;
	index = t->free_slots[t->free_count - 1];
	n = &t->entries[index];
	memcpy(n->address6, fields->address6, sizeof(n->address6));
	n->family = fields->family;
	n->interface = fields->interface;
	n->port = fields->port;
	n->source = fields->source;
	n->expires_ns = 0;
	n->tries = 0;
	atomic_store_explicit(&n->used, 0, memory_order_relaxed);
	atomic_store_explicit(&n->word, (uint64_t)NEIGH_INCOMPLETE << 48, memory_order_release);
	if (rte_hash_add_key_data(hash, key, (void *)(uintptr_t)index) < 0) {
		atomic_store_explicit(&n->word, 0, memory_order_relaxed);
		return NEIGH_NONE;
	}
	t->free_count--;
	atomic_fetch_add_explicit(&t->count, 1, memory_order_relaxed);
	return index;
}

uint32_t
neigh_add(struct neigh_table *t, uint16_t interface, rte_be32_t address, uint16_t port,
	const struct rte_ether_addr *source)
{
	const struct neigh_key key = key4(interface, address);
	struct neigh n = { .interface = interface, .port = port, .source = *source, .family = 4 };
	const uint32_t existing = find(t->hash[V4], &key);

	n.address = address;
	return existing != NEIGH_NONE ? existing : add(t, t->hash[V4], &key, &n);
}

uint32_t
neigh_add6(struct neigh_table *t, uint16_t interface, const uint8_t address[IP6_LEN], uint16_t port,
	const struct rte_ether_addr *source)
{
	const struct neigh_key6 key = key6(interface, address);
	struct neigh n = { .interface = interface, .port = port, .source = *source, .family = 6 };
	const uint32_t existing = find(t->hash[V6], &key);

	memcpy(n.address6, address, sizeof(n.address6));
	return existing != NEIGH_NONE ? existing : add(t, t->hash[V6], &key, &n);
}

void
neigh_set(struct neigh_table *t, uint32_t index, enum neigh_state state,
	const struct rte_ether_addr *mac)
{
	struct neigh *n = neigh_at(t, index);
	uint64_t word = atomic_load_explicit(&n->word, memory_order_relaxed) & 0xffffffffffffULL;

	if (mac != NULL) {
		word = 0;
		for (int i = 0; i < 6; i++)
			word = word << 8 | mac->addr_bytes[i];
	}
	atomic_store_explicit(&n->word, (uint64_t)state << 48 | word, memory_order_release);
}

void
neigh_remove(struct neigh_table *t, uint32_t index)
{
	struct neigh *n = neigh_at(t, index);
	struct parked *p;
	int32_t position;

	if (n->family == 6) {
		const struct neigh_key6 key = key6(n->interface, n->address6);

		position = rte_hash_del_key(t->hash[V6], &key);
	} else {
		const struct neigh_key key = key4(n->interface, n->address);

		position = rte_hash_del_key(t->hash[V4], &key);
	}
	if (position < 0)
		return; /* not in the table: nothing to remove */
	atomic_store_explicit(&n->word, 0, memory_order_release);
	FW_ASSERT(t->parked_count < t->max);
	p = &t->parked[(t->parked_head + t->parked_count) % t->max];
	t->parked_count++;
	/* The caller raises the route generation after this; the grace period must begin later
	 * still, or a worker could cache the slot once more in between: neigh_poll() starts it. */
	*p = (struct parked){ .index = index, .position = position };
	atomic_fetch_sub_explicit(&t->count, 1, memory_order_relaxed);
}

void
neigh_poll(struct neigh_table *t)
{
	uint64_t token = 0;

	for (uint32_t i = 0; i < t->parked_count; i++) {
		struct parked *p = &t->parked[(t->parked_head + i) % t->max];

		if (p->token != 0)
			continue;
		if (token == 0)
			token = rcu_start(t->rcu);
		p->token = token;
	}
	while (t->parked_count > 0) {
		const struct parked *p = &t->parked[t->parked_head];

		if (!rcu_done(t->rcu, p->token))
			break;
		rte_hash_free_key_with_position(
			t->hash[t->entries[p->index].family == 6 ? V6 : V4], p->position);
		t->free_slots[t->free_count++] = p->index;
		t->parked_head = (t->parked_head + 1) % t->max;
		t->parked_count--;
	}
}
