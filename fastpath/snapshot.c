/* SPDX-License-Identifier: BSD-3-Clause */
#include "snapshot.h"

#include "nat.h"
#include "policy.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

static_assert(LIMIT_ZONES == MAX_ZONES, "a counter for each");

struct snapshot *
snapshot_create(uint16_t address_count, uint16_t address6_count)
{
	struct snapshot *s = calloc(1, sizeof(*s));

	if (s == NULL)
		return NULL;
	s->addresses = calloc(address_count > 0 ? address_count : 1, sizeof(*s->addresses));
	s->edges = calloc(2 * (size_t)address_count + 2, sizeof(*s->edges));
	s->addresses6 = calloc(address6_count > 0 ? address6_count : 1, sizeof(*s->addresses6));
	if (s->addresses == NULL || s->addresses6 == NULL || s->edges == NULL) {
		snapshot_destroy(s);
		return NULL;
	}
	s->fragments =
		(struct snapshot_fragments){ .timeout = FRAGMENTS_TIMEOUT, .most = FRAGMENTS_MOST };
	s->address_count = address_count;
	s->address6_count = address6_count;
	for (unsigned int i = 0; i < MAX_PORTS; i++)
		s->port_interface[i] = INTERFACE_NONE;
	return s;
}

void
snapshot_destroy(struct snapshot *s)
{
	if (s == NULL)
		return;
	policy_destroy(s->policy);
	nat_destroy(s->nat);
	for (unsigned int i = 0; i < MAX_PORTS; i++)
		free(s->port_vlans[i]);
	free(s->addresses);
	free(s->addresses6);
	free(s->edges);
	free(s->claims);
	free(s);
}

const struct snapshot_claim *
snapshot_claim_of(const struct snapshot *s, uint16_t interface, rte_be32_t address)
{
	const uint32_t a = rte_be_to_cpu_32(address);
	uint32_t low = 0, high = s->claim_count;

	while (low < high) {
		const uint32_t mid = (low + high) >> 1;

		if (s->claims[mid].from <= a)
			low = mid + 1;
		else
			high = mid;
	}
	if (low == 0 || s->claims[low - 1].to < a || s->claims[low - 1].interface != interface)
		return NULL;
	return &s->claims[low - 1];
}

/* => where `address` stands in the list, or would. */
static uint32_t
edge_place(const struct snapshot *s, uint32_t address)
{
	uint32_t low = 0, high = s->edge_count;

	while (low < high) {
		const uint32_t mid = (low + high) >> 1;

		if (s->edges[mid] < address)
			low = mid + 1;
		else
			high = mid;
	}
	return low;
}

static void
add_edge(struct snapshot *s, uint32_t address)
{
	const uint32_t place = edge_place(s, address);

	if (place < s->edge_count && s->edges[place] == address)
		return;
	memmove(&s->edges[place + 1], &s->edges[place],
		(s->edge_count - place) * sizeof(s->edges[0]));
	s->edges[place] = address;
	s->edge_count++;
}

void
snapshot_add_subnet(struct snapshot *s, rte_be32_t address, uint8_t len)
{
	const uint32_t host = len == 0 ? UINT32_MAX : (uint32_t)((UINT64_C(1) << (32 - len)) - 1);
	const uint32_t network = rte_be_to_cpu_32(address) & ~host;

	if (address == 0 || len == 0 || len > 30)
		return;
	add_edge(s, network);
	add_edge(s, network | host);
}

static void
filter_add(struct snapshot *s, rte_be32_t address)
{
	const uint32_t bit = snapshot_filter_bit(address);

	s->filter[bit / 64] |= UINT64_C(1) << (bit % 64);
}

void
snapshot_seal(struct snapshot *s)
{
	for (uint16_t i = 0; i < s->address_count; i++)
		filter_add(s, s->addresses[i].address);
	for (uint16_t i = 0; i < s->edge_count; i++)
		filter_add(s, rte_cpu_to_be_32(s->edges[i]));
}

bool
snapshot_find_edge(const struct snapshot *s, rte_be32_t address)
{
	const uint32_t want = rte_be_to_cpu_32(address);
	const uint32_t place = edge_place(s, want);

	return place < s->edge_count && s->edges[place] == want;
}

bool
snapshot_map_ports(struct snapshot *s)
{
	static_assert(MAX_INTERFACES <= VLAN_NONE, "an interface index must fit in a byte");

	for (uint16_t i = 0; i < s->interface_count; i++) {
		const struct snapshot_interface *in = &s->interfaces[i];
		uint8_t **vlans = &s->port_vlans[in->port];

		if (in->vlan == 0) {
			s->port_interface[in->port] = i;
			continue;
		}
		if (*vlans == NULL) {
			*vlans = malloc(VLAN_IDS);
			if (*vlans == NULL)
				return false;
			memset(*vlans, VLAN_NONE, VLAN_IDS);
		}
		(*vlans)[in->vlan] = (uint8_t)i;
	}
	return true;
}

const struct snapshot_address *
snapshot_find_address(const struct snapshot *s, rte_be32_t addr)
{
	const uint32_t want = rte_be_to_cpu_32(addr);
	uint32_t low = 0, high = s->address_count;

	while (low < high) {
		const uint32_t mid = (low + high) >> 1;
		const uint32_t here = rte_be_to_cpu_32(s->addresses[mid].address);

		if (here == want)
			return &s->addresses[mid];
		if (here < want)
			low = mid + 1;
		else
			high = mid;
	}
	return NULL;
}

/* By address; link-local ones of several interfaces stand side by side, by interface. */
static int
place6(const struct snapshot_address6 *e, uint16_t interface, const uint8_t addr[IP6_LEN])
{
	const int order = ip6_compare(e->address, addr);

	if (order != 0 || !ip6_is_link_local(addr))
		return order;
	return (int)e->interface - (int)interface;
}

static int
address6_compare(const void *pa, const void *pb)
{
	const struct snapshot_address6 *a = pa, *b = pb;
	const int order = place6(a, b->interface, b->address);

	return order != 0 ? order : (int)a->vrid - (int)b->vrid;
}

void
snapshot_sort6(struct snapshot *s)
{
	struct snapshot_address6 *list = s->addresses6;
	uint16_t kept = 0;

	qsort(list, s->address6_count, sizeof(*list), address6_compare);
	for (uint16_t i = 0; i < s->address6_count; i++) {
		if (kept == 0 || place6(&list[kept - 1], list[i].interface, list[i].address) != 0)
			list[kept++] = list[i];
	}
	s->address6_count = kept;
}

const struct snapshot_address6 *
snapshot_own_address6(const struct snapshot *s, uint16_t interface, const uint8_t addr[IP6_LEN])
{
	uint32_t low = 0, high = s->address6_count;

	while (low < high) {
		const uint32_t mid = (low + high) >> 1;
		const int order = place6(&s->addresses6[mid], interface, addr);

		if (order == 0)
			return &s->addresses6[mid];
		if (order < 0)
			low = mid + 1;
		else
			high = mid;
	}
	return NULL;
}

bool
snapshot_on_link6(const struct snapshot_interface *in, const uint8_t addr[IP6_LEN])
{
	if (ip6_is_link_local(addr))
		return in->address6_count > 0;
	for (uint8_t i = 0; i < in->address6_count; i++) {
		if (ip6_in_prefix(addr, in->addresses6[i].address, in->addresses6[i].len))
			return true;
	}
	return false;
}
