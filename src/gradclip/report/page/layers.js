// The heat map of layers over steps: pure functions of (view, theme). Cells are as `grid.py` codes them.

const KINDS = {
  before: { title: "before clipping", unit: "norm before" },
  after: { title: "after clipping", unit: "norm after" },
  updates: { title: "update", unit: "norm of the update" },
};

const LAST_STEP = 1; // a cell is as wide as its steps, so that the last one ends behind the others' axes

function layersOption(view, theme) {
  const bounds = layersBounds(view);
  const grids = view.runs.map((_, place) => layersGrid(view, place));
  const empty = view.runs.map((run) => !gridOf(run, view.kind).steps.length);
  return {
    ...baseOption(view, theme, undefined),
    tooltip: { ...baseOption(view, theme).tooltip, trigger: "item", formatter: () => (view.cell ? layersTip(view, view.cell) : "") },
    title: view.runs.flatMap((run, place) => [
      { text: view.runs.length > 1 ? run.name : "", left: grids[place].left, top: grids[place].titleTop, padding: 0, textStyle: { color: run.color, fontSize: 12.5, fontWeight: 600 } },
      { text: empty[place] ? nothingText(run) : "", left: "center", top: grids[place].top + grids[place].height / 2 - 8, padding: 0, textStyle: { color: theme.muted, fontSize: 13, fontWeight: 400 } },
    ]),
    grid: grids.map(({ titleTop, ...grid }) => grid),
    xAxis: grids.map((_, gridIndex) => stepAxis(view, theme, {
      gridIndex, max: view.steps[1] + LAST_STEP, name: gridIndex === grids.length - 1 ? "step" : "", axisLine: { show: false }, axisPointer: { show: false },
    })),
    yAxis: view.runs.map((run, gridIndex) => ({
      type: "category", gridIndex, inverse: true, data: rowLabels(view, run, MOST_LETTERS[Number(view.narrow)]),
      axisLine: { show: false }, axisTick: { show: false }, axisPointer: { show: false },
      axisLabel: { color: theme.muted, interval: Math.ceil((17 * run.layers.rows.length) / grids[gridIndex].height) - 1 },
    })),
    dataZoom: zoom(view, grids.map((_, place) => place), LAST_STEP),
    series: view.runs.map((run, place) => cellSeries(view, run, place, bounds, theme)),
  };
}

function nothingText(run) {
  return run.steps.length ? "No update was measured." : "No step was recorded.";
}

// What a kind is drawn from: {steps, cells}.
function gridOf(run, kind) {
  if (kind !== "updates") return { steps: run.layers.steps, cells: run.layers[kind] };
  return run.layers.updates ? { steps: run.layers.updates.steps, cells: run.layers.updates.norms } : { steps: [], cells: [] };
}

// One scale for before and after: switching shows what clipping did, and not another scale.
function layersBounds(view) {
  const kinds = view.kind === "updates" ? ["updates"] : ["before", "after"];
  let [low, high] = [Infinity, -Infinity];
  view.runs.forEach((run) => kinds.forEach((kind) => gridOf(run, kind).cells.forEach((row) => row.forEach((cell) => {
    if (typeof cell !== "number") return;
    low = Math.min(low, cell / 100);
    high = Math.max(high, cell / 100);
  }))));
  if (low > high) [low, high] = [-1, 1];
  return { min: Math.floor(low * 2 + 1e-9) / 2, max: Math.ceil(high * 2 - 1e-9) / 2 };
}

// Tall enough for each run's layers, and not taller than a screen.
function layersHeight(runs) {
  const most = runs.length > 1 ? 190 : 360;
  const each = Math.max(...runs.map((run) => Math.min(Math.max(60 + 34 * run.layers.rows.length, 150), most)));
  return Math.min(each * runs.length + 20, 900);
}

function layersGrid(view, place) {
  const count = view.runs.length;
  const height = (view.height - 42) / count;
  const top = place * height + (count > 1 ? 22 : 6);
  return { left: layersLeft(view), right: 16, titleTop: place * height + 2, top, height: height - (count > 1 ? 44 : 4) };
}

// Room for the longest name that is shown.
function layersLeft(view) {
  const labels = view.runs.flatMap((run) => rowLabels(view, run, MOST_LETTERS[Number(view.narrow)]));
  return 20 + Math.max(0, ...labels.map((label) => label.length)) * 6.6;
}

const MOST_LETTERS = [26, 11]; // of a label, on a wide screen and on a narrow one

// Short names of rows: without what all of them begin and end with; of a group, its first layer's.
function rowLabels(view, run, length) {
  const names = run.layers.rows.map((row) => row.name.split(" – ")[0].split("."));
  const common = (end) => {
    let count = 0;
    while (names.length > 1 && names.every((parts) => parts.length > count + 1 && parts.at(end(count)) === names[0].at(end(count)))) count += 1;
    return count;
  };
  const [start, end] = [common((count) => count), common((count) => -1 - count)];
  return names.map((parts, row) => {
    const kept = parts.slice(start, Math.max(parts.length - end, start + 1)).join(".");
    return shortName(kept, length - 2) + (run.layers.rows[row].layers > 1 ? " …" : "");
  });
}

// Names of one network begin alike: what is left out is left out of the middle.
function shortName(name, length) {
  if (name.length <= length) return name;
  const end = Math.ceil((length - 1) * 0.7);
  return `${name.slice(0, length - 1 - end)}…${name.slice(name.length - end)}`;
}

// All cells as one picture: thousands of shapes would take a second to lay out.
function cellSeries(view, run, place, bounds, theme) {
  const { steps, cells } = gridOf(run, view.kind);
  const hatched = hatch(theme);
  return {
    name: run.name, type: "custom", animation: false, xAxisIndex: place, yAxisIndex: place,
    dimensions: ["first", "end", "row"], encode: { x: [0, 1], y: 2, tooltip: [] }, data: steps.length ? [[steps[0], run.lastStep + 1, 0]] : [],
    renderItem: (params, api) => {
      const area = params.coordSys;
      const edges = [...steps, run.lastStep + 1].map((step) => api.coord([step, 0])[0] - area.x);
      const image = paintCells(cells, edges, area, (cell) => (cell === "!" ? hatched : cellColor(cell, bounds, theme)));
      return { type: "image", style: { image, x: area.x, y: area.y, width: area.width, height: area.height } };
    },
  };
}

function paintCells(cells, edges, area, colorOf) {
  const sharp = globalThis.devicePixelRatio || 1;
  const canvas = document.createElement("canvas");
  [canvas.width, canvas.height] = [Math.max(1, Math.round(area.width * sharp)), Math.max(1, Math.round(area.height * sharp))];
  const context = canvas.getContext("2d");
  const rows = cells.map((_, row) => Math.round((row * canvas.height) / cells.length));
  const gap = canvas.height / cells.length > 14 * sharp ? Math.round(sharp) : 0;
  const lefts = edges.map((edge) => Math.round(edge * sharp));
  cells.forEach((row, place) => {
    const bottom = place + 1 < rows.length ? rows[place + 1] - gap : canvas.height;
    row.forEach((cell, column) => {
      if (cell === null || lefts[column + 1] < 0 || lefts[column] > canvas.width) return;
      context.fillStyle = colorOf(cell);
      context.fillRect(lefts[column], rows[place], Math.max(1, lefts[column + 1] - lefts[column]), Math.max(1, bottom - rows[place]));
    });
  });
  return canvas;
}

// The cell under a point of the chart: {run, row, column}, or null.
function cellAt(chart, view, point) {
  const place = view.runs.findIndex((_, index) => chart.containPixel({ gridIndex: index }, point));
  if (place < 0) return null;
  const run = view.runs[place];
  const [step, row] = chart.convertFromPixel({ gridIndex: place }, point);
  const { steps } = gridOf(run, view.kind);
  if (!steps.length || step < steps[0] || step >= run.lastStep + 1) return null;
  return { run, row: Math.min(Math.max(row, 0), run.layers.rows.length - 1), column: columnOf(steps, step) };
}

// Broken cells say so even if some of their steps were finite, and not by color alone.
function hatch(theme) {
  const tile = document.createElement("canvas");
  tile.width = tile.height = 8;
  const context = tile.getContext("2d");
  context.fillStyle = theme.danger;
  context.fillRect(0, 0, 8, 8);
  context.strokeStyle = theme.surface;
  context.lineWidth = 1.25;
  [-8, 0, 8].forEach((shift) => { context.moveTo(shift, 8); context.lineTo(shift + 8, 0); });
  context.stroke();
  return context.createPattern(tile, "repeat");
}

function cellColor(cell, bounds, theme) {
  if (cell === "0") return theme.muted;
  return rampColor(VIRIDIS, (cell / 100 - bounds.min) / (bounds.max - bounds.min || 1));
}

function hasCells(view, code) {
  return view.runs.some((run) => gridOf(run, view.kind).cells.some((row) => row.includes(code)));
}
