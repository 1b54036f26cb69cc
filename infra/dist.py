"""`python infra/dist.py functions` puts what `sam build` left into `dist/`; `complete` adds all else, checksums last.

The folder needs nothing but the SAM CLI: `sam deploy --template-file template.yaml`.
"""

from __future__ import annotations

import hashlib
import json
import shutil
import sys
import tomllib
import zipfile
from pathlib import Path

import built
from samcli.yamlhelper import yaml_dump, yaml_parse

ROOT = Path(__file__).resolve().parents[1]
DIST = ROOT / "dist"
BUILD = ROOT / ".aws-sam/build"
SUMS = "SHA256SUMS"
# Template of each processor of Lambda's.
TEMPLATES = {"arm64": "template.yaml", "x86_64": "template.x86_64.yaml"}
# Name of each processor of Lambda's to Linux.
LINUX = {"arm64": "aarch64", "x86_64": "x86_64"}
# Program of each function.
PROGRAMS = {"Orchestrator": "orchestrator", "Worker": "worker", "SmallWorker": "worker", "Publisher": "publisher"}
# What a person without `make` runs. Short, because SAM breaks long lines of outputs.
COMMANDS = {
    "PutTokenCommand": "AWS_DEFAULT_REGION=${AWS::Region} python3 operate.py token ${AWS::StackName}",
    "StatusCommand": "AWS_DEFAULT_REGION=${AWS::Region} python3 operate.py status ${AWS::StackName}",
}
# The earliest time that a zip file can say.
EPOCH = (1980, 1, 1, 0, 0, 0)
# Type of an ELF program header that names a dynamic loader.
INTERPRETER = 3


def version() -> str:
    """Version of the workspace."""
    return tomllib.loads((ROOT / "Cargo.toml").read_text())["workspace"]["package"]["version"]


def archive_name(program: str, processor: str) -> str:
    """File name of a function's archive."""
    return f"harvest-lake-{version()}-{program}-{processor}.zip"


def command_name(processor: str) -> str:
    """File name of the command for Linux."""
    return f"harvest-lake-{version()}-linux-{LINUX[processor]}"


def write_archive(program: Path, archive: Path) -> None:
    """Writes the program as `bootstrap`; the same program makes the same bytes at any time."""
    entry = zipfile.ZipInfo("bootstrap", EPOCH)
    entry.create_system = 3
    entry.external_attr = 0o100755 << 16
    entry.compress_type = zipfile.ZIP_DEFLATED
    with zipfile.ZipFile(archive, "w") as written:
        written.writestr(entry, program.read_bytes(), compresslevel=9)


def manifest() -> dict:
    """What the Serverless Application Repository asks of an application; `sam package` uploads both files."""
    return {
        "Name": "harvest-lake",
        "Description": "An exact, queryable copy of a Harvest account: a Delta Lake table for each data stream of the API.",
        "Author": "harvest-lake",
        "SpdxLicenseId": "Apache-2.0",
        "LicenseUrl": "LICENSE",
        "ReadmeUrl": "README.md",
        "Labels": ["harvest", "delta-lake", "athena", "time-tracking"],
        "SemanticVersion": version(),
    }


def distributed(template: dict) -> dict:
    """The built template with archives in place of folders, commands that need no `make`, and the manifest."""
    (processor,) = template["Globals"]["Function"]["Architectures"]
    for name, program in PROGRAMS.items():
        # How it was built: nothing is built from it again.
        template["Resources"][name].pop("Metadata", None)
        template["Resources"][name]["Properties"]["CodeUri"] = archive_name(program, processor)
    template["Resources"]["Catalog"]["Properties"]["TemplateURL"] = "catalog.json"
    for name, command in COMMANDS.items():
        template["Outputs"][name]["Value"] = {"Fn::Sub": command}
    template["Metadata"]["AWS::ServerlessRepo::Application"] = manifest()
    return template


def put_functions() -> None:
    """Writes archives and template of the last build."""
    DIST.mkdir(exist_ok=True)
    template = yaml_parse((BUILD / "template.yaml").read_text())
    (processor,) = template["Globals"]["Function"]["Architectures"]
    folders = {program: template["Resources"][name]["Properties"]["CodeUri"] for name, program in PROGRAMS.items()}
    for program, folder in folders.items():
        write_archive(BUILD / folder / "bootstrap", DIST / archive_name(program, processor))
    (DIST / TEMPLATES[processor]).write_text(yaml_dump(distributed(template)))


def is_static(program: bytes) -> bool:
    """Whether a 64-bit ELF program runs without a loader, hence with any C library or none."""
    start = int.from_bytes(program[32:40], "little")
    size, count = (int.from_bytes(program[at : at + 2], "little") for at in (54, 56))
    types = {int.from_bytes(program[start + n * size :][:4], "little") for n in range(count)}
    return INTERPRETER not in types


def put_command(target: Path, processor: str) -> None:
    """Copies the command that cargo built; an error if it is for another processor, or needs a C library."""
    program = target / f"{LINUX[processor]}-unknown-linux-musl/release/harvest-lake"
    if built.processor(program) != processor or not is_static(program.read_bytes()):
        sys.exit(f"{program} is no static program for {processor}")
    shutil.copyfile(program, DIST / command_name(processor))
    (DIST / command_name(processor)).chmod(0o755)


def settings() -> str:
    """SAM's settings without those of builds."""
    parts = (ROOT / "samconfig.toml").read_text().split("\n\n")
    return "\n\n".join(part.strip() for part in parts if ".build." not in part and ".validate." not in part) + "\n"


def checksums(folder: Path) -> str:
    """Lines that `sha256sum -c` accepts, one for each file but the checksums themselves."""
    files = sorted(path for path in folder.iterdir() if path.name != SUMS)
    return "".join(f"{hashlib.sha256(path.read_bytes()).hexdigest()}  {path.name}\n" for path in files)


def complete(target: Path) -> None:
    """Adds what is the same for both processors, the commands and the checksums; prints the size of each file."""
    for source in ("infra/catalog.json", "infra/operate.py", "infra/dist/requirements.txt", "LICENSE"):
        shutil.copyfile(ROOT / source, DIST / Path(source).name)
    guide = (ROOT / "infra/dist/README.md").read_text()
    (DIST / "README.md").write_text(guide.replace("VERSION", version()))
    (DIST / "samconfig.toml").write_text(settings())
    for processor in TEMPLATES:
        put_command(target, processor)
    (DIST / SUMS).write_text(checksums(DIST))
    print(json.dumps({path.name: path.stat().st_size for path in sorted(DIST.iterdir())}, indent=2))


if __name__ == "__main__":
    if sys.argv[1] == "functions":
        put_functions()
    else:
        complete(Path(sys.argv[2]))
