"""Texts that parsers are known to differ on, each with the verdict of the contract."""

BASE = (
    b'{"specversion":"1.0","id":"e-1","source":"crm","subject":"T-1",'
    b'"time":"2026-01-02T03:04:05Z","type":"ticket.handled","data":{"duration_ms":5}}'
)
ANSWER = BASE.replace(b"ticket.handled", b"survey.answered").replace(
    b'{"duration_ms":5}', b'{"kind":"csat","scale":{"min":1,"max":5},"value":4}'
)
CORRECTION = BASE.replace(b"ticket.handled", b"ticket.corrected").replace(
    b'{"duration_ms":5}', b'{"action":"exclude","reason":"r","event_id":"e"}'
)


def _with(old: bytes, new: str | bytes, text: bytes = BASE) -> bytes:
    assert text.count(old) == 1, old
    return text.replace(old, new.encode() if isinstance(new, str) else new)


def _each(label: str, old: bytes, form: str, *values: str) -> dict[str, bytes]:
    return {f"{label} {ascii(v)[:40]}": _with(old, form.replace("@", v)) for v in values}


def _extension(value: str | bytes) -> bytes:
    raw = value.encode() if isinstance(value, str) else value
    return _with(b'"id":', b'"ext":' + raw + b',"id":')


def _nested(levels: int, opening: str, closing: str) -> bytes:
    return _extension(opening * levels + "1" * (opening != "[") + closing * levels)


_TIME, _DURATION, _ID = b'"2026-01-02T03:04:05Z"', b":5}", b'"e-1"'

ACCEPTED: dict[str, bytes] = {
    "the plain event": BASE,
    "a survey's answer": ANSWER,
    "a correction": CORRECTION,
    "white space around": b" \r\n\t" + BASE + b" \r\n\t",
    "a member twice, both right": _with(b'"id":', b'"id":"e-0","id":'),
    "data twice, both right": _with(b'"data":', b'"data":{"duration_ms":7},"data":'),
    "the type twice, the same": _with(b'"type":', b'"type":"ticket.handled","type":'),
    "an escape in the type": _with(b"ticket.handled", rb"ticket.h\u0061ndled"),
    "an escape in a name": _with(b'"id":', rb'"i\u0064":'),
    "an extension of 63 levels": _nested(63, "[", "]"),
    "an integer of 4300 digits": _extension("9" * 4300),
    "a string of 5000 digits": _extension('"' + "9" * 5000 + '"'),
    "a number beyond a double": _extension("1e400"),
    "brackets within a string": _extension('"' + "[{" * 100 + '\\""'),
    "an empty data": _with(b"ticket.handled", b"ticket.closed").replace(
        b'{"duration_ms":5}', b"{}"
    ),
    "no data": _with(b"ticket.handled", b"ticket.closed").replace(
        b',"data":{"duration_ms":5}', b""
    ),
    "null for what may be left out": _with(
        b'"id":', b'"receivedtime":null,"dataschema":null,"id":'
    ),
    "a comment with line feeds": _with(b'"value":4', rb'"value":4,"comment":"a\nb\t"', ANSWER),
    "an empty comment": _with(b'"value":4', b'"value":4,"comment":""', ANSWER),
    **_each("duration", _DURATION, ":@}", "0", "-0", "316224000000"),
    **_each(
        "time",
        _TIME,
        '"@"',
        "2026-01-02 03:04:05Z",
        "2026-01-02t03:04:05z",
        "2026-01-02T03:04:05.123456789Z",
        "2026-01-02T03:04:05+23:59",
        "2026-01-02T03:04:05-00:00",
        "2026-01-02T03:04:05+0530",
        "2024-02-29T00:00:00Z",
    ),
    **_each("id", _ID, '"@"', "x" * 200, "🙂" * 200, "\\ud83d\\ude42", "a b", "工单", "a\\/b"),
    **_each("extension", b'"id":', '"ext":@,"id":', "1", "1.5", "true", "null", "[]", "{}", '"x"'),
    **_each(
        "content type",
        b'"id":',
        '"datacontenttype":"@","id":',
        "application/json",
        "application/json; charset=utf-8",
    ),
}

REFUSED: dict[str, bytes] = {
    "nothing": b"",
    "white space": b" \n",
    "half an event": BASE[:60],
    "an array": b"[" + BASE + b"]",
    "two events": BASE + b"\n" + BASE,
    "trailing bytes": BASE + b"x",
    "a trailing NUL": BASE + b"\0",
    "a trailing form feed": BASE + b"\x0c",
    "a byte order mark": b"\xef\xbb\xbf" + BASE,
    "UTF-16": BASE.decode().encode("utf-16"),
    "UTF-32": BASE.decode().encode("utf-32-le"),
    "Latin-1": _with(_ID, b'"\xe9"'),
    "an overlong NUL": _with(_ID, b'"\xc0\x80"'),
    "a surrogate in UTF-8": _with(_ID, b'"\xed\xa0\x80"'),
    "no UTF-8 in an extension": _extension(b'"\xff"'),
    "no UTF-8 in an extension's name": _with(b'"id":', b'"\xff":1,"id":'),
    "a member twice, the first wrong": _with(b'"id":', b'"id":3,"id":'),
    "a member twice, the last wrong": _with(_ID, b'"e-1","id":3'),
    "data twice, the first wrong": _with(b'"data":', b'"data":3,"data":'),
    "a figure twice, the first wrong": _with(_DURATION, b':-5,"duration_ms":5}'),
    "two types": _with(b'"type":', b'"type":"ticket.opened","type":'),
    "the type twice, the first a number": _with(b'"type":', b'"type":3,"type":'),
    "an extension of 64 levels": _nested(64, "[", "]"),
    "an extension of 1,000 objects": _nested(1000, '{"a":', "}"),
    "an extension of 100,000 arrays": _nested(100_000, "[", "]"),
    "100,000 arrays that never close": _extension("[" * 100_000),
    "a string of escapes that never closes": b'{"' + b'\\"' * 100_000,
    "data of 1,000 levels": _with(b'{"duration_ms":5}', b"[" * 1000 + b"]" * 1000),
    "an integer of 4301 digits": _extension("9" * 4301),
    "no type": _with(b'"type":"ticket.handled",', b""),
    "no data where data is needed": _with(b',"data":{"duration_ms":5}', b""),
    "a type of another data": _with(b"ticket.handled", b"ticket.waiting"),
    "an answer off its scale": _with(b'"value":4', b'"value":6', ANSWER),
    "a scale of one point": _with(b'"min":1', b'"min":5', ANSWER),
    "a scale upside down": _with(b'"min":1', b'"min":9', ANSWER),
    "a boolean answer": _with(b'"value":4', b'"value":true', ANSWER),
    "an unknown member of data": _with(b'"value":4', b'"value":4,"mood":1', ANSWER),
    "no rater's role": _with(b'"value":4', b'"value":4,"rater_role":null', ANSWER),
    "NUL in a comment": _with(b'"value":4', rb'"value":4,"comment":"\u0000"', ANSWER),
    "a comment of 4001 characters": _with(
        b'"value":4', b'"value":4,"comment":"' + b"x" * 4001 + b'"', ANSWER
    ),
    "an exclusion of nothing": _with(b',"event_id":"e"', b"", CORRECTION),
    "an exemption of no interval": _with(b'"exclude"', b'"exempt"', CORRECTION),
    **_each(
        "duration",
        _DURATION,
        ":@}",
        *("-1", "316224000001", "5.0", "5e0", "true", "null", '"5"', "[]", "{}", "NaN", "Infinity"),
        *("05", "+5", "0x5", "5.", ".5", "1e400", "9" * 30, "-0.0", "5 5", "5.0000000000000000001"),
    ),
    **_each(
        "time",
        _TIME,
        '"@"',
        *("", "2026-01-02", "2026-01-02T03:04:05", "2026-01-02T03:04Z", "20260102T030405Z"),
        *("2026-01-02T24:00:00Z", "2026-01-02T23:59:60Z", "2026-02-29T00:00:00Z"),
        *("2026-01-02T03:04:05+24:00", "2026-01-02T03:04:05+05:60", "2026-01-02T03:04:05+05:30:15"),
        *("2026-01-02T03:04:05+00", "2026-01-02T3:04:05Z", "2026-W01-1T00:00:00Z"),
        *("2026-01-02T03:04:05.Z", "2026-01-02T03:04:05,5Z", " 2026-01-02T03:04:05Z"),
        *("2026-01-02T03:04:05Z ", "2026-01-02T03:04:05Z\\n", "2026-01-02T03:04:05Z\\u0000"),
        *("٢026-01-02T03:04:05Z", "0000-01-01T00:00:00Z", "10000-01-01T00:00:00Z"),
        *("9999-12-31T23:59:59.9999999Z", "1767323045"),
    ),
    **_each("unquoted time", _TIME, "@", "1767323045", "1767323045.5", "null", "true", "[]", "{}"),
    **_each(
        "id",
        _ID,
        '"@"',
        *(
            "",
            " ",
            " a",
            "a ",
            "a\\n",
            "a\\tb",
            "a\nb",
            "\\u0000",
            "a\\u0000",
            "\\u001f",
            "\\u007f",
        ),
        *("\x7f", "\\ud800", "a\\udc00b", "\\ud800\\ud800", "\\ud83d", "\u00a0a", "a\u3000"),
        *("a\\u2028", "\\u0085", "\\x", "\\u12", "x" * 201, "🙂" * 201),
    ),
    **_each("unquoted id", _ID, "@", "1", "null", "true", "[]", "{}"),
    **_each(
        "extension",
        b'"id":',
        '"ext":@,"id":',
        *("NaN", "-Infinity", "01", "-", "1.", "tru", "[1,]", '{"a":1,}', '"\\x"', '"a\tb"'),
        *('"\\ud800"', "'x'", ""),
    ),
    **_each("specversion", b'"1.0"', "@", "1.0", '"1"', '"1.0 "', '"0.3"', "null", '""'),
    **_each(
        "type",
        b'"ticket.handled"',
        "@",
        *("null", "3", '""', '"ticket.unknown"', '"Ticket.handled"', '"ticket.handled\\u0000"'),
    ),
    **_each(
        "schema",
        b'"id":',
        '"dataschema":@,"id":',
        *('""', "3", '"urn:bellwether:event:ticket.opened:v1"'),
        '"urn:bellwether:event:ticket.handled:v2"',
    ),
    **_each(
        "content type",
        b'"id":',
        '"datacontenttype":"@","id":',
        *("", "text/plain", "application/jsonx", "Application/JSON", "application/json\\n"),
        *("application/json;\\u0000", "application/json;\\r"),
    ),
    **_each(
        "currency", _DURATION, ':5,"currency":@}', '"cny"', '"CNY\\n"', '"ＣNY"', '"CNYX"', '""'
    ),
    **_each("text", BASE, "@", "null", "1", "true", '"x"', "{}", "[]", "{", "nul", "'x'"),
}
