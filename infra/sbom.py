"""`python infra/sbom.py FOLDER` writes what the programs are linked from, as CycloneDX 1.6 in JSON."""

from __future__ import annotations

import json
import subprocess
import sys
import tomllib
import uuid
from collections.abc import Iterable
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
# Packages of the programs that are distributed.
PROGRAMS = ("cli", "orchestrator", "publisher", "worker")
NAME = "harvest-lake"


def metadata() -> dict:
    """What cargo says of all packages and their dependencies, on Linux."""
    command = ["cargo", "metadata", "--locked", "--format-version", "1"]
    platforms = [f"--filter-platform={processor}-unknown-linux-{library}"
                 for processor in ("aarch64", "x86_64") for library in ("gnu", "musl")]  # fmt: skip
    return json.loads(subprocess.run([*command, *platforms], cwd=ROOT, check=True, capture_output=True).stdout)


def linked(told: dict, programs: Iterable[str] = PROGRAMS) -> dict[str, list[str]]:
    """Ids of the packages below the programs, each with those that it needs; none of tests, and none of build scripts alone."""
    names = {package["id"]: package["name"] for package in told["packages"]}
    needs = {
        node["id"]: sorted(one["pkg"] for one in node["deps"] if any(kind["kind"] is None for kind in one["dep_kinds"]))
        for node in told["resolve"]["nodes"]
    }
    found: dict[str, list[str]] = {}
    left = [one for one in told["workspace_members"] if names[one] in set(programs)]
    while left:
        one = left.pop()
        if one not in found:
            found[one] = needs[one]
            left += needs[one]
    return dict(sorted(found.items()))


def checksums(lock: str) -> dict[tuple[str, str], str]:
    """SHA-256 of each package's archive, by name and version."""
    packages = tomllib.loads(lock)["package"]
    return {(one["name"], one["version"]): one["checksum"] for one in packages if "checksum" in one}


def expression(licence: str) -> str:
    """The licence as SPDX writes it today."""
    return licence.replace("/", " OR ")


def document() -> str:
    """The whole document, checked against its schema."""
    # Here, because the tests of what is above do without.
    from cyclonedx.contrib.license.factories import LicenseFactory
    from cyclonedx.model import HashAlgorithm, HashType
    from cyclonedx.model.bom import Bom
    from cyclonedx.model.component import Component, ComponentType
    from cyclonedx.output.json import JsonV1Dot6
    from cyclonedx.schema import SchemaVersion
    from cyclonedx.validation.json import JsonStrictValidator
    from packageurl import PackageURL

    told, sums = metadata(), checksums((ROOT / "Cargo.lock").read_text())
    packages = {package["id"]: package for package in told["packages"]}
    needs = linked(told)
    licences = LicenseFactory()

    def component(package: dict) -> Component:
        name, version = package["name"], package["version"]
        digest = sums.get((name, version))
        return Component(
            name=name,
            version=version,
            type=ComponentType.LIBRARY,
            bom_ref=f"{name}@{version}",
            purl=PackageURL("cargo", name=name, version=version) if digest else None,
            hashes=[HashType(alg=HashAlgorithm.SHA_256, content=digest)] if digest else None,
            licenses=[licences.make_from_string(expression(package["license"]))] if package["license"] else None,
        )

    parts = {one: component(packages[one]) for one in needs}
    roots = [one for one in needs if packages[one]["name"] in PROGRAMS]
    version = packages[roots[0]]["version"]
    whole = Component(
        name=NAME, version=version, type=ComponentType.APPLICATION, bom_ref=f"{NAME}@{version}",
        licenses=[licences.make_from_string("Apache-2.0")],
    )  # fmt: skip
    content = json.dumps({str(parts[one].bom_ref): sums.get((packages[one]["name"], packages[one]["version"])) for one in needs})
    # No time and no chance: the same lock file makes the same document.
    bom = Bom(components=parts.values(), serial_number=uuid.uuid5(uuid.NAMESPACE_URL, content))
    bom.metadata.timestamp = None
    bom.metadata.component = whole
    bom.register_dependency(whole, [parts[one] for one in roots])
    for one, others in needs.items():
        bom.register_dependency(parts[one], [parts[other] for other in others])
    text = JsonV1Dot6(bom).output_as_string(indent=2)
    if wrong := JsonStrictValidator(SchemaVersion.V1_6).validate_str(text):
        sys.exit(f"the document does not follow its schema: {wrong}")
    return text + "\n"


if __name__ == "__main__":
    release = tomllib.loads((ROOT / "Cargo.toml").read_text())["workspace"]["package"]["version"]
    (Path(sys.argv[1]) / f"{NAME}-{release}.cdx.json").write_text(document())
