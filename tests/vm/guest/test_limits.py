"""Limits on cgroup v2, proved by what they prevent."""

import re
import time

import pytest

from host import check_ctl, ctl, inspect, wait_until

pytestmark = pytest.mark.usefixtures("units")

GROW = "x=a; while :; do x=$x$x; done"
SPIN = "while :; do :; done"


def group_file(name, file):
    with open(f"/proc/{inspect(name)['pid']}/cgroup", encoding="utf-8") as text:
        group = text.read().strip().split("::")[1]
    with open(f"/sys/fs/cgroup{group}/{file}", encoding="utf-8") as text:
        return text.read().strip()


def cpu_us(name):
    return int(re.search(r"usage_usec (\d+)", group_file(name, "cpu.stat"))[1])


def test_a_cpu_quota_of_half_a_core_gives_half_a_core(figure):
    check_ctl("run", "-d", "--name", "half", "--cpus", "0.5", "busybox", "sh", "-c", SPIN)
    time.sleep(0.5)
    before, begin = cpu_us("half"), time.monotonic()
    time.sleep(3)
    share = (cpu_us("half") - before) / 1e6 / (time.monotonic() - begin)
    figure("of a core with --cpus 0.5", round(share, 3))
    assert 0.4 < share < 0.55


def test_two_spinners_with_shares_of_3_to_1_get_3_to_1(figure):
    for name, shares in (("three", "1536"), ("one", "512")):
        check_ctl("run", "-d", "--name", name, "--cpu-shares", shares, "--cpuset-cpus", "1",
                  "busybox", "sh", "-c", SPIN)
    # A second try, for what else the host does with the processors that are emulated.
    for _ in range(3):
        before = cpu_us("three"), cpu_us("one")
        time.sleep(5)
        ratio = (cpu_us("three") - before[0]) / (cpu_us("one") - before[1])
        if 2.7 < ratio < 3.3:
            break
    figure("of 3:1", round(ratio, 2))
    assert 2.7 < ratio < 3.3


def test_a_fork_bomb_stays_inside_while_the_daemon_answers(figure):
    check_ctl("run", "-d", "--name", "bomb", "--pids-limit", "100", "busybox", "sleep", "100000")
    check_ctl("exec", "-d", "bomb", "sh", "-c", "b() { b | b & }; while :; do b; done")
    wait_until(lambda: not group_file("bomb", "pids.events").endswith("max 0"))
    took = []
    for _ in range(11):
        begin = time.monotonic()
        check_ctl("ps")
        took.append((time.monotonic() - begin) * 1000)
    figure("ms for ps beside a fork bomb, in an emulated machine", round(sorted(took)[5], 1))
    assert int(group_file("bomb", "pids.current")) <= 100
    # Twenty times what it takes where the processor is not emulated.
    assert sorted(took)[5] < 1000
    check_ctl("rm", "-f", "bomb")


def read_seconds(mib, *options):
    """For 3 MiB of the second disk, of which nothing there was read before."""
    done = ctl("run", "--rm", "--device", "/dev/vda", *options, "busybox", "time", "dd", "if=/dev/vda",
               "of=/dev/null", "bs=64k", "count=48", f"skip={mib * 16}")
    assert done.status == 0, done.err
    return float(re.search(r"real\s+0m\s*([\d.]+)s", done.err)[1])


def test_a_disk_is_read_no_faster_than_it_may_be(figure):
    free, slow = read_seconds(200), read_seconds(220, "--device-read-bps", "/dev/vda:1m")
    figure("s for 3 MiB from a disk, and at 1 MiB/s", (round(free, 2), round(slow, 2)))
    assert slow > 2 > free


def test_quotas_in_the_syntax_of_old_are_translated():
    check_ctl("run", "-d", "--name", "web", "--quota",
              "cpu:cpu.cfs_quota_us:50000::pids:pids.max:33::memory:memory.limit_in_bytes:67108864",
              "busybox", "sleep", "1000")
    assert group_file("web", "cpu.max") == "50000 100000"
    assert group_file("web", "pids.max") == "33"
    assert group_file("web", "memory.max") == "67108864"
    done = ctl("run", "--rm", "--quota", "memory:memory.kmem.limit_in_bytes:1", "busybox", "true")
    assert done.status == 125 and "memory.kmem.limit_in_bytes" in done.err


def test_any_file_of_the_group_is_written():
    check_ctl("run", "-d", "--name", "web", "--cgroup", "memory.high=33554432", "busybox", "sleep", "1000")
    assert group_file("web", "memory.high") == "33554432"
    done = ctl("run", "--rm", "--cgroup", "memory.high=lots", "busybox", "true")
    assert done.status == 125 and "memory.high=lots" in done.err


def test_pausing_and_killing_an_exec():
    check_ctl("run", "-d", "--name", "web", "busybox", "sleep", "100000")
    check_ctl("exec", "-d", "web", "sh", "-c", "setsid sleep 777 & exec sleep 888")
    wait_until(lambda: "sleep 777" in check_ctl("top", "web"))
    check_ctl("pause", "web")
    assert group_file("web", "cgroup.events").endswith("frozen 1")
    check_ctl("unpause", "web")
    check_ctl("kill", "web/1")
    wait_until(lambda: "sleep 777" not in check_ctl("top", "web"))
    assert inspect("web")["state"] == "running"


def test_figures_are_told():
    check_ctl("run", "-d", "--name", "web", "-m", "64m", "busybox", "sh", "-c", SPIN)
    wait_until(lambda: '"cpu_percent"' in check_ctl("stats", "--no-stream", "--format", "json", "web"))
    text = check_ctl("stats", "--no-stream", "--format", "json", "web")
    for key in ("memory_limit_bytes\":67108864", "pids", "io_read_bytes", "network_rx_bytes"):
        assert f'"{key}' in text
