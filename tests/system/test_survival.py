"""The daemon dies, is restarted or replaced; containers, shells and what is known of them go on."""
import collections
import json
import os
import re
import signal
import subprocess
import time

import pytest

import processes
from host import Ctl
from renewal import daemon_pid, kill_daemon, reload_daemon
from terminal import Terminal
from varlink import CONTAINER, message

@pytest.fixture
def kept(new_daemon):
    """A daemon under a keeper."""
    return new_daemon().start("--keep")


@pytest.fixture
def kept_ctl(kept):
    return Ctl(kept)


@pytest.fixture(params=[kill_daemon, reload_daemon], ids=["killed", "reloaded"])
def renew(request):
    return request.param


def file_in(ctl, name, path):
    return ctl.ok("exec", name, "cat", path)


# --- Containers ----------------------------------------------------------------------------------

def test_a_shell_goes_on_with_its_variables_and_pid(kept, kept_ctl, renew):
    kept_ctl.ok("run", "-dit", "--name", "work", "busybox")
    kept_ctl.ok("send", "work", "X=42", "--enter")
    before = kept.inspect("work")
    renew(kept)
    after = kept.inspect("work")
    for key in ("id", "pid", "state", "started_at", "created_at", "spec", "command", "owner"):
        assert after[key] == before[key], key
    kept_ctl.ok("send", "work", "echo $X > /answer", "--enter")
    processes.wait_until(lambda: kept_ctl("exec", "work", "cat", "/answer").out == "42\n")


def test_an_exit_that_nobody_saw_is_known_with_its_last_output(kept, kept_ctl):
    """It happens while there is no daemon at all: the keeper is stopped, the daemon killed."""
    kept_ctl.ok("run", "-d", "--name", "job", "--userns", "host", "busybox", "sh", "-c",
                "while [ ! -e /go ]; do sleep 0.05; done; echo last words; exit 7")
    init = kept.inspect("job")["pid"]
    os.kill(kept.pid, signal.SIGSTOP)
    os.kill(daemon_pid(kept), signal.SIGKILL)
    pid, = processes.children(init)
    (open(f"/proc/{pid}/root/go", "w")).close()
    processes.wait_until(lambda: not processes.is_alive(pid))
    os.kill(kept.pid, signal.SIGCONT)
    processes.wait_until(lambda: kept_ctl("wait", "job").out == "7\n", 20)
    assert kept.inspect("job")["exit_status"] == 7


def test_pipes_stay_connected(kept, kept_ctl, renew):
    kept_ctl.ok("run", "-d", "-i", "--name", "cat", "busybox", "sh", "-c", "test \"$(cat)\" = 'before after' && echo done")
    kept_ctl.ok("send", "cat", "before ")
    renew(kept)
    kept_ctl.ok("send", "cat", "after")
    with kept.viewer("cat") as viewer:
        viewer.end_input()
        assert viewer.finish() == 0
        assert viewer.out[1] == b"done\n"
    assert kept.inspect("cat")["exit_status"] == 0


def test_a_container_that_removes_itself_goes_on_and_is_gone_in_the_end(kept, kept_ctl, renew):
    kept_ctl.ok("run", "-d", "--rm", "--name", "passing", "busybox", "sleep", "1000")
    kept_ctl.ok("exec", "passing", "touch", "/here")
    renew(kept)
    assert kept_ctl.ok("exec", "passing", "ls", "/here") == "/here\n"
    assert kept.inspect("passing")["command"] == ["sleep", "1000"]
    kept_ctl.ok("stop", "passing")
    assert kept.names(all=True) == []
    processes.wait_until(lambda: list((kept.state / "containers").iterdir()) == [])


def test_what_is_executed_goes_on(kept, kept_ctl, renew):
    kept_ctl.ok("run", "-d", "--name", "work", "busybox", "sleep", "1000")
    assert kept_ctl.ok("exec", "-dit", "work", "sh") == "work/1\n"
    kept_ctl.ok("send", "work/1", "Y=5", "--enter")
    renew(kept)
    kept_ctl.ok("send", "work/1", "echo $Y > /answer", "--enter")
    processes.wait_until(lambda: kept_ctl("exec", "work", "cat", "/answer").out == "5\n")
    kept_ctl.ok("kill", "work/1")
    kept_ctl("wait", "work/1")
    assert kept.inspect("work")["execs"][0]["state"] == "exited"
    assert kept.inspect("work")["state"] == "running"


def test_a_stop_goes_on(kept, kept_ctl, renew):
    kept.run_trap("stubborn", "'' TERM")
    stop = kept.connect()
    stop.send(message(CONTAINER + "Stop", {"container": "stubborn", "timeout_ms": 60000}))
    kept.wait_for_state("stubborn", "stopping")
    renew(kept)
    assert kept.inspect("stubborn")["state"] == "stopping"
    kept_ctl.ok("kill", "stubborn")
    kept.wait_for_state("stubborn", "exited")
    stop.close()


def test_it_can_be_stopped_and_started_again(kept, kept_ctl, renew):
    kept_ctl.ok("run", "-d", "--name", "work", "busybox", "sleep", "1000")
    renew(kept)
    result = kept_ctl("stop", "work")
    assert result.status == 0 and result.seconds < 2
    kept_ctl.ok("start", "work")
    assert kept.inspect("work")["state"] == "running"


def descriptors(pid):
    """What a process has open, by kind, once that stays the same: with no connection that is still closing."""
    def kinds():
        counted = collections.Counter()
        for fd in os.listdir(f"/proc/{pid}/fd"):
            try:
                counted[re.sub(r":\[\d+\]", "", os.readlink(f"/proc/{pid}/fd/{fd}"))] += 1
            except FileNotFoundError:
                pass
        return counted

    last, same = kinds(), 0
    while same < 10:
        time.sleep(0.02)
        now = kinds()
        same = same + 1 if now == last else 0
        last = now
    return last


def test_it_happens_again_and_again(kept, kept_ctl):
    kept_ctl.ok("run", "-dit", "--name", "work", "busybox")
    pid = kept.inspect("work")["pid"]
    for _ in range(3):
        reload_daemon(kept)
        kill_daemon(kept)
    assert kept.inspect("work")["pid"] == pid
    # Each reload hands on what it has: one that is forgotten would be there once more each time.
    daemon = daemon_pid(kept)
    before, before_keeper = descriptors(daemon), descriptors(kept.pid)
    for _ in range(4):
        reload_daemon(kept)
    assert descriptors(daemon) - before == collections.Counter()
    assert descriptors(kept.pid) - before_keeper == collections.Counter()


def test_many_survive(kept, kept_ctl):
    names = [f"c{i}" for i in range(30)]
    for name in names:
        kept.run(name, "sleep", "1000", terminal=name.endswith("5"))
    pids = {name: kept.inspect(name)["pid"] for name in names}
    kill_daemon(kept)
    assert {name: kept.inspect(name)["pid"] for name in names} == pids
    # A thousand have room in one string of the environment, which has 128 KiB.
    with open(f"/proc/{daemon_pid(kept)}/environ", encoding="ascii") as environment:
        passed, = [text for text in environment.read().split("\0") if text.startswith("LISTEN_FDNAMES=")]
    assert passed.count(":") >= 30 * 3 and len(passed) < 30 * 90
    assert kept_ctl("rm", "-f", *names).status == 0


# --- Without a keeper ----------------------------------------------------------------------------

@pytest.mark.parametrize("number", [signal.SIGUSR2, signal.SIGHUP])
def test_a_reload_needs_no_keeper(daemon, ctl, number):
    ctl.ok("run", "-dit", "--name", "work", "busybox")
    ctl.ok("send", "work", "X=1", "--enter")
    reload_daemon(daemon, number)
    ctl.ok("send", "work", "echo $X > /answer", "--enter")
    processes.wait_until(lambda: ctl("exec", "work", "cat", "/answer").out == "1\n")


# --- Those who wait ------------------------------------------------------------------------------

def test_who_waits_goes_on_waiting(kept, kept_ctl, renew):
    kept_ctl.ok("run", "-d", "--name", "job", "busybox", "sh", "-c", "while [ ! -e /go ]; do sleep 0.05; done; exit 9")
    with subprocess.Popen(kept_ctl.argv("wait", "job"), stdout=subprocess.PIPE, text=True) as waiting:
        processes.wait_until(lambda: len(processes.open_fds(waiting.pid)) > 3)
        renew(kept)
        kept_ctl.ok("exec", "job", "touch", "/go")
        assert waiting.communicate(timeout=20)[0] == "9\n"
    assert waiting.returncode == 9


# --- The keeper ----------------------------------------------------------------------------------

def test_the_keeper_ends_with_the_daemon_and_stops_the_containers(kept, kept_ctl):
    kept_ctl.ok("run", "-d", "--name", "work", "busybox", "sleep", "1000")
    assert kept.stop() == 0
    kept.assert_no_process()
    assert not kept.socket.exists()


def test_a_daemon_that_never_came_up_ends_the_keeper(new_daemon):
    other = new_daemon()
    other.state.write_text("a file in the place of the directory")
    other.spawn("--keep")
    assert other.process.wait(20) == 1
    assert "state" in other.log


def test_kept_descriptors_are_forgotten_with_their_container(kept, kept_ctl):
    for _ in range(5):
        kept_ctl.ok("run", "-t", "--rm", "busybox", "true")
        kept_ctl.ok("run", "--rm", "busybox", "true")

    def kept_kinds():
        return [link for link in processes.open_fds(kept.pid).values() if link.startswith(("pipe:", "anon_inode:[pidfd]")) or "ptmx" in link]

    processes.wait_until(lambda: kept_kinds() == [])


# --- Viewers -------------------------------------------------------------------------------------

def screen(ctl, name):
    return json.loads(ctl.ok("screen", "--format", "json", name))


def test_the_screen_is_there_again(kept, kept_ctl, renew):
    kept_ctl.ok("run", "-dit", "--name", "work", "busybox")
    kept_ctl.ok("send", "work", "clear; echo painted be''fore", "--enter")
    processes.wait_until(lambda: "painted before" in kept_ctl.ok("screen", "work"))
    before = screen(kept_ctl, "work")
    renew(kept)
    assert screen(kept_ctl, "work") == before
    with Terminal(kept_ctl, "attach", "work") as terminal:
        terminal.wait_for("painted before")


def test_the_alternate_screen_its_title_and_modes_are_there_again(kept, kept_ctl, renew):
    paint = r"printf '\033[?1049h\033]2;a title\007\033[2J\033[5;7Hhere\033[?25l'; exec sleep 1000"
    kept_ctl.ok("run", "-dit", "--name", "work", "busybox", "sh", "-c", paint)
    processes.wait_until(lambda: "here" in kept_ctl.ok("screen", "work"))
    before = screen(kept_ctl, "work")
    assert before["alternate"] and before["title"] == "a title" and not before["cursor"]["visible"]
    for _ in range(2):
        renew(kept)
        assert screen(kept_ctl, "work") == before


def test_the_history_is_there_again(kept, kept_ctl, renew):
    """More than is kept as it came: the screen is painted anew now and then."""
    kept_ctl.ok("run", "-dit", "--name", "work", "busybox", "sh", "-c", "seq 40000; echo the end; exec cat")
    processes.wait_until(lambda: "the end" in kept_ctl.ok("screen", "work"), 20)
    before = screen(kept_ctl, "work")
    renew(kept)
    assert screen(kept_ctl, "work") == before
    with kept.viewer("work", size={"rows": 24, "columns": 80}, history_rows=1000) as viewer:
        viewer.wait_for(b"the end")
        assert b"39500" in viewer.screen()


def test_the_screen_of_an_exec_is_there_again(kept, kept_ctl, renew):
    kept_ctl.ok("run", "-d", "--name", "work", "busybox", "sleep", "1000")
    kept_ctl.ok("exec", "-dit", "work", "sh", "-c", "echo an ex''ec; exec cat")
    processes.wait_until(lambda: "an exec" in kept_ctl.ok("screen", "work/1"))
    renew(kept)
    assert "an exec" in kept_ctl.ok("screen", "work/1")


def test_what_is_written_and_its_size_changed_is_there_again(kept, kept_ctl, renew):
    kept_ctl.ok("run", "-dit", "--name", "work", "busybox", "sh", "-c", "echo a line; exec cat")
    processes.wait_until(lambda: "a line" in kept_ctl.ok("screen", "work"))
    with kept.viewer("work", size={"rows": 30, "columns": 60}) as viewer:
        viewer.wait_for(b"a line")
        viewer.type(b"typed\r")
        viewer.wait_for(b"typed\r\ntyped")
    before = screen(kept_ctl, "work")
    assert before["columns"] == 60
    renew(kept)
    assert screen(kept_ctl, "work") == before


def test_a_full_screen_program_goes_on_after_a_kill(kept, kept_ctl):
    kept_ctl.ok("run", "-dit", "--name", "work", "busybox", "vi", "/etc/passwd")
    processes.wait_until(lambda: "root:x:0:0" in kept_ctl.ok("screen", "work"))
    before = screen(kept_ctl, "work")
    kill_daemon(kept)
    assert screen(kept_ctl, "work") == before
    with Terminal(kept_ctl, "attach", "work") as terminal:
        terminal.wait_for("root:x:0:0")


# A shell's line editor asks the terminal where the cursor is and takes keys for the answer, when it is
# made to paint its line: a program that reads lines says better whether a key was lost.
REMEMBERING = ["sh", "-c", 'X=41; echo ready; read -r word; echo "got $word"; read -r word; '
                           'echo "$((X + 1)) $word"; exit 5']


def converse(terminal, status=5):
    terminal.send("one\r")
    terminal.wait_for("got one")
    terminal.send("two\r")
    terminal.wait_for("42 two")
    assert terminal.finish() == status


def test_a_viewer_comes_back_by_itself(kept, kept_ctl, renew):
    with Terminal(kept_ctl, "run", "-it", "--name", "work", "busybox", *REMEMBERING) as terminal:
        terminal.wait_for("ready")
        renew(kept)
        processes.wait_until(lambda: kept.inspect("work")["viewers"] == 1)
        converse(terminal)


def test_a_viewer_of_an_exec_comes_back_to_it(kept, kept_ctl, renew):
    kept_ctl.ok("run", "-d", "--name", "work", "busybox", "sleep", "1000")
    with Terminal(kept_ctl, "exec", "-it", "work", *REMEMBERING) as terminal:
        terminal.wait_for("ready")
        renew(kept)
        processes.wait_until(lambda: kept.inspect("work")["execs"][0]["viewers"] == 1)
        # Before Linux 6.15 only the parent of a process can ask how it ended, and that is gone.
        converse(terminal, 5 if renew is reload_daemon or processes.kernel() >= (6, 15) else 137)


def test_a_viewer_learns_how_it_ended_meanwhile(kept, kept_ctl):
    with Terminal(kept_ctl, "run", "-it", "--name", "work", "--userns", "host", "busybox", "sh", "-c",
                  "echo ready; while [ ! -e /go ]; do sleep 0.05; done; exit 9") as terminal:
        terminal.wait_for("ready")
        child, = processes.children(kept.inspect("work")["pid"])
        os.kill(kept.pid, signal.SIGSTOP)
        os.kill(daemon_pid(kept), signal.SIGKILL)
        (open(f"/proc/{child}/root/go", "w")).close()
        processes.wait_until(lambda: not processes.is_alive(child))
        os.kill(kept.pid, signal.SIGCONT)
        assert terminal.finish() == 9


def test_records_say_the_same_before_and_after(kept, kept_ctl, renew):
    kept_ctl.ok("run", "-d", "--name", "a", "--label", "k=v", "-e", "A=1", "busybox", "sleep", "1000")
    kept_ctl.ok("create", "--name", "b", "busybox")
    kept_ctl("run", "--name", "c", "busybox", "sh", "-c", "exit 3")
    before = json.loads(kept_ctl.ok("inspect", "a", "b", "c"))
    renew(kept)
    assert json.loads(kept_ctl.ok("inspect", "a", "b", "c")) == before
