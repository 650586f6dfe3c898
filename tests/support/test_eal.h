/*
 * EAL for tests: no hugepages, no files, no devices but vdevs made by the test.
 */
#pragma once

/* test_eal_start: once per test program, with that many lcores on any CPU.  Exits on failure. */
void test_eal_start(unsigned int memory_mb, unsigned int lcores);
