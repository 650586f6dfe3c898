/*
 * How operators say which packets they mean (trace, capture): rows for a table of words
 * (filter_word.h), and what becomes of them (fastpath/packet_filter.h).
 */
#pragma once

#include "filter_word.h"
#include "packet_filter.h"

struct packet_words {
	struct config_net address, source, destination;
	int port, source_port, destination_port, protocol; /* -1 = any */
	int both;
	uint8_t zone;	    /* 0 = any */
	uint16_t interface; /* INTERFACE_NONE = any */
};

#define PACKET_WORD_AT(outer, member)                                                              \
	offsetof(outer, packet) + offsetof(struct packet_words, member)
/* For a table whose struct has a member `struct packet_words packet`. */
#define PACKET_WORDS(outer)                                                                        \
	{ .word = "address",                                                                       \
		.key = "address",                                                                  \
		.kind = FILTER_NET,                                                                \
		.offset = PACKET_WORD_AT(outer, address) },                                        \
		{ .word = "port",                                                                  \
			.key = "port",                                                             \
			.kind = FILTER_PORT,                                                       \
			.offset = PACKET_WORD_AT(outer, port) },                                   \
		{ .word = "source",                                                                \
			.key = "source",                                                           \
			.kind = FILTER_NET,                                                        \
			.offset = PACKET_WORD_AT(outer, source) },                                 \
		{ .word = "destination",                                                           \
			.key = "destination",                                                      \
			.kind = FILTER_NET,                                                        \
			.offset = PACKET_WORD_AT(outer, destination) },                            \
		{ .word = "source-port",                                                           \
			.key = "source_port",                                                      \
			.kind = FILTER_PORT,                                                       \
			.offset = PACKET_WORD_AT(outer, source_port) },                            \
		{ .word = "destination-port",                                                      \
			.key = "destination_port",                                                 \
			.kind = FILTER_PORT,                                                       \
			.offset = PACKET_WORD_AT(outer, destination_port) },                       \
		{ .word = "protocol",                                                              \
			.key = "protocol",                                                         \
			.kind = FILTER_PROTOCOL,                                                   \
			.offset = PACKET_WORD_AT(outer, protocol) },                               \
		{ .word = "both",                                                                  \
			.key = "both",                                                             \
			.kind = FILTER_TRUE,                                                       \
			.offset = PACKET_WORD_AT(outer, both) },                                   \
		{ .word = "zone",                                                                  \
			.key = "zone",                                                             \
			.kind = FILTER_ZONE,                                                       \
			.offset = PACKET_WORD_AT(outer, zone) },                                   \
	{                                                                                          \
		.word = "interface", .key = "interface", .kind = FILTER_INTERFACE,                 \
		.offset = PACKET_WORD_AT(outer, interface)                                         \
	}

/* The words of the rows above, for help. */
#define PACKET_WORDS_HELP                                                                          \
	"address ADDRESS[/LENGTH], port N (of either side), source ADDRESS[/LENGTH], destination " \
	"ADDRESS[/LENGTH], source-port N, destination-port N, protocol NAME|N, both "              \
	"(directions), "                                                                           \
	"zone ZONE, interface NAME"

/* Any packet. */
#define PACKET_WORDS_ANY                                                                           \
	{                                                                                          \
		.port = -1, .source_port = -1, .destination_port = -1, .protocol = -1,             \
		.interface = INTERFACE_NONE                                                        \
	}

struct packet_filter packet_words_filter(const struct packet_words *);

/* packet_words_row: members of a row about a packet: protocol, source, source_port, ... */
void packet_words_row(json_t *row, const struct packet_fields *);
