"""Names on a network: who is found by them, whom the rest is asked, and the files about them."""
import re
import subprocess

import pytest

from lan import OTHER, address, ask, inside, network, serve


@pytest.fixture
def daemon(wired):
    """In place of the one without a network."""
    return wired


def test_containers_find_each_other_by_name_alias_and_host_name(ctl, daemon):
    serve(daemon, "web", "--hostname", "www.example", "--network-alias", "front")
    for name in ("web", "www.example", "front", "WEB", daemon.inspect("web")["id"][:12]):
        assert ctl.sh(ask(name)) == "www.example\n"
    four, six = address(daemon, "web"), address(daemon, "web", family=6)
    shown = ctl.sh(f"nslookup {four}; nslookup {six}")
    assert shown.count("name = web") == 2
    ctl.ok("rename", "web", "site")
    assert ctl.sh(ask("site")) == "www.example\n"


def test_dig_is_answered_and_the_rest_is_passed_on(ctl, daemon, wire):
    upstream = ("import socket\n"
                "s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM); s.bind(('%s', 53))\n"
                "print('ready', flush=True)\n"
                "while True:\n"
                " q, a = s.recvfrom(4096); end = q.index(b'\\0', 12) + 5\n"
                " s.sendto(q[:2] + b'\\x81\\x80\\0\\1\\0\\1\\0\\0\\0\\0' + q[12:end] +\n"
                "  b'\\xc0\\x0c' + q[end-4:end] + b'\\0\\0\\0\\5\\0\\3\\2hi', a)\n" % OTHER)
    server = wire.other.spawn("/usr/bin/python3", "-c", upstream, stdout=subprocess.PIPE)
    try:
        server.stdout.readline()
        ctl.ok("run", "-d", "--name", "alpha", "--dns", OTHER, "busybox", "sleep", "infinity")
        gateway = network(ctl)["gateway"]
        dig = [*inside(daemon, "alpha"), "dig", "+short", "+tries=1", "+time=3", f"@{gateway}"]
        assert wire.host(*dig, "A", "alpha").strip() == address(daemon, "alpha")
        assert wire.host(*dig, "AAAA", "alpha").strip() == address(daemon, "alpha", family=6)
        assert wire.host(*dig, "-x", address(daemon, "alpha")).strip() == "alpha."
        assert wire.host(*dig, "TXT", "somewhere.example").strip() == '"hi"'
        # A flood is stopped where it begins, and the neighbour is answered.
        flood = wire.host.spawn(*inside(daemon, "alpha"), "/usr/bin/python3", "-c",
                                "import socket,time\n"
                                "s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)\n"
                                f"s.connect(('{gateway}', 53)); e = time.time() + 1\n"
                                "while time.time() < e: s.send(b'xy\\1\\0\\0\\1' + bytes(6) + b'\\1a\\0\\0\\1\\0\\1')\n")
        assert address(daemon, "alpha") in ctl.sh("nslookup alpha")
        flood.wait()
        internal = ctl.ok("network", "create", "--internal", "back") and network(ctl, "back")
        shown = ctl.ok("run", "--rm", "--network", "back", "--dns", OTHER, "--name", "b", "busybox",
                       "sh", "-c", "nslookup b; nslookup somewhere.example; true")
        assert internal["gateway"] in shown and "NXDOMAIN" in shown
    finally:
        server.kill()
        server.wait()


def test_long_answers_come_by_tcp(ctl, daemon, wire):
    upstream = ("import socket, threading\n"
                f"u = socket.socket(socket.AF_INET, socket.SOCK_DGRAM); u.bind(('{OTHER}', 53))\n"
                f"t = socket.create_server(('{OTHER}', 53))\n"
                "def short():\n"
                " while True:\n"
                "  q, a = u.recvfrom(4096); u.sendto(q[:2] + b'\\x83\\x80' + q[4:6] + bytes(6) + q[12:q.index(b'\\0', 12) + 5], a)\n"
                "threading.Thread(target=short, daemon=True).start(); print('ready', flush=True)\n"
                "while True:\n"
                " c = t.accept()[0]\n"
                " q = c.recv(4096)[2:]; end = q.index(b'\\0', 12) + 5\n"
                " r = b'\\xc0\\x0c' + q[end-4:end] + b'\\0\\0\\0\\5\\0\\xc9\\xc8' + b'x' * 200\n"
                " m = q[:2] + b'\\x81\\x80\\0\\1\\0\\x64\\0\\0\\0\\0' + q[12:end] + r * 100\n"
                " c.sendall(len(m).to_bytes(2, 'big') + m); c.close()\n")
    with wire.other.spawn("/usr/bin/python3", "-c", upstream, stdout=subprocess.PIPE) as server:
        server.stdout.readline()
        ctl.ok("run", "-d", "--name", "alpha", "--dns", OTHER, "busybox", "sleep", "infinity")
        gateway = network(ctl)["gateway"]
        dig = ["dig", "+short", "+tries=1", "+time=5", f"@{gateway}"]
        shown = wire.host(*inside(daemon, "alpha"), *dig, "TXT", "long.example").splitlines()
        assert shown == ['"' + "x" * 200 + '"'] * 100
        assert wire.host(*inside(daemon, "alpha"), *dig, "+tcp", "alpha").strip() == address(daemon, "alpha")
        # Several on one connection; and who takes more connections than are given harms nobody.
        script = ("import socket\n"
                  f"s = socket.create_connection(('{gateway}', 53), 5); f = s.makefile('rb')\n"
                  "q = b'ab\\1\\0\\0\\1' + bytes(6) + b'\\5alpha\\0\\0\\1\\0\\1'\n"
                  "s.sendall(3 * (len(q).to_bytes(2, 'big') + q))\n"
                  "print([f.read(int.from_bytes(f.read(2), 'big'))[:2] for _ in range(3)])\n"
                  f"more = [socket.create_connection(('{gateway}', 53), 5) for _ in range(30)]\n"
                  "closed = 0\n"
                  "for m in more:\n"
                  " m.settimeout(0.3)\n"
                  " try: closed += m.recv(1) == b''\n"
                  " except OSError: pass\n"
                  "print(closed >= 20, flush=True)\n"
                  "input()")
        with wire.host.spawn(*inside(daemon, "alpha"), "/usr/bin/python3", "-c", script, stdin=subprocess.PIPE,
                             stdout=subprocess.PIPE) as hog:
            assert hog.stdout.readline() == b"[b'ab', b'ab', b'ab']\n" and hog.stdout.readline() == b"True\n"
            ctl.ok("run", "-d", "--name", "beta", "busybox", "sleep", "infinity")
            assert wire.host(*inside(daemon, "beta"), *dig, "+tcp", "alpha").strip() == address(daemon, "alpha")
        server.kill()


def test_files_about_names(ctl, daemon, debian):
    shown = ctl.sh("cat /etc/hosts /etc/resolv.conf /etc/hostname", "--name", "n", "--hostname", "box",
                   "--add-host", "db:10.1.2.3", "--add-host", "me:host-gateway",
                   "--dns-search", "lan.example", "--dns-option", "ndots:2")
    gateway = network(ctl)["gateway"]
    for line in ("10.1.2.3\tdb", f"{gateway}\tme", "search lan.example", "options ndots:2",
                 f"nameserver {gateway}", "127.0.0.1\tlocalhost"):
        assert f"\n{line}\n" in f"\n{shown}", shown
    assert re.search(r"^10\.\S+\tbox n$", shown, re.M) and shown.endswith("\nbox\n")
    # What the root file system has there stays as it is.
    before = (debian / "etc/hosts").read_text() if (debian / "etc/hosts").exists() else None
    assert "box" in ctl.ok("run", "--rm", "--hostname", "box", "--rootfs", debian, "cat", "/etc/hosts")
    if before is not None:
        assert (debian / "etc/hosts").read_text() == before
    assert list((daemon.run_dir / "files").iterdir()) == []
