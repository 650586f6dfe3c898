/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * New sessions: first packets through the policy, and what their removal costs later.  Whole TCP
 * connections.  The number of rules.
 */
#include "bench.h"

#include <rte_cycles.h>
#include <rte_tcp.h>

#include <netinet/in.h>
#include <stdio.h>

#define MAX_NEW 500000U

struct row {
	const char *name;
	const struct bench_shape *shape;
	uint16_t rules;
	double limit; /* sessions a second per worker, removal included; 0 = none */
};

/* Three rows: the rate, and the two halves of its cost. */
static void
new_sessions(const struct bench_options *o, const struct row *row)
{
	const uint32_t count = RTE_MIN(MAX_NEW, o->max_sessions);
	struct bench_result rate = { .name = row->name,
		.unit = "sessions/s",
		.sessions = count,
		.rules = row->rules,
		.runs = o->runs,
		.limit = row->limit,
		.wanted = row->limit > 0 ? WANTED_AT_LEAST : WANTED_NOTHING };
	struct bench_result create = { .name = "  of which creation",
		.unit = "cycles/session",
		.sessions = count,
		.rules = row->rules,
		.runs = o->runs };
	struct bench_result removal = create;
	struct bench_rig rig;

	removal.name = "  of which removal";
	if (!bench_rig_simple(&rig, count, row->rules)) {
		bench_rig_destroy(&rig);
		return;
	}
	bench_pass(&rig, row->shape, 0, count / 4, 0); /* warm up */
	bench_age(&rig);
	for (unsigned int i = 0; i < o->runs; i++) {
		const uint64_t made = bench_pass(&rig, row->shape, i * count, count, 0);
		const uint64_t removed = bench_age(&rig);

		create.values[i] = (double)made / count;
		removal.values[i] = (double)removed / count;
		rate.values[i] = (double)rte_get_tsc_hz() * count / (double)(made + removed);
	}
	create.floor = bench_floor(&rig, row->shape, count, o);
	bench_report(&rate);
	bench_report(&create);
	bench_report(&removal);
	bench_rig_destroy(&rig);
}

/* Handshake, close from either side, removal: six segments of each connection. */
static void
connections(const struct bench_options *o)
{
	static const struct bench_shape fin = {
		.family = 4, .proto = IPPROTO_TCP, .tcp_flags = RTE_TCP_FIN_FLAG | RTE_TCP_ACK_FLAG
	};
	static const struct bench_shape fin_back = { .family = 4,
		.proto = IPPROTO_TCP,
		.tcp_flags = RTE_TCP_FIN_FLAG | RTE_TCP_ACK_FLAG,
		.ack_add = 1 };
	static const struct bench_shape last = { .family = 4,
		.proto = IPPROTO_TCP,
		.tcp_flags = RTE_TCP_ACK_FLAG,
		.seq_add = 1,
		.ack_add = 1 };
	static const struct {
		const struct bench_shape *shape;
		unsigned int dir;
	} steps[] = { { &bench_syn, 0 }, { &bench_synack, 1 }, { &bench_ack, 0 }, { &fin, 0 },
		{ &fin_back, 1 }, { &last, 0 } };
	const uint32_t count = RTE_MIN(MAX_NEW / 2, o->max_sessions);
	struct bench_result rate = { .name = "TCP connections: handshake, close, removal",
		.unit = "connections/s",
		.sessions = count,
		.rules = 10,
		.runs = o->runs };
	struct bench_rig rig;

	if (!bench_rig_simple(&rig, count, 10)) {
		bench_rig_destroy(&rig);
		return;
	}
	for (unsigned int i = 0; i < o->runs; i++) {
		uint64_t cycles = 0;

		for (unsigned int s = 0; s < RTE_DIM(steps); s++)
			cycles += bench_pass(&rig, steps[s].shape, i * count, count, steps[s].dir);
		cycles += bench_age(&rig);
		rate.values[i] = (double)rte_get_tsc_hz() * count / (double)cycles;
	}
	bench_report(&rate);
	bench_rig_destroy(&rig);
}

void
bench_new(const struct bench_options *o)
{
	static const struct row rows[] = {
		{ "new UDP sessions, removal included", &bench_udp, 10, 0 },
		{ "new TCP sessions (SYN), removal included", &bench_syn, 10, 0 },
	};

	for (unsigned int i = 0; i < RTE_DIM(rows); i++)
		new_sessions(o, &rows[i]);
	connections(o);
}

void
bench_rules(const struct bench_options *o)
{
	static const struct row rows[] = {
		{ "new UDP sessions, 1 rule", &bench_udp, 1, 600000 },
		{ "new UDP sessions, 1k rules", &bench_udp, 1000, 600000 },
		{ "new UDP sessions, 10k rules", &bench_udp, 10000, 600000 },
		{ "new TCP sessions (SYN), 10k rules", &bench_syn, 10000, 600000 },
	};

	for (unsigned int i = 0; i < RTE_DIM(rows); i++)
		new_sessions(o, &rows[i]);
}
