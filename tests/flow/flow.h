/*
 * The runner of flow tests: what its parts share.  flow.c reads files and judges cases,
 * flow_packets.c feeds and matches packets, flow_pieces.c cuts them into fragments, flow_own.c
 * matches what the firewall makes itself, flow_state.c looks at sessions, events and counters,
 * flow_world.c changes what is around the engine.
 */
#pragma once

#include "engine_box.h"
#include "frame.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MAX_IN	    64
#define MAX_LEAVING 128

#define FLOW_VARIABLES 8
#define FLOW_DATAGRAMS 4 /* that can be in pieces at a time */

/* Packets to workers. */
enum spread { ONE_WORKER, TWO_STEERED, TWO_DEALT, SPREADS };

/* A frame that was fed and is still to be accounted for. */
struct fed {
	uint16_t port;
	uint16_t len;
	bool done;
	uint8_t bytes[FRAME_MAX];
};

/* A frame the engine has sent. */
struct leaving {
	uint16_t port;
	uint16_t len;
	bool done;
	uint8_t bytes[FRAME_MAX];
};

/* A packet that is fed in pieces. */
struct flow_datagram {
	uint16_t port;
	size_t len;    /* of all; 0: there is none */
	size_t header; /* Ethernet and IP headers: what is cut lies behind them */
	uint8_t bytes[FRAME_MAX];
};

struct flow {
	enum spread spread;
	bool six;     /* this run maps the case to IPv6 (frame_to6) */
	bool tagged;  /* this run has trust and untrust as two VLANs of one port */
	bool tracing; /* this run traces every packet of every case */
	const char *file;
	unsigned int line;
	char why[512]; /* "" while the case is good */

	/* Wishes for the engine, until the first line that needs it */
	uint32_t table, event_ring, max_datagrams, max_fragments;
	bool steered;
	struct box_place places[BOX_PORTS];
	bool skip;     /* not for this spread */
	bool verbatim; /* addresses of the case are meant as they stand */

	struct clock late;
	struct engine_box *box;
	unsigned int boxes; /* made so far: names must differ */
	struct policy_range ranges[2 * BOX_RULES];
	struct policy_service services[BOX_RULES];

	bool hold;
	unsigned int dealt;
	struct flow_datagram datagrams[FLOW_DATAGRAMS];
	struct trace *trace;		   /* on, or NULL */
	uint32_t trace_taken[MAX_WORKERS]; /* records a line has looked at */
	struct fed fed[MAX_IN];
	unsigned int fed_count; /* in fed[]: what may still be sent */
	unsigned int arrived, verdicts;
	int held_before, held_said; /* fragments; said -1: no line has said how many */
	struct leaving leaving[MAX_LEAVING];
	unsigned int leaving_count;
	struct worker_stats before; /* when the oldest of fed[] was fed */
	uint64_t expected_drops[DROP_REASON_COUNT];

	unsigned int variables[FLOW_VARIABLES], unknown; /* $a..; 0: not known yet, then this */
	const struct leaving *sent; /* whose text tells of a variable that is not known yet */
	char expanded[64][512];	    /* words of this line with variables */
};

/* A statement of the language: its first word and what it does.  Tables end with { NULL }. */
struct flow_statement {
	const char *word;
	void (*run)(struct flow *, struct words *);
};

extern const struct flow_statement flow_packet_statements[], flow_piece_statements[],
	flow_own_statements[], flow_state_statements[], flow_world_statements[],
	flow_trace_statements[], flow_defence_statements[], flow_nat_statements[];
extern const char *const flow_zone_names[BOX_PORTS];

/* flow_fail: the case is bad; only its first complaint counts. */
void flow_fail(struct flow *, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* flow_box: the engine, made when first asked for. */
struct engine_box *flow_box(struct flow *);
/* flow_port: port of a zone's name, 0 with a complaint when there is none. */
uint16_t flow_port(struct flow *, const char *zone);
/* flow_frame: read a packet; it must end the line when `last`.  => false with a complaint. */
bool flow_frame(struct flow *, struct words *, struct frame_spec *, bool last);
/* flow_destination: destination MAC of a frame: as the test says, else the port's own. */
struct rte_ether_addr flow_destination(struct flow *, const struct frame_spec *, uint16_t port);
/* flow_feed: a frame arrives by an interface, split and tagged as the spec says; unless frames are
 * held back, the workers run at once. */
void flow_feed(struct flow *, uint16_t port, uint16_t queue, const uint8_t *bytes, uint16_t len,
	const struct frame_spec *);
/* flow_address: an address as this run means it.  => false with a complaint. */
bool flow_address(struct flow *, const char *, struct ip_addr *);
/* flow_prefix: ADDRESS[/LEN] as this run means it.  => false with a complaint. */
bool flow_prefix(struct flow *, const char *, struct ip_addr *, uint8_t *len);
/* flow_zone_bit: 1 << the id of a zone; any: 0.  => 0 with a complaint when there is none. */
uint64_t flow_zone_bit(struct flow *, const char *);
/* flow_on: on, up or off, down. */
bool flow_on(struct flow *, const char *);
/* flow_key_ports: ports of a packet's session key.  An echo session has the identifier and what
 * stands for the request's target. */
void flow_key_ports(const struct frame_spec *, rte_be16_t *sport, rte_be16_t *dport);
struct worker_stats flow_stats(const struct flow *);
#define FLOW_TRACE_ANY                                                                             \
	{                                                                                          \
		.port = -1, .source_port = -1, .destination_port = -1, .protocol = -1,             \
		.interface = INTERFACE_NONE                                                        \
	}
/* flow_trace: follow what the parameters say from now on, NULL: nothing. */
void flow_trace(struct flow *, const struct trace_params *);
/* flow_trace_check: every packet fed has its record, which says what the counters say. */
void flow_trace_check(struct flow *);
/* flow_variables: numbers for $a.. in the words to come (flow_nat.c). */
void flow_variables(struct flow *, struct words *);
/* flow_check_groups: whatever was taken of address groups was given back. */
void flow_check_groups(struct flow *);
/* flow_complain_not_sent: a line expects a frame, which is not there. */
void flow_complain_not_sent(struct flow *, const char *what);
/* flow_check_macs: a forwarded frame has our MAC on that port and the next hop's. */
void flow_check_macs(struct flow *, const struct leaving *);
/* flow_run: let the workers finish what was fed, and gather what they send. */
void flow_run(struct flow *);
/* flow_settle: every packet fed has had its line, and nothing else has happened. */
void flow_settle(struct flow *);

/* => the next word, "" at the end */
static inline const char *
flow_word(struct words *w)
{
	return w->at < w->count ? w->word[w->at++] : "";
}

static inline bool
flow_is(const char *a, const char *b)
{
	return strcmp(a, b) == 0;
}

/* flow_times: the last word, if it is "*N".  => N, or 1. */
static inline unsigned long
flow_times(struct words *w)
{
	if (w->at == w->count || w->word[w->count - 1][0] != '*')
		return 1;
	return strtoul(w->word[--w->count] + 1, NULL, 0);
}

/* => "VALUE" of "name=VALUE" or NULL. */
static inline const char *
flow_value(const char *w, const char *name)
{
	const size_t n = strlen(name);

	return strncmp(w, name, n) == 0 && w[n] == '=' ? w + n + 1 : NULL;
}

/* => place of a word in a list, -1 when it is not there. */
static inline int
flow_find(const char *w, const char *const *list, unsigned int n)
{
	for (unsigned int i = 0; i < n; i++) {
		if (list[i] != NULL && flow_is(w, list[i]))
			return (int)i;
	}
	return -1;
}
