/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Log lines: their form, one write each, and that a thread that must not wait never does.
 * stderr is a pipe here, or a file where there are more lines than a pipe takes.
 */
#include "log.h"

#include <rte_common.h>

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cmocka.h>

#define MANY 1000

/* Packet-mode pipe (O_DIRECT): one read gives one write. */
static int fds[2], real_stderr;

static int
capture(void **state)
{
	(void)state;
	if (pipe2(fds, O_DIRECT | O_NONBLOCK) < 0)
		return -1;
	real_stderr = dup(STDERR_FILENO);
	return dup2(fds[1], STDERR_FILENO) < 0 ? -1 : 0;
}

static int
capture_file(void **state)
{
	(void)state;
	fds[0] = memfd_create("log", 0);
	fds[1] = dup(fds[0]);
	real_stderr = dup(STDERR_FILENO);
	return dup2(fds[1], STDERR_FILENO) < 0 ? -1 : 0;
}

static int
release(void **state)
{
	(void)state;
	dup2(real_stderr, STDERR_FILENO);
	close(real_stderr);
	close(fds[0]);
	close(fds[1]);
	return 0;
}

static void
assert_line(const char *expected)
{
	char line[2048];
	const ssize_t n = read(fds[0], line, sizeof(line) - 1);

	assert_true(n > 0);
	line[n] = '\0';
	assert_string_equal(line, expected);
}

static void
assert_no_line(void)
{
	char byte;

	assert_int_equal(read(fds[0], &byte, 1), -1);
	assert_int_equal(errno, EAGAIN);
}

static void
line_has_level_tag_and_text(void **state)
{
	(void)state;
	LOG(ERROR, "port %s: %d", "p1", -1);
	LOG(WARNING, "w");
	LOG(DEBUG, "below the level");
	assert_line("error twinwalld: port p1: -1\n");
	assert_line("warning twinwalld: w\n");
	assert_no_line();
}

static void
text_from_outside_cannot_forge_a_line(void **state)
{
	(void)state;
	LOG(NOTICE, "name %s", "a\nerror x: b\r\x1b[31m\x7f\xff\xc3\xa4\t");
	assert_line("notice twinwalld: name a?error x: b??[31m?????\n");
	assert_no_line();
}

static void
long_line_is_cut_to_one_kilobyte(void **state)
{
	char text[1500], line[2048];
	ssize_t n;

	(void)state;
	memset(text, 'x', sizeof(text));
	text[sizeof(text) - 1] = '\0';
	LOG(INFO, "%s", text);
	n = read(fds[0], line, sizeof(line));
	assert_true(n > 1000 && n <= 1024);
	assert_int_equal(line[n - 1], '\n');
	assert_null(memchr(line, '\n', (size_t)n - 1));
	assert_no_line();
}

static void *
write_one(void *arg)
{
	LOG(INFO, "from a thread %d", *(int *)arg);
	return NULL;
}

static void *
write_many(void *arg)
{
	for (int i = 0; i < MANY; i++)
		LOG(INFO, "thread %d line %d", *(int *)arg, i);
	return NULL;
}

static void
run(void *(*fn)(void *), int number)
{
	pthread_t thread;

	assert_int_equal(pthread_create(&thread, NULL, fn, &number), 0);
	assert_int_equal(pthread_join(thread, NULL), 0);
}

static void
other_threads_lines_wait_for_the_drain(void **state)
{
	(void)state;
	assert_int_equal(log_start("FW1", LOG_LEVEL_INFO), 0);
	run(write_one, 1);
	assert_no_line();
	log_drain();
	assert_line("info FW1: from a thread 1\n");
	/* The management thread writes at once, after what was said before. */
	run(write_one, 2);
	LOG(INFO, "own");
	assert_line("info FW1: from a thread 2\n");
	assert_line("info FW1: own\n");
	run(write_one, 3);
	log_stop();
	assert_line("info FW1: from a thread 3\n");
	run(write_one, 4);
	assert_line("info FW1: from a thread 4\n");
	assert_no_line();
}

/* Lines of write_many() in the file; none may be broken.  *lost = sum of what was told of losses.
 */
static unsigned int
count_lines(unsigned long long *lost)
{
	unsigned int count = 0;
	unsigned long long one;
	char line[2048];
	FILE *f;
	int thread, number, end;

	*lost = 0;
	f = fdopen(dup(fds[0]), "r");
	assert_non_null(f);
	rewind(f);
	while (fgets(line, sizeof(line), f) != NULL) {
		end = 0;
		if (sscanf(line, "warning FW1: log: %llu lines lost%n", &one, &end) == 1)
			*lost += one;
		else if (sscanf(line, "info FW1: thread %d line %d%n", &thread, &number, &end) == 2)
			count++;
		assert_true(end > 0);
		assert_string_equal(line + end, "\n");
	}
	fclose(f);
	return count;
}

static void
full_ring_loses_lines_and_counts_them(void **state)
{
	unsigned long long told;
	unsigned int lines;

	(void)state;
	assert_int_equal(log_start("FW1", LOG_LEVEL_INFO), 0);
	run(write_many, 1); /* nobody drains, and still it returns */
	assert_true(log_lost() > 0);
	log_drain();
	lines = count_lines(&told);
	assert_int_equal(told, log_lost());
	assert_int_equal(lines + log_lost(), MANY);
	log_stop();
}

struct writer {
	pthread_t thread;
	int number;
};

static void
lines_of_many_threads_stay_whole(void **state)
{
	struct writer writers[4];
	unsigned long long told;

	(void)state;
	assert_int_equal(log_start("FW1", LOG_LEVEL_INFO), 0);
	for (unsigned int i = 0; i < RTE_DIM(writers); i++) {
		writers[i].number = (int)i;
		assert_int_equal(
			pthread_create(&writers[i].thread, NULL, write_many, &writers[i].number),
			0);
	}
	for (unsigned int i = 0; i < RTE_DIM(writers); i++) {
		while (pthread_tryjoin_np(writers[i].thread, NULL) == EBUSY)
			log_drain();
	}
	log_stop();
	assert_int_equal(count_lines(&told) + log_lost(), RTE_DIM(writers) * MANY);
	assert_int_equal(told, log_lost());
}

static void
rate_limit_lets_one_line_a_second_through(void **state)
{
	static const struct {
		uint64_t ms;
		bool allowed;
		uint64_t suppressed;
	} rows[] = { { 5000, true, 0 }, { 5001, false, 1 }, { 5999, false, 2 }, { 6000, true, 2 },
		{ 6500, false, 3 }, { 60000, true, 3 } };
	struct log_limit limit = { 0 };

	(void)state;
	for (unsigned int i = 0; i < RTE_DIM(rows); i++) {
		assert_int_equal(log_allowed(&limit, rows[i].ms * 1000000), rows[i].allowed);
		assert_int_equal(limit.suppressed, rows[i].suppressed);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(line_has_level_tag_and_text, capture, release),
		cmocka_unit_test_setup_teardown(
			text_from_outside_cannot_forge_a_line, capture, release),
		cmocka_unit_test_setup_teardown(long_line_is_cut_to_one_kilobyte, capture, release),
		cmocka_unit_test_setup_teardown(
			other_threads_lines_wait_for_the_drain, capture, release),
		cmocka_unit_test_setup_teardown(
			full_ring_loses_lines_and_counts_them, capture_file, release),
		cmocka_unit_test_setup_teardown(
			lines_of_many_threads_stay_whole, capture_file, release),
		cmocka_unit_test(rate_limit_lets_one_line_a_second_through),
	};

	return cmocka_run_group_tests_name("log", tests, NULL, NULL);
}
