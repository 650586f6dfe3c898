/*
 * Reading and writing of text for ALGs.  A text is a range of bytes, whatever they are; each
 * function that reads takes what it has understood from its front, or nothing.
 */
#pragma once

#include "alg.h"

struct alg_text {
	const char *at, *end;
};

/* How a finding is written, where the ALG has no way of its own. */
enum alg_form {
	ALG_FORM_HOST,	    /* 10.0.0.1, 2001:db8::1 */
	ALG_FORM_HOST_PORT, /* 10.0.0.1:5060, [2001:db8::1]:5060 */
	ALG_FORM_PORT,	    /* 5060 */
	ALG_FORM_PORTS	    /* 5060-5061 */
};

static inline uint32_t
alg_text_len(const struct alg_text *t)
{
	return (uint32_t)(t->end - t->at);
}

static inline char
alg_text_lower(char c)
{
	return c >= 'A' && c <= 'Z' ? (char)(c + ('a' - 'A')) : c;
}

static inline bool
alg_text_is_digit(char c)
{
	return c >= '0' && c <= '9';
}

static inline bool
alg_text_is_letter(char c)
{
	return alg_text_lower(c) >= 'a' && alg_text_lower(c) <= 'z';
}

/* alg_text_char: one byte, if it is this one. */
static inline bool
alg_text_char(struct alg_text *t, char c)
{
	if (t->at == t->end || *t->at != c)
		return false;
	t->at++;
	return true;
}

/* alg_text_blanks: take all spaces and tabs, and line ends of folded headers. */
static inline void
alg_text_blanks(struct alg_text *t)
{
	while (t->at < t->end &&
		(*t->at == ' ' || *t->at == '\t' || *t->at == '\r' || *t->at == '\n'))
		t->at++;
}

/* alg_text_trim: take blanks off both ends. */
static inline void
alg_text_trim(struct alg_text *t)
{
	alg_text_blanks(t);
	while (t->end > t->at && (t->end[-1] == ' ' || t->end[-1] == '\t' || t->end[-1] == '\r' ||
					 t->end[-1] == '\n'))
		t->end--;
}

/* alg_text_word: these bytes, large or small letters; `word` is in small ones. */
bool alg_text_word(struct alg_text *, const char *word);
/* alg_text_is: the same of the whole text. */
bool alg_text_is(const struct alg_text *, const char *word);
/* alg_text_number: decimal, without leading zeros, at most `max`. */
bool alg_text_number(struct alg_text *, uint32_t max, uint32_t *);
/* alg_text_v4, alg_text_v6: an address that a host may have: no group, not 0.0.0.0. */
bool alg_text_v4(struct alg_text *, struct ip_addr *);
bool alg_text_v6(struct alg_text *, struct ip_addr *);
/* alg_text_line: the next line, without its end (LF, or CR LF). => false: there is no LF */
bool alg_text_line(struct alg_text *, struct alg_text *line);
/* alg_text_until: what is in front of the next of these bytes, or everything; the byte stays. */
struct alg_text alg_text_until(struct alg_text *, const char *bytes);

/* What the first line of a message of SIP's and RTSP's kind is. */
enum alg_start {
	ALG_START_PART, /* not whole yet, but may become one */
	ALG_START_REQUEST,
	ALG_START_REPLY,
	ALG_START_ALIEN
};

/* alg_text_start: `version`: "SIP/2.0 ", with a space behind it.  *method,
 * *target: of a request; *status: of a reply.  Takes the line. */
enum alg_start alg_text_start(struct alg_text *, const char *version, struct alg_text *method,
	struct alg_text *target, uint32_t *status);
/* alg_text_header: the next header, with lines that it is folded over.  => false: the blank line
 * behind the last one (it is taken), or a header that is not whole (*whole = false).  A line that
 * is no header has an empty name. */
bool alg_text_header(struct alg_text *, struct alg_text *name, struct alg_text *value, bool *whole);
/* alg_text_list: the next of what commas separate, those in quotes and in <> left aside. */
bool alg_text_list(struct alg_text *, struct alg_text *item);
/* alg_text_length: the value of Content-Length, the first and only one of a message. */
bool alg_text_length(const struct alg_text *value, bool *seen, uint32_t *length);

/* alg_text_add: one more finding, for the bytes of `what`, which lie in `text`; its place is that
 * of the text.  `what` NULL: no bytes.  => NULL: too many. */
struct alg_finding *alg_text_add(
	struct alg_findings *, const char *text, const struct alg_text *what);
/* alg_text_hash: of a call's name.  => never 0 */
uint32_t alg_text_hash(const struct alg_text *);

/* alg_text_put: formatted.  => its length; 0: does not fit */
uint32_t alg_text_put(char *buf, uint32_t size, const char *format, ...)
	__attribute__((format(printf, 3, 4)));
/* alg_text_print: print of struct alg for the forms above. */
uint32_t alg_text_print(
	const struct alg_finding *, const struct alg_endpoint *, char *buf, uint32_t size);
