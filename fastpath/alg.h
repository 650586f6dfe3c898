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

#define ALG_LINE_MAX	 4096 /* bytes of text that make one message; a longer one is passed over */
#define ALG_TEXT_MAX	 (ALG_LINE_MAX + 1024) /* of a message that is edited */
#define ALG_FINDINGS_MAX 32 /* of one message; one that says more is passed over */
#define ALG_PORTS_MAX	 8  /* in a row, of one finding */
#define ALG_PRINT_MAX	 80 /* bytes of one finding, printed */
/* What edits may add to one packet: the MSS of a session whose text is edited is clamped by it. */
#define ALG_GROWTH_MAX 256
#define ALG_ALIEN      UINT32_MAX /* scan: this is another protocol */

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
	uint8_t count; /* ports in a row from `port` (RTP and RTCP: 2), at least 1 */
	uint8_t child; /* enum alg_id of the session expected */
	bool hearer;   /* it is an endpoint of the other side: who says it repeats it */
	bool anyone;   /* what is expected may come from any host, not only the other side */
	struct ip_addr
		addr;	  /* announced; family 0: the address of who says it (or of the hearer) */
	rte_be16_t port;  /* 0: the port of who says it.  PPTP: the call id */
	uint16_t number;  /* ALG_LENGTH: as it stands in the text */
	uint16_t seconds; /* how long it may be waited for; 0: as the ALG has it */
	uint32_t call;	  /* a hash of the call's name, 0: none; ALG_END ends those of its call */
};

/* In the order of the text. */
struct alg_findings {
	uint32_t count;
	bool many; /* there were too many: none are left */
	struct alg_finding list[ALG_FINDINGS_MAX];
};

/* What to print in the place of a finding. */
struct alg_endpoint {
	struct ip_addr addr;
	rte_be16_t port;
	bool given; /* false: the text stays */
};

struct alg {
	const char *name, *text; /* as users write it, and for shows ("ftp", "ftp-data") */
	enum alg_id id;
	uint8_t proto[2];    /* TCP: text is a stream of messages; UDP: each datagram is one */
	uint16_t port;	     /* the service's own, host order */
	uint16_t expect_s;   /* how long what is expected may be waited for */
	uint16_t expect_max; /* how much a session may expect at a time */
	bool lines; /* a message is a line: one that is too long is passed over to its LF */

	/* scan: findings of the first message of `text`, which direction `dir` (0: the client) has
	 * sent by `proto`.  Pure; text may hold any bytes.
	 * => Bytes of that message.  More than `len`: it is not whole yet, and at least so long
	 *    (just so long when it is longer than ALG_LINE_MAX); 0: not whole before another LF
	 *    (stream).  ALG_ALIEN: not of this protocol; a stream is looked into no more.
	 *    There are findings only of a whole message. */
	uint32_t (*scan)(unsigned int dir, uint8_t proto, const char *text, uint32_t len,
		struct alg_findings *);
	/* dull: does a message that begins so say nothing, however it goes on?  Such a one need
	 * not wait for its rest.  NULL: that cannot be told. */
	bool (*dull)(unsigned int dir, const char *text, uint32_t len);
	/* print: the text of a finding with another endpoint.  => its length; 0: does not fit, or
	 * cannot be said (e.g. IPv6 in PORT). */
	uint32_t (*print)(
		const struct alg_finding *, const struct alg_endpoint *, char *buf, uint32_t size);
};

/* alg_of: => NULL for ALG_NONE or an unknown id. */
const struct alg *alg_of(enum alg_id);
/* alg_by_service: the ALG whose service this is, ALG_NONE. */
enum alg_id alg_by_service(uint8_t proto, rte_be16_t dport);
/* alg_by_name: as users write it.  => ALG_NONE: there is none. */
enum alg_id alg_by_name(const char *);

/* alg_permits: may this ALG_EXPECT open a pinhole?  Only to who has said it (`speaker`: its address
 * as it stands in the text), never to a third host or a well-known port (RFC 2577 3). */
bool alg_permits(const struct alg_finding *, const struct ip_addr *speaker);

/* alg_rewrite: a message with other endpoints: to[i] for findings.list[i]; lengths of bodies are
 * adjusted.  `text`, `len`: as scan has taken it.
 * => Bytes in `out`.  0: does not fit in `size`, or cannot be said; `out` means nothing then. */
uint32_t alg_rewrite(const struct alg *, const char *text, uint32_t len,
	const struct alg_findings *, const struct alg_endpoint *to, char *out, uint32_t size);
