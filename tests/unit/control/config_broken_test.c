/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Every wrong setting is refused with one line that names file, line, setting and what was
 * expected, and nothing changes (MGT-05, "wrong config refused with line number").
 *
 * A row is a patch of the sample: the first `old` becomes `new`.
 */
#include "sample_config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

struct broken {
	const char *rule;
	const char *old, *new;
	const char *setting;
	const char *reason; /* in the text after the setting */
	const char *at;
	int line;  /* 0 = find it */
	bool ipv6; /* the first interface has addresses of IPv6 too, and a route leads there */
};

#define IF1   "interfaces[GigabitEthernet1/0/1]"
#define IF3   "interfaces[GigabitEthernet1/0/3]"
#define RULE  "security_policy.rules[out]"
#define VRRP1 "virtual_ip = \"10.1.1.1/24\""
#define VIA   "via = \"200.1.1.254\""
#define HB    "{ interface = \"GigabitEthernet1/0/2\"; }"
#define TRACK "track = ( )"
/* An interface with IPv6, and the first of its routes. */
#define V6_OLD "zone = \"untrust\"; }\n);\nroutes = ("
#define V6_NEW                                                                                     \
	"address6 = [ \"2001:db8:200::2/64\" ]; link_local = \"fe80::2\"; zone = \"untrust\"; }\n" \
	");\nroutes = ( "
/* Also with IPv6 on the interface of the first VRRP group. */
#define PATCH6(r, n, s, why)                                                                       \
	{                                                                                          \
		.rule = r, .old = VRRP1, .new = VRRP1 "; " n, .setting = s, .reason = why,         \
		.ipv6 = true                                                                       \
	}
/* Sections of address translation in front of the sample's. */
#define NAT(row, text, setting_name, why)                                                          \
	PATCH(row, "system = {", text "\nsystem = {", setting_name, why)
/* ... with the error in the second line. */
#define NAT_NEXT(row, text, setting_name, why)                                                     \
	PATCH_LINE(row, "system = {", text "\nsystem = {", setting_name, why, 3)
#define KEYS(list)	   "hrp_security = { keys = ( " list " ); };"
#define GROUP(more)	   "nat_address_groups = ( { name = \"g\"; " more " } ); "
#define POOL		   GROUP("addresses = [ \"198.51.100.1\" ];")
#define RULES(more)	   POOL "nat_policy = { rules = ( { name = \"r\"; " more " } ); };"
#define SERVER(name, more) "{ name = \"" name "\"; " more " }"
#define SERVERS(more)	   "nat_servers = ( " more " );"
#define WEB		   "protocol = \"tcp\"; public_address = \"198.51.100.9\"; public_port = \"80\"; "
#define ONE		   "inside_addresses = [ \"10.1.1.80\" ]; "
#define STATIC(name, a, b) "{ name = \"" name "\"; public = \"" a "\"; inside = \"" b "\"; }"
#define STATICS(more)	   "nat_static = ( " more " );"
#define SIXTY(name, p, more)                                                                       \
	"{ name = \"" name "\"; prefix = \"" p "\"; address_group = \"g\"; " more " }"
#define NAT64(more) POOL "nat64 = ( " more " );"
#define LONG	    "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"

/* The error is in the patch's first line; where `a` stands in or after it; in line `l`. */
#define PATCH(r, o, n, s, why)                                                                     \
	{                                                                                          \
		.rule = r, .old = o, .new = n, .setting = s, .reason = why                         \
	}
#define PATCH_AT(r, o, n, s, why, a)                                                               \
	{                                                                                          \
		.rule = r, .old = o, .new = n, .setting = s, .reason = why, .at = a                \
	}
#define PATCH_LINE(r, o, n, s, why, l)                                                             \
	{                                                                                          \
		.rule = r, .old = o, .new = n, .setting = s, .reason = why, .line = l              \
	}
#define SCRIPT(row, more, setting_name, why)                                                       \
	PATCH(row, "system = {", "scripts = ( { name = \"a\"; " more "; } );\nsystem = {",         \
		setting_name, why)
/* The first VRRP group as a plain one. */
#define PLAIN(r, n, s, why)                                                                        \
	{                                                                                          \
		.rule = r, .old = VRRP1 "; group = \"active\"", .new = n, .setting = s,            \
		.reason = why, .ipv6 = true                                                        \
	}
/* A file of its own. */
#define TEXT(r, n, s, why, l)                                                                      \
	{                                                                                          \
		.rule = r, .new = n, .setting = s, .reason = why, .line = l                        \
	}

/* Two more ports and a trunk of the sample. */
#define TRUNK(row, members, more, setting_name, why)                                               \
	{                                                                                          \
		.rule = row, .old = "qpairs=2\"; }\n);\nzones = (",                                \
		.new = "qpairs=2\"; },\n{ name = \"p4\"; devargs = \"net_af_packet4,iface=e4,"     \
		       "qpairs=2\"; }, { name = \"p5\"; devargs = \"net_ring0\"; mtu = 1600; "     \
		       "}\n);"                                                                     \
		       "\neth_trunks = ( { name = \"t1\"; members = [ " members " ]; " more        \
		       " } );\nzones = (",                                                         \
		.setting = setting_name, .reason = why, .at = "eth_trunks"                         \
	}

// clang-format off
static const struct broken rows[] = {
	/* the file as a whole */
	PATCH("version_is_missing", "version = 1;", "", "version", "missing"),
	PATCH("version_of_the_future", "version = 1;", "version = 2;", "version", "another version"),
	PATCH("version_as_text", "version = 1;", "version = \"1\";", "version", "expected version = 1;"),
	TEXT("nothing_but_blanks", "  \n\n", "version", "missing", 1),
	TEXT("only_a_version", "version = 1;\n", "system", "section is missing", 1),
	PATCH("section_unknown", "zones = (", "zonez = (", "zonez", "did you mean \"zones\""),
	PATCH("section_unknown_and_nothing_like_it", "zones = (", "firewalls = (", "firewalls", "unknown section, expected one of system, ports"),
	PATCH("section_of_wrong_type", "zones = ( { name = \"guest\"; priority = 20; } )", "zones = { name = \"guest\"; }", "zones", "is a group { }, expected a list"),
	PATCH("section_list_of_numbers", "zones = ( { name = \"guest\"; priority = 20; } )", "zones = ( 1, 2 )", "zones[0]", "is an integer, expected a group"),
	TEXT("group_section_as_list", "version = 1;\nsystem = ( );\n", "system", "is a list ( ), expected a group", 2),
	TEXT("group_section_as_number", "version = 1;\nsystem = 7;\n", "system", "is an integer, expected a group", 2),
	PATCH("setting_twice", "memory_mb = 512;", "memory_mb = 512; memory_mb = 512;", "syntax", "duplicate setting name"),
	PATCH("semicolon_and_value_missing", "sessions = 100000;", "sessions = ;", "syntax", "syntax error"),
	PATCH_LINE("quote_not_closed", "name = \"guest\"", "name = \"guest", "syntax", "syntax error", 19),
	PATCH("bracket_not_closed", "worker_cpus = [ 0, 0 ];", "worker_cpus = [ 0, 0 ;", "syntax", "syntax error"),
	TEXT("garbage_text", "version = 1;\n\x1b[31m\xff\xfe", "syntax", "syntax error", 2),
	PATCH("include_of_another_file", "zones = (", "@include \"other.conf\"\nzones = (", "@include", "expected the whole configuration in one file"),
	/* system */
	PATCH("system_unknown_setting", "memory_mb = 512;", "memory_md = 512;", "system.memory_md", "did you mean \"memory_mb\""),
	PATCH_LINE("system_name_missing", "  name = \"FW1\";\n", "", "system.name", "is missing, expected a name", 2),
	PATCH("fragments_one", "system = {", "fragments = { per_datagram = 1; };\nsystem = {", "fragments.per_datagram", "expected an integer from 2 to 8192 fragments"),
	PATCH("fragments_all_buffers", "memory_mb", "fragment_buffers = 76; memory_mb", "system.fragment_buffers", "expected an integer from 1 to 75 %"),
	PATCH("ageing_time_0", "system = {", "ageing = { udp = 0; };\nsystem = {", "ageing.udp", "expected an integer from 1 to 65535 s"),
	PATCH("blacklist_everything", "system = {", "blacklist = ( { address = \"0.0.0.0/0\"; } );\nsystem = {", "blacklist[0].address", "expected a prefix length of at least 1"),
	PATCH("blacklist_host_bits", "system = {", "blacklist = ( { address = \"10.1.1.1/24\"; } );\nsystem = {", "blacklist[0].address", "10.1.1.1/24"),
	PATCH("blacklist_direction", "system = {", "blacklist = ( { address = \"10.1.1.0/24\"; direction = \"in\"; } );\nsystem = {", "blacklist[0].direction", "expected one of \"source\", \"destination\", \"both\""),
	PATCH("limit_of_an_unknown_zone", "system = {", "limits = ( { zone = \"moon\"; } );\nsystem = {", "limits[0].zone", "unknown zone \"moon\", expected trust"),
	PATCH("limit_of_the_firewall", "system = {", "limits = ( { zone = \"local\"; } );\nsystem = {", "limits[0].zone", "the firewall itself begins no sessions"),
	PATCH("limit_of_a_zone_twice", "system = {", "limits = ( { zone = \"trust\"; }, { zone = \"trust\"; } );\nsystem = {", "limits[1].zone", "is taken by the item in line 2"),
	PATCH("limit_length_0", "system = {", "limits = ( { zone = \"trust\"; source_length = 0; } );\nsystem = {", "limits[0].source_length", "expected an integer from 1 to 32 bits"),
	PATCH("scan_of_an_unknown_zone", "system = {", "scan = { zones = [ \"moon\" ]; };\nsystem = {", "scan.zones[0]", "\"moon\" is no zone that packets come from"),
	PATCH("scan_of_the_firewall", "system = {", "scan = { zones = [ \"trust\", \"local\" ]; };\nsystem = {", "scan.zones[1]", "\"local\" is no zone that packets come from"),
	PATCH("scan_too_many_ports", "system = {", "scan = { ports = 501; };\nsystem = {", "scan.ports", "expected an integer from 0 to 500 ports"),
	PATCH("scan_interval_0", "system = {", "scan = { interval = 0; };\nsystem = {", "scan.interval", "expected an integer from 1 to 60 s"),
	PATCH("table_alarm_too_large", "system = {", "defence = { table_alarm = 101; };\nsystem = {", "defence.table_alarm", "expected an integer from 0 to 100 %"),
	PATCH("defence_always_on", "system = {", "defence = { smurf = false; };\nsystem = {", "defence.smurf", "unknown setting"),
	PATCH("reverse_path_unknown", "zone = \"trust\";", "zone = \"trust\"; reverse_path = \"feasible\";", IF1 ".reverse_path", "expected one of \"off\", \"connected\", \"loose\", \"strict\""),
	PATCH("icmp_rate_0", "system = {", "icmp = { rate = 0; };\nsystem = {", "icmp.rate", "expected an integer from 1 to 1000000 messages/s"),
	PATCH("icmp_kind_as_number", "system = {", "icmp = { too_big = 1; };\nsystem = {", "icmp.too_big", "expected true or false"),
	PATCH("system_mss_too_small", "memory_mb = 512;", "memory_mb = 512; tcp_mss = 63;", "system.tcp_mss", "63 is too small, expected 0 or 64 to 9216"),
	PATCH("system_mss_too_large", "memory_mb = 512;", "memory_mb = 512; tcp_mss = 9217;", "system.tcp_mss", "expected an integer from 0 to 9216 bytes"),
	PATCH("system_verify_unknown", "memory_mb = 512;", "memory_mb = 512; verify_checksums = \"some\";", "system.verify_checksums", "expected one of \"deciding\", \"all\""),
	PATCH("system_name_too_long", "\"FW1\"", "\"" LONG "\"", "system.name", "has 64 characters, expected a name"),
	PATCH("system_name_empty", "\"FW1\"", "\"\"", "system.name", "has 0 characters"),
	PATCH("system_name_with_control_characters", "\"FW1\"", "\"F\\x1b[0m\"", "system.name", "\"F?[0m\" has characters that are not allowed"),
	PATCH("system_cpu_as_text", "control_cpu = 0", "control_cpu = \"0\"", "system.control_cpu", "is a string, expected an integer from 0 to 1023"),
	PATCH("system_cpu_negative", "hrp_cpu = 0", "hrp_cpu = -1", "system.hrp_cpu", "-1 is out of range"),
	PATCH("system_management_cpu_not_present", "management_cpu = 0", "management_cpu = 1023", "system.management_cpu", "CPU 1023 is not present"),
	PATCH("system_worker_cpu_not_present", "[ 0, 0 ]", "[ 0, 1023 ]", "system.worker_cpus[1]", "CPU 1023 is not present"),
	PATCH("system_worker_cpu_absurd", "[ 0, 0 ]", "[ 4000000000L ]", "system.worker_cpus[0]", "4000000000 is out of range"),
	PATCH("system_worker_cpus_empty", "[ 0, 0 ]", "[ ]", "system.worker_cpus", "is empty, expected at least one"),
	PATCH_LINE("system_worker_cpus_missing", "  worker_cpus = [ 0, 0 ];\n", "", "system.worker_cpus", "is missing", 2),
	PATCH("system_worker_cpus_not_a_list", "[ 0, 0 ]", "0", "system.worker_cpus", "is an integer, expected integers from 0 to 1023"),
	PATCH("system_too_many_workers", "[ 0, 0 ]", "[ 0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0 ]", "system.worker_cpus", "has 33 elements, expected at most 32"),
	PATCH_LINE("system_threads_that_poll_share_a_cpu", "idle = \"sleep\"", "idle = \"poll\"", "system.control_cpu", "two threads that never sleep", 4),
	PATCH("system_idle_unknown_word", "idle = \"sleep\"", "idle = \"nap\"", "system.idle", "unknown word \"nap\", expected one of \"sleep\", \"poll\""),
	PATCH("system_idle_sleep_out_of_range", "idle_sleep_us = 50", "idle_sleep_us = 101", "system.idle_sleep_us", "101 is out of range, expected an integer from 1 to 100 us"),
	PATCH("system_memory_out_of_range", "memory_mb = 512", "memory_mb = 1", "system.memory_mb", "expected an integer from 64 to 1048576 MiB"),
	PATCH_LINE("system_memory_for_the_sessions", "sessions = 100000", "sessions = 67108864", "system.memory_mb", "512 MiB do not hold the tables (routes 64, sessions 12583, packet buffers 37), expected more than 12684", 7),
	PATCH("system_memory_for_the_buffers", "memory_mb = 512", "memory_mb = 64", "system.memory_mb", "64 MiB do not hold the tables"),
	PATCH("system_memory_for_the_heartbeat", "memory_mb = 512", "memory_mb = 123", "system.memory_mb", "and those of 1 heartbeat interfaces (7), expected more than"),
	PATCH("system_memory_beyond_the_machine", "memory_mb = 512", "memory_mb = 1048576", "system.memory_mb", "are more than this machine has, expected at most"),
	PATCH("system_eal_prints_help", "memory_mb = 512;", "memory_mb = 512; eal = [ \"-v\", \"--help\" ];", "system.eal[1]", "--help prints help and ends, expected"),
	PATCH("system_hugepages_as_number", "hugepages = false", "hugepages = 0", "system.hugepages", "is an integer, expected true or false"),
	PATCH("system_sessions_too_few", "sessions = 100000", "sessions = 0", "system.sessions", "0 is out of range"),
	PATCH("system_sessions_too_many", "sessions = 100000", "sessions = 5000000000L", "system.sessions", "5000000000 is out of range"),
	PATCH("system_sessions_with_a_fraction", "sessions = 100000", "sessions = 1.5", "system.sessions", "is a number with a fraction"),
	PATCH("system_event_ring_no_power_of_two", "sessions = 100000", "sessions = 100000; event_ring = 1000", "system.event_ring", "1000 is not a power of two"),
	PATCH("system_socket_too_long", "/run/twinwall/FW1.json", "/" LONG LONG, "system.json_socket", "has 129 characters"),
	PATCH("system_socket_relative", "/run/twinwall/FW1.json", "FW1.json", "system.json_socket", "relative path"),
	PATCH("system_sockets_the_same", "/run/twinwall/FW1.json", "/run/twinwall/FW1.console", "system.json_socket", "is the console's socket"),
	PATCH("system_capture_folder_relative", "sessions = 100000;", "sessions = 100000; capture_folder = \"captures\";", "system.capture_folder", "is a relative path, expected one that begins with /"),
	PATCH("system_eal_not_text", "sessions = 100000;", "sessions = 100000; eal = [ 1 ];", "system.eal[0]", "is an integer, expected a string"),
	/* ports */
	PATCH_LINE("ports_missing", "ports = (\n  { name = \"p1\"; devargs = \"net_af_packet0,iface=in0,qpairs=2\"; },\n  { name = \"p2\"; devargs = \"net_af_packet1,iface=hb0\"; },\n  { name = \"p3\"; devargs = \"net_af_packet2,iface=out0,qpairs=2\"; }\n);\n", "", "ports", "section is missing", 1),
	PATCH("port_name_twice", "name = \"p2\"", "name = \"p1\"", "ports[p1].name", "taken by the item in line 13"),
	PATCH("port_without_devargs", " devargs = \"net_af_packet1,iface=hb0\";", "", "ports[p2].devargs", "is missing, expected a string"),
	PATCH("port_devargs_twice", "net_af_packet1,", "net_af_packet0,", "ports[p2].devargs", "device net_af_packet0 is port p1 already"),
	PATCH("port_kernel_interface_twice", "iface=hb0", "iface=in0", "ports[p2].devargs", "kernel interface in0 is used by port p1"),
	PATCH_AT("port_pci_address_twice", "net_af_packet0,iface=in0,qpairs=2\"; },\n  { name = \"p2\"; devargs = \"net_af_packet1,iface=hb0", "3b:00.0\"; },\n  { name = \"p2\"; devargs = \"0000:3b:00.0", "ports[p2].devargs", "device 0000:3b:00.0 is port p1", "0000"),
	PATCH("port_kernel_interface_name_too_long", "iface=hb0", "iface=abcdefghijklmnop", "ports[p2].devargs", "names no kernel interface, expected 1 to 15 characters"),
	PATCH("port_without_a_kernel_interface", "net_af_packet1,iface=hb0", "net_af_packet1", "ports[p2].devargs", "names no kernel interface"),
	PATCH("port_with_a_queue_for_two_workers", "iface=in0,qpairs=2", "iface=in0", "ports[p1].devargs", "asks for 1 queues, expected qpairs=2, one for each worker"),
	PATCH("port_with_no_queue", "iface=out0,qpairs=2", "iface=out0,qpairs=0", "ports[p3].devargs", "asks for 0 queues, expected qpairs=2"),
	PATCH("port_devargs_with_a_blank", "net_af_packet1,iface", "net_af_packet1, iface", "ports[p2].devargs", "has a blank"),
	/* trunks of two more ports */
	TRUNK("trunk_of_an_unknown_port", "\"p9\"", "", "eth_trunks[t1].members", "unknown port \"p9\""),
	TRUNK("trunk_member_with_an_interface", "\"p3\"", "", "eth_trunks[t1].members", "port p3 has interface GigabitEthernet1/0/3, expected a port without one"),
	TRUNK("trunk_without_members", "", "", "eth_trunks[t1].members", "is empty"),
	TRUNK("trunk_with_a_member_twice", "\"p4\", \"p4\"", "", "eth_trunks[t1].members", "port p4 is a member of t1 already"),
	TRUNK("trunk_with_another_mtu", "\"p4\", \"p5\"", "", "eth_trunks[t1].members", "port p5 has an mtu of 1600, expected that of port p4, 1500"),
	TRUNK("trunk_mode_unknown", "\"p4\"", "mode = \"static\";", "eth_trunks[t1].mode", "expected"),
	TRUNK("trunk_hash_unknown", "\"p4\"", "hash = \"l4\";", "eth_trunks[t1].hash", "expected"),
	TRUNK("trunk_that_misses_carriers", "\"p4\"", "mode = \"balance\";", "eth_trunks[t1].mode", "balance does not notice when the kernel interface of port p4 loses its carrier"),
	TRUNK("trunk_member_of_two", "\"p4\"", "}, { name = \"t2\"; members = [ \"p4\" ];", "eth_trunks[t2].members", "port p4 is a member of t1 already"),
	TRUNK("trunk_named_as_a_port", "\"p4\"", "}, { name = \"p5\"; members = [ \"p5\" ];", "eth_trunks[p5].name", "a port has this name"),
	TRUNK("interface_on_a_member", "\"p3\", \"p4\"", "", "eth_trunks[t1].members", "port p3 has interface"),
	PATCH_AT("heartbeat_on_an_lacp_trunk", "  { name = \"p2\"; devargs = \"net_af_packet1,iface=hb0\"; },\n  { name = \"p3\"; devargs = \"net_af_packet2,iface=out0,qpairs=2\"; }\n);\nzones = ( { name = \"guest\"; priority = 20; } );\ninterfaces = (\n  { name = \"GigabitEthernet1/0/1\"; port = \"p1\"; address = \"10.1.1.2/24\"; zone = \"trust\"; },\n  { name = \"GigabitEthernet1/0/2\"; port = \"p2\"", "  { name = \"p2\"; devargs = \"net_af_packet1,iface=hb0\"; },\n  { name = \"p3\"; devargs = \"net_af_packet2,iface=out0,qpairs=2\"; }\n);\neth_trunks = ( { name = \"t1\"; members = [ \"p2\" ]; } );\nzones = ( { name = \"guest\"; priority = 20; } );\ninterfaces = (\n  { name = \"GigabitEthernet1/0/1\"; port = \"p1\"; address = \"10.1.1.2/24\"; zone = \"trust\"; },\n  { name = \"GigabitEthernet1/0/2\"; port = \"t1\"", "interfaces[GigabitEthernet1/0/2].port", "trunk t1 agrees by LACP", "port = \"t1\""),
	PATCH("port_mtu_larger_than_a_frame", "qpairs=2\"", "qpairs=2\"; mtu = 1969", "ports[p1].devargs", "framesz=2048 holds no packet of 1969 bytes (mtu), expected framesz=2049 at least"),
	PATCH("port_frame_smaller_than_a_packet", "qpairs=2\"", "qpairs=2,framesz=1024\"", "ports[p1].devargs", "framesz=1024 holds no packet of 1500 bytes"),
	PATCH("port_mtu_out_of_range", "qpairs=2\"", "qpairs=2\"; mtu = 9601", "ports[p1].mtu", "expected an integer from 576 to 9600 bytes"),
	PATCH("interface_mtu_larger_than_the_ports", "zone = \"trust\";", "mtu = 1501; zone = \"trust\";", IF1 ".mtu", "1501 is more than that of port p1, expected at most 1500, or ports[p1].mtu = 1501"),
	PATCH("port_name_with_a_blank", "name = \"p1\"", "name = \"p 1\"", "ports[0].name", "characters that are not allowed"),
	/* zones */
	PATCH("zone_name_built_in", "name = \"guest\"", "name = \"trust\"", "zones[trust].name", "is built in"),
	PATCH_AT("zone_name_twice", "priority = 20; }", "priority = 20; },\n { name = \"guest\"; priority = 1; }", "zones[guest].name", "taken by the item in line 17", "name"),
	PATCH("zone_priority_out_of_range", "priority = 20", "priority = 101", "zones[guest].priority", "expected an integer from 1 to 100"),
	PATCH("zone_without_priority", "priority = 20; ", "", "zones[guest].priority", "is missing"),
	/* interfaces */
	PATCH("interface_port_unknown", "port = \"p1\"", "port = \"p9\"", IF1 ".port", "unknown port \"p9\""),
	PATCH("interface_port_missing", "port = \"p1\"; ", "", IF1 ".port", "is missing"),
	PATCH("interface_port_shared", "port = \"p3\"", "port = \"p1\"", IF3 ".port", "port p1 has interface GigabitEthernet1/0/1 already, expected a port of its own or a vlan"),
	PATCH("interface_vlan_too_large", "port = \"p3\"", "vlan = 4095; port = \"p3\"", IF3 ".vlan", "expected an integer from 0 to 4094"),
	PATCH("interface_vlan_negative", "port = \"p3\"", "vlan = -1; port = \"p3\"", IF3 ".vlan", "expected an integer from 0 to 4094"),
	PATCH_AT("interface_vlan_twice", "{ name = \"GigabitEthernet1/0/3\"; port = \"p3\";", "{ name = \"GigabitEthernet1/0/1.7\"; port = \"p1\"; vlan = 7; zone = \"dmz\"; },\n { name = \"GigabitEthernet1/0/3\"; vlan = 7; port = \"p1\";", IF3 ".vlan", "VLAN 7 of port p1 has interface GigabitEthernet1/0/1.7 already", "vlan = 7; port"),
	PATCH("heartbeat_on_a_subinterface", "port = \"p2\";", "port = \"p2\"; vlan = 7;", "interfaces[GigabitEthernet1/0/2].vlan", "port p2 carries the heartbeat, expected one interface there, untagged"),
	PATCH("heartbeat_beside_a_subinterface", "port = \"p3\"", "vlan = 7; port = \"p2\"", IF3 ".port", "port p2 carries the heartbeat"),
	PATCH("interface_zone_unknown", "zone = \"trust\"", "zone = \"inside\"", IF1 ".zone", "unknown zone \"inside\""),
	PATCH("interface_zone_local", "zone = \"trust\"", "zone = \"local\"", IF1 ".zone", "zone of the firewall itself"),
	PATCH("interface_zone_missing", " zone = \"trust\";", "", IF1 ".zone", "is missing"),
	PATCH("interface_name_twice", "GigabitEthernet1/0/3\"; port", "GigabitEthernet1/0/1\"; port", IF1 ".name", "taken by the item in line 19"),
	PATCH("interface_unknown_setting", "address = \"10.1.1.2/24\"", "adress = \"10.1.1.2/24\"", IF1 ".adress", "unknown setting (did you mean \"address\"?), expected one of name, port, vlan, address"),
	PATCH("interface_address_without_length", "10.1.1.2/24", "10.1.1.2", IF1 ".address", "\"10.1.1.2\" has no prefix length"),
	PATCH("interface_address_is_no_address", "10.1.1.2/24", "10.1.1.256/24", IF1 ".address", "is not an IPv4 prefix"),
	PATCH("interface_address_length_too_long", "10.1.1.2/24", "10.1.1.2/33", IF1 ".address", "is not an IPv4 prefix"),
	PATCH("interface_address_length_0", "10.1.1.2/24", "10.1.1.2/0", IF1 ".address", "prefix length out of range"),
	PATCH("interface_address_length_negative", "10.1.1.2/24", "10.1.1.2/-1", IF1 ".address", "is not an IPv4 prefix"),
	PATCH("interface_address_with_a_tail", "10.1.1.2/24", "10.1.1.2/24 ", IF1 ".address", "is not an IPv4 prefix"),
	PATCH("interface_address_of_the_network", "10.1.1.2/24", "10.1.1.0/24", IF1 ".address", "network or broadcast address"),
	PATCH("interface_address_of_broadcast", "10.1.1.2/24", "10.1.1.255/24", IF1 ".address", "network or broadcast address"),
	PATCH("interface_address_multicast", "10.1.1.2/24", "224.0.0.18/24", IF1 ".address", "no address a host may have"),
	PATCH("interface_address_loopback", "10.1.1.2/24", "127.0.0.1/8", IF1 ".address", "no address a host may have"),
	PATCH("interface_subnets_overlap", "200.1.1.2/24", "10.1.2.2/16", IF3 ".address", "overlaps the subnet of interface GigabitEthernet1/0/1 in line 19"),
	PATCH("interface_mtu_out_of_range", "zone = \"trust\";", "zone = \"trust\"; mtu = 68;", IF1 ".mtu", "expected an integer from 576 to 9600 bytes"),
	PATCH("interface_mss_too_small", "zone = \"trust\";", "zone = \"trust\"; tcp_mss = 20;", IF1 ".tcp_mss", "20 is too small, expected 0 or 64 to 9216"),
	PATCH("interface_ping_as_text", "zone = \"trust\";", "zone = \"trust\"; ping = \"yes\";", IF1 ".ping", "is a string, expected true or false"),
	PATCH("interface_address6_without_length", "zone = \"trust\";", "address6 = [ \"2001:db8:1::2\" ]; zone = \"trust\";", IF1 ".address6[0]", "has no prefix length, expected hosts' IPv6 addresses"),
	PATCH("interface_address6_is_ipv4", "zone = \"trust\";", "address6 = [ \"10.1.1.9/24\" ]; zone = \"trust\";", IF1 ".address6[0]", "is not an IPv6 address"),
	PATCH("interface_address6_length_too_long", "zone = \"trust\";", "address6 = [ \"2001:db8:1::2/129\" ]; zone = \"trust\";", IF1 ".address6[0]", "is not an IPv6 address"),
	PATCH("interface_address6_length_0", "zone = \"trust\";", "address6 = [ \"2001:db8:1::2/0\" ]; zone = \"trust\";", IF1 ".address6[0]", "prefix length out of range"),
	PATCH("interface_address6_with_a_zone", "zone = \"trust\";", "address6 = [ \"2001:db8:1::2%eth0/64\" ]; zone = \"trust\";", IF1 ".address6[0]", "is not an IPv6 address"),
	PATCH("interface_address6_multicast", "zone = \"trust\";", "address6 = [ \"ff02::2/64\" ]; zone = \"trust\";", IF1 ".address6[0]", "no address a host may have"),
	PATCH("interface_address6_loopback", "zone = \"trust\";", "address6 = [ \"::1/128\" ]; zone = \"trust\";", IF1 ".address6[0]", "no address a host may have"),
	PATCH("interface_address6_mapped", "zone = \"trust\";", "address6 = [ \"::ffff:10.1.1.1/128\" ]; zone = \"trust\";", IF1 ".address6[0]", "no address a host may have"),
	PATCH("interface_address6_link_local", "zone = \"trust\";", "address6 = [ \"fe80::2/64\" ]; zone = \"trust\";", IF1 ".address6[0]", "is a link-local address"),
	PATCH("interface_address6_anycast", "zone = \"trust\";", "address6 = [ \"2001:db8:1::/64\" ]; zone = \"trust\";", IF1 ".address6[0]", "subnet-router anycast"),
	PATCH("interface_address6_twice", "zone = \"trust\";", "address6 = [ \"2001:db8:1::2/64\", \"2001:db8:1::2/64\" ]; zone = \"trust\";", IF1 ".address6[1]", "is there already"),
	PATCH("interface_address6_subnets_overlap", "zone = \"trust\";", "address6 = [ \"2001:db8:1::2/64\", \"2001:db8:1:0:1::2/80\" ]; zone = \"trust\";", IF1 ".address6[1]", "overlaps the subnet of address6[0]"),
	PATCH("interface_address6_too_many", "zone = \"trust\";", "address6 = [ \"2001:db8:1::2/64\", \"2001:db8:2::2/64\", \"2001:db8:3::2/64\", \"2001:db8:4::2/64\", \"2001:db8:5::2/64\", \"2001:db8:6::2/64\", \"2001:db8:7::2/64\", \"2001:db8:8::2/64\", \"2001:db8:9::2/64\" ]; zone = \"trust\";", IF1 ".address6", "has 9 elements, expected at most 8"),
	PATCH("interface_address6_not_an_array", "zone = \"trust\";", "address6 = \"2001:db8:1::2/64\"; zone = \"trust\";", IF1 ".address6", "is a string, expected hosts' IPv6 addresses"),
	PATCH("interface_mtu_too_small_for_ipv6", "zone = \"trust\";", "address6 = [ \"2001:db8:1::2/64\" ]; mtu = 1279; zone = \"trust\";", IF1 ".mtu", "1279 is too small for IPv6"),
	PATCH("interface_link_local_is_global", "zone = \"trust\";", "address6 = [ \"2001:db8:1::2/64\" ]; link_local = \"2001:db8::1\"; zone = \"trust\";", IF1 ".link_local", "is not link-local"),
	PATCH("interface_link_local_is_ipv4", "zone = \"trust\";", "address6 = [ \"2001:db8:1::2/64\" ]; link_local = \"169.254.0.1\"; zone = \"trust\";", IF1 ".link_local", "is not link-local"),
	PATCH("interface_link_local_alone", "zone = \"trust\";", "link_local = \"fe80::2\"; zone = \"trust\";", IF1 ".link_local", "is set without address6"),
	PATCH_AT("interface_subnets6_overlap", "zone = \"trust\"; },\n  { name = \"GigabitEthernet1/0/2\"; port = \"p2\"; address = \"10.10.0.1/24\"; zone = \"dmz\"; },\n  { name = \"GigabitEthernet1/0/3\"; port = \"p3\";", "address6 = [ \"2001:db8:1::2/64\" ]; zone = \"trust\"; },\n  { name = \"GigabitEthernet1/0/2\"; port = \"p2\"; address = \"10.10.0.1/24\"; zone = \"dmz\"; },\n  { name = \"GigabitEthernet1/0/3\"; port = \"p3\"; address6 = [ \"2001:db8:1:0:5::2/80\" ];", IF3 ".address6[0]", "overlaps a subnet of interface GigabitEthernet1/0/1 in line 19", "2001:db8:1:0:5::2"),
	PATCH("heartbeat_interface_with_ipv6", "zone = \"dmz\";", "address6 = [ \"2001:db8:9::1/64\" ]; zone = \"dmz\";", "interfaces[GigabitEthernet1/0/2].address6", "is on the heartbeat interface"),
	/* log */
	PATCH("log_scope_unknown", "zones = (", "log = { sessions = \"some\"; };\nzones = (", "log.sessions", "expected one of"),
	PATCH("log_server_is_a_name", "zones = (", "log = { syslog = { server = \"loghost\"; }; };\nzones = (", "log.syslog.server", "\"loghost\" is no address"),
	PATCH("log_collector_out_of_range", "zones = (", "log = { ipfix = { collector = \"10.0.0.256\"; }; };\nzones = (", "log.ipfix.collector", "is no address"),
	PATCH("log_rate_of_zero", "zones = (", "log = { syslog = { rate = 0; }; };\nzones = (", "log.syslog.rate", "0 is out of range"),
	/* routes */
	PATCH("route_host_bits", "0.0.0.0/0", "10.9.0.1/16", "routes[0].prefix", "has host bits set"),
	PATCH("route_without_length", "0.0.0.0/0", "0.0.0.0", "routes[0].prefix", "has no prefix length"),
	PATCH("route_without_via", " " VIA ";", "", "routes[0].via", "is missing"),
	PATCH("route_via_unreachable", VIA, "via = \"9.9.9.9\"", "routes[0].via", "9.9.9.9 is not reachable"),
	PATCH("route_via_ourselves", VIA, "via = \"200.1.1.2\"", "routes[0].via", "is our own address"),
	PATCH("route_via_broadcast", VIA, "via = \"200.1.1.255\"", "routes[0].via", "broadcast address"),
	PATCH("route_via_the_heartbeat", VIA, "via = \"10.10.0.2\"", "routes[0].via", "leads to the heartbeat interface"),
	PATCH_AT("route_twice", VIA "; }", VIA "; },\n { prefix = \"0.0.0.0/0\"; via = \"10.1.1.9\"; }", "routes[1].prefix", "has a route in line 23", "prefix"),
	PATCH("route_to_a_connected_subnet", "0.0.0.0/0", "10.1.1.0/24", "routes[0].prefix", "is the subnet of interface GigabitEthernet1/0/1"),
	PATCH_AT("route6_host_bits", V6_OLD, V6_NEW "{ prefix = \"2001:db8:5::1/64\"; via = \"2001:db8:200::fe\"; },", "routes[0].prefix", "has host bits set", "prefix"),
	PATCH_AT("route6_of_two_families", V6_OLD, V6_NEW "{ prefix = \"2001:db8:5::/64\"; via = \"200.1.1.254\"; },", "routes[0].via", "another family than the prefix, expected an IPv6", "via"),
	PATCH_AT("route_ipv4_via_ipv6", V6_OLD, V6_NEW "{ prefix = \"10.9.0.0/16\"; via = \"2001:db8:200::fe\"; },", "routes[0].via", "expected an IPv4 address", "via"),
	PATCH_AT("route6_via_unreachable", V6_OLD, V6_NEW "{ prefix = \"::/0\"; via = \"2001:db8:999::1\"; },", "routes[0].via", "2001:db8:999::1 is not reachable", "via"),
	PATCH_AT("route6_via_ourselves", V6_OLD, V6_NEW "{ prefix = \"::/0\"; via = \"2001:db8:200::2\"; },", "routes[0].via", "is our own address on GigabitEthernet1/0/3", "via"),
	PATCH_AT("route6_via_our_link_local", V6_OLD, V6_NEW "{ prefix = \"::/0\"; via = \"fe80::2\"; interface = \"GigabitEthernet1/0/3\"; },", "routes[0].via", "is our own address", "via"),
	PATCH_AT("route6_via_anycast", V6_OLD, V6_NEW "{ prefix = \"::/0\"; via = \"2001:db8:200::\"; },", "routes[0].via", "subnet-router anycast", "via"),
	PATCH_AT("route6_link_local_without_interface", V6_OLD, V6_NEW "{ prefix = \"::/0\"; via = \"fe80::1\"; },", "routes[0].interface", "is missing, expected the interface", "{ prefix = \"::/0"),
	PATCH_AT("route6_link_local_where_no_ipv6_is", V6_OLD, V6_NEW "{ prefix = \"::/0\"; via = \"fe80::1\"; interface = \"GigabitEthernet1/0/1\"; },", "routes[0].via", "is not reachable by GigabitEthernet1/0/1", "via"),
	PATCH_AT("route6_interface_unknown", V6_OLD, V6_NEW "{ prefix = \"::/0\"; via = \"fe80::1\"; interface = \"GigabitEthernet1/0/9\"; },", "routes[0].interface", "unknown interface", "interface = \"GigabitEthernet1/0/9"),
	PATCH_AT("route6_multicast", V6_OLD, V6_NEW "{ prefix = \"ff05::/16\"; via = \"2001:db8:200::fe\"; },", "routes[0].prefix", "link-local or multicast", "prefix"),
	PATCH_AT("route6_link_local_network", V6_OLD, V6_NEW "{ prefix = \"fe80::/64\"; via = \"2001:db8:200::fe\"; },", "routes[0].prefix", "link-local or multicast", "prefix"),
	PATCH_AT("route6_to_a_connected_subnet", V6_OLD, V6_NEW "{ prefix = \"2001:db8:200::/64\"; via = \"2001:db8:200::fe\"; },", "routes[0].prefix", "is the subnet of interface GigabitEthernet1/0/3", "prefix = \"2001:db8:200::/64"),
	PATCH_AT("route6_twice", V6_OLD, V6_NEW "{ prefix = \"::/0\"; via = \"2001:db8:200::fe\"; },\n { prefix = \"::/0\"; via = \"2001:db8:200::fd\"; },", "routes[1].prefix", "has a route in line 23", "2001:db8:200::fd"),
	/* security_policy */
	PATCH("policy_default_unknown", "default = \"deny\"", "default = \"drop\"", "security_policy.default", "expected one of \"deny\", \"permit\""),
	PATCH_AT("rule_name_twice", "  rules = (\n", "  rules = ( { name = \"out\"; action = \"deny\"; },\n", RULE ".name", "taken by the item in line 26", "    {"),
	PATCH_LINE("rule_without_action", "      action = \"permit\"; }", "      }", RULE ".action", "is missing, expected one of", 27),
	PATCH("rule_without_name", "name = \"out\"; ", "", "security_policy.rules[0].name", "is missing"),
	PATCH("rule_source_zone_unknown", "[ \"trust\" ]", "[ \"dmz\", \"inside\" ]", RULE ".source_zones[1]", "unknown zone \"inside\""),
	PATCH("rule_destination_zone_unknown", "[ \"untrust\" ]", "[ \"outside\" ]", RULE ".destination_zones[0]", "unknown zone \"outside\""),
	PATCH("rule_zone_not_in_an_array", "[ \"trust\" ]", "\"trust\"", RULE ".source_zones", "is a string, expected strings"),
	PATCH("rule_address_host_bits", "10.1.1.0/24", "10.1.1.9/24", RULE ".source_addresses[0]", "has host bits set"),
	PATCH("rule_address_host_bits_of_ipv6", "10.1.1.0/24", "2001:db8::1/32", RULE ".source_addresses[0]", "has host bits set"),
	PATCH("rule_address_length_too_long", "10.1.1.0/24", "10.1.1.0/33", RULE ".source_addresses[0]", "has no prefix length in range"),
	PATCH("rule_address_length_of_ipv6_too_long", "10.1.1.0/24", "2001:db8::/129", RULE ".source_addresses[0]", "has no prefix length in range"),
	PATCH("rule_address_range_of_two_families", "10.1.1.0/24", "10.1.1.1-2001:db8::1", RULE ".source_addresses[0]", "has a last address of another family"),
	PATCH("rule_address_range_turned_round", "10.1.1.0/24", "10.1.1.9-10.1.1.8", RULE ".source_addresses[0]", "ends before it begins"),
	PATCH("rule_address_range_of_ipv6_turned_round", "10.1.1.0/24", "2001:db8::9-2001:db8::8", RULE ".source_addresses[0]", "ends before it begins"),
	PATCH("rule_address_no_address", "10.1.1.0/24", "10.1.1", RULE ".source_addresses[0]", "is no address, prefix or range"),
	PATCH("rule_address_with_a_tail", "10.1.1.0/24", "10.1.1.0/24x", RULE ".source_addresses[0]", "has no prefix length in range"),
	PATCH("rule_named_default", "name = \"out\"; ", "name = \"default\"; ", "security_policy.rules[default].name", "the name of what no rule matches"),
	PATCH_AT("rule_name_with_the_id_of_another", "  rules = (\n", "  rules = ( { name = \"rule949058\"; action = \"deny\"; }, { name = \"rule1026336\"; action = \"deny\"; },\n", "security_policy.rules[rule1026336].name", "the same id as rule rule949058", "rule1026336"),
	PATCH("rule_protocol_unknown", "\"udp\"", "\"upd\"", RULE ".services[1].protocol", "unknown word \"upd\""),
	PATCH("rule_protocol_by_name_and_number", "\"udp\";", "\"udp\"; protocol_number = 17;", RULE ".services[1].protocol_number", "only one of the two"),
	PATCH("rule_protocol_number_out_of_range", "protocol = \"udp\"", "protocol_number = 256", RULE ".services[1].protocol_number", "256 is out of range"),
	PATCH("rule_ports_for_a_protocol_without_ports", "\"icmp\";", "\"icmp\"; destination_port = \"80\";", RULE ".services[2].destination_port", "protocol without ports"),
	PATCH("rule_ports_for_any_protocol", "protocol = \"udp\";", "source_port = \"80\";", RULE ".services[1].source_port", "protocol without ports"),
	PATCH("rule_port_range_turned_round", "1-65535", "443-80", RULE ".services[0].destination_port", "not a port or a range from low to high"),
	PATCH("rule_port_too_large", "1-65535", "1-65536", RULE ".services[0].destination_port", "expected a port or range 0 to 65535"),
	PATCH("rule_port_as_number", "\"1-65535\"", "80", RULE ".services[0].destination_port", "is an integer, expected a port or range"),
	/* objects */
	PATCH("address_set_empty", "zones = (", "address_sets = ( { name = \"a\"; } ); zones = (", "address_sets[a]", "is empty, expected at least one address or set"),
	PATCH("address_set_twice", "zones = (", "address_sets = ( { name = \"a\"; addresses = [ \"1.1.1.1\" ]; }, { name = \"a\"; addresses = [ \"1.1.1.1\" ]; } ); zones = (", "address_sets[a].name", "is taken by the item"),
	PATCH("address_set_of_an_unknown_set", "zones = (", "address_sets = ( { name = \"a\"; sets = [ \"b\" ]; } ); zones = (", "address_sets[a].sets[0]", "\"b\" is unknown"),
	PATCH("address_set_in_itself", "zones = (", "address_sets = ( { name = \"a\"; sets = [ \"a\" ]; } ); zones = (", "address_sets[a].sets[0]", "\"a\" leads back to this set, expected no loop"),
	PATCH("address_set_in_a_loop", "zones = (", "address_sets = ( { name = \"a\"; sets = [ \"b\" ]; }, { name = \"b\"; addresses = [ \"1.1.1.1\" ]; sets = [ \"c\" ]; }, { name = \"c\"; sets = [ \"d\", \"a\" ]; }, { name = \"d\"; addresses = [ \"1.1.1.2\" ]; } ); zones = (", "address_sets[c].sets[1]", "\"a\" leads back"),
	PATCH("address_set_no_address", "zones = (", "address_sets = ( { name = \"a\"; addresses = [ \"10.0.0.0/8\", \"x\" ]; } ); zones = (", "address_sets[a].addresses[1]", "is no address, prefix or range"),
	PATCH("service_set_empty", "zones = (", "service_sets = ( { name = \"a\"; } ); zones = (", "service_sets[a]", "is empty, expected at least one service or set"),
	PATCH("service_set_with_a_predefined_name", "zones = (", "service_sets = ( { name = \"http\"; services = ( { protocol = \"tcp\"; } ); } ); zones = (", "service_sets[http].name", "is predefined, expected a name of its own"),
	PATCH("service_set_of_an_unknown_set", "zones = (", "service_sets = ( { name = \"a\"; sets = [ \"http\", \"htttp\" ]; } ); zones = (", "service_sets[a].sets[1]", "\"htttp\" is unknown"),
	PATCH("service_set_in_itself", "zones = (", "service_sets = ( { name = \"a\"; sets = [ \"b\" ]; }, { name = \"b\"; sets = [ \"a\" ]; } ); zones = (", "service_sets[b].sets[0]", "leads back"),
	PATCH("service_set_ports_without_a_protocol", "zones = (", "service_sets = ( { name = \"a\"; services = ( { destination_port = \"80\"; } ); } ); zones = (", "service_sets[a].services[0].destination_port", "protocol without ports"),
	PATCH("icmp_type_of_tcp", "zones = (", "service_sets = ( { name = \"a\"; services = ( { protocol = \"tcp\"; icmp_type = 8; } ); } ); zones = (", "service_sets[a].services[0].icmp_type", "for another protocol"),
	PATCH("icmp_code_without_a_type", "zones = (", "service_sets = ( { name = \"a\"; services = ( { protocol = \"icmp\"; icmp_code = 0; } ); } ); zones = (", "service_sets[a].services[0].icmp_code", "stands without icmp_type"),
	PATCH("icmp_type_out_of_range", "zones = (", "service_sets = ( { name = \"a\"; services = ( { protocol = \"icmpv6\"; icmp_type = 256; } ); } ); zones = (", "service_sets[a].services[0].icmp_type", "256 is out of range"),
	PATCH("schedule_empty", "zones = (", "schedules = ( { name = \"a\"; } ); zones = (", "schedules[a]", "is empty, expected at least one element"),
	PATCH("schedule_day_unknown", "zones = (", "schedules = ( { name = \"a\"; periods = ( { days = [ \"mon\", \"day\" ]; from = \"08:00\"; to = \"18:00\"; } ); } ); zones = (", "schedules[a].periods[0].days[1]", "unknown day \"day\""),
	PATCH("schedule_hour_24", "zones = (", "schedules = ( { name = \"a\"; periods = ( { from = \"24:00\"; to = \"18:00\"; } ); } ); zones = (", "schedules[a].periods[0].from", "is no time of day"),
	PATCH("schedule_minute_60", "zones = (", "schedules = ( { name = \"a\"; periods = ( { from = \"08:60\"; to = \"18:00\"; } ); } ); zones = (", "schedules[a].periods[0].from", "is no time of day"),
	PATCH("schedule_past_midnight", "zones = (", "schedules = ( { name = \"a\"; periods = ( { from = \"08:00\"; to = \"24:01\"; } ); } ); zones = (", "schedules[a].periods[0].to", "is no time of day"),
	PATCH("schedule_time_not_two_digits", "zones = (", "schedules = ( { name = \"a\"; periods = ( { from = \"8:000\"; to = \"18:00\"; } ); } ); zones = (", "schedules[a].periods[0].from", "is no time of day"),
	PATCH("schedule_of_no_time", "zones = (", "schedules = ( { name = \"a\"; periods = ( { from = \"08:00\"; to = \"08:00\"; } ); } ); zones = (", "schedules[a].periods[0].to", "is when it begins"),
	PATCH("schedule_date_that_is_none", "zones = (", "schedules = ( { name = \"a\"; dates = ( { from = \"2026-02-30 00:00\"; to = \"2026-03-01 00:00\"; } ); } ); zones = (", "schedules[a].dates[0].from", "is none, expected a date"),
	PATCH("schedule_date_without_time", "zones = (", "schedules = ( { name = \"a\"; dates = ( { from = \"2026-02-20 00:00\"; to = \"2026-03-01      \"; } ); } ); zones = (", "schedules[a].dates[0].to", "is none, expected a date"),
	PATCH("schedule_dates_turned_round", "zones = (", "schedules = ( { name = \"a\"; dates = ( { from = \"2026-03-01 00:00\"; to = \"2026-02-28 00:00\"; } ); } ); zones = (", "schedules[a].dates[0].to", "is not after from"),
	PATCH("rule_source_set_unknown", "      action = \"permit\"; }", "      source_sets = [ \"no\" ]; action = \"permit\"; }", RULE ".source_sets[0]", "unknown set \"no\", expected one of the section address_sets"),
	PATCH("rule_destination_set_unknown", "      action = \"permit\"; }", "      destination_sets = [ \"no\" ]; action = \"permit\"; }", RULE ".destination_sets[0]", "unknown set"),
	PATCH("rule_service_set_unknown", "      action = \"permit\"; }", "      service_sets = [ \"http\", \"no\" ]; action = \"permit\"; }", RULE ".service_sets[1]", "expected one of the section service_sets"),
	PATCH("rule_schedule_unknown", "      action = \"permit\"; }", "      schedule = \"no\"; action = \"permit\"; }", RULE ".schedule", "unknown schedule"),
	PATCH("rule_enable_as_number", "      action = \"permit\"; }", "      enable = 1; action = \"permit\"; }", RULE ".enable", "is an integer, expected true or false"),
	/* address translation */
	NAT("nat_as_number", "nat_policy = 1;", "nat_policy", "is an integer, expected a group"),
	PATCH("system_nat_as_number", "memory_mb = 512;", "memory_mb = 512; nat = 1;", "system.nat", "expected true or false"),
	NAT("nat_group_without_addresses", GROUP(""), "nat_address_groups[g].addresses", "is missing"),
	NAT("nat_group_empty", GROUP("addresses = [ ];"), "nat_address_groups[g].addresses", "is empty"),
	NAT("nat_group_mode", GROUP("addresses = [ \"198.51.100.1\" ]; mode = \"nat\";"), "nat_address_groups[g].mode", "expected one of \"pat\", \"no-pat\""),
	NAT("nat_group_twice", "nat_address_groups = ( { name = \"g\"; addresses = [ \"198.51.100.1\" ]; }, { name = \"g\"; addresses = [ \"198.51.100.2\" ]; } );", "nat_address_groups[g].name", "is taken by the item in line 2"),
	NAT("nat_group_ipv6", GROUP("addresses = [ \"198.51.100.1\", \"2001:db8::1\" ];"), "nat_address_groups[g].addresses[1]", "is of IPv6"),
	NAT("nat_group_multicast", GROUP("addresses = [ \"223.255.255.255-224.0.0.1\" ];"), "nat_address_groups[g].addresses[0]", "no host may have"),
	NAT("nat_group_too_large", GROUP("addresses = [ \"198.51.100.0/24\", \"100.64.0.0-100.64.15.0\" ];"), "nat_address_groups[g].addresses[1]", "makes it 4097 addresses, expected at most 4096"),
	NAT("nat_group_too_many_ranges", GROUP("addresses = [ \"1.0.0.1\", \"1.0.0.2\", \"1.0.0.3\", \"1.0.0.4\", \"1.0.0.5\", \"1.0.0.6\", \"1.0.0.7\", \"1.0.0.8\", \"1.0.0.9\", \"1.0.0.10\", \"1.0.0.11\", \"1.0.0.12\", \"1.0.0.13\", \"1.0.0.14\", \"1.0.0.15\", \"1.0.0.16\", \"1.0.0.17\" ];"), "nat_address_groups[g].addresses", "has 17 elements, expected at most 16"),
	NAT("nat_group_block", GROUP("addresses = [ \"198.51.100.1\" ]; block = 300;"), "nat_address_groups[g].block", "300 is no power of two"),
	NAT("nat_group_block_too_small", GROUP("addresses = [ \"198.51.100.1\" ]; block = 32;"), "nat_address_groups[g].block", "expected an integer from 64 to 1024 ports"),
	NAT("nat_group_block_of_no_pat", GROUP("addresses = [ \"198.51.100.1\" ]; mode = \"no-pat\"; block = 256;"), "nat_address_groups[g].block", "is of ports, which no-pat leaves alone"),
	NAT("nat_group_paired_of_no_pat", GROUP("addresses = [ \"198.51.100.1\" ]; mode = \"no-pat\"; paired = true;"), "nat_address_groups[g].paired", "is of ports"),
	NAT("nat_group_mapping_of_no_pat", GROUP("addresses = [ \"198.51.100.1\" ]; mode = \"no-pat\"; mapping = \"endpoint-independent\";"), "nat_address_groups[g].mapping", "is of ports"),
	NAT("nat_group_filtering_of_no_pat", GROUP("addresses = [ \"198.51.100.1\" ]; mode = \"no-pat\"; filtering = \"endpoint-independent\";"), "nat_address_groups[g].filtering", "is of ports"),
	NAT("nat_group_full_cone_of_one_destination", GROUP("addresses = [ \"198.51.100.1\" ]; mapping = \"address-and-port-dependent\"; filtering = \"endpoint-independent\";"), "nat_address_groups[g].filtering", "expected mapping = \"endpoint-independent\" with it"),
	NAT("nat_group_overlaps_itself", GROUP("addresses = [ \"198.51.100.1-198.51.100.9\", \"198.51.100.9\" ];"), "nat_address_groups[g].addresses[1]", "overlaps nat_address_groups[g].addresses[0] in line 2"),
	NAT_NEXT("nat_group_overlaps_another", "nat_address_groups = ( { name = \"g\"; addresses = [ \"198.51.100.1-198.51.100.9\" ]; },\n{ name = \"h\"; addresses = [ \"198.51.100.0-198.51.100.1\" ]; mode = \"no-pat\"; } );", "nat_address_groups[h].addresses[0]", "overlaps nat_address_groups[g].addresses[0] in line 2"),
	NAT("nat_group_on_an_interface", GROUP("addresses = [ \"200.1.1.2\" ];"), "nat_address_groups[g].addresses[0]", "has the address of interface GigabitEthernet1/0/3, expected others, or a rule with easy_ip = true"),
	NAT("nat_group_on_a_broadcast_address", GROUP("addresses = [ \"200.1.1.250-200.1.1.255\" ];"), "nat_address_groups[g].addresses[0]", "has the network or broadcast address of GigabitEthernet1/0/3"),
	NAT("nat_group_on_a_network_address", GROUP("addresses = [ \"10.1.1.0/31\" ];"), "nat_address_groups[g].addresses[0]", "has the network or broadcast address of GigabitEthernet1/0/1's subnet"),
	NAT("P34_nat_group_on_a_virtual_address", GROUP("vrid = 2; addresses = [ \"200.1.1.1\" ];"), "nat_address_groups[g].addresses[0]", "has the virtual address of line 37, expected others, or a rule with easy_ip = true"),
	NAT("P34_nat_group_without_a_vrid", GROUP("addresses = [ \"200.1.1.10-200.1.1.19\" ];"), "nat_address_groups[g].vrid", "is missing: the addresses are in a subnet of GigabitEthernet1/0/3, which has VRRP groups, expected the vrid of one, such as 2"),
	NAT("P34_nat_group_of_another_vrid", GROUP("vrid = 1; addresses = [ \"200.1.1.10-200.1.1.19\" ];"), "nat_address_groups[g].vrid", "1 is no VRRP group of GigabitEthernet1/0/3, in whose subnet the addresses are, expected one of its groups"),
	NAT("P34_nat_group_where_no_vrid_is", GROUP("vrid = 1; addresses = [ \"10.10.0.5\" ];"), "nat_address_groups[g].vrid", "1 is no VRRP group of GigabitEthernet1/0/2, in whose subnet the addresses are, expected none"),
	NAT("P34_nat_group_beyond_any_subnet", GROUP("vrid = 1; addresses = [ \"198.51.100.1\" ];"), "nat_address_groups[g].vrid", "in no connected subnet"),
	NAT("nat_group_vrid_256", GROUP("vrid = 256; addresses = [ \"198.51.100.1\" ];"), "nat_address_groups[g].vrid", "256 is out of range"),
	NAT("nat_rule_without_an_action", RULES(""), "nat_policy.rules[r].action", "is missing"),
	NAT("nat_rule_unknown_action", RULES("action = \"permit\";"), "nat_policy.rules[r].action", "expected one of \"no-nat\", \"source-nat\""),
	NAT("nat_rule_to_nowhere", RULES("action = \"source-nat\";"), "nat_policy.rules[r].action", "expected address_group or easy_ip = true"),
	NAT("nat_rule_to_two", RULES("action = \"source-nat\"; address_group = \"g\"; easy_ip = true;"), "nat_policy.rules[r].easy_ip", "expected one of them"),
	NAT("nat_rule_unknown_group", RULES("action = \"source-nat\"; address_group = \"h\";"), "nat_policy.rules[r].address_group", "unknown group \"h\""),
	NAT("nat_rule_no_nat_to_a_group", RULES("action = \"no-nat\"; address_group = \"g\";"), "nat_policy.rules[r].address_group", "expected it with action = \"source-nat\" only"),
	NAT("nat_rule_no_nat_easy_ip", RULES("action = \"no-nat\"; easy_ip = true;"), "nat_policy.rules[r].easy_ip", "expected it with action = \"source-nat\" only"),
	NAT("nat_rule_unknown_zone", RULES("action = \"no-nat\"; source_zones = [ \"moon\" ];"), "nat_policy.rules[r].source_zones[0]", "unknown zone \"moon\""),
	NAT("nat_rule_unknown_set", RULES("action = \"no-nat\"; destination_sets = [ \"nowhere\" ];"), "nat_policy.rules[r].destination_sets[0]", "unknown set \"nowhere\", expected one of the section address_sets"),
	NAT("nat_rule_unknown_service", RULES("action = \"no-nat\"; service_sets = [ \"none\" ];"), "nat_policy.rules[r].service_sets[0]", "unknown set \"none\", expected one of the section service_sets"),
	NAT("nat_rule_service_without_ports", RULES("action = \"no-nat\"; services = ( { protocol = \"icmp\"; destination_port = \"1\"; } );"), "nat_policy.rules[r].services[0].destination_port", "expected"),
	NAT("nat_rule_schedule", RULES("action = \"no-nat\"; schedule = \"work\";"), "nat_policy.rules[r].schedule", "unknown setting"),
	NAT("nat_rule_default", "nat_policy = { rules = ( { name = \"default\"; action = \"no-nat\"; } ); };", "nat_policy.rules[default].name", "is the name of what no rule matches"),
	NAT("nat_rule_twice", "nat_policy = { rules = ( { name = \"r\"; action = \"no-nat\"; }, { name = \"r\"; action = \"no-nat\"; } ); };", "nat_policy.rules[r].name", "is taken by the item in line 2"),
	NAT("nat_server_without_a_port", SERVERS(SERVER("s", "protocol = \"tcp\"; public_address = \"198.51.100.9\"; " ONE)), "nat_servers[s].public_port", "is missing, expected a port or range"),
	NAT("nat_server_port_0", SERVERS(SERVER("s", "protocol = \"udp\"; public_address = \"198.51.100.9\"; public_port = \"0-5\"; " ONE)), "nat_servers[s].public_port", "begins with 0"),
	NAT("nat_server_any_with_a_port", SERVERS(SERVER("s", "protocol = \"any\"; public_address = \"198.51.100.9\"; public_port = \"80\"; " ONE)), "nat_servers[s].public_port", "expected none with protocol = \"any\""),
	NAT("nat_server_any_with_an_inside_port", SERVERS(SERVER("s", "protocol = \"any\"; public_address = \"198.51.100.9\"; inside_port = 80; " ONE)), "nat_servers[s].inside_port", "expected none with protocol = \"any\""),
	NAT("nat_server_other_protocol", SERVERS(SERVER("s", "protocol = \"sctp\"; public_address = \"198.51.100.9\"; " ONE)), "nat_servers[s].protocol", "expected one of \"any\", \"tcp\", \"udp\""),
	NAT("nat_server_inside_port_too_high", SERVERS(SERVER("s", "protocol = \"tcp\"; public_address = \"198.51.100.9\"; public_port = \"80-89\"; inside_port = 65527; " ONE)), "nat_servers[s].inside_port", "65527 is too high for 10 ports, expected at most 65526"),
	NAT("nat_server_without_a_host", SERVERS(SERVER("s", WEB)), "nat_servers[s].inside_addresses", "is missing"),
	NAT("nat_server_17_hosts", SERVERS(SERVER("s", WEB "inside_addresses = [ \"10.1.1.16/28\", \"10.1.1.80\" ];")), "nat_servers[s].inside_addresses[1]", "makes it 17 servers, expected at most 16"),
	NAT("nat_server_ipv6", SERVERS(SERVER("s", WEB "inside_addresses = [ \"2001:db8::1\" ];")), "nat_servers[s].inside_addresses[0]", "is of IPv6"),
	NAT("nat_server_multicast", SERVERS(SERVER("s", WEB "inside_addresses = [ \"224.0.0.1\" ];")), "nat_servers[s].inside_addresses[0]", "no host may have"),
	NAT("nat_server_is_itself", SERVERS(SERVER("s", WEB "inside_addresses = [ \"198.51.100.8-198.51.100.10\" ];")), "nat_servers[s].inside_addresses[0]", "has the public address"),
	NAT("nat_server_is_the_firewall", SERVERS(SERVER("s", WEB "inside_addresses = [ \"10.1.1.2\" ];")), "nat_servers[s].inside_addresses[0]", "has our own address on GigabitEthernet1/0/1"),
	NAT("nat_server_for_nobody", SERVERS(SERVER("s", WEB ONE "zones = [ \"trust\", \"local\" ];")), "nat_servers[s].zones[1]", "\"local\" is no zone that packets come from"),
	NAT("nat_server_twice", SERVERS(SERVER("s", WEB ONE) ", " SERVER("t", WEB ONE)), "nat_servers[t].public_port", "is taken by server s in line 2, expected another or zones that have nothing in common"),
	NAT("nat_server_same_name", SERVERS(SERVER("s", WEB ONE) ", " SERVER("s", WEB ONE)), "nat_servers[s].name", "is taken by the item in line 2"),
	NAT("nat_server_zones_overlap", SERVERS(SERVER("s", WEB ONE "zones = [ \"trust\", \"dmz\" ];") ", " SERVER("t", WEB ONE "zones = [ \"dmz\" ];")), "nat_servers[t].public_port", "is taken by server s"),
	NAT("nat_server_ports_overlap", SERVERS(SERVER("s", WEB ONE "zones = [ \"trust\" ];") ", " SERVER("t", "protocol = \"tcp\"; public_address = \"198.51.100.9\"; public_port = \"80-81\"; zones = [ \"dmz\" ]; " ONE)), "nat_servers[t].public_port", "expected others, or the same for other zones"),
	NAT("nat_server_any_twice", SERVERS(SERVER("s", "protocol = \"any\"; public_address = \"198.51.100.9\"; " ONE) ", " SERVER("t", "protocol = \"any\"; public_address = \"198.51.100.9\"; " ONE)), "nat_servers[t].public_address", "is taken by server s"),
	NAT("nat_server_any_on_an_interface", SERVERS(SERVER("s", "protocol = \"any\"; public_address = \"200.1.1.2\"; " ONE)), "nat_servers[s].public_address", "expected protocol tcp or udp"),
	NAT("P34_nat_server_any_on_a_virtual_address", SERVERS(SERVER("s", "protocol = \"any\"; public_address = \"200.1.1.1\"; vrid = 2; " ONE)), "nat_servers[s].public_address", "has the virtual address of line 37, expected protocol tcp or udp"),
	NAT("P34_nat_server_without_a_vrid", SERVERS(SERVER("s", "protocol = \"any\"; public_address = \"200.1.1.9\"; " ONE)), "nat_servers[s].vrid", "is missing"),
	NAT("P34_nat_server_on_another_vrid", SERVERS(SERVER("s", "protocol = \"tcp\"; public_port = \"80\"; public_address = \"200.1.1.1\"; vrid = 1; " ONE)), "nat_servers[s].vrid", "1 is not that of the address, which is a virtual one"),
	NAT("P34_nat_server_on_an_interface_with_a_vrid", SERVERS(SERVER("s", "protocol = \"tcp\"; public_port = \"80\"; public_address = \"200.1.1.2\"; vrid = 2; " ONE)), "nat_servers[s].vrid", "2 is not that of the address, which is an interface's own"),
	NAT("P34_nat_servers_of_two_vrids", SERVERS(SERVER("s", WEB ONE) ", " SERVER("t", "protocol = \"udp\"; public_port = \"80\"; public_address = \"198.51.100.9\"; vrid = 2; " ONE)), "nat_servers[t].vrid", "is 2, but the same address has vrid 0 in line 2"),
	NAT_NEXT("P34_nat_server_and_group_of_two_vrids", GROUP("addresses = [ \"200.1.1.9\" ]; vrid = 2;") "\n" SERVERS(SERVER("s", "protocol = \"udp\"; public_port = \"80\"; public_address = \"200.1.1.9\"; " ONE)), "nat_servers[s].vrid", "is 0, but the same address has vrid 2 in line 2"),
	NAT_NEXT("nat_server_in_a_no_pat_group", GROUP("addresses = [ \"198.51.100.9\" ]; mode = \"no-pat\";") "\n" SERVERS(SERVER("s", WEB ONE)), "nat_servers[s].public_address", "overlaps nat_address_groups[g].addresses[0] in line 2"),
	NAT("nat_static_lengths", STATICS(STATIC("s", "198.51.100.0/24", "10.2.0.0/16")), "nat_static[s].inside", "expected /24"),
	NAT("nat_static_host_bits", STATICS(STATIC("s", "198.51.100.1/24", "10.2.0.0/24")), "nat_static[s].public", "has host bits set"),
	NAT("nat_static_multicast", STATICS(STATIC("s", "198.51.100.0/24", "224.2.0.0/24")), "nat_static[s].inside", "is no network of hosts"),
	NAT("nat_static_is_itself", STATICS(STATIC("s", "198.51.100.0/24", "198.51.100.0/24")), "nat_static[s].inside", "overlaps the public network"),
	NAT_NEXT("nat_static_overlaps_another", STATICS(STATIC("s", "198.51.100.0/24", "10.2.0.0/24") ",\n" STATIC("t", "198.51.100.128/25", "10.3.0.0/25")), "nat_static[t].public", "overlaps nat_static[s].public in line 2"),
	NAT_NEXT("nat_static_inside_overlaps_another", STATICS(STATIC("s", "198.51.100.0/24", "10.2.0.0/24") ",\n" STATIC("t", "198.51.101.128/25", "10.2.0.0/25")), "nat_static[t].inside", "overlaps that of s"),
	NAT("nat_static_same_name", STATICS(STATIC("s", "198.51.100.0/24", "10.2.0.0/24") ", " STATIC("s", "198.51.101.0/24", "10.3.0.0/24")), "nat_static[s].name", "is taken by the item in line 2"),
	NAT_NEXT("nat_static_public_is_inside", STATICS(STATIC("s", "198.51.100.0/24", "10.2.0.0/24") ",\n" STATIC("t", "10.2.0.128/25", "10.3.0.0/25")), "nat_static[t].public", "overlaps the inside network of nat_static[s] in line 2"),
	NAT_NEXT("nat_static_and_a_group", POOL "\n" STATICS(STATIC("s", "198.51.100.0/24", "10.2.0.0/24")), "nat_static[s].public", "overlaps nat_address_groups[g].addresses[0] in line 2"),
	NAT_NEXT("nat_static_and_a_server", SERVERS(SERVER("s", WEB ONE)) "\n" STATICS(STATIC("s", "198.51.100.0/24", "10.2.0.0/24")), "nat_static[s].public", "overlaps nat_servers[s].public_address in line 2"),
	NAT("nat_static_on_an_interface", STATICS(STATIC("s", "200.1.1.0/24", "10.2.0.0/24")), "nat_static[s].public", "has the address of interface GigabitEthernet1/0/3"),
	NAT("nat_static_on_a_next_hop", STATICS(STATIC("s", "200.1.1.254/32", "10.2.0.1/32")), "nat_static[s].public", "has the next hop of the route in line 24"),
	NAT("P34_nat_static_without_a_vrid", STATICS(STATIC("s", "200.1.1.8/29", "10.2.0.0/29")), "nat_static[s].vrid", "is missing"),
	NAT("nat64_ipv4", NAT64(SIXTY("s", "10.0.0.0/8", "")), "nat64[s].prefix", "it is of IPv4, expected an IPv6 prefix"),
	NAT("RFC6052_2_2_nat64_length", NAT64(SIXTY("s", "2001:db8::/80", "")), "nat64[s].prefix", "the length must be 32, 40, 48, 56, 64 or 96"),
	NAT("nat64_host_bits", NAT64(SIXTY("s", "2001:db8::1/96", "")), "nat64[s].prefix", "has host bits set"),
	NAT("RFC6052_2_2_nat64_bits_64_to_71", NAT64(SIXTY("s", "2001:db8:0:0:100::/96", "")), "nat64[s].prefix", "bits 64 to 71 must be 0"),
	NAT("nat64_multicast", NAT64(SIXTY("s", "ff0e::/96", "")), "nat64[s].prefix", "no host has such addresses"),
	NAT("nat64_without_a_group", "nat64 = ( { name = \"s\"; prefix = \"64:ff9b::/96\"; } );", "nat64[s].address_group", "is missing"),
	NAT("nat64_unknown_group", "nat64 = ( " SIXTY("s", "64:ff9b::/96", "") " );", "nat64[s].address_group", "\"g\" is not there, expected one of nat_address_groups"),
	NAT("nat64_no_pat", GROUP("addresses = [ \"198.51.100.1\" ]; mode = \"no-pat\";") "nat64 = ( " SIXTY("s", "64:ff9b::/96", "") " );", "nat64[s].address_group", "leaves ports alone"),
	NAT("nat64_full_cone", GROUP("addresses = [ \"198.51.100.1\" ]; filtering = \"endpoint-independent\";") "nat64 = ( " SIXTY("s", "64:ff9b::/96", "") " );", "nat64[s].address_group", "lets anybody send to its mappings"),
	NAT("nat64_for_nobody", NAT64(SIXTY("s", "64:ff9b::/96", "zones = [ \"trust\", \"local\" ];")), "nat64[s].zones[1]", "\"local\" is no zone that packets come from"),
	NAT("nat64_unknown_zone", NAT64(SIXTY("s", "64:ff9b::/96", "zones = [ \"moon\" ];")), "nat64[s].zones[0]", "\"moon\" is no zone"),
	NAT("nat64_same_name", NAT64(SIXTY("s", "64:ff9b::/96", "") ", " SIXTY("s", "2001:db8:64::/96", "")), "nat64[s].name", "is taken by the item in line 2"),
	NAT("nat64_overlap", NAT64(SIXTY("s", "2001:db8:64::/48", "zones = [ \"trust\", \"dmz\" ];") ", " SIXTY("t", "2001:db8:64::/96", "zones = [ \"dmz\" ];")), "nat64[t].prefix", "overlaps that of s, expected another or zones that have nothing in common"),
	NAT("nat64_overlap_of_any_zone", NAT64(SIXTY("s", "2001:db8:64::/48", "zones = [ \"trust\" ];") ", " SIXTY("t", "2001:db8:64::/96", "")), "nat64[t].prefix", "overlaps that of s"),
	/* vrrp */
	PATCH("vrrp_vrid_0", "vrid = 1", "vrid = 0", "vrrp[0].vrid", "0 is out of range, expected an integer from 1 to 255"),
	PATCH("vrrp_vrid_twice_on_an_interface", "vrid = 2; interface = \"GigabitEthernet1/0/3\"; virtual_ip = \"200.1.1.1/24\"", "vrid = 1; interface = \"GigabitEthernet1/0/1\"; virtual_ip = \"10.1.1.7/24\"", "vrrp[1].vrid", "1 is on GigabitEthernet1/0/1 already in line 35"),
	PATCH("vrrp_interface_unknown", "vrid = 1; interface = \"GigabitEthernet1/0/1\"", "vrid = 1; interface = \"GigabitEthernet1/0/9\"", "vrrp[0].interface", "unknown interface"),
	PATCH_LINE("R51_vrrp_interface_without_address", " address = \"10.1.1.2/24\";", "", "vrrp[0].interface", "has no address", 35),
	PATCH("R50_virtual_ip_outside_without_length", VRRP1, "virtual_ip = \"172.16.0.1\"", "vrrp[0].virtual_ip", "outside the subnet of GigabitEthernet1/0/1, expected it with a prefix length"),
	PATCH("virtual_ip_is_the_network", VRRP1, "virtual_ip = \"10.1.1.0\"", "vrrp[0].virtual_ip", "network or broadcast address"),
	PATCH("virtual_ip_is_broadcast", VRRP1, "virtual_ip = \"10.1.1.255/24\"", "vrrp[0].virtual_ip", "network or broadcast address"),
	PATCH("virtual_ip_is_an_own_address", VRRP1, "virtual_ip = \"10.1.1.2/24\"", "vrrp[0].virtual_ip", "is the address of interface GigabitEthernet1/0/1"),
	PATCH("virtual_ip_of_another_interface", VRRP1, "virtual_ip = \"200.1.1.9/24\"", "vrrp[0].virtual_ip", "belongs to the subnet of interface GigabitEthernet1/0/3"),
	PATCH("virtual_ip_is_a_next_hop", "200.1.1.1/24", "200.1.1.254/24", "vrrp[1].virtual_ip", "next hop of the route in line 23"),
	PATCH("virtual_ip_twice", "{ vrid = 2; interface = \"GigabitEthernet1/0/3\"; virtual_ip = \"200.1.1.1/24\"", "{ vrid = 2; interface = \"GigabitEthernet1/0/1\"; virtual_ip = \"10.1.1.1/24\"", "vrrp[1].virtual_ip", "taken by the group in line 35"),
	PATCH("virtual_ip_missing", " " VRRP1 ";", "", "vrrp[0].virtual_ip", "is missing"),
	PATCH6("virtual_ip6_is_ipv4", "virtual_ip6 = \"10.1.1.9\"", "vrrp[0].virtual_ip6", "10.1.1.9 is no IPv6 address"),
	PATCH("virtual_ip6_without_ipv6", VRRP1, VRRP1 "; virtual_ip6 = \"fe80::1\"", "vrrp[0].virtual_ip6", "GigabitEthernet1/0/1 has no address6"),
	PATCH6("virtual_ip6_outside", "virtual_ip6 = \"2001:db8:9::1\"", "vrrp[0].virtual_ip6", "outside the subnets of GigabitEthernet1/0/1"),
	PATCH6("virtual_ip6_is_anycast", "virtual_ip6 = \"2001:db8:1::\"", "vrrp[0].virtual_ip6", "subnet-router anycast"),
	PATCH6("virtual_ip6_is_anycast_of_the_link", "virtual_ip6 = \"fe80::\"", "vrrp[0].virtual_ip6", "subnet-router anycast address of every link"),
	PATCH6("virtual_ip6_is_a_group", "virtual_ip6 = \"ff02::1\"", "vrrp[0].virtual_ip6", "\"ff02::1\" is not such an address"),
	PATCH6("virtual_ip6_is_a_next_hop", "virtual_ip6 = \"2001:db8:1::9\"", "vrrp[0].virtual_ip6", "next hop of the route in line"),
	PATCH6("virtual_ip6_is_an_own_address", "virtual_ip6 = \"2001:db8:1::2\"", "vrrp[0].virtual_ip6", "is the address of interface GigabitEthernet1/0/1"),
	PATCH6("virtual_ip6_is_our_link_local", "virtual_ip6 = \"fe80::2\"", "vrrp[0].virtual_ip6", "is the address of interface GigabitEthernet1/0/1"),
	PATCH6("virtual_ip6_in_a_plain_group", "virtual_ip6 = \"fe80::1\"; group = \"none\" }, { vrid = 9; interface = \"GigabitEthernet1/0/1\"; virtual_ip = \"10.1.1.9\"", "vrrp[0].virtual_ip6", "is set beside virtual_ip in a plain group"),
	PATCH6("virtual_ip6_twice", "virtual_ip6 = \"fe80::1\"; group = \"active\" }, { vrid = 9; interface = \"GigabitEthernet1/0/1\"; virtual_ip = \"10.1.1.9\"; virtual_ip6 = \"fe80::1\"", "vrrp[1].virtual_ip6", "taken by the group in line"),
	PATCH("vrrp_group_unknown", "group = \"active\"", "group = \"master\"", "vrrp[0].group", "expected one of \"none\", \"active\", \"standby\""),
	PATCH_LINE("vrrp_group_without_hrp", "enable = true", "enable = false", "vrrp[0].group", "hrp is off", 35),
	PATCH("R52_priority_in_a_vgmp_group", "group = \"active\";", "group = \"active\"; priority = 120;", "vrrp[0].priority", "decided by the VGMP group"),
	PLAIN("vrrp_without_an_address", "priority = 1", "vrrp[0].virtual_ip", "is missing, expected an address here or in virtual_ip6"),
	PLAIN("vrrp_version_4", VRRP1 "; version = 4", "vrrp[0].version", "4 is out of range"),
	PLAIN("vrrp_advert_of_15_ms", VRRP1 "; version = 3; advert_ms = 15", "vrrp[0].advert_ms", "15 is no multiple of 10"),
	PLAIN("vrrp_advert_of_41_s", VRRP1 "; version = 3; advert_ms = 41000", "vrrp[0].advert_ms", "expected at most 40950"),
	PLAIN("vrrp_advert_of_41_s_over_ipv6", "virtual_ip6 = \"fe80::1\"; advert_ms = 41000", "vrrp[0].advert_ms", "expected at most 40950"),
	PLAIN("R231_password_of_version_3", VRRP1 "; version = 3; password = \"1111\"", "vrrp[0].password", "version 3 has no authentication"),
	PLAIN("R231_password_over_ipv6", "virtual_ip6 = \"fe80::1\"; password = \"1111\"", "vrrp[0].password", "version 3 has no authentication"),
	PLAIN("VRP07_auth_without_keys", VRRP1 "; auth = { type = \"hmac\"; }", "vrrp[0].auth.keys", "are missing, expected at least one"),
	PLAIN("VRP07_auth_keys_without_type", VRRP1 "; auth = { keys = ( { id = 1; secret = \"0123456789abcdef0123456789abcdef\"; } ); }", "vrrp[0].auth.keys", "there is no authentication"),
	PLAIN("VRP07_auth_send_key_without_type", VRRP1 "; auth = { send_key = 1; }", "vrrp[0].auth.send_key", "there is no authentication"),
	PLAIN("VRP07_auth_mode_without_type", VRRP1 "; auth = { mode = \"enforce\"; }", "vrrp[0].auth.mode", "there is no authentication"),
	PLAIN("VRP07_auth_replay_without_type", VRRP1 "; auth = { replay = \"monotonic\"; }", "vrrp[0].auth.replay", "there is no authentication"),
	PLAIN("VRP07_auth_window_s_without_type", VRRP1 "; auth = { window_s = 9; }", "vrrp[0].auth.window_s", "there is no authentication"),
	PLAIN("VRP07_auth_mode_beside_type_none", VRRP1 "; auth = { type = \"none\"; mode = \"enforce\"; }", "vrrp[0].auth.mode", "there is no authentication"),
	{ .rule = "VRP07_auth_mode_in_a_line_of_its_own", .old = VRRP1 "; group = \"active\"", .new = VRRP1 "; auth = {\n  type = \"none\";\n  mode = \"enforce\"; }", .setting = "vrrp[0].auth.mode", .reason = "there is no authentication", .at = "mode =", .ipv6 = true },
	PLAIN("VRP07_auth_short_secret", VRRP1 "; auth = { type = \"hmac\"; keys = ( { id = 1; secret = \"0123456789\"; } ); }", "vrrp[0].auth.keys[0].secret", "is too short"),
	PLAIN("VRP07_auth_secret_of_bad_hex", VRRP1 "; auth = { type = \"hmac\"; keys = ( { id = 1; secret = \"hex:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdeg\"; } ); }", "vrrp[0].auth.keys[0].secret", "no hexadecimal"),
	PLAIN("VRP07_auth_secret_of_half_an_octet", VRRP1 "; auth = { type = \"hmac\"; keys = ( { id = 1; secret = \"hex:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef0\"; } ); }", "vrrp[0].auth.keys[0].secret", "no hexadecimal"),
	PLAIN("VRP07_auth_key_0", VRRP1 "; auth = { type = \"hmac\"; keys = ( { id = 0; secret = \"0123456789abcdef0123456789abcdef\"; } ); }", "vrrp[0].auth.keys[0].id", "0 is out of range"),
	PLAIN("VRP07_auth_key_twice", VRRP1 "; auth = { type = \"hmac\"; keys = ( { id = 1; secret = \"0123456789abcdef0123456789abcdef\"; }, { id = 1; secret = \"0123456789abcdef0123456789abcdef\"; } ); }", "vrrp[0].auth.keys[1].id", "1 is that of the key in line"),
	PLAIN("VRP07_auth_sends_an_unknown_key", VRRP1 "; auth = { type = \"hmac\"; send_key = 2; keys = ( { id = 1; secret = \"0123456789abcdef0123456789abcdef\"; } ); }", "vrrp[0].auth.send_key", "2 is the id of no key"),
	PLAIN("VRP07_auth_window_of_nothing", VRRP1 "; auth = { type = \"hmac\"; replay = \"monotonic\"; window_s = 9; keys = ( { id = 1; secret = \"0123456789abcdef0123456789abcdef\"; } ); }", "vrrp[0].auth.window_s", "no time is looked at"),
	PLAIN("VRP07_auth_beside_a_password", VRRP1 "; password = \"1111\"; auth = { type = \"hmac\"; keys = ( { id = 1; secret = \"0123456789abcdef0123456789abcdef\"; } ); }", "vrrp[0].password", "is set beside auth"),
	PLAIN("R231_password_of_nine", VRRP1 "; password = \"123456789\"", "vrrp[0].password", "has 9 characters"),
	PLAIN("vrrp_checksum_of_version_2", VRRP1 "; checksum = \"plain\"", "vrrp[0].checksum", "is for version 3 over IPv4"),
	PLAIN("vrrp_ttl_check_of_multicast", VRRP1 "; ttl_check = false", "vrrp[0].ttl_check", "expected it with peers only"),
	PLAIN("vrrp_peer_is_a_range", VRRP1 "; peers = [ \"10.1.1.3-10.1.1.4\" ]", "vrrp[0].peers[0]", "is not the address of one host"),
	PLAIN("vrrp_peer_is_ourselves", VRRP1 "; peers = [ \"10.1.1.3\", \"10.1.1.2\" ]", "vrrp[0].peers[1]", "is our own address"),
	PLAIN("vrrp_peer_is_far", VRRP1 "; peers = [ \"10.9.1.3\" ]", "vrrp[0].peers[0]", "is no host in a subnet of GigabitEthernet1/0/1"),
	PLAIN("vrrp_peer_is_broadcast", VRRP1 "; peers = [ \"10.1.1.255\" ]", "vrrp[0].peers[0]", "is no host in a subnet"),
	PLAIN("vrrp_peer_of_the_other_family", VRRP1 "; peers = [ \"fe80::9\" ]", "vrrp[0].peers[0]", "is of a family that the group does not have"),
	PLAIN("vrrp_peers_of_two_kinds", "virtual_ip6 = \"fe80::1\"; peers = [ \"fe80::9\", \"2001:db8:1::9\" ]", "vrrp[0].peers[1]", "expected all of one kind"),
	PATCH6("vrrp_peers_of_both_families", "virtual_ip6 = \"fe80::1\"; peers = [ \"10.1.1.3\" ]", "vrrp[0].peers", "are set in a group of both families"),
	PLAIN("R232_more_is_a_prefix", VRRP1 "; more = [ \"10.1.1.8/30\" ]", "vrrp[0].more[0]", "is not the address of one host"),
	PLAIN("R232_more_of_the_other_family", VRRP1 "; more = [ \"fe80::8\" ]", "vrrp[0].more[0]", "is of a family that the group does not have"),
	PLAIN("R232_more_is_outside", VRRP1 "; more = [ \"10.1.1.8\", \"10.1.2.8\" ]", "vrrp[0].more[1]", "10.1.2.8 is outside the subnets of GigabitEthernet1/0/1"),
	PLAIN("R232_more_twice", VRRP1 "; more = [ \"10.1.1.8\", \"10.1.1.8\" ]", "vrrp[0].more[1]", "taken by the group in line 35"),
	PLAIN("R232_more_is_the_first", VRRP1 "; more = [ \"10.1.1.1\" ]", "vrrp[0].more[0]", "taken by the group in line 35"),
	PLAIN("R232_more_of_another_group", VRRP1 "; more = [ \"10.1.1.8\" ] }, { vrid = 9; interface = \"GigabitEthernet1/0/1\"; virtual_ip = \"10.1.1.8\"", "vrrp[1].virtual_ip", "taken by the group in line 35"),
	PLAIN("RFC9568_5_2_9_ipv6_without_link_local", "virtual_ip6 = \"2001:db8:1::1\"", "vrrp[0].virtual_ip6", "is not link-local, nor is one of more"),
	PLAIN("vrrp_vrid_twice_of_ipv6", "virtual_ip6 = \"fe80::1\" }, { vrid = 1; interface = \"GigabitEthernet1/0/1\"; virtual_ip6 = \"fe80::3\"", "vrrp[1].vrid", "1 is on GigabitEthernet1/0/1 already"),
	PATCH("R38_preempt_delay_in_a_vgmp_group", "group = \"active\";", "group = \"active\"; preempt_delay_s = 5;", "vrrp[0].preempt_delay_s", "decided by the VGMP group"),
	PLAIN("R234_sync_of_an_owner", "virtual_ip = \"10.1.1.2\"; sync = \"g\"", "vrrp[0].sync", "the owner of an address is always master"),
	PATCH("R234_sync_in_a_vgmp_group", "group = \"active\";", "group = \"active\"; sync = \"g\";", "vrrp[0].sync", "decided by the VGMP group"),
	PLAIN("R233_track_of_nothing", VRRP1 "; track = ( { weight = -5; } )", "vrrp[0].track[0].interface", "expected either this, or a destination, or a script"),
	PLAIN("R233_track_of_both", VRRP1 "; track = ( { interface = \"GigabitEthernet1/0/3\"; destination = \"8.8.8.8\"; } )", "vrrp[0].track[0].interface", "expected either this, or a destination"),
	PLAIN("R42_track_of_an_unknown_interface", VRRP1 "; track = ( { interface = \"eth9\"; } )", "vrrp[0].track[0].interface", "unknown interface"),
	PLAIN("R224_track_of_an_unknown_script", VRRP1 "; track = ( { script = \"gw\"; } )", "vrrp[0].track[0].script", "unknown script"),
	PATCH("R224_hrp_track_of_an_unknown_script", TRACK, "track = ( { script = \"gw\"; group = \"active\"; } )", "hrp.track[0].script", "unknown script"),
	PATCH("R224_hrp_track_of_nothing", TRACK, "track = ( { group = \"active\"; } )", "hrp.track[0].interface", "expected either this, or a destination"),
	PATCH("R43_hrp_track_of_a_way_twice", TRACK, "track = ( { destination = \"8.8.8.8\"; group = \"active\"; }, { destination = \"8.8.8.8\"; group = \"active\"; } )", "hrp.track[1].destination", "8.8.8.8 is a member by line"),
	SCRIPT("R224_script_without_a_file", "path = \"/no/such/file\"", "scripts[a].path", "/no: No such file"),
	SCRIPT("R223_script_by_a_relative_path", "path = \"bin/true\"", "scripts[a].path", "not absolute"),
	SCRIPT("R223_script_that_is_a_folder", "path = \"/bin\"", "scripts[a].path", "is no file"),
	SCRIPT("R223_script_that_is_no_program", "path = \"/etc/passwd\"", "scripts[a].path", "not executable"),
	SCRIPT("R223_script_of_an_unknown_user", "path = \"/bin/true\"; user = \"no-such-user-here\"", "scripts[a].user", "there is no user"),
	SCRIPT("R224_script_rise_0", "path = \"/bin/true\"; rise = 0", "scripts[a].rise", "0 is out of range"),
	SCRIPT("R224_script_of_1_ms", "path = \"/bin/true\"; interval_ms = 1", "scripts[a].interval_ms", "1 is out of range"),
	SCRIPT("R224_script_twice", "path = \"/bin/true\"; }, { name = \"a\"; path = \"/bin/true\"", "scripts[a].name", "a"),
	PLAIN("VRP09_weight", VRRP1 "; track = ( { interface = \"GigabitEthernet1/0/3\"; weight = -254; } )", "vrrp[0].track[0].weight", "-254 is out of range"),
	PATCH("R42_track_in_a_vgmp_group", "group = \"active\";", "group = \"active\"; track = ( { interface = \"GigabitEthernet1/0/3\"; } );", "vrrp[0].track", "decided by the VGMP group"),
	PLAIN("R236_garp_count_0", VRRP1 "; garp_count = 0", "vrrp[0].garp_count", "0 is out of range"),
	PATCH("vrrp_advert_of_half_a_second", "group = \"active\";", "group = \"active\"; advert_ms = 1500;", "vrrp[0].advert_ms", "no whole second"),
	/* hrp */
	NAT("hrp_security_key_zero", KEYS("{ id = 0; file = \"/x\"; }"), "hrp_security.keys[0].id", "0 is out of range"),
	NAT("hrp_security_key_without_file", KEYS("{ id = 1; }"), "hrp_security.keys[0].file", "missing"),
	NAT("hrp_security_file_part_of_a_path", KEYS("{ id = 1; file = \"key\"; }"), "hrp_security.keys[0].file", "expected one that begins with /"),
	NAT("hrp_security_no_such_file", KEYS("{ id = 1; file = \"/no/such\"; }"), "hrp_security.keys[0].file", "expected a file with a secret"),
	NAT("hrp_security_not_a_file", KEYS("{ id = 1; file = \"/dev\"; }"), "hrp_security.keys[0].file", "not a regular file"),
	NAT("hrp_security_three_keys", KEYS("{ id = 1; file = \"/x\"; }, { id = 2; file = \"/x\"; }, { id = 3; file = \"/x\"; }"), "hrp_security.keys", "expected"),
	NAT("hrp_security_algorithm", "hrp_security = { algorithm = \"md5\"; };", "hrp_security.algorithm", "expected"),
	NAT("hrp_security_rollout", "hrp_security = { rollout = \"later\"; };", "hrp_security.rollout", "expected"),
	PATCH("hrp_without_a_heartbeat_interface", HB, "", "hrp.interfaces", "expected at least one heartbeat interface"),
	PATCH("heartbeat_interface_unknown", HB, "{ interface = \"GigabitEthernet1/0/7\"; }", "hrp.interfaces[0].interface", "unknown interface"),
	PATCH_LINE("R163_heartbeat_interface_without_address", " address = \"10.10.0.1/24\";", "", "hrp.interfaces[0].interface", "has no address", 40),
	PATCH_AT("heartbeat_interface_twice", HB, HB ",\n    " HB, "hrp.interfaces[1].interface", "listed in line 40 already", "    {"),
	PATCH_AT("heartbeat_interface_with_vrrp", HB, HB ",\n    { interface = \"GigabitEthernet1/0/1\"; }", "hrp.interfaces[1].interface", "has the VRRP group of line 35", "    {"),
	PATCH("heartbeat_interface_tracked", TRACK, "track = ( { interface = \"GigabitEthernet1/0/2\"; group = \"active\"; } )", "hrp.track[0].interface", "is a heartbeat interface"),
	PATCH("R158_remote_outside_the_subnet", HB, "{ interface = \"GigabitEthernet1/0/2\"; remote = \"10.20.0.2\"; }", "hrp.interfaces[0].remote", "outside the subnet of GigabitEthernet1/0/2"),
	PATCH("R158_remote_is_ourselves", HB, "{ interface = \"GigabitEthernet1/0/2\"; remote = \"10.10.0.1\"; }", "hrp.interfaces[0].remote", "our own address"),
	PATCH("R158_remote_is_broadcast", HB, "{ interface = \"GigabitEthernet1/0/2\"; remote = \"10.10.0.255\"; }", "hrp.interfaces[0].remote", "broadcast address"),
	PATCH("integer_past_32_bits", "hello_ms = 1000", "hello_ms = 4294967396", "syntax", "the integer 4294967396 is too large"),
	PATCH("hexadecimal_past_32_bits", "vrid = 1;", "vrid = 0x100000001;", "syntax", "the integer 0x100000001 is too large"),
	PATCH("R158_gateway_is_ourselves", HB, "{ interface = \"GigabitEthernet1/0/2\"; remote = \"10.20.0.2\"; gateway = \"10.10.0.1\"; }", "hrp.interfaces[0].gateway", "our own address"),
	PATCH("R158_gateway_outside_the_subnet", HB, "{ interface = \"GigabitEthernet1/0/2\"; remote = \"10.20.0.2\"; gateway = \"10.30.0.1\"; }", "hrp.interfaces[0].gateway", "expected a router in it"),
	PATCH("R158_gateway_to_a_neighbour", HB, "{ interface = \"GigabitEthernet1/0/2\"; remote = \"10.10.0.2\"; gateway = \"10.10.0.9\"; }", "hrp.interfaces[0].gateway", "expected none here"),
	PATCH("R158_gateway_without_a_remote", HB, "{ interface = \"GigabitEthernet1/0/2\"; gateway = \"10.10.0.9\"; }", "hrp.interfaces[0].gateway", "expected none here"),
	PATCH("R176_heartbeat_only_without_a_remote", HB, "{ interface = \"GigabitEthernet1/0/2\"; }, { interface = \"GigabitEthernet1/0/1\"; heartbeat_only = true; }", "hrp.interfaces[1].heartbeat_only", "set without remote"),
	PATCH("R176_heartbeat_only_alone", HB, "{ interface = \"GigabitEthernet1/0/1\"; heartbeat_only = true; remote = \"10.1.1.3\"; }", "hrp.interfaces", "names none that could carry the mirror"),
	PATCH("R176_heartbeat_only_with_a_gateway", HB, "{ interface = \"GigabitEthernet1/0/1\"; heartbeat_only = true; remote = \"10.20.0.2\"; gateway = \"10.1.1.9\"; }", "hrp.interfaces[0].gateway", "expected none here"),
	PATCH("R176_heartbeat_only_without_a_route", HB, "{ interface = \"GigabitEthernet1/0/1\"; heartbeat_only = true; remote = \"10.20.0.2\"; }", "hrp.interfaces[0].remote", "no route leads to it by that interface"),
	PATCH("gre_with_a_port", "protocol = \"udp\"", "protocol = \"gre\"; source_port = \"9\"", "security_policy.rules[out].services[1].source_port", "without ports"),
	PATCH("R158_remote_with_a_length", HB, "{ interface = \"GigabitEthernet1/0/2\"; remote = \"10.10.0.2/24\"; }", "hrp.interfaces[0].remote", "not such an address"),
	PATCH("hello_too_short", "hello_ms = 1000", "hello_ms = 9", "hrp.hello_ms", "expected an integer from 10 to 60000 ms"),
	PATCH("hello_too_long", "hello_ms = 1000", "hello_ms = 60001", "hrp.hello_ms", "60001 is out of range"),
	PATCH("misses_too_few", "misses = 3", "misses = 1", "hrp.misses", "expected an integer from 2 to 10 hellos"),
	PATCH("misses_too_many", "misses = 3", "misses = 11", "hrp.misses", "11 is out of range"),
	PATCH("R99_preempt_delay_too_long", "preempt_delay_s = 60", "preempt_delay_s = 1801", "hrp.preempt_delay_s", "expected an integer from 0 to 1800 s"),
	PATCH("R174_split_brain_unknown", "preempt = false", "preempt = false; split_brain = \"both\"", "hrp.split_brain", "expected one of \"alarm\", \"yield\""),
	PATCH("preempt_as_number", "preempt = false", "preempt = 1", "hrp.preempt", "expected true or false"),
	PATCH("track_interface_unknown", TRACK, "track = ( { interface = \"eth9\"; group = \"active\"; } )", "hrp.track[0].interface", "unknown interface"),
	PATCH_AT("track_interface_twice", TRACK, "track = ( { interface = \"GigabitEthernet1/0/1\"; group = \"active\"; },\n  { interface = \"GigabitEthernet1/0/1\"; group = \"active\"; } )", "hrp.track[1].interface", "is a member by line 43 already", "  {"),
	PATCH("track_group_none", TRACK, "track = ( { interface = \"GigabitEthernet1/0/1\"; group = \"none\"; } )", "hrp.track[0].group", "expected one of \"active\", \"standby\""),
	PATCH("hrp_interfaces_as_names", HB, "\"GigabitEthernet1/0/2\"", "hrp.interfaces[0]", "is a string, expected a group"),
};
// clang-format on

static char folder[] = "config_broken.XXXXXX";

/* libconfig 1.5 does not free the text of a string that the file does not close. */
const char *__lsan_default_suppressions(void);

const char *
__lsan_default_suppressions(void)
{
	return "leak:strbuf_append";
}

/* => malloc'ed text of the row, *line = where the error is expected */
static char *
patched(const struct broken *row, int *line)
{
	const char *at, *mark;
	size_t size;
	char *text;
	char base[sizeof(sample_config) + 200];

	snprintf(base, sizeof(base), "%s", sample_config);
	if (row->ipv6) {
		static const char address[] = "address = \"10.1.1.2/24\";", routes[] = "routes = (";
		const char *const own = strstr(sample_config, address) + strlen(address);
		const char *const first = strstr(own, routes) + strlen(routes);

		snprintf(base, sizeof(base),
			"%.*s address6 = [ \"2001:db8:1::2/64\" ]; link_local = \"fe80::2\";%.*s "
			"{ prefix = \"2001:db8:5::/64\"; via = \"2001:db8:1::9\"; },%s",
			(int)(own - sample_config), sample_config, (int)(first - own), own, first);
	}
	*line = row->line;
	if (row->old == NULL)
		return strdup(row->new);
	at = strstr(base, row->old);
	assert_non_null(at);
	size = sizeof(base) + strlen(row->new);
	text = calloc(1, size);
	assert_non_null(text);
	snprintf(text, size, "%.*s%s%s", (int)(at - base), base, row->new, at + strlen(row->old));
	if (*line > 0)
		return text;
	mark = text + (at - base);
	if (row->at != NULL)
		mark = strstr(mark, row->at);
	assert_non_null(mark);
	*line = 1;
	for (const char *p = text; p < mark; p++)
		*line += *p == '\n';
	return text;
}

static void
write_file(const char *path, const char *text, size_t size)
{
	FILE *f = fopen(path, "w");

	assert_non_null(f);
	assert_int_equal(fwrite(text, 1, size, f), size);
	assert_int_equal(fclose(f), 0);
}

static void
assert_file(const char *path, const char *text)
{
	char *found = calloc(1, strlen(text) + 2);
	FILE *f = fopen(path, "r");

	assert_non_null(found);
	assert_non_null(f);
	assert_int_equal(fread(found, 1, strlen(text) + 1, f), strlen(text));
	assert_string_equal(found, text);
	fclose(f);
	free(found);
}

/* One printable line "path:line: setting: ... reason ..., expected ...". */
static void
assert_refusal(const char *err, const char *path, int line, const char *setting, const char *reason)
{
	char head[256];

	snprintf(head, sizeof(head), "%s:%d: %s: ", path, line, setting);
	if (strncmp(err, head, strlen(head)) != 0 || strstr(err, reason) == NULL)
		fail_msg("got \"%s\", wanted \"%s ... %s\"", err, head, reason);
	assert_non_null(strstr(err + strlen(head), "expected "));
	for (const char *p = err; *p != '\0'; p++)
		assert_true(*p >= ' ' && *p <= '~');
}

static void
refused(void **state)
{
	const struct broken *row = *state;
	char path[64], err[640] = "", setting[160];
	struct config *good, *again;
	char *text;
	int line;

	snprintf(path, sizeof(path), "%s/%s", folder, "fw.conf");
	good = config_parse(sample_config, "good", sample_sections(), err, sizeof(err));
	assert_string_equal(err, "");
	assert_non_null(good);
	text = patched(row, &line);
	write_file(path, text, strlen(text));
	assert_null(config_load(path, sample_sections(), err, sizeof(err)));
	assert_refusal(err, path, line, row->setting, row->reason);

	/* Nothing else changed: not the file, not the configuration in force. */
	assert_file(path, text);
	again = config_parse(sample_config, "good", sample_sections(), err, sizeof(err));
	assert_false(config_difference(good, again, CONFIG_ALL, setting, sizeof(setting)));
	config_free(again);
	config_free(good);
	free(text);
	unlink(path);
}

static void
sample_itself_is_accepted(void **state)
{
	char err[640] = "";
	struct config *c;

	(void)state;
	c = config_parse(sample_config, "good", sample_sections(), err, sizeof(err));
	assert_string_equal(err, "");
	assert_non_null(c);
	config_free(c);
}

static void
file_that_cannot_be_read(void **state)
{
	static const char nul[] = "version = 1;\nsys\0tem = { };\n";
	char path[64], err[640];

	(void)state;
	snprintf(path, sizeof(path), "%s/none.conf", folder);
	assert_null(config_load(path, sample_sections(), err, sizeof(err)));
	assert_refusal(err, path, 0, "file", "cannot be opened: No such file or directory");
	assert_null(config_load(folder, sample_sections(), err, sizeof(err)));
	assert_refusal(err, folder, 0, "file", "is a directory");
	write_file(path, "", 0);
	assert_null(config_load(path, sample_sections(), err, sizeof(err)));
	assert_refusal(err, path, 0, "file", "is empty");
	write_file(path, nul, sizeof(nul) - 1);
	assert_null(config_load(path, sample_sections(), err, sizeof(err)));
	assert_refusal(err, path, 2, "file", "has a NUL byte");
	assert_int_equal(truncate(path, 100 << 20), 0);
	assert_null(config_load(path, sample_sections(), err, sizeof(err)));
	assert_refusal(err, path, 0, "file", "is larger than 16 MiB");
	unlink(path);
	assert_int_equal(mkfifo(path, 0600), 0);
	assert_null(config_load(path, sample_sections(), err, sizeof(err)));
	assert_refusal(err, path, 0, "file", "is no regular file");
	unlink(path);
	assert_int_equal(symlink("none.conf", path), 0);
	assert_null(config_load(path, sample_sections(), err, sizeof(err)));
	assert_refusal(err, path, 0, "file", "cannot be opened");
	unlink(path);
}

/* Root reads everything: the same as another user. */
static void
file_without_permission(void **state)
{
	char path[64], err[640];
	const uid_t user = geteuid();

	(void)state;
	snprintf(path, sizeof(path), "%s/closed.conf", folder);
	write_file(path, sample_config, sizeof(sample_config) - 1);
	assert_int_equal(chmod(path, 0), 0);
	assert_int_equal(chmod(folder, 0755), 0);
	if (user == 0)
		assert_int_equal(seteuid(65534), 0);
	assert_null(config_load(path, sample_sections(), err, sizeof(err)));
	if (user == 0)
		assert_int_equal(seteuid(0), 0);
	assert_refusal(err, path, 0, "file", "cannot be opened: Permission denied");
	unlink(path);
}

/* Bytes changed, cut out, doubled: accepted, or refused with one printable line. */
static void
any_text_is_accepted_or_refused_with_one_line(void **state)
{
	static char text[2 * sizeof(sample_config)];
	uint64_t random = 88172645463325252;
	unsigned int refusals = 0;

	(void)state;
	for (unsigned int i = 0; i < 5000; i++) {
		char err[640] = "";
		struct config *c;

		memcpy(text, sample_config, sizeof(sample_config));
		for (unsigned int change = 0; change <= i % 4; change++) {
			const size_t len = strlen(text);
			size_t at, n;

			/* xorshift64 */
			random ^= random << 13;
			random ^= random >> 7;
			random ^= random << 17;
			at = random % len;
			n = (random >> 32) % 40;
			n = n < len - at ? n : len - at - 1;
			if ((random >> 60) % 3 == 0)
				text[at] = (char)(1 + (random >> 40) % 255);
			else if ((random >> 60) % 3 == 1)
				memmove(text + at, text + at + n, len + 1 - at - n);
			else if (len + n < sizeof(text))
				memmove(text + at + n, text + at, len + 1 - at);
		}
		c = config_parse(text, "fuzz", sample_sections(), err, sizeof(err));
		if (c == NULL) {
			refusals++;
			assert_non_null(strstr(err, "expected "));
			assert_int_equal(strncmp(err, "fuzz:", 5), 0);
			for (const char *p = err; *p != '\0'; p++)
				assert_true(*p >= ' ' && *p <= '~');
		}
		config_free(c);
	}
	assert_true(refusals > 1000);
}

int
main(void)
{
	enum { COUNT = sizeof(rows) / sizeof(rows[0]) };
	static struct CMUnitTest tests[COUNT + 4] = {
		cmocka_unit_test(sample_itself_is_accepted),
		cmocka_unit_test(file_that_cannot_be_read),
		cmocka_unit_test(file_without_permission),
		cmocka_unit_test(any_text_is_accepted_or_refused_with_one_line),
	};
	int rc;

	static_assert(COUNT >= 60, "at least 60 broken configurations");
	for (unsigned int i = 0; i < COUNT; i++) {
		union {
			const struct broken *row;
			void *state;
		} u = { .row = &rows[i] };

		tests[4 + i] = (struct CMUnitTest){
			.name = rows[i].rule, .test_func = refused, .initial_state = u.state
		};
	}
	if (mkdtemp(folder) == NULL)
		return 1;
	rc = _cmocka_run_group_tests("config_broken", tests, COUNT + 4, NULL, NULL);
	rmdir(folder);
	return rc;
}
