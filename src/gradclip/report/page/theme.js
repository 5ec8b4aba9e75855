// Colors: read from the style sheet, so that light, dark and print have one source.

const VIRIDIS = ["#440154", "#46317e", "#365c8d", "#277f8e", "#1fa187", "#4ac16d", "#a0da39", "#fde725"];

function readTheme(root) {
  const style = getComputedStyle(root);
  const read = (name) => style.getPropertyValue(`--${name}`).trim();
  const names = ["surface", "ink", "muted", "line", "accent", "before", "after", "limit", "danger"];
  const theme = Object.fromEntries(names.map((name) => [name, read(name)]));
  theme.layers = [0, 1, 2, 3, 4].map((place) => read(`layer-${place}`));
  theme.runs = [0, 1, 2, 3, 4, 5].map((place) => read(`run-${place}`));
  theme.font = style.fontFamily;
  return theme;
}

// The color at a share in [0, 1] of a ramp of #rrggbb stops.
function rampColor(stops, share) {
  const place = Math.min(Math.max(share, 0), 1) * (stops.length - 1);
  const left = Math.min(Math.floor(place), stops.length - 2);
  const channel = (color, index) => parseInt(color.slice(1 + 2 * index, 3 + 2 * index), 16);
  const mix = [0, 1, 2].map((index) => {
    const start = channel(stops[left], index);
    return Math.round(start + (channel(stops[left + 1], index) - start) * (place - left));
  });
  return `rgb(${mix.join(",")})`;
}

function layerColor(theme, layer, numLayers) {
  return rampColor(theme.layers, numLayers > 1 ? layer / (numLayers - 1) : 0.25);
}

function runColor(theme, place) {
  return theme.runs[place % theme.runs.length];
}
