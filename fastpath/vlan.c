/* SPDX-License-Identifier: BSD-3-Clause */
#include "vlan.h"

#include <rte_branch_prediction.h>
#include <rte_byteorder.h>
#include <rte_ether.h>

#include <string.h>

#define ADDRESSES  (2 * RTE_ETHER_ADDR_LEN)
#define TYPE_QINQ1 0x9100 /* before 802.1ad, as the next */
#define TYPE_QINQ2 0x9200

bool
vlan_is_tag(rte_be16_t type)
{
	return type == RTE_BE16(RTE_ETHER_TYPE_VLAN) || type == RTE_BE16(RTE_ETHER_TYPE_QINQ) ||
	       type == RTE_BE16(TYPE_QINQ1) || type == RTE_BE16(TYPE_QINQ2);
}

static rte_be16_t
type_of(const struct rte_mbuf *m)
{
	return rte_pktmbuf_mtod(m, const struct rte_ether_hdr *)->ether_type;
}

enum drop_reason
vlan_take(struct rte_mbuf *m, uint16_t *vid)
{
	uint8_t addresses[ADDRESSES];
	rte_be16_t tci;

	*vid = 0;
	if ((m->ol_flags & RTE_MBUF_F_RX_VLAN_STRIPPED) != 0) {
		*vid = m->vlan_tci & (VLAN_IDS - 1);
	} else if (type_of(m) == RTE_BE16(RTE_ETHER_TYPE_VLAN)) {
		if (unlikely(m->data_len < RTE_ETHER_HDR_LEN + VLAN_TAG_LEN))
			return DROP_runt;
		memcpy(&tci, rte_pktmbuf_mtod_offset(m, const uint8_t *, RTE_ETHER_HDR_LEN),
			sizeof(tci));
		memcpy(addresses, rte_pktmbuf_mtod(m, const void *), sizeof(addresses));
		m->data_off = (uint16_t)(m->data_off + VLAN_TAG_LEN);
		m->data_len = (uint16_t)(m->data_len - VLAN_TAG_LEN);
		m->pkt_len -= VLAN_TAG_LEN;
		memcpy(rte_pktmbuf_mtod(m, void *), addresses, sizeof(addresses));
		*vid = rte_be_to_cpu_16(tci) & (VLAN_IDS - 1);
	}
	return unlikely(vlan_is_tag(type_of(m))) ? DROP_vlan_stacked : DROP_NONE;
}

bool
vlan_put(struct rte_mbuf *m, uint16_t vid, bool by_driver)
{
	const rte_be16_t tag[2] = { RTE_BE16(RTE_ETHER_TYPE_VLAN), rte_cpu_to_be_16(vid) };
	char *front;

	if (by_driver) {
		m->vlan_tci = vid;
		m->ol_flags |= RTE_MBUF_F_TX_VLAN;
		return true;
	}
	front = rte_pktmbuf_prepend(m, VLAN_TAG_LEN);
	if (unlikely(front == NULL))
		return false;
	memmove(front, front + VLAN_TAG_LEN, ADDRESSES);
	memcpy(front + ADDRESSES, tag, sizeof(tag));
	return true;
}
