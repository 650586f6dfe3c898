/*
 * IPv6 addresses in tests, as text.
 */
#pragma once

#include "ip_addr.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>

struct ipv6 {
	uint8_t b[IP6_LEN];
};

/* => The address; a mistake in the text ends the test program. */
static inline struct ipv6
ipv6(const char *text)
{
	struct ipv6 a;

	if (inet_pton(AF_INET6, text, a.b) != 1) {
		fprintf(stderr, "no IPv6 address: %s\n", text);
		exit(99);
	}
	return a;
}
