/*
 * FW_ASSERT: what cannot happen.  On in tests and debug builds (-Dchecks=true), gone in releases.
 * Input (packets, peer messages, files) is never asserted, always checked.
 */
#pragma once

#ifdef TWINWALL_CHECKS
#include <rte_debug.h>
#define FW_ASSERT(cond)                                                                            \
	do {                                                                                       \
		if (__builtin_expect(!(cond), 0))                                                  \
			rte_panic("%s:%d: %s\n", __FILE__, __LINE__, #cond);                       \
	} while (0)
#else
#define FW_ASSERT(cond) ((void)sizeof(cond))
#endif
