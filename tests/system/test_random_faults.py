# SPDX-License-Identifier: BSD-3-Clause
"""Faults in random order, each on a pair that the one before has left.  The seed stands in the names of the
cases; TWINWALL_SEED=N makes the same faults again."""
import os
import random

import pytest

from twlab.config import add_second_heartbeat
from twlab.faults import RANDOM

COUNT = 20
AFTER = 0.6	 # seconds of traffic
SEED = int(os.environ.get("TWINWALL_SEED") or random.SystemRandom().randrange(10**6))
ORDER = random.Random(SEED).choices(RANDOM, k=COUNT)


@pytest.fixture(scope="module")
def module_config(lab):
    lab.second_heartbeat()
    return add_second_heartbeat


@pytest.mark.parametrize("number", range(COUNT),
                         ids=[f"seed{SEED}_{n + 1}_{f.key}" for n, f in enumerate(ORDER)])
def test_random_fault(boxes, servers, number):
    fault = ORDER[number]
    r = fault.round(boxes, seconds=min(fault.after, AFTER), rng=random.Random(f"{SEED} {number}"))
    assert not r.wrong, f"{r.wrong} {r.row}"
