/* SPDX-License-Identifier: BSD-3-Clause */
#include "defence.h"

#include "worker.h"

const struct defence_row defences[DEFENCE_COUNT] = {
#define X(name, mode, text) { #name, text, DEFENCE_##mode, DROP_##name },
	DEFENCES(X)
#undef X
};

static_assert(DEFENCE_COUNT <= 32, "a bit for each");

/* The bit of a row whose mode is the one in question. */
#define IS_ALWAYS_ALWAYS    1
#define IS_ALWAYS_ON	    0
#define IS_ALWAYS_OFF	    0
#define IS_ALWAYS_INTERFACE 1
#define IS_ON_ALWAYS	    1
#define IS_ON_ON	    1
#define IS_ON_OFF	    0
#define IS_ON_INTERFACE	    1

#define X(name, mode, text) | IS_ALWAYS_##mode *DEFENCE_BIT(name)
const uint32_t defence_always = 0 DEFENCES(X);
#undef X
#define X(name, mode, text) | IS_ON_##mode *DEFENCE_BIT(name)
const uint32_t defence_default = 0 DEFENCES(X);
#undef X

static inline bool
defends(const struct worker *w, uint32_t bit)
{
	return (w->snap->defences & bit) != 0;
}

/* ---- source addresses ---- */

/* What a lookup of the source says: no route, the default one, where it leads, directly or not. */
struct back {
	bool found, specific, connected;
	uint16_t interface;
};

static bool
reverse_path_broken(enum reverse_path mode, const struct back *b, uint16_t interface)
{
	const bool elsewhere = b->found && b->interface != interface;

	switch (mode) {
	case REVERSE_PATH_OFF:
		return false;
	case REVERSE_PATH_CONNECTED:
		return elsewhere && b->connected;
	case REVERSE_PATH_LOOSE:
		return (elsewhere && b->connected) || !b->found || !b->specific;
	case REVERSE_PATH_STRICT:
		return elsewhere || !b->found;
	}
	return false;
}

static enum drop_reason
source4(const struct worker *w, const struct pkt *p, const struct snapshot_interface *in)
{
	const rte_be32_t src = p->ip->src_addr;
	struct back b = { .found = false };
	rte_be32_t next_hop;

	if (snapshot_own_address(w->snap, src) != NULL && defends(w, DEFENCE_BIT(own_source)))
		return DROP_own_source;
	b.found = route_lookup(w->routes, src, &b.interface, &next_hop);
	if (b.found) {
		b.connected = next_hop == src;
		b.specific =
			in->reverse_path != REVERSE_PATH_LOOSE || !route_is_default(w->routes, src);
	}
	if (reverse_path_broken((enum reverse_path)in->reverse_path, &b, p->interface))
		return DROP_reverse_path;
	return b.connected && snapshot_is_edge(w->snap, src) ? DROP_ip_source : DROP_NONE;
}

/* IPv6 has no network and broadcast addresses.  A link-local source can be on any link. */
static enum drop_reason
source6(const struct worker *w, const struct pkt *p, const struct snapshot_interface *in)
{
	const uint8_t *src = p->ip6->src_addr, *next_hop;
	struct back b = { .found = false };

	if (snapshot_own_address6(w->snap, p->interface, src) != NULL &&
		defends(w, DEFENCE_BIT(own_source)))
		return DROP_own_source;
	if (ip6_is_link_local(src))
		return DROP_NONE;
	b.found = route6_lookup(w->routes6, src, &b.interface, &next_hop);
	if (b.found) {
		b.connected = next_hop == src;
		b.specific = in->reverse_path != REVERSE_PATH_LOOSE ||
			     !route6_is_default(w->routes6, src);
	}
	return reverse_path_broken((enum reverse_path)in->reverse_path, &b, p->interface)
		       ? DROP_reverse_path
		       : DROP_NONE;
}

enum drop_reason
defence_source(const struct worker *w, const struct pkt *p)
{
	const struct snapshot_interface *in = &w->snap->interfaces[p->interface];

	return p->family == 6 ? source6(w, p, in) : source4(w, p, in);
}

enum drop_reason
defence_addresses(const struct worker *w, bool source_is_host)
{
	if (!source_is_host)
		return DROP_ip_source;
	return defends(w, DEFENCE_BIT(land)) ? DROP_land : DROP_NONE;
}

/* ---- IPv4 options ---- */

#define OPTION_END 0
#define OPTION_NOP 1

/* Those with a defence of their own. */
static const struct {
	uint8_t type;
	enum defence defence;
} named_options[] = {
	{ 7, DEFENCE_OF_ip_record_route },
	{ 68, DEFENCE_OF_ip_timestamp },
	{ 131, DEFENCE_OF_source_route }, /* loose */
	{ 137, DEFENCE_OF_source_route }, /* strict */
	{ 148, DEFENCE_OF_ip_router_alert },
};

static enum defence
defence_of_option(uint8_t type)
{
	for (unsigned int i = 0; i < RTE_DIM(named_options); i++) {
		if (named_options[i].type == type)
			return named_options[i].defence;
	}
	return DEFENCE_OF_ip_options;
}

static enum drop_reason
judge(const struct worker *w, enum defence d, uint8_t proto)
{
	if (d == DEFENCE_OF_ip_router_alert && proto == IPPROTO_IGMP)
		return DROP_NONE;
	return defends(w, UINT32_C(1) << d) ? defences[d].reason : DROP_NONE;
}

enum drop_reason
defence_options(const struct worker *w, const uint8_t *ip, uint32_t header, uint8_t proto)
{
	enum drop_reason reason = DROP_NONE, each;
	bool padding = true;
	uint32_t at = sizeof(struct rte_ipv4_hdr);

	/* A source route counts wherever it stands, the first of the others that may not pass. */
	while (at < header && ip[at] != OPTION_END) {
		if (ip[at] == OPTION_NOP) {
			at++;
			continue;
		}
		if (at + 1 == header || ip[at + 1] < 2 || ip[at + 1] > header - at)
			return DROP_ip_option_length;
		each = judge(w, defence_of_option(ip[at]), proto);
		if (reason == DROP_NONE || each == DROP_source_route)
			reason = each;
		padding = false;
		at += ip[at + 1];
	}
	return padding ? judge(w, DEFENCE_OF_ip_options, proto) : reason;
}
