"""Other commands in a running container, each with a session of its own."""
import json
import os
import signal

import pytest

import processes
from host import SLOWNESS
from terminal import DETACH, Terminal
from varlink import CONTAINER, VarlinkError


@pytest.fixture
def work(daemon):
    """A container called work that runs, and does nothing."""
    daemon.run("work", "sleep", "1000", environment=["A=1", "B=2"], workdir="/tmp")
    return daemon


def test_its_output_and_status_come_back(work, ctl):
    result = ctl("exec", "work", "sh", "-c", "echo out; echo err >&2; exit 42")
    assert (result.status, result.out, result.err) == (42, "out\n", "err\n")


def test_a_signal_that_ends_it_is_told(work, ctl):
    assert ctl("exec", "work", "sh", "-c", "kill -TERM $$").status == 128 + signal.SIGTERM


def test_input_reaches_it_only_when_asked_for(work, ctl):
    assert ctl.ok("exec", "-i", "work", "cat", data=b"hi\n") == "hi\n"
    assert ctl.ok("exec", "work", "cat", data=b"hi\n") == ""


def test_it_is_in_the_container(work, ctl):
    init = work.inspect("work")["pid"]
    inside = ctl.ok("exec", "work", "sh", "-c", "hostname; readlink /proc/self/ns/net; pwd")
    name, net, directory = inside.splitlines()
    assert (name, directory) == ("work", "/tmp")
    child, = processes.children(init)
    assert os.readlink(f"/proc/{child}/ns/net") == net


def test_it_has_the_containers_rights_and_no_more(work, ctl):
    status = ctl.ok("exec", "work", "cat", "/proc/self/status")
    assert "CapEff:\t00000000a80425fb" in status
    assert "CapBnd:\t00000000a80425fb" in status
    assert "NoNewPrivs:\t1" in status
    assert ctl.ok("exec", "work", "sh", "-c", "echo /proc/self/fd/*").split() == [
        f"/proc/self/fd/{fd}" for fd in (0, 1, 2, 3)]


def test_one_that_is_privileged_has_all_capabilities_and_the_others_have_not(work, ctl):
    script = "grep -E '^(CapEff|Seccomp):' /proc/self/status; mount -t tmpfs x /mnt && echo mounted"
    shown = ctl.ok("exec", "--privileged", "work", "sh", "-c", script).split()
    assert shown == ["CapEff:", "000001ffffffffff", "Seccomp:", "0", "mounted"]
    assert "CapEff:\t00000000a80425fb" in ctl.ok("exec", "work", "cat", "/proc/self/status")
    assert [e["privileged"] for e in work.inspect("work")["execs"]] == [True, False]


def test_processes_of_the_container_cannot_get_at_one_that_is_privileged(work, ctl):
    ctl.ok("exec", "-d", "--privileged", "work", "sleep", "1000")
    script = ("pid=$(pidof sleep | tr ' ' '\\n' | sort -n | tail -n 1); tr '\\0' ' ' </proc/$pid/cmdline;"
              " cat /proc/$pid/environ /proc/$pid/mem; ls /proc/$pid/root/; cat /proc/$pid/fd/0")
    result = ctl("exec", "work", "sh", "-c", script)
    assert result.out == "sleep 1000 "
    assert result.err.count("denied") == 4


def test_environment_user_and_directory(work, ctl):
    out = ctl.ok("exec", "-e", "B=3", "-e", "C=4", "-w", "/etc", "-u", "www-data", "work",
                 "sh", "-c", "echo $A $B $C; pwd; id -un; echo $HOME")
    assert out.splitlines() == ["1 3 4", "/etc", "www-data", "/var/www"]


def test_errors_are_those_of_run(work, ctl):
    assert "nosuch" in ctl.fails(127, "exec", "work", "nosuch")
    assert "directory" in ctl.fails(126, "exec", "work", "/etc")
    assert "no container" in ctl.fails(125, "exec", "none", "true")
    assert "passwd" in ctl.fails(125, "exec", "-u", "nosuch", "work", "true")
    assert "absolute" in ctl.fails(125, "exec", "-w", "etc", "work", "true")
    assert work.inspect("work")["execs"] == []


def test_one_that_does_not_run_cannot_be_entered(work, ctl):
    ctl.ok("create", "--name", "asleep", "busybox")
    assert "created, not running" in ctl.fails(125, "exec", "asleep", "true")


def test_a_terminal_of_its_own(work, ctl):
    with Terminal(ctl, "exec", "-it", "work", "sh", rows=31, columns=97) as terminal:
        terminal.wait_for("#")
        terminal.send("stty size; tty; exit 5\r")
        terminal.wait_for("31 97")
        assert terminal.finish() == 5
        terminal.wait_for("/dev/pts/0")


def test_leaving_it_and_coming_back(work, ctl):
    with Terminal(ctl, "exec", "-it", "work", "sh") as terminal:
        terminal.wait_for("#")
        terminal.send("Z=26\r" + DETACH)
        assert terminal.finish() == 0
    assert [e["state"] for e in work.inspect("work")["execs"]] == ["running"]
    with Terminal(ctl, "attach", "work/1") as terminal:
        terminal.send("echo $((Z + 1)); exit 3\r")
        terminal.wait_for("27")
        assert terminal.finish() == 3
    assert [e["exit_status"] for e in work.inspect("work")["execs"]] == [3]


def test_in_the_background(work, ctl):
    assert ctl.ok("exec", "-d", "work", "sh", "-c", "sleep 0.3; exit 9") == "work/1\n"
    assert ctl("wait", "work/1").status == 9
    assert "numbered" in ctl.fails(125, "attach", "work/7")


def test_it_can_be_killed_alone(work, ctl):
    ctl.ok("exec", "-d", "work", "sleep", "1000")
    ctl.ok("kill", "-s", "TERM", "work/1")
    assert ctl("wait", "work/1").status == 128 + signal.SIGTERM
    assert work.inspect("work")["state"] == "running"


def test_killing_it_kills_all_that_it_has_started_and_nothing_else(work, ctl):
    # In sessions of their own, with no parent but process 1: nothing but the group knows them.
    escape = "for i in 1 2 3; do setsid sh -c 'sleep 777 & sleep 777' & done; exec sleep 1000"
    ctl.ok("exec", "-d", "work", "sh", "-c", escape)
    ctl.ok("exec", "-d", "work", "sleep", "888")
    processes.wait_until(
        lambda: ctl.ok("top", "work", "-o", "args").splitlines().count("sleep 777") == 6)
    ctl.ok("kill", "work/1")
    assert ctl("wait", "work/1").status == 137
    processes.wait_until(lambda: "sleep 777" not in ctl.ok("top", "work"))
    assert "sleep 888" in ctl.ok("top", "work")
    assert [e["state"] for e in work.inspect("work")["execs"]] == ["exited", "running"]


def test_what_it_leaves_behind_lives_on_and_ends_with_the_container(work, ctl):
    ctl.ok("exec", "work", "sh", "-c", "setsid sleep 777 >/dev/null 2>&1 </dev/null &")
    assert ctl.ok("exec", "work", "echo", "next") == "next\n"
    assert "sleep 777" in ctl.ok("top", "work")
    ctl.ok("pause", "work")
    ctl.ok("unpause", "work")
    identity = work.inspect("work")["id"]
    ctl.ok("rm", "-f", "work")
    processes.wait_until(lambda: not any(identity[:12] in path for path in processes.cgroups()))


@pytest.mark.parametrize("on_detach, status", [("hup", 128 + signal.SIGHUP),
                                               ("kill", 128 + signal.SIGKILL)])
def test_what_becomes_of_it_when_nobody_looks_any_more(work, ctl, on_detach, status):
    spec = {"command": ["sleep", "1000"], "on_detach": on_detach}
    viewer = work.connect().upgrade(CONTAINER + "Exec", {"container": "work", "exec": spec})
    viewer.connection.close()
    assert ctl("wait", "work/1").status == status


def test_an_action_that_there_is_not_is_told(work, ctl):
    said = ctl.fails(125, "exec", "--on-detach", "explode", "work", "true")
    assert '"explode" is none of keep, hup and kill' in said


def test_leaving_it_by_the_keys_can_end_it(work, ctl):
    with Terminal(ctl, "exec", "-it", "--on-detach", "kill", "work", "sh") as terminal:
        terminal.wait_for("#")
        terminal.send(DETACH)
        assert terminal.finish() == 0
    assert ctl("wait", "work/1").status == 128 + signal.SIGKILL


def test_its_terminal_has_the_size_that_the_policy_says(work, ctl):
    with Terminal(ctl, "exec", "-it", "--size-policy", "fixed=90x33", "work", "stty", "size",
                  rows=24, columns=80) as terminal:
        assert terminal.finish() == 0
        terminal.wait_for("33 90")


def test_without_being_asked_it_goes_on(work):
    spec = {"command": ["sleep", "1000"]}
    viewer = work.connect().upgrade(CONTAINER + "Exec", {"container": "work", "exec": spec})
    viewer.connection.close()
    processes.wait_until(lambda: work.inspect("work")["execs"][0]["viewers"] == 0)
    assert work.inspect("work")["execs"][0]["state"] == "running"


def test_it_ends_with_the_container(work, ctl):
    ctl.ok("exec", "-d", "work", "sleep", "1000")
    ctl.ok("exec", "-dt", "work", "sh")
    result = ctl("rm", "-f", "work")
    assert result.status == 0
    assert result.seconds < 1 * SLOWNESS
    assert work.names(all=True) == []


def test_the_container_can_be_stopped_while_it_runs_and_started_again(work, ctl):
    ctl.ok("exec", "-d", "work", "sleep", "1000")
    ctl.ok("stop", "work")
    ctl.ok("start", "work")
    assert work.inspect("work")["execs"] == []
    assert ctl.ok("exec", "work", "echo", "again") == "again\n"


def test_only_so_many_that_have_ended_are_remembered(work, ctl):
    for _ in range(20):
        ctl.ok("exec", "work", "true")
    execs = work.inspect("work")["execs"]
    assert [e["id"] for e in execs] == [str(n) for n in range(5, 21)]


def test_a_bad_call_is_refused_by_the_interface(work):
    for exec_ in ({}, {"command": []}, {"command": ["x"], "on_detach": "explode"},
                  {"command": ["x"], "nosuch": 1}, {"command": "x"}):
        with pytest.raises(VarlinkError) as info:
            work.call(CONTAINER + "Exec", {"container": "work", "exec": exec_})
        assert info.value.name.endswith(("InvalidParameter", "InvalidValue"))


def test_inspection_lists_them(work, ctl):
    ctl.ok("exec", "-d", "work", "sleep", "1000")
    exec_, = json.loads(ctl.ok("inspect", "work"))[0]["execs"]
    assert exec_["command"] == ["sleep", "1000"]
    assert exec_["state"] == "running" and exec_["pid"] > 0 and exec_["viewers"] == 0
