"""Mounts that come and go while a container runs."""
import json
import os
import subprocess

import pytest

import processes
from host import Ctl
from varlink import CONTAINER, VarlinkError


@pytest.fixture
def source(directory):
    (directory / "source").mkdir()
    (directory / "source/file").write_text("content\n")
    return directory / "source"


@pytest.fixture
def box(ctl):
    ctl.ok("run", "-d", "--name", "box", "busybox", "sleep", "infinity")
    return "box"


def listed(ctl, name="box"):
    lines = ctl.ok("mount", "ls", name, "--format", "json").splitlines()
    return {mount["target"]: mount for mount in map(json.loads, lines)}


def seen(daemon, name="box"):
    return processes.mounts(daemon.inspect(name)["pid"])


def test_what_is_added_is_there_at_once(ctl, daemon, box, source):
    ctl.ok("mount", "add", box, f"{source}:/new/data:ro", f"{source}/file:/etc/one",
           "--tmpfs", "/t:size=1m")
    assert ctl.ok("exec", box, "cat", "/new/data/file", "/etc/one") == "content\ncontent\n"
    assert "Read-only" in ctl("exec", box, "touch", "/new/data/x").err
    assert ctl.ok("exec", box, "sh", "-c", "df -k /t | tail -1").split()[1] == "1024"
    assert set(listed(ctl)) == {"/new/data", "/etc/one", "/t"}
    assert listed(ctl)["/new/data"]["read_only"] is True
    assert processes.mounts_below(daemon.directory) == []


def test_the_main_process_sees_it_too(ctl, daemon, source):
    script = "until cat /data/file; do sleep 0.05; done 2>/dev/null; while [ -e /data/file ]; do sleep 0.05; done; echo gone"
    with daemon.run_viewer({"image": "busybox", "command": ["sh", "-c", script]}, "box") as viewer:
        ctl.ok("mount", "add", "box", f"{source}:/data")
        viewer.wait_for(b"content\n")
        # Who has written that may not have closed the file yet.
        processes.wait_until(lambda: ctl("mount", "rm", "box", "/data").status == 0)
        viewer.wait_for(b"gone\n")


def test_what_is_removed_is_gone(ctl, daemon, box, source):
    ctl.ok("mount", "add", box, f"{source}:/a", f"{source}/file:/b", "--tmpfs", "/c")
    ctl.ok("mount", "rm", box, "/a", "/b/", "//c")
    assert listed(ctl) == {}
    assert not {"/a", "/b", "/c"} & set(seen(daemon))
    assert ctl.ok("exec", box, "sh", "-c", "ls /a /c; cat /b") == "/a:\n\n/c:\n"


def test_mounts_of_the_record_can_be_removed(ctl, daemon, source):
    ctl.ok("run", "-d", "--name", "box", "-v", f"{source}:/data", "-v", "named:/n", "busybox",
           "sleep", "infinity")
    assert '"box"' in ctl.fails(1, "volume", "rm", "named")
    ctl.ok("mount", "rm", "box", "/data", "/n")
    assert listed(ctl) == {} and "/data" not in seen(daemon)
    assert ctl.ok("volume", "rm", "named") == "named\n"


def test_what_is_in_use_stays_unless_that_does_not_matter(ctl, daemon, box, source):
    ctl.ok("mount", "add", box, f"{source}:/data")
    ctl.ok("exec", "-d", box, "sh", "-c", "cd /data; touch /there; exec sleep infinity")
    processes.wait_until(lambda: ctl("exec", box, "test", "-e", "/there").status == 0)
    assert "in use" in ctl.fails(1, "mount", "rm", box, "/data")
    assert "/data" in listed(ctl) and "/data" in seen(daemon)
    ctl.ok("mount", "rm", "--lazy", box, "/data")
    assert listed(ctl) == {} and "/data" not in seen(daemon)


def test_what_is_mounted_below_comes_first(ctl, box, source):
    ctl.ok("mount", "add", box, f"{source}:/a", "--tmpfs", "/a/b/c")
    assert "/a/b/c is mounted below" in ctl.fails(1, "mount", "rm", box, "/a")
    assert "/a/b/c is mounted below" in ctl.fails(1, "mount", "rm", "--lazy", box, "/a")
    assert "/a/b/c is mounted below" in ctl.fails(1, "mount", "add", box, f"{source}:/a/b")
    ctl.ok("mount", "rm", box, "/a/b/c", "/a")


def test_changes_are_there_after_a_restart(new_daemon, source):
    daemon = new_daemon().start()
    ctl = Ctl(daemon)
    ctl.ok("run", "-d", "--name", "box", "--tmpfs", "/old", "busybox", "sleep", "infinity")
    ctl.ok("mount", "add", "box", f"{source}:/data", "named:/n")
    ctl.ok("mount", "rm", "box", "/old")
    ctl.ok("restart", "-t", "0", "box")
    assert ctl.ok("exec", "box", "cat", "/data/file") == "content\n"
    assert set(listed(ctl)) == {"/data", "/n"} and "/old" not in seen(daemon)
    ctl.ok("stop", "-t", "0", "box")
    assert daemon.stop() == 0
    daemon.start()
    assert set(listed(ctl)) == {"/data", "/n"}
    ctl.ok("start", "box")
    assert {"/data", "/n"} <= set(seen(daemon))


def test_the_record_of_one_that_does_not_run_changes(ctl, daemon, source):
    ctl.ok("create", "--name", "box", "-v", "old:/old", "busybox", "cat", "/data/file")
    ctl.ok("mount", "add", "box", f"{source}:/data")
    ctl.ok("mount", "rm", "box", "/old")
    assert ctl.ok("start", "-a", "box") == "content\n"
    assert set(listed(ctl)) == {"/data"}


def test_one_that_is_paused_can_be_changed(ctl, daemon, box, source):
    ctl.ok("mount", "add", box, "--tmpfs", "/old")
    daemon.call(CONTAINER + "Pause", {"container": box})
    ctl.ok("mount", "add", box, f"{source}:/data")
    ctl.ok("mount", "rm", box, "/old")
    daemon.call(CONTAINER + "Unpause", {"container": box})
    assert ctl.ok("exec", box, "cat", "/data/file") == "content\n"
    assert set(listed(ctl)) == {"/data"}


def test_a_volume_is_made_filled_and_shared(ctl, daemon, box):
    ctl.ok("mount", "add", box, "data:/etc")
    assert "passwd" in ctl.ok("exec", box, "ls", "/etc")
    assert ctl.sh("ls /d", "-v", "data:/d") == ctl.ok("exec", box, "ls", "/etc")


@pytest.mark.parametrize("arguments, complaint", [
    (["SOURCE/nothing:/data"], "No such file"),
    (["SOURCE:/taken"], "already"),
    (["SOURCE:/etc/passwd"], "directory"),
    (["SOURCE/file:/etc"], "directory"),
    (["new:/etc/passwd"], "directory"),
    (["SOURCE:/link"], "/proc"),
    (["SOURCE:/link/sys"], "/proc"),
])
def test_what_cannot_be_added_changes_nothing(ctl, daemon, source, arguments, complaint):
    ctl.ok("run", "-d", "--name", "box", "--tmpfs", "/taken", "busybox", "sh", "-c",
           "ln -s /proc /link; exec sleep infinity")
    processes.wait_until(lambda: ctl("exec", "box", "test", "-L", "/link").status == 0)
    before = seen(daemon)
    arguments = [argument.replace("SOURCE", str(source)) for argument in arguments]
    assert complaint in ctl.fails(1, "mount", "add", "box", *arguments)
    assert set(listed(ctl)) == {"/taken"} and seen(daemon) == before
    assert ctl.ok("volume", "ls", "-q") == ""


def test_what_is_mounted_privately_is_not_shared_with_it(ctl, box, source):
    subprocess.run(["mount", "--bind", source, source], check=True)
    try:
        subprocess.run(["mount", "--make-private", source], check=True)
        assert "shared mount" in ctl.fails(1, "mount", "add", box, f"{source}:/data:rshared")
        subprocess.run(["mount", "--make-shared", source], check=True)
        ctl.ok("mount", "add", box, f"{source}:/data:rshared")
        ctl.ok("mount", "rm", box, "/data")
    finally:
        subprocess.run(["umount", source], check=True)


@pytest.mark.parametrize("target", ["/proc", "/proc/kcore", "/proc/sys", "/sys", "/dev", "/dev/shm",
                                    "/", "/etc", "relative", ""])
def test_only_what_a_user_mounted_can_be_removed(ctl, daemon, box, target):
    before = seen(daemon)
    for lazy in ([], ["--lazy"]):
        assert "no mount" in ctl.fails(1, "mount", "rm", *lazy, box, target)
    assert seen(daemon) == before


def test_usage_errors_are_found_before_anything_is_asked(ctl, box):
    for arguments in (["mount"], ["mount", "add", box], ["mount", "add", box, "./x:/y"],
                      ["mount", "add", box, "/x:/proc"], ["mount", "rm", box], ["mount", "mv"]):
        ctl.fails(125, *arguments)


def test_two_at_the_same_place_at_the_same_time(daemon, ctl, box, source):
    """One wins, the other is told."""
    mount = {"type": "bind", "source": str(source), "target": "/data"}
    connections = [daemon.connect() for _ in range(8)]
    from varlink import message
    for connection in connections:
        connection.send(message(CONTAINER + "AddMount", {"container": box, "mount": mount}))
    answers = [connection.receive() for connection in connections]
    for connection in connections:
        connection.close()
    assert sum("error" not in answer for answer in answers) == 1
    assert seen(daemon).count("/data") == 1


def test_a_caller_that_goes_away_leaves_a_whole_change(daemon, ctl, box, source):
    from varlink import message
    with daemon.connect() as connection:
        connection.send(message(CONTAINER + "AddMount", {
            "container": box,
            "mount": {"type": "bind", "source": str(source), "target": "/data"}}))
    processes.wait_until(lambda: "/data" in seen(daemon))
    # It is seen inside a moment before the daemon is told that it is there.
    processes.wait_until(lambda: ctl("mount", "rm", box, "/data").status == 0)
    assert "/data" not in seen(daemon)


def test_a_container_that_ends_meanwhile(daemon, ctl, source):
    """Whatever comes of the change, nobody waits for ever, and nothing is left."""
    from varlink import message
    for i in range(10):
        daemon.run("box", "sleep", "infinity", auto_remove=i % 2 == 0)
        with daemon.connect() as connection:
            connection.send(message(CONTAINER + "AddMount", {
                "container": "box",
                "mount": {"type": "bind", "source": str(source), "target": "/data"}}))
            ctl("rm", "-f", "box")
            assert connection.receive() is not None
        processes.wait_until(lambda: daemon.names(all=True) == [])


def test_the_limit_holds_for_additions(ctl, daemon):
    options = [part for i in range(127) for part in ("--tmpfs", f"/m/{i}")]
    ctl.ok("run", "-d", "--name", "box", *options, "busybox", "sleep", "infinity")
    ctl.ok("mount", "add", "box", "--tmpfs", "/one")
    with pytest.raises(VarlinkError) as caught:
        daemon.call(CONTAINER + "AddMount",
                    {"container": "box", "mount": {"type": "tmpfs", "target": "/two"}})
    assert caught.value.name == CONTAINER + "LimitReached"


def test_nothing_is_left_of_changes(ctl, daemon, box, source, directory):
    fds = len(processes.open_fds(daemon.pid))
    for _ in range(15):
        ctl.ok("mount", "add", box, f"{source}:/data")
        ctl.ok("mount", "rm", box, "/data")
        ctl.fails(1, "mount", "add", box, f"{source}:/etc/passwd")
    processes.wait_until(lambda: len(processes.open_fds(daemon.pid)) <= fds)
    for place in (directory, daemon.directory):
        assert processes.mounts_below(place) == processes.mounts_below(place, daemon.pid) == []
    processes.wait_until(lambda: [processes.command(pid) for pid in processes.children(daemon.pid)
                                  if processes.is_alive(pid)].count("dokrust-init") == 1)


def test_a_program_in_the_container_cannot_hold_what_enters_it(ctl, daemon, box, source):
    """What enters is seen from inside for no moment: it is not in the container's pid namespace."""
    ctl.ok("exec", "-d", box, "sh", "-c",
           "while :; do for p in /proc/[0-9]*; do readlink $p/exe; done; done >/seen 2>/dev/null")
    for _ in range(20):
        ctl.ok("mount", "add", box, f"{source}:/data")
        ctl.ok("mount", "rm", box, "/data")
    names = set(ctl.ok("exec", box, "cat", "/seen").split())
    assert names <= {"/bin/busybox"}
    assert os.path.exists(source / "file")
    assert subprocess.run(["findmnt", source], capture_output=True).stdout == b""
