/*
 * Application layer gateways: what control connections of some protocols say about connections that
 * will follow.  An ALG is one file (alg_<name>.c) with one struct alg, and one word in the list.
 *
 * An ALG itself is text in, findings out: it sees no packet, table or address pool and keeps
 * nothing.  alg_session.c does the rest: lines that have come whole and in order, pinholes, ports,
 * rewriting, sequence numbers.
 */
#pragma once

#include "ip_addr.h"

#include <rte_byteorder.h>

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Ids are part of records on the wire: append only. */
enum alg_id { ALG_NONE, ALG_FTP, ALG_TFTP, ALG_SIP, ALG_RTSP, ALG_PPTP, ALG_COUNT };

#define ALG_LINE_MAX	 2048 /* bytes of text that make one message; a longer one is passed over */
#define ALG_FINDINGS_MAX 16   /* of one message */

enum alg_what {
	ALG_EXPECT,  /* the endpoint will take a connection (or datagrams) from the other side */
	ALG_ADDRESS, /* the endpoint is mentioned: to be rewritten, nothing is expected */
	ALG_LENGTH, /* the number is the length of the body behind it: adjusted by what edits add */
	ALG_END	    /* what this message's call (or stream) expects is over */
};

/* One thing a message says.  `at`, `len`: the bytes that an edit replaces; len 0: nothing. */
struct alg_finding {
	enum alg_what what;
	uint16_t at, len;
	uint8_t form; /* the ALG's own: how the text is written */
	uint8_t proto;
	uint16_t count;	     /* ports in a row from `port` (RTP and RTCP: 2), at least 1 */
	struct ip_addr addr; /* announced; family 0: the address of who says it */
	rte_be16_t port;
	uint8_t child; /* enum alg_id of the session expected */
};

struct alg {
	const char *name, *text; /* as users write it, and for shows ("ftp", "ftp-data") */
	enum alg_id id;
	uint8_t proto;	     /* TCP: text is a stream of messages; UDP: each datagram is one */
	uint16_t port;	     /* the service's own, host order */
	uint16_t expect_s;   /* how long what is expected may be waited for */
	uint16_t expect_max; /* how much a session may expect at a time */

	/* scan: findings of the first message of `text`, which direction `dir` (0: the client) has
	 * sent.  Pure.
	 * => Bytes of that message; 0: it is not whole yet (stream) or not of this protocol. */
	uint32_t (*scan)(unsigned int dir, const char *text, uint32_t len,
		struct alg_finding findings[ALG_FINDINGS_MAX], uint32_t *count);
	/* print: the text of a finding with another endpoint.  => its length; 0: does not fit. */
	uint32_t (*print)(const struct alg_finding *, const struct ip_addr *, rte_be16_t port,
		char *buf, uint32_t size);
};

/* alg_of: => NULL for ALG_NONE or an unknown id. */
const struct alg *alg_of(enum alg_id);
/* alg_by_service: the ALG whose service this is, ALG_NONE. */
enum alg_id alg_by_service(uint8_t proto, rte_be16_t dport);
