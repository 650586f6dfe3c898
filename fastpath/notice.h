/*
 * Notices: what the firewall itself says to the sender of a packet that ends here: ICMP errors
 * (RFC 792, RFC 1812 4.3, RFC 4443) and TCP resets (RFC 9293 3.10.7.1).
 *
 * A notice goes back the way its packet came: out of the same port, to the MAC that sent the frame.
 * A route lookup would let whoever invents a source address have us write into another zone, and
 * would need a neighbour; the sender's last hop is known, and nothing has to wait.
 *
 * Never said: about ICMP errors, fragments other than the first, to or about anything that is not
 * a single host, without the role lease, faster than the configured rate.
 */
#pragma once

#include <stdint.h>

/* X(name, text): name is the JSON and console word. */
#define NOTICE_KINDS_LIST(X)                                                                       \
	X(time_exceeded, "ICMP time exceeded")                                                     \
	X(too_big, "ICMP fragmentation needed, packet too big")                                    \
	X(unreachable, "ICMP destination unreachable")                                             \
	X(prohibited, "ICMP administratively prohibited: rejected by the policy")                  \
	X(reset, "TCP RST: rejected by the policy, or nothing listens")

enum notice {
	NOTICE_NONE,
#define X(name, text) NOTICE_##name,
	NOTICE_KINDS_LIST(X)
#undef X
		NOTICE_KINDS
};

/* By enum notice; index 0 is "none". */
extern const char *const notice_names[NOTICE_KINDS];
extern const char *const notice_texts[NOTICE_KINDS];

/* In the snapshot. */
struct notice_settings {
	uint32_t wanted; /* bit per kind: time_exceeded, too_big, unreachable, prohibited */
	/* Of each kind and worker: one message every interval, so many intervals at once. */
	uint64_t interval_ns, burst_ns;
};

/* notice_settings_rate: `rate` messages a second, `burst` at once. => rate and burst are not 0 */
void notice_settings_rate(struct notice_settings *, uint32_t rate, uint32_t burst);
