/* SPDX-License-Identifier: BSD-3-Clause */
#include "nat64_icmp.h"

#include "ip_addr.h"

#include <rte_common.h>

#define NOTHING	    UINT8_MAX
#define HEADERS	    20 /* bytes that IPv6's header is longer */
#define NEXT_HEADER 6  /* where it is in an IPv6 header */

enum special {
	SPECIAL_NONE,
	SPECIAL_ECHO,	 /* the word is the same */
	SPECIAL_MTU,	 /* the word is one */
	SPECIAL_POINTER, /* first byte of the word (ICMP), the word (ICMPv6) */
	SPECIAL_PROTOCOL /* ICMPv6 only: a pointer to the next header */
};

struct word {
	uint8_t type, code_first, code_last;
	uint8_t to_type, to_code; /* NOTHING: the code it has */
	uint8_t special;	  /* enum special */
};

static const struct word to6[] = {
	{ 0, 0, 0, 129, 0, SPECIAL_ECHO },
	{ 8, 0, 0, 128, 0, SPECIAL_ECHO },
	{ 3, 0, 1, 1, 0, SPECIAL_NONE },
	{ 3, 2, 2, 4, 1, SPECIAL_PROTOCOL },
	{ 3, 3, 3, 1, 4, SPECIAL_NONE },
	{ 3, 4, 4, 2, 0, SPECIAL_MTU },
	{ 3, 5, 8, 1, 0, SPECIAL_NONE },
	{ 3, 9, 10, 1, 1, SPECIAL_NONE },
	{ 3, 11, 12, 1, 0, SPECIAL_NONE },
	{ 3, 13, 13, 1, 1, SPECIAL_NONE },
	{ 3, 15, 15, 1, 1, SPECIAL_NONE },
	{ 11, 0, 1, 3, NOTHING, SPECIAL_NONE },
	{ 12, 0, 0, 4, 0, SPECIAL_POINTER },
	{ 12, 2, 2, 4, 0, SPECIAL_POINTER },
};

static const struct word to4[] = {
	{ 129, 0, 0, 0, 0, SPECIAL_ECHO },
	{ 128, 0, 0, 8, 0, SPECIAL_ECHO },
	{ 1, 0, 0, 3, 1, SPECIAL_NONE },
	{ 1, 1, 1, 3, 10, SPECIAL_NONE },
	{ 1, 2, 3, 3, 1, SPECIAL_NONE },
	{ 1, 4, 4, 3, 3, SPECIAL_NONE },
	{ 2, 0, 0, 3, 4, SPECIAL_MTU },
	{ 3, 0, 1, 11, NOTHING, SPECIAL_NONE },
	{ 4, 0, 0, 12, 0, SPECIAL_POINTER },
	{ 4, 1, 1, 3, 2, SPECIAL_NONE },
};

/* Where the byte that a pointer points to is in the other header (figures 3 and 6). */
static const uint8_t pointer_to6[20] = { 0, 1, 4, 4, NOTHING, NOTHING, NOTHING, NOTHING, 7, 6,
	NOTHING, NOTHING, 8, 8, 8, 8, 24, 24, 24, 24 };
static const uint8_t pointer_to4[40] = { 0, 1, NOTHING, NOTHING, 2, 2, 9, 8, 12, 12, 12, 12, 12, 12,
	12, 12, 12, 12, 12, 12, 12, 12, 12, 12, 16, 16, 16, 16, 16, 16, 16, 16, 16, 16, 16, 16, 16,
	16, 16, 16 };

/* What an old router means that tells no MTU (RFC 1191 7). */
static uint32_t
plateau(uint32_t length)
{
	static const uint16_t plateaus[] = { 65535, 32000, 17914, 8166, 4352, 2002, 1492, 1006, 508,
		296, 68 };
	unsigned int i = 0;

	while (i < RTE_DIM(plateaus) - 1 && plateaus[i] >= length)
		i++;
	return plateaus[i];
}

static const struct word *
find(const struct word *words, unsigned int count, const struct nat64_message *m)
{
	for (unsigned int i = 0; i < count; i++) {
		if (words[i].type == m->type && m->code >= words[i].code_first &&
			m->code <= words[i].code_last)
			return &words[i];
	}
	return NULL;
}

static struct nat64_message
begin(const struct word *w, const struct nat64_message *m)
{
	return (struct nat64_message){ .type = w->to_type,
		.code = w->to_code == NOTHING ? m->code : w->to_code,
		.word = w->special == SPECIAL_ECHO ? m->word : 0 };
}

bool
nat64_message_to6(
	const struct nat64_message *m, const struct nat64_mtus *mtus, struct nat64_message *out)
{
	const struct word *w = find(to6, RTE_DIM(to6), m);
	const uint32_t pointer = m->word >> 24;
	uint32_t mtu = m->word & 0xffff;

	if (w == NULL)
		return false;
	*out = begin(w, m);
	switch ((enum special)w->special) {
	case SPECIAL_MTU:
		mtu = RTE_MIN(mtu != 0 ? mtu : plateau(mtus->quoted), (uint32_t)mtus->four) +
		      HEADERS;
		mtu = RTE_MIN(mtu, (uint32_t)mtus->six);
		/* What is shorter leaves without DF, and may be cut on its way. */
		out->word = RTE_MAX(mtu, (uint32_t)IP6_MTU_MIN);
		break;
	case SPECIAL_POINTER:
		if (pointer >= RTE_DIM(pointer_to6) || pointer_to6[pointer] == NOTHING)
			return false;
		out->word = pointer_to6[pointer];
		break;
	case SPECIAL_PROTOCOL:
		out->word = NEXT_HEADER;
		break;
	case SPECIAL_NONE:
	case SPECIAL_ECHO:
		break;
	}
	return true;
}

bool
nat64_message_to4(
	const struct nat64_message *m, const struct nat64_mtus *mtus, struct nat64_message *out)
{
	const struct word *w = find(to4, RTE_DIM(to4), m);
	uint32_t mtu;

	if (w == NULL)
		return false;
	*out = begin(w, m);
	if (w->special == SPECIAL_MTU) {
		mtu = RTE_MAX(RTE_MIN(m->word, (uint32_t)mtus->six), (uint32_t)IP6_MTU_MIN) -
		      HEADERS;
		out->word = RTE_MIN(mtu, (uint32_t)mtus->four);
	} else if (w->special == SPECIAL_POINTER) {
		if (m->word >= RTE_DIM(pointer_to4) || pointer_to4[m->word] == NOTHING)
			return false;
		out->word = (uint32_t)pointer_to4[m->word] << 24;
	}
	return true;
}
