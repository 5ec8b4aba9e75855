// The course of one layer's norm, below the table: of thousands of layers any can be looked at.
"use strict";

const gradclipCurve = (() => {
  const { make, setText, number, address, get } = gradclipLive;
  const BUCKETS = 400;

  function colors() {
    const style = getComputedStyle(document.documentElement);
    const read = (name) => style.getPropertyValue(`--${name}`).trim();
    return Object.fromEntries(["ink", "muted", "line", "surface", "before", "after"].map((name) => [name, read(name)]));
  }

  function option(curve) {
    const theme = colors();
    const points = (values) => values.map((value, place) => [curve.steps[place], value > 0 ? value : null]);
    const line = (name, values, color, style = {}) => ({
      name, type: "line", data: points(values), showSymbol: curve.steps.length === 1, color,
      lineStyle: { width: 1.75, color, ...style }, emphasis: { disabled: true },
    });
    const pale = { width: 1, opacity: 0.45 };
    const spread = curve.low.some((value, place) => value !== curve.high[place]);
    const first = curve.steps[0];
    return {
      animation: false, textStyle: { fontFamily: getComputedStyle(document.body).fontFamily }, aria: { enabled: false },
      grid: { left: 52, right: 16, top: 14, bottom: 30 },
      xAxis: { type: "value", min: first, max: Math.max(curve.lastStep, first + 1), minInterval: 1, axisLabel: { color: theme.muted, hideOverlap: true }, axisLine: { onZero: false, lineStyle: { color: theme.line } }, splitLine: { show: false } },
      yAxis: { type: "log", axisLine: { show: false }, axisTick: { show: false }, axisLabel: { color: theme.muted, hideOverlap: true, formatter: number }, splitLine: { lineStyle: { color: theme.line } } },
      tooltip: { trigger: "axis", confine: true, transitionDuration: 0, backgroundColor: theme.surface, borderColor: theme.line, textStyle: { color: theme.ink, fontSize: 12.5 }, valueFormatter: number },
      series: [
        ...(spread ? [line("least", curve.low, theme.before, pale), line("greatest", curve.high, theme.before, pale)] : []),
        line(spread ? "mean before clipping" : "before clipping", curve.mean, theme.before),
        line(spread ? "mean after clipping" : "after clipping", curve.after, theme.after),
      ],
    };
  }

  // A place for one layer's chart; `show` opens it for a layer, `refresh` draws it anew.
  function create(path) {
    const title = make("h3", {});
    const place = make("div", { className: "course", tabIndex: 0, role: "img" });
    const said = make("p", { className: "about" });
    const element = make("section", { className: "panel", hidden: true }, make("div", { className: "heading" }, title, make("button", { type: "button", onclick: () => hide() }, "Close")), said, place);
    const dark = matchMedia("(prefers-color-scheme: dark)");
    let chart = null;
    let layer = null;
    let curve = null;
    let opener = null;

    function draw() {
      if (!curve || element.hidden) return;
      chart = chart || echarts.init(place, null, { renderer: "canvas" });
      chart.setOption(option(curve), { notMerge: true });
    }

    async function refresh() {
      if (layer === null) return;
      const asked = layer;
      const found = await get(`${address("api/layer", path)}?place=${asked}&buckets=${BUCKETS}`);
      if (asked !== layer) return;
      curve = found.steps.length ? found : null;
      setText(title, found.name);
      const spread = curve && curve.low.some((value, index) => value !== curve.high[index]);
      const pale = spread ? "; the pale lines are the least and the greatest of each point" : "";
      const known = curve ? curve.high.filter((value) => value !== null) : [];
      setText(said, known.length ? `Gradient norm, orange before and blue after clipping${pale}. The greatest of all was ${number(Math.max(...known))}.` : "No finite norm was recorded.");
      place.setAttribute("aria-label", `${found.name}. ${said.textContent}`);
      draw();
    }

    async function show(chosen, from) {
      layer = chosen;
      opener = from;
      element.hidden = false;
      await refresh();
      element.scrollIntoView({ block: "nearest" });
    }

    function hide() {
      layer = null;
      element.hidden = true;
      if (opener && opener.isConnected) opener.focus();
    }

    element.addEventListener("keydown", (event) => { if (event.key === "Escape") hide(); });
    dark.addEventListener("change", draw);
    addEventListener("resize", () => chart && chart.resize());
    return { element, show, refresh };
  }

  return { create };
})();
