/* SPDX-License-Identifier: BSD-3-Clause */
#include "notice.h"

#include "clock.h"

const char *const notice_names[NOTICE_KINDS] = { [NOTICE_NONE] = "none",
#define X(name, text) [NOTICE_##name] = #name,
	NOTICE_KINDS_LIST(X)
#undef X
};

const char *const notice_texts[NOTICE_KINDS] = { [NOTICE_NONE] = "",
#define X(name, text) [NOTICE_##name] = text,
	NOTICE_KINDS_LIST(X)
#undef X
};

void
notice_settings_rate(struct notice_settings *s, uint32_t rate, uint32_t burst)
{
	s->interval_ns = NS_PER_SEC / rate;
	s->burst_ns = s->interval_ns * burst;
}
