"""What to do where a server's certificate is not believed: the line that names the setting."""

import re

# As libpq, Python's ssl and gRPC put it.
WRONG_NAME = re.compile(r"does not match host name|hostname mismatch|ip address mismatch", re.IGNORECASE)
NO_CERTIFICATES = re.compile(r"root certificate file")
UNKNOWN_SIGNER = re.compile(r"certificate.verify.failed", re.IGNORECASE)
NO_TLS = re.compile(r"server does not support SSL")


def cure(reason: str, host: str, authority: str) -> str | None:
    """Return what to do about a reason that is about a certificate, None about any other.

    `host` and `authority` are the settings of the server's name and of the certificates that it is checked against.
    """
    if WRONG_NAME.search(reason):
        return f"write a name into {host} that stands in the server's certificate"
    if NO_CERTIFICATES.search(reason):
        return f"write the file with the certificate that signed the server's into {authority}"
    if UNKNOWN_SIGNER.search(reason):
        return f"{authority} has to hold the certificate that signed the server's, and no other did"
    return "turn TLS on at the server" if NO_TLS.search(reason) else None
