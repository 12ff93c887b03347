"""What people run, in a Debian with ids of its own: compilers, debuggers, packages, services."""
import pathlib
import subprocess

import pytest

from host import TOP

PACKAGES = ["gcc", "libc6-dev", "gdb", "strace", "iputils-ping", "postgresql", "nginx-light"]


@pytest.fixture(scope="session")
def programs_tree(debian_tree):
    """A Debian with what is used below, made once beside the other one; not to be written to."""
    path = pathlib.Path(f"{debian_tree}-programs")
    subprocess.run([TOP / "tests/make-debian", path, *PACKAGES], check=True, timeout=900)
    return path


@pytest.fixture
def sh(ctl, programs_tree):
    def run(script, *options, **run_options):
        return ctl.ok("run", "--rm", "--userns", "auto", "--overlay", *options, "--rootfs", programs_tree,
                      "sh", "-ec", script, **run_options)
    return run


# Once, whoever of the workers comes first.
pytestmark = [pytest.mark.timeout(1000), pytest.mark.xdist_group("programs")]


def test_ping_on_the_loopback(sh):
    assert "1 packets transmitted, 1 received" in sh("ping -c 1 -W 5 127.0.0.1")


def test_su_to_a_user_that_was_added(sh):
    shown = sh("useradd -m kim; su kim -c 'id -un; cd; touch f; stat -c %U f'; su - kim -c pwd")
    assert shown == "kim\nkim\n/home/kim\n"


def test_a_c_program_is_compiled_and_run(sh):
    program = '#include <stdio.h>\nint main(void) { return printf("%d\\n", 6 * 7) == 3 ? 0 : 1; }\n'
    assert sh("cat >/tmp/a.c; gcc -O2 -Wall -o /tmp/a /tmp/a.c; /tmp/a", "-i", data=program.encode()) == "42\n"


def test_gdb_stops_a_program_and_looks_at_another(sh):
    program = "#include <unistd.h>\nint main(void) { return sleep(100); }\n"
    script = ("set +e; cat >/tmp/a.c; gcc -g -o /tmp/a /tmp/a.c;"
              " gdb -batch -ex 'break sleep' -ex run -ex bt -ex kill /tmp/a 2>&1;"
              " /tmp/a & gdb -batch -p $! -ex bt 2>&1; kill $!; true")
    shown = sh(script, "-i", data=program.encode())
    assert shown.count("main () at /tmp/a.c:2") >= 2, shown


def test_strace_follows_a_child(sh):
    shown = sh("strace -f -o /tmp/log sh -c 'true; sleep 0; id -u'; grep -c 'exited with 0' /tmp/log")
    uid, exits = shown.split()
    assert uid == "0" and int(exits) >= 2


@pytest.mark.parametrize("options, answer", [
    ([], "refused\n"), (["--security-opt", "seccomp=unconfined"], "0\n"), (["--cap-add", "SYS_ADMIN"], "0\n")])
def test_a_user_namespace_in_it_is_refused_or_allowed_as_configured(sh, options, answer):
    assert sh("unshare -U -r id -u 2>/dev/null || echo refused", *options) == answer
    assert sh("su -s /bin/sh nobody -c 'unshare -U -r id -u' 2>/dev/null || echo refused", *options) == answer


def test_apt_installs_a_package_from_files(ctl, debian_tree, directory):
    """With its sandbox, and owners other than root."""
    tree, where = directory / "tree", directory / "repository"
    (tree / "DEBIAN").mkdir(parents=True)
    where.mkdir()
    (tree / "DEBIAN/control").write_text(
        "Package: parcel\nVersion: 1\nArchitecture: all\nMaintainer: nobody <n@localhost>\nDescription: a test\n")
    (tree / "DEBIAN/postinst").write_text("#!/bin/sh\nset -e\nuseradd --system parcel\n"
                                          "touch /var/parcel\nchown parcel:mail /var/parcel\n")
    (tree / "DEBIAN/postinst").chmod(0o755)
    package = where / "parcel.deb"
    subprocess.run(["dpkg-deb", "--root-owner-group", "-b", tree, package], check=True, capture_output=True)
    fields = subprocess.run(["dpkg-deb", "-f", package], check=True, capture_output=True, text=True).stdout
    digest = subprocess.run(["sha256sum", package], check=True, capture_output=True, text=True).stdout.split()[0]
    (where / "Packages").write_text(
        f"{fields}Filename: ./parcel.deb\nSize: {package.stat().st_size}\nSHA256: {digest}\n")
    for path in (directory, where):
        path.chmod(0o755)
    script = ("rm -f /etc/apt/sources.list.d/*; echo 'deb [trusted=yes] file:/srv/repository ./' >/etc/apt/sources.list;"
              " apt-get -q update && apt-get -q install -y parcel && stat -c %U:%G /var/parcel"
              " && apt-get -q purge -y parcel && ! dpkg -s parcel 2>/dev/null")
    result = ctl("run", "--rm", "--userns", "auto", "--overlay", "-e", "DEBIAN_FRONTEND=noninteractive",
                 "-v", f"{where}:/srv/repository:ro", "--rootfs", debian_tree, "sh", "-c", script)
    assert result.status == 0 and "parcel:mail\n" in result.out, result.out + result.err


SERVE = """
service postgresql start
service nginx start
until su postgres -c "psql -tAc 'select 6 * 7'" 2>/dev/null; do sleep 0.1; done
exec 3>&2 2>/dev/null
until perl -MIO::Socket::INET -e '$s = IO::Socket::INET->new("127.0.0.1:80") or exit 1;
        print $s "GET / HTTP/1.0\\r\\n\\r\\n"; print scalar <$s>'; do sleep 0.1; done
ps -eo user= | sort -u
service nginx stop
service postgresql stop
"""


@pytest.mark.parametrize("userns", ["auto", "host"])
def test_postgresql_and_nginx_serve_in_one_container(ctl, programs_tree, userns):
    """By their packages' own scripts, each as its own user."""
    result = ctl("run", "--rm", "--userns", userns, "--overlay", "--rootfs", programs_tree, "sh", "-c", SERVE,
                 timeout_s=90)
    assert "42\n" in result.out and "HTTP/1.1 200 OK" in result.out, result.out + result.err
    assert {"postgres", "www-data"} <= set(result.out.split()), result.out
