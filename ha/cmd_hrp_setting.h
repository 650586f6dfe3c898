/*
 * What the commands of Huawei's console that configure answer here: where the setting stands, and
 * what it is.
 */
#pragma once

#include "config.h"

/* hrp_setting_answer: one line for `command` ("hrp enable"), "" if it is none of these.  Control
 * core. */
void hrp_setting_answer(const struct config *, const char *command, char *out, size_t size);
