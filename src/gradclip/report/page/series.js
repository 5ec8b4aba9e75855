// From columns to ECharts series: pure functions.
// A column is {mean, low?, high?, marks}; marks name the points with zeros, NaN and infinities.

function pairs(run, values) {
  return values.map((value, place) => [run.steps[place], value]);
}

// A logarithmic axis is a plain one of powers: ECharts' own leaves out ticks of wide ranges.
function power(value) {
  return value > 0 ? Math.log10(value) : null;
}

// A line through a column's means; on a logarithmic axis a zero is a gap, and a mark besides.
function lineSeries(run, values, style) {
  const { name, color, width = 1.75, type = "solid", opacity = 1, log = false, axis = 0, label } = style;
  const shown = log ? values.map(power) : values;
  return {
    name, type: "line", data: pairs(run, shown), xAxisIndex: axis, yAxisIndex: axis,
    showSymbol: shown.length === 1, symbolSize: 7, connectNulls: false, animation: false,
    lineStyle: { color, width, type, opacity }, itemStyle: { color, opacity },
    emphasis: { disabled: true }, z: opacity < 1 ? 2 : 3,
    endLabel: label ? { show: true, formatter: label, color, fontSize: 11, distance: 4 } : undefined,
    labelLayout: label ? { moveOverlap: "shiftY" } : undefined,
  };
}

// The area between two columns, one polygon for each stretch without a gap.
function bandSeries(run, low, high, { color, opacity, bounds, axis = 0 }) {
  const toAxis = (value) => (bounds.log ? Math.log10(Math.max(value, bounds.min)) : value);
  return stretches(low, high).map((places) => ({
    type: "custom", silent: true, animation: false, clip: true, z: 1, tooltip: { show: false },
    xAxisIndex: axis, yAxisIndex: axis, dimensions: ["step", "low", "high"],
    encode: { x: 0, y: [1, 2] },
    data: [[run.steps[places[0]], toAxis(low[places[0]]), toAxis(high[places[0]])]],
    renderItem: (params, api) => {
      const point = (column) => (place) => api.coord([run.steps[place], toAxis(column[place])]);
      const points = [...places.map(point(high)), ...places.slice().reverse().map(point(low))];
      return { type: "polygon", shape: { points }, style: { fill: color, opacity } };
    },
  }));
}

function stretches(low, high) {
  const found = [[]];
  low.forEach((value, place) => {
    if (value === null || high[place] === null || !(high[place] > 0)) found.push([]);
    else found[found.length - 1].push(place);
  });
  return found.filter((places) => places.length > 1);
}

// The extremes of each point, where a point stands for several steps.
function spreadSeries(run, column, style) {
  if (!column.low) return [];
  return bandSeries(run, column.low, column.high, { opacity: 0.16, ...style });
}

// Marks at the edges of a chart for values that an axis cannot show.
function markSeries(run, columns, bounds, { theme, color = theme.danger, axis = 0 }) {
  const at = (kinds, edge) => {
    const places = new Set();
    columns.forEach((column) => kinds.forEach((kind) => (column.marks[kind] || []).forEach(([place]) => places.add(place))));
    return [...places].sort((one, other) => one - other).map((place) => [run.steps[place], edge]);
  };
  const base = { type: "scatter", silent: true, animation: false, xAxisIndex: axis, yAxisIndex: axis, z: 6, clip: true };
  const broken = at(["nan", "infinity"], bounds.log ? power(bounds.max) : bounds.max);
  const zeros = bounds.log ? at(["zero"], power(bounds.min)) : [];
  return [
    { ...base, data: broken, symbol: "triangle", symbolSize: 9, symbolOffset: [0, -5], itemStyle: { color } },
    { ...base, data: zeros, symbol: "circle", symbolSize: 7, itemStyle: { color: theme.surface, borderColor: color === theme.danger ? theme.muted : color, borderWidth: 1.5 } },
  ].filter((series) => series.data.length);
}

function hasMarks(columns, kinds) {
  return columns.some((column) => kinds.some((kind) => column.marks[kind]));
}

// What a logarithmic axis shows: the positive values, rounded outwards to 1, 2 or 5 times a power of ten.
function logBounds(columns, extras = []) {
  let low = Infinity;
  let high = 0;
  const include = (value) => {
    if (!(value > 0)) return;
    low = Math.min(low, value);
    high = Math.max(high, value);
  };
  columns.forEach((column) => [column.low || column.mean, column.high || column.mean].forEach((values) => values.forEach(include)));
  extras.forEach(include);
  if (!high) [low, high] = [0.1, 10];
  const bounds = { log: true, min: roundDown(low / 1.1), max: roundUp(high * 1.1) };
  if (high / low > 300) {
    bounds.min = 10 ** Math.floor(Math.log10(bounds.min)); // ticks at 1, 2, 5 would crowd the whole powers
    bounds.max = 10 ** Math.ceil(Math.log10(bounds.max) - 1e-9);
  }
  if (hasMarks(columns, ["zero"])) bounds.min = roundDown(bounds.min / 2);
  return bounds;
}

// Where a logarithmic axis has ticks, as powers: whole ones, and 2 and 5 times as much in a narrow range.
function logTicks(bounds) {
  const [first, last] = [Math.log10(bounds.min), Math.log10(bounds.max)];
  const stride = Math.ceil((last - first) / 7);
  const steps = last - first <= 2.61 ? [1, 2, 5] : [1];
  const ticks = [];
  for (let whole = Math.floor(first / stride) * stride; whole <= last; whole += stride) {
    steps.forEach((step) => ticks.push(whole + Math.log10(step)));
  }
  return ticks.filter((tick) => tick > first - 1e-9 && tick < last + 1e-9);
}

function roundDown(value) {
  const power = 10 ** Math.floor(Math.log10(value));
  return ([5, 2, 1].find((step) => step * power <= value) || 1) * power;
}

function roundUp(value) {
  const power = 10 ** Math.floor(Math.log10(value));
  return ([1, 2, 5].find((step) => step * power >= value) || 10) * power;
}

// The mean of the finite neighbours of each point; geometric on a logarithmic axis.
function smooth(values, bounds) {
  const reach = Math.max(1, Math.round(values.length / 60));
  const scaled = bounds.log ? values.map(power) : values;
  return scaled.map((value, place) => {
    if (value === null) return null;
    const near = scaled.slice(Math.max(0, place - reach), place + reach + 1).filter((other) => other !== null);
    const mean = near.reduce((sum, other) => sum + other, 0) / near.length;
    return bounds.log ? 10 ** mean : mean;
  });
}

// The place of the point that holds a step.
function placeOf(run, step) {
  let low = 0;
  let high = run.steps.length - 1;
  while (low < high) {
    const middle = Math.ceil((low + high) / 2);
    if (run.steps[middle] <= step) low = middle;
    else high = middle - 1;
  }
  return low;
}

function limitColumn(run) {
  return Array.isArray(run.limit) ? run.limit : run.steps.map(() => run.limit);
}
