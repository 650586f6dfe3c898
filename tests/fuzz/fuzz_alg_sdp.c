/* SPDX-License-Identifier: BSD-3-Clause */
#include "sdp_alg.h"
#include "text.h"

const struct alg *
text_alg(void)
{
	return &sdp_alg;
}
