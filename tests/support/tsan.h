/*
 * Included before everything else in builds with the thread sanitizer (meson.build), and only
 * there: what DPDK guarantees and the sanitizer cannot see.
 *
 * Locks: RTE_FORCE_INTRINSICS makes them of C11 atomics instead of assembler.
 *
 * Rings: what was written before an enqueue is visible after the dequeue.  Rings in RTS mode keep
 * that by the order of the CPU's stores, with plain reads of the other side's tail, and those with
 * several producers pass the tail on without an acquire (22.11: rte_ring_rts_elem_pvt.h,
 * rte_ring_c11_pvt.h).  So the promise is said aloud here, ring by ring, and reports from inside
 * the copying are suppressed (tsan.supp).
 */
#pragma once

#define ALLOW_EXPERIMENTAL_API /* as console.c says it later */
#define RTE_USE_C11_MEM_MODEL  1
#define RTE_FORCE_INTRINSICS   1

#include <rte_ethdev.h>
#include <rte_hash.h>
#include <rte_mbuf.h>
#include <rte_rcu_qsbr.h>
#include <rte_ring.h>

/* Part of the sanitizer's run time library, declared nowhere; it writes nothing there. */
void __tsan_acquire(const void *);
void __tsan_release(const void *);

#define TSAN_BEFORE(at, call)                                                                      \
	({                                                                                         \
		__tsan_release(at);                                                                \
		call;                                                                              \
	})
#define TSAN_AFTER(at, call)                                                                       \
	({                                                                                         \
		const __typeof__(call) tsan_result_ = call;                                        \
		__tsan_acquire(at);                                                                \
		tsan_result_;                                                                      \
	})

#define rte_ring_enqueue(r, obj)	    TSAN_BEFORE(r, rte_ring_enqueue(r, obj))
#define rte_ring_enqueue_elem(r, obj, size) TSAN_BEFORE(r, rte_ring_enqueue_elem(r, obj, size))
#define rte_ring_enqueue_bulk_elem(r, obj, size, n, space)                                         \
	TSAN_BEFORE(r, rte_ring_enqueue_bulk_elem(r, obj, size, n, space))
#define rte_ring_sp_enqueue(r, obj) TSAN_BEFORE(r, rte_ring_sp_enqueue(r, obj))
#define rte_ring_mp_enqueue(r, obj) TSAN_BEFORE(r, rte_ring_mp_enqueue(r, obj))
#define rte_ring_sp_enqueue_elem(r, obj, size)                                                     \
	TSAN_BEFORE(r, rte_ring_sp_enqueue_elem(r, obj, size))
#define rte_ring_mp_enqueue_elem(r, obj, size)                                                     \
	TSAN_BEFORE(r, rte_ring_mp_enqueue_elem(r, obj, size))
#define rte_ring_sc_dequeue_burst(r, obj, n, left)                                                 \
	TSAN_AFTER(r, rte_ring_sc_dequeue_burst(r, obj, n, left))
#define rte_ring_sc_dequeue_elem(r, obj, size) TSAN_AFTER(r, rte_ring_sc_dequeue_elem(r, obj, size))
#define rte_ring_sc_dequeue_burst_elem(r, obj, size, n, left)                                      \
	TSAN_AFTER(r, rte_ring_sc_dequeue_burst_elem(r, obj, size, n, left))
#define rte_ring_dequeue(r, obj)	    TSAN_AFTER(r, rte_ring_dequeue(r, obj))
#define rte_ring_dequeue_elem(r, obj, size) TSAN_AFTER(r, rte_ring_dequeue_elem(r, obj, size))
#define rte_ring_dequeue_burst(r, obj, n, left)                                                    \
	TSAN_AFTER(r, rte_ring_dequeue_burst(r, obj, n, left))
#define rte_ring_dequeue_burst_elem(r, obj, size, n, left)                                         \
	TSAN_AFTER(r, rte_ring_dequeue_burst_elem(r, obj, size, n, left))

/* What a reader did before it was quiescent is done when a grace period has passed.  22.11 tells
 * that from one writer to another by a relaxed token.
 */
#define rte_rcu_qsbr_quiescent(v, id)	   TSAN_BEFORE(v, rte_rcu_qsbr_quiescent(v, id))
#define rte_rcu_qsbr_thread_offline(v, id) TSAN_BEFORE(v, rte_rcu_qsbr_thread_offline(v, id))
#define rte_rcu_qsbr_check(v, token, wait) TSAN_AFTER(v, rte_rcu_qsbr_check(v, token, wait))
#define rte_rcu_qsbr_synchronize(v, id)                                                            \
	({                                                                                         \
		rte_rcu_qsbr_synchronize(v, id);                                                   \
		__tsan_acquire(v);                                                                 \
	})

/* A buffer's former life ends before its next one begins; the pool's ring is in a library. */
#define rte_pktmbuf_free(m)                                                                        \
	({                                                                                         \
		struct rte_mbuf *const tsan_mbuf_ = m;                                             \
                                                                                                   \
		if (tsan_mbuf_ != NULL)                                                            \
			__tsan_release(tsan_mbuf_->pool);                                          \
		rte_pktmbuf_free(tsan_mbuf_);                                                      \
	})
#define rte_pktmbuf_alloc(pool) TSAN_AFTER(pool, rte_pktmbuf_alloc(pool))

/* A ring port: its queue begins with its ring, and the driver is a library that is not seen. */
#define TSAN_QUEUE(queue) (*(void **)(queue))
#define rte_eth_rx_burst(port, queue, m, n)                                                        \
	TSAN_AFTER(TSAN_QUEUE(rte_eth_fp_ops[port].rxq.data[queue]),                               \
		rte_eth_rx_burst(port, queue, m, n))
#define rte_eth_tx_burst(port, queue, m, n)                                                        \
	TSAN_BEFORE(TSAN_QUEUE(rte_eth_fp_ops[port].txq.data[queue]),                              \
		rte_eth_tx_burst(port, queue, m, n))

/* What was written before a key was added is visible to who finds it. */
#define rte_hash_add_key_data(h, key, data) TSAN_BEFORE(h, rte_hash_add_key_data(h, key, data))
#define rte_hash_add_key_with_hash_data(h, key, sig, data)                                         \
	TSAN_BEFORE(h, rte_hash_add_key_with_hash_data(h, key, sig, data))
#define rte_hash_lookup_data(h, key, data) TSAN_AFTER(h, rte_hash_lookup_data(h, key, data))
#define rte_hash_lookup_with_hash_bulk_data(h, keys, sig, n, mask, data)                           \
	TSAN_AFTER(h, rte_hash_lookup_with_hash_bulk_data(h, keys, sig, n, mask, data))
