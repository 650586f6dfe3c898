/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Running an operator's program: see script_run.h.
 *
 * The child is made by vfork(): the daemon's memory is large, and a copy of its page tables would
 * hold the thread up.  Until it executes the program the child has our memory, so it makes system
 * calls and nothing else; it changes its user by raw ones, since the C library's would change all
 * threads of the list it finds in that memory: ours.
 */
#include "script_run.h"

#include "check.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <limits.h>
#include <pwd.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define LINKS_MAX    40	 /* as the kernel's */
#define EXIT_NO_EXEC 127 /* of a child that could not execute */
#define ALARM_S	     1	 /* a program whose daemon has died ends so much after its time */
#define REAP_MS	     100 /* for a killed one */
#define ENVIRONMENT  "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

static int fail(int rc, char *why, size_t size, const char *fmt, ...)
	__attribute__((format(printf, 4, 5)));

static int
fail(int rc, char *why, size_t size, const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	vsnprintf(why, size, fmt, args);
	va_end(args);
	return rc;
}

/* ---- users ---- */

int
script_user_find(const char *name, struct script_user *u, char *why, size_t why_size)
{
	const struct passwd *const p = getpwnam(name);

	if (p == NULL)
		return fail(-ENOENT, why, why_size, "there is no user \"%s\"", name);
	*u = (struct script_user){
		.uid = p->pw_uid, .gid = p->pw_gid, .group_count = SCRIPT_GROUPS_MAX
	};
	if (geteuid() != 0 && geteuid() != u->uid)
		return fail(-EPERM, why, why_size, "only root can run programs as \"%s\"", name);
	if (getgrouplist(name, u->gid, u->groups, &u->group_count) < 0)
		return fail(-E2BIG, why, why_size, "user \"%s\" is in more than %d groups", name,
			SCRIPT_GROUPS_MAX);
	return 0;
}

static bool
is_member(const struct script_user *u, gid_t gid)
{
	bool in = gid == u->gid;

	for (int i = 0; i < u->group_count; i++)
		in = in || u->groups[i] == gid;
	return in;
}

/* ---- may it be run? ---- */

/* Can somebody else than root and the user change what is there?  In a folder with the sticky bit
 * nobody can touch what belongs to others. */
static int
check_owner(const char *path, const struct stat *st, const struct script_user *u, char *why,
	size_t why_size)
{
	const bool sticky = S_ISDIR(st->st_mode) && (st->st_mode & S_ISVTX) != 0;

	if (st->st_uid != 0 && st->st_uid != u->uid)
		return fail(-EPERM, why, why_size,
			"%s belongs neither to root nor to the user it runs as", path);
	if (S_ISLNK(st->st_mode) || sticky)
		return 0; /* modes of links say nothing */
	if ((st->st_mode & S_IWOTH) != 0)
		return fail(-EPERM, why, why_size, "%s is writable by others", path);
	if ((st->st_mode & S_IWGRP) != 0 && st->st_gid != 0)
		return fail(-EPERM, why, why_size, "%s is writable by its group", path);
	return 0;
}

static int
check_file(const char *path, const struct stat *st, const struct script_user *u, char *why,
	size_t why_size)
{
	mode_t need = S_IXOTH;

	if (!S_ISREG(st->st_mode))
		return fail(-EACCES, why, why_size, "%s is no file", path);
	if (u->uid == 0)
		need = S_IXUSR | S_IXGRP | S_IXOTH;
	else if (st->st_uid == u->uid)
		need = S_IXUSR;
	else if (is_member(u, st->st_gid))
		need = S_IXGRP;
	if ((st->st_mode & need) == 0)
		return fail(-EACCES, why, why_size, "%s is not executable by the user it runs as",
			path);
	return 0;
}

/* A walk from / down, one name at a time. */
struct walk {
	char done[SCRIPT_PATH_MAX]; /* "" = / */
	char rest[SCRIPT_PATH_MAX]; /* behind a name: empty, or begins with / */
	unsigned int links;
};

/* Take the next name off the rest. => false: there is none. */
static bool
next_name(struct walk *w, char name[NAME_MAX + 1])
{
	const size_t skip = strspn(w->rest, "/");
	const size_t len = strcspn(w->rest + skip, "/");

	if (len == 0 || len > NAME_MAX)
		return false;
	memcpy(name, w->rest + skip, len);
	name[len] = '\0';
	memmove(w->rest, w->rest + skip + len, strlen(w->rest + skip + len) + 1);
	return true;
}

static void
drop_last(char *path)
{
	char *const slash = strrchr(path, '/');

	if (slash != NULL)
		*slash = '\0';
}

/* The link w->done leads to what it says, then to the rest. => 0 or -errno */
static int
follow(struct walk *w)
{
	char target[SCRIPT_PATH_MAX];
	const size_t rest = strlen(w->rest);
	const ssize_t len = readlink(w->done, target, sizeof(target) - 1);

	if (len < 0)
		return -errno;
	if (++w->links > LINKS_MAX)
		return -ELOOP;
	if ((size_t)len + rest + 1 >= sizeof(w->rest)) /* the target may be cut */
		return -ENAMETOOLONG;
	memmove(w->rest + len, w->rest, rest + 1);
	memcpy(w->rest, target, (size_t)len);
	if (target[0] == '/')
		w->done[0] = '\0';
	else
		drop_last(w->done);
	return 0;
}

/* One name further. => 0 or -errno with a reason; *st is of w->done */
static int
step(struct walk *w, const char *name, const struct script_user *u, struct stat *st, char *why,
	size_t why_size)
{
	const size_t used = strlen(w->done);
	int rc;

	if (strcmp(name, ".") == 0)
		return 0;
	if (strcmp(name, "..") == 0) {
		drop_last(w->done);
		return lstat(w->done[0] != '\0' ? w->done : "/", st) == 0 ? 0 : -errno;
	}
	if (used + 1 + strlen(name) >= sizeof(w->done))
		return fail(-ENAMETOOLONG, why, why_size, "its path is too long");
	snprintf(w->done + used, sizeof(w->done) - used, "/%s", name);
	if (lstat(w->done, st) != 0)
		return fail(-errno, why, why_size, "%s: %s", w->done, strerror(errno));
	rc = check_owner(w->done, st, u, why, why_size);
	if (rc == 0 && S_ISLNK(st->st_mode)) {
		rc = follow(w);
		if (rc < 0)
			fail(rc, why, why_size, "%s: %s", w->done, strerror(-rc));
	}
	return rc;
}

int
script_check(const char *path, const struct script_user *u, char real[SCRIPT_PATH_MAX], char *why,
	size_t why_size)
{
	char name[NAME_MAX + 1];
	struct walk w = { .links = 0 };
	struct stat st;
	int rc;

	if (path[0] != '/' || strlen(path) >= sizeof(w.rest))
		return fail(-EINVAL, why, why_size, "its path is not absolute");
	snprintf(w.rest, sizeof(w.rest), "%s", path);
	rc = lstat("/", &st) == 0 ? check_owner("/", &st, u, why, why_size) : -errno;
	while (rc == 0 && next_name(&w, name))
		rc = step(&w, name, u, &st, why, why_size);
	if (rc < 0)
		return rc;
	if (w.rest[strspn(w.rest, "/")] != '\0')
		return fail(-ENAMETOOLONG, why, why_size, "a name in its path is too long");
	rc = check_file(w.done, &st, u, why, why_size);
	if (rc == 0)
		memcpy(real, w.done, SCRIPT_PATH_MAX);
	return rc;
}

/* ---- starting ---- */

/* What the child needs; made before, since it may call nothing that allocates or locks. */
struct launch {
	const char *real;
	char *argv[SCRIPT_ARGS + 2];
	char *const *env;
	const struct script_user *user;
	bool become; /* another user */
	unsigned int alarm_s;
	int null;	     /* /dev/null */
	volatile int failed; /* errno of the child */
};

/* Until the program is executed, with our memory: raw system calls only. */
static void __attribute__((noreturn)) run_child(struct launch *l)
{
	const struct script_user *const u = l->user;
	struct sigaction act = { .sa_handler = SIG_DFL };
	sigset_t none;

	sigemptyset(&none);
	for (int s = 1; s < _NSIG; s++)
		sigaction(s, &act, NULL); /* fails for SIGKILL and SIGSTOP */
	if (setsid() < 0 || dup2(l->null, 0) < 0 || dup2(l->null, 1) < 0 || dup2(l->null, 2) < 0 ||
		syscall(SYS_close_range, 3u, ~0u, 0u) != 0 || chdir("/") != 0)
		goto err;
	if (l->become && (syscall(SYS_setgroups, (size_t)u->group_count, u->groups) != 0 ||
				 syscall(SYS_setresgid, u->gid, u->gid, u->gid) != 0 ||
				 syscall(SYS_setresuid, u->uid, u->uid, u->uid) != 0))
		goto err;
	umask(022);
	alarm(l->alarm_s);
	sigprocmask(SIG_SETMASK, &none, NULL);
	execve(l->real, l->argv, l->env);
err:
	l->failed = errno;
	_exit(EXIT_NO_EXEC);
}

/* => its process id or -errno. */
static pid_t
launch(struct launch *l)
{
	sigset_t all, old;
	pid_t pid;
	int rc;

	/* No handler of ours may run in the child. */
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &old);
	pid = vfork();
	if (pid == 0)
		run_child(l);
	rc = pid < 0 ? -errno : 0;
	pthread_sigmask(SIG_SETMASK, &old, NULL);
	return pid < 0 ? (pid_t)rc : pid;
}

static void
fill_arguments(struct launch *l, const struct script_call *call)
{
	unsigned int n = 0;

	/* execve() takes them as changeable, and leaves them alone. */
	memcpy(&l->argv[n++], &call->path, sizeof(call->path));
	for (; call->args != NULL && call->args[n - 1] != NULL; n++) {
		FW_ASSERT(n <= SCRIPT_ARGS);
		memcpy(&l->argv[n], &call->args[n - 1], sizeof(call->args[0]));
	}
}

int
script_start(struct script_job *job, const struct script_call *call, mono_t now, char *why,
	size_t why_size)
{
	static char path[] = ENVIRONMENT;
	static char *const only_path[] = { path, NULL };
	char real[SCRIPT_PATH_MAX];
	struct launch l = { .real = real, .env = only_path, .user = call->user };
	pid_t pid;
	int rc;

	FW_ASSERT(job->state != SCRIPT_RUNNING);
	*job = (struct script_job){ .state = SCRIPT_IDLE };
	rc = script_check(call->path, call->user, real, why, why_size);
	if (rc < 0)
		return rc;
	fill_arguments(&l, call);
	if (call->env != NULL)
		memcpy(&l.env, &call->env, sizeof(l.env));
	l.become = geteuid() == 0;
	l.alarm_s = call->timeout_ms / 1000 + 1 + ALARM_S;
	l.null = open("/dev/null", O_RDWR | O_CLOEXEC);
	if (l.null < 0)
		return fail(-errno, why, why_size, "/dev/null: %s", strerror(errno));
	pid = launch(&l);
	close(l.null);
	if (pid < 0)
		return fail(pid, why, why_size, "cannot make a process: %s", strerror(-pid));
	if (l.failed != 0) {
		while (waitpid(pid, NULL, 0) < 0 && errno == EINTR)
			;
		return fail(-l.failed, why, why_size, "%s: %s", call->path, strerror(l.failed));
	}
	*job = (struct script_job){ .state = SCRIPT_RUNNING,
		.pid = pid,
		.started = now,
		.due = mono_add_ms(now, call->timeout_ms) };
	return 0;
}

/* ---- ending ---- */

/* The program, and what it has started; that may have left its process group. */
static void
kill_group(const struct script_job *job)
{
	kill(-job->pid, SIGKILL);
	kill(job->pid, SIGKILL);
}

static void
note_end(struct script_job *job, int status, mono_t now)
{
	job->ended = now;
	if (job->killed) {
		job->state = SCRIPT_TIMED_OUT;
	} else if (WIFEXITED(status)) {
		job->state = SCRIPT_EXITED;
		job->code = WEXITSTATUS(status);
	} else {
		job->state = SCRIPT_KILLED;
		job->code = WTERMSIG(status);
	}
}

enum script_state
script_poll(struct script_job *job, mono_t now)
{
	int status;
	pid_t pid;

	if (job->state != SCRIPT_RUNNING)
		return job->state;
	pid = waitpid(job->pid, &status, WNOHANG);
	if (pid == job->pid) {
		note_end(job, status, now);
	} else if (pid < 0 && errno == ECHILD) { /* somebody else has reaped it */
		note_end(job, W_EXITCODE(EXIT_NO_EXEC, 0), now);
	} else if (!job->killed && !mono_before(now, job->due)) {
		job->killed = true;
		kill_group(job);
	}
	return job->state;
}

void
script_stop(struct script_job *job)
{
	const struct timespec nap = { .tv_nsec = 1000000 };

	if (job->state != SCRIPT_RUNNING)
		return;
	kill_group(job);
	for (int i = 0; i < REAP_MS && waitpid(job->pid, NULL, WNOHANG) == 0; i++)
		nanosleep(&nap, NULL);
	job->state = SCRIPT_IDLE;
}

const char *
script_end_text(const struct script_job *job, char *buf, size_t size)
{
	switch (job->state) {
	case SCRIPT_EXITED:
		snprintf(buf, size, "exit status %d", job->code);
		break;
	case SCRIPT_KILLED:
		snprintf(buf, size, "signal %d", job->code);
		break;
	case SCRIPT_TIMED_OUT:
		snprintf(buf, size, "no end in time");
		break;
	case SCRIPT_RUNNING:
		snprintf(buf, size, "running");
		break;
	case SCRIPT_IDLE:
		snprintf(buf, size, "never run");
		break;
	}
	return buf;
}
