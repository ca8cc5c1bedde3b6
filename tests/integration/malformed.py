"""Commands whose secrets are broken, in one process, in a copy of the project.

A secret and the server's host:port come by stdin. Each setting that holds a secret gets it broken in each way that its
place can't hold. Prints a line of JSON for each try: what was tried, what its line has to name, the exit code, what was
printed.
"""

import json
import os
import re
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from io import StringIO
from pathlib import Path
from typing import NamedTuple

import tomlkit
from dlt.common.configuration.container import Container
from dlt.common.configuration.specs.pluggable_run_context import PluggableRunContext

import ingest.__main__
import roles.__main__
import tick.__main__
from ingest.sources.prometheus import client

MAINS = {"ingest": ingest.__main__.main, "tick": tick.__main__.main, "roles": roles.__main__.main}
SECRETS = Path(".dlt", "secrets.toml")
# A variable of the environment can hold the byte and not the NUL, a TOML file the NUL and not the byte.
NUL, BYTE = "\0", "\udcff"
SQL = ("website", "events", "spiders")
GONE = "https://localhost:1"
KEY = {"client_email": "numbers@example.iam.gserviceaccount.com", "token_uri": f"{GONE}/token"}


class Try(NamedTuple):
    """A command, with secrets in dlt's places (website.url) or variables (WAREHOUSE_PASSWORD); what its line names."""

    what: str
    command: tuple[str, ...]
    settings: dict[str, object]
    names: str


def broken_anywhere(secret: str) -> list[str]:
    return [f"{secret}{broken}{secret}" for broken in ("\n", "\r", NUL, BYTE)] + [f"{secret}\n"]


def broken_in_a_header(secret: str) -> list[str]:
    return [*broken_anywhere(secret), f" {secret}", f"{secret}€{secret}"]


def broken_in_a_url(secret: str) -> list[str]:
    marks = ("%", "%00", "%ff", ":", "@", "/", ":12/", "?", "?a=b&", "#", "\\", "[", "{{", "'", '"', "$", " ", "é")
    return broken_in_a_header(secret) + [f"{secret}{mark}{secret}" for mark in marks]


def tries(secret: str, where: str, folder: Path) -> Iterator[Try]:
    """Give all of them; `where` is the server of the warehouse and of the sources."""
    yield from of_databases(secret, where)
    yield from of_prometheus(secret, folder)
    yield from of_google(secret, folder)
    yield from of_people(secret)
    yield from of_the_warehouse(secret, folder)


def of_databases(secret: str, where: str) -> Iterator[Try]:
    for number, text in enumerate(broken_in_a_url(secret)):
        source = SQL[number % len(SQL)]
        url = f"postgresql://{source}:{text}@{where}/hostile_{source}"
        yield Try("password", ("ingest", source), {f"sources.{source}.url": url}, f"[sources.{source}] url")
    for source, broken in zip(SQL, (NUL, BYTE, NUL), strict=True):
        setting, salt = f"sources.{source}.user_id_salt", f"{secret}{broken}{secret}"
        yield Try("salt", ("ingest", source), {setting: salt}, f"[sources.{source}] user_id_salt")


def of_prometheus(secret: str, folder: Path) -> Iterator[Try]:
    def one(setting: str, value: object, named: str = "") -> Try:
        settings = {"sources.prometheus.url": f"{GONE}/x", f"sources.prometheus.{setting}": value}
        return Try(setting, ("ingest", "prometheus"), settings, f"[sources.prometheus] {named or setting}")

    for number, text in enumerate(broken_in_a_header(secret)):
        yield from (one(setting, text) for setting in ("token", "username", "password"))
        yield one("headers", {"X-Scope": text}, "headers")
        yield one("headers", {f"X-Scope: {text}": "x"}, "headers")
        yield one("headers", text, "headers")
        file = folder / f"token{number}"
        file.write_text(f"first line\n{text}", errors="surrogateescape")
        yield one("token_file", str(file))
        yield one("token_file", text)
    yield one("token_file", str(folder))
    for text in broken_in_a_url(secret):
        # A password with @ or $ is one, where no other mark is near: there the server is what is gone.
        yield one("proxy", f"http://me:{text}@localhost:1")._replace(names="[sources.prometheus] ")
        yield one("url", f"https://me:{text}@localhost:1/x")
        yield one("url", f"{GONE}/x?token={text}")


def of_google(secret: str, folder: Path) -> Iterator[Try]:
    def one(what: str, **settings: object) -> Try:
        names = {"key": "sources.google_analytics.credentials", "file": "GOOGLE_APPLICATION_CREDENTIALS"}
        given = {"sources.google_analytics.credentials": None} | {names[name]: text for name, text in settings.items()}
        return Try(what, ("ingest", "google_analytics"), given, "[sources.google_analytics] credentials")

    for text in broken_anywhere(secret):
        pem = f"-----BEGIN PRIVATE KEY-----\n{text}\n-----END PRIVATE KEY-----\n"
        broken = {
            "no JSON": text,
            "half of a JSON": f'{{"private_key": "{text}',
            "a list": json.dumps([text]),
            "no private key": json.dumps(KEY | {"type": "service_account", "private_key": text}),
            "a private key that is none": json.dumps(KEY | {"type": "service_account", "private_key": pem}),
            "a private key in a list": json.dumps(KEY | {"type": "service_account", "private_key": [text]}),
            "a key without its mail": json.dumps({"type": "service_account", "private_key": text}),
            "a key of no kind": json.dumps({"type": text}),
        }
        for what, content in broken.items():
            yield one(what, key=content)
            # The wrong file, or its content in place of its name.
            if "\n" in text or BYTE in text:
                file = folder / "key"
                file.write_text(content, errors="surrogateescape")
                yield one(f"a file with {what}", file=str(file))
                yield one(f"{what}, where a file is named", file=content)
    yield one("a folder", file=str(folder))


def of_people(secret: str) -> Iterator[Try]:
    urls = [f"jsons://me:{text}@localhost:1/{text}" for text in broken_in_a_url(secret)]
    urls += [f"jsons://localhost:1/?+X-Token={text}" for text in broken_in_a_header(secret)]
    for url in urls:
        yield Try("urls", ("tick", "notify", "--test"), {"notify.urls": [url]}, "notify: ")


def of_the_warehouse(secret: str, folder: Path) -> Iterator[Try]:
    credentials, profile = "destination.postgres.credentials", Path("profiles.example.yml").read_text()
    for text in (
        f'"{secret}',
        f'"{secret}\\0"',
        f"'{{{{ {secret} {secret}'",
        f"'{{{{ {secret} }}}}'",
        f"'{secret}': {secret}",
    ):
        (folder / "profiles.yml").write_text(re.sub(r"(?<=password: ).*", lambda _, text=text: text, profile))
        yield Try("profile", ("tick", "notify"), {"DBT_PROFILES_DIR": str(folder)}, "profiles.yml")
    for text in broken_in_a_header(secret):
        yield Try("loader", ("ingest", "events"), {f"{credentials}.password": text}, f"[{credentials}]")
        if NUL not in text:
            yield Try("dbt", ("tick", "notify"), {"WAREHOUSE_PASSWORD": text}, "WAREHOUSE_")
    for word in ("LOADER_DB_PASSWORD", "TRANSFORMER_DB_PASSWORD", "GRAFANA_DB_PASSWORD", "PUBLIC_DB_PASSWORD"):
        yield Try("roles", ("roles",), {word: f"{secret}{BYTE}{secret}"}, word)


@contextmanager
def placed(settings: dict[str, object]) -> Iterator[None]:
    """Write settings into secrets.toml, or, where it can't hold them, into the environment, for a block."""
    file, environment = SECRETS.read_text(), dict(os.environ)
    document = tomlkit.parse(file).unwrap()
    for name, value in settings.items():
        text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
        if name.isupper() or BYTE in text:
            os.environ[name.replace(".", "__").upper()] = text
            continue
        *sections, key = name.split(".")
        table = document
        for section in sections:
            table = table.setdefault(section, {})
        table[key] = value
        if value is None:
            del table[key]
    try:
        SECRETS.write_text(tomlkit.dumps(document))
        Container()[PluggableRunContext].reload_providers()
        yield
    finally:
        SECRETS.write_text(file)
        os.environ.clear()
        os.environ.update(environment)


def main(secret: str, where: str) -> None:
    """Try all."""
    client.PAUSE_SECONDS = 0
    with tempfile.TemporaryDirectory() as folder:
        for each in tries(secret, where, Path(folder)):
            name, *arguments = each.command
            with placed(each.settings), redirect_stdout(StringIO()) as printed, redirect_stderr(printed):
                code = MAINS[name](arguments)
            print(json.dumps([f"{name}: {each.what}", each.names, code, printed.getvalue()]))


if __name__ == "__main__":
    main(*sys.stdin.read().split())
