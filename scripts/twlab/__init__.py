# SPDX-License-Identifier: BSD-3-Clause
"""The lab: a pair of Twinwall boxes, a client, a server and two switches in network namespaces.

scripts/lab, scripts/demo and tests/system are thin fronts of this package:

    topology   names and addresses of the lab
    netns      Lab: builds and removes the namespaces, runs programs in them
    config     the boxes' configuration as a dict, and its libconfig text
    box        Box and Pair: start, kill, freeze, wake, ask for the role
    tool       base of the traffic tools: small programs that run in a namespace
    probe      1 kHz numbered UDP echo: loss and the longest gap
    flows      many TCP connections that count both ways
    download   a long HTTP download with a checksum
    watch      observer on the switches' ports: who owns the virtual addresses, and when
    measure    all of the above across one fault
    breaks     what can be broken in the lab; relay, freeze: bad cables, threads that stand still
    rounds     one fault under traffic and its figures; a pair that can be put right again
    faults     the table of faults X01 to X31
    demo, cli, suite, fault_run, fault_figures    what the scripts call
"""
