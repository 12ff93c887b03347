"""stats and top: what they tell of what containers really use, to people and to programs."""
import contextlib
import json
import os
import pathlib
import re

import pytest

import processes
from renewal import reload_daemon
from terminal import Terminal
from varlink import CONTAINER, VarlinkError

SPIN = "while :; do :; done"


def stats(ctl, *names):
    """One reading of each, by name."""
    lines = ctl.ok("stats", "--no-stream", "--format", "json", *names).splitlines()
    return {one["name"]: one for one in map(json.loads, lines)}


def files_of_groups(daemon):
    """Those that the daemon has open."""
    open_ = []
    for path in pathlib.Path(f"/proc/{daemon.pid}/fd").iterdir():
        with contextlib.suppress(FileNotFoundError):
            open_.append(os.readlink(path))
    return [link for link in open_ if link.endswith(("/memory.stat", "/pids.current"))]


def table(text):
    return [re.split(r"  +", line) for line in text.splitlines()]


# --- stats ---------------------------------------------------------------------------------------

def test_half_a_cpu_is_told_as_half_a_cpu(daemon, ctl):
    ctl.ok("run", "-d", "--name", "spin", "--cpus", "0.5", "busybox", "sh", "-c", SPIN)
    daemon.run("idle", "sleep", "1000")
    # On a machine that is busy it gets less; it never gets more, over a second.
    processes.wait_until(lambda: 25 < stats(ctl, "spin")["spin"]["cpu_percent"] < 75)
    both = stats(ctl)
    assert set(both) == {"spin", "idle"}
    assert both["idle"]["cpu_percent"] < 5
    assert both["spin"]["cpu_usage_us"] > both["idle"]["cpu_usage_us"]


def test_memory_is_told_with_and_without_cache(daemon, ctl):
    ctl.ok("run", "-d", "--name", "work", "-m", "64m", "busybox", "sh", "-c",
           "x=$(head -c 8000000 /dev/zero | tr '\\0' x); echo ready; sleep 1000; :")
    processes.wait_until(lambda: "ready" in ctl.ok("logs", "work"))
    one = stats(ctl, "work")["work"]
    assert one["memory_limit_bytes"] == 64 << 20
    assert 8000000 < one["memory_used_bytes"] <= one["memory_bytes"] < 64 << 20
    assert one["memory_percent"] == pytest.approx(one["memory_used_bytes"] / (64 << 20) * 100, abs=0.1)


def test_without_a_limit_it_is_the_hosts_memory_that_counts(daemon, ctl):
    daemon.run("work", "sleep", "1000")
    total = re.search(r"MemTotal: +(\d+) kB", pathlib.Path("/proc/meminfo").read_text())[1]
    assert stats(ctl)["work"]["memory_limit_bytes"] == int(total) * 1024


def test_threads_and_processes_are_counted(daemon, ctl):
    daemon.run("work", "sh", "-c", "for i in 1 2 3 4 5; do sleep 1000 & done; wait")
    # dokrust-init, the shell and what it started.
    processes.wait_until(lambda: stats(ctl, "work")["work"]["pids"] == 7)


def test_pressure_is_told_where_the_kernel_has_it(daemon, ctl):
    if not pathlib.Path("/proc/pressure/cpu").exists():
        pytest.skip("this kernel has no PSI")
    ctl.ok("run", "-d", "--name", "tight", "--cpus", "0.05", "busybox", "sh", "-c", SPIN)
    processes.wait_until(
        lambda: stats(ctl, "tight")["tight"]["cpu_pressure"]["some_total_us"] > 100000)


def test_one_that_does_not_run_has_no_figures(daemon, ctl):
    daemon.call(CONTAINER + "Create", {"spec": {"image": "busybox"}, "name": "later"})
    assert stats(ctl) == {}
    one, = stats(ctl, "-a").values()
    assert set(one) == {"id", "name", "state", "time"}
    assert stats(ctl, "later")["later"]["state"] == "created"
    assert table(ctl.ok("stats", "-a", "--no-stream"))[1][1:3] == ["later", "-"]


def test_a_container_that_is_not_there_is_an_error(ctl):
    assert ctl.fails(1, "stats", "nosuch") == 'stats: no container named "nosuch"'
    assert "no container" in ctl.fails(1, "top", "nosuch")


def test_watchers_share_rounds_and_leave_nothing_open(daemon, ctl):
    daemon.run("work", "sleep", "1000")
    watchers = [daemon.connect() for _ in range(5)]
    for watcher in watchers:
        watcher.send(json.dumps(
            {"method": CONTAINER + "Stats", "more": True}).encode() + b"\0")
    readings = set()
    for watcher in watchers:
        for _ in range(2):
            readings.add(watcher.receive()["parameters"]["stats"]["time"])
            assert "stats" not in watcher.receive().get("parameters", {})
    # Two rounds, of which each container is read once; one more if somebody was late.
    assert len(readings) <= 3
    assert files_of_groups(daemon)
    for watcher in watchers:
        watcher.close()
    processes.wait_until(lambda: not files_of_groups(daemon))


def test_more_of_them_than_are_read_at_once(daemon, ctl):
    names = sorted(f"n{i}" for i in range(40))
    for name in names:
        daemon.run(name, "sleep", "1000")
    told = stats(ctl)
    assert sorted(told) == names
    assert all("cpu_percent" in one for one in told.values())


def test_a_watch_goes_through_starts_and_ends(daemon, ctl):
    with daemon.connect() as watcher:
        watcher.send(json.dumps({"method": CONTAINER + "Stats", "more": True}).encode() + b"\0")
        seen = []

        def round_has(names):
            seen.clear()
            while (told := (watcher.receive().get("parameters") or {}).get("stats")):
                seen.append(told["name"])
            return sorted(seen) == names

        processes.wait_until(lambda: round_has([]))
        daemon.run("one", "sleep", "1000")
        daemon.run("two", "sleep", "1000")
        processes.wait_until(lambda: round_has(["one", "two"]))
        ctl.ok("rm", "-f", "one")
        processes.wait_until(lambda: round_has(["two"]))


def test_the_watch_of_one_that_is_removed_ends(daemon, ctl):
    daemon.run("work", "sleep", "1000")
    with daemon.connect() as watcher:
        watcher.send(json.dumps({"method": CONTAINER + "Stats", "more": True,
                                 "parameters": {"containers": ["work"]}}).encode() + b"\0")
        assert watcher.receive()["parameters"]["stats"]["name"] == "work"
        ctl.ok("rm", "-f", "work")
        while watcher.receive().get("continues"):
            pass


def test_it_is_live_on_a_terminal(daemon, ctl):
    daemon.run("work", "sleep", "1000")
    with Terminal(ctl, "stats", columns=200) as terminal:
        terminal.wait_for("work")
        daemon.run("another", "sleep", "1000")
        terminal.wait_for("another")
        # Repainted in place: the titles are in the first line, once.
        shown = [line for line in terminal.lines() if line.strip()]
        assert shown[0].startswith("CONTAINER ID") and len(shown) == 3


# --- top -----------------------------------------------------------------------------------------

def test_top_shows_the_processes_of_a_container_and_no_others(daemon, ctl):
    daemon.run("work", "sh", "-c", "sleep 1234 & wait")
    daemon.run("other", "sleep", "4321")
    ctl.ok("exec", "-d", "work", "sleep", "2345")
    processes.wait_until(lambda: "2345" in ctl.ok("top", "work"))
    rows = table(ctl.ok("top", "work"))
    assert rows[0] == ["UID", "PID", "PPID", "C", "STIME", "TTY", "TIME", "CMD"]
    commands = sorted(row[-1] for row in rows[1:])
    assert commands == ["dokrust-init", "sh -c sleep 1234 & wait", "sleep 1234", "sleep 2345"]
    assert str(daemon.inspect("work")["pid"]) in {row[1] for row in rows}


def test_top_takes_the_options_of_ps(daemon, ctl):
    ctl.ok("run", "-d", "--name", "work", "--userns", "host", "-t", "-u", "65534", "busybox", "sleep",
           "1000")
    rows = table(ctl.ok("top", "work", "-o", "nspid,uid,args"))
    assert rows == [["NSPID", "UID", "COMMAND"], ["1", "0", "dokrust-init"],
                    ["2", "65534", "sleep 1000"]]
    assert table(ctl.ok("top", "work", "aux"))[0][:3] == ["USER", "PID", "%CPU"]
    assert "pts/0" in ctl.ok("top", "work", "-eo", "tty")
    assert "nosuch" in ctl.fails(125, "top", "work", "-o", "nosuch")
    assert "-Z" in ctl.fails(125, "top", "work", "-Z")


def test_what_a_process_calls_itself_reaches_no_terminal(daemon, ctl):
    daemon.run("work", "sh", "-c", r"""sh -c 'sleep 1000; :' "$(printf '\033[2J\377')"; :""")
    # The outer shell has "[2J" in its arguments, too, but as it was written.
    processes.wait_until(lambda: "\\u001b[2J" in ctl.ok("top", "--format", "json", "work"))
    assert "\033" not in ctl.ok("top", "work")


def test_top_wants_one_that_runs(daemon, ctl):
    daemon.call(CONTAINER + "Create", {"spec": {"image": "busybox"}, "name": "later"})
    assert "created, not running" in ctl.fails(1, "top", "later")
    with pytest.raises(VarlinkError, match="ExpectedMore"):
        daemon.call(CONTAINER + "Top", {"container": "later"})


# --- Kills for want of memory --------------------------------------------------------------------

def oom_events(ctl, name):
    """The numbers that the events have."""
    lines = ctl.ok("events", "--since", "1h", "--until", "0s", "--filter", "event=oom", "--filter", f"name={name}",
                   "--format", "json").splitlines()
    return [json.loads(line)["attributes"]["oom_kills"] for line in lines]


def test_kills_for_want_of_memory_are_counted_and_told(daemon, ctl):
    grow = "sh -c 'x=a; while :; do x=$x$x; done'"
    ctl.ok("run", "-d", "--name", "greedy", "-m", "24m", "busybox", "sh", "-c",
           f"{grow}; {grow}; echo twice; while [ ! -e /more ]; do sleep 0.05; done; {grow}; sleep 1000")
    processes.wait_until(lambda: "twice" in ctl("logs", "greedy").out)
    # While it goes on.
    processes.wait_until(lambda: oom_events(ctl, "greedy") == ["1", "2"])
    assert daemon.inspect("greedy")["oom_killed"] is True
    assert daemon.inspect("greedy")["oom_kills"] == 2
    assert stats(ctl)["greedy"]["oom_kills"] == 2
    # Where it was told of all that was: the kernel is listened to, nobody asks it any more.
    ctl.ok("exec", "greedy", "touch", "/more")
    processes.wait_until(lambda: oom_events(ctl, "greedy") == ["1", "2", "3"])
    ctl.ok("stop", "-t", "0", "greedy")
    detail = daemon.inspect("greedy")
    assert (detail["oom_killed"], detail["oom_kills"]) == (True, 3)
    assert oom_events(ctl, "greedy") == ["1", "2", "3"]
    events = ctl.ok("events", "--since", "1h", "--until", "0s", "--filter", "event=die",
                    "--format", "json").splitlines()
    assert json.loads(events[-1])["attributes"] == {"oom_killed": "true", "oom_kills": "3"}


def test_a_kill_that_is_the_end_is_told_before_the_end(ctl):
    ctl("run", "-d", "--rm", "--name", "brief", "-m", "24m", "busybox", "sh", "-c", "x=a; while :; do x=$x$x; done")
    processes.wait_until(lambda: ctl("inspect", "brief").status != 0)
    told = [json.loads(line)["event"] for line in
            ctl.ok("events", "--since", "1h", "--until", "0s", "--filter", "name=brief", "--format", "json").splitlines()]
    assert told == ["create", "start", "oom", "die", "remove"]


def test_a_limit_that_was_set_later_is_watched_and_kills_are_told_once_over_a_reload(daemon, ctl):
    grow = "sh -c 'x=a; while :; do x=$x$x; done'"
    daemon.run("web", "sh", "-c", f"while :; do [ -e /go ] && rm /go && {grow}; sleep 0.05; done")
    ctl.ok("update", "-m", "24m", "web")
    ctl.ok("exec", "web", "touch", "/go")
    processes.wait_until(lambda: oom_events(ctl, "web") == ["1"])
    reload_daemon(daemon)
    ctl.ok("exec", "web", "touch", "/go")
    # Events are a daemon's own: the first one is with the one before.
    processes.wait_until(lambda: oom_events(ctl, "web") == ["2"])
