/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Member type: a script (`hrp track`, R224).  Failed while it does not end with exit status 0.
 */
#include "mon.h"
#include "role.h"

#include <stdio.h>

static int
script_works(const struct mon_member *m, const struct role_ops *ops)
{
	return ops->script(ops->ctx, m->script);
}

static int script_collect(struct mon *, const struct config *, char *err, size_t err_size);

extern const struct mon_type mon_type_script;
const struct mon_type mon_type_script = {
	.name = "script",
	.down = "script down",
	.up = "script up",
	.collect = script_collect,
	.ask = script_works,
};

static int
script_collect(struct mon *m, const struct config *config, char *err, size_t err_size)
{
	const struct config_hrp *const hrp = config_section_data(config, "hrp");

	for (uint32_t i = 0; hrp != NULL && i < hrp->track.count; i++) {
		const struct config_track *const t =
			&((const struct config_track *)hrp->track.items)[i];

		if (t->group == VGMP_GROUP_NONE || t->script[0] == '\0')
			continue;
		struct mon_member x = {
			.type = &mon_type_script,
			.group = (uint8_t)t->group,
			.failed = true, /* until it is known */
			.script = (uint16_t)config_script_index(config, t->script),
		};

		snprintf(x.name, sizeof(x.name), "script %s", t->script);
		const int rc = mon_add(m, &x, err, err_size);
		if (rc != 0)
			return rc;
	}
	return 0;
}
