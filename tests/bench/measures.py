"""The measures. Each runs a small C program that does the timing (measure-*.c), or reads the
kernel's own figures, and says what is expected."""

import contextlib
import json
import pathlib
import re

import networks
import peers
from report import Goal, Measure, Series, percentile
from stage import IDLE, Failed, collect, in_order, measure_starts, run, timed, versus

TEXT_BYTES = 200 * 1000 * 1000
CONTAINERS = 100
KEY_PAUSE_US = 1000
HISTORY_ROWS = 2000


# --- start -----------------------------------------------------------------------------------

def start(stage, ready, runs):
    contenders = [("dokrust", stage.ctl("run", "--rm", "--network", "none", "busybox", "true")),
                  *((peer.name, peer.start) for peer in ready)]
    measure = Measure("start", "Start to exit of `true`", "ms",
                      measure_starts(stage, contenders, runs or 150, peers.hide_unified()))
    measure.compare("bwrap", "<=", 1.0)
    measure.compare("crun")
    measure.compare("runc", "<=", 0.2)
    measure.compare("docker")
    measure.compare("podman")
    return [measure]


# --- exec ------------------------------------------------------------------------------------

def exec_(stage, ready, runs):
    with contextlib.ExitStack() as stack:
        stack.enter_context(stage.containers(1, [], IDLE))
        pid = json.loads(run(stage.ctl("inspect", "idle-0")))[0]["pid"]
        contenders = [("dokrust", stage.ctl("exec", "idle-0", "true")),
                      ("nsenter", ["nsenter", "-t", str(pid), "-m", "-u", "-i", "-n", "-p", "true"])]
        for peer in ready:
            if peer.enter:
                stack.enter_context(peer.held())
                contenders.append((peer.name, peer.enter))
        series = measure_starts(stage, contenders, runs or 100, peers.hide_unified())
    measure = Measure("exec", "`true` in a container that runs", "ms", series)
    measure.compare("nsenter")
    measure.compare("crun", "<=", 1.0)
    measure.compare("runc", "<=", 0.3)
    measure.compare("docker")
    return [measure]


# --- flood -----------------------------------------------------------------------------------

def flood_of(stage, name, title, kind, contenders, runs, expected):
    argv = [stage.program("measure-flood"), runs, kind, *versus(contenders)]
    series, notes = [], []
    for who, numbers in collect(argv).items():
        series.append(Series(who, [n[0] * 1e3 / n[1] for n in numbers]))
        least = min(n[0] for n in numbers)
        if least != expected:
            notes.append(f"{who} brought {100 * least / expected:.2f}% of the bytes at worst.")
    measure = Measure(name, title, "MB/s, as they arrive", in_order(series, contenders),
                      large_is_good=True, note=" ".join(notes))
    return measure


def client_of_docker(ready):
    return next((peer.client for peer in ready if peer.client), None)


def flood(stage, ready, runs):
    text = stage.write_text(TEXT_BYTES)
    outside = str(stage.rootfs) + text
    cat = [str(stage.rootfs / "bin/busybox"), "cat"]
    size = pathlib.Path(outside).stat().st_size
    lines = sum(block.count(b"\n") for block in iter_blocks(outside))
    attached = ["run", "--rm", "--network", "none", "--rootfs", stage.rootfs]
    pty = [("dokrust", stage.ctl(*attached[:2], "-it", *attached[2:], "cat", text)),
           ("relay", [stage.program("relay"), *cat, outside]),
           ("pty-alone", [*cat, outside])]
    docker = client_of_docker(ready)
    if docker:
        pty.append(("docker", [*docker, "run", "--rm", "-i", "-t", "--network", "none", "-v",
                               f"{outside}:{text}:ro", "bench", "cat", text]))
    pipe = [("dokrust", stage.ctl(*attached, "cat", text)),
            ("relay", [stage.program("relay"), "-p", *cat, outside])]
    try:
        # The terminal puts a carriage return in front of each newline.
        on_pty = flood_of(stage, "flood", "A text of 200 MB through a terminal", "pty", pty,
                          runs or 5, size + lines)
        on_pipe = flood_of(stage, "flood-pipe", "The same through pipes", "pipe", pipe,
                           runs or 10, size)
    finally:
        pathlib.Path(outside).unlink()
    on_pty.compare("relay", ">=", 0.75)
    on_pty.compare("pty-alone")
    on_pty.compare("docker", ">=", 1.0)
    on_pipe.compare("relay")
    return [on_pty, on_pipe]


def iter_blocks(path):
    with open(path, "rb") as file:
        while block := file.read(1 << 20):
            yield block


# --- echo ------------------------------------------------------------------------------------

@contextlib.contextmanager
def typed_into(client, *run_options, command):
    """A container named echo with a terminal on which command runs."""
    run([*client, "run", "-d", "-i", "-t", "--rm", "--name", "echo", "--network", "none",
         *run_options, *command])
    try:
        yield [*client, "attach", "echo"]
    finally:
        run([*client, "rm", "-f", "echo"])


def echo(stage, ready, runs):
    inside = ["sh", "-c", "stty raw -echo; exec cat"]
    busybox = stage.rootfs / "bin/busybox"
    outside = [str(busybox), "sh", "-c", f"{busybox} stty raw -echo; exec {busybox} cat"]
    docker = client_of_docker(ready)
    with contextlib.ExitStack() as stack:
        attach = stack.enter_context(typed_into(stage.ctl(), "busybox", command=inside))
        contenders = [("dokrust", attach), ("relay", [stage.program("relay"), *outside]),
                      ("pty-alone", outside)]
        if docker:
            contenders.append(("docker", stack.enter_context(typed_into(docker, "bench",
                                                                        command=inside))))
        argv = [stage.program("measure-echo"), runs or 3000, KEY_PAUSE_US,
                *versus(contenders)]
        measure = Measure("echo", "A keystroke and its echo through a terminal", "us",
                          in_order(timed(argv, 1e3), contenders))
    measure.compare("relay", "<=", 1.2)
    measure.compare("pty-alone")
    measure.compare("docker")
    for peer in filter(None, [measure.find("docker")]):
        worst = percentile(measure.find("dokrust").samples, 99)
        peer.goals.append(Goal("dokrust's p99 / p50", worst / peer.median, "<=", 1.0))
    return [measure]


# --- attach ----------------------------------------------------------------------------------

def attach(stage, ready, runs):
    """To a screen of 50 rows and 200 columns with a long history, until it was all received."""
    del ready
    rows = HISTORY_ROWS + 60
    fill = f"seq 1 {rows} | sed 's/^/line /; s/$/ of what scrolls away, as any other of a log/'"
    run(stage.ctl("run", "-d", "-t", "--name", "history", "--network", "none", "--size-policy",
                  "fixed=200x50", "busybox", "sh", "-c", f"{fill}; sleep 1000"))
    try:
        run(stage.ctl("expect", "history", f"^line {rows} "))
        series = timed([stage.program("measure-attach"), stage.socket, runs or 500, "history",
                        HISTORY_ROWS], 1e6)
    finally:
        run(stage.ctl("rm", "-f", "history"))
    series[0].goals.append(Goal("ms", series[0].median, "<=", 5))
    return [Measure("attach", f"Attaching, with {HISTORY_ROWS} rows of history", "ms", series)]


# --- list ------------------------------------------------------------------------------------

def list_(stage, ready, runs):
    del ready
    with stage.containers(CONTAINERS, [], IDLE):
        series = timed([stage.program("measure-list"), stage.socket, runs or 10000,
                        CONTAINERS], 1e3)
    measure = Measure("list", f"A list of {CONTAINERS} containers, by one client", "us", series)
    samples = series[0].samples
    series[0].goals.append(Goal("a second", len(samples) * 1e6 / sum(samples), ">=", 5000))
    return [measure]


# --- memory ----------------------------------------------------------------------------------

def pss_kib(pid):
    text = pathlib.Path(f"/proc/{pid}/smaps_rollup").read_text(encoding="ascii")
    return int(re.search(r"^Pss:\s+(\d+) kB", text, re.M).group(1))


def children(pid):
    text = pathlib.Path(f"/proc/{pid}/task/{pid}/children").read_text(encoding="ascii")
    return [int(child) for child in text.split()]


def comm(pid):
    return pathlib.Path(f"/proc/{pid}/comm").read_text(encoding="utf-8").strip()


def memory_of(stage, name, title, options, command):
    with stage.containers(CONTAINERS, options, command):
        own = [pid for pid in children(stage.daemon.pid) if comm(pid) != "dokrust-init"]
        inits = [pid for pid in children(stage.daemon.pid) if comm(pid) == "dokrust-init"]
        if len(inits) != CONTAINERS:
            raise Failed(f"{len(inits)} processes named dokrust-init, with {CONTAINERS} containers")
        series = [Series(who, [pss_kib(pid)]) for who, pid in
                  [("dokrustd", stage.daemon.pid), *((f"its {comm(pid)}", pid) for pid in own)]]
        together = Series("together", [sum(s.samples[0] for s in series)])
        each = Series("each dokrust-init", [pss_kib(pid) for pid in inits])
    series[0].goals.append(Goal("MB", series[0].median / 1024, "<=", 4))
    each.goals.append(Goal("KiB", each.median, "<=", 150))
    series += [together, each]
    return Measure(name, title, "Pss, KiB", series)


def memory(stage, ready, runs):
    del ready, runs
    return [memory_of(stage, "memory", f"Memory with {CONTAINERS} idle containers", [], IDLE),
            memory_of(stage, "memory-terminal", "The same, each with a terminal", ["-t"], IDLE),
            memory_of(stage, "memory-shell", "The same, each a shell at its prompt",
                      ["-i", "-t"], ["sh"])]


ALL = {"start": start, "network": networks.start, "throughput": networks.throughput,
       "exec": exec_, "flood": flood, "echo": echo, "attach": attach, "list": list_, "memory": memory}
WITH_PEERS = {"start", "network", "throughput", "exec", "flood", "echo"}
