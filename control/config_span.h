/*
 * Spans of addresses of either family as operators write them: "10.1.1.5", "10.1.1.0/24",
 * "10.1.1.5-10.1.1.9", "2001:db8::/32".
 */
#pragma once

#include "config.h"

/* config_span_parse: => true and *out filled; false with what is wrong with the text in `why`. */
bool config_span_parse(const char *text, struct config_span *out, const char **why);

#define CONFIG_SPAN_TEXT 96
/* config_span_text: the shortest way to write it. => buf */
const char *config_span_text(const struct config_span *, char buf[CONFIG_SPAN_TEXT]);
