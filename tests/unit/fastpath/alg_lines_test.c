/* SPDX-License-Identifier: BSD-3-Clause */
#include "alg_lines.h"

#include <rte_common.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define BASE (UINT32_MAX - 10) /* numbers wrap soon */

static struct alg_lines lines;

/* A segment at a place of the stream, what of it may go, and the messages it makes whole, each with
 * "|" behind it, "!" when it can be edited. */
struct step {
	uint32_t at;
	const char *text;
	uint32_t keep;
	const char *messages;
};

/* A block of exactly its size. */
static void
feed(const struct alg *alg, const struct step *s, size_t len, bool edits)
{
	char *data = malloc(len), said[8192] = "";
	struct alg_lines_segment seg = {
		.seq = BASE + s->at, .len = (uint32_t)len, .edits = edits
	};
	struct alg_message m;
	size_t n = 0;

	assert_non_null(data);
	memcpy(data, s->text, len);
	seg.data = data;
	alg_lines_enter(&lines, &seg);
	while (alg_lines_next(&lines, alg, 0, &seg, &m))
		n += (size_t)snprintf(said + n, sizeof(said) - n, "%.*s%s|", (int)m.len, m.text,
			m.editable ? "!" : "");
	free(data);
	assert_string_equal(said, s->messages);
	assert_int_equal(seg.keep, s->keep);
}

static void
run(const struct step *steps, size_t count, bool edits)
{
	alg_lines_start(&lines, BASE);
	for (size_t i = 0; i < count; i++)
		feed(alg_of(ALG_FTP), &steps[i], strlen(steps[i].text), edits);
}

static void
ALG05_lines_come_once_and_whole(void **state)
{
	static const struct step steps[] = {
		/* two in one, then a half */
		{ 0, "NOOP\nLIST\nPOR", 13, "NOOP\n!|LIST\n!|" },
		{ 13, "T 1,2", 5, "" },
		{ 18, "\nQU", 3, "PORT 1,2\n|" },
		/* sent again, in other pieces, and over what has been taken */
		{ 5, "LIST\n", 5, "" },
		{ 10, "PORT 1,2\nQU", 11, "" },
		{ 19, "QUIT\nNOOP\n", 10, "QUIT\n|NOOP\n!|" },
		/* too early: not before what is missing */
		{ 34, "LIST\n", 0, "" },
		{ 29, "NOOP\n", 5, "NOOP\n!|" },
		{ 34, "LIST\n", 5, "LIST\n!|" },
	};

	(void)state;
	run(steps, RTE_DIM(steps), false);
}

static void
ALG05_half_lines_wait_when_text_is_edited(void **state)
{
	static const struct step steps[] = {
		{ 0, "NOOP\nPOR", 5, "NOOP\n!|" },
		{ 8, "T 1", 0, "" },
		/* the rest: what belongs to the line may go as well when it comes again */
		{ 11, "\nEP", 1, "PORT 1\n!|" },
		{ 5, "PORT 1", 6, "" },
		{ 12, "EPSV\n", 5, "EPSV\n!|" },
	};
	/* who does not send the rest before the first part has arrived */
	static const struct step stubborn[] = {
		{ 0, "PORT", 0, "" },
		{ 0, "PORT", 0, "" },
		{ 0, "PORT", 4, "" },
		{ 4, " 1\nNOOP\n", 8, "PORT 1\n|NOOP\n!|" },
	};
	/* it sends more each time: the line becomes whole */
	static const struct step grows[] = {
		{ 0, "PO", 0, "" },
		{ 0, "POR", 0, "" },
		{ 0, "PORT", 0, "" },
		{ 0, "PORT 1", 0, "" },
		{ 0, "PORT 1\n", 7, "PORT 1\n!|" },
	};

	/* a line that cannot announce anything does not wait */
	static const struct step dull[] = {
		{ 0, "PORT 1\nUSER ano", 15, "PORT 1\n!|" },
		{ 15, "nymous\nEP", 7, "USER anonymous\n|" },
		{ 24, "SV\n", 3, "EPSV\n!|" },
	};

	(void)state;
	run(steps, RTE_DIM(steps), true);
	run(dull, RTE_DIM(dull), true);
	run(stubborn, RTE_DIM(stubborn), true);
	run(grows, RTE_DIM(grows), true);
}

static void
ALG07_other_protocols_end_the_looking(void **state)
{
	static const struct step steps[] = {
		{ 0, "POST / HTTP/1.1\r\nHost: a\r\n\r\nPORT 10,0,0,1,4,2\r\n", 47,
			"POST / HTTP/1.1\r\n!|" },
		{ 47, "PORT 10,0,0,1,4,2\r\n", 19, "" },
		{ 90, "PORT 10,0,0,1,4,2\r\n", 19, "" },
	};

	(void)state;
	run(steps, RTE_DIM(steps), false);
	assert_false(lines.on);
	run(steps, RTE_DIM(steps), true);
	assert_false(lines.on);
}

static void
what_is_too_long_is_passed_over(void **state)
{
	static char text[3 * ALG_LINE_MAX];
	struct step s = { .text = text, .messages = "" };

	(void)state;
	/* a line, up to its end, in pieces and in one */
	memset(text, 'x', sizeof(text));
	memcpy(text, "STOR ", 5);
	alg_lines_start(&lines, BASE);
	for (uint32_t i = 0; i < ALG_LINE_MAX + 1000; i += 1000) {
		s.at = i;
		s.text = text + i;
		s.keep = 1000;
		feed(alg_of(ALG_FTP), &s, 1000, false);
	}
	assert_true(lines.on && lines.skip_line);
	s = (struct step){ lines.next - BASE, "xx\nNOOP\n", 8, "NOOP\n!|" };
	feed(alg_of(ALG_FTP), &s, 8, false);
	alg_lines_start(&lines, BASE);
	memcpy(text + sizeof(text) - 6, "\nNOOP\n", 6);
	s = (struct step){ 0, text, sizeof(text), "NOOP\n!|" };
	feed(alg_of(ALG_FTP), &s, sizeof(text), true);
	assert_int_equal(lines.next, BASE + (uint32_t)sizeof(text));
	/* a body whose length is known */
	memset(text, 'x', sizeof(text));
	memcpy(text, "SIP/2.0 200 OK\r\nl: 8000\r\n\r\n", 27);
	memcpy(text + 8027, "\r\n", 2);
	alg_lines_start(&lines, BASE);
	s = (struct step){ 0, text, 8029, "\r!|\n!|" };
	feed(alg_of(ALG_SIP), &s, 8029, true);
	/* headers without end: what is behind them cannot be known */
	memset(text + 16, 'x', sizeof(text) - 16);
	alg_lines_start(&lines, BASE);
	s = (struct step){ 0, text, sizeof(text), "" };
	feed(alg_of(ALG_SIP), &s, sizeof(text), true);
	assert_false(lines.on);
}

static void
a_refused_message_is_taken_again(void **state)
{
	const char *text = "NOOP\nPORT 1\nLIST\n";
	struct alg_lines_segment seg = { .seq = BASE, .len = 17, .data = text, .edits = true };
	struct alg_message m;
	struct step again = { 5, "PORT 1\nLIST\n", 12, "PORT 1\n!|LIST\n!|" };

	(void)state;
	alg_lines_start(&lines, BASE);
	alg_lines_enter(&lines, &seg);
	assert_true(alg_lines_next(&lines, alg_of(ALG_FTP), 0, &seg, &m));
	assert_true(alg_lines_next(&lines, alg_of(ALG_FTP), 0, &seg, &m));
	alg_lines_refuse(&lines, &seg, &m);
	assert_int_equal(seg.keep, 5);
	assert_false(alg_lines_next(&lines, alg_of(ALG_FTP), 0, &seg, &m));
	feed(alg_of(ALG_FTP), &again, 12, true);
	/* one that began in an earlier segment, of which nothing has gone */
	alg_lines_start(&lines, BASE);
	again = (struct step){ 0, "PO", 0, "" };
	feed(alg_of(ALG_FTP), &again, 2, true);
	seg = (struct alg_lines_segment){
		.seq = BASE + 2, .len = 5, .data = "RT 1\n", .edits = true
	};
	alg_lines_enter(&lines, &seg);
	assert_true(alg_lines_next(&lines, alg_of(ALG_FTP), 0, &seg, &m));
	alg_lines_refuse(&lines, &seg, &m);
	assert_int_equal(seg.keep, 0);
	again = (struct step){ 2, "RT 1\n", 0, "" };
	feed(alg_of(ALG_FTP), &again, 5, true);
	again = (struct step){ 0, "PORT 1\n", 7, "PORT 1\n!|" };
	feed(alg_of(ALG_FTP), &again, 7, true);
}

static void
what_the_receiver_has_but_did_not_come_by_ends_the_looking(void **state)
{
	const struct step step = { 0, "NOOP\nPORT", 5, "NOOP\n!|" };

	(void)state;
	alg_lines_start(&lines, BASE);
	feed(alg_of(ALG_FTP), &step, 9, true);
	assert_true(alg_lines_acked(&lines, BASE));
	assert_true(alg_lines_acked(&lines, BASE + 5));
	assert_int_equal(lines.withheld, ALG_LINES_TRIES);
	assert_true(alg_lines_acked(&lines, BASE + 6)); /* it has come another way */
	assert_int_equal(lines.withheld, 0);
	assert_true(alg_lines_acked(&lines, BASE + 9));
	assert_true(alg_lines_acked(&lines, BASE + 10)); /* a FIN counts as one */
	assert_true(lines.on);
	assert_false(alg_lines_acked(&lines, BASE + 11));
	assert_false(lines.on);
	assert_true(alg_lines_acked(&lines, BASE + 50)); /* once is enough */
}

static void
a_session_taken_over_goes_on_where_the_peer_was(void **state)
{
	static const struct {
		enum alg_id id;
		bool known;
		struct step steps[3];
	} rows[] = {
		/* the begin of this line may have been elsewhere */
		{ ALG_FTP, false,
			{ { 100, "PORT 1", 6, "" }, { 106, "\nPORT 2\n", 8, "PORT 2\n!|" },
				{ 90, "PORT 3\nNOO", 10, "" } } },
		/* just where the peer was; what had been read is not read again */
		{ ALG_FTP, true,
			{ { 50, "PORT 1\n", 7, "PORT 1\n!|" }, { 40, "0123456789", 10, "" },
				{ 57, "PORT 2\n", 7, "PORT 2\n!|" } } },
		/* sent again first, and more with it */
		{ ALG_FTP, true,
			{ { 45, "abcd\nPORT 1\n", 12, "PORT 1\n!|" },
				{ 57, "PORT 2\n", 7, "PORT 2\n!|" }, { 70, "too early", 0, "" } } },
		/* it has gone on since the peer last told */
		{ ALG_FTP, true,
			{ { 60, "T 1\nPORT 2\n", 11, "PORT 2\n!|" },
				{ 71, "PORT 3\n", 7, "PORT 3\n!|" }, { 50, "PORT 1\n", 7, "" } } },
		{ ALG_SIP, true,
			{ { 50, "SIP/2.0 200 OK\r\n\r\n", 18, "SIP/2.0 200 OK\r\n\r\n!|" },
				{ 40, "0123456789", 10, "" },
				{ 68, "SIP/2.0 300 OK\r\n\r\n", 18,
					"SIP/2.0 300 OK\r\n\r\n!|" } } },
		/* where a message begins cannot be told in SIP */
		{ ALG_SIP, true,
			{ { 60, "SIP/2.0 200 OK\r\n\r\n", 18, "" }, { 40, "0123456789", 10, "" },
				{ 78, "SIP/2.0 300 OK\r\n\r\n", 18, "" } } },
	};

	(void)state;
	for (size_t i = 0; i < RTE_DIM(rows); i++) {
		const struct alg_lines_place place = { BASE + 50, true, rows[i].known };

		alg_lines_resume(&lines, alg_of(rows[i].id), &place);
		assert_true(alg_lines_acked(&lines, BASE + 500));
		for (size_t k = 0; k < RTE_DIM(rows[i].steps); k++)
			feed(alg_of(rows[i].id), &rows[i].steps[k], strlen(rows[i].steps[k].text),
				true);
	}
	alg_lines_resume(&lines, alg_of(ALG_SIP), &(struct alg_lines_place){ 0, true, false });
	assert_false(lines.on);
	alg_lines_resume(&lines, alg_of(ALG_FTP), &(struct alg_lines_place){ 0, false, true });
	assert_false(lines.on);
}

static void
where_the_looking_is_can_be_told(void **state)
{
	static const struct {
		const char *text;
		uint32_t keep;
	} rows[] = {
		{ "PORT 1\n", 7 }, { "PORT 1\nPORT", 7 }, /* the begin of what is not whole */
	};
	static char whole[ALG_LINE_MAX + 8];
	struct alg_lines_place place;
	struct step step = { 0, whole, sizeof(whole) - 1, "" };

	(void)state;
	for (size_t i = 0; i < RTE_DIM(rows); i++) {
		run(&(struct step){ 0, rows[i].text, rows[i].keep, "PORT 1\n!|" }, 1, true);
		place = alg_lines_place(&lines);
		assert_true(place.on && place.known);
		assert_int_equal(place.next, BASE + 7);
	}
	memset(whole, 'a', sizeof(whole) - 1);
	memcpy(whole, "STOR ", 5);
	alg_lines_start(&lines, BASE);
	feed(alg_of(ALG_FTP), &step, sizeof(whole) - 1, true);
	assert_false(alg_lines_place(&lines).known); /* in the midst of one that is too long */
	alg_lines_stop(&lines);
	assert_false(alg_lines_place(&lines).on);
}

static void
messages_come_in_single_bytes(void **state)
{
	static const char sip[] = "SIP/2.0 200 OK\r\nl: 3\r\n\r\nabc", rtsp[] = "$\0\0\2ab",
			  pptp[] = "\0\x10\0\1\x1a\x2b\x3c\x4d\0\x0c\0\0\1\2\0\0";
	static const struct {
		enum alg_id id;
		const char *text;
		size_t len;
	} rows[] = {
		{ ALG_SIP, sip, sizeof(sip) - 1 },
		{ ALG_RTSP, rtsp, sizeof(rtsp) - 1 },
		{ ALG_PPTP, pptp, sizeof(pptp) - 1 },
	};

	(void)state;
	for (size_t i = 0; i < RTE_DIM(rows); i++) {
		uint32_t messages = 0;

		alg_lines_start(&lines, BASE);
		for (uint32_t at = 0; at < 2 * rows[i].len; at++) {
			const uint32_t place = at % (uint32_t)rows[i].len;
			struct alg_lines_segment seg = {
				.seq = BASE + at, .len = 1, .data = rows[i].text + place
			};
			struct alg_message m;

			alg_lines_enter(&lines, &seg);
			while (alg_lines_next(&lines, alg_of(rows[i].id), 0, &seg, &m)) {
				assert_int_equal(m.len, rows[i].len);
				assert_int_equal(place + 1, rows[i].len);
				messages++;
			}
			assert_true(lines.on);
		}
		assert_int_equal(messages, 2);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(ALG05_lines_come_once_and_whole),
		cmocka_unit_test(ALG05_half_lines_wait_when_text_is_edited),
		cmocka_unit_test(ALG07_other_protocols_end_the_looking),
		cmocka_unit_test(what_is_too_long_is_passed_over),
		cmocka_unit_test(a_refused_message_is_taken_again),
		cmocka_unit_test(a_session_taken_over_goes_on_where_the_peer_was),
		cmocka_unit_test(where_the_looking_is_can_be_told),
		cmocka_unit_test(messages_come_in_single_bytes),
		cmocka_unit_test(what_the_receiver_has_but_did_not_come_by_ends_the_looking),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
