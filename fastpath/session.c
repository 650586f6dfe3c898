/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Constants of the session: names and idle times of its states.
 */
#include "session.h"

const char *const session_state_names[SESSION_STATES] = {
	[SESSION_FREE] = "free",
	[SESSION_TCP_SYN_SENT] = "syn-sent",
	[SESSION_TCP_SYN_RECEIVED] = "syn-received",
	[SESSION_TCP_ESTABLISHED] = "established",
	[SESSION_TCP_FIN_WAIT] = "fin-wait",
	[SESSION_TCP_CLOSE_WAIT] = "close-wait",
	[SESSION_TCP_CLOSING] = "closing",
	[SESSION_TCP_TIME_WAIT] = "time-wait",
	[SESSION_TCP_CLOSED] = "closed",
	[SESSION_UDP_FIRST] = "udp-first",
	[SESSION_UDP_REPLIED] = "udp-replied",
	[SESSION_ICMP_FIRST] = "icmp-first",
	[SESSION_ICMP_REPLIED] = "icmp-replied",
	[SESSION_OTHER_FIRST] = "other-first",
	[SESSION_OTHER_REPLIED] = "other-replied",
	[SESSION_DNS_FIRST] = "dns-first",
	[SESSION_DNS_REPLIED] = "dns-replied",
	[SESSION_GRE_FIRST] = "gre-first",
	[SESSION_GRE_REPLIED] = "gre-replied",
	[SESSION_ESP_FIRST] = "esp-first",
	[SESSION_ESP_REPLIED] = "esp-replied",
	[SESSION_AH_FIRST] = "ah-first",
	[SESSION_AH_REPLIED] = "ah-replied",
	[SESSION_SCTP_FIRST] = "sctp-first",
	[SESSION_SCTP_REPLIED] = "sctp-replied",
	[SESSION_SCTP_CLOSED] = "sctp-closed",
};

/*
 * The protocols' values of P43: tcp 1200, syn 5, first-fin 900 from the first FIN until the second
 * (half close), fin-rst 10 from there on and after a reset; dns 30, gre, esp, ah and sctp 600,
 * sctp-init 5, sctp-close 10.  An unanswered UDP or other flow is kept short, so that a scan does
 * not fill the table.
 */
const uint32_t session_default_timeouts[SESSION_STATES] = {
	[SESSION_FREE] = 1,
	[SESSION_TCP_SYN_SENT] = 5,
	[SESSION_TCP_SYN_RECEIVED] = 5,
	[SESSION_TCP_ESTABLISHED] = 1200,
	[SESSION_TCP_FIN_WAIT] = 900,
	[SESSION_TCP_CLOSE_WAIT] = 900,
	[SESSION_TCP_CLOSING] = 10,
	[SESSION_TCP_TIME_WAIT] = 10,
	[SESSION_TCP_CLOSED] = 10,
	[SESSION_UDP_FIRST] = 30,
	[SESSION_UDP_REPLIED] = 120,
	[SESSION_ICMP_FIRST] = 20,
	[SESSION_ICMP_REPLIED] = 20,
	[SESSION_OTHER_FIRST] = 60,
	[SESSION_OTHER_REPLIED] = 600,
	[SESSION_DNS_FIRST] = 30,
	[SESSION_DNS_REPLIED] = 30,
	[SESSION_GRE_FIRST] = 60,
	[SESSION_GRE_REPLIED] = 600,
	[SESSION_ESP_FIRST] = 60,
	[SESSION_ESP_REPLIED] = 600,
	[SESSION_AH_FIRST] = 60,
	[SESSION_AH_REPLIED] = 600,
	[SESSION_SCTP_FIRST] = 5,
	[SESSION_SCTP_REPLIED] = 600,
	[SESSION_SCTP_CLOSED] = 10,
};
