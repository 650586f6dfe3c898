/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Member type: a VRRP group that belongs to a VGMP group.  Failed while its interface is down, that
 * is, while it is in Initialize (R62).
 */
#include "mon.h"

#include <stdio.h>

static bool
vrrp_link_changed(const struct mon_member *m, uint16_t interface, bool up)
{
	return m->interface == interface ? !up : m->failed;
}

static int vrrp_collect(struct mon *, const struct config *, char *err, size_t err_size);

extern const struct mon_type mon_type_vrrp;
const struct mon_type mon_type_vrrp = {
	.name = "vrrp",
	.down = "interface down",
	.up = "interface up",
	.collect = vrrp_collect,
	.link = vrrp_link_changed,
};

static int
vrrp_collect(struct mon *m, const struct config *config, char *err, size_t err_size)
{
	const struct config_list *const list = config_section_data(config, "vrrp");

	for (uint32_t i = 0; list != NULL && i < list->count; i++) {
		const struct config_vrrp *const v = &((const struct config_vrrp *)list->items)[i];
		const int interface = config_interface_index(config, v->interface);

		if (v->group == VGMP_GROUP_NONE || interface < 0)
			continue;
		struct mon_member x = {
			.type = &mon_type_vrrp,
			.group = (uint8_t)v->group,
			.failed = true, /* until its interface is heard of */
			.vrid = (uint8_t)v->vrid,
			.interface = (uint16_t)interface,
		};

		snprintf(x.name, sizeof(x.name), "%.40s vrrp vrid %u", v->interface, x.vrid);
		const int rc = mon_add(m, &x, err, err_size);
		if (rc != 0)
			return rc;
	}
	return 0;
}
