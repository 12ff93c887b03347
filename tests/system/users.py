"""Who is not root: members of the daemon's groups, and their clients."""
from host import Ctl, run

USERS, ADMINS = 64242, 64243
ANN, BOB, EVE, ADA = 61001, 61002, 61003, 61004  # two users, a stranger, an administrator
SUBIDS = {ANN: 500000, BOB: 600000}
SETTINGS = """[daemon]
group = {users}
admin_group = {admins}
subuid_file = {directory}/subids
subgid_file = {directory}/subids
user_containers_max = 3
user_memory_max = 64m
"""


class User(Ctl):
    """dokrustctl, run by somebody. All are in the daemon's group but one."""

    def __init__(self, daemon, uid, *groups):
        super().__init__(daemon)
        self.identity = {"user": uid, "group": uid, "extra_groups": list(groups)}

    def __call__(self, *args, **options):
        return run(self.argv(*args), cwd="/", **self.identity, **options)


MEMORY = ["-m", "16m"]


def start(user, name, *command, options=()):
    user.ok("run", "-d", "--name", name, *MEMORY, *options, "busybox", *(command or ["sleep", "infinity"]))
