"""The units, as `make install` puts them there, under a systemd that runs."""

import json
import os
import re
import signal
import stat
import subprocess
import time

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
    assert exposure <= 9.6


def test_the_hardening_of_the_unit_is_not_what_containers_may_not_do():
    check_ctl("run", "--rm", "-v", "/usr:/usr:ro", "-v", "/usr/lib:/lib:ro",
              "-v", "/usr/lib64:/lib64:ro", "busybox", "/usr/bin/python3", "-c",
              "import mmap, os; mmap.mmap(-1, 4096, prot=7);"
              "os.sched_setscheduler(0, os.SCHED_BATCH, os.sched_param(0))")


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
    check_ctl("run", "-d", "--name", "job", "--userns", "host", "busybox", "sh", "-c",
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
    assert ctl("run", "--name", "noted", "busybox", "sh", "-c", "exit 3").status == 3
    entries = [json.loads(line) for line in
               check("journalctl", "-o", "json", "CONTAINER_NAME=noted", "SYSLOG_IDENTIFIER=dokrustd").splitlines()]
    assert [entry["MESSAGE"] for entry in entries] == ["container noted has started",
                                                       "container noted has ended with status 3"]
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
    wait_until(lambda: inspect("web").get("pid") not in (None, pid), 30, "another run")
    wait_until(lambda: show(unit_of_web, "NRestarts") == "1", 30, "the news of it")
    check("systemctl", "stop", unit_of_web)
    assert inspect("web")["state"] == "exited"


def test_the_socket_can_be_enabled():
    # Without reading all units again, which takes its time here.
    check("systemctl", "enable", "--no-reload", SOCKET_UNIT)
    assert check("systemctl", "is-enabled", SOCKET_UNIT) == "enabled\n"
    check("systemctl", "disable", "--no-reload", SOCKET_UNIT)


# --- The place of the containers' groups ----------------------------------------------------------

PLACE = "dokrust-containers.service"


def group_of(name):
    with open(f"/proc/{inspect(name)['pid']}/cgroup", encoding="utf-8") as file:
        return file.read().strip().split("::")[1]


def test_containers_are_in_their_place_under_readable_names():
    shell_in("web")
    group = group_of("web")
    assert group == f"/machine.slice/{PLACE}/web-{inspect('web')['id'][:12]}"
    assert group.startswith(show(PLACE, "ControlGroup") + "/")
    for text in (check("systemd-cgls", "--no-pager", "-l"), run("systemctl", "status", "-l", PLACE).out):
        assert "web-" + inspect("web")["id"][:12] in text
        assert "sleep 100000" in text


def test_a_reload_of_all_units_changes_nothing():
    check_ctl("run", "-d", "--name", "web", "--pids-limit", "20", "-m", "64m", "busybox", "sleep", "100000")
    pid, group = inspect("web")["pid"], group_of("web")
    for what in ("daemon-reload", "daemon-reexec"):
        check("systemctl", what)
        assert (inspect("web")["pid"], group_of("web")) == (pid, group)
        with open(f"/sys/fs/cgroup{group}/pids.max", encoding="utf-8") as file:
            assert file.read() == "20\n"
        # Controllers are still handed down: the next container gets its limits, too.
        assert ctl("run", "--rm", "-m", "24m", "busybox", "sh", "-c",
                   "x=a; while :; do x=$x$x; done").status == 137


def test_the_place_cannot_be_taken_away_under_them_and_goes_with_the_daemon():
    pid = shell_in("web")
    done = run("systemctl", "stop", PLACE)
    assert done.status != 0
    assert os.path.exists(f"/proc/{pid}")
    for what in (["restart"], ["kill", "-s", "KILL"]):
        check("systemctl", *what, SERVICE)
        wait_until(lambda: run("dokrustctl", "version").status == 0)
        assert inspect("web")["pid"] == pid
        assert show(PLACE, "ActiveState") == "active"
    check("systemctl", "stop", SERVICE)
    wait_until(lambda: show(PLACE, "ActiveState") == "inactive", 10, "the end of the place")
    assert not os.path.exists(f"/sys/fs/cgroup/machine.slice/{PLACE}")


def test_a_kill_for_want_of_memory_is_the_end_of_nobody_else():
    pid = shell_in("neighbour")
    assert ctl("run", "--name", "hog", "-m", "24m", "busybox", "sh", "-c",
               "x=a; while :; do x=$x$x; done").status == 137
    assert inspect("hog")["oom_killed"] is True
    assert inspect("neighbour")["pid"] == pid
    assert check_ctl("exec", "neighbour", "echo", "fine") == "fine\n"
    assert show(PLACE, "ActiveState") == "active"


def test_what_a_scope_for_each_container_would_cost(figure):
    def median_ms(*argv):
        took = []
        for _ in range(5):
            begin = time.monotonic()
            check(*argv)
            took.append((time.monotonic() - begin) * 1000)
        return sorted(took)[len(took) // 2]

    check_ctl("version")
    bus = ["busctl", "call", "org.freedesktop.systemd1", "/org/freedesktop/systemd1",
           "org.freedesktop.systemd1.Manager"]
    asked = median_ms(*bus, "GetUnit", "s", SERVICE)
    took = []
    for i in range(5):
        sleeper = subprocess.Popen(["sleep", "1000"])
        begin = time.monotonic()
        check(*bus, "StartTransientUnit", "ssa(sv)a(sa(sv))", f"measure-{i}.scope", "fail", "2",
              "PIDs", "au", "1", sleeper.pid, "Delegate", "b", "true", "0")
        wait_until(lambda p=sleeper.pid: f"measure-{i}.scope" in open(f"/proc/{p}/cgroup").read())
        took.append((time.monotonic() - begin) * 1000)
        sleeper.kill()
        sleeper.wait()
    figure("ms for a question to systemd", round(asked, 1))
    figure("ms for a scope of its own", round(sorted(took)[2], 1))
    figure("ms for run --rm true", round(median_ms("dokrustctl", "run", "--rm", "busybox", "true"), 1))


# --- machined ------------------------------------------------------------------------------------

def machines():
    return [line.split()[0] for line in check("machinectl", "list", "--no-legend").splitlines() if line]


def test_containers_are_listed_by_machinectl_while_they_run():
    shell_in("web_1")
    wait_until(lambda: "web-1" in machines(), 30, "the registration")
    assert check("machinectl", "show", "--value", "-p", "Leader", "web-1").strip() == str(inspect("web_1")["pid"])
    assert check("machinectl", "show", "--value", "-p", "Service", "web-1").strip() == "dokrust"
    # Ending it that way would be the end of all that are in the place.
    assert run("machinectl", "terminate", "web-1").status != 0
    check("systemctl", "restart", SERVICE)
    check_ctl("stop", "web_1")
    wait_until(lambda: "web-1" not in machines(), 30, "the end of the registration")


def test_a_machined_that_does_not_answer_keeps_nobody_waiting():
    shell_in("first")
    wait_until(lambda: "first" in machines(), 30, "the registration")
    check("systemctl", "kill", "-s", "STOP", "systemd-machined")
    try:
        for _ in range(5):
            begin = time.monotonic()
            check_ctl("run", "--rm", "busybox", "true")
            assert time.monotonic() - begin < 5
    finally:
        check("systemctl", "kill", "-s", "CONT", "systemd-machined")
