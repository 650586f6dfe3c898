/*
 * The constants of R259 and the protocol limits, on one page; each has a test.
 */
#pragma once

#define VGMP_PRIORITY_ACTIVE  65001 /* default of the Active group (R57) */
#define VGMP_PRIORITY_STANDBY 65000 /* default of the Standby group (R57) */
#define VGMP_PRIORITY_CHASSIS 45000 /* chassis: Standby group, plus 1000 a board (R58) */
#define VGMP_PRIORITY_BOARD   1000
#define VGMP_BOARDS_MAX	      64
#define VGMP_MEMBER_COST      2 /* per failed member (R62, R117) */
#define VGMP_REQUEST_TRIES    3 /* unanswered requests before giving up (R74, R78) */

#define HRP_HELLO_DEFAULT_MS   1000 /* R149 */
#define HRP_HELLO_MIN_MS       10
#define HRP_HELLO_MAX_MS       60000
#define HRP_MISSES_DEFAULT     3 /* R79 */
#define HRP_MISSES_MIN	       2
#define HRP_MISSES_MAX	       10
#define HRP_PREEMPT_DELAY_S    60 /* R99 */
#define HRP_UDP_PORT	       18514
#define HRP_UDP_SOURCE_CONTROL 49152
#define HRP_UDP_SOURCE_DATA    16384

#define VRRP_PROTOCOL	      112
#define VRRP_GROUP_ADDRESS    0xe0000012 /* 224.0.0.18; of IPv6 ff02::12 */
#define VRRP_ADVERT_MS	      1000	 /* R31 */
#define VRRP_PRIORITY_OWNER   255	 /* R39 */
#define VRRP_PRIORITY_RESIGN  0		 /* R36 */
#define VRRP_PRIORITY_VGMP    120	 /* advertised under VGMP (R52, C17) */
#define VRRP_PRIORITY_DEFAULT 100

/* Of a heartbeat port: what lies in its rings, and what HRP holds. */
#define HRP_PORT_BUFFERS 3072
