"""What passes through a network, and how much of it."""
import json

import pytest

import processes
from lan import address, inside


@pytest.fixture
def daemon(wired):
    return wired


class Iperf:
    """A server of iperf3 there."""

    def __init__(self, space, *prefix):
        self.space, self.process = space, space.spawn(*prefix, "iperf3", "-s")
        processes.wait_until(lambda: ":5201" in space(*prefix, "ss", "-Hltn"))

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.kill()
        self.process.wait()

    def measure(self, prefix, host, *options):
        """What arrived in two seconds, in bytes."""
        argv = [*prefix, "iperf3", "-c", host, "-t", "2", "-J", *options]
        return json.loads(self.space(*argv))["end"]["sum_received"]["bytes"]


def test_a_rate_bounds_what_passes_in_each_direction(ctl, daemon, wire):
    ctl.ok("run", "-d", "--name", "slow", "--network-rate", "40mbit", "busybox", "sleep", "infinity")
    ctl.ok("run", "-d", "--name", "fast", "busybox", "sleep", "infinity")
    assert daemon.inspect("slow")["spec"]["network_rate_bits"] == 40_000_000
    second = 40_000_000 // 8

    def check():
        for options in ((), ("-R",)):
            with Iperf(wire.host, *inside(daemon, "slow")) as server:
                passed = server.measure(inside(daemon, "fast"), address(daemon, "slow"), *options)
                # A bucket of a second may be spent at once.
                assert second <= passed <= 3.3 * second, options

    check()
    # Rules that are made again have it, too.
    tables = wire.host.tables()
    wire.host("nft", "flush", "ruleset")
    processes.wait_until(lambda: wire.host.tables() == tables)
    check()
    with Iperf(wire.host, *inside(daemon, "fast")) as server:
        assert server.measure(inside(daemon, "fast"), address(daemon, "fast")) > 4 * second
    ctl.ok("rm", "-f", "slow")
    assert "dkv" not in wire.host("nft", "list", "limits")


@pytest.mark.parametrize("rate", ["0mbit", "10", "10mb", "1kbit", "2000gbit", "-1mbit", "99999999999999999999bit"])
def test_what_no_rate_is(ctl, daemon, rate):
    assert "rate" in ctl.fails(125, "run", "--network-rate", rate, "busybox")
    assert daemon.names(all=True) == []
