// The layers from input to output at chosen steps, and their updates: pure functions of (view, theme).

// The column of a grid that holds a step.
function columnOf(steps, step) {
  return Math.max(0, steps.findLastIndex((first) => first <= step));
}

// The first step, the chosen one and the last one of a run, a line each.
function profileLines(view, theme, run) {
  const { steps, cells } = gridOf(run, view.kind);
  if (!steps.length) return [];
  const single = view.runs.length === 1;
  const column = (place) => cells.map((row) => row[place]);
  const exact = view.kind === "before";
  const chosen = columnOf(steps, view.step);
  const named = (text) => (single ? text : `${run.name}, ${text}`);
  return [
    { title: named(`step ${steps[0]}`), cells: exact ? run.layers.start : column(0), color: single ? theme.before : run.color, type: [5, 4], end: "first step" },
    { title: named(columnText(view, run, chosen)), cells: column(chosen), color: single ? theme.runs[2] : run.color, type: [2, 3], end: "chosen step" },
    { title: named(`step ${exact ? run.lastStep : steps[steps.length - 1]}`), cells: exact ? run.layers.end : column(steps.length - 1), color: single ? theme.after : run.color, type: "solid", end: "last step" },
  ];
}

// The steps that a column stands for.
function columnText(view, run, place) {
  const { steps } = gridOf(run, view.kind);
  const behind = place + 1 < steps.length ? steps[place + 1] : run.lastStep + 1;
  const several = view.kind !== "updates" && behind - steps[place] > 1;
  return several ? `steps ${steps[place]}–${behind - 1}` : `step ${steps[place]}`;
}

function profileOption(view, theme) {
  const lines = view.runs.flatMap((run) => profileLines(view, theme, run).map((line) => ({ ...line, rows: run.layers.rows })));
  const longest = view.runs.reduce((best, run) => (run.layers.rows.length > best.length ? run.layers.rows : best), []);
  const names = longest.map((row) => row.name);
  const labels = rowLabels(view, view.runs.find((run) => run.layers.rows === longest) || view.runs[0], 16);
  const value = (cell) => (typeof cell === "number" ? cell / 100 : null);
  const bounds = logBounds([{ mean: lines.flatMap((line) => line.cells.map((cell) => (value(cell) === null ? null : 10 ** value(cell)))), marks: {} }]);
  const series = lines.map((line) => ({
    name: line.title, type: "line", data: line.cells.map(value), animation: false, symbol: "circle", showSymbol: names.length <= 24, symbolSize: 7,
    lineStyle: { color: line.color, width: 2, type: line.type }, itemStyle: { color: line.color }, emphasis: { disabled: true },
  }));
  return {
    ...baseOption(view, theme, (params) => profileTip(view, names[params[0].dataIndex], lines, params[0].dataIndex)),
    grid: { left: 50, right: 20, top: 12, bottom: 48 },
    xAxis: {
      type: "category", data: labels, name: "input → output", nameLocation: "middle", nameGap: 26, boundaryGap: names.length < 8,
      nameTextStyle: { color: theme.muted }, axisLine: { onZero: false, lineStyle: { color: theme.line } }, axisTick: { show: false },
      axisLabel: { color: theme.muted, hideOverlap: true }, axisPointer: { label: { show: false } },
    },
    yAxis: valueAxis(bounds, theme), series,
  };
}

// How far each step moved each parameter, with the line that training is mostly near.
function updatesOption(view, theme) {
  const lines = view.runs.flatMap((run) => (run.layers.updates ? chosenParameters(view, run).map((parameter) => ({ run, parameter })) : []));
  const columns = lines.map(({ parameter }) => ({ mean: parameter.ratios, marks: {} }));
  const bounds = logBounds(columns, [1e-3]);
  const labelled = isLabelled(view, lines);
  const series = lines.map(({ run, parameter }) => ({
    ...lineSeries({ steps: run.layers.updates.steps }, parameter.ratios, { ...parameterStyle(view, theme, run, parameter), name: parameter.name, log: true, label: labelled ? parameter.name : undefined }),
    showSymbol: parameter.ratios.length <= 40, symbolSize: 4, // some stand alone between gaps
  }));
  const usual = lineSeries({ steps: view.steps }, [1e-3, 1e-3], { name: "1e-3", color: theme.limit, width: 1.25, type: [5, 4], log: true });
  return {
    ...baseOption(view, theme, (params) => updatesTip(view, params)),
    grid: { left: 50, right: labelled ? 34 : 16, top: 14, bottom: 36 },
    xAxis: stepAxis(view, theme), yAxis: valueAxis(bounds, theme), dataZoom: zoom(view, [0]),
    series: [...series, { ...usual, silent: true, z: 5, tooltip: { show: false } }],
  };
}
