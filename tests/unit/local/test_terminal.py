import io
import json
import os
import threading

from deploy.cli.terminal import LineFormat, Terminal

PLAIN = LineFormat(colour=False)


def record(**fields: object) -> str:
    return json.dumps({"level": "info", "event": "flushed", "timestamp": "t", **fields})


def test_a_json_record_is_shown_as_level_event_and_facts() -> None:
    shown = PLAIN("measure", record(events=5, service="measure", logger="runner"))
    assert shown == "measure   | info    flushed events=5"


def test_a_line_that_is_no_record_is_shown_as_it_is() -> None:
    assert PLAIN("kafka", "{not json") == "kafka     | {not json"
    assert PLAIN("kafka", "started") == "kafka     | started"


def test_routine_access_records_stay_in_the_log_file_unless_asked_for() -> None:
    line = record(logger="access", status=200)
    assert PLAIN("ingest", line) is None
    assert LineFormat(colour=False, verbose=True)("ingest", line) is not None


def test_an_access_record_that_warns_is_shown() -> None:
    assert PLAIN("ingest", record(logger="access", level="warning")) is not None


def test_who_is_not_ready_yet_is_told_by_the_supervisor_and_not_by_each_check() -> None:
    assert PLAIN("measure", record(logger="health", level="warning")) is None


def test_colours_are_used_only_when_asked_for() -> None:
    assert "\x1b[31m" in str(LineFormat(colour=True)("api", record(level="error")))
    assert "\x1b" not in str(PLAIN("api", record(level="error")))


class StuckOutput(io.StringIO):
    """A terminal that was paused: it takes the first line and lets go later."""

    def __init__(self) -> None:
        super().__init__()
        self.go_on = threading.Event()

    def write(self, text: str) -> int:
        self.go_on.wait(timeout=30)
        return super().write(text)


def test_a_paused_terminal_drops_lines_and_says_how_many_instead_of_blocking() -> None:
    out = StuckOutput()
    terminal = Terminal(PLAIN, out)
    for number in range(6000):
        terminal("api", f"line {number}")
    out.go_on.set()
    terminal.close()
    lines = out.getvalue().splitlines()
    dropped = sum(int(line[1:].split()[0]) for line in lines if "were not shown" in line)
    assert dropped > 0
    assert len([line for line in lines if line.startswith("api")]) + dropped == 6000


class ClosedOutput(io.StringIO):
    """The end of a pipe whose reader has left."""

    def write(self, text: str) -> int:
        raise BrokenPipeError


def test_a_reader_that_left_does_not_end_the_writer() -> None:
    terminal = Terminal(PLAIN, ClosedOutput())
    terminal("api", "lost")
    terminal("api", "lost too")
    terminal.close()
    assert terminal.out.name == os.devnull
    terminal.out.close()
