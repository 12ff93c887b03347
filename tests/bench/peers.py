"""The other programs that start a contained process: how each is asked to run `true` in a busybox
root file system, without a network but its own loopback; and, of some, what else it can do."""

import contextlib
import dataclasses
import json
import os
import pathlib
import shutil
import subprocess
import tempfile

from stage import Failed, private_cgroups_of_docker, run, stop, wait_for

USUAL = ["bwrap", "crun", "runc", "docker"]
UNIFIED = pathlib.Path("/sys/fs/cgroup/unified")


@dataclasses.dataclass
class Peer:
    """start: from nothing to the end of `true`. hold and enter: something that does nothing, in the
    background, and the same in there. client: where containers have terminals that are attached
    to."""
    name: str
    start: list
    hold: list = None
    enter: list = None
    drop: list = None
    client: list = None

    @contextlib.contextmanager
    def held(self):
        """While something runs that can be entered."""
        # What it starts must not keep a pipe of ours open.
        subprocess.run([*hide_unified(), *self.hold], stdin=subprocess.DEVNULL,
                       stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=True)
        try:
            yield
        finally:
            run([*hide_unified(), *self.drop])


def bwrap(stage):
    return Peer("bwrap", ["bwrap", "--unshare-all", "--bind", str(stage.rootfs), "/", "--proc",
                          "/proc", "--dev", "/dev", "true"])


def bundle(stage, name, cgroups, args):
    """An OCI bundle with the runtime's own idea of a default."""
    directory = stage.directory / f"{name}-{args[0]}"
    directory.mkdir()
    run([name, "spec"], cwd=directory)
    path = directory / "config.json"
    config = json.loads(path.read_text(encoding="utf-8"))
    config["process"]["terminal"] = False
    config["process"]["args"] = args
    config["root"] = {"path": str(stage.rootfs), "readonly": True}
    if not cgroups:
        config["linux"].pop("resources", None)
        config["mounts"] = [m for m in config["mounts"] if m["type"] != "cgroup"]
    path.write_text(json.dumps(config), encoding="utf-8")
    return str(directory)


def oci(stage, name, options, cgroups):
    client = [name, "--root", str(stage.directory / f"{name}-state"), *options]
    held = f"bench-{name}-held"
    return Peer(name, [*client, "run", "-b", bundle(stage, name, cgroups, ["true"]), f"bench-{name}"],
                hold=[*client, "run", "-d", "-b", bundle(stage, name, cgroups, ["sleep", "1000"]),
                      held],
                enter=[*client, "exec", held, "true"], drop=[*client, "delete", "-f", held])


def runc(stage):
    return oci(stage, "runc", [], True)


def crun(stage):
    return oci(stage, "crun", ["--cgroup-manager=disabled"], False)


def start_docker(stage, stack, name, options, prefix=()):
    """A dockerd of its own, until the stack ends; its client, that knows an image "bench"."""
    directory = pathlib.Path(tempfile.mkdtemp(prefix=f"{name}-", dir=stage.directory))
    parent = f"dokrust-bench-{name}-{os.getpid()}"
    stack.enter_context(private_cgroups_of_docker(parent))
    address = f"unix://{directory}/sock"
    log = stack.enter_context(open(directory / "log", "wb"))
    daemon = subprocess.Popen(
        [*prefix, "dockerd", "--host", address, "--data-root", directory / "data", "--exec-root",
         directory / "exec", "--pidfile", directory / "pid", f"--cgroup-parent=/{parent}", *options],
        stdin=subprocess.DEVNULL, stdout=log, stderr=log)
    stack.callback(stop, daemon, 30)
    client = ["docker", "-H", address]

    def is_up():
        if daemon.poll() is not None:
            raise Failed("dockerd has ended")
        return subprocess.run([*client, "info"], stdout=subprocess.DEVNULL,
                              stderr=subprocess.DEVNULL, check=False).returncode == 0

    wait_for(is_up, "dockerd answers", 30)
    import_image(stage, [*client, "import", "-", "bench"])
    return client


def docker(stage):
    """Without a bridge and without firewall rules."""
    client = start_docker(stage, stage, "docker", ["--bridge=none", "--iptables=false", "--ip-forward=false"])
    plain = ["--rm", "--network", "none"]
    return Peer("docker", [*client, "run", *plain, "bench", "true"],
                hold=[*client, "run", "-d", *plain, "--name", "held", "bench", "sleep", "1000"],
                enter=[*client, "exec", "held", "true"], drop=[*client, "rm", "-f", "held"],
                client=client)


def podman(stage):
    directory = stage.directory / "podman"
    directory.mkdir()
    config = directory / "containers.conf"
    # By default its locks would stay behind in /dev/shm.
    config.write_text('[engine]\nlock_type = "file"\n', encoding="ascii")
    os.environ["CONTAINERS_CONF"] = str(config)
    # The store is mounted upon itself, and stays so.
    stage.callback(subprocess.run, ["umount", "-R", str(directory / "root/overlay")],
                   stderr=subprocess.DEVNULL, check=False)
    client = ["podman", "--root", str(directory / "root"), "--runroot", str(directory / "run"),
              "--tmpdir", str(directory / "tmp"), "--cgroup-manager=cgroupfs",
              "--events-backend=none"]
    import_image(stage, [*client, "import", "-", "bench"])
    # Without groups, as crun here; and the limit that the host may have set is not to be raised.
    return Peer("podman", [*client, "run", "--rm", "--network", "none", "--cgroups=disabled",
                           "--ulimit", "nofile=1024:1024", "--ulimit", "nproc=1024:1024", "bench",
                           "true"])


def import_image(stage, argv):
    with subprocess.Popen(["tar", "-C", stage.rootfs, "--exclude=./text", "-c", "."],
                          stdout=subprocess.PIPE) as archive:
        run(argv, stdin=archive.stdout)


ALL = {"bwrap": bwrap, "crun": crun, "runc": runc, "docker": docker, "podman": podman}


def hide_unified():
    """crun refuses a host that has cgroup v1 and, with controllers, v2 too. So where that is so,
    everybody's start is measured in a mount namespace without the latter. A prefix for argv."""
    with contextlib.suppress(OSError):
        if (UNIFIED / "cgroup.controllers").read_text(encoding="ascii").strip():
            return ["unshare", "-m", "sh", "-c", f'umount {UNIFIED} && exec "$@"', "sh"]
    return []


def prepare(stage, names):
    """Those that are there and work, and [(name, why not)]."""
    ready, skipped = [], []
    for name in names:
        if not shutil.which("dockerd" if name == "docker" else name):
            skipped.append((name, "not installed"))
            continue
        try:
            peer = ALL[name](stage)
            run([*hide_unified(), *peer.start])
            ready.append(peer)
        except Failed as error:
            skipped.append((name, f"does not run here: {error}"))
    return ready, skipped
