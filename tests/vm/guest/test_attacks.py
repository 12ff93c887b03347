"""Attacks from inside, under control groups of version 2 and a kernel that is not the build host's."""

import pytest

from host import check, check_ctl, ctl

pytestmark = pytest.mark.usefixtures("units")

# It has taken the first wall away: its mounts are nodev no more, and it makes what nodes it likes.
WITH_NODES = ["--userns", "host", "--cap-add", "SYS_ADMIN", "--security-opt", "seccomp=unconfined"]
MAKE_NODES = "mount -o remount,dev / && "


def run(*argv):
    return ctl("run", "--rm", *argv)


@pytest.mark.parametrize("options", [[], ["--userns", "host"]])
def test_no_attack_succeeds(options):
    attack = ["-v", "/media/attack:/attack", "busybox", "/attack"]
    names = check_ctl("run", "--rm", *attack, "--list").split()
    found = dict(line.split() for line in check_ctl("run", "--rm", *options, *attack, *names).splitlines())
    assert set(found) == set(names)
    assert {name for name, result in found.items() if result in ("0", "unknown")} == set()


def test_devices_that_are_not_given_cannot_be_opened_whatever_is_mounted():
    """What a program of the group's decides, where there is no controller for devices."""
    check("modprobe", "loop")
    for numbers in ("c 1 1", "c 1 11", "b 259 0", "c 10 237"):
        done = run(*WITH_NODES, "busybox", "sh", "-c", MAKE_NODES + f"mknod /n {numbers} && echo made && : </n")
        assert done.out == "made\n" and "Operation not permitted" in done.err, (numbers, done.out, done.err)
    assert run(*WITH_NODES, "busybox", "sh", "-c", MAKE_NODES + "mknod /n c 1 3 && : <>/n && echo works").out == "works\n"
    given = MAKE_NODES + "mknod /n c 10 237 && : </n && echo read && : <>/n && echo both"
    assert run(*WITH_NODES, "--device-cgroup-rule", "c 10:237 r", "busybox", "sh", "-c", given).out == "read\n"
    assert run(*WITH_NODES, "--device-cgroup-rule", "c 10:237 rw", "busybox", "sh", "-c", given).out == "read\nboth\n"
    for userns in ("auto", "host"):
        done = run("--userns", userns, "--device", "/dev/loop-control:r", "busybox", "sh", "-c",
                   "(: </dev/loop-control) && echo read; (: <>/dev/loop-control) && echo both")
        assert done.out == "read\n" and "Operation not permitted" in done.err, (userns, done.out, done.err)
