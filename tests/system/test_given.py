"""Binds by descriptor, after the daemon that was given it has ended: the same file, or none."""
import contextlib
import os
import pathlib
import shutil
import subprocess

import pytest

import processes
from host import run
from users import ANN, MEMORY, start
from varlink import VarlinkError


def another_daemon(shared):
    assert shared.stop() == 0
    shared.start("--config", shared.directory / "conf")


def shown_by(ann, name):
    """What a container that lists its bind shows, started by this daemon."""
    return ann.ok("start", "-a", name).split()


def refused(ann, name, why):
    result = ann.fails(1, "start", name)
    assert why in result and "add it again" in result, result
    assert ann.inspect(name)["state"] in ("created", "exited")


@contextlib.contextmanager
def mounted(*args):
    subprocess.run(["mount", *[str(arg) for arg in args]], check=True)
    try:
        yield
    finally:
        # A container that has it may be on its way out.
        processes.wait_until(lambda: run(["umount", args[-1]]).status == 0)


@pytest.fixture
def data(home):
    """In Ann's home, a directory with a file."""
    path = home / "data"
    path.mkdir()
    (path / "hers").write_text("her text\n")
    for found in (path, path / "hers"):
        os.chown(found, ANN, ANN)
    return path


@pytest.fixture
def secret(directory):
    """What Ann may not see, and root may."""
    os.chmod(directory, 0o700)
    (directory / "secret").write_text("secret\n")
    return directory


@pytest.fixture
def lister(shared, ann, data):
    ann.ok("create", "--name", "a", *MEMORY, "-v", f"{data}:/data", "busybox", "ls", "/data")
    return "a"


def test_it_is_there_under_the_next_daemon(shared, ann, data):
    script = "cat /data/hers /file; touch /data/new; stat -c %u /data/new"
    ann.ok("create", "--name", "a", *MEMORY, "-v", f"{data}:/data", "-v", f"{data}/hers:/file:ro", "busybox",
           "sh", "-c", script)
    assert shown_by(ann, "a") == ["her", "text"] * 2 + ["0"]
    another_daemon(shared)
    # Nobody has looked it up since.
    pathlib.Path("/proc/sys/vm/drop_caches").write_text("2")
    assert shown_by(ann, "a") == ["her", "text"] * 2 + ["0"]
    assert os.stat(data / "new").st_uid == ANN


def test_a_restart_policy_finds_it(shared, ann, data):
    start(ann, "box", options=["--restart", "always", "-v", f"{data}:/data"])
    ann.ok("mount", "add", "box", f"{data}:/added")
    shared.kill()
    shared.start("--config", shared.directory / "conf")
    shared.wait_for_state("box", "running")
    assert ann.ok("exec", "box", "cat", "/data/hers", "/added/hers") == "her text\n" * 2


@pytest.mark.parametrize("keeps", [True, False])
@pytest.mark.parametrize("ends", [True, False])
def test_what_has_its_name_by_then_is_not_mounted(shared, ann, data, secret, lister, keeps, ends):
    """Under the daemon that was given it, what is moved is followed."""
    if ends:
        another_daemon(shared)
    if keeps:
        os.rename(data, data.parent / "old")
    else:
        shutil.rmtree(data)

    def is_right():
        if keeps and not ends:
            assert shown_by(ann, lister) == ["hers"]
        else:
            refused(ann, lister, "moved" if keeps else "deleted")
    is_right()
    data.symlink_to(secret)
    is_right()
    data.unlink()
    shutil.copytree(secret, data)
    is_right()
    shutil.rmtree(data)
    if keeps:
        os.rename(data.parent / "old", data)
        assert shown_by(ann, lister) == ["hers"]


def test_a_link_on_the_way_to_it_changes_nothing(shared, ann, home, data, secret, lister):
    """The path is compared, not looked up."""
    another_daemon(shared)
    (secret / "data").mkdir()
    os.rename(home, f"{home}.old")
    try:
        home.symlink_to(secret)
        refused(ann, lister, "moved")
    finally:
        home.unlink()
        os.rename(f"{home}.old", home)
    assert shown_by(ann, lister) == ["hers"]


def test_a_file_that_was_replaced_is_not_mounted(shared, ann, data, secret):
    ann.ok("create", "--name", "a", *MEMORY, "-v", f"{data}/hers:/file", "busybox", "cat", "/file")
    another_daemon(shared)
    shutil.copy(secret / "secret", data / "other")
    os.chown(data / "other", ANN, ANN)
    os.rename(data / "other", data / "hers")
    refused(ann, "a", "deleted")


def test_it_is_on_the_same_mount(shared, ann, home, data):
    """With what that mount allows, and not what another one of the same file system does."""
    other = home / "read-only"
    other.mkdir()
    with mounted("--bind", data, other):
        subprocess.run(["mount", "-o", "remount,bind,ro", other], check=True)
        ann.ok("create", "--name", "a", *MEMORY, "-v", f"{other}:/data", "busybox", "touch", "/data/x")
        another_daemon(shared)
        assert "Read-only file system" in ann("start", "-a", "a").err
    refused(ann, "a", "not mounted as it was")
    with mounted("--bind", home, other):
        refused(ann, "a", "not mounted as it was")
    assert not (data / "x").exists()


def test_it_is_of_the_same_file_system(shared, ann, home):
    def make():
        (home / "own").mkdir()
        os.chown(home / "own", ANN, ANN)

    with mounted("-t", "tmpfs", "x", home):
        os.chmod(home, 0o755)
        make()
        ann.ok("create", "--name", "a", *MEMORY, "-v", f"{home}/own:/data", "busybox", "ls", "/data")
        another_daemon(shared)
        assert shown_by(ann, "a") == []
    with mounted("-t", "tmpfs", "x", home):
        os.chmod(home, 0o755)
        make()
        refused(ann, "a", "deleted")


def test_what_is_unmounted_meanwhile_is_not_mounted(shared, ann, home):
    """The descriptor still leads there, and the daemon that was given it still has it."""
    with mounted("-t", "tmpfs", "x", home):
        os.chmod(home, 0o755)
        ann.ok("create", "--name", "a", *MEMORY, "-v", f"{home}:/data", "busybox", "ls", "/data")
        assert shown_by(ann, "a") == []
        subprocess.run(["umount", "-l", home], check=True)
        assert "not mounted where the daemon is" in ann.fails(1, "start", "a")
        another_daemon(shared)
        refused(ann, "a", "not mounted as it was")
        subprocess.run(["mount", "-t", "tmpfs", "x", home], check=True)


def test_without_handles_it_has_to_be_given_again(shared, ann, home):
    """As an overlay is."""
    for name in ("lower", "upper", "work", "all"):
        (home / name).mkdir()
    os.chmod(home, 0o755)
    with mounted("-t", "overlay", "-o", f"lowerdir={home}/lower,upperdir={home}/upper,workdir={home}/work",
                 "x", home / "all"):
        ann.ok("create", "--name", "a", *MEMORY, "-v", f"{home}/all:/data", "busybox", "ls", "/data")
        assert shown_by(ann, "a") == []
        another_daemon(shared)
        refused(ann, "a", "cannot be told from it")
        ann.ok("mount", "rm", "a", "/data")
        ann.ok("mount", "add", "a", f"{home}/all:/data")
        assert shown_by(ann, "a") == []
        ann.ok("rm", "a")


def test_nobody_else_can_have_an_origin(shared, ann, bob, data, lister):
    """It is kept in the record, and nowhere to be seen or said."""
    assert "origin" not in str(ann.inspect(lister)) and "handle" not in str(ann.inspect(lister))
    assert "handle" in (shared.state / "containers" / ann.inspect(lister)["id"] / "record.json").read_text()
    with shared.connect() as connection:
        mount = {"type": "bind", "source": str(data), "target": "/data", "origin": {"path": str(data)}}
        with pytest.raises(VarlinkError, match="origin"):
            connection.call("io.dokrust.Container.Create", {"spec": {"image": "busybox", "mounts": [mount]}})
    bob.fails(1, "start", lister)
