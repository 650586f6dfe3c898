/*
 * A session table of its own for a unit test.
 */
#pragma once

#include "rcu.h"
#include "session_table.h"

#include <rte_memory.h>

/* table_open: name, max_sessions, shards and whatever differs are the caller's. => or NULL */
static inline struct session_table *
table_open(struct session_table_params p, struct rcu **rcu)
{
	*rcu = rcu_create(SOCKET_ID_ANY);
	p.hash_seed = 0x1234567;
	p.socket = SOCKET_ID_ANY;
	p.rcu = *rcu;
	return session_table_create(&p);
}

static inline void
table_close(struct session_table *t, struct rcu *rcu)
{
	session_table_destroy(t);
	rcu_destroy(rcu);
}
