/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Section `ageing`: how long a session may be idle, by protocol and state.
 */
#include "config.h"
#include "session.h"

#include <string.h>

#define AGEING(member, seconds, text)                                                              \
	{                                                                                          \
		.name = #member, .type = SETTING_INT, SETTING_AT(struct config_ageing, member),    \
		.live = true, .min = 1, .max = 65535, .fallback = seconds, .unit = "s",            \
		.help = text                                                                       \
	}

// clang-format off
static const struct config_setting_desc settings[] = {
	AGEING(tcp_syn, "5", "TCP until the handshake is complete."),
	AGEING(tcp_established, "1200", "TCP connections that are open."),
	AGEING(tcp_first_fin, "900", "TCP after the first FIN, until the second (half closed)."),
	AGEING(tcp_fin_rst, "10", "TCP after both FINs or a RST."),
	AGEING(udp_first, "30", "UDP that has not been answered."),
	AGEING(udp, "120", "UDP that has been answered."),
	AGEING(dns, "30", "UDP to port 53."),
	AGEING(icmp, "20", "ICMP echo."),
	AGEING(first, "60", "GRE, ESP, AH and other protocols that have not been answered."),
	AGEING(gre, "600", "GRE that has been answered."),
	AGEING(esp, "600", "ESP that has been answered."),
	AGEING(ah, "600", "AH that has been answered."),
	AGEING(sctp_init, "5", "SCTP that has not been answered."),
	AGEING(sctp, "600", "SCTP associations."),
	AGEING(sctp_close, "10", "SCTP after ABORT or SHUTDOWN COMPLETE."),
	AGEING(other, "600", "Every other protocol that has been answered."),
	{ .name = NULL },
};

/* The setting of each state. */
static const size_t by_state[SESSION_STATES] = {
#define OF(member) offsetof(struct config_ageing, member)
	[SESSION_TCP_SYN_SENT] = OF(tcp_syn),
	[SESSION_TCP_SYN_RECEIVED] = OF(tcp_syn),
	[SESSION_TCP_ESTABLISHED] = OF(tcp_established),
	[SESSION_TCP_FIN_WAIT] = OF(tcp_first_fin),
	[SESSION_TCP_CLOSE_WAIT] = OF(tcp_first_fin),
	[SESSION_TCP_CLOSING] = OF(tcp_fin_rst),
	[SESSION_TCP_TIME_WAIT] = OF(tcp_fin_rst),
	[SESSION_TCP_CLOSED] = OF(tcp_fin_rst),
	[SESSION_UDP_FIRST] = OF(udp_first),
	[SESSION_UDP_REPLIED] = OF(udp),
	[SESSION_ICMP_FIRST] = OF(icmp),
	[SESSION_ICMP_REPLIED] = OF(icmp),
	[SESSION_OTHER_FIRST] = OF(first),
	[SESSION_OTHER_REPLIED] = OF(other),
	[SESSION_DNS_FIRST] = OF(dns),
	[SESSION_DNS_REPLIED] = OF(dns),
	[SESSION_GRE_FIRST] = OF(first),
	[SESSION_GRE_REPLIED] = OF(gre),
	[SESSION_ESP_FIRST] = OF(first),
	[SESSION_ESP_REPLIED] = OF(esp),
	[SESSION_AH_FIRST] = OF(first),
	[SESSION_AH_REPLIED] = OF(ah),
	[SESSION_SCTP_FIRST] = OF(sctp_init),
	[SESSION_SCTP_REPLIED] = OF(sctp),
	[SESSION_SCTP_CLOSED] = OF(sctp_close),
#undef OF
};
// clang-format on

void
config_ageing_timeouts(const struct config *c, uint32_t *seconds)
{
	const struct config_ageing *a = config_section_data(c, "ageing");
	int64_t value;

	seconds[SESSION_FREE] = session_default_timeouts[SESSION_FREE];
	for (unsigned int i = SESSION_FREE + 1; i < SESSION_STATES; i++) {
		memcpy(&value, (const char *)a + by_state[i], sizeof(value));
		seconds[i] = (uint32_t)value;
	}
}

const struct config_section config_section_ageing = {
	.name = "ageing",
	.replicated = true,
	.size = sizeof(struct config_ageing),
	.settings = settings,
	.help = "How long a session may be idle before it is removed, in seconds. Living sessions "
		"follow a reload: one that has been idle for longer than its new time ends at "
		"once.",
};
