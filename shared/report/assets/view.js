// Shows the figures. Texts of the data are set as text alone, never as HTML.
(() => {
  const model = reportModel;
  const raw = JSON.parse(document.getElementById("data").textContent);
  const data = model.load(raw);
  const filter = { ...model.NOTHING };
  const SVG = "http://www.w3.org/2000/svg";
  const ROWS_AT_FIRST = 12;
  const MOST_CHARTS = 6;
  const MONTHS = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
  // Columns that say nothing where all their values are zero.
  const QUIET = new Set([
    "hours_without_rate", "hours_without_cost", "fixed_fee_rounded_hours", "fixed_fee_at_rates", "fixed_fee_invoiced", "billable_expenses",
    "expense_cost", "expense_amount", "open_fee", "credit_notes", "written_off",
  ]);

  function element(name, attributes = {}, ...children) {
    const made = document.createElement(name);
    for (const [key, value] of Object.entries(attributes)) {
      if (key === "text") made.textContent = value;
      else if (value !== null && value !== false) made.setAttribute(key, value);
    }
    made.append(...children.filter((child) => child !== null));
    return made;
  }

  // --- Numbers as people read them ---

  // The number with so many digits after the point, a half rounded away from zero.
  function shown(value, scale, digits) {
    const divisor = 10n ** BigInt(Math.max(0, scale - digits));
    const size = value < 0n ? -value : value;
    const rounded = (size + divisor / 2n) / divisor;
    const text = rounded.toString().padStart(digits + 1, "0");
    const whole = text.slice(0, text.length - digits).replace(/\B(?=(\d{3})+$)/g, ",");
    const rest = digits > 0 ? `.${text.slice(text.length - digits)}` : "";
    return `${value < 0n && rounded !== 0n ? "−" : ""}${whole}${rest}`;
  }

  function currencyDigits(currency) {
    try {
      return new Intl.NumberFormat("en", { style: "currency", currency }).resolvedOptions().maximumFractionDigits;
    } catch {
      return 2;
    }
  }

  const hours = (value) => shown(value, 6, 2);
  const money = (value, currency) => shown(value, 4, currencyDigits(currency));
  const percent = (value) => (value === null ? "–" : `${shown(value, 2, 1)} %`);
  const count = (value) => Number(value).toLocaleString("en");
  const dayMonth = (day) => `${Number(day.slice(8))} ${MONTHS[Number(day.slice(5, 7)) - 1]}`;
  const minute = (instant) => `${instant.slice(0, 10)} ${instant.slice(11, 16)}`;

  function cellText(value, column, row) {
    if (value === null || value === undefined) return "–";
    switch (column.kind) {
      case "hours": return hours(value);
      case "money": return money(value, row[column.in ?? "currency"] ?? "");
      case "percent": return percent(value);
      case "number": return shown(value, 6, 2);
      case "count": return count(value);
      case "flag": return value ? "yes" : "no";
      default: return String(value);
    }
  }

  const isNumber = (column) => ["hours", "money", "percent", "number", "count"].includes(column.kind);

  // --- Tables ---

  // Order of each table until somebody chooses another.
  const sorting = new Map([
    ["utilisation", { name: "utilisation_percent", key: "utilisation_percent", falling: true }],
    ["billable", { name: "rounded_hours", key: "rounded_hours", falling: true }],
    ["unbilled", { name: "unbilled_amount", key: "unbilled_amount", falling: true, isMoney: true }],
    ["margin-client", { name: "revenue", key: "revenue", falling: true, isMoney: true }],
    ["margin-project", { name: "revenue", key: "revenue", falling: true, isMoney: true }],
  ]);
  const unfolded = new Set();
  const detailed = new Set();

  function sortedRows(id, answer) {
    const wish = sorting.get(id);
    if (!wish) return answer.rows;
    const absent = (value) => value === null || value === undefined;
    // Amounts of different currencies have no order: each currency is sorted by itself, the account's own first.
    const rank = (row) => (row.currency === data.cost_currency ? "" : row.currency ?? "\uffff");
    const order = (one, other) => {
      if (wish.isMoney && one.currency !== other.currency) return rank(one) < rank(other) ? -1 : 1;
      const [mine, theirs] = [one[wish.key], other[wish.key]];
      if (absent(mine) || absent(theirs)) return Number(absent(mine)) - Number(absent(theirs));
      const compared = typeof mine === "string" ? mine.localeCompare(theirs, "en") : mine < theirs ? -1 : mine > theirs ? 1 : 0;
      return wish.falling ? -compared : compared;
    };
    return [...answer.rows].sort(order);
  }

  function meter(value, row, column) {
    const warning = column.warning ? row[column.warning] : null;
    const width = Number(value) / 100;
    const kind = width > 100 ? " over" : warning !== null && warning !== undefined && value >= warning ? " near" : "";
    const inner = element("span");
    inner.style.width = `${Math.max(0, Math.min(100, width))}%`;
    return element("span", { class: `bar${kind}`, "aria-hidden": "true" }, inner);
  }

  function cell(row, column, place) {
    const value = row[column.name];
    const text = cellText(value, column, row);
    if (place === 0) return element("th", { scope: "row", text });
    const absent = value === null || value === undefined;
    const negative = typeof value === "bigint" && value < 0n;
    // What is nothing does not catch the eye.
    const quiet = absent || (isNumber(column) && column.kind !== "percent" && Number(value) === 0);
    const kind = isNumber(column) ? "number" : column.kind === "text" ? "words" : column.kind;
    const made = element("td", { class: `${kind}${quiet ? " absent" : ""}${negative ? " negative" : ""}`, text });
    if (column.unit && !absent) made.append(element("span", { class: "unit", text: ` ${row.currency ?? "no currency"}` }));
    if (column.bar && !absent) made.append(meter(value, row, column));
    return made;
  }

  function head(id, columns, again) {
    return columns.map((column) => {
      const wish = sorting.get(id);
      const sorted = wish && wish.name === column.name ? (wish.falling ? "descending" : "ascending") : null;
      const button = element("button", { type: "button", text: column.title });
      button.addEventListener("click", () => {
        const falling = wish && wish.name === column.name ? !wish.falling : isNumber(column);
        sorting.set(id, { name: column.name, key: column.by ?? column.name, falling, isMoney: column.kind === "money" });
        again(`th[data-column="${column.name}"] button`);
      });
      return element("th", { scope: "col", class: isNumber(column) ? "number" : null, "aria-sort": sorted, "data-column": column.name }, button);
    });
  }

  // A button below a table, which adds what is named in `kept` to the table, or takes it away again.
  function toggle(id, name, kept, titles, draw) {
    const made = element("button", { type: "button", class: "more", "data-toggle": name, text: titles[kept.has(id) ? 1 : 0] });
    made.addEventListener("click", () => {
      if (!kept.delete(id)) kept.add(id);
      draw(`[data-toggle="${name}"]`);
    });
    return made;
  }

  // The first amount of a row names the currency of the row, which so needs no column.
  function withUnits(columns) {
    const first = columns.find((column) => column.kind === "money" && !column.in);
    const isNamed = first && columns.some((column) => column.name === "currency");
    return isNamed ? columns.filter((column) => column.name !== "currency").map((column) => (column === first ? { ...column, unit: true } : column)) : columns;
  }

  // First cell of a row of sums. It stays in view where a table scrolls, and so says the currency.
  const sumTitle = (row) => (row.currency === undefined ? "Sum" : `Sum, ${row.currency ?? "no currency"}`);

  // A table of an answer, with its sums, in a frame that scrolls by itself.
  function table(id, answer, caption) {
    const frame = element("div");
    const draw = (focused) => {
      const isEmpty = (column) => QUIET.has(column.name) && answer.rows.every((row) => !row[column.name]);
      const filled = withUnits(answer.columns.filter((column) => !isEmpty(column)));
      const columns = filled.filter((column) => !column.detail || detailed.has(id));
      const rows = sortedRows(id, answer);
      const all = unfolded.has(id) || rows.length <= ROWS_AT_FIRST + 3;
      const body = rows.slice(0, all ? rows.length : ROWS_AT_FIRST);
      const parts = [
        element("caption", { text: `${caption}, ${count(rows.length)} ${rows.length === 1 ? "row" : "rows"}` }),
        element("thead", {}, element("tr", {}, ...head(id, columns, draw))),
        element("tbody", {}, ...body.map((row) => element("tr", {}, ...columns.map((column, place) => cell(row, column, place))))),
      ];
      if (answer.totals.length > 0 && rows.length > 1) {
        const sum = (row) => columns.map((column, place) => {
          if (place === 0) return element("th", { scope: "row", text: sumTitle(row) });
          const has = Object.hasOwn(row, column.name);
          return has ? cell(row, { ...column, bar: false }, place) : element("td");
        });
        parts.push(element("tfoot", {}, ...answer.totals.map((row) => element("tr", {}, ...sum(row)))));
      }
      const scroll = element("div", { class: "scroll", role: "region", "aria-label": caption, tabindex: "0" }, element("table", {}, ...parts));
      // A name in front of a cut number would make another number of it: the table stops at columns, and shows the edge.
      scroll.addEventListener("scroll", () => scroll.classList.toggle("moved", scroll.scrollLeft > 0));
      requestAnimationFrame(() => scroll.style.setProperty("--first", `${scroll.querySelector("th").offsetWidth}px`));
      const folds = rows.length > ROWS_AT_FIRST + 3;
      const buttons = [
        ...(folds ? [toggle(id, "rows", unfolded, [`Show all ${count(rows.length)} rows`, "Show fewer rows"], draw)] : []),
        ...(filled.some((column) => column.detail) ? [toggle(id, "columns", detailed, [`Show all ${filled.length} columns`, "Show fewer columns"], draw)] : []),
      ];
      frame.replaceChildren(scroll, ...(buttons.length > 0 ? [element("p", { class: "buttons" }, ...buttons)] : []));
      if (focused) frame.querySelector(focused)?.focus();
    };
    if (answer.rows.length === 0) frame.append(element("p", { class: "muted", text: "Nothing." }));
    else draw();
    return frame;
  }

  // --- Charts: each stands beside a table with the same numbers ---

  function chart(name, labels, series, options = {}) {
    const box = element("div", { class: "chart", role: "img", "aria-label": `${name}. The table has the numbers.` });
    const drawn = () => {
      const plot = new Chartist.BarChart(box, { labels, series: series.map((one) => one.values) }, {
        stackBars: options.stacked ?? false,
        seriesBarDistance: options.distance ?? 10,
        high: options.line ? Math.max(...options.line, ...labels.map((_, place) => series.reduce((sum, one) => sum + one.values[place], 0)), 1) : undefined,
        low: options.line ? 0 : undefined,
        chartPadding: { top: 12, right: 8, bottom: 0, left: 0 },
        axisX: { showGrid: false, labelInterpolationFnc: (label, place) => (place % Math.ceil(labels.length / (box.clientWidth < 480 ? 4 : 9)) === 0 || labels.length < 7 ? label : null) },
        axisY: { offset: 52, onlyInteger: true, labelInterpolationFnc: (value) => Number(value).toLocaleString("en", { notation: "compact" }) },
      });
      plot.on("draw", (part) => {
        if (part.type !== "bar") return;
        const title = document.createElementNS(SVG, "title");
        title.textContent = series[part.seriesIndex].tips[part.index];
        part.element.getNode().append(title);
        if (options.colour) part.element.getNode().style.stroke = `var(${options.colour(part.index)})`;
      });
      plot.on("created", ({ chartRect, axisY, svg }) => {
        const step = chartRect.width() / labels.length;
        const widest = options.distance ? options.distance - 1 : 36;
        box.style.setProperty("--bar", `${Math.max(2, Math.min(widest, step * 0.7))}px`);
        if (!options.line) return;
        const points = options.line.map((value, place) => `${chartRect.x1 + step * place},${chartRect.y1 - axisY.projectValue(value)} ${chartRect.x1 + step * (place + 1)},${chartRect.y1 - axisY.projectValue(value)}`);
        const line = document.createElementNS(SVG, "polyline");
        line.setAttribute("class", "over-line");
        line.setAttribute("points", points.join(" "));
        svg.getNode().append(line);
      });
    };
    // Once the box has its place in the page, and so its width.
    requestAnimationFrame(drawn);
    return box;
  }

  function legend(entries) {
    return element("ul", { class: "legend" }, ...entries.map(([text, colour, kind]) => {
      const made = element("li", { text, class: kind ?? null });
      made.style.setProperty("--swatch", `var(${colour})`);
      return made;
    }));
  }

  const plainHours = (value) => Number(value) / 1e6;
  const plainMoney = (value) => Number(value) / 1e4;

  function weeksChart(found) {
    const label = (row) => `week from ${dayMonth(row.week_start)}`;
    const rows = found.rows;
    const series = [
      { values: rows.map((row) => plainHours(row.billable_rounded_hours)), tips: rows.map((row) => `${label(row)}: ${hours(row.billable_rounded_hours)} billable hours`) },
      { values: rows.map((row) => plainHours(row.other_rounded_hours)), tips: rows.map((row) => `${label(row)}: ${hours(row.other_rounded_hours)} other hours`) },
    ];
    // Capacity has no projects: beside the hours of some of them it would only flatten them.
    const isApart = filter.client !== null || filter.project !== null;
    const line = isApart ? null : rows.map((row) => plainHours(row.capacity_hours));
    return [
      legend([["Billable hours", "--accent"], ["Other hours", "--second"], ...(line ? [["Capacity", "--third", "line"]] : [])]),
      chart("Hours by week", rows.map((row) => dayMonth(row.week_start)), series, { stacked: true, line }),
    ];
  }

  // The currencies with most rows, first the account's own.
  function currencies(rows) {
    const all = [...new Set(rows.map((row) => row.currency))];
    const size = (currency) => (currency === data.cost_currency ? Infinity : rows.filter((row) => row.currency === currency).length);
    return all.sort((one, other) => size(other) - size(one)).slice(0, MOST_CHARTS);
  }

  // Says so where there are more currencies than charts.
  const fewer = (rows) => (new Set(rows.map((row) => row.currency)).size > MOST_CHARTS
    ? [element("p", { class: "muted", text: `Charts of ${MOST_CHARTS} currencies; the table has all.` })]
    : []);

  const small = (currency, drawn) => element("div", {}, element("p", { class: "chart-title", text: currency ?? "No currency" }), drawn);

  // First days of the last months, today's included: one without an invoice has its place, too.
  function lastMonths(number) {
    const [year, month] = data.today.split("-").map(Number);
    return Array.from({ length: number }, (_, back) => {
      const at = year * 12 + month - 1 - (number - 1 - back);
      return `${Math.floor(at / 12)}-${String((at % 12) + 1).padStart(2, "0")}-01`;
    });
  }

  function cashCharts(found) {
    const dated = found.rows.filter((row) => row.month_start !== null);
    const months = dated.length === 0 ? [] : lastMonths(12);
    const one = (currency) => {
      const of = (name) => months.map((month) => dated.find((row) => row.month_start === month && row.currency === currency)?.[name] ?? 0n);
      const series = ["invoiced", "paid"].map((name) => ({
        values: of(name).map(plainMoney),
        tips: of(name).map((value, place) => `${months[place].slice(0, 7)}: ${name} ${money(value, currency)} ${currency}`),
      }));
      const labels = months.map((month) => `${MONTHS[Number(month.slice(5, 7)) - 1]} ${month.slice(2, 4)}`);
      return small(currency, chart(`Invoiced and paid by month, ${currency}`, labels, series, { distance: 10 }));
    };
    if (months.length === 0) return [];
    return [legend([["Invoiced", "--accent"], ["Paid", "--second"]]), element("div", { class: "charts" }, ...currencies(dated).map(one)), ...fewer(dated)];
  }

  function ageingCharts(found) {
    const colours = ["--second", "--late-1", "--late-2", "--late-3", "--late-4"];
    const one = (sum) => {
      const tips = model.BUCKETS.map(([name, title]) => `${title}: ${money(sum[name], sum.currency)} ${sum.currency}`);
      const series = [{ values: model.BUCKETS.map(([name]) => plainMoney(sum[name])), tips }];
      const labels = ["not due", "1–30 d", "31–60 d", "61–90 d", "> 90 d"];
      return small(sum.currency, chart(`Due by age, ${sum.currency}`, labels, series, { colour: (place) => colours[place] }));
    };
    const wanted = currencies(found.rows);
    return [element("div", { class: "charts" }, ...found.totals.filter((sum) => wanted.includes(sum.currency)).map(one)), ...fewer(found.rows)];
  }

  // --- Figures ---

  function folded(title, ...children) {
    return element("details", {}, element("summary", { text: title }), ...children);
  }

  function how(answers, ...more) {
    const told = answers.flatMap((name) => {
      const head = data.answers?.[name];
      if (!head) return [];
      return [
        element("p", { text: head.question[0].toUpperCase() + head.question.slice(1) }),
        element("p", { text: `Assumptions: ${head.assumptions}` }),
        element("p", { text: `Harvest cannot tell: ${head.harvest_cannot_tell}` }),
        element("p", { class: "muted", text: `The same answer in SQL: ${name}` }),
      ];
    });
    const own = more.map((text) => element("p", { text }));
    return element("details", { class: "how" }, element("summary", { text: "How this is counted" }), ...own, ...told);
  }

  const ALL = ["client", "project", "person"];
  const FIGURES = [
    {
      id: "weeks",
      title: "Hours by week",
      lead: () => "The last 26 weeks, in rounded hours. The present week is not over.",
      show: () => {
        const found = model.weeks(data, filter, 26);
        const people = model.ANSWERS.hours_by_person_and_week(data, filter);
        return [
          ...weeksChart(found),
          folded("Numbers by week", table("weeks", { ...found, rows: [...found.rows].reverse(), totals: [] }, "Hours by week")),
          folded("Hours by project, last three months", table("hours-projects", model.hoursByProject(data, filter), "Hours by project")),
          folded("Numbers by person and week, last three months", table("people-weeks", people, "Hours by person and week")),
        ];
      },
      answers: ["hours_by_person_and_week"],
      more: ["Capacity is that of utilisation, of the chosen person or of all. It has no projects: with a client or project chosen, utilisation is the share of capacity that went there."],
    },
    {
      id: "utilisation",
      title: "Utilisation",
      lead: () => `The last four whole weeks, ${data.periods.four_weeks.from} to ${data.periods.four_weeks.to}. Percent of the capacity of these weeks.`,
      show: () => [...shareOfCapacity(), table("utilisation", model.ANSWERS.utilisation(data, filter), "Utilisation by person")],
      answers: ["utilisation"],
      more: ["With a client or project chosen, it is the share of the whole capacity that went there."],
    },
    {
      id: "billable",
      title: "Billable share",
      lead: () => `This calendar year until ${data.today}. Percent of rounded hours.`,
      show: () => [table("billable", model.ANSWERS.billable_split_by_client(data, filter), "Billable share by client")],
      answers: ["billable_split_by_client"],
    },
    {
      id: "unbilled",
      title: "Work in progress, not invoiced",
      lead: () => `Billable work and expenses until ${data.today} that are on no invoice, however old, and fees still to be invoiced.`,
      show: () => [table("unbilled", model.ANSWERS.unbilled_work(data, filter), "Unbilled work by project")],
      answers: ["unbilled_work"],
      more: ["With a person chosen, open fees are left out: a fee names no person."],
    },
    {
      id: "ageing",
      title: "Due invoices by age",
      lead: () => `What is due on open invoices, by days after the due date on ${data.today}.`,
      show: () => {
        const found = model.ANSWERS.invoice_ageing(data, filter);
        return [
          ...ageingCharts(found),
          table("ageing", found, "Due by client and age"),
          folded("Invoice by invoice", table("invoices", model.openInvoices(data, filter), "Open invoices")),
        ];
      },
      answers: ["invoice_ageing"],
      filters: ["client"],
    },
    {
      id: "cash",
      title: "Invoiced and paid",
      lead: () => "The last twelve months, the present one included.",
      show: () => {
        const found = model.ANSWERS.revenue_and_cash_by_month(data, filter);
        return [...cashCharts(found), folded("Numbers by month", table("cash", found, "Invoiced and paid by month"))];
      },
      answers: ["revenue_and_cash_by_month"],
      filters: ["client"],
    },
    {
      id: "burn",
      title: "Project budgets",
      lead: () => "Active projects with a budget, the fullest first. Budgets are in hours or in money, as the unit says.",
      show: () => [table("burn", model.ANSWERS.project_budget_burn(data, filter), "Budgets by project")],
      answers: ["project_budget_burn"],
      filters: ["client", "project"],
    },
    {
      id: "margin",
      title: "Margin",
      lead: () => `Twelve months, ${data.periods.twelve_months.from} to ${data.periods.twelve_months.to}. Revenue is the worth of what was worked, invoiced or not.`,
      show: () => [
        table("margin-client", model.ANSWERS.margin_by_client(data, filter), "Margin by client"),
        folded("Project by project", table("margin-project", model.ANSWERS.margin_by_project(data, filter), "Margin by project")),
      ],
      answers: ["margin_by_client"],
      more: ["With a person chosen, it is what the person's own time and expenses brought in and cost. Fees are left out then: a line of an invoice names no person."],
    },
  ];

  // With a client or project chosen, a person who did nothing for it is at 0 %.
  function shareOfCapacity() {
    if (filter.client === null && filter.project === null) return [];
    return [element("p", { class: "note", text: "The share of each person's whole capacity that went into what is chosen." })];
  }

  function notFiltered(figure) {
    const lost = ALL.filter((name) => filter[name] !== null && !(figure.filters ?? ALL).includes(name));
    if (lost.length === 0) return null;
    const isInvoice = ["ageing", "cash"].includes(figure.id);
    const why = isInvoice ? "Invoices belong to a client as a whole" : "Budgets belong to a project as a whole";
    return element("p", { class: "note", text: `${why}: the choice of ${lost.join(" and ")} ${isInvoice && lost.includes("project") && filter.client === null ? "counts only for its client" : "does not count"} here.` });
  }

  const boxes = new Map();

  function makeFigures() {
    const place = document.getElementById("figures");
    for (const figure of FIGURES) {
      const content = element("div");
      boxes.set(figure.id, content);
      place.append(
        element("article", { class: "figure long", id: `figure-${figure.id}`, "aria-labelledby": `title-${figure.id}` },
          element("h3", { id: `title-${figure.id}`, text: figure.title }),
          element("p", { class: "muted", text: figure.lead() }),
          content,
          how(figure.answers, ...(figure.more ?? [])),
        ),
      );
    }
  }

  function tile(title, values, beside, details, bad = false) {
    const numbers = values.map(([number, unit]) => {
      const made = element("p", { class: values.length > 1 ? "value several" : "value" }, document.createTextNode(number), unit ? element("span", { class: "unit", text: unit }) : document.createTextNode(""));
      // A number is never broken: a long one is smaller.
      made.style.setProperty("--characters", number.length + (unit ?? "").length);
      return made;
    });
    return element("div", { class: bad ? "tile bad" : "tile" }, element("h3", { text: title }), ...numbers, ...beside.map((text) => element("p", { class: "beside", text })), details);
  }

  function amounts(list) {
    const some = list.filter((one) => one.amount !== 0n);
    if (some.length === 0) return [["0", ""]];
    return some.map((one) => [money(one.amount, one.currency), one.currency ?? ""]);
  }

  const listed = (list) => amounts(list).map(([number, unit]) => `${number} ${unit}`.trim()).join(", ");

  function showTiles() {
    const told = model.headline(data, filter);
    const month = (period) => `${MONTHS[Number(period.from.slice(5, 7)) - 1]} ${period.from.slice(0, 4)}`;
    const { this_month: now, last_month: before } = data.periods;
    const isFiltered = filter.project !== null || filter.person !== null;
    const isShare = filter.client !== null || filter.project !== null;
    const weeks = data.periods.four_weeks;
    const without = told.margin.reduce((sum, one) => sum + one.hours_without_cost, 0n);
    document.getElementById("tiles").replaceChildren(
      tile(`Hours in ${month(now)} so far`, [[hours(told.this_month.rounded_hours), "h"]],
        [`${hours(told.this_month.billable_rounded_hours)} h billable, ${percent(told.this_month.billable_percent)} of them`, `${month(before)}: ${hours(told.last_month.rounded_hours)} h, ${percent(told.last_month.billable_percent)} billable`],
        how([], `Rounded hours, as in Harvest's reports, of entries from ${now.from} to ${now.to}, and from ${before.from} to ${before.to}. Running timers count with what they had when they were last read; planned work does not count.`)),
      tile(isShare ? "Share of capacity, four weeks" : "Utilisation, four weeks", [[percent(told.utilisation.utilisation_percent), ""]],
        [`${dayMonth(weeks.from)} to ${dayMonth(weeks.to)}`, `billable: ${percent(told.utilisation.billable_percent)} of capacity`, `${hours(told.utilisation.rounded_hours)} of ${hours(told.utilisation.capacity_hours)} h`], how(["utilisation"])),
      tile("Not invoiced yet", amounts(told.unbilled),
        ["billable work, expenses, open fees", ...(told.unbilled_without_rate > 0n ? [`not in it: ${hours(told.unbilled_without_rate)} h without a rate`] : [])], how(["unbilled_work"])),
      tile("Overdue", amounts(told.overdue), [told.due.length > 1 ? "after the due date, on open invoices" : `of ${listed(told.due)} due`, ...(isFiltered ? ["of the whole client, or of all"] : [])], how(["invoice_ageing"]),
        told.overdue.some((one) => one.amount > 0n)),
      tile("Margin, twelve months", told.margin.length === 0 ? [["–", ""]] : told.margin.map((sum) => [percent(sum.margin_percent), ""]),
        [
          ...(told.margin.length === 0 ? ["nothing in the currency of the costs"] : told.margin.map((sum) => `${money(sum.margin, sum.currency)} of ${money(sum.revenue, sum.currency)} ${sum.currency}`)),
          ...(without > 0n ? [`too high: ${hours(without)} of ${hours(told.margin.reduce((sum, one) => sum + one.rounded_hours, 0n))} h have no cost`] : []),
          ...(told.without_margin.length === 0 ? [] : [`not in it: work in ${told.without_margin.map((currency) => currency ?? "no currency").join(", ")}, as costs are in ${data.cost_currency ?? "no known currency"}`]),
        ],
        how(["margin_by_client"])),
    );
  }

  // What needs a look, each with a link to where it stands.
  function showLook() {
    const found = model.toLookAt(data, filter);
    const some = (number, one, several) => `${count(number)} ${number === 1 ? one : several}`;
    const entries = [
      [found.late, some(found.late, "invoice is", "invoices are") + " over 90 days late", "#figure-ageing"],
      [found.budgets, some(found.budgets, "project is", "projects are") + " over budget", "#figure-burn"],
      [found.people, some(found.people, "person is", "people are") + " above capacity", "#figure-utilisation"],
    ].filter(([number]) => number > 0);
    const place = document.getElementById("look");
    place.hidden = entries.length === 0;
    place.replaceChildren(...entries.map(([, text, href]) => element("li", {}, element("a", { href, text }))));
  }

  function showBusiness() {
    showTiles();
    showLook();
    for (const figure of FIGURES) {
      const content = boxes.get(figure.id);
      // What was open stays open.
      const open = [...content.querySelectorAll("details[open] > summary")].map((summary) => summary.textContent);
      const note = notFiltered(figure);
      content.replaceChildren(...(note ? [note] : []), ...figure.show());
      for (const summary of content.querySelectorAll("details > summary")) summary.parentElement.open = open.includes(summary.textContent);
    }
    const name = (kind, of, all) => (filter[kind] === null ? all : of(data, filter[kind]));
    document.getElementById("shown").textContent =
      `Shown: ${filter.client === null && filter.project !== null ? model.clientName(data, data.projects[filter.project].client) : name("client", model.clientName, "all clients")} · ${name("project", model.projectName, "all projects")} · ${name("person", model.personName, "all people")}`;
    document.getElementById("everything").disabled = ALL.every((one) => filter[one] === null);
  }

  // --- Filters ---

  const selects = Object.fromEntries(ALL.map((name) => [name, document.getElementById(name)]));

  const option = (value, text) => element("option", { value: String(value), text });

  function fill() {
    const sorted = (list, of) => list.map((_, place) => [place, of(data, place)]).sort((one, other) => one[1].localeCompare(other[1], "en"));
    const clients = sorted(data.clients, model.clientName);
    const projects = sorted(data.projects, model.projectName);
    selects.client.replaceChildren(option("", "All clients"), ...clients.map(([place, text]) => option(place, text)));
    const groups = clients
      .filter(([client]) => filter.client === null || client === filter.client)
      .map(([client, text]) => [text, projects.filter(([place]) => data.projects[place].client === client)])
      .concat(filter.client === null ? [["No client", projects.filter(([place]) => data.projects[place].client === null)]] : [])
      .filter(([, list]) => list.length > 0);
    selects.project.replaceChildren(option("", "All projects"), ...groups.map(([label, list]) => element("optgroup", { label }, ...list.map(([place, text]) => option(place, text)))));
    selects.person.replaceChildren(option("", "All people"), ...sorted(data.people, model.personName).map(([place, text]) => option(place, text)));
    for (const name of ALL) selects[name].value = filter[name] === null ? "" : String(filter[name]);
  }

  function choose(name, value) {
    filter[name] = value === "" ? null : Number(value);
    if (name === "client" && filter.project !== null && filter.client !== null && data.projects[filter.project].client !== filter.client) filter.project = null;
    if (name === "client") fill();
    showBusiness();
  }

  for (const name of ALL) selects[name].addEventListener("change", () => choose(name, selects[name].value));
  document.getElementById("filters").addEventListener("reset", (event) => {
    event.preventDefault();
    Object.assign(filter, model.NOTHING);
    fill();
    showBusiness();
    selects.client.focus();
  });

  function showLacking() {
    const place = document.getElementById("lacking");
    const lost = data.lacking.filter((name) => !name.endsWith("_changes"));
    if (lost.length > 0) place.append(element("p", { class: "note", text: `Not in the lake, and so in no figure: ${lost.join(", ")}.` }));
    if (lost.length < data.lacking.length) {
      place.append(element("p", { class: "note", text: "There is no table of changes of people: the capacity of today counts for all days." }));
    }
  }

  // --- The machine ---

  function lag(from, to) {
    const minutes = Math.max(0, Math.round((Date.parse(to) - Date.parse(from)) / 60000));
    if (minutes < 120) return `${minutes} min`;
    return minutes < 2880 ? `${Math.round(minutes / 60)} h` : `${Math.round(minutes / 1440)} days`;
  }

  const list = (columns, rows) => ({ columns, rows, totals: [] });
  const text = (name, title) => ({ name, title, kind: "text" });
  const number = (name, title) => ({ name, title, kind: "count" });

  function streamRows(streams, now) {
    return streams.map((one) => ({
      stream: one.stream,
      state: one.state,
      rows: one.rows,
      lag: one.cursor === null ? null : lag(one.cursor, now),
      cursor: one.cursor === null ? null : minute(one.cursor),
      last_success: one.last_success === null ? null : minute(one.last_success),
      last_full: one.last_full === null ? null : minute(one.last_full),
      quarantined: one.quarantined,
      remark: [one.last_error?.error, one.warning, one.unfinished ? `${one.unfinished.pass} pass unfinished: ${one.unfinished.read} parts read, ${one.unfinished.left} left` : null].filter(Boolean).join("; ") || null,
    }));
  }

  function driftRows(streams) {
    return streams.flatMap((one) => one.drift.map((finding) => ({
      stream: one.stream, member: finding.member, what: finding.what, times: finding.times, kinds: [...(finding.kinds ?? []), finding.form].filter(Boolean).join(", ") || null, at: minute(finding.at),
    })));
  }

  function machineFigure(title, lead, how, ...content) {
    document.getElementById("machine-figures").append(
      element("article", { class: "figure long" }, element("h3", { text: title }), element("p", { class: "muted", text: lead }), ...content, element("details", { class: "how" }, element("summary", { text: "How this is counted" }), element("p", { text: how }))),
    );
  }

  function showStreams(status, now) {
    const trouble = (one) => (["failing", "late", "refused"].includes(one.state) ? 0 : 1);
    const rows = streamRows(status.streams, now).sort((one, other) => trouble(one) - trouble(other));
    const failing = status.streams.filter((one) => trouble(one) === 0);
    const cursors = status.streams.map((one) => one.cursor).filter((cursor) => cursor !== null).sort();
    const total = status.streams.reduce((sum, one) => sum + (one.rows ?? 0), 0);
    document.getElementById("machine-tiles").append(
      tile("Streams in trouble", [[count(failing.length), `of ${count(status.streams.length)}`]], [failing.map((one) => one.stream).join(", ") || "none fails, is refused or late"], null, failing.length > 0),
      tile("Oldest table", [[cursors.length > 0 ? lag(cursors[0], now) : "–", ""]], ["behind the time of this page"], null),
      tile("Rows", [[count(total), ""]], ["in all tables"], null),
    );
    machineFigure("Streams", `As of ${minute(now)} UTC, those in trouble first.`,
      "What `harvest-lake status` says. The lag is from the time up to which a table has all changes until this page was made; reports and snapshots have no such time. Records that were deleted in Harvest keep their rows until the next full pass.",
      table("streams", list([text("stream", "Stream"), text("state", "State"), { ...text("lag", "Lag"), by: "cursor" }, number("rows", "Rows"), text("cursor", "Up to, UTC"), text("last_success", "Last success, UTC"), text("last_full", "Last full pass, UTC"), number("quarantined", "Quarantined"), text("remark", "Remark")], rows), "Streams"));
    const drift = driftRows(status.streams);
    machineFigure("Drift", "Differences between what Harvest sends and what this version declares.",
      "What `harvest-lake status` says. `new` fields are kept in extra_json; values that do not fit (`changed`, `finer`) are null in their column and kept raw there.",
      table("drift", list([text("stream", "Stream"), text("member", "Field"), text("what", "What"), number("times", "Records"), text("kinds", "Values"), text("at", "Seen last, UTC")], drift), "Drift"));
  }

  function showPlan(plan) {
    const used = plan.budgets.map((one) => ({ ...one, window: `${one.window_milliseconds / 1000} s` }));
    machineFigure("Requests to Harvest", "What Harvest's rate limits allow, and what the schedule takes of it.",
      "What `harvest-lake plan` says: requests of the window that ends with this page, and those of a day of the schedule once everything is loaded.",
      table("budgets", list([text("class", "Limit of"), number("used", "Used now"), number("limit", "Limit"), text("window", "Window"), number("per_day", "Each day"), number("possible_per_day", "Possible each day")], used), "Requests and limits"),
      folded("Next runs", table("runs", list([text("stream", "Stream"), text("pass", "Pass"), text("why", "Why"), text("due", "Due, UTC"), number("requests", "Requests")], plan.runs.map((one) => ({ ...one, due: minute(one.due) }))), "Next runs")));
  }

  function showQuarantine(quarantine) {
    const rows = quarantine.files.map((one) => ({ stream: one.stream, at: minute(one.at), records: one.records, reasons: Object.entries(one.reasons).map(([reason, times]) => `${reason} (${times})`).join(", "), file: one.file }));
    const total = rows.reduce((sum, one) => sum + (one.records ?? 0), 0);
    document.getElementById("machine-tiles").append(tile("In quarantine", [[count(total), total === 1 ? "record" : "records"]], ["that could not become rows"], null, total > 0));
    machineFigure("Quarantine", "Records that could not become rows. They are kept as they came.",
      "What `harvest-lake quarantine` says. `harvest-lake quarantine retry` tries them again.",
      table("quarantine", list([text("stream", "Stream"), text("at", "Read, UTC"), number("records", "Records"), text("reasons", "Reasons"), text("file", "File")], rows), "Quarantine"));
  }

  function showMachine() {
    const machine = data.machine;
    const now = machine.at;
    for (const problem of machine.problems) {
      document.getElementById("machine-problems").append(element("p", { class: "problem", text: `${problem.command}: ${problem.error}` }));
    }
    if (machine.status) showStreams(machine.status, now);
    if (machine.plan) showPlan(machine.plan);
    if (machine.quarantine) showQuarantine(machine.quarantine);
    const entries = machine.status?.streams.find((one) => one.stream === "time_entries");
    const upTo = entries?.cursor ? ` · time entries up to ${minute(entries.cursor)} UTC` : "";
    const trouble = machine.status?.streams.filter((one) => ["failing", "late", "refused"].includes(one.state)).length;
    const health = trouble === undefined ? "" : trouble === 0 ? " · all tables in order" : ` · ${count(trouble)} ${trouble === 1 ? "table needs" : "tables need"} attention`;
    document.getElementById("stand").textContent = `${data.today}${upTo}${health} · weeks from ${data.week_start_day}`;
  }

  document.getElementById("company").textContent = data.company ?? "Report";
  document.title = `${data.company ?? "Harvest"}: report of ${data.today}`;
  makeFigures();
  fill();
  showLacking();
  showBusiness();
  showMachine();
})();
