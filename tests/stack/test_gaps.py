"""Each gap of the emulator is still there: what has been closed is to be taken out of `gaps.py`, and shown by the tests."""

import unittest

from stack.emulator import Emulator
from stack.gaps import GAPS


class GapsTest(unittest.TestCase):
    def test_what_the_emulator_lacks_it_still_lacks(self):
        emulator = Emulator(harvest=False)
        self.addCleanup(emulator.stop)
        for gap in GAPS:
            with self.subTest(gap=gap.what):
                self.assertTrue(gap.is_there(emulator), f"{gap.what}: MiniStack has it now, so remove the gap")


if __name__ == "__main__":
    unittest.main()
