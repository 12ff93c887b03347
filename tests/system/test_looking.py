"""ps, inspect, version, info: what they tell, to people and to programs."""
import datetime
import json
import os
import re

import pytest

from host import run
from varlink import CONTAINER

TIME = "%Y-%m-%dT%H:%M:%S.%fZ"


@pytest.fixture
def three(daemon):
    """One that runs, one that has exited, one that was only created."""
    daemon.run("runs", "sleep", "infinity", labels={"tier": "web", "env": "test"})
    daemon.run("exited", "sh", "-c", "exit 3", labels={"tier": "db"})
    daemon.wait_for_state("exited", "exited")
    daemon.call(CONTAINER + "Create", {"spec": {"image": "busybox"}, "name": "created"})
    return daemon


def table(text):
    """Lines of cells; the first are the headings."""
    return [re.split(r"  +", line) for line in text.splitlines()]


def test_ps_shows_what_runs_and_all_of_it_on_demand(ctl, three):
    lines = table(ctl.ok("ps"))
    assert lines[0][:4] == ["CONTAINER ID", "NAME", "IMAGE", "COMMAND"]
    assert [line[1:4] for line in lines[1:]] == [["runs", "busybox", '"sleep infinity"']]
    lines = table(ctl.ok("ps", "-a"))
    assert sorted(line[1] for line in lines[1:]) == ["created", "exited", "runs"]


def test_ps_with_nothing_to_show_has_only_its_heading(ctl):
    assert len(ctl.ok("ps").splitlines()) == 1
    assert ctl.ok("ps", "-q") == ""
    assert ctl.ok("ps", "--format", "json") == ""


def test_ps_q_prints_ids(ctl, three):
    short = ctl.ok("ps", "-q").split()
    whole = ctl.ok("ps", "-q", "--no-trunc").split()
    assert whole == [three.inspect("runs")["id"]]
    assert short == [whole[0][:12]]


def test_ps_as_json_is_one_object_a_line(ctl, three):
    containers = [json.loads(line) for line in
                  ctl.ok("ps", "-a", "--format", "json").splitlines()]
    assert {container["name"] for container in containers} == {"runs", "exited", "created"}
    runs = next(container for container in containers if container["name"] == "runs")
    assert runs == next(entry for entry in three.list() if entry["name"] == "runs")
    assert len(runs["id"]) == 64 and runs["state"] == "running" and runs["owner"] == 0


@pytest.mark.parametrize("filters, names", [
    (["name=run"], ["runs"]),
    (["label=tier"], ["exited", "runs"]),
    (["label=tier=web"], ["runs"]),
    (["label=tier=web", "label=tier=db"], ["exited", "runs"]),
    (["label=tier=web", "state=exited"], []),
    (["state=created", "state=exited"], ["created", "exited"]),
    (["exit_status=3"], ["exited"]),
    (["exited=3"], ["exited"]),
    (["image=busybox", "name=created"], ["created"]),
])
def test_filters(ctl, three, filters, names):
    options = [word for text in filters for word in ("--filter", text)]
    printed = ctl.ok("ps", "-a", "--format", "json", *options)
    assert sorted(json.loads(line)["name"] for line in printed.splitlines()) == names


def test_a_filter_that_nobody_knows_is_refused(ctl):
    assert "colour" in ctl.fails(1, "ps", "--filter", "colour=red")


def test_times_are_rfc_3339_with_microseconds(ctl, three):
    exited = ctl.inspect("exited")
    times = [datetime.datetime.strptime(exited[key], TIME)
             for key in ("created_at", "started_at", "finished_at")]
    assert times == sorted(times)
    now = datetime.datetime.now(datetime.timezone.utc).replace(tzinfo=None)
    assert abs((now - times[2]).total_seconds()) < 60


def test_inspect_tells_the_state_and_the_spec(ctl, three):
    exited, created = ctl.inspect("exited"), ctl.inspect("created")
    assert (exited["state"], exited["exit_status"]) == ("exited", 3)
    assert exited["command"] == ["sh", "-c", "exit 3"]
    assert exited["spec"]["labels"] == {"tier": "db"}
    assert "pid" not in exited or exited["pid"] is None
    assert created["hostname"] == "created" and created["viewers"] == 0
    runs = ctl.inspect("runs")
    assert os.path.exists(f"/proc/{runs['pid']}")


def test_inspect_is_what_the_api_says(ctl, three):
    assert ctl.inspect("runs") == three.inspect("runs")


def test_viewers_are_counted(ctl, daemon):
    daemon.run("a", "cat", stdin_open=True)
    with daemon.viewer("a"), daemon.viewer("a"):
        assert daemon.inspect("a")["viewers"] == 2
        assert daemon.list()[0]["viewers"] == 2


def test_version_tells_of_both_sides(ctl, daemon):
    told = daemon.call("io.dokrust.Daemon.GetVersion")
    printed = ctl.ok("version")
    assert printed.count(told["version"]) >= 2
    assert told["kernel"] in printed
    assert told["pid"] == daemon.pid and told["framing"] == 1


def test_info_tells_of_the_host(ctl, three):
    told = three.call("io.dokrust.Daemon.GetInfo")
    assert (told["containers"], told["containers_running"], told["containers_stopped"]) == (3, 1, 2)
    assert told["images"] == ["busybox"]
    assert told["cgroup_version"] in ("v1", "v2", "hybrid")
    assert told["socket"] == str(three.socket) and told["peer_uid"] == 0
    assert told["cpus"] == os.cpu_count()
    printed = ctl.ok("info")
    assert os.uname().nodename in printed and str(three.state) in printed


@pytest.mark.parametrize("command", ["version", "info"])
def test_version_and_info_as_json(ctl, command):
    assert isinstance(json.loads(ctl.ok(command, "--format", "json")), dict)


def test_every_command_has_help_with_an_example(ctl):
    commands = [line.split()[0] for line in ctl.ok("--help").splitlines()
                if line.startswith("  ") and line.strip()[0].isalpha()]
    assert {"run", "create", "start", "attach", "stop", "kill", "restart", "rm", "rename", "wait",
            "ps", "inspect", "version", "info"} <= set(commands)
    for command in ("run", "create", "start", "attach", "stop", "kill", "restart", "rm", "rename",
                    "wait", "ps", "inspect", "version", "info"):
        printed = ctl.ok(command, "--help")
        assert printed.startswith("Usage: dokrustctl"), printed
        assert "Example" in printed and f"dokrustctl {command}" in printed.split("Example")[1]


def test_the_address_comes_from_the_environment_too(ctl, daemon):
    daemon.run("a", "sleep", "infinity")
    for address in (str(daemon.socket), f"unix://{daemon.socket}"):
        result = run([ctl.argv()[0], "ps", "-q"], env={"DOKRUST_HOST": address, "PATH": "/bin"})
        assert result.status == 0 and len(result.lines) == 1
        assert len(run([ctl.argv()[0], "--host", address, "ps", "-q"]).lines) == 1


EVIL = "\x1b]0;evil\x07\x1b[2J\r\nx\x9b2J"


def test_nothing_that_a_user_or_a_container_says_can_move_the_cursor(ctl, daemon):
    """Whatever shows it, but the attached stream and the logs, which are that stream."""
    spec = {"image": "busybox", "terminal": True, "labels": {"a" + EVIL: EVIL}, "environment": [f"A={EVIL}"],
            "command": ["sh", "-c", 'printf "\\033]0;a\\033]2;b\\rc\\nd\\007\\233"; exec sleep infinity', EVIL],
            "mounts": [{"type": "tmpfs", "target": "/" + EVIL}]}
    daemon.call(CONTAINER + "Run", {"spec": spec, "name": "a"})
    daemon.call("io.dokrust.Volume.Create", {"name": "v", "labels": {EVIL: EVIL}})
    ctl("exec", "a", "sh", "-c", "exit 3", EVIL)
    for failing in (["exec", "a", EVIL], ["run", "--name", EVIL, "busybox"], ["run", EVIL], ["stop", EVIL],
                    ["run", "-w", EVIL, "busybox", "true"], ["run", "-u", EVIL, "busybox", "true"],
                    ["run", "-h", EVIL, "busybox", "true"], ["run", "-v", f"/{EVIL}:/x", "busybox"],
                    ["run", "--rootfs", f"/{EVIL}"], ["volume", "rm", EVIL], ["mount", "rm", "a", f"/x{EVIL}"],
                    ["run", "--sysctl", f"net.{EVIL}=1", "busybox"], ["run", "--device", f"/dev/{EVIL}", "busybox"]):
        result = ctl(*failing)
        assert result.status and result.err.count("\n") == 1, (failing, result.err)
        assert not set(result.out + result.err) & set("\x1b\r\x07\x9b"), (failing, result.err)
    for showing in (["ps", "--no-trunc", "-a"], ["ps", "--format", "json"], ["inspect", "a"], ["sessions", "a"], ["info"],
                    ["events", "--since", "1h", "--until", "0s"], ["volume", "ls"], ["volume", "inspect", "v"],
                    ["stats", "--no-stream"], ["top", "a"]):
        printed = ctl.ok(*showing)
        assert not set(printed) & set("\x1b\r\x07\x9b"), (showing, printed)
    assert len(ctl.ok("ps", "--no-trunc", "-a").splitlines()) == 2
    assert not set(daemon.log) & set("\x1b\r\x07\x9b")
