// The table of layers: thousands of names, of which the rows in sight alone are fetched and drawn.
"use strict";

const gradclipLayers = (() => {
  const { root, find, make, setText, number, count, percent, get, throttled } = gradclipLive;
  const SLICE = 100; // rows fetched at once
  const SPARE = 6; // rows drawn beyond what is seen
  const COLUMNS = [
    ["place", "Layer", "name"], [null, "Shape", "shape"], ["last", "Last norm", "number"], ["mean", "Mean norm", "number mean"],
    ["largest", "Largest", "number"], ["kept", "Kept", "number"], ["broken", "Not finite", "number broken-count"],
  ];

  // A table of one run, in an element; `refresh` looks at the run again.
  function show(place, path, { grouped }) {
    const state = { search: "", prefix: "", shared: "", grouped, sort: "place", total: 0, slices: new Map(), generation: 0 };
    const view = make("div", { className: "view", tabIndex: 0, role: "rowgroup", "aria-label": "Layers" });
    const body = make("div", { className: "body" });
    const search = make("input", { type: "search", placeholder: "Search layers", autocomplete: "off", spellcheck: false, "aria-label": "Search layers" });
    const groups = make("button", { type: "button" }, "Group by prefix");
    const trail = make("div", { className: "path" });
    const said = make("span", { "aria-live": "polite" });
    const head = make("div", { className: "head", role: "rowgroup" });
    const course = gradclipCurve.create(path);
    const grid = make("div", { className: "grid", role: "table", "aria-label": "Layers" }, head, view);
    view.append(body);
    place.replaceChildren(
      make("h2", {}, "Layers"),
      make("div", { className: "tools" }, search, make("span", { className: "choice" }, groups), said),
      trail, grid, course.element,
    );
    drawHead();

    function address(first) {
      const query = new URLSearchParams({ first, count: SLICE, search: state.search, prefix: state.prefix, grouped: Number(state.grouped), sort: state.sort });
      return `${gradclipLive.address("api/table", path)}?${query}`;
    }

    function drawHead() {
      head.replaceChildren(make("div", { role: "row" }, ...COLUMNS.map(([name, title, kind]) => {
        const cell = make("div", { className: kind, role: "columnheader" });
        if (!name) cell.append(title);
        else cell.append(make("button", { type: "button", onclick: () => sortBy(name) }, title));
        if (state.sort.replace("-", "") === name) cell.setAttribute("aria-sort", state.sort.startsWith("-") ? "descending" : "ascending");
        return cell;
      })));
    }

    // The greatest numbers first, then the least, then the order of the layers again.
    function sortBy(name) {
      if (name === "place") state.sort = state.sort === "place" ? "-place" : "place";
      else state.sort = { [`-${name}`]: name, [name]: "place" }[state.sort] || `-${name}`;
      const at = [...head.querySelectorAll("button")].indexOf(document.activeElement);
      drawHead();
      if (at >= 0) head.querySelectorAll("button")[at].focus();
      restart();
    }

    function drawTrail() {
      const parts = (state.grouped ? state.shared : state.prefix).match(/[^./]*[./]/g) || [];
      const key = JSON.stringify([state.prefix, parts]);
      groups.setAttribute("aria-pressed", String(state.grouped));
      if (trail.dataset.key === key) return;
      trail.dataset.key = key;
      trail.hidden = !parts.length;
      if (trail.contains(document.activeElement)) view.focus({ preventScroll: true });
      trail.replaceChildren(
        ...(state.prefix ? [make("button", { type: "button", onclick: () => enter("") }, "all layers")] : []),
        ...parts.map((part, index) => make("button", { type: "button", onclick: () => enter(parts.slice(0, index + 1).join("")) }, part)),
      );
    }

    function enter(prefix) {
      state.prefix = prefix;
      state.grouped = true;
      restart();
      view.focus({ preventScroll: true });
    }

    function restart() {
      state.slices.clear();
      state.generation += 1;
      view.scrollTop = 0;
      drawTrail();
      fetchSlice(0);
    }

    async function fetchSlice(first) {
      const { generation } = state;
      const kept = state.slices.get(first);
      state.slices.set(first, kept || []);
      const found = await get(address(first)).catch((error) => { setText(said, error.message.slice(0, 200)); return null; });
      if (!found || generation !== state.generation) return;
      state.slices.set(first, found.rows);
      state.total = found.total;
      state.shared = found.prefix;
      drawTrail();
      const unit = state.grouped ? ["group", "groups"] : ["layer", "layers"];
      setText(said, `${count(found.total)} ${unit[found.total === 1 ? 0 : 1]}`);
      draw();
    }

    function draw() {
      const height = rowHeight();
      body.style.height = `${state.total * height}px`;
      view.style.height = `${Math.min(state.total * height, 468)}px`;
      grid.setAttribute("aria-rowcount", state.total + 1);
      const first = Math.max(Math.floor(view.scrollTop / height) - SPARE, 0);
      const last = Math.min(Math.ceil((view.scrollTop + view.clientHeight) / height) + SPARE, state.total);
      const rows = [];
      for (let row = first; row < last; row += 1) rows.push(drawRow(row, height));
      const held = body.contains(document.activeElement) ? document.activeElement.dataset.name : null;
      body.replaceChildren(...rows);
      if (held) ([...body.querySelectorAll("button")].find((button) => button.dataset.name === held) || view).focus({ preventScroll: true });
      for (let slice = Math.floor(first / SLICE) * SLICE; slice < last; slice += SLICE) {
        if (!state.slices.has(slice)) fetchSlice(slice);
      }
    }

    function rowHeight() {
      return matchMedia("(max-width: 900px)").matches ? 76 : 36; // as the style sheet has it
    }

    function drawRow(row, height) {
      const slice = state.slices.get(Math.floor(row / SLICE) * SLICE) || [];
      const layer = slice[row % SLICE];
      const element = make("div", { role: "row", "aria-rowindex": row + 2 }, ...(layer ? cells(layer) : [make("span", { className: "waiting", role: "cell" }, "…")]));
      element.style.top = `${row * height}px`;
      return element;
    }

    function cells(layer) {
      const text = state.grouped ? layer.name.slice(state.shared.length) || layer.name : layer.name;
      const name = make("div", { className: "name", role: "rowheader", title: layer.name });
      const group = layer.count > 1;
      const button = make("button", { type: "button", className: group ? "group" : "" }, make("bdi", {}, group ? `${text} ›` : text));
      button.dataset.name = layer.name;
      button.addEventListener("click", () => (group ? enter(layer.name) : course.show(layer.place, button)));
      name.append(button);
      const shape = layer.count > 1 ? `${count(layer.count)} layers` : layer.shape.join(" × ") || "one number";
      const texts = [shape, number(layer.last), number(layer.mean), number(layer.largest), percent(layer.kept), layer.broken ? count(layer.broken) : "–"];
      return [name, ...texts.map((text, index) => {
        const [, title, kind] = COLUMNS[index + 1];
        const cell = make("div", { className: kind, role: "cell" }, text);
        if (kind.startsWith("number")) cell.dataset.label = title.replace(" norm", "");
        if (title === "Not finite" && layer.broken) cell.classList.add("broken");
        return cell;
      })];
    }

    let typing = 0;
    search.addEventListener("input", () => {
      clearTimeout(typing);
      typing = setTimeout(() => { state.search = search.value.slice(0, 200); restart(); }, 120);
    });
    groups.addEventListener("click", () => {
      state.grouped = !state.grouped;
      if (!state.grouped) state.prefix = "";
      restart();
    });
    let frame = 0;
    view.addEventListener("scroll", () => { cancelAnimationFrame(frame); frame = requestAnimationFrame(draw); });
    addEventListener("resize", () => requestAnimationFrame(draw));
    restart();

    // The slices in sight are fetched again; the others when they come into sight.
    const refresh = throttled(async () => {
      const height = rowHeight();
      const seen = [...state.slices.keys()].filter((first) => (first + SLICE) * height > view.scrollTop && first * height < view.scrollTop + view.clientHeight);
      [...state.slices.keys()].filter((first) => !seen.includes(first)).forEach((first) => state.slices.delete(first));
      await Promise.all([...seen.map(fetchSlice), course.refresh()]);
    });
    return { refresh };
  }

  return { show, root, find };
})();
