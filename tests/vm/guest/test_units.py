"""The units, as `make install` puts them there, under a systemd that runs."""

import json
import os
import re
import signal
import stat

import pytest

from conftest import processes_named
from host import (SERVICE, SOCKET, SOCKET_UNIT, check, check_ctl, ctl, inspect, journal, run, show,
                  wait_until)

pytestmark = pytest.mark.usefixtures("units")


def main_pid():
    return int(show(SERVICE, "MainPID"))


def shell_in(name):
    """A container with a shell that waits; the host's pid of its process 1."""
    check_ctl("run", "-d", "--name", name, "busybox", "sleep", "100000")
    return inspect(name)["pid"]


def is_zombie(pid):
    """Whether it has ended, while its parent does not look."""
    with open(f"/proc/{pid}/stat", encoding="utf-8") as file:
        return file.read().rsplit(")", 1)[1].split()[0] == "Z"


def test_the_units_are_without_fault():
    done = run("systemd-analyze", "verify", "--man=no", SOCKET_UNIT, SERVICE)
    assert done.out + done.err == ""
    assert done.status == 0


def test_the_exposure_is_measured(figure):
    text = check("systemd-analyze", "security", "--no-pager", SERVICE)
    exposure = float(re.search(r"Overall exposure level for \S+: ([\d.]+)", text)[1])
    figure("systemd-analyze security", exposure)
    # Of 10. Most of what it counts is what a container manager does: namespaces, mounts, devices.
    assert exposure <= 9.5


def test_the_socket_belongs_to_the_group():
    st = os.stat(SOCKET)
    assert check("getent", "group", "dokrust").split(":")[2] == str(st.st_gid)
    assert (st.st_uid, stat.S_IMODE(st.st_mode)) == (0, 0o660)


def test_the_first_call_starts_the_daemon(figure):
    assert show(SERVICE, "ActiveState") == "inactive"
    assert "0.1.0" in check_ctl("version")
    assert show(SERVICE, "ActiveState") == "active"
    assert show(SERVICE, "Type") == "notify"
    figure("start of the daemon, ms", (int(show(SERVICE, "ActiveEnterTimestampMonotonic")) -
                                       int(show(SERVICE, "InactiveExitTimestampMonotonic"))) // 1000)


def test_many_calls_at_once_start_one_daemon():
    check("sh", "-c", "for i in $(seq 30); do dokrustctl version > /dev/null & done; wait")
    assert len(processes_named("dokrustd")) >= 1
    assert show(SERVICE, "NRestarts") == "0"
    assert len([line for line in journal("_PID=%d" % main_pid()) if "listening" in line[1]]) == 1


def test_a_container_runs_under_cgroup_v2():
    assert check_ctl("run", "--rm", "busybox", "cat", "/proc/self/cgroup") == "0::/\n"
    assert re.search(r"(?m)^Control groups: +v2$", check_ctl("info"))


def test_the_exit_status_comes_back():
    assert ctl("run", "--rm", "busybox", "sh", "-c", "exit 7").status == 7


def test_a_stop_ends_the_containers_and_the_next_call_starts_again():
    pid = shell_in("web")
    check("systemctl", "stop", SERVICE)
    assert show(SERVICE, "ActiveState") == "inactive"
    assert show(SERVICE, "Result") == "success"
    assert not os.path.exists(f"/proc/{pid}")
    assert show(SOCKET_UNIT, "ActiveState") == "active"
    assert inspect("web")["state"] == "exited"
    check_ctl("start", "web")
    assert inspect("web")["state"] == "running"


def test_a_container_lives_on_through_a_restart():
    pid = shell_in("web")
    before = main_pid()
    check("systemctl", "restart", SERVICE)
    assert main_pid() not in (0, before)
    assert inspect("web")["state"] == "running"
    assert inspect("web")["pid"] == pid
    assert check_ctl("exec", "web", "echo", "here") == "here\n"


def test_a_container_lives_on_when_the_daemon_is_killed():
    pid = shell_in("web")
    before = main_pid()
    os.kill(before, signal.SIGKILL)
    wait_until(lambda: main_pid() not in (0, before), 30, "another daemon")
    assert inspect("web")["state"] == "running"
    assert inspect("web")["pid"] == pid
    check_ctl("stop", "web")
    assert inspect("web")["exit_status"] == 143


def test_what_a_container_does_while_there_is_no_daemon_is_not_lost():
    check_ctl("run", "-d", "--name", "job", "busybox", "sh", "-c",
              "while [ ! -e /go ]; do sleep 0.1; done; exit 5")
    pid = inspect("job")["pid"]
    before = main_pid()
    os.kill(before, signal.SIGSTOP)
    try:
        with open(f"/proc/{pid}/root/go", "w", encoding="utf-8"):
            pass
        wait_until(lambda: is_zombie(pid), 30, "the end of the job")
    finally:
        os.kill(before, signal.SIGKILL)
    wait_until(lambda: main_pid() not in (0, before), 30, "another daemon")
    wait_until(lambda: inspect("job")["state"] == "exited", 30, "the news of its end")
    assert inspect("job")["exit_status"] == 5


def test_lines_of_the_journal_have_their_levels():
    check_ctl("version")
    lines = journal("_PID=%d" % main_pid())
    assert (6, "version 0.1.0, listening on " + SOCKET) in lines
    assert all(not re.match(r"<\d>|dokrustd:", message) for _, message in lines)


def test_a_damaged_record_is_a_warning_in_the_journal():
    check_ctl("create", "--name", "web", "busybox")
    identity = inspect("web")["id"]
    check("systemctl", "stop", SERVICE)
    damaged = False
    for directory, _, names in os.walk("/var/lib/dokrust/containers"):
        if identity in directory:
            for name in names:
                with open(os.path.join(directory, name), "w", encoding="utf-8") as file:
                    file.write("{ no record\n")
                damaged = True
    assert damaged
    check_ctl("version")
    warnings = [message for level, message in journal("_PID=%d" % main_pid()) if level == 4]
    assert len(warnings) == 1
    assert identity[:12] in warnings[0]


def test_what_becomes_of_a_container_can_be_looked_for():
    assert ctl("run", "--name", "job", "busybox", "sh", "-c", "exit 3").status == 3
    entries = [json.loads(line) for line in
               check("journalctl", "-o", "json", "CONTAINER_NAME=job", "SYSLOG_IDENTIFIER=dokrustd").splitlines()]
    assert [entry["MESSAGE"] for entry in entries] == ["container job has started",
                                                       "container job has ended with status 3"]
    assert entries[1]["EXIT_STATUS"] == "3" and len(entries[1]["MESSAGE_ID"]) == 32
    assert len(check("journalctl", "-o", "cat", "MESSAGE_ID=" + entries[1]["MESSAGE_ID"]).splitlines()) >= 1


def test_a_loop_that_hangs_is_replaced_and_the_containers_go_on():
    pid = shell_in("web")
    before = main_pid()
    assert show(SERVICE, "WatchdogUSec") == "30s"
    # It is not answered by one that is stopped; systemd then kills it with SIGABRT.
    os.kill(before, signal.SIGSTOP)
    wait_until(lambda: main_pid() not in (0, before), 60, "another daemon")
    assert inspect("web")["pid"] == pid
    check_ctl("rm", "-f", "web")


def test_a_reload_of_the_unit_keeps_process_and_containers():
    pid = shell_in("web")
    before = main_pid()
    check("systemctl", "reload", SERVICE)
    wait_until(lambda: run("dokrustctl", "version").status == 0, 30, "an answer")
    assert main_pid() == before
    assert inspect("web")["pid"] == pid


@pytest.fixture(params=["template", "generated"])
def unit_of_web(request):
    """A container, and its unit."""
    check_ctl("create", "--name", "web", "busybox", "sh", "-c",
              "trap 'exit 0' TERM; while [ ! -e /fail ]; do sleep 0.1; done; rm /fail; exit 3")
    if request.param == "template":
        yield "dokrust@web.service"
    else:
        with open("/run/systemd/system/web.service", "w", encoding="utf-8") as file:
            file.write(check_ctl("generate", "systemd", "web"))
        check("systemctl", "daemon-reload")
        yield "web.service"
        os.unlink("/run/systemd/system/web.service")


def test_a_container_is_a_unit_of_its_own(unit_of_web):
    check("systemctl", "start", unit_of_web)
    assert inspect("web")["state"] == "running"
    pid, before = inspect("web")["pid"], main_pid()
    # The daemon's death is none of the unit's concern.
    os.kill(before, signal.SIGKILL)
    wait_until(lambda: main_pid() not in (0, before), 30, "another daemon")
    assert check_ctl("exec", "web", "echo", "on") == "on\n"
    assert (show(unit_of_web, "ActiveState"), show(unit_of_web, "NRestarts")) == ("active", "0")
    # What fails is started again, by systemd.
    check_ctl("exec", "web", "touch", "/fail")
    wait_until(lambda: inspect("web")["state"] == "running" and inspect("web")["pid"] != pid, 30, "another run")
    wait_until(lambda: show(unit_of_web, "NRestarts") == "1", 30, "the news of it")
    check("systemctl", "stop", unit_of_web)
    assert inspect("web")["state"] == "exited"


def test_the_socket_can_be_enabled():
    # Without reading all units again, which takes its time here.
    check("systemctl", "enable", "--no-reload", SOCKET_UNIT)
    assert check("systemctl", "is-enabled", SOCKET_UNIT) == "enabled\n"
    check("systemctl", "disable", "--no-reload", SOCKET_UNIT)
