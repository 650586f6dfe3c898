# SPDX-License-Identifier: BSD-3-Clause
"""Traffic across a fault: everything the lab can measure, at once.

    with Traffic(lab) as traffic:
        traffic.flow(2.0)                 # let it run
        fault = ...                       # break something, note the time
        traffic.flow(3.0)
        report = traffic.finish()         # probe, flows, download, events
"""
import time

from . import download, flows, probe, watch
from .tool import Tool
from .topology import SERVER

PERIOD_US = 1000
FLOW_PERIOD = 0.02


class Servers:
    """The server's programs; they serve any number of rounds."""

    def __init__(self, lab, period=FLOW_PERIOD):
        self.lab = lab
        self.tools = [Tool(lab, "srv", "flows", "server", flows.PORT, period),
                      Tool(lab, "srv", "download", download.PORT)]

    def close(self):
        for tool in self.tools:
            tool.kill()


class Traffic:
    """Observer, probe, connections and download of one round; each part can be left out."""

    def __init__(self, lab, connections=50, download_bytes=0, download_rate=2_000_000,
                 period=FLOW_PERIOD):
        self.lab, self.period = lab, period
        self.connections = connections
        self.download_bytes, self.download_rate = download_bytes, download_rate
        self._tools = {}
        self._download = None

    def __enter__(self):
        try:
            self._start()
        except BaseException:
            self.kill()
            raise
        return self

    def __exit__(self, *exc):
        self.kill()

    def _start(self):
        lab, tools = self.lab, self._tools
        tools["watch"] = Tool(lab, "sw", "watch", wait=False)
        tools["echo"] = Tool(lab, "srv", "probe", "server", probe.PORT, wait=False)
        if self.connections:
            tools["flows"] = Tool(lab, "cli", "flows", "client", SERVER, flows.PORT,
                                  self.connections, self.period, wait=False)
        for tool in tools.values():
            tool.wait_ready()
        if self.download_bytes:
            self._download = download.Download(lab, "cli", SERVER, self.download_bytes,
                                               self.download_rate)
        tools["probe"] = Tool(lab, "cli", "probe", "client", SERVER, probe.PORT, PERIOD_US)

    @staticmethod
    def flow(seconds):
        """Let the traffic run; this is the traffic's duration, not a wait for something."""
        time.sleep(seconds)

    def finish(self):
        tools, report = self._tools, {}
        if self._download:  # first, so that the rest still runs beside it
            report["download"] = self._download.finish()
        if "flows" in tools:
            report["flows"] = tools["flows"].finish()
        report["probe"] = probe.report(tools["probe"].finish(), tools["echo"].finish())
        events, missed = watch.load(tools["watch"].finish())
        report["events"], report["missed_by_observer"] = events, missed
        return report

    def kill(self):
        for tool in self._tools.values():
            tool.kill()
        if self._download:
            self._download.kill()
