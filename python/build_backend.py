"""Builds the wheel and the source archive (PEP 517). Pure Python files in a zip need no more, and nothing is downloaded for it."""

from __future__ import annotations

import base64
import hashlib
import io
import os
import tarfile
import tomllib
import zipfile
from pathlib import Path
from typing import Any

_ROOT = Path(__file__).resolve().parent
_PACKAGE = "pyro_mcp"
_SOURCES = ["README.md", "pyproject.toml", "build_backend.py"]
# The oldest time that a zip can hold: the same sources give the same bytes.
_TIME = (1980, 1, 1, 0, 0, 0)


def build_wheel(wheel_directory: str, config_settings: Any = None, metadata_directory: str | None = None) -> str:
    """Builds the wheel; returns its name."""
    return _write_wheel(wheel_directory, {name: (_ROOT / name).read_bytes() for name in _package_files()})


def build_editable(wheel_directory: str, config_settings: Any = None, metadata_directory: str | None = None) -> str:
    """A wheel that leads to this directory (PEP 660)."""
    return _write_wheel(wheel_directory, {f"_{_PACKAGE}.pth": f"{_ROOT}\n".encode()})


def build_sdist(sdist_directory: str, config_settings: Any = None) -> str:
    """Builds the source archive; returns its name."""
    base = f"{_PACKAGE}-{_project()['version']}"
    name = f"{base}.tar.gz"
    with tarfile.open(os.path.join(sdist_directory, name), "w:gz", format=tarfile.PAX_FORMAT) as archive:
        for file in [*_SOURCES, *_package_files()]:
            archive.add(_ROOT / file, f"{base}/{file}")
        metadata = _metadata().encode()
        info = tarfile.TarInfo(f"{base}/PKG-INFO")
        info.size = len(metadata)
        archive.addfile(info, io.BytesIO(metadata))
    return name


def _package_files() -> list[str]:
    found = (_ROOT / _PACKAGE).rglob("*")
    return sorted(str(path.relative_to(_ROOT)) for path in found if path.suffix == ".py" or path.name == "py.typed")


def _project() -> dict[str, Any]:
    return tomllib.loads((_ROOT / "pyproject.toml").read_text())["project"]


def _metadata() -> str:
    project = _project()
    head = [
        "Metadata-Version: 2.1",
        f"Name: {project['name']}",
        f"Version: {project['version']}",
        f"Summary: {project['description']}",
        f"Requires-Python: {project['requires-python']}",
        f"License: {project['license']['text']}",
        *(f"Classifier: {classifier}" for classifier in project["classifiers"]),
        "Description-Content-Type: text/markdown",
    ]
    return "\n".join(head) + "\n\n" + (_ROOT / project["readme"]).read_text()


def _write_wheel(directory: str, contents: dict[str, bytes]) -> str:
    version = _project()["version"]
    info = f"{_PACKAGE}-{version}.dist-info"
    contents = {
        **contents,
        f"{info}/METADATA": _metadata().encode(),
        f"{info}/WHEEL": b"Wheel-Version: 1.0\nGenerator: pyro\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
    }
    record = "".join(f"{name},sha256={_digest(data)},{len(data)}\n" for name, data in contents.items())
    contents[f"{info}/RECORD"] = f"{record}{info}/RECORD,,\n".encode()
    wheel = f"{_PACKAGE}-{version}-py3-none-any.whl"
    with zipfile.ZipFile(os.path.join(directory, wheel), "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in contents.items():
            entry = zipfile.ZipInfo(name, _TIME)
            entry.external_attr = 0o644 << 16
            archive.writestr(entry, data, zipfile.ZIP_DEFLATED)
    return wheel


def _digest(data: bytes) -> str:
    return base64.urlsafe_b64encode(hashlib.sha256(data).digest()).decode().rstrip("=")
