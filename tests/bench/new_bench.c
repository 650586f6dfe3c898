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

void
bench_make(struct bench_rig *rig, const struct bench_options *o, const struct bench_making *m)
{
	const uint32_t all = m->count * m->batches;
	struct bench_result rate = { .name = m->name,
		.unit = "sessions/s",
		.sessions = m->count,
		.rules = m->rules,
		.runs = o->runs,
		.limit = m->limit,
		.wanted = m->limit > 0 ? WANTED_AT_LEAST : WANTED_NOTHING };
	struct bench_result create = { .name = "  of which creation",
		.unit = "cycles/session",
		.sessions = m->count,
		.rules = m->rules,
		.runs = o->runs };
	struct bench_result removal = create;

	removal.name = "  of which removal";
	bench_pass(rig, m->shape, 0, m->count / 4, 0); /* warm up */
	bench_age(rig);
	for (unsigned int i = 0; i < o->runs; i++) {
		uint64_t made = 0, removed = 0;

		for (uint32_t b = 0; b < m->batches; b++) {
			made += bench_pass(rig, m->shape, i * all + b * m->count, m->count, 0);
			removed += bench_age(rig);
		}
		create.values[i] = (double)made / all;
		removal.values[i] = (double)removed / all;
		rate.values[i] = (double)rte_get_tsc_hz() * all / (double)(made + removed);
	}
	create.floor = bench_floor(rig, m->shape, m->count, o);
	bench_report(&rate);
	bench_report(&create);
	bench_report(&removal);
}

static void
new_sessions(const struct bench_options *o, const struct bench_making *row)
{
	struct bench_making m = *row;
	struct bench_rig rig;

	m.count = RTE_MIN(MAX_NEW, o->max_sessions);
	m.batches = 1;
	if (bench_rig_simple(&rig, m.count, m.rules))
		bench_make(&rig, o, &m);
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
	static const struct bench_making rows[] = {
		{ "new UDP sessions, removal included", &bench_udp, .rules = 10 },
		{ "new TCP sessions (SYN), removal included", &bench_syn, .rules = 10 },
	};

	for (unsigned int i = 0; i < RTE_DIM(rows); i++)
		new_sessions(o, &rows[i]);
	connections(o);
}

void
bench_rules(const struct bench_options *o)
{
	static const struct bench_making rows[] = {
		{ "new UDP sessions, 1 rule", &bench_udp, .rules = 1, .limit = 600000 },
		{ "new UDP sessions, 1k rules", &bench_udp, .rules = 1000, .limit = 600000 },
		{ "new UDP sessions, 10k rules", &bench_udp, .rules = 10000, .limit = 600000 },
		{ "new TCP sessions (SYN), 10k rules", &bench_syn, .rules = 10000,
			.limit = 600000 },
	};

	for (unsigned int i = 0; i < RTE_DIM(rows); i++)
		new_sessions(o, &rows[i]);
}
