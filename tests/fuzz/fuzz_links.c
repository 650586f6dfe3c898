/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Heartbeat links and the frames that come in by them: what the HRP core does before anything else
 * sees a message.  Two boxes with links of their own exchange probes in whole frames; the input
 * says what happens: time, carrier, frames that are lost, late, altered, cut, of a stranger.
 *
 * What must hold: what is refused changes nothing of the links; the running link is the first ready
 * one that may run; without carrier a link is down; messages leave by links that have it.
 */
#include "fuzz_check.h"
#include "fuzz_input.h"
#include "ha_constants.h"
#include "hrp_frame.h"
#include "hrp_link.h"

#include <rte_ip.h>

#include <string.h>

#define LINKS	  3
#define HELLO_MS  100
#define FRAME_MAX 128
#define UDP_LINK  2

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct frame {
	uint8_t bytes[FRAME_MAX];
	uint16_t len; /* 0 = none */
};

struct machine {
	struct hrp_links box[2];
	struct hrp_frame_end end[2][LINKS];
	struct frame late[LINKS]; /* from box 1, held back */
	uint64_t refused[HA_REFUSAL_COUNT];
	mono_t now;
	struct fuzz_input *in;
};

static void
start(struct machine *m)
{
	static const char *const names[LINKS] = { "GigabitEthernet1/0/2", "GigabitEthernet1/0/4",
		"GigabitEthernet1/0/1" };
	const uint8_t how = fuzz_byte(m->in);

	m->now.ns = NS_PER_SEC;
	for (uint8_t b = 0; b < 2; b++) {
		hrp_link_init(&m->box[b], HELLO_MS, b + 1u);
		for (uint8_t i = 0; i < LINKS; i++) {
			struct hrp_frame_end *const e = &m->end[b][i];

			*e = (struct hrp_frame_end){
				.address = rte_cpu_to_be_32(0x0a0a0001u + b + (i << 8)),
				.remote = i == UDP_LINK
						  ? rte_cpu_to_be_32(0x0a0a0002u - b + (i << 8))
						  : 0,
				.prefix_len = 24,
				.mac = { { 2, 0, 0, 0, i, b } },
				.next_hop = { { 2, 0, 0, 0, i, (uint8_t)!b } },
			};
			/* The input may cross the cables. */
			hrp_link_add(&m->box[b], e->address,
				names[b == 1 && how & 1 ? LINKS - 1 - i : i],
				i == UDP_LINK && (how & 2) != 0);
			hrp_link_carrier(&m->box[b], i, (how >> (2 + i) & 1) == 0, m->now);
		}
	}
}

static uint16_t
build(const struct machine *m, uint8_t from, uint8_t slot, const struct ha_probe *p, uint8_t *frame)
{
	const struct hrp_frame_end *const e = &m->end[from][slot];
	const uint16_t at = hrp_frame_overhead(e), len = sizeof(struct ha_vrrp) + sizeof(*p);

	memcpy(frame + at + sizeof(struct ha_vrrp), p, sizeof(*p));
	ha_finish(frame + at, len, HA_PROBE, HELLO_MS);
	hrp_frame_write(frame, len, e, 1);
	return (uint16_t)(at + len);
}

/* As hrp.c does; the frame lies in a block of its size, whose end ASan watches. */
static enum ha_refusal
take(struct machine *m, uint8_t to, uint8_t slot, const uint8_t *bytes, uint16_t len)
{
	struct hrp_frame_message message = { 0 };
	enum ha_refusal why = HA_OK;
	struct ha_probe probe;
	struct ha_vrrp v;
	uint8_t *const exact = malloc(len != 0 ? len : 1);

	FUZZ_CHECK(exact != NULL, "out of memory");
	memcpy(exact, bytes, len);
	const enum hrp_frame_kind kind =
		hrp_frame_parse(exact, len, &m->end[to][slot], &message, &why);

	FUZZ_CHECK((kind == HRP_FRAME_REFUSED) == (why != HA_OK), "refused without a reason");
	if (kind == HRP_FRAME_HA) {
		FUZZ_CHECK(message.data >= exact && message.data + message.len <= exact + len,
			"a message outside its frame");
		why = ha_check(message.data, message.len);
	}
	if (kind == HRP_FRAME_HA && why == HA_OK) {
		memcpy(&v, message.data, sizeof(v));
		if (v.type2 == HA_PROBE) {
			memcpy(&probe, message.data + sizeof(v), sizeof(probe));
			why = hrp_link_probe(&m->box[to], slot, &probe, message.source, m->now);
		}
	}
	if (kind == HRP_FRAME_ARP_REQUEST)
		hrp_frame_arp_reply(exact, &m->end[to][slot]);
	free(exact);
	return why;
}

static void
arrive(struct machine *m, uint8_t to, uint8_t slot, const uint8_t *bytes, uint16_t len)
{
	const struct hrp_links before = m->box[to];
	const enum ha_refusal why = take(m, to, slot, bytes, len);

	m->refused[why]++;
	FUZZ_CHECK(why == HA_OK || memcmp(&before, &m->box[to], sizeof(before)) == 0,
		"refused (%s), and something has changed", ha_refusal_names[why]);
}

/* Checksums of an altered frame, so that it is looked at further. */
static void
mend(uint8_t *f, uint16_t len, uint16_t at, uint8_t choice)
{
	struct rte_ipv4_hdr ip;
	rte_be16_t sum;

	if (choice & 1 && len >= at + sizeof(struct ha_vrrp)) {
		memset(f + at + 6, 0, 2);
		sum = (rte_be16_t)~rte_raw_cksum(f + at, len - at);
		memcpy(f + at + 6, &sum, sizeof(sum));
	}
	if (choice & 2 && len >= HRP_FRAME_OVERHEAD_UDP && at == HRP_FRAME_OVERHEAD_UDP) {
		memcpy(&ip, f + 14, sizeof(ip));
		ip.total_length = rte_cpu_to_be_16((uint16_t)(len - 14));
		memset(f + HRP_FRAME_OVERHEAD + 6, 0, 2);
		const uint32_t whole = (uint32_t)rte_raw_cksum(f + HRP_FRAME_OVERHEAD,
					       len - (size_t)HRP_FRAME_OVERHEAD) +
				       rte_ipv4_phdr_cksum(&ip, 0);

		sum = (rte_be16_t) ~((whole >> 16) + whole);
		memcpy(f + HRP_FRAME_OVERHEAD + 6, &sum, sizeof(sum));
	}
	if (choice & 4 && len >= HRP_FRAME_OVERHEAD) {
		memset(f + 24, 0, 2);
		sum = (rte_be16_t)~rte_raw_cksum(f + 14, sizeof(ip));
		memcpy(f + 24, &sum, sizeof(sum));
	}
}

/* A frame that no box has sent. */
static void
strange(struct machine *m, uint8_t what)
{
	const uint8_t slot = what % LINKS;
	const uint16_t at = hrp_frame_overhead(&m->end[1][slot]);
	uint8_t frame[FRAME_MAX] = { 0 };
	const struct ha_probe p = { .flags = fuzz_byte(m->in),
		.slot = slot,
		.hello_ms = RTE_BE16(HELLO_MS),
		.address = m->end[1][slot].address,
		.sequence = rte_cpu_to_be_32(fuzz_byte(m->in)),
		.echo = rte_cpu_to_be_32(m->box[0].link[slot].sequence - (fuzz_byte(m->in) & 15)) };
	uint16_t len = build(m, 1, slot, &p, frame);

	fuzz_alter(m->in, frame, len);
	if (what & 0x40)
		len = (uint16_t)(fuzz_byte(m->in) % (len + 1u));
	mend(frame, len, at, what >> 3);
	arrive(m, 0, slot, frame, len);
}

/* Both boxes have a turn; what they say is lost or comes later, as the input says. */
static void
turn(struct machine *m, uint8_t what)
{
	struct ha_probe p;
	struct frame f;

	m->now = mono_add_ms(m->now, (uint64_t)(what & 0x3f) * 5);
	for (uint8_t b = 0; b < 2; b++) {
		for (uint8_t i = 0; i < LINKS; i++) {
			for (unsigned int n = 0; hrp_link_due(&m->box[b], i, m->now, &p); n++) {
				FUZZ_CHECK(n < 3, "more than a probe and its answers at once");
				memset(&f, 0, sizeof(f));
				f.len = build(m, b, i, &p, f.bytes);
				if ((what & 0x40) == 0 || fuzz_byte(m->in) & 1)
					arrive(m, !b, i, f.bytes, f.len);
				else if (b == 1)
					m->late[i] = f;
			}
		}
	}
	for (uint8_t b = 0; b < 2; b++)
		hrp_link_poll(&m->box[b], m->now);
}

static void
check(const struct hrp_links *ls, mono_t now)
{
	const uint32_t ways = hrp_link_ways(ls, now);
	const int data = hrp_link_data(ls, now);
	int first = -1;

	for (int i = 0; i < ls->count; i++) {
		const struct hrp_link *const l = &ls->link[i];

		FUZZ_CHECK(l->carrier == (l->state > HRP_LINK_DOWN),
			"link %d: carrier %d, state %d", i, l->carrier, l->state);
		FUZZ_CHECK((ways >> i & 1) == 0 || l->carrier, "a way without carrier");
		FUZZ_CHECK((l->state == HRP_LINK_RUNNING) == (i == ls->running),
			"link %d runs, chosen is %d", i, ls->running);
		if (first < 0 && l->state >= HRP_LINK_READY && !l->heartbeat_only)
			first = i;
	}
	FUZZ_CHECK(first == ls->running, "link %d is the first ready one, chosen is %d", first,
		ls->running);
	FUZZ_CHECK(data < ls->count && (data < 0 || !ls->link[data].heartbeat_only),
		"data by link %d", data);
	FUZZ_CHECK(ways >> ls->count == 0, "ways %#x", ways);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct fuzz_input in = { .data = data, .size = size };
	struct machine m = { .in = &in };

	start(&m);
	while (in.at < in.size) {
		const uint8_t what = fuzz_byte(&in);
		const uint8_t slot = what % LINKS;

		if (what & 0x80) {
			strange(&m, what);
		} else if ((what & 0x3f) == 0x3f) {
			hrp_link_carrier(&m.box[0], slot, (what & 0x40) != 0, m.now);
		} else if ((what & 0x3f) == 0x3e) {
			for (uint8_t i = 0; i < LINKS; i++)
				if (m.late[i].len != 0)
					arrive(&m, 0, i, m.late[i].bytes, m.late[i].len);
		} else {
			turn(&m, what);
		}
		hrp_link_poll(&m.box[0], m.now);
		check(&m.box[0], m.now);
	}
	return 0;
}
