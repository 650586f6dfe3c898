/*
 * The HA brain of one box, as app/ and the pair tests see it: created from the configuration, one
 * part runs as client of the control core (roles: VGMP, VRRP, lease), the other as the HRP core's
 * loop (heartbeat links, mirror).
 *
 * Life-cycle: ha_create() -> loops of the control core and, with hrp.enable, of the HRP core ->
 * ha_resign() while they still run -> loops end -> ha_destroy() before core_destroy().
 */
#pragma once

#include "core.h"
#include "engine.h"
#include "events.h"
#include "ha_config.h"
#include "management.h"

#include <stdbool.h>
#include <stdint.h>

struct ha;
struct ha_backup;
struct hrp;
struct notify;
struct role;
struct script_watch;

/* A heartbeat port as handed to the HRP core, in the order of hrp.interfaces. */
struct ha_heartbeat {
	uint16_t ethdev;
	uint16_t interface; /* interface index */
	struct rte_ether_addr mac;
};

struct ha_params {
	const char *name; /* prefix of DPDK object names */
	struct engine *engine;
	struct core *core;
	struct rte_mempool *pool;
	struct events *events; /* the caller's; NULL = none */
	bool held_back;	       /* the self-test has failed: serve only while nobody else does */
	const struct config *config; /* sections vrrp and hrp; kept by the caller */
	const struct ha_heartbeat *heartbeats;
	uint16_t heartbeat_count;
	int socket;
	uint32_t seed; /* random: probe sequences, request ids */
	uint64_t life; /* random, not 0: of this start (hrp_order.h) */
	uint32_t boot; /* s of the wall clock */
};

/* => NULL with a one-line reason.  Registers itself with core (core_add_client).  Without the
 * section hrp (or enable = false) it runs plain VRRP and grants the lease for ever; then there is
 * nothing for an HRP core to do. */
struct ha *ha_create(const struct ha_params *, char *err, size_t err_size);
void ha_destroy(struct ha *);

/* HRP core loop. */
int hrp_bind(struct ha *);
void hrp_unbind(struct ha *);
uint32_t hrp_poll(struct ha *, mono_t now); /* => work done */
void hrp_sleep_begin(struct ha *);
void hrp_sleep_end(struct ha *);
uint64_t hrp_beats(const struct ha *);

/* Carrier of a heartbeat interface, from any thread.  Until told, it is down. */
void hrp_link(struct ha *, uint16_t interface, bool up);

/* Resign: hand over to the peer (VGMP request, VRRP priority 0), stop sending.
 * => Management thread, while both cores run; blocks until done or `timeout_ms` has passed. */
void ha_resign(struct ha *, uint32_t timeout_ms);

/* Operator's orders, by core_request() or on the control core; => enum role_order, or -errno. */
enum ha_order_what {
	HA_ORDER_SWITCH_OVER = 1,
	HA_ORDER_HOLD, /* arg: on or off */
};
int ha_order(struct ha *, uint32_t what, uint64_t arg, mono_t now);

/* For struct management.ha; ha itself is struct management.ha_state. */
struct management_ha ha_management(struct ha *);

/* ha_sync: mirror everything once more (R197).  => any thread; false: this box mirrors nothing. */
bool ha_sync(struct ha *);

/* Backup of the configuration (ha_backup.h): management thread; NULL without hrp.enable. */
struct ha_backup *ha_config_backup(struct ha *);

/* For shows and tests: status calls only.  ha_hrp() is NULL without hrp.enable. */
const struct role *ha_role(const struct ha *);
const struct hrp *ha_hrp(const struct ha *);
const struct notify *ha_notify(const struct ha *); /* NULL without events */
const struct script_watch *ha_scripts(const struct ha *);
