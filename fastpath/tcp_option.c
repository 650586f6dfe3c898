/* SPDX-License-Identifier: BSD-3-Clause */
#include "tcp_option.h"

#include <rte_byteorder.h>

#include <stddef.h>
#include <string.h>

#define OPTION_END 0
#define OPTION_NOP 1

/* => the option at or behind `at`; NULL at the end, *sound = false when a length is impossible. */
static uint8_t *
next_option(uint8_t *at, const uint8_t *end, bool *sound)
{
	while (at < end && *at == OPTION_NOP)
		at++;
	if (at == end || *at == OPTION_END)
		return NULL;
	if (end - at >= 2 && at[1] >= 2 && at[1] <= end - at)
		return at;
	*sound = false;
	return NULL;
}

static uint8_t *
end_of(struct rte_tcp_hdr *tcp)
{
	return (uint8_t *)tcp + (tcp->data_off >> 4 << 2);
}

bool
tcp_options_sound(const struct rte_tcp_hdr *tcp)
{
	/* Nothing is written through it. */
	struct rte_tcp_hdr *header = (struct rte_tcp_hdr *)(uintptr_t)tcp;
	const uint8_t *end = end_of(header);
	uint8_t *at = (uint8_t *)(header + 1);
	bool sound = true;

	while ((at = next_option(at, end, &sound)) != NULL)
		at += at[1];
	return sound;
}

uint8_t *
tcp_option(struct rte_tcp_hdr *tcp, uint8_t kind, uint8_t len)
{
	const uint8_t *end = end_of(tcp);
	uint8_t *at = (uint8_t *)(tcp + 1);
	bool sound = true;

	while ((at = next_option(at, end, &sound)) != NULL) {
		if (at[0] == kind && at[1] == len)
			return at;
		at += at[1];
	}
	return NULL;
}

void
tcp_mss_clamp(struct rte_tcp_hdr *tcp, uint16_t mss)
{
	uint8_t *option = tcp_option(tcp, TCP_OPTION_MSS, 4);
	uint8_t before[4] = { 0 }, after[4] = { 0 };
	uint16_t was[2], is[2];
	size_t odd;
	uint32_t sum;

	if (option == NULL || (uint16_t)(option[2] << 8 | option[3]) <= mss)
		return;
	/* The two bytes may lie across two words of the sum. */
	odd = (size_t)(option - (uint8_t *)tcp) & 1;
	memcpy(before + odd, option + 2, 2);
	option[2] = (uint8_t)(mss >> 8);
	option[3] = (uint8_t)mss;
	memcpy(after + odd, option + 2, 2);
	memcpy(was, before, sizeof(was));
	memcpy(is, after, sizeof(is));
	/* RFC 1624: HC' = ~(~HC + ~m + m') */
	sum = (uint16_t)~tcp->cksum;
	sum += (uint16_t)~was[0] + (uint32_t)is[0];
	sum += (uint16_t)~was[1] + (uint32_t)is[1];
	sum = (sum & 0xffff) + (sum >> 16);
	sum = (sum & 0xffff) + (sum >> 16);
	tcp->cksum = (rte_be16_t)~sum;
}
