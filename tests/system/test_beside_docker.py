"""A dockerd on the same host, with its bridge and its rules."""
import contextlib
import os
import pathlib
import shutil
import subprocess
import tempfile

import pytest

import processes
from host import Ctl
from lan import HOST, OTHER, SERVE, address, ask, connect_from, lan, listening, serve

pytestmark = pytest.mark.timeout(180)


class Docker:
    """A dockerd in a network namespace, and its client."""

    def __init__(self, space, directory):
        self.space, self.directory = space, directory
        self.parent = f"dokrust-test-docker-{os.getpid()}"
        self.client = ["docker", "-H", f"unix://{directory}/sock"]
        with open(directory / "log", "wb") as log:
            self.daemon = space.spawn(
                "dockerd", *self.client[1:], "--data-root", directory / "data", "--exec-root", directory / "exec",
                "--pidfile", directory / "pid", f"--cgroup-parent=/{self.parent}", "--storage-driver", "vfs",
                stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        processes.wait_until(lambda: space.tries(*self.client, "info").status == 0, 60)
        root = directory / "image"
        (root / "bin").mkdir(parents=True)
        shutil.copy("/bin/busybox", root / "bin/busybox")
        for name in ("sh", "nc", "hostname", "netstat", "sleep"):
            (root / "bin" / name).symlink_to("busybox")
        with subprocess.Popen(["tar", "-C", root, "-c", "."], stdout=subprocess.PIPE) as archive:
            subprocess.run([*self.client, "import", "-", "box"], stdin=archive.stdout, check=True,
                           stdout=subprocess.DEVNULL, timeout=60)

    def __call__(self, *argv):
        return self.space(*self.client, *argv)

    def end(self):
        for container in self("ps", "-aq").split():
            self("rm", "-f", container)
        self.daemon.terminate()
        self.daemon.wait(60)
        for group in pathlib.Path("/sys/fs/cgroup").glob(f"**/{self.parent}"):
            with contextlib.suppress(OSError):
                os.rmdir(group)


@contextlib.contextmanager
def docker(space):
    with tempfile.TemporaryDirectory(prefix="dokrust-test-", ignore_cleanup_errors=True) as directory:
        made = Docker(space, pathlib.Path(directory))
        try:
            yield made
        finally:
            made.end()


def check(new_daemon, wire, docked):
    assert "-P FORWARD DROP" in wire.host("iptables", "-S", "FORWARD")
    for name, *options in (("theirs", "-p", "9090:80"), ("closed",)):
        docked("run", "-d", "--name", name, "--hostname", name, *options, "box", "sh", "-c", SERVE.format(port=80))
    daemon = wire.place(new_daemon()).start()
    ctl = Ctl(daemon)
    serve(daemon, "ours", "-p", "8080:80")

    def both_work():
        return (connect_from(wire.other, HOST, 8080) == "ours" and connect_from(wire.other, HOST, 9090) == "theirs" and
                ctl.sh(ask(OTHER, 4445)) == "reached" and
                docked("run", "--rm", "box", "sh", "-c", ask(OTHER, 4445)) == "reached")

    processes.wait_until(both_work)
    # By published ports they reach each other, and not otherwise.
    closed = docked("inspect", "-f", "{{.NetworkSettings.IPAddress}}", "closed").strip()
    assert connect_from(wire.host, closed, 80) == "closed"
    assert ctl.sh(f"{ask(HOST, 9090)}; {ask(closed)}; echo end") == "theirs\nend\n"
    assert docked("run", "--rm", "box", "sh", "-c", f"{ask(HOST, 8080)}; {ask(address(daemon, 'ours'))}; echo end") == "ours\nend\n"
    docked("network", "create", "more")
    assert both_work()
    wire.host("iptables", "-F", "FORWARD")
    assert daemon.stop() == 0
    assert "dkb" not in wire.host("iptables-save")
    processes.wait_until(lambda: wire.host.ours() == [])


def test_docker_and_the_networks_work_side_by_side(new_daemon):
    with lan() as wire:
        # It sets the policy where it turns forwarding on.
        wire.host("sh", "-c", "echo 0 >/proc/sys/net/ipv4/ip_forward")
        with docker(wire.host) as docked, listening(wire.other, 4445):
            check(new_daemon, wire, docked)
