"""events: what happens to containers, told as it happens and remembered for a while."""
import json
import subprocess
import time

import pytest

import processes
from host import ENVIRONMENT
from varlink import CONTAINER, VarlinkError, message


def past(ctl, *options):
    """The events until now, as objects. An exit is told a moment after its status was."""
    text = ctl.ok("events", "--since", "1h", "--until", f"{time.time() + 0.2:.3f}",
                  "--format", "json", *options)
    return [json.loads(line) for line in text.splitlines()]


def names(events):
    return [event["event"] for event in events]


def test_a_life_is_told_in_its_order(daemon, ctl):
    daemon.call(CONTAINER + "Create", {"spec": {"image": "busybox", "command": ["sleep", "100"]},
                                       "name": "life"})
    ctl.ok("start", "life")
    ctl.ok("kill", "-s", "USR1", "life")
    daemon.wait_for_state("life", "exited")
    ctl.ok("rename", "life", "past")
    ctl.ok("rm", "past")
    events = past(ctl)
    assert names(events) == ["create", "start", "kill", "die", "rename", "remove"]
    assert events[2]["attributes"] == {"signal": "SIGUSR1"}
    assert events[3]["exit_status"] == 128 + 10
    assert events[4]["name"] == "past" and events[4]["attributes"] == {"old_name": "life"}
    assert {event["id"] for event in events} == {events[0]["id"]}
    assert all(event["image"] == "busybox" for event in events)
    times = [event["time"] for event in events]
    assert times == sorted(times) and all(len(time_) == 27 for time_ in times)


def test_a_stop_is_told_before_the_death_that_it_brings(daemon, ctl):
    daemon.run("web", "sleep", "infinity", stop_signal="SIGKILL")
    ctl.ok("stop", "web")
    assert names(past(ctl)) == ["create", "start", "stop", "die"]


def test_a_passing_container_dies_and_is_removed(daemon, ctl):
    assert ctl("run", "--rm", "--name", "p", "busybox", "sh", "-c", "exit 3").status == 3
    events = past(ctl)
    assert names(events) == ["create", "start", "attach", "detach", "die", "remove"]
    assert events[4]["exit_status"] == 3


def test_who_comes_and_goes_is_told(daemon, ctl):
    daemon.run("web", "sleep", "infinity")
    with daemon.viewer("web", input=False):
        pass
    processes.wait_until(lambda: "detach" in names(past(ctl)))
    events = [event for event in past(ctl) if event["event"] in ("attach", "detach")]
    assert [event["attributes"] for event in events] == [{"uid": "0", "read_only": "true"}] * 2


def test_execs_are_told(daemon, ctl):
    daemon.run("web", "sleep", "infinity")
    assert ctl("exec", "web", "sh", "-c", "exit 7").status == 7
    started, ended = past(ctl, "--filter", "event=exec_start", "--filter", "event=exec_die")
    assert started["attributes"] == {"exec": "1", "command": "sh"}
    assert ended["attributes"] == {"exec": "1"} and ended["exit_status"] == 7


def test_a_run_that_fails_was_never_there(daemon, ctl):
    assert ctl("run", "busybox", "/no/such/program").status == 127
    assert past(ctl) == []


@pytest.mark.parametrize("filters, expected", [
    (["container=one"], ["one"] * 3), (["event=die"], ["one", "two"]),
    (["event=die", "container=two"], ["two"]), (["name=one", "name=two", "event=start"],
                                                ["one", "two"]),
    (["image=other"], []),
])
def test_filters_of_a_key_are_alternatives_and_keys_add_up(daemon, ctl, filters, expected):
    for name in ("one", "two"):
        daemon.run(name, "true")
        daemon.wait_for_state(name, "exited")
    options = [word for text in filters for word in ("--filter", text)]
    assert [event["name"] for event in past(ctl, *options)] == expected


def test_a_filter_with_another_key_is_refused(ctl):
    assert "filter is KEY=VALUE" in ctl.fails(1, "events", "--filter", "color=red")


def test_events_are_told_as_they_happen(daemon, ctl):
    watcher = subprocess.Popen(ctl.argv("events", "--format", "json"), env=ENVIRONMENT,
                               stdout=subprocess.PIPE, text=True)
    try:
        with daemon.connect() as connection:
            connection.send(message(CONTAINER + "Events", {}, more=True))
            # Empty: nothing that happens from here on is missed.
            assert connection.receive() == {"parameters": {}, "continues": True}
            time.sleep(0.2)
            start = time.monotonic()
            daemon.run("web", "true")
            assert json.loads(watcher.stdout.readline())["event"] == "create"
            assert time.monotonic() - start < 5
            told = [connection.reply()["event"]["event"] for _ in range(3)]
            assert told == ["create", "start", "die"]
    finally:
        watcher.kill()
        watcher.communicate()


def test_until_ends_the_stream(daemon, ctl):
    daemon.run("web", "true")
    start = time.monotonic()
    until = f"{time.time() + 1:.3f}"
    assert "start" in ctl.ok("events", "--since", "1h", "--until", until)
    assert 0.8 < time.monotonic() - start < 10


RENAMES = 4000


def test_only_so_much_is_remembered_and_the_rest_is_counted(daemon, ctl):
    # One whose record is on no disk, so that it can be renamed in no time: a connection that takes
    # nothing is closed after half a minute. Long names fill it sooner.
    names = ["n" * 58 + str(n) for n in range(RENAMES + 1)]
    daemon.run(names[0], "sleep", "infinity", auto_remove=True)
    with daemon.connect() as slow, daemon.connect() as connection:
        slow.send(message(CONTAINER + "Events", {}, more=True))
        assert slow.receive()["continues"]
        # More than its socket, the daemon's buffer and the memory of events hold together.
        for before, after in zip(names, names[1:]):
            connection.call(CONTAINER + "Rename", {"container": before, "name": after})
        told, lost = 0, 0
        while told + lost < RENAMES:
            reply = slow.reply()
            lost += reply.get("lost", 0)
            told += "event" in reply
        assert lost > 0 and told + lost == RENAMES
    assert len(past(ctl)) == 1024


def test_events_need_a_stream_and_times_that_are_times(daemon):
    with daemon.connect() as connection:
        with pytest.raises(VarlinkError, match="ExpectedMore"):
            connection.call(CONTAINER + "Events", {})
        with pytest.raises(VarlinkError) as caught:
            connection.call(CONTAINER + "Events", {"since": "now"}, more=True)
        assert caught.value.parameters["field"] == "since"


def test_what_is_told_is_safe_to_show(daemon, ctl):
    daemon.run("web", "sleep", "infinity")
    ctl("exec", "web", "\x1b]0;evil\x07")
    ctl("exec", "web", "sh", "-c", "true")
    assert "\x1b" not in ctl.ok("events", "--since", "1h", "--until", "0s")
