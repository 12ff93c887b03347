"""run-vm, with a stand-in for qemu: a shell script whose standard output is the serial port."""

import os
import pathlib
import signal
import subprocess
import time

import pytest

RUN_VM = pathlib.Path(__file__).parent.parent / "run-vm"

# The token is on the command line, as it is on the kernel's.
PRELUDE = """#!/bin/bash
echo $$ > {pid_file}
token=$(sed 's/.*vm_token=//; s/ .*//' <<< "$*" | head -1)
verdict() {{ echo "vm-verdict $token $1"; }}
"""


class Machine:
    def __init__(self, directory):
        self.qemu = directory / "qemu"
        self.pid_file = directory / "pid"
        self.console = directory / "console.log"

    def start(self, script, limit_s=20, *options):
        self.qemu.write_text(PRELUDE.format(pid_file=self.pid_file) + script)
        self.qemu.chmod(0o755)
        return subprocess.Popen(
            [RUN_VM, "--image", "none", "--payload", "none", "--console", self.console,
             "--qemu", self.qemu, "--limit", str(limit_s), *options],
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)

    def run(self, script, limit_s=20, *options):
        process = self.start(script, limit_s, *options)
        out, err = process.communicate(timeout=30)
        return process.returncode, out, err

    def qemu_runs(self):
        return pathlib.Path("/proc", self.pid_file.read_text().strip()).exists()


@pytest.fixture
def machine(tmp_path):
    return Machine(tmp_path)


def wait_for(condition, limit_s=10):
    deadline = time.monotonic() + limit_s
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.01)


def test_a_verdict_of_zero_is_success_and_the_output_is_passed_on(machine):
    status, out, _ = machine.run("echo 5 passed\nverdict 0\n")
    assert status == 0
    assert "5 passed\n" in out
    assert "vm-verdict" not in out


def test_carriage_returns_of_the_terminal_are_dropped(machine):
    status, out, _ = machine.run("printf 'one\\r\\n'; verdict 0 | sed 's/$/\\r/'\n")
    assert status == 0
    assert out.startswith("one\n")


def test_any_other_verdict_is_failure(machine):
    status, out, _ = machine.run("verdict 1\n")
    assert status == 1
    assert "verdict 1" in out


def test_a_machine_that_goes_off_without_a_verdict_failed(machine):
    status, out, err = machine.run("echo all is well\n")
    assert status == 1
    assert "all is well" in out
    assert "without a verdict" in err


def test_a_verdict_without_the_token_is_none(machine):
    status, _, err = machine.run("echo vm-verdict 0123456789abcdef 0\n")
    assert status == 1
    assert "without a verdict" in err


def test_a_verdict_in_the_middle_of_a_line_is_none(machine):
    status, _, err = machine.run("printf 'x '; verdict 0\n")
    assert status == 1
    assert "without a verdict" in err


def test_a_hang_ends_at_the_limit_and_qemu_is_killed(machine):
    status, _, err = machine.run("trap '' TERM; exec sleep 1000\n", limit_s=1)
    assert status == 1
    assert "no verdict within 1 s" in err
    assert not machine.qemu_runs()


def test_output_without_end_is_no_way_around_the_limit(machine):
    status, _, err = machine.run("exec yes\n", limit_s=1)
    assert status == 1
    assert "no verdict within 1 s" in err
    assert not machine.qemu_runs()


def test_a_machine_that_does_not_power_off_failed_whatever_its_verdict(machine):
    status, _, err = machine.run("verdict 0; exec sleep 1000\n", limit_s=1)
    assert status == 1
    assert "did not power off" in err
    assert not machine.qemu_runs()


def test_a_kernel_panic_is_failure_whatever_the_verdict(machine):
    status, _, err = machine.run(
        f"verdict 0; echo 'Kernel panic - not syncing: why' >> {machine.console}\n")
    assert status == 1
    assert "run-vm: kernel panic" in err
    assert "not syncing: why" in err


def test_a_goodbye_has_to_come_and_after_the_verdict(machine):
    for script, status in (("verdict 0; echo bye", 0), ("verdict 0", 1), ("echo bye; verdict 0", 1)):
        done = machine.run(script, 20, "--goodbye", "bye")
        assert done[0] == status
        assert status == 0 or "went off without 'bye'" in done[2]


def test_the_end_of_the_console_is_shown_on_failure(machine):
    _, _, err = machine.run(f"seq 100 >> {machine.console}; verdict 0; exit 7\n")
    assert "qemu ended with status 7" in err
    assert "\n100\n" in err
    assert "\n50\n" not in err


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGKILL])
def test_qemu_does_not_outlive_run_vm(machine, number):
    process = machine.start("exec sleep 1000\n")
    wait_for(lambda: machine.pid_file.exists() and machine.pid_file.read_text().strip())
    os.kill(process.pid, number)
    process.communicate(timeout=10)
    assert process.returncode != 0
    wait_for(lambda: not machine.qemu_runs())
