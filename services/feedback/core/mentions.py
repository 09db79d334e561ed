"""Whom a comment speaks to: ``@li.na``, ``@李娜``, ``@"Li Na"``."""

from __future__ import annotations

import re
from typing import Final

_MENTION: Final = re.compile(r'(?<![\w.+@-])@(?:"([^"\n]{1,200})"|([\w](?:[\w.-]{0,198}\w)?))')
MOST_MENTIONS: Final = 50


def mentions(text: str) -> list[str]:
    """Names in the order of the text, each once. A name ends at white space or punctuation other
    than an inner dot or hyphen; one with white space is quoted. An e-mail address is none."""
    names = (quoted.strip() or plain for quoted, plain in _MENTION.findall(text))
    return list(dict.fromkeys(name for name in names if name))[:MOST_MENTIONS]
