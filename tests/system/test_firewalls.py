"""Other firewalls of the host, beside the networks' own rules."""
import pytest

import processes
from host import Ctl
from lan import HOST, HOST6, OTHER, Namespace, ask, connect_from, listening, serve


# For a shell in a container: what it hears from outside.
OUTSIDE = ask(OTHER, 4445)


@pytest.fixture
def daemon(new_daemon, wire):
    return wire.place(new_daemon())


def forward_rules(wire, program="iptables"):
    return wire.host(program, "-S", "FORWARD").splitlines()


def test_a_chain_forward_that_drops_lets_the_networks_through(daemon, wire):
    for program in ("iptables", "ip6tables"):
        wire.host(program, "-P", "FORWARD", "DROP")
        wire.host(program, "-A", "FORWARD", "-i", "docker0", "-j", "ACCEPT")
    before = forward_rules(wire)
    with listening(wire.other, 4445):
        ctl = Ctl(daemon.start())
        serve(daemon, "web", "-p", "8080:80")
        assert ctl.sh(OUTSIDE) == "reached"
        assert connect_from(wire.other, HOST, 8080) == connect_from(wire.other, HOST6, 8080) == "web"
        # At the end, and in a form that iptables knows.
        now = forward_rules(wire)
        assert now[:len(before)] == before and len(now) > len(before)
        # Somebody who flushes it, or adds to its end, or sets its policy, is followed.
        wire.host("iptables", "-F", "FORWARD")
        processes.wait_until(lambda: forward_rules(wire) == [before[0], *now[len(before):]])
        wire.host("iptables", "-A", "FORWARD", "-i", "docker0", "-j", "ACCEPT")
        processes.wait_until(lambda: forward_rules(wire) == now)
        assert connect_from(wire.other, HOST, 8080) == "web" and ctl.sh(OUTSIDE) == "reached"
        wire.host("iptables", "-P", "FORWARD", "ACCEPT")
        processes.wait_until(lambda: len(forward_rules(wire)) == len(before))
        wire.host("iptables", "-P", "FORWARD", "DROP")
        processes.wait_until(lambda: forward_rules(wire) == now)
        assert daemon.stop() == 0
    assert forward_rules(wire) == before
    assert "chain FORWARD of table ip filter drops" in daemon.log


def test_rules_of_others_in_the_chain_come_first(daemon, wire):
    """As an administrator's own ones; and what docker's bridge relies on stays so."""
    wire.host("iptables", "-P", "FORWARD", "DROP")
    wire.host("iptables", "-A", "FORWARD", "-d", OTHER, "-p", "tcp", "--dport", "4445", "-j", "DROP")
    neighbour = Namespace()
    try:
        wire.host("ip", "link", "add", "docker0", "type", "bridge")
        wire.host("ip", "addr", "add", "172.30.0.1/24", "dev", "docker0")
        wire.host("ip", "link", "set", "docker0", "up")
        wire.host("ip", "link", "add", "v0", "master", "docker0", "up", "type", "veth", "peer", "name", "eth0",
                  "netns", str(neighbour.holder.pid))
        neighbour("ip", "addr", "add", "172.30.0.2/24", "dev", "eth0")
        neighbour("ip", "link", "set", "eth0", "up")
        neighbour("ip", "route", "add", "default", "via", "172.30.0.1")
        with listening(wire.other, 4445), listening(neighbour, 4446), listening(wire.other, 4447):
            ctl = Ctl(daemon.start())
            assert connect_from(wire.host, "172.30.0.2", 4446) == "reached"
            script = f"{ask(OTHER, 4447)}; echo; {ask(OTHER, 4445)}; {ask('172.30.0.2', 4446)}; echo end"
            assert ctl.sh(script) == "reached\nend\n"
    finally:
        neighbour.end()


def test_a_chain_of_somebodys_own_is_named_and_left(daemon, wire):
    wire.host("nft", "table inet mine { chain way { type filter hook forward priority 5; policy drop; }; }")
    before = wire.host("nft", "list", "table", "inet", "mine")
    ctl = Ctl(daemon.start())
    with listening(wire.other, 4445):
        assert ctl.sh(f"{OUTSIDE}; echo end") == "end\n"
        assert "chain way of table inet mine" in daemon.log
        wire.host("nft", 'insert rule inet mine way iifname "dkb*" accept')
        wire.host("nft", 'insert rule inet mine way oifname "dkb*" accept')
        assert ctl.sh(OUTSIDE) == "reached"
    wire.host("nft", "flush", "chain", "inet", "mine", "way")
    assert wire.host("nft", "list", "table", "inet", "mine") == before
    assert daemon.log.count("chain way of table inet mine") == 1


def test_other_firewalls_are_left_if_so_configured(daemon, wire):
    wire.host("iptables", "-P", "FORWARD", "DROP")
    settings = daemon.directory / "conf"
    settings.write_text("[daemon]\nfirewall_exceptions = no\n")
    ctl = Ctl(daemon.start("--config", settings))
    with listening(wire.other, 4445):
        assert ctl.sh(f"{OUTSIDE}; echo end") == "end\n"
    assert forward_rules(wire) == ["-P FORWARD DROP"]
