/*
 * What the log says of heartbeat links.  Control core only.
 */
#pragma once

#include "ha_bus.h"
#include "hrp.h"
#include "log.h"

#define HA_LINKS_TEXT 160 /* of ha_links_text(); longer ones are cut */

struct ha_links {
	uint16_t count;
	bool worked; /* some link was ready, when last looked at */
	bool mirrored;
	struct ha_link {
		char name[48]; /* of its interface */
		bool heartbeat_only;
		uint8_t state, wiring;
		struct log_limit limit, wiring_limit;
	} list[HRP_LINKS_MAX];
};

/* At start. */
void ha_links_add(struct ha_links *, const struct hrp_heartbeat *);
/* ha_links_news: an HA_MSG_LINK. */
void ha_links_news(struct ha_links *, const struct ha_msg *, mono_t now);
/* What has become of each. */
void ha_links_text(const struct ha_links *, char *out, size_t size);
