"""The other programs that start a contained process: how each is asked to run `true` in a busybox
root file system, without a network but its own loopback."""

import contextlib
import json
import os
import pathlib
import shutil
import subprocess

from stage import Failed, private_cgroups_of_docker, run, stop, wait_for

CHEAP = ["bwrap", "crun", "runc"]
UNIFIED = pathlib.Path("/sys/fs/cgroup/unified")


def bwrap(stage):
    return ["bwrap", "--unshare-all", "--bind", str(stage.rootfs), "/", "--proc", "/proc",
            "--dev", "/dev", "true"]


def bundle(stage, name, cgroups):
    """An OCI bundle with the runtime's own idea of a default."""
    directory = stage.directory / name
    directory.mkdir()
    run([name, "spec"], cwd=directory)
    path = directory / "config.json"
    config = json.loads(path.read_text(encoding="utf-8"))
    config["process"]["terminal"] = False
    config["process"]["args"] = ["true"]
    config["root"] = {"path": str(stage.rootfs), "readonly": True}
    if not cgroups:
        config["linux"].pop("resources", None)
        config["mounts"] = [m for m in config["mounts"] if m["type"] != "cgroup"]
    path.write_text(json.dumps(config), encoding="utf-8")
    return str(directory)


def runc(stage):
    return ["runc", "--root", str(stage.directory / "runc-state"), "run", "-b",
            bundle(stage, "runc", True), "bench-runc"]


def crun(stage):
    return ["crun", "--root", str(stage.directory / "crun-state"), "--cgroup-manager=disabled",
            "run", "-b", bundle(stage, "crun", False), "bench-crun"]


def docker(stage):
    """With a dockerd of its own, without a bridge and without firewall rules."""
    directory = stage.directory / "docker"
    directory.mkdir()
    parent = f"dokrust-bench-{os.getpid()}"
    stage.enter_context(private_cgroups_of_docker(parent))
    address = f"unix://{directory}/sock"
    log = stage.enter_context(open(directory / "log", "wb"))
    daemon = subprocess.Popen(
        ["dockerd", "--host", address, "--data-root", directory / "data",
         "--exec-root", directory / "exec", "--pidfile", directory / "pid", "--bridge=none",
         "--iptables=false", "--ip-forward=false", f"--cgroup-parent=/{parent}"],
        stdin=subprocess.DEVNULL, stdout=log, stderr=log)
    stage.callback(stop, daemon, 30)
    client = ["docker", "-H", address]

    def is_up():
        if daemon.poll() is not None:
            raise Failed("dockerd has ended")
        return subprocess.run([*client, "info"], stdout=subprocess.DEVNULL,
                              stderr=subprocess.DEVNULL, check=False).returncode == 0

    wait_for(is_up, "dockerd answers", 30)
    import_image(stage, [*client, "import", "-", "bench"])
    return [*client, "run", "--rm", "--network", "none", "bench", "true"]


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
    return [*client, "run", "--rm", "--network", "none", "--cgroups=disabled", "--ulimit",
            "nofile=1024:1024", "--ulimit", "nproc=1024:1024", "bench", "true"]


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
    """Those that are there and work: [(name, argv)], and [(name, why not)]."""
    ready, skipped = [], []
    for name in names:
        if not shutil.which("dockerd" if name == "docker" else name):
            skipped.append((name, "not installed"))
            continue
        try:
            argv = ALL[name](stage)
            run([*hide_unified(), *argv])
            ready.append((name, argv))
        except Failed as error:
            skipped.append((name, f"does not run here: {error}"))
    return ready, skipped
