/*
 * The EAL and its devices, from the configuration.
 */
#pragma once

#include "config.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* eal_start: rte_eal_init with arguments made from section `system` and the PCI addresses of
 * `ports`; `verbose`: DPDK may say more than errors.  => 0, or -1 with a one-line reason. */
int eal_start(const struct config *, bool verbose, char *err, size_t err_size);

/* eal_probe: the ethdev of a port's devargs: a PCI address probed at start, or a virtual device
 * made now.  => 0, or -1 with a one-line reason. */
int eal_probe(const char *devargs, uint16_t *ethdev, char *err, size_t err_size);
