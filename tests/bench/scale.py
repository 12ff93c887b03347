#!/usr/bin/python3
"""`make bench-scale`: many containers at once on one daemon. Prints what each number of them costs, and
fails when something grows faster than their number."""

import concurrent.futures
import os
import pathlib
import signal
import sys
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "system"))
import processes  # noqa: E402
from host import Ctl, Daemon  # noqa: E402

NUMBERS = [int(n) for n in os.environ.get("NUMBERS", "250,500,1000").split(",")]
LISTINGS = 20
IDLE_S = 5
CLIENTS = 8
# How much more than linear a figure may look, by chance and by what is there once.
TOLERANCE = 2
GET_VERSION = "io.dokrust.Daemon.GetVersion"


def timed(action):
    begin = time.monotonic()
    action()
    return time.monotonic() - begin


def start(daemon, names):
    """By several clients at a time: each waits for its record to be on the disk."""
    def one(name):
        daemon.run(name, "sleep", "100000", terminal=name.endswith("5"))

    with concurrent.futures.ThreadPoolExecutor(CLIENTS) as pool:
        list(pool.map(one, names))


def cpu_s(pid):
    fields = pathlib.Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def idle_percent(pid):
    before = cpu_s(pid)
    time.sleep(IDLE_S)
    return (cpu_s(pid) - before) * 100 / IDLE_S


def list_ms(daemon):
    return min(timed(daemon.list) for _ in range(LISTINGS)) * 1000


def take_over_s(daemon, pid, names):
    """From SIGKILL until the next daemon lists all of them as running."""
    os.kill(pid, signal.SIGKILL)

    def answers():
        try:
            return daemon.call(GET_VERSION)["pid"] != pid
        except (OSError, AssertionError, TypeError):
            return False

    taken = timed(lambda: processes.wait_until(answers, 120))
    assert sorted(daemon.names()) == sorted(names)
    return taken


def measure(n):
    daemon = Daemon()
    names = [f"c{i:04}" for i in range(n)]
    try:
        daemon.start("--keep")
        ctl = Ctl(daemon)
        started_s = timed(lambda: start(daemon, names))
        pid = daemon.call(GET_VERSION)["pid"]
        figures = {
            "start, each, ms": started_s * 1000 / n,
            "list, ms": list_ms(daemon),
            "dokrustctl ps, ms": min(ctl("ps", "-q").seconds for _ in range(5)) * 1000,
            "daemon memory, MiB": int(processes.status_field(pid, "VmRSS").split()[0]) / 1024,
            "idle cpu, %": idle_percent(pid),
            "kill -9 until all are back, s": take_over_s(daemon, pid, names),
        }
        figures["stop and remove all, s"] = timed(lambda: ctl.ok("rm", "-f", *names, timeout_s=300))
        daemon.leave()
        daemon.assert_nothing_left()
        return figures
    finally:
        daemon.remove()


def grows_too_fast(label, first, last, factor):
    if "each" in label:
        return last > first * TOLERANCE
    return last > first * factor * TOLERANCE and last - first > 1


def main():
    results = {n: measure(n) for n in NUMBERS}
    first, last = NUMBERS[0], NUMBERS[-1]
    bad = []
    print(f"{'containers':32}" + "".join(f"{n:>10}" for n in NUMBERS))
    for label in results[first]:
        print(f"{label:32}" + "".join(f"{results[n][label]:10.2f}" for n in NUMBERS))
        if grows_too_fast(label, results[first][label], results[last][label], last / first):
            bad.append(label)
    for label in bad:
        print(f"scale: {label}: grows faster than the number of containers", file=sys.stderr)
    return 1 if bad else 0


if __name__ == "__main__":
    processes.become_subreaper()
    sys.exit(main())
