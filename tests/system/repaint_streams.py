"""Streams made up to have every kind of state in them that a terminal can be in. They are the same
in every run.

What tmux 3.3a does otherwise than the standards, xterm and the tracker is left out of them, since
it would only test tmux: motion and editing right after the last column was written; IL and DL in
the middle of a row or outside the margins; erasing one half of a wide character; C1 as UTF-8;
malformed UTF-8; CHT, HPR, VPR, SS2, LS2, DECSTR, DECCOLM; REP over a row's end or of a character
that is not ASCII; DECSTBM under DECOM; LF and BS where they would leave a wrapped line; ICH of more
than there is behind the cursor. Unit tests have these, and DISPUTED has an example of some: there
tmux differs, and must be seen to.
"""
import random

ROWS, COLUMNS = 24, 80
WORDS = "lorem ipsum dolor sit amet consectetur adipiscing elit sed do eiusmod".split()
WIDE = "日本語の文字列한국어中文字符"
MARKS = "\u0301\u0308\u0302\u0327\u0323"


def expand(text):
    """Text with ~ for CSI, ^ for ESC and _ for nothing."""
    return text.replace("~", "\x1b[").replace("^", "\x1b").replace("_", "")


def pick(r, options):
    """One of what spaces separate, expanded."""
    return expand(r.choice(options.split(" ")))


def words(r, count):
    return " ".join(r.choice(WORDS) for _ in range(count))


def cup(r, rows=ROWS, columns=COLUMNS):
    return f"\x1b[{r.randint(1, rows)};{r.randint(1, columns)}H"


def colour(r):
    base = r.choice((30, 40))
    red, green, blue = (r.randrange(256) for _ in range(3))
    return pick(r, f"~{base + red % 8}m ~{base + 60 + red % 8}m ~{base + 8};5;{red}m "
                   f"~{base + 8}:5:{red}m ~{base + 8};2;{red};{green};{blue}m "
                   f"~{base + 8}:2::{red}:{green}:{blue}m")


def attribute(r):
    return pick(r, "~1m ~2m ~3m ~4m ~5m ~7m ~8m ~9m ~21m ~53m ~4:2m ~4:3m ~4:4m ~4:5m ~22m ~23m "
                   "~24m ~25m ~27m ~28m ~29m ~55m ~0m")


def lines(r):
    for _ in range(60):
        yield words(r, r.randint(0, 30)) + "\r\n"


def colours(r):
    for _ in range(40):
        yield colour(r) + words(r, r.randint(1, 6)) + pick(r, "_ ~39m ~49m ~m") + pick(r, "_ \r\n")


def attributes(r):
    for _ in range(60):
        yield attribute(r) + colour(r) + words(r, 1) + r.choice((" ", "\r\n"))


def underline_colours(r):
    for n in range(30):
        yield pick(r, f"~4;58:5:{n}m ~4:3;58:2::{n}:20:30m ~58;5;{n}m ~4m ~0m")
        yield words(r, 2) + "\r\n"


def erased_in_colour(r):
    for _ in range(60):
        yield colour(r) + cup(r, columns=70)
        yield pick(r, "~K ~1K ~2K ~J ~1J ~5X ~3@ ~3P x ~m two")


def wide(r):
    for _ in range(60):
        yield "".join(r.choice(WIDE) for _ in range(r.randint(1, 30)))
        yield pick(r, "a _ abc") + pick(r, "_ \r\n")


def combining(r):
    for _ in range(60):
        yield r.choice("aeiou日本") + "".join(r.choice(MARKS) for _ in range(r.randint(0, 3)))
        yield pick(r, "_ x \r\n") + pick(r, "~31m ~m _ ü ß Ж")


def emoji(r):
    faces = ("😀", "👍", "👨\u200d👩\u200d👧", "👩\u200d💻", "🏳\ufe0f\u200d🌈", "❤\ufe0f", "🇩🇪")
    for _ in range(50):
        yield r.choice(faces) + pick(r, "_ x _ \r\n")


def line_drawing(r):
    yield "\x1b(B\x1b)0"
    for _ in range(40):
        yield pick(r, "\x0e \x0f ^(0 ^(B ^)0 ^)B")
        yield pick(r, "lqqqk x--x mqqqj tnu `af text") + pick(r, "_ \r\n ~33m")


def margins(r):
    top, bottom = 1, ROWS
    for _ in range(60):
        if r.randrange(4) == 0:
            top = r.randint(1, 20)
            bottom = r.randint(top + 1, ROWS)
            yield f"\x1b[{top};{bottom}r"
        yield cup(r) + words(r, r.randint(1, 4))
        yield pick(r, "\r\n\n\n ^M^M ~2S ~2T ^D ^E ~3A ~3B "
                      f"~{r.randint(top, bottom)};1H{pick(r, '~2L ~M ~L ~3M')}")


def origin(r):
    for _ in range(40):
        top = r.randint(1, 15)
        yield pick(r, f"~?6h ~?6l~{top};{top + r.randint(1, 8)}r~?6h _ ~?6l _")
        yield cup(r, rows=12) + words(r, 2) + pick(r, "\r\n ^7 ^8 ~5d ~7G")


def no_wrapping(r):
    for _ in range(30):
        yield pick(r, "~?7l ~?7h _") + pick(r, "\r\n _") + words(r, r.randint(10, 25))


def at_the_edge(r):
    """Somewhere near it, and what may come then."""
    for _ in range(40):
        yield f"\x1b[{r.randint(1, ROWS)};{r.randint(70, 80)}H" + colour(r)
        yield words(r, 4)[:r.randint(1, 20)] + "x" * r.randint(0, 3)
        yield pick(r, "~32m ~K \r ~1m~7m \x0f \t ~?25h _ \r\n")
        yield pick(r, "_ goes-on 日本")


def wrapping(r):
    """The next character wraps, and something comes in between that does not change that."""
    for _ in range(30):
        n = r.randint(1, 3)
        yield f"\x1b[{r.randint(1, ROWS)};{COLUMNS + 1 - n}H" + "abc"[:n]
        yield pick(r, "~32;1;44m \x0e\x0f ~?1000h~?1000l ^]2;t\a")
        yield pick(r, "wrapped 日本 \r\n ~K")


def filled(r):
    for _ in range(30):
        yield "x" * (COLUMNS * r.randint(1, 3)) + r.choice(("\r\n", "", "\r", colour(r)))


def insert_mode(r):
    for _ in range(40):
        yield pick(r, "~4h ~4l _") + cup(r, columns=60) + words(r, r.randint(1, 3))
        yield r.choice(("", WIDE[0]))


def editing(r):
    for _ in range(30):
        yield cup(r, columns=40) + words(r, 5)
    for _ in range(60):
        yield cup(r, columns=62) + colour(r) + f"\x1b[{r.randint(1, 9)}{r.choice('@PX')}"
        yield pick(r, "_ z")


def rows_moved(r):
    for _ in range(ROWS):
        yield "\r\n" + words(r, 6)
    for _ in range(50):
        yield cup(r) + "\r" + colour(r) + f"\x1b[{r.randint(1, 4)}{r.choice('LMST')}"
        yield r.choice(("", words(r, 2)))


def tabs(r):
    for _ in range(50):
        yield pick(r, f"~{r.randint(1, 79)}G^H ~3g ~{r.randint(1, 79)}G~g \t \t\tx ~2Zy _ \r")
        yield pick(r, "w \r\n\tw")


def saved_cursor(r):
    for _ in range(50):
        yield cup(r, columns=70) + colour(r) + attribute(r) + pick(r, "^(0 ^(B \x0e^)0 \x0f")
        yield pick(r, "^7 ^8 ~s ~u _") + "lq" + words(r, 1)


def alternate(r):
    for _ in range(8):
        yield cup(r) + colour(r) + words(r, 8) + "\x1b7"
        yield "\x1b[?1049h\x1b[H" + pick(r, "~2J _") + words(r, 30)
        yield cup(r) + "\x1b7" + attribute(r) + words(r, 9)
        yield pick(r, f"_ ~5;9r{cup(r)}\n\n~r ^8restored")
        yield "\x1b[?1049l" + words(r, r.randint(0, 4)) + pick(r, "_ \r\n")


def older_alternate(r):
    for number in (47, 1047, 47, 1047):
        yield cup(r) + colour(r) + words(r, 8) + "\x1b7"
        yield f"\x1b[?{number}h\x1b[2J" + cup(r) + words(r, 12) + colour(r) + words(r, 3)
        yield f"\x1b[?{number}l\x1b8" + words(r, 2)


def modes(r):
    numbers = (1, 5, 12, 25, 1000, 1002, 1003, 1004, 1005, 1006, 1007, 1034, 2004, 2026)
    for _ in range(16):
        yield f"\x1b[?{r.choice(numbers)}{r.choice('hl')}"
        yield pick(r, "^= ^> _ ~>4;1m ~>1u ~<u ~=3;1u") + r.choice(("", "\x1b[4 q", "\x1b[0 q"))
        yield words(r, 1) + r.choice((" ", "\r\n"))


def titles(r):
    for _ in range(30):
        yield pick(r, "^]0;{}\a ^]2;{}^\\ ^]1;{}\a ^]2;tïtle{}\a ~22;0t ~23;0t ~22;2t ~23;2t").format(
            words(r, 2))
        yield words(r, 1) + r.choice((" ", "\r\n"))


def links(r):
    for n in range(25):
        yield pick(r, f"^]8;;https://example.org/{n}^\\ ^]8;id={n};file:///tmp/{n}\a ^]8;;\a")
        yield words(r, 2) + r.choice((" ", "\r\n"))


def palette(r):
    for _ in range(25):
        n, x = r.randrange(256), f"{r.randrange(256):02x}"
        yield pick(r, f"^]4;{n};rgb:{x}/20/{x}^\\ ^]10;#{x}10{x}\a ^]104;{n}\a ^]112\a "
                      f"^]11;rgb:{x}{x}/0000/ffff\a ^]111\a ^]110\a")
        yield f"\x1b[38;5;{n}m" + words(r, 1) + r.choice((" ", "\r\n"))


def alignment(r):
    yield words(r, 20) + "\x1b[5;9r\x1b#8" + cup(r) + words(r, 3)
    yield cup(r, columns=70) + "\x1b[44m\x1b[K" + cup(r) + "\x1b[2J" + words(r, 2) + "\x1b#8"
    for _ in range(20):
        yield cup(r, columns=70) + pick(r, "two-words ~3X ~3P ~3@ ~K \r~L")


def repeated(r):
    for _ in range(40):
        yield f"\x1b[{r.randint(1, ROWS)};{r.randint(1, 40)}H" + colour(r) + pick(r, "^(0 ^(B")
        yield r.choice("qx=-#") + f"\x1b[{r.randint(1, 30)}b" + pick(r, "_ ^(B ^(Bend")


def strings(r):
    """What is long and says nothing that a snapshot has."""
    for _ in range(6):
        yield "\x1b]52;c;" + "QUJD" * r.randint(20, 3000) + "\a" + words(r, 3) + "\r\n"
        yield "\x1bPq" + "#0;2;0;0;0~~@@vv" * r.randint(20, 500) + "\x1b\\" + words(r, 3)
        yield "\x1b]133;A\x1b\\\x1b]1337;SetMark\a\x1b]7;file://host/tmp\a" + words(r, 1)


def unknown(r):
    for _ in range(40):
        yield pick(r, "~?9999h ~99z ~>77;1p ^%G ^#3 ~1;2;3;4;5;6'w ^]999;x\a ~12345678901J "
                      "~?1;2$p \x05 \x00\x7f ~c ~6n")
        yield words(r, 1) + r.choice((" ", "\r\n"))


def reset(r):
    for _ in range(3):
        yield expand("~5;9r~?6h~?7l^(0~4h~31;1m~?25l~?1h^=~?2004h") + words(r, 9)
        yield pick(r, "^c ~?1049h^c") + words(r, 9) + "\r\n\tx"


def everything(r):
    """All of it, mixed, with the cursor put elsewhere where tmux has ideas of its own."""
    makers = (lines, colours, attributes, erased_in_colour, wide, combining, line_drawing, margins,
              origin, no_wrapping, insert_mode, editing, rows_moved, tabs, saved_cursor, modes,
              titles, repeated)
    for _ in range(40):
        parts = [part for part in r.choice(makers)(r) if part]
        start = r.randrange(len(parts))
        yield "".join(parts[start:start + 2])
        yield expand("~?6l~r~?7h~4l^(B\x0f") + cup(r, columns=60)


MAKERS = (lines, colours, attributes, underline_colours, erased_in_colour, wide, combining, emoji,
          line_drawing, margins, origin, no_wrapping, at_the_edge, wrapping, filled, insert_mode,
          editing, rows_moved, tabs, saved_cursor, alternate, older_alternate, modes, titles, links,
          palette, alignment, repeated, strings, unknown, reset, everything)
# Of these, with their many states, there is more than one stream.
MORE = (modes, origin, at_the_edge, wrapping, insert_mode, saved_cursor, titles, tabs, alternate,
        everything)


def make_all():
    """{name: stream}."""
    streams = {}
    for n, makers in enumerate((MAKERS, MORE, MORE)):
        for maker in makers:
            name = maker.__name__.replace("_", " ") + (f" {n + 1}" if n else "")
            streams[name] = "".join(maker(random.Random(name))).encode()
    return streams


# What is in question, and whose fault it is that the two differ.
DISPUTED = {
    "inserting at the end": (
        b"\x1b[6;71H\x1b[100m\x1b[7@z",
        "tmux: ICH of more cells than there are behind the cursor colours only as many"),
    "deleting outside": (
        b"a\r\nb\r\nc\x1b[5;9r\x1b[1;1H\x1b[M",
        "tmux: DL outside the margins has no effect (DEC STD 070), but tmux deletes"),
    "backspace at the edge": (
        b"\x1b[1;80Hx\bY",
        "tmux: BS in the last column goes to the one before it (DEC STD 070); tmux stays there"),
    "malformed": (
        b"a\xc3(b",
        "tmux 3.3a: what is not UTF-8 is U+FFFD, as Unicode recommends; tmux drops it"),
}
