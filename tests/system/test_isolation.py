"""What a process in a container sees, and what it does not."""
import os
import pathlib
import re
import stat

import pytest

import processes
from host import Ctl

DEFAULT_CAPABILITIES = "00000000a80425fb"
NAMESPACES = ["mnt", "pid", "uts", "ipc", "net", "cgroup"]


@pytest.fixture(params=[None, "host"])
def ctl(daemon, request):
    """Whose containers have ids of their own, and then the host's."""
    return Ctl(daemon, userns=request.param)


@pytest.fixture
def box(daemon, ctl):
    """A container that sleeps: its process, as the host sees it."""
    daemon.run("box", "sleep", "infinity", userns=ctl.userns or "auto")
    init = daemon.inspect("box")["pid"]
    return init, processes.wait_until(lambda: processes.children(init))[0]


def lines(ctl, script, *options):
    return ctl.sh(script, *options).splitlines()


# --- Namespaces ----------------------------------------------------------------------------------

@pytest.mark.parametrize("kind", NAMESPACES)
def test_namespaces_are_new(ctl, daemon, box, kind):
    daemon.run("other", "sleep", "infinity")
    own = {processes.namespace(pid, kind) for pid in
           (os.getpid(), daemon.pid, box[1], daemon.inspect("other")["pid"])}
    assert len(own) == 3
    assert processes.namespace(box[0], kind) == processes.namespace(box[1], kind)


def test_only_its_own_processes_are_seen(ctl):
    seen = lines(ctl, "ps -o pid,comm; true")
    assert [line.split()[1] for line in seen[1:]] == ["dokrust-init", "sh", "ps"]
    assert [int(line.split()[0]) for line in seen[1:3]] == [1, 2]


def test_without_init_the_command_is_process_1(ctl):
    assert ctl.sh("echo $$", "--no-init") == "1\n"
    assert ctl.sh("echo $$") == "2\n"


def test_the_loopback_is_up_and_alone(ctl):
    shown = ctl.sh("ls /sys/class/net; ip -4 addr show lo; ping -c 1 -W 5 127.0.0.1")
    assert shown.splitlines()[0] == "lo"
    assert "LOOPBACK,UP" in shown and "127.0.0.1/8" in shown and "1 packets received" in shown


def test_connections_over_the_loopback(ctl):
    script = "nc -l -p 8080 -e echo hello & sleep 0.3; nc 127.0.0.1 8080 </dev/null"
    assert ctl.sh(script) == "hello\n"


def test_the_hosts_ipc_and_names_are_out_of_reach(ctl):
    before = os.uname().nodename
    assert ctl.sh("hostname changed 2>/dev/null || echo refused") == "refused\n"
    assert os.uname().nodename == before
    before = pathlib.Path("/proc/sysvipc/shm").read_text()
    assert len(ctl.sh("cat /proc/sysvipc/shm /proc/sysvipc/sem /proc/sysvipc/msg").splitlines()) == 3
    assert pathlib.Path("/proc/sysvipc/shm").read_text() == before


# --- Root ----------------------------------------------------------------------------------------

def test_the_old_root_is_gone(ctl, daemon, box):
    points = processes.mounts(box[1])
    # Only what is the container's own, and no path of the host's.
    assert [path for path in points if not re.match(r"/(proc|sys|dev)(/|$)", path)] == ["/"]
    info = pathlib.Path(f"/proc/{box[1]}/mountinfo").read_text()
    assert str(daemon.directory) not in info
    assert (pathlib.Path(f"/proc/{box[1]}/root") / "etc/debian_version").exists() is False


def test_the_way_up_ends_at_the_root(ctl):
    assert ctl.sh("cd ../../../../..; pwd; ls -d /proc/1/root/bin 2>&1 | tail -1",
                  "-w", "/tmp").splitlines()[0] == "/"


def test_mounts_of_a_container_do_not_reach_the_host(daemon, box):
    assert processes.mounts_below(daemon.directory) == []
    assert processes.mounts_below(daemon.directory, daemon.pid) == []


def test_a_rootfs_brings_the_same_kernel_files(ctl, debian_tree):
    shown = ctl.ok("run", "--rm", "--rootfs", debian_tree, "sh", "-c",
                   "ls -d /proc/self /sys/kernel /dev/pts /dev/shm /dev/mqueue; cat /proc/1/comm")
    assert shown.split() == ["/dev/mqueue", "/dev/pts", "/dev/shm", "/proc/self", "/sys/kernel",
                             "dokrust-init"]


# --- /proc, /sys, /dev ---------------------------------------------------------------------------

@pytest.mark.parametrize("path", [
    "/proc/sys/kernel/hostname", "/proc/sysrq-trigger", "/proc/irq/0/smp_affinity",
    "/proc/sys/vm/drop_caches", "/proc/bus/pci/devices", "/proc/fs/ext4/options"])
def test_what_governs_the_host_cannot_be_written(ctl, path):
    """Not every kernel has all of them."""
    result = ctl("run", "--rm", "busybox", "sh", "-c", f"test -e {path} || exit 5; echo x >{path}")
    assert result.status == 5 or "Read-only file system" in result.err


def test_sys_is_read_only(ctl):
    result = ctl("run", "--rm", "busybox", "sh", "-c", "echo 1 >/sys/kernel/profiling; "
                 "mount -o remount,rw /sys; mkdir /sys/fs/cgroup/new")
    assert result.status != 0
    options = next(line.split()[3] for line in lines(ctl, "cat /proc/mounts")
                   if line.split()[1] == "/sys")
    assert {"ro", "nosuid", "nodev", "noexec"} <= set(options.split(","))


@pytest.mark.parametrize("path", ["/proc/kcore", "/proc/keys", "/proc/timer_list",
                                  "/proc/interrupts", "/proc/latency_stats", "/proc/sched_debug"])
def test_files_that_tell_too_much_are_masked(ctl, path):
    assert ctl.sh(f"test ! -e {path} || cat {path} | wc -c | grep -x 0 >/dev/null && echo masked") \
        == "masked\n"


@pytest.mark.parametrize("path", ["/proc/acpi", "/proc/scsi", "/proc/asound", "/sys/firmware",
                                  "/sys/devices/virtual/powercap"])
def test_directories_that_tell_too_much_are_masked(ctl, path):
    assert ctl.sh(f"test ! -e {path} || ls -A {path}; touch {path}/x 2>/dev/null || echo no") \
        == "no\n"


def test_dev_is_minimal(ctl):
    names = set(ctl.sh("ls /dev").split())
    assert names == {"fd", "full", "mqueue", "null", "ptmx", "pts", "random", "shm", "stderr",
                     "stdin", "stdout", "tty", "urandom", "zero"}
    assert set(ctl.ok("run", "--rm", "-t", "busybox", "ls", "/dev").split()) == names | {"console"}


def test_devices_work_and_no_other_can_be_made_to(ctl):
    script = ("head -c 4 /dev/zero | od -An -tx1; head -c 9 /dev/urandom | wc -c;"
              " echo gone >/dev/null; cat /dev/null; (mknod /tmp/mem c 1 1 && head -c1 /tmp/mem) 2>&1;"
              " (mknod /dev/mem c 1 1 && head -c1 /dev/mem) 2>&1 || echo refused")
    shown = ctl.sh(script)
    assert shown.split()[:5] == ["00", "00", "00", "00", "9"]
    assert shown.count("Permission denied" if ctl.userns else "Operation not permitted") == 2


def test_standard_devices_cannot_be_removed_from_under_others(ctl):
    ctl.sh("(chmod 600 /dev/null; rm -f /dev/null; echo replaced >/dev/null) 2>/dev/stdout")
    mode = os.stat("/dev/null")
    assert stat.S_ISCHR(mode.st_mode) and mode.st_rdev == os.makedev(1, 3)
    assert ctl.sh("ls -l /dev/null").startswith("crw-rw-rw-")


def test_devpts_is_its_own(ctl, daemon):
    daemon.run("one", "sleep", "infinity", terminal=True)
    shown = ctl.ok("run", "--rm", "-t", "busybox", "sh", "-c", "ls /dev/pts; tty")
    assert shown.split() == ["0", "ptmx", "/dev/pts/0"]


def test_the_terminal_has_its_name_inside(ctl):
    shown = ctl.ok("run", "--rm", "-t", "busybox", "sh", "-c",
                   "tty; echo to it >/dev/tty; test -t 1 && ls -l /proc/self/fd/0")
    assert shown.splitlines()[:2] == ["/dev/pts/0", "to it"]
    assert shown.rstrip().endswith("/dev/pts/0")


def test_shared_memory_and_message_queues_are_its_own(ctl):
    script = "echo x >/dev/shm/a; df -k /dev/shm | tail -1; ls /dev/mqueue; cat /proc/mounts"
    shown = ctl.sh(script)
    assert "65536" in shown and " /dev/mqueue mqueue " in shown and " /dev/shm tmpfs " in shown
    assert not os.path.exists("/dev/shm/a")


# --- Rights --------------------------------------------------------------------------------------

def test_capabilities_of_root_are_the_usual_few(ctl):
    status = dict(line.split(":\t") for line in lines(ctl, "grep -E '^(Cap|NoNew)' /proc/self/status"))
    assert status == {"CapInh": "0" * 16, "CapPrm": DEFAULT_CAPABILITIES,
                      "CapEff": DEFAULT_CAPABILITIES, "CapBnd": DEFAULT_CAPABILITIES,
                      "CapAmb": "0" * 16, "NoNewPrivs": "1"}


def test_another_user_has_none_and_can_get_none(ctl):
    status = ctl.sh("grep -E '^(CapPrm|CapEff|NoNew)' /proc/self/status", "-u", "1000")
    assert status == f"CapPrm:\t{'0' * 16}\nCapEff:\t{'0' * 16}\nNoNewPrivs:\t1\n"
    assert ctl("run", "--rm", "-u", "1000", "busybox", "su", "-c", "id").status != 0


def test_what_only_the_hosts_root_may_do_is_refused(ctl):
    result = ctl("run", "--rm", "busybox", "sh", "-c", "mount -t tmpfs x /mnt; mount -t proc x /mnt;"
                 " umount /proc; date -s 2020-01-01; unshare -m true; chroot / mount --bind / /mnt;"
                 " sysctl -w kernel.panic=1; swapoff -a; nice -n -5 true; echo done")
    assert result.out.splitlines()[-1] == "done"
    mounts = ctl.sh("mount -t tmpfs x /mnt 2>/dev/null || echo refused")
    assert mounts == "refused\n"


def test_setuid_programs_gain_nothing(ctl):
    script = ("cp /bin/busybox /tmp/busybox; chmod 4755 /tmp/busybox; "
              "su -s /bin/sh nobody -c '/tmp/busybox id -u; exec /tmp/busybox grep Uid /proc/self/status'")
    assert ctl.sh(script).split() == ["65534", "Uid:"] + ["65534"] * 4


def test_no_descriptor_leaks_in(ctl, daemon, box):
    for options in ([], ["--no-init"], ["-t"], ["-i"]):
        shown = ctl.ok("run", "--rm", *options, "busybox", "sh", "-c",
                       "exec ls /proc/self/fd").split()
        # The fourth is that of the directory being listed.
        assert shown == ["0", "1", "2", "3"], options
    init = processes.open_fds(box[0])
    assert {re.sub(r"\d+", "N", target) for target in init.values()} <= {
        "socket:[N]", "anon_inode:[signalfd]"}


def test_environment_and_limits_of_the_daemon_do_not_leak_in(new_daemon):
    daemon = new_daemon().start(env={"SECRET": "daemon's"})
    ctl = Ctl(daemon)
    assert "SECRET" not in ctl.sh("env")
    assert ctl.sh("umask") == "0022\n"
    assert ctl.ok("run", "--rm", "busybox", "grep", "-E", "^(SigBlk|SigIgn)",
                  "/proc/self/status") == (
        f"SigBlk:\t{'0' * 16}\nSigIgn:\t{'0' * 16}\n")


# --- dokrust-init --------------------------------------------------------------------------------

def test_there_is_no_way_to_the_program_of_process_1(ctl):
    script = ("for path in exe root cwd ns/mnt ns/net environ mem maps fd/0 fd/3 fd/4 fd/5; do"
              " (ls /proc/1/$path/ || cat /proc/1/$path || readlink /proc/1/$path)"
              " >/dev/null 2>&1 && echo $path; done;"
              " (echo x >/proc/1/exe) 2>/dev/null && echo written;"
              " (echo x >/proc/1/mem) 2>/dev/null && echo written; echo done")
    assert ctl.sh(script) == "done\n"


def test_process_1_holds_next_to_nothing(box):
    init = box[0]
    # A moment after the command has begun.
    processes.wait_until(lambda: processes.status_field(init, "CapEff") == f"{1 << 5:016x}")
    assert processes.status_field(init, "Threads") == "1"
    assert int(processes.status_field(init, "VmRSS").split()[0]) < 1024


def test_orphans_are_reaped(daemon):
    script = ("for i in 1 2 3 4 5; do (sh -c 'sleep 0.1 &') ; done; sleep 1;"
              " ps -o stat,comm | grep -c '^Z'; exec sleep infinity")
    with daemon.run_viewer({"image": "busybox", "command": ["sh", "-c", script]}, "a") as viewer:
        viewer.wait_for(b"\n")
        assert viewer.out[1] == b"0\n"
        init = daemon.inspect("a")["pid"]
        processes.wait_until(lambda: len(processes.children(init)) == 1)


def test_what_is_left_running_ends_with_the_command(daemon):
    script = "sleep 1000 & sleep 1000 & echo $!"
    with daemon.run_viewer({"image": "busybox", "command": ["sh", "-c", script]}, "a") as viewer:
        assert viewer.finish() == 0
    daemon.wait_for_state("a", "exited")
    processes.wait_until(lambda: all(processes.command(pid) != "sleep"
                                     for pid in daemon.left_processes()))


@pytest.mark.parametrize("number", [1, 2, 3, 10, 12, 15, 28, 40, 64])
def test_signals_to_process_1_are_for_the_command(daemon, number):
    """From the host, as a tool that knows only pids would send them."""
    daemon.run_trap("a", f"'exit 5' {number}")
    os.kill(daemon.inspect("a")["pid"], number)
    assert daemon.wait_for_state("a", "exited")["exit_status"] == 5


def test_killing_process_1_ends_the_container(daemon):
    daemon.run("a", "sleep", "infinity")
    os.kill(daemon.inspect("a")["pid"], 9)
    assert daemon.wait_for_state("a", "exited")["exit_status"] == 137
