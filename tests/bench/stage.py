"""What the measures need: a directory that is removed in the end, a root file system, a text,
and a private daemon."""

import contextlib
import os
import pathlib
import shutil
import signal
import subprocess
import sys
import tempfile
import time

from report import Series

LINE = b"The quick brown fox jumps over the lazy dog 0123456789 abcdefghij\n"
STARTUP_S = 10
START_PAUSE_MS = 10
IDLE = ["sleep", "infinity"]
STOP_S = 60
SETTLE_S = 0.5


class Failed(Exception):
    """A measure could not be taken; the message says why."""


def run(argv, **options):
    """Output of a command that must succeed."""
    argv = [str(word) for word in argv]
    done = subprocess.run(argv, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                          check=False, **options)
    if done.returncode != 0:
        words = " ".join(argv[:3])
        said = (done.stderr or done.stdout).strip().splitlines()
        raise Failed(f"{words} ...: exit status {done.returncode}: {said[-1] if said else ''}")
    return done.stdout


def stop(process, seconds):
    """Ends a process that this program has started, by its pid."""
    if process.poll() is not None:
        return
    process.send_signal(signal.SIGTERM)
    try:
        process.wait(seconds)
    except subprocess.TimeoutExpired:
        print(f"bench: pid {process.pid} does not end, killed", file=sys.stderr)
        process.kill()
        process.wait()


def wait_for(condition, what, seconds):
    end = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > end:
            raise Failed(f"{what}: not within {seconds} s")
        time.sleep(0.01)


def remove_tree(path):
    try:
        shutil.rmtree(path)
    except OSError as error:
        print(f"bench: {path} stays behind: {error}", file=sys.stderr)


def tmpfs_directory():
    """Where /run is no tmpfs, as in a container, /dev/shm most often is."""
    for path in ("/run", "/dev/shm"):
        if run(["stat", "-f", "-c", "%T", path]).strip() == "tmpfs":
            return path
    return None


class Stage(contextlib.ExitStack):
    """Everything that is made here is taken down by the end of the `with`, the last first."""

    def __init__(self, build):
        super().__init__()
        self.build = pathlib.Path(build).resolve()
        self.directory = pathlib.Path(tempfile.mkdtemp(prefix="dokrust-bench-"))
        self.callback(remove_tree, self.directory)
        # As in earnest: what dies with the boot is on a tmpfs, the rest on a disk.
        self.run_directory = pathlib.Path(tempfile.mkdtemp(prefix="dokrust-bench-",
                                                           dir=tmpfs_directory()))
        self.callback(remove_tree, self.run_directory)
        self.rootfs = self.directory / "rootfs"
        shutil.copytree(self.build / "images/busybox", self.rootfs, symlinks=True)
        self.socket = self.directory / "sock"
        self.daemon = None

    def program(self, name):
        return str(self.build / "bench" / name)

    def ctl(self, *arguments):
        return [str(self.build / "dokrustctl"), "-H", str(self.socket), *map(str, arguments)]

    def write_text(self, size):
        """A text of about size bytes, in the root file system; returns its path there."""
        block = LINE * 4096
        path = self.rootfs / "text"
        with open(path, "wb") as file:
            for _ in range(size // len(block)):
                file.write(block)
        return "/text"

    def start_daemon(self):
        config = self.directory / "dokrustd.conf"
        config.touch()  # the host's own is not read
        log = self.enter_context(open(self.directory / "log", "w+", encoding="utf-8"))
        self.daemon = subprocess.Popen(
            [self.build / "dokrustd", "--config", config, "--socket", self.socket,
             "--state-dir", self.directory / "state", "--run-dir", self.run_directory],
            stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        self.callback(stop, self.daemon, STOP_S)

        def is_up():
            if self.daemon.poll() is not None:
                log.seek(0)
                raise Failed(f"dokrustd has ended: {log.read().strip()}")
            return self.socket.exists()

        wait_for(is_up, "dokrustd listens", STARTUP_S)

    @contextlib.contextmanager
    def containers(self, count, options, command):
        """So many containers that do nothing, having had a moment to come to that."""
        names = [f"idle-{i}" for i in range(count)]
        try:
            for name in names:
                run(self.ctl("run", "-d", "--name", name, "--network", "none", *options,
                             "busybox", *command))
            time.sleep(SETTLE_S)
            yield
        finally:
            run(self.ctl("rm", "-f", *names))


@contextlib.contextmanager
def private_cgroups_of_docker(parent):
    """dockerd leaves its groups behind."""
    try:
        yield
    finally:
        for group in pathlib.Path("/sys/fs/cgroup").glob(f"**/{parent}"):
            with contextlib.suppress(OSError):
                os.rmdir(group)


# --- Contenders in turn ------------------------------------------------------------------------

def collect(argv):
    """Lines "NAME NUMBER [NUMBER]" of a measure-*, by name, in order of appearance."""
    samples = {}
    for line in run(argv).splitlines():
        name, *numbers = line.split()
        samples.setdefault(name, []).append([int(n) for n in numbers])
    return samples


def versus(contenders):
    return [part for name, argv in contenders for part in ("--vs", name, *argv)]


def timed(argv, divisor):
    return [Series(who, [n[0] / divisor for n in numbers])
            for who, numbers in collect(argv).items()]


def in_order(series, contenders):
    """Contenders take turns in being first; the table has Dokrust first."""
    order = [name for name, _ in contenders]
    return sorted(series, key=lambda s: order.index(s.who))


def measure_starts(stage, contenders, runs, prefix=()):
    """How long each of (name, argv) takes to its end, in milliseconds."""
    argv = [*prefix, stage.program("measure-start"), runs, START_PAUSE_MS, *versus(contenders)]
    return in_order(timed(argv, 1e6), contenders)
