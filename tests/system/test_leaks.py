"""After many rounds everything is as it was: descriptors, mounts, groups, processes, memory."""
import os
import re

import pytest

import processes
from host import SANITIZED, Ctl
from varlink import CONTAINER, VarlinkError, message

ROUNDS = 30 if SANITIZED else 1000
FEW = 5 if SANITIZED else 50
# `make test-leaks` has an hour's worth of work done.
LIFECYCLES = int(os.environ.get("DOKRUST_LIFECYCLES", 10 if SANITIZED else 80))


class Footprint:
    """What a daemon holds, and the host because of it."""

    def __init__(self, daemon):
        self.daemon = daemon
        self.before = self.take()
        self.memory_kb = self.resident_kb()

    def take(self):
        pid = self.daemon.pid
        return {
            "fds": sorted(target.split(":")[0] for target in processes.open_fds(pid).values()),
            "mounts": processes.mounts_below(self.daemon.directory, pid),
            "children": sorted(processes.command(child) for child in processes.children(pid)),
            "cgroups": sorted(path for path in self.daemon.cgroups()
                              if not path.endswith("/spare")),
            "layers": len(list((self.daemon.state / "containers").iterdir())),
            "trash": len(list((self.daemon.state / "trash").iterdir())),
            "run records": len(list((self.daemon.run_dir / "containers").iterdir())),
        }

    def resident_kb(self):
        return int(processes.status_field(self.daemon.pid, "VmRSS").split()[0])

    def assert_same(self):
        """Soon: the kernel takes containers down after their end is told."""
        try:
            processes.wait_until(lambda: self.take() == self.before, 20)
        except AssertionError:
            assert self.take() == self.before
        if not SANITIZED:
            assert self.resident_kb() - self.memory_kb < 2048


@pytest.fixture
def footprint(daemon):
    # What is made once and kept is made now.
    daemon.run_viewer({"image": "busybox", "command": ["true"], "auto_remove": True}).finish()
    daemon.run_viewer({"image": "busybox", "command": ["true"], "terminal": True,
                       "auto_remove": True}).finish()
    processes.wait_until(lambda: not list((daemon.state / "trash").iterdir()))
    return Footprint(daemon)


@pytest.mark.timeout(240)
def test_a_thousand_rounds_of_create_start_attach_and_rm(daemon, footprint):
    for i in range(ROUNDS):
        spec = {"image": "busybox", "command": ["echo", str(i)], "terminal": i % 2 == 0,
                "init": i % 5 != 0}
        with daemon.connect() as connection:
            connection.call(CONTAINER + "Create", {"spec": spec, "name": "a"})
            with connection.upgrade(CONTAINER + "Start", {"container": "a"}) as viewer:
                assert viewer.finish() == 0
                assert viewer.out[1].split() == [str(i).encode()]
        daemon.call(CONTAINER + "Remove", {"container": "a"})
    footprint.assert_same()


@pytest.mark.timeout(3600)
def test_lifecycles_with_attach_exec_logs_and_events(daemon, footprint):
    events = daemon.connect()
    events.send(message(CONTAINER + "Events", {}, more=True))
    for i in range(LIFECYCLES):
        spec = {"image": "busybox", "command": ["sh", "-c", "echo $0; read x", str(i)], "stdin_open": True,
                "terminal": i % 2 == 0, "restart": "on-failure" if i % 3 == 0 else None}
        with daemon.run_viewer(spec, "a") as viewer:
            viewer.wait_for(str(i).encode())
            with daemon.connect().upgrade(CONTAINER + "Exec", {
                    "container": "a", "exec": {"command": ["true"], "terminal": i % 4 == 0},
                    "attach": {"framing": 1}}) as executed:
                assert executed.finish() == 0
            with daemon.connect() as log:
                log.call(CONTAINER + "Logs", {"container": "a"}, upgrade=True)
                while log.fill():
                    pass
            daemon.call(CONTAINER + "Remove", {"container": "a", "force": True})
        events.receive()
    events.close()
    footprint.assert_same()


def test_rounds_of_run_detach_and_force(daemon, footprint):
    spec = {"image": "busybox", "command": ["cat"], "terminal": True}
    for _ in range(FEW):
        with daemon.run_viewer(spec, "a") as viewer:
            viewer.type(b"x")
        with daemon.viewer("a"), daemon.viewer("a"):
            pass
        daemon.call(CONTAINER + "Remove", {"container": "a", "force": True})
    footprint.assert_same()


def test_rounds_of_short_runs_that_remove_themselves(daemon, footprint):
    spec = {"image": "busybox", "command": ["echo", "x"], "auto_remove": True}
    for _ in range(FEW * 3):
        with daemon.run_viewer(spec) as viewer:
            assert viewer.finish() == 0
            assert viewer.out[1] == b"x\n"
    footprint.assert_same()


def test_rounds_of_starts_that_fail(daemon, footprint):
    failing = [{"image": "busybox", "command": ["no-such"]},
               {"image": "busybox", "command": ["/etc"], "terminal": True},
               {"image": "busybox", "command": ["true"], "user": "stranger"},
               {"image": "busybox", "command": ["no-such"], "init": False, "terminal": True},
               {"image": "nothing"}, {"rootfs": "/nowhere"}]
    for i in range(FEW * 2):
        with pytest.raises(VarlinkError):
            daemon.call(CONTAINER + "Run", {"spec": failing[i % len(failing)]})
        with pytest.raises(VarlinkError):
            daemon.run_viewer(failing[i % len(failing)])
    footprint.assert_same()


def test_rounds_of_clients_that_hang_up_at_any_moment(daemon, footprint):
    spec = {"image": "busybox", "command": ["sh", "-c", "echo x; sleep 0.01"], "auto_remove": True}
    call = message(CONTAINER + "Run", {"spec": spec, "attach": {"framing": 1}}, upgrade=True)
    for i in range(FEW * 2):
        with daemon.connect() as connection:
            connection.send(call)
            if i % 2:
                connection.receive()
    processes.wait_until(lambda: daemon.names(all=True) == [])
    footprint.assert_same()


def test_rounds_of_the_client(daemon, footprint):
    ctl = Ctl(daemon)
    for i in range(FEW // 5):
        assert ctl.sh(f"echo {i}") == f"{i}\n"
        ctl.ok("run", "-d", "--name", "a", "busybox", "sleep", "infinity")
        ctl.ok("restart", "a")
        ctl.ok("stop", "a")
        ctl.ok("rm", "a")
    footprint.assert_same()


@pytest.mark.timeout(600)
def test_lifecycles_on_networks(wired, wire):
    """Rounds of connect and disconnect, and of containers that come and go on a network."""
    ctl = Ctl(wired)
    ctl.ok("network", "create", "back")
    spec = {"image": "busybox", "command": ["sleep", "infinity"], "networks": [{"network": "back"}]}
    wired.call(CONTAINER + "Run", {"spec": spec, "name": "a"})

    def round_trip(i):
        attachment = {"network": "bridge", **({"mac_address": f"02:00:00:00:{i >> 8:02x}:{i & 255:02x}"} if i % 3 else {})}
        wired.call(CONTAINER + "Connect", {"container": "a", "attachment": attachment})
        passing = {**spec, "ports": ["8080:80"], "network_rate_bits": 10_000_000} if i % 2 else spec
        wired.call(CONTAINER + "Run", {"spec": {**passing, "command": ["true"]}, "name": "b"})
        wired.call(CONTAINER + "Disconnect", {"container": "a", "network": "bridge"})
        wired.call(CONTAINER + "Remove", {"container": "b", "force": True})

    def state():
        """Interfaces, addresses, and all rules but the addresses that the firewall knows to come again."""
        processes.wait_until(lambda: sum(name.startswith("dkv") for name in wire.host.ours()) == 1)
        rules = wire.host("nft", "list", "ruleset")
        assert "02:00:00:00" not in rules and "8080" not in rules and "rate over 1250000" not in rules
        return (set(re.findall(r"^\d+: (\S+ +\S+ \S+)", wire.host("ip", "-o", "addr"), re.M)),
                [line for line in rules.splitlines() if not re.search(r'"dkv\w|asks', line)])

    for i in range(5):
        round_trip(i)
    before, footprint = state(), Footprint(wired)
    for i in range(max(10, LIFECYCLES // 20)):
        round_trip(i)
    assert state() == before
    footprint.assert_same()
