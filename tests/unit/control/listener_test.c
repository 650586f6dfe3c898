/* SPDX-License-Identifier: BSD-3-Clause */
/* Unix listeners: what may lie at the path (MGT-03), bounded accepts (MGT-02). */
#include "listener.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <cmocka.h>

struct fixture {
	char folder[64], path[96];
	int epfd;
	uint32_t accepted;
	char err[256];
};

static void
on_accept(void *ctx, int fd)
{
	((struct fixture *)ctx)->accepted++;
	close(fd);
}

static int
start(struct fixture *f, struct listener *l)
{
	f->err[0] = '\0';
	return listener_open(
		l, f->epfd, f->path, "system.console_socket", on_accept, f, f->err, sizeof(f->err));
}

static int
setup(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));

	snprintf(f->folder, sizeof(f->folder), "/tmp/listener.XXXXXX");
	if (mkdtemp(f->folder) == NULL)
		return -1;
	snprintf(f->path, sizeof(f->path), "%s/socket", f->folder);
	f->epfd = epoll_create1(EPOLL_CLOEXEC);
	*state = f;
	return 0;
}

static int
teardown(void **state)
{
	struct fixture *f = *state;
	DIR *d = opendir(f->folder);
	struct dirent *e;
	int left = 0;

	while ((e = readdir(d)) != NULL)
		left += e->d_name[0] != '.';
	closedir(d);
	close(f->epfd);
	rmdir(f->folder);
	free(f);
	return left == 0 ? 0 : -1; /* nothing stays behind */
}

static int
dial(const char *path)
{
	struct sockaddr_un addr = { .sun_family = AF_UNIX };
	const int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	snprintf(addr.sun_path, sizeof(addr.sun_path), "%s", path);
	if (connect(fd, (struct sockaddr *)&addr, sizeof(addr)) != 0) {
		close(fd);
		return -1;
	}
	return fd;
}

static void
MGT_03_the_socket_is_for_owner_and_group(void **state)
{
	struct fixture *f = *state;
	struct listener l;
	struct stat st;

	umask(0);
	assert_int_equal(start(f, &l), 0);
	assert_int_equal(lstat(f->path, &st), 0);
	assert_true(S_ISSOCK(st.st_mode));
	assert_int_equal(st.st_mode & 07777, 0660);
	listener_close(&l);
	assert_int_equal(lstat(f->path, &st), -1);
}

static void
MGT_03_a_missing_folder_is_made(void **state)
{
	struct fixture *f = *state;
	struct listener l;
	struct stat st;
	char folder[80];

	umask(077);
	snprintf(folder, sizeof(folder), "%s/run", f->folder);
	snprintf(f->path, sizeof(f->path), "%s/socket", folder);
	assert_int_equal(start(f, &l), 0);
	assert_int_equal(stat(folder, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0755);
	listener_close(&l);
	rmdir(folder);
}

static void
MGT_03_a_live_socket_is_refused_and_kept(void **state)
{
	struct fixture *f = *state;
	struct listener l, second;
	char want[200];
	int fd;

	assert_int_equal(start(f, &l), 0);
	assert_int_equal(start(f, &second), -EADDRINUSE);
	snprintf(want, sizeof(want), "system.console_socket: %s is in use by a running daemon",
		f->path);
	assert_string_equal(f->err, want);
	fd = dial(f->path);
	assert_true(fd >= 0);
	close(fd);
	listener_close(&l);
}

static void
MGT_03_a_stale_socket_is_replaced(void **state)
{
	struct fixture *f = *state;
	struct sockaddr_un addr = { .sun_family = AF_UNIX };
	const int dead = socket(AF_UNIX, SOCK_STREAM, 0);
	struct listener l;
	int fd;

	snprintf(addr.sun_path, sizeof(addr.sun_path), "%s", f->path);
	assert_int_equal(bind(dead, (struct sockaddr *)&addr, sizeof(addr)), 0);
	close(dead); /* as a killed daemon leaves it */
	assert_int_equal(start(f, &l), 0);
	fd = dial(f->path);
	assert_true(fd >= 0);
	close(fd);
	listener_close(&l);
}

static void
MGT_03_a_symbolic_link_is_refused(void **state)
{
	struct fixture *f = *state;
	struct listener l;

	assert_int_equal(symlink("/etc/passwd", f->path), 0);
	assert_int_equal(start(f, &l), -ELOOP);
	assert_non_null(strstr(f->err, "is a symbolic link"));
	assert_int_equal(unlink(f->path), 0);
}

static void
MGT_03_a_file_is_refused_and_kept(void **state)
{
	struct fixture *f = *state;
	struct listener l;
	FILE *file = fopen(f->path, "w");

	fclose(file);
	assert_int_equal(start(f, &l), -EEXIST);
	assert_non_null(strstr(f->err, "is not a socket"));
	assert_int_equal(unlink(f->path), 0);
}

static void
MGT_03_somebody_elses_socket_is_not_removed(void **state)
{
	struct fixture *f = *state;
	struct listener l, second;

	assert_int_equal(start(f, &l), 0);
	assert_int_equal(unlink(f->path), 0);
	assert_int_equal(start(f, &second), 0);
	listener_close(&l);
	assert_int_equal(access(f->path, F_OK), 0);
	listener_close(&second);
}

static void
a_path_that_cannot_be_is_refused(void **state)
{
	struct fixture *f = *state;
	struct listener l;
	char saved[96];

	memcpy(saved, f->path, sizeof(saved));
	snprintf(f->path, sizeof(f->path), "%s/a/b/socket", f->folder);
	assert_int_equal(start(f, &l), -ENOENT);
	assert_non_null(strstr(f->err, "cannot make folder"));
	memcpy(f->path, saved, sizeof(saved));
}

static void
a_locked_folder_is_refused_not_waited_for(void **state)
{
	struct fixture *f = *state;
	struct listener l;
	const int fd = open(f->folder, O_RDONLY | O_DIRECTORY);

	assert_int_equal(flock(fd, LOCK_EX), 0);
	assert_int_equal(start(f, &l), -EBUSY);
	close(fd);
}

static void
MGT_02_a_flood_of_connections_takes_turns(void **state)
{
	struct fixture *f = *state;
	struct listener l;
	struct epoll_event ev;
	int fd[100], turns = 0;

	assert_int_equal(start(f, &l), 0);
	for (int i = 0; i < 100; i++) {
		fd[i] = dial(f->path);
		assert_true(fd[i] >= 0);
	}
	while (epoll_wait(f->epfd, &ev, 1, 0) > 0) {
		const uint32_t before = f->accepted;
		struct loop_source *source = ev.data.ptr;

		source->ready(source, ev.events);
		assert_in_range(f->accepted - before, 1, LISTENER_ACCEPTS);
		turns++;
	}
	assert_int_equal(f->accepted, 100);
	assert_int_equal(turns, 7);
	for (int i = 0; i < 100; i++)
		close(fd[i]);
	listener_close(&l);
}

#define CASE(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(MGT_03_the_socket_is_for_owner_and_group),
		CASE(MGT_03_a_missing_folder_is_made),
		CASE(MGT_03_a_live_socket_is_refused_and_kept),
		CASE(MGT_03_a_stale_socket_is_replaced),
		CASE(MGT_03_a_symbolic_link_is_refused),
		CASE(MGT_03_a_file_is_refused_and_kept),
		CASE(MGT_03_somebody_elses_socket_is_not_removed),
		CASE(a_path_that_cannot_be_is_refused),
		CASE(a_locked_folder_is_refused_not_waited_for),
		CASE(MGT_02_a_flood_of_connections_takes_turns),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
