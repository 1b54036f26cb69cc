"""The changelog, and the notes that a release takes from it."""

from __future__ import annotations

import datetime
import re
import sys
import unittest

from infra.test_template import ROOT

sys.path.insert(0, str(ROOT / "packaging"))

import notes  # noqa: E402: it is no package

CHANGELOG = """# Changelog

## Unreleased

### Added

- Newer.

## 0.2.0 - 2026-02-03

### Added

- New.

## 0.1.0 - 2026-01-02

- Old.
"""


class NotesTest(unittest.TestCase):
    def test_notes_are_those_of_the_version_alone(self):
        self.assertEqual(notes.notes("v0.2.0", "0.2.0", CHANGELOG), "### Added\n\n- New.")
        self.assertEqual(notes.notes("v0.1.0", "0.1.0", CHANGELOG), "- Old.")

    def test_a_tag_of_another_version_and_a_version_without_notes_are_refused(self):
        for tag, version, why in (("v0.1.0", "0.2.0", "is not v0.2.0"), ("v0.3.0", "0.3.0", "has nothing below")):
            with self.assertRaisesRegex(SystemExit, why):
                notes.notes(tag, version, CHANGELOG)

    def test_the_workflow_takes_the_notes_of_its_tag(self):
        workflow = (ROOT / ".github/workflows/release.yml").read_text()
        self.assertIn('packaging/notes.py "$GITHUB_REF_NAME" > notes.md', workflow)
        self.assertIn("--notes-file notes.md", workflow)


class ChangelogTest(unittest.TestCase):
    def setUp(self):
        self.headings = list(notes.sections((ROOT / "CHANGELOG.md").read_text()))

    def test_the_newest_version_is_that_of_the_workspace(self):
        self.assertEqual(self.headings[0], notes.UNRELEASED, "what comes next stands first")
        released = [heading.partition(" - ")[0] for heading in self.headings[1:]]
        self.assertIn(released[:1], ([], [notes.version()]))

    def test_versions_have_a_date_and_the_newest_stands_first(self):
        found = [re.fullmatch(r"(\d+)\.(\d+)\.(\d+) - (\d{4}-\d\d-\d\d)", heading) for heading in self.headings[1:]]
        self.assertNotIn(None, found, self.headings)
        versions = [tuple(map(int, one.groups()[:3])) for one in found]
        dates = [datetime.date.fromisoformat(one[4]) for one in found]
        self.assertEqual(versions, sorted(set(versions), reverse=True))
        self.assertEqual(dates, sorted(dates, reverse=True))


if __name__ == "__main__":
    unittest.main()
