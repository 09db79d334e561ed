"""Durations for people: the two largest units that say something."""

from __future__ import annotations

from typing import Final

_UNITS: Final = (
    (86_400_000, "d", "天"),
    (3_600_000, "h", "小时"),
    (60_000, "min", "分"),
    (1000, "s", "秒"),
    (1, "ms", "毫秒"),
)


def english_duration(ms: int) -> str:
    """90000 is ``1 min 30 s``."""
    return " ".join(f"{count} {unit}" for count, unit, _ in _parts(ms))


def chinese_duration(ms: int) -> str:
    """90000 is ``1 分 30 秒``; a lone minute is ``1 分钟``."""
    written = " ".join(f"{count} {unit}" for count, _, unit in _parts(ms))
    return f"{written}钟" if written.endswith("分") else written


def _parts(ms: int) -> list[tuple[int, str, str]]:
    """Rounded to the second largest unit; milliseconds only under ten seconds."""
    sign, left = (-1 if ms < 0 else 1), abs(ms)
    largest = next((i for i, unit in enumerate(_UNITS) if left >= unit[0]), len(_UNITS) - 1)
    smallest = min(largest + 1, len(_UNITS) - 1 if left < 10_000 else len(_UNITS) - 2)
    step = _UNITS[smallest][0]
    left = (left + step // 2) // step * step
    parts = []
    for size, english, chinese in _UNITS[: smallest + 1]:
        count, left = divmod(left, size)
        if count:
            parts.append((sign * count, english, chinese))
            sign = 1
    return parts[:2] or [(0, *_UNITS[smallest][1:])]
