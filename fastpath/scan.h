/*
 * Scan detection: who tries many ports, or many hosts, in a short time?  Looked at are first
 * packets, permitted or not, and TCP segments with flags that no stack sends, in the zones where it
 * is on.  What a source has tried is kept in two bit maps (fastpath/source.h), a hashed bit for
 * each port and each host, so that it is told once however often it is repeated, and a source costs
 * the same whatever it tries; numbers near the limit are estimates.
 *
 * Workers tell the management thread, once for each source, kind and interval; it logs and enters
 * sources in the blacklist.
 */
#pragma once

#include "ip_addr.h"

#include <assert.h>
#include <stdint.h>

struct pkt;
struct worker;

enum scan_kind { SCAN_PORTS, SCAN_HOSTS, SCAN_KINDS };

/* How many bits of each map are too many (0 = never), and in which time. */
struct scan_limits {
	uint32_t bits[SCAN_KINDS];
	uint32_t interval_s;
};

struct scan_event {
	struct ip_addr source; /* host bits 0 */
	uint8_t len;
	uint8_t zone;
	uint8_t kind; /* enum scan_kind */
	uint8_t pad;
};
static_assert(sizeof(struct scan_event) == 24, "goes through a ring by value");

/* Bits of an address that make a source. */
#define SCAN_LEN4 32
#define SCAN_LEN6 64

/* What a limit may be: from there on the maps are too full to tell. */
#define SCAN_PORTS_MAX 500
#define SCAN_HOSTS_MAX 250

/* scan_bits: bits of a map of `size` that are set when `n` different things have been tried. */
uint32_t scan_bits(uint32_t size, uint32_t n);

/* scan_note: the packet's source has tried its destination.
 * => Where scan_zones of the snapshot has the packet's zone. */
void scan_note(struct worker *, const struct pkt *);
