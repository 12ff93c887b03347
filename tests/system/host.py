"""A throwaway daemon and its client."""
import contextlib
import dataclasses
import json
import os
import pathlib
import shutil
import signal
import socket
import subprocess
import tempfile
import time

import build
import processes
from varlink import CONTAINER, Connection

BUILD, TOP, SANITIZED, SLOWNESS = build.BUILD, build.TOP, build.SANITIZED, build.SLOWNESS
DOKRUSTD = BUILD / "dokrustd"
DOKRUSTCTL = BUILD / "dokrustctl"

ENVIRONMENT = {
    "PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
    "LANG": "C.UTF-8",
    "TERM": "xterm-256color",
    "ASAN_OPTIONS": "detect_stack_use_after_return=1:strict_string_checks=1",
    "UBSAN_OPTIONS": "print_stacktrace=1",
}
COMPLAINTS = ("AddressSanitizer", "LeakSanitizer", "UndefinedBehavior", "runtime error:",
              "Assertion", "stack smashing", "buffer overflow detected")


def assert_no_complaint(text):
    """Neither a sanitizer nor an assertion has spoken."""
    found = [word for word in COMPLAINTS if word in text]
    assert not found, f"{found} in:\n{text[-6000:]}"


@dataclasses.dataclass
class Result:
    """What a command came to. out and err are text; raw is out's bytes."""
    status: int
    raw: bytes
    err: str
    seconds: float

    @property
    def out(self):
        return self.raw.decode(errors="replace")

    @property
    def lines(self):
        return self.out.splitlines()


def run(argv, data=b"", timeout_s=40, **options):
    """Runs argv with data as its standard input, and without our environment."""
    start = time.monotonic()
    done = subprocess.run([str(arg) for arg in argv], input=data, capture_output=True,
                          timeout=timeout_s * SLOWNESS, **{"env": ENVIRONMENT, **options})
    result = Result(done.returncode, done.stdout, done.stderr.decode(errors="replace"),
                    time.monotonic() - start)
    assert_no_complaint(result.err)
    return result


class Daemon:
    """A dokrustd with a socket and directories of its own."""

    def __init__(self):
        # Short, and not pytest's own: a socket's path has 107 characters at most.
        self.directory = pathlib.Path(tempfile.mkdtemp(prefix="dokrust-"))
        self.socket = self.directory / "sock"
        self.state = self.directory / "state"
        self.run_dir = self.directory / "run"
        self.log_path = self.directory / "log"
        self.program = DOKRUSTD
        # Nothing of the host's own network is touched; test_networks.py has one for that.
        self.default_network = "none"
        self.prefix = []
        self.process = None
        self.strangers = set(processes.descendants(os.getpid()))

    # --- Its life ---------------------------------------------------------------------------

    def argv(self, *options):
        return [*self.prefix, str(self.program), "--default-network", self.default_network, "--socket", str(self.socket), "--state-dir", str(self.state),
                "--run-dir", str(self.run_dir), "--log-level", "debug",
                *[str(option) for option in options]]

    def spawn(self, *options, env=None, under=(), **popen):
        """Starts it, by a command that executes it where there is one, and does not wait for it to be ready."""
        with open(self.log_path, "ab") as log:
            self.process = subprocess.Popen(
                [*under, *self.argv(*options)], stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                env={**ENVIRONMENT, **(env or {})}, **popen)

    def start(self, *options, env=None, **popen):
        """Starts it, and waits for READY=1."""
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as notify:
            path = self.directory / "notify"
            path.unlink(missing_ok=True)
            notify.bind(str(path))
            notify.settimeout(20 * SLOWNESS)
            self.spawn(*options, env={"NOTIFY_SOCKET": str(path), **(env or {})}, **popen)
            self.ready = notify.recv(4096).decode()
            path.unlink()
        return self

    @property
    def pid(self):
        return self.process.pid

    @property
    def log(self):
        return self.log_path.read_text(errors="replace")

    def is_running(self):
        return self.process is not None and self.process.poll() is None

    def stop(self, timeout_s=30):
        """SIGTERM; its exit status."""
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(timeout_s * SLOWNESS)

    def kill(self):
        """SIGKILL, and waits until its containers have followed."""
        self.process.kill()
        self.process.wait(20 * SLOWNESS)
        self.assert_no_process()

    def left_processes(self):
        left = set(processes.descendants(os.getpid())) - self.strangers
        processes.reap(left)
        return {pid: processes.command(pid) for pid in left if processes.is_alive(pid)}

    def assert_no_process(self):
        processes.wait_until(lambda: not self.left_processes(), 10,
                             f"left behind: {self.left_processes()}")

    def assert_nothing_left(self):
        self.assert_no_process()
        assert processes.mounts_below(self.directory) == []
        assert self.cgroups() == []

    def cgroups(self):
        """Its groups on every hierarchy, the top ones among them."""
        top = processes.cgroup_of_run_dir(self.run_dir)
        return [path for path in processes.cgroups() if top in path]

    def leave(self):
        """What every test ends with, whatever it has done: a clean leave."""
        if self.process is not None and self.process.returncode == -signal.SIGKILL:
            self.start()  # it removes the groups that the one that was killed has left
        if self.is_running():
            self.turn()
            assert self.stop() == 0, self.log[-6000:]
            assert not self.socket.exists()
        if self.log_path.exists():
            assert_no_complaint(self.log)

    def turn(self):
        """After it the daemon has noticed who hung up before."""
        try:
            self.call("org.varlink.service.GetInfo")
        except (OSError, AssertionError):
            pass  # a test has closed this way to it

    def remove(self):
        """After a test that failed halfway, too: a daemon that is only killed leaves its groups."""
        if self.is_running():
            with contextlib.suppress(subprocess.TimeoutExpired):
                self.stop(5)
        if self.is_running():
            self.process.kill()
            self.process.wait()
        shutil.rmtree(self.directory, ignore_errors=True)

    # --- Talking to it ----------------------------------------------------------------------

    def connect(self, timeout_s=15):
        return Connection(self.socket, timeout_s)

    def call(self, method, parameters=None, **flags):
        with self.connect() as connection:
            return connection.call(method, parameters, **flags)

    def inspect(self, name):
        return self.call(CONTAINER + "Inspect", {"container": name})["container"]

    def list(self, **parameters):
        with self.connect() as connection:
            replies = list(connection.stream(CONTAINER + "List", parameters))
        return [reply["container"] for reply in replies if reply.get("container")]

    def names(self, **parameters):
        return [container["name"] for container in self.list(**parameters)]

    def wait_for_state(self, name, state, timeout_s=15):
        processes.wait_until(lambda: self.inspect(name)["state"] == state, timeout_s,
                             f"{name} {state}")
        return self.inspect(name)

    def viewer(self, container, **attach):
        return self.connect().upgrade(CONTAINER + "Attach", {
            "container": container, "attach": {"framing": 1, **attach}})

    def run(self, name, *command, **spec):
        """Starts a command in a busybox container of that name."""
        spec = {"image": "busybox", "command": list(command), **spec}
        return self.call(CONTAINER + "Run", {"spec": spec, "name": name})

    def run_trap(self, name, trap, **spec):
        """Starts a shell with that trap, and returns when the trap is set."""
        script = f"trap {trap}; echo ready; while :; do sleep 1000 & wait; done"
        spec = {"image": "busybox", "command": ["sh", "-c", script], **spec}
        with self.run_viewer(spec, name) as viewer:
            viewer.wait_for(b"ready")

    def run_viewer(self, spec, name=None, **attach):
        return self.connect().upgrade(CONTAINER + "Run", {
            "spec": spec, "name": name, "attach": {"framing": 1, **attach}})


class Ctl:
    """dokrustctl against one daemon; host: by another way than its socket."""

    def __init__(self, daemon, host=None, environment=None, userns=None):
        self.daemon = daemon
        self.userns = userns  # of the containers that are made, unless that is said in the call
        self.host = host or daemon.socket
        self.environment = environment or ENVIRONMENT

    def argv(self, *args):
        if self.userns and args[0] in ("run", "create") and "--userns" not in args:
            args = [args[0], "--userns", self.userns, *args[1:]]
        return [str(DOKRUSTCTL), "-H", str(self.host), *[str(arg) for arg in args]]

    def __call__(self, *args, **options):
        return run(self.argv(*args), **{"env": self.environment, **options})

    def ok(self, *args, **options):
        """Its output, of a call that has to succeed, and has nothing to complain of."""
        result = self(*args, **options)
        assert result.status == 0, f"{args}: {result.status}: {result.err}"
        assert result.err == "", result.err
        return result.out

    def sh(self, script, *options, **run_options):
        """What a shell in a new busybox container prints."""
        return self.ok("run", "--rm", *options, "busybox", "sh", "-c", script, **run_options)

    def fails(self, status, *args, **options):
        """The one line that a failing call says; nothing but that."""
        result = self(*args, **options)
        assert result.status == status, f"{args}: {result.status}: {result.out}{result.err}"
        assert result.out == ""
        assert result.err.startswith("dokrustctl: "), result.err
        assert result.err.count("\n") == 1 and result.err.endswith("\n"), result.err
        return result.err[len("dokrustctl: "):-1]

    def inspect(self, name):
        return json.loads(self.ok("inspect", name))[0]
