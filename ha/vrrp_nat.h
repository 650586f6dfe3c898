/*
 * Public addresses of translation and VRRP groups (P34).
 */
#pragma once

struct config;

/* vrrp_nat_check: in a subnet where boxes share addresses, public ones belong to a group too; no
 * virtual address is translated to as a whole. => 0 or -EINVAL */
int vrrp_nat_check(struct config *);
