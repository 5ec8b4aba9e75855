// Wires the charts to the page: legends, choices, zoom, keyboard, light and dark.

const find = (id) => document.getElementById(id);
const runs = JSON.parse(find("data").textContent);
const dark = matchMedia("(prefers-color-scheme: dark)");
const NAMES = ["norm", "parameters", "layers", "profile", "loss", "accuracy"];
const ZOOMED = NAMES.filter((name) => name !== "profile");
const charts = {};
const state = { hidden: new Set(), chosen: new Set(firstChoice()), range: wholeRange() };
let theme = readTheme(document.documentElement);
let zooming = false;

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
  return {
    runs: runs.filter((run) => !state.hidden.has(run.name)), chosen: state.chosen, steps: wholeRange(), numLayers,
    narrow: innerWidth <= 560, height: find("layers").clientHeight,
    colorOf: (run, parameter) => (runs.length > 1 ? run.color : layerColor(theme, parameter.layer, numLayers)),
  };
}

function optionOf(name, view) {
  if (name === "norm") return normOption(view, theme);
  if (name === "parameters") return parametersOption(view, theme);
  if (name === "layers") return layersOption(view, theme);
  if (name === "profile") return profileOption(view, theme);
  return curveOption(view, theme, name);
}

function draw(names = NAMES) {
  const view = currentView();
  names.forEach((name) => {
    charts[name].setOption(optionOf(name, view), { notMerge: true });
    armZoom(charts[name]);
  });
  showRange(...state.range);
  drawLegends(view);
}

// Dragging selects steps, with a mouse; on a touch screen it scrolls the page.
function armZoom(chart) {
  if (!matchMedia("(pointer: fine)").matches) return;
  chart.dispatchAction({ type: "takeGlobalCursor", key: "dataZoomSelect", dataZoomSelectActive: true });
}

function showRange(first, last) {
  const [least, greatest] = wholeRange();
  state.range = [Math.min(Math.max(first, least), greatest - 1), Math.min(last, greatest)];
  if (state.range[1] <= state.range[0]) state.range[1] = state.range[0] + 1;
  zooming = true;
  const [startValue, endValue] = state.range;
  ZOOMED.forEach((name) => {
    const batch = charts[name].getOption().dataZoom.map((_, dataZoomIndex) => ({ dataZoomIndex, startValue, endValue }));
    charts[name].dispatchAction({ type: "dataZoom", batch });
  });
  zooming = false;
  [find("from").value, find("to").value] = state.range;
}

function followZoom(chart) {
  chart.on("datazoom", () => {
    if (zooming) return;
    const zooms = chart.getOption().dataZoom;
    const moved = zooms.find((one) => one.startValue !== state.range[0] || one.endValue !== state.range[1]) || zooms[0];
    showRange(Math.round(moved.startValue), Math.round(moved.endValue));
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
  setLegend("norm-legend", [...norms, ...limit, ...markEntries(view.runs.flatMap((run) => [run.before, run.after]), true)]);
  setLegend("profile-legend", single ? [[stroke(theme.before), "first step"], [stroke(theme.after), "last step"]] : [...named, [stroke(theme.muted, "5 4"), "first step"], [stroke(theme.muted), "last step"]]);
  ["loss", "accuracy"].forEach((key) => {
    const curves = single ? [[stroke(theme.after + "60"), "each batch"], [stroke(theme.after), "moving mean"]] : named;
    setLegend(`${key}-legend`, [...curves, ...markEntries(view.runs.map((run) => run[key]), false)]);
  });
  const columns = view.runs.flatMap((run) => chosenParameters(view, run).flatMap((parameter) => [parameter.before, parameter.after]));
  setLegend("parameters-legend", markEntries(columns, true));
  drawScale(view);
  drawChoice(view);
  drawRuns();
}

function drawScale(view) {
  const bounds = layersBounds(view);
  const box = (color, text) => `<b style="background:${color}"></b>${text}`;
  const weights = view.runs.flatMap((run) => weightsOf(run).map((weight) => weight.before));
  find("layers-scale").innerHTML = `${formatTick(10 ** bounds.min)}<i style="background:linear-gradient(to right,${VIRIDIS.join(",")})"></i>${formatTick(10 ** bounds.max)}`
    + (hasMarks(weights, ["nan", "infinity"]) ? box(theme.danger, "NaN or infinite") : "") + (hasMarks(weights, ["zero"]) ? box(theme.muted, "zero") : "");
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
  const choose = (names) => () => { state.chosen = new Set(names); draw(["parameters"]); };
  const kinds = ["weight", "bias"].filter((kind) => parameterNames(kind).length);
  addButton(place, "all", "", undefined, choose(parameterNames()));
  kinds.forEach((kind) => addButton(place, { weight: "weights", bias: "biases" }[kind], "", undefined, choose(parameterNames(kind))));
  const first = new Map(runs.flatMap((run) => run.parameters.map((parameter) => [parameter.name, [run, parameter]])));
  parameterNames().forEach((name) => {
    const style = parameterStyle(view.runs.length === runs.length ? view : { ...view, runs }, theme, ...first.get(name));
    const pressed = state.chosen.has(name);
    const swatch = stroke(runs.length > 1 ? theme.muted : style.color, Array.isArray(style.type) ? style.type.join(" ") : "");
    addButton(place, name, swatch, pressed, choose(pressed ? [...state.chosen].filter((other) => other !== name) : [...state.chosen, name]));
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

// The arrow keys walk from point to point of the steps shown; what the tooltip says is read aloud.
function followKeys(name) {
  let place = null;
  find(name).addEventListener("keydown", (event) => {
    if (event.key === "Escape") charts[name].dispatchAction({ type: "hideTip" });
    const [first, last] = reachOfKeys(name);
    const jump = Math.max(1, Math.round((last - first) / 20));
    const from = (move) => (place === null ? first : place + move);
    const moves = { ArrowRight: from(1), ArrowLeft: from(-1), PageDown: from(jump), PageUp: from(-jump), Home: first, End: last };
    if (!(event.key in moves)) return;
    event.preventDefault();
    place = Math.min(Math.max(moves[event.key], first), last);
    charts[name].dispatchAction({ type: "showTip", seriesIndex: 0, dataIndex: place });
    requestAnimationFrame(() => {
      const tip = find(name).querySelector(".tip");
      if (tip) find("reading").textContent = tip.innerText;
    });
  });
  find(name).addEventListener("blur", () => {
    place = null;
    charts[name].dispatchAction({ type: "hideTip" });
  });
}

// The first and last point that a chart's first series shows.
function reachOfKeys(name) {
  const data = charts[name].getOption().series[0]?.data || [];
  if (name === "profile") return [0, data.length - 1];
  const [first, last] = state.range;
  const shown = data.map((point, place) => [point[0], place]).filter(([step]) => step >= first && step <= last);
  return shown.length ? [shown[0][1], shown[shown.length - 1][1]] : [0, 0];
}

function start() {
  NAMES.forEach((name) => {
    charts[name] = echarts.init(find(name), null, { renderer: "canvas" });
    followKeys(name);
  });
  draw();
  ZOOMED.forEach((name) => followZoom(charts[name]));
  find("range").addEventListener("change", () => showRange(Number(find("from").value), Number(find("to").value)));
  find("range").addEventListener("submit", (event) => event.preventDefault());
  find("range").addEventListener("reset", (event) => { event.preventDefault(); showRange(...wholeRange()); });
  dark.addEventListener("change", () => { theme = readTheme(document.documentElement); draw(); });
  let width = innerWidth;
  addEventListener("resize", () => requestAnimationFrame(() => {
    NAMES.forEach((name) => charts[name].resize());
    if ((width <= 560) !== (innerWidth <= 560)) draw();
    width = innerWidth;
  }));
}

start();
