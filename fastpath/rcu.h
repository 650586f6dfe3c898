/*
 * Grace periods for one engine: a thin layer over rte_rcu_qsbr (core API, not the experimental dq
 * API).  Each lcore that reads tables registers a slot once, reports a quiescent state once per
 * loop, and goes offline before it blocks or sleeps.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

struct rcu;

#define RCU_MAX_READERS 64

struct rcu *rcu_create(int socket);
void rcu_destroy(struct rcu *);

/* rcu_register: => reader id for the calling thread, -1 when all slots are taken. */
int rcu_register(struct rcu *);
void rcu_unregister(struct rcu *, int reader);
void rcu_quiescent(struct rcu *, int reader);
void rcu_offline(struct rcu *, int reader);
void rcu_online(struct rcu *, int reader);

/* rcu_start: begin a grace period; rcu_done: has it passed?  Never blocks. */
uint64_t rcu_start(struct rcu *);
bool rcu_done(struct rcu *, uint64_t token);
/* rcu_wait: block until every reader has passed (management thread only). */
void rcu_wait(struct rcu *);
