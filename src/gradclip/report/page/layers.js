// The heat map of layers over steps: pure functions of (view, theme). Cells are as `grid.py` codes them.

const KINDS = {
  before: { title: "before clipping", unit: "norm before" },
  after: { title: "after clipping", unit: "norm after" },
  updates: { title: "update", unit: "norm of the update" },
};

function layersOption(view, theme) {
  const bounds = layersBounds(view);
  const grids = view.runs.map((_, place) => layersGrid(view, place));
  const empty = view.runs.map((run) => !gridOf(run, view.kind).steps.length);
  return {
    ...baseOption(view, theme, undefined),
    tooltip: { ...baseOption(view, theme).tooltip, trigger: "item", formatter: (params) => layersTip(view, params) },
    title: view.runs.flatMap((run, place) => [
      { text: view.runs.length > 1 ? run.name : "", left: grids[place].left, top: grids[place].titleTop, padding: 0, textStyle: { color: run.color, fontSize: 12.5, fontWeight: 600 } },
      { text: empty[place] ? "No update was measured." : "", left: "center", top: grids[place].top + grids[place].height / 2 - 8, padding: 0, textStyle: { color: theme.muted, fontSize: 13, fontWeight: 400 } },
    ]),
    grid: grids.map(({ titleTop, ...grid }) => grid),
    xAxis: grids.map((_, gridIndex) => stepAxis(view, theme, {
      gridIndex, name: gridIndex === grids.length - 1 ? "step" : "", axisLine: { show: false }, axisPointer: { show: false },
    })),
    yAxis: view.runs.map((run, gridIndex) => ({
      type: "category", gridIndex, inverse: true, data: run.layers.rows.map((row) => row.name),
      axisLine: { show: false }, axisTick: { show: false }, axisPointer: { show: false },
      axisLabel: { color: theme.muted, hideOverlap: true, formatter: (name) => shortName(name, view.narrow ? 11 : 26) },
    })),
    dataZoom: zoom(grids.map((_, place) => place)),
    series: view.runs.map((run, place) => cellSeries(view, run, place, bounds, theme)),
  };
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

function layersGrid(view, place) {
  const count = view.runs.length;
  const height = (view.height - 42) / count;
  const top = place * height + (count > 1 ? 22 : 6);
  return { left: layersLeft(view), right: 16, titleTop: place * height + 2, top, height: height - (count > 1 ? 44 : 4) };
}

// Room for the longest name that is shown.
function layersLeft(view) {
  const longest = Math.max(0, ...view.runs.flatMap((run) => run.layers.rows.map((row) => row.name.length)));
  return 20 + Math.min(longest, view.narrow ? 11 : 26) * 6.4;
}

// Names of one network begin alike: what is left out is left out of the middle.
function shortName(name, length) {
  if (name.length <= length) return name;
  const end = Math.ceil((length - 1) * 0.7);
  return `${name.slice(0, length - 1 - end)}…${name.slice(name.length - end)}`;
}

function cellSeries(view, run, place, bounds, theme) {
  const { steps, cells } = gridOf(run, view.kind);
  const ends = steps.map((_, column) => (column + 1 < steps.length ? steps[column + 1] : run.lastStep + 1));
  const data = cells.flatMap((row, index) => row.map((cell, column) => [steps[column], ends[column], index, cell]).filter(([, , , cell]) => cell !== null));
  return {
    name: run.name, type: "custom", progressive: 0, animation: false, clip: true, xAxisIndex: place, yAxisIndex: place,
    dimensions: ["first", "end", "row"], encode: { x: [0, 1], y: 2, tooltip: [] }, data,
    renderItem: (params, api) => {
      const cell = data[params.dataIndexInside];
      const [left, middle] = api.coord([cell[0], cell[2]]);
      const [right] = api.coord([cell[1], cell[2]]);
      const height = api.size([0, 1])[1];
      const rect = { x: Math.round(left), width: Math.max(1, Math.round(right) - Math.round(left)) };
      rect.y = Math.round(middle - height / 2);
      rect.height = Math.max(1, Math.round(middle + height / 2) - rect.y - (height > 8 ? 1 : 0));
      return { type: "rect", shape: echarts.graphic.clipRectByRect(rect, params.coordSys) || rect, style: { fill: cellColor(cell[3], bounds, theme) } };
    },
  };
}

// Broken cells say so even if some of their steps were finite.
function cellColor(cell, bounds, theme) {
  if (cell === "!") return theme.danger;
  if (cell === "0") return theme.muted;
  return rampColor(VIRIDIS, (cell / 100 - bounds.min) / (bounds.max - bounds.min || 1));
}

function hasCells(view, code) {
  return view.runs.some((run) => gridOf(run, view.kind).cells.some((row) => row.includes(code)));
}
