/*
 * pcapng files (draft-ietf-opsawg-pcapng): one section, Ethernet interfaces with names, packets
 * with nanoseconds, direction and comment, statistics at the end.  Little endian or big, as the
 * machine.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

enum pcapng_direction { PCAPNG_UNKNOWN = 0, PCAPNG_INBOUND = 1, PCAPNG_OUTBOUND = 2 };

struct pcapng_packet {
	uint32_t interface; /* in the order of pcapng_interface() */
	uint64_t ns;	    /* since 1970 */
	uint32_t len, kept; /* of the frame, of it in `data` */
	const void *data;
	enum pcapng_direction direction;
	const char *comment; /* NULL or "": none */
};

/* Each: => bytes written, 0 when the stream has failed (errno). */
uint32_t pcapng_begin(FILE *, const char *application);
uint32_t pcapng_interface(FILE *, const char *name, const char *description, uint32_t snaplen);
uint32_t pcapng_packet(FILE *, const struct pcapng_packet *);
/* taken: packets in the file; missed: that could not be taken. */
uint32_t pcapng_statistics(
	FILE *, uint32_t interface, uint64_t ns, uint64_t taken, uint64_t missed);
