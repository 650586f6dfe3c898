/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Everything that can fail is built first (snapshot, policy, list of routes); the routes go in as a
 * whole or not at all; publishing the snapshot cannot fail.  So a refused publish changes nothing.
 */
#include "publish.h"

#include "config_address.h"
#include "log.h"
#include "publish_nat.h"
#include "publish_policy.h"
#include "publish_routes.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define WARNINGS_MAX 10 /* logged at a publish; --check prints all */

static const struct publish_extra no_extra;

/* ---- snapshot ---- */

static void
fill_zones(const struct config *c, struct snapshot *s)
{
	const struct config_list *list = config_section_data(c, "zones");
	const struct config_zone *own = list->items;

	for (uint32_t i = 0; i < CONFIG_BUILTIN_ZONES + list->count; i++) {
		const struct config_zone *z = i < CONFIG_BUILTIN_ZONES
						      ? &config_builtin_zones[i]
						      : &own[i - CONFIG_BUILTIN_ZONES];
		struct snapshot_zone *to = &s->zones[ZONE_LOCAL + i];

		snprintf(to->name, sizeof(to->name), "%s", z->name);
		to->priority = (uint8_t)z->priority;
	}
}

/* Without anybody to tell, workers need not speak. */
static void
fill_log(const struct config *c, struct snapshot *s)
{
	const struct config_log *l = config_section_data(c, "log");

	if (l->syslog.server[0] == '\0' && l->ipfix.collector[0] == '\0')
		return;
	s->log_sessions = (enum traffic_log_scope)l->sessions;
	s->log_denied = (enum traffic_log_scope)l->denied;
}

static void
fill_defences(const struct config *c, struct snapshot *s)
{
	const struct config_defence *d = config_section_data(c, "defence");

	s->defences = defence_always;
	for (unsigned int i = 0; i < DEFENCE_COUNT; i++)
		s->defences |= (uint32_t)d->on[i] << i;
}

/* The entries of the configuration: of both directions two. */
static uint32_t
list_blacklist(const struct config *c, struct blacklist_entry out[BLACKLIST_STATIC_MAX])
{
	const struct config_list *list = config_section_data(c, "blacklist");
	const struct config_blacklist *from = list->items;
	uint32_t n = 0;

	for (uint32_t i = 0; i < list->count; i++) {
		for (unsigned int side = 0; side < BLACKLIST_SIDES; side++) {
			if (from[i].direction != (int)side && from[i].direction != BLACKLIST_SIDES)
				continue;
			out[n++] = (struct blacklist_entry){ .prefix = from[i].address.address,
				.len = from[i].address.len,
				.side = (uint8_t)side };
		}
	}
	return n;
}

static struct limit_rule
limit_rule(int64_t total, int64_t half_open, int64_t rate)
{
	return (struct limit_rule){ .total = (uint32_t)total,
		.half_open = (uint32_t)half_open,
		.interval_ns = rate > 0 ? NS_PER_SEC / (uint64_t)rate : 0 };
}

static void
fill_limits(const struct config *c, struct snapshot *s)
{
	const struct config_list *list = config_section_data(c, "limits");
	const struct config_limit *from = list->items;

	for (uint32_t i = 0; i < list->count; i++) {
		const struct config_limit *l = &from[i];
		const uint8_t zone = config_zone_id(c, l->zone);

		s->limit_zones |= UINT64_C(1) << zone;
		s->limits[zone] = (struct limit_zone){
			.len4 = (uint8_t)l->source_length,
			.len6 = (uint8_t)l->source_length6,
			.source = limit_rule(l->source_total, l->source_half_open, l->source_rate),
			.zone = limit_rule(l->total, l->half_open, l->rate),
		};
	}
}

static void
fill_scan(const struct config *c, struct snapshot *s)
{
	const struct config_scan *scan = config_section_data(c, "scan");
	const char(*zones)[CONFIG_ZONE_NAME] = scan->zones.items;

	for (uint32_t i = 0; i < scan->zones.count; i++)
		s->scan_zones |= UINT64_C(1) << config_zone_id(c, zones[i]);
	s->scan = (struct scan_limits){
		.bits = { [SCAN_PORTS] = scan_bits(SOURCE_PORT_BITS, (uint32_t)scan->ports),
			[SCAN_HOSTS] = scan_bits(SOURCE_HOST_BITS, (uint32_t)scan->hosts) },
		.interval_s = (uint32_t)scan->interval,
	};
}

static void
fill_tracking(const struct config *c, struct snapshot *s)
{
	const struct config_system *system = config_section_data(c, "system");
	const struct config_defence *defence = config_section_data(c, "defence");

	s->tracking = (struct snapshot_tracking){
		.tcp_loose = system->tcp_loose,
		.tcp_window_check = system->tcp_window_check,
		.evict = defence->evict,
		.verify_all = system->verify_checksums == VERIFY_ALL,
	};
}

static void
fill_fragments(const struct config *c, struct snapshot *s)
{
	const struct config_fragments *f = config_section_data(c, "fragments");

	s->fragments = (struct snapshot_fragments){
		.drop = !f->forward,
		.timeout = (uint16_t)f->timeout_s,
		.most = (uint32_t)f->per_datagram,
	};
}

static void
fill_algs(const struct config *c, struct snapshot *s)
{
	const struct config_alg *a = config_section_data(c, "alg");

	for (unsigned int id = ALG_NONE + 1; id < ALG_COUNT; id++)
		s->algs |= a->on[id] ? UINT32_C(1) << id : 0;
}

/* 0 is no limit. */
static uint16_t
lower_mss(int64_t a, int64_t b)
{
	return (uint16_t)(a == 0 || (b != 0 && b < a) ? b : a);
}

static void
fill_ipv6(const struct config_interface *from, struct snapshot_interface *to)
{
	const struct config_net *nets = from->address6.items;

	for (uint32_t i = 0; i < from->address6.count; i++) {
		memcpy(to->addresses6[i].address, nets[i].address.v6, IP6_LEN);
		to->addresses6[i].len = nets[i].len;
	}
	to->address6_count = (uint8_t)from->address6.count;
	if (to->address6_count == 0)
		return;
	if (from->link_local.family == 6)
		memcpy(to->link_local, from->link_local.v6, IP6_LEN);
	else
		ip6_link_local(to->link_local, &to->mac);
}

static bool
fill_interfaces(const struct config *c, const struct engine *engine,
	const struct publish_extra *extra, struct snapshot *s)
{
	const struct config_list *list = config_section_data(c, "interfaces");
	const struct config_interface *from = list->items;
	const struct config_system *system = config_section_data(c, "system");
	const uint32_t count = RTE_MIN(list->count, (uint32_t)MAX_INTERFACES);

	for (uint32_t i = 0; i < count; i++) {
		struct snapshot_interface *to = &s->interfaces[i];
		const int port = config_port_index(c, from[i].port);

		if (port < 0 || port >= engine_port_count(engine))
			return false;
		snprintf(to->name, sizeof(to->name), "%s", from[i].name);
		to->port = (uint16_t)port;
		to->vlan = (uint16_t)from[i].vlan;
		to->mtu = (uint16_t)from[i].mtu;
		to->tcp_mss = lower_mss(system->tcp_mss, from[i].tcp_mss);
		to->zone = config_zone_id(c, from[i].zone);
		to->heartbeat = (extra->heartbeat_interfaces >> i & 1) != 0;
		to->heartbeat_udp =
			(extra->heartbeat_udp_interfaces >> i & 1) != 0 ? extra->heartbeat_udp : 0;
		to->ping = from[i].ping;
		to->up = !from[i].shutdown;
		to->reverse_path = (uint8_t)from[i].reverse_path;
		to->address = from[i].address.address;
		to->prefix_len = from[i].address.len;
		to->mac = engine_port(engine, (uint16_t)port)->mac;
		fill_ipv6(&from[i], to);
	}
	s->interface_count = (uint16_t)count;
	return true;
}

static int
address_compare(const void *pa, const void *pb)
{
	const struct snapshot_address *a = pa, *b = pb;
	const uint32_t na = rte_be_to_cpu_32(a->address), nb = rte_be_to_cpu_32(b->address);

	if (na != nb)
		return na < nb ? -1 : 1;
	return (int)a->vrid - (int)b->vrid;
}

/* Sorted, each address once: an interface's own (vrid 0) goes before a virtual one (R39). */
static void
fill_addresses(const struct publish_extra *extra, struct snapshot *s)
{
	struct snapshot_address *to = s->addresses;
	uint16_t n = 0, kept = 0;

	for (uint16_t i = 0; i < s->interface_count; i++) {
		snapshot_add_subnet(s, s->interfaces[i].address, s->interfaces[i].prefix_len);
		if (s->interfaces[i].address != 0)
			to[n++] = (struct snapshot_address){ .address = s->interfaces[i].address,
				.interface = i };
	}
	for (uint32_t i = 0; i < extra->virtual_count; i++) {
		const struct publish_virtual *v = &extra->virtuals[i];

		snapshot_add_subnet(s, v->address, v->len);
		to[n++] = (struct snapshot_address){
			.address = v->address,
			.interface = v->interface,
			.vrid = v->vrid,
			.silent = v->silent,
		};
	}
	qsort(to, n, sizeof(*to), address_compare);
	for (uint16_t i = 0; i < n; i++) {
		if (kept == 0 || to[kept - 1].address != to[i].address)
			to[kept++] = to[i];
	}
	s->address_count = kept;
}

static struct snapshot_address6
own6(uint16_t interface, const uint8_t address[IP6_LEN])
{
	struct snapshot_address6 a = { .interface = interface };

	memcpy(a.address, address, IP6_LEN);
	return a;
}

/* Of each interface: its global addresses and the link-local one. */
static uint16_t
count_addresses6(const struct config_list *interfaces)
{
	const struct config_interface *all = interfaces->items;
	uint32_t n = 0;

	for (uint32_t i = 0; i < interfaces->count; i++)
		n += all[i].address6.count > 0 ? all[i].address6.count + 1 : 0;
	return (uint16_t)n;
}

/* Known only here when it is made from the MAC.  It would be this box's alone in the snapshot. */
static bool
check_virtual6(const struct config_interface *all, const struct snapshot *s,
	const struct snapshot_address6 *v, char *err, size_t err_size)
{
	const struct ip_addr address = ip_addr_v6(v->address);
	char text[CONFIG_IP_TEXT];

	if (!ip6_equal(v->address, s->interfaces[v->interface].link_local))
		return true;
	snprintf(err, err_size,
		"vrrp: vrid %u: %s is the link-local address of %s itself, expected one that no "
		"box has",
		v->vrid, config_address_ip_text(&address, text), all[v->interface].name);
	return false;
}

static bool
fill_addresses6(const struct config_interface *all, const struct publish_extra *extra,
	struct snapshot *s, char *err, size_t err_size)
{
	uint16_t n = 0;

	for (uint16_t i = 0; i < s->interface_count; i++) {
		const struct snapshot_interface *in = &s->interfaces[i];

		if (in->address6_count == 0)
			continue;
		s->addresses6[n++] = own6(i, in->link_local);
		for (uint8_t k = 0; k < in->address6_count; k++)
			s->addresses6[n++] = own6(i, in->addresses6[k].address);
	}
	for (uint32_t i = 0; i < extra->virtual6_count; i++) {
		if (!check_virtual6(all, s, &extra->virtuals6[i], err, err_size))
			return false;
		s->addresses6[n++] = extra->virtuals6[i];
	}
	snapshot_sort6(s);
	return true;
}

/* ---- */

static void
log_warning(void *ctx, const char *line)
{
	(void)ctx;
	LOG(WARNING, "%s", line);
}

int
publish_config(struct engine *engine, const struct config *c, const struct publish_extra *extra,
	char *err, size_t err_size)
{
	const struct snapshot *old = engine_snapshot(engine);
	const struct config_list *interfaces = config_section_data(c, "interfaces");
	uint32_t timeouts[SESSION_STATES];
	struct blacklist_entry *blacklist;
	struct snapshot *s;
	int rc = -ENOMEM;

	if (extra == NULL)
		extra = &no_extra;
	s = snapshot_create((uint16_t)(interfaces->count + extra->virtual_count),
		(uint16_t)(count_addresses6(interfaces) + extra->virtual6_count));
	blacklist = calloc(BLACKLIST_STATIC_MAX, sizeof(*blacklist));
	if (s == NULL || blacklist == NULL) {
		snprintf(err, err_size, "the snapshot: out of memory");
		goto err_snapshot;
	}
	s->version = old != NULL ? old->version + 1 : 1;
	fill_tracking(c, s);
	fill_fragments(c, s);
	fill_algs(c, s);
	fill_defences(c, s);
	fill_limits(c, s);
	fill_scan(c, s);
	config_icmp_notices(c, &s->notices);
	fill_zones(c, s);
	fill_log(c, s);
	if (!fill_interfaces(c, engine, extra, s)) {
		snprintf(err, err_size, "an interface's port is not running, a restart is needed");
		rc = -ENODEV;
		goto err_snapshot;
	}
	if (!snapshot_map_ports(s)) {
		snprintf(err, err_size, "the snapshot: out of memory");
		goto err_snapshot;
	}
	memcpy(s->defer, extra->defer, sizeof(s->defer));
	s->defer_ns = extra->defer_ns;
	fill_addresses(extra, s);
	if (!fill_addresses6(interfaces->items, extra, s, err, err_size)) {
		rc = -EINVAL;
		goto err_snapshot;
	}
	s->policy = publish_policy(c, time(NULL), err, err_size);
	if (s->policy == NULL) {
		rc = -EINVAL;
		goto err_snapshot;
	}
	rc = publish_nat(engine, c, extra, s, err, err_size);
	if (rc == 0)
		rc = publish_routes(engine, c, s, extra, err, err_size);
	if (rc < 0)
		goto err_snapshot;
	engine_publish(engine, s);
	publish_policy_warn(s->policy, c, WARNINGS_MAX, log_warning, NULL);
	engine_bump_routes(engine);
	config_ageing_timeouts(c, timeouts);
	session_table_set_timeouts(engine_sessions(engine), timeouts);
	blacklist_set_static(engine_blacklist(engine), blacklist, list_blacklist(c, blacklist),
		session_table_capacity(engine_sessions(engine)));
	free(blacklist);
	return 0;
err_snapshot:
	free(blacklist);
	snapshot_destroy(s);
	return rc;
}

int
publish_check_reload(
	const struct config *running, const struct config *next, char *err, size_t err_size)
{
	char setting[160];

	if (!config_difference(running, next, CONFIG_RESTART, setting, sizeof(setting)))
		return 0;
	snprintf(err, err_size, "%s needs a restart", setting);
	return -EINVAL;
}
