"""Varlink and the frames after an upgrade, byte by byte, with the standard library alone."""
import json
import socket
import struct
import time

from build import SLOWNESS

CONTAINER = "io.dokrust.Container."
SERVICE = "org.varlink.service."
DATA, RESIZE, SIGNAL, EOF, PING = 0x01, 0x02, 0x03, 0x04, 0x05
SNAPSHOT, STATUS, NOTICE, PONG = 0x11, 0x12, 0x13, 0x14
STDIN, STDOUT, STDERR = 0, 1, 2


class VarlinkError(Exception):
    """An error reply: its full name and its parameters."""

    def __init__(self, name, parameters):
        super().__init__(name, parameters)
        self.name, self.parameters = name, parameters


def message(method, parameters=None, **flags):
    call = {"method": method, **flags}
    if parameters is not None:
        call["parameters"] = parameters
    return json.dumps(call).encode() + b"\0"


class Connection:
    """A socket to a daemon; every wait on it ends after timeout_s."""

    def __init__(self, path, timeout_s=15):
        self.socket = socket.socket(socket.AF_UNIX)
        self.socket.settimeout(timeout_s * SLOWNESS)
        self.socket.connect(str(path))
        self.buffer = b""

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def close(self):
        self.socket.close()

    def send(self, data):
        self.socket.sendall(data)

    def fill(self):
        """Reads some more; False at the end."""
        try:
            part = self.socket.recv(65536)
        except ConnectionResetError:
            part = b""
        self.buffer += part
        return bool(part)

    def receive(self):
        """The next message, or None when the daemon has closed the connection."""
        while b"\0" not in self.buffer:
            if not self.fill():
                assert not self.buffer, f"half a message: {self.buffer}"
                return None
        text, self.buffer = self.buffer.split(b"\0", 1)
        return json.loads(text)

    def is_closed(self):
        """Waits for the daemon to close the connection; False if it says something instead."""
        return not self.buffer and not self.fill()

    def reply(self):
        reply = self.receive()
        assert reply is not None, "the daemon closed the connection"
        if "error" in reply:
            raise VarlinkError(reply["error"], reply.get("parameters", {}))
        return reply.get("parameters", {})

    def call(self, method, parameters=None, **flags):
        self.send(message(method, parameters, **flags))
        return self.reply()

    def stream(self, method, parameters=None):
        """All replies of a call with `more`."""
        self.send(message(method, parameters, more=True))
        while True:
            reply = self.receive()
            assert reply is not None, "the daemon closed the connection"
            if "error" in reply:
                raise VarlinkError(reply["error"], reply.get("parameters", {}))
            yield reply.get("parameters", {})
            if not reply.get("continues"):
                return

    def upgrade(self, method, parameters):
        """The session of a call that attaches, as a viewer."""
        parameters = {"attach": {"framing": 1}, **parameters}
        return Viewer(self, self.call(method, parameters, upgrade=True))


class Viewer:
    """An upgraded connection."""

    def __init__(self, connection, reply):
        self.connection, self.reply = connection, reply
        self.out = {STDIN: b"", STDOUT: b"", STDERR: b""}
        self.snapshots, self.notices, self.pongs, self.status = [], [], [], None

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.connection.close()

    def send(self, kind, payload=b""):
        self.connection.send(struct.pack("!BI", kind, len(payload)) + payload)

    def type(self, data):
        self.send(DATA, bytes([STDIN]) + data)

    def end_input(self):
        self.send(EOF)

    def resize(self, rows, columns):
        self.send(RESIZE, struct.pack("!HH", rows, columns))

    def take(self, n):
        while len(self.connection.buffer) < n:
            if not self.connection.fill():
                return None
        data, self.connection.buffer = self.connection.buffer[:n], self.connection.buffer[n:]
        return data

    def frame(self):
        """Takes in one frame; False at the end."""
        header = self.take(5)
        if header is None:
            return False
        kind, length = struct.unpack("!BI", header)
        payload = self.take(length)
        assert payload is not None, "half a frame"
        assert self.status is None, "a frame after STATUS"
        if kind == DATA:
            self.out[payload[0]] += payload[1:]
        elif kind == SNAPSHOT:
            self.snapshots.append(payload)
        elif kind == NOTICE:
            self.notices.append(json.loads(payload))
        elif kind == PONG:
            self.pongs.append(payload)
        elif kind == STATUS:
            self.status, = struct.unpack("!i", payload)
        else:
            raise AssertionError(f"frame of type {kind}")
        return True

    def screen(self):
        return b"".join(self.snapshots) + self.out[STDOUT]

    def wait_for(self, text, timeout_s=15):
        """Until text has been in the output or a snapshot."""
        deadline = time.monotonic() + timeout_s * SLOWNESS
        while text not in self.screen():
            assert time.monotonic() < deadline, f"no {text} in {self.screen()[-2000:]}"
            assert self.frame(), f"ended without {text}: {self.screen()[-2000:]}"

    def finish(self):
        """Reads to the end; the exit status."""
        while self.frame():
            pass
        return self.status
