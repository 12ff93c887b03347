"""Attacks from inside, by a root that is hostile: docs/security.md says which promise each is for."""
import json
import os
import pathlib
import shutil

import pytest

import processes
from host import BUILD, SANITIZED
from users import MEMORY

ATTACK = (BUILD.parent if SANITIZED else BUILD) / "tests/attack/attack"

# What each has to come to with the default rights.
EXPECTED = {
    "mount": "EPERM", "mount-proc": "EPERM", "mount-bind": "EPERM", "umount-mask": "EPERM",
    "remount-proc-sys": "EPERM", "fsopen": "EPERM", "open-tree": "EPERM", "move-mount": "EPERM",
    "pivot-root": "EPERM", "unshare-user": "EPERM", "unshare-mount": "EPERM",
    "unshare-user-high": "EPERM", "clone-user": "EPERM", "clone-user-high": "EPERM",
    "clone3-user": "ENOSYS", "setns": "EPERM",
    "add-key": "EPERM", "request-key": "EPERM", "keyctl": "EPERM", "open-by-handle": "EPERM",
    "bpf": "EPERM", "io-uring": "EPERM", "userfaultfd": "EPERM", "perf-event": "EPERM",
    "load-module": "EPERM", "kexec": "EPERM", "syslog": "EPERM", "ioperm": "EPERM",
    "personality": "EPERM", "personality-high": "EPERM",
    "vsock": "EPERM", "vsock-high": "EPERM", "alg": "EPERM", "alg-high": "EPERM",
    "tiocsti": "EPERM", "tiocsti-high": "EPERM", "tioclinux": "EPERM", "tioclinux-high": "EPERM",

    "core-pattern": "EROFS", "core-pattern-of-self": "EROFS", "modprobe": "EROFS",
    "sysrq": "EROFS", "uevent-helper": "EROFS", "irq": "EROFS",
    "kcore": "ENODATA", "keys": "ENODATA", "timer-list": "ENODATA", "interrupts": "ENODATA",
    "release-agent": "ENOENT",
    "block-device": "EACCES", "memory-device": "EACCES", "fuse-device": "EACCES",
    "node-in-dev": "EACCES", "node-in-shm": "EACCES",
    "shared-mount": "ENOENT",

    "init-exe-overwrite": "EACCES", "init-exe-read": "EACCES", "init-root": "EACCES",
    "init-mem": "EACCES", "init-fd": "EACCES",
    "leaked-descriptor": "ENOENT", "directory-by-descriptor": "ENOENT",

    "x32": "SIGSYS", "int-0x80": "SIGSYS",
}

# With the host's ids it is the mounts that refuse these; with others there is nothing that root could
# do there to begin with.
OWN_IDS = {
    **{name: "EACCES" for name in ("core-pattern", "core-pattern-of-self", "modprobe", "sysrq", "irq",
                                   "uevent-helper")},
    **{name: "EPERM" for name in ("block-device", "memory-device", "fuse-device", "node-in-dev",
                                  "node-in-shm")},
}
HOST_IDS = ["--userns", "host"]

# What a kernel may lack, or this one not have at all.
ABSENT = {name: {"ENOENT"} for name in ("uevent-helper", "timer-list", "modprobe", "kcore", "sysrq",
                                        "irq", "interrupts")}

# Without dokrust-init process 1 is the attacker itself.
ON_INIT = {name for name in EXPECTED if name.startswith("init-")}

# Of those that do no harm, the ones that work without a wall: or they would show nothing.
WORK_WHEN_PRIVILEGED = [
    "mount", "mount-proc", "mount-bind", "fsopen", "open-tree", "unshare-user", "unshare-mount",
    "clone-user", "clone-user-high", "clone3-user", "add-key", "keyctl", "bpf", "personality",
    "personality-high", "fuse-device", "int-0x80",
]


@pytest.fixture(scope="session")
def armed():
    """A busybox tree with the program that attacks."""
    path = pathlib.Path(f"/tmp/dokrust-attack-{os.getpid()}")
    shutil.copytree(BUILD / "images/busybox", path, symlinks=True)
    shutil.copy2(ATTACK, path / "attack")
    yield path
    shutil.rmtree(path)


def outcomes(text):
    return dict(line.split() for line in text.replace("\r", "").splitlines())


def attack(ctl, armed, *names, options=()):
    return outcomes(ctl.ok("run", "--rm", *options, "--rootfs", armed, "/attack", *names))


def unexpected(found, names=frozenset(EXPECTED), options=()):
    assert set(found) == set(names)
    expected = EXPECTED if "host" in options else {**EXPECTED, **OWN_IDS}
    return {name: result for name, result in found.items()
            if result != expected[name] and result not in ABSENT.get(name, ())}


def test_every_attack_is_tried(ctl, armed):
    listed = ctl.ok("run", "--rm", "--rootfs", armed, "/attack", "--list").split()
    assert set(listed) == set(EXPECTED) and len(listed) == len(EXPECTED)


@pytest.mark.parametrize("userns", [[], HOST_IDS])
@pytest.mark.parametrize("options", [[], ["-t"], ["--security-opt", "no-new-privileges=false"]])
def test_no_attack_succeeds(ctl, armed, options, userns):
    found = attack(ctl, armed, *EXPECTED, options=options + userns)
    assert unexpected(found, options=userns) == {}


@pytest.mark.parametrize("userns", [[], HOST_IDS])
def test_no_attack_by_process_1_succeeds(ctl, armed, userns):
    names = set(EXPECTED) - ON_INIT
    found = attack(ctl, armed, *names, options=["--no-init", *userns])
    assert unexpected(found, names, userns) == {}


@pytest.mark.parametrize("userns", [[], HOST_IDS])
def test_no_attack_by_another_user_succeeds(ctl, armed, userns):
    found = attack(ctl, armed, *EXPECTED, options=["--user", "1000:1000", *userns])
    assert {name for name, result in found.items() if result == "0"} == set()


@pytest.mark.parametrize("userns", [[], HOST_IDS])
def test_no_attack_from_an_exec_succeeds(daemon, ctl, armed, userns):
    ctl.ok("run", "-d", "--name", "a", *userns, "--rootfs", armed, "sleep", "infinity")
    found = outcomes(ctl.ok("exec", "-t", "a", "/attack", *EXPECTED))
    assert unexpected(found, options=userns) == {}
    daemon.call("io.dokrust.Container.Remove", {"container": "a", "force": True})


def test_no_attack_in_a_users_container_succeeds(ann, armed, home):
    """Whose root is somebody on the host."""
    shutil.copy2(armed / "attack", home / "attack")
    os.chmod(home, 0o755)
    found = outcomes(ann.ok("run", "--rm", *MEMORY, "-v", f"{home}/attack:/attack", "busybox", "/attack", *EXPECTED))
    assert unexpected(found) == {}


# What docker's published profile lets in and the default one does not; with what this kernel says then.
DOCKER_LETS_IN = {"io-uring", "vsock", "vsock-high", "alg", "alg-high", "tiocsti", "tiocsti-high", "tioclinux",
                  "tioclinux-high"}


@pytest.mark.parametrize("userns", [[], HOST_IDS])
def test_dockers_published_profile_does_what_it_says(ctl, armed, published_profiles, userns):
    """The very file, as Debian has it: what it refuses is refused."""
    options = [*userns, "--security-opt", f"seccomp={published_profiles}/docker.json"]
    found = attack(ctl, armed, *EXPECTED, options=options)
    assert set(unexpected(found, options=options)) <= DOCKER_LETS_IN, found
    assert found["io-uring"] == "0"
    # It lets in what belongs to a capability that was given.
    given = [*options, "--cap-add", "SYS_ADMIN"]
    assert attack(ctl, armed, "mount", "bpf", "add-key", options=given) == {
        "mount": "0", "bpf": "EPERM" if not userns else "0", "add-key": "EPERM"}


def test_podmans_published_profile_is_understood(ctl, armed, published_profiles):
    """docker's format with an errno by name, which refuses with ENOSYS and allows user namespaces."""
    options = ["--security-opt", f"seccomp={published_profiles}/podman.json"]
    assert attack(ctl, armed, "mount", "bpf", "io-uring", "unshare-user", "open-by-handle", "kexec",
                  options=options) == {
        "mount": "EPERM", "bpf": "EPERM", "io-uring": "ENOSYS", "unshare-user": "0",
        "open-by-handle": "EPERM", "kexec": "EPERM"}
    assert ctl.ok("run", "--rm", *options, "busybox", "sh", "-c", "mkdir /tmp/a && ls /tmp") == "a\n"


def test_without_the_wall_they_do_succeed(ctl, armed):
    """Else the others would prove nothing."""
    found = attack(ctl, armed, *WORK_WHEN_PRIVILEGED, options=["--privileged"])
    assert {name: result for name, result in found.items() if result != "0"} == {}


@pytest.mark.parametrize("userns", [[], HOST_IDS])
def test_the_program_of_an_exec_cannot_be_overwritten(daemon, ctl, userns):
    """Of the process that enters there is never a moment in which its program could be opened."""
    ctl.ok("run", "-d", "--name", "a", *userns, "busybox", "sh", "-c",
           "while :; do for p in /proc/[0-9]*; do"
           " case $(readlink $p/exe) in *dokrust-init*) echo $p >>/seen; echo x >$p/exe;; esac;"
           " done 2>/dev/null; done")
    for _ in range(20):
        assert ctl.ok("exec", "a", "echo", "x") == "x\n"
    assert daemon.inspect("a")["state"] == "running"
    assert ctl.ok("exec", "a", "sh", "-c", "cat /seen 2>/dev/null; echo none") == "none\n"


@pytest.mark.parametrize("path", ["/proc/self/fd/3", "/proc/self/fd/7", "/proc/self/fd/8",
                                  "/proc/self/cwd", "/proc/1/root"])
def test_no_working_directory_leads_out(ctl, path):
    """CVE-2024-21626."""
    for userns in ([], HOST_IDS):
        result = ctl("run", "--rm", *userns, "-w", path, "busybox", "pwd")
        assert result.status == 125 and "working directory" in result.err, (result.out, result.err)


@pytest.mark.parametrize("userns", [[], HOST_IDS])
def test_no_exec_starts_outside(daemon, ctl, userns):
    ctl.ok("run", "-d", "--name", "a", *userns, "busybox", "sleep", "infinity")
    for number in range(3, 16):
        result = ctl("exec", "-w", f"/proc/self/fd/{number}", "a", "pwd")
        assert result.status == 125, (number, result.out)


@pytest.mark.parametrize("options", [[], ["-t"]])
@pytest.mark.parametrize("userns", [[], HOST_IDS])
def test_a_rootfs_with_devices_of_its_own_changes_nothing(ctl, armed, directory, options, userns):
    """CVE-2025-31133, CVE-2025-52565: what masks and terminals are made from is not looked up in the image."""
    rootfs = directory / "root"
    shutil.copytree(armed, rootfs, symlinks=True)
    shutil.rmtree(rootfs / "dev", ignore_errors=True)
    (rootfs / "dev").mkdir()
    for name in ("null", "console", "pts", "ptmx", "tty", "shm", "mqueue", "fd", "stdin"):
        (rootfs / "dev" / name).symlink_to("/proc/sys/kernel/core_pattern")
    before = pathlib.Path("/proc/sys/kernel/core_pattern").read_text()
    names = ["kcore", "keys", "core-pattern", "core-pattern-of-self", "interrupts"]
    found = attack(ctl, rootfs, *names, options=options + userns)
    assert unexpected(found, names, userns) == {}
    assert pathlib.Path("/proc/sys/kernel/core_pattern").read_text() == before


@pytest.mark.parametrize("name", ["dev", "proc", "sys"])
def test_a_rootfs_with_links_for_mount_points_is_refused(ctl, armed, directory, name):
    rootfs = directory / "root"
    shutil.copytree(armed, rootfs, symlinks=True)
    shutil.rmtree(rootfs / name, ignore_errors=True)
    (rootfs / name).symlink_to("/tmp")
    for userns in ([], HOST_IDS):
        assert ctl("run", "--rm", *userns, "--rootfs", rootfs, "true").status == 125


@pytest.mark.parametrize("userns", ["auto", "host"])
def test_keystrokes_do_not_reach_the_terminal(daemon, armed, userns):
    spec = {"rootfs": str(armed), "terminal": True, "stdin_open": True, "userns": userns,
            "command": ["sh", "-c", "/attack tiocsti tiocsti-high; read -t 1 line; echo got:$line"]}
    with daemon.run_viewer(spec, "a", size={"rows": 24, "columns": 80}) as viewer:
        viewer.wait_for(b"got:")
        shown = b"".join(viewer.out.values()) if isinstance(viewer.out, dict) else viewer.out
        assert b"got:\r\n" in shown or shown.rstrip().endswith(b"got:")


def test_the_keyring_of_the_daemon_is_not_there(ctl):
    """Even where keys can be asked for at all."""
    shown = ctl.ok("run", "--rm", "--privileged", "busybox", "cat", "/proc/keys")
    assert "_uid.0" not in shown or "_ses" in shown


@pytest.mark.parametrize("userns", [[], HOST_IDS])
def test_the_bounding_set_cannot_be_left(ctl, armed, userns):
    """What is not in it, no program on the disk can bring back."""
    status = ctl.ok("run", "--rm", *userns, "--rootfs", armed, "sh", "-c",
                    "cp /attack /tmp/a && chmod 6755 /tmp/a && /tmp/a mount unshare-user")
    assert outcomes(status) == {"mount": "EPERM", "unshare-user": "EPERM"}


@pytest.mark.parametrize("userns", [[], HOST_IDS])
def test_process_1_of_the_host_is_not_to_be_seen(ctl, armed, userns):
    pids = ctl.ok("run", "--rm", *userns, "--rootfs", armed, "sh", "-c", "echo /proc/[0-9]*").split()
    assert len(pids) <= 4, pids


def test_attacks_leave_the_daemon_alone(daemon, ctl, armed):
    ctl.sh("true")  # with the first one it opens what it has once, as the journal's socket
    before = processes.open_fds(daemon.pid)
    for _ in range(3):
        attack(ctl, armed, "x32", "int-0x80", "mount", "leaked-descriptor")
    processes.wait_until(lambda: len(processes.open_fds(daemon.pid)) <= len(before), 10,
                         lambda: f"{processes.open_fds(daemon.pid)}, and before {before}")
    assert json.loads(ctl.ok("info", "--format", "json"))["containers"] == 0
