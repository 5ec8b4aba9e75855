// Put before everything else into a copy of the page: gathers what goes wrong, then tries the page out.
const findings = { errors: [], blank: [], requests: null, tip: "", range: null, lines: null };
addEventListener("error", (event) => findings.errors.push(String(event.message)));
addEventListener("securitypolicyviolation", (event) => findings.errors.push(`policy: ${event.blockedURI}`));
["error", "warn"].forEach((kind) => { console[kind] = (...texts) => findings.errors.push(texts.join(" ")); });

function isBlank(canvas) {
  const { data } = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
  return !data.some((value) => value !== 0);
}

function press(id, key) {
  document.getElementById(id).dispatchEvent(new KeyboardEvent("keydown", { key, bubbles: true }));
}

function tryOut() {
  const charts = [...document.querySelectorAll(".chart")];
  findings.blank = charts.filter((chart) => !chart.querySelector("canvas") || isBlank(chart.querySelector("canvas"))).map((chart) => chart.id);
  press("norm", "Home");
  findings.tip = document.querySelector("#norm .tip").innerText;
  const lines = () => [...document.querySelectorAll("#choice [aria-pressed=true]")].map((chip) => chip.textContent);
  document.querySelector("#choice [aria-pressed=true]").click();
  findings.lines = lines();
  document.getElementById("to").value = 2;
  document.getElementById("to").dispatchEvent(new Event("change", { bubbles: true }));
  findings.range = [document.getElementById("from").value, document.getElementById("to").value];
  findings.requests = performance.getEntriesByType("resource").map((entry) => entry.name);
  findings.background = getComputedStyle(document.body).backgroundColor;
  findings.overflow = document.documentElement.scrollWidth - innerWidth;
}

function report(result) {
  const element = document.createElement("pre");
  element.id = "findings";
  element.textContent = JSON.stringify(result);
  document.body.append(element);
}

addEventListener("load", () => setTimeout(() => {
  try {
    tryOut();
    report(findings);
  } catch (error) {
    report({ thrown: String(error.stack) });
  }
}, 300));
