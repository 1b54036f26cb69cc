"""What `make dist` writes: archives, templates, checksums, and the bill of materials."""

from __future__ import annotations

import json
import re
import sys
import tempfile
import time
import unittest
import zipfile
from pathlib import Path
from unittest import mock

from samcli.vendor.serverlessrepo.parser import get_app_metadata
from samcli.yamlhelper import yaml_dump, yaml_parse

from infra.test_template import ROOT

sys.path.insert(0, str(ROOT / "infra"))

import dist  # noqa: E402: it is no package
import sbom  # noqa: E402: it is no package


def program(processor: int, *types: int) -> bytes:
    """An ELF program with program headers of these types."""
    head = b"\x7fELF".ljust(18, b"\0") + processor.to_bytes(2, "little")
    head = head.ljust(32, b"\0") + (64).to_bytes(8, "little")
    head = head.ljust(54, b"\0") + (56).to_bytes(2, "little") + len(types).to_bytes(2, "little")
    return head.ljust(64, b"\0") + b"".join(one.to_bytes(4, "little").ljust(56, b"\0") for one in types)


class DistTest(unittest.TestCase):
    def setUp(self):
        kept = tempfile.TemporaryDirectory()
        self.addCleanup(kept.cleanup)
        self.folder = Path(kept.name)

    def built(self, architecture: str) -> dict:
        """The template as `sam build` leaves it, with programs."""
        template = yaml_parse((ROOT / "infra/template.yaml").read_text())
        template["Globals"]["Function"]["Architectures"] = [architecture]
        for name, folder in (("Orchestrator", "Orchestrator"), ("Worker", "Worker"), ("SmallWorker", "Worker"), ("Publisher", "Publisher")):
            template["Resources"][name]["Properties"]["CodeUri"] = folder
            (self.folder / folder).mkdir(exist_ok=True)
            (self.folder / folder / "bootstrap").write_bytes(f"{folder} for {architecture}".encode())
        (self.folder / "template.yaml").write_text(yaml_dump(template))
        return template

    def test_the_same_program_makes_the_same_archive(self):
        source = self.folder / "program"
        source.write_bytes(b"program" * 1000)
        made = []
        for name, mode, when in (("first", 0o600, 0), ("second", 0o777, time.time())):
            source.chmod(mode)
            with mock.patch.object(time, "time", lambda when=when: when):
                dist.write_archive(source, self.folder / name)
            made.append((self.folder / name).read_bytes())
        self.assertEqual(made[0], made[1])
        with zipfile.ZipFile(self.folder / "first") as archive:
            (entry,) = archive.infolist()
            self.assertEqual((entry.filename, entry.external_attr >> 16), ("bootstrap", 0o100755))
            self.assertEqual(archive.read("bootstrap"), source.read_bytes())

    def test_each_processor_has_its_template_and_three_archives(self):
        put = self.folder / "dist"
        for architecture, name in dist.TEMPLATES.items():
            before = self.built(architecture)
            with mock.patch.multiple(dist, BUILD=self.folder, DIST=put):
                dist.put_functions()
            after = yaml_parse((put / name).read_text())
            self.assertEqual(after["Globals"]["Function"]["Architectures"], [architecture])
            for function, program_name in dist.PROGRAMS.items():
                uri = after["Resources"][function]["Properties"]["CodeUri"]
                self.assertEqual(uri, f"harvest-lake-{dist.version()}-{program_name}-{architecture}.zip")
                with zipfile.ZipFile(put / uri) as archive:
                    self.assertEqual(archive.read("bootstrap"), f"{program_name.title()} for {architecture}".encode())
            # Nothing else is another.
            self.assertEqual(after["Parameters"], before["Parameters"])
            self.assertEqual(set(after["Resources"]), set(before["Resources"]))
            same = set(before["Resources"]) - set(dist.PROGRAMS) - {"Catalog"}
            self.assertEqual({one: after["Resources"][one] for one in same}, {one: before["Resources"][one] for one in same})
            self.assertNotIn("make ", json.dumps(after["Outputs"]))
        self.assertEqual(len(list(put.iterdir())), 8)

    def test_the_manifest_is_as_the_repository_of_applications_wants_it(self):
        manifest = dist.manifest()
        self.assertRegex(manifest["Name"], r"^[a-zA-Z0-9\-]{1,140}$")
        self.assertLessEqual(len(manifest["Description"]), 256)
        self.assertRegex(manifest["Author"], r"^[a-z0-9](([a-z0-9]|-(?!-))*[a-z0-9])?$")
        self.assertRegex(manifest["SemanticVersion"], r"^\d+\.\d+\.\d+$")
        self.assertLessEqual(len(manifest["Labels"]), 10)
        for label in manifest["Labels"]:
            self.assertRegex(label, r"^[a-zA-Z0-9+\-_:\/@]{1,127}$")
        self.assertIn("Apache License", (ROOT / manifest["LicenseUrl"]).read_text())
        # What `sam publish` demands before it asks the repository.
        told = get_app_metadata({"Metadata": {"AWS::ServerlessRepo::Application": manifest}})
        self.assertTrue(told.validate(["author", "description", "name", "semantic_version", "license_url", "readme_url"]))

    def test_a_program_with_a_loader_is_not_static(self):
        self.assertTrue(dist.is_static(program(62, 1, 2)))
        self.assertFalse(dist.is_static(program(62, 6, dist.INTERPRETER, 1)))

    def test_the_command_is_for_its_processor_and_static(self):
        target, put = self.folder / "target", self.folder / "dist"
        put.mkdir()
        source = target / "aarch64-unknown-linux-musl/release/harvest-lake"
        source.parent.mkdir(parents=True)
        with mock.patch.object(dist, "DIST", put):
            for wrong in (program(62, 1), program(183, 1, dist.INTERPRETER)):
                source.write_bytes(wrong)
                with self.assertRaises(SystemExit):
                    dist.put_command(target, "arm64")
            source.write_bytes(program(183, 1))
            dist.put_command(target, "arm64")
        self.assertEqual([one.name for one in put.iterdir()], [f"harvest-lake-{dist.version()}-linux-aarch64"])

    def test_settings_of_builds_stay_behind(self):
        settings = dist.settings()
        self.assertIn("CAPABILITY_AUTO_EXPAND", settings)
        self.assertIn("stack_name", settings)
        self.assertNotIn("infra/", settings)

    def test_checksums_are_lines_that_sha256sum_reads(self):
        (self.folder / "b").write_bytes(b"")
        (self.folder / "a").write_bytes(b"a")
        (self.folder / dist.SUMS).write_text("of before")
        lines = dist.checksums(self.folder).splitlines()
        self.assertEqual([line.split("  ")[1] for line in lines], ["a", "b"])
        self.assertEqual(lines[1].split("  ")[0], "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855")

    def test_the_guide_names_the_files(self):
        guide = (ROOT / "infra/dist/README.md").read_text().replace("VERSION", dist.version())
        commands = [dist.command_name(processor) for processor in dist.TEMPLATES]
        for name in [*dist.TEMPLATES.values(), *commands, dist.SUMS, "catalog.json", "operate.py", "requirements.txt"]:
            self.assertIn(f"`{name}`", guide)
        self.assertIn(dist.command_name("x86_64"), (ROOT / "docs/deploy.md").read_text())
        for line in (ROOT / "infra/dist/requirements.txt").read_text().splitlines():
            self.assertRegex(line, r"^[a-z0-9-]+==[0-9.]+$")


class BillTest(unittest.TestCase):
    def test_what_is_linked_is_in_it_and_nothing_of_tests(self):
        def need(package: str, *kinds: str | None) -> dict:
            return {"pkg": package, "dep_kinds": [{"kind": kind} for kind in kinds]}

        told = {
            "packages": [{"id": f"#{name}", "name": name} for name in ("cli", "e2e", "both", "tested", "builds", "deep")],
            "workspace_members": ["#cli", "#e2e"],
            "resolve": {"nodes": [
                {"id": "#cli", "deps": [need("#both", "dev", None), need("#tested", "dev"), need("#builds", "build")]},
                {"id": "#e2e", "deps": [need("#tested", None)]},
                {"id": "#both", "deps": [need("#deep", None), need("#cli", "dev")]},
                *({"id": f"#{name}", "deps": []} for name in ("tested", "builds", "deep")),
            ]},
        }  # fmt: skip
        self.assertEqual(sbom.linked(told), {"#both": ["#deep"], "#cli": ["#both"], "#deep": []})

    def test_packages_of_a_registry_have_checksums(self):
        found = sbom.checksums((ROOT / "Cargo.lock").read_text())
        self.assertTrue(all(re.fullmatch(r"[0-9a-f]{64}", one) for one in found.values()))
        self.assertIn("tokio", {name for name, _ in found})
        self.assertNotIn("engine", {name for name, _ in found})

    def test_former_spellings_of_licences_become_expressions(self):
        self.assertEqual(sbom.expression("MIT/Apache-2.0"), "MIT OR Apache-2.0")
        self.assertEqual(sbom.expression("MIT AND (Apache-2.0 OR ISC)"), "MIT AND (Apache-2.0 OR ISC)")


if __name__ == "__main__":
    unittest.main()
