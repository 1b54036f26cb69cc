"use strict";
// Figures of the report, for any choice of client, project and person. It adds up the sums of the data and nothing else:
// no document, no screen, no clock. Numbers are BigInt without their point, so every sum is exact.
//
// An answer is { columns, rows, totals }. A column's `kind` says what its values are: hours and amounts of money with six and
// four digits after the point, percent with two, numbers with six, counts, days as texts, texts, flags. A `detail` explains other
// columns, and is shown when asked for.
const reportModel = (() => {
  const SCALES = { hours: 6, money: 4, percent: 2, number: 6, count: 0 };
  const NOTHING = { client: null, project: null, person: null };

  function decimal(text, scale) {
    if (text === null) return null;
    const [whole, rest = ""] = text.split(".");
    return BigInt(whole + rest.padEnd(scale, "0").slice(0, scale));
  }

  function unpacked(column, scale) {
    const factor = 10n ** BigInt(scale - column.scale);
    return column.values.map((value) => BigInt(value) * factor);
  }

  // The data with its columns as BigInt; `places` and days stay as they are.
  function load(data) {
    const loaded = { ...data };
    const parts = {
      time: { hours: 6, rounded_hours: 6, billable_hours: 6, hours_without_rate: 6, hours_without_cost: 6, amount: 4, fixed_fee_at_rates: 4, cost: 4 },
      expenses: { billable: 4, cost: 4 },
      fees: { amount: 4 },
      unbilled: { rounded_hours: 6, hours_without_rate: 6, time_amount: 4, expense_amount: 4 },
      open_fees: { amount: 4 },
      capacity: { hours: 6 },
    };
    for (const [part, columns] of Object.entries(parts)) {
      loaded[part] = { ...data[part] };
      for (const [name, scale] of Object.entries(columns)) loaded[part][name] = unpacked(data[part][name], scale);
    }
    loaded.clients = toldApart(data.clients, (one) => one.name);
    loaded.projects = toldApart(data.projects, (one) => `${one.client} ${one.name}`);
    loaded.people = toldApart(data.people, (one) => one.name);
    return loaded;
  }

  // The same with the id behind each name that several have.
  function toldApart(list, key) {
    const times = new Map();
    for (const one of list) times.set(key(one), (times.get(key(one)) ?? 0) + 1);
    return list.map((one) => (one.name !== null && times.get(key(one)) > 1 ? { ...one, name: `${one.name} (${one.id})` } : one));
  }

  const days = (from, to) => Math.round((Date.parse(to) - Date.parse(from)) / 86400000);

  // Percentage with two digits, a half rounded away from zero; null where there is nothing to divide by.
  function percent(part, whole) {
    if (part === null || whole === null || whole === 0n) return null;
    const sign = (part < 0n) !== (whole < 0n) ? -1n : 1n;
    const size = (number) => (number < 0n ? -number : number);
    return (sign * ((size(part) * 20000n) / size(whole) + 1n)) / 2n;
  }

  const named = (list, place, what) => (place === null ? `No ${what}` : list[place].name ?? `${what[0].toUpperCase()}${what.slice(1)} ${list[place].id}`);
  const clientName = (data, place) => named(data.clients, place, "client");
  const projectName = (data, place) => named(data.projects, place, "project");
  const personName = (data, place) => named(data.people, place, "person");

  const within = (data, period) => {
    const { from, to } = data.periods[period];
    return data.slots.map((slot) => from <= slot.from && slot.to <= to);
  };

  // Which engagements and people a filter leaves.
  function chosen(data, filter) {
    const engagements = data.engagements.map(
      (one) => (filter.client === null || one.client === filter.client) && (filter.project === null || one.project === filter.project),
    );
    const person = (place) => filter.person === null || place === filter.person;
    return { engagements, person };
  }

  // Client whose invoices are meant: they belong to no project and no person.
  const payer = (data, filter) => filter.client ?? (filter.project === null ? null : data.projects[filter.project].client);

  // Groups in the order in which they are first seen. `begin` makes the row of a key.
  class Groups {
    constructor() {
      this.rows = new Map();
    }
    at(key, begin) {
      let row = this.rows.get(key);
      if (!row) this.rows.set(key, (row = begin()));
      return row;
    }
    sorted(compare) {
      return [...this.rows.values()].sort(compare);
    }
  }

  const text = (one, other) => String(one ?? "").localeCompare(String(other ?? ""), "en");
  const by = (...names) => (one, other) => names.reduce((order, name) => order || text(one[name], other[name]), 0);
  const falling = (name) => (one, other) => (one[name] === other[name] ? 0 : one[name] === null ? 1 : other[name] === null ? -1 : one[name] < other[name] ? 1 : -1);
  const then = (...orders) => (one, other) => orders.reduce((order, next) => order || next(one, other), 0);

  function eachTime(data, filter, period, add) {
    const { engagements, person } = chosen(data, filter);
    const slots = within(data, period);
    const { time } = data;
    for (let place = 0; place < time.slot.length; place += 1) {
      if (slots[time.slot[place]] && engagements[time.engagement[place]] && person(time.person[place])) add(place);
    }
  }

  function eachCapacity(data, filter, period, add) {
    const { person } = chosen(data, filter);
    const slots = within(data, period);
    const { capacity } = data;
    for (let place = 0; place < capacity.slot.length; place += 1) {
      if (slots[capacity.slot[place]] && person(capacity.person[place])) add(place);
    }
  }

  const column = (name, title, kind, more = {}) => ({ name, title, kind, ...more });
  const CURRENCY = column("currency", "Currency", "text");

  // Sums of the rows: one for each currency if there are amounts, so that currencies are never added.
  function totals(columns, rows, keep = () => ({})) {
    const apart = columns.some((one) => one.kind === "money");
    const groups = new Groups();
    for (const row of rows) {
      const key = apart ? row.currency : "";
      const sum = groups.at(key, () => ({ ...(apart ? { currency: row.currency } : {}), ...keep(row) }));
      for (const { name, kind, total } of columns) {
        if (total === false) continue;
        if (kind === "hours" || kind === "money" || kind === "count") {
          sum[name] = sum[name] === null || row[name] === null ? null : (sum[name] ?? (kind === "count" ? 0 : 0n)) + row[name];
        }
      }
    }
    const sums = groups.sorted(by("currency"));
    for (const sum of sums) derive(columns, sum);
    return sums;
  }

  // Percentages of a row, from its other values.
  function derive(columns, row) {
    for (const { name, of } of columns) if (of) row[name] = percent(row[of[0]] ?? null, row[of[1]] ?? null);
    return row;
  }

  function answer(columns, rows, keep) {
    rows.forEach((row) => derive(columns, row));
    return { columns, rows, totals: totals(columns, rows, keep) };
  }

  const WORK_BEGIN = { rounded_hours: 0n, billable_rounded_hours: 0n };

  function hoursByPersonAndWeek(data, filter) {
    const groups = new Groups();
    const { time } = data;
    eachTime(data, filter, "three_months", (place) => {
      const week = data.slots[time.slot[place]].week;
      const person = time.person[place];
      const row = groups.at(`${week} ${person}`, () => ({ week_start: week, person: personName(data, person), hours: 0n, ...WORK_BEGIN, other_rounded_hours: 0n }));
      row.hours += time.hours[place];
      row.rounded_hours += time.rounded_hours[place];
      row.billable_rounded_hours += time.billable_hours[place];
      row.other_rounded_hours += time.rounded_hours[place] - time.billable_hours[place];
    });
    const columns = [
      column("week_start", "Week from", "day"),
      column("person", "Person", "text"),
      column("rounded_hours", "Hours, rounded", "hours"),
      column("billable_rounded_hours", "Billable", "hours"),
      column("other_rounded_hours", "Other", "hours"),
      column("hours", "As tracked", "hours"),
    ];
    return answer(columns, groups.sorted(then(falling("week_start"), by("person"))));
  }

  // What was worked on in the last three months.
  function hoursByProject(data, filter) {
    const groups = new Groups();
    const { time } = data;
    eachTime(data, filter, "three_months", (place) => {
      const { client, project } = data.engagements[time.engagement[place]];
      const row = groups.at(`${client} ${project}`, () => ({ project: projectName(data, project), client: clientName(data, client), ...WORK_BEGIN, other_rounded_hours: 0n, people: new Set() }));
      row.rounded_hours += time.rounded_hours[place];
      row.billable_rounded_hours += time.billable_hours[place];
      row.other_rounded_hours += time.rounded_hours[place] - time.billable_hours[place];
      row.people.add(time.person[place]);
    });
    const columns = [
      column("project", "Project", "text"),
      column("client", "Client", "text"),
      column("rounded_hours", "Hours, rounded", "hours"),
      column("billable_rounded_hours", "Billable hours", "hours"),
      column("other_rounded_hours", "Other", "hours"),
      column("people", "People", "count", { total: false }),
    ];
    const rows = groups.sorted(then(falling("rounded_hours"), by("project", "client")));
    for (const row of rows) row.people = row.people.size;
    return answer(columns, rows);
  }

  // Hours and capacity of each week, for the last `count` weeks.
  function weeks(data, filter, count) {
    const all = new Map();
    for (const slot of data.slots) all.set(slot.week, { week_start: slot.week, capacity_hours: 0n, ...WORK_BEGIN, other_rounded_hours: 0n });
    const { time, capacity } = data;
    eachTime(data, filter, "all", (place) => {
      const row = all.get(data.slots[time.slot[place]].week);
      row.rounded_hours += time.rounded_hours[place];
      row.billable_rounded_hours += time.billable_hours[place];
      row.other_rounded_hours += time.rounded_hours[place] - time.billable_hours[place];
    });
    eachCapacity(data, filter, "all", (place) => {
      all.get(data.slots[capacity.slot[place]].week).capacity_hours += capacity.hours[place];
    });
    const columns = [
      column("week_start", "Week from", "day"),
      column("rounded_hours", "Hours, rounded", "hours"),
      column("billable_rounded_hours", "Billable", "hours"),
      column("other_rounded_hours", "Other", "hours"),
      column("capacity_hours", "Capacity", "hours"),
      column("utilisation_percent", "Utilisation", "percent", { of: ["rounded_hours", "capacity_hours"] }),
    ];
    return answer(columns, [...all.values()].slice(-count));
  }

  function utilisation(data, filter, period = "four_weeks") {
    const groups = new Groups();
    const { time, capacity } = data;
    const begin = (person) => () => ({
      person: personName(data, person),
      is_active: person !== null && data.people[person].is_active,
      capacity_hours: 0n,
      ...WORK_BEGIN,
    });
    eachCapacity(data, filter, period, (place) => {
      const person = capacity.person[place];
      groups.at(person, begin(person)).capacity_hours += capacity.hours[place];
    });
    eachTime(data, filter, period, (place) => {
      const row = groups.at(time.person[place], begin(time.person[place]));
      row.rounded_hours += time.rounded_hours[place];
      row.billable_rounded_hours += time.billable_hours[place];
    });
    const columns = [
      column("person", "Person", "text"),
      column("utilisation_percent", "Utilisation", "percent", { of: ["rounded_hours", "capacity_hours"], bar: true }),
      column("billable_percent", "Billable, of capacity", "percent", { of: ["billable_rounded_hours", "capacity_hours"] }),
      column("rounded_hours", "Hours, rounded", "hours"),
      column("billable_rounded_hours", "Billable hours", "hours"),
      column("capacity_hours", "Capacity", "hours"),
      column("is_active", "Active", "flag"),
    ];
    return answer(columns, groups.sorted(by("person")));
  }

  function billableSplitByClient(data, filter) {
    const groups = new Groups();
    const { time } = data;
    eachTime(data, filter, "this_year", (place) => {
      const { client, currency, is_fixed_fee } = data.engagements[time.engagement[place]];
      const row = groups.at(`${client} ${currency}`, () => ({
        client: clientName(data, client),
        currency,
        ...WORK_BEGIN,
        fixed_fee_rounded_hours: 0n,
        other_rounded_hours: 0n,
        billable_amount: 0n,
        fixed_fee_at_rates: 0n,
        hours_without_rate: 0n,
      }));
      row.rounded_hours += time.rounded_hours[place];
      row.billable_rounded_hours += time.billable_hours[place];
      if (is_fixed_fee) row.fixed_fee_rounded_hours += time.billable_hours[place];
      row.other_rounded_hours += time.rounded_hours[place] - time.billable_hours[place];
      row.billable_amount += time.amount[place];
      row.fixed_fee_at_rates += time.fixed_fee_at_rates[place];
      row.hours_without_rate += time.hours_without_rate[place];
    });
    const columns = [
      column("client", "Client", "text"),
      column("billable_share", "Billable share", "percent", { of: ["billable_rounded_hours", "rounded_hours"], bar: true }),
      column("rounded_hours", "Hours, rounded", "hours"),
      column("billable_rounded_hours", "Billable hours", "hours"),
      column("fixed_fee_rounded_hours", "of it fixed fee", "hours", { detail: true }),
      column("other_rounded_hours", "Other", "hours"),
      CURRENCY,
      column("billable_amount", "Worth", "money"),
      column("fixed_fee_at_rates", "Fixed fees at rates", "money", { detail: true }),
      column("hours_without_rate", "Without a rate", "hours"),
    ];
    return answer(columns, groups.sorted(by("client")));
  }

  function margins(data, filter, names, keyOf, columns) {
    const groups = new Groups();
    const { time, expenses, fees } = data;
    const at = (engagement) => {
      const one = data.engagements[engagement];
      return groups.at(keyOf(one), () => ({
        ...names(one),
        currency: one.currency,
        rounded_hours: 0n,
        time_amount: 0n,
        fixed_fee_invoiced: 0n,
        billable_expenses: 0n,
        expense_cost: 0n,
        time_cost: 0n,
        time_cost_currency: data.cost_currency,
        hours_without_rate: 0n,
        hours_without_cost: 0n,
      }));
    };
    eachTime(data, filter, "twelve_months", (place) => {
      const row = at(time.engagement[place]);
      row.rounded_hours += time.rounded_hours[place];
      row.time_amount += time.amount[place];
      row.time_cost += time.cost[place];
      row.hours_without_cost += time.hours_without_cost[place];
      if (!data.engagements[time.engagement[place]].is_fixed_fee) row.hours_without_rate += time.hours_without_rate[place];
    });
    const { engagements, person } = chosen(data, filter);
    const slots = within(data, "twelve_months");
    for (let place = 0; place < expenses.slot.length; place += 1) {
      if (!slots[expenses.slot[place]] || !engagements[expenses.engagement[place]] || !person(expenses.person[place])) continue;
      const row = at(expenses.engagement[place]);
      row.billable_expenses += expenses.billable[place];
      row.expense_cost += expenses.cost[place];
    }
    // A line of an invoice names no person.
    for (let place = 0; filter.person === null && place < fees.slot.length; place += 1) {
      if (slots[fees.slot[place]] && engagements[fees.engagement[place]]) at(fees.engagement[place]).fixed_fee_invoiced += fees.amount[place];
    }
    const rows = groups.sorted(by(...columns.map((one) => one.name)));
    for (const row of rows) row.revenue = row.time_amount + row.fixed_fee_invoiced + row.billable_expenses;
    const all = [
      ...columns,
      CURRENCY,
      column("revenue", "Revenue, worked", "money"),
      column("margin", "Margin", "money"),
      column("margin_percent", "Margin, %", "percent", { of: ["margin", "revenue"], bar: true }),
      column("time_cost", `Cost of time${data.cost_currency ? `, ${data.cost_currency}` : ""}`, "money", { in: "time_cost_currency" }),
      column("expense_cost", "Cost of expenses", "money"),
      column("rounded_hours", "Hours, rounded", "hours"),
      column("time_amount", "Time and materials", "money", { detail: true }),
      column("fixed_fee_invoiced", "Fixed fees", "money", { detail: true }),
      column("billable_expenses", "Billable expenses", "money", { detail: true }),
      column("hours_without_rate", "Without a rate", "hours"),
      column("hours_without_cost", "Without a cost", "hours"),
    ];
    // Only what is in the currency of the costs has a margin: exchange rates are not known.
    for (const row of rows) row.margin = row.currency !== null && row.currency === row.time_cost_currency ? row.revenue - row.expense_cost - row.time_cost : null;
    return answer(all, rows, (row) => ({ time_cost_currency: row.time_cost_currency }));
  }

  const marginByProject = (data, filter) =>
    margins(
      data,
      filter,
      (one) => ({ client: clientName(data, one.client), project: projectName(data, one.project) }),
      (one) => `${one.client} ${one.project} ${one.currency}`,
      [column("client", "Client", "text"), column("project", "Project", "text")],
    );

  const marginByClient = (data, filter) =>
    margins(data, filter, (one) => ({ client: clientName(data, one.client) }), (one) => `${one.client} ${one.currency}`, [column("client", "Client", "text")]);

  function unbilledWork(data, filter) {
    const groups = new Groups();
    const { engagements, person } = chosen(data, filter);
    const { unbilled, open_fees: fees } = data;
    const at = (place) => {
      const one = data.engagements[place];
      return groups.at(place, () => ({
        client: clientName(data, one.client),
        project: projectName(data, one.project),
        currency: one.currency,
        kind: one.is_fixed_fee ? "fixed fee" : "time and materials",
        rounded_hours: 0n,
        hours_without_rate: 0n,
        time_amount: 0n,
        expense_amount: 0n,
        open_fee: 0n,
        oldest_day: null,
      }));
    };
    for (let place = 0; place < unbilled.engagement.length; place += 1) {
      if (!engagements[unbilled.engagement[place]] || !person(unbilled.person[place])) continue;
      const row = at(unbilled.engagement[place]);
      const oldest = unbilled.oldest_day[place];
      row.rounded_hours += unbilled.rounded_hours[place];
      row.hours_without_rate += unbilled.hours_without_rate[place];
      row.time_amount += unbilled.time_amount[place];
      row.expense_amount += unbilled.expense_amount[place];
      if (oldest !== null && (row.oldest_day === null || oldest < row.oldest_day)) row.oldest_day = oldest;
    }
    for (let place = 0; filter.person === null && place < fees.engagement.length; place += 1) {
      if (engagements[fees.engagement[place]]) at(fees.engagement[place]).open_fee += fees.amount[place];
    }
    const rows = groups.sorted(by("client", "project"));
    for (const row of rows) row.unbilled_amount = row.time_amount + row.expense_amount + row.open_fee;
    const columns = [
      column("client", "Client", "text"),
      column("project", "Project", "text"),
      CURRENCY,
      column("unbilled_amount", "Unbilled", "money"),
      column("oldest_day", "Oldest work", "day"),
      column("rounded_hours", "Hours, rounded", "hours"),
      column("time_amount", "Time", "money"),
      column("expense_amount", "Expenses", "money"),
      column("open_fee", "Open fee", "money"),
      column("kind", "Kind", "text", { detail: true }),
      column("hours_without_rate", "Without a rate", "hours"),
    ];
    return answer(columns, rows);
  }

  const BUCKETS = [
    ["not_due_yet", "Not due yet", 0],
    ["days_1_to_30", "1–30 days late", 30],
    ["days_31_to_60", "31–60 days late", 60],
    ["days_61_to_90", "61–90 days late", 90],
    ["over_90_days", "Over 90 days late", Infinity],
  ];

  function openInvoices(data, filter) {
    const client = payer(data, filter);
    const rows = data.invoices
      .filter((one) => client === null || one.client === client)
      .map((one) => {
        const late = one.due_date === null ? 0 : Math.max(0, days(one.due_date, data.today));
        return {
          number: one.number,
          place: one.client,
          client: clientName(data, one.client),
          currency: one.currency,
          issue_date: one.issue_date,
          due_date: one.due_date,
          days_late: late,
          due: decimal(one.due_amount, 4),
          bucket: BUCKETS.find(([, , most]) => late <= most)[0],
        };
      })
      .sort(then(falling("days_late"), falling("due")));
    const columns = [
      column("client", "Client", "text"),
      column("number", "Invoice", "text"),
      CURRENCY,
      column("due", "Due", "money"),
      column("due_date", "Due on", "day"),
      column("days_late", "Days late", "count", { total: false }),
      column("issue_date", "Issued on", "day"),
    ];
    return answer(columns, rows);
  }

  function invoiceAgeing(data, filter) {
    const groups = new Groups();
    for (const invoice of openInvoices(data, filter).rows) {
      const row = groups.at(`${invoice.place} ${invoice.currency}`, () => ({
        client: invoice.client,
        currency: invoice.currency,
        invoices: 0,
        due: 0n,
        credit_notes: 0n,
        ...Object.fromEntries(BUCKETS.map(([name]) => [name, 0n])),
      }));
      row.invoices += 1;
      row.due += invoice.due;
      if (invoice.due < 0n) row.credit_notes += invoice.due;
      row[invoice.bucket] += invoice.due;
    }
    const columns = [
      column("client", "Client", "text"),
      CURRENCY,
      column("due", "Due", "money"),
      ...BUCKETS.map(([name, title]) => column(name, title, "money")),
      column("credit_notes", "of it credit notes", "money", { detail: true }),
      column("invoices", "Invoices", "count", { detail: true }),
    ];
    return answer(columns, groups.sorted(then(falling("due"), by("client"))));
  }

  function revenueAndCashByMonth(data, filter) {
    const client = payer(data, filter);
    const groups = new Groups();
    for (const flow of data.flows) {
      if (client !== null && flow.client !== client) continue;
      const row = groups.at(`${flow.month} ${flow.currency}`, () => ({ month_start: flow.month, currency: flow.currency, invoiced: 0n, invoiced_without_taxes: 0n, written_off: 0n, paid: 0n }));
      for (const name of ["invoiced", "invoiced_without_taxes", "written_off", "paid"]) row[name] += decimal(flow[name], 4);
    }
    const columns = [
      column("month_start", "Month from", "day"),
      CURRENCY,
      column("invoiced", "Invoiced", "money"),
      column("paid", "Paid", "money"),
      column("invoiced_without_taxes", "Invoiced without taxes", "money"),
      column("written_off", "Written off", "money"),
    ];
    return answer(columns, groups.sorted(then(falling("month_start"), by("currency"))));
  }

  function projectBudgetBurn(data, filter) {
    const rows = data.budgets
      .filter((one) => (filter.client === null || one.client === filter.client) && (filter.project === null || one.project === filter.project))
      .map((one) => ({
        project: projectName(data, one.project),
        client: clientName(data, one.client),
        budget_by: one.budget_by,
        unit: one.unit,
        budget_is_monthly: one.is_monthly,
        budget: decimal(one.budget, 6),
        budget_spent: decimal(one.spent, 6),
        budget_remaining: decimal(one.remaining, 6),
        warning_percent: decimal(one.warning_percent, 2),
      }));
    const columns = [
      column("project", "Project", "text"),
      column("client", "Client", "text"),
      column("spent_percent", "Spent, %", "percent", { of: ["budget_spent", "budget"], bar: true, warning: "warning_percent" }),
      column("budget_spent", "Spent", "number"),
      column("budget", "Budget", "number"),
      column("budget_remaining", "Left", "number"),
      column("unit", "Unit", "text"),
      column("budget_is_monthly", "Each month", "flag"),
      column("warning_percent", "Warning at", "percent"),
    ];
    const found = answer(columns, rows);
    found.rows.sort(then(falling("spent_percent"), by("project")));
    return { ...found, totals: [] };
  }

  const ANSWERS = {
    hours_by_person_and_week: hoursByPersonAndWeek,
    utilisation,
    billable_split_by_client: billableSplitByClient,
    unbilled_work: unbilledWork,
    invoice_ageing: invoiceAgeing,
    revenue_and_cash_by_month: revenueAndCashByMonth,
    project_budget_burn: projectBudgetBurn,
    margin_by_project: marginByProject,
    margin_by_client: marginByClient,
  };

  // What the first screen says.
  function headline(data, filter) {
    const hours = (period) => {
      const sum = { ...WORK_BEGIN };
      eachTime(data, filter, period, (place) => {
        sum.rounded_hours += data.time.rounded_hours[place];
        sum.billable_rounded_hours += data.time.billable_hours[place];
      });
      return { ...sum, billable_percent: percent(sum.billable_rounded_hours, sum.rounded_hours) };
    };
    const amounts = (found, name) => found.totals.map((sum) => ({ currency: sum.currency, amount: sum[name] }));
    const ageing = invoiceAgeing(data, filter);
    for (const sum of ageing.totals) sum.overdue = sum.due - sum.not_due_yet;
    const margin = marginByClient(data, filter);
    const unbilled = unbilledWork(data, filter);
    const sum = (found, name) => found.rows.reduce((all, row) => all + row[name], 0n);
    return {
      this_month: hours("this_month"),
      last_month: hours("last_month"),
      utilisation: utilisation(data, filter).totals[0] ?? { capacity_hours: 0n, ...WORK_BEGIN, utilisation_percent: null, billable_percent: null },
      unbilled: amounts(unbilled, "unbilled_amount"),
      unbilled_without_rate: sum(unbilled, "hours_without_rate"),
      overdue: amounts(ageing, "overdue"),
      due: amounts(ageing, "due"),
      margin: margin.totals.filter((sum) => sum.margin !== null),
      without_margin: margin.totals.filter((sum) => sum.margin === null).map((sum) => sum.currency),
    };
  }

  // What a person would look at first: how many there are of each.
  function toLookAt(data, filter) {
    const late = openInvoices(data, filter).rows.filter((row) => row.days_late > 90 && row.due > 0n).length;
    const budgets = projectBudgetBurn(data, filter).rows.filter((row) => row.spent_percent !== null && row.spent_percent > 10000n).length;
    // With a client or project chosen, it is a share of the capacity, and over nothing.
    const isWhole = filter.client === null && filter.project === null;
    const people = isWhole ? utilisation(data, filter).rows.filter((row) => row.utilisation_percent !== null && row.utilisation_percent > 10000n).length : 0;
    return { late, budgets, people };
  }

  // Value of a column as text without loss: for programs, and for what is compared.
  function plain(value, kind) {
    if (value === null || value === undefined) return "-";
    if (typeof value !== "bigint") return String(value);
    const scale = SCALES[kind];
    const digits = (value < 0n ? -value : value).toString().padStart(scale + 1, "0");
    const [whole, rest] = [digits.slice(0, digits.length - scale), digits.slice(digits.length - scale).replace(/0+$/, "")];
    return `${value < 0n ? "-" : ""}${whole}${rest ? `.${rest}` : ""}`;
  }

  return { load, ANSWERS, BUCKETS, NOTHING, SCALES, clientName, headline, hoursByProject, openInvoices, percent, personName, plain, projectName, toLookAt, weeks };
})();
