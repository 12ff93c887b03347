"""The tests themselves: whatever ends them, they leave nothing."""
import os
import pathlib
import signal
import subprocess
import sys

import processes

RUN = """
import subprocess, sys
import reaper
reaper.start()
from host import Daemon
for options in (["--keep"], []):
    daemon = Daemon().start(*options)
    daemon.run("work", "sleep", "1000")
    path = daemon.directory / "mounted"
    path.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "tmpfs", path], check=True)
subprocess.Popen(["sleep", "1000"])
print(daemon.directory.parent, processes.cgroup_of_run_dir(daemon.run_dir), flush=True)
sys.stdin.read()
"""


def test_a_run_that_is_killed_leaves_nothing():
    strangers = set(processes.descendants(os.getpid()))
    with subprocess.Popen([sys.executable, "-c", "import processes\n" + RUN], stdin=subprocess.PIPE,
                          stdout=subprocess.PIPE, text=True,
                          cwd=pathlib.Path(__file__).parent) as tests:
        directory, group = tests.stdout.readline().split()
        assert processes.mounts_below(directory)
        assert any(group in path for path in processes.cgroups())
        tests.send_signal(signal.SIGKILL)

    def left():
        alive = set(processes.descendants(os.getpid())) - strangers
        processes.reap(alive)
        return [processes.command(pid) for pid in alive if processes.is_alive(pid)]

    processes.wait_until(lambda: left() == [], 20, left)
    assert not os.path.exists(directory)
    assert processes.mounts_below(directory) == []
    assert not any(group in path for path in processes.cgroups())
