/*
 * Configuration: one libconfig tree, checked and compiled section by section through tables.
 *
 * A section is one file with one struct, one table of settings (name, type, where it goes in the
 * struct, bounds, default, help) and, where a table cannot say it, one check function.  control/
 * and ha/ each list their sections in meson.build; app/ hands both lists to config_load().
 *
 * Every error is one line, "FILE:LINE: SETTING: what is wrong, expected ...", and changes nothing.
 * Management thread only.
 */
#pragma once

#include "alg.h"
#include "defence.h"
#include "ip_addr.h"

#include <libconfig.h>
#include <rte_byteorder.h>

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define CONFIG_VERSION 1

struct config;

enum setting_type {
	SETTING_BOOL,	 /* bool */
	SETTING_INT,	 /* int64_t, min..max */
	SETTING_STRING,	 /* char[size], printable ASCII; min..max = length */
	SETTING_NAME,	 /* the same without blanks and quotes: one word on the console */
	SETTING_ENUM,	 /* int: index in choices */
	SETTING_ADDRESS, /* rte_be32_t, "10.1.1.1", an address a host may have */
	SETTING_PREFIX,	 /* struct config_prefix, host bits must be 0; min..max = length */
	SETTING_HOST,	 /* struct config_prefix, address of a host with its prefix length min..max;
			  * min 0: the length may be left out and is 0 then */
	SETTING_IP,	 /* struct ip_addr, an address a host may have, of either family */
	SETTING_NET,	 /* struct config_net, a prefix of either family, host bits must be 0 */
	SETTING_RANGE,	 /* struct config_range, "80" or "1-1024" */
	SETTING_GROUP,	 /* nested struct, `settings` */
	SETTING_LIST,	 /* struct config_list of nested structs, `settings` and `size` of one */
	SETTING_STRINGS, /* struct config_list of char[size]; min..max = length of each */
	SETTING_PREFIXES, /* struct config_list of struct config_prefix; min..max as SETTING_PREFIX
			   */
	SETTING_SPANS,	/* struct config_list of struct config_span: addresses, prefixes and ranges
			 * of both families */
	SETTING_HOSTS6, /* struct config_list of struct config_net: IPv6 addresses of hosts with
			 * their prefix lengths, min..max; not link-local */
	SETTING_INTS	/* struct config_list of int64_t, each min..max */
};

struct config_prefix {
	rte_be32_t address;
	uint8_t len;
};

/* A network, or a host with the length of its subnet, of either family. */
struct config_net {
	struct ip_addr address; /* family 0 = none */
	uint8_t len;
};

struct config_range {
	uint16_t min, max;
};

/* The addresses first..last of one family. */
struct config_span {
	struct ip_addr first, last;
};

struct config_list {
	void *items;
	uint32_t count;
};

/* One row of a section's table. `offset` is into the struct the row's table belongs to. */
struct config_setting_desc {
	const char *name;
	enum setting_type type;
	size_t offset;
	size_t size;   /* see enum setting_type */
	bool required; /* lists: at least one element */
	bool live;     /* a reload may change it; otherwise it needs a restart */
	int64_t min, max;
	uint32_t max_items;   /* lists; 0 = 65535 */
	const char *fallback; /* default, strings without quotes; NULL = zero, empty or required */
	const char *const *choices;		    /* SETTING_ENUM, NULL-terminated */
	const struct config_setting_desc *settings; /* GROUP, LIST; ends with name NULL */
	const char *unit;			    /* "ms", "MiB", ... or NULL */
	const char *help; /* one sentence: --settings and docs/configuration.md */
};

/* Offset and size of a scalar setting in its struct, for the rows of a table. */
#define SETTING_AT(type, member)                                                                   \
	.offset = offsetof(type, member), .size = sizeof(((type *)NULL)->member)

/* Where an item came from, for errors found by checks: every struct compiled for a SETTING_LIST or
 * section begins with one. */
struct config_origin {
	const char *file;
	int line;
	const char *path;	      /* "interfaces[GigabitEthernet1/0/1]" */
	const config_setting_t *node; /* in the tree; NULL = the section is not in the file */
};

struct config_section {
	const char *name;
	bool replicated; /* R179-R184: replicated to the peer, or local to this box */
	bool required;	 /* must be in the file; a list: with at least one item */
	bool list; /* the section is a list of structs (struct config_list), else one struct */
	uint32_t max_items; /* of a list; 0 = 65535 */
	size_t size;	    /* of one struct; its first member is struct config_origin */
	const struct config_setting_desc *settings;
	/* Cross checks, after every section has been filled; report by config_fail(). */
	int (*check)(struct config *);
	const char *help;
};

/* config_load: read, check and compile a file.
 * => NULL; err holds "FILE:LINE: SECTION.SETTING: reason, expected ...". */
struct config *config_load(
	const char *path, const struct config_section *const *sections, char *err, size_t err_size);
/* The same from memory (tests, replication); `path` only names it in errors. */
struct config *config_parse(const char *text, const char *path,
	const struct config_section *const *sections, char *err, size_t err_size);
void config_free(struct config *);

/* config_section_data: the compiled struct (or struct config_list *) of a section by name. */
const void *config_section_data(const struct config *, const char *section);

/* ---- for check functions ---- */

/* config_section_fill: the same, for what a check completes (a mask left out). */
void *config_section_fill(struct config *, const char *section);
/* config_is_set: is this setting, "name" or "group.name", written in the file, or is it the
 * default?
 */
bool config_is_set(const struct config_origin *, const char *setting);
/* config_unique: no two items may have the same string at `offset`, a char array. => 0 or -EINVAL.
 */
int config_unique(struct config *, const struct config_list *, size_t item_size, size_t offset,
	const char *setting);
/* config_fail: refuse. `setting` NULL = the item itself; "name[2]" = third element of name.
 * => -EINVAL always. Keeps the first error only. The text says what is wrong and ", expected ...".
 */
int config_fail(struct config *, const struct config_origin *, const char *setting, const char *fmt,
	...) __attribute__((format(printf, 4, 5)));

/* ---- */

/* config_reason: the same text for what only a start finds out. */
void config_reason(const struct config_origin *, const char *setting, char *err, size_t err_size,
	const char *fmt, ...) __attribute__((format(printf, 5, 6)));

/* config_save: write the tree to `path` (a symlink: to its target): new file beside it, fsync,
 * rename, fsync of the folder.  Mode and owner stay; a new file gets 0600.
 * => 0 or -errno with a reason; the old or the new file is there, whole, at every moment. */
int config_save(const struct config *, const char *path, char *err, size_t err_size);

/* config_difference: the first setting in which two configurations (of the same sections) differ,
 * among those of `what`. => true and its name in `setting`; false: none. */
enum config_part {
	CONFIG_ALL,
	CONFIG_RESTART,	  /* what a reload must not change */
	CONFIG_REPLICATED /* what both boxes of a pair have in common */
};
bool config_difference(const struct config *, const struct config *, enum config_part what,
	char *setting, size_t size);

/* config_replicated_text: the replicated sections as one document, always in the same order and
 * written in the same way, so that equal ones are equal texts.
 * => malloc'ed, NULL: out of memory. */
char *config_replicated_text(const struct config *);
/* config_merge: the local sections of one box with the replicated ones of such a document; checked
 * as a whole, as if it had been one file.  Neither changes.
 * => NULL with a one-line reason; the lines it names are those of config_save(). */
struct config *config_merge(
	const struct config *local, const char *document, char *err, size_t err_size);

/* config_describe: every setting as Markdown (the reference in docs/configuration.md). */
void config_describe(const struct config_section *const *sections,
	void (*emit)(void *, const char *), void *ctx);

/* ---- what control/'s own sections compile to (sections of ha/: ha/ha_config.h) ---- */

enum idle_mode { IDLE_SLEEP, IDLE_POLL };
/* Segments smaller than this are nobody's wish. */
#define CONFIG_TCP_MSS_MIN 64
#define CONFIG_TCP_MSS_MAX 9216

enum verify_mode { VERIFY_DECIDING, VERIFY_ALL };

/* What a failed self-test means. */
enum self_test_mode { SELF_TEST_OFF, SELF_TEST_WARN, SELF_TEST_HOLD, SELF_TEST_REFUSE };

struct config_system {
	struct config_origin origin;
	char name[32];
	int64_t management_cpu, control_cpu, hrp_cpu; /* CPU numbers */
	struct config_list worker_cpus;		      /* int64_t: one worker each */
	int idle;				      /* enum idle_mode */
	int64_t idle_sleep_us;
	bool realtime; /* with IDLE_SLEEP: SCHED_FIFO for the lcores */
	int64_t memory_mb;
	bool hugepages;
	bool nat; /* also before there is anything to translate */
	int64_t sessions, neighbours, routes, packet_buffers, datagrams, fragment_buffers,
		event_ring;
	bool tcp_loose, tcp_window_check;
	int64_t tcp_mss;      /* 0 = off */
	int verify_checksums; /* enum verify_mode */
	char console_socket[104], json_socket[104];
	char capture_folder[104]; /* "" = none */
	char watchdog[64];	  /* "" = none */
	int64_t watchdog_s;
	int self_test;		/* enum self_test_mode */
	struct config_list eal; /* char[128]: extra EAL arguments */
};

/* Memory that the tables, and so many packet buffers, take: MiB, for checks of system.memory_mb
 * once every section is filled. */
int config_tables_mb(const struct config *);
int config_buffers_mb(int64_t buffers);

#define CONFIG_PORT_NAME 32
#define CONFIG_ZONE_NAME 32

struct config_port {
	struct config_origin origin;
	char name[CONFIG_PORT_NAME];
	char devargs[256];
	int64_t mtu;
	bool promiscuous;
};

struct config_trunk {
	struct config_origin origin;
	char name[CONFIG_PORT_NAME];
	struct config_list members; /* char[CONFIG_PORT_NAME]: names of ports */
	int mode;		    /* enum trunk_mode */
	int hash;		    /* enum trunk_hash */
};

struct config_interface {
	struct config_origin origin;
	char name[48];
	char port[32];
	int64_t vlan;		      /* 0 = untagged */
	struct config_prefix address; /* len 0 = none */
	struct config_list address6;  /* struct config_net, all IPv6 */
	struct ip_addr link_local;    /* family 0: made from the MAC */
	char zone[32];
	int64_t mtu;
	int64_t tcp_mss; /* 0 = as the system's */
	bool ping;
	bool shutdown;
	int reverse_path; /* enum reverse_path */
};

struct config_zone {
	struct config_origin origin;
	char name[32];
	int64_t priority;
};

struct config_route {
	struct config_origin origin;
	struct config_net prefix;
	struct ip_addr via;
	char interface[48]; /* "" = that in whose subnet via is */
};

struct config_blacklist {
	struct config_origin origin;
	struct config_net address;
	int direction; /* enum blacklist_side; BLACKLIST_SIDES = both */
};

/* Of sessions that begin in a zone; 0 = no limit. */
struct config_limit {
	struct config_origin origin;
	char zone[32];
	int64_t source_total, source_half_open, source_rate;
	int64_t source_length, source_length6;
	int64_t total, half_open, rate;
};

struct config_scan {
	struct config_origin origin;
	struct config_list zones; /* char[CONFIG_ZONE_NAME] */
	int64_t ports, hosts, interval, blacklist;
	struct config_list except; /* struct config_span */
};

/* The named defences that can be switched. */
struct config_defence {
	struct config_origin origin;
	bool on[DEFENCE_COUNT];
	bool evict;
	int64_t table_alarm; /* percent, 0 = off */
};

/* Idle seconds; docs/configuration.md */
struct config_ageing {
	struct config_origin origin;
	int64_t tcp_syn, tcp_established, tcp_first_fin, tcp_fin_rst;
	int64_t udp_first, udp, dns, icmp;
	int64_t first, gre, esp, ah, other;
	int64_t sctp_init, sctp, sctp_close;
};

struct config_alg {
	struct config_origin origin;
	bool on[ALG_COUNT]; /* by enum alg_id */
	int64_t sessions;
};

struct config_fragments {
	struct config_origin origin;
	bool forward;
	int64_t timeout_s, per_datagram;
};

struct config_log_syslog {
	char server[48]; /* "" = none */
	int64_t port, rate;
	int facility;
};

struct config_log_ipfix {
	char collector[48]; /* "" = none */
	int64_t port, domain, template_s, rate;
};

struct config_log {
	struct config_origin origin;
	int sessions, denied; /* enum traffic_log_scope */
	struct config_log_syslog syslog;
	struct config_log_ipfix ipfix;
};

/* What the firewall tells senders: fastpath/notice.h */
struct config_icmp {
	struct config_origin origin;
	bool time_exceeded, too_big, unreachable, reject;
	int64_t rate, burst;
};

/* Zones that are always there, by zone id - 1. */
#define CONFIG_BUILTIN_ZONES 4
extern const struct config_zone config_builtin_zones[CONFIG_BUILTIN_ZONES];

/* config_ageing_timeouts: the section `ageing` by enum session_state. */
void config_ageing_timeouts(const struct config *, uint32_t *seconds);

/* config_icmp_notices: the section `icmp` as the workers want it. */
struct notice_settings;
void config_icmp_notices(const struct config *, struct notice_settings *);

/* Zone ids: local 1, trust 2, dmz 3, untrust 4, own zones from 5 in file order. => 0 unknown. */
uint8_t config_zone_id(const struct config *, const char *name);
/* => index of the interface a route leads to (in service or not), -1 none has such a subnet. */
int config_route_interface(const struct config *, const struct config_route *);
/* config_route_count: routes of one family and the subnets of interfaces that go with them.
 * config_route_check_room: does the table hold so many? => 0 or -EINVAL */
uint32_t config_route_count(const struct config *, uint8_t family);
int config_route_check_room(struct config *, uint32_t needed);
/* => index in the interfaces section, -1 unknown.  It is the interface index of the snapshot. */
int config_interface_index(const struct config *, const char *name);
/* Ports and trunks: the ports of section `ports` are 0 and on, then come those of `eth_trunks`;
 * this is the engine's port index.  => -1 unknown. */
int config_port_index(const struct config *, const char *name);
/* => "" for none. */
const char *config_port_name(const struct config *, uint16_t index);
/* The largest IP packet of a port or trunk that exists. */
int64_t config_port_mtu(const struct config *, uint16_t index);
/* The trunk a port is a member of, else the port's own name. */
const char *config_port_user(const struct config *, const char *name);
