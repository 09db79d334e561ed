"""Where tickets and panes rest that nothing happened to for a while: a file without a name.

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

from services.scoring.core.scratch_file import ScratchFile

MEGABYTE: Final = 1_000_000
FOLDER: Final = Path("/var/tmp")  # noqa: S108 - who else writes there cannot guess the name
"""On a disk, where ``/tmp`` is often memory."""
TICKETS_MB: Final = 1.0


class ScratchFolderError(RuntimeError):
    """The folder takes no file."""


@dataclass(frozen=True, slots=True)
class ScratchFiles:
    """A file for each partition, in a folder; so many bytes of its tickets stay in memory."""

    folder: Path = FOLDER
    tickets_in_memory: int = round(TICKETS_MB * MEGABYTE)

    @contextmanager
    def new(self) -> Iterator[ScratchFile]:
        """A file to be opened before this is left: afterwards it has no name. Raises
        `ScratchFolderError`."""
        with ExitStack() as open_files:
            try:
                file = open_files.enter_context(
                    NamedTemporaryFile(prefix="bellwether-measure-", dir=self.folder)
                )
            except OSError as error:
                raise ScratchFolderError(
                    f"measure can make no file in {self.folder} ({error.strerror}): name a folder "
                    "on a disk in which it can by BELLWETHER_MEASURE_FOLDER"
                ) from error
            yield ScratchFile(file.name, self.tickets_in_memory)

    def check(self) -> None:
        """Whether the folder takes a file. Raises `ScratchFolderError`."""
        with self.new():
            pass


USUAL: Final = ScratchFiles()
