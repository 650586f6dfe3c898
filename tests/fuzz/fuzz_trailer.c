/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The trailer of HA messages.  Input: algorithm, rollout and keys of both boxes, then messages that
 * one seals and the other opens: as they are, with octets altered (and a checksum that fits again),
 * cut, twice, back to their sender.
 *
 * What must hold: what nobody has touched opens, and says the same; what is signed and was touched
 * does not; nothing counts twice; what is refused changes nothing; no byte outside is read.
 */
#include "fuzz_check.h"
#include "fuzz_input.h"
#include "hrp_trailer.h"

#include <rte_ip.h>

#include <string.h>

#define BODY_MAX 200
#define WIRE_MAX (sizeof(struct ha_vrrp) + BODY_MAX + sizeof(struct ha_trailer))
#define HELLO_MS 100

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const uint64_t lives[2] = { 11, 12 };

struct machine {
	struct hrp_trailer *box[2];
	struct hrp_security security[2];
	struct hrp_order order; /* of box 1 */
	uint64_t newest[2];	/* taken by it, by kind */
	struct fuzz_input *in;
	mono_t now;
};

static void
start(struct machine *m)
{
	const uint8_t how = fuzz_byte(m->in), keys = fuzz_byte(m->in);
	char err[128];

	m->now.ns = NS_PER_SEC;
	for (unsigned int b = 0; b < 2; b++) {
		struct hrp_security *const s = &m->security[b];

		s->algorithm = (enum ha_algorithm)((how >> (b * 2) & 3) % HA_ALGORITHMS);
		s->rollout = (enum hrp_rollout)((how >> (4 + b * 2) & 3) % HRP_ROLLOUTS);
		s->key_count = s->algorithm == HA_ALGORITHM_NONE ? 0 : 1 + (keys >> b & 1);
		for (uint16_t i = 0; i < s->key_count; i++) {
			struct hrp_key *const k = &s->keys[i];

			/* Of one number the secret is the same, unless the input says otherwise. */
			k->id = (uint16_t)(1 + ((keys >> (2 + b)) + i) % 2);
			k->len = HRP_SECRET_MIN;
			memset(k->secret, k->id + (b == 1 && (keys & 0x80) != 0 ? 100 : 0), k->len);
		}
		m->box[b] = hrp_trailer_create(s, lives[b], 1000 + b, err, sizeof(err));
		FUZZ_CHECK(m->box[b] != NULL, "%s", err);
	}
	hrp_order_init(&m->order, lives[1]);
	if ((keys & 0x40) == 0) {
		FUZZ_CHECK(hrp_order_trust(&m->order, lives[0], true, HELLO_MS, m->now),
			"the peer is not trusted");
		hrp_trailer_trust(m->box[1], lives[0]);
	}
}

static bool
signs(const struct hrp_security *s)
{
	return s->algorithm != HA_ALGORITHM_NONE && s->rollout != HRP_RECEIVE_ONLY;
}

/* Does box 1 have to take what box 0 seals?  => as the header says */
static bool
fits(const struct machine *m)
{
	const struct hrp_security *const out = &m->security[0], *const in = &m->security[1];

	if (!signs(out))
		return in->algorithm == HA_ALGORITHM_NONE || in->rollout != HRP_ENFORCE;
	if (out->algorithm != in->algorithm)
		return false;
	for (uint16_t i = 0; i < in->key_count; i++)
		if (in->keys[i].id == out->keys[0].id)
			return memcmp(in->keys[i].secret, out->keys[0].secret, HRP_SECRET_MIN) == 0;
	return false;
}

/* Of any content.  => length without the trailer */
static uint16_t
write_message(struct machine *m, uint8_t *message)
{
	const uint16_t body = fuzz_byte(m->in) % BODY_MAX;
	const uint16_t len = (uint16_t)(sizeof(struct ha_vrrp) + body);
	const uint8_t type = fuzz_byte(m->in);

	for (uint16_t i = 0; i < body; i++)
		message[sizeof(struct ha_vrrp) + i] = (uint8_t)(i * 7 + type);
	ha_finish(message, len, (type & 1) != 0 ? HA_PROBE : HA_VGMP, HELLO_MS);
	return len;
}

/* The receiver's way of hrp.c, in blocks of exactly the message's size. => was it taken? */
static bool
take(struct machine *m, const uint8_t *bytes, uint16_t len, const uint8_t *body, uint16_t body_len,
	bool touched)
{
	const struct hrp_order before = m->order;
	uint8_t *const message = malloc(len != 0 ? len : 1), *const room =
								     malloc(len != 0 ? len : 1);
	struct hrp_opened o = { 0 };
	enum ha_refusal why;

	FUZZ_CHECK(message != NULL && room != NULL, "out of memory");
	memcpy(message, bytes, len);
	why = hrp_trailer_open(m->box[1], message, len, room, &o);
	FUZZ_CHECK(memcmp(message, bytes, len) == 0, "opening has written into the message");
	if (why == HA_OK) {
		FUZZ_CHECK((o.data == message || o.data == room) &&
				   o.len + sizeof(struct ha_trailer) == len,
			"%u bytes of a message of %u", o.len, len);
		FUZZ_CHECK(o.number.life != lives[1] && o.number.life != 0, "a life of nobody");
	}
	if (!touched) {
		FUZZ_CHECK(!fits(m) || why == HA_OK || why == HA_REFUSED_life,
			"a good message is refused: %s", ha_refusal_names[why]);
		FUZZ_CHECK(fits(m) || why != HA_OK, "opened without the key");
	}
	if (why == HA_OK && !touched)
		FUZZ_CHECK(o.len == body_len && memcmp(o.data + sizeof(struct ha_vrrp),
							body + sizeof(struct ha_vrrp),
							body_len - sizeof(struct ha_vrrp)) == 0,
			"it says something else");
	/* Of what was touched, only what nobody has to have signed. */
	if (why == HA_OK && touched)
		FUZZ_CHECK(m->security[1].algorithm == HA_ALGORITHM_NONE ||
				   m->security[1].rollout != HRP_ENFORCE,
			"a forged message is opened");
	if (why == HA_OK)
		why = hrp_order_take(&m->order, &o.number, m->now);
	if (why != HA_OK)
		FUZZ_CHECK(memcmp(&before, &m->order, sizeof(before)) == 0,
			"refused (%s), and the order has changed", ha_refusal_names[why]);
	else
		FUZZ_CHECK(hrp_order_take(&m->order, &o.number, m->now) == HA_REFUSED_replayed,
			"it counts twice");
	free(message);
	free(room);
	return why == HA_OK;
}

static void
mend(uint8_t *message, uint16_t len)
{
	rte_be16_t sum;

	if (len < sizeof(struct ha_vrrp))
		return;
	memset(message + offsetof(struct ha_vrrp, checksum), 0, sizeof(sum));
	sum = (rte_be16_t)~rte_raw_cksum(message, len);
	memcpy(message + offsetof(struct ha_vrrp, checksum), &sum, sizeof(sum));
}

/* The same in all that counts; the checksum is no secret. */
static bool
same(const uint8_t *a, const uint8_t *b, uint16_t len)
{
	const size_t sum = offsetof(struct ha_vrrp, checksum), behind = sum + sizeof(rte_be16_t);

	return memcmp(a, b, sum) == 0 && memcmp(a + behind, b + behind, len - behind) == 0;
}

static void
one_message(struct machine *m)
{
	uint8_t body[WIRE_MAX] = { 0 }, wire[WIRE_MAX], altered[WIRE_MAX];
	const uint16_t len = write_message(m, body);
	const uint8_t how = fuzz_byte(m->in);
	const bool data = (how & 1) != 0;
	const uint16_t whole = hrp_trailer_seal(m->box[0], body, len, data, how, wire);
	struct hrp_opened o;
	uint16_t cut;

	FUZZ_CHECK(whole == len + sizeof(struct ha_trailer), "%u bytes sealed to %u", len, whole);
	FUZZ_CHECK(hrp_trailer_open(m->box[0], wire, whole, altered, &o) != HA_OK,
		"a box opens what it has said itself");
	memcpy(altered, wire, whole);
	fuzz_alter(m->in, altered, whole);
	cut = (how & 0x40) != 0 ? (uint16_t)(fuzz_byte(m->in) % (whole + 1u)) : whole;
	if ((how & 2) != 0)
		mend(altered, cut);
	if (cut != whole || !same(altered, wire, whole))
		take(m, altered, cut, body, len, true);
	if ((how & 4) == 0 && take(m, wire, whole, body, len, false) && (how & 8) != 0)
		FUZZ_CHECK(!take(m, wire, whole, body, len, false), "it is taken twice");
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct fuzz_input in = { .data = data, .size = size };
	struct machine m = { .in = &in };

	start(&m);
	while (in.at < in.size)
		one_message(&m);
	for (unsigned int b = 0; b < 2; b++)
		hrp_trailer_destroy(m.box[b]);
	return 0;
}
