/* SPDX-License-Identifier: BSD-3-Clause */
#include "icmp6_rules.h"

#include <stddef.h>

const struct icmp6_rule icmp6_rules[] = {
#define X(first, last, action, name, reference) { first, last, ICMP6_##action, name, reference },
	ICMP6_RULES(X)
#undef X
		{ 0 },
};

const uint8_t icmp6_actions[256] = {
#define X(first, last, action, name, reference) [first... last] = ICMP6_##action,
	ICMP6_RULES(X)
#undef X
};
