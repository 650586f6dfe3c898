/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Section `icmp`: what the firewall itself tells senders (fastpath/notice.h).
 */
#include "config.h"
#include "notice.h"

// clang-format off
static const struct config_setting_desc settings[] = {
	{ .name = "time_exceeded", .type = SETTING_BOOL, SETTING_AT(struct config_icmp, time_exceeded),
	  .live = true, .fallback = "true",
	  .help = "Tell the sender of a permitted packet that its TTL or hop limit ended here: what "
		  "traceroute shows." },
	{ .name = "too_big", .type = SETTING_BOOL, SETTING_AT(struct config_icmp, too_big),
	  .live = true, .fallback = "true",
	  .help = "Tell the sender of a permitted packet that it is larger than the `mtu` of the way out "
		  "and may not be cut (IPv6, or IPv4 with DF): path MTU discovery needs it." },
	{ .name = "unreachable", .type = SETTING_BOOL, SETTING_AT(struct config_icmp, unreachable),
	  .live = true, .fallback = "true",
	  .help = "Tell the sender that no route leads to the destination, that the next hop of a "
		  "permitted packet does not answer, or that nothing listens on a permitted port of "
		  "the firewall itself." },
	{ .name = "reject", .type = SETTING_BOOL, SETTING_AT(struct config_icmp, reject),
	  .live = true, .fallback = "true",
	  .help = "Answer what the policy rejects: TCP by a reset, the rest by \"administratively "
		  "prohibited\". `false` makes reject as silent as deny." },
	{ .name = "rate", .type = SETTING_INT, SETTING_AT(struct config_icmp, rate),
	  .live = true, .min = 1, .max = 1000000, .fallback = "1000", .unit = "messages/s",
	  .help = "Messages a second that a worker sends of each kind (ICMP and resets); more are not "
		  "sent, but counted." },
	{ .name = "burst", .type = SETTING_INT, SETTING_AT(struct config_icmp, burst),
	  .live = true, .min = 1, .max = 100000, .fallback = "100", .unit = "messages",
	  .help = "As many of them at once after a quiet time." },
	{ .name = NULL },
};
// clang-format on

void
config_icmp_notices(const struct config *c, struct notice_settings *s)
{
	const struct config_icmp *i = config_section_data(c, "icmp");

	s->wanted = (uint32_t)i->time_exceeded << NOTICE_time_exceeded |
		    (uint32_t)i->too_big << NOTICE_too_big |
		    (uint32_t)i->unreachable << NOTICE_unreachable |
		    (uint32_t)i->reject << NOTICE_prohibited;
	notice_settings_rate(s, (uint32_t)i->rate, (uint32_t)i->burst);
}

const struct config_section config_section_icmp = {
	.name = "icmp",
	.replicated = true,
	.size = sizeof(struct config_icmp),
	.settings = settings,
	.help = "What the firewall tells senders of packets that end here. It answers the way the "
		"packet came, from the address of the interface, and only as the active box; "
		"what a rule denies is never answered.",
};
