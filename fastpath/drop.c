/* SPDX-License-Identifier: BSD-3-Clause */
#include "drop.h"

const char *const drop_names[DROP_REASON_COUNT] = { "none",
#define X(name, text) #name,
	DROP_REASONS(X)
#undef X
};

const char *const drop_texts[DROP_REASON_COUNT] = { "not dropped",
#define X(name, text) text,
	DROP_REASONS(X)
#undef X
};
