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

// Halves go to the even digit, as the texts beside the charts round them.
function roundHalf(value, digits) {
  const scaled = value * 10 ** digits;
  const whole = Math.floor(scaled);
  return (scaled - whole === 0.5 ? whole + (whole % 2) : Math.round(scaled)) / 10 ** digits;
}

// Never rounded to a false 0 or 100.
function formatPercent(share) {
  if (share === null || share === undefined) return "–";
  const texts = [1, 2, 3, 4].map((digits) => roundHalf(100 * share, digits));
  const honest = texts.find((text) => (text !== 0 && text !== 100) || share === 0 || share === 1);
  return `${honest ?? texts[3]} %`;
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
