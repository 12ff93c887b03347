"""Health checks: looked at from time to time, told of, and acted on."""
import json

import processes
from renewal import reload_daemon


def run(ctl, name, check, *options, script="sleep 1000"):
    return ctl.ok("run", "-d", "--name", name, "--health-cmd", check, "--health-interval", "50ms", *options,
                  "busybox", "sh", "-c", script)


def wait_for(daemon, name, health):
    processes.wait_until(lambda: daemon.inspect(name).get("health") == health, 15, f"{name} {health}")
    return daemon.inspect(name)


def test_it_gets_healthy_and_unhealthy_and_healthy_again(daemon, ctl):
    run(ctl, "web", "echo looking; test -e /well", "--health-retries", "2")
    assert daemon.inspect("web")["health"] == "starting"
    sick = wait_for(daemon, "web", "unhealthy")
    assert sick["health_failures"] >= 2
    assert sick["health_results"][-1]["exit_status"] == 1
    assert sick["health_results"][-1]["output"] == "looking\n"
    assert "(unhealthy)" in ctl.ok("ps")
    ctl.ok("exec", "web", "touch", "/well")
    assert wait_for(daemon, "web", "healthy")["health_failures"] == 0
    assert "(healthy)" in ctl.ok("ps")
    told = [json.loads(line) for line in
            ctl.ok("events", "--since", "1h", "--until", "0s", "--filter", "event=health_status", "--format",
                   "json").splitlines()]
    assert [event["attributes"]["status"] for event in told] == ["unhealthy", "healthy"]
    # It is no exec, and the log knows nothing of it.
    assert len(daemon.inspect("web")["execs"]) == 1
    assert ctl.ok("logs", "web") == ""
    ctl.ok("stop", "web")
    assert "health" not in daemon.inspect("web")


def test_only_the_last_results_are_kept(daemon, ctl):
    run(ctl, "web", "head -c 100000 /dev/zero | tr '\\0' x; echo $$ >> /looks")
    processes.wait_until(lambda: len(ctl("exec", "web", "cat", "/looks").out.split()) > 7)
    results = daemon.inspect("web")["health_results"]
    assert len(results) == 5
    assert {result["output"] for result in results} == {4096 * "x"}


def test_what_takes_too_long_is_killed_with_all_that_it_started(daemon, ctl):
    # The first look hangs, with something in a session of its own; those that follow do not.
    run(ctl, "web", "test -e /hung && exit; touch /hung; setsid sh -c 'sleep 777; :' & sleep 778; true",
        "--health-timeout", "500ms", "--health-retries", "1")
    result = wait_for(daemon, "web", "unhealthy")["health_results"][0]
    assert "exit_status" not in result and "too long" in result["output"]
    wait_for(daemon, "web", "healthy")
    assert "sleep 77" not in ctl.ok("top", "web")


def test_what_a_look_leaves_behind_ends_with_it(daemon, ctl):
    run(ctl, "web", "test -e /left && exit; touch /left; setsid sleep 777 > /dev/null 2>&1 &")
    wait_for(daemon, "web", "healthy")
    processes.wait_until(lambda: len(daemon.inspect("web")["health_results"]) > 1)
    processes.wait_until(lambda: "sleep 777" not in ctl.ok("top", "web"))
    assert ctl("exec", "web", "test", "-e", "/left").status == 0
    # Nor are its groups in the way of the next ones.
    processes.wait_until(lambda: len([path for path in daemon.cgroups() if "/health-" in path]) <= 2)


def test_a_look_that_hangs_does_not_outlive_the_daemon_that_took_it(daemon, ctl):
    run(ctl, "web", "test -e /hung && exit; touch /hung; sleep 777", "--health-timeout", "600s")
    processes.wait_until(lambda: "sleep 777" in ctl.ok("top", "web"))
    reload_daemon(daemon)
    wait_for(daemon, "web", "healthy")
    assert "sleep 777" not in ctl.ok("top", "web")


def test_failures_do_not_count_while_it_starts(daemon, ctl):
    run(ctl, "web", "echo >> /looks; test -e /well", "--health-start-period", "60s", "--health-retries", "1")
    processes.wait_until(lambda: len(ctl("exec", "web", "cat", "/looks").out) > 3)
    assert daemon.inspect("web")["health"] == "starting"
    ctl.ok("exec", "web", "touch", "/well")
    wait_for(daemon, "web", "healthy")
    ctl.ok("exec", "web", "rm", "/well")
    wait_for(daemon, "web", "unhealthy")


def test_a_command_that_cannot_be_executed_is_a_failure(daemon, ctl):
    spec = {"image": "busybox", "command": ["sleep", "1000"],
            "health": {"command": ["/not/there"], "interval_ms": 20, "retries": 1}}
    daemon.call("io.dokrust.Container.Run", {"spec": spec, "name": "web"})
    result = wait_for(daemon, "web", "unhealthy")["health_results"][0]
    assert "/not/there" in result["output"]


def test_one_that_is_paused_is_not_blamed(daemon, ctl):
    run(ctl, "web", "true", "--health-timeout", "1s", "--health-retries", "1")
    wait_for(daemon, "web", "healthy")
    ctl.ok("pause", "web")
    ctl.ok("run", "--rm", "busybox", "sleep", "1.5")
    assert daemon.inspect("web")["health"] == "healthy"
    ctl.ok("unpause", "web")
    ctl.ok("exec", "web", "true")
    assert daemon.inspect("web")["health"] == "healthy"


def test_one_that_does_not_get_well_is_started_again_if_asked_for(daemon, ctl):
    run(ctl, "web", "test ! -e /sick", "--health-retries", "2", "--restart", "on-unhealthy:2",
        script="rm -f /sick; trap 'exit 0' TERM; while :; do sleep 0.05; done")
    before = wait_for(daemon, "web", "healthy")
    ctl.ok("exec", "web", "touch", "/sick")
    processes.wait_until(lambda: daemon.inspect("web")["restart_count"] == 1)
    after = wait_for(daemon, "web", "healthy")
    assert after["pid"] != before["pid"] and after["state"] == "running"


def test_it_goes_on_over_a_reload(daemon, ctl):
    run(ctl, "web", "test ! -e /sick", "--health-retries", "1")
    wait_for(daemon, "web", "healthy")
    reload_daemon(daemon)
    assert daemon.inspect("web")["health"] == "healthy"
    ctl.ok("exec", "web", "touch", "/sick")
    wait_for(daemon, "web", "unhealthy")


def test_what_cannot_be_meant_is_refused(ctl):
    assert "--health-cmd" in ctl.fails(125, "run", "--health-interval", "1s", "busybox", "true")
    assert "--no-healthcheck" in ctl.fails(125, "run", "--health-cmd", "true", "--no-healthcheck", "busybox", "true")
    assert "retries" in ctl.fails(125, "run", "--health-cmd", "true", "--health-retries", "0", "busybox", "true")
    assert "on-unhealthy" in ctl.fails(125, "run", "--restart", "on-unhealthy", "busybox", "true")
