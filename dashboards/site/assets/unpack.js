// A panel's lists, one value a time, from the short form in which charts.py packs them.
function unpack(spec) {
  const times = Array.isArray(spec.times) ? spec.times
    : Array.from({ length: spec.times.count }, (_, at) => spec.times.start + at * spec.times.step);
  const series = spec.series.map((packed) => unpackSeries(packed, times, spec.gap));
  return { times, series, estimated: ofRuns(spec.estimated, times.length) };
}

// `value` is what is known of each time, whether it is over (`closed`) or not (`open`).
function unpackSeries(packed, times, gap) {
  const closed = bridged(packed.value, times, gap);
  const open = ofPairs(packed.open, times.length);
  return {
    name: packed.name,
    closed,
    open,
    value: closed.map((value, at) => open[at] ?? value),
    before: packed.before ?? null,
    target: packed.target ? ofRuns(packed.target, times.length) : null,
  };
}

// Null is a gap. What a series can't have, since it is of weeks and others are of days, is undefined: a line goes on.
function bridged(list, times, gap) {
  const found = [...list];
  let before = null;
  for (const [at, value] of list.entries()) {
    if (value == null) continue;
    if (before != null && times[at] - times[before] <= gap) found.fill(undefined, before + 1, at);
    before = at;
  }
  return found;
}

function ofRuns(runs, count) {
  const list = new Array(count).fill(null);
  for (const [from, to, value] of runs) list.fill(value, from, to);
  return list;
}

function ofPairs(pairs, count) {
  const list = new Array(count).fill(null);
  for (const [at, value] of pairs ?? []) list[at] = value;
  return list;
}
