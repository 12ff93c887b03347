"""record and play: asciicasts of a container's terminal."""
import json
import time

import pytest

import processes
from varlink import CONTAINER


def cast(text):
    """The header and the events of an asciicast, which must be one to the last line."""
    lines = text.splitlines()
    assert text.endswith("\n")
    header, events = json.loads(lines[0]), [json.loads(line) for line in lines[1:]]
    assert header["version"] == 2 and header["width"] > 0 and header["height"] > 0
    times = [event[0] for event in events]
    assert times == sorted(times)
    assert all(len(event) == 3 and event[1] in "oirm" for event in events)
    return header, events


def of_kind(events, kind):
    return "".join(text for _, event, text in events if event == kind)


def markers(events):
    return [text for _, event, text in events if event == "m"]


@pytest.fixture
def shell(daemon):
    """A shell that says what it reads, at a terminal without an echo of its own."""
    daemon.run("shell", "sh", "-c", "stty -echo; echo ready; while read x; do echo got $x; done",
               terminal=True, stdin_open=True)
    with daemon.viewer("shell", size={"rows": 24, "columns": 80}) as viewer:
        viewer.type(b"1\n")
        viewer.wait_for(b"got 1")
    return daemon


def test_a_recording_has_the_output_at_its_time(shell, ctl):
    assert ctl.ok("record", "start", "shell") == "1\n"
    with shell.viewer("shell") as viewer:
        viewer.type(b"a\n")
        viewer.wait_for(b"got a")
        time.sleep(0.5)
        viewer.type(b"b\n")
        viewer.wait_for(b"got b")
    assert ctl.ok("record", "stop", "shell") == "1\n"
    header, events = cast(ctl.ok("record", "get", "shell"))
    assert (header["width"], header["height"]) == (80, 24)
    assert abs(header["timestamp"] - time.time()) < 60
    assert of_kind(events, "o").endswith("got a\r\ngot b\r\n")
    at = {text.strip(): seconds for seconds, kind, text in events if kind == "o"}
    assert 0.4 < at["got b"] - at["got a"] < 5


def test_who_attaches_and_types_is_marked_and_what_they_type_is_not(shell, ctl):
    ctl.ok("record", "start", "shell")
    with shell.viewer("shell") as viewer:
        viewer.type(b"secret\n")
        viewer.wait_for(b"got secret")
    processes.wait_until(lambda: "detached" in ctl.ok("record", "get", "shell"))
    _, events = cast(ctl.ok("record", "get", "shell"))
    assert markers(events) == ["attached: uid 0", "typed: uid 0", "detached: uid 0"]
    assert of_kind(events, "i") == ""


def test_input_is_recorded_when_that_is_asked_for(shell, ctl):
    ctl.ok("record", "start", "--input", "shell")
    shell.call(CONTAINER + "Send", {"container": "shell", "text": "hello\n"})
    processes.wait_until(lambda: "got hello" in ctl.ok("record", "get", "shell"))
    _, events = cast(ctl.ok("record", "get", "shell"))
    assert of_kind(events, "i") == "hello\n"


def test_a_resize_is_an_event(shell, ctl):
    ctl.ok("record", "start", "shell")
    with shell.viewer("shell", size={"rows": 24, "columns": 80}) as viewer:
        viewer.resize(30, 100)
        viewer.type(b"x\n")
        viewer.wait_for(b"got x")
    _, events = cast(ctl.ok("record", "get", "shell"))
    assert [text for _, kind, text in events if kind == "r"] == ["100x30"]


def test_characters_that_are_cut_or_broken_leave_a_valid_recording(daemon, ctl, directory):
    path = directory / "x.cast"
    ctl.ok("run", "-d", "--name", "utf", "--record", path, "busybox", "sh", "-c",
           r"printf '\303'; sleep 0.2; printf '\244 \377 \342\202'; sleep 0.1; printf '\254 \033[1m'")
    daemon.wait_for_state("utf", "exited")
    processes.wait_until(lambda: "u001b" in path.read_text())
    _, events = cast(path.read_text())
    assert of_kind(events, "o") == "\u00e4 \ufffd \u20ac \x1b[1m"


def test_record_names_a_file_that_has_a_run_from_its_first_byte(daemon, ctl, directory):
    path = directory / "run.cast"
    assert ctl("run", "-t", "--record", path, "busybox", "echo", "hi").status == 0
    processes.wait_until(lambda: "hi" in path.read_text())
    header, events = cast(path.read_text())
    assert of_kind(events, "o") == "hi\r\n"
    assert path.stat().st_mode & 0o777 == 0o600


def test_a_file_for_a_recording_is_looked_at_before_anything_is_made(daemon, ctl, directory):
    (directory / "link").symlink_to(directory / "target")
    for path in (directory / "no/such.cast", directory, directory / "link", "/dev/null"):
        assert "record to" in ctl.fails(125, "run", "--record", path, "busybox", "true")
    assert daemon.names(all=True) == [] and not (directory / "target").exists()


def test_a_quota_ends_a_recording_and_leaves_it_whole(shell, ctl):
    ctl.ok("record", "start", "--max-size", "4k", "shell")
    with shell.viewer("shell") as viewer:
        for n in range(300):
            viewer.type(b"%040d\n" % n)
        viewer.wait_for(b"got %040d" % 299)
    processes.wait_until(lambda: "record_stop" in ctl.ok("events", "--since", "1h", "--until", "0s"))
    listed = [json.loads(line) for line in
              ctl.ok("record", "ls", "--format", "json", "shell").splitlines()]
    assert [entry["active"] for entry in listed] == [False]
    text = ctl.ok("record", "get", "shell")
    assert len(text) <= 4096 and len(text) == listed[0]["size_bytes"]
    cast(text)
    stops = ctl.ok("events", "--since", "1h", "--until", "0s", "--filter", "event=record_stop")
    assert stops.count("\n") == 1 and "it has reached its size" in stops


def test_recordings_are_numbered_listed_and_removed(shell, ctl):
    for number in ("1", "2"):
        assert ctl.ok("record", "start", "shell") == f"{number}\n"
        assert "being recorded" in ctl.fails(1, "record", "start", "shell")
        assert ctl.ok("record", "stop", "shell") == f"{number}\n"
    assert ctl.ok("record", "ls", "-q", "shell") == "1\n2\n"
    ctl.ok("record", "rm", "shell", "1")
    assert ctl.ok("record", "ls", "-q", "shell") == "2\n"
    assert "no recording 1" in ctl.fails(1, "record", "get", "shell", "1")
    assert "not being recorded" in ctl.fails(1, "record", "stop", "shell")
    assert ctl.ok("record", "start", "shell") == "3\n"
    assert "stop it first" in ctl.fails(1, "record", "rm", "shell", "3")


def test_a_recording_ends_with_the_process_and_stays(shell, ctl):
    ctl.ok("record", "start", "shell")
    ctl.ok("kill", "shell")
    shell.wait_for_state("shell", "exited")
    assert ctl.ok("record", "ls", "-q", "shell") == "1\n"
    cast(ctl.ok("record", "get", "shell"))
    assert "is exited" in ctl.fails(1, "record", "start", "shell")


# --- play ----------------------------------------------------------------------------------------

HEADER = '{"version": 2, "width": 80, "height": 24}\n'


def test_play_shows_the_output_at_its_pace(ctl, directory):
    path = directory / "x.cast"
    path.write_text(HEADER + '[0.1, "o", "one\\r\\n"]\n[0.2, "m", "mark"]\n[1.1, "o", "two"]\n')
    result = ctl("play", path)
    assert (result.status, result.out) == (0, "one\r\ntwo")
    assert 1.0 < result.seconds < 6
    assert ctl("play", "--speed", "10", path).seconds < 0.9
    assert ctl("play", "--idle-limit", "0.1", path).seconds < 0.9
    assert ctl.ok("play", "-s", "100", "-", data=path.read_bytes()) == "one\r\ntwo"


@pytest.mark.parametrize("text, word", [
    ("", "line 1"), ("{}\n", "line 1"), ('{"version": 1}\n', "line 1"),
    (HEADER + "[1]\n", "line 2"), (HEADER + "rubbish\n", "line 2"),
    (HEADER + "[" * 100000, "line 2"), (HEADER + '[0, "o", 5]\n', "line 2"),
])
def test_play_names_the_line_that_is_wrong(ctl, directory, text, word):
    path = directory / "bad.cast"
    path.write_text(text)
    assert word in ctl.fails(1, "play", path)


@pytest.mark.parametrize("options", [["--speed", "0"], ["--speed", "-1"], ["--idle-limit", "x"]])
def test_play_refuses_a_pace_that_is_none(ctl, options):
    ctl.fails(125, "play", *options, "x.cast")
