/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Grace periods: reader ids out of one 64-bit map, the rest is rte_rcu_qsbr.
 *
 * Registering and leaving may happen at any time on any thread; quiescent, offline and online only
 * on the thread that holds the id.
 */
#include "rcu.h"

#include "check.h"

#include <rte_malloc.h>
#include <rte_rcu_qsbr.h>

#include <errno.h>
#include <stdatomic.h>

struct rcu {
	_Atomic(uint64_t) used; /* one bit per reader id */
	struct rte_rcu_qsbr *qsbr;
};

static_assert(RCU_MAX_READERS == 64, "reader ids are bits of one word");

struct rcu *
rcu_create(int socket)
{
	struct rcu *r = rte_zmalloc_socket("rcu", sizeof(*r), RTE_CACHE_LINE_SIZE, socket);

	if (r == NULL)
		goto err_rcu;
	r->qsbr = rte_zmalloc_socket(
		"rcu_qsbr", rte_rcu_qsbr_get_memsize(RCU_MAX_READERS), RTE_CACHE_LINE_SIZE, socket);
	if (r->qsbr == NULL)
		goto err_qsbr;
	if (rte_rcu_qsbr_init(r->qsbr, RCU_MAX_READERS) != 0)
		goto err_init;
	return r;

err_init:
	rte_free(r->qsbr);
err_qsbr:
	rte_free(r);
err_rcu:
	errno = ENOMEM;
	return NULL;
}

void
rcu_destroy(struct rcu *r)
{
	if (r == NULL)
		return;
	rte_free(r->qsbr);
	rte_free(r);
}

int
rcu_register(struct rcu *r)
{
	uint64_t used = atomic_load(&r->used);
	unsigned int id;

	do {
		if (used == UINT64_MAX)
			return -1;
		id = (unsigned int)__builtin_ctzll(~used);
	} while (!atomic_compare_exchange_weak(&r->used, &used, used | UINT64_C(1) << id));

	if (rte_rcu_qsbr_thread_register(r->qsbr, id) != 0) {
		atomic_fetch_and(&r->used, ~(UINT64_C(1) << id));
		return -1;
	}
	rte_rcu_qsbr_thread_online(r->qsbr, id);
	return (int)id;
}

void
rcu_unregister(struct rcu *r, int reader)
{
	FW_ASSERT(reader >= 0 && reader < RCU_MAX_READERS);
	rte_rcu_qsbr_thread_offline(r->qsbr, (unsigned int)reader);
	rte_rcu_qsbr_thread_unregister(r->qsbr, (unsigned int)reader);
	atomic_fetch_and(&r->used, ~(UINT64_C(1) << reader));
}

void
rcu_quiescent(struct rcu *r, int reader)
{
	FW_ASSERT(reader >= 0 && reader < RCU_MAX_READERS);
	rte_rcu_qsbr_quiescent(r->qsbr, (unsigned int)reader);
}

void
rcu_offline(struct rcu *r, int reader)
{
	FW_ASSERT(reader >= 0 && reader < RCU_MAX_READERS);
	rte_rcu_qsbr_thread_offline(r->qsbr, (unsigned int)reader);
}

void
rcu_online(struct rcu *r, int reader)
{
	FW_ASSERT(reader >= 0 && reader < RCU_MAX_READERS);
	rte_rcu_qsbr_thread_online(r->qsbr, (unsigned int)reader);
}

uint64_t
rcu_start(struct rcu *r)
{
	return rte_rcu_qsbr_start(r->qsbr);
}

bool
rcu_done(struct rcu *r, uint64_t token)
{
	return rte_rcu_qsbr_check(r->qsbr, token, false) == 1;
}

void
rcu_wait(struct rcu *r)
{
	rte_rcu_qsbr_synchronize(r->qsbr, RTE_QSBR_THRID_INVALID);
}
