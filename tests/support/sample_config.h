/*
 * The configuration of FW1 in the lab, and every section there is, for tests of the configuration.
 */
#pragma once

#include "config.h"
#include "control_sections.h"
#include "ha_sections.h"

#include <assert.h>

// clang-format off
static const char sample_config[] =
	"version = 1;\n"
	"system = {\n"
	"  name = \"FW1\";\n"
	"  management_cpu = 0; control_cpu = 0; hrp_cpu = 0;\n"
	"  worker_cpus = [ 0, 0 ];\n"
	"  idle = \"sleep\"; idle_sleep_us = 50;\n"
	"  memory_mb = 512; hugepages = false;\n"
	"  sessions = 100000;\n"
	"  console_socket = \"/run/twinwall/FW1.console\";\n"
	"  json_socket = \"/run/twinwall/FW1.json\";\n"
	"};\n"
	"ports = (\n"
	"  { name = \"p1\"; devargs = \"net_af_packet0,iface=in0,qpairs=2\"; },\n"
	"  { name = \"p2\"; devargs = \"net_af_packet1,iface=hb0\"; },\n"
	"  { name = \"p3\"; devargs = \"net_af_packet2,iface=out0,qpairs=2\"; }\n"
	");\n"
	"zones = ( { name = \"guest\"; priority = 20; } );\n"
	"interfaces = (\n"
	"  { name = \"GigabitEthernet1/0/1\"; port = \"p1\"; address = \"10.1.1.2/24\"; zone = \"trust\"; },\n"
	"  { name = \"GigabitEthernet1/0/2\"; port = \"p2\"; address = \"10.10.0.1/24\"; zone = \"dmz\"; },\n"
	"  { name = \"GigabitEthernet1/0/3\"; port = \"p3\"; address = \"200.1.1.2/24\"; zone = \"untrust\"; }\n"
	");\n"
	"routes = ( { prefix = \"0.0.0.0/0\"; via = \"200.1.1.254\"; } );\n"
	"security_policy = {\n"
	"  default = \"deny\";\n"
	"  rules = (\n"
	"    { name = \"out\"; source_zones = [ \"trust\" ]; destination_zones = [ \"untrust\" ];\n"
	"      source_addresses = [ \"10.1.1.0/24\" ];\n"
	"      services = ( { protocol = \"tcp\"; destination_port = \"1-65535\"; },\n"
	"                   { protocol = \"udp\"; }, { protocol = \"icmp\"; } );\n"
	"      action = \"permit\"; }\n"
	"  );\n"
	"};\n"
	"vrrp = (\n"
	"  { vrid = 1; interface = \"GigabitEthernet1/0/1\"; virtual_ip = \"10.1.1.1/24\"; group = \"active\"; },\n"
	"  { vrid = 2; interface = \"GigabitEthernet1/0/3\"; virtual_ip = \"200.1.1.1/24\"; group = \"active\"; }\n"
	");\n"
	"hrp = {\n"
	"  enable = true;\n"
	"  interfaces = ( { interface = \"GigabitEthernet1/0/2\"; } );\n"
	"  hello_ms = 1000; misses = 3;\n"
	"  preempt = false; preempt_delay_s = 60;\n"
	"  track = ( );\n"
	"};\n";
// clang-format on

static const struct config_section *const *
sample_sections(void)
{
	static const struct config_section *all[32];
	unsigned int n = 0;

	for (unsigned int i = 0; control_sections[i] != NULL; i++)
		all[n++] = control_sections[i];
	for (unsigned int i = 0; ha_sections[i] != NULL; i++)
		all[n++] = ha_sections[i];
	assert(n < sizeof(all) / sizeof(all[0]));
	return all;
}
