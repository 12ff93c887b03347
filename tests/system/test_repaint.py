"""Who comes to a terminal later must see what somebody sees who was there from the start.

Streams of real programs, recorded now, and streams that are made up are cut at several places, in
the middle of sequences and characters, too. One terminal is fed the whole stream; another one the
snapshot at the cut, then the rest. Both must look the same, and go on to look the same when a probe
makes visible what is hidden: pen, character sets, wrapping, saved cursor, tabs, margins, modes,
titles, and the primary screen below the alternate one. The terminal is tmux's; pyte is a second,
weaker one. tests/repaint/snapshot.c makes the snapshots.
"""
import random
import re
import subprocess

import pytest

import repaint_programs
import repaint_streams
from host import BUILD, assert_no_complaint
from repaint_reference import Tmux, pyte_look

SNAPSHOT = BUILD / "repaint/snapshot"
ROWS, COLUMNS = 24, 80
CUTS = {"programs": 6, "made up": 6, "pyte": 8}
AT_LEAST = {"programs": 150, "made up": 125, "pyte": 80}
RIGHT = 0.98
BATCH = 48

# What can be seen at the end of the stream; under the probe; with something in every row's last
# column; and on the primary screen, where that is another one.
LOOKS = ("seen", "probed", "filled", "left")
# What makes visible what is hidden: pen, character set, wrapping, insert mode; tabs; the saved
# cursor with its pen; origin; margins; the stack of titles; colours.
PROBE = ("qx#é\x1b[m\r\n\t|\t|\x1b[2Zb\x1b8S\x1b[1;1HO\x1b[999;70Hm\n\n\x1b[7mM\x1b[23;0t"
         "\x1b[H\x1b]4;1;?\a\x1b]11;?\a").encode()
# Something in the last column of each row, for tmux to tell what was erased before it, and in which
# colour.
FILL = b"\x1b[m\x1b[?6l\x1b[r\x1b[4l\x1b[?7h\x1b(B\x0f" + b"".join(
    b"\x1b[%d;%dH|" % (row, COLUMNS) for row in range(1, ROWS + 1))
LEAVE = b"\x1b[?1049lP\x1b[?47l"


class Case:
    """A stream and a place in it."""

    def __init__(self, kind, name, stream, cut, snapshot):
        self.kind, self.name, self.stream, self.cut = kind, name, stream, cut
        self.seen_later = snapshot + stream[cut:]
        self.differences = []

    @property
    def title(self):
        return f"{self.name} at {self.cut} of {len(self.stream)}"


def choose_cuts(name, stream, count):
    """Half of them within a sequence or a character of several bytes, the others anywhere."""
    r = random.Random(f"{name} {len(stream)}")
    inside = [m.start() + r.randrange(1, len(m.group()))
              for m in re.finditer(rb"\x1b[^\x1b\r\n]{1,8}|[\xc2-\xf4][\x80-\xbf]+", stream)]
    cuts = set(r.sample(inside, min(len(inside), count // 2)))
    while len(cuts) < min(count, len(stream)):
        cuts.add(r.randrange(1, len(stream) + 1))
    return sorted(cuts)


def snapshots(stream, cuts, history=0):
    """What a viewer is sent at each cut."""
    argv = [str(SNAPSHOT), str(ROWS), str(COLUMNS), str(history), *map(str, cuts)]
    done = subprocess.run(argv, input=stream, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                          timeout=60)
    assert_no_complaint(done.stderr.decode(errors="replace"))
    assert done.returncode == 0
    at, blocks = 0, []
    while at < len(done.stdout):
        end = done.stdout.index(b"\n", at)
        size = int(done.stdout[at:end])
        blocks.append(done.stdout[end + 1:end + 1 + size])
        at = end + 1 + size
    return blocks[::2]


def make_cases(kind, streams):
    cases = []
    for name, stream in streams.items():
        assert stream, f"{name} has written nothing"
        cuts = choose_cuts(name, stream, CUTS[kind])
        for cut, snapshot in zip(cuts, snapshots(stream, cuts)):
            cases.append(Case(kind, name, stream, cut, snapshot))
    return cases


def watch(tmux, streams):
    """Feeds each stream to a terminal; what can be seen of it then, and under the probes."""
    panes = tmux.new_panes(len(streams))
    for pane, stream in zip(panes, streams):
        pane.feed(stream)
    looks = [tmux.look(panes)]
    pastes = tmux.pasted(panes)
    alternate = [look.flags["alternate_on"] == "1" for look in looks[0]]
    answers = [pane.feed(PROBE) for pane in panes]
    looks.append(tmux.look(panes))
    for leave in (b"", LEAVE):
        for pane, is_alternate in zip(panes, alternate):
            pane.feed((leave if is_alternate else b"") + FILL)
        looks.append(tmux.look(panes))
    tmux.drop(panes)
    return list(zip(*looks, pastes, answers))


def compare(one, other):
    """The differences between what two terminals showed."""
    found = []
    for what, left, right in zip(LOOKS, one, other):
        differences = left.differences(right)
        if differences:
            return [f"{what}: {text}" for text in differences]
    for what, left, right in zip(("paste", "answers"), one[len(LOOKS):], other[len(LOOKS):]):
        if left != right:
            found.append(f"{what}: {left} {right}")
    return found


def compare_all(tmux, cases):
    """Notes in each case what differs."""
    for begin in range(0, len(cases), BATCH):
        batch = cases[begin:begin + BATCH]
        names = list(dict.fromkeys(case.name for case in batch))
        whole = {case.name: case.stream for case in batch}
        seen = watch(tmux, [whole[name] for name in names] + [case.seen_later for case in batch])
        references = dict(zip(names, seen))
        for case, later in zip(batch, seen[len(names):]):
            case.differences = compare(references[case.name], later)


@pytest.fixture
def tmux():
    server = Tmux(ROWS, COLUMNS)
    yield server
    server.close()


def report(cases):
    """A table, and whether enough is right and what is not is known."""
    kind = cases[0].kind
    wrong = [case for case in cases if case.differences]
    right = len(cases) - len(wrong)
    print(f"\n{kind}: {right} of {len(cases)} cuts right")
    for name in dict.fromkeys(case.name for case in cases):
        of_it = [case for case in cases if case.name == name]
        good = sum(not case.differences for case in of_it)
        print(f"  {name:20} {good} of {len(of_it)}" + ("" if good == len(of_it) else "  <--"))
    for case in wrong:
        _, why = repaint_streams.DISPUTED.get(case.name, (b"", "NOT KNOWN"))
        print(f"  {case.title}: {'; '.join(case.differences[:4])}\n      {why}")
    assert len(cases) >= AT_LEAST[kind]
    assert right >= RIGHT * len(cases)
    unknown = [case.title for case in wrong if case.name not in repaint_streams.DISPUTED]
    assert not unknown, "these differ and are no known exceptions"
    gone = [case.title for case in cases
            if case.name in repaint_streams.DISPUTED and not case.differences]
    assert not gone, "these were known exceptions and are none any more"


def test_who_comes_later_to_a_real_program_sees_the_same(tmux):
    cases = make_cases("programs", repaint_programs.record_all(ROWS, COLUMNS))
    compare_all(tmux, cases)
    report(cases)


def test_who_comes_later_to_any_state_sees_the_same(tmux):
    cases = make_cases("made up", repaint_streams.make_all())
    for name, (stream, _) in repaint_streams.DISPUTED.items():
        shot, = snapshots(stream, [len(stream)])
        cases.append(Case("made up", name, stream, len(stream), shot))
    compare_all(tmux, cases)
    report(cases)


def test_pyte_agrees_as_far_as_it_goes():
    """It has no alternate screen, and neither most modes nor colours behind a colon."""
    made_up = repaint_streams.make_all()
    streams = {name: made_up[name] for name in (
        "lines", "erased in colour", "wide", "combining", "insert mode", "modes", "titles", "links",
        "palette", "strings")}
    streams |= repaint_programs.record_all(ROWS, COLUMNS, (
        "bash", "bash completion", "bash colours", "progress", "unicode", "tput", "python",
        "build"))
    cases = make_cases("pyte", streams)
    for case in cases:
        whole, later = (pyte_look(data, ROWS, COLUMNS) for data in (case.stream, case.seen_later))
        case.differences = [f"{left} {right}" for left, right in zip(whole, later) if left != right]
    report(cases)


def test_what_has_scrolled_off_is_there_to_scroll_back_to(tmux):
    names = ("lines", "colours", "filled", "wide", "combining", "attributes")
    streams = repaint_streams.make_all()
    for name in names:
        stream = streams[name] * 2
        cuts = choose_cuts(name, stream, 3)
        later = [shot + stream[cut:] for cut, shot in zip(cuts, snapshots(stream, cuts, 1000))]
        panes = tmux.new_panes(1 + len(cuts))
        for pane, data in zip(panes, [stream, *later]):
            pane.feed(data)
        whole, *others = tmux.history(panes, 1000)
        tmux.drop(panes)
        assert whole
        for cut, other in zip(cuts, others):
            # Before that comes what the terminal showed: in this one, nothing.
            assert other[len(other) - len(whole):] == whole, f"{name} at {cut}"
            assert not any(other[:len(other) - len(whole)])
