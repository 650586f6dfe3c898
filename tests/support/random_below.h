/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Numbers of a seed, the same on every machine.
 */
#pragma once

#include <stdint.h>

/* => 0 .. n - 1, n > 0. */
static inline uint32_t
random_below(uint64_t *state, uint32_t n)
{
	*state = *state * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
	return (uint32_t)(*state >> 33) % n;
}
