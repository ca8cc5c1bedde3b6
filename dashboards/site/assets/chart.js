// One panel over time: drawn on a canvas by uPlot, pointed at, walked through by keys.
class Chart {
  constructor(id, plot, key, spec, page) {
    const notes = page.notes.filter(({ panels }) => panels?.includes(id) ?? true);
    Object.assign(this, { plot, key, spec, zone: page.zone, notes }, unpack(spec));
    this.isStacked = spec.kind !== "line";
    this.isBars = spec.kind === "bars" || (spec.kind === "stacked" && spec.step >= DAY);
    this.isLogarithmic = spec.kind === "line" && spec.unit in IN_SECONDS && isWide(this.series);
    this.aside = new Set(); // the places of series that a reader has put aside
    this.tip = Object.assign(document.createElement("div"), { className: "tip", hidden: true });
    this.said = Object.assign(document.createElement("p"), { className: "hidden-text", ariaLive: "polite" });
    key.innerHTML = keyHtml(this);
    plot.after(this.said);
    key.addEventListener("click", (event) => this.onKeyClick(event));
    plot.addEventListener("keydown", (event) => this.onKeyDown(event));
    plot.addEventListener("pointermove", (event) => this.onTouch(event));
    plot.addEventListener("blur", () => this.leave());
    new ResizeObserver(() => this.fit()).observe(plot);
  }

  // Draw anew, in the colours of the theme that shows.
  draw() {
    const layers = layersOf(this);
    this.u?.destroy();
    this.u = new uPlot({
      width: this.plot.clientWidth,
      height: this.plot.clientHeight,
      padding: [18, 20, 0, 0],
      legend: { show: false },
      tzDate: (seconds) => uPlot.tzDate(new Date(seconds * 1000), this.zone),
      cursor: {
        y: false, drag: { x: false, y: false }, points: { show: false }, sync: { key: "page", setSeries: false },
        move: (u, left, top) => [left < 0 ? left : u.valToPos(this.times[u.posToIdx(left)], "x"), top],
      },
      scales: scalesOf(this),
      series: [{}, ...layers.map(({ look }) => look)],
      axes: axesOf(this),
      hooks: { draw: [(u) => drawMarks(this, u)], setCursor: [(u) => this.onCursor(u)] },
    }, [this.times, ...layers.map(({ list }) => list)], this.plot);
    this.plot.append(this.tip);
  }

  // Show the last days; of hours no more than there are. A bar stands around its time: the first and the last have to
  // fit, and no half of the one before.
  showDays(days, until) {
    const { step } = this.spec;
    const seconds = Math.max(days * DAY, step > DAY ? FEWEST_STEPS * step : 0);
    const aside = this.isBars ? step / 2 : 0;
    this.from = step < DAY ? Math.max(until - seconds, this.times[0]) : until - seconds;
    const first = this.isBars ? this.times.find((at) => at >= this.from) ?? this.from : this.from;
    this.low = first - aside;
    this.high = until + aside;
    this.u?.setScale("x", { min: this.low, max: this.high });
    this.onShow?.();
  }

  fit() {
    const { clientWidth: width, clientHeight: height } = this.plot;
    if (this.u && width && (width !== this.u.width || height !== this.u.height)) this.u.setSize({ width, height });
  }

  timeText(at) {
    return timeText(this.times[at], this.spec.step, this.zone);
  }

  // Each chart of the page has the line of the cursor; the one that is pointed at has the numbers.
  onCursor(u) {
    const at = u.cursor.idx;
    const isHere = this.plot.matches(":hover, :focus");
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
    if (!this.aside.delete(index)) this.aside.add(index);
    button.setAttribute("aria-pressed", String(!this.aside.has(index)));
    this.draw();
    this.onShow?.();
  }

  onTouch(event) {
    if (event.pointerType !== "touch") return;
    const box = this.u.over.getBoundingClientRect();
    this.u.setCursor({ left: event.clientX - box.left, top: event.clientY - box.top });
  }

  onKeyDown(event) {
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
