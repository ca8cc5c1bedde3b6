// Times as people write them, in the business zone; times.py writes the same.
const DAY = 86400;
const PERIODS = { 3600: "hour", 86400: "day", 604800: "week", 2592000: "month" };

// When the hour, day, week or month began: Wed 25 Nov 2026, 12:00.
function timeText(at, step, zone) {
  const day = dayText(at, zone, ["weekday", "day", "month", "year"]);
  return step < DAY ? `${day}, ${clockText(at, zone)}` : day;
}

function dayText(at, zone, parts) {
  const options = { timeZone: zone, weekday: "short", day: "numeric", month: "short", year: "numeric" };
  const found = new Intl.DateTimeFormat("en-US", options).formatToParts(new Date(at * 1000));
  return parts.map((part) => found.find(({ type }) => type === part).value).join(" ");
}

function clockText(at, zone) {
  const options = { timeZone: zone, hour: "2-digit", minute: "2-digit", hourCycle: "h23" };
  return new Date(at * 1000).toLocaleTimeString("en-GB", options);
}
