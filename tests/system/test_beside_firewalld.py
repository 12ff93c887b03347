"""firewalld on the same host."""
import contextlib
import os
import pathlib
import subprocess
import tempfile

import processes
from host import Ctl
from lan import HOST, OTHER, ask, connect_from, lan, listening, serve

BUS = """<!DOCTYPE busconfig PUBLIC "-//freedesktop//DTD D-Bus Bus Configuration 1.0//EN"
 "http://www.freedesktop.org/standards/dbus/1.0/busconfig.dtd">
<busconfig><type>system</type><listen>unix:path={path}</listen><auth>EXTERNAL</auth>
<policy context="default"><allow send_destination="*" eavesdrop="true"/><allow eavesdrop="true"/>
<allow own="*"/></policy></busconfig>"""


@contextlib.contextmanager
def firewalld(space):
    """One of its own, on a system bus of its own. Yields the environment that leads to it."""
    with tempfile.TemporaryDirectory(prefix="dokrust-test-") as directory:
        path = pathlib.Path(directory)
        (path / "bus.conf").write_text(BUS.format(path=path / "bus"))
        (path / "etc").mkdir()
        environment = {**os.environ, "DBUS_SYSTEM_BUS_ADDRESS": f"unix:path={path}/bus"}
        quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL, "env": environment}
        started = [subprocess.Popen(["dbus-daemon", "--nofork", "--config-file", path / "bus.conf"], **quiet)]
        try:
            processes.wait_until((path / "bus").exists)
            started.append(space.spawn("firewalld", "--nofork", "--nopid", "--system-config", path / "etc",
                                       "--log-file", path / "log", **quiet))
            processes.wait_until(lambda: space.tries("firewall-cmd", "--state", env=environment).status == 0, 30)
            yield environment
        finally:
            for process in reversed(started):
                process.terminate()
                process.wait()


def start(daemon, environment, *options):
    """On that bus."""
    return Ctl(daemon.start(*options, env={"DBUS_SYSTEM_BUS_ADDRESS": environment["DBUS_SYSTEM_BUS_ADDRESS"]}))


def trusted(wire, environment):
    return wire.host("firewall-cmd", "--zone", "trusted", "--list-interfaces", env=environment).split()


def test_firewalld_is_left_alone_if_so_configured(new_daemon):
    with lan() as wire, firewalld(wire.host) as environment, listening(wire.other, 4445):
        daemon = wire.place(new_daemon())
        settings = daemon.directory / "conf"
        settings.write_text("[daemon]\nfirewall_exceptions = no\n")
        ctl = start(daemon, environment, "--config", settings)
        ctl.ok("network", "create", "back")
        for network in ("bridge", "back"):
            assert ctl.sh(f"{ask(OTHER, 4445)}; echo end", "--network", network) == "end\n"
        assert trusted(wire, environment) == []
        assert daemon.stop() == 0


def test_firewalld_lets_the_networks_through(new_daemon):
    with lan() as wire, firewalld(wire.host) as environment, listening(wire.other, 4445):
        daemon = wire.place(new_daemon())
        ctl = start(daemon, environment)
        serve(daemon, "web", "-p", "8080:80")
        processes.wait_until(lambda: ctl.sh(ask(OTHER, 4445)) == "reached")
        processes.wait_until(lambda: connect_from(wire.other, HOST, 8080, 1) == "web")
        wire.host("firewall-cmd", "--reload", env=environment)
        processes.wait_until(lambda: connect_from(wire.other, HOST, 8080, 1) == "web")
        assert ctl.sh(ask(OTHER, 4445)) == "reached"
        bridge = wire.host.ours()[0]
        assert bridge in trusted(wire, environment)
        # It stays so with a firewalld that knows nothing of it: a complete reload.
        wire.host("firewall-cmd", "--complete-reload", env=environment)
        processes.wait_until(lambda: connect_from(wire.other, HOST, 8080, 1) == "web")
        assert daemon.stop() == 0
        assert bridge not in trusted(wire, environment)
