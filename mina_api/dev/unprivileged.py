"""Running a program as nobody: Postgres refuses to be root.

The ambient capability DAC_OVERRIDE lets it pass through directories that only root may enter, so that nothing
outside its own data directory has to change its mode.
"""

import os
import pwd
import shutil
from dataclasses import dataclass
from pathlib import Path

from mina_api.dev.binaries import ServerMissing


@dataclass(frozen=True, slots=True)
class Account:
    """Who runs a program: None for ourselves."""

    uid: int | None
    gid: int | None

    @property
    def is_other(self) -> bool:
        """Whether privileges are dropped."""
        return self.uid is not None

    def command(self, *, ending: str | None = None) -> list[str]:
        """What goes before the program's own command line; `ending`: the signal at our death (SIGINT: `INT`)."""
        if self.uid is None:
            return []
        setpriv = shutil.which("setpriv")
        if setpriv is None:
            raise ServerMissing("as root, Postgres needs `setpriv` (util-linux): run as an ordinary user instead")
        return [
            setpriv,
            f"--reuid={self.uid}",
            f"--regid={self.gid}",
            "--clear-groups",
            "--inh-caps=-all,+dac_override",
            "--ambient-caps=-all,+dac_override",
            *([f"--pdeathsig={ending}"] if ending else []),
        ]

    def own(self, directory: Path) -> None:
        """Give a directory, and what is in it, to this account."""
        if self.uid is None or self.gid is None:
            return
        for path in (directory, *directory.rglob("*")):
            if path.lstat().st_uid != self.uid:
                os.chown(path, self.uid, self.gid, follow_symlinks=False)


def server_account() -> Account:
    """Ourselves; as root: `postgres` where there is such a user, else `nobody`."""
    if os.geteuid() != 0:
        return Account(None, None)
    for name in ("postgres", "nobody"):
        try:
            entry = pwd.getpwnam(name)
        except KeyError:
            continue
        return Account(entry.pw_uid, entry.pw_gid)
    return Account(65534, 65534)
