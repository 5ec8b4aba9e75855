// From runs to the options of ECharts: pure functions of (view, theme), also for a live page.
// A view is {runs, chosen, kind, step, threshold, range, cell, narrow, numLayers, steps}: see `page.js`.

function stepAxis(view, theme, extra = {}) {
  return {
    type: "value", min: view.steps[0], max: view.steps[1], minInterval: 1, name: "step", nameGap: 6, nameLocation: "end",
    nameTextStyle: { color: theme.muted, align: "right", verticalAlign: "top", padding: [20, 0, 0, 0] },
    axisLine: { onZero: false, lineStyle: { color: theme.line } }, axisTick: { lineStyle: { color: theme.line } },
    axisLabel: { color: theme.muted, hideOverlap: true, showMaxLabel: false, formatter: (value) => (Number.isInteger(value) ? String(value) : "") },
    splitLine: { show: false }, axisPointer: { lineStyle: { color: theme.muted, type: "solid", width: 1 }, label: { show: false } },
    ...extra,
  };
}

function valueAxis(bounds, theme, { format = formatNumber, ...extra } = {}) {
  const customValues = bounds.log ? logTicks(bounds) : undefined;
  return {
    type: "value", min: bounds.log ? power(bounds.min) : bounds.min, max: bounds.log ? power(bounds.max) : bounds.max,
    axisLine: { show: false }, axisTick: { show: false, customValues },
    axisLabel: { color: theme.muted, hideOverlap: true, customValues, formatter: bounds.log ? (value) => formatTick(10 ** value) : format },
    splitLine: { lineStyle: { color: theme.line } }, axisPointer: { show: false }, ...extra,
  };
}

function baseOption(view, theme, tip) {
  return {
    animation: false, textStyle: { fontFamily: theme.font, color: theme.ink },
    aria: { enabled: false }, // the page labels each chart itself
    tooltip: {
      trigger: "axis", confine: true, backgroundColor: theme.surface, borderColor: theme.line, className: "tip",
      textStyle: { color: theme.ink, fontSize: 12.5, fontFamily: theme.font }, formatter: tip, transitionDuration: 0,
    },
    axisPointer: { link: [] }, title: [],
  };
}

// What lets the pointer drag a zoom; it stays while charts are drawn anew.
function zoomTool(theme) {
  return { toolbox: { top: -99, feature: { dataZoom: { yAxisIndex: "none", filterMode: "none", brushStyle: { color: theme.accent, opacity: 0.15 } } } } };
}

function zoom(view, axes, behind = 0) {
  const [startValue, endValue] = view.range;
  return [{ type: "inside", xAxisIndex: axes, startValue, endValue: endValue + behind, filterMode: "none", zoomOnMouseWheel: "ctrl", moveOnMouseMove: false, moveOnMouseWheel: false, preventDefaultMouseMove: false }];
}

// The global norm before and after clipping; what was clipped away is shaded.
function normOption(view, theme) {
  const limits = view.runs.flatMap(limitColumn);
  const columns = view.runs.flatMap((run) => [run.before, run.after]);
  const bounds = logBounds(columns, limits);
  const single = view.runs.length === 1;
  const series = view.runs.flatMap((run) => {
    const color = single ? theme.after : run.color;
    const before = single ? theme.before : run.color;
    return [
      lineSeries(run, run.before.mean, { name: "before", color: before, width: 1.5, opacity: single ? 1 : 0.45, log: true }),
      lineSeries(run, run.after.mean, { name: "after", color, width: 2, log: true }),
      ...bandSeries(run, run.after.mean, run.before.mean, { color: before, opacity: single ? 0.14 : 0.1, bounds }),
      ...spreadSeries(run, run.before, { color: before, bounds }),
      ...markSeries(run, [run.before, run.after], bounds, { theme, color: markColor(view, run) }),
      ...eventSeries(view, theme, run, bounds),
    ];
  });
  return {
    ...baseOption(view, theme, (params) => normTip(view, params)),
    grid: { left: 48, right: 16, top: 14, bottom: 44 },
    xAxis: stepAxis(view, theme, { offset: 12 }), yAxis: valueAxis(bounds, theme), dataZoom: zoom(view, [0]),
    series: [...series, ...limitSeries(view, theme, 0), thresholdSeries(view, theme)],
  };
}

// Below the axis: a stroke for each point with clipped steps, a cross for each with skipped ones.
function eventSeries(view, theme, run, bounds) {
  const row = view.runs.indexOf(run) * (view.runs.length > 1 ? 4 : 0);
  const at = (places) => places.map(([place]) => [run.steps[place], power(bounds.min)]);
  const base = { type: "scatter", silent: true, animation: false, clip: false, z: 6, tooltip: { show: false } };
  const color = view.runs.length > 1 ? run.color : theme.before;
  return [
    { ...base, data: at(run.clipped), symbol: "rect", symbolSize: [1.5, view.runs.length > 1 ? 4 : 8], symbolOffset: [0, 6 + row], itemStyle: { color }, large: false },
    { ...base, data: at(run.skipped), symbol: CROSS, symbolSize: 8, symbolOffset: [0, 6 + row], itemStyle: { color: theme.danger } },
  ].filter((series) => series.data.length);
}

const CROSS = "path://M1 0L5 4L9 0L10 1L6 5L10 9L9 10L5 6L1 10L0 9L4 5L0 1Z";

// The threshold that is tried out.
function thresholdSeries(view, theme) {
  const line = lineSeries({ steps: view.steps }, view.threshold === null ? [] : [view.threshold, view.threshold], {
    name: "threshold", color: theme.runs[3], width: 1.75, type: [2, 3], log: true,
  });
  const label = { show: true, formatter: `tried ${formatNumber(view.threshold)}`, position: [-6, 6], align: "right", color: theme.runs[3], fontSize: 11.5, textBorderColor: theme.surface, textBorderWidth: 3 };
  const data = view.threshold === null ? [] : [{ coord: [view.range[1], power(view.threshold)] }];
  return { ...line, id: "threshold", z: 5, silent: true, clip: true, tooltip: { show: false }, markPoint: { data, symbol: "circle", symbolSize: 0.1, label, silent: true } };
}

function limitSeries(view, theme, axis) {
  const shown = new Set();
  return view.runs.flatMap((run) => {
    const limits = limitColumn(run);
    const key = JSON.stringify(run.limit);
    if (!limits.some((limit) => limit > 0) || shown.has(key)) return [];
    shown.add(key);
    const line = lineSeries(run, limits, { name: "limit", color: theme.limit, width: 1.25, type: [5, 4], log: true, axis });
    const text = `limit ${formatNumber(limits[limits.length - 1])}`;
    const data = [{ coord: [view.steps[1], power(limits[limits.length - 1])] }];
    const label = { show: true, formatter: text, position: [-6, -15], align: "right", color: theme.limit, fontSize: 11.5, textBorderColor: theme.surface, textBorderWidth: 3 };
    if (!Array.isArray(run.limit)) line.data = view.steps.map((step) => [step, power(run.limit)]);
    return [{ ...line, step: "end", z: 5, silent: true, markPoint: { data, symbol: "circle", symbolSize: 0.1, label, silent: true } }];
  });
}

// Before and after side by side, or one above the other on a narrow screen.
function parametersOption(view, theme) {
  const lines = view.runs.flatMap((run) => chosenParameters(view, run).map((parameter) => ({ run, parameter })));
  const limited = view.runs.map((run) => (run.parameterLimit === null ? run : { ...run, limit: run.parameterLimit }));
  const columns = lines.flatMap(({ parameter }) => [parameter.before, parameter.after]);
  const bounds = logBounds(columns.length ? columns : [{ mean: [], marks: {} }], columns.length ? limited.flatMap(limitColumn) : []);
  const labelled = isLabelled(view, lines);
  const panels = ["before", "after"].flatMap((when, axis) => [
    ...lines.map(({ run, parameter }) => lineSeries(run, parameter[when].mean, {
      ...parameterStyle(view, theme, run, parameter), name: parameter.name, log: true, axis, label: labelled ? parameter.name : undefined,
    })),
    ...lines.flatMap(({ run, parameter }) => spreadSeries(run, parameter[when], { ...parameterStyle(view, theme, run, parameter), opacity: 0.1, bounds, axis })),
    ...view.runs.flatMap((run) => markSeries(run, chosenParameters(view, run).map((parameter) => parameter[when]), bounds, { theme, color: markColor(view, run), axis })),
    ...limitSeries({ ...view, runs: limited }, theme, axis),
  ]);
  const right = labelled ? 34 : 16;
  const grids = view.narrow
    ? [{ left: 46, right, top: 28, height: 192 }, { left: 46, right, top: 286, height: 196 }]
    : [{ left: 48, right: "56%", top: 26, bottom: 36 }, { left: "54%", right, top: 26, bottom: 36 }];
  return {
    ...baseOption(view, theme, (params) => parametersTip(view, params)),
    title: grids.map((grid, place) => ({
      text: ["before clipping", "after clipping"][place], left: grid.left, top: grid.top - 24, padding: 0,
      textStyle: { color: theme.muted, fontSize: 12.5, fontWeight: 500 },
    })),
    grid: grids, axisPointer: { link: [{ xAxisIndex: "all" }] },
    xAxis: [0, 1].map((gridIndex) => stepAxis(view, theme, { gridIndex, name: gridIndex || view.narrow ? "step" : "" })),
    yAxis: [0, 1].map((gridIndex) => valueAxis(bounds, theme, { gridIndex })),
    dataZoom: zoom(view, [0, 1]), series: panels,
  };
}

// Few lines with short names have them at their ends.
function isLabelled(view, lines) {
  return view.runs.length === 1 && lines.length <= 12 && lines.every(({ parameter }) => parameter.name.length <= 6);
}

// One run's marks warn; several runs' marks say whose they are.
function markColor(view, run) {
  return view.runs.length > 1 ? run.color : undefined;
}

function chosenParameters(view, run) {
  return run.parameters.filter((parameter) => view.chosen.has(parameter.name));
}

const STROKES = ["solid", [6, 4], [2, 3], [9, 3, 2, 3], [12, 4]];

// One run: color is the layer and dashes are biases. Several: color is the run, the stroke the parameter.
function parameterStyle(view, theme, run, parameter) {
  if (view.runs.length === 1) {
    const color = layerColor(theme, parameter.layer, view.numLayers);
    return { color, type: parameter.kind === "bias" ? [5, 4] : "solid", width: parameter.kind === "bias" ? 1.4 : 2 };
  }
  const place = [...view.chosen].indexOf(parameter.name);
  return { color: run.color, type: STROKES[place % STROKES.length], width: 1.75 };
}

// Loss or accuracy: each batch pale, their moving mean bold.
function curveOption(view, theme, key) {
  const bounds = curveBounds(view, key);
  const series = view.runs.flatMap((run) => {
    const color = view.runs.length === 1 ? theme.after : run.color;
    return [
      lineSeries(run, run[key].mean, { name: "batch", color, width: 1, opacity: 0.35, log: bounds.log }),
      lineSeries(run, smooth(run[key].mean, bounds), { name: "mean", color, width: 2.25, log: bounds.log }),
      ...spreadSeries(run, run[key], { color, bounds }),
      ...markSeries(run, [run[key]], bounds, { theme, color: markColor(view, run) }),
    ];
  });
  return {
    ...baseOption(view, theme, (params) => curveTip(view, key, params)),
    grid: { left: 50, right: 16, top: 12, bottom: 36 }, xAxis: stepAxis(view, theme),
    yAxis: valueAxis(bounds, theme, { format: key === "accuracy" ? formatPercent : formatNumber }),
    dataZoom: zoom(view, [0]), series,
  };
}

function curveBounds(view, key) {
  return key === "accuracy" ? { min: 0, max: 1 } : lossBounds(view.runs.map((run) => run[key]));
}

// A loss that falls (or explodes) over more than a decade needs powers of ten.
function lossBounds(columns) {
  const values = columns.flatMap((column) => [...(column.low || column.mean), ...(column.high || column.mean)]).filter((value) => value !== null);
  const low = Math.min(...values);
  const high = Math.max(...values);
  if (!values.length) return { min: 0, max: 1 };
  if (low > 0 && high / low > 12) return logBounds(columns);
  return { min: low < 0 ? -roundUp(-low) : 0, max: roundUp(high > 0 ? high * 1.02 : 1) };
}
