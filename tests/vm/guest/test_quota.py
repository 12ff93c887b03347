"""Project quotas, which the kernel of the host that makes this machine may not have."""

import os
import subprocess

import pytest

from host import check, run, wait_until

PLACE = "/q"
SOCKET = "/run/q/sock"
MAX = 8 << 20
SETTINGS = """[daemon]
user_disk_max = 8m
"""
FILL = "dd if=/dev/zero of={}/big bs=1M count=20 2>&1; sync; stat -c %s {}/big"
# As root in the container, and owner of the file: out of the project, or no more of it to be passed on.
LEAVE = """
import fcntl, struct
for path in "/mnt", "/mnt/file":
    for flags, project in (0x200, 0), (0x200, 5), (0, 5), (0, None):
        with open(path, "w") if path == "/mnt/file" else __import__("contextlib").nullcontext() as file:
            fd = file.fileno() if file else __import__("os").open(path, 0)
            now = bytearray(28)
            fcntl.ioctl(fd, 0x801c581f, now)
            asked = struct.pack("IIIII8s", flags, 0, 0, struct.unpack("IIIII8s", now)[3] if project is None else project,
                                0, bytes(8))
            if path == "/mnt/file" and project is None:
                continue  # of a file there is nothing to pass on
            try:
                fcntl.ioctl(fd, 0x401c5820, asked)
                print("left", path, flags, project)
            except OSError as error:
                assert error.errno in (1, 22), error
print("done")
"""


class Daemon:
    def __init__(self):
        self.process = None

    def start(self, settings):
        with open("/root/q.conf", "w", encoding="utf-8") as file:
            file.write(settings)
        self.process = subprocess.Popen(["dokrustd", "--socket", SOCKET, "--run-dir", "/run/q", "--state-dir",
                                         f"{PLACE}/state", "--config", "/root/q.conf"])
        wait_until(lambda: run("dokrustctl", "-H", SOCKET, "info").status == 0)

    def stop(self):
        self.process.terminate()
        assert self.process.wait(30) == 0


@pytest.fixture
def daemon():
    check("truncate", "-s", "200M", "/root/q.img")
    check("mkfs.ext4", "-q", "-O", "project,quota", "-E", "quotatype=prjquota", "/root/q.img")
    os.makedirs(PLACE, exist_ok=True)
    check("modprobe", "-a", "loop", "quota_v2")
    check("mount", "-o", "loop,prjquota", "/root/q.img", PLACE)
    for name, first in (("alice", 500000), ("bob", 600000)):
        check("useradd", "--groups", "dokrust", name)
        ids = f"{first}-{first + 65535}"
        check("usermod", "--add-subuids", ids, "--add-subgids", ids, name)
    daemon = Daemon()
    daemon.start(SETTINGS)
    yield daemon
    daemon.stop()
    check("umount", PLACE)
    for name in ("alice", "bob"):
        check("userdel", name)


def ctl(user, *argv):
    return run("runuser", "-u", user, "--", "dokrustctl", "-H", SOCKET, *argv)


def written(user, name, place=".", *options):
    """How many bytes somebody's container could write, of 20 MiB."""
    done = ctl(user, "run", "--name", name, *options, "busybox", "sh", "-c", FILL.format(place, place))
    assert done.status == 0, done.err
    return int(done.lines[-1]), done.out


def refused(user, *argv):
    done = ctl(user, *argv)
    return done.status != 0 and f"may have {MAX}" in done.err


def test_a_user_writes_no_more_than_that_wherever_it_is(daemon):
    n, said = written("alice", "layer")
    assert 6 << 20 < n <= MAX and ("quota" in said or "No space" in said), said
    for argv in (["create", "busybox"], ["volume", "create", "v"], ["run", "--rm", "busybox", "true"]):
        assert refused("alice", *argv)
    # Others have their own; root has none.
    assert written("bob", "bobs", "/vol", "-v", "vol:/vol")[0] <= MAX
    assert written("root", "roots")[0] == 20 << 20
    # What is there can be started, and tidied up.
    check("runuser", "-u", "alice", "--", "dokrustctl", "-H", SOCKET, "start", "layer")
    assert ctl("alice", "rm", "-f", "layer").status == 0
    wait_until(lambda: not refused("alice", "volume", "create", "vol2"))
    wait_until(lambda: ctl("alice", "run", "--rm", "-v", "vol2:/vol", "busybox", "dd", "if=/dev/zero", "of=/vol/a",
                           "bs=1M", "count=5").status == 0)
    n, said = written("alice", "both", "/vol", "-v", "vol2:/vol")
    assert n <= 3 << 20, said

    # Without the setting there is no limit any more, also for what was made under it.
    daemon.stop()
    daemon.start("[daemon]\n")
    assert written("alice", "free", "/vol", "-v", "vol2:/vol")[0] == 20 << 20


def test_nobody_leaves_their_project(daemon):
    with open("/root/leave.py", "w", encoding="utf-8") as file:
        file.write(LEAVE)
    os.makedirs("/srv/q", exist_ok=True)
    check("cp", "/root/leave.py", "/srv/q/leave.py")
    done = ctl("alice", "run", "--rm", "-v", "/:/host", "-v", "vol:/host/mnt", "busybox", "chroot", "/host",
               "python3", "/srv/q/leave.py")
    assert done.out == "done\n", done.out + done.err
