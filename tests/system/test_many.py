"""Very many viewers: all are served, and the daemon's memory stays within what docs/sessions.md says."""
import gc
import pathlib
import re
import resource

import pytest

from host import SANITIZED
from varlink import CONTAINER, VarlinkError

VIEWERS = 1000
CONTAINERS = 50 if SANITIZED else 500
IDLE_VIEWER_KB = 2
CONTAINER_KB = 24  # with a viewer, and little on its screen
LAGGING_VIEWERS = 50
LAGGING_VIEWER_KB = 64 + 64 + 64


def memory_kb(daemon):
    """Its own: what it shares with nobody."""
    text = pathlib.Path(f"/proc/{daemon.pid}/smaps_rollup").read_text(encoding="ascii")
    return int(re.search(r"^Anonymous:\s+(\d+) kB", text, re.M).group(1))


@pytest.fixture(autouse=True)
def files():
    """A descriptor for each of them on this side, too."""
    before = resource.getrlimit(resource.RLIMIT_NOFILE)
    assert before[1] >= 2048
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(before[0], 2048), before[1]))
    yield
    gc.collect()
    resource.setrlimit(resource.RLIMIT_NOFILE, before)


def close(viewers):
    for viewer in viewers:
        viewer.connection.close()


@pytest.mark.timeout(240)
def test_a_thousand_look_at_one_container_and_see_the_same(daemon):
    daemon.run("work", "sh", "-c", "read x; seq 1 3000; read x; exit 7", terminal=True, stdin_open=True)
    before = memory_kb(daemon)
    viewers = [daemon.viewer("work", size={"rows": 24, "columns": 80}) for _ in range(VIEWERS)]
    try:
        if not SANITIZED:
            assert memory_kb(daemon) - before < VIEWERS * IDLE_VIEWER_KB
        assert daemon.inspect("work")["viewers"] == VIEWERS
        viewers[-1].type(b"\r")
        for viewer in viewers:
            viewer.wait_for(b"\n3000\r\n", 60)
        assert len({viewer.out[1] for viewer in viewers}) == 1
        viewers[0].type(b"\r")
        assert {viewer.finish() for viewer in viewers} == {7}
        # What they have shown is in the ring, which is there once; and the screen with its history.
        if not SANITIZED:
            assert memory_kb(daemon) - before < VIEWERS * IDLE_VIEWER_KB + 512
    finally:
        close(viewers)


def test_there_is_an_end_to_it(daemon):
    daemon.run("work", "cat", terminal=True, stdin_open=True)
    viewers = []
    try:
        with pytest.raises(VarlinkError) as info:
            for _ in range(VIEWERS * 2):
                viewers.append(daemon.viewer("work"))
        assert info.value.name == CONTAINER + "LimitReached"
        assert len(viewers) >= VIEWERS
        assert daemon.inspect("work")["state"] == "running"
    finally:
        close(viewers)


def test_those_that_do_not_read_take_a_bounded_amount_each(daemon):
    script = "read x; seq 1 500000; echo the end; read x"
    daemon.run("work", "sh", "-c", script, terminal=True, stdin_open=True)
    viewers = [daemon.viewer("work", size={"rows": 24, "columns": 80})
               for _ in range(LAGGING_VIEWERS)]
    try:
        before = memory_kb(daemon)
        with daemon.viewer("work") as reader:
            reader.type(b"\r")
            reader.wait_for(b"the end", 30)
        if not SANITIZED:
            assert memory_kb(daemon) - before < LAGGING_VIEWERS * LAGGING_VIEWER_KB + 1024
        viewers[0].wait_for(b"the end")
        assert viewers[0].notices and viewers[0].notices[0]["notice"] == "lagged"
    finally:
        close(viewers)


@pytest.mark.timeout(240)
def test_each_of_hundreds_of_containers_has_a_viewer(daemon):
    spec = {"image": "busybox", "command": ["sh", "-c", "echo ready; read x; echo got $x"],
            "terminal": True, "stdin_open": True, "auto_remove": True}
    before = memory_kb(daemon)
    viewers = []
    try:
        for i in range(CONTAINERS):
            viewers.append(daemon.run_viewer(spec, f"c{i}", size={"rows": 24, "columns": 80}))
        for viewer in viewers:
            viewer.wait_for(b"ready", 60)
        if not SANITIZED:
            assert memory_kb(daemon) - before < CONTAINERS * CONTAINER_KB
        for i, viewer in enumerate(viewers):
            viewer.type(f"{i}\r".encode())
        for i, viewer in enumerate(viewers):
            assert viewer.finish() == 0
            assert f"got {i}\r\n".encode() in viewer.out[1]
    finally:
        close(viewers)
