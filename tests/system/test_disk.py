"""What users may have on the disk, where it is counted; tests/vm has what the kernel bounds."""
import time

import pytest

import processes
from host import Ctl
from users import MEMORY, start

FILL = "dd if=/dev/zero of={}/big bs=1M count=9 2>/dev/null && sync"


@pytest.fixture
def limited(shared):
    """Each user may have 8 MiB."""
    settings = shared.directory / "conf"
    settings.write_text(settings.read_text() + "user_disk_max = 8m\n")
    shared.stop()
    return shared.start("--config", settings)


def fill(user, name, place=".", options=()):
    user.ok("run", "--name", name, *MEMORY, *options, "busybox", "sh", "-c", FILL.format(place))


def is_full(user):
    result = user("create", "--name", "probe", *MEMORY, "busybox", "true")
    if result.status == 0:
        user.ok("rm", "probe")
    return "on the disk, and may have 8388608" in result.err


def test_who_has_more_than_that_can_make_and_start_nothing(limited, ann, bob):
    fill(ann, "big")
    processes.wait_until(lambda: is_full(ann))
    for status, *call in ((125, "run", *MEMORY, "busybox", "true"), (1, "start", "big"), (1, "volume", "create", "v"),
                          (125, "run", *MEMORY, "-v", "new:/x", "busybox", "true")):
        assert "may have" in ann.fails(status, *call)
    # Nor can somebody else do it for them; and nobody else has less.
    root = Ctl(limited)
    assert "may have" in root.fails(1, "start", "big")
    root.ok("run", "--rm", "busybox", "sh", "-c", FILL.format("."))
    assert not is_full(bob)
    assert limited.names(all=True) == ["big"] and ann.ok("volume", "ls", "-q") == ""
    ann.ok("rm", "big")
    processes.wait_until(lambda: not is_full(ann))


def test_volumes_and_what_runs_count_and_room_can_be_made(limited, ann):
    start(ann, "box", options=["-v", "vol:/vol"])
    ann.ok("exec", "box", "sh", "-c", FILL.format("/vol"))
    # What runs is counted each minute; a sign of life brings it forward.
    start(ann, "other")
    processes.wait_until(lambda: is_full(ann))
    assert "may have" in ann.fails(1, "mount", "add", "box", "another:/x")
    assert ann.ok("volume", "ls", "-q") == "vol\n"
    ann.ok("exec", "box", "rm", "/vol/big")
    ann.ok("rm", "-f", "other")
    processes.wait_until(lambda: not is_full(ann))
    fill(ann, "again", "/vol", ["-v", "vol:/vol"])
    processes.wait_until(lambda: is_full(ann))
    ann.ok("rm", "-f", "box", "again")
    assert is_full(ann)
    ann.ok("volume", "rm", "vol")
    processes.wait_until(lambda: not is_full(ann))


def test_the_next_daemon_counts_what_it_finds(limited, ann):
    fill(ann, "big")
    limited.stop()
    limited.start("--config", limited.directory / "conf")
    processes.wait_until(lambda: is_full(ann))
    limited.stop()
    settings = limited.directory / "conf"
    settings.write_text(settings.read_text().replace("user_disk_max = 8m", ""))
    limited.start("--config", settings)
    ann.ok("start", "-a", "big")


def test_a_restart_policy_is_bound_by_it(limited, ann):
    ann.ok("run", "-d", "--name", "box", *MEMORY, "--restart", "always", "busybox", "sh", "-c",
           FILL.format(".") + " && sleep 0.5")
    processes.wait_until(lambda: "may have" in limited.inspect("box").get("error", ""), 20)
    ann.ok("rm", "-f", "box")


def test_no_worker_is_left_when_nothing_happens(limited, ann):
    fill(ann, "big")
    processes.wait_until(lambda: is_full(ann))

    def counts():
        return [pid for pid in processes.descendants(limited.pid) if "count" in processes.command(pid)]
    processes.wait_until(lambda: not counts())
    time.sleep(0.5)
    assert not counts()
