/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * ALGs on the wire; docs/wire.md has the drawing.
 */
#include "alg_record.h"

#include <string.h>

uint8_t
alg_record_pack(
	const struct alg_kept *kept, uint32_t index, uint16_t generation, struct hrp_record_alg *r)
{
	*r = (struct hrp_record_alg){ .head = { .type = HRP_RECORD_ALG,
					      .length = sizeof(*r),
					      .generation = rte_cpu_to_be_16(generation),
					      .index = rte_cpu_to_be_32(index) },
		.alg = (uint8_t)kept->id };
	if (!kept->has_stream)
		return sizeof(*r);
	r->flags = HRP_ALG_STREAM;
	for (unsigned int d = 0; d < 2; d++) {
		const struct alg_lines_place *at = &kept->stream.lines[d];
		const struct alg_seq_kept *seq = &kept->stream.seq[d];

		r->flags |= (uint8_t)((at->on ? HRP_ALG_ON0 : 0) << d |
				      (at->known ? HRP_ALG_KNOWN0 : 0) << d |
				      (seq->has_floor ? HRP_ALG_FLOOR0 : 0) << d);
		r->dir[d].next = rte_cpu_to_be_32(at->next);
		r->dir[d].shift = rte_cpu_to_be_32(seq->shift);
		r->dir[d].floor = rte_cpu_to_be_32(seq->floor);
	}
	return sizeof(*r);
}

uint8_t
alg_record_pack_edit(const struct alg_seq_kept_edit *e, unsigned int dir, uint32_t index,
	uint16_t generation, uint8_t *record)
{
	const struct hrp_record_alg_edit r = {
		.head = { .type = HRP_RECORD_ALG_EDIT,
			.length = (uint8_t)(sizeof(r) + e->is),
			.generation = rte_cpu_to_be_16(generation),
			.index = rte_cpu_to_be_32(index) },
		.dir = (uint8_t)dir,
		.was = rte_cpu_to_be_16(e->was),
		.seq = rte_cpu_to_be_32(e->seq),
		.shift = rte_cpu_to_be_32(e->shift),
	};

	memcpy(record, &r, sizeof(r));
	memcpy(record + sizeof(r), e->text, e->is);
	return r.head.length;
}

bool
alg_record_unpack(const uint8_t *record, uint8_t len, struct alg_kept *kept)
{
	struct hrp_record_alg r;

	if (len != sizeof(r))
		return false;
	memcpy(&r, record, sizeof(r));
	if (r.alg == ALG_NONE || r.alg >= ALG_COUNT)
		return false;
	*kept = (struct alg_kept){ .id = (enum alg_id)r.alg,
		.has_stream = (r.flags & HRP_ALG_STREAM) != 0 };
	for (unsigned int d = 0; d < 2; d++) {
		kept->stream.lines[d] =
			(struct alg_lines_place){ .next = rte_be_to_cpu_32(r.dir[d].next),
				.on = (r.flags & HRP_ALG_ON0 << d) != 0,
				.known = (r.flags & HRP_ALG_KNOWN0 << d) != 0 };
		kept->stream.seq[d].shift = rte_be_to_cpu_32(r.dir[d].shift);
		kept->stream.seq[d].floor = rte_be_to_cpu_32(r.dir[d].floor);
		kept->stream.seq[d].has_floor = (r.flags & HRP_ALG_FLOOR0 << d) != 0;
	}
	return true;
}

bool
alg_record_unpack_edit(
	const uint8_t *record, uint8_t len, unsigned int *dir, struct alg_seq_kept_edit *e)
{
	struct hrp_record_alg_edit r;

	if (len < sizeof(r) || len > ALG_RECORD_MAX)
		return false;
	memcpy(&r, record, sizeof(r));
	if (r.dir > 1 || r.was == 0)
		return false;
	*dir = r.dir;
	*e = (struct alg_seq_kept_edit){ .seq = rte_be_to_cpu_32(r.seq),
		.shift = rte_be_to_cpu_32(r.shift),
		.was = rte_be_to_cpu_16(r.was),
		.is = (uint16_t)(len - sizeof(r)) };
	memcpy(e->text, record + sizeof(r), e->is);
	return true;
}
