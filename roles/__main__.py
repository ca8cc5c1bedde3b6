"""python -m roles [--readers] [--sql]: the roles of a warehouse on a server of your own, with least rights.

loader reads the sources into raw, transformer builds, grafana_reader and public_reader read. Run again, it gives them
what came to be needed since. With --sql it prints what an administrator has to run where you may not make roles.
Exit codes: 0 done; 2 nothing done.
"""

import argparse
import sys

import psycopg2

from ingest import warehouse
from ingest.errors import SetupError
from roles.make import ALL, make, script
from roles.readers import READERS
from roles.role import Role


def main(arguments: list[str] | None = None) -> int:
    """Run what the command line asks for; returns the exit code."""
    parser = argparse.ArgumentParser(prog="python -m roles", description=__doc__.splitlines()[0])
    parser.add_argument("--readers", action="store_true", help="only those that read, on any server")
    parser.add_argument("--sql", action="store_true", help="print what an administrator has to run")
    given = parser.parse_args(arguments)
    roles = READERS if given.readers else ALL
    try:
        if given.sql:
            print(script(roles), end="")
            return 0
        made = make(roles)
    except (SetupError, psycopg2.Error) as error:
        print(f"roles: {str(error).strip()}", file=sys.stderr)
        return 2
    for role in roles:
        print(f"roles: {role.name}, {role.task} in {warehouse.target().database}: {_said(role, made.passwords)}")
    for statement in made.left:
        print(f"roles: not allowed here, an administrator may: {statement}")
    return 0


def _said(role: Role, passwords: dict[str, str]) -> str:
    if role.given:
        return f"the password is that of {role.word}"
    if role.name in passwords:
        return f"the password, which is shown this once, is {passwords[role.name]}"
    return f"the password is as it was; {role.word} gives it another"


if __name__ == "__main__":
    sys.exit(main())
