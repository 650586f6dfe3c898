/*
 * Options of a TCP header whose bounds parse has checked.
 */
#pragma once

#include <rte_tcp.h>

#include <stdbool.h>
#include <stdint.h>

#define TCP_OPTION_MSS	  2
#define TCP_OPTION_WSCALE 3

/* tcp_options_sound: is each option's length possible?  (TCP-25) */
bool tcp_options_sound(const struct rte_tcp_hdr *);

/* tcp_option: find an option of a length of `len` bytes, kind and length included.
 * => Its first byte, `len` bytes inside the header; NULL when it is not there. */
uint8_t *tcp_option(struct rte_tcp_hdr *, uint8_t kind, uint8_t len);

/* tcp_mss_clamp: lower the maximum segment size of a SYN to `mss` (host order), the checksum by
 * difference.  A lower one and a SYN without one stay as they are (TCP-27). */
void tcp_mss_clamp(struct rte_tcp_hdr *, uint16_t mss);
