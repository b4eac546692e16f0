"""Values as people read them: counts, sizes, durations, and bytes that may be anything."""

from __future__ import annotations

from typing import Final

_COUNT_UNITS: Final = ("", "k", "M", "G", "T")
_SIZE_UNITS: Final = ("B", "kB", "MB", "GB", "TB")


def short_count(number: int) -> str:
    """950, 1.2k, 34k, 5.6M."""
    return _scaled(number, _COUNT_UNITS)


def short_size(size_bytes: int) -> str:
    """950B, 1.2kB, 34MB; in powers of 1000."""
    return _scaled(size_bytes, _SIZE_UNITS)


def short_duration(seconds: float) -> str:
    """0.4s, 12s, 3m20s, 5h10m, 2d4h."""
    if seconds < 10:
        return f"{seconds:.1f}s"
    whole = round(seconds)
    for size, unit, smaller, small_unit in (
        (86_400, "d", 3600, "h"),
        (3600, "h", 60, "m"),
        (60, "m", 1, "s"),
    ):
        if whole >= size:
            return f"{whole // size}{unit}{whole % size // smaller}{small_unit}"
    return f"{whole}s"


def printable(text: str) -> str:
    """The text without what a terminal would obey: control characters come out escaped."""
    if text.isprintable():
        return text
    return "".join(
        character
        if character.isprintable() or character in "\t\n"
        else character.encode("unicode_escape").decode("ascii")
        for character in text
    )


def bytes_as_text(data: bytes | None) -> str:
    """UTF-8 where it is; else each odd byte as \\xNN; "" for None."""
    return "" if data is None else data.decode("utf-8", "backslashreplace")


def plural(count: int, noun: str) -> str:
    """`1 record`, `3 records`."""
    return f"{count:,} {noun}" if count == 1 else f"{count:,} {noun}s"


def _scaled(number: float, units: tuple[str, ...]) -> str:
    sign, size = ("-", -number) if number < 0 else ("", number)
    unit = 0
    while size >= 999.5 and unit < len(units) - 1:
        size /= 1000
        unit += 1
    digits = f"{size:.1f}" if unit and size < 9.95 else f"{size:.0f}"
    return f"{sign}{digits}{units[unit]}"
