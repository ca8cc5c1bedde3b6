// What uPlot draws of a chart: a list of values and how they look, one layer over the other.
function layersOf(chart) {
  const drawn = chart.isBars ? bars(chart) : chart.isStacked ? areas(chart) : lines(chart);
  const references = chart.series.flatMap((series, index) => referencesOf(chart, index));
  return chart.isStacked ? [...drawn, ...references] : [...references, ...drawn];
}

function lines(chart) {
  return chart.series.flatMap((series, index) => {
    const { step } = chart.spec;
    const stroke = paint(roleOf(index));
    const line = { stroke, width: step < DAY ? 1.3 : 1.8, dash: dashOf(index, step), points: lonePoints() };
    if (chart.aside.has(index)) return [];
    return [
      { list: series.closed, look: line },
      { list: joined(series), look: { ...line, dash: OPEN, points: endPoint(stroke) } },
    ];
  });
}

// The open period, and the last closed one before it, so that a line leads there.
function joined(series) {
  return series.open.map((value, at) => value ?? (series.open[at + 1] == null ? null : series.closed[at]));
}

// Bars stand on each other where there are several series: the whole is drawn first, what is below it over it.
function bars(chart) {
  const card = paint("var(--card)");
  return stacked(chart).map((list, index) => {
    const stroke = paint(roleOf(index));
    const fills = chart.series[index].closed.map((value) => (value == null ? card : stroke));
    const disp = {
      fill: { unit: 3, values: () => fills },
      stroke: { unit: 3, values: () => fills.map(() => stroke) },
    };
    const paths = uPlot.paths.bars({ size: [0.72, 26], disp });
    return { list, look: { stroke, fill: stroke, width: 1, points: { show: false }, paths } };
  }).reverse();
}

function areas(chart) {
  const stroke = paint("var(--card)");
  return stacked(chart).map((list, index) => {
    const fill = paint(roleOf(index), 0.72);
    return { list, look: { stroke, width: 0.6, fill, points: { show: false } } };
  }).reverse();
}

// What each series adds to those below it; a time at which none was measured stays a gap.
function stacked(chart) {
  const nothing = chart.times.map(() => null);
  const lists = chart.series.map((series, index) => (chart.aside.has(index) ? nothing : series.value));
  const sums = chart.times.map(() => 0);
  const isGap = chart.times.map((time, at) => lists.every((list) => list[at] == null));
  return lists.map((list) => list.map((value, at) => {
    sums[at] += value ?? 0;
    return isGap[at] ? null : sums[at];
  }));
}

// The week before and the target are thin, and of no series' colour.
function referencesOf(chart, index) {
  const series = chart.series[index];
  const thin = { width: 1.3, points: { show: false } };
  const before = { ...thin, stroke: paint("var(--muted)"), dash: BEFORE };
  const target = { ...thin, stroke: paint("var(--text)"), dash: TARGET, paths: uPlot.paths.stepped({ align: 1 }) };
  return [
    ...(series.before ? [{ list: series.before, look: before }] : []),
    ...(series.target && isFirstTarget(chart.series, index) ? [{ list: series.target, look: target }] : []),
  ];
}

// A value between two gaps has no line: it is a point.
function lonePoints() {
  const isGap = (list, at) => at < 0 || at >= list.length || list[at] === null;
  const isLone = (list, at) => list[at] != null && isGap(list, at - 1) && isGap(list, at + 1);
  const all = (list) => [...list.keys()].filter((at) => isLone(list, at));
  return { show: true, size: 4, filter: (u, index) => all(u.data[index]) };
}

function endPoint(stroke) {
  const last = (list) => list.findLastIndex((value) => value != null);
  return { show: true, size: 7, width: 1.6, stroke, fill: paint("var(--card)"),
    filter: (u, index) => [last(u.data[index])].filter((at) => at >= 0) };
}
