/* SPDX-License-Identifier: BSD-3-Clause */
#include "ha_udp.h"

#include "hrp_policy.h"
#include "route.h"

#include <string.h>

void
ha_udp_add(
	struct ha_udp *u, uint8_t slot, uint16_t interface, rte_be32_t address, rte_be32_t remote)
{
	u->paths[u->count++] = (struct ha_udp_path){ .slot = slot,
		.interface = interface,
		.self = { .address = address, .remote = remote } };
}

static struct ha_udp_path *
path_of(struct ha_udp *u, uint8_t slot)
{
	for (uint16_t i = 0; i < u->count; i++)
		if (u->paths[i].slot == slot)
			return &u->paths[i];
	return NULL;
}

/* => false: no way, or its next hop has no MAC yet and is being asked for. */
static bool
send(struct ha_udp *u, struct ha_udp_path *p, const struct snapshot *s, const struct ha_msg *msg)
{
	uint8_t frame[HRP_FRAME_OVERHEAD_UDP + sizeof(msg->data)];
	rte_be32_t hop;
	uint16_t by;

	if (!route_lookup(engine_routes(u->engine), p->self.remote, &by, &hop) ||
		by != p->interface)
		return false;
	const struct ip_addr next_hop = ip_addr_v4(hop);

	p->self.mac = s->interfaces[p->interface].mac;
	memcpy(frame + HRP_FRAME_OVERHEAD_UDP, msg->data, msg->len);
	hrp_frame_write(frame, msg->len, &p->self, p->ip_id++);
	return core_send_to(u->core, p->interface, &next_hop, frame,
		(uint16_t)(HRP_FRAME_OVERHEAD_UDP + msg->len));
}

bool
ha_udp_send(struct ha_udp *u, const struct ha_msg *msg, mono_t now, struct ha_msg *news)
{
	const struct snapshot *s = engine_snapshot(u->engine);
	const uint32_t age_ms = (uint32_t)(now.ns / NS_PER_MS) - msg->value;
	struct ha_udp_path *p = path_of(u, msg->slot);

	*news = (struct ha_msg){ .type = HA_MSG_UNSENT, .slot = msg->slot };
	if (p == NULL || msg->len > sizeof(msg->data))
		return false;
	/* As HA_MSG_SEND: a pause may have made it wrong. */
	if ((int32_t)age_ms > 0 && age_ms > u->hello_ms)
		return true;
	if (!hrp_policy_permits(s, p->interface, true, p->self.address, p->self.remote,
		    hrp_frame_source_port(msg->data, msg->len))) {
		news->flag = HA_REFUSED_policy;
		return true;
	}
	return !send(u, p, s, msg);
}

bool
ha_udp_receive(const struct ha_udp *u, uint16_t interface, const uint8_t *data, uint16_t len,
	struct ha_msg *news)
{
	struct hrp_frame_message m = { 0 };
	enum ha_refusal why;

	for (uint16_t i = 0; i < u->count; i++) {
		const struct ha_udp_path *p = &u->paths[i];

		if (p->interface != interface)
			continue;
		if (hrp_frame_parse_udp(data, len, &p->self, &m, &why) == HRP_FRAME_HA &&
			m.len > sizeof(news->data))
			why = HA_REFUSED_field; /* data, which this link does not carry */
		*news = (struct ha_msg){
			.type = HA_MSG_ARRIVED, .slot = p->slot, .flag = (uint8_t)why
		};
		if (why == HA_OK) {
			news->len = (uint8_t)m.len;
			memcpy(news->data, m.data, m.len);
		}
		return true;
	}
	return false;
}
