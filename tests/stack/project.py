"""A folder that looks as after `make build`: settings of SAM, the templates, and the functions."""

from __future__ import annotations

import json
import shutil
import subprocess
import zipfile
from collections.abc import Callable
from pathlib import Path

from samcli.yamlhelper import yaml_dump, yaml_parse

from stack import gaps
from stack.emulator import BINARIES, ROOT

FUNCTIONS = {"Orchestrator": "orchestrator", "Worker": "worker", "SmallWorker": "worker", "Publisher": "publisher"}


def archive(binary: Path, path: Path) -> None:
    """Writes the archive of a function. SAM uploads archives as they are, and compresses folders anew for each deployment: two
    seconds a function, for programs that nobody keeps."""
    entry = zipfile.ZipInfo("bootstrap")
    entry.external_attr = 0o755 << 16
    entry.compress_type = zipfile.ZIP_DEFLATED
    with zipfile.ZipFile(path, "w", compresslevel=1) as file:
        file.writestr(entry, binary.read_bytes(), compresslevel=1)


class Project:
    """The folder, with the template for this processor."""

    def __init__(self, folder: Path):
        self.folder = folder
        self.build = folder / ".aws-sam/build"
        self.build.mkdir(parents=True)
        shutil.copy(ROOT / "samconfig.toml", folder)
        for name in ("Makefile", "infra", "tests", ".tools"):
            (folder / name).symlink_to(ROOT / name)
        for binary in set(FUNCTIONS.values()):
            archive(BINARIES / binary, self.build / f"{binary}.zip")
        subprocess.run(["make", "--silent", "-B", "infra/template.x86_64.yaml"], cwd=ROOT, check=True)
        self.taken_out = self.write()

    def write(self, change: Callable[[dict, dict], None] | None = None) -> dict[str, int]:
        """Writes the templates, changed by `change`; the places of what the emulator lacks."""
        template = yaml_parse((ROOT / "infra/template.x86_64.yaml").read_text())
        catalog = json.loads((ROOT / "infra/catalog.json").read_text())
        for name, binary in FUNCTIONS.items():
            template["Resources"][name]["Properties"]["CodeUri"] = f"{binary}.zip"
        taken_out = gaps.take_out(template, catalog)
        if change:
            change(template, catalog)
        (self.build / "template.yaml").write_text(yaml_dump(template))
        (self.build / "catalog.json").write_text(json.dumps(catalog))
        return taken_out
