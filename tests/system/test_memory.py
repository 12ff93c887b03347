"""There is no memory for an allocation: no call, and nothing else, suffers; while there is none at all, calls are refused."""
import mmap
import os
import resource
import struct

import pytest

import processes
from host import BUILD, SANITIZED, Ctl
from renewal import daemon_pid
from varlink import CONTAINER, VarlinkError

# Which of the allocations of a call: the first ones, then ever more sparsely. All of them: DOKRUST_EACH=1.
EACH = bool(os.environ.get("DOKRUST_EACH"))
MOST = 4000

SLEEP = ["busybox", "sleep", "1000"]
CALLS = {
    "list": ["ps", "-a"],
    "inspect": ["inspect", "there"],
    "create": ["create", "--name", "it", "-e", "A=B", "--label", "x=y", *SLEEP],
    "run": ["run", "-d", "--name", "it", "-v", "data:/data", *SLEEP],
    "run a terminal": ["run", "-dit", "--rm", "--name", "it", *SLEEP],
    "exec": ["exec", "there", "echo", "x"],
    "rename": ["rename", "other", "it"],
    "update": ["update", "--pids-limit", "77", "there"],
    "pause": ["pause", "there"],
    "mount": ["mount", "add", "there", "/usr:/mnt:ro"],
    "volume": ["volume", "create", "data"],
    "logs": ["logs", "there"],
    "screen": ["screen", "there"],
    "stop": ["stop", "other"],
    "remove": ["rm", "-f", "other"],
}


class Memory:
    """How many allocations succeed; all of them where it is 0."""

    def __init__(self, path):
        path.write_bytes(struct.pack("i", 0))
        with open(path, "r+b") as file:
            self.map = mmap.mmap(file.fileno(), 4)

    @property
    def left(self):
        return struct.unpack("i", self.map[:4])[0]

    @left.setter
    def left(self, number):
        self.map[:4] = struct.pack("i", number)


@pytest.fixture
def starved(new_daemon):
    daemon = new_daemon()
    path = daemon.directory / "memory"
    daemon.memory = Memory(path)
    daemon.start("--keep", env={"LD_PRELOAD": str(BUILD / "tests/shim.so"), "DOKRUST_MEMORY": str(path)})
    yield daemon
    daemon.memory.left = 0


def numbers(call):
    if EACH:
        yield from range(1, MOST)
        return
    number = 1 + sum(call.encode()) % 7
    while number < MOST:
        yield number
        number += 3 + number * 2


@pytest.mark.skipif(SANITIZED, reason="AddressSanitizer has the allocator for itself")
@pytest.mark.timeout(3600 if EACH else 90)
@pytest.mark.parametrize("call", CALLS)
def test_an_allocation_that_fails_costs_nothing(starved, call):
    ctl = Ctl(starved)
    ctl.ok("run", "-dit", "--name", "there", *SLEEP)
    daemon, pid = daemon_pid(starved), starved.inspect("there")["pid"]
    for number in numbers(call):
        ctl("rm", "-f", "other", "it")
        ctl("volume", "rm", "data")
        ctl("mount", "rm", "there", "/mnt")
        ctl("unpause", "there")
        ctl.ok("run", "-d", "--name", "other", *SLEEP)
        starved.memory.left = number
        result = ctl(*CALLS[call])
        reached = starved.memory.left == 0
        starved.memory.left = 0
        assert result.status == 0, result
        assert daemon_pid(starved) == daemon
        there = starved.inspect("there")
        assert there["pid"] == pid and there["state"] in ("running", "paused")
        assert reached or number > 10
        if not reached:
            return


def status_kb(pid, name):
    return int(processes.status_field(pid, name).split()[0])


@pytest.mark.skipif(SANITIZED, reason="AddressSanitizer's own memory is some terabytes")
def test_without_memory_calls_are_refused_until_there_is_some(daemon, ctl):
    ctl.ok("run", "-dit", "--name", "there", *SLEEP)
    pid = daemon.inspect("there")["pid"]
    resource.prlimit(daemon.pid, resource.RLIMIT_AS, ((status_kb(daemon.pid, "VmSize") + 2048) * 1024, -1))
    refused = None
    for i in range(200):
        try:
            daemon.call(CONTAINER + "Create", {"spec": {"image": "busybox", "labels": {"x": "y" * 60_000}}})
        except VarlinkError as error:
            refused = error
            break
    assert refused and refused.parameters["what"] == "ENOMEM", refused
    assert daemon.is_running()
    resource.prlimit(daemon.pid, resource.RLIMIT_AS, (-1, -1))
    assert daemon.inspect("there")["pid"] == pid
    assert ctl.sh("echo again") == "again\n"
    for container in daemon.list(all=True):
        assert container["name"] == "there" or container["labels"]["x"] == "y" * 60_000
