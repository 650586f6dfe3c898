/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Session filters.  Management thread only.
 */
#include "session_filter.h"

#include "config_address.h"
#include "session_table.h"

#define AT(member) offsetof(struct session_filter, member)

const struct filter_word session_filter_table[] = {
	{ "address", "address", FILTER_NET, AT(address), 0, 0, NULL },
	{ "port", "port", FILTER_PORT, AT(port), 0, 0, NULL },
	{ "zone", "zone", FILTER_ZONE, AT(zone), 0, 0, NULL },
	{ "source", "source", FILTER_NET, AT(source), 0, 0, NULL },
	{ "destination", "destination", FILTER_NET, AT(destination), 0, 0, NULL },
	{ "source-port", "source_port", FILTER_PORT, AT(source_port), 0, 0, NULL },
	{ "destination-port", "destination_port", FILTER_PORT, AT(destination_port), 0, 0, NULL },
	{ "protocol", "protocol", FILTER_PROTOCOL, AT(protocol), 0, 0, NULL },
	{ "source-zone", "source_zone", FILTER_ZONE, AT(source_zone), 0, 0, NULL },
	{ "destination-zone", "destination_zone", FILTER_ZONE, AT(destination_zone), 0, 0, NULL },
	{ "local", "remote", FILTER_FALSE, AT(remote), 0, 0, NULL },
	{ "remote", "remote", FILTER_TRUE, AT(remote), 0, 0, NULL },
	{ "nat", "nat", FILTER_TRUE, AT(nat), 0, 0, NULL },
	{ "nat-source", "nat_source", FILTER_NET, AT(nat_source), 0, 0, NULL },
	{ "nat-source-port", "nat_source_port", FILTER_PORT, AT(nat_source_port), 0, 0, NULL },
	{ "nat-destination", "nat_destination", FILTER_NET, AT(nat_destination), 0, 0, NULL },
	{ NULL, NULL, FILTER_TRUE, 0, 0, 0, NULL },
};

const char *const session_filter_keys[] = { "address", "port", "zone", "source", "destination",
	"source_port", "destination_port", "protocol", "source_zone", "destination_zone", "remote",
	"nat", "nat_source", "nat_source_port", "nat_destination", NULL };

bool
session_filter_compile(struct session_filter *f, const json_t *filter,
	const struct snapshot *snapshot, char *err, size_t err_size)
{
	*f = (struct session_filter){ .port = -1,
		.source_port = -1,
		.destination_port = -1,
		.protocol = -1,
		.remote = -1,
		.nat_source_port = -1,
		.nat = -1 };
	return filter_compile(session_filter_table, f, filter, snapshot, err, err_size);
}

struct session_filter_tuple
session_filter_tuple(const struct session *s, const union session_walk_key *key)
{
	const uint8_t swap = session_swap(s);

	if (session_family(s) == 6) {
		const struct session_tuple6 t = session_key6_tuple(&key->v6, swap);

		return (struct session_filter_tuple){ .src = ip_addr_v6(t.src),
			.dst = ip_addr_v6(t.dst),
			.sport = t.sport,
			.dport = t.dport,
			.proto = t.proto };
	}
	const struct session_tuple4 t = session_key4_tuple(&key->v4, swap);

	return (struct session_filter_tuple){ .src = ip_addr_v4(t.src),
		.dst = ip_addr_v4(t.dst),
		.sport = t.sport,
		.dport = t.dport,
		.proto = t.proto };
}

bool
session_filter_outside(
	const struct session_table *t, const struct session *s, struct session_filter_tuple *out)
{
	struct session_outside o;

	if (!session_translated(s) || !session_table_outside(t, s, &o))
		return false;
	*out = (struct session_filter_tuple){ .src = ip_addr_v4(o.key.addr[o.swap]),
		.dst = ip_addr_v4(o.key.addr[!o.swap]),
		.sport = o.key.port[o.swap],
		.dport = o.key.port[!o.swap],
		.proto = o.key.proto };
	return true;
}

static bool
inside(const struct config_net *net, const struct ip_addr *a)
{
	return net->address.family == 0 || config_address_net_in(net, a);
}

static bool
match_outside(
	const struct session_filter *f, const struct session_table *table, const struct session *s)
{
	const bool asked = f->nat_source.address.family != 0 ||
			   f->nat_destination.address.family != 0 || f->nat_source_port >= 0;
	struct session_filter_tuple o;

	if (!asked && f->nat < 0)
		return true;
	if (table == NULL || !session_filter_outside(table, s, &o))
		return !asked && f->nat == 0;
	return f->nat != 0 && inside(&f->nat_source, &o.src) &&
	       inside(&f->nat_destination, &o.dst) &&
	       (f->nat_source_port < 0 || rte_be_to_cpu_16(o.sport) == f->nat_source_port);
}

bool
session_filter_match(const struct session_filter *f, const struct session_table *table,
	const struct session *s, const union session_walk_key *key)
{
	const struct session_filter_tuple t = session_filter_tuple(s, key);
	const uint32_t ctl = atomic_load_explicit(&s->ctl, memory_order_relaxed);

	return (f->protocol < 0 || t.proto == f->protocol) &&
	       (inside(&f->address, &t.src) || inside(&f->address, &t.dst)) &&
	       (f->port < 0 || rte_be_to_cpu_16(t.sport) == f->port ||
		       rte_be_to_cpu_16(t.dport) == f->port) &&
	       (f->zone == 0 || s->zone[0] == f->zone || s->zone[1] == f->zone) &&
	       inside(&f->source, &t.src) && inside(&f->destination, &t.dst) &&
	       (f->source_port < 0 || rte_be_to_cpu_16(t.sport) == f->source_port) &&
	       (f->destination_port < 0 || rte_be_to_cpu_16(t.dport) == f->destination_port) &&
	       (f->source_zone == 0 || s->zone[0] == f->source_zone) &&
	       (f->destination_zone == 0 || s->zone[1] == f->destination_zone) &&
	       (f->remote < 0 || ((ctl & SESSION_F_REMOTE) != 0) == f->remote) &&
	       match_outside(f, table, s);
}
