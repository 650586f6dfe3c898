/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Programs that are told of changes of role, as two sections have them: the check.
 */
#include "ha_config.h"
#include "script_run.h"

int
config_notify_check(struct config *c, const struct config_origin *origin, const char *path,
	const char *user_name)
{
	char why[SCRIPT_PATH_MAX + 80], real[SCRIPT_PATH_MAX];
	struct script_user user;

	if (path[0] == '\0')
		return 0;
	if (script_user_find(user_name, &user, why, sizeof(why)) < 0)
		return config_fail(
			c, origin, "notify_user", "%s, expected one that this machine has", why);
	if (script_check(path, &user, real, why, sizeof(why)) < 0)
		return config_fail(c, origin, "notify",
			"%s, expected a program that only root and %s can change", why, user_name);
	return 0;
}
