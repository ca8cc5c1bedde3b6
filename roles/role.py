"""What a role is made of: its name, its settings, and where its password comes from."""

import os
import secrets
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from psycopg2 import sql

from ingest.errors import SetupError
from ingest.texts import NO_TEXT, is_text

# Compiling the plans of a page takes minutes, and running them seconds.
NO_JIT = {"jit": "off"}


@dataclass(frozen=True, eq=False)
class Role:
    """A role that logs in.

    `word` is the environment variable with its password, `connections` how many it may have (-1: no limit).
    `settings` are those of its sessions, which may change them: what a role can't do is what nothing is granted for.
    """

    name: str
    word: str
    task: str
    settings: Mapping[str, str] = field(default_factory=dict)
    connections: int = -1

    @property
    def identifier(self) -> sql.Identifier:
        """The name as SQL."""
        return sql.Identifier(self.name)

    @property
    def given(self) -> str | None:
        """The password of its variable, None where that is not set; raises SetupError where it can be none."""
        password = os.environ.get(self.word) or None
        if password and not is_text(password):
            raise SetupError(f"{self.word} {NO_TEXT}")
        return password

    def password(self, is_there: bool) -> str | None:
        """Return the password to give: the variable's, else a new one; None where it is there and keeps its own."""
        return self.given or (None if is_there else secrets.token_urlsafe(18))

    def statements(self, is_there: bool, password: str | None) -> Iterator[sql.Composable]:
        """Give the statements that make the role what it is; `password` as the server keeps it, or as it is."""
        if not is_there:
            yield sql.SQL("create role {}").format(self.identifier)
        yield sql.SQL("alter role {} login connection limit {}").format(self.identifier, sql.Literal(self.connections))
        if password is not None:
            yield sql.SQL("alter role {} password {}").format(self.identifier, sql.Literal(password))
        for name, value in self.settings.items():
            yield sql.SQL("alter role {} set {} = {}").format(self.identifier, sql.Identifier(name), sql.Literal(value))
