/*
 * What an ALG finds in a text, as one line, so that a test is rows of text and of what it says:
 *
 *   25: expect tcp 10.0.0.1:1026 <10,0,0,1,4,2>
 *
 * The number is what scan returns ("part", "part of 900", "alien"), then a finding each, with "; "
 * between them: what, protocol, endpoint ("speaker", "hearer" and "*" where nothing is said), xN
 * for several ports, then the bytes an edit replaces.
 */
#pragma once

#include "alg.h"

/* alg_says: => buf.  The text is read in a block of exactly its size. */
const char *alg_says(const struct alg *, unsigned int dir, uint8_t proto, const char *text,
	size_t len, char *buf, size_t size);
/* alg_says_row: assert that a text says this; that no part of it says anything, in a stream; and
 * that what follows changes nothing of it.  "=" in the place of the number: all of the text. */
void alg_says_row(const struct alg *, unsigned int dir, uint8_t proto, const char *text, size_t len,
	const char *want);
/* alg_says_edited: assert what a text becomes when each finding gets its endpoint of `to`; `want`
 * NULL: it cannot be said. */
void alg_says_edited(const struct alg *, unsigned int dir, uint8_t proto, const char *text,
	const struct alg_endpoint *to, const char *want);
/* 10.0.0.1 or 2001:db8::1, and a port. */
struct alg_endpoint alg_says_endpoint(const char *addr, uint16_t port);
