/* SPDX-License-Identifier: BSD-3-Clause */
#include "text.h"

const struct alg *
text_alg(void)
{
	return alg_of(ALG_FTP);
}
