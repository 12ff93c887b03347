"""Fixtures: a throwaway daemon per test, its client, and root file systems."""
import os
import pathlib
import shutil
import subprocess
import tempfile

import pytest

import processes
import reaper
from host import BUILD, ENVIRONMENT, SANITIZED, TOP, Ctl, Daemon
from lan import lan
from users import ANN, BOB, SETTINGS, SUBIDS, USERS, ADMINS, User

# It is about the build itself, of which a sanitized one is not made to be installed.
collect_ignore = ["test_build.py"] if SANITIZED else []
# These need services that a package starts: see `make test-beside`.
collect_ignore_glob = [] if "DOKRUST_BESIDE" in os.environ else ["test_beside_*.py"]


def pytest_configure(config):
    processes.become_subreaper()
    ENVIRONMENT[reaper.WORD] = reaper.start()


def pytest_report_header(config):
    return f"build: {BUILD}"


def pytest_collection_modifyitems(items):
    """What takes long begins first, and the rest runs beside it."""
    items.sort(key=lambda item: item.get_closest_marker("timeout") is None)


@pytest.fixture
def new_daemon():
    """Makes daemons that are not started yet; each must leave nothing behind."""
    made = []

    def make():
        made.append(Daemon())
        return made[-1]

    yield make
    # All of them leave before anyone looks at what is left.
    try:
        for daemon in made:
            daemon.leave()
        for daemon in made:
            daemon.assert_nothing_left()
    finally:
        for daemon in made:
            daemon.remove()


@pytest.fixture
def daemon(new_daemon):
    return new_daemon().start()


@pytest.fixture
def ctl(daemon):
    return Ctl(daemon)


@pytest.fixture
def wire():
    """A network with another host on it."""
    with lan() as made:
        yield made


@pytest.fixture
def wired(new_daemon, wire):
    """A daemon there, whose containers are on a bridge; it takes all of that with it."""
    made = wire.place(new_daemon()).start()
    yield made
    if made.is_running():
        assert made.stop() == 0, made.log
    processes.wait_until(lambda: wire.host.ours() == [], 10, wire.host.ours)
    assert wire.host.tables() == []


@pytest.fixture(scope="session")
def debian_tree():
    """A Debian with bash, vi and less, made once and kept below the build; not to be written to."""
    path = pathlib.Path(os.environ.get("DOKRUST_DEBIAN", BUILD / "debian"))
    subprocess.run([TOP / "tests/make-debian", path], check=True, timeout=600)
    return path


@pytest.fixture(scope="session")
def published_profiles():
    """A directory with docker.json and podman.json, seccomp profiles as Debian's packages have them."""
    path = BUILD / "profiles"
    subprocess.run([TOP / "tests/fetch-profiles", path], check=True, timeout=300)
    return path


@pytest.fixture
def directory():
    """A directory of the test's own."""
    path = pathlib.Path(tempfile.mkdtemp(prefix="dokrust-test-"))
    yield path
    shutil.rmtree(path)


@pytest.fixture
def debian(debian_tree):
    """That Debian under an overlay: a root file system that a test may write to."""
    path = pathlib.Path(tempfile.mkdtemp(prefix="dokrust-debian-"))
    for name in ("upper", "work", "root"):
        (path / name).mkdir()
    options = f"lowerdir={debian_tree},upperdir={path}/upper,workdir={path}/work"
    subprocess.run(["mount", "-t", "overlay", "-o", options, "overlay", path / "root"], check=True)
    yield path / "root"
    subprocess.run(["umount", path / "root"], check=True)
    shutil.rmtree(path)


@pytest.fixture
def shared(new_daemon):
    """A daemon that is not root's alone. Its users need a way to its socket and to the client."""
    daemon = new_daemon()
    os.chmod(daemon.directory, 0o755)
    (daemon.directory / "subids").write_text(
        "".join(f"{uid}:{first}:65536\n" for uid, first in SUBIDS.items()))
    settings = daemon.directory / "conf"
    settings.write_text(SETTINGS.format(users=USERS, admins=ADMINS, directory=daemon.directory))
    return daemon.start("--config", settings)


@pytest.fixture
def ann(shared):
    return User(shared, ANN, USERS)


@pytest.fixture
def bob(shared):
    return User(shared, BOB, USERS)


@pytest.fixture
def home():
    """A directory of Ann's that she alone has access to."""
    path = pathlib.Path(tempfile.mkdtemp(prefix="dokrust-home-"))
    os.chown(path, ANN, ANN)
    os.chmod(path, 0o700)
    yield path
    shutil.rmtree(path)
