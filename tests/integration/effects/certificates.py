"""A certificate for 127.0.0.1 and localhost, made by the program ``openssl``."""

import shutil
import subprocess
from pathlib import Path
from typing import NamedTuple

import pytest


class Certificate(NamedTuple):
    """A self-signed certificate, which is its own authority, and its key."""

    cert: Path
    key: Path


def make_certificate(folder: Path) -> Certificate:
    """Make one in *folder*; skip the test where there is no ``openssl``."""
    program = shutil.which("openssl")
    if program is None:
        pytest.skip("openssl is not installed")
    made = Certificate(folder / "cert.pem", folder / "key.pem")
    names = "subjectAltName=DNS:localhost,IP:127.0.0.1"
    request = ["req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2"]
    subject = ["-subj", "/CN=localhost", "-addext", names, "-keyout", str(made.key), "-out", str(made.cert)]
    subprocess.run([program, *request, *subject], check=True, capture_output=True, timeout=60)
    return made
