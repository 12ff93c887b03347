"""Who may connect."""

import pytest

from host import SOCKET, check, run

pytestmark = pytest.mark.usefixtures("units")


@pytest.fixture(scope="module", autouse=True)
def users():
    check("useradd", "--groups", "dokrust", "alice")
    check("useradd", "bob")
    yield
    check("userdel", "alice")
    check("userdel", "bob")


def test_a_member_of_the_group_connects():
    done = run("runuser", "-u", "alice", "--", "dokrustctl", "version")
    assert done.status == 0, done.err


@pytest.mark.parametrize("command, status", [(("ps",), 1), (("run", "busybox", "true"), 125)])
def test_others_are_told_which_group_it_takes(command, status):
    done = run("runuser", "-u", "bob", "--", "dokrustctl", *command)
    assert done.status == status, done.err
    assert done.out == ""
    assert done.err.startswith("dokrustctl: ")
    assert SOCKET in done.err
    assert "group dokrust" in done.err
    assert len(done.err.splitlines()) == 1
