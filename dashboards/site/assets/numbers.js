// Numbers as people write them; numbers.py writes the same, and a test compares them.
const SPACE = "\u202f";
const MINUS = "\u2212";
const THOUSANDS = [["", 1], ["k", 1e3], ["M", 1e6], ["G", 1e9], ["T", 1e12]];
const BYTES = [["B", 1], ["kB", 1e3], ["MB", 1e6], ["GB", 1e9], ["TB", 1e12]];
const SECONDS = [["ms", 0.001], ["s", 1], ["min", 60], ["h", 3600], ["d", 86400]];
const IN_SECONDS = { milliseconds: 0.001, seconds: 1, minutes: 60 };
const NOTHING = { bytes: `0${SPACE}B`, milliseconds: `0${SPACE}ms`, seconds: `0${SPACE}s`, minutes: `0${SPACE}min` };
const WRITTEN_OUT = 10000;
const ROUNDED_UP = 0.9995;

// A value for an axis: few digits, and its unit where that is a measure.
function short(value, unit) {
  if (unit === "share") return percent(value);
  if (value === 0) return NOTHING[unit] ?? "0";
  if (unit === "bytes") return scaled(value, BYTES);
  if (unit in IN_SECONDS) return scaled(value * IN_SECONDS[unit], SECONDS);
  return Math.abs(value) < WRITTEN_OUT ? long(value, unit) : scaled(value, THOUSANDS);
}

// A value for a table: a count with all its digits, a measure as `short` has it.
function long(value, unit) {
  if (unit === "share" || unit === "bytes" || unit in IN_SECONDS) return short(value, unit);
  const decimals = isWhole(value) || Math.abs(value) >= 1000 ? 0 : Math.abs(value) < 10 ? 2 : 1;
  return sign(value) + fixed(value, decimals);
}

function percent(value) {
  const hundred = Math.abs(value) * 100;
  const decimals = hundred === 0 || hundred === 100 ? 0 : hundred < 1.995 ? 2 : 1;
  return `${sign(value)}${fixed(hundred, decimals)}${SPACE}%`;
}

// The texts of an axis: all in one step (0, 2.5 k, 5 k), with the decimals that tell them apart.
function ticks(values, unit) {
  const most = Math.max(...values.map(Math.abs));
  const [name, size] = stepOf(most, unit);
  return values.map((value) => {
    const number = Number((value / size).toPrecision(12));
    const decimals = (String(Math.abs(number)).split(".")[1] ?? "").length;
    return sign(number) + fixed(number, Math.min(decimals, 4)) + (name && number ? SPACE + name : "");
  });
}

function stepOf(most, unit) {
  if (unit === "share") return ["%", 0.01];
  if (unit === "bytes") return BYTES.findLast((step) => most >= step[1]) ?? BYTES[0];
  if (!(unit in IN_SECONDS)) return most < WRITTEN_OUT ? ["", 1] : THOUSANDS.findLast((step) => most >= step[1]);
  const [name, seconds] = SECONDS.findLast((step) => most * IN_SECONDS[unit] >= step[1]) ?? SECONDS[0];
  return [name, seconds / IN_SECONDS[unit]];
}

function scaled(value, steps) {
  const [name, size] = steps.findLast((step) => Math.abs(value) >= step[1] * ROUNDED_UP) ?? steps[0];
  const number = Math.abs(value) / size;
  const text = sign(value) + fixed(number, isWhole(number) || number >= 100 ? 0 : 1);
  return name ? text + SPACE + name : text;
}

function fixed(value, decimals) {
  const [whole, part] = Math.abs(value).toFixed(decimals).split(".");
  return whole.replace(/\B(?=(\d{3})+$)/g, ",") + (part ? `.${part}` : "");
}

function isWhole(value) {
  return Math.abs(value - Math.round(value)) <= Math.max(1e-9 * Math.abs(value), 1e-9);
}

function sign(value) {
  return value < 0 ? MINUS : "";
}
