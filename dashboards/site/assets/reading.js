// What a chart says in words: at a time, and in the table behind it.

// What is told at each time: a name, its values, and its place among the colours where it has one.
function columnsOf(chart) {
  return chart.series.flatMap((series, index) => {
    if (chart.aside.has(index)) return [];
    const before = series.name ? `${series.name}, week before` : "week before";
    return [
      { name: series.name ?? "value", index, list: series.value },
      ...(series.before ? [{ name: before, list: series.before }] : []),
      ...(series.target && isFirstTarget(chart.series, index) ? [{ name: "target", list: series.target }] : []),
    ];
  });
}

// Several series mostly have one target: it is drawn, and told, once.
function isFirstTarget(series, index) {
  const like = JSON.stringify(series[index].target);
  return series.findIndex((other) => JSON.stringify(other.target) === like) === index;
}

function marksAt(chart, at) {
  const start = chart.times[at];
  const notes = chart.notes.filter((note) => note.at >= start && note.at < start + chart.spec.step);
  return [
    ...(chart.series.some((series) => series.open[at] != null) ? ["it may still grow"] : []),
    ...(chart.estimated[at] ? ["estimated"] : []),
    ...notes.map((note) => (note.letter ? `${note.letter}: ${note.text}` : note.text)),
  ];
}

function valuesAt(chart, at) {
  return columnsOf(chart).flatMap(({ name, index, list }) => {
    const isExpected = index != null && list[at] !== undefined;
    if (list[at] == null && !isExpected) return [];
    return [{ name, index, text: list[at] == null ? "not measured" : long(list[at], chart.spec.unit) }];
  });
}

function lineAt(chart, at) {
  const values = valuesAt(chart, at).map(({ name, text }) => `${name} ${text}`);
  return [chart.timeText(at), ...values, ...marksAt(chart, at)].join(", ");
}

function tipHtml(chart, at) {
  const square = (index) => (index == null ? "" : `<span style="color: ${roleOf(index)}">\u25a0</span> `);
  const rows = valuesAt(chart, at).map(({ name, index, text }) =>
    `<tr><th>${square(index)}${escapeHtml(name)}</th><td>${text}</td></tr>`);
  const marks = marksAt(chart, at).map((mark) => `<p>${escapeHtml(mark)}</p>`);
  return `<table><caption>${chart.timeText(at)}</caption>${rows.join("")}</table>${marks.join("")}`;
}

// The newest first: it is what people look for.
function tableHtml(chart) {
  const columns = columnsOf(chart);
  const shown = [...chart.times.keys()].filter((at) => chart.times[at] >= chart.from).reverse();
  const heads = columns.map(({ name }) => `<th scope="col" class="number">${escapeHtml(name)}</th>`);
  const cell = (value) => `<td class="number">${value == null ? "" : long(value, chart.spec.unit)}</td>`;
  const marks = (at) => `<td>${escapeHtml(marksAt(chart, at).join("; "))}</td>`;
  const rows = shown.map((at) => `<tr><th scope="row" class="when">${chart.timeText(at)}</th>`
    + `${columns.map(({ list }) => cell(list[at])).join("")}${marks(at)}</tr>`);
  return `<table><thead><tr><th scope="col">${PERIODS[chart.spec.step]}</th>${heads.join("")}`
    + `<th scope="col">notes</th></tr></thead><tbody>${rows.join("")}</tbody></table>`;
}

function escapeHtml(text) {
  return String(text).replace(/[&<>"']/g, (sign) => `&#${sign.charCodeAt(0)};`);
}
