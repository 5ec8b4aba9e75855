// Numbers and text as the page shows them: pure functions.

const SUPERSCRIPTS = "⁰¹²³⁴⁵⁶⁷⁸⁹";

function superscript(power) {
  const digits = String(Math.abs(power)).replace(/\d/g, (digit) => SUPERSCRIPTS[digit]);
  return (power < 0 ? "⁻" : "") + digits;
}

// Three significant digits, and a power of ten only where it helps.
function formatNumber(value) {
  if (value === null || value === undefined || Number.isNaN(value)) return "–";
  if (value === 0) return "0";
  const size = Math.abs(value);
  if (size >= 1e-3 && size < 1e5) {
    return size >= 1000 ? value.toFixed(0) : String(Number(value.toPrecision(3)));
  }
  return value.toExponential(2).replace(/\.?0*e\+?/, "e");
}

// A tick of a logarithmic axis.
function formatTick(value) {
  const power = Math.log10(value);
  const whole = Math.round(power);
  if (Math.abs(power - whole) > 1e-6 || (whole >= -3 && whole <= 4)) return formatNumber(value);
  return `10${superscript(whole)}`;
}

function formatPercent(share) {
  return share === null || share === undefined ? "–" : `${Number((100 * share).toPrecision(3))} %`;
}

function escapeHtml(text) {
  const entities = { "&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;", "'": "&#39;" };
  return String(text).replace(/[&<>"']/g, (sign) => entities[sign]);
}

// The steps that one point of a line stands for.
function formatSteps(run, place) {
  const first = run.steps[place];
  const next = place + 1 < run.steps.length ? run.steps[place + 1] : run.lastStep + 1;
  return next - first > 1 ? `${first}–${next - 1}` : String(first);
}
