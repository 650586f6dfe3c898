/* SPDX-License-Identifier: BSD-3-Clause */
/* Captures: what comes into the file, how they begin and end, and pcapng as it must be. */
#include "management_box.h"
#include "packet_frame.h"
#include "pcapng.h"
#include "test_eal.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#define FRAME 62 /* bytes of a packet of packet_frame_udp() */

static struct management_box *box;
static char folder[] = "/tmp/capturing.XXXXXX";

/* ---- a reader that believes nothing ---- */

struct packet {
	const char *interface;
	char comment[128];
	uint32_t len, kept, flags;
	uint16_t dport;
};

struct file {
	struct packet packets[64];
	unsigned int count, interfaces, statistics;
	uint64_t missed;
	char names[64][64], application[64];
	size_t size;
};

static uint32_t
word(const uint8_t *at)
{
	uint32_t v;

	memcpy(&v, at, sizeof(v));
	return v;
}

/* => the option's value, *len its length; NULL. */
static const uint8_t *
option(const uint8_t *at, const uint8_t *end, uint16_t want, uint16_t *len)
{
	while (at + 4 <= end) {
		uint16_t code;

		memcpy(&code, at, 2);
		memcpy(len, at + 2, 2);
		if (code == 0) {
			assert_int_equal(*len, 0);
			assert_ptr_equal(at + 4, end); /* nothing behind the last one */
			return NULL;
		}
		assert_true(at + 4 + *len <= end);
		if (code == want)
			return at + 4;
		at += 4 + ((*len + 3) & ~3);
	}
	fail_msg("options without an end");
	return NULL;
}

static void
text_option(const uint8_t *at, const uint8_t *end, uint16_t want, char *out, size_t size)
{
	uint16_t len;
	const uint8_t *value = option(at, end, want, &len);

	snprintf(out, size, "%.*s", value != NULL ? len : 0,
		value != NULL ? (const char *)value : "");
}

static void
read_packet(struct file *f, const uint8_t *body, const uint8_t *end)
{
	struct packet *p = &f->packets[f->count++];
	uint16_t len;
	const uint8_t *options;

	assert_true(f->count <= 64);
	assert_true(word(body) < f->interfaces);
	p->interface = f->names[word(body)];
	p->kept = word(body + 12);
	p->len = word(body + 16);
	assert_true(p->kept <= p->len);
	options = body + 20 + ((p->kept + 3) & ~3U);
	p->flags = word(option(options, end, 2, &len));
	text_option(options, end, 1, p->comment, sizeof(p->comment));
	if (p->kept >= 38)
		p->dport = (uint16_t)(body[20 + 36] << 8 | body[20 + 37]);
}

static struct file *
read_file(const char *path)
{
	struct file *f = calloc(1, sizeof(*f));
	FILE *in = fopen(path, "r");
	static uint8_t bytes[1 << 20];
	uint16_t len;

	assert_non_null(f);
	assert_non_null(in);
	f->size = fread(bytes, 1, sizeof(bytes), in);
	fclose(in);
	assert_true(f->size > 0 && f->size < sizeof(bytes));
	for (size_t at = 0; at < f->size;) {
		const uint32_t type = word(bytes + at), total = word(bytes + at + 4);
		const uint8_t *body = bytes + at + 8, *end = bytes + at + total - 4;

		assert_true(total % 4 == 0 && total >= 12 && at + total <= f->size);
		assert_int_equal(word(end), total);
		switch (type) {
		case 0x0a0d0d0a:
			assert_int_equal(at, 0);
			assert_int_equal(word(body), 0x1a2b3c4d);
			text_option(body + 16, end, 4, f->application, sizeof(f->application));
			break;
		case 1:
			assert_int_equal(word(body), 1); /* Ethernet */
			assert_int_equal(*option(body + 8, end, 9, &len), 9);
			text_option(body + 8, end, 2, f->names[f->interfaces++], 64);
			break;
		case 6:
			read_packet(f, body, end);
			break;
		case 5:
			f->statistics++;
			memcpy(&f->missed, option(body + 12, end, 7, &len), sizeof(f->missed));
			break;
		default:
			fail_msg("block of type %u", type);
		}
		at += total;
	}
	return f;
}

/* ---- */

static void
path_of(const char *name, char out[128])
{
	snprintf(out, 128, "%s/%s", folder, name);
}

static void
begin(const char *name, const char *words)
{
	char err[512] = "";

	if (!capturing_start(&box->m, name, words, err, sizeof(err)))
		print_error("%s %s: %s\n", name, words, err);
	assert_string_equal(err, "");
}

/* reach: turn the loop until the capture is there. */
static void
reach(enum capturing_state state)
{
	static const struct timespec moment = { .tv_nsec = 1000000 };

	for (int i = 0; box->m.capturing.state != state && i < 10000; i++) {
		engine_box_poll(box->box);
		capturing_poll(&box->m);
		nanosleep(&moment, NULL);
	}
	assert_int_equal(box->m.capturing.state, state);
}

static struct file *
end_and_read(const char *name)
{
	char path[128];

	(void)capturing_stop(&box->m);
	reach(CAPTURING_ENDED);
	path_of(name, path);
	return read_file(path);
}

static void
frames_are_captured_in_and_out_by_interface(void **state)
{
	struct file *f;

	(void)state;
	begin("both", "");
	packet_frame_udp(box->box, BOX_TRUST, 5000, 53);
	f = end_and_read("both.pcapng");
	assert_int_equal(f->count, 2);
	assert_int_equal(f->packets[0].flags, PCAPNG_INBOUND);
	assert_string_equal(f->packets[0].interface, "GigabitEthernet1/0/1");
	assert_int_equal(f->packets[0].len, FRAME);
	assert_int_equal(f->packets[0].kept, FRAME);
	assert_int_equal(f->packets[0].dport, 53);
	assert_string_equal(f->packets[0].comment, "");
	assert_int_equal(f->packets[1].flags, PCAPNG_OUTBOUND);
	assert_string_equal(f->packets[1].interface, "GigabitEthernet1/0/3");
	assert_string_equal(f->application, "twinwall " TWINWALL_VERSION);
	assert_int_equal(f->statistics, 2);
	assert_int_equal(f->missed, 0);
	assert_int_equal(box->m.capturing.status.bytes, f->size);
	assert_string_equal(box->m.capturing.why, "stopped");
	free(f);
}

static void
filters_say_which(void **state)
{
	static const struct {
		const char *words;
		unsigned int packets;
	} rows[] = {
		{ "direction in", 3 },
		{ "direction out", 1 },
		{ "direction both", 4 },
		{ "direction all", 6 },
		{ "direction in interface GigabitEthernet1/0/1", 1 },
		{ "direction in zone untrust", 2 },
		{ "interface GigabitEthernet1/0/3", 3 },
		{ "destination-port 53", 2 },
		{ "dropped", 2 },
		{ "dropped source-port 53", 1 },
		{ "reason policy", 2 },
		{ "reason no_session", 0 },
		{ "protocol tcp", 0 },
		{ "source 10.1.1.10 both direction in", 3 },
		{ "source 10.1.1.10 direction in", 1 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		char words[128];
		struct file *f;

		snprintf(words, sizeof(words), "%s overwrite", rows[i].words);
		begin("which", words);
		packet_frame_udp(box->box, BOX_TRUST, 5000, 53);
		packet_frame_udp(box->box, BOX_UNTRUST, 53, 5009);
		packet_frame_udp(box->box, BOX_UNTRUST, 54, 5009);
		f = end_and_read("which.pcapng");
		if (f->count != rows[i].packets)
			print_error("%s\n", rows[i].words);
		assert_int_equal(f->count, rows[i].packets);
		free(f);
	}
}

static void
a_dropped_packet_carries_its_reason(void **state)
{
	struct file *f;

	(void)state;
	begin("dropped", "dropped");
	packet_frame_udp(box->box, BOX_UNTRUST, 53, 5009);
	f = end_and_read("dropped.pcapng");
	assert_int_equal(f->count, 1);
	assert_string_equal(f->packets[0].interface, "GigabitEthernet1/0/3");
	assert_int_equal(f->packets[0].flags, PCAPNG_UNKNOWN);
	assert_string_equal(f->packets[0].comment,
		"dropped: policy: denied by a security policy rule or the default");
	free(f);
}

static void
a_capture_ends_by_itself(void **state)
{
	struct file *f;

	(void)state;
	begin("count", "count 3 direction in");
	for (int i = 0; i < 10; i++)
		packet_frame_udp(box->box, BOX_TRUST, 5000, 53);
	reach(CAPTURING_ENDED);
	assert_string_equal(box->m.capturing.why, "count or size reached");
	f = end_and_read("count.pcapng");
	assert_int_equal(f->count, 3);
	free(f);

	begin("time", "seconds 1");
	management_box_jump(box, 900);
	capturing_poll(&box->m);
	assert_int_equal(box->m.capturing.state, CAPTURING_ON);
	management_box_jump(box, 200);
	reach(CAPTURING_ENDED);
	assert_string_equal(box->m.capturing.why, "time over");

	begin("size", "size 1 direction in");
	for (int i = 0; i < 15000 && box->m.capturing.state == CAPTURING_ON; i++) {
		packet_frame_udp(box->box, BOX_TRUST, 5000, 53);
		if (i % 64 == 0)
			capturing_poll(&box->m);
	}
	reach(CAPTURING_ENDED);
	assert_string_equal(box->m.capturing.why, "count or size reached");
	assert_in_range(box->m.capturing.status.bytes, (1 << 20) - 16384, 1 << 20);
}

static void
snaplen_cuts_and_says_the_whole_length(void **state)
{
	struct file *f;

	(void)state;
	begin("short", "snaplen 33 direction in");
	packet_frame_udp(box->box, BOX_TRUST, 5000, 53);
	f = end_and_read("short.pcapng");
	assert_int_equal(f->count, 1);
	assert_int_equal(f->packets[0].kept, 33);
	assert_int_equal(f->packets[0].len, FRAME);
	free(f);
}

static void
what_cannot_be_is_refused(void **state)
{
	static const struct {
		const char *name, *words, *reason;
	} rows[] = {
		{ "../up", "", "expected a name of at most 64 letters" },
		{ "a/b", "", "expected a name" },
		{ ".hidden", "", "expected a name" },
		{ "-x", "", "expected a name" },
		{ "sp ace", "", "expected a name" },
		{ "1234567890123456789012345678901234567890123456789012345678901234x", "",
			"expected a name" },
		{ "there", "", "is there already; overwrite replaces it" },
		{ "there.pcapng", "", "is there already" },
		{ "x", "count 0", "count: expected 1-100000000" },
		{ "x", "size 65537", "size: expected 1-65536" },
		{ "x", "snaplen 13", "snaplen: expected 14-65535" },
		{ "x", "direction up", "direction: expected in, out, both or all" },
		{ "x", "direction in dropped", "expected direction or dropped" },
		{ "x", "colour red", "unknown filter \"colour\", expected address" },
	};
	struct config_system *sys = config_section_fill(box->m.config, "system");
	char err[512], path[128];
	struct stat st;

	(void)state;
	begin("there", "");
	free(end_and_read("there.pcapng"));
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		assert_false(
			capturing_start(&box->m, rows[i].name, rows[i].words, err, sizeof(err)));
		if (strstr(err, rows[i].reason) == NULL)
			print_error("%s %s: %s\n", rows[i].name, rows[i].words, err);
		assert_non_null(strstr(err, rows[i].reason));
	}
	path_of("x.pcapng", path);
	assert_int_not_equal(access(path, F_OK), 0); /* nothing was made */
	path_of("there.pcapng", path);
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0600);
	begin("on", "");
	assert_false(capturing_start(&box->m, "two", "", err, sizeof(err)));
	assert_string_equal(err, "a capture is on; capture stop ends it");
	free(end_and_read("on.pcapng"));
	assert_false(capturing_stop(&box->m));

	snprintf(sys->capture_folder, sizeof(sys->capture_folder), "%s/none", folder);
	assert_false(capturing_start(&box->m, "x", "", err, sizeof(err)));
	assert_non_null(strstr(err, "No such file or directory"));
	sys->capture_folder[0] = '\0';
	assert_false(capturing_start(&box->m, "x", "", err, sizeof(err)));
	assert_non_null(strstr(err, "system.capture_folder is not set"));
	snprintf(sys->capture_folder, sizeof(sys->capture_folder), "%s", folder);
}

static void
a_link_in_the_folder_is_not_followed(void **state)
{
	char link[128], target[128], err[512];

	(void)state;
	path_of("link.pcapng", link);
	path_of("target", target);
	assert_int_equal(symlink(target, link), 0);
	assert_false(capturing_start(&box->m, "link", "", err, sizeof(err)));
	begin("link", "overwrite");
	free(end_and_read("link.pcapng"));
	assert_int_not_equal(access(target, F_OK), 0);
}

/* Nobody reads the ring: what does not fit is counted, and packets go their way. */
static void
a_full_ring_costs_copies_and_no_packet(void **state)
{
	const struct capture_params params = {
		.filter = { .port = -1,
			.source_port = -1,
			.destination_port = -1,
			.protocol = -1,
			.interface = INTERFACE_NONE },
		.where = CAPTURE_IN,
		.snaplen = 14,
	};
	static uint8_t data[CAPTURE_SNAPLEN_MAX + CAPTURE_ELEMENT];
	struct worker_stats before, after;
	struct capture_head head;
	uint64_t kept = 0;
	char err[128];
	struct capture *c = capture_create(box->m.engine, &params, err, sizeof(err));

	(void)state;
	assert_non_null(c);
	engine_stats(box->m.engine, &before);
	engine_set_capture(box->m.engine, c);
	for (int i = 0; i < 20000; i++)
		packet_frame_udp(box->box, BOX_TRUST, 5000, 53);
	engine_set_capture(box->m.engine, NULL);
	engine_box_poll(box->box);
	engine_stats(box->m.engine, &after);
	assert_int_equal(after.forwarded - before.forwarded, 20000);
	assert_int_equal(capture_matched(c), 20000);
	for (uint16_t w = 0; w < box->box->workers; w++)
		while (capture_take(c, w, &head, data)) {
			assert_int_equal(head.kept, 14);
			kept++;
		}
	assert_true(capture_missed(c, BOX_TRUST) > 0);
	assert_int_equal(kept + capture_missed(c, BOX_TRUST), 20000);
	capture_destroy(c);
}

static int
open_box(void **state)
{
	struct config_system *sys;

	(void)state;
	if (mkdtemp(folder) == NULL)
		return -1;
	box = management_box_create(1024, NULL, NULL);
	sys = config_section_fill(box->m.config, "system");
	snprintf(sys->capture_folder, sizeof(sys->capture_folder), "%s", folder);
	return 0;
}

static int
close_box(void **state)
{
	char command[128];

	(void)state;
	begin("last", ""); /* the end of the daemon is the end of the file */
	management_box_destroy(box);
	path_of("last.pcapng", command);
	free(read_file(command));
	snprintf(command, sizeof(command), "rm -r %s", folder);
	return system(command) == 0 ? 0 : -1;
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(frames_are_captured_in_and_out_by_interface),
		cmocka_unit_test(filters_say_which),
		cmocka_unit_test(a_dropped_packet_carries_its_reason),
		cmocka_unit_test(a_capture_ends_by_itself),
		cmocka_unit_test(snaplen_cuts_and_says_the_whole_length),
		cmocka_unit_test(what_cannot_be_is_refused),
		cmocka_unit_test(a_link_in_the_folder_is_not_followed),
		cmocka_unit_test(a_full_ring_costs_copies_and_no_packet),
	};

	test_eal_start(256, 1);
	return cmocka_run_group_tests(tests, open_box, close_box);
}
