"""`python -m page.pictures PAGE FOLDER`: pictures of a page of the report, on a desk and a phone, light and dark."""

from __future__ import annotations

import shutil
import sys
from pathlib import Path

from playwright.sync_api import sync_playwright

VIEWS = {"desk": {"width": 1200, "height": 1150}, "phone": {"width": 360, "height": 900}}


def main() -> None:
    page_file, folder = Path(sys.argv[1]).resolve(), Path(sys.argv[2])
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=["--no-sandbox"])
        for view, size in VIEWS.items():
            for scheme in ("light", "dark"):
                context = browser.new_context(viewport=size, color_scheme=scheme, offline=True)
                page = context.new_page()
                page.goto(page_file.as_uri())
                page.wait_for_selector(".chart svg")
                page.screenshot(path=folder / f"report-{view}-{scheme}.png", full_page="--whole" in sys.argv)
                context.close()
        browser.close()


if __name__ == "__main__":
    main()
