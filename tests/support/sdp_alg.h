/*
 * A session description as if it were a message of its own, for tests.
 */
#pragma once

#include "alg_sdp.h"

static inline uint32_t
sdp_alg_scan(
	unsigned int dir, uint8_t proto, const char *text, uint32_t len, struct alg_findings *found)
{
	(void)dir;
	(void)proto;
	found->count = 0;
	found->many = false;
	alg_sdp_scan(text, (struct alg_text){ text, text + len }, found);
	return len;
}

static const struct alg sdp_alg = { .name = "sdp", .scan = sdp_alg_scan, .print = alg_text_print };
