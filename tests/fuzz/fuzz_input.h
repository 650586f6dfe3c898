/* Bytes of an input, one after the other; zeros behind its end. */
#pragma once

#include <stddef.h>
#include <stdint.h>

struct fuzz_input {
	const uint8_t *data;
	size_t size, at;
};

static inline uint8_t
fuzz_byte(struct fuzz_input *in)
{
	return in->at < in->size ? in->data[in->at++] : 0;
}

static inline uint32_t
fuzz_word(struct fuzz_input *in) /* 4 bytes */
{
	uint32_t v = 0;

	for (unsigned int i = 0; i < 4; i++)
		v = v << 8 | fuzz_byte(in);
	return v;
}

/* fuzz_alter: changes so many octets of what is built as the input says: place and value each. */
static inline void
fuzz_alter(struct fuzz_input *in, uint8_t *bytes, size_t len)
{
	for (uint8_t n = fuzz_byte(in) & 7; n > 0 && in->at < in->size; n--) {
		const uint8_t at = fuzz_byte(in), value = fuzz_byte(in);

		if (at < len)
			bytes[at] = value;
	}
}
