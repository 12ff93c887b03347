"""A daemon on a network of its own, with another host beside it, all in network namespaces."""
import contextlib
import json
import os
import re
import signal
import subprocess

import processes
from host import Ctl, run

HOST = "192.168.77.1"
OTHER = "192.168.77.2"
HOST6 = "fd77::1"
OTHER6 = "fd77::2"


class Namespace:
    """A network namespace, held by a process."""

    def __init__(self):
        self.holder = subprocess.Popen(["unshare", "-n", "sleep", "infinity"])
        own = os.readlink("/proc/self/ns/net")
        processes.wait_until(
            lambda: processes.command(self.holder.pid) == "sleep" and
            os.readlink(f"/proc/{self.holder.pid}/ns/net") != own)
        self.prefix = ["nsenter", "-t", str(self.holder.pid), "-n"]
        self("ip", "link", "set", "lo", "up")

    def __call__(self, *argv, **options):
        """What a command prints that has to succeed."""
        result = run([*self.prefix, *argv], **options)
        assert result.status == 0, f"{argv}: {result.out}{result.err}"
        return result.out

    def tries(self, *argv, **options):
        return run([*self.prefix, *argv], **options)

    def spawn(self, *argv, **options):
        return subprocess.Popen([*self.prefix, *argv], **options)

    def interfaces(self):
        return re.findall(r"^\d+: ([^:@]+)", self("ip", "-o", "link"), re.M)

    def ours(self):
        return [name for name in self.interfaces() if name.startswith("dk")]

    def tables(self):
        return self("nft", "list", "tables").split("\n")[:-1]

    def end(self):
        self.holder.send_signal(signal.SIGKILL)
        self.holder.wait()


class Lan:
    """The daemon's host, and another one on the same wire."""

    def __init__(self):
        self.host, self.other = Namespace(), Namespace()
        self.host("ip", "link", "add", "lan0", "type", "veth", "peer", "name", "lan0", "netns",
                  str(self.other.holder.pid))
        for space, address, address6 in ((self.host, HOST, HOST6), (self.other, OTHER, OTHER6)):
            space("ip", "addr", "add", f"{address}/24", "dev", "lan0")
            space("ip", "addr", "add", f"{address6}/64", "dev", "lan0", "nodad")
            space("ip", "link", "set", "lan0", "up")

    def place(self, daemon):
        """The daemon's default network is a bridge in here."""
        daemon.prefix = self.host.prefix
        daemon.default_network = "bridge"
        return daemon

    def end(self):
        self.host.end()
        self.other.end()


@contextlib.contextmanager
def lan():
    made = Lan()
    try:
        yield made
    finally:
        made.end()


SERVE = "exec nc -ll -p {port} -e hostname"


def serve(daemon, name, *options, port=80):
    """A container that tells its host name to whoever connects."""
    ctl = Ctl(daemon)
    ctl.ok("run", "-d", "--name", name, *options, "busybox", "sh", "-c", SERVE.format(port=port))
    processes.wait_until(lambda: "LISTEN" in ctl("exec", name, "netstat", "-lnt").out, 10, name)


def address(daemon, name, network="bridge", family=4):
    for endpoint in daemon.inspect(name)["networks"]:
        if endpoint["network"] == network:
            return endpoint[f"ipv{family}_address"]
    raise KeyError(network)


def inside(daemon, name):
    """In front of a program of the host's: it runs on the network of that container."""
    return ["nsenter", "-t", str(daemon.inspect(name)["pid"]), "-n"]


def network(ctl, name="bridge"):
    """What is known of it."""
    return json.loads(ctl.ok("network", "inspect", name))[0]


def ask(name, port=80):
    """For a shell in a container: what a server of that name or address tells."""
    return f"nc -w 2 {name} {port} </dev/null 2>/dev/null"


def connect_from(space, host, port, timeout_s=3):
    """What a server tells a client there; None if it cannot be reached."""
    script = ("import socket,sys\n"
              "s = socket.create_connection((sys.argv[1], int(sys.argv[2])), float(sys.argv[3]))\n"
              "print(s.recv(100).decode(), end='')")
    result = space.tries("/usr/bin/python3", "-c", script, host, str(port), str(timeout_s))
    return result.out.strip() if result.status == 0 else None


@contextlib.contextmanager
def _serving(space, port, host, answer):
    server = space.spawn("/usr/bin/python3", "-c",
                         "import socket\n"
                         f"s = socket.create_server(({host!r}, {port}), family=socket.AF_INET{'6' * (':' in host)})\n"
                         "print('ready', flush=True)\n"
                         "while True:\n"
                         " c, a = s.accept()\n"
                         f" c.sendall({answer})\n"
                         " c.close()",
                         stdout=subprocess.PIPE)
    try:
        server.stdout.readline()
        yield
    finally:
        server.kill()
        server.wait()


def listening(space, port, host="0.0.0.0"):
    """While a server there says "reached" to whoever connects."""
    return _serving(space, port, host, "b'reached'")


def naming(space, port, host):
    """While a server there tells whoever connects by which address it sees them."""
    return _serving(space, port, host, "a[0].encode()")
