/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Section `log`: the traffic log: which sessions and denied packets are told to whom.
 */
#include "config.h"
#include "traffic_log.h"

#include <arpa/inet.h>

static const char *const scope_words[] = {
	[TRAFFIC_LOG_OFF] = "off",
	[TRAFFIC_LOG_RULES] = "rules",
	[TRAFFIC_LOG_ALL] = "all",
	NULL,
};

/* RFC 5424 table 1; the index is the facility's number. */
static const char *const facility_words[] = { "kern", "user", "mail", "daemon", "auth", "syslog",
	"lpr", "news", "uucp", "cron", "authpriv", "ftp", "ntp", "audit", "alert", "clock",
	"local0", "local1", "local2", "local3", "local4", "local5", "local6", "local7", NULL };

// clang-format off
static const struct config_setting_desc syslog_settings[] = {
	{ .name = "server", .type = SETTING_STRING, SETTING_AT(struct config_log_syslog, server),
	  .live = true, .max = 45,
	  .help = "Address of the syslog server, IPv4 or IPv6, reached through the kernel; empty: none." },
	{ .name = "port", .type = SETTING_INT, SETTING_AT(struct config_log_syslog, port),
	  .live = true, .min = 1, .max = 65535, .fallback = "514", .help = "Its UDP port." },
	{ .name = "facility", .type = SETTING_ENUM, SETTING_AT(struct config_log_syslog, facility),
	  .live = true, .choices = facility_words, .fallback = "local0",
	  .help = "Facility of the lines (RFC 5424)." },
	{ .name = "rate", .type = SETTING_INT, SETTING_AT(struct config_log_syslog, rate),
	  .live = true, .min = 1, .max = 1000000, .fallback = "1000", .unit = "lines/s",
	  .help = "At most so many lines a second; what is more is counted and not sent." },
	{ .name = NULL },
};

static const struct config_setting_desc ipfix_settings[] = {
	{ .name = "collector", .type = SETTING_STRING, SETTING_AT(struct config_log_ipfix, collector),
	  .live = true, .max = 45,
	  .help = "Address of the IPFIX collector, IPv4 or IPv6, reached through the kernel; empty: none." },
	{ .name = "port", .type = SETTING_INT, SETTING_AT(struct config_log_ipfix, port),
	  .live = true, .min = 1, .max = 65535, .fallback = "4739", .help = "Its UDP port." },
	{ .name = "domain", .type = SETTING_INT, SETTING_AT(struct config_log_ipfix, domain),
	  .live = true, .max = 4294967295, .fallback = "1",
	  .help = "Observation domain id; give the two boxes different ones." },
	{ .name = "template_s", .type = SETTING_INT, SETTING_AT(struct config_log_ipfix, template_s),
	  .live = true, .min = 1, .max = 86400, .fallback = "60", .unit = "s",
	  .help = "Templates are sent again after this time." },
	{ .name = "rate", .type = SETTING_INT, SETTING_AT(struct config_log_ipfix, rate),
	  .live = true, .min = 1, .max = 10000000, .fallback = "100000", .unit = "records/s",
	  .help = "At most so many records a second; what is more is counted and not sent." },
	{ .name = NULL },
};

static const struct config_setting_desc settings[] = {
	{ .name = "sessions", .type = SETTING_ENUM, SETTING_AT(struct config_log, sessions),
	  .live = true, .choices = scope_words, .fallback = "rules",
	  .help = "Log the creation and the end of sessions: of none, of those a rule with `log` permitted, or "
		  "of all." },
	{ .name = "denied", .type = SETTING_ENUM, SETTING_AT(struct config_log, denied),
	  .live = true, .choices = scope_words, .fallback = "rules",
	  .help = "Log first packets that the security policy refused: none, by rules with `log`, or all." },
	{ .name = "syslog", .type = SETTING_GROUP, .offset = offsetof(struct config_log, syslog),
	  .live = true, .settings = syslog_settings, .help = "Lines to a syslog server (RFC 5424 over UDP)." },
	{ .name = "ipfix", .type = SETTING_GROUP, .offset = offsetof(struct config_log, ipfix),
	  .live = true, .settings = ipfix_settings, .help = "Records to an IPFIX collector (RFC 7011 over UDP)." },
	{ .name = NULL },
};
// clang-format on

static int
check_address(struct config *c, const struct config_log *l, const char *setting, const char *text)
{
	uint8_t address[16];

	if (text[0] == '\0' || inet_pton(AF_INET, text, address) == 1 ||
		inet_pton(AF_INET6, text, address) == 1)
		return 0;
	return config_fail(c, &l->origin, setting,
		"\"%s\" is no address, expected an IPv4 or IPv6 address or an empty string", text);
}

static int
check(struct config *c)
{
	const struct config_log *l = config_section_data(c, "log");
	const int rc = check_address(c, l, "syslog.server", l->syslog.server);

	return rc < 0 ? rc : check_address(c, l, "ipfix.collector", l->ipfix.collector);
}

const struct config_section config_section_log = {
	.name = "log",
	.size = sizeof(struct config_log),
	.settings = settings,
	.check = check,
	.help = "The traffic log: sessions and denied packets, to syslog and IPFIX. Without a "
		"server and a "
		"collector nothing is logged.",
};
