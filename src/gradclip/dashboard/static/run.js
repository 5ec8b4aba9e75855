// One run, or several compared: drawn by the report's charts, and drawn anew while training goes on.
"use strict";

(() => {
  const { find, follow, throttled, setText, pulse, FIRST_BUCKETS } = gradclipLive;
  const { paths, take } = gradclipEarly;
  const BUCKETS = paths.length > 3 ? 300 : 600;
  const GROUPED = 60; // layers, from which on groups are shown first
  const shown = new Map(); // what was fetched last, by path
  const stale = new Set(paths);
  let table = null;

  function complain(text) {
    find("trouble").hidden = !text;
    setText(find("trouble"), text);
  }

  async function fetchRun(path) {
    try {
      const buckets = shown.has(path) ? BUCKETS : FIRST_BUCKETS;
      const run = await take(path, buckets);
      if (buckets === BUCKETS || run.numSteps <= FIRST_BUCKETS) stale.delete(path);
      shown.set(path, run);
      return "";
    } catch (error) {
      return error.message.slice(0, 300);
    }
  }

  // Coarsely at once, where a run is long, then finer.
  const load = throttled(async () => {
    const whole = await fetchAndShow();
    if (whole && stale.size) await fetchAndShow();
  });

  async function fetchAndShow() {
    const troubles = await Promise.all([...stale].map(fetchRun));
    complain([...new Set(troubles)].filter(Boolean).join(" "));
    const runs = paths.filter((path) => shown.has(path)).map((path) => shown.get(path));
    if (!runs.length) {
      pulse("lost", "cannot be read");
      return false;
    }
    gradclipPage.show(runs);
    document.body.classList.add("drawn");
    saySo(runs);
    followTable();
    return !troubles.some(Boolean);
  }

  // The report's own table has all rows at once; here a run may have thousands.
  function followTable() {
    if (paths.length > 1) return;
    if (table) return table.refresh();
    const place = find("layer-table");
    place.hidden = false;
    find("charts").after(place);
    table = gradclipLayers.show(place, paths[0], { grouped: shown.get(paths[0]).table.total > GROUPED });
  }

  // Live means that something may come: a run that has ended is still.
  function saySo(runs) {
    const states = [...new Set(runs.map((run) => run.status))];
    const running = states.includes("running");
    pulse(running ? "live" : "still", running ? "live" : states.length === 1 ? states[0] : "ended");
  }

  function again(path) {
    stale.add(path);
    load();
  }

  document.body.classList.toggle("several", paths.length > 1);
  document.addEventListener("keydown", (event) => {
    if (event.target.matches("input, select") || event.ctrlKey || event.metaKey || event.altKey) return;
    if (event.key === "/") { event.preventDefault(); (find("layer-table").querySelector("input") || find("search-text")).focus(); }
    if (event.key === "u") find("where").parentElement.querySelector("a").click();
  });
  load();
  follow(paths, {
    ready: () => { paths.forEach((path) => stale.add(path)); load(); },
    run: (row) => again(row.path),
    gone: (path) => complain(`The run ${path} is not there any more; what is shown is what it was.`),
  });
})();
