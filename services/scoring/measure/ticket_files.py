"""Where tickets rest that nothing happened to for a while: a file that has no name any more.

It is scratch. A restore begins with an empty one, and it is gone with its process, however that
ends (docs/adr/0011-what-rests-takes-little.md).
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import Final

from services.scoring.core.ticket_file import TicketFile

MEGABYTE: Final = 1_000_000
FOLDER: Final = Path("/var/tmp")  # noqa: S108 - who else writes there cannot guess the name
"""On a disk, where ``/tmp`` is often memory."""
TICKETS_MB: Final = 1.0


class TicketFolderError(RuntimeError):
    """The folder takes no file."""


@dataclass(frozen=True, slots=True)
class TicketFiles:
    """A file for each partition, in a folder; so many bytes of its tickets stay in memory."""

    folder: Path = FOLDER
    most_in_memory: int = round(TICKETS_MB * MEGABYTE)

    @contextmanager
    def new(self) -> Iterator[TicketFile]:
        """A file to be opened before this is left: afterwards it has no name. Raises
        `TicketFolderError`."""
        with ExitStack() as open_files:
            try:
                file = open_files.enter_context(
                    NamedTemporaryFile(prefix="bellwether-tickets-", dir=self.folder)
                )
            except OSError as error:
                raise TicketFolderError(
                    f"measure can make no file in {self.folder} ({error.strerror}): name a folder "
                    "on a disk in which it can by BELLWETHER_MEASURE_FOLDER"
                ) from error
            yield TicketFile(file.name, self.most_in_memory)

    def check(self) -> None:
        """Whether the folder takes a file. Raises `TicketFolderError`."""
        with self.new():
            pass


USUAL: Final = TicketFiles()
