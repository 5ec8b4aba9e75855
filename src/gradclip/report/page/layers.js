// The heat map of layers over steps: pure functions of (view, theme).

const MAX_COLUMNS = 240; // about four pixels a cell

function layersOption(view, theme) {
  const bounds = layersBounds(view);
  const grids = view.runs.map((_, place) => layersGrid(view, place));
  return {
    ...baseOption(view, theme, undefined),
    tooltip: { ...baseOption(view, theme).tooltip, trigger: "item", formatter: (params) => layersTip(view, params) },
    title: view.runs.length === 1 ? [] : grids.map((grid, place) => ({
      text: view.runs[place].name, left: grid.left, top: grid.titleTop, padding: 0, textStyle: { color: view.runs[place].color, fontSize: 12.5, fontWeight: 600 },
    })),
    grid: grids.map(({ titleTop, ...grid }) => grid),
    xAxis: grids.map((_, gridIndex) => stepAxis(view, theme, {
      gridIndex, name: gridIndex === grids.length - 1 ? "step" : "", axisLine: { show: false }, axisPointer: { show: false },
    })),
    yAxis: view.runs.map((run, gridIndex) => ({
      type: "category", gridIndex, inverse: true, data: weightsOf(run).map((weight) => weight.name),
      axisLine: { show: false }, axisTick: { show: false }, axisLabel: { color: theme.muted, hideOverlap: true },
    })),
    dataZoom: zoom(grids.map((_, place) => place)),
    series: view.runs.map((run, place) => cellSeries(run, place, bounds, theme)),
  };
}

function weightsOf(run) {
  return run.parameters.filter((parameter) => parameter.kind === "weight");
}

function layersBounds(view) {
  const bounds = logBounds(view.runs.flatMap((run) => weightsOf(run).map((weight) => ({ mean: weight.before.mean, marks: {} }))));
  return { min: Math.log10(bounds.min), max: Math.log10(bounds.max) };
}

function layersGrid(view, place) {
  const count = view.runs.length;
  const height = (view.height - 42) / count;
  const top = place * height + (count > 1 ? 22 : 6);
  return { left: 50, right: 16, titleTop: place * height + 2, top, height: height - (count > 1 ? 44 : 4) };
}

// Cells as [first step, step after the last, row, log10 of the norm, zeros, non-finite].
function cells(run) {
  const stride = Math.ceil(run.steps.length / MAX_COLUMNS);
  return weightsOf(run).flatMap((weight, row) => {
    const marked = Object.fromEntries(["zero", "nan", "infinity"].map((kind) => [kind, new Map(weight.before.marks[kind] || [])]));
    const found = [];
    for (let start = 0; start < run.steps.length; start += stride) {
      const places = run.steps.slice(start, start + stride).map((_, offset) => start + offset);
      const values = places.map((place) => weight.before.mean[place]).filter((value) => value > 0);
      const count = (kind) => places.reduce((sum, place) => sum + (marked[kind].get(place) || 0), 0);
      const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
      const end = start + stride < run.steps.length ? run.steps[start + stride] : run.lastStep + 1;
      found.push([run.steps[start], end, row, values.length ? Math.log10(mean) : NaN, count("zero"), count("nan") + count("infinity")]);
    }
    return found;
  });
}

function cellSeries(run, place, bounds, theme) {
  const data = cells(run);
  return {
    name: run.name, type: "custom", progressive: 0, animation: false, clip: true, xAxisIndex: place, yAxisIndex: place,
    dimensions: ["first", "end", "row", "power", "zeros", "broken"], encode: { x: [0, 1], y: 2, tooltip: [] }, data,
    renderItem: (params, api) => {
      const cell = data[params.dataIndexInside];
      const [left, middle] = api.coord([cell[0], cell[2]]);
      const [right] = api.coord([cell[1], cell[2]]);
      const height = api.size([0, 1])[1];
      const rect = { x: Math.round(left), width: Math.max(1, Math.round(right) - Math.round(left)) };
      rect.y = Math.round(middle - height / 2);
      rect.height = Math.max(1, Math.round(middle + height / 2) - rect.y - (height > 8 ? 1 : 0));
      return { type: "rect", shape: echarts.graphic.clipRectByRect(rect, params.coordSys) || rect, style: { fill: cellColor(cell, bounds, theme) } };
    },
  };
}

// Broken cells say so even if some of their steps were finite.
function cellColor([, , , power, zeros, broken], bounds, theme) {
  if (broken) return theme.danger;
  if (Number.isNaN(power)) return zeros ? theme.muted : theme.line;
  return rampColor(VIRIDIS, (power - bounds.min) / (bounds.max - bounds.min || 1));
}

function layersTip(view, params) {
  const run = view.runs[params.seriesIndex];
  const [first, end, row, power, zeros, broken] = params.data;
  const steps = end - first > 1 ? `steps ${first}–${end - 1}` : `step ${first}`;
  const rows = [["", "norm before", Number.isNaN(power) ? "–" : formatNumber(10 ** power)]];
  if (zeros) rows.push(["", "zeros", String(zeros)]);
  if (broken) rows.push(["", "NaN or infinite", String(broken)]);
  return tipTable(`${weightsOf(run)[row].name}, ${steps}`, ["", ""], rows);
}
