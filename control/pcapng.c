/* SPDX-License-Identifier: BSD-3-Clause */
#include "pcapng.h"

#include <string.h>

#define BLOCK_SECTION	 0x0a0d0d0a
#define BLOCK_INTERFACE	 1
#define BLOCK_STATISTICS 5
#define BLOCK_PACKET	 6
#define BYTE_ORDER_MAGIC 0x1a2b3c4d
#define LINK_ETHERNET	 1

#define OPTION_END	    0
#define OPTION_COMMENT	    1
#define SECTION_APPLICATION 4
#define IF_NAME		    2
#define IF_DESCRIPTION	    3
#define IF_TIME_UNIT	    9 /* the time's unit: 10^-n s */
#define PACKET_FLAGS	    2
#define STATISTICS_TAKEN    4 /* isb_ifrecv */
#define STATISTICS_MISSED   7 /* isb_osdrop */

#define BODY_MAX   1024 /* all of a block but a packet's bytes */
#define OPTION_MAX 255

/* A block being put together; the packet's bytes stand at `data_at` and are written from where they
 * are. */
struct block {
	uint32_t type, len;
	uint8_t body[BODY_MAX];
	uint32_t data_at, data_len;
	const void *data;
};

static uint32_t
padded(uint32_t len)
{
	return (len + 3) & ~3U;
}

/* put: bytes, filled up to a multiple of four. */
static void
put(struct block *b, const void *data, uint32_t len)
{
	memcpy(b->body + b->len, data, len);
	memset(b->body + b->len + len, 0, padded(len) - len);
	b->len += padded(len);
}

static void
put16(struct block *b, uint16_t first, uint16_t second)
{
	const uint16_t both[2] = { first, second };

	put(b, both, sizeof(both));
}

static void
put32(struct block *b, uint32_t value)
{
	put(b, &value, sizeof(value));
}

/* Times and counters: the high half first, whatever the byte order. */
static void
put_time(struct block *b, uint64_t value)
{
	put32(b, (uint32_t)(value >> 32));
	put32(b, (uint32_t)value);
}

static void
put_option(struct block *b, uint16_t code, const void *data, uint16_t len)
{
	put16(b, code, len);
	put(b, data, len);
}

static void
put_text(struct block *b, uint16_t code, const char *text)
{
	const size_t len = text != NULL ? strnlen(text, OPTION_MAX) : 0;

	if (len > 0)
		put_option(b, code, text, (uint16_t)len);
}

static uint32_t
emit(FILE *f, const struct block *b)
{
	static const uint8_t zeros[3];
	const uint32_t fill = padded(b->data_len) - b->data_len;
	const uint32_t total = 12 + b->len + b->data_len + fill;
	const uint32_t front[2] = { b->type, total };
	const bool good =
		fwrite(front, sizeof(front), 1, f) == 1 &&
		fwrite(b->body, 1, b->data_at, f) == b->data_at &&
		fwrite(b->data, 1, b->data_len, f) == b->data_len &&
		fwrite(zeros, 1, fill, f) == fill &&
		fwrite(b->body + b->data_at, 1, b->len - b->data_at, f) == b->len - b->data_at &&
		fwrite(&total, sizeof(total), 1, f) == 1;

	return good ? total : 0;
}

uint32_t
pcapng_begin(FILE *f, const char *application)
{
	struct block b = { .type = BLOCK_SECTION, .data = "" };

	put32(&b, BYTE_ORDER_MAGIC);
	put16(&b, 1, 0);
	put_time(&b, UINT64_MAX); /* the section's length is not known */
	put_text(&b, SECTION_APPLICATION, application);
	put16(&b, OPTION_END, 0);
	return emit(f, &b);
}

uint32_t
pcapng_interface(FILE *f, const char *name, const char *description, uint32_t snaplen)
{
	const uint8_t nanoseconds = 9;
	struct block b = { .type = BLOCK_INTERFACE, .data = "" };

	put16(&b, LINK_ETHERNET, 0);
	put32(&b, snaplen);
	put_text(&b, IF_NAME, name);
	put_text(&b, IF_DESCRIPTION, description);
	put_option(&b, IF_TIME_UNIT, &nanoseconds, sizeof(nanoseconds));
	put16(&b, OPTION_END, 0);
	return emit(f, &b);
}

uint32_t
pcapng_packet(FILE *f, const struct pcapng_packet *p)
{
	const uint32_t flags = p->direction;
	struct block b = { .type = BLOCK_PACKET, .data = p->data, .data_len = p->kept };

	put32(&b, p->interface);
	put_time(&b, p->ns);
	put32(&b, p->kept);
	put32(&b, p->len);
	b.data_at = b.len;
	put_option(&b, PACKET_FLAGS, &flags, sizeof(flags));
	put_text(&b, OPTION_COMMENT, p->comment);
	put16(&b, OPTION_END, 0);
	return emit(f, &b);
}

uint32_t
pcapng_statistics(FILE *f, uint32_t interface, uint64_t ns, uint64_t taken, uint64_t missed)
{
	struct block b = { .type = BLOCK_STATISTICS, .data = "" };

	put32(&b, interface);
	put_time(&b, ns);
	put_option(&b, STATISTICS_TAKEN, &taken, sizeof(taken));
	put_option(&b, STATISTICS_MISSED, &missed, sizeof(missed));
	put16(&b, OPTION_END, 0);
	return emit(f, &b);
}
