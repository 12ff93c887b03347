"""Another daemon in place of one: the next of a keeper's, or a new image of the same process."""
import os
import signal

import processes
from varlink import message

DAEMON = "io.dokrust.Daemon."


def answer(daemon):
    """What it says of itself; nothing when it ends before it has answered."""
    try:
        with daemon.connect() as connection:
            connection.send(message(DAEMON + "GetVersion"))
            reply = connection.receive()
    except OSError:
        reply = None
    return reply["parameters"] if reply else {}


def daemon_pid(daemon):
    return daemon.call(DAEMON + "GetVersion")["pid"]


def kill_daemon(daemon):
    """SIGKILL; returns when the next one answers."""
    before = daemon_pid(daemon)
    os.kill(before, signal.SIGKILL)

    def replaced():
        return answer(daemon).get("pid", before) != before

    processes.wait_until(replaced, 20, "another daemon")


def reload_daemon(daemon, number=signal.SIGUSR2):
    """The same process, a new image."""
    pid = daemon_pid(daemon)
    started = daemon.call(DAEMON + "GetVersion")["started_at"]
    os.kill(pid, number)

    def reloaded():
        return answer(daemon).get("started_at", started) != started

    processes.wait_until(reloaded, 20, "another image")
    assert daemon_pid(daemon) == pid
