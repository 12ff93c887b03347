"""Every test begins with the socket listening and no daemon, and ends with nothing left of it."""

import glob
import os

import pytest

from host import SERVICE, SOCKET_UNIT, check, run, show, wait_until

FIGURES = []


@pytest.fixture
def figure():
    """Records a figure, to be shown at the end."""
    return lambda name, value: FIGURES.append(f"{name}: {value}")


def pytest_terminal_summary(terminalreporter):
    for line in FIGURES:
        terminalreporter.write_line(f"figure: {line}")


@pytest.fixture
def units():
    run("systemctl", "reset-failed", SERVICE, SOCKET_UNIT)
    check("systemctl", "start", SOCKET_UNIT)
    yield
    containers = run("dokrustctl", "ps", "-aq").out.split()
    if containers:
        check("dokrustctl", "rm", "-f", *containers)
    check("systemctl", "stop", SOCKET_UNIT, SERVICE)
    assert show(SERVICE, "Result") == "success"
    wait_until(lambda: not processes_named("dokrust-init"), 10, "the end of the last container")
    assert glob.glob("/sys/fs/cgroup/dokrust*") == []


def processes_named(name):
    found = []
    for comm in glob.glob("/proc/[0-9]*/comm"):
        try:
            with open(comm, encoding="utf-8") as file:
                if file.read().strip() == name:
                    found.append(int(os.path.basename(os.path.dirname(comm))))
        except (FileNotFoundError, ProcessLookupError):
            pass
    return found
