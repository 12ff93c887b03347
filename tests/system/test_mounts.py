"""Binds, tmpfs, the read-only root, and what may be mounted where."""
import os
import stat
import subprocess

import pytest

import processes
from varlink import CONTAINER, VarlinkError


@pytest.fixture
def source(directory):
    """A directory with a file, a program and a subdirectory in it."""
    path = directory / "source"
    (path / "below").mkdir(parents=True)
    (path / "file").write_text("content\n")
    (path / "program").write_text("#!/bin/sh\necho ran\n")
    (path / "program").chmod(0o755)
    return path


@pytest.fixture
def tree(directory, ctl):
    """A root file system to be used in place, that tests may spoil."""
    path = directory / "tree"
    subprocess.run(["sh", "daemon/image/make-busybox.sh", "/bin/busybox", path], check=True)
    return path


@pytest.fixture
def mounted(directory):
    """Mounts file systems on the host, and takes them away."""
    made = []

    def mount(path, *options):
        subprocess.run(["mount", "-t", "tmpfs", "tmpfs", path], check=True)
        made.append(path)
        for option in options:
            subprocess.run(["mount", option, path], check=True)
        return path

    yield mount
    for path in reversed(made):
        subprocess.run(["umount", path], check=True)


def mount_line(ctl, target, *options):
    """The mount's own options, and the optional fields of mountinfo."""
    for line in ctl.sh("cat /proc/self/mountinfo", *options).splitlines():
        fields = line.split()
        if fields[4] == target:
            return fields[5].split(","), fields[6:fields.index("-")]
    raise AssertionError(f"nothing mounted at {target}")


# --- Binds ---------------------------------------------------------------------------------------

def test_a_directory_is_the_hosts_own(ctl, source):
    assert ctl.sh("cat /data/file; echo new >/data/made", "-v", f"{source}:/data") == "content\n"
    assert (source / "made").read_text() == "new\n"


def test_a_file_is_the_hosts_own(ctl, source):
    shown = ctl.sh("cat /etc/passwd; echo more >>/etc/passwd", "-v", f"{source}/file:/etc/passwd")
    assert shown == "content\n"
    assert (source / "file").read_text() == "content\nmore\n"


def test_a_source_may_be_a_link_or_a_socket(ctl, daemon, source):
    (source / "link").symlink_to("below")
    (source / "below/x").write_text("")
    assert ctl.sh("ls /data", "-v", f"{source}/link:/data") == "x\n"
    assert ctl.sh("stat -c %F /run/sock", "-v", f"{daemon.socket}:/run/sock") == "socket\n"


@pytest.mark.parametrize("form", [
    ["-v", "{}:/data:ro"], ["--mount", "type=bind,source={},target=/data,readonly"],
    ["--mount", "type=bind,src={},dst=/data,ro=true"]])
def test_read_only_goes_all_the_way_down(ctl, source, mounted, form):
    mounted(source / "below")
    options = [option.format(source) for option in form]
    script = "for path in /data /data/below; do touch $path/x 2>/dev/null && echo written; done; true"
    assert ctl.sh(script, *options) == ""
    assert not (source / "x").exists() and not (source / "below/x").exists()


def test_what_is_mounted_below_goes_along_unless_told_otherwise(ctl, source, mounted):
    (mounted(source / "below") / "x").write_text("")
    assert ctl.sh("ls /data/below", "-v", f"{source}:/data") == "x\n"
    assert ctl.sh("ls /data/below", "-v", f"{source}:/data:bind") == ""
    assert ctl.sh("ls /data/below", "--mount",
                  f"type=bind,source={source},target=/data,bind-nonrecursive=true") == ""


def test_noexec_and_nosuid_are_in_effect(ctl, source):
    assert ctl.sh("/data/program", "-v", f"{source}:/data") == "ran\n"
    said = ctl.fails(126, "run", "--rm", "-v", f"{source}:/data:noexec", "busybox", "/data/program")
    assert "/data/program" in said
    options, _ = mount_line(ctl, "/data", "-v", f"{source}:/data:nosuid,noexec,ro")
    assert {"nosuid", "noexec", "nodev", "ro"} <= set(options)


def test_no_device_of_a_source_can_be_opened(ctl, daemon, source):
    os.mknod(source / "zero", stat.S_IFCHR | 0o666, os.makedev(1, 5))
    result = ctl("run", "--rm", "-v", f"{source}:/data", "busybox", "head", "-c1", "/data/zero")
    assert result.status != 0 and "ermission denied" in result.err
    assert "device" in ctl.fails(125, "run", "-v", f"{source}/zero:/zero", "busybox", "true")
    assert daemon.names(all=True) == []


def test_a_path_with_every_odd_character(ctl, directory):
    path = directory / 'a, "b" \\ ü\t'
    path.mkdir()
    (path / "x").write_text("")
    quoted = str(path).replace('"', '""')
    assert ctl.sh("ls /data", "-v", f"{path}:/data") == "x\n"
    assert ctl.sh("ls /data", "--mount", f'type=bind,"source={quoted}",target=/data') == "x\n"


# --- Targets -------------------------------------------------------------------------------------

def test_targets_that_are_missing_are_made_as_the_source_is(ctl, source):
    options = ["-v", f"{source}:/new/deep/dir", "-v", f"{source}/file:/other/deep/file"]
    shown = ctl.sh("stat -c '%F %a %n' /new /new/deep /other/deep; cat /other/deep/file", *options)
    assert shown.splitlines() == ["directory 755 /new", "directory 755 /new/deep",
                                  "directory 755 /other/deep", "content"]


def test_a_mount_below_another_comes_after_it(ctl, source, directory):
    (directory / "inner").mkdir()
    (directory / "inner/mark").write_text("")
    options = ["-v", f"{directory}/inner:/a/below", "-v", f"{source}:/a"]
    assert ctl.sh("ls /a /a/below", *options).split() == [
        "/a:", "below", "file", "program", "/a/below:", "mark"]


def test_as_many_mounts_as_there_may_be(ctl, source):
    options = [part for i in range(128) for part in ("-v", f"{source}:/m/{i}")]
    assert ctl.sh("grep -c ' /m/' /proc/self/mountinfo", *options) == "128\n"
    said = ctl.fails(125, "run", *options, "-v", f"{source}:/m/128", "busybox", "true")
    assert "128" in said


@pytest.mark.parametrize("options, complaint", [
    (["-v", "SOURCE/nothing:/data"], "No such file"),
    (["-v", "./relative:/data"], "absolute"),
    (["-v", "../relative:/data"], "absolute"),
    (["-v", "some/where:/data"], "absolute"),
    (["--mount", "type=bind,source=relative,target=/data"], "absolute"),
    (["-v", "SOURCE:data"], "absolute"),
    (["-v", "SOURCE:/a/../b"], ".."),
    (["-v", "SOURCE:/"], "root"),
    (["-v", "SOURCE:/proc"], "/proc"),
    (["-v", "SOURCE:/proc/sys"], "/proc"),
    (["-v", "SOURCE://proc//./acpi"], "/proc"),
    (["-v", "SOURCE:/sys/fs"], "/sys"),
    (["--tmpfs", "/proc/scsi"], "/proc"),
    (["-v", "SOURCE:/dev"], "/dev"),
    (["-v", "SOURCE:/dev/pts"], "/dev/pts"),
    (["-v", "SOURCE:/a", "--tmpfs", "/a/"], "two mounts"),
    (["-v", "SOURCE/file:/etc"], "directory"),
    (["-v", "SOURCE:/etc/passwd"], "directory"),
    (["-v", "SOURCE:/etc/passwd/x"], "/etc/passwd/x"),
    (["-v", "SOURCE:/data:rro"], "rro"),
    (["-v", "SOURCE:/data:ro:rw"], "OPTIONS"),
    (["-v", "SOURCE:/data:z"], "SELinux"),
    (["-v", "SOURCE:/data:dev"], "device"),
    (["-v", ":/data"], "empty"),
    (["-v", "-name:/data"], "-name"),
    (["--mount", "type=nfs,target=/data"], "nfs"),
    (["--mount", "type=bind,target=/data"], "source"),
    (["--mount", "type=tmpfs,source=/x,target=/data"], "source"),
    (["--mount", "type=tmpfs,target=/data,bind-propagation=shared"], "propagation"),
    (["--mount", "type=bind,source=SOURCE,target=/d,bind-propagation=x"], "propagation"),
    (["--mount", "type=bind,source=SOURCE,target=/d,tmpfs-size=1m"], "size"),
    (["--mount", "type=bind,source=SOURCE"], "target"),
    (["--mount", "type=bind,source=SOURCE,traget=/d"], "target"),
    (["--tmpfs", "/t:size=lots"], "lots"),
    (["--tmpfs", "/t:mode=9"], "9"),
    (["--tmpfs", "/t:size"], "value"),
    (["--overlay"], "rootfs"),
])
def test_what_cannot_be_mounted_is_refused_and_nothing_is_left(ctl, daemon, source, options,
                                                               complaint):
    before = sorted(source.rglob("*"))
    options = [option.replace("SOURCE", str(source)) for option in options]
    assert complaint in ctl.fails(125, "run", *options, "busybox", "true")
    assert daemon.names(all=True) == []
    assert sorted(source.rglob("*")) == before


@pytest.mark.parametrize("mount, field", [
    ({"type": "bind", "source": "/tmp", "target": "/proc/x"}, "spec.mounts[1].target"),
    ({"type": "bind", "source": "tmp", "target": "/x"}, "spec.mounts[1].source"),
    ({"type": "bind", "source": "/nowhere", "target": "/x"}, "spec.mounts[1].source"),
    ({"type": "tmpfs", "target": "/x", "size_bytes": -1}, "spec.mounts[1].size_bytes"),
    ({"type": "tmpfs", "target": "/x", "mode": 0o10000}, "spec.mounts[1].mode"),
    ({"type": "volume", "source": "a/b", "target": "/x"}, "spec.mounts[1].source"),
    ({"type": "tmpfs", "target": "/first"}, "spec.mounts[1].target"),
])
def test_the_api_names_the_field(daemon, mount, field):
    first = {"type": "tmpfs", "target": "/first"}
    with pytest.raises(VarlinkError) as caught:
        daemon.run("a", "true", mounts=[first, mount])
    assert caught.value.parameters["field"] == field
    assert daemon.names(all=True) == []


# --- Links in the root file system ---------------------------------------------------------------

def test_a_link_in_the_rootfs_leads_nowhere_else(ctl, source, tree, directory):
    victim = directory / "victim"
    victim.mkdir()
    (tree / "absolute").symlink_to(victim)
    (tree / "relative").symlink_to("../" * 12 + str(victim)[1:])
    inside = tree / str(victim)[1:]
    inside.mkdir(parents=True)
    for name in ("absolute", "relative"):
        shown = ctl.ok("run", "--rm", "-v", f"{source}:/{name}/sub", "--rootfs", tree,
                       "cat", f"{victim}/sub/file")
        assert shown == "content\n"
        assert list(victim.iterdir()) == []
    assert (inside / "sub").is_dir()


@pytest.mark.parametrize("link", ["/proc", "/sys", "/proc/acpi", "proc/self", "/proc/1/fd"])
def test_a_link_to_the_kernels_files_is_refused(ctl, source, tree, link):
    (tree / "link").symlink_to(link)
    for target in ("/link", "/link/fs"):
        said = ctl.fails(125, "run", "-v", f"{source}:{target}", "--rootfs", tree, "true")
        assert "/link" in said


def test_a_rootfs_with_links_for_what_is_the_runtimes(ctl, tree, directory):
    """CVE-2025-31133, CVE-2025-52565: masks and terminals through names that the image chose."""
    victim = directory / "victim"
    victim.write_text("untouched")
    for name in ("null", "console", "ptmx", "tty"):
        (tree / "dev" / name).symlink_to(victim)
    (tree / "dev/pts").symlink_to("/proc")
    shown = ctl.ok("run", "--rm", "-t", "--rootfs", tree, "sh", "-c",
                   "echo x >/dev/null; stat -c %F /dev/null /dev/console; tty; "
                   "cat /proc/kcore /proc/timer_list 2>/dev/null | wc -c")
    assert shown.splitlines() == ["character special file", "character special file",
                                  "/dev/pts/0", "0"]
    assert victim.read_text() == "untouched"


@pytest.mark.parametrize("name", ["proc", "dev", "sys"])
def test_a_rootfs_whose_proc_is_a_link_is_refused(ctl, daemon, tree, directory, name):
    (directory / "elsewhere").mkdir()
    (tree / name).rmdir()
    (tree / name).symlink_to(directory / "elsewhere")
    ctl.fails(125, "run", "--rootfs", tree, "true")
    assert list((directory / "elsewhere").iterdir()) == []
    assert daemon.names(all=True) == []


# --- Propagation ---------------------------------------------------------------------------------

def test_mounts_of_the_host_do_not_come_along_later_by_default(daemon, source, mounted):
    mounted(source, "--make-shared")
    (source / "below").mkdir()
    for name, propagation in (("private", None), ("slave", "rslave")):
        mount = {"type": "bind", "source": str(source), "target": "/data"}
        daemon.run(name, "sleep", "infinity",
                   mounts=[{**mount, "propagation": propagation} if propagation else mount])
    mounted(source / "below")

    def points(name):
        return processes.mounts(daemon.inspect(name)["pid"])
    assert "/data/below" in points("slave")
    assert "/data/below" not in points("private")


def test_no_mount_has_peers_but_one_that_was_to_have_them(ctl, source, mounted):
    mounted(source, "--make-shared")
    _, fields = mount_line(ctl, "/data", "-v", f"{source}:/data")
    assert fields == []
    assert mount_line(ctl, "/t", "--tmpfs", "/t")[1] == []
    _, fields = mount_line(ctl, "/data", "-v", f"{source}:/data:rslave")
    assert [field.split(":")[0] for field in fields] == ["master"]
    _, fields = mount_line(ctl, "/data", "-v", f"{source}:/data:rshared")
    assert [field.split(":")[0] for field in fields] == ["shared"]


@pytest.mark.parametrize("propagation", ["slave", "rslave", "shared", "rshared"])
def test_a_propagation_from_nowhere_is_refused(ctl, daemon, source, mounted, propagation):
    mounted(source, "--make-private")
    said = ctl.fails(125, "run", "-v", f"{source}:/data:{propagation}", "busybox", "true")
    assert "shared mount" in said
    assert daemon.names(all=True) == []


def test_nothing_is_mounted_where_the_host_would_see_it(ctl, source, tree, mounted, directory):
    """By the target's name, and by a link that leads there: it would stay there for ever."""
    mounted(source, "--make-shared")
    (source / "below").mkdir()
    (tree / "link").symlink_to("data/below")
    before = processes.mounts_below(directory)
    shared = ["-v", f"{source}:/data:rshared"]
    said = ctl.fails(125, "run", *shared, "--tmpfs", "/data/below", "busybox", "true")
    assert "shared with the host" in said
    for mount in (["--tmpfs", "/link"], ["-v", f"{tree}:/link"], ["-v", "named:/link"]):
        said = ctl.fails(125, "run", *shared, *mount, "--rootfs", tree, "true")
        assert "shared with the host" in said
    ctl.ok("run", "-d", "--name", "box", *shared, "--rootfs", tree, "sleep", "infinity")
    for mount in (["--tmpfs", "/link"], ["--tmpfs", "/data/below"]):
        assert "shared with the host" in ctl.fails(1, "mount", "add", "box", *mount)
    assert processes.mounts_below(directory) == before


# --- tmpfs ---------------------------------------------------------------------------------------

def test_a_tmpfs_has_the_size_and_mode_that_were_asked_for(ctl):
    script = "df -k /t | tail -1; stat -c %a /t; dd if=/dev/zero of=/t/x bs=1k count=2000 2>&1"
    shown = ctl.sh(script + "; true", "--tmpfs", "/t:size=1m,mode=750")
    assert shown.splitlines()[0].split()[1] == "1024"
    assert shown.splitlines()[1] == "750" and "No space left" in shown
    shown = ctl.sh(script + "; true", "--mount", "type=tmpfs,target=/t,tmpfs-size=1m")
    assert shown.splitlines()[1] == "1777" and "No space left" in shown


def test_a_tmpfs_executes_nothing_unless_told_otherwise(ctl):
    script = "cp /bin/busybox /t/true; /t/true && echo ran; true"
    options, _ = mount_line(ctl, "/t", "--tmpfs", "/t")
    assert {"nosuid", "nodev", "noexec"} <= set(options)
    assert ctl("run", "--rm", "--tmpfs", "/t", "busybox", "sh", "-c", script).out == ""
    assert ctl.sh(script, "--tmpfs", "/t:exec") == "ran\n"


def test_shared_memory_can_be_made_larger(ctl):
    shown = ctl.sh("df -k /dev/shm | tail -1", "--tmpfs", "/dev/shm:size=128m")
    assert shown.split()[1] == "131072"


# --- The root file system ------------------------------------------------------------------------

def test_a_read_only_root_leaves_mounts_and_dev_writable(ctl, source):
    script = ("for path in / /tmp /run /etc; do touch $path/x 2>/dev/null && echo $path; done;"
              "touch /t/x /new/data/x /dev/x /dev/shm/x && echo rest")
    shown = ctl.sh(script, "--read-only", "--tmpfs", "/t", "-v", f"{source}:/new/data",
                   "-w", "/made/too")
    assert shown == "rest\n"


@pytest.mark.parametrize("options", [[], ["--no-init"], ["-t"]])
def test_a_read_only_rootfs_is_not_written_to(ctl, tree, mounted, options):
    mounted(tree / "srv")
    script = "for path in / /srv /root; do touch $path/x 2>/dev/null && echo $path; done; true"
    assert ctl.ok("run", "--rm", *options, "--read-only", "--rootfs", tree, "sh", "-c", script) == ""
    assert not (tree / "x").exists() and not (tree / "srv/x").exists()


def test_a_rootfs_that_is_read_only_on_the_host_stays_so(ctl, tree):
    subprocess.run(["mount", "--bind", "-o", "ro", tree, tree], check=True)
    try:
        for options in ([], ["--read-only"]):
            result = ctl("run", "--rm", *options, "--rootfs", tree, "touch", "/x")
            assert result.status == 1 and "Read-only" in result.err
    finally:
        subprocess.run(["umount", tree], check=True)


def test_an_overlay_leaves_the_rootfs_as_it_is(ctl, tree):
    before = sorted((path, path.lstat().st_mtime_ns) for path in tree.rglob("*"))
    ctl.ok("run", "--name", "a", "--overlay", "--rootfs", tree, "sh", "-c",
           "test -e /made && echo again; echo >/made; rm -f /etc/passwd; mkdir -p /new")
    assert sorted((path, path.lstat().st_mtime_ns) for path in tree.rglob("*")) == before
    assert ctl.ok("start", "-a", "a") == "again\n"
    assert "/nowhere" in ctl.fails(125, "run", "--overlay", "--rootfs", "/nowhere", "true")


# --- Afterwards ----------------------------------------------------------------------------------

def test_nothing_is_left_of_mounts(ctl, daemon, source, directory):
    ctl.sh("true")  # with the first one it opens what it has once, as the journal's socket
    before = processes.open_fds(daemon.pid)
    for _ in range(10):
        ctl.sh("true", "-v", f"{source}:/a", "-v", f"{source}/file:/b", "--tmpfs", "/c", "-v", "/d")
        ctl.fails(125, "run", "-v", f"{source}:/a", "-v", f"{source}:/etc/passwd", "busybox", "true")
        ctl.fails(125, "run", "-v", f"{source}:/a", "-v", f"{directory}/no:/b", "busybox", "true")
    for place in (directory, daemon.directory):
        assert processes.mounts_below(place) == processes.mounts_below(place, daemon.pid) == []
    processes.wait_until(lambda: len(processes.open_fds(daemon.pid)) <= len(before), 10,
                         lambda: f"{processes.open_fds(daemon.pid)}, and before {before}")


def test_mounts_are_there_again_after_a_restart_of_both(new_daemon, source):
    from host import Ctl
    daemon = new_daemon().start()
    ctl = Ctl(daemon)
    ctl.ok("run", "--name", "a", "-v", f"{source}:/data:ro", "--tmpfs", "/t", "-v", "named:/n",
           "busybox", "sh", "-c", "cat /data/file; echo run >>/n/count; grep -c . /n/count")
    before = daemon.inspect("a")["spec"]["mounts"]
    assert daemon.stop() == 0
    daemon.start()
    assert daemon.inspect("a")["spec"]["mounts"] == before
    assert ctl.ok("start", "-a", "a") == "content\n2\n"


def test_a_source_that_is_gone_later_is_named(ctl, daemon, source):
    ctl.ok("create", "--name", "a", "-v", f"{source}/below:/data", "busybox", "true")
    (source / "below").rmdir()
    assert f"{source}/below" in ctl.fails(1, "start", "a")
    assert daemon.inspect("a")["state"] == "created"


def test_more_mounts_than_there_may_be_are_refused_by_the_daemon_itself(daemon, source):
    mount = {"type": "bind", "source": str(source), "target": "/data"}
    with pytest.raises(VarlinkError):
        daemon.call(CONTAINER + "Run", {"spec": {"image": "busybox", "mounts": [
            {**mount, "target": f"/m/{i}"} for i in range(129)]}})
    assert daemon.names(all=True) == []
