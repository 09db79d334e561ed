import json
import logging
from collections.abc import Iterator

import pytest
import structlog

from shared.runtime.log_throttle import LogThrottle
from shared.runtime.settings import RuntimeSettings
from shared.runtime.telemetry import configure_logging, correlation_id


@pytest.fixture
def restored_logging() -> Iterator[None]:
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    yield
    root.handlers[:] = handlers
    root.setLevel(level)
    structlog.reset_defaults()


def lines(capsys: pytest.CaptureFixture[str]) -> list[dict[str, object]]:
    return [json.loads(line) for line in capsys.readouterr().out.splitlines()]


@pytest.mark.usefixtures("restored_logging")
def test_our_records_and_those_of_libraries_are_json_with_the_correlation_id(
    capsys: pytest.CaptureFixture[str],
) -> None:
    configure_logging("ingest", RuntimeSettings(log_format="json"))
    token = correlation_id.set("abc")
    structlog.get_logger("ours").info("something_happened", n=3, name="王\n芳")
    logging.getLogger("somebody.else").warning("lost %s", "connection")
    correlation_id.reset(token)
    ours, theirs = lines(capsys)
    assert (ours["event"], ours["n"], ours["name"]) == ("something_happened", 3, "王\n芳")
    assert theirs["event"] == "lost connection"
    for record in (ours, theirs):
        assert (record["service"], record["correlation_id"]) == ("ingest", "abc")
        assert str(record["timestamp"]).endswith("Z")


@pytest.mark.usefixtures("restored_logging")
def test_a_traceback_is_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    configure_logging("ingest", RuntimeSettings(log_format="json"))
    try:
        int("boom")
    except ValueError:
        structlog.get_logger("ours").exception("failed")
    (record,) = lines(capsys)
    assert "ValueError: invalid literal" in str(record["exception"])


@pytest.mark.usefixtures("restored_logging")
def test_records_under_the_level_are_left_out(capsys: pytest.CaptureFixture[str]) -> None:
    configure_logging("ingest", RuntimeSettings(log_level="warning"))
    structlog.get_logger("ours").info("quiet")
    logging.getLogger("aiokafka").info("quiet too")
    assert lines(capsys) == []


def record(name: str, message: str) -> logging.LogRecord:
    return logging.LogRecord(name, logging.ERROR, "", 0, message, ("x",), None)


def test_a_library_that_repeats_itself_is_heard_once_an_interval() -> None:
    now = [0.0]
    throttle = LogThrottle(["aiokafka"], interval=5, clock=lambda: now[0])
    assert throttle.filter(record("aiokafka.conn", "no %s"))
    assert not any(throttle.filter(record("aiokafka.conn", "no %s")) for _ in range(7))
    assert throttle.filter(record("aiokafka.conn", "other %s")), "another message passes"
    now[0] = 5.0
    again = record("aiokafka.conn", "no %s")
    assert throttle.filter(again)
    assert again.getMessage() == "no x (and 7 more like it)"


def test_our_own_records_are_never_throttled() -> None:
    throttle = LogThrottle(["aiokafka"], clock=lambda: 0.0)
    assert all(throttle.filter(record("access", "request")) for _ in range(9))
