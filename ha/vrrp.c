/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * VRRP groups: plain election (RFC 3768 6.4, RFC 9568 6.4) and groups driven by VGMP.
 */
#include "vrrp.h"

#include "ha_constants.h"

#include <string.h>

/* A Master that hears a lower one says so at once, but not more often than this part of its
 * interval: whoever sends may send fast. */
#define REPLY_PART 10

const char *const vrrp_state_names[VRRP_STATES] = {
	[VRRP_INITIALIZE] = "Initialize",
	[VRRP_BACKUP] = "Backup",
	[VRRP_MASTER] = "Master",
};

static bool
is_plain(const struct vrrp *v)
{
	return v->set.group == VGMP_GROUP_NONE;
}

void
vrrp_init(struct vrrp *v, const struct vrrp_setup *setup)
{
	*v = (struct vrrp){
		.set = *setup, .priority = setup->priority, .master_advert_ms = setup->advert_ms
	};
	if (setup->group != VGMP_GROUP_NONE)
		v->priority = VRRP_PRIORITY_VGMP;
}

struct ip_addr
vrrp_first(const struct vrrp_setup *s, uint8_t family)
{
	for (uint8_t i = 0; i < s->address_count; i++) {
		if (s->addresses[i].family == family)
			return s->addresses[i];
	}
	return (struct ip_addr){ .family = 0 };
}

bool
vrrp_has(const struct vrrp_setup *s, uint8_t family)
{
	return vrrp_first(s, family).family != 0;
}

uint8_t
vrrp_version(const struct vrrp_setup *s, uint8_t family)
{
	return family == 6 ? 3 : s->version;
}

/* Of its election. */
static uint8_t
own_version(const struct vrrp *v)
{
	return vrrp_version(&v->set, vrrp_has(&v->set, 4) ? 4 : 6);
}

uint32_t
vrrp_skew_us(const struct vrrp *v)
{
	const uint32_t part_ms = own_version(v) == 2 ? 1000 : v->master_advert_ms;

	return (uint32_t)((256 - v->priority) * UINT64_C(1000) * part_ms / 256);
}

uint32_t
vrrp_master_down_us(const struct vrrp *v)
{
	return 3 * v->master_advert_ms * 1000u + vrrp_skew_us(v);
}

static void
enter(struct vrrp *v, enum vrrp_state state, mono_t now)
{
	if (v->state != state)
		v->changed = now;
	v->state = state;
	v->preempt_since.ns = 0;
}

static uint32_t
say(struct vrrp *v, mono_t now)
{
	v->due = mono_add_ms(now, v->set.advert_ms);
	v->sent = now;
	v->adverts_out++;
	return VRRP_DO_ADVERT;
}

static uint32_t
become_master(struct vrrp *v, mono_t now)
{
	enter(v, VRRP_MASTER, now);
	v->master.family = 0;
	return VRRP_DO_OWN | say(v, now);
}

static uint32_t
become_backup(struct vrrp *v, mono_t now)
{
	const uint32_t action = v->state == VRRP_MASTER ? VRRP_DO_RELEASE : 0;

	enter(v, VRRP_BACKUP, now);
	v->due = mono_add_us(now, vrrp_master_down_us(v));
	return action;
}

uint32_t
vrrp_link(struct vrrp *v, bool up, mono_t now)
{
	if (up == v->link)
		return 0;
	v->link = up;
	v->master_advert_ms = v->set.advert_ms;
	if (!up) { /* whatever the VGMP group says (R54) */
		const uint32_t action = v->state == VRRP_MASTER ? VRRP_DO_RELEASE : 0;

		enter(v, VRRP_INITIALIZE, now);
		v->master.family = 0;
		return action;
	}
	/* The owner of the address goes straight to Master (R39); everybody else by way of Backup.
	 */
	if (is_plain(v) && v->priority == VRRP_PRIORITY_OWNER && !v->barred)
		return become_master(v, now);
	return become_backup(v, now);
}

uint32_t
vrrp_bar(struct vrrp *v, bool on, mono_t now)
{
	if (!is_plain(v) || on == v->barred)
		return 0;
	v->barred = on;
	if (on)
		return vrrp_yield(v, now);
	return v->state == VRRP_BACKUP && v->priority == VRRP_PRIORITY_OWNER ? become_master(v, now)
									     : 0;
}

uint32_t
vrrp_drive(struct vrrp *v, bool own, bool quiet, mono_t now)
{
	if (is_plain(v) || v->state == VRRP_INITIALIZE)
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
	mono_t due = v->due;

	if (v->state == VRRP_INITIALIZE || v->barred || mono_before(now, due))
		return 0;
	if (v->state == VRRP_BACKUP)
		return is_plain(v) ? become_master(v, now) : 0;

	const uint32_t action = say(v, now);

	/* Keep the rhythm, but send no burst after a pause. */
	due = mono_add_ms(due, v->set.advert_ms);
	if (mono_before(now, due))
		v->due = due;
	return action;
}

uint32_t
vrrp_stop(struct vrrp *v, mono_t now)
{
	const uint32_t action = v->state == VRRP_MASTER ? VRRP_DO_RELEASE | VRRP_DO_RESIGN : 0;

	enter(v, VRRP_INITIALIZE, now);
	v->link = false;
	return action;
}

uint32_t
vrrp_yield(struct vrrp *v, mono_t now)
{
	return v->state == VRRP_MASTER ? become_backup(v, now) | VRRP_DO_RESIGN : 0;
}

bool
vrrp_wants(const struct vrrp *v, mono_t now)
{
	return v->state == VRRP_MASTER || (v->state == VRRP_BACKUP && !mono_before(now, v->due));
}

uint32_t
vrrp_weigh(struct vrrp *v, int32_t weight, mono_t now)
{
	int32_t priority = v->set.priority + weight;

	if (!is_plain(v) || v->set.priority == VRRP_PRIORITY_OWNER || v->set.held)
		return 0;
	if (priority < 1)
		priority = 1;
	if (priority > VRRP_PRIORITY_OWNER - 1)
		priority = VRRP_PRIORITY_OWNER - 1;
	if (priority == v->priority)
		return 0;
	v->priority = (uint8_t)priority;
	/* The others shall hear of it now. */
	return v->state == VRRP_MASTER ? say(v, now) : 0;
}

void
vrrp_hold(struct vrrp *v, uint64_t ns)
{
	if (v->state == VRRP_BACKUP && ns > v->master_advert_ms * NS_PER_MS / 2)
		v->due.ns += ns;
}

/* ---- receiving ---- */

static bool
is_peer(const struct vrrp_setup *s, const struct ip_addr *source)
{
	for (uint8_t i = 0; i < s->peer_count; i++) {
		if (ip_addr_equal(&s->peers[i], source))
			return true;
	}
	return false;
}

static enum vrrp_refusal
check_auth(const struct vrrp_setup *s, const struct vrrp_advert *a)
{
	uint8_t differs = 0;

	if (a->version != 2)
		return VRRP_OK;
	if (a->auth_type != (s->authenticated ? VRRP_AUTH_PASSWORD : VRRP_AUTH_NONE))
		return VRRP_REFUSED_auth;
	for (unsigned int i = 0; s->authenticated && i < VRRP_WIRE_AUTH; i++)
		differs |= s->password[i] ^ a->auth[i];
	return differs != 0 ? VRRP_REFUSED_password : VRRP_OK;
}

static enum vrrp_refusal
check_trailer(const struct vrrp_setup *s, const struct vrrp_advert *a)
{
	if (s->hmac == NULL)
		return a->has_trailer ? VRRP_REFUSED_trailer : VRRP_OK;
	if (a->has_trailer)
		return vrrp_hmac_check(s->hmac, a);
	return vrrp_hmac_setup(s->hmac)->mode == VRRP_HMAC_ENFORCE ? VRRP_REFUSED_no_trailer
								   : VRRP_OK;
}

static enum vrrp_refusal
check(const struct vrrp *v, const struct vrrp_advert *a, const struct ip_addr *own)
{
	const struct vrrp_setup *const s = &v->set;
	const bool group = vrrp_wire_is_group(&a->destination);
	enum vrrp_refusal why;

	if (ip_addr_equal(&a->source, own))
		return VRRP_REFUSED_source;
	if (a->version != vrrp_version(s, a->source.family))
		return VRRP_REFUSED_other_version;
	if (group != (s->peer_count == 0))
		return group ? VRRP_REFUSED_multicast : VRRP_REFUSED_unicast;
	if (!group && !is_peer(s, &a->source))
		return VRRP_REFUSED_peer;
	if (a->ttl != 255 && !s->any_ttl)
		return VRRP_REFUSED_ttl;
	why = check_auth(s, a);
	if (why == VRRP_OK)
		why = check_trailer(s, a);
	if (why != VRRP_OK)
		return why;
	if (v->priority == VRRP_PRIORITY_OWNER && !v->barred)
		return VRRP_REFUSED_owner;
	if (a->interval_ms == 0 || (a->version == 2 && a->interval_ms != s->advert_ms))
		return VRRP_REFUSED_interval;
	return VRRP_OK;
}

/* Has it the addresses of ours, of its family, in any order? */
static bool
same_addresses(const struct vrrp_setup *s, const struct vrrp_advert *a)
{
	uint8_t ours = 0, found = 0;

	for (uint8_t i = 0; i < s->address_count; i++) {
		if (s->addresses[i].family != a->source.family)
			continue;
		ours++;
		for (uint8_t k = 0; k < a->count && k < VRRP_WIRE_ADDRESSES; k++) {
			if (ip_addr_equal(&s->addresses[i], &a->addresses[k])) {
				found++;
				break;
			}
		}
	}
	return found == ours && ours == a->count;
}

static void
count(struct vrrp *v, const struct vrrp_advert *a)
{
	*(a->source.family == 6 ? &v->adverts6_in : &v->adverts_in) += 1;
	if (a->version == 3 && a->source.family == 4) {
		v->plain_sum = a->plain_sum;
		v->plain_sums_in += a->plain_sum;
	}
	v->authentic_in += a->has_trailer;
	if (a->priority == VRRP_PRIORITY_RESIGN)
		v->resigns_in++;
	if (!same_addresses(&v->set, a))
		v->differ_in++;
}

/* A lower Master: does it keep its role for now? */
static bool
tolerates(struct vrrp *v, mono_t now)
{
	if (!v->set.preempt)
		return true;
	if (v->preempt_since.ns == 0)
		v->preempt_since = now;
	return mono_before(now, mono_add_ms(v->preempt_since, v->set.preempt_delay_ms));
}

static uint32_t
receive_as_backup(struct vrrp *v, const struct vrrp_advert *a, mono_t now)
{
	if (a->priority == VRRP_PRIORITY_RESIGN) {
		v->due = mono_add_us(now, vrrp_skew_us(v));
		return 0;
	}
	if (a->priority >= v->priority)
		v->preempt_since.ns = 0;
	else if (!tolerates(v, now))
		return 0;
	v->master_advert_ms = a->interval_ms;
	v->due = mono_add_us(now, vrrp_master_down_us(v));
	return 0;
}

/* Equal priority: the higher address (RFC 3768 6.4.3). */
static bool
is_above(const struct ip_addr *a, const struct ip_addr *b)
{
	return a->family == 6 ? ip6_compare(a->v6, b->v6) > 0
			      : rte_be_to_cpu_32(a->v4) > rte_be_to_cpu_32(b->v4);
}

static uint32_t
receive_as_master(
	struct vrrp *v, const struct vrrp_advert *a, const struct ip_addr *own, mono_t now)
{
	if (a->priority == VRRP_PRIORITY_RESIGN)
		return say(v, now);
	if (a->priority > v->priority ||
		(a->priority == v->priority && is_above(&a->source, own))) {
		v->master_advert_ms = a->interval_ms;
		return become_backup(v, now);
	}
	/* It, and the switches, learn at once who is Master (RFC 9568 6.4.3). */
	return mono_before(now, mono_add_us(v->sent, v->set.advert_ms * 1000u / REPLY_PART))
		       ? 0
		       : say(v, now);
}

uint32_t
vrrp_receive(struct vrrp *v, const struct vrrp_advert *a, const struct ip_addr *own, mono_t now,
	enum vrrp_refusal *refusal)
{
	*refusal = check(v, a, own);
	if (*refusal != VRRP_OK || v->state == VRRP_INITIALIZE)
		return 0;

	count(v, a);
	if (v->state == VRRP_BACKUP || a->priority > v->priority) {
		v->master = a->source;
		if (a->priority == VRRP_PRIORITY_RESIGN)
			v->master.family = 0;
		v->master_priority = a->priority;
	}
	if (!is_plain(v)) {
		/* The heartbeat decides, never the adverts; two Masters are an alarm (R250). */
		if (v->state == VRRP_MASTER && a->priority != VRRP_PRIORITY_RESIGN) {
			v->conflicts++;
			v->conflict = now;
		}
		return 0;
	}
	return v->state == VRRP_MASTER ? receive_as_master(v, a, own, now)
				       : receive_as_backup(v, a, now);
}

/* ---- sending ---- */

bool
vrrp_advert_of(const struct vrrp *v, uint8_t family, uint8_t priority, struct vrrp_advert *a)
{
	const struct vrrp_setup *const s = &v->set;

	memset(a, 0, sizeof(*a));
	for (uint8_t i = 0; i < s->address_count; i++) {
		if (s->addresses[i].family == family)
			a->addresses[a->count++] = s->addresses[i];
	}
	a->version = vrrp_version(s, family);
	a->vrid = s->vrid;
	a->priority = priority;
	a->interval_ms = s->advert_ms;
	a->plain_sum = s->checksum == VRRP_CHECKSUM_PLAIN ||
		       (s->checksum == VRRP_CHECKSUM_AUTO && v->plain_sum);
	if (a->version == 2 && s->authenticated) {
		a->auth_type = VRRP_AUTH_PASSWORD;
		memcpy(a->auth, s->password, sizeof(a->auth));
	}
	return a->count > 0;
}
