"""What a container's processes may do, as it was asked for: effects, seen from inside."""
import json
import os
import pathlib
import stat

import pytest

import processes
from host import DOKRUSTCTL, Ctl, run

DEFAULT = 0xa80425fb
NET_ADMIN, SYS_ADMIN, KILL = 1 << 12, 1 << 21, 1 << 5


ROOT_DISK = os.stat("/").st_dev


def status(ctl, *options, execute=None):
    """Fields of /proc/self/status, capabilities as numbers."""
    argv = ["grep", "-E", "^(Cap|NoNew|Seccomp:|Groups)", "/proc/self/status"]
    text = ctl.ok("exec", *options, execute, *argv) if execute else \
        ctl.ok("run", "--rm", *options, "busybox", *argv)
    fields = dict(line.split(":", 1) for line in text.splitlines())
    return {key: int(value, 16) if key.startswith("Cap") else value.strip()
            for key, value in fields.items()}


# --- Capabilities --------------------------------------------------------------------------------

@pytest.mark.parametrize("options, expected", [
    (["--cap-add", "NET_ADMIN"], DEFAULT | NET_ADMIN),
    (["--cap-add", "cap_net_admin", "--cap-drop", "Kill"], (DEFAULT | NET_ADMIN) & ~KILL),
    (["--cap-drop", "ALL"], 0),
    (["--cap-drop", "ALL", "--cap-add", "KILL"], KILL),
])
@pytest.mark.parametrize("init", [[], ["--no-init"]])
def test_capabilities_are_added_and_dropped(ctl, options, expected, init):
    found = status(ctl, *options, *init)
    assert found["CapPrm"] == found["CapEff"] == found["CapBnd"] == expected
    assert found["CapInh"] == found["CapAmb"] == 0


def test_all_capabilities_are_those_that_the_daemon_has(ctl, daemon):
    own = int(processes.status_field(daemon.pid, "CapPrm"), 16)
    host = ["--userns", "host", "--cap-add", "ALL"]
    assert status(ctl, *host)["CapEff"] == own
    assert status(ctl, *host, "--cap-drop", "SYS_ADMIN")["CapEff"] == own & ~SYS_ADMIN


def test_another_user_has_what_was_added_by_name(ctl):
    found = status(ctl, "-u", "1000", "--cap-add", "NET_ADMIN")
    for kind in ("CapInh", "CapPrm", "CapEff", "CapAmb"):
        assert found[kind] == NET_ADMIN
    assert found["CapBnd"] == DEFAULT | NET_ADMIN
    up = ["ip", "link", "set", "lo", "down"]
    assert ctl("run", "--rm", "-u", "1000", "busybox", *up).status != 0
    assert ctl.ok("run", "--rm", "-u", "1000", "--cap-add", "NET_ADMIN", "busybox", *up) == ""


def test_an_exec_has_the_rights_of_its_container(ctl):
    ctl.ok("run", "-d", "--name", "a", "--cap-drop", "ALL", "--cap-add", "NET_ADMIN",
           "--group-add", "77", "--ulimit", "nofile=50:60", "busybox", "sleep", "infinity")
    found = status(ctl, execute="a")
    assert found["CapEff"] == found["CapBnd"] == NET_ADMIN
    assert found["NoNewPrivs"] == "1" and found["Seccomp"] == "2" and "77" in found["Groups"]
    assert ctl.ok("exec", "a", "sh", "-c", "ulimit -Sn; ulimit -Hn") == "50\n60\n"
    other = status(ctl, "-u", "1000", execute="a")
    assert other["CapEff"] == other["CapAmb"] == NET_ADMIN


def test_a_capability_that_the_daemon_lacks_cannot_be_given(ctl, daemon):
    own = int(processes.status_field(daemon.pid, "CapPrm"), 16)
    if own & 1 << 24:
        pytest.skip("this machine has CAP_SYS_RESOURCE")
    said = ctl.fails(125, "run", "--cap-add", "SYS_RESOURCE", "busybox", "true")
    assert said == "run: CAP_SYS_RESOURCE: the daemon does not have it itself"
    assert ctl.fails(1, "create", "--cap-add", "SYS_RESOURCE", "busybox").startswith("create: ")
    assert daemon.list(all=True) == []


# --- Privileged, and in parts --------------------------------------------------------------------

def test_a_privileged_container_is_hardly_confined(ctl, daemon):
    found = status(ctl, "--privileged")
    assert found["CapEff"] == int(processes.status_field(daemon.pid, "CapPrm"), 16)
    assert found["Seccomp"] == "0"
    script = ("mount -t tmpfs x /mnt && echo mounted; grep -c ' /proc/' /proc/mounts;"
              " grep ' /sys sysfs rw,' /proc/mounts | wc -l; cat /dev/kmsg >/dev/null & sleep 0.1;"
              " kill $! && echo read")
    assert ctl.sh(script, "--privileged").split() == ["mounted", "0", "1", "read"]


def test_a_privileged_container_has_the_hosts_devices(ctl):
    ours = {str(path) for path in pathlib.Path("/dev").rglob("*")
            if not path.is_symlink() and (stat.S_ISCHR(path.stat().st_mode)
                                          or stat.S_ISBLK(path.stat().st_mode))
            and not str(path).startswith(("/dev/pts/", "/dev/shm/", "/dev/mqueue/"))}
    shown = ctl.sh("find /dev -type c -o -type b", "--privileged").split()
    assert ours - set(shown) <= {"/dev/console", "/dev/ptmx"}
    assert ctl.sh("mknod /tmp/n c 1 3 && head -c1 /tmp/n | wc -c", "--privileged") == "0\n"


def test_system_paths_can_be_shown_without_more(ctl):
    options = ["--security-opt", "systempaths=unconfined"]
    assert ctl.sh("grep -c ' /proc/' /proc/mounts; true", *options) == "0\n"
    assert int(ctl.sh("head -c 9 /proc/keys | wc -c; true", *options)) > 0
    assert ctl.sh("grep -c ' /sys sysfs ro,' /proc/mounts", *options) == "1\n"
    assert status(ctl, *options)["CapEff"] == DEFAULT


# --- New privileges ------------------------------------------------------------------------------

SETUID = ("cp /bin/dash /tmp/sh; chmod 4755 /tmp/sh;"
          " exec setpriv --reuid=1000 --clear-groups /tmp/sh -p -c 'id -u; id -ru'")


def test_setuid_programs_gain_nothing(ctl, debian):
    for options in ([], ["--security-opt", "no-new-privileges"],
                    ["--security-opt", "no-new-privileges=true"]):
        shown = ctl.ok("run", "--rm", *options, "--rootfs", debian, "sh", "-c", SETUID)
        assert shown == "1000\n1000\n", options


def test_setuid_programs_work_where_they_may(ctl, debian):
    options = ["--security-opt", "no-new-privileges=false"]
    assert ctl.ok("run", "--rm", *options, "--rootfs", debian, "sh", "-c", SETUID) == "0\n1000\n"
    for user in ("0", "1000"):
        found = status(ctl, *options, "-u", user)
        assert found["NoNewPrivs"] == "0" and found["Seccomp"] == "2"
        assert found["CapEff"] == (DEFAULT if user == "0" else 0)


# --- Seccomp -------------------------------------------------------------------------------------

@pytest.fixture
def profile(directory):
    def write(**changes):
        path = directory / "profile.json"
        path.write_text(json.dumps({
            "defaultAction": "SCMP_ACT_ALLOW",
            "syscalls": [{"names": ["mkdir", "mkdirat"], "action": "SCMP_ACT_ERRNO",
                          "errnoRet": 28}], **changes}))
        return f"seccomp={path}"
    return write


@pytest.mark.parametrize("options", [[], ["--no-init"], ["-u", "1000"],
                                     ["--security-opt", "no-new-privileges=false"]])
def test_a_profile_of_ones_own_is_what_counts(ctl, profile, options):
    result = ctl("run", "--rm", *options, "--security-opt", profile(), "busybox", "mkdir", "/tmp/a")
    assert result.status == 1 and "No space left on device" in result.err


def test_a_profile_holds_for_execs_and_later_runs(ctl, profile):
    ctl.ok("create", "--name", "a", "--security-opt", profile(), "busybox", "sleep", "infinity")
    for _ in range(2):
        ctl.ok("start", "a")
        assert "No space left" in ctl("exec", "a", "mkdir", "/tmp/a").err
        ctl.ok("stop", "-t", "0", "a")


def test_unconfined_is_without_a_filter(ctl):
    assert status(ctl, "--security-opt", "seccomp=unconfined")["Seccomp"] == "0"


def test_a_profile_that_kills_is_seen_as_such(ctl, profile):
    option = profile(syscalls=[{"name": "mkdir", "action": "SCMP_ACT_KILL_PROCESS"}])
    assert ctl("run", "--rm", "--security-opt", option, "busybox", "mkdir", "/a").status == 128 + 31


def test_a_profile_without_execve_is_an_error_and_no_hang(ctl, profile):
    option = profile(defaultAction="SCMP_ACT_ERRNO", syscalls=[])
    assert ctl("run", "--rm", "--security-opt", option, "busybox", "true").status in (125, 126)
    assert ctl("run", "--rm", "--no-init", "--security-opt", option, "busybox", "true").status > 124


def test_dockers_own_profile_is_understood(ctl, directory):
    """In its whole form: every key that it uses, names of other machines and of newer kernels."""
    path = directory / "docker.json"
    path.write_text(json.dumps({
        "defaultAction": "SCMP_ACT_ERRNO", "defaultErrnoRet": 1,
        "archMap": [{"architecture": "SCMP_ARCH_X86_64",
                     "subArchitectures": ["SCMP_ARCH_X86", "SCMP_ARCH_X32"]},
                    {"architecture": "SCMP_ARCH_AARCH64", "subArchitectures": ["SCMP_ARCH_ARM"]},
                    {"architecture": "SCMP_ARCH_RISCV64", "subArchitectures": None}],
        "syscalls": [
            {"names": ["futex_wait", "mseal", "uretprobe", "riscv_hwprobe", "breakpoint", "set_tls",
                       "clock_gettime64", "_llseek", "arm_fadvise64_64", "s390_runtime_instr"],
             "action": "SCMP_ACT_ALLOW"},
            {"names": ["mkdir"], "action": "SCMP_ACT_ERRNO", "errnoRet": 28,
             "comment": "c", "args": [], "includes": {}, "excludes": {"caps": ["CAP_SYS_ADMIN"]}},
            {"names": ["ptrace"], "action": "SCMP_ACT_ALLOW", "includes": {"minKernel": "4.8"}},
            {"names": [name for name in KNOWN], "action": "SCMP_ACT_ALLOW", "args": None},
        ]}))
    result = ctl("run", "--rm", "--security-opt", f"seccomp={path}", "busybox", "mkdir", "/tmp/a")
    assert result.status == 1 and "No space left" in result.err


# What busybox needs to fail at mkdir.
KNOWN = ["execve", "exit", "exit_group", "write", "writev", "read", "brk", "mmap", "munmap", "fstat",
         "arch_prctl", "getuid", "geteuid", "getgid", "getegid", "ioctl", "prctl", "rt_sigaction",
         "rt_sigprocmask", "set_tid_address", "set_robust_list", "rseq", "uname", "readlink",
         "getrandom", "mprotect", "umask", "newfstatat", "faccessat2", "prlimit64", "stat", "lseek",
         "open", "openat", "close", "fcntl", "poll", "chmod"]


@pytest.mark.parametrize("text, said", [
    ("{", "profile.json: "),
    ('{"defaultAction": "SCMP_ACT_ALLOW", "x": 1}', 'there is no "x"'),
    ('{"defaultAction": "SCMP_ACT_ALLOW", "syscalls": [{"name": "mkdri", "action":'
     ' "SCMP_ACT_ERRNO"}]}', 'syscalls[0].names: there is no system call "mkdri"'),
])
def test_a_profile_that_is_wrong_is_refused_before_anything_starts(ctl, daemon, directory, text, said):
    path = directory / "profile.json"
    path.write_text(text)
    for command, code in (("run", 125), ("create", None)):
        result = ctl(command, "--security-opt", f"seccomp={path}", "busybox", "true")
        assert result.status in ((code,) if code else (1, 125)) and said in result.err
    assert daemon.list(all=True) == []


def test_a_filter_costs_a_system_call_next_to_nothing(ctl):
    """Not a figure, which a busy machine cannot give: that the kernel knows what is always allowed."""
    script = "time sh -c 'dd if=/dev/zero of=/dev/null bs=1 count=200000 2>/dev/null'"
    times = {}
    for option in ("seccomp=unconfined", None):
        options = ["--security-opt", option] if option else []
        times[option] = min(
            float(ctl("run", "--rm", *options, "busybox", "sh", "-c", script).err.split("real")[1]
                  .split()[1].rstrip("s")) for _ in range(5))
    assert times[None] < 2 * times["seccomp=unconfined"] + 0.05


# --- Limits --------------------------------------------------------------------------------------

def test_limits_are_set(ctl):
    shown = ctl.sh("ulimit -Sn; ulimit -Hn; ulimit -Sc; ulimit -Hc; ulimit -Hs",
                   "--ulimit", "nofile=100:200", "--ulimit", "core=0", "--ulimit", "stack=1048576")
    assert shown.split() == ["100", "200", "0", "0", "1024"]


def test_a_limit_that_cannot_be_raised_is_a_warning(ctl, daemon):
    hard = int(pathlib.Path(f"/proc/{daemon.pid}/limits").read_text()
               .split("Max open files")[1].split()[1])
    nr_open = int(pathlib.Path("/proc/sys/fs/nr_open").read_text())
    warning = f"ulimit nofile: the hard limit is {hard} here, and cannot be raised; the container " \
        "has that"
    limit = f"nofile={nr_open + 1}"
    result = ctl("run", "--rm", "--ulimit", limit, "busybox", "sh", "-c", "ulimit -Hn")
    assert result.status == 0 and result.out == f"{hard}\n"
    assert result.err == f"dokrustctl: warning: {warning}\n"
    result = ctl("run", "-d", "--name", "a", "--ulimit", limit, "busybox", "sleep", "infinity")
    assert result.status == 0 and result.err == f"dokrustctl: warning: {warning}\n"
    assert ctl.inspect("a")["warnings"] == [warning]
    ctl.ok("stop", "-t", "0", "a")
    result = ctl("start", "a")
    assert result.out == "a\n" and result.err == f"dokrustctl: warning: {warning}\n"


def test_the_oom_score_is_as_asked(ctl, daemon):
    assert ctl.sh("cat /proc/self/oom_score_adj /proc/1/oom_score_adj",
                  "--oom-score-adj", "300") == "300\n300\n"
    ctl.ok("run", "-d", "--name", "a", "--oom-score-adj", "200", "busybox", "sleep", "infinity")
    assert ctl.ok("exec", "a", "cat", "/proc/self/oom_score_adj") == "200\n"
    # The daemon's own is not inherited. (In a user namespace it cannot be lowered where this process has
    # CAP_SYS_RESOURCE, with which the one that it sets becomes the least.)
    path = pathlib.Path(f"/proc/{daemon.pid}/oom_score_adj")
    path.write_text("100")
    assert ctl("run", "--rm", "--userns", "host", "busybox", "cat", "/proc/self/oom_score_adj").out == "0\n"


# --- Kernel parameters, devices, groups, shared memory --------------------------------------------

def test_kernel_parameters_are_the_containers_own(ctl):
    names = {"net.ipv4.ip_forward": "1", "kernel.shmmax": "12345678", "kernel.msgmax": "4000",
             "kernel.sem": "300\t40000\t400\t200", "fs.mqueue.msg_max": "20",
             "net.ipv4.ping_group_range": "0\t7"}
    paths = ["/proc/sys/" + name.replace(".", "/") for name in names]
    before = [pathlib.Path(path).read_text() for path in paths]
    options = [option for name, value in names.items() for option in ("--sysctl", f"{name}={value}")]
    shown = ctl.sh("cat " + " ".join(paths), *options)
    assert shown.splitlines() == list(names.values())
    assert [pathlib.Path(path).read_text() for path in paths] == before


@pytest.mark.parametrize("text, said", [
    ("kernel.panic=1", "not a container's own"), ("vm.swappiness=1", "not a container's own"),
    ("net/../kernel/panic=1", "not a container's own"), ("net.nope=1", "No such file"),
    ("net.ipv4.ip_forward=x", "Invalid argument"), ("net.ipv4.ip_forward", "KEY=VALUE"),
])
def test_kernel_parameters_of_the_host_are_refused(ctl, daemon, text, said):
    assert said in ctl.fails(125, "run", "--sysctl", text, "busybox", "true")
    assert daemon.list(all=True) == []


def test_a_device_is_given(ctl):
    numbers = os.stat("/dev/fuse").st_rdev
    shown = ctl.sh("stat -c %t:%T /dev/fuse /dev/a/b; wc -c </dev/a/b",
                   "--device", "/dev/fuse", "--device", "/dev/null:/dev/a/b:r")
    assert shown.split() == [f"{os.major(numbers):x}:{os.minor(numbers):x}", "1:3", "0"]
    opened = ctl("run", "--rm", "--device", "/dev/fuse", "busybox", "sh", "-c", ": <>/dev/fuse && echo yes")
    assert opened.out == "yes\n"
    # And no other by way of it.
    made = ctl("run", "--rm", "--userns", "host", "--device", "/dev/fuse", "busybox", "sh", "-c",
               "mknod /dev/x c 10 229 && : <>/dev/x")
    assert "Permission denied" in made.err


# It has taken the first wall away: its mounts are nodev no more.
WITH_NODES = ["--userns", "host", "--cap-add", "SYS_ADMIN", "--security-opt", "seccomp=unconfined"]
MAKE_NODES = "mount -o remount,dev / && "


def test_devices_that_are_not_given_cannot_be_opened_whatever_is_mounted(ctl):
    for name, numbers in (("memory", "c 1 1"), ("disk", f"b {os.major(ROOT_DISK)} {os.minor(ROOT_DISK)}"),
                          ("fuse", "c 10 229")):
        result = ctl("run", "--rm", *WITH_NODES, "busybox", "sh", "-c",
                     MAKE_NODES + f"mknod /{name} {numbers} && echo made && head -c 1 /{name}")
        assert result.out == "made\n" and "Operation not permitted" in result.err, result.err
    shown = ctl.sh(MAKE_NODES + "mknod /n c 1 3 && echo x >/n && echo works", *WITH_NODES)
    assert shown == "works\n"


def test_a_device_is_given_for_what_was_said(ctl):
    look = "(: </dev/fuse) && echo read; (: <>/dev/fuse) && echo both"
    for userns in ("host", "auto"):
        shown = ctl("run", "--rm", "--userns", userns, "--device", "/dev/fuse:r", "busybox", "sh", "-c", look)
        assert shown.out == "read\n" and "Operation not permitted" in shown.err
        assert ctl.sh(look, "--userns", userns, "--device", "/dev/fuse:rw") == "read\nboth\n"
    # Nor can a node of its own be made, without m.
    result = ctl("run", "--rm", *WITH_NODES, "busybox", "mknod", "/x", "c", "10", "229")
    assert result.status == 0


def test_a_rule_for_devices_allows_nodes_of_its_numbers(ctl):
    make = MAKE_NODES + "mknod /f c 10 229 && (: <>/f) && echo opened"
    assert ctl.sh(make, *WITH_NODES, "--device-cgroup-rule", "c 10:229 rw") == "opened\n"
    assert ctl.sh(make, *WITH_NODES, "--device-cgroup-rule", "a 10:* rwm") == "opened\n"
    assert "not permitted" in ctl("run", "--rm", *WITH_NODES, "--device-cgroup-rule", "c 10:228 rw",
                                  "busybox", "sh", "-c", make).err


@pytest.mark.parametrize("text", ["", "c", "c 1:3", "c 1:3 x", "d 1:3 r", "c 1 r", "c x:3 r", "c 1:3 rw w",
                                  "c 1:-3 r", "c 99999999999:1 r"])
def test_what_is_no_rule_for_devices_is_refused(ctl, daemon, text):
    ctl.fails(125, "run", "--device-cgroup-rule", text, "busybox", "true")
    assert daemon.list(all=True) == []


def test_every_device_works_in_a_privileged_container(ctl):
    shown = ctl.sh(MAKE_NODES + "mknod /f c 10 229 && (: <>/f) && echo opened", "--privileged")
    assert shown == "opened\n"


@pytest.mark.parametrize("text, said", [
    ("/dev/nope", "No such file"), ("/etc/passwd:/dev/x", "is no device"),
    ("/dev/fuse:/etc/x", "below /dev"), ("/dev/fuse:/dev/null", "every container's own"),
    ("fuse", "a device is HOST"),
])
def test_what_is_no_device_is_refused(ctl, daemon, text, said):
    assert said in ctl.fails(125, "run", "--device", text, "busybox", "true")
    assert daemon.list(all=True) == []


def test_groups_are_added_by_name_and_number(ctl, debian):
    options = ["--rm", "--group-add", "video", "--group-add", "4711"]
    shown = ctl.ok("run", *options, "--rootfs", debian, "id", "-G").split()
    assert {"0", "44", "4711"} == set(shown)
    shown = ctl.ok("run", *options, "-u", "nobody", "--rootfs", debian, "id", "-G").split()
    assert {"65534", "44", "4711"} == set(shown)
    assert "nope" in ctl.fails(125, "run", "--group-add", "nope", "busybox", "true")


def test_shared_memory_has_the_size_that_was_asked_for(ctl):
    assert ctl.sh("df -k /dev/shm | tail -1 | awk '{print $2}'", "--shm-size", "3m") == "3072\n"
    result = ctl("run", "--rm", "--shm-size", "1m", "busybox", "sh", "-c",
                 "dd if=/dev/zero of=/dev/shm/a bs=1M count=2")
    assert "No space left" in result.err


# --- Records -------------------------------------------------------------------------------------

def test_rights_outlive_the_daemon(new_daemon):
    daemon = new_daemon().start()
    ctl = Ctl(daemon)
    ctl.ok("create", "--name", "a", "--cap-add", "NET_ADMIN", "--security-opt",
           "no-new-privileges=false", "--ulimit", "nofile=77", "busybox", "sh", "-c",
           "ulimit -n; grep -E 'CapEff|NoNew' /proc/self/status")
    daemon.stop()
    daemon.start()
    shown = ctl.ok("start", "-a", "a").split()
    assert shown == ["77", "CapEff:", f"{DEFAULT | NET_ADMIN:016x}", "NoNewPrivs:", "0"]
    spec = ctl.inspect("a")["spec"]
    assert spec["cap_add"] == ["NET_ADMIN"] and spec["no_new_privileges"] is False


def test_help_tells_of_the_options():
    shown = run([DOKRUSTCTL, "run", "--help"]).out
    for option in ("--cap-add", "--cap-drop", "--privileged", "--security-opt", "--device", "--sysctl",
                   "--group-add", "--ulimit", "--shm-size", "--oom-score-adj"):
        assert option in shown
