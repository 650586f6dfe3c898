/* SPDX-License-Identifier: BSD-3-Clause */
#include "ha_links.h"

#include <stdio.h>

void
ha_links_add(struct ha_links *ls, const struct hrp_heartbeat *hb)
{
	struct ha_link *l = &ls->list[ls->count++];

	*l = (struct ha_link){ .heartbeat_only = hb->heartbeat_only,
		.state = hb->address == 0 ? HRP_LINK_INVALID : HRP_LINK_DOWN };
	snprintf(l->name, sizeof(l->name), "%s", hb->name);
}

static void
log_state(struct ha_link *l, enum hrp_link_state state, mono_t now)
{
	const char *was = hrp_link_state_names[l->state], *is = hrp_link_state_names[state];
	const bool fell = l->state >= HRP_LINK_READY && state < HRP_LINK_READY;

	if (state < HRP_LINK_READY && !fell) {
		LOG(DEBUG, "heartbeat %s: %s -> %s", l->name, was, is);
		return;
	}
	if (!log_allowed(&l->limit, now.ns))
		return;
	if (fell)
		LOG(WARNING, "heartbeat %s: %s -> %s, %s", l->name, was, is,
			state == HRP_LINK_PEERDOWN ? "no answer from the peer" : "no carrier");
	else
		LOG(NOTICE, "heartbeat %s: %s -> %s", l->name, was, is);
}

static void
log_wiring(const struct ha_links *ls, struct ha_link *l, const struct ha_msg *msg, mono_t now)
{
	const int8_t to = (int8_t)msg->data[0];

	if (!log_allowed(&l->wiring_limit, now.ns))
		return;
	if (msg->value == HRP_WIRING_STRAIGHT)
		LOG(NOTICE, "heartbeat %s: its cable ends where it should", l->name);
	else if (msg->value == HRP_WIRING_SERVICE)
		LOG(WARNING,
			"heartbeat %s: VRRP adverts are heard, its cable leads into a service "
			"network",
			l->name);
	else
		LOG(WARNING, "heartbeat %s: its cable is crossed, it ends at %s of the peer",
			l->name,
			to >= 0 && to < ls->count ? ls->list[to].name : "another interface");
}

void
ha_links_text(const struct ha_links *ls, char *out, size_t size)
{
	static const char *const words[HRP_LINK_STATES] = {
		[HRP_LINK_INVALID] = "no address",
		[HRP_LINK_DOWN] = "no carrier",
		[HRP_LINK_PEERDOWN] = "no answer",
		[HRP_LINK_READY] = "probes alone",
		[HRP_LINK_RUNNING] = "probes alone",
	};
	size_t used = 0;

	out[0] = '\0';
	for (uint16_t i = 0; i < ls->count && used < size; i++) {
		const int n = snprintf(out + used, size - used, "%s%s %s", i > 0 ? ", " : "",
			ls->list[i].name, words[ls->list[i].state]);

		used += n > 0 ? (size_t)n : 0;
	}
}

static void
log_none(const struct ha_links *ls)
{
	char text[HA_LINKS_TEXT];

	ha_links_text(ls, text, sizeof(text));
	LOG(ERROR, "heartbeat: no link works, the peer is dead or every way to it is cut: %s",
		text);
}

/* All together: what is left of the way to the peer? */
static void
log_left(struct ha_links *ls)
{
	bool works = false, mirrored = false;

	for (uint16_t i = 0; i < ls->count; i++) {
		works = works || ls->list[i].state >= HRP_LINK_READY;
		mirrored = mirrored ||
			   (ls->list[i].state >= HRP_LINK_READY && !ls->list[i].heartbeat_only);
	}
	if (ls->worked && !works)
		log_none(ls);
	else if (works && ls->mirrored && !mirrored)
		LOG(ERROR,
			"heartbeat: only heartbeat_only links are left: sessions are not mirrored");
	else if (mirrored && !ls->mirrored)
		LOG(NOTICE, "heartbeat: the peer is reached");
	ls->worked = works;
	ls->mirrored = mirrored;
}

void
ha_links_news(struct ha_links *ls, const struct ha_msg *msg, mono_t now)
{
	if (msg->slot >= ls->count || msg->flag >= HRP_LINK_STATES || msg->value >= HRP_WIRINGS)
		return;
	struct ha_link *l = &ls->list[msg->slot];

	if (l->state != msg->flag)
		log_state(l, (enum hrp_link_state)msg->flag, now);
	if (l->wiring != msg->value)
		log_wiring(ls, l, msg, now);
	l->state = msg->flag;
	l->wiring = (uint8_t)msg->value;
	log_left(ls);
}
