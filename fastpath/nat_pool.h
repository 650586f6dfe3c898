/*
 * The outside addresses and ports of one address group.
 *
 * PAT: every (address, protocol, port) is one bit, set by whoever gets it: that nothing is handed
 * out twice hangs on this bit alone.  Ports are grouped in blocks, which workers own: a worker
 * takes ports of its own blocks, takes free blocks when it needs more, and whoever gives the last
 * port of a block back frees the block.  So workers stay out of each other's cache lines as long as
 * there are blocks left; when there are none they take what others' blocks still have.
 *
 * NO-PAT: a host has an address to itself for as long as it has sessions.
 *
 * Any worker may give back what another has got.  Nothing is allocated after creation; there is no
 * lock but that of a NO-PAT host's place, while it gets its address.
 *
 * Addresses are in network byte order, but for sections; ports are in network byte order.
 */
#pragma once

#include <rte_byteorder.h>

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#define NAT_POOL_ADDRESSES 4096 /* at most */
#define NAT_POOL_PROTOCOLS 3	/* that have ports: TCP, UDP, ICMP (identifiers of echo) */
#define NAT_POOL_UNOWNED   UINT16_MAX

/* Halves of each address's ports, for two boxes that share the addresses: of the ports below 1024
 * the lower and the upper ones, of the others every second thousand. */
#define NAT_HALF_PRIMARY   1
#define NAT_HALF_SECONDARY 2
#define NAT_WHOLE	   (NAT_HALF_PRIMARY | NAT_HALF_SECONDARY)

struct nat_pool;
struct session_table;

enum nat_pool_mode { NAT_POOL_PAT, NAT_POOL_NO_PAT };

struct nat_pool_section {
	uint32_t from, to; /* addresses, host byte order, both included */
};

struct nat_pool_params {
	enum nat_pool_mode mode;
	const struct nat_pool_section *sections; /* do not overlap */
	unsigned int section_count;
	uint32_t block;	  /* ports: 64, 128, 256, 512 or 1024 */
	bool paired;	  /* a host keeps to one address, and is refused when that has no port */
	uint16_t workers; /* 1-32 */
	/* Choose ports whose replies are at home at the worker that asks; NULL: any.  The table
	 * must stay for as long as the pool. */
	const struct session_table *homes;
	/* PAT: what nat_pool_take() may hand out, NAT_HALF_*; others may change it, and it must
	 * stay for as long as the pool.  NULL: the whole. */
	const _Atomic(uint8_t) *halves;
	uint64_t seed; /* random; a host's address does not depend on it */
	int socket;
	/* Pools there are: nothing that they hand out of an address which is in this one, too, is
	 * handed out here, and the other way round.  Those without PAT do not know of those with
	 * it. */
	const struct nat_pool *const *others;
	uint32_t other_count;
};

/* Who asks for what. */
struct nat_want {
	uint16_t worker;
	uint8_t proto;
	rte_be32_t host; /* source address and port (ICMP: identifier) of the first packet */
	rte_be16_t port;
	rte_be32_t remote; /* its destination, as it will be sent: what the reply comes from */
	rte_be16_t remote_port;
	rte_be32_t at; /* PAT: at this address only; 0: at any */
};

struct nat_got {
	rte_be32_t addr;
	rte_be16_t port;
};

enum nat_refusal {
	NAT_OK,
	NAT_NO_PORT,	/* none left in the port's class (of this host's address, when paired) */
	NAT_NO_ADDRESS, /* NO-PAT: every address belongs to a host */
	NAT_NO_PORTS_IN_PROTOCOL, /* PAT of a protocol without ports */
	NAT_TAKEN,		  /* claim: somebody else has it */
	NAT_NOT_OURS		  /* claim: not an address of this pool */
};

/* Pools are created and destroyed by one thread.  => NULL with errno EINVAL or ENOMEM. */
struct nat_pool *nat_pool_create(const struct nat_pool_params *);
void nat_pool_destroy(struct nat_pool *);
uint32_t nat_pool_addresses(const struct nat_pool *);
uint64_t nat_pool_memory(const struct nat_pool *); /* bytes, with what it shares */
/* => Is this an address of the pool? */
bool nat_pool_has(const struct nat_pool *, rte_be32_t addr);

/* nat_pool_half: which half a port (host byte order) is in. */
static inline uint8_t
nat_pool_half(uint32_t port)
{
	return (port < 1024 ? port >> 9 : port >> 10) & 1 ? NAT_HALF_SECONDARY : NAT_HALF_PRIMARY;
}

/* nat_pool_take: an address and a port for a new session (NO-PAT: the host's address, counted, and
 * the port it has).
 * => Worker w->worker only.  The port is in the class of the host's (below 1024, or not) always, of
 *    its parity as long as there is one (RFC 4787 REQ-3, REQ-4), and the same if that is free and
 *    its replies come home.  With `homes`, it is one whose replies do, as long as a block of this
 *    worker or a free one has such a port.  ICMP identifiers have neither class nor parity. */
enum nat_refusal nat_pool_take(struct nat_pool *, const struct nat_want *, struct nat_got *);

/* nat_pool_claim: the peer has handed out exactly this; so have we.  `host` as in nat_want.
 * => Any lcore. */
enum nat_refusal nat_pool_claim(
	struct nat_pool *, uint8_t proto, rte_be32_t host, const struct nat_got *);

/* nat_pool_give: a session is over; what it was given, once.
 * => Any lcore.  false: nobody had it, or it is not of this pool. */
bool nat_pool_give(struct nat_pool *, uint8_t proto, const struct nat_got *);

/* For shows: one look, while others go on. */
struct nat_block_usage {
	rte_be32_t addr;
	uint16_t first;			   /* port */
	uint16_t owner;			   /* worker or NAT_POOL_UNOWNED */
	uint16_t used[NAT_POOL_PROTOCOLS]; /* ports: TCP, UDP, ICMP */
};

struct nat_usage {
	uint32_t blocks; /* owned by the worker; of the pool: owned by anybody or in use */
	uint32_t used[NAT_POOL_PROTOCOLS];
	uint32_t hosts; /* NO-PAT, of the pool: addresses that belong to a host, here or in another
			 * pool */
};

/* nat_pool_blocks: how many blocks the pool has (NO-PAT: 0); nat_pool_block: the n-th. */
uint32_t nat_pool_blocks(const struct nat_pool *);
struct nat_block_usage nat_pool_block(const struct nat_pool *, uint32_t n);
/* nat_pool_usage: what a worker's blocks hold, or, for NAT_POOL_UNOWNED, the whole pool. */
struct nat_usage nat_pool_usage(const struct nat_pool *, uint16_t worker);
/* nat_pool_host: NO-PAT: the host that has this address, and its number of sessions. */
bool nat_pool_host(const struct nat_pool *, rte_be32_t addr, rte_be32_t *host, uint32_t *sessions);
