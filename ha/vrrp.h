/*
 * VRRP groups.  One struct vrrp is one virtual router on one interface.
 *
 *	plain	the RFC 3768 election: adverts, timers, priorities (no VGMP group)
 *	driven	the state follows the VGMP group and the interface's link (R47-R55); adverts only
 *		announce, with a fixed priority (R52)
 *
 * Pure: no I/O, the clock is an argument; the caller (role.c) carries out VRRP_DO_*.
 * Control core only.
 */
#pragma once

#include "clock.h"
#include "vrrp_wire.h"

#include <stdbool.h>
#include <stdint.h>

enum vrrp_state { VRRP_INITIALIZE, VRRP_BACKUP, VRRP_MASTER, VRRP_STATES };
extern const char *const vrrp_state_names[VRRP_STATES];

/* What the caller does, in this order. */
#define VRRP_DO_RELEASE 0x01 /* the virtual address is no longer ours */
#define VRRP_DO_RESIGN	0x02 /* send an advert with priority 0 */
#define VRRP_DO_OWN	0x04 /* the virtual address is ours: gratuitous ARP */
#define VRRP_DO_ADVERT	0x08 /* send an advert */

struct vrrp {
	uint8_t vrid;
	uint8_t group; /* enum vgmp_group_id; VGMP_GROUP_NONE = plain */
	bool preempt;  /* plain */
	uint8_t priority;
	uint16_t interface;
	rte_be32_t address;
	struct ip_addr address6; /* family 0: none; driven groups only */
	uint32_t advert_ms;

	enum vrrp_state state;
	bool link;
	mono_t due;	   /* Master: next advert; Backup (plain): when the Master is down */
	rte_be32_t master; /* who advertised last; 0 = nobody */
	uint8_t master_priority;
	mono_t changed;
	uint64_t adverts_out, adverts_in, resigns_in; /* out: of both families one each time */
	uint64_t adverts6_in;
	uint64_t conflicts; /* driven Master heard another Master */
};

/* vrrp_init: priority and preempt are those of a plain group; driven ones have a fixed priority.
 * `owner`: the virtual address is the interface's own (plain, R39). */
void vrrp_init(struct vrrp *, uint8_t vrid, uint16_t interface, rte_be32_t address, uint8_t group,
	uint8_t priority, uint32_t advert_ms, bool preempt, bool owner);

/* => VRRP_DO_* each. */
uint32_t vrrp_link(struct vrrp *, bool up, mono_t now);
/* vrrp_drive: the VGMP group owns its addresses, or not.  `quiet`: it is handing over and must not
 * draw traffic to itself: no adverts. */
uint32_t vrrp_drive(struct vrrp *, bool own, bool quiet, mono_t now);
uint32_t vrrp_tick(struct vrrp *, mono_t now);
uint32_t vrrp_stop(struct vrrp *, mono_t now); /* leave for good (R36) */

/* vrrp_receive: an advert that passed vrrp_wire_check() and has our vrid; `own` = our address on
 * the interface.  *refusal says why it changed nothing, VRRP_OK otherwise. */
uint32_t vrrp_receive(struct vrrp *, const struct vrrp_advert *, rte_be32_t own, mono_t now,
	enum vrrp_refusal *refusal);

/* vrrp_receive6: an advert of IPv6 that passed vrrp_wire_check6(), of our vrid, to a group with
 * an IPv6 address; `own` = our link-local address there, NULL = none yet. */
void vrrp_receive6(
	struct vrrp *, const struct vrrp_advert6 *, const uint8_t *own, enum vrrp_refusal *refusal);

/* Timers of RFC 3768, 6.1, in milliseconds. */
uint32_t vrrp_skew_ms(uint8_t priority);
uint32_t vrrp_master_down_ms(const struct vrrp *);
uint8_t vrrp_interval_s(const struct vrrp *);
