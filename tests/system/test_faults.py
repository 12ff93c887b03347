"""What the host does to a daemon: it stays up, serves the others, and says what happened."""
import errno
import os
import resource
import shutil
import subprocess
import sys
import time

import pytest

import processes
from host import BUILD, SANITIZED, SLOWNESS, Ctl
from varlink import CONTAINER, message

GET_VERSION = message("io.dokrust.Daemon.GetVersion")


@pytest.fixture
def shimmed(new_daemon):
    """A daemon whose system calls can be made to fail."""
    daemon = new_daemon()
    shim = daemon.directory / "shim"
    options = "detect_stack_use_after_return=1:verify_asan_link_order=0"
    daemon.start(env={"LD_PRELOAD": str(BUILD / "tests/shim.so"), "DOKRUST_SHIM": str(shim),
                      "ASAN_OPTIONS": options})
    daemon.shim = shim
    yield daemon
    shim.unlink(missing_ok=True)


def time_to_answer(daemon, connection=None):
    """By a connection of its own, without one."""
    begin = time.monotonic()
    if connection:
        connection.send(GET_VERSION)
        assert connection.receive()
    else:
        with daemon.connect() as own:
            own.send(GET_VERSION)
            assert own.receive()
    return time.monotonic() - begin


def answers_within(daemon, seconds):
    """The best of a few: the machine has other things to do, too."""
    assert min(time_to_answer(daemon) for _ in range(3)) < seconds * SLOWNESS


# --- The state directory -------------------------------------------------------------------------

@pytest.mark.parametrize("call,number", [("fsync", errno.EIO), ("create", errno.EROFS), ("create", errno.EDQUOT)])
def test_a_disk_that_fails_costs_one_call_and_the_old_record_stays(shimmed, call, number):
    ctl, words = Ctl(shimmed), os.strerror(number)
    ctl.ok("run", "-d", "--name", "before", "busybox", "sleep", "1000")
    record, = (shimmed.state / "containers").glob("*/record.json")
    text = record.read_text()
    shimmed.shim.write_text(f"{call} {number}")
    assert words in ctl.fails(1, "create", "--name", "new", "busybox")
    assert words in ctl.fails(1, "rename", "before", "after")
    assert record.read_text() == text
    assert shimmed.inspect("after")["state"] == "running"
    answers_within(shimmed, 0.5)
    assert words in shimmed.log
    shimmed.shim.unlink()
    ctl.ok("rename", "after", "later")
    assert '"later"' in record.read_text()
    ctl.ok("create", "--name", "new", "busybox")


# --- Memory, descriptors, time -------------------------------------------------------------------

@pytest.mark.parametrize("call,number", [("socketpair", errno.ENOMEM), ("socketpair", errno.EMFILE),
                                         ("pipe2", errno.ENOMEM), ("pipe2", errno.ENFILE)])
def test_what_cannot_be_had_fails_one_start(shimmed, call, number):
    ctl = Ctl(shimmed)
    ctl.ok("run", "-d", "--name", "before", "busybox", "sleep", "1000")
    fds = len(os.listdir(f"/proc/{shimmed.pid}/fd"))
    shimmed.shim.write_text(f"{call} {number}")
    for _ in range(20):
        assert os.strerror(number) in ctl.fails(125, "run", "-d", "busybox", "true")
    shimmed.shim.unlink()
    assert shimmed.names(all=True) == ["before"]
    # A set of groups may have been made ahead since then; of twenty starts each would have left some.
    processes.wait_until(lambda: len(os.listdir(f"/proc/{shimmed.pid}/fd")) < fds + 20)
    assert ctl.sh("echo again") == "again\n"


@pytest.mark.parametrize("seconds", [-10 * 365 * 86400, 365 * 86400])
def test_a_clock_that_jumps_moves_no_timeout(shimmed, seconds):
    ctl = Ctl(shimmed)
    shimmed.run_trap("stubborn", "'' TERM")
    ctl.ok("run", "-d", "--name", "loop", "--restart", "always", "--health-cmd", "true", "--health-interval",
           "50ms", "busybox", "sleep", "0.3")
    shimmed.shim.write_text(f"clock {seconds}")
    result = ctl("stop", "-t", "0.5", "stubborn")
    assert result.status == 0 and 0.4 < result.seconds < 5 * SLOWNESS
    count = shimmed.inspect("loop")["restart_count"]
    processes.wait_until(lambda: shimmed.inspect("loop")["restart_count"] > count + 1)
    answers_within(shimmed, 0.5)


# --- What is taken away --------------------------------------------------------------------------

def test_a_root_file_system_that_disappears(daemon, ctl, directory):
    root = directory / "root"
    (root / "bin").mkdir(parents=True)
    ctl.ok("run", "--rm", "-v", f"{root}:/out", "busybox", "sh", "-c",
           "cp /bin/busybox /out/bin/; ln -s busybox /out/bin/sleep")
    ctl.ok("run", "-d", "--name", "work", "--rootfs", root, "/bin/sleep", "1000")
    shutil.rmtree(root)
    assert ctl("exec", "work", "/bin/sleep", "1").status in (125, 127)
    assert daemon.inspect("work")["state"] == "running"
    ctl.ok("stop", "-t", "1", "work")
    assert str(root) in ctl.fails(1, "start", "work")
    ctl.ok("rm", "work")


def test_groups_that_somebody_has_removed(daemon, ctl):
    ctl.ok("run", "-d", "--name", "work", "busybox", "sleep", "1000")
    identity = daemon.inspect("work")["id"]
    groups = [path for path in daemon.cgroups() if path.endswith(f"/work-{identity[:12]}")]
    assert groups
    for group in groups:
        above = os.path.dirname(os.path.dirname(group))
        for pid in open(f"{group}/cgroup.procs").read().split():
            with open(f"{above}/cgroup.procs", "w") as procs:
                procs.write(pid)
        os.rmdir(group)
    assert daemon.inspect("work")["state"] == "running"
    ctl("exec", "work", "true")  # it may say that there is no group
    ctl("pause", "work")
    answers_within(daemon, 0.5)
    assert ctl("stop", "-t", "1", "work").status == 0
    ctl.ok("start", "work")
    assert daemon.inspect("work")["state"] == "running"


@pytest.fixture
def mounted(directory):
    """A directory with a file system of its own."""
    path = directory / "mounted"
    path.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "tmpfs", path], check=True)
    (path / "file").write_text("here")
    yield path
    subprocess.run(["umount", "-l", path], stderr=subprocess.DEVNULL, check=False)


def test_a_mount_that_an_administrator_takes_away_from_a_container(daemon, ctl):
    """By entering its namespace: a volume, a bind, what is on /proc, its very root."""
    ctl.ok("run", "-dit", "--name", "work", "-v", "data:/data", "-v", "/usr:/mnt:ro", "busybox")
    pid = daemon.inspect("work")["pid"]
    for target in ("/data", "/mnt", "/proc/sys", "/dev/shm", "/"):
        subprocess.run(["nsenter", "-t", str(pid), "-m", "umount", "-l", target],
                       stderr=subprocess.DEVNULL, check=False)
    assert daemon.inspect("work")["state"] == "running"
    ctl("mount", "rm", "work", "/mnt")  # it may say that it is gone
    ctl("exec", "work", "true")
    ctl.ok("send", "work", "X=1", "--enter")
    answers_within(daemon, 0.5)
    ctl.ok("stop", "work")
    ctl.ok("start", "work")
    assert ctl.ok("exec", "work", "sh", "-c", "touch /data/x && cat /proc/sys/kernel/ostype") == "Linux\n"
    ctl.ok("rm", "-f", "work")
    ctl.ok("volume", "rm", "data")


@pytest.mark.parametrize("when", ["while it runs", "while it does not"])
def test_a_mount_below_that_the_host_takes_away(daemon, ctl, mounted, when):
    """A bind's source: who runs keeps it, who starts gets what is there now, or is told what is missing."""
    ctl.ok("run", "-dit", "--name", "work", "-v", f"{mounted}:/data", "busybox")
    if when == "while it does not":
        ctl.ok("stop", "work")
    subprocess.run(["umount", "-l", mounted], check=True)
    if when == "while it runs":
        assert ctl.ok("exec", "work", "cat", "/data/file") == "here"
        ctl.ok("stop", "work")
    ctl.ok("start", "work")
    assert ctl.ok("exec", "work", "ls", "/data") == ""
    ctl.ok("stop", "work")
    mounted.rmdir()
    assert str(mounted) in ctl.fails(1, "start", "work")
    ctl.ok("rm", "work")


def test_a_layer_and_a_volume_that_are_taken_away(daemon, ctl):
    """Their directories are gone: what runs goes on, and what starts has new ones or an error."""
    ctl.ok("run", "-dit", "--name", "work", "-v", "data:/data", "busybox")
    layer = daemon.state / "containers" / daemon.inspect("work")["id"]
    for path in (layer / "upper", layer / "work", *(daemon.state / "volumes").glob("*/data")):
        shutil.rmtree(path)
    ctl.ok("stop", "work")
    for _ in range(2):
        result = ctl("start", "work")
        assert result.status == 0 or "data" in result.err
    answers_within(daemon, 0.5)
    ctl.ok("rm", "-f", "work")
    ctl.ok("volume", "rm", "data")
    assert list((daemon.state / "volumes").iterdir()) == []


# --- Clients -------------------------------------------------------------------------------------

def resident_kb(daemon):
    return int(processes.status_field(daemon.pid, "VmRSS").split()[0])


IDLE = """
import socket, sys
held = []
for _ in range(10000):
    held.append(socket.socket(socket.AF_UNIX))
    held[-1].connect(sys.argv[1])
print(len(held), flush=True)
sys.stdin.read()
"""


@pytest.mark.parametrize("user", [65534, 0], ids=["a user's", "root's"])
def test_ten_thousand_connections_that_say_nothing(new_daemon, user):
    """They are bounded, and cost the others nothing; root gets in even beside its own."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(hard, 12000), hard))
    try:
        daemon = new_daemon().start()
        daemon.socket.chmod(0o666)
        daemon.directory.chmod(0o755)
        before, own = resident_kb(daemon), len(os.listdir(f"/proc/{daemon.pid}/fd"))
        with daemon.connect() as early, subprocess.Popen(
                [sys.executable, "-c", IDLE, daemon.socket], user=user, stdin=subprocess.PIPE,
                stdout=subprocess.PIPE) as idle:
            assert idle.stdout.readline() == b"10000\n"
            assert min(time_to_answer(daemon, early) for _ in range(5)) < 0.1 * SLOWNESS
            # Who comes now waits until those before it have been let in, or turned away.
            with daemon.connect() as late:
                late.send(GET_VERSION)
                assert late.receive()
            assert min(time_to_answer(daemon) for _ in range(5)) < 0.1 * SLOWNESS
            bound = 8000 if user else 10064
            assert len(os.listdir(f"/proc/{daemon.pid}/fd")) - own < bound + 10
            # AddressSanitizer puts its own around everything, and keeps what was freed.
            assert SANITIZED or resident_kb(daemon) - before < bound * 8
            idle.stdin.close()
        assert not user or "connection of uid 65534 refused" in daemon.log
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    processes.wait_until(lambda: len(os.listdir(f"/proc/{daemon.pid}/fd")) < own + 10)


def test_one_that_floods_with_calls_and_reads_no_reply(daemon):
    for i in range(20):
        daemon.run(f"c{i}", "sleep", "1000")
    before = resident_kb(daemon)
    call = message(CONTAINER + "List", {"all": True}, more=True) * 100
    with daemon.connect() as flooder:
        flooder.socket.setblocking(False)
        sent = 0
        deadline = time.monotonic() + 1
        while time.monotonic() < deadline:
            try:
                sent += flooder.socket.send(call)
            except BlockingIOError:
                answers_within(daemon, 0.1)
                time.sleep(0.02)
        assert sent > len(call)
        assert resident_kb(daemon) - before < 8 * 1024 * SLOWNESS
    answers_within(daemon, 0.1)
