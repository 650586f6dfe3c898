/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * model: searches the states of two boxes of the real code for one in which a claim does not hold.
 * docs/testing.md says what is claimed.
 *
 *	layer n	every state that n actions (faults and repairs) at any time lead to, breadth first
 *	walks	random actions, many of them, for the states that the layers do not reach
 */
#include "ha_config.h"
#include "log.h"
#include "world.h"

#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#define ACTIONS_MAX   400
#define SETTLE_ONE_OF 16

enum settle { SETTLE_NO, SETTLE_REPAIRED, SETTLE_AS_IS };
static const char *const settle_names[] = { "", "settle repaired", "settle as-is" };

struct node {
	uint32_t parent;
	uint8_t action;
	uint8_t layer;
	uint16_t len;
	size_t at; /* of its bytes */
};

static struct search {
	struct world_options options;
	uint64_t limit; /* distinct states */
	/* visited */
	uint64_t *seen;
	uint64_t seen_size, distinct;
	/* layers */
	struct node *nodes;
	uint32_t node_count, node_size;
	uint8_t *bytes;
	size_t byte_count, byte_size;
	uint64_t steps, settles, rng;
	/* of a violation */
	uint8_t trace[ACTIONS_MAX];
	uint32_t trace_len;
	enum settle trace_settle;
} s;

static bool talk; /* the code's own lines, in a replay */

void __wrap_log_write(enum log_level, const char *, ...) __attribute__((format(printf, 2, 3)));

void
__wrap_log_write(enum log_level level, const char *fmt, ...)
{
	va_list ap;

	if (!talk || level > LOG_LEVEL_NOTICE)
		return;
	va_start(ap, fmt);
	printf("      ");
	vprintf(fmt, ap);
	printf("\n");
	va_end(ap);
}

static void *
grow(void *old, size_t size)
{
	void *const p = realloc(old, size);

	if (p == NULL) {
		perror("model");
		exit(2);
	}
	return p;
}

/* ---- visited ---- */

static uint64_t
hash(const struct world_packed *p)
{
	uint64_t h = UINT64_C(0x9e3779b97f4a7c15) ^ p->len, word;
	uint16_t i = 0;

	for (; i < p->len; i += 8) {
		const size_t n = p->len - i < 8 ? (size_t)(p->len - i) : 8;

		word = 0;
		memcpy(&word, p->data + i, n);
		h = (h ^ word) * UINT64_C(0xff51afd7ed558ccd);
		h ^= h >> 32;
	}
	h *= UINT64_C(0xc4ceb9fe1a85ec53);
	h ^= h >> 29;
	return h == 0 ? 1 : h;
}

/* => true: it is new. */
static bool
visit(uint64_t h)
{
	uint64_t i = h & (s.seen_size - 1);

	while (s.seen[i] != 0 && s.seen[i] != h)
		i = (i + 1) & (s.seen_size - 1);
	if (s.seen[i] == h)
		return false;
	s.seen[i] = h;
	s.distinct++;
	return true;
}

static uint32_t
below(uint32_t n)
{
	s.rng ^= s.rng << 13;
	s.rng ^= s.rng >> 7;
	s.rng ^= s.rng << 17;
	return (uint32_t)((s.rng >> 16) % n);
}

static bool
settle(enum settle how)
{
	s.settles++;
	return world_settle(how == SETTLE_REPAIRED);
}

/* ---- layers ---- */

static void
add(uint32_t parent, uint8_t action, uint8_t layer, const struct world_packed *p)
{
	if (s.node_count == s.node_size) {
		s.node_size = s.node_size == 0 ? 1 << 16 : s.node_size * 2;
		s.nodes = grow(s.nodes, s.node_size * sizeof(s.nodes[0]));
	}
	while (s.byte_count + p->len > s.byte_size) {
		s.byte_size = s.byte_size == 0 ? 1 << 20 : s.byte_size * 2;
		s.bytes = grow(s.bytes, s.byte_size);
	}
	memcpy(s.bytes + s.byte_count, p->data, p->len);
	s.nodes[s.node_count++] = (struct node){ .parent = parent,
		.action = action,
		.layer = layer,
		.len = p->len,
		.at = s.byte_count };
	s.byte_count += p->len;
}

static void
load(uint32_t node, struct world_packed *p)
{
	p->len = s.nodes[node].len;
	memcpy(p->data, s.bytes + s.nodes[node].at, p->len);
	world_unpack(p);
}

static void
trace_to(uint32_t node, uint8_t action, enum settle how)
{
	uint8_t back[ACTIONS_MAX];
	uint32_t n = 0;

	back[n++] = action;
	for (; node != 0 && n < ACTIONS_MAX; node = s.nodes[node].parent)
		back[n++] = s.nodes[node].action;
	s.trace_len = n;
	for (uint32_t i = 0; i < n; i++)
		s.trace[i] = back[n - 1 - i];
	s.trace_settle = how;
}

/* One action in one state. => false: a claim does not hold. */
static bool
follow(uint32_t node, const struct world_packed *from, unsigned int action, uint8_t layer)
{
	struct world_packed to;

	world_unpack(from);
	if (!world_can(action))
		return true;
	s.steps++;
	if (!world_step(action)) {
		trace_to(node, (uint8_t)action, SETTLE_NO);
		return false;
	}
	world_pack(&to);
	const uint64_t h = hash(&to);

	if (!visit(h))
		return true;
	add(node, (uint8_t)action, layer, &to);
	if (h >> 40 & (SETTLE_ONE_OF - 1))
		return true;
	for (enum settle how = SETTLE_REPAIRED; how <= SETTLE_AS_IS; how++) {
		world_unpack(&to);
		if (!settle(how)) {
			trace_to(node, (uint8_t)action, how);
			return false;
		}
	}
	return true;
}

static bool
search_layers(uint64_t limit)
{
	struct world_packed p;
	uint32_t first = 0, done = 0;
	uint8_t layer = 0;

	world_start();
	world_pack(&p);
	visit(hash(&p));
	add(0, 0, 0, &p);
	for (;; layer++) {
		/* What time alone does... */
		for (; done < s.node_count && s.distinct < limit; done++) {
			load(done, &p);
			if (!follow(done, &p, 0, layer))
				return false;
		}
		const uint32_t end = s.node_count;

		printf("# layer %u: %u states, %u in all%s\n", layer, end - first, end,
			done < end ? ", not complete" : "");
		if (done < end || end == first)
			return true;
		/* ...and one action more. */
		for (uint32_t i = first; i < end && s.distinct < limit; i++) {
			load(i, &p);
			for (unsigned int a = 1; a < world_actions(); a++) {
				if (!follow(i, &p, a, (uint8_t)(layer + 1)))
					return false;
			}
		}
		first = end;
	}
}

/* ---- traces ---- */

/* => false: the violation is (still) there. */
static bool
run_trace(const uint8_t *actions, uint32_t count, enum settle how, bool print)
{
	bool ok = true;

	world_start();
	for (uint32_t i = 0; i < count && ok; i++) {
		if (!world_can(actions[i])) {
			if (print)
				printf("step %u: %s is not possible\n", i + 1,
					world_action_name(actions[i]));
			return true;
		}
		ok = world_step(actions[i]);
		if (print) {
			printf("%4u %-18s", i + 1, world_action_name(actions[i]));
			world_print(stdout);
		}
	}
	if (ok && how != SETTLE_NO) {
		ok = settle(how);
		if (print) {
			printf("%-23s", settle_names[how]);
			world_print(stdout);
		}
	}
	return ok;
}

/* Fewer actions that show the same. */
static void
shorten(void)
{
	uint8_t shorter[ACTIONS_MAX];

	for (uint32_t i = 0; i < s.trace_len; i++) {
		const uint8_t was = s.trace[i];

		if (was == 0)
			continue;
		s.trace[i] = 0;
		if (run_trace(s.trace, s.trace_len, s.trace_settle, false))
			s.trace[i] = was;
	}
	for (uint32_t i = 0; i < s.trace_len;) {
		memcpy(shorter, s.trace, i);
		memcpy(shorter + i, s.trace + i + 1, s.trace_len - i - 1);
		if (s.trace[i] == 0 &&
			!run_trace(shorter, s.trace_len - 1, s.trace_settle, false)) {
			memcpy(s.trace, shorter, --s.trace_len);
			continue;
		}
		i++;
	}
}

static void
report(void)
{
	char why[WORLD_REASON];

	snprintf(why, sizeof(why), "%s", world_reason());
	shorten();
	printf("# violated: %s\n", why);
	printf("options %u %u %u %u\n", s.options.misses, s.options.preempt, world_mutant,
		s.options.same);
	for (uint32_t i = 0; i < s.trace_len; i++)
		printf("%s\n", world_action_name(s.trace[i]));
	if (s.trace_settle != SETTLE_NO)
		printf("%s\n", settle_names[s.trace_settle]);
}

/* ---- walks ---- */

static bool
walk(void)
{
	const uint32_t length = 40 + below(120);
	const uint32_t quiet = below(30), rate = 2 + below(12);
	struct world_packed p;

	world_start();
	for (s.trace_len = 0; s.trace_len < length; s.trace_len++) {
		uint32_t a = 0;

		if (s.trace_len >= quiet && below(rate) == 0)
			a = below(world_actions());
		if (!world_can(a))
			a = 0;
		s.trace[s.trace_len] = (uint8_t)a;
		s.steps++;
		if (!world_step(a)) {
			s.trace_len++;
			s.trace_settle = SETTLE_NO;
			return false;
		}
		world_pack(&p);
		visit(hash(&p));
	}
	s.trace_settle = below(2) ? SETTLE_REPAIRED : SETTLE_AS_IS;
	return settle(s.trace_settle);
}

/* => false: a claim does not hold; the trace says why. */
static bool
search(const struct world_options *o, uint64_t limit, uint64_t walks_to)
{
	bool ok;

	s = (struct search){ .options = *o, .rng = UINT64_C(88172645463325252) };
	for (s.seen_size = 1024; s.seen_size < walks_to * 2; s.seen_size *= 2)
		;
	s.seen = grow(NULL, s.seen_size * sizeof(s.seen[0]));
	memset(s.seen, 0, s.seen_size * sizeof(s.seen[0]));
	world_open(o);
	ok = search_layers(limit);
	while (ok && s.distinct < walks_to)
		ok = walk();
	if (!ok && world_mutant == 0)
		report();
	world_close();
	free(s.seen);
	free(s.nodes);
	free(s.bytes);
	return ok;
}

static int
search_mutants(uint64_t limit)
{
	static const struct world_options o = { .misses = 3, .preempt = true };
	int missed = 0;

	printf("1..%u\n", world_mutants() - 1);
	for (world_mutant = 1; world_mutant < world_mutants(); world_mutant++) {
		const bool found = !search(&o, limit / 2, limit);

		missed += !found;
		printf("%s %u found: %s (after %ju states)\n", found ? "ok" : "not ok",
			world_mutant, world_mutant_name(world_mutant), (uintmax_t)s.distinct);
	}
	return missed == 0 ? 0 : 1;
}

static const char *const pairings[] = { "opposite", "both active", "both standby" };

static int
search_all(uint64_t states)
{
	static const struct world_options all[] = { { 3, true, 0 }, { 3, false, 0 }, { 2, true, 0 },
		{ 3, true, VGMP_GROUP_ACTIVE }, { 3, true, VGMP_GROUP_STANDBY } };
	const unsigned int count = sizeof(all) / sizeof(all[0]);
	uint64_t distinct = 0;
	int broken = 0;

	printf("1..%u\n", count);
	for (unsigned int i = 0; i < count; i++) {
		const uint64_t part = states / count + 1;
		const bool ok = search(&all[i], part / 2, part);

		broken += !ok;
		distinct += s.distinct;
		printf("%s %u every claim holds: misses %u, preempt %s, groups %s (%ju states, "
		       "%ju steps, %ju times at rest)\n",
			ok ? "ok" : "not ok", i + 1, all[i].misses, all[i].preempt ? "on" : "off",
			pairings[all[i].same], (uintmax_t)s.distinct, (uintmax_t)s.steps,
			(uintmax_t)s.settles);
		fflush(stdout);
	}
	printf("# %ju distinct states\n", (uintmax_t)distinct);
	return broken == 0 ? 0 : 1;
}

static int
replay(const char *file)
{
	unsigned int misses = 3, preempt = 1, same = 0;
	enum settle how = SETTLE_NO;
	uint8_t actions[ACTIONS_MAX];
	uint32_t count = 0;
	char line[100];
	FILE *const f = fopen(file, "r");

	if (f == NULL) {
		fprintf(stderr, "model: %s: %s\n", file, strerror(errno));
		return 2;
	}
	while (fgets(line, sizeof(line), f) != NULL) {
		unsigned int a;

		line[strcspn(line, "\n")] = '\0';
		if (line[0] == '#' || line[0] == '\0' ||
			sscanf(line, "options %u %u %u %u", &misses, &preempt, &world_mutant,
				&same) >= 3)
			continue;
		for (a = SETTLE_REPAIRED; a <= SETTLE_AS_IS; a++) {
			if (strcmp(line, settle_names[a]) == 0)
				how = (enum settle)a;
		}
		if (how != SETTLE_NO)
			break;
		for (a = 0; a < world_actions() && strcmp(line, world_action_name(a)) != 0; a++)
			;
		if (a == world_actions() || count == ACTIONS_MAX ||
			world_mutant >= world_mutants()) {
			fprintf(stderr, "model: %s: not an action: %s\n", file, line);
			fclose(f);
			return 2;
		}
		actions[count++] = (uint8_t)a;
	}
	fclose(f);
	const struct world_options o = {
		.misses = misses, .preempt = preempt, .same = (uint8_t)same
	};

	talk = true;
	world_open(&o);
	const bool ok = run_trace(actions, count, how, true);

	printf("%s\n", ok ? "every claim holds" : world_reason());
	world_close();
	return ok ? 0 : 1;
}

int
main(int argc, char **argv)
{
	uint64_t states = 1200000;

	if (argc == 3 && strcmp(argv[1], "--replay") == 0)
		return replay(argv[2]);
	if (argc == 3 && (strcmp(argv[1], "--states") == 0 || strcmp(argv[1], "--mutants") == 0))
		states = strtoull(argv[2], NULL, 10);
	else if (argc != 1) {
		fprintf(stderr, "usage: model [--states N | --mutants N | --replay FILE]\n");
		return 2;
	}
	return argc == 3 && strcmp(argv[1], "--mutants") == 0 ? search_mutants(states)
							      : search_all(states);
}
