"""What /proc tells, and waiting for it to tell something else."""
import ctypes
import os
import pathlib
import time

from build import SLOWNESS

PR_SET_CHILD_SUBREAPER = 36


def become_subreaper():
    """Whatever loses its parent becomes a child of this process: nothing can hide."""
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) != 0:
        raise OSError(ctypes.get_errno(), "prctl")


def wait_until(condition, timeout_s=10, what=None):
    """The first true value of condition(), which is asked often, for timeout_s (and as many times
    that as the build may be slow). what says it to people: a text, or a function that makes one
    when it is needed.
    """
    deadline = time.monotonic() + timeout_s * SLOWNESS
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > deadline:
            said = what() if callable(what) else what or condition
            raise AssertionError(f"not within {timeout_s} s: {said}")
        time.sleep(0.005)


def children(pid):
    """Direct children, of all its threads."""
    found = []
    for task in pathlib.Path(f"/proc/{pid}/task").iterdir():
        try:
            found += [int(child) for child in (task / "children").read_text().split()]
        except OSError:
            pass
    return found


def descendants(pid):
    found, todo = [], [pid]
    while todo:
        try:
            below = children(todo.pop())
        except OSError:
            continue
        found += below
        todo += below
    return found


def stat(pid):
    """State letter and parent of a process, or None when it is gone."""
    try:
        text = pathlib.Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return None
    fields = text.rpartition(")")[2].split()
    return fields[0], int(fields[1])


def is_alive(pid):
    state = stat(pid)
    return state is not None and state[0] not in "ZX"


def command(pid):
    try:
        return pathlib.Path(f"/proc/{pid}/comm").read_text().strip()
    except OSError:
        return "(gone)"


def reap(pids):
    """Takes the zombies among our own children."""
    for pid in pids:
        try:
            os.waitpid(pid, os.WNOHANG)
        except OSError:
            pass


def status_field(pid, name):
    for line in pathlib.Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith(name + ":"):
            return line.split(":", 1)[1].strip()
    raise KeyError(name)


def namespace(pid, kind):
    return os.readlink(f"/proc/{pid}/ns/{kind}")


def kernel():
    """Its version: two numbers."""
    return tuple(int(number) for number in os.uname().release.split(".")[:2])


# What a daemon has one of, once it was needed.
ONCE = ("anon_inode:bpf-prog", "anon_inode:inotify")


def open_fds(pid):
    """What is open: number of the descriptor to its target; without the control group and the user
    namespace that a daemon makes ahead, which are there at some times and not at others."""
    found = {}
    for entry in pathlib.Path(f"/proc/{pid}/fd").iterdir():
        try:
            found[int(entry.name)] = os.readlink(entry)
        except OSError:
            pass
    ready = [fd for fd, target in found.items() if target.startswith("user:")][:1]
    for name in ONCE:
        ready += [fd for fd, target in found.items() if target == name][:1]
    return {fd: target for fd, target in found.items()
            if fd not in ready and not target.endswith("/spare/tasks")}


def mounts(pid="self"):
    """Mount points."""
    text = pathlib.Path(f"/proc/{pid}/mountinfo").read_text()
    return [line.split()[4] for line in text.splitlines()]


def mounts_below(directory, pid="self"):
    return [path for path in mounts(pid) if path.startswith(f"{directory}/")]


def cgroup_of_run_dir(run_dir):
    """The name of the group that those of a daemon's containers are in."""
    number = 0xcbf29ce484222325
    for byte in str(run_dir.resolve()).encode():
        number = (number ^ byte) * 0x100000001b3 % (1 << 64)
    return f"dokrust-{number:016x}"


def cgroups():
    """Every control group of the host, in all hierarchies."""
    return {path for path, _, _ in os.walk("/sys/fs/cgroup")}
