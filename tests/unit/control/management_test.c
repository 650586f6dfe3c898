/* SPDX-License-Identifier: BSD-3-Clause */
/* The management thread as a whole: sockets of the configuration, signals, reload, save. */
#include "config_policy.h"
#include "control_commands.h"
#include "control_sections.h"
#include "engine_box.h"
#include "management.h"
#include "test_eal.h"

#include <arpa/inet.h>
#include <errno.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cmocka.h>

// clang-format off
static const char config_text[] =
	"version = 1;\n"
	"system = { name = \"FW1\"; worker_cpus = [ 0, 0 ]; sessions = 4096; memory_mb = 512;\n"
	"  console_socket = \"%s/console\"; json_socket = \"%s/json\"; };\n"
	"ports = ( { name = \"p1\"; devargs = \"net_null0\"; },\n"
	"          { name = \"p2\"; devargs = \"net_null1\"; },\n"
	"          { name = \"p3\"; devargs = \"net_null2\"; } );\n"
	"zones = ( );\n"
	"interfaces = (\n"
	"  { name = \"GigabitEthernet1/0/1\"; port = \"p1\"; address = \"10.1.1.2/24\"; zone = \"trust\"; },\n"
	"  { name = \"GigabitEthernet1/0/2\"; port = \"p2\"; address = \"10.10.0.1/24\"; zone = \"dmz\"; },\n"
	"  { name = \"GigabitEthernet1/0/3\"; port = \"p3\"; address = \"200.1.1.2/24\"; zone = \"untrust\"; }\n"
	");\n"
	"routes = ( { prefix = \"0.0.0.0/0\"; via = \"200.1.1.254\"; } );\n"
	"security_policy = { default = \"deny\"; on_change = \"%s\"; rules = (\n"
	"  { name = \"%s\"; source_zones = [ \"trust\" ]; action = \"%s\"; } ); };\n";
// clang-format on

struct fixture {
	char folder[64], file[96], console[96];
	const char *on_change;
	struct engine_box *box;
	struct management m;
	pthread_t thread;
	_Atomic(int) rc;
};

static void
write_config(const struct fixture *f, const char *rule, const char *action)
{
	FILE *file = fopen(f->file, "w");

	assert_non_null(file);
	fprintf(file, config_text, f->folder, f->folder, f->on_change, rule, action);
	fclose(file);
}

static void *
run(void *arg)
{
	struct fixture *f = arg;

	/* As the daemon's main does: this thread is the management thread. */
	f->rc = management_run(&f->m, false);
	return NULL;
}

static int
setup(void **state)
{
	const struct engine_box_params params = { .name = "mg",
		.number = 1,
		.workers = 2,
		.sessions = 4096,
		.buffers = 1023,
		.ring = 256,
		.event_ring = 256,
		.nat = true };
	struct fixture *f = calloc(1, sizeof(*f));
	char err[512] = "";

	snprintf(f->folder, sizeof(f->folder), "/tmp/management.XXXXXX");
	if (mkdtemp(f->folder) == NULL)
		return -1;
	snprintf(f->file, sizeof(f->file), "%s/twinwall.conf", f->folder);
	snprintf(f->console, sizeof(f->console), "%s/console", f->folder);
	f->on_change = "re-evaluate";
	write_config(f, "first", "deny");
	f->box = engine_box_create(&params);
	/* Nobody polls in these cases: the workers must not hold up grace periods. */
	engine_box_sleep(f->box);
	f->m = (struct management){ .config_path = f->file,
		.sections = control_sections,
		.engine = f->box->engine,
		.commands = control_commands,
		.rcu_reader = rcu_register(engine_rcu(f->box->engine)) };
	clock_init(&f->m.clock);
	f->m.started = management_now(&f->m);
	f->m.config = config_load(f->file, control_sections, err, sizeof(err));
	if (f->m.config == NULL || management_open(&f->m, err, sizeof(err)) != 0) {
		print_error("%s\n", err);
		return -1;
	}
	f->rc = -1;
	*state = f;
	return pthread_create(&f->thread, NULL, run, f);
}

/* The loop ends by SIGTERM, quickly, and leaves no socket behind. */
static int
teardown(void **state)
{
	struct fixture *f = *state;
	int rc;

	kill(getpid(), SIGTERM);
	pthread_join(f->thread, NULL);
	rc = f->rc;
	management_close(&f->m);
	rc |= access(f->console, F_OK) == 0;
	config_free(f->m.config);
	rcu_unregister(engine_rcu(f->box->engine), f->m.rcu_reader);
	engine_box_wake(f->box);
	engine_box_destroy(f->box);
	unlink(f->file);
	rc |= rmdir(f->folder);
	free(f);
	return rc;
}

/* command: what `twinctl -c` would get, without the framing's first part. free() it. */
static char *
command(const struct fixture *f, const char *line)
{
	struct sockaddr_un addr = { .sun_family = AF_UNIX };
	const int fd = socket(AF_UNIX, SOCK_STREAM, 0);
	char *text = malloc(65536);
	size_t used = 0;
	ssize_t n;

	snprintf(addr.sun_path, sizeof(addr.sun_path), "%s", f->console);
	assert_int_equal(connect(fd, (struct sockaddr *)&addr, sizeof(addr)), 0);
	assert_true(dprintf(fd, "\x01%s\n", line) > 0);
	while ((n = read(fd, text + used, 65535 - used)) > 0)
		used += (size_t)n;
	close(fd);
	text[used] = '\0';
	assert_non_null(strchr(text, '\x02'));
	memmove(text, strchr(text, '\x02') + 1, strlen(strchr(text, '\x02')));
	return text;
}

static void
expect(const struct fixture *f, const char *line, const char *has)
{
	char *text = command(f, line);

	if (strstr(text, has) == NULL)
		print_error("%s: \"%s\" lacks \"%s\"\n", line, text, has);
	assert_non_null(strstr(text, has));
	free(text);
}

static void
a_good_file_is_published(void **state)
{
	const struct fixture *f = *state;

	expect(f, "reload", "Loaded ");
	expect(f, "display security-policy", "first");
	write_config(f, "second", "permit");
	expect(f, "display security-policy", "first");
	expect(f, "reload", "\x04OK\n");
	expect(f, "display security-policy", "second");
	write_config(f, "third", "permit");
	expect(f, "reload", "\x04OK\n");
	expect(f, "display security-policy", "third");
	expect(f, "display configuration", "third");
}

static void
DOS_02_the_loop_removes_entries_whose_time_is_over(void **state)
{
	const struct fixture *f = *state;
	char *text = NULL;

	expect(f, "blacklist add 10.9.9.9 timeout 1", "\x04OK\n");
	expect(f, "blacklist add 10.9.9.8", "\x04OK\n");
	/* The command's own deadline ends a loop that would never see it. */
	do {
		free(text);
		text = command(f, "display firewall blacklist");
	} while (strstr(text, " Entries : 1, of the configuration 0, of the peer 0\n") == NULL);
	assert_null(strstr(text, "10.9.9.9/32"));
	assert_non_null(strstr(text, "10.9.9.8/32"));
	free(text);
}

static void
MGT_05_a_wrong_file_is_refused_with_its_line_and_nothing_changes(void **state)
{
	const struct fixture *f = *state;
	char want[160];

	expect(f, "reload", "\x04OK\n");
	write_config(f, "second", "perhaps");
	snprintf(want, sizeof(want),
		"\x04"
		"ERR nothing changed: %s:15: ",
		f->file);
	expect(f, "reload", want);
	expect(f, "display security-policy", "first");
	expect(f, "display configuration", "first");
}

static void
what_needs_a_restart_is_refused(void **state)
{
	struct fixture *f = *state;
	char folder[64];

	memcpy(folder, f->folder, sizeof(folder));
	snprintf(f->folder, sizeof(f->folder), "/nowhere");
	write_config(f, "second", "permit");
	memcpy(f->folder, folder, sizeof(folder));
	expect(f, "reload", "needs a restart");
	expect(f, "display configuration", "first");
}

static void
poll_workers(const struct fixture *f)
{
	for (uint16_t i = 0; i < f->box->workers; i++)
		worker_sleep_end(engine_worker(f->box->engine, i));
	engine_box_poll(f->box);
	for (uint16_t i = 0; i < f->box->workers; i++)
		worker_sleep_begin(engine_worker(f->box->engine, i));
}

static void
add_session(const struct fixture *f)
{
	struct session_table *t = engine_sessions(f->box->engine);
	struct session *s = session_table_alloc(t);
	struct session_key4 key;
	bool existed;
	const uint8_t swap = session_key4_make(&key, RTE_BE32(BOX_IPV4(10, 1, 1, 10)),
		RTE_BE32(BOX_IPV4(200, 1, 1, 10)), RTE_BE16(1024), RTE_BE16(80), 6);

	s->zone[0] = BOX_ZONE_TRUST;
	s->zone[1] = BOX_ZONE_UNTRUST;
	s->policy = policy_rule_id("first");
	s->last_seen = mono_seconds(f->box->now);
	s->ctl = session_kind(4, 6, swap) | SESSION_TCP_ESTABLISHED;
	assert_int_not_equal(
		session_table_insert4(t, s, &key, UINT16_MAX, f->box->now, &existed), SESSION_NONE);
}

static void
DOS_09_a_reload_ends_sessions_that_are_denied_now_or_keeps_them(void **state)
{
	static const struct {
		const char *on_change, *action;
		uint32_t left;
	} rows[] = { { "re-evaluate", "permit", 1 }, { "re-evaluate", "deny", 0 },
		{ "keep", "deny", 1 } };
	struct fixture *f = *state;

	for (unsigned int i = 0; i < RTE_DIM(rows); i++) {
		f->on_change = rows[i].on_change;
		write_config(f, "first", "permit");
		expect(f, "reload", "\x04OK\n");
		add_session(f);
		write_config(f, "first", rows[i].action);
		expect(f, "reload", "\x04OK\n");
		expect(f, "display zone", "trust"); /* the walk is over by now */
		poll_workers(f);
		assert_int_equal(
			session_table_count(engine_sessions(f->box->engine)), rows[i].left);
		expect(f, "reset firewall session table", "\x04OK\n");
		poll_workers(f);
	}
}

/* A group that a reload takes away lives until the last port of it has been given back. */
static void
NAT_17_the_loop_frees_groups_that_are_over(void **state)
{
	const struct fixture *f = *state;
	struct nat_groups *groups = engine_nat_groups(f->box->engine);
	const struct nat_want want = { .proto = 6,
		.host = RTE_BE32(0x0a01010a),
		.port = RTE_BE16(4000),
		.remote = RTE_BE32(0xc801010a),
		.remote_port = RTE_BE16(80) };
	struct nat_got got;
	mono_t until;
	FILE *file;
	uint16_t id;

	write_config(f, "second", "permit");
	file = fopen(f->file, "a");
	assert_non_null(file);
	fputs("nat_address_groups = ( { name = \"g\"; addresses = [ \"198.51.100.1\" ]; } );\n",
		file);
	fclose(file);
	expect(f, "reload", "\x04OK\n");
	id = nat_groups_find(groups, "g");
	assert_int_not_equal(id, NAT_GROUP_NONE);
	assert_int_equal(nat_groups_take(groups, id, &want, &got), NAT_OK);
	write_config(f, "second", "permit");
	expect(f, "reload", "\x04OK\n");
	expect(f, "display nat address-group g", " State               : retired\n");
	nat_groups_give(groups, id, want.proto, &got);
	until = mono_add_ms(management_now(&f->m), 20000);
	while (mono_before(management_now(&f->m), until)) {
		char *text = command(f, "display nat address-group");
		const bool gone = strstr(text, "retired") == NULL;

		free(text);
		if (gone)
			return;
		poll_workers(f);
	}
	fail();
}

/* The loop looks at the groups, and whoever collects the log hears of one that has nothing left. */
static void
NAT_05_an_exhausted_group_is_told(void **state)
{
	const struct fixture *f = *state;
	struct nat_groups *groups = engine_nat_groups(f->box->engine);
	struct nat_want want = { .proto = 6, .port = RTE_BE16(4000) };
	struct sockaddr_in a = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	struct timeval most = { .tv_sec = 20 };
	socklen_t len = sizeof(a);
	struct nat_got got, none;
	char line[1024];
	ssize_t n;
	FILE *file;
	uint16_t id;
	const int fd = socket(AF_INET, SOCK_DGRAM, 0);

	assert_int_equal(bind(fd, (void *)&a, len), 0);
	assert_int_equal(getsockname(fd, (void *)&a, &len), 0);
	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &most, sizeof(most));
	write_config(f, "first", "permit");
	file = fopen(f->file, "a");
	assert_non_null(file);
	fprintf(file,
		"nat_address_groups = ( { name = \"one\"; mode = \"no-pat\";\n"
		"  addresses = [ \"198.51.100.1\" ]; } );\n"
		"log = { syslog = { server = \"127.0.0.1\"; port = %u; }; };\n",
		ntohs(a.sin_port));
	fclose(file);
	expect(f, "reload", "\x04OK\n");
	id = nat_groups_find(groups, "one");
	want.host = RTE_BE32(0x0a01010a);
	assert_int_equal(nat_groups_take(groups, id, &want, &got), NAT_OK);
	want.host = RTE_BE32(0x0a01010b);
	assert_int_equal(nat_groups_take(groups, id, &want, &none), NAT_NO_ADDRESS);
	n = recv(fd, line, sizeof(line) - 1, 0);
	assert_true(n > 0);
	line[n] = '\0';
	assert_non_null(strstr(line, " NAT-EXHAUSTED - group=\"one\" missing=addresses refused=1"));
	nat_groups_give(groups, id, want.proto, &got);
	close(fd);
}

static void
SIGHUP_reloads(void **state)
{
	const struct fixture *f = *state;

	write_config(f, "second", "permit");
	kill(getpid(), SIGHUP);
	for (int i = 0; i < 200; i++) {
		char *text = command(f, "display configuration");
		const bool done = strstr(text, "second") != NULL;

		free(text);
		if (done)
			return;
	}
	fail();
}

static void
save_writes_the_running_configuration(void **state)
{
	const struct fixture *f = *state;
	char line[160], err[256];
	struct config *c;

	write_config(f, "second", "permit");
	snprintf(line, sizeof(line), "save %s/copy", f->folder);
	expect(f, line, "\x04OK\n");
	snprintf(line, sizeof(line), "%s/copy", f->folder);
	c = config_load(line, control_sections, err, sizeof(err));
	assert_non_null(c);
	assert_string_equal(
		((const struct config_rule *)((const struct config_policy *)config_section_data(
						      c, "security_policy"))
				->rules.items)
			->name,
		"first");
	config_free(c);
	unlink(line);
	expect(f, "save /nonexistent/folder/file",
		"\x04"
		"ERR ");
}

static void
a_second_daemon_is_refused(void **state)
{
	const struct fixture *f = *state;
	struct management second = f->m;
	char err[256], want[200];

	second.loop = NULL;
	second.rcu_reader = -1;
	assert_int_equal(management_open(&second, err, sizeof(err)), -EADDRINUSE);
	snprintf(want, sizeof(want), "system.console_socket: %s is in use by a running daemon",
		f->console);
	assert_string_equal(err, want);
	expect(f, "display version", "FW1");
}

#define CASE(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(a_good_file_is_published),
		CASE(MGT_05_a_wrong_file_is_refused_with_its_line_and_nothing_changes),
		CASE(what_needs_a_restart_is_refused),
		CASE(DOS_02_the_loop_removes_entries_whose_time_is_over),
		CASE(DOS_09_a_reload_ends_sessions_that_are_denied_now_or_keeps_them),
		CASE(NAT_17_the_loop_frees_groups_that_are_over),
		CASE(NAT_05_an_exhausted_group_is_told),
		CASE(SIGHUP_reloads),
		CASE(save_writes_the_running_configuration),
		CASE(a_second_daemon_is_refused),
	};

	management_block_signals();
	test_eal_start(256, 1);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
