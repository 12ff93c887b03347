"""Volumes: made, filled, shared, kept and removed."""
import json
import os
import re
import signal
import subprocess

import pytest

import processes
from host import Ctl
from varlink import VarlinkError

VOLUME = "io.dokrust.Volume."


def volumes(ctl):
    return ctl.ok("volume", "ls", "-q").split()


def inspect(ctl, name):
    return json.loads(ctl.ok("volume", "inspect", name))[0]


# --- Made and removed ----------------------------------------------------------------------------

def test_a_volume_is_made_once(ctl):
    assert ctl.ok("volume", "create", "data", "--label", "tier=db") == "data\n"
    ctl.sh("echo kept >/d/x", "-v", "data:/d")
    assert ctl.ok("volume", "create", "data") == "data\n"
    assert volumes(ctl) == ["data"]
    assert inspect(ctl, "data")["labels"] == {"tier": "db"}
    assert ctl.sh("cat /d/x", "-v", "data:/d") == "kept\n"


def test_what_is_known_of_a_volume(ctl, daemon):
    ctl.ok("create", "--name", "a", "-v", "data:/d", "busybox")
    known = inspect(ctl, "data")
    assert known["used_by"] == ["a"] and known["owner"] == 0 and known["anonymous"] is False
    assert known["path"].startswith(str(daemon.state)) and os.path.isdir(known["path"])
    shown = ctl.ok("volume", "ls").splitlines()
    assert shown[0].split() == ["NAME", "USED", "BY", "CREATED"] and shown[1].split()[:2] == ["data", "a"]
    assert json.loads(ctl.ok("volume", "ls", "--format", "json")) == known


@pytest.mark.parametrize("name", ["-x", "a/b", "x" * 64, "ä", ""])
def test_a_name_that_is_none_is_refused(ctl, name):
    assert "name" in ctl.fails(1, "volume", "create", "--", name)
    assert volumes(ctl) == []


def test_a_volume_that_is_not_there(ctl):
    for verb in ("rm", "inspect"):
        result = ctl("volume", verb, "nothing")
        assert result.status == 1 and 'no volume named "nothing"' in result.err
    assert ctl.ok("volume", "rm", "-f", "nothing") == ""


def test_a_volume_that_a_container_has_is_not_removed(ctl):
    ctl.ok("create", "--name", "a", "-v", "data:/d", "busybox")
    ctl.ok("run", "-d", "--name", "b", "-v", "data:/d", "busybox", "sleep", "infinity")
    said = ctl.fails(1, "volume", "rm", "data")
    assert '"data" is in use' in said and '"a"' in said and "others" in said
    ctl.ok("rm", "-f", "b")
    assert '"a"' in ctl.fails(1, "volume", "rm", "data")
    ctl.ok("rm", "a")
    assert volumes(ctl) == ["data"]
    assert ctl.ok("volume", "rm", "data") == "data\n"
    assert volumes(ctl) == []


def test_its_content_is_gone_with_it(ctl, daemon):
    ctl.sh("echo secret >/d/x", "-v", "data:/d")
    path = inspect(ctl, "data")["path"]
    ctl.ok("volume", "rm", "data")
    assert not os.path.exists(path)
    # The name may come again at once, and is empty then.
    assert ctl.sh("ls /d", "-v", "data:/d") == ""
    processes.wait_until(lambda: not list((daemon.state / "trash").iterdir()))
    assert ctl.sh("ls /d; echo >/d/y", "-v", "data:/d") == ""
    assert ctl.sh("ls /d", "-v", "data:/d") == "y\n"


def test_a_run_that_fails_leaves_no_volume(ctl, daemon):
    ctl.ok("volume", "create", "before")
    ctl.fails(127, "run", "-v", "new:/a", "-v", "before:/b", "-v", "/c", "busybox", "no-such")
    ctl.fails(125, "run", "-v", "new:/a", "-v", "/nowhere:/b", "busybox", "true")
    assert volumes(ctl) == ["before"]
    assert daemon.names(all=True) == []


# --- Without a name ------------------------------------------------------------------------------

def test_a_volume_without_a_name_goes_with_its_container_if_that_is_asked_for(ctl):
    ctl.ok("run", "--name", "a", "-v", "/d", "busybox", "touch", "/d/x")
    name, = volumes(ctl)
    assert re.fullmatch("[0-9a-f]{32}", name) and inspect(ctl, name)["anonymous"] is True
    assert ctl.inspect("a")["spec"]["mounts"][0]["source"] == name
    ctl.ok("rm", "a")
    assert volumes(ctl) == [name]
    assert ctl.ok("volume", "prune") == f"{name}\n"
    ctl.ok("run", "--name", "a", "-v", "/d", "-v", "named:/e", "busybox", "true")
    ctl.ok("rm", "-v", "a")
    assert volumes(ctl) == ["named"]


def test_rm_takes_volumes_without_a_name_along(ctl):
    ctl.sh("true", "-v", "/d", "-v", "named:/e")
    assert volumes(ctl) == ["named"]
    ctl.ok("run", "-d", "--rm", "--name", "a", "-v", "/d", "busybox", "sleep", "infinity")
    assert len(volumes(ctl)) == 2
    ctl.ok("rm", "-f", "a")
    assert volumes(ctl) == ["named"]


def test_one_that_another_container_has_stays(ctl):
    ctl.ok("create", "--name", "a", "-v", "/d", "busybox")
    name, = volumes(ctl)
    ctl.ok("create", "--name", "b", "-v", f"{name}:/d", "busybox")
    ctl.ok("rm", "-v", "a")
    assert volumes(ctl) == [name]
    ctl.ok("rm", "-v", "b")
    assert volumes(ctl) == []


def test_prune_spares_what_is_used_or_named(ctl):
    ctl.ok("create", "--name", "a", "-v", "used:/u", "-v", "/also-used", "busybox")
    ctl.ok("volume", "create", "named")
    unnamed = ctl.ok("volume", "create").strip()
    assert ctl.ok("volume", "prune") == f"{unnamed}\n"
    assert ctl.ok("volume", "prune") == ""
    assert ctl.ok("volume", "prune", "-a") == "named\n"
    assert len(volumes(ctl)) == 2


# --- Filled --------------------------------------------------------------------------------------

@pytest.fixture
def tree(directory):
    """A root file system with one of everything at /content."""
    path = directory / "tree"
    subprocess.run(["sh", "daemon/image/make-busybox.sh", "/bin/busybox", path], check=True)
    content = path / "content"
    (content / "sub/deeper").mkdir(parents=True)
    (content / "file").write_text("text\n")
    (content / "large").write_bytes(os.urandom(3_000_000))
    (content / "sub/deeper/setuid").write_text("")
    os.chown(content / "sub/deeper/setuid", 1, 2)
    (content / "sub/deeper/setuid").chmod(0o4755)
    (content / "link").symlink_to("/etc/passwd")
    os.chown(content / "link", 5, 6, follow_symlinks=False)
    os.mkfifo(content / "fifo", 0o640)
    os.mknod(content / "device", 0o20666, os.makedev(1, 5))
    os.setxattr(content / "file", "user.note", b"value")
    os.utime(content / "file", (1e9, 1e9))
    os.chown(content, 33, 33)
    content.chmod(0o750)
    for i in range(300):
        (content / "sub" / f"entry-{i:03}-{'x' * 100}").write_text(str(i))
    return path


DESCRIBE = "cd %s && find . ! -name device -exec stat -c '%%n %%F %%a %%u %%g' {} + | sort"


def test_the_first_container_fills_a_volume(ctl, tree):
    before = ctl.ok("run", "--rm", "--rootfs", tree, "sh", "-c", DESCRIBE % "/content")
    filled = ctl.ok("run", "--rm", "-v", "data:/content", "--rootfs", tree, "sh", "-c",
                    DESCRIBE % "/content")
    assert filled == before and len(before.splitlines()) == 308
    path = inspect(ctl, "data")["path"]
    assert (tree / "content/large").read_bytes() == open(f"{path}/large", "rb").read()
    assert os.getxattr(f"{path}/file", "user.note") == b"value"
    assert os.stat(f"{path}/file").st_mtime == 1e9
    assert os.readlink(f"{path}/link") == "/etc/passwd"
    assert not os.path.exists(f"{path}/device")


def test_only_the_first_fills_it(ctl):
    assert "passwd" in ctl.sh("ls /etc; rm /etc/passwd; echo >/etc/own", "-v", "data:/etc")
    shown = ctl.sh("ls /etc", "-v", "data:/etc").split()
    assert "own" in shown and "passwd" not in shown


def test_a_read_only_volume_is_filled_too(ctl):
    shown = ctl("run", "--rm", "-v", "data:/etc:ro", "busybox", "sh", "-c",
                "wc -l </etc/hosts; touch /etc/x")
    assert shown.out == "2\n" and "Read-only" in shown.err


def test_nocopy_leaves_it_empty(ctl):
    assert ctl.sh("ls /etc", "-v", "data:/etc:nocopy") == ""
    assert ctl.sh("ls /etc", "--mount", "type=volume,source=other,target=/etc,volume-nocopy") == ""


def test_containers_that_come_at_the_same_time_all_find_it_full(ctl, tree):
    ctl.ok("volume", "create", "data")
    argv = ctl.argv("run", "--rm", "-v", "data:/content", "--rootfs", tree, "sh", "-c",
                    "ls /content/sub | wc -l; wc -c </content/large")
    running = [subprocess.Popen(argv, stdout=subprocess.PIPE, text=True) for _ in range(6)]
    assert [process.communicate(timeout=40)[0].split() for process in running] == [
        ["301", "3000000"]] * 6


def test_a_fill_that_is_cut_short_is_done_again(ctl, daemon, tree):
    """Killed in the middle: the volume counts as unused, and nothing in it is half a file."""
    for i in range(40):
        (tree / f"content/large-{i:02}").write_bytes(b"x" * 2_000_000)
    ctl.ok("create", "--name", "a", "-v", "data:/content", "--rootfs", tree, "sh", "-c",
           "cat /content/large-* | wc -c; ls -A /content | grep -c unfinished")
    path = inspect(ctl, "data")["path"]
    start = subprocess.Popen(ctl.argv("start", "a"), stderr=subprocess.DEVNULL)
    processes.wait_until(lambda: os.path.exists(f"{path}/large-00"))
    init = [pid for pid in processes.children(daemon.pid)
            if processes.command(pid) == "dokrust-init"]
    os.kill(init[0], signal.SIGKILL)
    start.wait(20)
    assert all(os.path.getsize(f"{path}/{name}") == 2_000_000
               for name in os.listdir(path) if name.startswith("large-"))
    daemon.wait_for_state("a", "created")
    result = ctl("start", "-a", "a")
    assert result.out == "80000000\n0\n"


# --- Kept ----------------------------------------------------------------------------------------

def test_volumes_outlive_the_daemon(new_daemon):
    daemon = new_daemon().start()
    ctl = Ctl(daemon)
    ctl.sh("echo kept >/d/x", "-v", "data:/d")
    ctl.ok("volume", "create", "gone")
    ctl.ok("volume", "rm", "gone")
    ctl.ok("create", "--name", "a", "-v", "/d", "busybox")
    before = [json.loads(line) for line in ctl.ok("volume", "ls", "--format", "json").splitlines()]
    assert daemon.stop() == 0
    daemon.start()
    after = [json.loads(line) for line in ctl.ok("volume", "ls", "--format", "json").splitlines()]
    assert after == before and len(after) == 2
    assert ctl.sh("cat /d/x", "-v", "data:/d") == "kept\n"


def test_a_volume_that_was_acknowledged_outlives_a_crash(new_daemon):
    daemon = new_daemon().start()
    ctl = Ctl(daemon)
    ctl.ok("volume", "create", "data")
    ctl.ok("create", "--name", "a", "-v", "other:/d", "busybox")
    daemon.kill()
    daemon.start()
    assert volumes(ctl) == ["data", "other"]


def test_a_record_that_is_damaged_is_set_aside(new_daemon):
    daemon = new_daemon().start()
    ctl = Ctl(daemon)
    for name in ("good", "bad"):
        ctl.ok("volume", "create", name)
    ctl.ok("create", "--name", "a", "-v", "bad:/d", "busybox", "touch", "/d/x")
    record = os.path.dirname(inspect(ctl, "bad")["path"]) + "/record.json"
    assert daemon.stop() == 0
    with open(record, "w") as file:
        file.write('{"version": 1, "name": "../../etc"}')
    daemon.start()
    assert volumes(ctl) == ["good"]
    assert "set aside" in daemon.log and os.path.exists(f"{record}.corrupt")
    # Who has it gets a new one.
    ctl.ok("start", "-a", "a")
    assert volumes(ctl) == ["good", "bad"]


def test_the_api_refuses_what_the_client_would(daemon):
    for method, parameters, error in (
            ("Create", {"name": "../x"}, "io.dokrust.Container.InvalidValue"),
            ("Create", {"name": 5}, "org.varlink.service.InvalidParameter"),
            ("Remove", {"volume": "x"}, VOLUME + "VolumeNotFound"),
            ("List", {}, "org.varlink.service.ExpectedMore")):
        with pytest.raises(VarlinkError) as caught:
            daemon.call(VOLUME + method, parameters)
        assert caught.value.name == error
