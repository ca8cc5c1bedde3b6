// A page: its theme, the days that it shows, its charts, and the table behind each.
const KEPT = "theme";
const dark = matchMedia("(prefers-color-scheme: dark)");

function isDark() {
  const chosen = document.documentElement.dataset.theme;
  return chosen ? chosen === "dark" : dark.matches;
}

function setUpTheme(redraw) {
  const button = document.querySelector(".theme");
  const say = () => button.setAttribute("aria-pressed", String(isDark()));
  button.hidden = false;
  button.addEventListener("click", () => {
    const theme = isDark() ? "light" : "dark";
    document.documentElement.dataset.theme = theme;
    try { localStorage.setItem(KEPT, theme); } catch { /* a browser that keeps nothing */ }
    say();
    redraw();
  });
  // Chosen on another page, which may be open beside this one.
  addEventListener("storage", ({ key, newValue }) => {
    if (key !== KEPT) return;
    document.documentElement.dataset.theme = newValue ?? "";
    say();
    redraw();
  });
  dark.addEventListener("change", () => { say(); redraw(); });
  say();
}

// Paper is white: what is printed is drawn in the light theme.
function setUpPrint(redraw) {
  let chosen;
  addEventListener("beforeprint", () => {
    chosen = document.documentElement.dataset.theme;
    document.documentElement.dataset.theme = "light";
    redraw();
  });
  addEventListener("afterprint", () => {
    document.documentElement.dataset.theme = chosen ?? "";
    redraw();
  });
}

function setUpRanges(charts, until) {
  const buttons = [...document.querySelectorAll(".ranges button")];
  if (!buttons.length) return; // no panel has a range before the first day is over
  const show = (days) => {
    for (const button of buttons) button.setAttribute("aria-pressed", String(button.dataset.days === String(days)));
    for (const part of document.querySelectorAll("[data-range]")) part.hidden = part.dataset.range !== String(days);
    for (const note of document.querySelectorAll(".notes li")) note.hidden = note.dataset.at < until - days * DAY;
    for (const chart of charts) chart.showDays(days, until);
  };
  for (const button of buttons) button.addEventListener("click", () => show(button.dataset.days));
  show(buttons.find((button) => button.getAttribute("aria-pressed") === "true").dataset.days);
}

function setUpChoice() {
  document.getElementById("choice")?.addEventListener("change", (event) => location.assign(event.target.value));
}

function setUpNumbers(chart, panel) {
  const details = panel.querySelector(".numbers");
  const write = () => { if (details.open) details.querySelector(".scroll").innerHTML = tableHtml(chart); };
  details.addEventListener("toggle", write);
  chart.onShow = write;
}

document.querySelector("nav [aria-current]")?.scrollIntoView({ block: "nearest", inline: "center" });

const holder = document.getElementById("data");
const page = holder ? JSON.parse(holder.textContent) : { charts: {} };
const charts = Object.entries(page.charts).map(([id, spec]) => {
  const panel = document.getElementById(`panel-${id}`);
  const chart = new Chart(Number(id), panel.querySelector(".plot"), panel.querySelector(".key"), spec, page);
  setUpNumbers(chart, panel);
  return chart;
});
const redraw = () => charts.forEach((chart) => chart.draw());
setUpTheme(redraw);
setUpChoice();
if (holder) {
  setUpPrint(redraw);
  setUpRanges(charts, page.until);
  redraw();
}
