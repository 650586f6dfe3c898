/*
 * Session descriptions (RFC 8866, RFC 3605): where audio and video are to be sent to.
 */
#pragma once

#include "alg_text.h"

/* alg_sdp_scan: findings of the description `body`, which lies in `text`: an ALG_EXPECT for the
 * ports of each stream that is taken (RTP and RTCP; a=rtcp on its own), an ALG_ADDRESS wherever an
 * address stands (o=, c=, a=rtcp).  Streams without an address, on hold or to a group have none.
 * ICE candidates are left as they are. */
void alg_sdp_scan(const char *text, struct alg_text body, struct alg_findings *);
