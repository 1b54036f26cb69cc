// `node answers.mjs MODEL < document`: the answers of the page's own model, as JSON of texts, for what `harvest-lake report
// --json` printed. Each answer comes with its sums under every choice of the filters, to be compared with the whole.
import { readFileSync } from "node:fs";

const source = readFileSync(process.argv[2], "utf8");
const model = new Function(`${source}; return reportModel;`)();
const data = model.load(JSON.parse(readFileSync(0, "utf8")).report);

const kinds = (answer) => Object.fromEntries(answer.columns.map((column) => [column.name, column.kind]));

function plain(answer, rows) {
  const known = kinds(answer);
  return rows.map((row) => Object.fromEntries(Object.entries(row).map(([name, value]) => [name, model.plain(value, known[name])])));
}

const answers = {};
const filtered = {};
for (const [name, ask] of Object.entries(model.ANSWERS)) {
  const answer = ask(data, model.NOTHING);
  answers[name] = { rows: plain(answer, answer.rows), totals: plain(answer, answer.totals) };
  filtered[name] = {};
  for (const [kind, list] of [["client", data.clients], ["project", data.projects], ["person", data.people]]) {
    const parts = list.map((_, place) => ask(data, { ...model.NOTHING, [kind]: place }));
    filtered[name][kind] = parts.map((part) => plain(part, part.totals));
  }
}
process.stdout.write(JSON.stringify({ answers, filtered }));
