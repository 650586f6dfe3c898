/*
 * Simulated users of a pair: a numbered UDP probe each millisecond that the server answers, and TCP
 * connections that count both ways with retransmission.  What they notice is what users notice.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "lan.h"

#define TRAFFIC_MAX_TCP 64

struct tcp_peer {
	uint32_t seq, ack;    /* next to send, next expected */
	uint32_t acked;	      /* our data the other side has acknowledged up to */
	bool open, reset;
};

struct tcp_conn {
	uint16_t port;
	struct tcp_peer client, server;
	mono_t last_progress, last_sent;
	uint64_t exchanges;
};

struct traffic {
	struct host *client, *server;
	bool udp_on, tcp_on;
	mono_t next_probe, next_tcp;
	uint32_t probe_sent, probe_received;
	mono_t last_echo;
	uint64_t longest_gap_ms;
	uint16_t tcp_count;
	struct tcp_conn tcp[TRAFFIC_MAX_TCP];
};

void traffic_start(struct traffic *, struct host *client, struct host *server, uint16_t tcp_count);
void traffic_poll(struct traffic *, mono_t now);
/* Connections established and never reset, with progress in the last `within_ms`. */
uint16_t traffic_tcp_alive(const struct traffic *, uint32_t within_ms, mono_t now);
/* Start measuring losses and gaps anew. */
void traffic_reset_figures(struct traffic *, mono_t now);
