"""What is measured of processes, and what is made of figures."""

from __future__ import annotations

import os
import sys
import tempfile
import unittest
from decimal import Decimal
from pathlib import Path

from compare import figures, measure
from compare.__main__ import agree
from compare.figures import Line

MEGABYTE = 1_000_000

# A process that holds memory while its child does so, too; both then work.
HOLDER = """
import subprocess, sys, time
held = bytearray({megabytes} * 1_000_000)
child = {child}
time.sleep(0.6)
end = time.process_time() + 0.3
while time.process_time() < end: pass
if child: sys.exit(child.wait())
"""
CHILD = HOLDER.format(megabytes=60, child=None)
PARENT = HOLDER.format(megabytes=90, child=f"subprocess.Popen([sys.executable, '-c', {CHILD!r}])")


def measured(script: str) -> measure.Usage:
    with tempfile.TemporaryDirectory() as folder:
        return measure.run([sys.executable, "-c", script], dict(os.environ), Path(folder) / "log")


class Processes(unittest.TestCase):
    def test_memory_and_time_of_a_child_count(self) -> None:
        used = measured(PARENT)
        self.assertEqual(used.processes, 2)
        self.assertGreater(used.peak_bytes, 150 * MEGABYTE)
        self.assertLess(used.largest_process_bytes, 150 * MEGABYTE)
        self.assertGreater(used.largest_process_bytes, 90 * MEGABYTE)
        self.assertGreaterEqual(used.cpu_seconds, 0.6)

    def test_a_command_that_fails_is_no_figure(self) -> None:
        with self.assertRaisesRegex(measure.Failed, "ended with 3.*the reason"):
            measured("import sys; print('the reason', flush=True); sys.exit(3)")

    def test_the_session_is_found_behind_any_name(self) -> None:
        self.assertEqual(measure.session_in("12 (a) b (c) S 10 11 9 0 -1 4194304"), 9)

    def test_shared_pages_count_in_parts(self) -> None:
        told = "55d0-7ffe ---p 00000000 00:00 0 [rollup]\nRss:  2048 kB\nPss:  1024 kB\nPss_Dirty:  512 kB\n"
        self.assertEqual(measure.share_in(told), 1024 * 1024)


class Figures(unittest.TestCase):
    def test_a_ratio_is_theirs_over_ours_by_medians(self) -> None:
        self.assertEqual(figures.ratio([10.0, 30.0, 20.0], [4.0, 5.0, 90.0]), "4.00")
        self.assertEqual(figures.ratio([1.0], [4.0]), "0.25")
        self.assertEqual(figures.ratio([1.0], [0.0]), "-")

    def test_a_cell_has_the_range_where_it_shows(self) -> None:
        self.assertEqual(figures.cell([1.0, 3.0, 2.0], figures.seconds), "2.00 s (1.00 to 3.00)")
        self.assertEqual(figures.cell([1.001, 1.002, 1.003], figures.seconds), "1.00 s")

    def test_each_other_side_stands_beside_its_ratio(self) -> None:
        line = Line("requests", {"ours": [10], "theirs": [25], "others": [5]}, figures.count)
        told = figures.table("first load", [line], "ours", ["theirs", "others"])
        self.assertEqual(told.splitlines()[0], "| first load | ours | theirs | ratio | others | ratio |")
        self.assertEqual(told.splitlines()[-1], "| requests | 10 | 25 | 2.50 | 5 | 0.50 |")


class Contents(unittest.TestCase):
    def held(self, rows: int, records: int, hours: str) -> dict:
        row = {"truth": 3, "lake": {"rows": rows, "records": records}, "delta": {"rows": 9, "records": 9}}
        return {"streams": {"tasks": row}, "hours": {"truth": Decimal("7.5"), "lake": Decimal(hours), "delta": Decimal(7)}}

    def test_only_harvest_lake_must_have_exactly_what_the_account_has(self) -> None:
        self.assertTrue(agree(self.held(3, 3, "7.500000")))
        self.assertFalse(agree(self.held(2, 2, "7.5")))
        self.assertFalse(agree(self.held(3, 2, "7.5")))
        self.assertFalse(agree(self.held(3, 3, "7.5000001")))


if __name__ == "__main__":
    unittest.main()
