"""Who may do what: users of the group have containers without becoming root."""
import array
import contextlib
import json
import os
import shutil
import socket
import subprocess

import pytest

import processes
from host import BUILD, Ctl
from users import ADA, ADMINS, ANN, BOB, EVE, MEMORY, SUBIDS, USERS, User, start
from varlink import CONTAINER, message

# --- Who -----------------------------------------------------------------------------------------

def test_the_socket_is_the_groups(shared):
    found = shared.socket.stat()
    assert (found.st_gid, found.st_mode & 0o777) == (USERS, 0o660)


def test_who_is_in_no_group_cannot_even_ask(shared):
    eve = User(shared, EVE)
    assert "permission denied" in eve.fails(1, "ps")
    os.chmod(shared.socket, 0o666)
    for status, call in ((1, ["ps"]), (1, ["info"]), (125, ["run", "busybox", "true"])):
        eve.fails(status, *call)


def test_an_id_of_a_container_is_nobody(shared):
    """Or a process that got out of one could make others."""
    os.chmod(shared.socket, 0o666)
    for uid in (SUBIDS[ANN] + 5, 0x70000000, 0x70000000 + 100000):
        User(shared, uid, USERS, ADMINS).fails(125, "run", *MEMORY, "busybox", "true")


def test_administrators_may_do_all(shared, ann):
    start(ann, "anns")
    ada = User(shared, ADA, USERS, ADMINS)
    assert ada.ok("ps", "-q", "--no-trunc") == Ctl(shared).ok("ps", "-q", "--no-trunc") != ""
    assert ada.ok("run", "--rm", "--privileged", "busybox", "id", "-u") == "0\n"
    ada.ok("rm", "-f", "anns")


def test_root_in_it_is_its_owner(shared, ann):
    start(ann, "box")
    init = shared.inspect("box")["pid"]
    assert processes.status_field(init, "Uid").split()[0] == str(ANN)
    assert processes.status_field(init, "Gid").split()[0] == str(ANN)
    assert shared.inspect("box")["owner"] == ANN
    maps = ann.ok("exec", "box", "cat", "/proc/self/uid_map", "/proc/self/gid_map").split()
    assert maps == 2 * ["0", str(ANN), "1", "1", str(SUBIDS[ANN]), "65535"]
    shown = ann.ok("exec", "-u", "7", "box", "sh", "-c", "echo $(id -u) >/dev/stdout")
    assert shown == "7\n"


def test_without_subordinate_ids_there_is_no_container(shared):
    carl = User(shared, 61009, USERS)
    assert "no subordinate ids" in carl.fails(125, "run", *MEMORY, "busybox", "true")
    assert shared.list(all=True) == []


# --- Others' -------------------------------------------------------------------------------------

def test_others_containers_are_not_there(shared, ann, bob):
    start(ann, "secret", options=["-t"])
    ident = shared.inspect("secret")["id"]
    assert bob.ok("ps", "-aq") == "" and ann.ok("ps", "-q").strip() == ident[:12]
    assert json.loads(bob.ok("info", "--format", "json"))["containers"] == 0
    for name in ("secret", ident, ident[:12]):
        for call in (["inspect"], ["stop"], ["kill"], ["rm"], ["logs"], ["attach"], ["pause"],
                     ["start"], ["sessions"], ["wait"], ["update", "-m", "7m"], ["screen"]):
            result = bob(*call, name)
            assert result.status != 0 and "no container named" in result.err, (call, result.err)
        bob("rm", "-f", name)
    assert "no container named" in bob.fails(125, "exec", "secret", "id")
    assert "no container named" in bob.fails(1, "mount", "add", "secret", "--tmpfs", "/x")
    assert "no container named" in bob.fails(1, "rename", "secret", "mine")
    assert shared.inspect("secret")["state"] == "running"


def test_others_events_are_not_told(shared, ann, bob):
    start(ann, "secret")
    start(bob, "own")
    told = bob("events", "--since", "1h", "--until", "0s", "--format", "json").out
    assert "own" in told and "secret" not in told


def test_others_volumes_are_not_there(shared, ann, bob):
    ann.ok("volume", "create", "anns")
    assert bob.ok("volume", "ls", "-q") == "" and ann.ok("volume", "ls", "-q") == "anns\n"
    for call in (["inspect"], ["rm"]):
        assert bob("volume", *call, "anns").status == 1
    bob.fails(1, "volume", "create", "anns")
    bob.fails(125, "run", *MEMORY, "-v", "anns:/data", "busybox", "true")
    bob.ok("volume", "prune", "-a")
    start(bob, "bobs")
    bob.fails(1, "mount", "add", "bobs", "anns:/data")
    assert ann.ok("volume", "ls", "-q") == "anns\n"
    script = "touch /data/a && stat -c %u:%g /data/a"
    assert ann.ok("run", "--rm", *MEMORY, "-v", "anns:/data", "busybox", "sh", "-c", script) == "0:0\n"


# --- What none of them may have ------------------------------------------------------------------

@pytest.mark.parametrize("options", [
    ["--userns", "host"], ["--userns", f"0:{BOB}:1"], ["--userns", "0:0:1"], ["--privileged"],
    ["--cap-add", "SYS_ADMIN"], ["--cap-add", "ALL"], ["--device", "/dev/fuse"], ["--device-cgroup-rule", "c 10:229 rw"],
    ["--security-opt", "seccomp=unconfined"], ["--security-opt", "systempaths=unconfined"],
    ["--cgroup", "memory.swappiness=0"], ["--quota", "memory:memory.swappiness:1"],
    ["--oom-score-adj", "-5"], ["--ulimit", "nofile=1000000"], ["--record", "/tmp/dokrust-x"],
    ["-v", "/tmp:/data:shared"], ["-v", "/tmp:/data:bind"], ["-v", "/root/x:/data"],
])
def test_what_would_make_the_wall_lower_is_refused(shared, ann, options):
    ann.fails(125, "run", *MEMORY, *options, "busybox", "true")
    assert shared.list(all=True) == [] and not os.path.exists("/tmp/dokrust-x")


def test_a_rootfs_by_path_is_refused(shared, ann):
    result = ann.fails(125, "run", *MEMORY, "--rootfs", BUILD / "images/busybox", "true")
    assert f"uid {ANN} may not" in result


def test_no_exec_is_privileged(shared, ann):
    start(ann, "box")
    ann.fails(125, "exec", "--privileged", "box", "id")
    ann.fails(1, "update", "--cgroup", "memory.swappiness=0", "box")


# --- Binds ---------------------------------------------------------------------------------------

def test_what_root_writes_there_is_the_callers(shared, ann, home):
    script = "cat /data/own; touch /data/a; su -s /bin/sh nobody -c 'touch /data/b' || echo no"
    (home / "own").write_text("hers\n")
    os.chown(home / "own", ANN, ANN)
    os.chmod(home / "own", 0o600)
    shown = ann("run", "--rm", *MEMORY, "-v", f"{home}:/data", "busybox", "sh", "-c", script).out
    assert shown == "hers\nno\n"
    found = os.stat(home / "a")
    assert (found.st_uid, found.st_gid) == (ANN, ANN)


def test_nobody_gets_through_by_it(bob, home):
    """The kernel asks whether Bob may, when he opens the source and when his container does."""
    (home / "own").write_text("hers")
    bob.fails(125, "run", *MEMORY, "-v", f"{home}/own:/data", "busybox", "true")
    for path, look in ((home, "ls"), ("/root", "ls"), ("/etc/shadow", "cat")):
        result = bob("run", "--rm", *MEMORY, "-v", f"{path}:/data", "busybox", look, "/data")
        assert result.status == 1 and result.out == "" and "Permission denied" in result.err, path
    result = bob("run", "--rm", *MEMORY, "-v", "/etc:/data", "busybox", "sh", "-c",
                 "echo x >>/data/passwd || touch /data/x || chmod 777 /data || cat /data/shadow")
    assert result.status == 1 and result.err.count("denied") + result.err.count("not permitted") == 4


def test_a_setuid_program_there_gains_nothing(shared, ann, home):
    shutil.copy("/bin/busybox", home / "id")
    os.chmod(home / "id", 0o4755)
    shown = ann.ok("run", "--rm", *MEMORY, "-u", "7", "--security-opt", "no-new-privileges=false", "-v", f"{home / 'id'}:/bin2/id",
                   "busybox", "/bin2/id", "-u")
    assert shown == "7\n"


def test_a_bind_is_added_while_it_runs(shared, ann, home):
    start(ann, "box")
    ann.ok("mount", "add", "box", f"{home}:/data")
    ann.ok("exec", "box", "touch", "/data/a")
    assert os.stat(home / "a").st_uid == ANN
    ann.fails(1, "mount", "add", "box", "/root/x:/other")
    ann.ok("restart", "-t", "0", "box")
    ann.ok("exec", "box", "ls", "/data/a")
    ann.ok("mount", "rm", "box", "/data")


def send(connection, method, parameters, fds):
    payload = message(CONTAINER + method, parameters)
    rights = [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", fds))] if fds else []
    connection.socket.sendmsg([payload], rights)
    return connection.receive()


def spec(*mounts):
    return {"spec": {"image": "busybox", "command": ["true"], "mounts": list(mounts)}}


def bind(which, source="/x", target="/data"):
    return {"type": "bind", "source": source, "target": target, "source_fd": which}


@pytest.mark.parametrize("n_fds, mounts", [
    (0, [bind(0)]), (1, []), (2, [bind(0)]), (1, [bind(1)]), (1, [bind(0), bind(0, target="/b")]),
    (1, [{"type": "tmpfs", "target": "/data", "source_fd": 0}])])
def test_descriptors_are_as_many_as_are_named(shared, home, n_fds, mounts):
    before = processes.open_fds(shared.pid)
    fd = os.open(home, os.O_PATH)
    with shared.connect() as connection:
        answer = send(connection, "Create", spec(*mounts), [fd] * n_fds)
        assert answer["error"] == CONTAINER + "InvalidValue", answer
    os.close(fd)
    processes.wait_until(lambda: len(processes.open_fds(shared.pid)) <= len(before))


def test_a_flood_of_descriptors_leaves_none(shared, home):
    before = processes.open_fds(shared.pid)
    fd = os.open(home, os.O_PATH)
    with shared.connect() as connection:
        try:
            assert send(connection, "List", {}, [fd] * 200) is None
        except OSError:
            pass  # hung up on at once
    with shared.connect() as connection:
        assert send(connection, "List", {}, [fd])["error"] == "org.varlink.service.InvalidParameter"
    with shared.connect() as connection, contextlib.suppress(BrokenPipeError):
        for _ in range(20):
            connection.socket.sendmsg([b"{"], [(socket.SOL_SOCKET, socket.SCM_RIGHTS,
                                               array.array("i", [fd] * 50))])
    os.close(fd)
    processes.wait_until(lambda: len(processes.open_fds(shared.pid)) <= len(before))


def test_a_source_is_no_device_and_of_no_file_system_of_the_kernels(shared):
    for path in ("/dev/null", "/proc", "/proc/self/status", "/sys"):
        fd = os.open(path, os.O_PATH)
        with shared.connect() as connection:
            answer = send(connection, "Run", spec(bind(0, path)), [fd])
        os.close(fd)
        assert "error" in answer, path


def test_a_mount_that_the_daemon_does_not_have_is_no_source(shared, directory):
    """A file system that only the caller sees could hold anything."""
    program = ("import ctypes, os, sys, time\n"
               "libc = ctypes.CDLL(None, use_errno=True)\n"
               "assert libc.unshare(0x00020000) == 0\n"
               "assert libc.mount(None, b'/', None, 0x44000, None) == 0\n"
               "assert libc.mount(b'x', sys.argv[1].encode(), b'tmpfs', 0, None) == 0\n"
               "print('up', flush=True); sys.stdin.read()\n")
    with subprocess.Popen(["/usr/bin/python3", "-c", program, directory], stdin=subprocess.PIPE,
                          stdout=subprocess.PIPE) as process:
        assert process.stdout.readline() == b"up\n"
        fd = os.open(f"/proc/{process.pid}/root{directory}", os.O_PATH)
        with shared.connect() as connection:
            answer = send(connection, "Run", spec(bind(0)), [fd])
        os.close(fd)
        process.stdin.close()
    assert "not mounted where the daemon is" in answer["parameters"]["message"], answer


# --- Quotas --------------------------------------------------------------------------------------

def test_a_user_has_so_many_containers_and_no_more(ann, bob):
    for i in range(3):
        ann.ok("create", "--name", f"c{i}", *MEMORY, "busybox")
    assert "3 containers" in ann.fails(1, "create", *MEMORY, "busybox")
    bob.ok("create", *MEMORY, "busybox")
    ann.ok("rm", "c0")
    ann.ok("create", *MEMORY, "busybox")


def test_a_user_has_so_much_memory_and_no_more(ann):
    assert "--memory" in ann.fails(125, "run", "busybox", "true")
    ann.ok("create", "--name", "half", "-m", "40m", "busybox")
    assert "memory" in ann.fails(1, "create", "-m", "40m", "busybox")
    assert "memory" in ann.fails(1, "update", "-m", "65m", "half")
    ann.ok("update", "-m", "20m", "half")
    ann.ok("create", "-m", "40m", "busybox")


def test_it_is_the_same_after_a_restart(shared, ann, bob):
    start(ann, "box")
    shared.stop()
    shared.start("--config", shared.directory / "conf")
    ann.ok("start", "box")
    assert processes.status_field(shared.inspect("box")["pid"], "Uid").split()[0] == str(ANN)
    bob.fails(1, "stop", "box")
