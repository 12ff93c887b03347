"""What make does besides building: install, uninstall, run."""
import os
import pathlib
import signal

import pexpect
import pytest

import processes
from host import BUILD, ENVIRONMENT, TOP, run


def make(*arguments, **options):
    return run(["make", "-C", TOP, f"BUILD={BUILD}", "--no-print-directory", *arguments],
               timeout_s=80, **options)


def files_below(directory):
    return {str(path.relative_to(directory)) for path in directory.rglob("*")
            if not path.is_dir() or path.is_symlink()}


def test_install_and_uninstall_leave_nothing(directory):
    assert make("install", f"DESTDIR={directory}", "PREFIX=/usr").status == 0
    installed = files_below(directory)
    assert {"usr/sbin/dokrustd", "usr/bin/dokrustctl", "usr/share/man/man8/dokrustd.8",
            "usr/share/man/man1/dokrustctl.1", "usr/lib/systemd/system/dokrustd.service",
            "usr/lib/systemd/system/dokrustd.socket",
            "usr/lib/systemd/system/dokrust-containers.service", "usr/lib/sysusers.d/dokrust.conf",
            "usr/share/dokrust/images/busybox/bin/busybox"} <= installed
    unit = (directory / "usr/lib/systemd/system/dokrustd.service").read_text()
    assert "ExecStart=/usr/sbin/dokrustd --" in unit and "@" not in unit
    assert make("uninstall", f"DESTDIR={directory}", "PREFIX=/usr").status == 0
    assert files_below(directory) == set()


def test_what_is_installed_runs_from_there(new_daemon, directory):
    """Under a prefix of its own, which the programs were not built for."""
    prefix = directory / "opt/dokrust"
    assert make("install", f"DESTDIR={directory}", "PREFIX=/opt/dokrust").status == 0
    assert files_below(directory)
    assert all(path.startswith("opt/dokrust/") for path in files_below(directory))
    daemon = new_daemon()
    daemon.program = prefix / "sbin/dokrustd"
    daemon.start()
    result = run([prefix / "bin/dokrustctl", "-H", daemon.socket, "run", "busybox", "echo", "here"])
    assert (result.status, result.out) == (0, "here\n")
    assert daemon.call("io.dokrust.Daemon.GetInfo")["images"] == ["busybox"]


def test_run_without_a_terminal_runs_a_command_and_leaves_nothing():
    before = set(pathlib.Path("/tmp").iterdir())
    result = make("run", data=b"")
    assert result.status == 0, result.err
    assert "busybox" in result.out.lower()
    left = {path for path in set(pathlib.Path("/tmp").iterdir()) - before
            if path.name.startswith("dokrust-run")}
    assert left == set()


def test_run_at_a_terminal_opens_a_shell(directory):
    child = run_private(directory)
    child.sendline("hostname; exit 3")
    child.expect("private\r\n")
    child.expect(pexpect.EOF)
    child.close()
    assert (child.exitstatus, child.signalstatus) == (0, None)
    assert list(directory.iterdir()) == []


def run_private(directory):
    child = pexpect.spawn(str(TOP / "tests/run-private"), [str(BUILD)], cwd=str(TOP), timeout=20,
                          env={**ENVIRONMENT, "TMPDIR": str(directory)}, encoding="utf-8")
    child.expect("root@private:/|/ #")
    return child


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM, signal.SIGHUP])
def test_a_run_that_is_killed_leaves_nothing_either(directory, number):
    child = run_private(directory)
    os.kill(child.pid, number)
    child.expect(pexpect.EOF)
    child.close(force=True)
    processes.wait_until(lambda: not list(directory.iterdir()), 20)


def test_help_lists_every_target_that_people_use():
    printed = make("help").out
    for target in ("run", "test", "check", "lint", "fuzz", "coverage", "bench", "install",
                   "uninstall", "clean"):
        assert f"  make {target} " in printed


def test_the_client_is_one_static_file():
    elf = (BUILD / "dokrustctl").read_bytes()
    assert b"/lib64/ld-linux" not in elf
    assert os.access(BUILD / "dokrustctl", os.X_OK)
