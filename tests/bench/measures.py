"""The measures. Each runs a small C program that does the timing (measure-*.c), or reads the
kernel's own figures, and says what is expected."""

import pathlib
import re

import peers
from report import Goal, Measure, Series
from stage import Failed, run

TEXT_BYTES = 200 * 1000 * 1000
CONTAINERS = 100
START_PAUSE_MS = 10
KEY_PAUSE_US = 1000
IDLE = ["sleep", "infinity"]


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


# --- start -----------------------------------------------------------------------------------

def start(stage, ready, runs):
    contenders = [("dokrust", stage.ctl("run", "--rm", "--network", "none", "busybox", "true")),
                  *ready]
    argv = [*peers.hide_unified(), stage.program("measure-start"), runs or 150, START_PAUSE_MS,
            *versus(contenders)]
    measure = Measure("start", "Start to exit of `true`", "ms",
                      in_order(timed(argv, 1e6), contenders))
    measure.compare("bwrap", "<=", 1.0)
    measure.compare("crun")
    measure.compare("runc", "<=", 0.2)
    measure.compare("docker")
    measure.compare("podman")
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


def flood(stage, ready, runs):
    del ready
    text = stage.write_text(TEXT_BYTES)
    outside = str(stage.rootfs) + text
    cat = [str(stage.rootfs / "bin/busybox"), "cat"]
    size = pathlib.Path(outside).stat().st_size
    lines = sum(block.count(b"\n") for block in iter_blocks(outside))
    attached = ["run", "--rm", "--network", "none", "--rootfs", stage.rootfs]
    pty = [("dokrust", stage.ctl(*attached[:2], "-it", *attached[2:], "cat", text)),
           ("relay", [stage.program("relay"), *cat, outside]),
           ("pty-alone", [*cat, outside])]
    pipe = [("dokrust", stage.ctl(*attached, "cat", text)),
            ("relay", [stage.program("relay"), "-p", *cat, outside])]
    try:
        # The terminal puts a carriage return in front of each newline.
        on_pty = flood_of(stage, "flood", "A text of 200 MB through a terminal", "pty", pty,
                          runs or 3, size + lines)
        on_pipe = flood_of(stage, "flood-pipe", "The same through pipes", "pipe", pipe,
                           runs or 10, size)
    finally:
        pathlib.Path(outside).unlink()
    on_pty.compare("relay", ">=", 0.75)
    on_pty.compare("pty-alone")
    on_pipe.compare("relay")
    return [on_pty, on_pipe]


def iter_blocks(path):
    with open(path, "rb") as file:
        while block := file.read(1 << 20):
            yield block


# --- echo ------------------------------------------------------------------------------------

def echo(stage, ready, runs):
    del ready
    inside = ["sh", "-c", "stty raw -echo; exec cat"]
    busybox = stage.rootfs / "bin/busybox"
    outside = [str(busybox), "sh", "-c", f"{busybox} stty raw -echo; exec {busybox} cat"]
    run(stage.ctl("run", "-d", "-i", "-t", "--rm", "--name", "echo", "--network", "none", "busybox",
                  *inside))
    contenders = [("dokrust", stage.ctl("attach", "echo")),
                  ("relay", [stage.program("relay"), *outside]),
                  ("pty-alone", outside)]
    try:
        argv = [stage.program("measure-echo"), runs or 3000, KEY_PAUSE_US,
                *versus(contenders)]
        measure = Measure("echo", "A keystroke and its echo through a terminal", "us",
                          in_order(timed(argv, 1e3), contenders))
    finally:
        run(stage.ctl("rm", "-f", "echo"))
    measure.compare("relay", "<=", 1.2)
    measure.compare("pty-alone")
    return [measure]


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


ALL = {"start": start, "flood": flood, "echo": echo, "list": list_, "memory": memory}
