"""The measures of networks: what one adds to a start, and what passes between two containers of
one. Against docker's bridge, where there is a dockerd: one of its own, in a network namespace of its
own, so that neither sees the other's rules."""

import contextlib
import json
import shutil
import subprocess

import peers
from report import Goal, Measure, Series
from stage import IDLE, Failed, measure_starts, run, wait_for

ROUNDS = 3
SECONDS = 3


@contextlib.contextmanager
def namespace():
    """A prefix for what is to run in a network namespace of its own."""
    holder = subprocess.Popen(["unshare", "-n", "sh", "-c", "ip link set lo up && echo && exec sleep infinity"],
                              stdout=subprocess.PIPE)
    try:
        holder.stdout.readline()
        yield ["nsenter", "-t", str(holder.pid), "-n"]
    finally:
        holder.kill()
        holder.wait()


@contextlib.contextmanager
def docker(stage, ready):
    """The client of a dockerd with a bridge; None where there is none."""
    if not shutil.which("dockerd") or not any(peer.name == "docker" for peer in ready):
        yield None
        return
    with namespace() as prefix, contextlib.ExitStack() as stack:
        yield peers.start_docker(stage, stack, "docker-bridge", [], prefix)


# --- A start -----------------------------------------------------------------------------------

def start(stage, ready, runs):
    """The daemon makes the bridge on this host, and takes it away when it ends."""
    contenders = [(name, stage.ctl("run", "--rm", "--network", name, "busybox", "true"))
                  for name in ("bridge", "none")]
    with docker(stage, ready) as client:
        if client:
            contenders += [(f"docker-{name}", [*client, "run", "--rm", "--network", name, "bench", "true"])
                           for name in ("bridge", "none")]
        series = measure_starts(stage, contenders, runs or 60)
    measure = Measure("network", "Start to exit of `true`, on a network", "ms", series)
    for prefix in ("", "docker-"):
        own, other = measure.find(f"{prefix}bridge"), measure.find(f"{prefix}none")
        if own and other:
            bound = ("<=", 1.5) if not prefix else ()
            own.goals.append(Goal("more than none", own.median - other.median, *bound))
    return [measure]


# --- What passes -------------------------------------------------------------------------------

def serve(stack, prefix):
    server = subprocess.Popen([*prefix, "iperf3", "-s"], stdout=subprocess.DEVNULL)
    stack.callback(server.wait)
    stack.callback(server.kill)
    wait_for(lambda: ":5201" in run([*prefix, "ss", "-Hltn"]), "iperf3 listens", 10)


def measure_pair(prefix, address):
    """Gbit/s, one way."""
    answer = json.loads(run([*prefix, "iperf3", "-c", address, "-t", str(SECONDS), "-J"]))
    return answer["end"]["sum_received"]["bits_per_second"] / 1e9


def inside(pid):
    return ["nsenter", "-t", str(pid), "-n"]


def own_pair(stage, stack):
    for name in ("iperf-a", "iperf-b"):
        run(stage.ctl("run", "-d", "--name", name, "--network", "bridge", "busybox", *IDLE))
        stack.callback(run, stage.ctl("rm", "-f", name))
    a, b = json.loads(run(stage.ctl("inspect", "iperf-a", "iperf-b")))
    serve(stack, inside(b["pid"]))
    return inside(a["pid"]), b["networks"][0]["ipv4_address"]


def pair_of_docker(client, stack):
    shown = []
    for name in ("iperf-a", "iperf-b"):
        run([*client, "run", "-d", "--name", name, "bench", *IDLE])
        stack.callback(run, [*client, "rm", "-f", name])
        shown.append(run([*client, "inspect", "-f", "{{.State.Pid}} {{.NetworkSettings.IPAddress}}", name]).split())
    serve(stack, inside(shown[1][0]))
    return inside(shown[0][0]), shown[1][1]


def throughput(stage, ready, runs):
    if not shutil.which("iperf3"):
        raise Failed("iperf3 is not installed")
    with docker(stage, ready) as client, contextlib.ExitStack() as stack:
        loopback = stack.enter_context(namespace())
        serve(stack, loopback)
        pairs = {"dokrust": own_pair(stage, stack), "loopback": (loopback, "127.0.0.1")}
        if client:
            pairs["docker"] = pair_of_docker(client, stack)
        samples = {name: [] for name in pairs}
        for i in range(runs or ROUNDS):
            for name in sorted(pairs, reverse=i % 2 == 1):
                samples[name].append(measure_pair(*pairs[name]))
    measure = Measure("throughput", "iperf3 between two containers, TCP", "Gbit/s",
                      [Series(name, samples[name]) for name in pairs], large_is_good=True)
    measure.compare("loopback")
    measure.compare("docker", ">=", 0.95)
    return [measure]
