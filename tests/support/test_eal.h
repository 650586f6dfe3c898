/*
 * EAL for tests: no hugepages, no files, no devices but vdevs made by the test.
 */
#pragma once

/* test_eal_start: once per test program. `lcores` as for --lcores, NULL = one. Exits on failure. */
void test_eal_start(unsigned int memory_mb, const char *lcores);
