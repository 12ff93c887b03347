"""An ssh server of a test's own, on the loopback, and the client's way to it."""
import os
import signal
import socket
import subprocess

import processes
from host import DOKRUSTCTL, ENVIRONMENT, Ctl

# In a mount namespace of its own: what a server leaves below /run stays there, and root may log in
# whatever the host's shadow file says.
START = ("mount -t tmpfs tmpfs /run && mkdir /run/sshd && mount --bind {directory}/shadow /etc/shadow"
         " && exec /usr/sbin/sshd -D -e -f {directory}/sshd_config")

SERVER = """
ListenAddress 127.0.0.1
Port {port}
HostKey {directory}/host_key
AuthorizedKeysFile {directory}/key.pub
StrictModes no
UsePAM no
PermitRootLogin prohibit-password
PasswordAuthentication no
PrintMotd no
PidFile none
SetEnv PATH={directory}/there:/usr/bin:/bin
"""

CLIENT = """
Host box
	HostName 127.0.0.1
	Port {port}
Host *
	User root
	IdentityFile {directory}/key
	IdentityAgent none
	IdentitiesOnly yes
	StrictHostKeyChecking no
	UserKnownHostsFile /dev/null
	LogLevel ERROR
"""

# Which the client finds in place of ssh itself: a line for each that is started.
SSH = """#!/bin/sh
echo started >>{directory}/log
exec /usr/bin/ssh -F {directory}/ssh_config "$@"
"""


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class Server:
    """sshd, and `there`, the directory in which it looks for dokrustctl."""

    def __init__(self, directory):
        self.directory = directory
        self.port = free_port()
        self.process = None
        self.there = directory / "there"
        for name in ("there", "here"):
            (directory / name).mkdir()
        for key in ("host_key", "key"):
            subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", directory / key],
                           check=True)
        self.write("shadow", "root:*:20000:0:99999:7:::\nsshd:!:20000::::::\n", 0o640)
        self.write("sshd_config", SERVER)
        self.write("ssh_config", CLIENT)
        self.write("here/ssh", SSH, 0o755)
        self.install(f"#!/bin/sh\nexec {DOKRUSTCTL} \"$@\"\n")

    def write(self, name, text, mode=0o600):
        path = self.directory / name
        path.write_text(text.replace("{directory}", str(self.directory))
                        .replace("{port}", str(self.port)), encoding="utf-8")
        path.chmod(mode)

    def install(self, script):
        """What dokrustctl is on the other side."""
        self.write("there/dokrustctl", script, 0o755)

    def start(self):
        with open(self.directory / "sshd.log", "ab") as log:
            self.process = subprocess.Popen(
                ["unshare", "-m", "sh", "-c", START.format(directory=self.directory)],
                stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        processes.wait_until(self.answers, 20, self.log)
        return self

    def answers(self):
        with socket.socket() as probe:
            return probe.connect_ex(("127.0.0.1", self.port)) == 0

    def log(self):
        return (self.directory / "sshd.log").read_text(errors="replace")

    def connections(self):
        return processes.descendants(self.process.pid)

    def cut(self):
        """Ends all connections, and not the server."""
        for pid in self.connections():
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                pass

    def stop(self):
        """The server and all connections."""
        if self.process:
            self.cut()
            self.process.kill()
            self.process.wait()
            self.process = None

    def started(self):
        """How many times ssh was executed since this was asked last."""
        log = self.directory / "log"
        count = len(log.read_text().splitlines()) if log.exists() else 0
        log.unlink(missing_ok=True)
        return count

    def ctl(self, daemon, host="box", **environment):
        return Ctl(daemon, f"ssh://{host}{daemon.socket}", {
            **ENVIRONMENT, **environment, "PATH": f"{self.directory}/here:{ENVIRONMENT['PATH']}"})
