"""A directory that turns into a link and back while something is mounted below it.

CVE-2021-30465 and CVE-2018-15664: whoever looks a path up twice is led out of the root file system
at the second look.
"""
import ctypes
import multiprocessing
import os
import subprocess

import pytest

import processes

AT_FDCWD, RENAME_EXCHANGE = -100, 2
EXCHANGES = 3000

libc = ctypes.CDLL(None, use_errno=True)


def exchange(a, b):
    if libc.renameat2(AT_FDCWD, os.fsencode(a), AT_FDCWD, os.fsencode(b), RENAME_EXCHANGE) != 0:
        raise OSError(ctypes.get_errno(), "renameat2")


class Exchanger:
    """Exchanges two names without end, in a process of its own."""

    def __init__(self, a, b):
        self.a, self.b = a, b
        fork = multiprocessing.get_context("fork")
        self.counter = fork.Value("L", 0, lock=False)
        self.process = fork.Process(target=self.run, daemon=True)

    def run(self):
        while True:
            exchange(self.a, self.b)
            self.counter.value += 1

    @property
    def count(self):
        return self.counter.value

    def __enter__(self):
        self.process.start()
        return self

    def __exit__(self, *_):
        self.process.kill()
        self.process.join()


@pytest.fixture
def scene(directory):
    """A tree with `dir`, `link` that leads out of it, by either way, and the place it leads to."""
    tree, victim = directory / "tree", directory / "victim"
    subprocess.run(["sh", "daemon/image/make-busybox.sh", "/bin/busybox", tree], check=True)
    (directory / "source").mkdir()
    (directory / "source/mark").write_text("mark\n")
    victim.mkdir()
    # So that root with other ids could leave something there, too.
    victim.chmod(0o777)
    (tree / "dir").mkdir()
    return directory


def links(scene):
    victim = str(scene / "victim")
    return {"absolute": victim, "relative": "../" * 12 + victim[1:]}


def escaped(scene):
    """What was made outside of the tree."""
    return [path for path in (scene / "victim").iterdir()]


def test_the_race_is_real(scene):
    """The naive way: a path that was found good is used again."""
    tree = scene / "tree"
    (tree / "link").symlink_to(scene / "victim")
    escapes = 0
    with Exchanger(tree / "dir", tree / "link"):
        for _ in range(20000):
            try:
                if not (tree / "dir").is_symlink():
                    os.mkdir(tree / "dir/sub")
            except OSError:
                pass
            for path in escaped(scene):
                escapes += 1
                path.rmdir()
            for name in ("dir", "link"):
                try:
                    os.rmdir(tree / name / "sub")
                except OSError:
                    pass
            if escapes >= 3:
                break
    assert escapes > 0


@pytest.mark.parametrize("kind", ["absolute", "relative"])
def test_no_mount_at_the_start_ever_leaves_the_root(ctl, daemon, scene, kind):
    tree = scene / "tree"
    (tree / "link").symlink_to(links(scene)[kind])
    good = starts = 0
    with Exchanger(tree / "dir", tree / "link") as exchanger:
        while exchanger.count < EXCHANGES or starts < 40:
            userns = ["--userns", "host"] if starts % 2 else []
            result = ctl("run", "--rm", *userns, "-v", f"{scene}/source:/dir/sub", "--tmpfs", "/dir/t/u",
                         "--rootfs", tree, "sh", "-c", "cat /dir/sub/mark")
            starts += 1
            good += result.out == "mark\n"
            assert escaped(scene) == []
    assert good > 0, "no start came through at all"
    assert processes.mounts_below(scene) == processes.mounts_below(scene, daemon.pid) == []
    assert (scene / "source/mark").read_text() == "mark\n"


@pytest.mark.parametrize("userns", ["auto", "host"])
def test_no_mount_that_is_added_or_removed_ever_leaves_the_root(ctl, daemon, scene, userns):
    """In a container that runs; and what hides the kernel's files stays in its place."""
    tree = scene / "tree"
    (tree / "link").symlink_to("/proc")
    (tree / "acpi").mkdir()
    daemon.call("io.dokrust.Container.Run", {"name": "box", "spec": {
        "rootfs": str(tree), "userns": userns, "command": ["sleep", "infinity"]}})
    pid = daemon.inspect("box")["pid"]

    def of_the_kernel():
        return sorted(path for path in processes.mounts(pid) if path.startswith(("/proc", "/sys")))
    masks = of_the_kernel()
    added = 0
    with Exchanger(tree / "dir", tree / "link") as exchanger:
        for i in range(400):
            if ctl("mount", "add", "box", f"{scene}/source:/dir/kcore").status == 0:
                added += 1
                # It has come to be at one of two places, and may be looked for at the other.
                if ctl("mount", "rm", *(["--lazy"] if i % 2 else []), "box", "/dir/kcore").status:
                    while ctl("mount", "rm", "--lazy", "box", "/dir/kcore").status:
                        pass
            assert of_the_kernel() == masks
            if exchanger.count >= EXCHANGES and added >= 20:
                break
    assert added > 0
    assert processes.mounts_below(scene) == []
    assert escaped(scene) == []
