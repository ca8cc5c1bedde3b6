// A chart's scales and axes.
const FEWEST_STEPS = 8; // that are shown of weeks and months, however few days are chosen
const LOGARITHMIC_FROM = 100; // times the lowest: beside 3 h all durations of 1 s would be a line at 0
const TICK_WIDTH = 62;
// Seconds at which an axis of durations may have its lines, and those of a logarithmic one.
const STEPS = [0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800,
  3600, 7200, 10800, 21600, 43200, 86400, 172800, 432000, 864000];
const TENFOLDS = [0.001, 0.01, 0.1, 1, 10, 60, 600, 3600, 86400];

function scalesOf(chart) {
  const linear = { range: (u, low, high) => span(low, high, chart.isStacked) };
  return { x: { range: () => [chart.low, chart.high] }, y: chart.isLogarithmic ? { distr: 3 } : linear };
}

// The values' axis begins at 0, unless they are lines and so far from it that nothing would be seen.
function span(low, high, isStacked) {
  if (low == null) return [0, 1];
  const room = (high - low || Math.abs(high) || 1) * 0.08;
  if (low >= 0 && (isStacked || low <= high * 0.7)) return [0, high + room];
  return [low >= 0 ? Math.max(0, low - room) : low - room, high + room];
}

function isWide(series) {
  const values = series.flatMap((each) => each.value).filter((value) => value > 0).sort((a, b) => a - b);
  return values.at(-1) > LOGARITHMIC_FROM * values[0];
}

function axesOf(chart) {
  const font = `12px ${getComputedStyle(document.body).fontFamily}`;
  const axis = { stroke: paint("var(--muted)"), font, ticks: { show: false }, gap: 6 };
  return [
    { ...axis, grid: { show: false }, size: 26, space: TICK_WIDTH, ...timeTicks(chart) },
    { ...axis, grid: { stroke: paint("var(--grid)"), width: 1 }, space: 38, size: widthOf, ...valueTicks(chart) },
  ];
}

// Weeks and months have their ticks where they begin: as many as fit.
function timeTicks(chart) {
  const text = (at, step) => {
    const clock = clockText(at, chart.zone);
    return step >= DAY || clock === "00:00" ? dayText(at, chart.zone, ["day", "month"]) : clock;
  };
  const values = (u, splits, axis, space, step) => splits.map((at) => text(at, step));
  if (chart.spec.step <= DAY) return { values };
  const splits = (u) => {
    const shown = chart.times.filter((at) => at >= u.scales.x.min && at <= u.scales.x.max);
    const every = Math.ceil((shown.length * TICK_WIDTH) / Math.max(1, u.bbox.width / devicePixelRatio));
    return shown.filter((at, place) => (shown.length - 1 - place) % every === 0);
  };
  return { values, splits };
}

function valueTicks(chart) {
  const { unit } = chart.spec;
  const seconds = IN_SECONDS[unit];
  const values = (u, splits) => ticks(splits, unit);
  if (!seconds) return { values };
  if (!chart.isLogarithmic) return { values, incrs: STEPS.map((step) => step / seconds) };
  return {
    values: (u, splits) => splits.map((value) => short(value, unit)),
    splits: ({ scales: { y } }) => TENFOLDS.map((line) => line / seconds).filter((at) => at >= y.min && at <= y.max),
    filter: (u, splits) => splits,
  };
}

function widthOf(u, values) {
  return 12 + Math.max(0, ...(values ?? []).map((text) => text.length)) * 6.6;
}
