/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * TCP tracking, as rows of segments.  Sequence numbers are relative to their sender's initial one,
 * acknowledgements to the other side's, so that every story also runs across the wrap at 2^32.
 */
#include "rcu.h"
#include "session_tcp.h"
#include "test_eal.h"

#include <rte_common.h>
#include <rte_memory.h>

#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#define NO_SCALE 0xff

#define SS SESSION_TCP_SYN_SENT
#define SR SESSION_TCP_SYN_RECEIVED
#define ES SESSION_TCP_ESTABLISHED
#define FW SESSION_TCP_FIN_WAIT
#define CW SESSION_TCP_CLOSE_WAIT
#define CG SESSION_TCP_CLOSING
#define TW SESSION_TCP_TIME_WAIT
#define CL SESSION_TCP_CLOSED
#define NO SESSION_FREE /* no session */

/* Verdicts. */
#define PASS   DROP_NONE
#define STATE  DROP_tcp_state
#define WINDOW DROP_tcp_window
#define NOSESS DROP_no_session

/* Senders: 'c' client, 's' server; 't' is no segment but a take-over by the peer box, 'p' that the
 * peer may have packets of the session, too. */
struct row {
	char from;
	const char *flags; /* of "SAFRPU" */
	uint32_t seq, ack, len;
	uint16_t window;
	enum drop_reason verdict;
	enum session_state state;
};

struct story {
	const char *name;
	uint8_t scale[2]; /* offered by client, by server */
	bool loose;
	const struct row *rows;
	size_t count;
};

static struct rcu *rcu;
static struct session_table *table;

#define HANDSHAKE                                                                                  \
	{ 'c', "S", 0, 0, 0, 64000, PASS, SS }, { 's', "SA", 0, 1, 0, 64000, PASS, SR },           \
	{                                                                                          \
		'c', "A", 1, 1, 0, 64000, PASS, ES                                                 \
	}

// clang-format off
static const struct row tcp_01[] = {
	HANDSHAKE,
	{ 'c', "PA", 1,   1,   100, 64000, PASS, ES },
	{ 's', "A",  1,   101, 0,   64000, PASS, ES },
	{ 's', "PA", 1,   101, 500, 64000, PASS, ES },
	{ 'c', "A",  101, 501, 0,   64000, PASS, ES },
	{ 'c', "FA", 101, 501, 0,   64000, PASS, FW },
	{ 's', "A",  501, 102, 0,   64000, PASS, CW },
	{ 's', "FA", 501, 102, 0,   64000, PASS, CG },
	{ 'c', "A",  102, 502, 0,   64000, PASS, TW },
};
static const struct row tcp_02[] = {
	{ 's', "SA", 0, 1, 0, 64000, NOSESS, NO },
	{ 'c', "SA", 0, 1, 0, 64000, NOSESS, NO },
	{ 'c', "FA", 1, 1, 0, 64000, NOSESS, NO },
};
static const struct row tcp_03_strict[] = {
	{ 'c', "PA", 1000, 1000, 100, 64000, NOSESS, NO },
};
static const struct row tcp_03_loose[] = {
	{ 'c', "PA", 100000,  200000,  100,  1000, PASS, ES },
	{ 's', "A",  5000000, 100100,  1460, 1000, PASS, ES }, /* was in flight before */
	{ 'c', "A",  100100,  5001460, 1460, 1000, PASS, ES },
	{ 's', "A",  5001460, 101560,  1460, 60000, PASS, ES },
	{ 's', "A",  9001460, 101560,  1460, 60000, PASS, ES }, /* scale unknown: 14 assumed */
	{ 'c', "A",  101560,  9002920, 0,    60000, PASS, ES },
	{ 'c', "FA", 101560,  9002920, 0,    60000, PASS, FW },
	{ 's', "FA", 9002920, 101561,  0,    60000, PASS, CG },
	{ 'c', "A",  101561,  9002921, 0,    60000, PASS, TW },
};
static const struct row tcp_03_loose_refuses[] = {
	{ 'c', "R",  1000, 0,    0, 0, NOSESS, NO },
	{ 'c', "RA", 1000, 1000, 0, 0, NOSESS, NO },
	{ 'c', "SA", 1000, 1000, 0, 0, NOSESS, NO },
};
static const struct row tcp_04[] = {
	{ 'c', "R",  1000, 0,    0, 0, NOSESS, NO },
	{ 'c', "RA", 1000, 1000, 0, 0, NOSESS, NO },
	{ 's', "R",  1000, 0,    0, 0, NOSESS, NO },
};
static const struct row x39_third_segment_first[] = {
	{ 'c', "S",  0, 0,   0,   64000, PASS,  SS },
	{ 'c', "A",  1, 1,   0,   64000, STATE, SS }, /* here is all there is */
	{ 'p', "",   0, 0,   0,   0,     PASS,  SS },
	{ 'c', "A",  2, 1,   0,   64000, STATE, SS }, /* not behind the SYN */
	{ 'c', "A",  1, 1,   0,   64000, PASS,  ES }, /* its SYN-ACK has passed the peer */
	{ 's', "PA", 1, 1,   500, 64000, PASS,  ES },
	{ 'c', "A",  1, 501, 0,   64000, PASS,  ES },
	{ 'c', "FA", 1, 501, 0,   64000, PASS,  FW },
};
static const struct row tcp_05[] = {
	{ 'c', "S",  0, 0,         0, 64000, PASS,   SS },
	{ 's', "SA", 0, 777000001, 0, 64000, WINDOW, SS },
	{ 'c', "S",  0, 0,         0, 64000, PASS,   SS },
	{ 's', "SA", 0, 1,         0, 64000, PASS,   SR },
	{ 'c', "A",  1, 1,         0, 64000, PASS,   ES },
};
static const struct row tcp_06[] = {
	{ 'c', "S",  0,        0,        0, 64000, PASS, SS },
	{ 's', "A",  70000000, 31234567, 0, 64000, PASS, SS }, /* challenge of an old incarnation */
	{ 'c', "R",  31234567, 0,        0, 0,     PASS, SS },
	{ 'c', "S",  0,        0,        0, 64000, PASS, SS },
	{ 's', "SA", 0,        1,        0, 64000, PASS, SR },
	{ 'c', "A",  1,        1,        0, 64000, PASS, ES },
};
static const struct row tcp_07[] = {
	HANDSHAKE,
	{ 'c', "PA", 1,        1,   100, 64000, PASS, ES },
	{ 's', "A",  1,        101, 0,   64000, PASS, ES },
	{ 'c', "S",  99000000, 0,   0,   64000, PASS, ES }, /* nothing but a question */
	{ 's', "A",  1,        101, 0,   64000, PASS, ES }, /* challenge */
	{ 'c', "R",  101,      0,   0,   0,     PASS, CL },
	{ 'c', "S",  99000000, 0,   0,   64000, PASS, SS }, /* replaces the closed session */
};
static const struct row tcp_08[] = {
	HANDSHAKE,
	{ 'c', "PA", 1,          1,   1000, 64000, PASS,   ES },
	{ 's', "A",  1,          1001, 0,   64000, PASS,   ES },
	{ 'c', "R",  0 - 123456, 0,    0,   0,     WINDOW, ES },
	{ 's', "R",  0 - 123456, 0,    0,   0,     WINDOW, ES },
	{ 'c', "R",  1001001,    0,    0,   0,     WINDOW, ES },
	{ 's', "RA", 1000001,    1001, 0,   0,     WINDOW, ES },
	{ 'c', "PA", 1001,       1,    10,  64000, PASS,   ES },
};
static const struct row tcp_09[] = {
	HANDSHAKE,
	{ 'c', "PA", 1,    1,    1000, 64000, PASS,   ES },
	{ 's', "PA", 1,    1001, 700,  64000, PASS,   ES },
	{ 'c', "A",  1001, 701,  0,    64000, PASS,   ES },
	{ 'c', "R",  1000, 0,    0,    0,     WINDOW, ES },
	{ 'c', "R",  1002, 0,    0,    0,     WINDOW, ES },
	{ 'c', "R",  500,  0,    0,    0,     WINDOW, ES },
	{ 's', "R",  700,  0,    0,    0,     WINDOW, ES },
	{ 's', "R",  702,  0,    0,    0,     WINDOW, ES },
	{ 's', "RA", 350,  1001, 0,    0,     WINDOW, ES },
	{ 'c', "PA", 1001, 701,  10,   64000, PASS,   ES },
};
static const struct row tcp_10_client[] = {
	HANDSHAKE,
	{ 'c', "PA", 1,    1,    1000, 64000, PASS, ES },
	{ 's', "A",  1,    1001, 0,    64000, PASS, ES },
	{ 'c', "RA", 1001, 1,    0,    0,     PASS, CL },
	{ 's', "A",  1,    1001, 0,    64000, PASS, CL }, /* was under way */
};
static const struct row tcp_10_server[] = {
	HANDSHAKE,
	{ 'c', "PA", 1, 1, 1000, 64000, PASS, ES },
	{ 's', "R",  1, 0, 0,    0,     PASS, CL }, /* answers with the client's ack number */
	{ 'c', "S",  5, 0, 0,    64000, PASS, SS },
};
static const struct row tcp_11[] = {
	HANDSHAKE,
	{ 'c', "A",  1,    1, 1000, 64000, PASS, ES },
	{ 's', "A",  1, 1001, 0,    64000, PASS, ES },
	{ 'c', "A",  2001, 1, 1000, 64000, PASS, ES }, /* 1001..2000 is missing */
	{ 's', "A",  1, 1001, 0,    64000, PASS, ES },
	{ 'c', "R",  1001, 0, 0,    0,     PASS, CL },
	{ 'c', "S",  0,    0, 0,    64000, PASS, SS },
};
static const struct row tcp_12[] = {
	HANDSHAKE,
	{ 'c', "FA", 1, 1,  0,   64000, PASS,   FW },
	{ 's', "A",  1, 2,  500, 64000, PASS,   CW },
	{ 'c', "R",  1, 0,  0,   0,     PASS,   CW },
	{ 's', "R",  200, 0, 0,  0,     PASS,   CW },
	{ 's', "R",  9000000, 0, 0, 0,  WINDOW, CW },
	{ 's', "FA", 501, 2, 0,  64000, PASS,   CG },
	{ 'c', "A",  2, 502, 0,  64000, PASS,   TW },
};
static const struct row tcp_13[] = {
	{ 'c', "S",  0, 0, 0, 64000, PASS,   SS },
	{ 's', "RA", 0, 5, 0, 0,     WINDOW, SS }, /* acknowledges what was never sent */
	{ 's', "R",  0, 0, 0, 0,     WINDOW, SS },
	{ 's', "RA", 0 - 5000u, 1, 0, 0, PASS, CL },
	{ 'c', "S",  7, 0, 0, 64000, PASS,   SS }, /* retry */
	{ 's', "SA", 0, 8, 0, 64000, PASS,   SR },
	{ 'c', "A",  8, 1, 0, 64000, PASS,   ES },
};
static const struct row tcp_14[] = {
	{ 'c', "S",  0, 0, 0,   64000, PASS, SS },
	{ 's', "S",  0, 0, 0,   64000, PASS, SR },
	{ 'c', "SA", 0, 1, 0,   64000, PASS, ES },
	{ 's', "SA", 0, 1, 0,   64000, PASS, ES },
	{ 'c', "PA", 1, 1, 100, 64000, PASS, ES },
	{ 's', "PA", 1, 101, 100, 64000, PASS, ES },
	{ 'c', "A",  101, 101, 0, 64000, PASS, ES },
};
static const struct row tcp_14_other_order[] = {
	{ 'c', "S",  0, 0, 0,   64000, PASS, SS },
	{ 's', "S",  0, 0, 0,   64000, PASS, SR },
	{ 's', "SA", 0, 1, 0,   64000, PASS, SR },
	{ 'c', "SA", 0, 1, 0,   64000, PASS, ES },
	{ 's', "PA", 1, 1, 100, 64000, PASS, ES },
};
static const struct row tcp_15[] = {
	HANDSHAKE,
	{ 'c', "FA", 1,     1,     0,     64000, PASS, FW },
	{ 's', "A",  1,     2,     60000, 64000, PASS, CW },
	{ 'c', "A",  2,     60001, 0,     64000, PASS, CW },
	{ 's', "A",  60001, 2,     60000, 64000, PASS, CW },
	{ 'c', "A",  2,     120001, 0,    64000, PASS, CW },
	{ 'c', "A",  2,     120001, 1,    64000, WINDOW, CW }, /* nothing after a FIN */
	{ 's', "FA", 120001, 2,    0,     64000, PASS, CG },
	{ 'c', "A",  2,     120002, 0,    64000, PASS, TW },
};
static const struct row tcp_16[] = {
	HANDSHAKE,
	{ 'c', "FA", 1, 1, 0, 64000, PASS, FW },
	{ 's', "FA", 1, 1, 0, 64000, PASS, CG }, /* crossing */
	{ 'c', "FA", 1, 1, 0, 64000, PASS, CG },
	{ 'c', "FA", 1, 1, 0, 64000, PASS, CG },
	{ 's', "A",  2, 2, 0, 64000, PASS, CG },
	{ 'c', "A",  2, 2, 0, 64000, PASS, TW },
	{ 's', "FA", 1, 2, 0, 64000, PASS, TW }, /* last ACK lost */
	{ 'c', "A",  2, 2, 0, 64000, PASS, TW },
};
static const struct row tcp_17[] = {
	HANDSHAKE,
	{ 'c', "FA", 1,    1, 0, 64000, PASS,  FW },
	{ 's', "FA", 1,    2, 0, 64000, PASS,  CG },
	{ 'c', "A",  2,    2, 0, 64000, PASS,  TW },
	{ 'c', "S",  1,    0, 0, 64000, PASS, TW }, /* an old duplicate */
	{ 's', "A",  2,    2, 0, 64000, PASS,  TW },
	{ 'c', "S",  5000, 0, 0, 64000, PASS,  SS },
	{ 's', "SA", 9000, 5001, 0, 64000, PASS, SR },
};
static const struct row tcp_18[] = {
	HANDSHAKE,
	{ 'c', "FA", 1,    1, 0, 64000, PASS,  FW },
	{ 's', "FA", 1,    2, 0, 64000, PASS,  CG },
	{ 'c', "A",  2,    2, 0, 64000, PASS,  TW },
	{ 'c', "S",  5000, 0, 0, 64000, PASS,  SS }, /* one side only */
	{ 'c', "A",  5001, 2, 0, 64000, STATE, SS },
	{ 's', "A",  2, 5001, 0, 64000, PASS,  SS }, /* as a challenge would */
	{ 's', "S",  7000, 0, 0, 64000, PASS,  SR }, /* both */
	{ 'c', "SA", 5000, 7001, 0, 64000, PASS, ES },
};
/* TIME_WAIT: a lower number may be right as well (RFC 6191: timestamps); the responder decides. */
static const struct row time_wait_lower_number[] = {
	HANDSHAKE,
	{ 'c', "A",  1,    1, 50000, 64000, PASS,  ES },
	{ 'c', "FA", 50001, 1, 0, 64000, PASS,  FW },
	{ 's', "FA", 1, 50002, 0, 64000, PASS,  CG },
	{ 'c', "A",  50002, 2, 0, 64000, PASS,  TW },
	{ 's', "SA", 9000, 301, 0, 64000, STATE, TW },
	{ 'c', "S",  300,  0, 0, 64000, PASS,  TW },
	{ 's', "SA", 9000, 302, 0, 64000, STATE, TW },
	{ 's', "SA", 9000, 301, 0, 64000, PASS, SR },
	{ 'c', "A",  301, 9001, 0, 64000, PASS, ES },
	{ 'c', "A",  301, 9001, 1000, 64000, PASS, ES },
	{ 's', "A",  9001, 1301, 1000, 64000, PASS, ES },
};
/* Both ends have lost their state, we have not. */
static const struct row both_ends_rebooted[] = {
	HANDSHAKE,
	{ 'c', "PA", 1,       1,    100, 64000, PASS, ES },
	{ 'c', "S",  8000000, 0,      0, 1000,  PASS, ES },
	{ 's', "SA", 3000000, 8000000, 0, 64000, WINDOW, ES },
	{ 's', "SA", 3000000, 8000001, 0, 64000, PASS, SR },
	{ 'c', "A",  8000001, 3000001, 0, 1000, PASS, ES },
	{ 's', "A",  3000001, 8000001, 1000, 64000, PASS, ES },
	{ 'c', "A",  8000001, 3001001, 0, 1000, PASS, ES },
};
static const struct row both_ends_rebooted_but_the_old_one_lives[] = {
	HANDSHAKE,
	{ 'c', "S",  8000000, 0,      0, 1000,  PASS, ES },
	{ 's', "RA", 77, 8000001, 0, 0,  WINDOW, ES }, /* seq must be 0 */
	{ 'c', "A",  1, 1,  0, 64000, PASS, ES }, /* the old connection lives */
	{ 's', "SA", 3000000, 8000001, 0, 64000, WINDOW, ES },
};
/* The responder's SYN opens nothing: a rule would have to permit that. */
static const struct row responder_may_not_begin_anew[] = {
	HANDSHAKE,
	{ 's', "S",  8000000, 0,      0, 1000,  PASS, ES },
	{ 'c', "SA", 3000000, 8000001, 0, 64000, WINDOW, ES },
};
static const struct row tcp_19[] = {
	HANDSHAKE,
	{ 'c', "A",  1,    1,    1000, 64000, PASS, ES },
	{ 's', "FA", 1,    1001, 0,    64000, PASS, FW },
	{ 'c', "FA", 1001, 2,    0,    64000, PASS, CG },
	{ 's', "A",  2,    1002, 0,    64000, PASS, TW },
	{ 'c', "A",  1,    1,    1000, 64000, PASS, TW }, /* old duplicate */
	{ 's', "A",  2,    1002, 0,    64000, PASS, TW },
	{ 'c', "R",  1002, 0,    0,    0,     PASS, TW },
};
static const struct row tcp_20[] = {
	{ 'c', "S",  0, 0, 0, 1000, PASS, SS },
	{ 's', "SA", 0, 1, 0, 1000, PASS, SR },
	{ 'c', "A",  1, 1, 0, 1000, PASS, ES },
	{ 'c', "A",  1, 1, 1000, 1000, PASS,   ES }, /* fills the window */
	{ 'c', "A",  1001, 1, 1, 1000, WINDOW, ES },
	{ 's', "A",  1, 501, 0,  1000, PASS,   ES },
	{ 'c', "A",  1001, 1, 500, 1000, PASS, ES },
	{ 'c', "A",  1501, 1, 1, 1000, WINDOW, ES },
	{ 's', "A",  0 - 2000u, 1501, 0, 1000, WINDOW, ES }, /* too old to be missing */
	{ 's', "A",  1, 1501, 0, 1000, PASS,   ES },
};
static const struct row tcp_21[] = {
	HANDSHAKE,
	{ 'c', "A",  1,   1,   100, 64000, PASS,   ES },
	{ 's', "A",  1,   102, 0,   64000, WINDOW, ES },
	{ 's', "PA", 1,   0x40000000, 10, 64000, WINDOW, ES },
	{ 'c', "A",  101, 2,   0,   64000, WINDOW, ES },
	{ 's', "A",  1,   101, 0,   64000, PASS,   ES },
};
static const struct row tcp_21_opening[] = {
	{ 'c', "S",  0, 0, 0, 64000, PASS,   SS },
	{ 's', "SA", 0, 1, 0, 64000, PASS,   SR },
	{ 'c', "A",  1, 2, 0, 64000, WINDOW, SR },
	{ 'c', "A",  1, 0, 0, 64000, WINDOW, SR },
	{ 'c', "A",  1, 1, 0, 64000, PASS,   ES },
};
static const struct row tcp_22[] = {
	HANDSHAKE,
	{ 'c', "A", 1,    1,    1000, 64000, PASS, ES },
	{ 's', "A", 1,    1001, 0,    64000, PASS, ES },
	{ 'c', "A", 1001, 1,    1000, 64000, PASS, ES },
	{ 's', "A", 1,    2001, 0,    64000, PASS, ES },
	{ 'c', "A", 1,    1,    1000, 64000, PASS, ES },
	{ 's', "A", 1,    2001, 0,    64000, PASS, ES },
	{ 's', "A", 1,    1001, 0,    64000, PASS, ES }, /* late, out of order */
};
static const struct row tcp_23_scaled[] = {
	{ 'c', "S",  0, 0, 0, 1000, PASS, SS },
	{ 's', "SA", 0, 1, 0, 1000, PASS, SR }, /* not scaled yet */
	{ 'c', "A",  1, 1, 0, 1000, PASS, ES },
	{ 'c', "A",  1,     1, 1000,  1000, PASS,   ES },
	{ 'c', "A",  1001,  1, 1,     1000, WINDOW, ES },
	{ 's', "A",  1, 1001, 0, 1000, PASS, ES }, /* scaled by 7: 128000 */
	{ 'c', "A",  1001,  1, 60000, 1000, PASS,   ES },
	{ 'c', "A",  61001, 1, 60000, 1000, PASS,   ES },
	{ 'c', "A",  121001, 1, 8001, 1000, WINDOW, ES },
	{ 'c', "A",  121001, 1, 8000, 1000, PASS,   ES },
};
static const struct row tcp_23_one_sided[] = {
	{ 'c', "S",  0, 0, 0, 1000, PASS, SS },
	{ 's', "SA", 0, 1, 0, 1000, PASS, SR },
	{ 'c', "A",  1, 1, 0, 1000, PASS, ES },
	{ 's', "A",  1,    1, 1000, 1000, PASS,   ES },
	{ 's', "A",  1001, 1, 1,    1000, WINDOW, ES },
};
static const struct row tcp_23_zero_window[] = {
	HANDSHAKE,
	{ 'c', "A", 1,   1,   100, 64000, PASS, ES },
	{ 's', "A", 1,   101, 0,   0,     PASS, ES },
	{ 'c', "A", 101, 1,   1,   64000, PASS, ES }, /* probe with a byte */
	{ 's', "A", 1,   101, 0,   0,     PASS, ES },
	{ 'c', "A", 100, 1,   0,   64000, PASS, ES }, /* probe without */
	{ 's', "A", 1,   101, 0,   0,     PASS, ES },
	{ 'c', "A", 101, 1,   1,   64000, PASS, ES },
	{ 's', "A", 1,   102, 0,   64000, PASS, ES },
	{ 'c', "A", 102, 1,   100, 64000, PASS, ES },
};
static const struct row tcp_23_probe_of_never_opened_window[] = {
	{ 'c', "S",  0, 0, 0, 64000, PASS,   SS },
	{ 's', "SA", 0, 1, 0, 0,     PASS,   SR },
	{ 'c', "A",  1, 1, 0, 64000, PASS,   ES },
	{ 'c', "A",  1, 1, 1, 64000, PASS,   ES },
	{ 's', "A",  1, 1, 0, 0,     PASS,   ES },
	{ 'c', "A",  1, 1, 2, 64000, WINDOW, ES },
};
static const struct row keep_alive[] = {
	HANDSHAKE,
	{ 'c', "A", 1,   1,   100, 64000, PASS, ES },
	{ 's', "A", 1,   101, 0,   64000, PASS, ES },
	{ 'c', "A", 100, 1,   0,   64000, PASS, ES },
	{ 's', "A", 1,   101, 0,   64000, PASS, ES },
	{ 'c', "A", 100, 1,   1,   64000, PASS, ES }, /* with a byte of garbage */
	{ 's', "A", 1,   101, 0,   64000, PASS, ES },
	{ 's', "A", 0,   101, 0,   64000, PASS, ES },
};
static const struct row last_ack_of_the_handshake_lost[] = {
	HANDSHAKE,
	{ 's', "SA", 0, 1, 0,  64000, PASS,   ES },
	{ 's', "SA", 9, 1, 0,  64000, WINDOW, ES }, /* not the one that was answered */
	{ 'c', "A",  1, 1, 0,  64000, PASS,   ES },
	{ 'c', "S",  0, 0, 0,  64000, PASS,   ES }, /* late copy of the SYN */
	{ 's', "PA", 1, 1, 10, 64000, PASS,   ES },
};
static const struct row a_responder_may_not_speak_before_its_answer[] = {
	{ 'c', "S",  0, 0, 0,  64000, PASS,  SS },
	{ 's', "PA", 1, 1, 10, 64000, STATE, SS },
	{ 's', "FA", 1, 1, 0,  64000, STATE, SS },
	{ 'c', "A",  1, 1, 0,  64000, STATE, SS },
	{ 'c', "SA", 0, 1, 0,  64000, STATE, SS },
	{ 'c', "P",  1, 0, 9,  64000, STATE, SS },
};
static const struct row fast_open[] = {
	{ 'c', "S",  0,   0,   100, 64000, PASS, SS },
	{ 's', "SA", 0,   101, 50,  64000, PASS, SR },
	{ 's', "A",  51,  101, 50,  64000, PASS, SR },
	{ 's', "SA", 0,   101, 50,  64000, PASS, SR },
	{ 'c', "A",  101, 101, 0,   64000, PASS, ES },
};
static const struct row fast_open_refused[] = {
	{ 'c', "S",  0, 0, 100, 64000, PASS, SS },
	{ 's', "SA", 0, 1, 0,   64000, PASS, SR },
	{ 's', "SA", 0, 1, 0,   64000, PASS, SR },
	{ 'c', "A",  1, 1, 100, 64000, PASS, ES },
	{ 's', "A",  1, 101, 0, 64000, PASS, ES },
};
static const struct row resets_while_opening[] = {
	{ 'c', "S",  0, 0, 0, 64000, PASS,   SS },
	{ 'c', "R",  9, 0, 0, 0,     WINDOW, SS },
	{ 'c', "R",  1, 0, 0, 0,     PASS,   CL },
	{ 'c', "S",  0, 0, 0, 64000, PASS,   SS },
	{ 's', "SA", 0, 1, 0, 64000, PASS,   SR },
	{ 's', "R",  7, 0, 0, 0,     WINDOW, SR },
	{ 'c', "R",  2, 0, 0, 0,     WINDOW, SR },
	{ 's', "RA", 1, 1, 0, 0,     PASS,   CL },
};
/* The stand-by saw the handshake; the rest went through the other box. */
static const struct row takeover[] = {
	HANDSHAKE,
	{ 't', "", 0, 0, 0, 0, PASS, ES },
	{ 'c', "R",  50, 0, 0, 0, WINDOW, ES }, /* a reset is never learnt from */
	{ 'c', "A", 7000000, 900000,  1000, 64000, PASS,   ES },
	{ 'c', "A", 7001000, 900000,  60000, 64000, PASS,  ES }, /* one mirrored window ahead */
	{ 's', "A", 905000,  7001000, 1000, 64000, PASS,   ES },
	{ 'c', "A", 7061000, 906000,  1000, 64000, PASS,   ES },
	{ 's', "A", 906000,  7062000, 1000, 64000, PASS,   ES },
	{ 'c', "R", 7061999, 0,       0,    0,     WINDOW, ES },
	{ 's', "R", 907000,  0,       0,    0,     PASS,   CL },
};
static const struct row takeover_is_strict_again_after_8[] = {
	HANDSHAKE,
	{ 't', "", 0, 0, 0, 0, PASS, ES },
	{ 'c', "A", 7000000, 900000, 10, 64000, PASS, ES },
	{ 's', "A", 900000, 7000010, 10, 64000, PASS, ES },
	{ 'c', "A", 7000010, 900010, 10, 64000, PASS, ES },
	{ 'c', "A", 7000020, 900010, 10, 64000, PASS, ES },
	{ 'c', "A", 7000030, 900010, 10, 64000, PASS, ES },
	{ 'c', "A", 7000040, 900010, 10, 64000, PASS, ES },
	{ 'c', "A", 7000050, 900010, 10, 64000, PASS, ES },
	{ 'c', "A", 7000060, 900010, 10, 64000, PASS, ES },
	{ 'c', "A", 7000070, 900010, 10, 64000, PASS, ES },
	{ 'c', "A", 9000000, 900010, 10, 64000, WINDOW, ES },
	{ 's', "A", 9900010, 7000080, 10, 64000, PASS, ES }, /* this side has 7 left */
	{ 's', "A", 900010, 7000080, 10, 64000, PASS, ES },  /* and finds back */
	{ 'c', "A", 7000080, 900020, 10, 64000, PASS, ES },
};
/* An upload in full flight: a whole mirrored window passes before the server's first answer. */
static const struct row takeover_amid_a_burst[] = {
	HANDSHAKE,
	{ 't', "", 0, 0, 0, 0, PASS, ES },
	{ 'c', "A", 7000000, 900000, 5000, 64000, PASS, ES },
	{ 'c', "A", 7005000, 900000, 5000, 64000, PASS, ES },
	{ 'c', "A", 7010000, 900000, 5000, 64000, PASS, ES },
	{ 'c', "A", 7015000, 900000, 5000, 64000, PASS, ES },
	{ 'c', "A", 7020000, 900000, 5000, 64000, PASS, ES },
	{ 'c', "A", 7025000, 900000, 5000, 64000, PASS, ES },
	{ 'c', "A", 7030000, 900000, 5000, 64000, PASS, ES },
	{ 'c', "A", 7035000, 900000, 5000, 64000, PASS, ES },
	{ 'c', "A", 7040000, 900000, 5000, 64000, PASS, ES },
	{ 'c', "A", 7045000, 900000, 5000, 64000, PASS, ES },
	{ 'c', "A", 7050000, 900000, 5000, 64000, PASS, ES },
	{ 'c', "A", 7055000, 900000, 5000, 64000, PASS, ES },
	{ 'c', "A", 7060000, 900000, 60000, 64000, WINDOW, ES },
	{ 's', "A", 900000, 7055000, 0, 64000, PASS, ES },
	{ 'c', "A", 7060000, 900000, 59000, 64000, PASS, ES },
};
static const struct row takeover_first_seen_is_the_answer[] = {
	HANDSHAKE,
	{ 't', "", 0, 0, 0, 0, PASS, ES },
	{ 's', "A",  3000000000, 4000000000, 0, 64000, PASS, ES },
	{ 'c', "A",  4000000000, 3000000000, 1000, 64000, PASS, ES },
	{ 's', "A",  3000000000, 4000001000, 0, 64000, PASS, ES },
	{ 'c', "FA", 4000001000, 3000000000, 0, 64000, PASS, FW },
	{ 's', "FA", 3000000000, 4000001001, 0, 64000, PASS, CG },
	{ 'c', "A",  4000001001, 3000000001, 0, 64000, PASS, TW },
};
// clang-format on

#define STORY(rows, ...)                                                                           \
	{                                                                                          \
#rows, __VA_ARGS__, rows, RTE_DIM(rows)                                            \
	}
#define PLAIN { NO_SCALE, NO_SCALE }, false
#define LOOSE { NO_SCALE, NO_SCALE }, true
static const struct story stories[] = {
	STORY(tcp_01, PLAIN),
	STORY(tcp_02, PLAIN),
	STORY(tcp_03_strict, PLAIN),
	STORY(tcp_03_loose, LOOSE),
	STORY(tcp_03_loose_refuses, LOOSE),
	STORY(tcp_04, PLAIN),
	STORY(x39_third_segment_first, PLAIN),
	STORY(tcp_05, PLAIN),
	STORY(tcp_06, PLAIN),
	STORY(tcp_07, PLAIN),
	STORY(tcp_08, PLAIN),
	STORY(tcp_09, PLAIN),
	STORY(tcp_10_client, PLAIN),
	STORY(tcp_10_server, PLAIN),
	STORY(tcp_11, PLAIN),
	STORY(tcp_12, PLAIN),
	STORY(tcp_13, PLAIN),
	STORY(tcp_14, PLAIN),
	STORY(tcp_14_other_order, PLAIN),
	STORY(tcp_15, PLAIN),
	STORY(tcp_16, PLAIN),
	STORY(tcp_17, PLAIN),
	STORY(tcp_18, PLAIN),
	STORY(time_wait_lower_number, PLAIN),
	STORY(both_ends_rebooted, PLAIN),
	STORY(both_ends_rebooted_but_the_old_one_lives, PLAIN),
	STORY(responder_may_not_begin_anew, PLAIN),
	STORY(tcp_19, PLAIN),
	STORY(tcp_20, PLAIN),
	STORY(tcp_21, PLAIN),
	STORY(tcp_21_opening, PLAIN),
	STORY(tcp_22, PLAIN),
	STORY(tcp_23_scaled, { 0, 7 }, false),
	STORY(tcp_23_one_sided, { 7, NO_SCALE }, false),
	STORY(tcp_23_zero_window, { 14, 14 }, false),
	STORY(tcp_23_probe_of_never_opened_window, PLAIN),
	STORY(keep_alive, { 7, 7 }, false),
	STORY(last_ack_of_the_handshake_lost, { 7, 7 }, false),
	STORY(a_responder_may_not_speak_before_its_answer, PLAIN),
	STORY(fast_open, PLAIN),
	STORY(fast_open_refused, PLAIN),
	STORY(resets_while_opening, PLAIN),
	STORY(takeover, PLAIN),
	STORY(takeover_is_strict_again_after_8, PLAIN),
	STORY(takeover_amid_a_burst, PLAIN),
	STORY(takeover_first_seen_is_the_answer, PLAIN),
};

static uint8_t
flags_of(const char *letters)
{
	uint8_t flags = 0;

	for (; *letters != '\0'; letters++)
		flags |= *letters == 'S'   ? TCP_SYN
			 : *letters == 'A' ? TCP_ACK
			 : *letters == 'F' ? TCP_FIN
			 : *letters == 'R' ? TCP_RST
			 : *letters == 'P' ? TCP_PSH
					   : TCP_URG;
	return flags;
}

static enum session_state
state_of(const struct session *s)
{
	return s == NULL ? NO : session_state_of(atomic_load(&s->ctl));
}

/* One segment, handled as a worker does. */
static enum drop_reason
handle(struct session **sp, const struct story *story, const struct row *r, const uint32_t base[2])
{
	const unsigned int d = r->from == 's';
	const mono_t now = { .ns = 1000 * NS_PER_SEC };
	const enum session_state before = state_of(*sp);
	const struct tcp_segment g = {
		.seq = base[d] + r->seq,
		.ack = base[!d] + r->ack,
		.len = r->len,
		.window = r->window,
		.flags = flags_of(r->flags),
		.wscale = strchr(r->flags, 'S') != NULL ? story->scale[d] : NO_SCALE,
	};
	struct session saved;
	enum drop_reason verdict;
	bool changed;

	if (*sp != NULL && session_tcp_reopen(*sp, d, &g)) {
		session_table_unalloc(table, *sp);
		*sp = NULL;
	}
	if (*sp == NULL) {
		*sp = session_table_alloc(table);
		verdict = session_tcp_first(*sp, &g, story->loose);
		if (verdict != DROP_NONE) {
			session_table_unalloc(table, *sp);
			*sp = NULL;
		}
		return verdict;
	}
	memcpy(&saved, *sp, sizeof(saved));
	verdict = session_tcp_track(table, *sp, d, &g, true, 0, now, &changed);
	if (verdict != DROP_NONE)
		assert_memory_equal(&saved, *sp, sizeof(saved)); /* a refused one leaves no trace */
	if (state_of(*sp) != before)
		assert_true(changed);
	return verdict;
}

static void
tell(const struct story *story, const uint32_t base[2])
{
	struct session *s = NULL;

	for (size_t i = 0; i < story->count; i++) {
		const struct row *r = &story->rows[i];
		enum drop_reason verdict = DROP_NONE;

		if (r->from == 't')
			atomic_fetch_or(&s->ctl, SESSION_F_LEARN0 | SESSION_F_LEARN1);
		else if (r->from == 'p')
			atomic_fetch_or(&s->ctl, SESSION_F_SHARED);
		else
			verdict = handle(&s, story, r, base);
		if (verdict != r->verdict || state_of(s) != r->state) {
			print_error("%s, row %zu: %c %s seq %u ack %u: verdict %d, state %d\n",
				story->name, i, r->from, r->flags, r->seq, r->ack, verdict,
				state_of(s));
			fail();
		}
	}
	if (s != NULL)
		session_table_unalloc(table, s);
}

static void
every_story_ends_as_told(void **state)
{
	/* Initial sequence numbers: plain, and around both wraps. */
	static const uint32_t bases[][2] = { { 1000000, 5000000 }, { 0, 0 },
		{ 0xffffffff, 0xffffffff }, { 0xffffff00, 0x7fffff00 },
		{ 0x80000000, 0xffff0000 } };

	(void)state;
	for (size_t i = 0; i < RTE_DIM(stories); i++) {
		print_message("%s\n", stories[i].name);
		for (size_t b = 0; b < RTE_DIM(bases); b++)
			tell(&stories[i], bases[b]);
	}
}

/* TCP-23: 2^32 bytes and more in one connection, with scaled windows. */
static void
TCP_23_sequence_numbers_wrap_under_way(void **state)
{
	static const struct row open[] = { HANDSHAKE };
	const struct story story = { "wrap", { 14, 14 }, false, open, RTE_DIM(open) };
	const uint32_t base[2] = { 0xfff00000, 12345 };
	struct session *s = NULL;
	uint32_t sent = 1;

	(void)state;
	for (size_t i = 0; i < RTE_DIM(open); i++)
		assert_int_equal(handle(&s, &story, &open[i], base), DROP_NONE);
	for (uint64_t total = 0; total < UINT64_C(5) << 32; total += 60000) {
		const struct row data = { 'c', "A", sent, 1, 60000, 64000, PASS, ES };
		const struct row ack = { 's', "A", 1, sent + 60000, 0, 64000, PASS, ES };

		assert_int_equal(handle(&s, &story, &data, base), DROP_NONE);
		if (total % 7 == 0)
			assert_int_equal(handle(&s, &story, &ack, base), DROP_NONE);
		sent += 60000;
	}
	session_table_unalloc(table, s);
}

static void
TCP_15_half_closed_1_MB_more(void **state)
{
	static const struct row open[] = { HANDSHAKE };
	static const struct row fin = { 'c', "FA", 1, 1, 0, 64000, PASS, FW };
	const struct story story = { "half closed", { 7, 7 }, false, open, RTE_DIM(open) };
	const uint32_t base[2] = { 0xfff00000, 0xfff80000 };
	struct session *s = NULL;
	uint32_t sent = 1;

	(void)state;
	for (size_t i = 0; i < RTE_DIM(open); i++)
		assert_int_equal(handle(&s, &story, &open[i], base), DROP_NONE);
	assert_int_equal(handle(&s, &story, &fin, base), DROP_NONE);
	for (; sent < 1 << 20; sent += 1448) {
		const struct row data = { 's', "A", sent, 2, 1448, 64000, PASS, CW };
		const struct row ack = { 'c', "A", 2, sent + 1448, 0, 64000, PASS, CW };

		assert_int_equal(handle(&s, &story, &data, base), DROP_NONE);
		assert_int_equal(state_of(s), CW);
		if (sent % 7 == 0)
			assert_int_equal(handle(&s, &story, &ack, base), DROP_NONE);
	}
	{
		const struct row last = { 's', "FA", sent, 2, 0, 64000, PASS, CG };
		const struct row ack = { 'c', "A", 2, sent + 1, 0, 64000, PASS, TW };

		assert_int_equal(handle(&s, &story, &last, base), DROP_NONE);
		assert_int_equal(handle(&s, &story, &ack, base), DROP_NONE);
	}
	assert_int_equal(state_of(s), TW);
	session_table_unalloc(table, s);
}

static void
TCP_25_flags_no_stack_sends(void **state)
{
	static const struct {
		const char *flags;
		bool valid;
	} rows[] = { { "", false }, { "S", true }, { "SA", true }, { "A", true }, { "PA", true },
		{ "FA", true }, { "FPA", true }, { "R", true }, { "RA", true }, { "UA", true },
		{ "SU", true }, { "F", false }, { "P", false }, { "U", false }, { "FPU", false },
		{ "SF", false }, { "SFA", false }, { "SR", false }, { "SRA", false },
		{ "FR", false }, { "FRA", false }, { "SAFRPU", false } };

	(void)state;
	for (size_t i = 0; i < RTE_DIM(rows); i++) {
		print_message("\"%s\"\n", rows[i].flags);
		assert_int_equal(session_tcp_flags_valid(flags_of(rows[i].flags)), rows[i].valid);
	}
}

/* Whatever comes, in whatever state: a verdict, a valid state, nothing asserted. */
static void
no_segment_is_too_strange(void **state)
{
	const mono_t now = { .ns = NS_PER_SEC };
	uint32_t random = 1;
	uint32_t word[6];

	(void)state;
	for (uint32_t i = 0; i < 300000; i++) {
		struct session *s = session_table_alloc(table);
		struct tcp_segment g;
		bool changed;

		for (unsigned int n = 0; n < 1 + i % 12; n++) {
			for (size_t w = 0; w < RTE_DIM(word); w++) {
				random = random * 1664525 + 1013904223;
				word[w] = random >> 8;
			}
			/* Half of them near what has been seen, so that some get far. */
			g = (struct tcp_segment){
				.seq = word[0] & 1 ? s->dir[word[0] >> 1 & 1].tcp_end : word[1],
				.ack = word[0] & 4 ? s->dir[word[0] >> 3 & 1].tcp_end : word[2],
				.len = word[3] & 3 ? word[3] & 0xfff : word[3] * 70000,
				.window = (uint16_t)word[4],
				.flags = word[5] & 0x3f,
				.wscale = (uint8_t)(word[5] >> 8),
			};
			if (word[0] >> 16 == 0)
				atomic_fetch_or(&s->ctl, SESSION_F_LEARN0 | SESSION_F_LEARN1);
			if (n == 0)
				session_tcp_first(s, &g, i & 1);
			else
				session_tcp_track(table, s, word[0] >> 4 & 1, &g, word[0] & 0x40, 0,
					now, &changed);
			session_tcp_reopen(s, word[0] >> 5 & 1, &g);
			assert_true(state_of(s) <= SESSION_TCP_CLOSED);
		}
		session_table_unalloc(table, s);
	}
}

/* Its home worker, another thread, began to remove it after this worker had found it. */
static void
a_segment_of_a_session_that_is_being_removed_changes_nothing(void **state)
{
	static const struct tcp_segment syn = { .seq = 100, .flags = 0x02, .wscale = NO_SCALE },
					answer = { .seq = 500,
						.ack = 101,
						.flags = 0x12,
						.window = 64000,
						.wscale = NO_SCALE };
	struct session *s = session_table_alloc(table);
	struct session before;
	bool changed = true;

	(void)state;
	assert_int_equal(session_tcp_first(s, &syn, false), DROP_NONE);
	atomic_fetch_or(&s->ctl, SESSION_F_DEAD);
	memcpy(&before, s, sizeof(before));
	assert_int_equal(session_tcp_track(table, s, 1, &answer, true, 0,
				 (mono_t){ .ns = NS_PER_SEC }, &changed),
		DROP_session_dead);
	assert_false(changed);
	assert_memory_equal(s, &before, sizeof(before));
	session_table_unalloc(table, s);
}

/* Two workers, a direction each: all that they share is read and written as such (thread
 * sanitizer), and whoever begins the learning anew for both stops neither.
 */
struct side {
	struct session *s;
	unsigned int dir;
	uint32_t refused;
};

static void *
track_side(void *arg)
{
	struct side *const side = arg;
	const mono_t now = { .ns = NS_PER_SEC };
	uint32_t random = side->dir + 1;
	bool changed;

	for (uint32_t i = 0; i < 50000; i++) {
		random = random * 1664525 + 1013904223;
		const struct tcp_segment g = { .seq = random >> 28 == 0 ? random : i,
			.ack = i,
			.flags = TCP_ACK,
			.window = 1000,
			.wscale = NO_SCALE };

		side->refused += session_tcp_track(table, side->s, side->dir, &g, false, 0, now,
					 &changed) == DROP_tcp_window;
	}
	return NULL;
}

static void
two_workers_learn_the_windows_of_one_session(void **state)
{
	static const struct tcp_segment first = { .flags = TCP_ACK, .wscale = NO_SCALE };
	struct session *const s = session_table_alloc(table);
	struct side side[2] = { { .s = s, .dir = 0 }, { .s = s, .dir = 1 } };
	pthread_t thread[2];

	(void)state;
	assert_int_equal(session_tcp_first(s, &first, true), DROP_NONE);
	for (int d = 0; d < 2; d++)
		assert_int_equal(pthread_create(&thread[d], NULL, track_side, &side[d]), 0);
	for (int d = 0; d < 2; d++) {
		assert_int_equal(pthread_join(thread[d], NULL), 0);
		assert_int_equal(side[d].refused, 0);
	}
	assert_int_equal(state_of(s), ES);
	session_table_unalloc(table, s);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_story_ends_as_told),
		cmocka_unit_test(TCP_23_sequence_numbers_wrap_under_way),
		cmocka_unit_test(TCP_15_half_closed_1_MB_more),
		cmocka_unit_test(TCP_25_flags_no_stack_sends),
		cmocka_unit_test(no_segment_is_too_strange),
		cmocka_unit_test(a_segment_of_a_session_that_is_being_removed_changes_nothing),
		cmocka_unit_test(two_workers_learn_the_windows_of_one_session),
	};
	struct session_table_params p = {
		.name = "t", .max_sessions = 100, .shards = 1, .socket = SOCKET_ID_ANY
	};
	int failed;

	test_eal_start(64, 1);
	p.rcu = rcu = rcu_create(SOCKET_ID_ANY);
	table = session_table_create(&p);
	failed = table == NULL ? 1 : cmocka_run_group_tests(tests, NULL, NULL);
	session_table_destroy(table);
	rcu_destroy(rcu);
	return failed;
}
