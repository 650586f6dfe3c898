/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Messages about the configuration.  Input: frames of the peer, each with its fields and its text,
 * and turns with other roles in between.
 *
 * What must hold: only what passes the check reaches the machine; what is applied is whole, a
 * document whose digest a chunk has named; what the box says is well-formed; a box that is not
 * config standby applies nothing.
 */
#include "config_backup.h"
#include "fuzz_check.h"
#include "fuzz_input.h"
#include "log.h"

#include <rte_common.h>

#include <openssl/evp.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* The linker leads here (--wrap): lines of each input would be most of the time. */
void __wrap_log_write(enum log_level, const char *, ...);

void
__wrap_log_write(enum log_level level, const char *fmt, ...)
{
	(void)level;
	(void)fmt;
}

#define NAMED 256

struct machine {
	struct config_backup *b;
	struct config_standing standing;
	uint8_t named[NAMED][CONFIG_DIGEST]; /* by chunks from offset 0 */
	unsigned int count;
};

/* Is it one that the wire check lets in? */
static bool
passes(const struct config_frame *f)
{
	struct hrp_header h = { .source_module = RTE_BE16(HRP_MODULE_CONFIG),
		.dest_module = RTE_BE16(HRP_MODULE_CONFIG),
		.op = HRP_OP_COMMAND,
		.fragments = RTE_BE16(1),
		.length = rte_cpu_to_be_32((uint32_t)sizeof(f->head) + f->len) };
	const struct ha_vgmp g = { .vtype = HA_HRP_DATA, .group = 1 };
	uint8_t message[HRP_CONFIG_OVERHEAD + HRP_CONFIG_CHUNK_MAX];
	const uint16_t len = (uint16_t)(HRP_CONFIG_OVERHEAD + f->len);
	uint8_t *at = message + sizeof(struct ha_vrrp);

	memcpy(at, &g, sizeof(g));
	memcpy(at + sizeof(g), &h, sizeof(h));
	memcpy(at + sizeof(g) + sizeof(h), &f->head, sizeof(f->head));
	memcpy(message + HRP_CONFIG_OVERHEAD, f->text, f->len);
	ha_finish(message, len, HA_VGMP, 1000);
	return ha_check(message, len) == HA_OK;
}

static bool
op_send(void *ctx, const struct config_frame *f)
{
	(void)ctx;
	FUZZ_CHECK(
		f->len <= HRP_CONFIG_CHUNK_MAX && passes(f), "says what does not pass the check");
	return true;
}

static bool
is_named(const struct machine *m, const uint8_t *digest)
{
	for (unsigned int i = 0; i < RTE_MIN(m->count, (unsigned int)NAMED); i++)
		if (memcmp(m->named[i], digest, CONFIG_DIGEST) == 0)
			return true;
	return m->count > NAMED;
}

static bool
op_apply(void *ctx, const char *document, char *why, size_t size)
{
	const struct machine *const m = ctx;
	uint8_t digest[EVP_MAX_MD_SIZE];
	struct config_backup_status s;

	(void)size;
	EVP_Digest(document, strlen(document), digest, NULL, EVP_sha256(), NULL);
	config_backup_status(m->b, &s);
	FUZZ_CHECK(s.role == HRP_CONFIG_STANDBY || s.yields, "applied by no config standby");
	FUZZ_CHECK(is_named(m, digest), "applied what no chunk has named");
	if (document[0] == 'n') {
		strcpy(why, "no");
		return false;
	}
	config_backup_document(m->b, strdup(document));
	return true;
}

static void
op_save(void *ctx, char *why, size_t size)
{
	(void)ctx;
	snprintf(why, size, "no room");
}

/* A frame of the peer: any, or a chunk that names what it is rightly. */
static void
receive(struct machine *m, struct fuzz_input *in, mono_t now)
{
	struct config_frame f = { .len = (uint16_t)(fuzz_word(in) % (HRP_CONFIG_CHUNK_MAX + 1)) };
	const bool right = fuzz_byte(in) % 2 != 0;
	uint8_t digest[EVP_MAX_MD_SIZE];

	for (size_t i = 0; i < sizeof(f.head); i++)
		((uint8_t *)&f.head)[i] = fuzz_byte(in);
	memset(f.text, 'a' + fuzz_byte(in) % 26, f.len);
	if (right) {
		f.head.kind = HRP_CONFIG_CHUNK;
		f.head.role = HRP_CONFIG_MASTER;
		f.head.result = 0;
		f.head.offset = 0;
		f.head.size = rte_cpu_to_be_32(f.len);
		EVP_Digest(f.text, f.len, digest, NULL, EVP_sha256(), NULL);
		memcpy(f.head.digest, digest, CONFIG_DIGEST);
	}
	if (!passes(&f))
		return;
	if (f.head.kind == HRP_CONFIG_CHUNK && f.head.offset == 0)
		memcpy(m->named[m->count++ % NAMED], f.head.digest, CONFIG_DIGEST);
	config_backup_receive(m->b, &f, now);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct fuzz_input in = { .data = data, .size = size };
	struct machine m = { .standing = { .alive = true, .peer_active = true } };
	const struct config_backup_ops ops = {
		.ctx = &m, .send = op_send, .apply = op_apply, .save = op_save
	};
	mono_t now = { .ns = NS_PER_SEC };

	m.b = config_backup_create(&ops, 1);
	FUZZ_CHECK(m.b != NULL, "out of memory");
	config_backup_document(m.b, strdup("mine"));
	while (in.at < in.size) {
		const uint8_t what = fuzz_byte(&in);

		if (what % 4 != 0) {
			receive(&m, &in, now);
			continue;
		}
		m.standing = (struct config_standing){ (what & 4) != 0, (what & 8) == 0,
			(what & 16) == 0, (what & 32) != 0 };
		now = mono_add_ms(now, fuzz_byte(&in) * 50u);
		(void)config_backup_turn(m.b, &m.standing, (what & 64) == 0, now);
	}
	config_backup_destroy(m.b);
	return 0;
}
