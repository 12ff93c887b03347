"""Real programs under the default rights, in a Debian: what people would miss first."""
import hashlib
import shutil
import subprocess

import pytest


def sh(ctl, root, script, *options, **run_options):
    return ctl.ok("run", "--rm", *options, "--rootfs", root, "sh", "-c", script, **run_options)


# --- Packages ------------------------------------------------------------------------------------

SCRIPT = """#!/bin/sh
set -e
adduser --system --no-create-home --quiet parcel 2>/dev/null || useradd --system parcel
chown parcel:root /usr/share/parcel/text
chgrp mail /usr/share/parcel/text
mknod /usr/share/parcel/null c 1 3
"""


@pytest.fixture
def repository(debian, directory):
    """A package with a file, owners, a set-group-ID bit and a script, in a repository of files."""
    tree = directory / "tree"
    (tree / "DEBIAN").mkdir(parents=True)
    (tree / "usr/share/parcel").mkdir(parents=True)
    (tree / "usr/share/parcel/text").write_text("contents\n")
    (tree / "usr/share/parcel/text").chmod(0o2755)
    control = ("Package: parcel\nVersion: 1.0\nArchitecture: all\nMaintainer: nobody <n@localhost>\n"
               "Description: a test\n")
    (tree / "DEBIAN/control").write_text(control)
    (tree / "DEBIAN/postinst").write_text(SCRIPT)
    (tree / "DEBIAN/postinst").chmod(0o755)
    where = debian / "srv/repository"
    where.mkdir(parents=True)
    package = where / "parcel_1.0_all.deb"
    subprocess.run(["dpkg-deb", "--root-owner-group", "-b", tree, package], check=True,
                   capture_output=True)
    data = package.read_bytes()
    (where / "Packages").write_text(
        control + f"Filename: ./{package.name}\nSize: {len(data)}\n"
        f"SHA256: {hashlib.sha256(data).hexdigest()}\n")
    (debian / "etc/apt/sources.list").write_text("deb [trusted=yes] file:/srv/repository ./\n")
    for path in (debian / "etc/apt/sources.list.d").glob("*"):
        path.unlink()
    return debian


def test_apt_installs_and_removes_a_package(ctl, repository):
    """With its sandbox: it fetches as the user _apt."""
    apt = "apt-get -q -o APT::Sandbox::User=_apt"
    script = (f"{apt} update && {apt} install -y parcel && stat -c '%U:%G %a' /usr/share/parcel/text"
              f" && cat /usr/share/parcel/text && {apt} purge -y parcel && ls /usr/share/parcel")
    result = ctl("run", "--rm", "-e", "DEBIAN_FRONTEND=noninteractive", "--rootfs", repository, "sh",
                 "-c", script)
    assert "Setting up parcel" in result.out, result.out + result.err
    assert "parcel:mail 755\ncontents\n" in result.out
    assert "Removing parcel" in result.out
    assert not (repository / "usr/share/parcel/text").exists()


# --- Users ---------------------------------------------------------------------------------------

def test_su_changes_the_user(ctl, debian):
    assert sh(ctl, debian, "su -s /bin/sh nobody -c 'id -un; id -Gn'") == "nobody\nnogroup\n"
    assert sh(ctl, debian, "setpriv --reuid=1 --regid=1 --clear-groups id -u") == "1\n"


def test_su_becomes_root_with_a_password_where_it_may(ctl, debian):
    script = ("echo root:secret | chpasswd; useradd -m somebody;"
              " setpriv --reuid=somebody --regid=somebody --clear-groups"
              " sh -c 'echo secret | su -c \"id -u\" 2>&1'")
    assert sh(ctl, debian, script, "--security-opt", "no-new-privileges=false").endswith("0\n")
    refused = ctl("run", "--rm", "--rootfs", debian, "sh", "-c", script)
    assert not refused.out.endswith("0\n")


def test_unshare_is_refused_unless_it_is_allowed(ctl, debian):
    refused = ctl("run", "--rm", "--rootfs", debian, "unshare", "-U", "true")
    assert refused.status == 1 and "Operation not permitted" in refused.err
    refused = ctl("run", "--rm", "-u", "1000", "--rootfs", debian, "unshare", "-Ur", "id", "-u")
    assert refused.status == 1 and "Operation not permitted" in refused.err
    assert sh(ctl, debian, "unshare -Ur id -u", "--cap-add", "SYS_ADMIN") == "0\n"


# --- Debugging -----------------------------------------------------------------------------------

@pytest.fixture
def with_program(debian):
    """Puts a program of the host, with the libraries that it needs, below /host of the Debian."""
    def put(name):
        path = shutil.which(name)
        assert path, f"{name} is missing: make test-deps installs it"
        lib = debian / "host/lib"
        lib.mkdir(parents=True, exist_ok=True)
        shutil.copy2(path, debian / "host" / name)
        loader = None
        for line in subprocess.run(["ldd", path], capture_output=True, text=True,
                                   check=True).stdout.splitlines():
            source = next((word for word in line.split() if word.startswith("/")), None)
            if source:
                shutil.copy2(source, lib)
                loader = source if "ld-linux" in source else loader
        return f"/host/lib/{loader.rsplit('/', 1)[1]} --library-path /host/lib /host/{name}"
    return put


def test_strace_follows_a_child(ctl, debian, with_program):
    strace = with_program("strace")
    shown = sh(ctl, debian, f"{strace} -f -o /tmp/log sh -c 'true; id -u'; grep -c execve /tmp/log;"
               " grep -c exited /tmp/log")
    uid, executions, exits = shown.split()
    assert uid == "0" and int(executions) >= 2 and int(exits) >= 2


def test_strace_changes_what_a_system_call_comes_to(ctl, debian, with_program):
    """A tracer that skips a call leaves number -1 behind, which no filter may take for another ABI's."""
    strace = with_program("strace")
    shown = ctl("run", "--rm", "--rootfs", debian, "sh", "-c",
                f"{strace} -o /dev/null -e inject=mkdir,mkdirat:error=ENOSPC mkdir /tmp/a; echo $?")
    assert shown.out == "1\n" and "No space left on device" in shown.err


def test_strace_attaches_as_another_user(ctl, debian, with_program):
    strace = with_program("strace")
    script = (f"sleep 30 & timeout -s INT 1 {strace} -o /tmp/log -p $!; kill %1;"
              " grep -c -e nanosleep -e restart_syscall /tmp/log")
    result = ctl("run", "--rm", "-u", "1000", "--rootfs", debian, "sh", "-c", script)
    assert result.out.strip() == "1", result.err
