// What a chart says in words: at a time, in its table, and in its key.
const PERIODS = { 3600: "hour", 86400: "day", 604800: "week", 2592000: "month" };

function timeText(at, step, zone) {
  const time = new Date(at * 1000);
  const clock = time.toLocaleTimeString("en-GB", { timeZone: zone, hour: "2-digit", minute: "2-digit", hourCycle: "h23" });
  return dayText(time, zone, ["weekday", "day", "month", "year"]) + (step < DAY ? `, ${clock}` : "");
}

// The parts of a date, written as times.py writes them: Wed 25 Nov 2026.
function dayText(time, zone, parts) {
  const options = { timeZone: zone, weekday: "short", day: "numeric", month: "short", year: "numeric" };
  const found = new Intl.DateTimeFormat("en-US", options).formatToParts(time);
  return parts.map((part) => found.find(({ type }) => type === part).value).join(" ");
}

// The columns of a chart: what each is called, its values, its place among the colours.
function columnsOf(chart) {
  const several = chart.series.length > 1;
  return chart.series.flatMap((series, index) => {
    if (chart.left.has(index)) return [];
    const name = series.name ?? "value";
    const columns = [{ name, index, list: series.closed.map((value, at) => series.open[at] ?? value) }];
    if (series.before) columns.push({ name: several ? `${name}, week before` : "week before", list: series.before });
    if (series.target && isFirstTarget(chart.series, index)) columns.push({ name: "target", list: series.target });
    return columns;
  });
}

// Several series mostly have one target: it is drawn, and told, once.
function isFirstTarget(series, index) {
  const like = JSON.stringify(series[index].target);
  return series.findIndex((other) => JSON.stringify(other.target) === like) === index;
}

function marksAt(chart, at) {
  const marks = [];
  if (chart.series.some((series) => series.open[at] != null)) marks.push("it may still grow");
  if (chart.estimated[at]) marks.push("estimated");
  for (const note of chart.notes) {
    if (note.at < chart.times[at] || note.at >= chart.times[at] + chart.spec.step) continue;
    marks.push(note.letter ? `${note.letter}: ${note.text}` : note.text);
  }
  return marks;
}

function valuesAt(chart, at) {
  return columnsOf(chart).flatMap(({ name, index, list }) => {
    if (list[at] === undefined || (list[at] == null && index == null)) return [];
    return [{ name, index, text: list[at] == null ? "not measured" : long(list[at], chart.spec.unit) }];
  });
}

function lineAt(chart, at) {
  const values = valuesAt(chart, at).map(({ name, text }) => `${name} ${text}`);
  return [timeText(chart.times[at], chart.spec.step, chart.zone), ...values, ...marksAt(chart, at)].join(", ");
}

function tipHtml(chart, at) {
  const square = (index) => (index == null ? "" : `<span style="color: var(--s${index % COLOURS})">\u25a0</span> `);
  const rows = valuesAt(chart, at).map(({ name, index, text }) =>
    `<tr><th>${square(index)}${escapeHtml(name)}</th><td>${text}</td></tr>`);
  const marks = marksAt(chart, at).map((mark) => `<p>${escapeHtml(mark)}</p>`);
  return `<table><caption>${timeText(chart.times[at], chart.spec.step, chart.zone)}</caption>${rows.join("")}</table>${marks.join("")}`;
}

// The newest first: it is what people look for.
function tableHtml(chart) {
  const columns = columnsOf(chart);
  const heads = columns.map(({ name }) => `<th scope="col" class="number">${escapeHtml(name)}</th>`);
  const rows = [];
  for (let at = chart.times.length - 1; at >= 0; at -= 1) {
    if (chart.times[at] < chart.from) break;
    const cells = columns.map(({ list }) => `<td class="number">${list[at] == null ? "" : long(list[at], chart.spec.unit)}</td>`);
    rows.push(`<tr><th scope="row" class="when">${timeText(chart.times[at], chart.spec.step, chart.zone)}</th>${cells.join("")}`
      + `<td>${escapeHtml(marksAt(chart, at).join("; "))}</td></tr>`);
  }
  return `<table><thead><tr><th scope="col">${PERIODS[chart.spec.step]}</th>${heads.join("")}<th scope="col">notes</th></tr></thead>`
    + `<tbody>${rows.join("")}</tbody></table>`;
}

// The key names what is drawn, and nothing else; a lone series needs no name.
function keyHtml(chart) {
  const entries = chart.series.length > 1
    ? chart.series.map((series, index) => `<button type="button" aria-pressed="true" data-series="${index}">${seriesSign(chart, index)}${escapeHtml(series.name)}</button>`)
    : [];
  const period = PERIODS[chart.spec.step];
  if (chart.series.some((series) => series.before)) entries.push(`${stroke("--muted", BEFORE)}week before`);
  if (chart.series.some((series) => series.target)) entries.push(`${stroke("--text", TARGET)}target`);
  if (chart.series.some((series) => series.open.some((value) => value != null))) entries.push(`${openSign(chart)}${period} that may still grow`);
  if (chart.estimated.some(Boolean)) entries.push(`${drawing('<path d="M0 8.5H20" stroke="var(--s4)" stroke-width="3"/>')}estimated`);
  if (chart.notes.some((note) => !note.letter)) entries.push("\u25c7 restated");
  if (chart.isLogarithmic) entries.push("logarithmic scale");
  return entries.map((entry) => `<li>${entry}</li>`).join("");
}

function seriesSign(chart, index) {
  const role = `var(--s${index % COLOURS})`;
  const paler = index < COLOURS ? "" : ' opacity="0.5"';
  if (chart.isStacked) return drawing(`<rect x="5" width="10" height="10" rx="2" fill="${role}"${paler}/>`);
  return stroke(`--s${index % COLOURS}`, chart.spec.step < DAY ? [] : DASHES[index % COLOURS], paler);
}

function openSign(chart) {
  if (chart.isBars) return drawing('<rect x="5.5" y=".5" width="9" height="9" fill="none" stroke="var(--s0)"/>');
  return drawing('<path d="M0 5H12" stroke="var(--s0)" stroke-width="1.8" stroke-dasharray="1.5 3"/><circle cx="15.5" cy="5" r="3.5" fill="none" stroke="var(--s0)" stroke-width="1.6"/>');
}

function stroke(role, dash, more = "") {
  return drawing(`<path d="M0 5H20" stroke="var(${role})" stroke-width="2" stroke-dasharray="${dash.join(" ")}"${more}/>`);
}

function drawing(shapes) {
  return `<svg viewBox="0 0 20 10" aria-hidden="true">${shapes}</svg>`;
}

function escapeHtml(text) {
  return String(text).replace(/[&<>"']/g, (sign) => `&#${sign.charCodeAt(0)};`);
}
