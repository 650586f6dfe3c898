/*
 * IPv4 addresses in host order.  DPDK's RTE_IPV4 shifts a signed int, which UBSan objects to.
 */
#pragma once

#include <stdint.h>

#define IPV4(a, b, c, d)                                                                           \
	((uint32_t)(a) << 24 | (uint32_t)(b) << 16 | (uint32_t)(c) << 8 | (uint32_t)(d))
