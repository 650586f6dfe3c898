/* SPDX-License-Identifier: BSD-3-Clause */
#include "text.h"

#include "fuzz_check.h"

#include <netinet/in.h>
#include <string.h>

#define HEAD   5
#define OUT    8192
#define LOWEST 2000 /* of ports */

enum choice { FROM_SERVER = 1, STREAM = 2 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct text {
	const struct alg *alg;
	unsigned int dir;
	uint8_t proto;
	char *at; /* a block of exactly its length */
	uint32_t len;
};

static char *
copy(const char *from, uint32_t len)
{
	char *to = malloc(len != 0 ? len : 1);

	FUZZ_CHECK(to != NULL, "out of memory");
	memcpy(to, from, len);
	return to;
}

static uint32_t
scan(const struct text *t, uint32_t len, struct alg_findings *found)
{
	char *block = copy(t->at, len);
	uint32_t n;

	memset(found, 0xee, sizeof(*found));
	n = t->alg->scan(t->dir, t->proto, block, len, found);
	free(block);
	FUZZ_CHECK(found->count <= ALG_FINDINGS_MAX && (!found->many || found->count == 0),
		"%u findings", found->count);
	FUZZ_CHECK(found->count == 0 || (n > 0 && n <= len), "findings of no message");
	return n;
}

static void
check_findings(const struct text *t, uint32_t n, const struct alg_findings *found)
{
	uint32_t at = 0;

	for (uint32_t i = 0; i < found->count; i++) {
		const struct alg_finding *f = &found->list[i];

		FUZZ_CHECK(f->at >= at && f->at + f->len <= n, "finding %u at %u, %u long", i,
			f->at, f->len);
		at = f->at + f->len;
		FUZZ_CHECK(f->count >= 1 && f->count <= ALG_PORTS_MAX, "%u ports", f->count);
		FUZZ_CHECK(f->what <= ALG_END && f->child < ALG_COUNT, "no such kind");
		FUZZ_CHECK(f->what != ALG_LENGTH || f->number <= n, "a length of %u", f->number);
	}
	(void)t;
}

/* Every part of a message of a stream: it may still become one, and says nothing. */
static void
check_parts(const struct text *t, uint32_t n, bool says)
{
	struct alg_findings found;
	const uint32_t step = n / 64 + 1;

	for (uint32_t part = n - 1; part > 0; part = part > step ? part - step : 0) {
		const uint32_t m = scan(t, part, &found);

		FUZZ_CHECK(!says || t->alg->dull == NULL || !t->alg->dull(t->dir, t->at, part),
			"%u bytes of %u are dull", part, n);
		FUZZ_CHECK(m == 0 || (m > part && m != ALG_ALIEN), "%u of %u bytes are %u", part, n,
			m);
	}
}

static void
check_rewritten(const struct text *t, uint32_t n, const struct alg_findings *found, uint32_t word)
{
	struct alg_endpoint to[ALG_FINDINGS_MAX];
	struct alg_findings again;
	char out[OUT], piece[ALG_PRINT_MAX];
	struct text new = *t;

	memset(to, 0, sizeof(to));
	for (uint32_t i = 0; i < found->count; i++) {
		const struct alg_finding *f = &found->list[i];

		word = word * UINT32_C(1664525) + UINT32_C(1013904223);
		to[i].given = true;
		to[i].port = rte_cpu_to_be_16((uint16_t)(LOWEST + (word >> 17)));
		if (f->addr.family == 6) {
			memset(to[i].addr.v6, (int)(word >> 8), IP6_LEN);
			to[i].addr.v6[0] = 0x20;
			to[i].addr.family = 6;
		} else {
			to[i].addr = ip_addr_v4(rte_cpu_to_be_32(0x0a000000 | word >> 8));
		}
	}
	new.len = alg_rewrite(t->alg, t->at, n, found, to, out, sizeof(out));
	FUZZ_CHECK(new.len != 0, "cannot be rewritten");
	new.at = out;
	FUZZ_CHECK(scan(&new, new.len, &again) == new.len, "rewritten, it is another message");
	FUZZ_CHECK(again.count == found->count, "%u findings became %u", found->count, again.count);
	for (uint32_t i = 0; i < found->count; i++) {
		const struct alg_finding *f = &again.list[i];
		uint32_t len;

		FUZZ_CHECK(f->what == found->list[i].what && f->form == found->list[i].form,
			"finding %u became another", i);
		if (f->len == 0 || f->what == ALG_LENGTH)
			continue;
		len = t->alg->print(&found->list[i], &to[i], piece, sizeof(piece));
		FUZZ_CHECK(len == f->len && memcmp(piece, out + f->at, len) == 0,
			"finding %u is not as printed", i);
	}
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct text t = { .alg = text_alg() };
	struct alg_findings found;
	uint32_t n, word = 0;
	uint8_t choice;

	if (size < HEAD)
		return 0;
	choice = data[0];
	for (unsigned int i = 1; i < HEAD; i++)
		word = word << 8 | data[i];
	t.dir = choice & FROM_SERVER;
	t.proto = t.alg->proto[choice & STREAM ? 1 : 0];
	if (t.proto == 0)
		t.proto = t.alg->proto[0];
	t.len = (uint32_t)(size - HEAD);
	t.at = copy((const char *)data + HEAD, t.len);
	n = scan(&t, t.len, &found);
	if (n > 0 && n <= t.len) {
		check_findings(&t, n, &found);
		if (t.proto == IPPROTO_TCP)
			check_parts(&t, n, found.count > 0);
		if (found.count > 0)
			check_rewritten(&t, n, &found, word);
	}
	free(t.at);
	return 0;
}
