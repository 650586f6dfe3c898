/*
 * How much of a heartbeat link is filled (R161).  Management thread.
 */
#pragma once

#include "engine.h"
#include "hrp.h"

/* => Mbit/s, as the driver says; 0 = it does not know. */
uint32_t hrp_usage_speed(const struct engine *, const struct hrp_link_status *);
/* => per cent of the speed in the busier direction, last whole second; negative = not known. */
double hrp_usage_percent(const struct engine *, const struct hrp_link_status *);
