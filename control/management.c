/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The management thread's event loop.  It may block (files, grace periods, terminals never), and
 * nothing that must be quick waits for it.
 */
#include "management.h"

#include "console.h"
#include "json_server.h"
#include "log.h"
#include "loop.h"
#include "nat.h"
#include "nat_alarm.h"
#include "policy_recheck.h"
#include "policy_usage.h"
#include "publish_policy.h"
#include "scan_watch.h"
#include "service.h"
#include "table_alarm.h"
#include "watchdog.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/signalfd.h>
#include <time.h>
#include <unistd.h>

#define TICK_MS	    100
#define LOG_MS	    10	   /* between two looks at the traffic log: its rings hold 4096 records */
#define LOG_MAX	    1024   /* records a worker and look */
#define GROUPS_MS   1000   /* between two looks at address groups */
#define SWEEP_SLOTS 131072 /* of the session table, each LOG_MS: a few milliseconds */
#define LAST_MS	    1000   /* for what is told of the end */
#define LAST_NAP_MS 5
#define EVENTS	    16 /* per epoll_wait: bounded work between two looks at the tick */

struct fd_source {
	struct loop_source source; /* first */
	struct management *management;
	int fd;
};

struct management_loop {
	int epfd;
	struct fd_source signals, links;
	struct console *console;
	struct json_server *json;
	mono_t next_tick;
	struct config *boot_config; /* never freed before the end: see management_reload() */
	bool publish_pending;	    /* the control core's ring was full */
	time_t minute;		    /* in which schedules have been looked at */
	struct policy_recheck recheck;
	int recheck_ms; /* to its next step, -1 = none */
	struct table_alarm table_alarm;
	struct nat_alarm nat_alarm;
	mono_t groups_due; /* of the next look at address groups */
	bool followed;	   /* somebody waits for events, or ha/ for something */
	struct service service;
	struct watchdog watchdog;
};

mono_t
management_now(const struct management *m)
{
	return clock_now(&m->clock);
}

uint64_t
management_wall(const struct management *m)
{
	struct timespec now;

	clock_gettime(CLOCK_REALTIME, &now);
	return (uint64_t)now.tv_sec * NS_PER_SEC + (uint64_t)now.tv_nsec - management_now(m).ns;
}

void
management_read_begin(struct management *m)
{
	if (m->engine != NULL && m->rcu_reader >= 0)
		rcu_online(engine_rcu(m->engine), m->rcu_reader);
}

void
management_read_end(struct management *m)
{
	if (m->engine != NULL && m->rcu_reader >= 0)
		rcu_offline(engine_rcu(m->engine), m->rcu_reader);
}

static void
signal_set(sigset_t *set)
{
	sigemptyset(set);
	sigaddset(set, SIGTERM);
	sigaddset(set, SIGINT);
	sigaddset(set, SIGHUP);
}

void
management_block_signals(void)
{
	sigset_t set;

	signal_set(&set);
	pthread_sigmask(SIG_BLOCK, &set, NULL);
	signal(SIGPIPE, SIG_IGN);
}

static void
on_signal(struct loop_source *source, uint32_t events)
{
	struct management *m = ((struct fd_source *)source)->management;
	struct signalfd_siginfo info;
	char err[256];

	(void)events;
	while (read(m->loop->signals.fd, &info, sizeof(info)) == (ssize_t)sizeof(info)) {
		if (info.ssi_signo == SIGHUP) {
			LOG(NOTICE, "configuration: reload on SIGHUP");
			(void)management_reload(m, err, sizeof(err));
		} else {
			LOG(NOTICE, "%s: stopping",
				info.ssi_signo == SIGTERM ? "SIGTERM" : "SIGINT");
			m->stop = 1;
		}
	}
}

static void
on_link(struct loop_source *source, uint32_t events)
{
	(void)events;
	link_watch_read(((struct fd_source *)source)->management->links);
}

static int
add_source(struct management *m, struct fd_source *s, int fd,
	void (*ready)(struct loop_source *, uint32_t))
{
	struct epoll_event ev = { .events = EPOLLIN, .data.ptr = &s->source };

	s->source.ready = ready;
	s->management = m;
	s->fd = fd;
	return epoll_ctl(m->loop->epfd, EPOLL_CTL_ADD, fd, &ev) == 0 ? 0 : -errno;
}

int
management_open(struct management *m, char *err, size_t err_size)
{
	const struct config_system *sys =
		m->config != NULL ? config_section_data(m->config, "system") : NULL;
	struct management_loop *loop = calloc(1, sizeof(*loop));
	sigset_t set;
	int rc;

	snprintf(err, err_size, "management: out of memory");
	if (loop == NULL)
		return -ENOMEM;
	m->loop = loop;
	m->log_export = NULL;
	m->scans = NULL;
	loop->boot_config = m->config;
	loop->signals.fd = loop->service.fd = loop->watchdog.fd = -1;
	loop->recheck_ms = -1;
	management_block_signals();
	management_read_end(m); /* offline but inside collect() */
	signal_set(&set);
	loop->epfd = epoll_create1(EPOLL_CLOEXEC);
	loop->signals.fd = signalfd(-1, &set, SFD_NONBLOCK | SFD_CLOEXEC);
	if (loop->epfd < 0 || loop->signals.fd < 0 ||
		add_source(m, &loop->signals, loop->signals.fd, on_signal) != 0 ||
		(m->links != NULL &&
			add_source(m, &loop->links, link_watch_fd(m->links), on_link) != 0)) {
		rc = -errno;
		snprintf(err, err_size, "management: %s", strerror(errno));
		goto err_loop;
	}
	loop->console = console_create(
		m, loop->epfd, sys != NULL ? sys->console_socket : "", err, err_size);
	if (loop->console == NULL) {
		rc = -errno;
		goto err_loop;
	}
	loop->json = json_server_create(
		m, loop->epfd, sys != NULL ? sys->json_socket : "", err, err_size);
	if (loop->json == NULL) {
		rc = -errno;
		goto err_loop;
	}
	m->log_export = log_export_create(sys != NULL ? sys->name : "twinwall");
	m->scans = calloc(1, sizeof(*m->scans));
	if (m->log_export == NULL || m->scans == NULL) {
		rc = -ENOMEM;
		snprintf(err, err_size, "management: out of memory");
		goto err_loop;
	}
	if (m->config != NULL)
		log_export_configure(m->log_export, config_section_data(m->config, "log"));
	if (sys != NULL && sys->watchdog[0] != '\0') {
		rc = watchdog_check(sys->watchdog, err, err_size);
		if (rc != 0)
			goto err_loop;
	}
	rc = service_open(&loop->service, management_now(m));
	if (rc != 0)
		LOG(WARNING, "watchdog: NOTIFY_SOCKET or WATCHDOG_USEC: %s", strerror(-rc));
	return 0;
err_loop:
	management_close(m);
	return rc;
}

void
management_close(struct management *m)
{
	struct management_loop *loop = m->loop;

	if (loop == NULL)
		return;
	log_export_destroy(m->log_export);
	m->log_export = NULL;
	free(m->scans);
	m->scans = NULL;
	policy_usage_free(m);
	service_close(&loop->service);
	watchdog_close(&loop->watchdog);
	tracing_close(m);
	capturing_close(m);
	if (loop->json != NULL)
		json_server_destroy(loop->json);
	if (loop->console != NULL)
		console_destroy(loop->console);
	if (loop->signals.fd >= 0)
		close(loop->signals.fd);
	if (loop->epfd >= 0)
		close(loop->epfd);
	if (loop->boot_config != m->config)
		config_free(loop->boot_config);
	free(loop);
	m->loop = NULL;
}

/* Rules begin and end to hold by the wall clock, whatever it jumps to. */
static void
follow_schedules(struct management *m)
{
	const struct snapshot *s = m->engine != NULL ? engine_snapshot(m->engine) : NULL;
	const time_t now = time(NULL);

	if (s == NULL || m->loop->minute == now / 60)
		return;
	m->loop->minute = now / 60;
	if (publish_policy_schedules(s->policy, m->config, now)) {
		LOG(NOTICE, "security policy: rules have changed by their schedules");
		/* What a worker was about to permit by a rule that has ended is in the table now.
		 */
		rcu_wait(engine_rcu(m->engine));
		policy_recheck_begin(m, &m->loop->recheck, 0);
	}
}

/* Entries of the blacklist end on time, and sessions that new ones forbid, in small steps. */
static void
follow_blacklist(struct management *m)
{
	struct blacklist *b = m->engine != NULL ? engine_blacklist(m->engine) : NULL;

	if (b == NULL)
		return;
	blacklist_expire(b, management_now(m));
	blacklist_settle(b, session_table_capacity(engine_sessions(m->engine)));
	if (!blacklist_sweeping(b))
		return;
	management_read_begin(m);
	blacklist_sweep(b, engine_sessions(m->engine), SWEEP_SLOTS, management_now(m));
	management_read_end(m);
}

static void
tell_exhausted(void *ctx, const struct nat_alarm_event *e)
{
	struct management *m = ctx;

	log_export_exhausted(m->log_export, e, management_now(m));
}

/* Address groups that are over go when the last of their sessions has; of those that have nothing
 * left the operator hears. */
static void
look_at_groups(struct management *m)
{
	struct nat_groups *groups = m->engine != NULL ? engine_nat_groups(m->engine) : NULL;
	const struct snapshot *s = m->engine != NULL ? engine_snapshot(m->engine) : NULL;

	if (groups == NULL || mono_before(management_now(m), m->loop->groups_due))
		return;
	m->loop->groups_due = mono_add_ms(management_now(m), GROUPS_MS);
	(void)nat_groups_sweep(groups);
	if (s != NULL)
		nat_alarm_look(&m->loop->nat_alarm, s->nat, management_now(m), tell_exhausted, m);
}

static void
look_at_table(struct management *m)
{
	const struct config_defence *d =
		m->config != NULL ? config_section_data(m->config, "defence") : NULL;
	const struct session_table *t = m->engine != NULL ? engine_sessions(m->engine) : NULL;

	if (d != NULL && t != NULL)
		(void)table_alarm_look(&m->loop->table_alarm, session_table_count(t),
			session_table_capacity(t), (uint32_t)d->table_alarm);
}

static void
follow_scans(struct management *m)
{
	if (m->engine != NULL && m->config != NULL)
		(void)scan_watch_poll(m->scans, m->engine, config_section_data(m->config, "scan"),
			management_now(m));
}

/* The service manager and the watchdog hear that we live as long as every core turns (R215). */
void
management_alive(struct management *m)
{
	const mono_t now = management_now(m);
	uint64_t turns[LIVENESS_CORES];
	uint32_t count = 0;

	if (m->core == NULL || m->engine == NULL ||
		(!service_due(&m->loop->service, now) && !watchdog_due(&m->loop->watchdog, now)))
		return;
	turns[count++] = core_beats(m->core);
	turns[count++] = m->ha.beats != NULL ? m->ha.beats(m->ha.ctx) : turns[0];
	for (uint16_t i = 0; i < engine_worker_count(m->engine) && count < LIVENESS_CORES; i++)
		turns[count++] = worker_beats(engine_worker(m->engine, i));
	if (service_due(&m->loop->service, now))
		(void)service_alive(&m->loop->service, turns, count, now);
	if (watchdog_due(&m->loop->watchdog, now))
		(void)watchdog_feed(&m->loop->watchdog, turns, count, now);
}

/* start_watchdog: when everything runs, since from then on it must be fed. */
static int
start_watchdog(struct management *m)
{
	const struct config_system *sys =
		m->config != NULL ? config_section_data(m->config, "system") : NULL;
	char err[128];
	int rc;

	if (sys == NULL || sys->watchdog[0] == '\0')
		return 0;
	rc = watchdog_open(&m->loop->watchdog, sys->watchdog, (uint32_t)sys->watchdog_s,
		management_now(m), err, sizeof(err));
	if (rc != 0)
		LOG(ERROR, "%s", err);
	return rc;
}

static void
tick(struct management *m)
{
	struct management_loop *loop = m->loop;

	if (m->links != NULL)
		link_watch_poll(m->links);
	if (loop->publish_pending)
		loop->publish_pending = !core_post_published(m->core);
	follow_schedules(m);
	tracing_poll(m);
	look_at_table(m);
	look_at_groups(m);
	follow_scans(m);
	capturing_poll(m);
	management_alive(m);
	if (m->ha.tick != NULL)
		m->ha.tick(m->ha.ctx, management_now(m));
	console_tick(loop->console);
	json_server_tick(loop->json);
	log_drain();
}

/* While there is somebody to tell, the workers' rings are looked at often. */
static bool
log_wanted(const struct management *m)
{
	const struct snapshot *s = m->engine != NULL ? engine_snapshot(m->engine) : NULL;

	return s != NULL &&
	       (s->log_sessions != TRAFFIC_LOG_OFF || s->log_denied != TRAFFIC_LOG_OFF);
}

static int
wait_ms(const struct management *m)
{
	const uint64_t left = mono_since_ms(m->loop->next_tick, management_now(m));
	const bool hurry = log_wanted(m) || m->loop->followed ||
			   (m->engine != NULL && blacklist_sweeping(engine_blacklist(m->engine)));
	uint64_t most = hurry ? LOG_MS : TICK_MS;

	if (m->loop->recheck_ms >= 0)
		most = (uint64_t)m->loop->recheck_ms;
	return (int)(left > most ? most : left);
}

static void
export_log(struct management *m)
{
	if (m->engine != NULL)
		(void)log_export_poll(m->log_export, m->engine, management_now(m), LOG_MAX);
}

static enum management_ha_state
poll_ha(struct management *m)
{
	return m->ha.poll != NULL ? m->ha.poll(m->ha.ctx, m, management_now(m))
				  : MANAGEMENT_HA_IDLE;
}

int
management_run(struct management *m, bool interactive)
{
	struct management_loop *loop = m->loop;
	struct epoll_event events[EVENTS];
	int rc = interactive ? console_attach_terminal(loop->console) : 0;

	if (rc != 0) {
		LOG(ERROR, "console: cannot use the terminal: %s", strerror(-rc));
		return rc;
	}
	rc = start_watchdog(m);
	if (rc != 0)
		return rc;
	loop->next_tick = management_now(m);
	service_ready(&loop->service);
	while (!m->stop) {
		const int n = epoll_wait(loop->epfd, events, EVENTS, wait_ms(m));

		if (n < 0 && errno != EINTR) {
			LOG(ERROR, "management: epoll: %s", strerror(errno));
			return -errno;
		}
		for (int i = 0; i < n; i++) {
			struct loop_source *source = events[i].data.ptr;

			/* A source frees no other's owner, and each fd is at most once in here;
			 * a client with two fds may have gone by its first. */
			if (source != NULL)
				source->ready(source, events[i].events);
			for (int j = i + 1; j < n; j++)
				if (events[j].data.ptr == source)
					events[j].data.ptr = NULL;
		}
		if (!mono_before(management_now(m), loop->next_tick)) {
			tick(m);
			loop->next_tick = mono_add_ms(management_now(m), TICK_MS);
		}
		loop->followed = json_server_events(loop->json);
		loop->followed |= poll_ha(m) != MANAGEMENT_HA_IDLE;
		follow_blacklist(m);
		loop->recheck_ms = policy_recheck_step(m, &loop->recheck);
		export_log(m);
	}
	service_stopping(&loop->service);
	export_log(m);
	log_drain();
	return 0;
}

void
management_last_words(struct management *m)
{
	const struct timespec nap = { .tv_nsec = LAST_NAP_MS * (long)NS_PER_MS };

	(void)json_server_events(m->loop->json);
	for (int i = 0; i < LAST_MS / LAST_NAP_MS && poll_ha(m) == MANAGEMENT_HA_BUSY; i++)
		nanosleep(&nap, NULL);
	log_drain();
}

static void
note_zones(const struct engine *e, uint8_t zones[MAX_INTERFACES])
{
	const struct snapshot *s = e != NULL ? engine_snapshot(e) : NULL;

	memset(zones, ZONE_NONE, MAX_INTERFACES);
	for (uint16_t i = 0; s != NULL && i < s->interface_count; i++)
		zones[i] = s->interfaces[i].zone;
}

/* => a bit for each interface that is in another zone. */
static uint64_t
rezoned(const uint8_t before[MAX_INTERFACES], const uint8_t now[MAX_INTERFACES])
{
	uint64_t set = 0;

	for (unsigned int i = 0; i < MAX_INTERFACES; i++)
		set |= (uint64_t)(before[i] != now[i]) << i;
	return set;
}

int
management_replace(struct management *m, struct config *next, char *err, size_t err_size)
{
	uint8_t before[MAX_INTERFACES], now[MAX_INTERFACES];
	struct publish_extra extra = { 0 };
	int rc;

	note_zones(m->engine, before);
	rc = publish_check_reload(m->config, next, err, err_size);
	if (rc == 0) {
		if (m->ha.collect_extra != NULL)
			m->ha.collect_extra(m->ha.ctx, next, &extra);
		rc = publish_config(m->engine, next, &extra, err, err_size);
	}
	if (rc != 0) {
		config_free(next);
		return rc;
	}
	/* ha/ may hold parts of the first configuration: its settings need a restart anyway. */
	if (m->loop == NULL || m->config != m->loop->boot_config)
		config_free(m->config);
	m->config = next;
	m->config_number++;
	note_zones(m->engine, now);
	if (m->loop != NULL)
		policy_recheck_begin(m, &m->loop->recheck, rezoned(before, now));
	if (m->log_export != NULL)
		log_export_configure(m->log_export, config_section_data(next, "log"));
	if (m->core != NULL && !core_post_published(m->core) && m->loop != NULL)
		m->loop->publish_pending = true;
	/* An interface with `shutdown` counts as down whatever its carrier. */
	if (m->links != NULL)
		link_watch_report(m->links);
	return 0;
}

int
management_reload(struct management *m, char *err, size_t err_size)
{
	struct config *next = config_load(m->config_path, m->sections, err, err_size);
	int rc = next != NULL ? 0 : -EINVAL;

	if (rc == 0 && m->ha.check_reload != NULL) {
		rc = m->ha.check_reload(m->ha.ctx, m->config, next, err, err_size);
		if (rc != 0)
			config_free(next);
	}
	if (rc == 0)
		rc = management_replace(m, next, err, err_size);
	if (rc != 0)
		LOG(ERROR, "configuration: reload refused: %s", err);
	else
		LOG(NOTICE, "configuration: %s loaded and published", m->config_path);
	return rc;
}
