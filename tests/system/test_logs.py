"""logs: what containers wrote, kept and shown; and what a slow or full disk does to it: nothing else."""
import contextlib
import datetime
import hashlib
import os
import re
import signal
import struct
import subprocess
import threading
import time

import pytest

import processes
from build import SLOWNESS
from host import ENVIRONMENT, Ctl
from varlink import CONTAINER, EOF, VarlinkError

LOG = 0x15
STAMP = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z ")
MISSING = re.compile(rb"\[dokrust: (\d+) bytes of output are missing here\]\n")


def sha(data):
    return hashlib.sha256(data).hexdigest()


def log_directory(daemon, name):
    return daemon.state / "containers" / daemon.inspect(name)["id"] / "logs"


def writer(daemon):
    """The pid of the process that writes logs."""
    return next(pid for pid in processes.children(daemon.pid)
                if processes.command(pid) == "dokrustd-logs")


def frames(connection, parameters):
    """The LOG frames of a call, up to EOF: (time in microseconds, stream, bytes)."""
    connection.call(CONTAINER + "Logs", parameters, upgrade=True)
    found = []
    while True:
        while len(connection.buffer) < 5:
            assert connection.fill(), "ended without EOF"
        kind, length = struct.unpack("!BI", connection.buffer[:5])
        while len(connection.buffer) < 5 + length:
            assert connection.fill(), "half a frame"
        payload = connection.buffer[5:5 + length]
        connection.buffer = connection.buffer[5 + length:]
        if kind == EOF:
            return found
        assert kind == LOG
        at, stream = struct.unpack("!qB", payload[:9])
        found.append((at, stream, payload[9:]))


# --- What is shown -------------------------------------------------------------------------------

def test_logs_show_each_stream_where_it_belongs(daemon, ctl):
    daemon.run("web", "sh", "-c", "echo out; echo err >&2; printf rest")
    daemon.wait_for_state("web", "exited")
    result = ctl("logs", "web")
    assert (result.status, result.out, result.err) == (0, "out\nrest", "err\n")
    assert ctl.ok("logs", "--stream", "stdout", "web") == "out\nrest"
    result = ctl("logs", "--stream", "stderr", "web")
    assert (result.out, result.err) == ("", "err\n")


def test_what_an_attached_terminal_showed_is_in_the_log_as_it_was(daemon, ctl):
    assert ctl("run", "-t", "--name", "tty", "busybox", "printf", r"\033[1mbold\n").status == 0
    assert ctl.ok("logs", "tty") == "\x1b[1mbold\r\n"


def test_bytes_that_are_no_text_survive(daemon, ctl):
    data = r"\000\001\377\303\050\200"
    daemon.run("raw", "printf", data)
    daemon.wait_for_state("raw", "exited")
    assert ctl("logs", "raw").raw == b"\x00\x01\xff\xc3(\x80"


def test_timestamps_stand_before_each_line_and_are_the_time_of_writing(daemon, ctl):
    before = datetime.datetime.now(datetime.timezone.utc)
    daemon.run("slow", "sh", "-c", "printf 'one '; sleep 0.3; echo more; echo two")
    daemon.wait_for_state("slow", "exited")
    lines = ctl.ok("logs", "-t", "slow").splitlines()
    assert [STAMP.sub("", line) for line in lines] == ["one more", "two"]
    times = [datetime.datetime.fromisoformat(STAMP.match(line)[0][:-2] + "+00:00")
             for line in lines]
    assert before < times[0]
    assert 0.15 < (times[1] - times[0]).total_seconds() < 5


@pytest.mark.parametrize("options, lines", [
    (["-n", "2"], ["4", "5"]), (["--tail", "0"], []), (["--tail", "all"], list("12345")),
    (["-n", "99"], list("12345")),
])
def test_tail_counts_lines_from_the_end(daemon, ctl, options, lines):
    daemon.run("count", "seq", "5")
    daemon.wait_for_state("count", "exited")
    assert ctl.ok("logs", *options, "count").split() == lines


def test_an_unfinished_line_counts_as_one(daemon, ctl):
    daemon.run("part", "printf", r"a\nb\nc")
    daemon.wait_for_state("part", "exited")
    assert ctl.ok("logs", "-n", "2", "part") == "b\nc"


def test_since_and_until_cut_by_time_in_all_their_forms(daemon, ctl):
    daemon.run("times", "sh", "-c", "echo early; sleep 1; echo late")
    daemon.wait_for_state("times", "exited")
    with daemon.connect() as connection:
        (first, _, _), (second, _, _) = frames(connection, {"container": "times"})
    middle = (first + second) // 2
    stamp = datetime.datetime.fromtimestamp(middle / 1e6, datetime.timezone.utc)
    for moment in (stamp.strftime("%Y-%m-%dT%H:%M:%S.%fZ"), f"{middle / 1e6:.6f}",
                   stamp.astimezone(datetime.timezone(datetime.timedelta(hours=2))).isoformat()):
        assert ctl.ok("logs", "--since", moment, "times") == "late\n", moment
        assert ctl.ok("logs", "--until", moment, "times") == "early\n", moment
    assert ctl.ok("logs", "--since", "10m", "times") == "early\nlate\n"
    assert ctl.ok("logs", "--until", "10m", "times") == ""


def test_a_log_goes_on_from_run_to_run(daemon, ctl):
    daemon.run("again", "echo", "hello")
    daemon.wait_for_state("again", "exited")
    ctl.ok("start", "-a", "again")
    assert ctl.ok("logs", "again") == "hello\nhello\n"


@pytest.mark.parametrize("options, word", [
    (["--since", "yesterday"], "yesterday"), (["--tail", "x"], "x"), (["--stream", "x"], "x"),
])
def test_what_cannot_be_understood_is_one_error(ctl, options, word):
    assert word in ctl.fails(125, "logs", *options, "web")


def test_a_container_that_is_not_there_has_no_logs(ctl):
    assert "no container named" in ctl.fails(1, "logs", "nobody")


def test_the_method_wants_an_upgrade_and_times_that_are_times(daemon):
    daemon.run("web", "true")
    with daemon.connect() as connection:
        with pytest.raises(VarlinkError, match="ExpectedUpgrade"):
            connection.call(CONTAINER + "Logs", {"container": "web"})
        for key, value in (("since", "10m"), ("tail", -1)):
            with pytest.raises(VarlinkError) as caught:
                connection.call(CONTAINER + "Logs", {"container": "web", key: value},
                                upgrade=True)
            assert caught.value.parameters["field"] == key


# --- Following -----------------------------------------------------------------------------------

class Follower:
    """logs -f, read in the background."""

    def __init__(self, ctl, *args):
        self.process = subprocess.Popen(ctl.argv("logs", "-f", *args), env=ENVIRONMENT,
                                        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE)
        self.output = b""
        self.thread = threading.Thread(target=self.read)
        self.thread.start()

    def read(self):
        while part := os.read(self.process.stdout.fileno(), 65536):
            self.output += part

    def wait_for(self, text):
        processes.wait_until(lambda: text in self.output, 15, f"{text} in {self.output[-200:]}")

    def finish(self):
        self.thread.join(20 * SLOWNESS)
        assert not self.thread.is_alive(), "it goes on"
        self.process.stdout.close()
        return self.process.wait(10)


def test_following_ends_with_the_container(daemon, ctl):
    daemon.run("ticks", "sh", "-c", "for i in 1 2 3; do echo $i; sleep 0.2; done")
    follower = Follower(ctl, "ticks")
    assert follower.finish() == 0
    assert follower.output == b"1\n2\n3\n"


def test_following_goes_on_across_a_restart(daemon, ctl):
    daemon.run("twice", "sh", "-c", "echo begin; exec sleep infinity")
    follower = Follower(ctl, "twice")
    follower.wait_for(b"begin\n")
    ctl.ok("restart", "-t", "0", "twice")
    follower.wait_for(b"begin\nbegin\n")
    ctl.ok("kill", "twice")
    assert follower.finish() == 0


def test_following_from_the_end_shows_only_what_comes(daemon, ctl):
    daemon.run("cat", "sh", "-c", "echo old; read line; echo new; sleep 0.3", stdin_open=True)
    processes.wait_until(lambda: ctl.ok("logs", "cat") == "old\n")
    follower = Follower(ctl, "-n", "0", "cat")
    time.sleep(0.2)
    daemon.call(CONTAINER + "Send", {"container": "cat", "text": "\n"})
    assert follower.finish() == 0
    assert follower.output == b"new\n"


def test_following_an_exited_container_ends_at_once(daemon, ctl):
    daemon.run("gone", "echo", "bye")
    daemon.wait_for_state("gone", "exited")
    assert ctl.ok("logs", "-f", "gone") == "bye\n"


def test_a_follower_misses_nothing_while_files_are_rotated(daemon, ctl):
    daemon.run("turns", "sh", "-c", "sleep 0.3; for i in $(seq 40); do seq $i 400; done; sleep 0.2",
               log_max_bytes=16384, log_max_files=50)
    follower = Follower(ctl, "turns")
    assert follower.finish() == 0
    expected = b"".join(b"%d\n" % n for i in range(1, 41) for n in range(i, 401))
    assert follower.output == expected


def test_a_follower_that_goes_leaves_no_process_behind(daemon, ctl):
    daemon.run("long", "sleep", "infinity")
    follower = Follower(ctl, "long")
    reader = processes.wait_until(lambda: [
        pid for pid in processes.children(daemon.pid)
        if processes.command(pid) == "dokrustd-read"])
    follower.process.kill()
    follower.finish()
    processes.wait_until(lambda: not processes.is_alive(reader[0]))


# --- What is kept --------------------------------------------------------------------------------

@pytest.mark.parametrize("terminal", [False, True])
def test_nothing_of_a_flood_is_lost(daemon, ctl, terminal):
    daemon.run("flood", "seq", "1000000", terminal=terminal, log_max_bytes=100 << 20)
    follower = Follower(ctl, "flood")
    assert follower.finish() == 0
    expected = b"".join(b"%d\n" % n for n in range(1, 1000001))
    shown = ctl("logs", "flood").raw
    if terminal:
        expected = expected.replace(b"\n", b"\r\n")
    assert sha(shown) == sha(expected)
    assert sha(follower.output) == sha(expected)


def test_a_log_takes_no_more_room_than_it_may(daemon, ctl):
    ctl.ok("run", "-d", "--name", "small", "--log-opt", "max-size=64k", "--log-opt", "max-file=2",
           "busybox", "seq", "200000")
    daemon.wait_for_state("small", "exited")
    lines = ctl.ok("logs", "small").split()
    files = sorted(path.name for path in log_directory(daemon, "small").iterdir())
    assert files == ["log", "log.1"]
    assert all(path.stat().st_size <= 65536 for path in log_directory(daemon, "small").iterdir())
    # The newest are there without a gap; the first may have lost its beginning.
    assert lines[1:] == [str(n) for n in range(200002 - len(lines), 200001)]
    assert len(lines) > 65536 // 8


def test_a_log_goes_with_its_container(daemon, ctl):
    daemon.run("lasting", "echo", "x")
    daemon.wait_for_state("lasting", "exited")
    ctl.ok("logs", "lasting")
    directory = log_directory(daemon, "lasting")
    assert (directory / "log").stat().st_mode & 0o777 == 0o600
    ctl.ok("rm", "lasting")
    processes.wait_until(lambda: not directory.exists())


def test_the_log_of_a_passing_container_dies_with_the_boot_and_with_it(daemon, ctl):
    with daemon.run_viewer({"image": "busybox", "command": ["sh", "-c", "echo x; read y"],
                            "auto_remove": True, "stdin_open": True}, "passing") as viewer:
        viewer.wait_for(b"x\n")
        assert ctl.ok("logs", "passing") == "x\n"
        below = daemon.run_dir / "containers" / daemon.inspect("passing")["id"]
        assert (below / "logs" / "log").exists()
        assert not log_directory(daemon, "passing").exists()
        viewer.end_input()
        viewer.finish()
    processes.wait_until(lambda: not below.exists())


def test_without_a_log_driver_nothing_is_kept(daemon, ctl):
    ctl.ok("run", "--log-driver", "none", "--name", "silent", "busybox", "echo", "x")
    assert "keeps no log" in ctl.fails(1, "logs", "silent")
    assert not log_directory(daemon, "silent").exists()


@pytest.mark.parametrize("options", [
    ["--log-driver", "syslog"], ["--log-opt", "max-size=1"], ["--log-opt", "max-size=ten"],
    ["--log-opt", "max-file=0"], ["--log-opt", "color=red"], ["--log-opt", "tag=x"],
    ["--log-driver", "none", "--log-opt", "max-size=1m"],
])
def test_bad_log_options_are_told_before_anything_is_made(daemon, ctl, options):
    ctl.fails(125, "run", *options, "busybox", "true")
    assert daemon.names(all=True) == []


# --- What goes wrong -----------------------------------------------------------------------------

def test_what_a_crash_left_of_a_record_is_cut_off(new_daemon):
    daemon = new_daemon().start()
    ctl = Ctl(daemon)
    daemon.run("torn", "echo", "whole")
    daemon.wait_for_state("torn", "exited")
    assert ctl.ok("logs", "torn") == "whole\n"
    log = log_directory(daemon, "torn") / "log"
    daemon.kill()
    whole = log.read_bytes()
    record = whole[16:]
    for left in (record[:7], record[:-1], bytes(40), b"\xff" * 100):
        log.write_bytes(whole + left)
        daemon.start()
        assert ctl.ok("logs", "torn") == "whole\n", left
        ctl.ok("start", "-a", "torn")
        assert ctl.ok("logs", "torn") == "whole\nwhole\n", left
        daemon.kill()
    daemon.start()  # it sweeps up what the one that was killed has left


def test_a_file_that_is_no_log_is_begun_anew(daemon, ctl):
    daemon.run("odd", "echo", "x")
    daemon.wait_for_state("odd", "exited")
    ctl.ok("logs", "odd")
    (log_directory(daemon, "odd") / "log").write_bytes(b"rubbish" * 10)
    assert ctl.ok("logs", "odd") == ""
    ctl.ok("start", "-a", "odd")
    assert ctl.ok("logs", "odd") == "x\n"


@contextlib.contextmanager
def small_disk(path, size):
    """A file system at path; yields what gives it another size."""
    path.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={size}", "small", path], check=True)
    try:
        yield lambda new: subprocess.run(["mount", "-o", f"remount,size={new}", path], check=True)
    finally:
        # Lazily: after a failure the daemon is still there.
        subprocess.run(["umount", "--lazy", path], check=True)


def events(ctl, event):
    return [line for line in ctl.ok("events", "--since", "10m", "--until", "0s", "--filter",
                                    f"event={event}").splitlines()]


def test_a_full_disk_costs_bytes_of_the_log_and_nothing_else(new_daemon):
    daemon = new_daemon()
    with small_disk(daemon.state, "2m") as resize:
        daemon.start()
        ctl = Ctl(daemon)
        spec = {"image": "busybox", "stdin_open": True,
                "command": ["sh", "-c", "seq 600000; echo full; read x; echo after"]}
        with daemon.run_viewer(spec, "loud") as viewer:
            viewer.wait_for(b"full\n", 40)
            processes.wait_until(lambda: events(ctl, "log_dropped"))
            assert "No space left on device" in events(ctl, "log_dropped")[0]
            resize("64m")
            viewer.type(b"\n")
            viewer.wait_for(b"after\n")
            assert viewer.finish() == 0
        shown = ctl("logs", "loud").raw
        lost = sum(int(n) for n in MISSING.findall(shown))
        kept = MISSING.sub(b"", shown)
        whole = b"".join(b"%d\n" % n for n in range(1, 600001)) + b"full\nafter\n"
        assert lost > 0 and len(kept) + lost == len(whole)
        assert whole.startswith(kept[:1000000]) and kept.endswith(b"after\n")
        assert len(events(ctl, "log_dropped")) == 1
        assert daemon.stop() == 0


def test_a_disk_that_hangs_stops_neither_terminals_nor_the_daemon(daemon, ctl):
    daemon.run("first", "echo", "x")
    daemon.wait_for_state("first", "exited")
    ctl.ok("logs", "first")
    pid = writer(daemon)
    os.kill(pid, signal.SIGSTOP)
    try:
        start = time.monotonic()
        result = ctl("run", "-t", "--name", "loud", "busybox", "seq", "300000")
        assert result.status == 0 and result.lines[-1] == "300000"
        assert ctl.ok("run", "--rm", "busybox", "echo", "quick") == "quick\n"
        assert ctl("logs", "loud").status == 0
        assert time.monotonic() - start < 30
    finally:
        os.kill(pid, signal.SIGCONT)
    whole = b"".join(b"%d\r\n" % n for n in range(1, 300001))

    def accounted_for():
        """The writer has caught up, and said how much is not there."""
        shown = ctl("logs", "loud").raw
        lost = sum(int(n) for n in MISSING.findall(shown))
        return lost > 0 and len(MISSING.sub(b"", shown)) + lost == len(whole)

    processes.wait_until(accounted_for)
    assert len(events(ctl, "log_dropped")) == 1


def test_a_writer_that_dies_is_replaced(daemon, ctl):
    daemon.run("web", "sh", "-c", "echo one; while read x; do echo $x; done", stdin_open=True)
    processes.wait_until(lambda: ctl.ok("logs", "web") == "one\n")
    before = writer(daemon)
    os.kill(before, signal.SIGKILL)
    processes.wait_until(lambda: [pid for pid in processes.children(daemon.pid)
                                  if processes.command(pid) == "dokrustd-logs" and pid != before])
    daemon.call(CONTAINER + "Send", {"container": "web", "text": "two\n"})
    processes.wait_until(lambda: ctl.ok("logs", "web") == "one\ntwo\n")


def test_short_outputs_are_kept_while_another_container_floods(daemon, ctl):
    daemon.run("loud", "yes")
    for n in range(20):
        ctl.ok("run", "--name", f"short{n}", "busybox", "echo", n)
    assert [ctl.ok("logs", f"short{n}") for n in range(20)] == [f"{n}\n" for n in range(20)]
    ctl.ok("rm", "-f", "loud")


def test_a_log_goes_on_when_the_daemon_is_replaced(new_daemon):
    daemon = new_daemon().start("--keep")
    ctl = Ctl(daemon)
    daemon.run("web", "sh", "-c", "echo one; while read x; do echo $x; done", stdin_open=True)
    processes.wait_until(lambda: ctl.ok("logs", "web") == "one\n")
    pid = daemon.call("io.dokrust.Daemon.GetVersion")["pid"]
    os.kill(pid, signal.SIGKILL)

    def sends():
        return ctl("send", "web", "two\n").status == 0

    processes.wait_until(sends, 20)
    processes.wait_until(lambda: ctl("logs", "web").out == "one\ntwo\n", 20)
