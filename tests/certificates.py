"""An authority of the tests' own, and certificates that it signs, made by openssl."""

import subprocess
from pathlib import Path

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa


class Authority:
    """A CA in a folder; `certificate` is the file that clients have to believe."""

    def __init__(self, folder: Path, name: str):
        """Make it."""
        self.folder, self.name = folder, name
        self.certificate, self._key = folder / f"{name}.crt", folder / f"{name}.key"
        _openssl(
            *("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2"),
            *("-subj", f"/CN={name}", "-addext", "keyUsage=critical,keyCertSign"),
            *("-keyout", self._key, "-out", self.certificate),
        )

    def sign(self, *names: str) -> tuple[Path, Path]:
        """Return the files of a certificate for a server's names, and of its key."""
        stem = self.folder / f"{self.name}-{names[0]}"
        key, request, certificate = (stem.with_name(f"{stem.name}{kind}") for kind in (".key", ".csr", ".crt"))
        extensions = stem.with_name(f"{stem.name}.ext")
        extensions.write_text(f"subjectAltName={','.join(f'DNS:{name}' for name in names)}\n")
        _openssl(
            *("req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"),
            *("-subj", f"/CN={names[0]}", "-keyout", key, "-out", request),
        )
        _openssl(
            *("x509", "-req", "-in", request, "-CA", self.certificate, "-CAkey", self._key, "-CAcreateserial"),
            *("-days", "2", "-extfile", extensions, "-out", certificate),
        )
        return certificate, key


def _openssl(*arguments: str | Path) -> None:
    done = subprocess.run(["openssl", *map(str, arguments)], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


def service_account_key(**more: str) -> dict[str, str]:
    """Return a key of a service account as Google makes it, `more` in it; nobody answers at its token's address."""
    private = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    pem = private.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    return {
        "type": "service_account",
        "client_email": "numbers@example.iam.gserviceaccount.com",
        "private_key": pem.decode(),
        "token_uri": "https://localhost:1/token",
        **more,
    }
