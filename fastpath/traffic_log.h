/*
 * The traffic log: what workers say about sessions and denied packets, for syslog and IPFIX.
 *
 * One SP/SC ring of fixed records per worker, read by the management thread
 * (control/traffic_log.h). A full ring costs the record, which is counted, and never a packet.
 * Records carry no names: management looks them up.
 */
#pragma once

#include <rte_byteorder.h>

#include <assert.h>
#include <stdint.h>

/* What is logged; in the snapshot, one for sessions and one for denied first packets. */
enum traffic_log_scope {
	TRAFFIC_LOG_OFF,
	TRAFFIC_LOG_RULES, /* what hits a rule with `log` */
	TRAFFIC_LOG_ALL
};

enum traffic_log_event { TRAFFIC_LOG_CREATE = 1, TRAFFIC_LOG_DELETE, TRAFFIC_LOG_DENY };

/* Why a session ended. */
enum traffic_log_end {
	TRAFFIC_LOG_END_IDLE = 1, /* nothing for its idle time */
	TRAFFIC_LOG_END_CLOSED,	  /* FIN both ways, or RST; SCTP's ABORT or SHUTDOWN COMPLETE */
	TRAFFIC_LOG_END_FORCED,	  /* by the operator, the blacklist, for want of room, or with the
				     peer's session */
	TRAFFIC_LOG_END_POLICY	  /* no longer permitted */
};

struct traffic_log_record {
	uint64_t packets[2], bytes[2]; /* by direction, 0 = initiator's; IP bytes */
	union {
		rte_be32_t v4;
		uint8_t v6[16];
	} src, dst; /* initiator, responder */
	rte_be16_t sport, dport;
	uint8_t family; /* 4 or 6 */
	uint8_t proto;
	uint8_t zone[2];
	uint8_t event; /* enum traffic_log_event */
	uint8_t end;   /* enum traffic_log_end, of TRAFFIC_LOG_DELETE */
	uint16_t generation;
	uint32_t index;	  /* session, with generation; of TRAFFIC_LOG_DENY 0 */
	uint32_t policy;  /* rule id, 0 = the default or built in */
	uint32_t created; /* second of the engine's clock */
	uint32_t at;	  /* second of the event, likewise */
	/* Of a translated session: its tuple as the initiator's packets leave, always IPv4.
	 * nat_src 0: it is not translated. */
	rte_be32_t nat_src, nat_dst;
	rte_be16_t nat_sport, nat_dport;
};
static_assert(sizeof(struct traffic_log_record) == 104, "goes through the ring by value");
