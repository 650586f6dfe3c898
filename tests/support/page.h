/*
 * A part of a page in docs/ that a program writes, between two marker lines of its own.
 *
 *   PROGRAM                print it
 *   PROGRAM --check FILE   fail when FILE holds another one
 *   PROGRAM --write FILE   put it into FILE
 */
#pragma once

struct page_part {
	const char *begin, *end; /* whole lines */
	const char *text;	 /* what belongs between them */
	const char *source;	 /* what the text is made from, for the complaint */
};

/* page_main: what main() does with its arguments. => exit code. */
int page_main(int argc, char **argv, const struct page_part *);
