// The key below a chart: it names what is drawn, and nothing else. A lone series needs no name.
function keyHtml(chart) {
  const has = (column) => chart.series.some((series) => series[column]?.some((value) => value != null));
  const entries = [
    ...(chart.series.length > 1 ? chart.series.map((series, index) => seriesButton(chart, index)) : []),
    ...(has("before") ? [`${lineSign("var(--muted)", BEFORE)}week before`] : []),
    ...(has("target") ? [`${lineSign("var(--text)", TARGET)}target`] : []),
    ...(has("open") ? [`${openSign(chart)}${PERIODS[chart.spec.step]} that may still grow`] : []),
    ...(chart.estimated.some(Boolean) ? [`${ESTIMATED_SIGN}estimated`] : []),
    ...(chart.isLogarithmic ? ["logarithmic scale"] : []),
  ];
  return entries.map((entry) => `<li>${entry}</li>`).join("");
}

const ESTIMATED_SIGN = drawing('<path d="M0 8.5H20" stroke="var(--s4)" stroke-width="3"/>');

function seriesButton(chart, index) {
  return `<button type="button" aria-pressed="true" data-series="${index}">`
    + `${seriesSign(chart, index)}${escapeHtml(chart.series[index].name)}</button>`;
}

function seriesSign(chart, index) {
  if (!chart.isStacked) return lineSign(roleOf(index), dashOf(index, chart.spec.step));
  return drawing(`<rect x="5" width="10" height="10" rx="2" fill="${roleOf(index)}"/>`);
}

function openSign(chart) {
  if (chart.isBars) return drawing('<rect x="5.5" y=".5" width="9" height="9" fill="none" stroke="var(--s0)"/>');
  return drawing(`<path d="M0 5H12" stroke="var(--s0)" stroke-width="1.8" stroke-dasharray="${OPEN.join(" ")}"/>`
    + '<circle cx="15.5" cy="5" r="3.5" fill="none" stroke="var(--s0)" stroke-width="1.6"/>');
}

function lineSign(colour, dash) {
  return drawing(`<path d="M0 5H20" stroke="${colour}" stroke-width="2" stroke-dasharray="${dash.join(" ")}"/>`);
}

function drawing(shapes) {
  return `<svg viewBox="0 0 20 10" aria-hidden="true">${shapes}</svg>`;
}
