/*
 * Simulated users of a pair: a numbered UDP probe each millisecond that the server answers, and TCP
 * connections that count both ways with retransmission.  What they notice is what users notice.
 */
#pragma once

#include "lan.h"

#include <rte_ip.h>
#include <rte_udp.h>

#include <stdbool.h>
#include <stdint.h>

#define TRAFFIC_MAX_TCP 64

struct udp_packet {
	struct rte_ipv4_hdr ip;
	struct rte_udp_hdr udp;
	rte_be32_t number;
} __attribute__((packed));

struct tcp_peer {
	uint32_t seq, ack; /* next to send, next expected */
	uint32_t acked;	   /* our data the other side has acknowledged up to */
	bool open, reset;
};

struct tcp_conn {
	uint16_t port;
	struct tcp_peer client, server;
	mono_t last_progress, last_sent;
	uint64_t exchanges;
};

/* What hosts had to say again: SYNs, and data or answers. */
struct traffic_again {
	uint64_t syns, segments;
};

/* A connection that opens, exchanges once, closes and opens again from the same port. */
enum churn_state { CHURN_SYN, CHURN_DATA, CHURN_FIN, CHURN_REST };
struct churn_conn {
	uint16_t port;
	enum churn_state state;
	uint32_t isn, seq, ack;
	mono_t due; /* to send again, or to open anew */
	uint32_t rounds;
};

struct traffic {
	struct host *client, *server;
	uint32_t client_seen; /* host order: the client as the server sees it */
	bool udp_on, tcp_on, churn_on;
	/* Packets that are not this traffic's, NULL: nobody's. */
	host_receive_fn others;
	void *others_ctx;
	uint16_t churn_count;
	struct churn_conn churn[TRAFFIC_MAX_TCP];
	mono_t next_probe, next_tcp;
	uint32_t probe_sent, probe_received;
	mono_t last_echo;
	uint64_t longest_gap_ms;
	struct traffic_again again;
	uint64_t resets; /* that hosts have heard */
	uint16_t tcp_count;
	struct tcp_conn tcp[TRAFFIC_MAX_TCP];
};

void traffic_start(struct traffic *, struct host *client, struct host *server, uint16_t tcp_count);
/* One datagram of its shape by the host's gateway; address and ports in host order. */
void traffic_send_udp(struct host *from, uint32_t to, uint16_t sport, uint16_t dport,
	uint32_t number, mono_t now);
void traffic_poll(struct traffic *, mono_t now);
/* Open and close `count` connections without pause, each from one port for ever; count 0 stops
 * after what is under way is established: those connections stay open. */
void traffic_churn(struct traffic *, uint16_t count);
uint64_t traffic_churn_rounds(const struct traffic *);
/* Connections established and never reset, with progress in the last `within_ms`. */
uint16_t traffic_tcp_alive(const struct traffic *, uint32_t within_ms, mono_t now);
/* Start measuring losses and gaps anew. */
void traffic_reset_figures(struct traffic *, mono_t now);
