// Wires the charts to the page: legends, choices, zoom, keyboard, light and dark.

const find = (id) => document.getElementById(id);
const dark = matchMedia("(prefers-color-scheme: dark)");
const NAMES = ["norm", "loss", "accuracy", "layers", "profile", "updates", "parameters"];
const ZOOMED = NAMES.filter((name) => name !== "profile");
const charts = {};
const drawn = {}; // the view that each chart shows
const waiting = new Set(); // charts that are to be drawn
// What the reader chose; null stands for what follows the runs.
const state = { hidden: new Set(), chosen: null, range: null, kind: "before", step: null, threshold: null, row: 0 };
let runs = [];
let theme = readTheme(document.documentElement);
let zooming = false;
let timer = null;
let started = false;

function wholeRange() {
  const starts = runs.map((run) => run.steps[0] || 0);
  return [Math.min(...starts), Math.max(...runs.map((run) => run.lastStep), Math.min(...starts) + 1)];
}

function parameterNames(kind) {
  const all = runs.flatMap((run) => run.parameters.filter((parameter) => !kind || parameter.kind === kind));
  return [...new Set(all.map((parameter) => parameter.name))];
}

// All of a small network; of a large one some layers from input to output; few where runs are compared.
function firstChoice() {
  const weights = parameterNames("weight").length ? parameterNames("weight") : parameterNames();
  if (runs.length > 1) return weights.length > 1 ? [weights[0], weights[weights.length - 1]] : weights;
  if (parameterNames().length <= 8) return parameterNames();
  const count = Math.min(weights.length, 7);
  return Array.from({ length: count }, (_, place) => weights[Math.round((place * (weights.length - 1)) / Math.max(count - 1, 1))]);
}

function currentView() {
  runs.forEach((run, place) => { run.color = runs.length > 1 ? runColor(theme, place) : theme.after; });
  const numLayers = 1 + Math.max(0, ...runs.flatMap((run) => run.parameters.map((parameter) => parameter.layer)));
  const [first, last] = wholeRange();
  return {
    runs: runs.filter((run) => !state.hidden.has(run.name)), chosen: state.chosen || new Set(firstChoice()), steps: [first, last], numLayers,
    range: state.range || [first, last], cell: null, kind: state.kind, step: state.step ?? Math.round((first + last) / 2), threshold: state.threshold,
    narrow: innerWidth <= 560, height: find("layers").clientHeight,
    colorOf: (run, parameter) => (runs.length > 1 ? run.color : layerColor(theme, parameter.layer, numLayers)),
  };
}

const OPTIONS = {
  norm: normOption, parameters: parametersOption, layers: layersOption, profile: profileOption, updates: updatesOption,
  loss: (view, colors) => curveOption(view, colors, "loss"), accuracy: (view, colors) => curveOption(view, colors, "accuracy"),
};

// What no run has needs no chart.
function isShown(name) {
  const has = (column) => column.mean.some((value) => value !== null) || Object.keys(column.marks).some((kind) => kind !== "nan");
  if (name === "loss" || name === "accuracy") return runs.some((run) => has(run[name]));
  return name !== "updates" || runs.some((run) => run.layers.updates);
}

function draw(names = NAMES) {
  NAMES.forEach((name) => { find(`${name}-figure`).hidden = !isShown(name); });
  [["loss", "accuracy"], ["profile", "updates"]].forEach(([one, other]) => {
    find(`${one}-figure`).classList.toggle("wide", !isShown(other));
    find(`${other}-figure`).classList.toggle("wide", !isShown(one));
  });
  const shown = runs.filter((run) => !state.hidden.has(run.name));
  find("layers").style.height = `${layersHeight(shown)}px`;
  names.filter(isShown).forEach((name) => waiting.add(name));
  const view = currentView();
  [find("from").value, find("to").value] = view.range;
  drawLegends(view);
  NAMES.filter((name) => waiting.has(name) && isOnScreen(name)).forEach((name) => drawChart(name, view));
  find("charts").setAttribute("aria-busy", "true");
  if (!timer) timer = setTimeout(drawWaiting);
}

// What is not on the screen is drawn chart by chart, so that the page answers in between.
function drawWaiting() {
  const [name] = waiting;
  timer = name && setTimeout(drawWaiting);
  if (name) drawChart(name, currentView());
  else find("charts").setAttribute("aria-busy", "false");
}

function isOnScreen(name) {
  const { top, bottom } = find(name).getBoundingClientRect();
  return bottom > 0 && top < innerHeight;
}

// Draws a chart anew but for what the reader holds: the tool that drags a zoom.
function drawChart(name, view) {
  waiting.delete(name);
  if (!charts[name]) makeChart(name);
  fit(name);
  charts[name].setOption(OPTIONS[name](view, theme), { replaceMerge: ["series", "xAxis", "yAxis", "grid", "title", "dataZoom"] });
  drawn[name] = view;
}

function makeChart(name) {
  charts[name] = echarts.init(find(name), null, { renderer: "canvas" });
  if (name === "layers") followCells();
  if (name === "profile") return;
  armZoom(charts[name]);
  followZoom(name);
}

// A chart takes its place's size anew only where that changed: it costs as much as drawing.
function fit(name) {
  const { clientWidth, clientHeight } = find(name);
  if (charts[name].getWidth() !== clientWidth || charts[name].getHeight() !== clientHeight) charts[name].resize();
}

// Dragging selects steps, with a mouse; on a touch screen it scrolls the page.
function armZoom(chart) {
  if (!matchMedia("(pointer: fine)").matches) return;
  chart.setOption(zoomTool(theme));
  chart.dispatchAction({ type: "takeGlobalCursor", key: "dataZoomSelect", dataZoomSelectActive: true });
}

// Shows some steps in every chart; the whole range is none that was chosen, and grows with the runs.
function showRange(first, last) {
  const [least, greatest] = wholeRange();
  const range = [Math.min(Math.max(first, least), greatest - 1), Math.min(last, greatest)];
  if (range[1] <= range[0]) range[1] = range[0] + 1;
  state.range = range[0] === least && range[1] === greatest ? null : range;
  zooming = true;
  const [startValue, endValue] = range;
  ZOOMED.filter((name) => drawn[name] && isShown(name)).forEach((name) => {
    const end = endValue + (name === "layers" ? LAST_STEP : 0);
    const batch = charts[name].getOption().dataZoom.map((_, dataZoomIndex) => ({ dataZoomIndex, startValue, endValue: end }));
    charts[name].dispatchAction({ type: "dataZoom", batch });
  });
  zooming = false;
  [find("from").value, find("to").value] = range;
}

function followZoom(name) {
  const chart = charts[name];
  const behind = name === "layers" ? LAST_STEP : 0;
  chart.on("datazoom", () => {
    if (zooming) return;
    const [first, last] = state.range || wholeRange();
    const zooms = chart.getOption().dataZoom;
    const moved = zooms.find((one) => one.startValue !== first || one.endValue - behind !== last) || zooms[0];
    showRange(Math.round(moved.startValue), Math.round(moved.endValue) - behind);
  });
}

function stroke(color, dashes = "") {
  return `<svg width="22" height="10" aria-hidden="true"><line x1="1" y1="5" x2="21" y2="5" stroke="${color}" stroke-width="2.5" stroke-dasharray="${dashes}"/></svg>`;
}

function setLegend(id, entries) {
  find(id).innerHTML = entries.map(([swatch, text]) => `<li>${swatch}${escapeHtml(text)}</li>`).join("");
}

function markEntries(columns, log) {
  const triangle = `<svg width="12" height="10" aria-hidden="true"><path d="M6 1L11 9H1Z" fill="${runs.length > 1 ? theme.muted : theme.danger}"/></svg>`;
  const circle = `<svg width="12" height="10" aria-hidden="true"><circle cx="6" cy="5" r="3.5" fill="none" stroke="${theme.muted}" stroke-width="1.5"/></svg>`;
  return [
    ...(hasMarks(columns, ["nan", "infinity"]) ? [[triangle, "NaN or infinite"]] : []),
    ...(log && hasMarks(columns, ["zero"]) ? [[circle, "zero"]] : []),
  ];
}

function drawLegends(view) {
  const single = runs.length === 1;
  const named = single ? [] : view.runs.map((run) => [stroke(run.color), run.name]);
  const limit = view.runs.some((run) => limitColumn(run).some((value) => value > 0)) ? [[stroke(theme.limit, "5 4"), "limit"]] : [];
  const norms = single ? [[stroke(theme.before), "before clipping"], [stroke(theme.after), "after clipping"]] : [...named, [stroke(theme.muted + "80"), "pale: before clipping"]];
  setLegend("norm-legend", [...norms, ...limit, ...eventEntries(view), ...markEntries(view.runs.flatMap((run) => [run.before, run.after]), true)]);
  const ends = ["first step", "chosen step", "last step"].map((text, place) => [stroke(single ? [theme.before, theme.runs[2], theme.after][place] : theme.muted, ["5 4", "1 3", ""][place]), text]);
  setLegend("profile-legend", [...named, ...ends]);
  setLegend("updates-legend", [...named, [stroke(theme.limit, "5 4"), "1e-3"]]);
  ["loss", "accuracy"].forEach((key) => {
    const curves = single ? [[stroke(theme.after + "60"), "each batch"], [stroke(theme.after), "moving mean"]] : named;
    setLegend(`${key}-legend`, [...curves, ...markEntries(view.runs.map((run) => run[key]), false)]);
  });
  const columns = view.runs.flatMap((run) => chosenParameters(view, run).flatMap((parameter) => [parameter.before, parameter.after]));
  setLegend("parameters-legend", markEntries(columns, true));
  find("parameters-caption").textContent = parametersCaption(view);
  drawScale(view);
  drawChoice(view);
  drawKinds();
  drawRuns();
  drawSliders(view);
}

function eventEntries(view) {
  const tick = `<svg width="12" height="10" aria-hidden="true"><path d="M3 1V9M6 1V9M9 1V9" stroke="${runs.length > 1 ? theme.muted : theme.before}" stroke-width="1.5"/></svg>`;
  const cross = `<svg width="12" height="10" aria-hidden="true"><path d="M2 1L10 9M10 1L2 9" stroke="${theme.danger}" stroke-width="2"/></svg>`;
  return [[tick, "step clipped", "clipped"], [cross, "step skipped", "skipped"]].filter(([, , key]) => view.runs.some((run) => run[key].length));
}

function parametersCaption(view) {
  const reading = runs.length > 1 ? "One color a run; each parameter has a stroke of its own." : "Color runs from the input layer to the output layer; biases are dashed.";
  const total = Math.max(...view.runs.map((run) => run.table.total));
  const lines = Math.max(...view.runs.map((run) => run.parameters.length));
  return total > lines ? `${reading} ${lines} of ${total.toLocaleString("en")} parameters can be shown here; the table has them all.` : reading;
}

function drawScale(view) {
  const bounds = layersBounds(view);
  const box = (color, text) => `<svg width="13" height="13" aria-hidden="true"><rect width="13" height="13" rx="3" fill="${color}"/></svg>${text}`;
  const broken = `<svg width="13" height="13" aria-hidden="true"><rect width="13" height="13" rx="3" fill="${theme.danger}"/><path d="M1 7L7 1M3 13L13 3M9 13L13 9" stroke="${theme.surface}" stroke-width="1.25"/></svg>`;
  const stops = VIRIDIS.map((color, place) => `<stop offset="${place / (VIRIDIS.length - 1)}" stop-color="${color}"/>`).join("");
  const ramp = `<svg width="150" height="10"><defs><linearGradient id="ramp">${stops}</linearGradient></defs><rect width="150" height="10" rx="5" fill="url(#ramp)"/></svg>`;
  find("layers-scale").innerHTML = formatTick(10 ** bounds.min) + ramp + formatTick(10 ** bounds.max)
    + (hasCells(view, "!") ? `${broken}NaN or infinite` : "") + (hasCells(view, "0") ? box(theme.muted, "zero") : "");
}

function addButton(place, text, swatch, pressed, act) {
  const button = document.createElement("button");
  button.type = "button";
  button.innerHTML = swatch + escapeHtml(text);
  if (pressed === undefined) button.className = "preset";
  else button.setAttribute("aria-pressed", String(pressed));
  button.addEventListener("click", () => {
    const at = [...place.children].indexOf(button);
    act();
    place.children[at].focus();
  });
  place.append(button);
}

function drawChoice(view) {
  const place = find("choice");
  place.replaceChildren();
  const choose = (names) => () => { state.chosen = new Set(names); draw(["parameters", "updates"]); };
  const kinds = ["weight", "bias"].filter((kind) => parameterNames(kind).length);
  addButton(place, "all", "", undefined, choose(parameterNames()));
  kinds.forEach((kind) => addButton(place, { weight: "weights", bias: "biases" }[kind], "", undefined, choose(parameterNames(kind))));
  const first = new Map(runs.flatMap((run) => run.parameters.map((parameter) => [parameter.name, [run, parameter]])));
  parameterNames().forEach((name) => {
    const style = parameterStyle(view.runs.length === runs.length ? view : { ...view, runs }, theme, ...first.get(name));
    const pressed = view.chosen.has(name);
    const swatch = stroke(runs.length > 1 ? theme.muted : style.color, Array.isArray(style.type) ? style.type.join(" ") : "");
    addButton(place, name, swatch, pressed, choose(pressed ? [...view.chosen].filter((other) => other !== name) : [...view.chosen, name]));
  });
}

// Before, after or the update: for the heat map and the profile together.
function drawKinds() {
  const place = find("kind");
  place.replaceChildren();
  Object.entries(KINDS).filter(([kind]) => kind !== "updates" || isShown("updates")).forEach(([kind, { title }]) => {
    addButton(place, title, "", state.kind === kind, () => { state.kind = kind; draw(["layers", "profile"]); });
  });
}

// At least one run stays.
function drawRuns() {
  const place = find("runs");
  place.hidden = runs.length < 2;
  place.replaceChildren();
  runs.forEach((run) => addButton(place, run.name, stroke(run.color), !state.hidden.has(run.name), () => {
    if (state.hidden.has(run.name)) state.hidden.delete(run.name);
    else if (state.hidden.size < runs.length - 1) state.hidden.add(run.name);
    draw();
  }));
}

function drawSliders(view) {
  const stops = thresholdStops(view.runs);
  find("threshold").hidden = !stops.length;
  if (stops.length) {
    const place = nearestStop(stops, state.threshold ?? firstThreshold(view.runs));
    find("threshold-range").max = stops.length - 1;
    find("threshold-range").value = place;
    sayThreshold(view, stops[place]);
  }
  const [run] = view.runs;
  const { steps } = gridOf(run, view.kind);
  find("profile-range").max = Math.max(steps.length - 1, 0);
  find("profile-range").value = columnOf(steps, view.step);
  sayStep(view);
}

function sayThreshold(view, threshold) {
  const text = thresholdText(view.runs, threshold);
  find("threshold-text").textContent = text;
  find("threshold-range").setAttribute("aria-valuetext", text);
}

function sayStep(view) {
  const [run] = view.runs;
  const { steps } = gridOf(run, view.kind);
  const text = steps.length ? columnText(view, run, columnOf(steps, view.step)) : "";
  find("profile-text").textContent = text;
  find("profile-range").setAttribute("aria-valuetext", text);
}

function followSliders() {
  find("threshold-range").addEventListener("input", (event) => {
    state.threshold = thresholdStops(currentView().runs)[Number(event.target.value)];
    const view = currentView();
    sayThreshold(view, state.threshold);
    if (charts.norm) charts.norm.setOption({ series: [thresholdSeries(view, theme)] });
  });
  find("profile-range").addEventListener("input", (event) => {
    const before = currentView();
    state.step = gridOf(before.runs[0], before.kind).steps[Number(event.target.value)];
    const view = currentView();
    sayStep(view);
    drawChart("profile", view);
  });
}

// The arrow keys walk from point to point of the steps shown; what the tooltip says is read aloud.
function followKeys(name) {
  let place = null;
  const show = name === "layers" ? showCell : (index) => charts[name].dispatchAction({ type: "showTip", seriesIndex: 0, dataIndex: index });
  find(name).addEventListener("keydown", (event) => {
    if (!drawn[name]) return;
    if (event.key === "Escape") charts[name].dispatchAction({ type: "hideTip" });
    const [first, last] = reachOfKeys(name);
    const jump = Math.max(1, Math.round((last - first) / 20));
    const from = (move) => (place === null ? first : place + move);
    const moves = { ArrowRight: from(1), ArrowLeft: from(-1), PageDown: from(jump), PageUp: from(-jump), Home: first, End: last };
    const rows = name === "layers" ? { ArrowUp: -1, ArrowDown: 1 } : {};
    if (!(event.key in moves) && !(event.key in rows)) return;
    event.preventDefault();
    place = Math.min(Math.max(moves[event.key] ?? from(0), first), last);
    show(place, rows[event.key] || 0);
    requestAnimationFrame(() => {
      const tip = find(name).querySelector(".tip");
      if (tip) find("reading").textContent = tip.innerText;
    });
  });
  find(name).addEventListener("blur", () => {
    place = null;
    if (charts[name]) charts[name].dispatchAction({ type: "hideTip" });
  });
}

// Points at a cell of the first run's heat map, one row further if so wished.
function showCell(column, move) {
  const view = drawn.layers;
  const [run] = view.runs;
  const last = run.layers.rows.length - 1;
  state.row = Math.min(Math.max(state.row + move, 0), last);
  const { steps } = gridOf(run, view.kind);
  const behind = steps[column + 1] ?? run.lastStep + 1;
  const [x, y] = charts.layers.convertToPixel({ gridIndex: 0 }, [(Math.max(steps[column], view.range[0]) + Math.min(behind, view.range[1] + LAST_STEP)) / 2, state.row]);
  view.cell = { run, row: state.row, column };
  charts.layers.dispatchAction({ type: "showTip", x, y });
}

// The heat map is one picture: the cell under the pointer is found before the tooltip asks for it.
function followCells() {
  charts.layers.getZr().on("mousemove", ({ offsetX, offsetY }) => {
    drawn.layers.cell = cellAt(charts.layers, drawn.layers, [offsetX, offsetY]);
  });
}

// The first and last point that a chart's first series shows.
function reachOfKeys(name) {
  const data = charts[name].getOption().series[0]?.data || [];
  if (name === "profile") return [0, data.length - 1];
  const [first, last] = state.range || wholeRange();
  if (name === "layers") {
    const { steps } = gridOf(drawn.layers.runs[0], drawn.layers.kind);
    return [columnOf(steps, first), columnOf(steps, last)];
  }
  const shown = data.map((point, place) => [point[0], place]).filter(([step]) => step >= first && step <= last);
  return shown.length ? [shown[0][1], shown[shown.length - 1][1]] : [0, 0];
}

function start() {
  started = true;
  NAMES.forEach(followKeys);
  followSliders();
  followTable(() => runs);
  find("range").addEventListener("change", () => showRange(Number(find("from").value), Number(find("to").value)));
  find("range").addEventListener("submit", (event) => event.preventDefault());
  find("range").addEventListener("reset", (event) => { event.preventDefault(); showRange(...wholeRange()); });
  dark.addEventListener("change", () => {
    theme = readTheme(document.documentElement);
    ZOOMED.filter((name) => charts[name]).forEach((name) => charts[name].setOption(zoomTool(theme)));
    draw();
  });
  let width = innerWidth;
  addEventListener("resize", () => requestAnimationFrame(() => {
    if (innerWidth === width) return;
    NAMES.filter((name) => charts[name] && isShown(name)).forEach(fit);
    if ((width <= 560) !== (innerWidth <= 560)) draw();
    width = innerWidth;
  }));
}

// Draws runs, each as `view_run` gives it; later calls draw anew and keep what the reader chose.
function show(given) {
  if (!given.length) return;
  runs = given;
  if (!started) start();
  fillTexts(runs);
  draw();
  drawTable(runs);
}

globalThis.gradclipPage = { show };
