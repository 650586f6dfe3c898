/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Section `alg`: whose control connections are read.
 */
#include "alg.h"
#include "config.h"

// clang-format off
static const struct config_setting_desc settings[] = {
	{ .name = "ftp", .type = SETTING_BOOL, SETTING_AT(struct config_alg, on[ALG_FTP]),
	  .live = true, .fallback = "true",
	  .help = "FTP, TCP port 21: data connections, active and passive, of both families." },
	{ .name = "tftp", .type = SETTING_BOOL, SETTING_AT(struct config_alg, on[ALG_TFTP]),
	  .live = true, .fallback = "true",
	  .help = "TFTP, UDP port 69: the server's answer, from a port of its choice." },
	{ .name = "sip", .type = SETTING_BOOL, SETTING_AT(struct config_alg, on[ALG_SIP]),
	  .live = true, .fallback = "false",
	  .help = "SIP, UDP and TCP port 5060: media (RTP and RTCP) that SDP speaks of, addresses in headers. "
		  "Phones and servers that look after NAT themselves do better without." },
	{ .name = "rtsp", .type = SETTING_BOOL, SETTING_AT(struct config_alg, on[ALG_RTSP]),
	  .live = true, .fallback = "false",
	  .help = "RTSP, TCP port 554: media (RTP and RTCP) that SETUP speaks of." },
	{ .name = "pptp", .type = SETTING_BOOL, SETTING_AT(struct config_alg, on[ALG_PPTP]),
	  .live = true, .fallback = "false",
	  .help = "PPTP, TCP port 1723: the tunnel (GRE); not for clients behind PAT." },
	{ .name = "sessions", .type = SETTING_INT, SETTING_AT(struct config_alg, sessions),
	  .min = 0, .max = 65536, .fallback = "0", .unit = "sessions",
	  .help = "TCP sessions that can be read at a time, some 20 KB each; those beyond are forwarded unread and counted. "
		  "0: one of 4096 of `system.sessions`, between 32 and 2048." },
	{ .name = NULL },
};
// clang-format on

const struct config_section config_section_alg = {
	.name = "alg",
	.replicated = true,
	.size = sizeof(struct config_alg),
	.settings = settings,
	.help = "Application layer gateways: control connections whose text is read, so that the "
		"connections they announce need no rule of their own, and say outside addresses "
		"where they are translated. Rules of the security policy and of source NAT can "
		"forbid it (`alg = false`).",
};
