// Fills the page's words, tiles and small tables in, as the offline page's own HTML has them.

function escapeLines(text) {
  return text.split("\n").map((line) => escapeHtml(line).replaceAll(" %", "&nbsp;%")).join("<br>");
}

function htmlTable(caption, header, rows) {
  const head = header.map((text) => `<th scope="col">${escapeHtml(text)}</th>`).join("");
  const body = rows.map(([first, ...rest]) => `<tr><th scope="row">${escapeHtml(first)}</th>${rest.map((text) => `<td>${escapeHtml(text)}</td>`).join("")}</tr>`).join("");
  return `<div class="scroll" tabindex="0" role="region" aria-label="${escapeHtml(caption)}"><table><caption>${escapeHtml(caption)}</caption>`
    + `<thead><tr>${head}</tr></thead><tbody>${body}</tbody></table></div>`;
}

function headlineText(runs) {
  if (runs.length === 1) return runs[0].texts.headline;
  const names = runs.map((run) => run.name);
  return `${names.slice(0, -1).join(", ")} and ${names[names.length - 1]} compared`;
}

function storyHtml(runs) {
  return runs.map((run) => {
    const heading = runs.length > 1 ? `<h2>${escapeHtml(run.name)}</h2>` : "";
    return `<section>${heading}<ul>${run.texts.story.map((sentence) => `<li>${escapeLines(sentence)}</li>`).join("")}</ul></section>`;
  }).join("");
}

// Rows by title, a column a run; what a run lacks is a dash.
function pairsTable(caption, corner, runs, pairsOf) {
  const columns = runs.map((run) => new Map(pairsOf(run)));
  const titles = [...new Set(columns.flatMap((column) => [...column.keys()]))];
  return htmlTable(caption, [corner, ...runs.map((run) => run.name)], titles.map((title) => [title, ...columns.map((column) => column.get(title) ?? "-")]));
}

function figuresHtml(runs) {
  if (runs.length > 1) return pairsTable("Figures of each run", "", runs, (run) => run.texts.tiles);
  const tiles = runs[0].texts.tiles.map(([title, text]) => `<div><dt>${escapeHtml(title)}</dt><dd>${escapeHtml(text)}</dd></div>`);
  return `<dl class="tiles">${tiles.join("")}</dl>`;
}

function captionText(runs, name) {
  if (runs.length === 1) return runs[0].texts.captions[name];
  return runs.map((run) => `${run.name}: ${run.texts.captions[name]}`).join("\n");
}

// Some points, evenly spaced, of each run.
function stepsHtml(runs) {
  return runs.map((run) => {
    const count = Math.min(run.steps.length, 13);
    const places = Array.from({ length: count }, (_, index) => Math.round((index * (run.steps.length - 1)) / Math.max(count - 1, 1)));
    const rows = places.map((place) => [
      formatSteps(run, place), pointText(run.loss, place), pointText(run.before, place), pointText(run.after, place), formatNumber(limitColumn(run)[place]), happened(run, place),
    ]);
    return htmlTable(`${run.name}: global norms`, ["Step", "Loss", "Before clipping", "After clipping", "Limit", ""], rows);
  }).join("");
}

function fillTexts(runs) {
  document.title = `${headlineText(runs)} · gradclip`;
  find("title").textContent = headlineText(runs);
  const ended = runs.length === 1 && runs[0].texts.ended ? [runs[0].texts.ended] : [];
  find("subtitle").textContent = [...new Set(runs.flatMap((run) => run.texts.origin)), ...ended].join(" · ");
  find("figures").innerHTML = figuresHtml(runs);
  find("story").innerHTML = storyHtml(runs);
  ["norm", "profile", "updates", "loss", "accuracy"].forEach((name) => { find(`${name}-caption`).innerHTML = escapeLines(captionText(runs, name)); });
  find("steps-table").innerHTML = stepsHtml(runs);
  find("settings").innerHTML = pairsTable("What was run, and how", "Setting", runs, (run) => run.texts.settings);
}
