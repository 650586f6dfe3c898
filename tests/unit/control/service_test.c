/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Service manager: R215, against a socket that stands for systemd's.
 */
#include "service.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

static const mono_t start = { .ns = NS_PER_SEC };

/* A manager's socket without a file. => descriptor; `name` as for NOTIFY_SOCKET. */
static int
manager(char *name, size_t size)
{
	const int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK, 0);
	struct sockaddr_un a = { .sun_family = AF_UNIX };

	snprintf(name, size, "@twinwall-service-test-%d", (int)getpid());
	memcpy(a.sun_path + 1, name + 1, strlen(name) - 1);
	assert_true(fd >= 0);
	assert_int_equal(
		bind(fd, (struct sockaddr *)&a,
			(socklen_t)(offsetof(struct sockaddr_un, sun_path) + strlen(name))),
		0);
	return fd;
}

static void
hears(int fd, const char *text)
{
	char got[64];
	const ssize_t n = recv(fd, got, sizeof(got) - 1, 0);

	if (text == NULL) {
		assert_int_equal(n, -1);
		return;
	}
	assert_true(n > 0);
	got[n] = '\0';
	assert_string_equal(got, text);
}

static void
without_a_manager_nothing_is_sent(void **state)
{
	struct service s;
	const uint64_t turns[] = { 1 };

	(void)state;
	unsetenv("NOTIFY_SOCKET");
	setenv("WATCHDOG_USEC", "1000000", 1);
	assert_int_equal(service_open(&s, start), 0);
	service_ready(&s);
	assert_false(service_due(&s, start));
	service_alive(&s, turns, 1, start);
	assert_int_equal(s.sent + s.lost, 0);
	service_close(&s);
}

static void
R215_signs_of_life_leave_only_while_every_core_turns(void **state)
{
	char name[64];
	const int fd = manager(name, sizeof(name));
	uint64_t turns[] = { 1, 1, 1 };
	struct service s;
	mono_t now = start;

	(void)state;
	setenv("NOTIFY_SOCKET", name, 1);
	setenv("WATCHDOG_USEC", "2000000", 1);
	unsetenv("WATCHDOG_PID");
	assert_int_equal(service_open(&s, now), 0);
	assert_null(getenv("NOTIFY_SOCKET")); /* no child speaks for us */
	service_ready(&s);
	hears(fd, "READY=1");
	assert_true(service_due(&s, now));
	assert_int_equal(service_alive(&s, turns, 3, now), -1);
	hears(fd, "WATCHDOG=1");
	assert_false(service_due(&s, mono_add_ms(now, 999)));
	for (int stuck = 0; stuck < 3; stuck++) {
		now = mono_add_ms(now, 1000);
		assert_true(service_due(&s, now));
		for (int i = 0; i < 3; i++)
			turns[i] += i != stuck;
		assert_int_equal(service_alive(&s, turns, 3, now), stuck);
		hears(fd, NULL);
		now = mono_add_ms(now, 1000);
		for (int i = 0; i < 3; i++)
			turns[i]++;
		assert_int_equal(service_alive(&s, turns, 3, now), -1); /* it runs again */
		hears(fd, "WATCHDOG=1");
	}
	service_stopping(&s);
	hears(fd, "STOPPING=1");
	close(fd);
	service_ready(&s); /* nobody there: counted, nothing else */
	assert_int_equal(s.lost, 1);
	service_close(&s);
}

static void
what_is_malformed_or_for_another_process_is_not_obeyed(void **state)
{
	static const struct {
		const char *socket, *usec, *pid;
		int rc;
		bool due;
	} rows[] = {
		{ "relative", "1000", NULL, -EINVAL, false },
		{ "/", "1000", NULL, -EINVAL, false },
		{ "@x", "0", NULL, -EINVAL, false },
		{ "@x", "-1", NULL, -EINVAL, false },
		{ "@x", "1s", NULL, -EINVAL, false },
		{ "@x", "99999999999999999999", NULL, -EINVAL, false },
		{ "@x", "1000", "x", -EINVAL, false },
		{ "@x", "1000", "1", 0, false },
		{ "@x", "1000", NULL, 0, true },
		{ "@x", NULL, NULL, 0, false },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct service s;

		setenv("NOTIFY_SOCKET", rows[i].socket, 1);
		if (rows[i].usec != NULL)
			setenv("WATCHDOG_USEC", rows[i].usec, 1);
		if (rows[i].pid != NULL)
			setenv("WATCHDOG_PID", rows[i].pid, 1);
		assert_int_equal(service_open(&s, start), rows[i].rc);
		assert_int_equal(service_due(&s, start), rows[i].due);
		service_close(&s);
		assert_null(getenv("WATCHDOG_USEC"));
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(without_a_manager_nothing_is_sent),
		cmocka_unit_test(R215_signs_of_life_leave_only_while_every_core_turns),
		cmocka_unit_test(what_is_malformed_or_for_another_process_is_not_obeyed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
