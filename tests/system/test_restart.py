"""Restart policies: what has ended is started again, when it ought to be, and not when not."""
import datetime
import json
import os
import signal

import pytest

import processes
from host import SLOWNESS, Ctl
from renewal import reload_daemon

def run(ctl, name, policy, script, *options):
    return ctl.ok("run", "-d", "--name", name, "--restart", policy, *options, "busybox", "sh", "-c", script)


def runs(ctl, name):
    """How often such a container has run, by its log."""
    return ctl.ok("logs", name).count("run\n")


def test_what_fails_is_started_again_so_many_times(daemon, ctl):
    run(ctl, "bad", "on-failure:2", "echo run; exit 3")
    last = daemon.wait_for_state("bad", "exited")
    assert last["exit_status"] == 3 and last["restart_count"] == 2
    assert runs(ctl, "bad") == 3
    # Started by hand, it has all its tries again.
    ctl.ok("start", "bad")
    processes.wait_until(lambda: runs(ctl, "bad") == 6)
    assert daemon.wait_for_state("bad", "exited")["restart_count"] == 2


def test_what_ends_well_is_not_started_again_on_failure(daemon, ctl):
    run(ctl, "good", "on-failure", "echo run; exit 0")
    assert daemon.wait_for_state("good", "exited")["restart_count"] == 0
    assert runs(ctl, "good") == 1


def test_the_delays_double(daemon, ctl):
    run(ctl, "loop", "on-failure:4", "echo run; exit 1")
    daemon.wait_for_state("loop", "exited")
    starts = ctl.ok("events", "--since", "1h", "--until", "0s", "--filter", "event=start", "--format", "json")
    times = [datetime.datetime.strptime(json.loads(line)["time"], "%Y-%m-%dT%H:%M:%S.%fZ").timestamp()
             for line in starts.splitlines()]
    gaps = [b - a for a, b in zip(times, times[1:])]
    assert len(gaps) == 4
    for gap, least in zip(gaps, (0.1, 0.2, 0.4, 0.8)):
        # The loop counts from when it woke, which is longer ago the more it had to do since.
        assert gap >= least * 0.7


@pytest.mark.parametrize("policy", ["always", "unless-stopped"])
def test_what_ends_well_is_started_again_always(daemon, ctl, policy):
    run(ctl, "loop", policy, "echo run; exit 0")
    processes.wait_until(lambda: runs(ctl, "loop") >= 3)
    assert daemon.inspect("loop")["restart_count"] >= 2
    ctl.ok("rm", "-f", "loop")


def test_it_can_be_seen_between_two_runs(daemon, ctl):
    run(ctl, "loop", "always", "exit 4")
    # The pauses get longer: one that is long enough to look.
    processes.wait_until(lambda: daemon.inspect("loop")["restart_count"] >= (3 if SLOWNESS < 10 else 6))
    seen = daemon.wait_for_state("loop", "restarting")
    assert seen["exit_status"] == 4 and "pid" not in seen
    assert "Restarting (4)" in ctl.ok("ps")
    assert ctl.ok("ps", "-q", "--filter", "state=restarting") != ""
    assert "restarting" in ctl.fails(1, "rm", "loop")
    assert "restarting" in ctl.fails(125, "exec", "loop", "true")
    assert ctl.ok("stop", "loop") == "loop\n"
    assert daemon.inspect("loop")["state"] == "exited"
    ctl.ok("rm", "loop")


@pytest.mark.parametrize("how", [["stop"], ["kill"], ["kill", "-s", "TERM"]], ids=" ".join)
def test_what_was_stopped_stays_so(daemon, ctl, how):
    run(ctl, "work", "always", "trap 'exit 0' TERM; while :; do sleep 0.1; done")
    ctl.ok(*how, "work")
    daemon.wait_for_state("work", "exited")
    # Its first delay is 100 ms: what another container does in that time and more shows that nothing comes.
    ctl.ok("run", "--rm", "busybox", "sleep", "0.4")
    assert daemon.inspect("work")["state"] == "exited"
    ctl.ok("start", "work")
    assert daemon.inspect("work")["state"] == "running"


def test_other_signals_do_not_keep_it_from_starting_again(daemon, ctl):
    run(ctl, "work", "always", "trap 'exit 0' USR1; echo run; while :; do sleep 0.05; done")
    processes.wait_until(lambda: runs(ctl, "work") == 1)
    ctl.ok("kill", "-s", "USR1", "work")
    processes.wait_until(lambda: runs(ctl, "work") == 2)


def test_wait_tells_of_the_next_exit_and_logs_go_on(daemon, ctl):
    run(ctl, "loop", "on-failure:3", "echo run; sleep 0.2; exit 5")
    assert ctl("wait", "loop").out == "5\n"
    assert ctl.ok("logs", "-f", "loop").count("run\n") == 4
    assert daemon.inspect("loop")["state"] == "exited"


def test_in_the_foreground_the_first_exit_ends_the_call(daemon, ctl):
    result = ctl("run", "--name", "loop", "--restart", "always", "busybox", "sh", "-c", "echo out; exit 6")
    assert result.status == 6 and result.out == b"out\n".decode()
    processes.wait_until(lambda: daemon.inspect("loop")["restart_count"] >= 1)
    ctl.ok("rm", "-f", "loop")


def test_the_policy_can_be_changed(daemon, ctl):
    run(ctl, "loop", "always", "echo run; exit 1")
    processes.wait_until(lambda: runs(ctl, "loop") >= 2)
    ctl.ok("update", "--restart", "no", "loop")
    daemon.wait_for_state("loop", "exited")
    assert daemon.inspect("loop")["spec"]["restart"] == "no"
    assert "on-failure" in ctl.fails(1, "update", "--restart", "sometimes", "loop")
    assert daemon.inspect("loop")["spec"]["restart"] == "no"


def test_one_that_removes_itself_has_no_policy(ctl):
    assert "--rm" in ctl.fails(125, "run", "--rm", "--restart", "always", "busybox", "true")


def test_a_start_that_fails_is_tried_again(daemon, ctl, directory):
    """Its root file system is away for a moment."""
    root = directory / "root"
    root.mkdir()
    (root / "bin").mkdir()
    source = ctl.ok("run", "--rm", "-v", f"{root}:/out", "busybox", "sh", "-c",
                    "cp /bin/busybox /out/bin/busybox; ln -s busybox /out/bin/sh; ln -s busybox /out/bin/sleep")
    assert source == ""
    ctl.ok("run", "-d", "--name", "work", "--restart", "always", "--rootfs", root, "/bin/sh", "-c",
           "while [ ! -e /go ]; do sleep 0.02; done; exit 1")
    moved = directory / "moved"
    root.rename(moved)
    (moved / "go").touch()
    processes.wait_until(lambda: "start again" in daemon.log)
    assert daemon.inspect("work")["restart_count"] >= 1
    (moved / "go").unlink()
    moved.rename(root)
    daemon.wait_for_state("work", "running")


# --- When the daemon ends ------------------------------------------------------------------------

def test_what_ran_when_the_daemon_was_killed_runs_again(daemon, ctl):
    for name, policy in [("a", "always"), ("u", "unless-stopped"), ("f", "on-failure"), ("n", "no"), ("s", "unless-stopped"),
                         ("t", "always")]:
        run(ctl, name, policy, "trap 'exit 0' TERM; while :; do sleep 0.1; done")
    ctl.ok("create", "--name", "c", "--restart", "always", "busybox")
    ctl.ok("stop", "s", "t")
    daemon.kill()
    daemon.start()
    for name in "auft":
        daemon.wait_for_state(name, "running")
    assert daemon.inspect("n")["state"] == "exited" and "lost" in daemon.inspect("n")["error"]
    assert daemon.inspect("s")["state"] == "exited"
    assert daemon.inspect("c")["state"] == "created"
    assert daemon.names() == sorted(daemon.names(), key="aufnst".index)


def test_what_ran_when_the_host_went_down_runs_again(daemon, ctl):
    """The run directory is gone with the boot; the records that last say what was to run."""
    for name, policy in [("a", "always"), ("u", "unless-stopped"), ("n", "no")]:
        run(ctl, name, policy, "while :; do sleep 0.1; done")
    daemon.kill()
    for path in (daemon.run_dir / "containers").glob("*.json"):
        path.unlink()
    daemon.start()
    daemon.wait_for_state("a", "running")
    daemon.wait_for_state("u", "running")
    lost = daemon.inspect("n")
    assert lost["state"] == "exited" and "lost" in lost["error"] and lost["exit_status"] == 137


def test_what_the_daemon_stopped_with_itself_runs_again(daemon, ctl):
    for name, policy in [("a", "always"), ("u", "unless-stopped"), ("n", "no")]:
        run(ctl, name, policy, "while :; do sleep 0.1; done")
    run(ctl, "loop", "always", "exit 1")
    assert daemon.stop() == 0
    daemon.start()
    daemon.wait_for_state("a", "running")
    daemon.wait_for_state("u", "running")
    assert daemon.inspect("n")["state"] == "exited" and "error" not in daemon.inspect("n")
    processes.wait_until(lambda: daemon.inspect("loop")["restart_count"] >= 1)


def test_one_that_ended_while_there_was_no_daemon_is_started_again(new_daemon):
    kept = new_daemon().start("--keep")
    ctl = Ctl(kept)
    run(ctl, "work", "on-failure", "echo run; while [ ! -e /go ]; do sleep 0.02; done; rm /go; exit 3",
        "--userns", "host")
    # What a daemon has read and not yet handed on to the log's writer dies with it.
    processes.wait_until(lambda: runs(ctl, "work") == 1)
    before = kept.inspect("work")["pid"]
    child, = processes.children(before)
    daemon = kept.call("io.dokrust.Daemon.GetVersion")["pid"]
    os.kill(kept.pid, signal.SIGSTOP)
    os.kill(daemon, signal.SIGKILL)
    open(f"/proc/{child}/root/go", "w").close()
    processes.wait_until(lambda: not processes.is_alive(child))
    os.kill(kept.pid, signal.SIGCONT)
    processes.wait_until(lambda: runs(ctl, "work") == 2, 20)
    assert kept.inspect("work")["pid"] != before
    assert kept.inspect("work")["restart_count"] == 1


def test_a_policy_goes_on_over_a_reload(daemon, ctl):
    run(ctl, "work", "always", "echo run; while [ ! -e /go ]; do sleep 0.02; done; rm /go")
    reload_daemon(daemon)
    assert runs(ctl, "work") == 1
    ctl.ok("exec", "work", "touch", "/go")
    processes.wait_until(lambda: runs(ctl, "work") == 2)
