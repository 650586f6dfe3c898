/* SPDX-License-Identifier: BSD-3-Clause */
#include "nat.h"

#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>

static void *
list(uint32_t count, size_t size)
{
	return calloc(count > 0 ? count : 1, size);
}

struct nat *
nat_create(struct nat_groups *groups, uint32_t rules, uint32_t servers, uint32_t statics,
	uint32_t group_count)
{
	struct nat *n = calloc(1, sizeof(*n));

	if (n == NULL)
		return NULL;
	n->groups = groups;
	n->sources = list(rules + 1, sizeof(*n->sources));
	n->servers = list(servers, sizeof(*n->servers));
	n->statics = list(statics, sizeof(*n->statics));
	n->by_inside = list(statics, sizeof(*n->by_inside));
	n->group_ids = list(group_count, sizeof(*n->group_ids));
	if (n->sources == NULL || n->servers == NULL || n->statics == NULL ||
		n->by_inside == NULL || n->group_ids == NULL) {
		nat_destroy(n);
		return NULL;
	}
	for (unsigned int i = 0; i < MAX_INTERFACES; i++)
		n->easy_ip[i] = NAT_GROUP_NONE;
	return n;
}

void
nat_destroy(struct nat *n)
{
	if (n == NULL)
		return;
	for (uint32_t i = 0; i < n->group_count; i++)
		nat_groups_release(n->groups, n->group_ids[i]);
	policy_destroy(n->rules);
	free(n->sources);
	free(n->servers);
	free(n->statics);
	free(n->by_inside);
	free(n->group_ids);
	free(n);
}

static int
order(uint32_t a, uint32_t b)
{
	return a < b ? -1 : a > b;
}

/* A server's place: the one for whatever comes goes behind those for a protocol. */
static int
server_order(const void *pa, const void *pb)
{
	const struct nat_server *a = pa, *b = pb;
	int d = order(rte_be_to_cpu_32(a->address), rte_be_to_cpu_32(b->address));

	if (d == 0)
		d = order(a->proto == 0 ? UINT32_MAX : a->proto,
			b->proto == 0 ? UINT32_MAX : b->proto);
	if (d == 0)
		d = order(a->port, b->port);
	if (d == 0) /* for some zones before for any */
		d = (a->zones == 0) - (b->zones == 0);
	return d;
}

static int
public_order(const void *pa, const void *pb)
{
	const struct nat_static *a = pa, *b = pb;

	return order(rte_be_to_cpu_32(a->address), rte_be_to_cpu_32(b->address));
}

static int
inside_order(const void *pa, const void *pb)
{
	const struct nat_static *a = pa, *b = pb;

	return order(rte_be_to_cpu_32(a->inside), rte_be_to_cpu_32(b->inside));
}

void
nat_seal(struct nat *n)
{
	qsort(n->servers, n->server_count, sizeof(*n->servers), server_order);
	qsort(n->statics, n->static_count, sizeof(*n->statics), public_order);
	memcpy(n->by_inside, n->statics, n->static_count * sizeof(*n->statics));
	qsort(n->by_inside, n->static_count, sizeof(*n->by_inside), inside_order);
}

/* => the first server behind all whose (address, proto, port) are not larger. */
static uint32_t
server_place(const struct nat *n, uint32_t address, uint32_t proto, uint32_t port)
{
	uint32_t low = 0, high = n->server_count;

	while (low < high) {
		const uint32_t mid = (low + high) >> 1;
		const struct nat_server *s = &n->servers[mid];
		int d = order(rte_be_to_cpu_32(s->address), address);

		if (d == 0)
			d = order(s->proto == 0 ? UINT32_MAX : s->proto, proto);
		if (d == 0)
			d = order(s->port, port);
		if (d <= 0)
			low = mid + 1;
		else
			high = mid;
	}
	return low;
}

/* Servers for different zones may share address and ports: look at all that begin alike. */
static const struct nat_server *
server_of(const struct nat *n, uint8_t zone, uint32_t address, uint8_t proto, uint16_t port)
{
	const struct nat_server *found = NULL;
	uint32_t i = server_place(n, address, proto == 0 ? UINT32_MAX : proto, port);

	while (i-- > 0) {
		const struct nat_server *s = &n->servers[i];

		if (rte_be_to_cpu_32(s->address) != address || s->proto != proto ||
			port > s->port_last)
			break;
		if (s->zones == 0 || (s->zones >> zone & 1) != 0)
			found = s; /* those for some zones come first */
	}
	return found;
}

const struct nat_server *
nat_server_find(const struct nat *n, uint8_t zone, rte_be32_t dst, uint8_t proto, rte_be16_t dport)
{
	const uint32_t address = rte_be_to_cpu_32(dst);
	const struct nat_server *s = NULL;

	if (n->server_count == 0)
		return NULL;
	if (proto == IPPROTO_TCP || proto == IPPROTO_UDP)
		s = server_of(n, zone, address, proto, rte_be_to_cpu_16(dport));
	return s != NULL ? s : server_of(n, zone, address, 0, 0);
}

static uint32_t
host_bits(uint8_t len)
{
	return len == 0 ? UINT32_MAX : (uint32_t)((UINT64_C(1) << (32 - len)) - 1);
}

/* The mapping whose network on one side holds `address`; the list is sorted by that side. */
static const struct nat_static *
static_of(const struct nat_static *sorted, uint32_t count, bool inside, uint32_t address)
{
	uint32_t low = 0, high = count;
	const struct nat_static *s;

	while (low < high) {
		const uint32_t mid = (low + high) >> 1;

		s = &sorted[mid];
		if (rte_be_to_cpu_32(inside ? s->inside : s->address) <= address)
			low = mid + 1;
		else
			high = mid;
	}
	if (low == 0)
		return NULL;
	s = &sorted[low - 1];
	return ((rte_be_to_cpu_32(inside ? s->inside : s->address) ^ address) &
		       ~host_bits(s->len)) == 0
		       ? s
		       : NULL;
}

bool
nat_static_public(const struct nat *n, rte_be32_t address, rte_be32_t *inside)
{
	const struct nat_static *s =
		static_of(n->statics, n->static_count, false, rte_be_to_cpu_32(address));

	if (s != NULL)
		*inside = s->inside | (address & rte_cpu_to_be_32(host_bits(s->len)));
	return s != NULL;
}

bool
nat_static_inside(const struct nat *n, rte_be32_t inside, rte_be32_t *address)
{
	const struct nat_static *s =
		static_of(n->by_inside, n->static_count, true, rte_be_to_cpu_32(inside));

	if (s != NULL)
		*address = s->address | (inside & rte_cpu_to_be_32(host_bits(s->len)));
	return s != NULL;
}

bool
nat_has_address(const struct nat *n, rte_be32_t address)
{
	const uint32_t i = server_place(n, rte_be_to_cpu_32(address), UINT32_MAX, UINT32_MAX);
	rte_be32_t inside;

	if (i > 0 && n->servers[i - 1].address == address)
		return true;
	if (nat_static_public(n, address, &inside))
		return true;
	for (uint32_t k = 0; k < n->group_count; k++) {
		if (nat_pool_has(nat_groups_pool(n->groups, n->group_ids[k]), address))
			return true;
	}
	return false;
}

const struct nat64_prefix *
nat64_find(const struct nat *nat, uint8_t zone, const uint8_t dst[IP6_LEN])
{
	for (uint32_t i = 0; i < nat->prefix64_count; i++) {
		const struct nat64_prefix *p = &nat->prefixes64[i];

		if (ip6_in_prefix(dst, p->address, p->len) &&
			(p->zones == 0 || (p->zones >> zone & 1) != 0))
			return p;
	}
	return NULL;
}
