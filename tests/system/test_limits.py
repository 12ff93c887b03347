"""Limits, proved by what they prevent; pausing; and that no group stays."""
import json
import pathlib
import re
import time

import pytest

import processes
from host import SLOWNESS, run
from varlink import CONTAINER, VarlinkError

GROW = "x=a; while :; do x=$x$x; done"


# What version 2 has for files of version 1.
ON_V2 = {"memory.limit_in_bytes": "memory.max", "cpu.cfs_quota_us": "cpu.max"}


def figure(daemon, name, file):
    """What the kernel has in a file of the container's group; the file names the controller."""
    controller = file.split(".")[0]
    group = None
    for line in pathlib.Path(f"/proc/{daemon.inspect(name)['pid']}/cgroup").read_text().splitlines():
        number, controllers, path = line.split(":", 2)
        if controller in controllers.split(","):
            return pathlib.Path(f"/sys/fs/cgroup/{controller}{path}/{file}").read_text().strip()
        if number == "0":
            group = pathlib.Path(f"/sys/fs/cgroup{path}")
    return (group / ON_V2.get(file, file)).read_text().strip()


@pytest.fixture
def work(daemon):
    daemon.run("work", "sleep", "1000")
    return daemon


# --- Memory, processes, CPU ----------------------------------------------------------------------

def test_what_takes_more_memory_is_killed_and_the_reason_is_known(daemon, ctl):
    assert ctl("run", "--name", "greedy", "-m", "24m", "busybox", "sh", "-c", GROW).status == 137
    assert daemon.inspect("greedy")["oom_killed"] is True
    # A run that ends otherwise says nothing of it.
    assert ctl("run", "--name", "modest", "-m", "24m", "busybox", "true").status == 0
    assert "oom_killed" not in daemon.inspect("modest")


def test_its_neighbour_feels_nothing_of_that(work, ctl):
    assert ctl("run", "--name", "greedy", "-m", "24m", "busybox", "sh", "-c", GROW).status == 137
    assert ctl.ok("exec", "work", "echo", "fine") == "fine\n"
    assert "oom_kills" not in work.inspect("work")


def test_what_takes_less_is_not(ctl):
    assert ctl.sh("head -c 8000000 /dev/zero | tail -c 1 | wc -c", "-m", "64m") == "1\n"


def test_a_fork_bomb_stays_inside(daemon, ctl):
    own = len(processes.children(daemon.pid))
    ctl.ok("run", "-d", "--name", "work", "--pids-limit", "40", "busybox", "sleep", "1000")
    ctl.ok("exec", "-d", "work", "sh", "-c", "b() { b | b & }; while :; do b; done")
    processes.wait_until(lambda: figure(daemon, "work", "pids.events") != "max 0")
    assert int(figure(daemon, "work", "pids.current")) <= 40
    took = sorted(ctl("ps").seconds for _ in range(11))
    assert took[0] < 0.05 * SLOWNESS, took
    # The host, and the daemon, have kept what is theirs.
    assert ctl.sh("echo fine") == "fine\n"
    assert ctl("rm", "-f", "work").seconds < 2 * SLOWNESS
    processes.wait_until(lambda: len(processes.children(daemon.pid)) == own)


def test_there_is_a_limit_of_processes_without_asking(work):
    assert figure(work, "work", "pids.max") == "2048"


def test_half_a_cpu_is_half_a_cpu(ctl):
    script = "timeout 1 sh -c 'while :; do :; done' 2>/dev/null; times"
    out = ctl("run", "--rm", "--cpus", "0.3", "busybox", "sh", "-c", script).out
    # The shell's own line, then its children's: minutes and seconds of user and system time.
    user = re.findall(r"(\d+)m([\d.]+)s", out)[2]
    assert 0.1 < int(user[0]) * 60 + float(user[1]) < 0.6, out


def cpu_us(ctl, *names):
    text = ctl.ok("stats", "--no-stream", "--format", "json", *names)
    used = {one["name"]: one["cpu_usage_us"] for one in map(json.loads, text.splitlines())}
    return [used[name] for name in names]


def test_shares_of_3_to_1_are_3_to_1(ctl):
    for name, shares in (("three", "1536"), ("one", "512")):
        ctl.ok("run", "-d", "--name", name, "--cpu-shares", shares, "--cpuset-cpus", "0",
               "busybox", "sh", "-c", "while :; do :; done")

    def ratio(seconds):
        before = cpu_us(ctl, "three", "one")
        time.sleep(seconds)
        three, one = (now - then for now, then in zip(cpu_us(ctl, "three", "one"), before))
        return three / one

    # Longer, where the machine has other things to do.
    assert any(2.7 < ratio(seconds) < 3.3 for seconds in (1.5, 4, 8))


@pytest.fixture
def disk(directory):
    """A block device of the test's own, of which nothing is in memory."""
    image = directory / "disk"
    with image.open("wb") as file:
        file.truncate(16 << 20)
    device = run(["losetup", "-f", "--show", image]).out.strip()
    yield device
    run(["losetup", "-d", device])


def test_a_disk_is_read_no_faster_than_it_may_be(ctl, disk):
    def seconds(skip, *options):
        result = ctl("run", "--rm", "--device", disk, *options, "busybox", "time", "dd",
                     f"if={disk}", "of=/dev/null", "bs=64k", "count=32", f"skip={skip}")
        assert result.status == 0, result.err
        return float(re.search(r"real\s+0m\s*([\d.]+)s", result.err)[1])

    # 2 MiB at 1 MiB/s, but for what is read ahead of the first wait.
    assert seconds(0, "--device-read-bps", f"{disk}:1m") > 1.4
    assert seconds(128) < 1


def test_cpus_are_chosen(ctl):
    assert ctl.sh("grep Cpus_allowed_list /proc/self/status", "--cpuset-cpus", "0").split()[1] == "0"


# --- Files of the group --------------------------------------------------------------------------

def test_any_file_can_be_written(daemon, ctl):
    ctl.ok("run", "-d", "--name", "work", "--cgroup", "pids.max=7", "busybox", "sleep", "99")
    assert figure(daemon, "work", "pids.max") == "7"


def test_quotas_in_the_syntax_of_old(daemon, ctl):
    ctl.ok("run", "-d", "--name", "work", "--quota",
           "cpu:cpu.cfs_quota_us:50000::pids:pids.max:33", "busybox", "sleep", "99")
    assert figure(daemon, "work", "cpu.cfs_quota_us").split()[0] == "50000"
    assert figure(daemon, "work", "pids.max") == "33"


@pytest.mark.parametrize("option, value, word", [
    ("--memory", "1k", "6 MiB"),
    ("--memory", "lots", "no size"),
    ("--cpus", "0", "CPUs"),
    ("--pids-limit", "many", "number"),
    ("--cgroup", "memory.nosuch=1", "memory.nosuch"),
    ("--cgroup", "pids.max=abc", "pids.max=abc"),
    ("--cgroup", "cgroup.procs=1", "cgroup.procs"),
    ("--quota", "nosuch:nosuch.file:1", "nosuch"),
    ("--quota", "cpu", "GROUP"),
    ("--cpuset-cpus", "9999", "9999"),
    ("--device-read-bps", "/dev/null:1m", "/dev/null"),
])
def test_a_limit_that_cannot_be_set_is_named_and_nothing_starts(daemon, ctl, option, value, word):
    assert word in ctl.fails(125, "run", option, value, "busybox", "true")
    assert daemon.names(all=True) == []


# --- Update --------------------------------------------------------------------------------------

def test_limits_are_changed_while_it_runs_and_in_the_record(work, ctl):
    ctl.ok("update", "-m", "64m", "--pids-limit", "77", "work")
    assert figure(work, "work", "memory.limit_in_bytes") == str(64 << 20)
    assert figure(work, "work", "pids.max") == "77"
    ctl.ok("restart", "work")
    assert figure(work, "work", "pids.max") == "77"
    ctl.ok("update", "-m", "-1", "work")
    limit = figure(work, "work", "memory.limit_in_bytes")
    assert limit == "max" or int(limit) > 1 << 60
    assert json.loads(ctl.ok("inspect", "work"))[0]["spec"]["resources"]["memory_bytes"] == -1


def test_an_update_that_fails_in_part_changes_nothing(work):
    ask = {"pids_limit": 50, "files": ["pids.max=abc"]}
    before = work.inspect("work")
    with pytest.raises(VarlinkError):
        work.call(CONTAINER + "Update", {"container": "work", "resources": ask})
    assert figure(work, "work", "pids.max") == "2048"
    assert work.inspect("work") == before


def test_limits_of_one_that_sleeps_are_changed_for_its_next_run(daemon, ctl):
    ctl.ok("create", "--name", "later", "busybox", "sleep", "99")
    ctl.ok("update", "--pids-limit", "55", "later")
    ctl.ok("start", "later")
    assert figure(daemon, "later", "pids.max") == "55"


# --- Pausing -------------------------------------------------------------------------------------

def count(ctl):
    return int(ctl.ok("exec", "count", "cat", "/n"))


def test_a_paused_container_stands_still(daemon, ctl):
    daemon.run("count", "sh", "-c", "n=0; while :; do n=$((n+1)); echo $n > /n.new; mv /n.new /n; done")
    processes.wait_until(lambda: ctl("exec", "count", "cat", "/n").status == 0)
    root = f"/proc/{daemon.inspect('count')['pid']}/root"
    ctl.ok("pause", "count")
    assert daemon.inspect("count")["state"] == "paused"
    assert "Paused" in ctl.ok("ps")
    child = processes.children(daemon.inspect("count")["pid"])[0]
    used = pathlib.Path(f"/proc/{child}/stat").read_text().split()[13]
    assert "paused" in ctl.fails(125, "exec", "count", "true")
    assert pathlib.Path(f"/proc/{child}/stat").read_text().split()[13] == used, root
    ctl.ok("unpause", "count")
    before = count(ctl)
    processes.wait_until(lambda: count(ctl) > before)


@pytest.mark.parametrize("end", [("stop",), ("kill",), ("rm", "-f")])
def test_a_paused_container_can_be_ended(work, ctl, end):
    ctl.ok("pause", "work")
    result = ctl(*end, "work")
    assert result.status == 0 and result.seconds < 2 * SLOWNESS
    processes.wait_until(lambda: "running" not in [c["state"] for c in work.list(all=True)])


def test_pausing_twice_is_told(work, ctl):
    ctl.ok("pause", "work")
    assert "paused, not running" in ctl.fails(1, "pause", "work")
    ctl.ok("unpause", "work")
    assert "running, not paused" in ctl.fails(1, "unpause", "work")


# --- What stays ----------------------------------------------------------------------------------

def test_groups_are_gone_with_the_container(daemon, ctl):
    before = processes.cgroups()
    for _ in range(5):
        ctl.ok("run", "--rm", "busybox", "true")
    # The daemon's own top groups stay until it leaves.
    new = {path for path in processes.cgroups() - before if not re.search(r"dokrust-[0-9a-f]{16}(/spare)?$", path)}
    processes.wait_until(lambda: not new & processes.cgroups())


def test_groups_of_a_daemon_that_was_killed_are_swept_by_the_next(new_daemon):
    daemon = new_daemon().start()
    daemon.run("work", "sleep", "1000")
    identity = daemon.inspect("work")["id"]
    daemon.kill()
    assert any(identity[:12] in path for path in processes.cgroups())
    daemon.start()
    processes.wait_until(lambda: not any(identity[:12] in path for path in processes.cgroups()))


def test_the_container_sees_its_group_as_the_root(ctl):
    for line in ctl.sh("cat /proc/self/cgroup").splitlines():
        assert line.endswith(":/"), line
