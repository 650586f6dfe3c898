/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Member type: an interface watched directly (`hrp track`).  Failed while it is down.
 */
#include "mon.h"

#include <stdio.h>

static bool
interface_link_changed(const struct mon_member *m, uint16_t interface, bool up)
{
	return m->interface == interface ? !up : m->failed;
}

static int interface_collect(struct mon *, const struct config *, char *err, size_t err_size);

extern const struct mon_type mon_type_interface;
const struct mon_type mon_type_interface = {
	.name = "interface",
	.down = "interface down",
	.up = "interface up",
	.collect = interface_collect,
	.link = interface_link_changed,
};

static int
interface_collect(struct mon *m, const struct config *config, char *err, size_t err_size)
{
	const struct config_hrp *const hrp = config_section_data(config, "hrp");

	for (uint32_t i = 0; hrp != NULL && i < hrp->track.count; i++) {
		const struct config_track *const t =
			&((const struct config_track *)hrp->track.items)[i];
		const int interface = config_interface_index(config, t->interface);

		if (t->group == VGMP_GROUP_NONE || interface < 0)
			continue;
		struct mon_member x = {
			.type = &mon_type_interface,
			.group = (uint8_t)t->group,
			.failed = true, /* until it is heard of */
			.interface = (uint16_t)interface,
		};

		snprintf(x.name, sizeof(x.name), "%.47s", t->interface);
		const int rc = mon_add(m, &x, err, err_size);
		if (rc != 0)
			return rc;
	}
	return 0;
}
