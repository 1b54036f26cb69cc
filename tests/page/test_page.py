"""The page of the report in Chromium, on the account made by hand; `PAGE` names the file. The numbers are those of
`tests/queries/edge.txt`, but for the name of one client (`hostile`)."""

from __future__ import annotations

import http.server
import os
import re
import shutil
import threading
import unittest
import urllib.request
from pathlib import Path

from playwright.sync_api import Page, sync_playwright

from page.hostile import NAME

# Least contrast of text and ground (WCAG 2.2, 1.4.3).
CONTRAST = 4.5
LUMINANCE = """
([selector]) => {
  const parts = (text) => text.match(/[0-9.]+/g).map(Number);
  const light = (text) => {
    const [r, g, b] = parts(text).slice(0, 3).map((one) => one / 255)
      .map((one) => (one <= 0.04045 ? one / 12.92 : ((one + 0.055) / 1.055) ** 2.4));
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  return [...document.querySelectorAll(selector)].filter((it) => it.textContent.trim()).map((it) => {
    let ground = it;
    while (ground && getComputedStyle(ground).backgroundColor === 'rgba(0, 0, 0, 0)') ground = ground.parentElement;
    const pair = [light(getComputedStyle(it).color), light(getComputedStyle(ground ?? document.body).backgroundColor)];
    return [(Math.max(...pair) + 0.05) / (Math.min(...pair) + 0.05), it.textContent.slice(0, 40)];
  });
}
"""


class TestPage(unittest.TestCase):
    @classmethod
    def setUpClass(cls) -> None:
        cls.playwright = sync_playwright().start()
        cls.addClassCleanup(cls.playwright.stop)
        # Root has no sandbox of its own; the page is ours.
        options = {"executable_path": shutil.which("chromium"), "args": ["--no-sandbox"]}
        cls.browser = cls.playwright.chromium.launch(**options)
        cls.addClassCleanup(cls.browser.close)

    def page(self, width: int = 1200, offline: bool = True, **options) -> Page:
        context = self.browser.new_context(viewport={"width": width, "height": 900}, offline=offline, **options)
        self.addCleanup(context.close)
        page = context.new_page()
        self.faults: list[str] = []
        self.asked: list[str] = []
        page.on("console", lambda told: self.faults.append(told.text) if told.type in ("error", "warning") else None)
        page.on("pageerror", lambda error: self.faults.append(str(error)))
        page.on("request", lambda request: self.asked.append(request.url))
        page.goto(Path(os.environ["PAGE"]).as_uri())
        page.wait_for_selector(".chart svg")
        return page

    def tile(self, page: Page, title: str) -> str:
        return page.locator("#tiles .tile", has=page.get_by_role("heading", name=title)).inner_text()

    def row(self, page: Page, figure: str, name: str, foot: bool = False) -> dict[str, str]:
        """Cells of the first row (of sums, if `foot`) that begins with `name`, by the titles of the columns."""
        table = page.locator(f"#figure-{figure} table").first
        titles = [text.strip() for text in table.locator("thead th").all_inner_texts()]
        part = "tfoot" if foot else "tbody"
        rows = [row.locator("th, td").all_inner_texts() for row in table.locator(f"{part} tr").all()]
        cells = next(cells for cells in rows if cells[0] == name)
        return dict(zip(titles, (cell.strip() for cell in cells)))

    def test_it_asks_for_nothing_and_complains_of_nothing(self) -> None:
        page = self.page()
        self.assertEqual((self.faults, len(self.asked)), ([], 1))
        self.assertEqual(page.title(), "Edge: report of 2026-03-18")

    def test_the_policy_forbids_what_the_page_does_not_try(self) -> None:
        page = self.page(offline=False)
        heard: list[str] = []

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self) -> None:  # noqa: N802
                heard.append(self.path)
                self.send_response(204)
                self.end_headers()

        with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
            threading.Thread(target=server.serve_forever, daemon=True).start()
            url = f"http://127.0.0.1:{server.server_port}"
            page.evaluate("async (url) => { await fetch(url + '/fetched').catch(() => 0); }", url)
            page.evaluate(
                """(url) => new Promise((done) => {
                  const image = Object.assign(new Image(), { src: url + '/image', onload: done, onerror: done });
                  document.body.append(image);
                })""",
                url,
            )
            page.evaluate(
                """(url) => new Promise((done) => {
                  const script = document.createElement('script');
                  document.body.append(Object.assign(script, { src: url + '/script', onload: done, onerror: done }));
                })""",
                url,
            )
            # The server does answer those whom it hears.
            urllib.request.urlopen(url + "/heard", timeout=10).read()
            server.shutdown()
        self.assertEqual(heard, ["/heard"])
        self.assertGreaterEqual(sum("Content Security Policy" in fault for fault in self.faults), 3, self.faults)

    def test_the_first_screen_has_the_numbers_by_hand(self) -> None:
        page = self.page()
        # 53.25 of 436 hours; 51 of them billable
        self.assertIn("12.2 %", self.tile(page, "Utilisation"))
        self.assertIn("53.25 of 436.00 h", self.tile(page, "Utilisation"))
        unbilled = self.tile(page, "Not invoiced yet")
        self.assertRegex(unbilled, r"4,375\.50\s*EUR")
        self.assertRegex(unbilled, r"870\.00\s*USD")
        self.assertRegex(self.tile(page, "Overdue"), r"2,830\.00\s*EUR")
        self.assertIn("of 2,780.00 EUR due", self.tile(page, "Overdue"))
        self.assertIn("58.3 %", self.tile(page, "Margin"))
        # All of March but what is planned: 16.25 - 1 + 8 + 5 + 8.25 + 9.5 + 6.25 + 6.25 + 4
        self.assertRegex(self.tile(page, "Hours in Mar 2026"), r"62\.50\s*h")
        self.assertIn("Feb 2026: 1.00 h", self.tile(page, "Hours in Mar 2026"))

    def test_filters_leave_what_they_say_and_go_away_again(self) -> None:
        page = self.page()
        page.select_option("#client", label="Acme")
        self.assertIn("Acme", page.locator("#shown").inner_text())
        self.assertEqual(self.row(page, "margin", "Acme")["Margin, %"], "58.3 %")
        self.assertNotIn("USD", self.tile(page, "Not invoiced yet"))
        page.select_option("#project", label="Website")
        self.assertEqual(self.row(page, "unbilled", "Acme")["Unbilled"], "1,675.50 EUR")
        page.select_option("#person", label="Ada Berg")
        # Ada's own: 1 + 4.25 + 4 + 1.25 hours, 100 + 425 + 480 + 150; the tickets are Ada's or not.
        row = self.row(page, "unbilled", "Acme")
        self.assertEqual((row["Hours, rounded"], row["Time"]), ("10.50", "1,155.00"))
        self.assertIn("does not count", page.locator("#figure-burn .note").inner_text())
        page.get_by_role("button", name="Show everything").click()
        self.assertIn("12.2 %", self.tile(page, "Utilisation"))
        self.assertEqual(page.locator("#client").input_value(), "")

    def test_each_sum_names_its_currency_and_is_of_it_alone(self) -> None:
        page = self.page()
        self.assertEqual(self.row(page, "unbilled", "Sum, EUR", foot=True)["Unbilled"], "4,375.50 EUR")
        self.assertEqual(self.row(page, "unbilled", "Sum, USD", foot=True)["Unbilled"], "870.00 USD")

    def test_amounts_are_sorted_within_their_currency_the_largest_first(self) -> None:
        page = self.page()
        amounts = page.locator("#figure-unbilled tbody tr td:nth-child(3)").all_inner_texts()
        found = [(text.split()[1], float(text.split()[0].replace(",", ""))) for text in amounts]
        self.assertGreater(len({currency for currency, _ in found}), 1)
        for currency in {currency for currency, _ in found}:
            places = [place for place, (one, _) in enumerate(found) if one == currency]
            self.assertEqual(places, list(range(places[0], places[-1] + 1)), found)
            own = [amount for one, amount in found if one == currency]
            self.assertEqual(own, sorted(own, reverse=True))

    def test_what_needs_a_look_is_named_and_linked(self) -> None:
        page = self.page()
        links = page.locator("#look a")
        self.assertGreater(links.count(), 0)
        for link in links.all():
            self.assertEqual(page.locator(link.get_attribute("href")).count(), 1)

    def test_what_a_person_worked_on_is_told_by_project(self) -> None:
        page = self.page()
        page.select_option("#person", label="Ada Berg")
        page.evaluate("document.querySelectorAll('details').forEach((it) => { it.open = true; })")
        table = page.get_by_role("region", name="Hours by project")
        sums = table.locator("tfoot tr").first.locator("th, td").all_inner_texts()
        weeks = page.get_by_role("region", name="Hours by person and week").locator("tfoot tr").first.locator("th, td").all_inner_texts()
        self.assertGreater(table.locator("tbody tr").count(), 1)
        self.assertEqual(sums[2], weeks[2])

    def test_columns_that_explain_others_come_when_asked_for(self) -> None:
        page = self.page()
        self.assertNotIn("Time and materials", self.row(page, "margin", "Acme"))
        button = page.locator("#figure-margin").get_by_role("button", name=re.compile("Show all [0-9]+ columns")).first
        button.focus()
        page.keyboard.press("Enter")
        self.assertIn("Time and materials", self.row(page, "margin", "Acme"))
        self.assertEqual(page.evaluate("document.activeElement.textContent"), "Show fewer columns")
        page.keyboard.press("Enter")
        self.assertNotIn("Time and materials", self.row(page, "margin", "Acme"))

    def test_no_number_of_the_first_screen_is_broken_or_cut(self) -> None:
        for width in (320, 360, 768, 1200):
            page = self.page(width=width)
            # An amount as long as any: that of a company which invoices in rupiah.
            page.evaluate("""() => {
              const value = document.querySelector("#tiles .value");
              value.firstChild.textContent = "123,456,789,012.34";
              value.style.setProperty("--characters", 19);
            }""")
            cut = page.locator("#tiles .value").evaluate_all("(all) => all.filter((it) => it.scrollWidth > it.clientWidth).map((it) => it.textContent)")
            self.assertEqual(cut, [], width)

    def test_the_name_of_a_row_stays_where_its_table_scrolls(self) -> None:
        page = self.page(width=360)
        # Half-way into a column, which would show the end of a number alone.
        page.evaluate("() => { document.querySelector('#figure-margin .scroll').scrollLeft = 130; }")
        page.wait_for_selector("#figure-margin .scroll.moved")
        name, first, edges = page.evaluate("""() => {
          const scroll = document.querySelector("#figure-margin .scroll");
          const at = (it) => it.getBoundingClientRect().left - scroll.getBoundingClientRect().left;
          const cells = [...scroll.querySelectorAll("tbody tr:first-child > *")];
          return [at(cells[0]), cells[0].offsetWidth, cells.slice(1).map(at)];
        }""")
        self.assertEqual(name, 0)
        self.assertLessEqual(min(abs(edge - first) for edge in edges), 1, (first, edges))

    def test_no_name_is_more_than_text(self) -> None:
        page = self.page()
        self.assertNotEqual(page.title(), "taken")
        self.assertEqual(page.locator("img").count(), 0)
        names = page.locator("#figure-margin tbody th").all_inner_texts()
        self.assertIn(NAME.strip(), [name.strip() for name in names])
        index = page.evaluate("(name) => [...document.querySelectorAll('#client option')].findIndex((it) => it.textContent === name)", NAME)
        page.select_option("#client", index=index)
        self.assertRegex(self.tile(page, "Not invoiced yet"), r"870\.00\s*USD")
        self.assertEqual(self.faults, [])

    def test_the_keyboard_reaches_every_control_and_shows_where_it_is(self) -> None:
        page = self.page()
        page.evaluate("document.querySelectorAll('details').forEach((it) => { it.open = true; })")
        wanted = page.evaluate("""() => {
          const all = [...document.querySelectorAll('a[href], select, button:not(:disabled), summary, [tabindex="0"]')];
          all.forEach((it, place) => { it.dataset.reach = place; });
          return all.length;
        }""")
        reached, hidden = set(), []
        for _ in range(wanted + 20):
            page.keyboard.press("Tab")
            place, outline = page.evaluate(
                "() => [document.activeElement.dataset.reach ?? null, getComputedStyle(document.activeElement).outlineStyle]"
            )
            if place is not None:
                reached.add(place)
                if outline == "none":
                    hidden.append(place)
        self.assertEqual((len(reached), hidden), (wanted, []))
        # A select changes by keys alone.
        page.focus("#person")
        page.keyboard.press("ArrowDown")
        self.assertIn("Ada Berg", page.locator("#shown").inner_text())

    def test_a_column_sorts_its_table_and_keeps_the_focus(self) -> None:
        page = self.page()
        button = page.locator("#figure-utilisation th button", has_text=re.compile("^Capacity"))
        button.focus()
        page.keyboard.press("Enter")
        names = page.locator("#figure-utilisation tbody th").all_inner_texts()
        self.assertEqual(names, ["Ada Berg", "Ben Cole", "Dov Egan", "Cleo Dahl"])
        self.assertEqual(page.locator("#figure-utilisation th[aria-sort]").get_attribute("aria-sort"), "descending")
        self.assertEqual(page.evaluate("document.activeElement.textContent"), "Capacity")

    def test_text_can_be_read_in_light_in_dark_and_on_paper(self) -> None:
        grounds = set()
        for scheme, media in [("light", "screen"), ("dark", "screen"), ("dark", "print")]:
            page = self.page(color_scheme=scheme)
            page.emulate_media(color_scheme=scheme, media=media)
            grounds.add(page.evaluate("getComputedStyle(document.body).backgroundColor"))
            found = page.evaluate(LUMINANCE, ["h1, h2, h3, p, th, td, summary, label, select, button, a:not(.skip), .unit"])
            self.assertGreater(len(found), 100)
            self.assertEqual([one for one in found if one[0] < CONTRAST], [], f"{scheme} {media}")
        self.assertEqual(len(grounds), 3)

    def test_a_phone_scrolls_downwards_only(self) -> None:
        for width in (360, 768):
            page = self.page(width=width)
            page.evaluate("document.querySelectorAll('details').forEach((it) => { it.open = true; })")
            self.assertLessEqual(page.evaluate("document.documentElement.scrollWidth"), width)

    def test_each_chart_stands_beside_a_table_and_numbers_are_right_aligned(self) -> None:
        page = self.page()
        for figure in page.locator("article", has=page.locator(".chart")).all():
            self.assertGreater(figure.locator("table").count(), 0)
        wrong = page.evaluate("""() => [...document.querySelectorAll('td.number')]
          .filter((it) => getComputedStyle(it).textAlign !== 'right').length""")
        self.assertEqual(wrong, 0)
        labels = page.locator(".chart").evaluate_all("(all) => all.map((it) => [it.getAttribute('role'), it.getAttribute('aria-label')])")
        self.assertTrue(all(role == "img" and re.search("table", label) for role, label in labels))

    def test_the_page_prints_all_of_its_figures(self) -> None:
        page = self.page()
        self.assertGreater(len(page.pdf()), 10_000)


if __name__ == "__main__":
    unittest.main()
