"""The wire: Varlink as UAPI.20 has it, and the frames after an upgrade."""
import json
import re
import socket
import struct
import time

import pytest

import processes
from host import DOKRUSTCTL, SLOWNESS, TOP, run
from varlink import (CONTAINER, DATA, EOF, NOTICE, PING, RESIZE, SERVICE, SIGNAL, STATUS, VarlinkError, message)

NOBODY = 65534

GET_INFO = message(SERVICE + "GetInfo")
LIST = CONTAINER + "List"
CAT = {"image": "busybox", "command": ["cat"], "stdin_open": True, "auto_remove": True}
INTERFACES = ["io.dokrust.Container", "io.dokrust.Daemon", "io.dokrust.Network", "io.dokrust.Volume",
              "org.varlink.service"]


def error_of(daemon, method, parameters=None, **flags):
    with pytest.raises(VarlinkError) as raised:
        daemon.call(method, parameters, **flags)
    return raised.value.name, raised.value.parameters


# --- org.varlink.service -------------------------------------------------------------------------

def test_get_info_names_the_service_and_its_interfaces(daemon):
    info = daemon.call(SERVICE + "GetInfo")
    assert sorted(info["interfaces"]) == INTERFACES
    assert (info["vendor"], info["product"]) == ("Dokrust", "dokrustd")
    assert info["version"] and info["url"].startswith("https://")


@pytest.mark.parametrize("interface", INTERFACES)
def test_the_very_files_are_served_as_descriptions(daemon, interface):
    reply = daemon.call(SERVICE + "GetInterfaceDescription", {"interface": interface})
    assert reply["description"] == (TOP / f"common/{interface}.varlink").read_text()


def test_every_method_of_the_interfaces_is_implemented(daemon):
    for interface in INTERFACES:
        text = (TOP / f"common/{interface}.varlink").read_text()
        for method in re.findall(r"^method (\w+)", text, re.M):
            try:
                daemon.call(f"{interface}.{method}", {"no such parameter": 1})
            except VarlinkError as error:
                assert error.name == SERVICE + "InvalidParameter", (method, error)


@pytest.mark.parametrize("method, expected", [
    ("io.dokrust.Container.Nothing",
     ("MethodNotFound", {"method": "io.dokrust.Container.Nothing"})),
    ("io.dokrust.Nothing.List", ("InterfaceNotFound", {"interface": "io.dokrust.Nothing"})),
    ("List", ("InterfaceNotFound", {"interface": ""})),
    ("", ("InterfaceNotFound", {"interface": ""})),
])
def test_what_is_not_there_is_named(daemon, method, expected):
    name, parameters = error_of(daemon, method)
    assert (name, parameters) == (SERVICE + expected[0], expected[1])


def test_an_unknown_interface_has_no_description(daemon):
    assert error_of(daemon, SERVICE + "GetInterfaceDescription", {"interface": "a.b"}) == (
        SERVICE + "InterfaceNotFound", {"interface": "a.b"})


@pytest.mark.parametrize("method, parameters, path", [
    ("Inspect", {}, "container"),
    ("Inspect", {"container": 5}, "container"),
    ("Inspect", {"container": None}, "container"),
    ("Inspect", {"container": "a", "extra": 1}, "extra"),
    ("Create", {"spec": []}, "spec"),
    ("Create", {"spec": {"image": "busybox", "tty": True}}, "spec.tty"),
    ("Create", {"spec": {"image": "busybox", "command": "sh"}}, "spec.command"),
    ("Create", {"spec": {"image": "busybox", "command": ["sh", 1]}}, "spec.command[1]"),
    ("Create", {"spec": {"image": "busybox", "labels": {"tier": 1}}}, "spec.labels.tier"),
    ("Create", {"spec": {"image": "busybox", "stop_timeout_ms": 1.5}}, "spec.stop_timeout_ms"),
    ("Create", {"spec": {"image": "busybox", "terminal": "yes"}}, "spec.terminal"),
    ("Stop", {"container": "a", "timeout_ms": "5"}, "timeout_ms"),
    ("List", {"filters": {"a": 1}}, "filters"),
])
def test_a_wrong_parameter_is_named_by_its_path(daemon, method, parameters, path):
    flags = {"more": True} if method == "List" else {}
    assert error_of(daemon, CONTAINER + method, parameters, **flags) == (
        SERVICE + "InvalidParameter", {"parameter": path})
    assert daemon.names(all=True) == []


def test_absent_null_and_empty_parameters_are_the_same(daemon):
    with daemon.connect() as connection:
        for parameters in ("", ',"parameters":null', ',"parameters":{}'):
            text = f'{{"method":"{SERVICE}GetInfo"{parameters}}}'
            connection.send(text.encode() + b"\0")
            assert connection.reply()["product"] == "dokrustd"


# --- Streams of bytes ----------------------------------------------------------------------------

def test_calls_are_answered_in_order_however_they_arrive(daemon):
    calls = b"".join(message(CONTAINER + "Inspect", {"container": f"c{i}"}) for i in range(100))
    for step in (1, 7, 4096, len(calls)):
        with daemon.connect() as connection:
            if step == 1:
                connection.socket.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 4096)
            for at in range(0, len(calls), step):
                connection.send(calls[at:at + step])
            for i in range(100):
                assert connection.receive()["parameters"]["container"] == f"c{i}"


def test_a_message_may_come_byte_by_byte(daemon):
    with daemon.connect() as connection:
        for byte in GET_INFO:
            connection.send(bytes([byte]))
            time.sleep(0.001)
        assert connection.reply()["product"] == "dokrustd"


def test_a_slow_call_holds_up_the_calls_behind_it_and_nobody_else(daemon):
    daemon.call(CONTAINER + "Run", {"spec": {"image": "busybox", "command": ["sleep", "1"]},
                                    "name": "napping"})
    with daemon.connect() as connection:
        connection.send(message(CONTAINER + "Wait", {"container": "napping"}) + GET_INFO)
        start = time.monotonic()
        daemon.call(SERVICE + "GetInfo")
        assert time.monotonic() - start < 0.5 * SLOWNESS
        assert connection.reply() == {"exit_status": 0}
        assert connection.reply()["product"] == "dokrustd"


def test_a_peer_that_sends_and_shuts_down_gets_its_answers(daemon):
    with daemon.connect() as connection:
        connection.send(GET_INFO * 3)
        connection.socket.shutdown(socket.SHUT_WR)
        assert [connection.reply()["product"] for _ in range(3)] == ["dokrustd"] * 3
        assert connection.is_closed()


def test_a_oneway_call_is_carried_out_and_never_answered(daemon):
    spec = {"image": "busybox", "command": ["true"]}
    with daemon.connect() as connection:
        connection.send(message(CONTAINER + "Create", {"spec": spec, "name": "a"}, oneway=True))
        connection.send(message(CONTAINER + "Create", {"spec": spec, "name": "a"}, oneway=True))
        connection.send(message(CONTAINER + "Nothing", oneway=True))
        connection.send(message(LIST, oneway=True))
        connection.send(GET_INFO)
        assert connection.reply()["product"] == "dokrustd"
    assert daemon.names(all=True) == ["a"]


# --- more, upgrade -------------------------------------------------------------------------------

def test_a_listing_is_a_stream_and_wants_more(daemon):
    assert error_of(daemon, LIST) == (SERVICE + "ExpectedMore", {})
    with daemon.connect() as connection:
        connection.send(message(LIST, more=True))
        assert connection.reply() == {}
        for name in ("a", "b", "c"):
            connection.call(CONTAINER + "Create", {"spec": CAT, "name": name})
        connection.send(message(LIST, {"all": True}, more=True))
        replies = [connection.receive() for _ in range(3)]
    assert [reply["parameters"]["container"]["name"] for reply in replies] == ["a", "b", "c"]
    assert [reply.get("continues", False) for reply in replies] == [True, True, False]


def test_more_on_a_method_with_one_reply_is_no_error(daemon):
    assert daemon.call(SERVICE + "GetInfo", more=True)["product"] == "dokrustd"


def test_a_thousand_containers_are_listed_to_a_peer_that_reads_slowly(daemon):
    with daemon.connect(60) as connection:
        create = [message(CONTAINER + "Create", {"spec": CAT, "name": f"c{i}"}) for i in range(1000)]
        connection.send(b"".join(create[:500]))
        assert len([connection.reply() for _ in range(500)]) == 500
        connection.send(b"".join(create[500:]))
        assert len([connection.reply() for _ in range(500)]) == 500
        connection.send(message(LIST, {"all": True}, more=True) * 4)
        time.sleep(0.3)
        start = time.monotonic()
        daemon.call(SERVICE + "GetInfo")
        assert time.monotonic() - start < 0.1 * SLOWNESS
        for _ in range(4):
            names = [connection.reply()["container"]["name"] for _ in range(1000)]
            assert names == [f"c{i}" for i in range(1000)]


def test_attaching_wants_an_upgrade(daemon):
    daemon.call(CONTAINER + "Run", {"spec": CAT, "name": "cat"})
    attach = {"container": "cat", "attach": {"framing": 1}}
    assert error_of(daemon, CONTAINER + "Attach", attach) == (SERVICE + "ExpectedUpgrade", {})
    run_attached = {"spec": CAT, "attach": {"framing": 1}}
    assert error_of(daemon, CONTAINER + "Run", run_attached)[0] == SERVICE + "ExpectedUpgrade"
    assert error_of(daemon, CONTAINER + "Run", {"spec": CAT}, upgrade=True) == (
        SERVICE + "InvalidParameter", {"parameter": "attach"})
    assert daemon.names(all=True) == ["cat"]


def test_a_method_that_cannot_be_upgraded_says_so(daemon):
    assert error_of(daemon, SERVICE + "GetInfo", upgrade=True)[0] == SERVICE + "InvalidParameter"


def test_after_a_refused_upgrade_the_connection_still_speaks_varlink(daemon):
    with daemon.connect() as connection:
        connection.send(message(CONTAINER + "Attach", {"container": "nobody",
                                                       "attach": {"framing": 1}}, upgrade=True))
        connection.send(GET_INFO)
        assert connection.receive()["error"] == CONTAINER + "ContainerNotFound"
        assert connection.reply()["product"] == "dokrustd"


def test_frames_may_follow_the_upgrading_call_at_once(daemon):
    call = message(CONTAINER + "Run", {"spec": CAT, "attach": {"framing": 1}}, upgrade=True)
    typed = struct.pack("!BI", DATA, 6) + b"\0early"
    with daemon.connect() as connection:
        connection.send(GET_INFO + call + typed + struct.pack("!BI", EOF, 0))
        assert connection.reply()["product"] == "dokrustd"
        viewer = connection_viewer(connection)
        assert viewer.finish() == 0
        assert viewer.out[1] == b"early"


def connection_viewer(connection):
    from varlink import Viewer
    return Viewer(connection, connection.reply())


def test_a_newer_framing_is_answered_with_the_one_that_is_spoken(daemon):
    with daemon.run_viewer(CAT, framing=7) as viewer:
        assert viewer.reply["session"] == {"framing": 1, "terminal": False, "stdin_open": True}
        viewer.end_input()
        assert viewer.finish() == 0


@pytest.mark.parametrize("attach", [{"framing": 0}, {"framing": -1},
                                    {"framing": 1, "size": {"rows": -1, "columns": 80}},
                                    {"framing": 1, "size": {"rows": 24, "columns": 65536}}])
def test_attach_options_out_of_range_are_refused(daemon, attach):
    name, parameters = error_of(daemon, CONTAINER + "Run", {"spec": CAT, "attach": attach},
                                upgrade=True)
    assert name == CONTAINER + "InvalidValue"
    assert parameters["field"] == ("attach.size" if "size" in attach else "attach.framing")
    assert daemon.names(all=True) == []


# --- Frames --------------------------------------------------------------------------------------

def test_status_is_the_last_frame_and_the_connection_ends(daemon):
    spec = {"image": "busybox", "command": ["sh", "-c", "echo out; echo err >&2; exit 5"]}
    with daemon.run_viewer(spec) as viewer:
        assert viewer.finish() == 5
        assert (viewer.out[1], viewer.out[2]) == (b"out\n", b"err\n")


def test_a_ping_is_answered(daemon):
    with daemon.run_viewer(CAT) as viewer:
        viewer.send(PING, b"are you there")
        while not viewer.pongs:
            assert viewer.frame()
        assert viewer.pongs == [b"are you there"]


def test_a_signal_frame_reaches_the_process(daemon):
    with daemon.run_viewer(CAT) as viewer:
        viewer.send(SIGNAL, bytes([2]))
        assert viewer.finish() == 130


def test_a_frame_of_an_unknown_type_is_skipped(daemon):
    with daemon.run_viewer(CAT) as viewer:
        viewer.send(0x7e, b"from the future")
        viewer.type(b"here\n")
        viewer.wait_for(b"here\n")


@pytest.mark.parametrize("frame", [
    struct.pack("!BI", DATA, 65537), struct.pack("!BI", DATA, 0xffffffff),
    struct.pack("!BI", 0x7e, 65537)])
def test_a_length_out_of_bounds_closes_the_connection_and_the_container_goes_on(daemon, frame):
    with daemon.run_viewer({**CAT, "auto_remove": False}, "cat") as viewer:
        viewer.connection.send(frame)
        assert viewer.finish() is None
    assert daemon.inspect("cat")["state"] == "running"


@pytest.mark.parametrize("kind, payload", [
    (DATA, b""), (RESIZE, b"\0"), (RESIZE, b"123456"), (SIGNAL, b""), (SIGNAL, b"\2\2"),
    (SIGNAL, b"\0"), (SIGNAL, b"\xff"), (PING, b"x" * 65), (STATUS, b"\0\0\0\1"),
    (NOTICE, b"{}"), (DATA, b"\1stdout"), (DATA, b"\xffnone")])
def test_a_frame_of_a_wrong_shape_does_no_harm(daemon, kind, payload):
    """Skipped, or the connection ends; the container and its other viewers go on."""
    with daemon.run_viewer({**CAT, "auto_remove": False}, "cat") as first:
        with daemon.viewer("cat") as second:
            second.send(kind, payload)
            first.type(b"still here\n")
            first.wait_for(b"still here\n")
        assert daemon.inspect("cat")["state"] == "running"
        first.end_input()
        assert first.finish() == 0
        assert first.out[1] == b"still here\n"


def test_a_reader_may_not_type(daemon):
    with daemon.run_viewer(CAT, "cat") as writer, daemon.viewer("cat", input=False) as reader:
        reader.type(b"forbidden\n")
        reader.send(SIGNAL, bytes([9]))
        reader.end_input()
        # Its frames have been read when it has its answer.
        reader.send(PING, b"x")
        while not reader.pongs:
            assert reader.frame()
        writer.type(b"allowed\n")
        writer.wait_for(b"allowed\n")
        assert writer.out[1] == b"allowed\n"


# --- What nobody should send ---------------------------------------------------------------------

CLOSING = {
    "no JSON": b"hello",
    "no object": b"[]",
    "an empty message": b"",
    "half of it": b'{"method":',
    "two objects": b'{"method":"a.b"}{"method":"a.b"}',
    "a comment": b'{"method":"a.b"/**/}',
    "single quotes": b"{'method':'a.b'}",
    "not UTF-8": b'{"method":"a.\xff"}',
    "overlong UTF-8": b'{"method":"a.\xc0\xaf"}',
    "half a pair": b'{"method":"a.b","parameters":{"a":"\\ud800"}}',
    "a NUL in a string": b'{"method":"a.b","parameters":{"a":"\\u0000"}}',
    "keys twice": b'{"method":"a.b","parameters":{"a":1,"a":2}}',
    "a number too large": b'{"method":"a.b","parameters":{"a":99999999999999999999}}',
    "an exponent too large": b'{"method":"a.b","parameters":{"a":1e999}}',
    "too deep": b'{"method":"a.b","parameters":' + b'{"a":' * 20 + b"1" + b"}" * 21,
    "very deep": b"[" * 60000,
    "too many values": b'{"method":"a.b","parameters":{"a":[' + b"1," * 9000 + b"1]}}",
    "no method": b'{"parameters":{}}',
    "a method that is a number": b'{"method":5}',
    "parameters that are a list": b'{"method":"a.b","parameters":[]}',
    "a flag that is no boolean": b'{"method":"a.b","more":1}',
    "two flags": b'{"method":"a.b","more":true,"oneway":true}',
    "an unknown key": b'{"method":"a.b","extra":1}',
    "a huge message": b'{"method":"' + b"a" * 70000 + b'"}',
    "frames": struct.pack("!BI", DATA, 5) + b"\0hey!",
}


@pytest.mark.parametrize("what", CLOSING)
def test_what_is_no_call_closes_the_connection_after_earlier_answers(daemon, what):
    with daemon.connect() as bystander, daemon.connect() as connection:
        connection.send(GET_INFO)
        try:
            connection.send(CLOSING[what] + b"\0")
            connection.send(GET_INFO)
        except (BrokenPipeError, ConnectionResetError):
            pass
        assert connection.reply()["product"] == "dokrustd"
        assert connection.is_closed()
        assert bystander.call(SERVICE + "GetInfo")["product"] == "dokrustd"


def test_a_message_without_end_is_given_up_at_its_limit(daemon):
    with daemon.connect() as connection, pytest.raises((BrokenPipeError, ConnectionResetError)):
        for _ in range(1000):
            connection.send(b"x" * 4096)
            time.sleep(0.001)


def test_an_extension_with_a_dot_in_its_key_is_passed_over(daemon):
    assert daemon.call(SERVICE + "GetInfo", **{"io.example.trace": [1]})["product"] == "dokrustd"


def test_a_message_just_within_the_limit_is_read(daemon):
    spec = {"image": "busybox", "command": ["true", "x" * 60000]}
    assert daemon.call(CONTAINER + "Create", {"spec": spec, "name": "wide"})["name"] == "wide"
    assert daemon.inspect("wide")["spec"]["command"][1] == "x" * 60000


def test_half_a_message_and_a_hang_up_leave_nothing(daemon):
    before = len(processes.open_fds(daemon.pid))
    for _ in range(50):
        with daemon.connect() as connection:
            connection.send(b'{"method":"')
    daemon.call(SERVICE + "GetInfo")
    processes.wait_until(lambda: len(processes.open_fds(daemon.pid)) <= before)


def test_a_peer_that_hangs_up_while_it_waits_is_forgotten(daemon):
    daemon.call(CONTAINER + "Run", {"spec": {**CAT, "auto_remove": False}, "name": "cat"})
    before = len(processes.open_fds(daemon.pid))
    for _ in range(50):
        with daemon.connect() as connection:
            connection.send(message(CONTAINER + "Wait", {"container": "cat"}))
    processes.wait_until(lambda: len(processes.open_fds(daemon.pid)) <= before)
    daemon.call(CONTAINER + "Stop", {"container": "cat"})


def test_connections_over_the_limit_are_refused_and_the_others_served(new_daemon):
    daemon = new_daemon()
    settings = daemon.directory / "settings"
    settings.write_text("[daemon]\nconnections_max = 20\n")
    daemon.start("--config", settings)
    daemon.socket.chmod(0o666)
    daemon.directory.chmod(0o755)
    open_ones = [daemon.connect() for _ in range(20)]
    for connection in open_ones:
        assert connection.call(SERVICE + "GetInfo")
    assert "too many connections" in call_as_nobody(daemon)
    # Root gets in nevertheless: beyond its reserve, the longest silent of its own goes.
    open_ones += [daemon.connect() for _ in range(100)]
    with daemon.connect() as late:
        assert late.call(SERVICE + "GetInfo")
    processes.wait_until(open_ones[0].is_closed)
    assert open_ones[-1].call(SERVICE + "GetInfo")
    for connection in open_ones:
        connection.close()
    processes.wait_until(lambda: "too many connections" not in call_as_nobody(daemon))


def call_as_nobody(daemon):
    """What the client complains of."""
    return run([DOKRUSTCTL, "-H", daemon.socket, "ps"], user=NOBODY, group=NOBODY, extra_groups=[]).err


# --- The page of the documentation ---------------------------------------------------------------

def test_the_client_in_one_page_of_the_documentation_works(daemon, directory):
    text = (TOP / "docs/protocol.md").read_text()
    pages = re.findall(r"^```python\n(.*?)^```$", text, re.M | re.S)
    assert len(pages) == 1
    script = directory / "client.py"
    script.write_text(pages[0])
    client = ["/usr/bin/python3", script, daemon.socket]
    result = run([*client, "sh", "-c", "echo out; echo err >&2; exit 5"])
    assert (result.status, result.out, result.err) == (5, "out\n", "err\n")
    result = run([*client, "seq", "100000"])
    assert result.lines == [str(i) for i in range(1, 100001)]
    result = run([*client, "no-such-command"])
    assert result.status == 1 and "CommandNotFound" in result.err
    assert daemon.names(all=True) == []


def test_what_the_documentation_says_can_be_read_as_json(daemon):
    """The calls shown with varlinkctl, made here."""
    text = (TOP / "docs/protocol.md").read_text()
    calls = re.findall(r"varlinkctl call --more \S+ (\S+) '(.*)'", text)
    assert calls
    with daemon.connect() as connection:
        for method, parameters in calls:
            assert list(connection.stream(method, json.loads(parameters))) == [{}]
