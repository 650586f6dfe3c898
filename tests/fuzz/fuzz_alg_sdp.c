/* SPDX-License-Identifier: BSD-3-Clause */
#include "alg_sdp.h"
#include "text.h"

/* A description as if it were a message of its own. */
static uint32_t
scan(unsigned int dir, uint8_t proto, const char *text, uint32_t len, struct alg_findings *found)
{
	(void)dir;
	(void)proto;
	found->count = 0;
	found->many = false;
	alg_sdp_scan(text, (struct alg_text){ text, text + len }, found);
	return len != 0 ? len : ALG_ALIEN;
}

const struct alg *
text_alg(void)
{
	static const struct alg sdp = { .name = "sdp", .scan = scan, .print = alg_text_print };

	return &sdp;
}
