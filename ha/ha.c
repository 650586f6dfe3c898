/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The HA brain of one box: puts roles, bus and HRP core together from the configuration.
 * Management thread, but for the ops of the roles (control core) and hrp_*() (HRP core).
 */
#include "ha.h"

#include "config_address.h"
#include "ha_backup.h"
#include "ha_bus.h"
#include "ha_constants.h"
#include "ha_links.h"
#include "ha_udp.h"
#include "hrp.h"
#include "hrp_keys.h"
#include "hrp_relearn.h"
#include "hrp_wire.h"
#include "log.h"
#include "notify.h"
#include "role.h"
#include "script_watch.h"

#include <rte_mbuf.h>

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

struct ha {
	struct ha_params params;
	bool paired;
	struct ha_bus bus; /* paired only, as the next two */
	struct hrp *hrp;
	struct ha_backup *backup; /* M, but for what hellos say */
	struct ha_udp udp;	  /* C, as the next four */
	struct ha_links links;
	uint16_t link_interface[HRP_LINKS_MAX]; /* index, of each of them */
	struct log_limit misplaced;
	mono_t now; /* of this turn */
	struct hrp_relearn relearn;
	struct role *role;
	struct notify *notify; /* M only; NULL without events */
	struct script_watch *scripts;
	bool same_half;				  /* M only: it has been told */
	struct vrrp_hmac *hmacs[VRRP_MAX_GROUPS]; /* of the groups, ours to destroy */
	uint16_t hmac_count;
	struct publish_virtual virtuals[VRRP_MAX_ADDRESSES]; /* M only: of the last collect_extra */
	struct snapshot_address6 virtuals6[VRRP_MAX_ADDRESSES];
};

/* ---- what the roles reach (control core) ---- */

static void
op_lease(void *ctx, mono_t until)
{
	struct ha *const ha = ctx;

	engine_set_lease(ha->params.engine, until);
}

static void
op_own(void *ctx, uint16_t interface, uint8_t vrid, uint8_t family, bool own, mono_t now)
{
	struct ha *const ha = ctx;

	core_virtual_set_family(ha->params.core, interface, vrid, family, own, now);
}

static bool
op_link_up(void *ctx, uint16_t interface)
{
	struct ha *const ha = ctx;

	return core_link_up(ha->params.core, interface);
}

static rte_be32_t
op_address(void *ctx, uint16_t interface)
{
	struct ha *const ha = ctx;
	const struct snapshot *const s = engine_snapshot(ha->params.engine);

	return s != NULL && interface < s->interface_count ? s->interfaces[interface].address : 0;
}

static const uint8_t *
op_link_local(void *ctx, uint16_t interface)
{
	struct ha *const ha = ctx;

	return core_link_local(ha->params.core, interface);
}

static int
op_reaches(void *ctx, const struct ip_addr *host)
{
	struct ha *const ha = ctx;

	return core_reaches(ha->params.core, host);
}

static int
op_script(void *ctx, uint16_t script)
{
	struct ha *const ha = ctx;

	return script_watch_up(ha->scripts, script);
}

static void
op_send(void *ctx, uint16_t interface, const uint8_t *frame, uint16_t len)
{
	struct ha *const ha = ctx;
	struct rte_mbuf *const m = core_frame(ha->params.core);
	char *data;

	if (m == NULL)
		return;
	data = rte_pktmbuf_append(m, len);
	if (data != NULL)
		memcpy(data, frame, len);
	core_send(ha->params.core, interface, m); /* an empty frame is dropped and counted */
}

static void
op_send_to(void *ctx, uint16_t interface, const struct ip_addr *host, uint8_t *frame, uint16_t len)
{
	struct ha *const ha = ctx;

	core_send_to(ha->params.core, interface, host, frame, len);
}

static void
op_quiet(void *ctx, bool quiet)
{
	struct ha *const ha = ctx;

	core_virtual_quiet(ha->params.core, quiet);
}

static bool
op_put(void *ctx, const struct ha_msg *m)
{
	struct ha *const ha = ctx;

	return ha_bus_put(ha->bus.to_hrp, m);
}

/* A heartbeat link has changed. */
static void
link_news(struct ha *ha, const struct ha_msg *m)
{
	static const char *const causes[HRP_LINK_STATES] = {
		[HRP_LINK_INVALID] = "no address",
		[HRP_LINK_DOWN] = "no carrier",
		[HRP_LINK_PEERDOWN] = "no answer from the peer",
		[HRP_LINK_READY] = "the peer answers",
		[HRP_LINK_RUNNING] = "first of those that work",
	};
	const uint32_t slot = m->slot % HRP_LINKS_MAX;
	const uint8_t old = ha->links.list[slot].state;
	struct event e = {
		.kind = EVENT_LINK, .interface = ha->link_interface[slot], .at_ns = ha->now.ns
	};

	ha_links_news(&ha->links, m, ha->now);
	const uint8_t state = ha->links.list[slot].state;

	if (state == old)
		return;
	snprintf(e.from, sizeof(e.from), "%s", hrp_link_state_names[old]);
	snprintf(e.to, sizeof(e.to), "%s", hrp_link_state_names[state]);
	snprintf(e.cause, sizeof(e.cause), "%s", causes[state]);
	events_post(ha->params.events, &e);
}

/* What is for the roles; the rest is done on the way. */
static bool
op_get(void *ctx, struct ha_msg *m)
{
	struct ha *const ha = ctx;
	struct ha_msg news;

	while (ha_bus_get(ha->bus.to_core, m)) {
		if (m->type == HA_MSG_LINK)
			link_news(ha, m);
		else if (m->type != HA_MSG_TRANSMIT)
			return true;
		else if (ha_udp_send(&ha->udp, m, ha->now, &news))
			ha_bus_put(ha->bus.to_hrp, &news); /* counts something: may be lost */
	}
	return false;
}

static uint64_t
op_hrp_turns(void *ctx)
{
	return hrp_beats(ctx);
}

static uint64_t
op_worker_turns(void *ctx, uint16_t worker)
{
	struct ha *const ha = ctx;

	return worker_beats(engine_worker(ha->params.engine, worker));
}

static uint64_t
op_wall_ns(void *ctx)
{
	struct timespec now;

	(void)ctx;
	clock_gettime(CLOCK_REALTIME, &now); /* no system call */
	return (uint64_t)now.tv_sec * NS_PER_SEC + (uint64_t)now.tv_nsec;
}

static uint32_t
op_sessions(void *ctx)
{
	struct ha *const ha = ctx;

	return session_table_count(engine_sessions(ha->params.engine));
}

static void
op_ask(void *ctx, uint16_t interface, uint8_t vrid, uint8_t family)
{
	struct ha *const ha = ctx;

	core_virtual_ask(ha->params.core, interface, vrid, family);
}

static void
op_deaf(void *ctx, char *text, size_t size)
{
	struct ha *const ha = ctx;

	ha_links_text(&ha->links, text, size);
}

static void
op_relearn(void *ctx)
{
	struct ha *const ha = ctx;

	hrp_relearn_order(&ha->relearn);
}

static void
op_announce(void *ctx, uint16_t interface, uint8_t vrid)
{
	struct ha *const ha = ctx;

	core_virtual_announce(ha->params.core, interface, vrid);
}

static void
op_config(void *ctx, struct hrp_hello *h)
{
	const struct ha *const ha = ctx;

	ha_backup_hello(ha->backup, h);
}

static void
client_tick(void *ctx, mono_t now)
{
	struct ha *const ha = ctx;

	ha->now = now;
	role_tick(ha->role, now);
	if (ha->backup != NULL)
		ha_backup_tell(ha->backup, ha->params.events, now);
}

static void
client_link(void *ctx, uint16_t interface, bool up, mono_t now)
{
	struct ha *const ha = ctx;

	role_link(ha->role, interface, up, now);
}

/* Multicast of a heartbeat port, from its IPv4 header on. */
static bool
is_heartbeat(const uint8_t *data, uint16_t len)
{
	const uint16_t header = len > 0 ? (uint16_t)((data[0] & 0x0f) * 4) : 0;

	return len > header && data[0] >> 4 == 4 && data[header] == HA_VERSION_TYPE;
}

static void
client_vrrp(void *ctx, uint16_t interface, const uint8_t *data, uint16_t len, mono_t now)
{
	struct ha *const ha = ctx;

	if (is_heartbeat(data, len) && log_allowed(&ha->misplaced, now.ns))
		LOG(WARNING, "%s: a box's heartbeat is heard: its cable is in the wrong port",
			engine_snapshot(ha->params.engine)->interfaces[interface].name);
	role_vrrp(ha->role, interface, data, len, now);
}

static void
client_claim(void *ctx, uint16_t interface, uint8_t vrid, uint8_t family, mono_t now)
{
	struct ha *const ha = ctx;

	role_claim(ha->role, interface, vrid, family, now);
}

static void
client_heartbeat(void *ctx, uint16_t interface, const uint8_t *data, uint16_t len, mono_t now)
{
	struct ha *const ha = ctx;
	struct ha_msg news;

	(void)now;
	if (ha->hrp != NULL && ha_udp_receive(&ha->udp, interface, data, len, &news))
		ha_bus_put(ha->bus.to_hrp, &news); /* full: as if lost on the wire */
}

int
ha_order(struct ha *ha, uint32_t what, uint64_t arg, mono_t now)
{
	switch (what) {
	case HA_ORDER_SWITCH_OVER:
		return (int)role_switch_over(ha->role, now);
	case HA_ORDER_HOLD:
		return (int)role_hold(ha->role, arg != 0, now);
	default:
		return -EINVAL;
	}
}

static int
client_request(void *ctx, uint32_t what, uint64_t arg, mono_t now)
{
	return ha_order(ctx, what, arg, now);
}

/* ---- creation ---- */

static const struct config_interface *
interface_at(const struct config *config, int index)
{
	const struct config_list *const list = config_section_data(config, "interfaces");

	return &((const struct config_interface *)list->items)[index];
}

static void
setup_tracks(const struct ha *ha, const struct config_vrrp *v, struct vrrp_setup *s)
{
	const struct config_vrrp_track *const all = v->track.items;
	char text[CONFIG_IP_TEXT];

	for (uint32_t i = 0; i < v->track.count; i++) {
		struct vrrp_track *const t = &s->tracks[s->track_count++];

		*t = (struct vrrp_track){ .destination = all[i].destination,
			.weight = (int16_t)all[i].weight,
			.reverse = all[i].reverse };
		if (all[i].script[0] != '\0') {
			t->script =
				(uint16_t)(config_script_index(ha->params.config, all[i].script) +
					   1);
			snprintf(t->name, sizeof(t->name), "script %s", all[i].script);
		} else if (t->destination.family != 0) {
			snprintf(t->name, sizeof(t->name), "%s",
				config_address_ip_text(&t->destination, text));
		} else {
			t->interface = (uint16_t)config_interface_index(
				ha->params.config, all[i].interface);
			snprintf(t->name, sizeof(t->name), "%s", all[i].interface);
		}
	}
}

/* The number of a sync group: that of its first member in the list, from 1 on. */
static uint8_t
sync_number(const struct config *config, const char *name)
{
	const struct config_list *const list = config_section_data(config, "vrrp");
	const struct config_vrrp *const all = list->items;

	for (uint32_t i = 0; i < list->count && name[0] != '\0'; i++) {
		if (strcmp(all[i].sync, name) == 0)
			return (uint8_t)(i + 1);
	}
	return 0;
}

static struct vrrp_setup
vrrp_setup(const struct ha *ha, const struct config_vrrp *v, uint16_t interface)
{
	const struct config_interface *const own = interface_at(ha->params.config, interface);
	struct vrrp_setup s = {
		.vrid = (uint8_t)v->vrid,
		.group = ha->paired ? (uint8_t)v->group : VGMP_GROUP_NONE,
		.version = (uint8_t)v->version,
		.priority = (uint8_t)v->priority,
		.preempt = v->preempt,
		.any_ttl = !v->ttl_check,
		.accept = v->accept,
		.checksum = (uint8_t)v->checksum,
		.interface = interface,
		.advert_ms = (uint32_t)v->advert_ms,
		.preempt_delay_ms = (uint32_t)v->preempt_delay_s * 1000,
		.authenticated = v->password[0] != '\0',
		.peer_count = (uint8_t)v->peers.count,
		.sync = sync_number(ha->params.config, v->sync),
	};

	snprintf(s.name, sizeof(s.name), "%.47s vrid %u", v->interface, s.vrid);
	snprintf(s.sync_name, sizeof(s.sync_name), "%s", v->sync);
	setup_tracks(ha, v, &s);
	memcpy(s.password, v->password, strlen(v->password));
	s.address_count = (uint8_t)config_vrrp_addresses(v, s.addresses);
	for (uint8_t i = 0; i < s.peer_count; i++)
		s.peers[i] = ((const struct config_span *)v->peers.items)[i].first;
	if (s.peer_count > 0 && s.peers[0].family == 6)
		s.source6 = config_vrrp_source6(own, &s.peers[0]);
	if (config_vrrp_is_owner(own, v))
		s.priority = VRRP_PRIORITY_OWNER;
	if (ha->params.held_back) {
		s.priority = 1;
		s.preempt = false;
		s.held = true;
	}
	return s;
}

/* => 0, -ENOMEM */
static int
add_hmac(struct ha *ha, const struct config_vrrp *v, struct vrrp_setup *s)
{
	struct vrrp_hmac_setup keys;

	if (!config_vrrp_hmac(v, &keys))
		return 0;
	s->hmac = vrrp_hmac_create(&keys);
	explicit_bzero(&keys, sizeof(keys));
	if (s->hmac == NULL)
		return -ENOMEM;
	ha->hmacs[ha->hmac_count++] = s->hmac;
	return 0;
}

static int
add_virtuals(struct ha *ha, const struct config_vrrp *v, const struct vrrp_setup *s)
{
	const struct core_garp garp = { .count = (uint8_t)v->garp_count,
		.repeat_ms = (uint32_t)v->garp_delay_ms,
		.refresh_ms = (uint32_t)v->garp_refresh_s * 1000 };
	int rc = 0;

	for (uint8_t i = 0; rc == 0 && i < s->address_count; i++) {
		const struct ip_addr *const a = &s->addresses[i];

		rc = a->family == 6
			     ? core_virtual_add6(ha->params.core, s->interface, s->vrid, a->v6)
			     : core_virtual_add(ha->params.core, s->interface, s->vrid, a->v4);
	}
	for (uint8_t family = 4; family <= 6; family += 2) {
		if (vrrp_has(s, family))
			core_virtual_garp(ha->params.core, s->interface, s->vrid, family, &garp);
	}
	return rc;
}

/* => number of groups, or -errno with a reason. */
static int
create_vrrps(struct ha *ha, struct vrrp *out, char *err, size_t err_size)
{
	const struct config *const config = ha->params.config;
	const struct config_list *const list = config_section_data(config, "vrrp");
	int count = 0;

	for (uint32_t i = 0; list != NULL && i < list->count; i++) {
		const struct config_vrrp *const v = &((const struct config_vrrp *)list->items)[i];
		const int interface = config_interface_index(config, v->interface);

		if (interface < 0 || count == VRRP_MAX_GROUPS) {
			snprintf(err, err_size, "vrrp: vrid %u on %s cannot be set up",
				(unsigned int)v->vrid, v->interface);
			return -EINVAL;
		}
		struct vrrp_setup s = vrrp_setup(ha, v, (uint16_t)interface);
		int rc = add_virtuals(ha, v, &s);

		if (rc == 0)
			rc = add_hmac(ha, v, &s);
		if (rc != 0) {
			snprintf(err, err_size, "vrrp: vrid %u on %s: %s", (unsigned int)v->vrid,
				v->interface, strerror(-rc));
			return rc;
		}
		vrrp_init(&out[count++], &s);
	}
	return count;
}

static int
create_role(struct ha *ha, char *err, size_t err_size)
{
	const struct config_hrp *const hrp = config_section_data(ha->params.config, "hrp");
	struct vrrp *const vrrps = calloc(VRRP_MAX_GROUPS, sizeof(*vrrps));
	struct mon *const members = calloc(1, sizeof(*members));
	struct role_params p = {
		.paired = ha->paired,
		.hello_ms = hrp != NULL ? (uint32_t)hrp->hello_ms : HRP_HELLO_DEFAULT_MS,
		.misses = hrp != NULL ? (uint32_t)hrp->misses : HRP_MISSES_DEFAULT,
		.preempt = hrp != NULL && hrp->preempt,
		.quick = hrp != NULL && hrp->mirror_session,
		.automatic = hrp != NULL && hrp->auto_sync,
		.split_yield = hrp != NULL && hrp->split_brain == HRP_SPLIT_YIELD,
		.preempt_delay_s = hrp != NULL ? (uint32_t)hrp->preempt_delay_s : 0,
		.workers = engine_worker_count(ha->params.engine),
		.seed = ha->params.seed,
		.vrrps = vrrps,
		.members = members,
		.events = ha->params.events,
		.held_back = ha->params.held_back,
		.ops = { .ctx = ha,
			.lease = op_lease,
			.own = op_own,
			.link_up = op_link_up,
			.address = op_address,
			.link_local = op_link_local,
			.reaches = op_reaches,
			.script = op_script,
			.send = op_send,
			.send_to = op_send_to,
			.quiet = op_quiet,
			.put = op_put,
			.get = op_get,
			.hrp_turns = op_hrp_turns,
			.worker_turns = op_worker_turns,
			.sessions = op_sessions,
			.ask = op_ask,
			.deaf = op_deaf,
			.relearn = op_relearn,
			.announce = op_announce,
			.config = ha->paired ? op_config : NULL,
			.wall_ns = op_wall_ns },
	};
	int rc = -ENOMEM;

	snprintf(err, err_size, "roles: out of memory");
	if (vrrps == NULL || members == NULL)
		goto done;
	rc = create_vrrps(ha, vrrps, err, err_size);
	if (rc < 0)
		goto done;
	p.vrrp_count = (uint16_t)rc;
	mon_init(members);
	members->boards = ha->paired ? (uint16_t)hrp->boards : 0;
	rc = ha->paired ? mon_collect(members, ha->params.config, err, err_size) : 0;
	if (rc != 0)
		goto done;
	ha->role = role_create(&p);
	rc = ha->role != NULL ? 0 : -ENOMEM;
done:
	free(vrrps);
	free(members);
	return rc;
}

/* Loudly, since who reaches the heartbeat network decides about the roles. */
static void
warn_security(const struct hrp_security *s)
{
	if (s->algorithm == HA_ALGORITHM_NONE)
		LOG(WARNING,
			"hrp: messages to and from the peer are not signed: no keys in section "
			"hrp_security");
	else if (s->rollout != HRP_ENFORCE)
		LOG(WARNING, "hrp: messages of the peer are taken without a signature too: rollout "
			     "is not enforce");
}

static int
create_hrp(struct ha *ha, char *err, size_t err_size)
{
	const struct config *const config = ha->params.config;
	const struct config_hrp *const section = config_section_data(config, "hrp");
	struct hrp_heartbeat heartbeats[HRP_LINKS_MAX];
	struct hrp_security security;
	struct hrp_params p = {
		.name = ha->params.name,
		.engine = ha->params.engine,
		.pool = ha->params.pool,
		.bus = &ha->bus,
		.heartbeats = heartbeats,
		.hello_ms = (uint32_t)section->hello_ms,
		.socket = ha->params.socket,
		.seed = ha->params.seed,
		.life = ha->params.life,
		.boot = ha->params.boot,
		.nat_half = (uint8_t)section->nat_resource,
		.nat_reclaim_s = (uint32_t)section->nat_reclaim_s,
		.security = &security,
		.methods = { .quick = section->mirror_session,
			.period_s =
				section->auto_sync ? (uint32_t)section->auto_sync_period_s : 0 },
	};

	if (ha->params.heartbeat_count != section->interfaces.count ||
		section->interfaces.count > HRP_LINKS_MAX) {
		snprintf(err, err_size, "hrp: %u heartbeat ports for %u interfaces",
			ha->params.heartbeat_count, section->interfaces.count);
		return -EINVAL;
	}
	for (uint16_t i = 0; i < ha->params.heartbeat_count; i++) {
		const struct ha_heartbeat *const port = &ha->params.heartbeats[i];
		const struct config_heartbeat *const h =
			&((const struct config_heartbeat *)section->interfaces.items)[i];
		const struct config_interface *const own = interface_at(config, port->interface);

		heartbeats[p.heartbeat_count++] = (struct hrp_heartbeat){
			.name = own->name,
			.ethdev = port->ethdev,
			.interface = port->interface,
			.mtu = (uint16_t)own->mtu,
			.prefix_len = own->address.len,
			.address = own->address.len != 0 ? own->address.address : 0,
			.remote = h->remote,
			.gateway = h->gateway,
			.heartbeat_only = h->heartbeat_only,
			.mac = port->mac,
		};
		ha_links_add(&ha->links, &heartbeats[i]);
		ha->link_interface[i] = port->interface;
		if (h->heartbeat_only)
			ha_udp_add(&ha->udp, (uint8_t)i, port->interface, own->address.address,
				h->remote);
	}
	ha->udp.engine = ha->params.engine;
	ha->udp.core = ha->params.core;
	ha->udp.hello_ms = p.hello_ms;
	const int rc = ha_bus_create(&ha->bus, ha->params.name, ha->params.socket);

	if (rc != 0) {
		snprintf(err, err_size, "hrp: message rings: %s", strerror(-rc));
		return rc;
	}
	ha->backup = ha_backup_create(ha->params.name, ha->params.socket,
		ha->params.seed ^ UINT32_C(0x9e3779b9), err, err_size);
	if (ha->backup == NULL)
		return -ENOMEM;
	p.config = ha_backup_bus(ha->backup);
	if (hrp_keys_load(config, &security, err, err_size) != 0)
		return -EINVAL;
	warn_security(&security);
	ha->hrp = hrp_create(&p, err, err_size);
	explicit_bzero(&security, sizeof(security));
	return ha->hrp != NULL ? 0 : -EINVAL;
}

struct ha *
ha_create(const struct ha_params *params, char *err, size_t err_size)
{
	const struct config_hrp *const hrp = config_section_data(params->config, "hrp");
	struct ha *const ha = calloc(1, sizeof(*ha));

	if (ha == NULL) {
		snprintf(err, err_size, "ha: out of memory");
		return NULL;
	}
	ha->params = *params;
	ha->params.heartbeats = params->heartbeats; /* only looked at in here */
	ha->paired = hrp != NULL && hrp->enable;
	if (ha->paired && create_hrp(ha, err, err_size) != 0)
		goto err_ha;
	ha->scripts = script_watch_create(params->config, err, err_size);
	if (ha->scripts == NULL || create_role(ha, err, err_size) != 0)
		goto err_ha;

	if (params->events != NULL) {
		ha->notify = notify_create(params->events);
		if (ha->notify == NULL) {
			snprintf(err, err_size, "ha: out of memory");
			goto err_ha;
		}
	}
	const struct core_client client = { .ctx = ha,
		.tick = client_tick,
		.link = client_link,
		.vrrp = client_vrrp,
		.heartbeat = client_heartbeat,
		.claim = client_claim,
		.request = client_request };
	const int rc = core_add_client(params->core, &client);

	if (rc != 0) {
		snprintf(err, err_size, "ha: control core: %s", strerror(-rc));
		goto err_ha;
	}
	ha->params.heartbeats = NULL;
	return ha;

err_ha:
	ha_destroy(ha);
	return NULL;
}

void
ha_destroy(struct ha *ha)
{
	if (ha == NULL)
		return;
	notify_destroy(ha->notify);
	role_destroy(ha->role);
	script_watch_destroy(ha->scripts);
	for (uint16_t i = 0; i < ha->hmac_count; i++)
		vrrp_hmac_destroy(ha->hmacs[i]);
	hrp_destroy(ha->hrp);
	ha_backup_destroy(ha->backup);
	ha_bus_destroy(&ha->bus);
	free(ha);
}

/* ---- HRP core ---- */

int
hrp_bind(struct ha *ha)
{
	return ha->hrp != NULL ? hrp_core_bind(ha->hrp) : 0;
}

void
hrp_unbind(struct ha *ha)
{
	if (ha->hrp != NULL)
		hrp_core_unbind(ha->hrp);
}

uint32_t
hrp_poll(struct ha *ha, mono_t now)
{
	return ha->hrp != NULL
		       ? hrp_core_poll(ha->hrp, now) +
				 hrp_relearn_poll(&ha->relearn, engine_sessions(ha->params.engine))
		       : 0;
}

void
hrp_sleep_begin(struct ha *ha)
{
	if (ha->hrp != NULL)
		hrp_core_sleep_begin(ha->hrp);
}

void
hrp_sleep_end(struct ha *ha)
{
	if (ha->hrp != NULL)
		hrp_core_sleep_end(ha->hrp);
}

uint64_t
hrp_beats(const struct ha *ha)
{
	return ha->hrp != NULL ? hrp_core_beats(ha->hrp) : 0;
}

void
hrp_link(struct ha *ha, uint16_t interface, bool up)
{
	if (ha->hrp != NULL)
		hrp_core_link(ha->hrp, interface, up);
}

/* ---- management ---- */

void
ha_resign(struct ha *ha, uint32_t timeout_ms)
{
	const struct timespec nap = { .tv_nsec = 1000000 };

	role_resign(ha->role);
	for (uint32_t i = 0; i < timeout_ms && !role_resigned(ha->role); i++)
		nanosleep(&nap, NULL);
}

static const char *
prompt(void *ctx)
{
	const struct ha *const ha = ctx;

	if (!ha->paired)
		return "";
	return role_owning(ha->role) && !ha_backup_standby(ha->backup) ? "HRP_A" : "HRP_S";
}

/* Is the address outside its interface's subnet (R50)? */
static bool
outside(const struct config_interface *in, rte_be32_t address)
{
	const uint32_t mask = in->address.len == 0 ? 0 : UINT32_MAX << (32 - in->address.len);

	return ((rte_be_to_cpu_32(in->address.address) ^ rte_be_to_cpu_32(address)) & mask) != 0;
}

static void
collect_group(struct ha *ha, const struct config *config, const struct config_vrrp *v,
	struct publish_extra *out)
{
	const int interface = config_interface_index(config, v->interface);
	struct ip_addr addresses[VRRP_ADDRESSES];
	const uint32_t count = config_vrrp_addresses(v, addresses);

	if (interface < 0 || out->virtual_count + count > VRRP_MAX_ADDRESSES ||
		out->virtual6_count + count > VRRP_MAX_ADDRESSES)
		return;
	for (uint32_t i = 0; i < count; i++) {
		if (addresses[i].family == 6) {
			struct snapshot_address6 *const to = &ha->virtuals6[out->virtual6_count++];

			*to = (struct snapshot_address6){ .interface = (uint16_t)interface,
				.vrid = (uint8_t)v->vrid,
				.silent = !v->accept };
			memcpy(to->address, addresses[i].v6, IP6_LEN);
			continue;
		}
		ha->virtuals[out->virtual_count++] = (struct publish_virtual){
			.address = addresses[i].v4,
			.interface = (uint16_t)interface,
			.vrid = (uint8_t)v->vrid,
			.silent = !v->accept,
			.len = i == 0 && outside(interface_at(config, interface), addresses[i].v4)
				       ? v->virtual_ip.len
				       : 0,
		};
	}
}

static void
collect_extra(void *ctx, const struct config *config, struct publish_extra *out)
{
	struct ha *const ha = ctx;
	const struct config_list *const list = config_section_data(config, "vrrp");
	const struct config_hrp *const hrp = config_section_data(config, "hrp");

	*out = (struct publish_extra){ .virtuals = ha->virtuals, .virtuals6 = ha->virtuals6 };
	for (uint32_t i = 0; list != NULL && i < list->count; i++)
		collect_group(ha, config, &((const struct config_vrrp *)list->items)[i], out);
	for (uint32_t i = 0; hrp != NULL && hrp->enable && i < hrp->interfaces.count; i++) {
		const struct config_heartbeat *const h =
			&((const struct config_heartbeat *)hrp->interfaces.items)[i];
		const int interface = config_interface_index(config, h->interface);

		if (interface >= 0 && h->heartbeat_only)
			out->heartbeat_udp_interfaces |= UINT64_C(1) << interface;
		else if (interface >= 0)
			out->heartbeat_interfaces |= UINT64_C(1) << interface;
	}
	out->heartbeat_udp = RTE_BE16(HRP_UDP_PORT);
	for (uint32_t i = 0; hrp != NULL && hrp->enable && i < hrp->defer.count; i++) {
		const struct config_defer *const d =
			&((const struct config_defer *)hrp->defer.items)[i];

		out->defer[config_zone_id(config, d->source_zone)] |=
			UINT64_C(1) << config_zone_id(config, d->destination_zone);
	}
	out->defer_ns = hrp != NULL ? (uint64_t)hrp->defer_ms * NS_PER_MS : 0;
}

static bool
interface_stats(void *ctx, uint16_t interface, struct interface_stats *out)
{
	const struct ha *const ha = ctx;
	struct hrp_status *const h = ha->hrp != NULL ? malloc(sizeof(*h)) : NULL;
	bool found = false;

	if (h == NULL)
		return false;
	hrp_status(ha->hrp, h);
	for (uint64_t i = 0; i < h->links_count && !found; i++) {
		const struct hrp_link_status *const l = &h->links[i];

		found = l->interface == interface && l->heartbeat_only == 0;
		if (found)
			*out = (struct interface_stats){ .rx_packets = l->packets_in,
				.rx_bytes = l->bytes_in,
				.tx_packets = l->packets_out,
				.tx_bytes = l->bytes_out,
				.drops = l->other_in };
	}
	free(h);
	return found;
}

static void
management_turn(void *ctx, mono_t now)
{
	struct ha *const ha = ctx;
	const bool same_half = ha->hrp != NULL && hrp_same_half(ha->hrp);

	script_watch_tick(ha->scripts, now);
	if (same_half && !ha->same_half)
		LOG(WARNING, "hrp: both boxes hand out the same half of the NAT ports, expected "
			     "hrp.nat_resource of opposite groups");
	ha->same_half = same_half;
}

static enum management_ha_state
poll_management(void *ctx, struct management *m, mono_t now)
{
	const struct ha *const ha = ctx;
	enum management_ha_state told = MANAGEMENT_HA_IDLE, backup = MANAGEMENT_HA_IDLE;

	if (ha->notify != NULL)
		told = notify_poll(ha->notify, m->config, now);
	if (ha->backup != NULL)
		backup = ha_backup_poll(ha->backup, m, now);
	return RTE_MAX(told, backup);
}

static int
check_reload(void *ctx, const struct config *running, const struct config *next, char *err,
	size_t err_size)
{
	const struct ha *const ha = ctx;

	return ha->backup != NULL ? ha_backup_check(ha->backup, running, next, err, err_size) : 0;
}

static uint64_t
beats(void *ctx)
{
	return hrp_beats(ctx);
}

struct management_ha
ha_management(struct ha *ha)
{
	return (struct management_ha){ .ctx = ha,
		.prompt = prompt,
		.collect_extra = collect_extra,
		.interface_stats = interface_stats,
		.beats = ha->paired ? beats : NULL,
		.tick = management_turn,
		.check_reload = check_reload,
		.poll = poll_management };
}

const struct role *
ha_role(const struct ha *ha)
{
	return ha->role;
}

struct ha_backup *
ha_config_backup(struct ha *ha)
{
	return ha->backup;
}

bool
ha_sync(struct ha *ha)
{
	return ha->hrp != NULL && hrp_core_sync(ha->hrp);
}

const struct notify *
ha_notify(const struct ha *ha)
{
	return ha->notify;
}

const struct hrp *
ha_hrp(const struct ha *ha)
{
	return ha->hrp;
}

const struct script_watch *
ha_scripts(const struct ha *ha)
{
	return ha->scripts;
}
