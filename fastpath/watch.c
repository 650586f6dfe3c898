/* SPDX-License-Identifier: BSD-3-Clause */
#include "watch.h"

uint16_t
watch_interface(const struct worker *w, uint16_t port, uint16_t vlan)
{
	const struct snapshot *s = w->snap;

	if (s == NULL)
		return INTERFACE_NONE;
	if (vlan == 0)
		return s->port_interface[port];
	if (s->port_vlans[port] == NULL || s->port_vlans[port][vlan] == VLAN_NONE)
		return INTERFACE_NONE;
	return s->port_vlans[port][vlan];
}

bool
watch_wanted(const struct worker *w, const struct packet_filter *f, uint16_t interface,
	const struct packet_fields *packet)
{
	const uint8_t zone =
		interface < MAX_INTERFACES ? w->snap->interfaces[interface].zone : ZONE_NONE;

	return (f->interface == INTERFACE_NONE || f->interface == interface) &&
	       (f->zone == ZONE_NONE || f->zone == zone) && packet_matches(f, packet);
}

void
watch_sending(struct worker *w, struct tx_queue *q, uint16_t n, uint16_t interface,
	struct trace_record **records)
{
	for (uint16_t i = 0; i < n; i++) {
		if (w->capture != NULL)
			capture_frame(w, q->m[i], CAPTURE_OUT, interface, DROP_NONE);
		records[i] = trace_take(w, q->m[i]);
	}
}

void
watch_sent(struct worker *w, struct tx_queue *q, uint16_t n, uint16_t sent, uint16_t interface,
	struct trace_record **records)
{
	for (uint16_t i = 0; i < n; i++) {
		if (records[i] == NULL)
			continue;
		if (i < sent)
			trace_close(w, records[i],
				q->kind[i] == TX_ANSWERED ? TRACE_ANSWERED : TRACE_FORWARDED, 0,
				interface);
		else
			trace_mark(w, q->m[i], records[i]);
	}
}

void
worker_show_dropped(struct worker *w)
{
	for (uint16_t i = 0; i < w->dropped_count; i++) {
		const enum drop_reason reason = w->dropped_as[i] >> 8;
		const uint16_t place = w->dropped_as[i] & 0xff;
		struct trace_record *r = trace_take(w, w->dropped[i]);

		if (w->capture != NULL)
			capture_frame(w, w->dropped[i], CAPTURE_DROPPED, place, reason);
		if (r != NULL)
			trace_close(w, r, TRACE_DROPPED, (uint8_t)reason, place);
	}
}
