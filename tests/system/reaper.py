"""Cleans up after a run of the tests, whatever has ended it: SIGKILL of pytest, too.

Every run has a directory that all its others are in, and a word in the environment of what it starts. A
process of its own waits for the run's end, which it sees at its standard input, and removes what is left.

usage: reaper.py DIRECTORY WORD
"""
import os
import pathlib
import shutil
import signal
import subprocess
import sys
import tempfile
import time

import processes

WORD = "DOKRUST_TEST_RUN"


started = []


def start():
    """From here on temporary directories are in one that is the run's. The word, for other environments."""
    directory = tempfile.mkdtemp(prefix="dokrust-run-")
    os.chmod(directory, 0o755)
    tempfile.tempdir = directory
    os.environ[WORD] = os.path.basename(directory)
    started.append(subprocess.Popen([sys.executable, __file__, directory, os.environ[WORD]],
                                    stdin=subprocess.PIPE, start_new_session=True))
    return os.environ[WORD]


def read(path):
    try:
        return path.read_bytes()
    except OSError:
        return b""


def is_of(entry, directory, word):
    return (f"{WORD}={word}".encode() in read(entry / "environ").split(b"\0") or
            f"{directory}/".encode() in read(entry / "cmdline"))


def kill_all(directory, word):
    """Daemons and their keepers at once, so that none starts another; then what was in their groups."""
    left = [int(entry.name) for entry in pathlib.Path("/proc").iterdir()
            if entry.name.isdigit() and int(entry.name) != os.getpid() and is_of(entry, directory, word)]
    for group in cgroups(directory):
        left += [int(pid) for pid in read(pathlib.Path(group) / "cgroup.procs").split()]
    left = [pid for pid in left if processes.is_alive(pid)]
    for pid in left:
        try:
            os.kill(pid, signal.SIGKILL)
        except ProcessLookupError:
            pass
    return left


def cgroups(directory):
    """Deepest first."""
    tops = {processes.cgroup_of_run_dir(path) for path in pathlib.Path(directory).glob("*/run")}
    return sorted((path for path in processes.cgroups() if any(top in path for top in tops)),
                  key=len, reverse=True)


def remove_all(directory):
    for path in sorted(processes.mounts_below(directory), reverse=True):
        subprocess.run(["umount", "-l", path], check=False)
    for group in cgroups(directory):
        try:
            os.rmdir(group)
        except OSError:
            pass
    if not cgroups(directory):
        shutil.rmtree(directory, ignore_errors=True)


def main(directory, word):
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    sys.stdin.buffer.read()
    for _ in range(200):
        if not kill_all(directory, word):
            remove_all(directory)
            if not os.path.exists(directory):
                return
        time.sleep(0.05)


if __name__ == "__main__":
    main(*sys.argv[1:])
