/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Authentication of VRRP adverts by HMAC: see vrrp_hmac.h.
 */
#include "vrrp_hmac.h"

#include "check.h"
#include "clock.h"

#include <assert.h>
#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#define TYPE_SHA256  1
#define DIGEST	     32
#define SENDERS	     16 /* a group has few; only authentic ones get here */
#define CHECKSUM_AT  6
#define CHECKSUM_LEN 2

struct trailer {
	uint8_t type;
	uint8_t key;
	rte_be16_t reserved;
	rte_be32_t seconds;
	rte_be16_t fraction;
	rte_be16_t count;
	uint8_t hmac[16];
};
static_assert(sizeof(struct trailer) == VRRP_WIRE_TRAILER, "wire size");

struct pseudo {
	uint8_t family, version, vrid, zero;
	uint8_t source[IP6_LEN];
};
static_assert(sizeof(struct pseudo) == 20, "as the draft has it");

/* The last number of a sender. */
struct sender {
	struct ip_addr address; /* family 0: nobody's */
	uint64_t number;
	uint64_t used; /* which one has been silent longest? */
};

struct vrrp_hmac {
	struct vrrp_hmac_setup set;
	EVP_MAC_CTX *keys[VRRP_HMAC_KEYS]; /* with their secrets */
	uint64_t sent;			   /* the last number */
	bool has_sent;
	uint64_t uses;
	struct sender senders[SENDERS];
};

static EVP_MAC_CTX *
keyed(EVP_MAC *mac, const struct vrrp_hmac_key *key)
{
	char digest[] = "SHA256";
	const OSSL_PARAM params[] = {
		OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, digest, 0),
		OSSL_PARAM_construct_end(),
	};
	EVP_MAC_CTX *const ctx = EVP_MAC_CTX_new(mac);

	if (ctx != NULL && EVP_MAC_init(ctx, key->secret, key->len, params) == 1)
		return ctx;
	EVP_MAC_CTX_free(ctx);
	return NULL;
}

struct vrrp_hmac *
vrrp_hmac_create(const struct vrrp_hmac_setup *setup)
{
	struct vrrp_hmac *h = calloc(1, sizeof(*h));
	EVP_MAC *const mac = EVP_MAC_fetch(NULL, "HMAC", NULL);

	FW_ASSERT(setup->key_count > 0 && setup->key_count <= VRRP_HMAC_KEYS);
	for (uint8_t i = 0; h != NULL && i < setup->key_count; i++) {
		h->keys[i] = mac != NULL ? keyed(mac, &setup->keys[i]) : NULL;
		if (h->keys[i] == NULL) {
			vrrp_hmac_destroy(h);
			h = NULL;
		}
	}
	EVP_MAC_free(mac); /* the contexts hold it */
	if (h == NULL)
		return NULL;
	h->set = *setup;
	for (uint8_t i = 0; i < setup->key_count; i++)
		OPENSSL_cleanse(h->set.keys[i].secret, sizeof(h->set.keys[i].secret));
	return h;
}

void
vrrp_hmac_destroy(struct vrrp_hmac *h)
{
	if (h == NULL)
		return;
	for (unsigned int i = 0; i < VRRP_HMAC_KEYS; i++)
		EVP_MAC_CTX_free(h->keys[i]);
	free(h);
}

const struct vrrp_hmac_setup *
vrrp_hmac_setup(const struct vrrp_hmac *h)
{
	return &h->set;
}

static EVP_MAC_CTX *
find_key(const struct vrrp_hmac *h, uint8_t id)
{
	for (uint8_t i = 0; i < h->set.key_count; i++) {
		if (h->set.keys[i].id == id)
			return h->keys[i];
	}
	return NULL;
}

/* => false: the library failed, which it has no reason to. */
static bool
digest(EVP_MAC_CTX *ctx, const struct vrrp_advert *a, const uint8_t *message, uint16_t len,
	const struct trailer *t, uint8_t hmac[sizeof(t->hmac)])
{
	static const uint8_t zero[sizeof(t->hmac)] = { 0 };
	struct pseudo p = { .family = a->source.family, .version = a->version, .vrid = a->vrid };
	uint8_t out[DIGEST];
	size_t n = 0;

	if (a->source.family == 6)
		memcpy(p.source, a->source.v6, IP6_LEN);
	else
		memcpy(p.source, &a->source.v4, sizeof(a->source.v4));
	if (EVP_MAC_init(ctx, NULL, 0, NULL) != 1 ||
		EVP_MAC_update(ctx, (const uint8_t *)&p, sizeof(p)) != 1 ||
		EVP_MAC_update(ctx, message, CHECKSUM_AT) != 1 ||
		EVP_MAC_update(ctx, zero, CHECKSUM_LEN) != 1 ||
		EVP_MAC_update(ctx, message + CHECKSUM_AT + CHECKSUM_LEN,
			(size_t)len - CHECKSUM_AT - CHECKSUM_LEN) != 1 ||
		EVP_MAC_update(ctx, (const uint8_t *)t, offsetof(struct trailer, hmac)) != 1 ||
		EVP_MAC_update(ctx, zero, sizeof(zero)) != 1 ||
		EVP_MAC_final(ctx, out, &n, sizeof(out)) != 1 || n != sizeof(out))
		return false;
	memcpy(hmac, out, sizeof(t->hmac));
	return true;
}

/* ---- numbers: seconds, 1/65536 s and the count as one, compared as serial numbers (RFC 1982) ----
 */

static bool
is_later(uint64_t a, uint64_t b)
{
	return a != b && a - b < UINT64_C(1) << 63;
}

static uint64_t
number_of_clock(uint64_t wall_ns)
{
	const uint64_t part = (wall_ns % NS_PER_SEC << 16) / NS_PER_SEC;

	return (wall_ns / NS_PER_SEC & UINT32_MAX) << 32 | part << 16;
}

static uint64_t
number_of(const struct trailer *t)
{
	return (uint64_t)rte_be_to_cpu_32(t->seconds) << 32 |
	       (uint64_t)rte_be_to_cpu_16(t->fraction) << 16 | rte_be_to_cpu_16(t->count);
}

/* By how many seconds is it before that time? */
static int32_t
behind(uint64_t number, uint64_t wall_ns)
{
	return (int32_t)((uint32_t)(wall_ns / NS_PER_SEC) - (uint32_t)(number >> 32));
}

static bool
is_outside(const struct vrrp_hmac *h, uint64_t number, uint64_t wall_ns)
{
	const int32_t by = behind(number, wall_ns), window = (int32_t)h->set.window_s;

	return h->set.replay == VRRP_HMAC_TIME && (by > window || by < -window);
}

/* That of our next advert.  When the clock was set back, receivers who look at the time would
 * refuse what goes on from the last number: then it follows the clock. */
static uint64_t
next_number(struct vrrp_hmac *h, uint64_t wall_ns)
{
	const uint64_t clock = number_of_clock(wall_ns);

	if (!h->has_sent || is_later(clock, h->sent) || is_outside(h, h->sent, wall_ns))
		h->sent = clock;
	else
		h->sent++;
	h->has_sent = true;
	return h->sent;
}

/* ---- sending ---- */

void
vrrp_hmac_sign(struct vrrp_hmac *h, struct vrrp_advert *a, uint64_t wall_ns)
{
	struct trailer t = { .type = TYPE_SHA256, .key = h->set.send_key };
	uint8_t message[VRRP_WIRE_MESSAGE_MAX];
	EVP_MAC_CTX *const key = find_key(h, h->set.send_key);
	uint64_t number;

	if (h->set.mode == VRRP_HMAC_RECEIVE_ONLY)
		return;
	FW_ASSERT(key != NULL);
	number = next_number(h, wall_ns);
	t.seconds = rte_cpu_to_be_32((uint32_t)(number >> 32));
	t.fraction = rte_cpu_to_be_16((uint16_t)(number >> 16));
	t.count = rte_cpu_to_be_16((uint16_t)number);
	/* Whatever went wrong: an HMAC of 0 is refused by everybody. */
	(void)digest(key, a, message, vrrp_wire_message(message, a), &t, t.hmac);
	memcpy(a->trailer, &t, sizeof(t));
	a->has_trailer = true;
}

/* ---- receiving ---- */

/* The sender's, or the one that has been silent longest. */
static struct sender *
find_sender(struct vrrp_hmac *h, const struct ip_addr *address)
{
	struct sender *oldest = &h->senders[0];

	for (unsigned int i = 0; i < SENDERS; i++) {
		struct sender *const s = &h->senders[i];

		if (s->address.family != 0 && ip_addr_equal(&s->address, address))
			return s;
		if (s->used < oldest->used)
			oldest = s;
	}
	*oldest = (struct sender){ .address = *address };
	return oldest;
}

static enum vrrp_refusal
check_number(struct vrrp_hmac *h, const struct vrrp_advert *a, uint64_t number)
{
	struct sender *const s = find_sender(h, &a->source);
	const bool known = s->used != 0;

	s->used = ++h->uses;
	/* Up to a last number outside the window nothing can come again; it is of a clock that was
	 * set since. */
	if (known && !is_outside(h, s->number, a->wall_ns) && !is_later(number, s->number))
		return VRRP_REFUSED_replayed;
	s->number = number;
	return VRRP_OK;
}

enum vrrp_refusal
vrrp_hmac_check(struct vrrp_hmac *h, const struct vrrp_advert *a)
{
	uint8_t hmac[sizeof(((struct trailer *)NULL)->hmac)];
	EVP_MAC_CTX *key;
	struct trailer t;

	memcpy(&t, a->trailer, sizeof(t));
	if (t.type != TYPE_SHA256 || t.reserved != 0)
		return VRRP_REFUSED_trailer_form;
	/* First what costs nothing: it only refuses. */
	if (is_outside(h, number_of(&t), a->wall_ns))
		return VRRP_REFUSED_stale;
	key = find_key(h, t.key);
	if (key == NULL)
		return VRRP_REFUSED_unknown_key;
	if (!digest(key, a, a->message, a->message_len, &t, hmac) ||
		CRYPTO_memcmp(hmac, t.hmac, sizeof(hmac)) != 0)
		return VRRP_REFUSED_bad_hmac;
	return check_number(h, a, number_of(&t));
}

int32_t
vrrp_hmac_skew(const struct vrrp_advert *a)
{
	struct trailer t;

	memcpy(&t, a->trailer, sizeof(t));
	return behind(number_of(&t), a->wall_ns);
}
