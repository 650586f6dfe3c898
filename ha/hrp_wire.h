/*
 * Every HA message, on one page (requirements.md part 3; docs/wire.md has the drawings).
 *
 * A message is: struct ha_vrrp [struct ha_vgmp [body or struct hrp_header + records]], and at its
 * end struct ha_trailer.
 * It travels as IP protocol 112 to 224.0.0.18 (TTL 255), or in UDP to port 18514.  All fields are
 * big-endian; reserved bits are sent as 0 and ignored.
 */
#pragma once

#include <rte_byteorder.h>

#include <assert.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define HA_VERSION_TYPE 0x22 /* VRRP version 2, type 2 */

enum ha_type2 { HA_PROBE = 1, HA_VGMP = 2, HA_CHECK = 5 };

enum ha_vtype { HA_VGMP_HELLO = 1, HA_HRP_HELLO = 2, HA_HRP_DATA = 3 };

/* 3.2 */
struct ha_vrrp {
	uint8_t version_type; /* HA_VERSION_TYPE */
	uint8_t vrid;	      /* 0 */
	uint8_t type2;	      /* enum ha_type2 */
	uint8_t count;	      /* 0 */
	uint8_t auth_type;    /* HA_AUTH_TRAILER */
	uint8_t interval;     /* hello interval, s, rounded up */
	rte_be16_t checksum;
};
static_assert(sizeof(struct ha_vrrp) == 8, "wire size");
#define HA_AUTH_NONE	0 /* no trailer: of no message on the wire, but the base of all */
#define HA_AUTH_TRAILER 254

/* 3.3: link probe, after ha_vrrp */
#define HA_PROBE_HEARD	0x01
#define HA_PROBE_UDP	0x02
#define HA_PROBE_ANSWER 0x04 /* ours: sent at once because a probe came in */
struct ha_probe {
	uint8_t flags;
	uint8_t slot;
	rte_be16_t hello_ms;
	rte_be32_t address;
	rte_be32_t sequence;
	rte_be32_t echo;
	rte_be32_t clock_ms;
	rte_be32_t name_crc;
};
static_assert(sizeof(struct ha_probe) == 24, "wire size");

/* 3.4 */
enum ha_mode { HA_ANNOUNCE = 0, HA_REQUEST = 1, HA_REPLY = 2 };
enum ha_op { HA_OP_HELLO = 0, HA_OP_LET_ME_STANDBY = 1, HA_OP_LET_ME_ACTIVE = 2 };
enum ha_result { HA_RESULT_NONE = 0, HA_RESULT_SWITCH = 1, HA_RESULT_NO_SWITCH = 2 };

#define HA_PATIENCE_MS 10 /* unit of N x H */

struct ha_vgmp {
	uint8_t vtype; /* enum ha_vtype */
	uint8_t mode;  /* enum ha_mode */
	uint8_t group; /* sender's: 1 Active group, 2 Standby group */
	uint8_t state; /* enum vgmp_state */
	rte_be32_t priority;
	/* Of an announcement: the sender's N x H, in an HRP hello the mark of its VRRP groups
	 * (role_vrids.c); 0: not known. */
	rte_be16_t request_id;
	uint8_t op;	/* enum ha_op */
	uint8_t result; /* enum ha_result */
	rte_be16_t members;
	rte_be16_t failed;
};
static_assert(sizeof(struct ha_vgmp) == 16, "wire size");

/* 3.5: body of an HRP hello */
#define HRP_HELLO_PREEMPT	0x01
#define HRP_HELLO_QUICK		0x02
#define HRP_HELLO_AUTO_CONFIG	0x04
#define HRP_HELLO_AUTO_STATE	0x08
#define HRP_HELLO_BULK_COMPLETE 0x10
#define HRP_HELLO_SELF_TEST	0x20
#define HRP_HELLO_LEAVING	0x40
#define HRP_HELLO_CONFIG_NEWER	0x80 /* a config standby: newer than the master's */
struct hrp_hello {
	rte_be32_t epoch;
	uint8_t config_role; /* enum hrp_config_role */
	uint8_t flags;
	rte_be16_t hello_ms;
	rte_be32_t sessions;
	rte_be32_t config_generation; /* 0: knows no backup of the configuration */
	uint8_t config_digest[8];
};
static_assert(sizeof(struct hrp_hello) == 24, "wire size");

/* 3.6 */
enum hrp_module {
	HRP_MODULE_CONFIG = 1,
	HRP_MODULE_SESSION = 2,
	HRP_MODULE_SERVERMAP,
	HRP_MODULE_IPMON,
	HRP_MODULE_FRAGMENT,
	HRP_MODULE_GTP,
	HRP_MODULE_BLACKLIST,
	HRP_MODULE_PAT,
	HRP_MODULE_NOPAT,
	HRP_MODULE_ASPF,
	HRP_MODULE_LAST = HRP_MODULE_ASPF
};
#define HRP_SUB_IPV4 1 /* of HRP_MODULE_SESSION */
enum hrp_op {
	HRP_OP_ADD = 1,	       /* numbered; records: add or refresh, and deletes by id */
	HRP_OP_DELETE = 2,     /* reserved: deletes travel as records, in order with the adds */
	HRP_OP_COMMAND = 3,    /* of HRP_MODULE_CONFIG; struct hrp_config, and text */
	HRP_OP_BULK_BEGIN = 4, /* numbered; struct hrp_bulk */
	HRP_OP_BULK_END = 5,   /* numbered; struct hrp_bulk */
	HRP_OP_ACK = 6,	       /* sequence = next expected; bitmap of HRP_STREAM_WINDOW bits */
	HRP_OP_NACK = 7,       /* struct hrp_nack */
	HRP_OP_RESULT = 8,     /* struct hrp_bulk: what the receiver of a bulk has counted */
	HRP_OP_CHECK = 9, /* numbered; struct hrp_part: what the receiver must hold of a part */
	HRP_OP_PART_BEGIN = 10, /* numbered; struct hrp_part: it is told again */
	HRP_OP_PART_END = 11,	/* numbered; struct hrp_part */
	HRP_OP_CHECKED = 12	/* struct hrp_part: what the receiver of CHECK holds */
};
#define HRP_FLAG_ACK_WANTED 0x08
struct hrp_header {
	rte_be16_t source_module, source_sub, dest_module, dest_sub;
	uint8_t op;
	uint8_t flags;
	rte_be16_t records;
	rte_be32_t sequence;
	rte_be16_t fragment, fragments;
	rte_be32_t length; /* of the records */
};
static_assert(sizeof(struct hrp_header) == 24, "wire size");

/*
 * First in the body of every HRP message (ours; hrp_stream.h has the rules).  `stream` is a random
 * number chosen by the RECEIVER when it asks for a stream, so that frames of an older stream, an
 * older boot or another peer are told apart and refused.
 */
#define HRP_STREAM_WINDOW 256 /* most frames between the next expected and the newest */
struct hrp_stream_head {
	rte_be32_t stream;
	rte_be32_t first; /* sequence of the stream's first frame; 0 in ACK, NACK, RESULT */
};
static_assert(sizeof(struct hrp_stream_head) == 8, "wire size");

enum hrp_nack_reason {
	HRP_NACK_RESYNC = 1, /* please send me `stream`, from the beginning, with a bulk */
	HRP_NACK_UNKNOWN = 2 /* you acknowledged `stream`, which I do not send */
};
struct hrp_nack {
	struct hrp_stream_head head;
	uint8_t reason; /* enum hrp_nack_reason */
	/* RESYNC: the longest message, without trailer, that the asker sends, and so can take, as
	 * hrp_longest_code(); 0: an earlier version. */
	uint8_t longest;
	rte_be16_t tables; /* RESYNC: HRP_TABLE() of the modules it takes beside SESSION */
};
#define HRP_TABLE(module) ((uint16_t)(1u << ((module)-1)))
static_assert(sizeof(struct hrp_nack) == 12, "wire size");

struct hrp_bulk {
	struct hrp_stream_head head;
	rte_be32_t round;
	rte_be32_t capacity; /* record indexes of the sender are below this */
	rte_be32_t count;  /* BEGIN: estimate; END: records the peer must hold; RESULT: it holds */
	rte_be16_t tables; /* BEGIN of SESSION: the others that this stream will carry */
	rte_be16_t reserved;
	rte_be64_t digest; /* END and RESULT: sum over those records, see docs/wire.md */
};
static_assert(sizeof(struct hrp_bulk) == 32, "wire size");

/* A part of a table: a range of its owner's places. */
struct hrp_part {
	struct hrp_stream_head head;
	rte_be32_t first, places; /* places 0: the whole table */
	rte_be32_t count;	  /* entries there */
	rte_be32_t number;	  /* of the question, in its answer too */
	rte_be64_t digest;
	rte_be64_t content;
};
static_assert(sizeof(struct hrp_part) == 40, "wire size");
/* In hrp_nack.tables: it answers CHECK of sessions, and of the other tables too. */
#define HRP_TAKES_PARTS	    UINT16_C(0x8000)
#define HRP_TAKES_ALL_PARTS UINT16_C(0x4000)
/* In hrp_nack.tables and hrp_bulk.tables: which half of the ports the sender hands out, NAT_HALF_*
 * in these two bits; 0 = the whole, or it does not say. */
#define HRP_NAT_HALF_SHIFT 12
#define HRP_NAT_HALF_MASK  UINT16_C(0x3000)
#define HRP_CAPACITY_MAX   (UINT32_C(1) << 27)

/*
 * Backup of the configuration (config_backup.h has the rules).  The document is the text of the
 * replicated sections; `digest` is the first bytes of its SHA-256.  Boxes that do not know these
 * messages have generation 0 in their hellos, and are not sent any.
 */
enum hrp_config_kind {
	HRP_CONFIG_STATE = 1, /* what the sender is and has */
	HRP_CONFIG_CHUNK = 2, /* text of the document, from `offset` on, follows */
	HRP_CONFIG_ACK = 3,   /* all of the document before `offset` has arrived */
	HRP_CONFIG_RESULT = 4 /* what has become of it; the reason follows */
};
enum hrp_config_role { HRP_CONFIG_NOBODY = 0, HRP_CONFIG_MASTER = 1, HRP_CONFIG_STANDBY = 2 };
enum hrp_config_result { HRP_CONFIG_NONE = 0, HRP_CONFIG_APPLIED = 1, HRP_CONFIG_REFUSED = 2 };
struct hrp_config {
	uint8_t kind;	     /* enum hrp_config_kind */
	uint8_t role;	     /* of the sender */
	uint8_t flags;	     /* HRP_HELLO_AUTO_CONFIG, HRP_HELLO_CONFIG_NEWER */
	uint8_t result;	     /* RESULT */
	rte_be32_t transfer; /* random, the master's choice; 0 in STATE */
	rte_be32_t generation;
	uint8_t digest[8]; /* STATE, RESULT: of what the sender runs; CHUNK: of the document */
	rte_be32_t size;   /* CHUNK: of the document, bytes */
	rte_be32_t offset;
};
static_assert(sizeof(struct hrp_config) == 28, "wire size");
#define HRP_CONFIG_OVERHEAD                                                                        \
	(sizeof(struct ha_vrrp) + sizeof(struct ha_vgmp) + sizeof(struct hrp_header) +             \
		sizeof(struct hrp_config))
#define HRP_CONFIG_CHUNK_MAX 400 /* a message of it fits any link */
#define HRP_CONFIG_SIZE_MAX  (UINT32_C(32) << 20)

/* Session records (replaces 3.7: compact, versioned by `type`; unknown types are skipped by
 * `length`).  id = the owner's slab index and generation: updates and deletes find the copy by it.
 */
enum hrp_record_type {
	HRP_RECORD_SESSION4 = 1,
	HRP_RECORD_DELETE = 2,
	HRP_RECORD_SESSION6 = 3,
	HRP_RECORD_SESSION4_NAT = 4,
	HRP_RECORD_SESSION6_NAT = 5,
	HRP_RECORD_ALG = 6, /* behind its session's */
	HRP_RECORD_ALG_EDIT = 7,
	HRP_RECORD_SERVERMAP = 8, /* of HRP_MODULE_SERVERMAP, as its deletes */
	HRP_RECORD_BLACKLIST = 9  /* of HRP_MODULE_BLACKLIST, as its deletes */
};

struct hrp_record {
	uint8_t type;
	uint8_t length; /* of the whole record, bytes */
	rte_be16_t generation;
	rte_be32_t index;
};
static_assert(sizeof(struct hrp_record) == 8, "wire size; also the whole delete record");

struct hrp_record_dir {
	rte_be32_t tcp_end;
	rte_be32_t tcp_max_end;
	rte_be32_t tcp_max_win;
};

/* Before and behind the addresses, of either family. */
struct hrp_session_what {
	uint8_t proto;
	uint8_t state;	  /* enum session_state */
	rte_be16_t flags; /* HRP_SESSION_* */
	uint8_t zone[2];
	uint8_t wscale[2];
};

struct hrp_session_how {
	rte_be16_t sport, dport;
	rte_be32_t policy;
	rte_be16_t idle_s; /* since the last packet */
	rte_be16_t age_s;  /* since creation, 65535 = longer */
	struct hrp_record_dir dir[2];
};

struct hrp_record_session4 {
	struct hrp_record head;
	struct hrp_session_what what;
	rte_be32_t src, dst; /* initiator, responder */
	struct hrp_session_how how;
};

/* How a translated session's packets leave, those of its initiator. */
struct hrp_session_outside {
	rte_be32_t src, dst;
	rte_be16_t sport, dport;
	rte_be32_t group;   /* name of the address group that src is from (nat_groups_name()), 0 */
	rte_be32_t inbound; /* of that which the responder's address, inside.dst, is from */
};

struct hrp_record_session4_nat {
	struct hrp_record_session4 inside;
	struct hrp_session_outside outside;
};

struct hrp_record_session6 {
	struct hrp_record head;
	struct hrp_session_what what;
	uint8_t src[16], dst[16];
	struct hrp_session_how how;
};
/* Of NAT64; outside is IPv4, and says ICMP where the session is ICMPv6. */
struct hrp_record_session6_nat {
	struct hrp_record_session6 inside;
	struct hrp_session_outside outside;
};
#define HRP_SESSION_LOCAL    0x0001
#define HRP_SESSION_FIN0     0x0002
#define HRP_SESSION_FIN1     0x0004
#define HRP_SESSION_FINACK0  0x0008
#define HRP_SESSION_FINACK1  0x0010
#define HRP_SESSION_EXPECTED 0x0020
static_assert(sizeof(struct hrp_record_session4) == 60, "an IPv4 record is at most 64 bytes");
static_assert(sizeof(struct hrp_record_session4_nat) == 80, "a NAT record is at most 80 bytes");
static_assert(sizeof(struct hrp_record_session6) == 84, "wire size");
static_assert(sizeof(struct hrp_record_session6_nat) == 104, "wire size");

/* An ALG reads the session; of a TCP one how far it is, by direction. */
struct hrp_record_alg {
	struct hrp_record head; /* names the session */
	uint8_t alg;		/* enum alg_id */
	uint8_t flags;		/* HRP_ALG_* */
	uint8_t reserved[2];
	struct {
		rte_be32_t next;  /* where a message begins, with KNOWN; as the sender counts */
		rte_be32_t shift; /* of what comes */
		rte_be32_t
			floor; /* with FLOOR: all in front of it is history; as the sender counts */
	} dir[2];
};
#define HRP_ALG_STREAM 0x01 /* a TCP session; the rest is 0 without it */
#define HRP_ALG_ON0    0x02 /* direction 0 is looked into; the next bit: direction 1 */
#define HRP_ALG_KNOWN0 0x08
#define HRP_ALG_FLOOR0 0x20
static_assert(sizeof(struct hrp_record_alg) == 36, "wire size");

/* Bytes that have been replaced and may have to be sent again; the new ones follow. */
struct hrp_record_alg_edit {
	struct hrp_record head;
	uint8_t dir;
	uint8_t reserved;
	rte_be16_t was;	  /* bytes */
	rte_be32_t seq;	  /* where they begin, as the sender counts */
	rte_be32_t shift; /* in front of them */
};
static_assert(sizeof(struct hrp_record_alg_edit) == 20, "wire size");

/* Expected connections, or such as anybody may begin.  Addresses are of one family, IPv4 in the
 * first four bytes. */
struct hrp_record_servermap {
	struct hrp_record head; /* place and generation */
	uint8_t kind;		/* enum servermap_type */
	uint8_t alg, child_alg; /* enum alg_id */
	uint8_t zone;
	uint8_t proto;
	uint8_t family;
	uint8_t given; /* HRP_SERVERMAP_* */
	uint8_t reserved;
	rte_be16_t uses; /* 65535: no end */
	rte_be16_t parent_generation;
	rte_be16_t dport, to_port;
	rte_be32_t left_ms; /* 0xffffffff: no end */
	rte_be32_t policy;
	rte_be32_t group;  /* name of the address group that its port is from, 0 */
	rte_be32_t parent; /* the session that has announced it: ends with it; 0xffffffff: none */
	rte_be32_t call;
	uint8_t dst[16], src[16], to[16], from[16];
};
#define HRP_SERVERMAP_SRC  0x01
#define HRP_SERVERMAP_TO   0x02
#define HRP_SERVERMAP_FROM 0x04
static_assert(sizeof(struct hrp_record_servermap) == 108, "wire size");

/* From or to whom no session may begin. */
struct hrp_record_blacklist {
	struct hrp_record head; /* slot and generation */
	uint8_t side;		/* enum blacklist_side */
	uint8_t origin;		/* enum blacklist_origin: MANUAL or SCAN */
	uint8_t family;
	uint8_t len;	    /* bits of the prefix */
	rte_be32_t left_ms; /* 0xffffffff: no end */
	uint8_t prefix[16]; /* IPv4 in the first four bytes; host bits 0 */
};
static_assert(sizeof(struct hrp_record_blacklist) == 32, "wire size");

/* Which of them: head.type. */
union hrp_record_session {
	struct hrp_record head;
	struct hrp_record_session4 v4; /* of SESSION4_NAT too */
	struct hrp_record_session4_nat v4_nat;
	struct hrp_record_session6 v6; /* of SESSION6_NAT too */
	struct hrp_record_session6_nat v6_nat;
};

/* 3.9: the last bytes of every message (hrp_trailer.h). */
#define HA_TRAILER_MAGIC UINT32_C(0x48525031) /* "HRP1" */
#define HA_VERSION	 1		      /* of all but what ha_known() is about */
#define HA_SEQUENCE_DATA (UINT64_C(1) << 63)  /* HRP data, which is numbered apart */
enum ha_algorithm {
	HA_ALGORITHM_NONE = 0, /* ours: numbered, not signed; the tag is 0 */
	HA_ALGORITHM_HMAC = 1, /* HMAC-SHA-256, its first 128 bits */
	HA_ALGORITHM_GCM = 2,  /* AES-256-GCM */
	HA_ALGORITHMS
};
struct ha_trailer {
	rte_be32_t magic;
	uint8_t version;   /* HA_VERSION */
	uint8_t algorithm; /* enum ha_algorithm */
	rte_be16_t key_id; /* 0 without a key */
	rte_be64_t life;   /* the sender's: random, chosen when it started, not 0 */
	rte_be32_t boot;   /* when that was: seconds of its clock */
	rte_be32_t epoch;  /* newest role epoch that it knows, 0 = none */
	rte_be64_t sequence;
	uint8_t tag[16];
};
static_assert(sizeof(struct ha_trailer) == 48, "wire size");

/* ---- encoding and checks (hrp_wire.c): pure functions ---- */

/* A length in one byte, rounded down: exact with the MTU that nearly all have. */
#define HRP_LONGEST_FINE 200 /* codes of 8 bytes each; one above is 160 */
static inline uint8_t
hrp_longest_code(uint16_t bytes)
{
	const uint32_t fine = bytes / 8u;

	if (fine <= HRP_LONGEST_FINE)
		return (uint8_t)fine;
	return (uint8_t)RTE_MIN(HRP_LONGEST_FINE + (bytes - HRP_LONGEST_FINE * 8u) / 160u, 255u);
}

static inline uint16_t
hrp_longest_bytes(uint8_t code)
{
	return (uint16_t)(code <= HRP_LONGEST_FINE
				  ? code * 8u
				  : HRP_LONGEST_FINE * 8u + (code - HRP_LONGEST_FINE) * 160u);
}

/* Longest HA message without trailer that fits one frame of `mtu`. */
static inline uint16_t
ha_message_max(uint16_t mtu, bool udp)
{
	return (uint16_t)(mtu - 20 - (udp ? 8 : 0) - sizeof(struct ha_trailer));
}

/* ha_finish: fill the VRRP part's fixed fields, interval and checksum of a message of `len` bytes,
 * which has no trailer yet. */
void ha_finish(uint8_t *message, uint16_t len, enum ha_type2, uint32_t hello_ms);

/* Why a received message was refused; one counter each. */
#define HA_REFUSALS(X)                                                                             \
	X(short, "shorter than its headers")                                                       \
	X(type, "not VRRP version 2 type 2")                                                       \
	X(vrid, "virtual router id not 0")                                                         \
	X(checksum, "bad checksum")                                                                \
	X(type2, "unknown Type2")                                                                  \
	X(auth, "no trailer, or not one of ours")                                                  \
	X(version, "data, or of unknown kind, of another version")                                 \
	X(algorithm, "signed in another way than this box is told to, or not signed")              \
	X(key, "signed with a key that this box has not")                                          \
	X(tag, "wrong signature: forged, damaged, or another secret")                              \
	X(reflected, "our own message")                                                            \
	X(life, "of a start of the peer that is not known as its last; a few at each start")       \
	X(replayed, "came twice (by two links it may), or very late")                              \
	X(late, "a newer message has overtaken it")                                                \
	X(vtype, "unknown vType")                                                                  \
	X(field, "field outside its range")                                                        \
	X(ip, "bad IPv4 header")                                                                   \
	X(ttl, "TTL is not 255")                                                                   \
	X(source, "from our own address, or not from the remote")                                  \
	X(subnet, "source outside the heartbeat subnet")                                           \
	X(mode, "multicast on a link with a remote, or UDP on one without")                        \
	X(udp, "bad UDP length or checksum")                                                       \
	X(policy, "the security policy does not permit the heartbeat")                             \
	X(module, "unknown HRP module")                                                            \
	X(record, "malformed record")                                                              \
	X(sequence, "outside the stream's window")                                                 \
	X(epoch, "records of a box that has lost the role, or of an older role epoch")
enum ha_refusal {
	HA_OK = 0,
#define X(name, text) HA_REFUSED_##name,
	HA_REFUSALS(X)
#undef X
		HA_REFUSAL_COUNT
};
extern const char *const ha_refusal_names[HA_REFUSAL_COUNT];
extern const char *const ha_refusal_texts[HA_REFUSAL_COUNT];

/* Checks of a message of exactly `len` bytes; nothing else looks at one that did not pass.
 * ha_check_head: length, version, VRID, checksum, authentication type, of what is on the wire.
 * ha_check_body: Type2, vType, length and the ranges of every fixed field, without the trailer. */
enum ha_refusal ha_check_head(const uint8_t *message, uint16_t len, uint8_t auth_type);
enum ha_refusal ha_check_body(const uint8_t *message, uint16_t len);
/* ha_known: of a message of another version, without the trailer: is it of a kind that all versions
 * read alike (docs/wire.md, Versions)?  `len` becomes what this version knows of it. */
bool ha_known(const uint8_t *message, uint16_t *len);
/* ha_check: both, of a message that has no trailer. */
enum ha_refusal ha_check(const uint8_t *message, uint16_t len);
