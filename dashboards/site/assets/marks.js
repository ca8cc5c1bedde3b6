// What stands around a chart: letters of what happened, diamonds of what was restated, a bar below what is estimated.
function drawMarks(chart, u) {
  const { ctx, bbox } = u;
  const dots = devicePixelRatio;
  const placeOf = (at) => Math.round(u.valToPos(at, "x", true));
  const shown = chart.notes.filter(({ at }) => at >= u.scales.x.min && at <= u.scales.x.max);
  ctx.save();
  ctx.fillStyle = ctx.strokeStyle = paint("var(--text)");
  ctx.font = `600 ${11 * dots}px ${getComputedStyle(document.body).fontFamily}`;
  ctx.textAlign = "center";
  ctx.lineWidth = dots;
  ctx.setLineDash([dots, 3 * dots]);
  for (const { at, letter } of shown) {
    const x = placeOf(at);
    ctx.fillText(letter ?? "\u25c7", x, bbox.top + (letter ? -5 : 6) * dots);
    if (!letter) continue;
    ctx.beginPath();
    ctx.moveTo(x, bbox.top);
    ctx.lineTo(x, bbox.top + bbox.height);
    ctx.stroke();
  }
  ctx.fillStyle = paint("var(--s4)");
  for (const [from, to] of chart.spec.estimated) {
    const left = Math.max(bbox.left, placeOf(chart.times[from] - chart.spec.step / 2));
    const right = Math.min(bbox.left + bbox.width, placeOf(chart.times[to - 1] + chart.spec.step / 2));
    if (right > left) ctx.fillRect(left, bbox.top + bbox.height, right - left, 3 * dots);
  }
  ctx.restore();
}
