"""Pipes, floods, and viewers that do not read."""
import hashlib
import os
import subprocess
import time

import pytest

import processes
from host import ENVIRONMENT, SANITIZED, SLOWNESS, run
from terminal import Terminal
from varlink import SERVICE

MEGABYTE = 1 << 20


# --- Pipes ---------------------------------------------------------------------------------------

def test_what_is_piped_in_comes_out(ctl):
    assert ctl.ok("run", "-i", "--rm", "busybox", "cat", data=b"hi\n") == "hi\n"


def test_without_i_nothing_is_read(ctl):
    assert ctl.ok("run", "--rm", "busybox", "sh", "-c", "cat; echo end", data=b"unheard\n") \
        == "end\n"


def test_output_and_errors_are_two_streams(ctl):
    script = "for i in 1 2 3; do echo out $i; echo err $i >&2; done"
    result = ctl("run", "--rm", "busybox", "sh", "-c", script)
    assert result.out == "".join(f"out {i}\n" for i in (1, 2, 3))
    assert result.err == "".join(f"err {i}\n" for i in (1, 2, 3))


def test_no_byte_is_changed_on_the_way(ctl):
    data = bytes(range(256)) * 64
    assert ctl("run", "-i", "--rm", "busybox", "cat", data=data).raw == data


def test_a_lot_arrives_complete(ctl):
    size = 50 * MEGABYTE
    block = os.urandom(MEGABYTE)
    data = b"".join(bytes([i]) + block[1:] for i in range(size // MEGABYTE))
    result = ctl("run", "-i", "--rm", "busybox", "sh", "-c", "cat", data=data, timeout_s=80)
    assert result.status == 0
    assert len(result.raw) == size
    assert hashlib.sha256(result.raw).digest() == hashlib.sha256(data).digest()


def test_a_pipeline_of_containers(ctl):
    argv = " ".join(ctl.argv("run", "-i", "--rm", "busybox"))
    printed = run(["bash", "-c", f"seq 1 100000 | {argv} tac | {argv} tail -n 1"]).out
    assert printed == "1\n"


def test_a_pipeline_whose_reader_has_enough_ends(ctl, daemon):
    argv = " ".join(ctl.argv("run", "--name", "a", "busybox"))
    result = run(["bash", "-c", f"{argv} yes line | head -n 1; echo ${{PIPESTATUS[0]}}"])
    assert result.out == "line\n141\n"
    assert daemon.wait_for_state("a", "exited")["exit_status"] == 141


def test_looking_in_a_pipeline_ends_nothing(ctl, daemon):
    daemon.run("a", "sh", "-c", "while sleep 0.01; do echo line; done")
    argv = " ".join(ctl.argv("attach", "a"))
    assert run(["bash", "-c", f"{argv} | head -n 1"]).out == "line\n"
    processes.wait_until(lambda: daemon.inspect("a")["viewers"] == 0)
    assert daemon.inspect("a")["state"] == "running"


def test_end_of_input_is_told(ctl):
    script = "cat >/dev/null; echo the end was seen"
    assert ctl.ok("run", "-i", "--rm", "busybox", "sh", "-c", script, data=b"") \
        == "the end was seen\n"


def test_input_that_nobody_reads_does_not_hold_the_end_up(ctl):
    result = ctl("run", "-i", "--rm", "busybox", "true", data=b"x" * 10 * MEGABYTE)
    assert result.status == 0 and result.seconds < 5 * SLOWNESS


def test_a_background_process_does_not_hold_the_end_up(ctl):
    result = ctl("run", "--rm", "busybox", "sh", "-c", "sleep 1000 & echo done")
    assert (result.status, result.out) == (0, "done\n")
    assert result.seconds < 2 * SLOWNESS


def test_output_of_an_instant_before_the_end_is_there(ctl):
    for _ in range(10):
        assert ctl.sh("seq 1 20000").splitlines()[-1] == "20000"


# --- Viewers that do not read --------------------------------------------------------------------

def latencies_ms(daemon, seconds):
    """How long others wait for an answer meanwhile, sorted."""
    found, end = [], time.monotonic() + seconds
    with daemon.connect() as connection:
        while time.monotonic() < end:
            start = time.monotonic()
            connection.call(SERVICE + "GetInfo")
            found.append((time.monotonic() - start) * 1000)
            time.sleep(0.002)
    return sorted(found)


@pytest.mark.parametrize("terminal", [True, False])
def test_a_viewer_that_never_reads_stalls_nobody(daemon, terminal):
    size = 8 if SANITIZED else 40
    script = f"head -c {size * MEGABYTE} /dev/zero | tr '\\0' 'x'; echo done >/finished"
    spec = {"image": "busybox", "command": ["sh", "-c", script], "terminal": terminal}
    with daemon.run_viewer(spec, "flood"):
        waits = latencies_ms(daemon, 1)
        assert waits[len(waits) * 9 // 10] < 100 * SLOWNESS, waits[-10:]
        assert daemon.wait_for_state("flood", "exited", 60)["exit_status"] == 0


def test_a_viewer_that_reads_gets_on_beside_one_that_does_not(daemon):
    script = "read go; seq 1 200000; echo the end"
    spec = {"image": "busybox", "command": ["sh", "-c", script], "terminal": True,
            "stdin_open": True}
    with daemon.run_viewer(spec, "flood") as reader, daemon.viewer("flood"):
        reader.type(b"go\r")
        start = time.monotonic()
        assert reader.finish() == 0
        assert time.monotonic() - start < 10 * SLOWNESS
        # On a busy machine it may have been too slow itself, and seen the end in a snapshot.
        assert any(b"the end" in shown[-10000:] for shown in (reader.out[1], *reader.snapshots))


def test_a_viewer_that_lags_is_told_what_it_lost_and_gets_a_snapshot(daemon):
    script = "seq 1 300000; echo the end; read x"
    spec = {"image": "busybox", "command": ["sh", "-c", script], "terminal": True}
    with daemon.run_viewer(spec, "flood") as viewer:
        with daemon.viewer("flood") as other:
            other.wait_for(b"the end", 30)
        viewer.wait_for(b"the end")
        lagged = [notice for notice in viewer.notices if notice["notice"] == "lagged"]
        assert lagged and all(notice["lost_bytes"] > 0 for notice in lagged)
        assert viewer.snapshots
        # It has what it did not lose: no line is torn.
        received = len(viewer.out[1])
        lost = sum(notice["lost_bytes"] for notice in lagged)
        assert received < 2 * MEGABYTE
        assert received + lost >= sum(len(f"{i}\r\n") for i in range(1, 300001))
        viewer.type(b"\r")
        assert viewer.finish() == 0


def test_typing_that_nobody_reads_is_bounded(daemon):
    """The daemon takes what a pipe and its queue hold, and not more."""
    daemon.run("deaf", "sleep", "infinity", stdin_open=True)
    before = int(processes.status_field(daemon.pid, "VmRSS").split()[0])
    with daemon.viewer("deaf") as viewer:
        viewer.connection.socket.settimeout(1)
        with pytest.raises(TimeoutError):
            for _ in range(64):
                viewer.type(b"x" * 65000)
        after = int(processes.status_field(daemon.pid, "VmRSS").split()[0])
        assert after - before < 4096 * SLOWNESS
        assert latencies_ms(daemon, 0.2)[0] < 100 * SLOWNESS


def test_a_client_on_a_full_pipe_holds_up_itself_alone(ctl, daemon):
    client = subprocess.Popen(ctl.argv("run", "--name", "a", "busybox", "sh", "-c",
                                       "head -c 20000000 /dev/zero; exit 3"),
                              stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, env=ENVIRONMENT)
    waits = latencies_ms(daemon, 0.5)
    assert waits[len(waits) * 9 // 10] < 100 * SLOWNESS
    received = len(client.communicate(timeout=60)[0])
    assert client.returncode == 3
    assert received == 20000000


def test_a_flood_can_be_interrupted(ctl):
    with Terminal(ctl, "run", "-it", "--rm", "busybox", "yes", "flood", draws=False) as terminal:
        terminal.child.expect("flood")
        start = time.monotonic()
        terminal.send("\x03")
        assert terminal.finish() == 130
        assert time.monotonic() - start < 3 * SLOWNESS
