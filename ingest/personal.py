"""What looks like a person: an e-mail address, a name or an IP address is read only where a setting names it.

A name tells by the words in it; a value by its form, which no person's name has.
"""

import csv
import ipaddress
import json
import re
from collections.abc import Collection, Iterable, Iterator
from itertools import islice
from pathlib import Path

EMAIL, NAME, IP = "an e-mail address", "a person's name", "an IP address"
WORD = re.compile(r"[A-Z]?[a-z]+|[A-Z]+(?![a-z])|\d+")
WORDS = {
    "mail": EMAIL,
    "email": EMAIL,
    "ip": IP,
    "ipv": IP,
    "username": NAME,
    "firstname": NAME,
    "lastname": NAME,
    "fullname": NAME,
    "nickname": NAME,
    "surname": NAME,
}
# Before `name`: a campaign has one, too.
OF_A_PERSON = re.compile(
    r"(^|\b(author|client|contact|customer|display|family|first|full|given|last|member|user) )name$"
)
EMAIL_FORM = re.compile(r"[\w.+-]@[\w-]+(\.[\w-]+)*\.[A-Za-z]{2,}")
IP_FORM = re.compile(r"(?<![\w.:])((\d{1,3}\.){3}\d{1,3}|([0-9a-fA-F]{0,4}:){3,7}[0-9a-fA-F]{0,4})(?![\w.])")
# A cell may be as long as PostgreSQL's: Python's csv stops at 128 KB.
csv.field_size_limit(2**30)
# Of a file the first rows: a net for mistakes, which hourly reads, of some thousand rows each, soon meet. 3 ms of CPU.
MOST_ROWS = 1000


def of_name(name: str) -> str | None:
    """Return what a label, key or column of this name may hold of a person; None where it may hold nothing."""
    words = [word.lower() for word in WORD.findall(name)]
    found = next((WORDS[word] for word in words if word in WORDS), None)
    return found or (NAME if OF_A_PERSON.search(" ".join(words)) else None)


def of_value(text: str) -> str | None:
    """Return what a text has the form of; None where it has that of no person."""
    if "@" in text and EMAIL_FORM.search(text):
        return EMAIL
    if (text.count(".") > 2 or text.count(":") > 2) and any(_is_ip(found[1]) for found in IP_FORM.finditer(text)):
        return IP
    return None


def check_names(setting: str, names: Iterable[str], allowed: Collection[str]) -> None:
    """Raise ValueError, as a validator of settings does, where a name looks like a person's and is not allowed."""
    for name in names:
        what = None if name in allowed else of_name(name)
        if what:
            raise ValueError(f"{setting}: {refusal(name, f'looks like {what}')}")


def refusal(name: str, why: str) -> str:
    """Return the line for a name that is refused."""
    return f"{name} {why}: leave it out, or, where you may read it, add it to allow_personal"


def in_labels(labels: Iterable[str], allowed: Collection[str]) -> str | None:
    """Return the refusal for the first of some labels, each a JSON object, of which a value looks like a person's."""
    return next((_refused(name, what) for text in labels for name, what in _in_cell("labels", text, allowed)), None)


def in_file(path: Path, allowed: Collection[str]) -> str | None:
    """Return the refusal for the first value in the first rows of a CSV file; its text is not shown."""
    with path.open(newline="", encoding="utf-8") as file:
        rows = csv.reader(file)
        columns = next(rows, [])
        for row in islice(rows, MOST_ROWS):
            for column, cell in zip(columns, row, strict=True):
                for name, what in _in_cell(column, cell, allowed):
                    return _refused(name, what)
    return None


def _refused(name: str, what: str) -> str:
    return refusal(name, f"holds a value that looks like {what}")


def _in_cell(column: str, cell: str, allowed: Collection[str]) -> Iterator[tuple[str, str]]:
    """Give name and look of what is refused in a cell, or under a key of the JSON that is in it."""
    if column in allowed or of_value(cell) is None:
        return
    for name, text in _texts(column, cell):
        what = None if name in allowed else of_value(text)
        if what:
            yield name, what


def _texts(name: str, cell: str) -> Iterator[tuple[str, str]]:
    if cell[:1] not in ("{", "["):
        yield name, cell
        return
    document = json.loads(cell)
    for item in document if isinstance(document, list) else [document]:
        for key, value in item.items() if isinstance(item, dict) else [(name, item)]:
            yield key, value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def _is_ip(text: str) -> bool:
    try:
        return not ipaddress.ip_address(text).is_unspecified
    except ValueError:
        return False
