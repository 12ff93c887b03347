"""systemd's own Varlink client, which knows nothing of Dokrust but what the daemon tells it."""

import json

import pytest

from host import SOCKET, check, check_ctl, run

pytestmark = pytest.mark.usefixtures("units")


def call(method, parameters, *options):
    """The replies. Where there may be more than one they come as RFC 7464 has them."""
    text = check("varlinkctl", "--json=short", *options, "call", SOCKET, method,
                 json.dumps(parameters))
    return [json.loads(line) for line in text.replace("\x1e", "").splitlines()]


def test_info_names_vendor_product_and_interfaces():
    info = json.loads(check("varlinkctl", "--json=short", "info", SOCKET))
    assert info["product"] == "dokrustd"
    assert info["version"] == "0.1.0"
    assert info["vendor"] and info["url"]
    assert {"org.varlink.service", "io.dokrust.Container",
            "io.dokrust.Daemon"} <= set(info["interfaces"])


@pytest.mark.parametrize("interface", ["org.varlink.service", "io.dokrust.Container",
                                       "io.dokrust.Daemon"])
def test_interfaces_are_introspected(interface):
    text = check("varlinkctl", "introspect", SOCKET, interface)
    assert f"interface {interface}" in text


def test_a_call_is_answered():
    (version,) = call("io.dokrust.Daemon.GetVersion", {})
    assert version["version"] == "0.1.0"


def test_a_container_is_run_inspected_and_removed():
    (ran,) = call("io.dokrust.Container.Run",
                  {"name": "web", "spec": {"image": "busybox", "command": ["sleep", "1000"]}})
    (inspected,) = call("io.dokrust.Container.Inspect", {"container": "web"})
    assert inspected["container"]["id"] == ran["id"]
    assert inspected["container"]["state"] == "running"


def test_more_streams_one_object_a_reply():
    for name in ("one", "two", "three"):
        check_ctl("create", "--name", name, "busybox")
    replies = call("io.dokrust.Container.List", {"all": True}, "--more")
    names = [reply["container"]["name"] for reply in replies if reply.get("container")]
    assert names == ["one", "two", "three"]


def test_an_error_has_its_name():
    done = run("varlinkctl", "call", SOCKET, "io.dokrust.Container.Inspect",
               '{"container":"nobody"}')
    assert done.status != 0
    assert "io.dokrust.Container.ContainerNotFound" in done.err


def test_a_stream_without_more_is_refused():
    done = run("varlinkctl", "call", SOCKET, "io.dokrust.Container.List", '{"all":true}')
    assert done.status != 0
    assert "org.varlink.service.ExpectedMore" in done.err
