"""Networks: addresses, names, published ports, and what a container cannot reach."""
import os
import re
import subprocess
import time

import pytest

import processes
from host import Ctl
from lan import HOST, HOST6, OTHER, OTHER6, address, ask, connect_from, inside, listening, naming, network, serve
from renewal import kill_daemon
from users import ANN, BOB, start


@pytest.fixture
def daemon(wired):
    """In place of the one without a network."""
    return wired


# --- Addresses -----------------------------------------------------------------------------------

def test_a_container_is_on_its_network_when_its_first_instruction_runs(ctl):
    for _ in range(10):
        out = ctl.ok("run", "--rm", "--name", "first", "busybox", "nslookup", "first")
        assert re.search(r"Address: 10\.", out) and "Address: fd" in out


def test_leases_are_told_by_network_inspect(ctl, daemon):
    ctl.ok("run", "-d", "--name", "a", "busybox", "sleep", "infinity")
    ctl.ok("run", "-d", "--name", "b", "busybox", "sleep", "infinity")
    known = network(ctl)
    members = {member["name"]: member for member in known["members"]}
    assert set(members) == {"a", "b"} and known["used_by"] == ["a", "b"]
    assert members["a"]["ipv4_address"] == address(daemon, "a") != address(daemon, "b")
    assert members["a"]["mac_address"] != members["b"]["mac_address"]
    shown = ctl.ok("exec", "a", "ip", "addr", "show", "eth0")
    for key in ("ipv4_address", "ipv6_address", "mac_address"):
        assert members["a"][key] in shown
    assert ctl.ok("network", "ls").splitlines()[1].split()[:2] == ["bridge", known["subnet"]]


def test_addresses_of_the_users_choice(ctl, daemon):
    ctl.ok("network", "create", "--subnet", "10.9.0.0/24", "--subnet", "fd09::/64", "net")
    shown = ctl.ok("run", "--rm", "--network", "net", "--ip", "10.9.0.77", "--ip6", "fd09::77",
                   "--mac-address", "02:00:5e:10:00:01", "busybox", "sh", "-c",
                   "ip addr show eth0; ping -c 1 -W 2 10.9.0.1; ping -c 1 -W 2 fd09::1")
    assert "10.9.0.77/24" in shown and "fd09::77/64" in shown and "02:00:5e:10:00:01" in shown
    assert shown.count(" 0% packet loss") == 2
    ctl.ok("run", "-d", "--name", "a", "--network", "net:ip=10.9.0.5", "busybox", "sleep", "9")
    assert "in use" in ctl.fails(125, "run", "--network", "net", "--ip", "10.9.0.5", "busybox")
    assert "no address of" in ctl.fails(125, "run", "--network", "net", "--ip", "10.8.0.5", "busybox")
    assert daemon.names() == ["a"]


@pytest.mark.parametrize("options, word", [
    (["--subnet", "192.168.77.0/25"], "route"),
    (["--subnet", "10.9.0.0/23"], '"net"'),
    (["--subnet", "10.9.0.0/33"], "32"),
    (["--subnet", "10.0.0.0/8"], "/16"),
    (["--subnet", "10.8.0.0/24", "--gateway", "10.9.0.1"], "gateway|subnet"),
    (["--mtu", "1000"], "1280"),
    (["--opt", "x=y"], "host_access"),
])
def test_what_no_network_can_be_made_of(ctl, options, word):
    ctl.ok("network", "create", "--subnet", "10.9.0.0/24", "net")
    assert re.search(word, ctl.fails(1, "network", "create", *options, "other"))
    assert ctl.ok("network", "ls", "-q").split() == ["net"]


def test_networks_are_made_listed_and_removed(ctl, daemon, wire):
    assert ctl.ok("network", "create", "--internal", "--label", "a=b", "--mtu", "1400", "back") == "back\n"
    assert "already" in ctl.fails(1, "network", "create", "back")
    known = network(ctl, "back")
    assert known["internal"] and known["mtu"] == 1400 and known["labels"] == {"a": "b"}
    assert "mtu 1400" in wire.host("ip", "link", "show", known["bridge"])
    ctl.ok("create", "--name", "c", "--network", "back", "busybox")
    assert '"c"' in ctl.fails(1, "network", "rm", "back")
    assert ctl.ok("network", "prune") == ""
    daemon.stop()
    daemon.start()
    assert {**network(ctl, "back"), "used_by": []} == {**known, "used_by": []}
    ctl.ok("rm", "c")
    assert ctl.ok("network", "prune") == "back\n"
    assert 'no network named "back"' in ctl.fails(1, "network", "rm", "back")
    assert wire.host.ours() == []


# --- Whose namespace -----------------------------------------------------------------------------

def test_none_host_and_anothers_namespace(ctl, daemon, wire):
    assert ctl.sh("ls /sys/class/net", "--network", "none").split() == ["lo"]
    assert "lan0" in ctl.sh("ls /sys/class/net", "--network", "host").split()
    ctl.ok("run", "-d", "--name", "other", "busybox", "sleep", "infinity")
    assert address(daemon, "other") in ctl.sh("ip addr; cat /etc/hosts", "--network", "container:other")
    ctl.ok("rm", "-f", "other")
    assert '"other"' in ctl.fails(125, "run", "--network", "container:other", "busybox")
    assert "excludes" in ctl.fails(125, "run", "--network", "none", "--network", "bridge", "busybox")


# --- Published ports -----------------------------------------------------------------------------

def test_a_published_port_is_reached_from_everywhere(ctl, daemon, wire):
    serve(daemon, "web", "-p", "8080:80", "-p", "127.0.0.1:8081:80")
    for space, host in ((wire.other, HOST), (wire.other, HOST6), (wire.host, "127.0.0.1"),
                        (wire.host, HOST), (wire.host, HOST6)):
        assert connect_from(space, host, 8080) == "web", host
    assert connect_from(wire.host, "127.0.0.1", 8081) == "web"
    assert connect_from(wire.other, HOST, 8081, 1) is None
    # By the host's address from another container, and from itself.
    assert ctl.sh(ask(HOST, 8080)) == "web\n"
    assert ctl.ok("exec", "web", "sh", "-c", ask(HOST, 8080)) == "web\n"
    assert ctl.ok("port", "web").splitlines() == [
        "80/tcp -> 0.0.0.0:8080", "80/tcp -> [::]:8080", "80/tcp -> 127.0.0.1:8081"]
    assert "0.0.0.0:8080->80/tcp, [::]:8080->80/tcp, 127.0.0.1:8081->80/tcp" in ctl.ok("ps")
    ctl.ok("rm", "-f", "web")
    assert connect_from(wire.host, HOST, 8080, 1) is None


BRIDGE_RULES = "/proc/sys/net/bridge/bridge-nf-call-ip6tables"


def test_a_published_port_is_reached_by_the_loopback_address_of_ipv6(ctl, daemon, wire):
    wire.host("sh", "-c", f"[ ! -e {BRIDGE_RULES} ] || echo 0 >{BRIDGE_RULES}")
    serve(daemon, "web", "-p", "8080:80", "-p", "[::1]:8081:80")
    for address_of_host, port in (("::1", 8080), ("::1", 8081), ("127.0.0.1", 8080), ("localhost", 8080)):
        assert connect_from(wire.host, address_of_host, port) == "web"
    assert connect_from(wire.other, HOST6, 8081, 1) is None
    # Others do not get in by it, and the host's own services still are there.
    with listening(wire.host, 4446, "::1"):
        assert connect_from(wire.host, "::1", 4446) == "reached"
        assert ctl.sh(f"{ask('::1', 4446)}; echo end") == "end\n"


@pytest.mark.skipif(not os.path.exists(BRIDGE_RULES), reason="this kernel has no br_netfilter loaded")
def test_it_is_refused_at_once_where_bridged_packets_pass_through_the_hosts_rules(ctl, daemon, wire):
    wire.host("sh", "-c", f"echo 1 >{BRIDGE_RULES}")
    serve(daemon, "web", "-p", "8080:80")
    started = time.monotonic()
    assert connect_from(wire.host, "::1", 8080, 30) is None and time.monotonic() - started < 15
    assert connect_from(wire.host, "localhost", 8080) == "web"
    assert "::1" in ctl.fails(125, "run", "-p", "[::1]:8082:80", "busybox")


def test_nginx_is_reached_by_curl_from_another_host(ctl, daemon, wire):
    binds = [option for path in ("/usr", "/lib", "/lib64", "/bin", "/sbin", "/etc/nginx")
             for option in ("-v", f"{path}:{path}:ro")]
    config = ("daemon off; pid /tmp/pid; error_log stderr; events {} http { access_log off; server { "
              "listen 80; location / { return 200 from-nginx; } } }")
    ctl.ok("run", "-d", "--name", "web", "-p", "80", "-v", "/var/lib/nginx", "-v", "/var/log/nginx",
           *binds, "busybox", "sh", "-c",
           f"mkdir -p /tmp; echo '{config}' >/tmp/c; exec /usr/sbin/nginx -c /tmp/c -g 'user root;'")
    port = daemon.inspect("web")["ports"][0]["host_port"]
    url = f"http://{HOST}:{port}/"
    processes.wait_until(lambda: wire.other.tries("curl", "-sf", url).status == 0, 15,
                         lambda: ctl("logs", "web").out + ctl("logs", "web").err)
    assert wire.other("curl", "-sf", url) == "from-nginx"


def test_ranges_udp_and_free_ports(ctl, daemon, wire):
    ctl.ok("run", "-d", "--name", "u", "-p", "5000-5002:6000-6002/udp", "-p", "7000:7000/sctp", "-P",
           "--expose", "9000", "busybox", "sleep", "infinity")
    ports = daemon.inspect("u")["ports"]
    assert [(p["host_port"], p["container_port"], p["protocol"]) for p in ports[:4]] == [
        (5000, 6000, "udp"), (5001, 6001, "udp"), (5002, 6002, "udp"), (7000, 7000, "sctp")]
    assert ports[4]["container_port"] == 9000 and ports[4]["host_port"] >= 1024
    assert "0.0.0.0:5000-5002->6000-6002/udp, [::]:5000-5002->6000-6002/udp, 0.0.0.0:7000->" in ctl.ok("ps")
    assert ctl.ok("port", "u", "6001/udp").splitlines()[0] == "0.0.0.0:5001"
    server = ("import socket\ns = socket.socket(socket.AF_INET, socket.SOCK_DGRAM); s.bind(('', 6001))\n"
              "print('ready', flush=True); s.sendto(b'u', s.recvfrom(9)[1])")
    answering = wire.host.spawn(*inside(daemon, "u"), "/usr/bin/python3",
                                "-c", server, stdout=subprocess.PIPE)
    answering.stdout.readline()
    script = ("import socket\ns = socket.socket(socket.AF_INET, socket.SOCK_DGRAM); s.settimeout(3)\n"
              f"s.sendto(b'x', ('{HOST}', 5001)); print(s.recvfrom(9)[0].decode(), end='')")
    assert wire.other("/usr/bin/python3", "-c", script) == "u"
    answering.wait(10)


def test_a_port_that_is_in_use_is_an_error_before_anything_starts(ctl, daemon, wire):
    serve(daemon, "web", "-p", "8080:80")
    assert "port 8080/tcp of the host is in use" in ctl.fails(
        125, "run", "--name", "x", "-p", "8079-8080:79-80", "busybox")
    assert daemon.names(all=True) == ["web"]
    ctl.ok("run", "--rm", "-p", "8079:1", "-p", "8080:80/udp", "busybox", "true")
    for text in ("0:80", "80:", "1.2.3:80:80", "1-2:80", "80/icmp", "65536"):
        assert "port" in ctl.fails(125, "run", "-p", text, "busybox")
    assert "network" in ctl.fails(125, "run", "--network", "none", "-p", "80", "busybox")


def test_ports_are_published_where_the_configuration_says(new_daemon, wire):
    daemon = wire.place(new_daemon()).start("--publish-address", "127.0.0.1")
    ctl = Ctl(daemon)
    serve(daemon, "web", "-p", "8080:80", "-p", f"{HOST}:8081:80", "-p", "0.0.0.0:8082:80")
    assert ctl.ok("port", "web").splitlines()[0] == "80/tcp -> 127.0.0.1:8080"
    assert connect_from(wire.host, "127.0.0.1", 8080) == "web"
    assert connect_from(wire.other, HOST, 8080, 1) is None
    assert connect_from(wire.other, HOST, 8081) == connect_from(wire.other, HOST, 8082) == "web"
    assert daemon.stop() == 0


def test_another_host_is_reached_by_both_families_and_sees_the_host(ctl, daemon, wire):
    """With another host's view: it knows nothing of the networks behind this one."""
    for host, seen in ((OTHER, HOST), (OTHER6, HOST6)):
        with naming(wire.other, 4447, host):
            assert ctl.sh(ask(host, 4447)) == seen


# --- What cannot be reached ----------------------------------------------------------------------

def test_networks_do_not_reach_each_other_nor_the_host(ctl, daemon, wire):
    ctl.ok("network", "create", "one")
    ctl.ok("network", "create", "--internal", "closed")
    ctl.ok("network", "create", "--opt", "host_access=true", "open")
    serve(daemon, "a", "--network", "one")
    serve(daemon, "c", "--network", "closed")
    with listening(wire.host, 4444), listening(wire.other, 4445):
        there = address(daemon, "a", "one")
        script = (f"{ask(there)}; {ask(address(daemon, 'c', 'closed'))}; {ask(HOST, 4444)}; "
                  f"{ask(network(ctl)['gateway'], 4444)}; echo end; {ask(OTHER, 4445)}")
        assert ctl.sh(script) == "end\nreached"
        # An internal one reaches its own, and nothing else.
        script = f"{ask('c')}; {ask(there)}; {ask(OTHER, 4445)}; {ask(HOST, 4444)}"
        assert ctl.ok("run", "--rm", "--network", "closed", "busybox", "sh", "-c",
                      f"{script}; echo end") == "c\nend\n"
        assert ctl.sh(ask(HOST, 4444), "--network", "open") == "reached"
        # From another host that knows a way there, too.
        wire.other("ip", "route", "add", there, "via", HOST)
        assert connect_from(wire.other, there, 80, 1) is None


def test_a_container_cannot_pose_as_another(ctl, daemon):
    serve(daemon, "victim")
    other = ["-d", "--cap-add", "NET_ADMIN"]
    ctl.ok("run", *other, "--name", "thief", "busybox", "sleep", "infinity")
    victim, victim6 = address(daemon, "victim"), address(daemon, "victim", family=6)
    gateway = network(ctl)["gateway"]
    script = (f"ping -c 1 -W 2 {gateway} >/dev/null && echo before; "
              f"ip addr add {victim}/32 dev eth0; ping -c 1 -W 1 -I {victim} {gateway} >/dev/null && echo four; "
              f"ip -6 addr add {victim6}/128 dev eth0 nodad 2>/dev/null; "
              "ip link set eth0 down; ip link set eth0 address 02:42:00:00:00:99; ip link set eth0 up; "
              f"ping -c 1 -W 1 {gateway} >/dev/null && echo mac; echo end")
    assert ctl.ok("exec", "thief", "sh", "-c", script) == "before\nend\n"
    assert ctl.sh(ask("victim")) == "victim\n"


# --- While it runs -------------------------------------------------------------------------------

def test_a_running_container_is_connected_and_disconnected(ctl, daemon, wire):
    ctl.ok("network", "create", "back")
    serve(daemon, "web", "--network", "none")
    ctl.ok("run", "-d", "--name", "a", "--network", "back", "busybox", "sleep", "infinity")
    ctl.ok("network", "connect", "--alias", "db", "back", "web")
    for name in ("web", "db"):
        assert ctl.ok("exec", "a", "sh", "-c", ask(name)) == "web\n"
    assert "already" in ctl.fails(1, "network", "connect", "back", "web")
    ctl.ok("network", "connect", "bridge", "a")
    assert ctl.ok("exec", "a", "ls", "/sys/class/net").split() == ["eth0", "eth1", "lo"]
    before = wire.host.ours()
    for _ in range(10):
        ctl.ok("network", "connect", "bridge", "web")
        ctl.ok("network", "disconnect", "bridge", "web")
    assert wire.host.ours() == before
    assert "not on" in ctl.fails(1, "network", "disconnect", "bridge", "web")
    ctl.ok("network", "disconnect", "back", "web")
    assert ctl.ok("exec", "web", "ls", "/sys/class/net").split() == ["lo"]
    assert daemon.inspect("web")["spec"]["network"] == "none"
    # It is so in its next run, too.
    ctl.ok("network", "connect", "back", "web")
    ctl.ok("restart", "-t", "0", "web")
    processes.wait_until(lambda: ctl("exec", "a", "sh", "-c", ask("web")).out == "web\n")


def test_what_a_container_knows_of_names_and_routes_follows_its_networks(ctl, daemon, wire):
    """Started without a network, its root file system's own files are there; they are again at the end."""
    ctl.ok("network", "create", "back")
    ctl.ok("run", "-d", "--name", "web", "--network", "back", "busybox", "sleep", "infinity")
    ctl.ok("run", "-d", "--name", "a", "--network", "none", "busybox", "sleep", "infinity")
    look = ["exec", "a", "sh", "-c", "cat /etc/hosts /etc/resolv.conf; ip route; grep -c ' /etc/' /proc/mounts"]
    before = ctl(*look)
    with listening(wire.other, 4445):
        for _ in range(2):
            ctl.ok("network", "connect", "bridge", "a")
            ctl.ok("network", "connect", "back", "a")
            for name, where in (("bridge", address(daemon, "a")), ("back", address(daemon, "a", "back"))):
                assert f"{where}\ta" in ctl.ok(*look)
            assert f"nameserver {network(ctl)['gateway']}" in ctl.ok(*look)
            # The one that its default route and its resolver were on.
            ctl.ok("network", "disconnect", "bridge", "a")
            shown = ctl.ok(*look)
            gateway = network(ctl, "back")["gateway"]
            assert f"nameserver {gateway}" in shown and f"default via {gateway}" in shown
            assert shown.splitlines()[-1] == "3"
            assert address(daemon, "web", "back") in ctl.ok("exec", "a", "nslookup", "web")
            assert ctl.ok("exec", "a", "sh", "-c", ask(OTHER, 4445)) == "reached"
            ctl.ok("network", "disconnect", "back", "a")
            assert ctl(*look).out == before.out
    assert list((daemon.run_dir / "files").iterdir()) == []


def test_counters_count(ctl, daemon):
    ctl.ok("run", "-d", "--name", "a", "busybox", "sleep", "infinity")
    gateway = network(ctl)["gateway"]
    before = daemon.inspect("a")["networks"][0]
    ctl.ok("exec", "a", "ping", "-c", "3", "-i", "0.1", "-s", "1000", gateway)
    after = daemon.inspect("a")["networks"][0]
    for way in ("rx", "tx"):
        assert after[f"{way}_bytes"] - before[f"{way}_bytes"] >= 3000
        assert after[f"{way}_packets"] - before[f"{way}_packets"] >= 3


# --- What outlives it ----------------------------------------------------------------------------

def test_rules_that_somebody_wipes_are_there_again(ctl, daemon, wire):
    serve(daemon, "web", "-p", "8080:80")
    tables = wire.host.tables()
    wire.host("nft", "flush", "ruleset")
    processes.wait_until(lambda: wire.host.tables() == tables)
    processes.wait_until(lambda: connect_from(wire.other, HOST, 8080) == "web")
    assert ctl.sh(ask("web")) == "web\n"
    assert "somebody has removed" in daemon.log


def test_rules_of_others_are_left_alone(ctl, daemon, wire):
    wire.host("nft", "table inet mine {\nchain c {\ntype filter hook forward priority 5;\n}\n}\n")
    before = wire.host("nft", "list", "table", "inet", "mine")
    serve(daemon, "web", "-p", "8080:80")
    assert connect_from(wire.other, HOST, 8080) == "web"
    assert daemon.stop() == 0
    assert wire.host("nft", "list", "table", "inet", "mine") == before
    wire.host("nft", "delete", "table", "inet", "mine")


def test_leases_and_ports_survive_a_daemon_that_is_killed(new_daemon, wire):
    daemon = wire.place(new_daemon())
    daemon.start("--keep")
    ctl = Ctl(daemon)
    serve(daemon, "web", "-p", "8080:80")
    before = daemon.inspect("web")["networks"][0]
    kill_daemon(daemon)
    after = daemon.inspect("web")["networks"][0]
    assert after["ipv4_address"] == before["ipv4_address"]
    assert connect_from(wire.other, HOST, 8080) == "web"
    assert ctl.sh(ask("web")) == "web\n"
    assert "in use" in ctl.fails(125, "run", "-p", "8080:1", "busybox")
    ctl.ok("rm", "-f", "web")
    assert daemon.stop() == 0
    processes.wait_until(lambda: wire.host.ours() == [])
    assert wire.host.tables() == []


def test_after_everything_is_killed_nothing_of_it_is_left(new_daemon, wire):
    daemon = wire.place(new_daemon()).start()
    serve(daemon, "web", "-p", "8080:80")
    Ctl(daemon).ok("network", "create", "back")
    daemon.kill()
    daemon.start()
    processes.wait_until(lambda: wire.host.ours() == [], 10, wire.host.ours)
    assert wire.host.tables() == []
    assert Ctl(daemon).sh("hostname", "-p", "8080:80")


def test_two_daemons_side_by_side(new_daemon, wire):
    first, second = (wire.place(new_daemon()).start() for _ in range(2))
    serve(first, "web", "-p", "8080:80")
    serve(second, "web", "--hostname", "second", "-p", "8081:80")
    assert connect_from(wire.other, HOST, 8080) == "web"
    assert connect_from(wire.other, HOST, 8081) == "second"
    assert Ctl(first).sh(ask("web")) == "web\n" and Ctl(second).sh(ask("web")) == "second\n"
    assert Ctl(second).sh(f"{ask(address(first, 'web'))}; echo end") == "end\n"
    assert first.stop() == 0
    assert connect_from(wire.other, HOST, 8081) == "second"
    assert second.stop() == 0
    processes.wait_until(lambda: wire.host.ours() == [])
    assert wire.host.tables() == []


# --- Whose it is ---------------------------------------------------------------------------------

def test_each_user_has_a_network_of_their_own(shared, wire, ann, bob):
    shared.stop()
    wire.place(shared).start("--config", shared.directory / "conf")
    for user, name in ((ann, "anns"), (bob, "bobs")):
        start(user, name)
    ctl = Ctl(shared)
    ctl.ok("run", "-d", "--name", "roots", "busybox", "sleep", "infinity")
    assert shared.inspect("anns")["spec"]["networks"][0]["network"] == f"bridge.{ANN}"
    there = address(shared, "bobs", f"bridge.{BOB}")
    look = "nslookup {0} >/dev/null && echo name; ping -c 1 -W 1 {1} >/dev/null && echo reached; echo end"
    assert ann.ok("exec", "anns", "sh", "-c", look.format("bobs", there)) == "end\n"
    assert ctl.ok("exec", "roots", "sh", "-c", look.format("bobs", there)) == "end\n"
    start(ann, "more", options=["--network", "bridge", "-p", "8080:80"])
    assert ann.ok("exec", "anns", "sh", "-c",
                  look.format("more", address(shared, "more", f"bridge.{ANN}"))) == "name\nreached\nend\n"
    for options in (["--network", "host"], ["--network", f"bridge.{BOB}"], ["--network", "container:bobs"],
                    ["-p", "80:80"]):
        assert "may" in ann.fails(125, "run", "-m", "16m", *options, "busybox", "true")
    for words in (["create", "x"], ["ls"], ["connect", "bridge", "anns"], ["rm", f"bridge.{BOB}"]):
        assert "may" in ann.fails(1, "network", *words)
    for user in (ann, bob):
        user.ok("rm", "-f", *user.ok("ps", "-aq").split())
    assert set(ctl.ok("network", "prune").split()) == {f"bridge.{ANN}", f"bridge.{BOB}"}
    assert shared.stop() == 0
    processes.wait_until(lambda: wire.host.ours() == [])
