/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Member type: the way to a host (`hrp track`, R43).  Failed while no route leads there, its
 * interface is down, or its next hop does not answer.
 */
#include "config_address.h"
#include "mon.h"
#include "role.h"

#include <stdio.h>

static int
route_works(const struct mon_member *m, const struct role_ops *ops)
{
	return ops->reaches(ops->ctx, &m->destination);
}

static int route_collect(struct mon *, const struct config *, char *err, size_t err_size);

extern const struct mon_type mon_type_route;
const struct mon_type mon_type_route = {
	.name = "route",
	.down = "no way",
	.up = "there is a way",
	.collect = route_collect,
	.ask = route_works,
};

static int
route_collect(struct mon *m, const struct config *config, char *err, size_t err_size)
{
	const struct config_hrp *const hrp = config_section_data(config, "hrp");
	char text[CONFIG_IP_TEXT];

	for (uint32_t i = 0; hrp != NULL && i < hrp->track.count; i++) {
		const struct config_track *const t =
			&((const struct config_track *)hrp->track.items)[i];

		if (t->group == VGMP_GROUP_NONE || t->destination.family == 0)
			continue;
		struct mon_member x = {
			.type = &mon_type_route,
			.group = (uint8_t)t->group,
			.failed = true, /* until it is known */
			.destination = t->destination,
		};

		snprintf(x.name, sizeof(x.name), "way to %s",
			config_address_ip_text(&t->destination, text));
		const int rc = mon_add(m, &x, err, err_size);
		if (rc != 0)
			return rc;
	}
	return 0;
}
