/*
 * Running an operator's program: may it be run, start it as a user, kill it when its time is over,
 * reap it.  Nothing waits: whoever starts one polls it.
 *
 * What can be changed by somebody who is neither root nor the user it runs as is not run: neither
 * the file nor a folder or link on the way to it (R223).  A program gets no descriptors but
 * /dev/null, no environment but what it is given, no signal mask, and a process group of its own.
 *
 * Management thread only.  A job is: script_start() -> script_poll() until it is not
 * SCRIPT_RUNNING, or script_stop().
 */
#pragma once

#include "clock.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#define SCRIPT_GROUPS_MAX 32  /* supplementary groups of a user */
#define SCRIPT_PATH_MAX	  512 /* with its end; also where links lead */
#define SCRIPT_ARGS	  16

struct script_user {
	uid_t uid;
	gid_t gid;
	int group_count;
	gid_t groups[SCRIPT_GROUPS_MAX];
};

/* script_user_find: a user by name, whom this process is or can become.
 * => 0, or -ENOENT, -EPERM, -E2BIG (in more than SCRIPT_GROUPS_MAX groups) with a reason. */
int script_user_find(const char *name, struct script_user *, char *why, size_t why_size);

/* script_check: may that user run the program at `path`, an absolute one?  `real` gets the file it
 * leads to through symbolic links, which is what is run.
 * => 0, or -errno with a reason: "/etc/x is writable by others". */
int script_check(const char *path, const struct script_user *, char real[SCRIPT_PATH_MAX],
	char *why, size_t why_size);

enum script_state {
	SCRIPT_IDLE, /* never started, or stopped */
	SCRIPT_RUNNING,
	SCRIPT_EXITED, /* code: exit status */
	SCRIPT_KILLED, /* code: signal that was not ours */
	SCRIPT_TIMED_OUT
};

struct script_job {
	enum script_state state;
	int code;
	pid_t pid;
	bool killed; /* its time is over */
	mono_t started, ended, due;
};

struct script_call {
	const char *path;	 /* checked and run; argv[0] too */
	const char *const *args; /* behind argv[0]; NULL-terminated, at most SCRIPT_ARGS; or NULL */
	const char *const *env;	 /* "NAME=value", NULL-terminated; or NULL: PATH alone */
	const struct script_user *user;
	uint32_t timeout_ms; /* at least 1: then it and its process group are killed */
};

/* script_start: check and start.
 * => 0, or -errno with a reason; the job is SCRIPT_IDLE then.  A program that cannot be executed
 * (no interpreter, wrong format) fails here too. */
int script_start(
	struct script_job *, const struct script_call *, mono_t now, char *why, size_t why_size);

/* script_poll: has it ended?  Kills it when its time is over.  => the state. */
enum script_state script_poll(struct script_job *, mono_t now);

/* script_stop: kill and reap it, with its process group; nothing if it does not run. */
void script_stop(struct script_job *);

/* script_end_text: "exit status 1", "signal 9", "no end in time". => buf */
const char *script_end_text(const struct script_job *, char *buf, size_t size);
