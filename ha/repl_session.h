/*
 * What other replicated tables ask of that of sessions.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

/* repl_session_copy: the copy of the peer's session of this name.  => HRP core; false: there is
 * none
 */
bool repl_session_copy(const void *t, uint32_t owner, uint16_t owner_generation, uint32_t *local,
	uint16_t *generation);
