# SPDX-License-Identifier: BSD-3-Clause
"""Polling with a deadline: nothing in the lab sleeps a fixed time and hopes."""
import time


class Timeout(AssertionError):
    """What was waited for did not happen."""


def wait_until(condition, timeout, what, every=0.02):
    """Poll until condition() is true and return its value; Timeout names `what` otherwise."""
    deadline = time.monotonic() + timeout
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() >= deadline:
            text = what() if callable(what) else what
            raise Timeout(f"not within {timeout:g} s: {text}")
        time.sleep(every)
