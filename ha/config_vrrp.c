/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What the section `vrrp` says, for whoever sets groups up; what it shares with the section `hrp`.
 */
#include "config_address.h"
#include "ha_config.h"

#include <stdlib.h>
#include <string.h>

uint32_t
config_vrrp_addresses(const struct config_vrrp *v, struct ip_addr out[VRRP_ADDRESSES])
{
	const struct config_span *const more = v->more.items;
	struct ip_addr all[VRRP_ADDRESSES];
	uint32_t count = 0, n = 0;

	if (v->virtual_ip.address != 0)
		all[count++] = ip_addr_v4(v->virtual_ip.address);
	if (v->virtual_ip6.family != 0)
		all[count++] = v->virtual_ip6;
	for (uint32_t i = 0; i < v->more.count && count < VRRP_ADDRESSES; i++)
		all[count++] = more[i].first;
	for (unsigned int pass = 0; pass < 3; pass++) {
		for (uint32_t i = 0; i < count; i++) {
			const bool six = all[i].family == 6;

			if (pass == (!six ? 0u : ip6_is_link_local(all[i].v6) ? 1u : 2u))
				out[n++] = all[i];
		}
	}
	return n;
}

bool
config_vrrp_is_owner(const struct config_interface *own, const struct config_vrrp *v)
{
	struct ip_addr all[VRRP_ADDRESSES];
	const uint32_t n = config_vrrp_addresses(v, all);

	for (uint32_t i = 0; i < n && own->address.len != 0; i++) {
		if (all[i].family == 4 && all[i].v4 == own->address.address)
			return true;
	}
	return false;
}

struct ip_addr
config_vrrp_source6(const struct config_interface *own, const struct ip_addr *peer)
{
	const struct config_net *const nets = own->address6.items;

	for (uint32_t i = 0; i < own->address6.count; i++) {
		if (!ip6_is_link_local(peer->v6) && config_address_net_in(&nets[i], peer))
			return nets[i].address;
	}
	return (struct ip_addr){ .family = 0 };
}

int
config_track_check(struct config *c, const struct config_origin *origin, const char *interface,
	const struct ip_addr *destination, const char *script)
{
	const int set = (interface[0] != '\0') + (destination->family != 0) + (script[0] != '\0');

	if (set != 1)
		return config_fail(c, origin, "interface",
			"expected either this, or a destination, or a script");
	if (interface[0] != '\0' && config_interface_index(c, interface) < 0)
		return config_fail(c, origin, "interface",
			"unknown interface \"%s\", expected the name of one in the section "
			"interfaces",
			interface);
	if (script[0] != '\0' && config_script_index(c, script) < 0)
		return config_fail(c, origin, "script",
			"unknown script \"%s\", expected the name of one in the section scripts",
			script);
	return 0;
}

int
config_vrrp_secret(const char *text, uint8_t out[VRRP_HMAC_KEY_MAX])
{
	const bool hex = strncmp(text, "hex:", 4) == 0;
	const char *const digits = text + 4;
	const size_t len = hex ? strlen(digits) / 2 : strlen(text);

	if (len < VRRP_HMAC_KEY_MIN || len > VRRP_HMAC_KEY_MAX)
		return -1;
	if (!hex) {
		memcpy(out, text, len);
		return (int)len;
	}
	if (strlen(digits) != 2 * len || strspn(digits, "0123456789abcdefABCDEF") != 2 * len)
		return -1;
	for (size_t i = 0; i < len; i++) {
		const char octet[3] = { digits[2 * i], digits[2 * i + 1] };

		out[i] = (uint8_t)strtoul(octet, NULL, 16);
	}
	return (int)len;
}

bool
config_vrrp_hmac(const struct config_vrrp *v, struct vrrp_hmac_setup *out)
{
	const struct config_vrrp_key *const keys = v->auth.keys.items;
	const int64_t window_s = 3 * v->advert_ms / 1000;

	if (v->auth.type == 0)
		return false;
	*out = (struct vrrp_hmac_setup){ .mode = (enum vrrp_hmac_mode)v->auth.mode,
		.replay = (enum vrrp_hmac_replay)v->auth.replay,
		.window_s = (uint32_t)v->auth.window_s,
		.send_key = (uint8_t)(v->auth.send_key != 0 ? v->auth.send_key : keys[0].id),
		.key_count = (uint8_t)v->auth.keys.count };
	if (out->window_s == 0)
		out->window_s = window_s < VRRP_HMAC_WINDOW_MIN	  ? VRRP_HMAC_WINDOW_MIN
				: window_s > VRRP_HMAC_WINDOW_MAX ? VRRP_HMAC_WINDOW_MAX
								  : (uint32_t)window_s;
	for (uint8_t i = 0; i < out->key_count; i++) {
		out->keys[i].id = (uint8_t)keys[i].id;
		out->keys[i].len = (uint8_t)config_vrrp_secret(keys[i].secret, out->keys[i].secret);
	}
	return true;
}
