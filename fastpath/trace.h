/*
 * Trace: packets that match a filter, each followed from the port it came in by to its end: parse,
 * session, way out, rule, verdict.
 *
 * A matching packet's buffer is marked and a record of its worker's is opened for it; stages write
 * into the record what they found, and wherever the packet ends the record is closed and appended
 * to the worker's log, which management reads.  Nothing is allocated by a worker, the log has room
 * for every record it can write, and packets meet nothing of it while no trace is on.
 */
#pragma once

#include "drop.h"
#include "packet_filter.h"

#include <rte_mbuf.h>

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define TRACE_COUNT_MAX 1000

struct engine;
struct trace;

enum trace_end { TRACE_FORWARDED = 1, TRACE_ANSWERED, TRACE_PUNTED, TRACE_DROPPED };

/* Which parts of a record have been filled. */
enum {
	TRACE_PARSED = 1,  /* sound headers: it has a session key */
	TRACE_SESSION = 2, /* its session was there: session to policy */
	TRACE_CREATED = 4, /* it made that session */
	TRACE_WAY_OUT = 8, /* out_interface, out_zone, next_hop, neigh_state */
	TRACE_OWN = 16,	   /* to an address of ours: out_zone */
	TRACE_POLICY = 32  /* policy_action, policy */
};

struct trace_record {
	uint64_t at; /* ns of the engine's clock, of the poll that took it in */
	struct packet_fields packet;
	uint16_t len;			   /* of the frame */
	uint16_t worker, port, interface;  /* where it came in; interface may be INTERFACE_NONE */
	uint8_t zone;			   /* of the interface, 0 = none */
	uint8_t stages;			   /* TRACE_PARSED, ... */
	uint8_t direction;		   /* 0 = the initiator's, 1 = the responder's */
	uint8_t state_before, state_after; /* enum session_state */
	uint16_t generation;
	uint32_t session;
	uint32_t policy; /* rule id, 0 = the default or built in */
	uint8_t policy_action;
	uint8_t out_zone;
	uint16_t out_interface;
	struct ip_addr next_hop;
	uint8_t neigh_state; /* enum neigh_state; NEIGH_FREE: nobody has asked for it yet */
	uint8_t end;	     /* enum trace_end */
	uint8_t why;	     /* enum punt_why, of TRACE_PUNTED */
	uint8_t reason;	     /* enum drop_reason, of TRACE_DROPPED */
	uint16_t end_place;  /* TRACE_FORWARDED, TRACE_ANSWERED: interface; else of DROP_PLACES */
	uint32_t id;	     /* the worker's own */
};

struct trace_params {
	struct packet_filter filter;
	bool dropped;	/* only packets that are dropped */
	uint8_t reason; /* ... for this reason; DROP_NONE = any */
	uint32_t count; /* each worker stops after so many; 1..TRACE_COUNT_MAX */
};

struct trace_counts {
	uint64_t matched; /* packets the filter took */
	uint64_t missed;  /* ... while too many were on their way: not followed */
	uint32_t records; /* written */
	uint32_t open;	  /* packets that have not ended yet */
};

/* M.  trace_create: => NULL with a reason.  It begins with engine_set_trace(). */
struct trace *trace_create(
	struct engine *, const struct trace_params *, char *err, size_t err_size);
/* No worker may have it any more. */
void trace_destroy(struct trace *);
/* => record `n` of a worker, NULL: not there yet.  Stays as it is until trace_destroy(). */
const struct trace_record *trace_at(const struct trace *, uint16_t worker, uint32_t n);
void trace_counts(const struct trace *, struct trace_counts *);
