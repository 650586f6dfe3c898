/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Any frame at all.  Input: a byte of choices, then the frame.  As it would find neither our MAC
 * nor checksums by chance, the choices put them right.
 */
#include "fuzz.h"

#include <string.h>

enum choice {
	FROM_UNTRUST = 1,
	TO_OUR_MAC = 2,
	NIC_SAYS_GOOD = 4, /* both checksums */
	IS_IPV4 = 8,
	IS_IPV6 = 16,
	SPLIT = 32, /* one more byte: where */
	TO_VIRTUAL_MAC = 64,
	PERMIT_ALL = 128
};

const uint16_t fuzz_workers = 1;

void
fuzz_start(struct engine_box *b)
{
	b->rules[1] = (struct policy_rule){ .name = "in", .action = POLICY_PERMIT };
	b->rule_count = 2;
	engine_box_publish(b);
}

void
fuzz_one(struct engine_box *b, struct fuzz_input *in)
{
	const uint8_t choice = fuzz_byte(in);
	const size_t split = choice & SPLIT ? fuzz_byte(in) : 0;
	const uint16_t port = choice & FROM_UNTRUST ? BOX_UNTRUST : BOX_TRUST;
	const struct rte_ether_addr vmac = { { 0, 0, 0x5e, 0, choice & IS_IPV6 ? 2 : 1,
		BOX_VRID(port) } };
	uint8_t frame[2048];
	const size_t len = RTE_MIN(in->size - in->at, sizeof(frame));

	memcpy(frame, in->data + in->at, len);
	if (choice & (TO_OUR_MAC | TO_VIRTUAL_MAC) && len >= 6)
		memcpy(frame, choice & TO_OUR_MAC ? &b->ports[port].mac : &vmac, 6);
	if (choice & (IS_IPV4 | IS_IPV6) && len >= 14)
		memcpy(frame + 12, choice & IS_IPV4 ? "\x08\x00" : "\x86\xdd", 2);
	fuzz_feed(b, port, 0, frame, len, split,
		choice & NIC_SAYS_GOOD ? RTE_MBUF_F_RX_IP_CKSUM_GOOD | RTE_MBUF_F_RX_L4_CKSUM_GOOD
				       : 0);
	fuzz_run(b);
	/* Sessions age under way, so that the table is empty, full and in between. */
	b->now = mono_add_ms(b->now, 300);
}
