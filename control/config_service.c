/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The predefined services, by the names and ports of the IANA registry or of common use.
 */
#include "config_policy.h"

#include <netinet/in.h>
#include <string.h>

#define SERVICES_MAX 3

struct builtin {
	const char *name;
	struct policy_service services[SERVICES_MAX]; /* ends before dport_max 0 */
};

#define PORTS(p, a, b)                                                                             \
	{                                                                                          \
		p, 0, UINT16_MAX, a, b                                                             \
	}
#define TCP(a)	      PORTS(IPPROTO_TCP, a, a)
#define TCPS(a, b)    PORTS(IPPROTO_TCP, a, b)
#define UDP(a)	      PORTS(IPPROTO_UDP, a, a)
#define UDPS(a, b)    PORTS(IPPROTO_UDP, a, b)
#define PROTOCOL(p)   PORTS(p, 0, UINT16_MAX)
#define ICMP(p, type) PORTS(p, (type) << 8, (type) << 8 | 255)

// clang-format off
static const struct builtin builtins[] = {
	{ "ah", { PROTOCOL(IPPROTO_AH) } },
	{ "bfd", { UDPS(3784, 3785), UDP(4784) } },
	{ "bgp", { TCP(179) } },
	{ "dhcp", { UDPS(67, 68) } },
	{ "dhcpv6", { UDPS(546, 547) } },
	{ "dns", { UDP(53), TCP(53) } },
	{ "dns-over-tls", { TCP(853) } },
	{ "esp", { PROTOCOL(IPPROTO_ESP) } },
	{ "ftp", { TCP(21) } },
	{ "gre", { PROTOCOL(IPPROTO_GRE) } },
	{ "h323", { TCP(1720) } },
	{ "http", { TCP(80) } },
	{ "https", { TCP(443) } },
	{ "icmp", { PROTOCOL(IPPROTO_ICMP) } },
	{ "icmpv6", { PROTOCOL(IPPROTO_ICMPV6) } },
	{ "ike", { UDP(500), UDP(4500) } },
	{ "imap", { TCP(143) } },
	{ "imaps", { TCP(993) } },
	{ "kerberos", { UDP(88), TCP(88) } },
	{ "l2tp", { UDP(1701) } },
	{ "ldap", { TCP(389), UDP(389) } },
	{ "ldaps", { TCP(636) } },
	{ "mqtt", { TCP(1883), TCP(8883) } },
	{ "mysql", { TCP(3306) } },
	{ "netbios", { UDPS(137, 138), TCP(139) } },
	{ "nfs", { TCP(2049), UDP(2049) } },
	{ "ntp", { UDP(123) } },
	{ "oracle", { TCP(1521) } },
	{ "ospf", { PROTOCOL(89) } },
	{ "ping", { ICMP(IPPROTO_ICMP, 8), ICMP(IPPROTO_ICMPV6, 128) } },
	{ "pop3", { TCP(110) } },
	{ "pop3s", { TCP(995) } },
	{ "postgresql", { TCP(5432) } },
	{ "pptp", { TCP(1723) } },
	{ "quic", { UDP(443) } },
	{ "radius", { UDPS(1812, 1813) } },
	{ "rdp", { TCP(3389), UDP(3389) } },
	{ "redis", { TCP(6379) } },
	{ "rtsp", { TCP(554) } },
	{ "sctp", { PROTOCOL(IPPROTO_SCTP) } },
	{ "sip", { UDP(5060), TCPS(5060, 5061) } },
	{ "smb", { TCP(445) } },
	{ "smtp", { TCP(25) } },
	{ "smtps", { TCP(465) } },
	{ "snmp", { UDP(161) } },
	{ "snmp-trap", { UDP(162) } },
	{ "sqlserver", { TCP(1433), UDP(1434) } },
	{ "ssh", { TCP(22) } },
	{ "submission", { TCP(587) } },
	{ "syslog", { UDP(514), TCP(6514) } },
	{ "tacacs", { TCP(49) } },
	{ "tcp", { PROTOCOL(IPPROTO_TCP) } },
	{ "telnet", { TCP(23) } },
	{ "tftp", { UDP(69) } },
	{ "traceroute", { UDPS(33434, 33534) } },
	{ "udp", { PROTOCOL(IPPROTO_UDP) } },
	{ "vnc", { TCPS(5900, 5909) } },
	{ "vrrp", { PROTOCOL(112) } },
	{ "wireguard", { UDP(51820) } },
};
// clang-format on

const struct policy_service *
config_builtin_service(const char *name, uint32_t *count)
{
	for (unsigned int i = 0; i < RTE_DIM(builtins); i++) {
		if (strcmp(builtins[i].name, name) != 0)
			continue;
		*count = 0;
		while (*count < SERVICES_MAX && builtins[i].services[*count].dport_max != 0)
			++*count;
		return builtins[i].services;
	}
	return NULL;
}

const char *
config_builtin_service_name(unsigned int n)
{
	return n < RTE_DIM(builtins) ? builtins[n].name : NULL;
}
