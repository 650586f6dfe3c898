/*
 * ICMP errors: a message about another packet.  It is let through only when the packet it quotes
 * belongs to a session and it goes to that packet's sender (ICU-05..09).
 */
#pragma once

#include "worker.h"

/* icmp_error_parse: key of the quoted packet.  => DROP_NONE, or why the quotation is no good. */
enum drop_reason icmp_error_parse(struct pkt *);
/* The same for ICMPv6; `readable` bytes lie in one piece from the IPv6 header on. */
enum drop_reason icmp_error_parse6(struct pkt *, uint32_t readable);

/* icmp_error_hit: the quoted packet's session was found, as the look-up says it.  Forwards or
 * drops; changes no session. */
void icmp_error_hit(struct worker *, struct pkt *, struct session *, unsigned int found_as);
