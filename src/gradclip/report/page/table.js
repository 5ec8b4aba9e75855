// The table of every parameter: searched and sorted, and never longer than a screen can show.

const COLUMNS = ["Parameter", "Shape", "First step", "Last step", "Least", "Greatest", "Update / weight", "Steps at 0", "Not finite"];
const PAGE = 25; // rows that are shown at once
const order = { column: null, falling: false, shown: PAGE, run: 0 };

// Rows that hold every word of the search, sorted; what is unknown comes last.
function tableRows(run, search) {
  const words = search.toLowerCase().split(/\s+/).filter(Boolean);
  const rows = run.table.rows.filter(([name]) => words.every((word) => name.toLowerCase().includes(word)));
  if (order.column === null) return rows;
  const sign = order.falling ? -1 : 1;
  const compare = (one, other) => (typeof one === "string" ? one.localeCompare(other, "en", { numeric: true }) : one - other);
  return rows.slice().sort((one, other) => {
    const [left, right] = [one[order.column], other[order.column]];
    if (left === null || right === null) return (left === null) - (right === null);
    return sign * compare(left, right);
  });
}

function tableHtml(rows) {
  const arrow = (column) => (order.column !== column ? "" : order.falling ? " ↓" : " ↑");
  const sorted = (column) => (order.column !== column ? "none" : order.falling ? "descending" : "ascending");
  const head = COLUMNS.map((title, column) => `<th scope="col" aria-sort="${sorted(column)}"><button type="button" data-column="${column}">${title}${arrow(column)}</button></th>`);
  const texts = ([name, shape, ...figures]) => `<tr><th scope="row">${escapeHtml(name)}</th><td>${escapeHtml(shape || "–")}</td>${figures.map((figure) => `<td>${formatNumber(figure)}</td>`).join("")}</tr>`;
  return `<div class="scroll" tabindex="0" role="region" aria-label="Every parameter"><table><caption>Gradient norms before clipping</caption>`
    + `<thead><tr>${head.join("")}</tr></thead><tbody>${rows.map(texts).join("")}</tbody></table></div>`;
}

function drawTable(runs) {
  const run = runs[Math.min(order.run, runs.length - 1)];
  const rows = tableRows(run, find("search-text").value);
  const shown = Math.min(rows.length, order.shown);
  find("layers-table").innerHTML = tableHtml(rows.slice(0, shown));
  find("more").hidden = shown >= rows.length;
  const { total } = run.table;
  const of = total > run.table.rows.length ? ` (of ${total.toLocaleString("en")} evenly spaced ones are kept here)` : "";
  find("search-count").textContent = shown < rows.length ? `${shown} of ${rows.length.toLocaleString("en")}${of}` : `${rows.length.toLocaleString("en")} found${of}`;
  const select = find("table-run");
  find("table-run-label").hidden = runs.length < 2;
  if (select.options.length !== runs.length || runs.some((other, place) => select.options[place].text !== other.name)) {
    select.replaceChildren(...runs.map((other) => new Option(other.name)));
    select.selectedIndex = Math.min(order.run, runs.length - 1);
  }
}

function followTable(currentRuns) {
  const again = (change) => (event) => { change(event); drawTable(currentRuns()); };
  find("search").addEventListener("submit", (event) => event.preventDefault());
  find("search-text").addEventListener("input", again(() => { order.shown = PAGE; }));
  find("table-run").addEventListener("change", again((event) => { order.run = event.target.selectedIndex; }));
  find("more").addEventListener("click", again(() => { order.shown += 10 * PAGE; }));
  find("layers-table").addEventListener("click", (event) => {
    const button = event.target.closest("[data-column]");
    if (!button) return;
    const column = Number(button.dataset.column);
    order.falling = order.column === column ? !order.falling : column > 1;
    order.column = column;
    drawTable(currentRuns());
    find("layers-table").querySelector(`[data-column="${column}"]`).focus();
  });
}
