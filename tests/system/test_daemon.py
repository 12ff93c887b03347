"""The daemon as a process: how it comes, what it does not tolerate, how it goes."""
import json
import os
import signal
import socket
import subprocess

import pytest

import processes
from host import DOKRUSTD, ENVIRONMENT, run
from varlink import CONTAINER, VarlinkError

SLEEP = {"image": "busybox", "command": ["sleep", "infinity"]}


# --- Arriving ------------------------------------------------------------------------------------

def test_it_feeds_a_watchdog(new_daemon):
    other = new_daemon()
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as notify:
        path = other.directory / "notify"
        notify.bind(str(path))
        notify.settimeout(20)
        other.spawn(env={"NOTIFY_SOCKET": str(path), "WATCHDOG_USEC": "100000"})
        told = [notify.recv(4096).decode() for _ in range(4)]
        other.stop()
    assert told[0] == "READY=1" and told[1:] == 3 * ["WATCHDOG=1"]


def test_what_becomes_of_containers_is_told_at_the_level_debug(daemon, ctl):
    ctl("run", "--name", "job", "--health-cmd", "true", "--health-interval", "10ms", "busybox", "sh", "-c",
        "sleep 0.3; exit 3")
    ctl.ok("rm", "job")
    for text in ("container job has started", "container job is healthy", "container job has ended with status 3",
                 "container job is removed"):
        assert text in daemon.log


def test_it_tells_who_started_it_when_it_is_ready(daemon):
    assert "READY=1" in daemon.ready.splitlines()
    assert daemon.call("org.varlink.service.GetInfo")["product"] == "dokrustd"


def test_its_socket_is_only_for_root_and_a_group(daemon):
    info = daemon.socket.stat()
    assert info.st_mode & 0o777 in (0o600, 0o660)
    assert info.st_uid == 0


def test_its_state_directory_is_only_for_root(daemon):
    assert daemon.state.stat().st_mode & 0o777 == 0o700


def listen(path):
    listener = socket.socket(socket.AF_UNIX)
    listener.bind(str(path))
    listener.listen(16)
    return listener


def spawn_with_sockets(daemon, listeners, names):
    """As systemd would: descriptors from 3 on, and the process's own pid in LISTEN_PID."""
    fds = [listener.fileno() for listener in listeners]
    # sh keeps its pid over exec; python moves the descriptors to where they belong.
    script = ("import os, sys\n"
              f"fds = {fds}\n"
              "high = [os.dup2(fd, 100 + i) for i, fd in enumerate(fds)]\n"
              "for i, fd in enumerate(high): os.dup2(fd, 3 + i)\n"
              "os.environ.update(LISTEN_PID=str(os.getpid()), LISTEN_FDS=str(len(fds)),"
              f" LISTEN_FDNAMES={names!r})\n"
              "os.closerange(100, 100 + len(fds))\n"
              "os.execv(sys.argv[1], sys.argv[1:])\n")
    with open(daemon.log_path, "ab") as log:
        daemon.process = subprocess.Popen(
            ["/usr/bin/python3", "-c", script, *daemon.argv()], stdin=subprocess.DEVNULL,
            stdout=log, stderr=log, env=ENVIRONMENT, pass_fds=fds)


def test_a_socket_from_systemd_is_used_and_not_removed(new_daemon):
    daemon = new_daemon()
    path = daemon.directory / "activated"
    with listen(path) as listener:
        spawn_with_sockets(daemon, [listener], "varlink")
        # Connecting before it is there is what activation is for.
        daemon.socket, own = path, daemon.socket
        assert daemon.call("io.dokrust.Daemon.GetVersion")["pid"] == daemon.pid
        assert not own.exists()
        assert daemon.stop() == 0
        assert path.exists()


def test_of_several_sockets_from_systemd_the_one_named_varlink_is_used(new_daemon):
    daemon = new_daemon()
    with listen(daemon.directory / "a") as a, listen(daemon.directory / "b") as b:
        spawn_with_sockets(daemon, [a, b], "other:varlink")
        daemon.socket = daemon.directory / "b"
        assert daemon.call("io.dokrust.Daemon.GetVersion")["pid"] == daemon.pid
        assert daemon.stop() == 0


def test_what_systemd_passes_under_another_name_is_no_door(new_daemon):
    daemon = new_daemon()
    with listen(daemon.directory / "a") as a, listen(daemon.directory / "b") as b:
        spawn_with_sockets(daemon, [a, b], "one:other")
        processes.wait_until(daemon.socket.exists)
        processes.wait_until(lambda: "listening" in daemon.log)
        assert daemon.call("io.dokrust.Daemon.GetVersion")["pid"] == daemon.pid
        assert not {"a", "b"} & set(map(os.path.basename, processes.open_fds(daemon.pid).values()))


def test_a_stale_socket_is_replaced(new_daemon):
    daemon = new_daemon()
    listen(daemon.socket).close()
    assert daemon.socket.exists()
    daemon.start()
    assert daemon.names(all=True) == []


def test_a_file_that_is_no_socket_is_left_alone(new_daemon):
    daemon = new_daemon()
    daemon.socket.write_text("precious")
    daemon.spawn()
    assert daemon.process.wait(20) == 1
    assert daemon.socket.read_text() == "precious"
    assert "no socket" in daemon.log
    daemon.socket.unlink()


def test_a_second_daemon_on_the_same_state_directory_is_refused_with_the_pid(new_daemon):
    first, second = new_daemon().start(), new_daemon()
    second.state = first.state
    second.spawn()
    assert second.process.wait(20) == 1
    complaint = second.log.splitlines()[-1]
    assert f"{first.state} is in use by another dokrustd, pid {first.pid}" in complaint
    assert first.names(all=True) == []


def test_a_second_daemon_on_the_same_run_directory_is_refused_with_the_pid(new_daemon):
    first, second = new_daemon().start(), new_daemon()
    second.run_dir = first.run_dir
    second.spawn()
    assert second.process.wait(20) == 1
    assert f"pid {first.pid}" in second.log


def test_daemons_side_by_side_do_not_see_each_other(new_daemon):
    first, second = new_daemon().start(), new_daemon().start()
    first.call(CONTAINER + "Run", {"spec": SLEEP, "name": "one"})
    second.call(CONTAINER + "Run", {"spec": SLEEP, "name": "one"})
    assert first.names() == second.names() == ["one"]
    assert first.stop() == 0
    assert second.inspect("one")["state"] == "running"


@pytest.mark.parametrize("arguments, complaint", [
    (["--sokket", "/x"], "no such option"),
    (["--socket"], "needs a value"),
    (["--log-level", "loud"], '"loud" is none of'),
    (["--state-dir", ""], "empty"),
    (["stray"], "no arguments"),
    (["--config", "/nowhere/dokrustd.conf"], "/nowhere/dokrustd.conf"),
])
def test_wrong_options_are_told_in_one_line(arguments, complaint):
    result = run([DOKRUSTD, *arguments])
    assert result.status == 1
    assert complaint in result.err and result.err.count("\n") == 1


def test_help_and_version_need_no_daemon():
    assert run([DOKRUSTD, "--help"]).out.startswith("Usage: dokrustd")
    assert run([DOKRUSTD, "--version"]).out.startswith("dokrustd ")


def test_settings_come_from_a_file_and_options_win(new_daemon):
    daemon = new_daemon()
    settings = daemon.directory / "settings"
    settings.write_text(f"[daemon]\nsocket = /nowhere/at/all\nrun_dir = {daemon.directory}/other\n")
    daemon.start("--config", settings)
    assert daemon.call("io.dokrust.Daemon.GetInfo")["run_directory"] == str(daemon.run_dir)


def test_a_wrong_line_of_the_file_is_named(new_daemon):
    daemon = new_daemon()
    settings = daemon.directory / "settings"
    settings.write_text("[daemon]\n\nspeed = high\n")
    daemon.spawn("--config", settings)
    assert daemon.process.wait(20) == 1
    assert f"{settings}:3" in daemon.log and "speed" in daemon.log


# --- Leaving and coming back ---------------------------------------------------------------------

@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_on_a_signal_it_stops_its_containers_and_leaves(daemon, number):
    daemon.call(CONTAINER + "Run", {"spec": SLEEP, "name": "kept"})
    daemon.call(CONTAINER + "Run", {"spec": {**SLEEP, "auto_remove": True}, "name": "passing"})
    daemon.call(CONTAINER + "Create", {"spec": SLEEP, "name": "waiting"})
    daemon.process.send_signal(number)
    assert daemon.process.wait(20) == 0
    daemon.assert_nothing_left()
    daemon.start()
    assert sorted(daemon.names(all=True)) == ["kept", "waiting"]
    kept = daemon.inspect("kept")
    assert (kept["state"], kept["exit_status"]) == ("exited", 143)
    assert daemon.inspect("waiting")["state"] == "created"


def test_containers_get_their_own_stop_signal_when_it_leaves(daemon):
    daemon.run_trap("polite", "'exit 7' USR1", stop_signal="SIGUSR1")
    assert daemon.stop() == 0
    daemon.start()
    assert daemon.inspect("polite")["exit_status"] == 7


def test_a_container_that_will_not_stop_is_killed_after_its_timeout(daemon):
    daemon.run_trap("stubborn", "'' TERM", stop_timeout_ms=300)
    assert daemon.stop() == 0
    daemon.start()
    assert daemon.inspect("stubborn")["exit_status"] == 137


def test_a_second_signal_kills_what_does_not_stop(daemon):
    daemon.run_trap("stubborn", "'' TERM", stop_timeout_ms=-1)
    daemon.process.send_signal(signal.SIGTERM)
    processes.wait_until(lambda: "stopping" in daemon.log)
    # Signals of one number that wait for the daemon are one.
    with pytest.raises(subprocess.TimeoutExpired):
        daemon.process.wait(0.3)
    assert daemon.stop() == 0


def test_records_are_read_again(daemon):
    created = daemon.call(CONTAINER + "Create", {
        "spec": {**SLEEP, "labels": {"tier": "web"}, "environment": ["A=b=c"]}, "name": "one"})
    spec = {"image": "busybox", "command": ["sh", "-c", "exit 3"]}
    daemon.call(CONTAINER + "Run", {"spec": spec, "name": "two"})
    daemon.wait_for_state("two", "exited")
    before = [daemon.inspect(name) for name in ("one", "two")]
    assert daemon.stop() == 0
    daemon.start()
    assert [daemon.inspect(name) for name in ("one", "two")] == before
    assert before[0]["id"] == created["id"]
    assert before[1]["exit_status"] == 3
    assert daemon.names(all=True) == ["one", "two"]
    daemon.call(CONTAINER + "Start", {"container": "one"})
    assert daemon.inspect("one")["state"] == "running"


def test_a_layer_outlives_the_daemon(daemon):
    spec = {"image": "busybox", "command": ["sh", "-c", "cat /kept 2>&1; echo was here >/kept"]}
    daemon.run_viewer(spec, "keeper").finish()
    assert daemon.stop() == 0
    daemon.start()
    viewer = daemon.connect().upgrade(CONTAINER + "Start", {"container": "keeper"})
    assert viewer.finish() == 0
    assert viewer.out[1] == b"was here\n"


def test_containers_die_with_a_daemon_that_is_killed_and_are_marked_lost(daemon):
    for name, more in (("with", {}), ("without", {"init": False}), ("tty", {"terminal": True})):
        daemon.call(CONTAINER + "Run", {"spec": {**SLEEP, **more}, "name": name})
    daemon.call(CONTAINER + "Run", {"spec": {**SLEEP, "auto_remove": True}, "name": "passing"})
    daemon.kill()
    daemon.start()
    assert sorted(daemon.names(all=True)) == ["tty", "with", "without"]
    for name in ("with", "without", "tty"):
        lost = daemon.inspect(name)
        assert lost["state"] == "exited"
        assert lost["exit_status"] == 137
        assert lost["error"].startswith("lost:")
        assert lost["finished_at"] >= lost["started_at"] >= lost["created_at"]
    daemon.call(CONTAINER + "Start", {"container": "with"})
    assert "error" not in daemon.inspect("with")
    # And what was lost once is not lost again.
    assert daemon.stop() == 0
    daemon.start()
    assert daemon.inspect("with")["exit_status"] == 143


def test_a_layer_that_nobody_knows_is_swept_away(daemon):
    daemon.call(CONTAINER + "Run", {"spec": {**SLEEP, "auto_remove": True}, "name": "passing"})
    daemon.kill()
    assert len(list((daemon.state / "containers").iterdir())) == 1
    daemon.start()
    assert list((daemon.state / "containers").iterdir()) == []
    processes.wait_until(lambda: not list((daemon.state / "trash").iterdir()))


def record_of(daemon, name):
    return daemon.state / "containers" / daemon.inspect(name)["id"] / "record.json"


@pytest.mark.parametrize("damage", [
    "", "{", "[]", "\x00\x00", '{"id": 5}', '{"version": 1}',
    '{"name":"' + "x" * 100 + '"}', "[" * 10000])
def test_a_corrupt_record_is_set_aside_and_the_others_live(daemon, damage):
    for name in ("good", "bad"):
        daemon.call(CONTAINER + "Create", {"spec": SLEEP, "name": name})
    record = record_of(daemon, "bad")
    assert daemon.stop() == 0
    record.write_text(damage)
    daemon.start()
    assert daemon.names(all=True) == ["good"]
    assert "set aside" in daemon.log
    assert record.with_name("record.json.corrupt").read_text() == damage
    daemon.call(CONTAINER + "Create", {"spec": SLEEP, "name": "bad"})


def test_records_are_private_and_json(daemon):
    daemon.call(CONTAINER + "Create", {"spec": {**SLEEP, "environment": ["KEY=x"]}, "name": "a"})
    record = record_of(daemon, "a")
    assert record.stat().st_mode & 0o777 == 0o600
    assert json.loads(record.read_text())["name"] == "a"


def test_what_was_answered_is_on_the_disk(daemon):
    """kill -9 right after the answer: the record is there."""
    daemon.call(CONTAINER + "Create", {"spec": SLEEP, "name": "durable"})
    daemon.call(CONTAINER + "Rename", {"container": "durable", "name": "lasting"})
    daemon.kill()
    daemon.start()
    assert daemon.names(all=True) == ["lasting"]
    daemon.call(CONTAINER + "Remove", {"container": "lasting"})
    daemon.kill()
    daemon.start()
    assert daemon.names(all=True) == []


def test_its_store_process_is_started_again_when_it_dies(daemon):
    # It gives itself that name when it has come to run.
    writers = processes.wait_until(lambda: [pid for pid in processes.children(daemon.pid)
                                            if processes.command(pid) == "dokrustd-store"])
    assert len(writers) == 1
    os.kill(writers[0], signal.SIGKILL)
    daemon.call(CONTAINER + "Create", {"spec": SLEEP, "name": "written"})
    assert record_of(daemon, "written").exists()


def test_an_idle_daemon_does_not_wake(daemon):
    daemon.call(CONTAINER + "Run", {"spec": SLEEP, "name": "idle"})
    daemon.call("org.varlink.service.GetInfo")

    def switches():
        return sum(int(processes.status_field(daemon.pid, f"{kind}_ctxt_switches"))
                   for kind in ("voluntary", "nonvoluntary"))

    def is_quiet():
        before = switches()
        processes.time.sleep(1)
        return switches() == before

    # The sweep of connections runs on for some seconds.
    processes.wait_until(is_quiet, 15)


def test_a_stopping_daemon_starts_nothing_more(daemon):
    daemon.run_trap("stubborn", "'' TERM", stop_timeout_ms=1000)
    with daemon.connect() as connection:
        connection.call("org.varlink.service.GetInfo")
        daemon.process.send_signal(signal.SIGTERM)
        processes.wait_until(lambda: "stopping" in daemon.log)
        with pytest.raises(VarlinkError) as refused:
            connection.call(CONTAINER + "Run", {"spec": SLEEP, "name": "late"})
        assert refused.value.name == CONTAINER + "WrongState"
    assert daemon.process.wait(20) == 0
