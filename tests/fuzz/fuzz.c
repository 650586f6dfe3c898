/* SPDX-License-Identifier: BSD-3-Clause */
#include "fuzz.h"

#include "frag_table.h"
#include "test_eal.h"

#include <rte_mbuf.h>
#include <rte_mempool.h>

#include <string.h>

#define LONGEST_TIMER_MS (2500 * 1000) /* twice the longest idle time */
#define AGE_TURNS	 200

int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* libFuzzer has no context to hand over. */
static struct engine_box *box;

/* The block's own shared info, in a block of its own. */
static void
block_free(void *block, void *info)
{
	free(block);
	free(info);
}

static struct rte_mbuf *
block_mbuf(struct engine_box *b, const void *bytes, size_t len)
{
	struct rte_mbuf *m = rte_pktmbuf_alloc(b->pool);
	struct rte_mbuf_ext_shared_info *info = calloc(1, sizeof(*info));
	void *block = malloc(len);

	FUZZ_CHECK(m != NULL && info != NULL && block != NULL, "out of memory");
	memcpy(block, bytes, len);
	info->free_cb = block_free;
	info->fcb_opaque = info;
	rte_mbuf_ext_refcnt_set(info, 1);
	rte_pktmbuf_attach_extbuf(m, block, RTE_BAD_IOVA, (uint16_t)len, info);
	m->data_off = 0;
	m->data_len = (uint16_t)len;
	m->pkt_len = (uint32_t)len;
	return m;
}

void
fuzz_feed(struct engine_box *b, uint16_t port, uint16_t queue, const void *frame, size_t len,
	size_t split, uint64_t nic)
{
	struct packet_fields seen;
	struct rte_mbuf *m;

	if (len == 0)
		return; /* no driver hands over nothing */
	if (split == 0 || split >= len)
		split = len;
	m = block_mbuf(b, frame, split);
	if (split < len)
		rte_pktmbuf_chain(m, block_mbuf(b, (const uint8_t *)frame + split, len - split));
	m->ol_flags |= nic;
	packet_read(m, &seen); /* as a trace or a capture would, before the walk */
	FUZZ_CHECK(engine_box_feed(b, port, queue, m), "port ring full");
}

void
fuzz_run(struct engine_box *b)
{
	struct worker_stats s;
	struct mirror_event event;
	struct frag_stats f;
	struct rte_mbuf *m;
	uint64_t ended;

	engine_box_poll(b);
	for (uint16_t port = 0; port < BOX_PORTS; port++) {
		while ((m = engine_box_collect(b, port)) != NULL)
			rte_pktmbuf_free(m);
	}
	for (uint16_t w = 0; w < b->workers; w++) {
		while (engine_punt_dequeue(b->engine, w, &m, 1) == 1)
			rte_pktmbuf_free(m);
		while (engine_event_dequeue(b->engine, w, &event, 1) == 1)
			;
	}
	engine_stats(b->engine, &s);
	ended = s.forwarded + s.answered + s.punted + s.held;
	for (unsigned int r = 0; r < DROP_REASON_COUNT; r++)
		ended += s.drops[r];
	FUZZ_CHECK(s.rx == ended, "%lu packets received, %lu have ended", s.rx, ended);
	frag_table_stats(engine_fragments(b->engine), &f);
	FUZZ_CHECK(rte_mempool_in_use_count(b->pool) == f.buffers,
		"%u packet buffers are in use, fragments hold %lu",
		rte_mempool_in_use_count(b->pool), f.buffers);
	FUZZ_CHECK(s.tx == s.forwarded + s.answered + s.injected + s.notices + s.fragments,
		"%lu packets sent, but not each counted", s.tx);
}

void
fuzz_age(struct engine_box *b)
{
	const struct session_table *t = engine_sessions(b->engine);

	b->now = mono_add_ms(b->now, LONGEST_TIMER_MS);
	for (unsigned int i = 0; i < AGE_TURNS && session_table_count(t) != 0; i++)
		engine_box_poll(b);
	FUZZ_CHECK(session_table_count(t) == 0, "%u sessions are left after all timers",
		session_table_count(t));
	/* Grace periods: what was removed goes back to the slab. */
	for (unsigned int i = 0; i < 4; i++) {
		b->now = mono_add_ms(b->now, 10);
		engine_box_poll(b);
	}
}

int
LLVMFuzzerInitialize(int *argc, char ***argv)
{
	(void)argc;
	(void)argv;
	test_eal_start(256, 1);
	box = engine_box_create(&(struct engine_box_params){ .name = "fuzz",
		.number = 1,
		.workers = fuzz_workers,
		.sessions = 128,
		.buffers = 1024,
		.ring = 64,
		.event_ring = 64,
		.ipv6 = true });
	box->ping[BOX_TRUST] = true;
	engine_box_publish(box);
	engine_set_mirror(box->engine, true);
	fuzz_start(box);
	return 0;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct fuzz_input in = { .data = data, .size = size };

	fuzz_one(box, &in);
	return 0;
}
