/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Section `fragments`: how long fragments are held until their datagram is complete.  How much room
 * they have is said in section `system`.
 */
#include "config.h"
#include "snapshot.h"

// clang-format off
static const struct config_setting_desc settings[] = {
	{ .name = "forward", .type = SETTING_BOOL, SETTING_AT(struct config_fragments, forward),
	  .live = true, .fallback = "true",
	  .help = "Forward datagrams that come in fragments; `false` drops every fragment." },
	{ .name = "timeout_s", .type = SETTING_INT, SETTING_AT(struct config_fragments, timeout_s),
	  .live = true, .min = 1, .max = 600, .fallback = RTE_STR(FRAGMENTS_TIMEOUT), .unit = "s",
	  .help = "A datagram is dropped if it is not complete so long after its first fragment." },
	{ .name = "per_datagram", .type = SETTING_INT,
	  SETTING_AT(struct config_fragments, per_datagram),
	  .live = true, .min = 2, .max = 8192, .fallback = RTE_STR(FRAGMENTS_MOST),
	  .unit = "fragments",
	  .help = "A datagram of more fragments is dropped. The default is enough for every datagram on "
		  "links with an MTU of 1280 or more." },
	{ .name = NULL },
};
// clang-format on

const struct config_section config_section_fragments = {
	.name = "fragments",
	.replicated = true,
	.size = sizeof(struct config_fragments),
	.settings = settings,
	.help = "Datagrams in fragments: held until the last fragment has come, then looked at "
		"like "
		"a whole packet and forwarded as the fragments they came in.",
};
