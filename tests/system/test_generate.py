"""Units of systemd for containers."""
import shutil
import subprocess

import pytest


def test_a_unit_starts_waits_and_stops(ctl, directory):
    ctl.ok("create", "--name", "web", "--stop-timeout", "30", "busybox", "sleep", "1000")
    unit = ctl.ok("generate", "systemd", "web")
    for line in ("Description=Container web", "TimeoutStopSec=50", "Restart=on-failure",
                 f"Environment=DOKRUST_HOST={ctl.daemon.socket}"):
        assert line in unit.splitlines()
    for line, verb in (("ExecStartPre", "start"), ("ExecStart", "wait"), ("ExecStop", "stop")):
        assert f"{line}={shutil.which(ctl.argv()[0])} {verb} web" in unit.splitlines()
    path = directory / "web.service"
    path.write_text(unit)
    done = subprocess.run(["systemd-analyze", "verify", "--man=no", path], capture_output=True, text=True)
    assert "web.service" not in done.stderr, done.stderr


@pytest.mark.parametrize("policy", ["always", "on-failure:3"])
def test_one_with_a_policy_of_its_own_is_refused(ctl, policy):
    ctl.ok("create", "--name", "web", "--restart", policy, "busybox")
    assert "update --restart no web" in ctl.fails(1, "generate", "systemd", "web")


def test_it_has_to_be_there(ctl):
    assert "no container" in ctl.fails(1, "generate", "systemd", "web")
