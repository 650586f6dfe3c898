/*
 * Fuzz targets of ALGs: each names the ALG, text.c does the rest.  Input: a byte of choices, four
 * that endpoints are made of, then the text.
 *
 * What must hold of any text: findings lie inside the message, in order; no part of a message of a
 * stream says anything or is taken for another protocol; what is rewritten is read back with as
 * many findings, each as it was printed.
 */
#pragma once

#include "alg.h"

/* The target's. */
const struct alg *text_alg(void);
