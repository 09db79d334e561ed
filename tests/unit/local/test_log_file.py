from pathlib import Path

from deploy.local.log_file import LogFile


def test_a_log_is_appended_to_what_an_earlier_run_left(tmp_path: Path) -> None:
    (tmp_path / "a.log").write_text("before\n", encoding="utf-8")
    log = LogFile(tmp_path / "a.log")
    log.write(b"after\n")
    assert log.tail(5) == ["before", "after"]
    log.close()


def test_a_full_log_keeps_one_predecessor_and_no_more(tmp_path: Path) -> None:
    log = LogFile(tmp_path / "a.log", largest=100)
    for number in range(100):
        log.write(f"line {number:03}\n".encode())
    log.close()
    assert sorted(file.name for file in tmp_path.iterdir()) == ["a.log", "a.log.1"]
    kept = (tmp_path / "a.log.1").read_text() + (tmp_path / "a.log").read_text()
    assert kept.splitlines()[-1] == "line 099"
    assert all(file.stat().st_size <= 100 for file in tmp_path.iterdir())


def test_the_tail_gives_the_last_lines_oldest_first(tmp_path: Path) -> None:
    log = LogFile(tmp_path / "a.log")
    for number in range(10):
        log.write(f"{number}\n".encode())
    assert log.tail(3) == ["7", "8", "9"]
    log.close()
