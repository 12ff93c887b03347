"""Samples, what is expected of them, and how both are shown."""

import dataclasses
import json
import math
import os
import platform
import statistics
import time


def percentile(samples, percent):
    """The nearest rank: a value that was measured."""
    ordered = sorted(samples)
    return ordered[max(0, math.ceil(len(ordered) * percent / 100) - 1)]


@dataclasses.dataclass
class Goal:
    """A number with a bound. Without a bound it is for information."""
    what: str
    value: float
    relation: str = ""  # "<=" or ">="
    bound: float = 0.0

    @property
    def met(self):
        if not self.relation:
            return None
        return self.value <= self.bound if self.relation == "<=" else self.value >= self.bound


@dataclasses.dataclass
class Series:
    """What one contender did."""
    who: str
    samples: list
    goals: list = dataclasses.field(default_factory=list)

    @property
    def median(self):
        return statistics.median(self.samples)


@dataclasses.dataclass
class Measure:
    name: str
    title: str
    unit: str
    series: list
    # Where large values are good, the bad end is at the bottom.
    large_is_good: bool = False
    note: str = ""

    def find(self, who):
        return next((s for s in self.series if s.who == who), None)

    def compare(self, who, relation="", bound=0.0):
        """A goal for Dokrust's median as a part of somebody's, shown in that one's line."""
        peer, own = self.find(who), self.find("dokrust")
        if peer and own:
            value = own.median / peer.median
            peer.goals.append(Goal(f"dokrust / {who}", value, relation, bound))

    def tail(self, series):
        """p99 or, where large is good, p1; of the few samples of a flood it is the worst."""
        return percentile(series.samples, 1 if self.large_is_good else 99)


def number(value):
    for bound, digits in ((10, 3), (100, 2), (1000, 1)):
        if abs(value) < bound:
            return f"{value:.{digits}f}"
    return f"{value:,.0f}"


def table(measures):
    lines = []
    for measure in measures:
        tail = "p1" if measure.large_is_good else "p99"
        lines.append("")
        lines.append(f"{measure.title} ({measure.unit})")
        lines.append(f"  {'':24}{'n':>7}{'p50':>10}{tail:>10}  {'':26}{'target':>9}  verdict")
        for series in measure.series:
            cells = (f"  {series.who:24}{len(series.samples):7}{number(series.median):>10}"
                     f"{number(measure.tail(series)):>10}")
            for goal in series.goals or [None]:
                lines.append((cells + goal_cells(goal)).rstrip())
                cells = " " * len(cells)
        if measure.note:
            lines.append(f"  {measure.note}")
    return "\n".join(lines[1:])


def goal_cells(goal):
    if not goal:
        return ""
    shown = f"{goal.what} = {number(goal.value)}"
    if goal.met is None:
        return f"  {shown:26}"
    return (f"  {shown:26}{goal.relation + ' ' + number(goal.bound):>9}  "
            f"{'met' if goal.met else 'MISSED'}")


def host():
    model = ""
    try:
        with open("/proc/cpuinfo", encoding="utf-8", errors="replace") as file:
            model = next((l.split(":", 1)[1].strip() for l in file if l.startswith("model name")),
                         "")
    except OSError:
        pass
    return {"kernel": platform.release(), "machine": platform.machine(),
            "cpus": os.cpu_count(), "cpu": model, "load": os.getloadavg()}


def to_json(measures, skipped, started):
    return json.dumps({
        "version": 1,
        "started_at": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(started)),
        "duration_s": round(time.time() - started, 1),
        "host": host(),
        "skipped": [{"peer": name, "why": why} for name, why in skipped],
        "measures": [{
            "name": m.name, "title": m.title, "unit": m.unit, "note": m.note,
            "series": [{
                "who": s.who, "n": len(s.samples), "min": min(s.samples), "p50": s.median,
                "p1": percentile(s.samples, 1), "p99": percentile(s.samples, 99),
                "max": max(s.samples),
                "goals": [{**dataclasses.asdict(g), "met": g.met} for g in s.goals],
            } for s in m.series],
        } for m in measures],
    }, indent=2) + "\n"
