"""User namespaces: each container's ids are nobody's on the host, and the disk's are its own."""
import os
import pathlib
import subprocess

import pytest

import processes
from host import Ctl
from terminal import Terminal
from users import MEMORY

FIRST, RANGE = 0x70000000, 65536


def uid_of(pid):
    return int(processes.status_field(pid, "Uid").split()[0])


def owner(path):
    found = os.lstat(path)
    return found.st_uid, found.st_gid


@pytest.fixture
def box(ctl):
    ctl.ok("run", "-d", "--name", "box", "busybox", "sleep", "infinity")
    return "box"


# --- Whose ids -----------------------------------------------------------------------------------

def test_each_container_has_a_range_of_its_own(ctl, daemon, box):
    ctl.ok("run", "-d", "--name", "other", "busybox", "sleep", "infinity")
    uids = [uid_of(daemon.inspect(name)["pid"]) for name in (box, "other")]
    assert all(uid >= FIRST and uid % RANGE == FIRST % RANGE for uid in uids)
    assert uids[0] != uids[1]
    assert ctl.inspect(box)["userns"] == f"0:{uids[0]}:{RANGE}"
    assert ctl.ok("exec", box, "cat", "/proc/self/uid_map").split() == ["0", str(uids[0]), str(RANGE)]
    assert processes.namespace(daemon.inspect(box)["pid"], "user") != processes.namespace("self", "user")


def test_all_its_namespaces_belong_to_it(ctl, box):
    """Or root in there would have no rights over its own network."""
    ctl.ok("exec", box, "ping", "-c", "1", "-W", "5", "127.0.0.1")
    options = ["--cap-add", "SYS_ADMIN", "--cap-add", "NET_ADMIN", "--security-opt", "seccomp=unconfined"]
    ctl.sh("hostname other && ip link set lo down && mount -t tmpfs x /mnt && umount /mnt", *options)


def test_the_range_is_kept_as_long_as_the_container(new_daemon):
    daemon = new_daemon().start()
    ctl = Ctl(daemon)
    ctl.ok("run", "--name", "kept", "busybox", "touch", "/mine")
    before = ctl.inspect("kept")["userns"]
    assert daemon.stop() == 0
    daemon.start()
    ctl.ok("run", "--rm", "busybox", "true")
    ctl.ok("start", "kept")
    assert daemon.wait_for_state("kept", "exited")["exit_status"] == 0
    assert ctl.inspect("kept")["userns"] == before


def test_the_daemon_that_comes_after_a_kill_goes_on_with_it(new_daemon):
    daemon = new_daemon().start("--keep")
    ctl = Ctl(daemon)
    ctl.ok("run", "-d", "--name", "box", "busybox", "sleep", "infinity")
    uid = uid_of(daemon.inspect("box")["pid"])
    child, = [pid for pid in processes.children(daemon.pid) if processes.command(pid) == "dokrustd"]
    os.kill(child, 9)
    processes.wait_until(lambda: ctl("exec", "box", "id", "-u").out == "0\n")
    ctl.ok("mount", "add", "box", "--tmpfs", "/new")
    shown = ctl.ok("exec", "box", "sh", "-c", "touch /new/file && stat -c %u /new/file")
    assert shown == "0\n"
    ctl.ok("run", "-d", "--name", "other", "busybox", "sleep", "infinity")
    assert uid_of(daemon.inspect("other")["pid"]) != uid


def test_no_range_is_left(new_daemon, directory):
    settings = directory / "conf"
    settings.write_text(f"[daemon]\nsubordinate_ids = 200000:{RANGE}\n")
    daemon = new_daemon().start("--config", settings)
    ctl = Ctl(daemon)
    ctl.ok("run", "-d", "--name", "one", "busybox", "sleep", "infinity")
    assert uid_of(daemon.inspect("one")["pid"]) == 200000
    assert "subordinate_ids" in ctl.fails(125, "run", "--name", "two", "busybox", "true")
    ctl.ok("run", "--rm", "--userns", "host", "busybox", "true")
    ctl.ok("rm", "-f", "one")
    ctl.ok("run", "--rm", "busybox", "true")


def test_a_map_can_be_given(ctl, daemon, directory):
    options = ["--userns", "0:300000:1000,2000:400000:1", "-v", f"{directory}:/data"]
    assert ctl.sh("touch /data/a; cat /proc/self/gid_map; stat -c %u /data/a", *options).split() == \
        ["0", "300000", "1000", "2000", "400000", "1", "0"]
    assert owner(directory / "a") == (0, 0)
    ctl.sh("touch /data/b", "-u", "2000:2000", *options[:2], "--tmpfs", "/data")
    assert "not among the ids" in ctl.fails(125, "run", "-u", "1500", *options, "busybox", "true")


@pytest.mark.parametrize("text", ["", "yes", "0:1", "0:1000:0", "1:1000:10", "0:1000:10,5:2000:10",
                                  "0:1000:10,20:1005:1", "0:4294967295:1", "0:1000:4294967296", "0:-1:5"])
def test_what_is_no_map_is_refused(ctl, daemon, text):
    ctl.fails(125, "run", "--userns", text, "busybox", "true")
    assert daemon.list(all=True) == []


def test_host_means_the_hosts(ctl, daemon):
    ctl.ok("run", "-d", "--name", "a", "--userns", "host", "busybox", "sleep", "infinity")
    assert uid_of(daemon.inspect("a")["pid"]) == 0
    shown = ctl.inspect("a")
    assert shown["userns"] == "host" and shown.get("userns_reason") is None


# --- What is on the disk -------------------------------------------------------------------------

def test_files_have_on_the_disk_the_ids_that_they_have_inside(ctl, directory):
    (directory / "hosts").write_text("root's")
    os.chmod(directory / "hosts", 0o600)
    script = ("cat /data/hosts; touch /data/a /v/a; su -s /bin/sh nobody -c 'touch /data/b' && chown 1000 /v/a;"
              " stat -c %u /data/a /data/b /v/a")
    os.chmod(directory, 0o777)
    shown = ctl.sh(script, "-v", f"{directory}:/data", "-v", "vol:/v")
    assert shown == "root's0\n65534\n1000\n"
    assert owner(directory / "a") == (0, 0) and owner(directory / "b") == (65534, 65534)
    assert ctl.sh("stat -c %u /v/a", "-v", "vol:/v") == "1000\n"
    assert ctl.sh("stat -c %u /v/a", "-v", "vol:/v", "--userns", "host") == "1000\n"


def test_a_volume_is_filled_with_its_owners(ctl, directory):
    subprocess.run(["cp", "-a", os.environ.get("DOKRUST_BUILD", "build") + "/images/busybox/.",
                    directory], check=True)
    (directory / "data").mkdir()
    (directory / "data/file").write_text("x")
    os.chown(directory / "data/file", 7, 8)
    shown = ctl.ok("run", "--rm", "-v", "filled:/data", "--rootfs", directory,
                   "stat", "-c", "%u:%g", "/data/file")
    assert shown == "7:8\n"


def test_a_root_file_system_stays_the_hosts(ctl, directory):
    """Used in place, it has afterwards no owner that it did not have before."""
    subprocess.run(["cp", "-a", os.environ.get("DOKRUST_BUILD", "build") + "/images/busybox/.",
                    directory], check=True)
    ctl.ok("run", "--rm", "--userns", "auto", "--rootfs", directory, "sh", "-c",
           "mkdir /new; touch /new/a; chown 5:6 /new/a")
    assert owner(directory / "new") == (0, 0) and owner(directory / "new/a") == (5, 6)


def test_the_same_layer_is_there_again(ctl, daemon):
    ctl.ok("create", "--name", "a", "busybox", "sh", "-c",
           "rm -r /etc/passwd /usr/share 2>/dev/null; mkdir -p /usr/share; ls -A /usr/share; test -e /etc/passwd || echo gone;"
           " echo x >>/count; wc -l </count")
    assert ctl.ok("start", "-a", "a") == "gone\n1\n"
    assert ctl.ok("start", "-a", "a") == "gone\n2\n"


def test_what_cannot_be_mapped_runs_with_the_hosts_ids_and_says_so(ctl, daemon, debian):
    """An overlay of the host's is such a root file system."""
    ctl.ok("run", "-d", "--name", "a", "--rootfs", debian, "sleep", "1000")
    shown = ctl.inspect("a")
    assert shown["userns"] == "host" and str(debian) in shown["userns_reason"]
    assert uid_of(daemon.inspect("a")["pid"]) == 0
    assert "cannot have its ids mapped" in ctl.fails(
        125, "run", "--userns", "auto", "--rootfs", debian, "true")
    ctl.ok("rm", "-f", "a")


def test_a_mount_that_cannot_be_mapped_counts_as_well(ctl, daemon, box, debian):
    ctl.ok("run", "-d", "--name", "a", "-v", f"{debian}:/data", "busybox", "sleep", "infinity")
    assert str(debian) in ctl.inspect("a")["userns_reason"]
    # Too late for one that runs.
    assert "cannot have its ids mapped" in ctl.fails(1, "mount", "add", box, f"{debian}:/data")
    ctl.ok("rm", "-f", "a")


# --- Where there can be none ----------------------------------------------------------------------

MASKED = ["unshare", "-m", "sh", "-c", 'mount -t tmpfs mask "$0" && exec "$@"']


@pytest.mark.parametrize("path", ["/proc/irq", "/sys/firmware"])
def test_where_the_host_is_a_container_the_hosts_ids_are_taken_and_it_says_so(shared, ann, path):
    """Covered in part, a procfs or sysfs cannot be mounted anew in a user namespace."""
    ctl = Ctl(shared)
    ctl.ok("create", "--name", "before", "busybox", "true")
    ctl.ok("run", "--name", "ran", "busybox", "true")
    shared.stop()
    shared.start("--config", shared.directory / "conf", under=[*MASKED, path])
    assert "containers get the host's ids" in shared.log
    for make in (["start", "-a", "before"], ["run", "--name", "new", "busybox", "cat", "/proc/self/uid_map"]):
        ctl.ok(*make)
    for name in ("before", "new"):
        shown = ctl.inspect(name)
        assert shown["userns"] == "host" and "covered in part" in shown["userns_reason"], shown
    for options in (["--userns", "auto"], ["--userns", "0:300000:1000"]):
        assert "covered in part" in ctl.fails(125, "run", *options, "busybox", "true")
    # Its layer was written with ids of its own.
    assert "covered in part" in ctl.fails(1, "start", "ran")
    assert "covered in part" in ann.fails(125, "run", *MEMORY, "busybox", "true")
    assert sorted(shared.names(all=True)) == ["before", "new", "ran"]
    shared.stop()
    shared.start("--config", shared.directory / "conf")
    ctl.ok("start", "-a", "ran")
    ctl.ok("start", "-a", "before")
    assert ctl.inspect("before")["userns"] == "host"


# --- What is in it -------------------------------------------------------------------------------

def test_a_debian_runs_in_it(ctl, debian_tree):
    shown = ctl.ok("run", "--rm", "--userns", "auto", "--overlay", "--rootfs", debian_tree, "bash", "-c",
                   "echo pass:x | chpasswd -c SHA256 2>/dev/null; useradd -m kim && su kim -c 'id -un; touch ~/f'"
                   " && stat -c %U /home/kim/f; dpkg -l bash | tail -1 | cut -c1-2; ls -ld /usr | cut -d' ' -f3")
    assert shown.split() == ["kim", "kim", "ii", "root"]


def test_others_than_root_have_their_streams_and_terminal(ctl, daemon, box):
    # By name, as programs do that open /dev/stdout or their tty.
    assert ctl.sh("echo x >/dev/stdout", "-u", "1000") == "x\n"
    assert ctl.ok("exec", "-u", "1000", box, "sh", "-c", "echo y >/dev/stdout") == "y\n"
    shown = ctl.ok("run", "--rm", "-t", "-u", "1000", "busybox", "sh", "-c",
                   "stat -c %u:%g $(tty); echo z >$(tty)")
    assert shown.split() == ["1000:5", "z"]
    with Terminal(ctl, "exec", "-it", "-u", "7", box, "sh") as terminal:
        terminal.send("stat -c %u $(tty) && echo by name >$(tty)\r")
        terminal.wait_for("by name")
        terminal.send("exit\r")


def test_a_device_belongs_to_its_owners_inside(ctl):
    """Without the host's ids of /dev/fuse, nobody in there could open one that is not for all."""
    before = os.stat("/dev/fuse").st_mode
    os.chmod("/dev/fuse", 0o660)
    try:
        shown = ctl.sh("stat -c %u:%a /dev/fuse; : <>/dev/fuse && echo opened", "--device", "/dev/fuse")
    finally:
        os.chmod("/dev/fuse", before)
    assert shown.split() == ["0:660", "opened"]


def test_a_privileged_container_has_all_rights_over_its_own(ctl):
    shown = ctl("run", "--rm", "--privileged", "--userns", "auto", "busybox", "sh", "-c",
                "mount -t tmpfs x /mnt && echo mounted; mknod /x c 1 3 || echo refused;"
                " test -e /dev/fuse && echo device").out
    assert shown.split() == ["mounted", "refused", "device"]


def test_a_privileged_container_has_the_hosts_ids_unless_it_is_told_otherwise(ctl):
    ctl.ok("create", "--name", "p", "--privileged", "busybox", "true")
    ctl.ok("start", "-a", "p")
    assert "privileged" in ctl.inspect("p")["userns_reason"]


def test_limits_that_only_the_host_may_raise_are_raised(ctl, daemon):
    hard = int(next(line for line in pathlib.Path(f"/proc/{daemon.pid}/limits").read_text().splitlines()
                    if line.startswith("Max msgqueue")).split()[4])
    options = ["--ulimit", f"msgqueue={hard * 2}", "--oom-score-adj", "-7", "busybox"]
    look = ["sh", "-c", "grep msgqueue /proc/self/limits; cat /proc/self/oom_score_adj"]
    # As far as the daemon itself may.
    host, own = [ctl("run", "--rm", "--userns", userns, *options, *look) for userns in ("host", "auto")]
    assert (own.status, own.out, own.err) == (host.status, host.out, host.err)
    assert host.err or host.out.split()[3:] == [str(hard * 2), str(hard * 2), "bytes", "-7"]
    ctl("run", "-d", "--name", "a", *options, "sleep", "infinity")
    assert ctl.ok("exec", "a", *look) == own.out


@pytest.mark.parametrize("options, allowed", [([], False), (["--security-opt", "seccomp=unconfined"], True)])
def test_a_namespace_in_it_is_refused_or_allowed_as_configured(ctl, debian_tree, options, allowed):
    result = ctl("run", "--rm", *options, "--rootfs", debian_tree, "unshare", "-U", "--map-root-user",
                 "id", "-u")
    assert (result.status == 0) == allowed, result.err
    assert (result.out == "0\n") == allowed


def test_nothing_of_it_is_left(ctl, daemon, directory):
    for _ in range(5):
        ctl.sh("true", "-v", f"{directory}:/data", "-v", "vol:/v")
    fds = processes.open_fds(daemon.pid)
    for _ in range(10):
        ctl.sh("true", "-v", f"{directory}:/data", "-v", "vol:/v")
    processes.wait_until(lambda: len(processes.open_fds(daemon.pid)) <= len(fds))
    assert daemon.list(all=True) == []
