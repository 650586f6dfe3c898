/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Messages on the heartbeat link that are damaged or cut, as whole boxes see them (HAC-02, HAC-03):
 * each is refused and counted, and nothing else changes.  What is damaged are frames that the peer
 * has sent a moment ago.
 */
#include "hrp.h"
#include "hrp_frame.h"
#include "pair.h"
#include "role.h"
#include "test_eal.h"

#include <rte_ip.h>
#include <rte_memory.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define FRAME_MAX 1600
#define AT_ONCE	  16

enum kind { PROBE, VGMP, HELLO, DATA, KINDS };
static const char *const kind_names[KINDS] = { "probe", "VGMP hello", "HRP hello", "HRP data" };

struct kept {
	uint8_t bytes[FRAME_MAX];
	uint16_t len;
};

struct seen {
	struct hrp_status hrp;
	struct role_status role[2];
};

static struct kept kept[KINDS];
static uint64_t injected;

static void
keep(void *ctx, unsigned int from, const struct rte_mbuf *m)
{
	const uint8_t *const frame = rte_pktmbuf_mtod(m, const uint8_t *);
	const uint8_t *const message = frame + HRP_FRAME_OVERHEAD;
	enum kind kind = PROBE;

	(void)ctx;
	if (from != 0 || m->nb_segs != 1 || m->data_len > FRAME_MAX ||
		m->data_len < HRP_FRAME_OVERHEAD + sizeof(struct ha_vrrp) + sizeof(struct ha_vgmp))
		return;
	if (message[offsetof(struct ha_vrrp, type2)] == HA_VGMP)
		kind = message[sizeof(struct ha_vrrp)] == HA_VGMP_HELLO	 ? VGMP
		       : message[sizeof(struct ha_vrrp)] == HA_HRP_HELLO ? HELLO
									 : DATA;
	memcpy(kept[kind].bytes, frame, m->data_len);
	kept[kind].len = m->data_len;
}

static uint64_t
refused(const struct seen *s)
{
	uint64_t n = s->hrp.links[0].other_in;

	for (int i = 1; i < HA_REFUSAL_COUNT; i++)
		n += s->hrp.refused[i];
	return n;
}

static void
look(struct pair *p, struct seen *s)
{
	pair_run(p, 110); /* both publish what they count */
	hrp_status(ha_hrp(pair_box(p, 1)->ha), &s->hrp);
	for (unsigned int b = 0; b < 2; b++)
		role_status_read(ha_role(pair_box(p, b)->ha), &s->role[b]);
}

static void
give(struct pair *p, const uint8_t *frame, uint16_t len)
{
	pair_inject(p, 1, 0, frame, len);
	if (++injected % AT_ONCE == 0)
		pair_run(p, 1);
}

static struct pair *
form(struct seen *before)
{
	struct pair *const p = pair_create(&(struct pair_options){
		.hello_ms = 100, .tcp_count = 5, .workers = { 1, 1 }, .seed = 7 });
	memset(kept, 0, sizeof(kept));
	injected = 0;
	pair_tap(p, keep, NULL);
	pair_form(p);
	pair_run(p, 300);
	pair_tap(p, NULL, NULL);
	for (int k = 0; k < KINDS; k++)
		if (kept[k].len == 0)
			fail_msg("no %s was sent", kind_names[k]);
	look(p, before);
	return p;
}

/* Every one was counted, and nothing has changed. */
static void
nothing_happened(struct pair *p, const struct seen *before)
{
	static struct seen after;

	look(p, &after);
	assert_int_equal(refused(&after) - refused(before), injected);
	assert_int_equal(after.hrp.links[0].state, before->hrp.links[0].state);
	assert_int_equal(after.hrp.links[0].changes, before->hrp.links[0].changes);
	assert_int_equal(after.hrp.synchronised, 1);
	for (unsigned int b = 0; b < 2; b++) {
		assert_int_equal(after.role[b].change_count, before->role[b].change_count);
		assert_int_equal(after.role[b].fences, before->role[b].fences);
		assert_int_equal(after.role[b].hello_mismatch, 0);
		for (int g = 1; g <= 2; g++) {
			assert_int_equal(
				after.role[b].group[g].state, before->role[b].group[g].state);
			assert_int_equal(after.role[b].group[g].peer_priority,
				before->role[b].group[g].peer_priority);
			assert_int_equal(after.role[b].group[g].peer_epoch,
				before->role[b].group[g].peer_epoch);
		}
	}
	assert_int_equal(pair_owner(p), 0);
	assert_int_equal(pair_differences(p), 0);
}

static void
HAC_02_every_flipped_bit_behind_the_ethernet_header_is_refused(void **state)
{
	static struct seen before;
	struct pair *const p = form(&before);

	(void)state;
	for (int k = 0; k < KINDS; k++) {
		struct kept *const f = &kept[k];

		for (uint32_t bit = RTE_ETHER_HDR_LEN * 8; bit < f->len * 8u; bit++) {
			f->bytes[bit / 8] ^= (uint8_t)(1 << bit % 8);
			give(p, f->bytes, f->len);
			f->bytes[bit / 8] ^= (uint8_t)(1 << bit % 8);
		}
	}
	nothing_happened(p, &before);
}

/* As cut on the way, and as if the cutter had mended every length and checksum of the frame. */
static void
HAC_03_every_cut_is_refused(void **state)
{
	static struct seen before;
	struct pair *const p = form(&before);
	uint8_t frame[FRAME_MAX];

	(void)state;
	for (int k = 0; k < KINDS; k++) {
		const struct kept *const f = &kept[k];
		const struct hrp_frame_end peer = { .address = RTE_BE32(0x0a0a0001),
			.prefix_len = 24 };

		for (uint16_t len = 1; len < f->len; len++) {
			const uint16_t message = (uint16_t)(len - HRP_FRAME_OVERHEAD);
			rte_be16_t sum;

			memcpy(frame, f->bytes, len);
			give(p, frame, len);
			if (len < HRP_FRAME_OVERHEAD + sizeof(struct ha_vrrp))
				continue;
			memset(frame + HRP_FRAME_OVERHEAD + 6, 0, sizeof(sum));
			sum = (rte_be16_t)~rte_raw_cksum(frame + HRP_FRAME_OVERHEAD, message);
			memcpy(frame + HRP_FRAME_OVERHEAD + 6, &sum, sizeof(sum));
			hrp_frame_write(frame, message, &peer, 1);
			give(p, frame, len);
		}
	}
	nothing_happened(p, &before);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_teardown(
			HAC_02_every_flipped_bit_behind_the_ethernet_header_is_refused,
			pair_teardown),
		cmocka_unit_test_teardown(HAC_03_every_cut_is_refused, pair_teardown),
	};

	test_eal_start(1024, 1);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
