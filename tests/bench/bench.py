#!/usr/bin/python3
"""`make bench`: Dokrust and its peers, measured in turn on the same machine at the same time.

Prints a table and writes JSON. Fails when a measure could not be taken; with --strict also when a
target is missed."""

import argparse
import os
import pathlib
import signal
import sys
import time

import measures
import peers
import report
from stage import Failed, Stage


def names(known):
    def parse(text):
        given = [name for name in text.split(",") if name]
        for name in given:
            if name not in known:
                raise argparse.ArgumentTypeError(f'"{name}" is none of {", ".join(known)}')
        return given
    return parse


def arguments():
    parser = argparse.ArgumentParser(prog="bench", description=__doc__.splitlines()[0])
    parser.add_argument("--build", required=True, help="where `make` has built to")
    parser.add_argument("--json", required=True, type=pathlib.Path, help="file for the figures")
    parser.add_argument("--runs", type=int, help="samples of each measure, in place of its own")
    parser.add_argument("--only", type=names(list(measures.ALL)), default=list(measures.ALL))
    parser.add_argument("--peers", type=names([*peers.ALL, "none"]), default=peers.USUAL)
    parser.add_argument("--strict", action="store_true", help="fail where a target is missed")
    given = parser.parse_args()
    if given.runs is not None and given.runs < 1:
        parser.error("--runs: at least 1")
    return given


def warn_if_busy():
    load = os.getloadavg()[0]
    if load > os.cpu_count() / 4:
        print(f"bench: others are at work on this machine (load {load:.1f}): what comes out is "
              "blurred, and not to be relied upon", file=sys.stderr)


def take(stage, name, ready, runs):
    """The measures of this name; an empty list, and a line on standard error, when they fail."""
    print(f"bench: {name} ...", file=sys.stderr, flush=True)
    try:
        return measures.ALL[name](stage, ready, runs)
    except Failed as error:
        print(f"bench: {name}: {error}", file=sys.stderr)
        return []


def take_all(given):
    taken, skipped, ready, failed = [], [], [], False
    with Stage(given.build) as stage:
        stage.start_daemon()
        if set(given.only) & measures.WITH_PEERS:
            wanted = [name for name in given.peers if name != "none"]
            ready, skipped = peers.prepare(stage, wanted)
        for name, why in skipped:
            print(f"bench: {name}: skipped, {why}", file=sys.stderr)
        for name in given.only:
            results = take(stage, name, ready, given.runs)
            failed = failed or not results
            taken += results
    return taken, skipped, failed


def main():
    given = arguments()
    warn_if_busy()
    started = time.time()
    # So that an interrupted run is taken down, too.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    try:
        taken, skipped, failed = take_all(given)
    except Failed as error:
        sys.exit(f"bench: {error}")
    except KeyboardInterrupt:
        sys.exit(130)
    print(report.table(taken))
    given.json.write_text(report.to_json(taken, skipped, started), encoding="utf-8")
    goals = [g for m in taken for s in m.series for g in s.goals if g.met is not None]
    missed = [g for g in goals if not g.met]
    print(f"\n{len(missed)} of {len(goals)} targets missed; {given.json} has the figures "
          f"({time.time() - started:.0f} s)")
    sys.exit(1 if failed or (given.strict and missed) else 0)


if __name__ == "__main__":
    main()
