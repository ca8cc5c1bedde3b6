"""Texts that can be kept and sent: what refuses the others quotes them, and they may be secrets."""

NO_TEXT = "holds a NUL or a byte that is no UTF-8: write it again"


def is_text(value: str) -> bool:
    """Return whether PostgreSQL, libpq and HTTP can take a text: no NUL, and no byte that Python could not read."""
    return not any(letter == "\0" or "\ud800" <= letter <= "\udfff" for letter in value)


def one_line(text: str) -> str:
    """Return a text for people in one line: what can't be printed is a space."""
    return "".join(letter if letter.isprintable() else " " for letter in text).strip()
