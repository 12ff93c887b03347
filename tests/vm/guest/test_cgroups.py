"""The unit tests of control groups, on cgroup v2 and a kernel that is not the build host's."""

import os
import pathlib
import re

import pytest

from host import run

PROGRAMS = sorted(pathlib.Path(os.environ["DOKRUST_UNIT_TESTS"]).glob("test_*"))


def test_the_programs_are_there():
    assert len(PROGRAMS) >= 5


@pytest.mark.parametrize("program", PROGRAMS, ids=lambda program: program.name)
def test_unit_tests_pass(program):
    done = run(program, timeout_s=100)
    assert done.status == 0, done.out + done.err
    assert re.search(r"\[  PASSED  \] \d+ test", done.out + done.err)
