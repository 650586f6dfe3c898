/*
 * From the configuration's rules and objects to a compiled policy.  Management thread only.
 */
#pragma once

#include "config.h"
#include "policy.h"

#include <stddef.h>

/* publish_policy: => NULL with a one-line reason. */
struct policy *publish_policy(const struct config *, char *err, size_t err_size);
