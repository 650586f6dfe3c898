/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * VRRP groups: plain election (RFC 3768, 6.4) and groups driven by VGMP.
 */
#include "vrrp.h"

#include "ha_config.h"
#include "ha_constants.h"

const char *const vrrp_state_names[VRRP_STATES] = {
	[VRRP_INITIALIZE] = "Initialize",
	[VRRP_BACKUP] = "Backup",
	[VRRP_MASTER] = "Master",
};

void
vrrp_init(struct vrrp *v, uint8_t vrid, uint16_t interface, rte_be32_t address, uint8_t group,
	uint8_t priority, uint32_t advert_ms, bool preempt, bool owner)
{
	*v = (struct vrrp){
		.vrid = vrid,
		.group = group,
		.preempt = preempt,
		.priority = priority,
		.interface = interface,
		.address = address,
		.advert_ms = advert_ms,
	};
	if (group != VGMP_GROUP_NONE)
		v->priority = VRRP_PRIORITY_VGMP;
	else if (owner)
		v->priority = VRRP_PRIORITY_OWNER;
}

uint32_t
vrrp_skew_ms(uint8_t priority)
{
	return (256u - priority) * 1000 / 256;
}

uint32_t
vrrp_master_down_ms(const struct vrrp *v)
{
	return 3 * v->advert_ms + vrrp_skew_ms(v->priority);
}

uint8_t
vrrp_interval_s(const struct vrrp *v)
{
	return (uint8_t)((v->advert_ms + 999) / 1000);
}

static void
enter(struct vrrp *v, enum vrrp_state state, mono_t now)
{
	if (v->state != state)
		v->changed = now;
	v->state = state;
}

static uint32_t
become_master(struct vrrp *v, mono_t now)
{
	enter(v, VRRP_MASTER, now);
	v->due = mono_add_ms(now, v->advert_ms);
	v->master = 0;
	v->adverts_out++;
	return VRRP_DO_OWN | VRRP_DO_ADVERT;
}

static uint32_t
become_backup(struct vrrp *v, mono_t now)
{
	const uint32_t action = v->state == VRRP_MASTER ? VRRP_DO_RELEASE : 0;

	enter(v, VRRP_BACKUP, now);
	v->due = mono_add_ms(now, vrrp_master_down_ms(v));
	return action;
}

uint32_t
vrrp_link(struct vrrp *v, bool up, mono_t now)
{
	if (up == v->link)
		return 0;
	v->link = up;
	if (!up) { /* whatever the VGMP group says (R54) */
		const uint32_t action = v->state == VRRP_MASTER ? VRRP_DO_RELEASE : 0;

		enter(v, VRRP_INITIALIZE, now);
		v->master = 0;
		return action;
	}
	/* The owner of the address goes straight to Master (R39); everybody else by way of Backup.
	 */
	if (v->group == VGMP_GROUP_NONE && v->priority == VRRP_PRIORITY_OWNER)
		return become_master(v, now);
	return become_backup(v, now);
}

uint32_t
vrrp_drive(struct vrrp *v, bool own, bool quiet, mono_t now)
{
	if (v->group == VGMP_GROUP_NONE || v->state == VRRP_INITIALIZE)
		return 0;
	if (own && v->state == VRRP_BACKUP)
		return become_master(v, now);
	if (!own && v->state == VRRP_MASTER)
		return become_backup(v, now);
	if (own && quiet) /* taken up again at once when the hand-over fails */
		v->due = now;
	return 0;
}

uint32_t
vrrp_tick(struct vrrp *v, mono_t now)
{
	if (v->state == VRRP_INITIALIZE || mono_before(now, v->due))
		return 0;
	if (v->state == VRRP_BACKUP)
		return v->group == VGMP_GROUP_NONE ? become_master(v, now) : 0;

	/* Keep the rhythm, but send no burst after a pause. */
	v->due = mono_add_ms(v->due, v->advert_ms);
	if (!mono_before(now, v->due))
		v->due = mono_add_ms(now, v->advert_ms);
	v->adverts_out++;
	return VRRP_DO_ADVERT;
}

uint32_t
vrrp_stop(struct vrrp *v, mono_t now)
{
	const uint32_t action = v->state == VRRP_MASTER ? VRRP_DO_RELEASE | VRRP_DO_RESIGN : 0;

	enter(v, VRRP_INITIALIZE, now);
	v->link = false;
	return action;
}

static uint32_t
receive_as_backup(struct vrrp *v, const struct vrrp_advert *a, mono_t now)
{
	if (a->priority == VRRP_PRIORITY_RESIGN) {
		v->due = mono_add_ms(now, vrrp_skew_ms(v->priority));
		return 0;
	}
	if (!v->preempt || a->priority >= v->priority)
		v->due = mono_add_ms(now, vrrp_master_down_ms(v));
	return 0;
}

static uint32_t
receive_as_master(struct vrrp *v, const struct vrrp_advert *a, rte_be32_t own, mono_t now)
{
	if (a->priority == VRRP_PRIORITY_RESIGN) {
		v->due = mono_add_ms(now, v->advert_ms);
		v->adverts_out++;
		return VRRP_DO_ADVERT;
	}
	if (a->priority > v->priority ||
		(a->priority == v->priority && rte_be_to_cpu_32(a->source) > rte_be_to_cpu_32(own)))
		return become_backup(v, now);
	return 0;
}

uint32_t
vrrp_receive(struct vrrp *v, const struct vrrp_advert *a, rte_be32_t own, mono_t now,
	enum vrrp_refusal *refusal)
{
	*refusal = VRRP_OK;
	if (a->source == own)
		*refusal = VRRP_REFUSED_source;
	else if (v->priority == VRRP_PRIORITY_OWNER)
		*refusal = VRRP_REFUSED_owner;
	else if (a->interval_s != vrrp_interval_s(v))
		*refusal = VRRP_REFUSED_interval;
	if (*refusal != VRRP_OK || v->state == VRRP_INITIALIZE)
		return 0;

	v->adverts_in++;
	if (a->priority == VRRP_PRIORITY_RESIGN)
		v->resigns_in++;
	if (v->state == VRRP_BACKUP || a->priority > v->priority) {
		v->master = a->priority == VRRP_PRIORITY_RESIGN ? 0 : a->source;
		v->master_priority = a->priority;
	}
	if (v->group != VGMP_GROUP_NONE) {
		/* The heartbeat decides, never the adverts; two Masters are an alarm (R250). */
		if (v->state == VRRP_MASTER && a->priority != VRRP_PRIORITY_RESIGN)
			v->conflicts++;
		return 0;
	}
	return v->state == VRRP_MASTER ? receive_as_master(v, a, own, now)
				       : receive_as_backup(v, a, now);
}

/* Only driven groups have IPv6 addresses, so this decides nothing: two Masters are an alarm. */
void
vrrp_receive6(struct vrrp *v, const struct vrrp_advert6 *a, const uint8_t *own,
	enum vrrp_refusal *refusal)
{
	*refusal = VRRP_OK;
	if (own != NULL && ip6_equal(a->source, own))
		*refusal = VRRP_REFUSED_source;
	else if (a->interval_cs * 10u != v->advert_ms)
		*refusal = VRRP_REFUSED_interval;
	if (*refusal != VRRP_OK || v->state == VRRP_INITIALIZE)
		return;
	v->adverts6_in++;
	if (v->state == VRRP_MASTER && a->priority != VRRP_PRIORITY_RESIGN)
		v->conflicts++;
}
