/* SPDX-License-Identifier: BSD-3-Clause */
#include "packet_words.h"

#include "row.h"

#include <stdio.h>

static struct packet_net
net_of(const struct config_net *net)
{
	return (struct packet_net){ .address = net->address, .len = net->len };
}

struct packet_filter
packet_words_filter(const struct packet_words *w)
{
	return (struct packet_filter){
		.address = net_of(&w->address),
		.source = net_of(&w->source),
		.destination = net_of(&w->destination),
		.port = w->port,
		.source_port = w->source_port,
		.destination_port = w->destination_port,
		.protocol = w->protocol,
		.both = w->both != 0,
		.zone = w->zone,
		.interface = w->interface,
	};
}

static void
flags_row(json_t *row, uint8_t flags)
{
	static const char letters[] = "FSRPAUEC";
	char text[9] = "";
	int n = 0;

	for (int i = 0; i < 8; i++)
		if (flags >> i & 1)
			text[n++] = letters[i];
	text[n] = '\0';
	row_text(row, "tcp_flags", text);
}

void
packet_words_row(json_t *row, const struct packet_fields *p)
{
	char text[8];

	if (p->src.family == 0) {
		snprintf(text, sizeof(text), "0x%04x", rte_be_to_cpu_16(p->ether_type));
		row_text(row, "ether_type", text);
		return;
	}
	row_text(row, "protocol", filter_protocol(p->proto, text));
	row_ip(row, "source", &p->src);
	row_ip(row, "destination", &p->dst);
	if (p->ports) {
		row_number(row, "source_port", rte_be_to_cpu_16(p->sport));
		row_number(row, "destination_port", rte_be_to_cpu_16(p->dport));
	}
	if (p->ports && p->proto == 6)
		flags_row(row, p->tcp_flags);
	if (p->icmp) {
		row_number(row, "icmp_type", p->icmp_type);
		row_number(row, "icmp_code", p->icmp_code);
	}
	row_bool(row, "fragment", p->fragment);
}
