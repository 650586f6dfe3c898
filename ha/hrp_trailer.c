/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Sealing and opening of HA messages, with OpenSSL's libcrypto.
 */
#include "hrp_trailer.h"

#include <rte_ip.h>

#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/kdf.h>
#include <openssl/params.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define HEAD	     sizeof(struct ha_vrrp)
#define TAIL	     sizeof(struct ha_trailer)
#define TAG	     sizeof(((struct ha_trailer *)0)->tag)
#define SIGNED_TAIL  (TAIL - TAG) /* of the trailer, what is in front of the tag */
#define KEY_BYTES    32
#define SHA256_BYTES 32

/* One key of one life of one box. */
struct derived {
	uint64_t life; /* 0 = not set */
	uint32_t boot;
	EVP_MAC_CTX *mac;	/* HMAC */
	EVP_CIPHER_CTX *cipher; /* GCM */
};

struct hrp_trailer {
	struct hrp_security security;
	uint64_t life, trusted;
	uint32_t boot;
	/* Whose signature was good, and when that life began: 0 = nothing yet. */
	struct signer {
		uint64_t life;
		uint32_t boot;
	} peer_signer, other_signer;
	uint64_t sent[2]; /* sequences: control, data */
	struct derived own;
	/* For each key: that of the life that is trusted, and that of the last other one, so that
	 * forged lives do not displace it. */
	struct derived peer[HRP_KEYS_MAX], other[HRP_KEYS_MAX];
};

const char *const hrp_algorithm_names[HA_ALGORITHMS] = { [HA_ALGORITHM_NONE] = "none",
	[HA_ALGORITHM_HMAC] = "hmac-sha256",
	[HA_ALGORITHM_GCM] = "aes-256-gcm" };
const char *const hrp_rollout_names[HRP_ROLLOUTS] = { [HRP_ENFORCE] = "enforce",
	[HRP_PERMISSIVE] = "permissive",
	[HRP_RECEIVE_ONLY] = "receive-only" };

/* ---- keys ---- */

static bool
derive(const struct hrp_key *key, uint64_t life, uint32_t boot, uint8_t out[KEY_BYTES])
{
	static const char label[] = "twinwall hrp 1";
	uint8_t info[sizeof(label) + sizeof(rte_be64_t) + sizeof(rte_be32_t)];
	const rte_be64_t life_be = rte_cpu_to_be_64(life);
	const rte_be32_t boot_be = rte_cpu_to_be_32(boot);
	uint8_t secret[HRP_SECRET_MAX];
	char digest[] = "SHA256";
	OSSL_PARAM params[4];
	EVP_KDF *kdf = EVP_KDF_fetch(NULL, "HKDF", NULL);
	EVP_KDF_CTX *ctx = kdf == NULL ? NULL : EVP_KDF_CTX_new(kdf);

	memcpy(info, label, sizeof(label));
	memcpy(info + sizeof(label), &life_be, sizeof(life_be));
	memcpy(info + sizeof(label) + sizeof(life_be), &boot_be, sizeof(boot_be));
	memcpy(secret, key->secret, key->len);
	params[0] = OSSL_PARAM_construct_utf8_string(OSSL_KDF_PARAM_DIGEST, digest, 0);
	params[1] = OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_KEY, secret, key->len);
	params[2] = OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_INFO, info, sizeof(info));
	params[3] = OSSL_PARAM_construct_end();
	const bool good = ctx != NULL && EVP_KDF_derive(ctx, out, KEY_BYTES, params) > 0;

	OPENSSL_cleanse(secret, sizeof(secret));
	EVP_KDF_CTX_free(ctx);
	EVP_KDF_free(kdf);
	return good;
}

static void
forget(struct derived *d)
{
	EVP_MAC_CTX_free(d->mac);
	EVP_CIPHER_CTX_free(d->cipher);
	*d = (struct derived){ .life = 0 };
}

static bool
begin_hmac(struct derived *d, const uint8_t key[KEY_BYTES])
{
	EVP_MAC *mac = EVP_MAC_fetch(NULL, "HMAC", NULL);
	char digest[] = "SHA256";
	const OSSL_PARAM params[] = {
		OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, digest, 0),
		OSSL_PARAM_construct_end(),
	};

	d->mac = mac == NULL ? NULL : EVP_MAC_CTX_new(mac);
	EVP_MAC_free(mac); /* the context holds it */
	return d->mac != NULL && EVP_MAC_init(d->mac, key, KEY_BYTES, params) > 0;
}

static bool
begin_gcm(struct derived *d, const uint8_t key[KEY_BYTES])
{
	d->cipher = EVP_CIPHER_CTX_new();
	return d->cipher != NULL &&
	       EVP_CipherInit_ex(d->cipher, EVP_aes_256_gcm(), NULL, key, NULL, 1) > 0;
}

static bool
begin(struct derived *d, const struct hrp_trailer *t, const struct hrp_key *key, uint64_t life,
	uint32_t boot)
{
	uint8_t bytes[KEY_BYTES];
	bool good;

	if (d->life == life && d->boot == boot && life != 0)
		return true;
	forget(d);
	good = derive(key, life, boot, bytes) &&
	       (t->security.algorithm == HA_ALGORITHM_GCM ? begin_gcm(d, bytes)
							  : begin_hmac(d, bytes));
	OPENSSL_cleanse(bytes, sizeof(bytes));
	if (!good) {
		forget(d);
		return false;
	}
	d->life = life;
	d->boot = boot;
	return true;
}

/* ---- the two algorithms ---- */

/* `message` of `len` bytes has its trailer, but for the tag, and no checksum. */
static bool
hmac(struct derived *d, const uint8_t *message, uint16_t len, uint8_t tag[TAG])
{
	static const uint8_t zero[TAG];
	uint8_t head[HEAD], full[SHA256_BYTES];
	size_t got;

	memcpy(head, message, HEAD);
	memset(head + offsetof(struct ha_vrrp, checksum), 0, sizeof(rte_be16_t));
	if (EVP_MAC_init(d->mac, NULL, 0, NULL) <= 0 || EVP_MAC_update(d->mac, head, HEAD) <= 0 ||
		EVP_MAC_update(d->mac, message + HEAD, len - HEAD - TAG) <= 0 ||
		EVP_MAC_update(d->mac, zero, TAG) <= 0 ||
		EVP_MAC_final(d->mac, full, &got, sizeof(full)) <= 0)
		return false;
	memcpy(tag, full, TAG);
	return true;
}

/* Both directions, up to the tag. */
static bool
gcm(struct derived *d, bool seal, const uint8_t *message, uint16_t len, uint8_t *out)
{
	const uint8_t *const tail = message + len - TAIL;
	uint8_t head[HEAD], nonce[sizeof(rte_be32_t) + sizeof(rte_be64_t)];
	int n;

	memcpy(head, message, HEAD);
	memset(head + offsetof(struct ha_vrrp, checksum), 0, sizeof(rte_be16_t));
	memcpy(nonce, tail + offsetof(struct ha_trailer, boot), sizeof(rte_be32_t));
	memcpy(nonce + sizeof(rte_be32_t), tail + offsetof(struct ha_trailer, sequence),
		sizeof(rte_be64_t));
	return EVP_CipherInit_ex(d->cipher, NULL, NULL, NULL, nonce, seal) > 0 &&
	       EVP_CipherUpdate(d->cipher, NULL, &n, head, HEAD) > 0 &&
	       EVP_CipherUpdate(d->cipher, NULL, &n, tail, SIGNED_TAIL) > 0 &&
	       EVP_CipherUpdate(
		       d->cipher, out + HEAD, &n, message + HEAD, (int)(len - HEAD - TAIL)) > 0;
}

static bool
gcm_seal(struct derived *d, uint8_t *message, uint16_t len, uint8_t tag[TAG])
{
	uint8_t end[TAG];
	int n;

	return gcm(d, true, message, len, message) && EVP_CipherFinal_ex(d->cipher, end, &n) > 0 &&
	       EVP_CIPHER_CTX_ctrl(d->cipher, EVP_CTRL_AEAD_GET_TAG, TAG, tag) > 0;
}

static bool
gcm_open(struct derived *d, const uint8_t *message, uint16_t len, const uint8_t tag[TAG],
	uint8_t *out)
{
	uint8_t copy[TAG], end[TAG];
	int n;

	memcpy(copy, tag, TAG);
	memcpy(out, message, HEAD);
	return gcm(d, false, message, len, out) &&
	       EVP_CIPHER_CTX_ctrl(d->cipher, EVP_CTRL_AEAD_SET_TAG, TAG, copy) > 0 &&
	       EVP_CipherFinal_ex(d->cipher, end, &n) > 0;
}

/* ---- out ---- */

static bool
signs(const struct hrp_trailer *t)
{
	return t->security.algorithm != HA_ALGORITHM_NONE &&
	       t->security.rollout != HRP_RECEIVE_ONLY;
}

uint16_t
hrp_trailer_seal(struct hrp_trailer *t, const uint8_t *message, uint16_t len, bool data,
	uint32_t epoch, uint8_t *out)
{
	const uint16_t whole = (uint16_t)(len + TAIL);
	struct ha_trailer end = {
		.magic = RTE_BE32(HA_TRAILER_MAGIC),
		.version = HA_VERSION,
		.life = rte_cpu_to_be_64(t->life),
		.boot = rte_cpu_to_be_32(t->boot),
		.epoch = rte_cpu_to_be_32(epoch),
		.sequence = rte_cpu_to_be_64(++t->sent[data] | (data ? HA_SEQUENCE_DATA : 0)),
	};
	struct ha_vrrp v;
	bool good = true;

	if (signs(t)) {
		end.algorithm = (uint8_t)t->security.algorithm;
		end.key_id = rte_cpu_to_be_16(t->security.keys[0].id);
	}
	memcpy(&v, message, HEAD);
	v.auth_type = HA_AUTH_TRAILER;
	v.checksum = 0;
	memcpy(out, &v, HEAD);
	memcpy(out + HEAD, message + HEAD, len - HEAD);
	memcpy(out + len, &end, TAIL);
	if (end.algorithm == HA_ALGORITHM_HMAC)
		good = hmac(&t->own, out, whole, out + len + SIGNED_TAIL);
	else if (end.algorithm == HA_ALGORITHM_GCM)
		good = gcm_seal(&t->own, out, whole, out + len + SIGNED_TAIL);
	if (!good)
		return 0;
	v.checksum = (rte_be16_t)~rte_raw_cksum(out, whole);
	memcpy(out, &v, HEAD);
	return whole;
}

/* ---- in ---- */

static int
key_of(const struct hrp_trailer *t, uint16_t id)
{
	for (uint16_t i = 0; i < t->security.key_count; i++)
		if (t->security.keys[i].id == id)
			return i;
	return -1;
}

static bool
algorithm_fits(const struct hrp_trailer *t, uint8_t algorithm)
{
	if (algorithm == HA_ALGORITHM_NONE)
		return t->security.algorithm == HA_ALGORITHM_NONE ||
		       t->security.rollout != HRP_ENFORCE;
	return algorithm == t->security.algorithm;
}

static enum ha_refusal
open_signed(struct hrp_trailer *t, const struct ha_trailer *end, const uint8_t *message,
	uint16_t len, uint8_t *room, struct hrp_opened *o)
{
	const int i = key_of(t, rte_be_to_cpu_16(end->key_id));
	const uint64_t life = o->number.life;
	const uint32_t boot = rte_be_to_cpu_32(end->boot);
	const bool trusted = life == t->trusted;
	uint8_t tag[TAG];
	bool good;

	if (i < 0)
		return HA_REFUSED_key;
	struct derived *const d = trusted ? &t->peer[i] : &t->other[i];

	/* The life that is trusted has begun once: whoever says otherwise has made it up. */
	if (trusted && t->peer_signer.life == life && t->peer_signer.boot != boot)
		return HA_REFUSED_tag;
	if (!begin(d, t, &t->security.keys[i], life, boot))
		return HA_REFUSED_tag;
	if (end->algorithm == HA_ALGORITHM_GCM) {
		o->data = room;
		good = gcm_open(d, message, len, end->tag, room);
	} else {
		good = hmac(d, message, len, tag) && CRYPTO_memcmp(tag, end->tag, TAG) == 0;
	}
	if (good)
		*(trusted ? &t->peer_signer : &t->other_signer) =
			(struct signer){ .life = life, .boot = boot };
	return good ? HA_OK : HA_REFUSED_tag;
}

enum ha_refusal
hrp_trailer_open(struct hrp_trailer *t, const uint8_t *message, uint16_t len, uint8_t *room,
	struct hrp_opened *o)
{
	const enum ha_refusal why = ha_check_head(message, len, HA_AUTH_TRAILER);
	struct ha_trailer end;
	struct ha_vrrp v;

	if (why != HA_OK)
		return why;
	if (len < HEAD + TAIL)
		return HA_REFUSED_short;
	memcpy(&v, message, HEAD);
	memcpy(&end, message + len - TAIL, TAIL);
	if (end.magic != RTE_BE32(HA_TRAILER_MAGIC))
		return HA_REFUSED_auth;
	if (!algorithm_fits(t, end.algorithm))
		return HA_REFUSED_algorithm;
	*o = (struct hrp_opened){ .data = message,
		.len = (uint16_t)(len - TAIL),
		.epoch = rte_be_to_cpu_32(end.epoch),
		.version = end.version,
		.number = { .life = rte_be_to_cpu_64(end.life),
			.sequence = rte_be_to_cpu_64(end.sequence) } };
	if (o->number.life == t->life)
		return HA_REFUSED_reflected;
	/* Others cost no work: only a probe can make a life trusted. */
	if (o->number.life == 0 || (o->number.life != t->trusted && v.type2 != HA_PROBE))
		return HA_REFUSED_life;
	return end.algorithm == HA_ALGORITHM_NONE ? HA_OK
						  : open_signed(t, &end, message, len, room, o);
}

void
hrp_trailer_trust(struct hrp_trailer *t, uint64_t life)
{
	if (t->trusted == life)
		return;
	t->trusted = life;
	t->peer_signer = t->other_signer;
	for (uint16_t i = 0; i < t->security.key_count; i++) {
		const struct derived old = t->peer[i];

		t->peer[i] = t->other[i];
		t->other[i] = old;
	}
}

/* ---- life-cycle ---- */

static const char *
wrong_security(const struct hrp_security *s)
{
	if (s->algorithm >= HA_ALGORITHMS || s->rollout >= HRP_ROLLOUTS)
		return "unknown algorithm";
	if (s->key_count > HRP_KEYS_MAX || (s->key_count == 0) != (s->algorithm == 0))
		return "a number of keys that does not fit";
	for (uint16_t i = 0; i < s->key_count; i++) {
		if (s->keys[i].id == 0 || (i > 0 && s->keys[i].id == s->keys[0].id))
			return "key numbers that are 0 or the same";
		if (s->keys[i].len < HRP_SECRET_MIN || s->keys[i].len > HRP_SECRET_MAX)
			return "a secret of a wrong length";
	}
	return NULL;
}

struct hrp_trailer *
hrp_trailer_create(
	const struct hrp_security *s, uint64_t life, uint32_t boot, char *err, size_t err_size)
{
	const char *const wrong = wrong_security(s);
	struct hrp_trailer *t;

	if (wrong != NULL || life == 0) {
		snprintf(err, err_size, "hrp: %s", wrong != NULL ? wrong : "no life");
		return NULL;
	}
	t = calloc(1, sizeof(*t));
	if (t == NULL) {
		snprintf(err, err_size, "hrp: out of memory");
		return NULL;
	}
	t->security = *s;
	t->life = life;
	t->boot = boot;
	if (s->algorithm != HA_ALGORITHM_NONE && !begin(&t->own, t, &s->keys[0], life, boot)) {
		snprintf(err, err_size, "hrp: libcrypto has no such algorithm");
		hrp_trailer_destroy(t);
		return NULL;
	}
	return t;
}

void
hrp_trailer_destroy(struct hrp_trailer *t)
{
	if (t == NULL)
		return;
	forget(&t->own);
	for (uint16_t i = 0; i < HRP_KEYS_MAX; i++) {
		forget(&t->peer[i]);
		forget(&t->other[i]);
	}
	OPENSSL_cleanse(t, sizeof(*t));
	free(t);
}
