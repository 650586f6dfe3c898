/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * VRRP packets and time at one plain group.  Input: how the group is set (4 bytes), then events:
 * two bytes that say what comes, a length, and so many bytes over a good advert from the start of
 * its IP header.  Or time.
 *
 * What must hold: a refused packet changes nothing of the group; what is taken reads the same when
 * it is built again; a Backup waits no longer than any advert can ask for, and a Master no longer
 * than its interval.
 */
#include "fuzz_check.h"
#include "fuzz_input.h"
#include "ha_constants.h"
#include "vrrp.h"

#include <rte_ip.h>

#include <stdint.h>
#include <string.h>

#define IP	14 /* offset in a frame */
#define WALL_NS (UINT64_C(1800000000) * NS_PER_SEC)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct ip_addr
address(uint8_t family, uint8_t last)
{
	const uint8_t six[IP6_LEN] = { 0xfe, 0x80, [15] = last };

	return family == 6 ? ip_addr_v6(six) : ip_addr_v4(rte_cpu_to_be_32(0x0a010100u | last));
}

static struct vrrp_hmac *
keys(uint8_t mode)
{
	const struct vrrp_hmac_setup k = { .mode = (enum vrrp_hmac_mode)(mode % 3),
		.window_s = 5,
		.send_key = 1,
		.key_count = 1,
		.keys = { { .id = 1, .len = 32, .secret = "0123456789" } } };
	struct vrrp_hmac *const h = vrrp_hmac_create(&k);

	FUZZ_CHECK(h != NULL, "out of memory");
	return h;
}

static struct vrrp_setup
setup(struct fuzz_input *in)
{
	const uint8_t flags = fuzz_byte(in);
	const uint8_t family = flags & 1 ? 6 : 4;
	struct vrrp_setup s = {
		.vrid = 7,
		.version = flags & 2 ? 2 : 3,
		.preempt = (flags & 4) != 0,
		.any_ttl = (flags & 8) != 0,
		.authenticated = (flags & 16) != 0 && (flags & 3) == 2,
		.peer_count = flags & 32 ? 1 : 0,
		.checksum = flags >> 6 & 1 ? VRRP_CHECKSUM_PLAIN : VRRP_CHECKSUM_AUTO,
		.priority = fuzz_byte(in),
		.preempt_delay_ms = fuzz_byte(in) * 10u,
		.address_count = 1,
		.addresses = { address(family, 1) },
		.peers = { address(family, 9) },
		.password = "1111",
	};

	if (s.priority == 0)
		s.priority = 1;
	if (flags & 128)
		s.hmac = keys(s.priority);
	s.advert_ms = family == 4 && s.version == 2 ? 1000 : 10u * (1 + fuzz_byte(in));
	return s;
}

/* The checksum of what came out, in the form that `choice` says. */
static void
mend(uint8_t *p, size_t len, uint8_t choice)
{
	struct rte_ipv4_hdr ip;
	struct rte_ipv6_hdr ip6;
	uint32_t sum;
	const size_t at = p[0] >> 4 == 6 ? sizeof(ip6) : sizeof(ip);

	if (len < at + 8)
		return;
	memset(p + at + 6, 0, 2);
	sum = rte_raw_cksum(p + at, len - at);
	if (at == sizeof(ip6)) {
		memcpy(&ip6, p, sizeof(ip6));
		ip6.proto = VRRP_PROTOCOL; /* DPDK shifts a large one out of an int */
		sum += rte_ipv6_phdr_cksum(&ip6, 0);
	} else if (choice & 1) {
		memcpy(&ip, p, sizeof(ip));
		if (rte_be_to_cpu_16(ip.total_length) >= sizeof(ip))
			sum += rte_ipv4_phdr_cksum(&ip, 0);
	}
	sum = (sum & 0xffff) + (sum >> 16);
	const rte_be16_t put = (rte_be16_t)~sum;

	memcpy(p + at + 6, &put, 2);
}

static void
check_again(const struct vrrp_advert *a)
{
	uint8_t frame[VRRP_WIRE_FRAME_MAX];
	struct vrrp_advert out = *a, got;
	const uint16_t len = vrrp_wire_build(frame, &out);

	FUZZ_CHECK(vrrp_wire_check(frame + IP, (uint16_t)(len - IP), &got) == VRRP_OK,
		"what was taken is refused when built again");
	FUZZ_CHECK(got.vrid == a->vrid && got.priority == a->priority && got.count == a->count &&
			   got.interval_ms == a->interval_ms && got.version == a->version &&
			   memcmp(got.addresses, a->addresses, sizeof(got.addresses)) == 0,
		"what was taken reads otherwise when built again");
}

static void
check_timer(const struct vrrp *v, mono_t now)
{
	const uint64_t longest = v->state == VRRP_MASTER ? v->set.advert_ms * NS_PER_MS
							 : 4 * UINT64_C(255000) * NS_PER_MS;

	FUZZ_CHECK(v->state != VRRP_INITIALIZE && v->due.ns <= now.ns + longest, "due in %llu ns",
		(unsigned long long)(v->due.ns - now.ns));
	FUZZ_CHECK(v->priority == v->set.priority && v->master_advert_ms > 0, "learned too much");
}

static void
packet(struct vrrp *v, struct fuzz_input *in, uint8_t what, mono_t now)
{
	const uint8_t family = v->set.addresses[0].family;
	const struct ip_addr own = address(family, 2);
	uint8_t frame[VRRP_WIRE_FRAME_MAX], cut = fuzz_byte(in), n = fuzz_byte(in);
	struct vrrp_advert a;
	struct vrrp before;
	enum vrrp_refusal why;

	const bool six = family == 6, second = v->set.version == 2;
	size_t summed = six ? 64 : second ? 40 : 32;

	vrrp_advert_of(v, family, fuzz_byte(in), &a);
	a.source = address(family, what & 2 ? 9 : 3);
	if (what & 4)
		a.destination = own;
	if (v->set.hmac != NULL && what & 16)
		vrrp_hmac_sign(v->set.hmac, &a, WALL_NS);
	if (six && a.has_trailer)
		summed += VRRP_WIRE_TRAILER;
	size_t len = (size_t)vrrp_wire_build(frame, &a) - IP;

	for (uint8_t i = 0; i < n && in->at < in->size; i++) {
		const uint8_t at = fuzz_byte(in);

		if (at < len)
			frame[IP + at] = fuzz_byte(in);
	}
	if (what & 8)
		mend(frame + IP, summed, what >> 5);
	if (cut < len && what & 0x80)
		len = cut;
	uint8_t *const exact = malloc(len != 0 ? len : 1); /* ASan watches its end */

	FUZZ_CHECK(exact != NULL, "out of memory");
	memcpy(exact, frame + IP, len);
	why = vrrp_wire_check(exact, (uint16_t)len, &a);
	if (why != VRRP_OK) {
		free(exact);
		return;
	}
	FUZZ_CHECK(a.count > 0, "no address");
	if (a.count <= VRRP_WIRE_ADDRESSES)
		check_again(&a);
	before = *v;
	a.wall_ns = WALL_NS;
	if (a.source.family == family && a.vrid == v->set.vrid)
		vrrp_receive(v, &a, &own, now, &why);
	free(exact);
	FUZZ_CHECK(why == VRRP_OK || memcmp(v, &before, sizeof(before)) == 0,
		"refused, and something has changed");
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct fuzz_input in = { .data = data, .size = size };
	mono_t now = { .ns = NS_PER_SEC };
	struct vrrp v;

	const struct vrrp_setup s = setup(&in);

	vrrp_init(&v, &s);
	vrrp_link(&v, true, now);
	while (in.at < in.size) {
		const uint8_t what = fuzz_byte(&in);

		if (what & 1) {
			packet(&v, &in, what, now);
		} else {
			now = mono_add_ms(now, (uint64_t)what * what);
			vrrp_tick(&v, now);
			if (v.state != VRRP_INITIALIZE && !mono_before(now, v.due))
				FUZZ_CHECK(false, "nothing was done at its time");
		}
		check_timer(&v, now);
	}
	vrrp_hmac_destroy(s.hmac);
	return 0;
}
