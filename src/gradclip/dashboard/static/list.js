// The list of runs: searched, sorted, ticked to compare, and followed while they train.
"use strict";

(() => {
  const { root, find, make, setText, number, count, percent, ago, date, address, get, pulse, follow, throttled, spark, FIRST_BUCKETS } = gradclipLive;
  const MOST = 12; // runs compared at once
  const LONG = 100000; // steps
  const KEPT = "gradclip-list";
  const known = new Map(); // rows and their elements by path
  const state = { search: "", sort: "-created", statuses: new Set(), ticked: new Set(), complete: true, loaded: false };

  // ------------------------------------------------------------ one row
  function newRow(path) {
    const tick = make("input", { type: "checkbox" });
    const link = make("a", { href: address("run", path) });
    const parts = {
      tick, link, status: make("span", { className: "status" }), about: make("span", { className: "about" }),
      policy: make("td", { className: "policy" }), steps: make("td", { className: "number" }), loss: make("td", { className: "number" }),
      norm: make("td", { className: "number" }), clipped: make("td", { className: "number" }), created: make("td", { className: "when" }),
      curve: document.createElementNS("http://www.w3.org/2000/svg", "path"),
    };
    const picture = document.createElementNS("http://www.w3.org/2000/svg", "svg");
    Object.entries({ viewBox: "0 0 96 24", width: 96, height: 24, "aria-hidden": "true" }).forEach(([name, value]) => picture.setAttribute(name, value));
    picture.append(parts.curve);
    tick.addEventListener("change", () => tickRun(path, tick.checked));
    ["pointerenter", "focus"].forEach((kind) => link.addEventListener(kind, () => prepare(path)));
    parts.element = make(
      "tr", {}, make("td", { className: "tick" }, make("label", {}, tick)),
      make("th", { scope: "row" }, make("span", { className: "title" }, parts.status, link), parts.about),
      parts.policy, parts.steps, parts.loss, make("td", { className: "curve" }, picture), parts.norm, parts.clipped, parts.created,
    );
    [["policy", "Clipping"], ["steps", "Steps"], ["loss", "Loss"], ["norm", "Norm"], ["clipped", "Clipped"], ["created", "Begun"]]
      .forEach(([part, label]) => { parts[part].dataset.label = label; });
    return parts;
  }

  function fill(parts, row) {
    setText(parts.link, row.name);
    parts.tick.setAttribute("aria-label", `Compare ${row.name}`);
    parts.tick.disabled = Boolean(row.error);
    parts.status.dataset.status = stateOf(row);
    parts.status.title = titleOf(row);
    setText(parts.status, stateOf(row));
    setText(parts.about, row.error || [row.program, row.framework, row.speed && row.status === "running" ? `${number(row.speed)} steps/s` : ""].filter(Boolean).join(" · "));
    parts.element.classList.toggle("error", Boolean(row.error));
    setText(parts.policy, row.error ? "" : row.policy || "none");
    setText(parts.steps, count(row.steps));
    setText(parts.loss, number(row.loss));
    setText(parts.norm, row.steps && row.norm === null ? "NaN or ∞" : number(row.norm));
    parts.norm.classList.toggle("broken", Boolean(row.steps) && row.norm === null);
    setText(parts.clipped, row.policy ? percent(row.clipped) : "–");
    const part = row.of < row.steps ? `of the last ${count(row.of)} steps` : "of all steps";
    parts.clipped.title = row.policy ? part : "";
    parts.curve.setAttribute("d", spark(row.curve || []));
    setText(parts.created, ago(row.created));
    parts.created.title = date(row.created);
  }

  // A long run takes most of a second to read: the server begins when somebody is about to open it.
  let preparing = false;
  async function prepare(path) {
    const { row } = known.get(path);
    if (preparing || !(row.steps > LONG)) return;
    preparing = true;
    await get(`${address("api/run", path)}?buckets=${FIRST_BUCKETS}`).catch(() => {});
    preparing = false;
  }

  // A run that says it is running and has not been written to for long was killed, or waits.
  function stateOf(row) {
    const silent = row.status === "running" && row.changed && Date.now() / 1000 - row.changed > 600;
    return silent ? "silent" : row.status;
  }

  function titleOf(row) {
    return stateOf(row) === "silent" ? `Not ended, but nothing was written for long: last ${date(row.changed)}` : "";
  }

  function put(row) {
    const entry = known.get(row.path) || { parts: newRow(row.path) };
    known.set(row.path, { ...entry, row });
    fill(entry.parts, row);
  }

  // ------------------------------------------------------------ which rows, in what order
  function matches(row) {
    if (state.statuses.size && !state.statuses.has(stateOf(row))) return false;
    const text = [row.name, row.program, row.policy, row.framework, stateOf(row)].join(" ").toLowerCase();
    return state.search.toLowerCase().split(/\s+/).every((word) => text.includes(word));
  }

  function ordered(entries) {
    const falling = state.sort.startsWith("-");
    const name = state.sort.replace("-", "");
    const value = ({ row }) => row[name];
    const missing = (one) => value(one) === null || value(one) === undefined;
    const compare = (one, other) => (name === "name"
      ? one.row.name.localeCompare(other.row.name, "en", { numeric: true })
      : value(one) - value(other));
    return entries.sort((one, other) => {
      if (missing(one) || missing(other)) return missing(one) - missing(other);
      return (falling ? -1 : 1) * compare(one, other) || one.row.name.localeCompare(other.row.name, "en", { numeric: true });
    });
  }

  function arrange() {
    const shown = ordered([...known.values()].filter(({ row }) => matches(row)));
    const elements = shown.map(({ parts }) => parts.element);
    const place = find("rows");
    const same = elements.length === place.children.length && elements.every((element, index) => element === place.children[index]);
    if (!same) {
      const held = document.activeElement;
      place.replaceChildren(...elements);
      if (held && held !== document.body && held.isConnected) held.focus();
    }
    find("table").hidden = !shown.length;
    say(shown.length);
    drawStatuses();
    drawCompare();
  }

  function say(shown) {
    const total = known.size;
    const running = [...known.values()].filter(({ row }) => stateOf(row) === "running").length;
    const runs = `${count(total)} ${total === 1 ? "run" : "runs"}`;
    const more = state.complete ? "" : ", and there may be more: serve a folder further down to see them";
    setText(find("subtitle"), state.loaded ? `${shown === total ? runs : `${count(shown)} of ${runs}`}${running ? ` · ${count(running)} running` : ""}${more}` : "Looking for runs …");
    const nothing = find("nothing");
    nothing.hidden = !state.loaded || shown > 0;
    setText(nothing, total ? "No run matches." : "There is no run here yet. One appears by itself as soon as a program records it: gradclip demo --out FOLDER, or gradclip.Recorder(FOLDER, ...).");
    if (state.search) setText(find("reading"), `${shown} of ${runs} match`);
  }

  function drawStatuses() {
    const place = find("statuses");
    const names = [...new Set([...known.values()].map(({ row }) => stateOf(row)))].sort();
    const key = names.join();
    place.hidden = names.length < 2 && !state.statuses.size;
    if (place.dataset.key !== key) {
      place.dataset.key = key;
      place.replaceChildren(...names.map((name) => {
        const button = make("button", { type: "button", value: name }, make("span", { className: "status" }, name));
        button.firstChild.dataset.status = name;
        button.addEventListener("click", () => {
          if (!state.statuses.delete(name)) state.statuses.add(name);
          keep();
          arrange();
        });
        return button;
      }));
    }
    [...place.children].forEach((button) => button.setAttribute("aria-pressed", String(state.statuses.has(button.value))));
  }

  // ------------------------------------------------------------ comparing
  function tickRun(path, ticked) {
    if (ticked) state.ticked.add(path);
    else state.ticked.delete(path);
    drawCompare();
  }

  function drawCompare() {
    const chosen = [...state.ticked].filter((path) => known.has(path));
    const link = find("compare");
    const usable = chosen.length >= 2 && chosen.length <= MOST;
    setText(link, chosen.length > MOST ? `At most ${MOST}` : chosen.length ? `Compare ${chosen.length}` : "Compare");
    link.setAttribute("aria-disabled", String(!usable));
    link.title = usable ? "" : `Tick two to ${MOST} runs`;
    if (usable) link.href = `${root}/compare?${chosen.map((path) => `run=${encodeURIComponent(path)}`).join("&")}`;
    else link.removeAttribute("href");
    find("clear").hidden = !chosen.length;
    known.forEach(({ parts }, path) => {
      parts.tick.checked = state.ticked.has(path);
      parts.element.classList.toggle("ticked", parts.tick.checked);
    });
  }

  // ------------------------------------------------------------ keys
  function walk(move) {
    const links = [...find("rows").querySelectorAll("th a")];
    const at = links.indexOf(document.activeElement.closest("tr")?.querySelector("th a"));
    const next = at < 0 ? (move > 0 ? 0 : -1) : at + move;
    if (next < 0) find("query").focus();
    else if (links[next]) links[next].focus();
  }

  function press(event) {
    const typing = event.target.matches("input[type=search], select");
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    if (event.key === "Escape" && typing && event.target.id === "query") return setSearch("");
    if (event.key === "ArrowDown" && !event.target.matches("select")) { event.preventDefault(); return walk(1); }
    if (event.key === "ArrowUp" && !event.target.matches("select")) { event.preventDefault(); return walk(-1); }
    if (typing) return;
    if (event.key === "/") { event.preventDefault(); find("query").focus(); }
    if (event.key === "x") document.activeElement.closest("tr")?.querySelector("input")?.click();
    if (event.key === "c" && find("compare").href) find("compare").click();
  }

  function setSearch(text) {
    find("query").value = state.search = text;
    keep();
    arrange();
  }

  // What was searched for is still there after going back.
  function keep() {
    sessionStorage.setItem(KEPT, JSON.stringify({ search: state.search, sort: state.sort, statuses: [...state.statuses] }));
  }

  function remember() {
    try {
      const { search = "", sort = "-created", statuses = [] } = JSON.parse(sessionStorage.getItem(KEPT)) || {};
      Object.assign(state, { search, sort, statuses: new Set(statuses) });
    } catch { /* what is not ours is left alone */ }
    find("query").value = state.search;
    find("sort").value = state.sort;
  }

  const load = throttled(async () => {
    const { runs, complete } = await get(`${root}/api/runs`);
    const there = new Set(runs.map((row) => row.path));
    [...known.keys()].filter((path) => !there.has(path)).forEach((path) => known.delete(path));
    runs.forEach(put);
    Object.assign(state, { complete, loaded: true });
    arrange();
  });

  function update(row) {
    const before = known.get(row.path);
    put(row);
    if (!before || before.row.status !== row.status) arrange(); // numbers change under the eyes, rows stay
  }

  remember();
  find("query").addEventListener("input", () => setSearch(find("query").value));
  find("sort").addEventListener("change", () => { state.sort = find("sort").value; keep(); arrange(); });
  find("clear").addEventListener("click", () => { state.ticked.clear(); drawCompare(); });
  document.addEventListener("keydown", press);
  load();
  follow([], { ready: () => { pulse("live", "live"); load(); }, run: update, gone: (path) => { known.delete(path); arrange(); } });
  setInterval(() => known.forEach(({ parts, row }) => fill(parts, row)), 30000); // "just now" grows old
})();
