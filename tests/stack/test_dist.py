"""What `make dist` wrote, deployed by a person without Rust: the lines of `docs/deploy.md`, in a copy of `dist/`."""

from __future__ import annotations

import json
import os
import platform
import shutil
import subprocess
import unittest
from pathlib import Path

from samcli.yamlhelper import yaml_dump, yaml_parse

from stack import gaps
from stack.emulator import ROOT, TOOLS, until
from stack.test_stack import CATALOGUED, SOME, STREAMS, StackCase, documented, step

# Folder of the distribution.
DIST = Path(os.environ.get("DIST", ROOT / "dist"))
# Template for this machine, which runs the functions.
TEMPLATE = {"x86_64": "template.x86_64.yaml", "aarch64": "template.yaml"}[platform.machine()]


class DistributionTest(StackCase):
    # The test is not about time, and may have a busy machine.
    filled = 600

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        shutil.copytree(DIST, cls.folder)
        (cls.command,) = cls.folder.glob(f"harvest-lake-*-linux-{platform.machine()}")
        # `sam` and a Python with boto3, as a person has them.
        cls.emulator.environment["PATH"] = f"{TOOLS / 'sam/bin'}:{os.environ['PATH']}"

    def line(self, beginning: str) -> str:
        """A documented line, for this machine."""
        return documented(beginning).replace("template.yaml", TEMPLATE).replace(".venv/bin/", "")

    def test_a_distribution_is_deployed_without_rust(self):
        print()
        with step("`sha256sum -c SHA256SUMS`"):
            ended = subprocess.run(
                ["bash", "-c", documented("sha256sum -c")], cwd=self.folder, capture_output=True, text=True
            )  # fmt: skip
            self.assertEqual(ended.returncode, 0, ended.stderr)
            self.assertEqual(len(ended.stdout.splitlines()), len(list(self.folder.iterdir())) - 1)
        self.take_out_gaps()
        with step("`sam deploy --template-file`") as notes:
            ended = self.type(self.line("sam deploy --template-file"), {"Deploy this changeset": "y"})
            self.assertEqual(ended.status, 0, ended.said[-3000:])
            self.assertIn("python3 operate.py token harvest-lake", ended.said)
            notes += [f"{len(ended.questions)} question"]
        stack = self.stack("harvest-lake")
        with step("`operate.py token`"):
            self.type_token(self.line(".venv/bin/python operate.py token"))
        with step("the schedule ticks, and the orchestrator makes all tables"):
            until("a tick of the schedule", self.filled, lambda: len(self.logs(stack)) == CATALOGUED, 1)
        with step("workers fill them") as notes:
            notes += [f"{self.fill('harvest-lake')} more ticks, sent"]
        with step("`operate.py status`, with the static command"):
            ended = self.type(self.line("COMMAND=./harvest-lake-").replace("linux-x86_64", f"linux-{platform.machine()}"))
            self.assertEqual(ended.status, 0, ended.said)
            self.assertIn(f"all {len(STREAMS)} tables are current", ended.said)
        with step("the tables, compared with Harvest") as notes:
            notes += [self.compare("harvest-lake", *SOME)]

    def take_out_gaps(self) -> None:
        """Takes out of the templates what the emulator lacks; nothing else is another than in the distribution."""
        path = self.folder / TEMPLATE
        template = yaml_parse(path.read_text())
        catalog = json.loads((self.folder / "catalog.json").read_text())
        gaps.take_out(template, catalog)
        path.write_text(yaml_dump(template))
        (self.folder / "catalog.json").write_text(json.dumps(catalog))


if __name__ == "__main__":
    unittest.main()
