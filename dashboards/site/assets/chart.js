// One panel over time on a canvas, by uPlot.
const COLOURS = 8;
const DASHES = [[], [10, 3], [5, 3], [14, 3, 3, 3], [20, 4], [8, 3, 3, 3, 3, 3], [3, 3], [16, 3, 8, 3]];
const BEFORE = [3, 3];
const TARGET = [8, 4];
const OPEN = [1.5, 3];
const DAY = 86400;
const FEWEST_STEPS = 8; // that are shown of weeks and months, however few days are chosen
const LOGARITHMIC_FROM = 100; // times the lowest: durations of 1 s beside one of 3 h would be a line at 0
// Seconds at which an axis of durations may have its lines, and those of a logarithmic one.
const TIMES = [0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600,
  7200, 10800, 21600, 43200, 86400, 172800, 432000, 864000];
const TENFOLDS = [0.001, 0.01, 0.1, 1, 10, 60, 600, 3600, 86400];

class Chart {
  constructor(plot, key, spec, page) {
    Object.assign(this, { plot, key, spec, zone: page.zone, notes: page.notes }, unpack(spec));
    this.isBars = spec.kind === "bars" || (spec.kind === "stacked" && spec.step >= DAY);
    this.isStacked = spec.kind !== "line";
    this.isLogarithmic = spec.kind === "line" && spec.unit in IN_SECONDS && isWide(this.series);
    this.left = new Set(); // the series that a reader has put aside
    this.tip = Object.assign(document.createElement("div"), { className: "tip", hidden: true });
    this.said = Object.assign(document.createElement("p"), { className: "hidden-text", ariaLive: "polite" });
    key.innerHTML = keyHtml(this);
    key.addEventListener("click", (event) => this.onKeyClick(event));
    plot.after(this.said);
    plot.addEventListener("keydown", (event) => this.onKey(event));
    plot.addEventListener("pointermove", (event) => this.onTouch(event));
    plot.addEventListener("blur", () => this.leave());
    new ResizeObserver(() => this.fit()).observe(plot);
  }

  // Draw anew, in the colours of the theme that shows.
  draw() {
    const { lists, configs } = this.isBars ? this.bars() : this.spec.kind === "stacked" ? this.areas() : this.lines();
    this.u?.destroy();
    this.plot.replaceChildren();
    this.u = new uPlot(this.options(configs), [this.times, ...lists], this.plot);
    this.plot.append(this.tip);
  }

  showDays(days, until) {
    const isLong = this.spec.step > DAY;
    this.from = until - Math.max(days * DAY, isLong ? FEWEST_STEPS * this.spec.step : 0);
    if (this.spec.step < DAY) this.from = Math.max(this.from, this.times[0]);
    this.to = until;
    this.u?.setScale("x", this.scale());
    this.onShow?.();
  }

  // A bar stands around the time at which its day begins, and has to fit.
  scale() {
    const aside = this.isBars ? this.spec.step / 2 : 0;
    return { min: this.from - aside, max: this.to + aside };
  }

  fit() {
    const width = this.plot.clientWidth;
    const height = this.plot.clientHeight;
    if (this.u && width && (width !== this.u.width || height !== this.u.height)) this.u.setSize({ width, height });
  }

  options(configs) {
    const font = `12px ${getComputedStyle(document.body).fontFamily}`;
    const axis = { stroke: colour("--muted"), font, ticks: { show: false }, gap: 6 };
    return {
      width: this.plot.clientWidth,
      height: this.plot.clientHeight,
      padding: [18, 20, 0, 0],
      legend: { show: false },
      tzDate: (seconds) => uPlot.tzDate(new Date(seconds * 1000), this.zone),
      cursor: { y: false, drag: { x: false, y: false }, points: { show: false }, sync: { key: "page", setSeries: false },
        move: (u, left, top) => [left < 0 ? left : u.valToPos(this.times[u.posToIdx(left)], "x"), top] },
      scales: { x: { range: () => Object.values(this.scale()) }, y: this.isLogarithmic ? { distr: 3 } : { range: (u, low, high) => span(low, high, this.isStacked) } },
      series: [{}, ...configs],
      axes: [
        { ...axis, grid: { show: false }, size: 26, space: 62, ...(this.spec.step > DAY && { splits: (u) => this.periodSplits(u) }),
          values: (u, splits, place, space, step) => splits.map((at) => this.dateTick(at, step)) },
        { ...axis, grid: { stroke: colour("--grid"), width: 1 }, space: 38,
          size: (u, values) => 12 + Math.max(0, ...(values ?? []).map((text) => text.length)) * 6.6,
          ...this.durationAxis(), values: (u, splits) => ticks(splits, this.spec.unit), ...this.logarithmicAxis() },
      ],
      hooks: { draw: [(u) => this.drawMarks(u)], setCursor: [(u) => this.onCursor(u)] },
    };
  }

  durationAxis() {
    const unit = IN_SECONDS[this.spec.unit];
    return unit ? { incrs: TIMES.map((seconds) => seconds / unit) } : {};
  }

  logarithmicAxis() {
    if (!this.isLogarithmic) return {};
    const lines = TENFOLDS.map((seconds) => seconds / IN_SECONDS[this.spec.unit]);
    return {
      splits: (u) => lines.filter((value) => value >= u.scales.y.min && value <= u.scales.y.max),
      filter: (u, splits) => splits,
      values: (u, splits) => splits.map((value) => short(value, this.spec.unit)),
    };
  }

  lines() {
    const drawn = this.series.flatMap((series, index) => {
      if (this.left.has(index)) return [];
      const dash = this.spec.step < DAY ? [] : DASHES[index % COLOURS];
      const line = { stroke: this.colour(index), width: this.spec.step < DAY ? 1.3 : 1.8, dash, points: lonePoints() };
      const open = series.open.map((value, at) => value ?? (series.open[at + 1] == null ? null : series.closed[at]));
      return [
        ...this.references(series, index),
        [series.closed, line],
        [open, { ...line, dash: OPEN, points: endPoint(line.stroke) }],
      ];
    });
    return { lists: drawn.map(([list]) => list), configs: drawn.map(([, config]) => config) };
  }

  // Bars stand on each other where there are several series: the whole is drawn first, what is below it over it.
  bars() {
    const tops = this.stacked();
    const drawn = this.series.map((series, index) => {
      const stroke = this.colour(index);
      const fills = series.closed.map((value) => (value == null ? colour("--card") : stroke));
      const disp = { fill: { unit: 3, values: () => fills }, stroke: { unit: 3, values: () => fills.map(() => stroke) } };
      return [tops[index], { stroke, fill: stroke, width: 1, points: { show: false },
        paths: uPlot.paths.bars({ size: [0.72, 26], align: 0, disp }) }];
    });
    const all = [...drawn.reverse(), ...this.series.flatMap((series, index) => this.references(series, index))];
    return { lists: all.map(([list]) => list), configs: all.map(([, config]) => config) };
  }

  areas() {
    const tops = this.stacked();
    const drawn = this.series.map((series, index) => [tops[index], { stroke: colour("--card"), width: 0.6,
      fill: this.colour(index, 0.72), points: { show: false } }]);
    const all = [...drawn.reverse(), ...this.series.flatMap((series, index) => this.references(series, index))];
    return { lists: all.map(([list]) => list), configs: all.map(([, config]) => config) };
  }

  stacked() {
    return stack(this.series.map((series, index) => (this.left.has(index) ? series.closed.map(() => null)
      : series.closed.map((value, at) => value ?? series.open[at]))));
  }

  // The week before and the target are thin and of no series' colour.
  references(series, index) {
    const found = [];
    const thin = { width: 1.3, points: { show: false } };
    if (series.before) found.push([series.before, { ...thin, stroke: colour("--muted"), dash: BEFORE }]);
    if (series.target && isFirstTarget(this.series, index)) {
      found.push([series.target, { ...thin, stroke: colour("--text"), dash: TARGET, paths: uPlot.paths.stepped({ align: 1 }) }]);
    }
    return found;
  }

  // From the ninth series on the colours come again, paler.
  colour(index, share = 1) {
    return colour(`--s${index % COLOURS}`, index < COLOURS ? share : share * 0.5);
  }

  // Weeks and months have their ticks where they begin: as many as fit.
  periodSplits(u) {
    const shown = this.times.filter((at) => at >= u.scales.x.min && at <= u.scales.x.max);
    const every = Math.ceil((shown.length * 62) / Math.max(1, u.bbox.width / devicePixelRatio));
    return shown.filter((at, place) => (shown.length - 1 - place) % every === 0);
  }

  drawMarks(u) {
    const { ctx, bbox } = u;
    const dots = devicePixelRatio;
    const x = (at) => Math.round(u.valToPos(at, "x", true));
    const isShown = (at) => at >= u.scales.x.min && at <= u.scales.x.max;
    ctx.save();
    ctx.lineWidth = dots;
    ctx.fillStyle = ctx.strokeStyle = colour("--text");
    ctx.font = `600 ${11 * dots}px ${getComputedStyle(document.body).fontFamily}`;
    ctx.textAlign = "center";
    for (const note of this.notes.filter(({ at, letter }) => letter && isShown(at))) {
      ctx.setLineDash([dots, 3 * dots]);
      ctx.beginPath();
      ctx.moveTo(x(note.at), bbox.top);
      ctx.lineTo(x(note.at), bbox.top + bbox.height);
      ctx.stroke();
      ctx.fillText(note.letter, x(note.at), bbox.top - 5 * dots);
    }
    for (const note of this.notes.filter(({ at, letter }) => !letter && isShown(at))) {
      ctx.fillText("\u25c7", x(note.at), bbox.top - 4 * dots);
    }
    ctx.fillStyle = colour("--s4");
    for (const [from, to] of this.spec.estimated) {
      const left = Math.max(bbox.left, x(this.times[from] - this.spec.step / 2));
      const right = Math.min(bbox.left + bbox.width, x(this.times[to - 1] + this.spec.step / 2));
      if (right > left) ctx.fillRect(left, bbox.top + bbox.height, right - left, 3 * dots);
    }
    ctx.restore();
  }

  dateTick(at, step) {
    const time = new Date(at * 1000);
    const clock = time.toLocaleTimeString("en-GB", { timeZone: this.zone, hour: "2-digit", minute: "2-digit", hourCycle: "h23" });
    return step >= DAY || clock === "00:00" ? dayText(time, this.zone, ["day", "month"]) : clock;
  }

  // Each chart of the page has the line of the cursor; the one that is pointed at has the numbers.
  onCursor(u) {
    const at = u.cursor.idx;
    const isHere = this.plot.matches(":hover") || document.activeElement === this.plot;
    this.tip.hidden = !isHere || at == null || u.cursor.left < 0;
    if (this.tip.hidden) return;
    this.tip.innerHTML = tipHtml(this, at);
    const x = u.valToPos(this.times[at], "x") + u.bbox.left / devicePixelRatio;
    const isLeft = x + 14 + this.tip.offsetWidth > this.plot.clientWidth;
    this.tip.style.left = `${Math.max(0, isLeft ? x - 14 - this.tip.offsetWidth : x + 14)}px`;
  }

  // A series of the key can be put aside, and the others fill the picture.
  onKeyClick(event) {
    const button = event.target.closest("button");
    if (!button) return;
    const index = Number(button.dataset.series);
    if (!this.left.delete(index)) this.left.add(index);
    button.setAttribute("aria-pressed", String(!this.left.has(index)));
    this.draw();
  }

  onTouch(event) {
    if (event.pointerType !== "touch") return;
    const box = this.u.over.getBoundingClientRect();
    this.u.setCursor({ left: event.clientX - box.left, top: event.clientY - box.top });
  }

  onKey(event) {
    if (event.key === "Escape") this.leave();
    const first = this.times.findIndex((at) => at >= this.from);
    const last = this.times.length - 1;
    const here = this.u.cursor.left >= 0 ? this.u.cursor.idx : null;
    const places = { ArrowLeft: (here ?? last + 1) - 1, ArrowRight: (here ?? first - 1) + 1, Home: first, End: last };
    if (!(event.key in places)) return;
    event.preventDefault();
    const at = Math.min(Math.max(places[event.key], first), last);
    this.u.setCursor({ left: this.u.valToPos(this.times[at], "x"), top: 10 });
    this.said.textContent = lineAt(this, at);
  }

  leave() {
    this.u.setCursor({ left: -10, top: -10 });
  }
}

// The colour of a role in the theme that shows; `share` mixes it with what is behind it, and it stays opaque.
function colour(role, share = 1) {
  const probe = document.createElement("i");
  probe.style.color = `color-mix(in srgb, var(${role}) ${share * 100}%, var(--card))`;
  document.body.append(probe);
  const found = getComputedStyle(probe).color;
  probe.remove();
  return found;
}

// The values' axis begins at 0, unless they are lines and so far from it that nothing would be seen.
function span(low, high, isStacked) {
  if (low == null) return [0, 1];
  const room = (high - low || Math.abs(high) || 1) * 0.08;
  if (low >= 0 && (isStacked || low <= high * 0.7)) return [0, high + room || 1];
  return [low >= 0 ? Math.max(0, low - room) : low - room, high + room];
}

function isWide(series) {
  const values = series.flatMap((each) => each.closed).filter((value) => value > 0);
  return values.length > 0 && values.reduce((a, b) => Math.max(a, b)) > LOGARITHMIC_FROM * values.reduce((a, b) => Math.min(a, b));
}

// What each series adds to those below it; a time at which none was measured stays a gap.
function stack(lists) {
  const sums = lists[0].map(() => 0);
  return lists.map((list) => list.map((value, at) => {
    sums[at] += value ?? 0;
    return lists.every((other) => other[at] == null) ? null : sums[at];
  }));
}

// A value between two gaps has no line: it is a point.
function lonePoints() {
  const isGap = (list, at) => at < 0 || at >= list.length || list[at] === null;
  const isLone = (value, at, list) => value != null && isGap(list, at - 1) && isGap(list, at + 1);
  const all = (list) => list.flatMap((value, at) => (isLone(value, at, list) ? [at] : []));
  return { show: true, size: 4, filter: (u, index) => all(u.data[index]) };
}

function endPoint(stroke) {
  return { show: true, size: 7, width: 1.6, stroke, fill: colour("--card"),
    filter: (u, index) => [u.data[index].findLastIndex((value) => value != null)].filter((at) => at >= 0) };
}
