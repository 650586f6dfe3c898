/*
 * What records of several tables have in common: addresses of either family, times that are left.
 */
#pragma once

#include "clock.h"
#include "ip_addr.h"

#include <stdint.h>

/* An address in 16 bytes: IPv4 in the first four, the rest 0; none (family 0): all 0. */
void record_put_address(const struct ip_addr *, uint8_t out[IP6_LEN]);
/* => the address of this family, 4 or 6; anything may be in it */
struct ip_addr record_get_address(const uint8_t in[IP6_LEN], uint8_t family);
/* An address as a part of a digest. */
uint64_t record_mix_address(uint64_t hash, const struct ip_addr *);

#define RECORD_NEVER UINT32_MAX
/* => milliseconds, at least one: what is over is about to be removed; RECORD_NEVER: no end */
uint32_t record_ms_left(mono_t until, mono_t now);
mono_t record_until(uint32_t ms_left, mono_t now);
