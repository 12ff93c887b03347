"""The machine that these tests run in: commands, units, users."""

import json
import subprocess
import time

SOCKET = "/run/dokrust/dokrust.sock"
SERVICE = "dokrustd.service"
SOCKET_UNIT = "dokrustd.socket"


class Result:
    def __init__(self, done):
        self.status = done.returncode
        self.out = done.stdout
        self.err = done.stderr

    @property
    def lines(self):
        return self.out.splitlines()


def run(*argv, stdin="", timeout_s=60):
    """What a command came to, whatever that is."""
    return Result(subprocess.run([str(arg) for arg in argv], input=stdin, text=True,
                                 capture_output=True, timeout=timeout_s))


def check(*argv, **options):
    """A command that has to succeed; its standard output."""
    result = run(*argv, **options)
    assert result.status == 0, f"{argv}: {result.status}\n{result.out}{result.err}"
    return result.out


def ctl(*argv, **options):
    return run("dokrustctl", *argv, **options)


def check_ctl(*argv, **options):
    return check("dokrustctl", *argv, **options)


def inspect(name):
    return json.loads(check_ctl("inspect", name))[0]


def show(unit, name):
    """A property of a unit."""
    return check("systemctl", "show", "--value", "-p", name, unit).strip()


def wait_until(condition, limit_s=30, what="it"):
    deadline = time.monotonic() + limit_s
    while not condition():
        assert time.monotonic() < deadline, f"{what} did not come"
        time.sleep(0.1)


def journal(*options):
    """What the daemon has logged: a list of (priority, message)."""
    text = check("journalctl", "-u", SERVICE, "-o", "json", "_COMM=dokrustd", *options)
    entries = [json.loads(line) for line in text.splitlines()]
    return [(int(entry["PRIORITY"]), entry["MESSAGE"]) for entry in entries]
