"""The daemon dies at each step of what it does; the next one finds a state that somebody could have seen."""

import pytest

import processes
from host import BUILD, Ctl

SLEEP = ["busybox", "sleep", "1000"]
RUN = ["run", "-d", "--name", "it", *SLEEP]

# What has been done before; what is cut short; the states in which it may be found. None: it is not there.
# One that runs by its record, and was not there to be kept, has exited: it is told that it was lost.
OPERATIONS = {
    "create": ([], ["create", "--name", "it", *SLEEP], {None, "created"}),
    "run": ([], RUN, {None, "running", "exited"}),
    "run and remove": ([], ["run", "-d", "--rm", "--name", "it", *SLEEP], {None, "running"}),
    "start": ([["create", "--name", "it", *SLEEP]], ["start", "it"], {"created", "running", "exited"}),
    "stop": ([RUN], ["stop", "it"], {"running", "stopping", "exited"}),
    "kill": ([RUN], ["kill", "it"], {"running", "exited"}),
    "remove": ([["create", "--name", "it", *SLEEP]], ["rm", "it"], {None, "created"}),
    "remove by force": ([RUN], ["rm", "-f", "it"], {None, "running", "exited"}),
    "rename": ([RUN], ["rename", "it", "other"], {"running"}),
    "update": ([RUN], ["update", "--pids-limit", "77", "it"], {"running"}),
    "exec": ([RUN], ["exec", "-d", "it", "sleep", "1000"], {"running"}),
    "restart": ([RUN], ["restart", "-t", "5", "it"], {"running", "stopping", "exited"}),
    "pause": ([RUN], ["pause", "it"], {"running", "paused"}),
    "unpause": ([RUN, ["pause", "it"]], ["unpause", "it"], {"running", "paused"}),
    "mount": ([RUN], ["mount", "add", "it", "/usr:/mnt/usr:ro"], {"running"}),
    "unmount": ([[*RUN[:2], "-v", "/usr:/mnt/usr:ro", *RUN[2:]]], ["mount", "rm", "it", "/mnt/usr"], {"running"}),
    "make a volume": ([], ["volume", "create", "data"], {None}),
    "remove a volume": ([["volume", "create", "data"]], ["volume", "rm", "data"], {None}),
    "run with a volume": ([], [*RUN[:2], "-v", "data:/data", *RUN[2:]], {None, "running", "exited"}),
}


def is_consistent(daemon, states):
    """What a user may ask, and what is behind it."""
    listed = {container["name"]: container for container in daemon.list(all=True)}
    assert len(listed) <= 1
    states_seen = {container["state"] for container in listed.values()} or {None}
    assert states_seen <= states, states_seen
    for name, container in listed.items():
        detail = daemon.inspect(name)
        assert detail["state"] in states
        # What was told to stop before the cut may have ended since.
        if "pid" in detail and not processes.stat(detail["pid"]):
            processes.wait_until(lambda d=detail: daemon.inspect(d["name"]).get("pid") != d["pid"])
        limit = detail["spec"].get("resources", {}).get("pids_limit")
        assert limit in (None, 77)
    return list(listed)


@pytest.mark.parametrize("operation", OPERATIONS)
def test_every_step_may_be_the_last(new_daemon, operation):
    before, cut, states = OPERATIONS[operation]
    passed, step = [], 1
    while True:
        daemon = new_daemon()
        daemon.program = BUILD / "tests/dokrustd-faults"
        fault = daemon.directory / "fault"
        daemon.start("--keep", env={"DOKRUST_FAULT": str(fault)})
        ctl = Ctl(daemon)
        for command in before:
            ctl.ok(*command)
        fault.write_text(f"{step}\n")
        ctl(*cut)
        if operation == "kill":
            ctl("wait", "it")  # it does not wait itself
        left, *point = fault.read_text().split(maxsplit=1)
        if left != "0":
            # It was done before so many steps: what is asked of it later shall not be in danger.
            fault.unlink()
            break
        passed.append(point[0].strip())
        names = is_consistent(daemon, states)
        if "mount" in operation:
            # Who is cut short does it again.
            result = ctl(*cut)
            assert result.status == 0 or "mount" in result.err
        for name in names:
            ctl.ok("rm", "-f", name)
        for name in ctl.ok("volume", "ls", "-q").split():
            assert name == "data"
            ctl.ok("volume", "rm", name)
        assert ctl("run", "--rm", "--name", "it", "busybox", "echo", "on").out == "on\n"
        daemon.leave()
        daemon.assert_nothing_left()
        assert list((daemon.state / "containers").iterdir()) == []
        assert list((daemon.state / "volumes").iterdir()) == []
        step += 1
        assert step < 40
    assert len(passed) >= 2, passed
