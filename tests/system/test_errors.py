"""What goes wrong: one line that says what, why and what to do, the right status, no change."""
import grp
import json
import os
import resource
import subprocess

import pytest

import processes
from host import DOKRUSTCTL, ENVIRONMENT, run
from varlink import CONTAINER, VarlinkError

NOBODY = 65534


def assert_nothing(daemon):
    """The daemon has no container; and soon, when the kernel is done with it, no layer of one."""
    assert daemon.names(all=True) == []
    for place in (daemon.state, daemon.run_dir):
        processes.wait_until(lambda: not list((place / "containers").iterdir()))


# --- Usage ---------------------------------------------------------------------------------------

@pytest.mark.parametrize("arguments, complaint", [
    (["rnu"], "run"),
    (["strat", "a"], "start"),
    (["inspekt", "a"], "inspect"),
    (["frobnicate"], "frobnicate"),
    (["run", "--hotsname", "x", "busybox"], "--hostname"),
    (["run", "--naem=x", "busybox"], "--name"),
    (["run", "--detatch-keys", "x", "busybox"], "--detach-keys"),
    (["ps", "--fliter", "name=x"], "--filter"),
    (["stop", "--tiemout", "3", "a"], "--timeout"),
    (["run", "--zzz", "busybox"], "--zzz"),
    (["run", "-Z", "busybox"], "-Z"),
    (["run"], "image"),
    (["stop"], "CONTAINER"),
    (["rename", "a"], "NAME"),
    (["run", "--name"], "--name"),
    (["kill", "-s", "NOSUCH", "a"], "NOSUCH"),
    (["stop", "-t", "soon", "a"], "soon"),
    (["ps", "--format", "xml"], "xml"),
    (["run", "--detach-keys", "ctrl-", "busybox"], "ctrl-"),
    (["run", "-e", "=x", "busybox"], "=x"),
    (["run", "--env-file", "/nowhere", "busybox"], "/nowhere"),
    (["run", "--rm=perhaps", "busybox"], "perhaps"),
])
def test_usage_errors_are_125_and_one_line(ctl, daemon, arguments, complaint):
    said = ctl.fails(125, *arguments)
    assert complaint in said
    assert_nothing(daemon)


def test_a_bad_address_is_named(ctl):
    result = run([DOKRUSTCTL, "-H", "http://x", "ps"])
    assert result.status == 125 and "http://x" in result.err and result.err.count("\n") == 1


# --- Starting ------------------------------------------------------------------------------------

@pytest.mark.parametrize("command", ["no-such-command", "/bin/no-such", "/nowhere/at/all"])
def test_a_command_that_is_not_there_is_127(ctl, daemon, command):
    said = ctl.fails(127, "run", "--name", "a", "busybox", command)
    assert command in said
    assert_nothing(daemon)


@pytest.mark.parametrize("command", ["/etc/passwd", "/etc", "/dev/null"])
def test_a_command_that_cannot_be_executed_is_126(ctl, daemon, command):
    said = ctl.fails(126, "run", "--name", "a", "busybox", command)
    assert command in said
    assert_nothing(daemon)


@pytest.mark.parametrize("options", [[], ["-d"], ["--rm"], ["-t"], ["--no-init"]])
def test_a_run_that_fails_leaves_nothing(ctl, daemon, options):
    assert "no-such" in ctl.fails(127, "run", *options, "busybox", "no-such")
    assert_nothing(daemon)


def test_a_created_container_that_cannot_start_stays_with_the_reason(ctl, daemon):
    ctl.ok("create", "--name", "a", "busybox", "no-such")
    assert "no-such" in ctl.fails(127, "start", "-a", "a")
    assert "no-such" in ctl.fails(1, "start", "a")
    kept = daemon.inspect("a")
    assert kept["state"] == "created" and "no-such" in kept["error"]
    ctl.ok("rm", "a")


@pytest.mark.parametrize("options, complaint", [
    (["--rootfs", "/nowhere"], "/nowhere"),
    (["--rootfs", "/etc/passwd"], "/etc/passwd"),
    (["--rootfs", "/"], "root"),
])
def test_a_rootfs_that_is_none(ctl, daemon, options, complaint):
    assert complaint in ctl.fails(125, "run", "--name", "a", *options, "sh")
    assert_nothing(daemon)


@pytest.mark.parametrize("options, complaint", [
    (["-u", "stranger"], "stranger"),
    (["-u", "0:strangers"], "strangers"),
    (["-u", ":5"], "user"),
    (["-w", "relative"], "relative"),
    (["-w", "/etc/passwd/x"], "/etc/passwd/x"),
    (["--hostname", "a b"], "host name"),
    (["--hostname", "x" * 65], "host name"),
    (["--stop-signal", "NOSUCH"], "NOSUCH"),
    (["--name", "-x"], "name"),
    (["--name", "a/b"], "name"),
    (["--name", "x" * 64], "name"),
    (["--name", "ä"], "name"),
    (["--name", ""], "name"),
    (["--network", "nowhere"], "nowhere"),
])
def test_values_that_cannot_be(ctl, daemon, options, complaint):
    assert complaint in ctl.fails(125, "run", *options, "busybox", "true")
    assert_nothing(daemon)


def test_an_image_that_is_not_there(ctl, daemon):
    said = ctl.fails(125, "run", "debian", "true")
    assert '"debian"' in said
    assert_nothing(daemon)


@pytest.mark.parametrize("image", ["../busybox", "busybox/..", ".", "", "busybox/rootfs"])
def test_an_image_is_no_path(ctl, daemon, image):
    ctl.fails(125, "run", image, "true")
    assert_nothing(daemon)


def test_a_name_in_use(ctl, daemon):
    daemon.run("taken", "sleep", "infinity")
    before = daemon.inspect("taken")
    for status, arguments in ((125, ["run"]), (125, ["run", "-d"]), (1, ["create"])):
        assert '"taken"' in ctl.fails(status, *arguments, "--name", "taken", "busybox", "true")
    daemon.run("other", "sleep", "infinity")
    assert '"taken"' in ctl.fails(1, "rename", "other", "taken")
    assert daemon.inspect("taken") == before
    assert sorted(daemon.names(all=True)) == ["other", "taken"]


@pytest.mark.parametrize("arguments", [
    ["stop", "nobody"], ["kill", "nobody"], ["restart", "nobody"], ["rm", "nobody"],
    ["start", "nobody"], ["rename", "nobody", "new"]])
def test_a_container_that_is_not_there(ctl, arguments):
    assert '"nobody"' in ctl.fails(1, *arguments)


def test_what_is_not_there_is_missing_from_the_array(ctl, daemon):
    daemon.run("there", "sleep", "infinity")
    result = ctl("inspect", "nobody", "there")
    assert result.status == 1
    assert '"nobody"' in result.err and result.err.count("\n") == 1
    assert [entry["name"] for entry in json.loads(result.out)] == ["there"]


@pytest.mark.parametrize("arguments", [["attach"], ["wait"], ["start", "-a"]])
def test_a_container_that_is_not_there_is_125_where_a_status_is_passed_on(ctl, arguments):
    assert '"nobody"' in ctl.fails(125, *arguments, "nobody")


def test_states_that_do_not_fit(ctl, daemon):
    daemon.run("runs", "sleep", "infinity")
    ctl.ok("create", "--name", "created", "busybox")
    assert "running" in ctl.fails(1, "start", "runs")
    assert "running" in ctl.fails(1, "rm", "runs")
    assert "not running" in ctl.fails(125, "attach", "created")
    assert "not running" in ctl.fails(1, "kill", "created")
    assert daemon.inspect("runs")["state"] == "running"
    assert daemon.inspect("created")["state"] == "created"


def test_what_the_user_wrote_cannot_move_the_cursor(ctl):
    said = ctl.fails(1, "stop", "no\x1b[2Jbody\r\n")
    assert "\x1b" not in said and "\r" not in said


# --- The system refuses --------------------------------------------------------------------------

def test_a_state_directory_that_is_full_fails_one_call(new_daemon):
    from host import Ctl
    daemon = new_daemon()
    daemon.state.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=256k", "tmpfs", daemon.state], check=True)
    try:
        daemon.start()
        ctl = Ctl(daemon)
        daemon.run("before", "sleep", "infinity")
        filler = daemon.state / "filler"
        with open(filler, "wb", buffering=0) as file, pytest.raises(OSError):
            while True:
                file.write(b"x" * 4096)
        said = ctl.fails(1, "create", "--name", "a", "--label", "x=" + "y" * 9000, "busybox")
        assert "No space left" in said
        assert daemon.names(all=True) == ["before"]
        assert daemon.inspect("before")["state"] == "running"
        filler.unlink()
        ctl.ok("create", "--name", "a", "busybox")
    finally:
        daemon.leave()
        subprocess.run(["umount", daemon.state], check=True)


def test_out_of_descriptors_it_says_so_and_recovers(new_daemon):
    daemon = new_daemon()
    daemon.start(preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_NOFILE, (100, 100)))
    started = []
    with pytest.raises(VarlinkError) as refused:
        for i in range(64):
            daemon.run(f"c{i}", "sleep", "infinity")
            started.append(f"c{i}")
    assert refused.value.name == CONTAINER + "Failed"
    assert refused.value.parameters["what"] in ("EMFILE", "ENFILE")
    assert len(started) > 3
    daemon.call(CONTAINER + "Remove", {"container": started[0], "force": True})
    daemon.run("again", "sleep", "infinity")


# --- Reaching the daemon -------------------------------------------------------------------------

def test_without_a_daemon_it_is_said_how_to_start_one(directory):
    result = run([DOKRUSTCTL, "-H", directory / "sock", "ps"])
    assert result.status == 1 and result.err.count("\n") == 1
    assert f'"dokrustd --socket {directory}/sock"' in result.err
    result = run([DOKRUSTCTL, "-H", directory / "sock", "run", "busybox"])
    assert result.status == 125 and result.err.count("\n") == 1


def test_a_daemon_that_is_gone_has_not_started(daemon, ctl):
    daemon.process.kill()
    daemon.process.wait()
    assert "dokrustd" in ctl.fails(1, "ps")
    daemon.start()
    assert ctl.ok("ps", "-q") == ""


def as_nobody(daemon, *arguments):
    return run([DOKRUSTCTL, "-H", daemon.socket, *arguments], user=NOBODY, group=NOBODY,
               extra_groups=[])


def test_without_permission_it_is_said_which_group_has_it(daemon):
    os.chmod(daemon.directory, 0o755)
    os.chown(daemon.socket, 0, grp.getgrnam("users").gr_gid)
    os.chmod(daemon.socket, 0o660)
    result = as_nobody(daemon, "ps")
    assert result.status == 1 and result.err.count("\n") == 1
    assert "permission denied" in result.err and "group users" in result.err


def test_without_permission_or_group_root_is_named(daemon):
    os.chmod(daemon.directory, 0o755)
    os.chown(daemon.socket, 0, 0)
    os.chmod(daemon.socket, 0o600)
    result = as_nobody(daemon, "run", "busybox")
    assert result.status == 125 and result.err.count("\n") == 1
    assert "permission denied" in result.err and "root" in result.err


def test_who_can_connect_and_is_in_no_group_is_refused_everything(daemon):
    daemon.run("secret", "sleep", "infinity")
    os.chmod(daemon.directory, 0o755)
    os.chmod(daemon.socket, 0o666)
    for status, arguments in ((1, ["info"]), (1, ["ps", "-aq"]), (1, ["volume", "ls"]), (1, ["events"]),
                              (125, ["run", "busybox", "true"]), (1, ["create", "busybox"]),
                              (1, ["stop", "secret"]), (1, ["rm", "-f", "secret"]),
                              (125, ["attach", "secret"]), (1, ["inspect", "secret"])):
        result = as_nobody(daemon, *arguments)
        assert result.status == status, arguments
        assert "secret" not in result.out and result.err.count("\n") == 1
        assert "permission" in result.err.lower() or "root" in result.err
    assert daemon.names(all=True) == ["secret"]


def test_a_group_of_that_name_owns_the_socket(daemon):
    groups = [group for group in grp.getgrall() if group.gr_name == "dokrust"]
    info = daemon.socket.stat()
    assert info.st_gid == (groups[0].gr_gid if groups else 0)


def test_something_else_on_the_socket_is_told(directory):
    path = directory / "sock"
    server = subprocess.Popen(
        ["/usr/bin/python3", "-c", "import socket, sys\n"
         "s = socket.socket(socket.AF_UNIX); s.bind(sys.argv[1]); s.listen()\n"
         "print('up', flush=True)\n"
         "c, _ = s.accept(); c.recv(100); c.sendall(b'HTTP/1.1 400\\r\\n\\r\\n\\0')", path],
        stdout=subprocess.PIPE, env=ENVIRONMENT)
    try:
        assert server.stdout.readline() == b"up\n"
        result = run([DOKRUSTCTL, "-H", path, "ps"])
        assert result.status == 1 and result.err.count("\n") == 1
    finally:
        server.communicate(timeout=10)
