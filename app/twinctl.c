/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * twinctl: the console from outside.  Attaches the terminal to the daemon's console socket, runs
 * one command, or prints the events that the JSON socket tells of.  docs/console.md and
 * docs/json.md describe the protocols; libc only.
 */
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <termios.h>
#include <unistd.h>

#define DEFAULT_SOCKET "/run/twinwall/twinwall.console"
#define KEY_LEAVE      '\x1d' /* Ctrl-] */
#define COMMAND_MAX    4000
#define ONESHOT	       '\x01'
#define BEGIN	       '\x02'
#define END	       '\x04'

enum exit_code {
	EXIT_OK = 0,
	EXIT_COMMAND = 1, /* the command failed */
	EXIT_CONNECT = 2  /* no connection, or wrong usage */
};

static int
usage(FILE *to, int code)
{
	fprintf(to,
		"usage: twinctl [-s SOCKET] [-c COMMAND | -e [-n NUMBER]]\n"
		"  -s SOCKET   the daemon's console socket (default: $TWINWALL_SOCKET, else\n"
		"              " DEFAULT_SOCKET ")\n"
		"  -c COMMAND  run one command: output on stdout, exit code 0; or its error on\n"
		"              stderr, exit code 1\n"
		"  -e          follow the events: one JSON object a line, until interrupted; by "
		"the\n"
		"              JSON socket, SOCKET with .json in place of .console\n"
		"  -n NUMBER   from this event on, or the oldest kept (default: from now on)\n"
		"  -V          print the version\n"
		"Without -c the terminal is attached to the console; Ctrl-] or quit leaves.\n"
		"Exit code 2: no connection, or wrong usage.\n");
	return code;
}

static int
dial(const char *path)
{
	struct sockaddr_un addr = { .sun_family = AF_UNIX };
	int fd;

	if (strlen(path) >= sizeof(addr.sun_path)) {
		fprintf(stderr, "twinctl: %s: socket path too long\n", path);
		return -1;
	}
	snprintf(addr.sun_path, sizeof(addr.sun_path), "%s", path);
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd < 0 || connect(fd, (struct sockaddr *)&addr, sizeof(addr)) != 0) {
		fprintf(stderr, "twinctl: %s: %s%s\n", path, strerror(errno),
			errno == ENOENT || errno == ECONNREFUSED ? " (is twinwalld running?)" : "");
		if (fd >= 0)
			close(fd);
		return -1;
	}
	return fd;
}

static bool
write_all(int fd, const char *data, size_t n)
{
	while (n > 0) {
		const ssize_t w = write(fd, data, n);

		if (w > 0) {
			data += w;
			n -= (size_t)w;
		} else if (w < 0 && errno != EINTR) {
			return false;
		}
	}
	return true;
}

/* run_command: one command.  The answer is BEGIN output END status-line; what comes before BEGIN is
 * the prompt that every connection is greeted with. */
static int
run_command(int fd, const char *command)
{
	enum { SKIP, OUTPUT, STATUS } state = SKIP;
	char buf[2048], status[300];
	const char begin = ONESHOT;
	size_t status_len = 0;
	ssize_t n;

	if (strlen(command) > COMMAND_MAX || strpbrk(command, "\r\n") != NULL) {
		fprintf(stderr, "twinctl: the command must be one line of at most %d bytes\n",
			COMMAND_MAX);
		return EXIT_CONNECT;
	}
	/* The daemon may refuse and close before it reads: its reason is in what follows. */
	(void)(write_all(fd, &begin, 1) && write_all(fd, command, strlen(command)) &&
		write_all(fd, "\n", 1));
	while ((n = read(fd, buf, sizeof(buf))) > 0 || (n < 0 && errno == EINTR)) {
		const char *at = buf;
		const char *const end = buf + (n > 0 ? n : 0);

		while (at < end) {
			const char *mark;

			if (state == STATUS || state == SKIP) {
				if (state == SKIP && status_len == 0 && *at == '{') {
					fprintf(stderr,
						"twinctl: this is the JSON socket, expected the "
						"console's\n");
					return EXIT_CONNECT;
				}
				if (state == SKIP && *at == BEGIN) {
					state = OUTPUT;
					status_len = 0;
				} else if (status_len < sizeof(status) - 1) {
					status[status_len++] = *at;
				}
				at++;
				continue;
			}
			mark = memchr(at, END, (size_t)(end - at));
			if (!write_all(STDOUT_FILENO, at,
				    (size_t)((mark != NULL ? mark : end) - at))) {
				fprintf(stderr, "twinctl: output: %s\n", strerror(errno));
				return EXIT_COMMAND;
			}
			at = mark != NULL ? mark + 1 : end;
			state = mark != NULL ? STATUS : OUTPUT;
		}
	}
	status[status_len] = '\0';
	status[strcspn(status, "\n")] = '\0';
	if (state == STATUS && strcmp(status, "OK") == 0)
		return EXIT_OK;
	if (state == STATUS && strncmp(status, "ERR ", 4) == 0) {
		fprintf(stderr, "error: %s\n", status + 4);
		return EXIT_COMMAND;
	}
	fprintf(stderr, "twinctl: the daemon closed the connection%s%s\n",
		state == SKIP && status_len > 0 ? ": " : "", state == SKIP ? status : "");
	return EXIT_CONNECT;
}

/* json_path: the JSON socket beside a console's. => out */
static const char *
json_path(const char *path, char *out, size_t size)
{
	static const char console[] = ".console";
	const size_t len = strlen(path), end = sizeof(console) - 1;

	if (len <= end || strcmp(path + len - end, console) != 0)
		return path;
	snprintf(out, size, "%.*s.json", (int)(len - end), path);
	return out;
}

/* pass_on: what follows the answer, which has `have` bytes of the next lines behind it. */
static int
pass_on(int fd, char *buf, size_t size, size_t have)
{
	ssize_t n = (ssize_t)have;

	do {
		if (n > 0 && !write_all(STDOUT_FILENO, buf, (size_t)n)) {
			fprintf(stderr, "twinctl: output: %s\n", strerror(errno));
			return EXIT_COMMAND;
		}
		n = read(fd, buf, size);
	} while (n > 0 || (n < 0 && errno == EINTR));
	fprintf(stderr, "twinctl: the daemon closed the connection\n");
	return EXIT_CONNECT;
}

/* follow_events: the answer's line is an error or is left out; then lines as they come. */
static int
follow_events(int fd, const char *number)
{
	char buf[4096], request[96];
	char *end = NULL;
	size_t have = 0;
	ssize_t n;

	snprintf(request, sizeof(request), "{\"schema\":1,\"subscribe\":\"events\"%s%s}\n",
		number != NULL ? ",\"from\":" : "", number != NULL ? number : "");
	(void)write_all(fd, request, strlen(request));
	while (end == NULL && have < sizeof(buf)) {
		n = read(fd, buf + have, sizeof(buf) - have);
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			break;
		have += (size_t)n;
		if (buf[0] != '{') {
			fprintf(stderr, "twinctl: this is no JSON socket\n");
			return EXIT_CONNECT;
		}
		end = memchr(buf, '\n', have);
	}
	if (end == NULL) {
		fprintf(stderr, "twinctl: the daemon closed the connection\n");
		return EXIT_CONNECT;
	}
	*end++ = '\0';
	if (strstr(buf, "\"ok\":true") == NULL) {
		fprintf(stderr, "error: %s\n", buf);
		return EXIT_COMMAND;
	}
	have -= (size_t)(end - buf);
	memmove(buf, end, have);
	return pass_on(fd, buf, sizeof(buf), have);
}

/* relay: both directions until one side ends, without ever blocking on the socket.
 * => EXIT_* */
static int
relay(int fd, int signals, bool tty)
{
	char up[512], down[2048];
	size_t up_len = 0, up_at = 0;
	bool input = true;

	for (;;) {
		struct pollfd p[3] = {
			{ .fd = fd, .events = (short)(POLLIN | (up_len > 0 ? POLLOUT : 0)) },
			{ .fd = input && up_len == 0 ? STDIN_FILENO : -1, .events = POLLIN },
			{ .fd = signals, .events = POLLIN },
		};
		ssize_t n;

		if (poll(p, 3, -1) < 0) {
			if (errno == EINTR)
				continue;
			return EXIT_CONNECT;
		}
		if (p[2].revents != 0)
			return EXIT_COMMAND;
		if (p[1].revents != 0) {
			n = read(STDIN_FILENO, up, sizeof(up));
			if (n > 0) {
				const char *leave = tty ? memchr(up, KEY_LEAVE, (size_t)n) : NULL;

				if (leave != NULL)
					return EXIT_OK;
				up_len = (size_t)n;
				up_at = 0;
			} else if (n == 0 || errno != EINTR) {
				input = false;
				shutdown(fd, SHUT_WR);
			}
		}
		if (up_len > 0) {
			n = send(fd, up + up_at, up_len, MSG_NOSIGNAL | MSG_DONTWAIT);
			if (n > 0) {
				up_at += (size_t)n;
				up_len -= (size_t)n;
			} else if (n < 0 && errno != EAGAIN && errno != EINTR) {
				up_len = 0; /* the daemon has closed: read its last words */
				input = false;
			}
		}
		if (p[0].revents & (POLLIN | POLLHUP | POLLERR)) {
			n = recv(fd, down, sizeof(down), MSG_DONTWAIT);
			if (n > 0) {
				if (!write_all(STDOUT_FILENO, down, (size_t)n))
					return EXIT_COMMAND;
			} else if (n == 0 || (errno != EAGAIN && errno != EINTR)) {
				return EXIT_OK;
			}
		}
	}
}

/* attach: the terminal in raw mode, restored whatever ends it (signals come through a descriptor).
 */
static int
attach(int fd)
{
	const bool tty = isatty(STDIN_FILENO);
	struct termios saved, raw;
	sigset_t set;
	int signals, code;

	sigemptyset(&set);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGHUP);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGQUIT);
	sigprocmask(SIG_BLOCK, &set, NULL);
	signals = signalfd(-1, &set, SFD_CLOEXEC);
	if (tty && tcgetattr(STDIN_FILENO, &saved) == 0) {
		raw = saved;
		raw.c_lflag &= ~(tcflag_t)(ICANON | ECHO | ISIG | IEXTEN);
		raw.c_iflag &= ~(tcflag_t)(IXON | ICRNL);
		tcsetattr(STDIN_FILENO, TCSANOW, &raw);
		code = relay(fd, signals, true);
		tcsetattr(STDIN_FILENO, TCSANOW, &saved);
		(void)!write(STDOUT_FILENO, "\n", 1);
	} else {
		code = relay(fd, signals, false);
	}
	if (signals >= 0)
		close(signals);
	return code;
}

int
main(int argc, char **argv)
{
	const char *path = getenv("TWINWALL_SOCKET"), *command = NULL, *number = NULL;
	char json[sizeof(((struct sockaddr_un *)NULL)->sun_path) + 8];
	bool events = false;
	int opt, fd, code;

	while ((opt = getopt(argc, argv, "s:c:en:hV")) != -1) {
		switch (opt) {
		case 's':
			path = optarg;
			break;
		case 'c':
			command = optarg;
			break;
		case 'e':
			events = true;
			break;
		case 'n':
			number = optarg;
			break;
		case 'h':
			return usage(stdout, EXIT_OK);
		case 'V':
			printf("twinctl %s\n", TWINWALL_VERSION);
			return EXIT_OK;
		default:
			return usage(stderr, EXIT_CONNECT);
		}
	}
	if (optind < argc || (events && command != NULL) || (!events && number != NULL) ||
		(number != NULL && (number[0] == '\0' || strlen(number) > 18 ||
					   number[strspn(number, "0123456789")] != '\0')))
		return usage(stderr, EXIT_CONNECT);
	if (path == NULL || path[0] == '\0')
		path = DEFAULT_SOCKET;
	fd = dial(events ? json_path(path, json, sizeof(json)) : path);
	if (fd < 0)
		return EXIT_CONNECT;
	signal(SIGPIPE, SIG_IGN);
	if (events)
		code = follow_events(fd, number);
	else
		code = command != NULL ? run_command(fd, command) : attach(fd);
	close(fd);
	return code;
}
