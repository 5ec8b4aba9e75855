// What a chart says of the step under the pointer, or under the arrow keys: pure functions to HTML.

function tipTable(title, header, rows) {
  const cells = (tag, texts) => texts.map((text) => `<${tag}>${escapeHtml(text)}</${tag}>`).join("");
  const body = rows.map(([swatch, name, ...texts]) => `<tr><th scope="row">${swatch}${escapeHtml(name)}</th>${cells("td", texts)}</tr>`).join("");
  return `<b>${escapeHtml(title)}</b><table><tr>${cells("th", header)}</tr>${body}</table>`;
}

function dot(color) {
  return `<svg width="9" height="9" aria-hidden="true"><circle cx="4.5" cy="4.5" r="4" fill="${color}"/></svg> `;
}

// A point's value; where it stands for several steps also the extremes, and what was not finite.
function pointText(column, place, format = formatNumber) {
  const count = (kind) => ((column.marks[kind] || []).find(([at]) => at === place) || [0, 0])[1];
  const notes = [["nan", "NaN"], ["infinity", "∞"]].filter(([kind]) => count(kind)).map(([, text]) => text).join(", ");
  if (column.mean[place] === null || column.mean[place] === undefined) return notes || "–";
  const text = format(column.mean[place]);
  const spread = column.low && column.low[place] !== column.high[place];
  const range = spread ? ` (${format(column.low[place])} – ${format(column.high[place])})` : "";
  return text + range + (notes ? `, ${notes}` : "");
}

// How far clipping scaled, where both norms are known.
function scaleText(before, after, place) {
  const [from, to] = [before.mean[place], after.mean[place]];
  if (!(from > 0) || to === null) return "–";
  const scale = to / from;
  return Math.abs(scale - 1) < 1e-4 ? "1" : formatNumber(scale);
}

function stepTitle(view, step) {
  const run = view.runs[0];
  return `step ${formatSteps(run, placeOf(run, step))}`;
}

function reached(run, step) {
  return run.steps.length > 0 && step <= run.lastStep;
}

function normTip(view, params) {
  const step = params[0].axisValue;
  const rows = view.runs.filter((run) => reached(run, step)).map((run) => {
    const place = placeOf(run, step);
    return [
      dot(run.color), run.name, pointText(run.before, place), pointText(run.after, place), scaleText(run.before, run.after, place),
      formatNumber(limitColumn(run)[place]), happened(run, place),
    ];
  });
  return tipTable(stepTitle(view, step), ["", "before", "after", "scale", "limit", ""], rows);
}

function parametersTip(view, params) {
  const step = params[0].axisValue;
  const rows = view.runs.filter((run) => reached(run, step)).flatMap((run) => {
    const place = placeOf(run, step);
    return chosenParameters(view, run).slice(0, 16).map((parameter) => [
      dot(view.colorOf(run, parameter)), view.runs.length > 1 ? `${run.name} ${parameter.name}` : parameter.name,
      pointText(parameter.before, place), pointText(parameter.after, place), scaleText(parameter.before, parameter.after, place),
    ]);
  });
  return tipTable(stepTitle(view, step), ["", "before", "after", "scale"], rows);
}

function curveTip(view, key, params) {
  const step = params[0].axisValue;
  const format = key === "accuracy" ? formatPercent : formatNumber;
  const bounds = curveBounds(view, key);
  const rows = view.runs.filter((run) => reached(run, step)).map((run) => {
    const place = placeOf(run, step);
    return [dot(run.color), run.name, pointText(run[key], place, format), format(smooth(run[key].mean, bounds)[place])];
  });
  return tipTable(stepTitle(view, step), ["", key, "moving mean"], rows);
}

// What clipping did at a point: how many of its steps were clipped and skipped.
function happened(run, place) {
  const count = (pairs) => (pairs.find(([at]) => at === place) || [0, 0])[1];
  const texts = [[count(run.clipped), "clipped"], [count(run.skipped), "skipped"]];
  const several = /–/.test(formatSteps(run, place));
  return texts.filter(([number]) => number).map(([number, text]) => (several ? `${number} ${text}` : text)).join(", ");
}

function updatesTip(view, params) {
  const step = params[0].axisValue;
  const rows = view.runs.flatMap((run) => {
    const place = run.layers.updates ? run.layers.updates.steps.indexOf(step) : -1;
    if (place < 0) return [];
    return chosenParameters(view, run).slice(0, 16).map((parameter) => [
      dot(view.colorOf(run, parameter)), view.runs.length > 1 ? `${run.name} ${parameter.name}` : parameter.name, formatNumber(parameter.ratios[place]),
    ]);
  });
  return tipTable(`step ${step}`, ["", "update / weight"], rows);
}

function profileTip(view, name, lines, place) {
  const rows = lines.map((line) => [dot(line.color), line.title, cellText(line.cells[place])]);
  return tipTable(name, ["", KINDS[view.kind].unit], rows);
}

function layersTip(view, { run, row, column }) {
  const { name, layers } = run.layers.rows[row];
  const group = layers > 1 ? [["", "the largest of", `${layers} layers`]] : [];
  const rows = [["", KINDS[view.kind].unit, cellText(gridOf(run, view.kind).cells[row][column])], ...group];
  return tipTable(`${name}, ${columnText(view, run, column)}`, ["", ""], rows);
}

function cellText(cell) {
  if (cell === null || cell === undefined) return "–";
  if (cell === "!") return "NaN or infinite";
  return cell === "0" ? "0" : formatNumber(10 ** (cell / 100));
}
