/*
 * Where the seconds of the engine's clock lie in the time of the world.
 */
#pragma once

#include <stdint.h>

/* One moment in both. */
struct log_time {
	uint64_t wall_ms;  /* since 1970 */
	uint32_t engine_s; /* mono_seconds() */
};

/* log_time_wall: the milliseconds since 1970 of an engine's second, before or after that moment. */
static inline uint64_t
log_time_wall(const struct log_time *t, uint32_t second)
{
	return t->wall_ms - (uint64_t)((int64_t)(int32_t)(t->engine_s - second) * 1000);
}
