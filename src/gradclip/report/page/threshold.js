// The slider of thresholds: what each would have clipped of the steps recorded.

// All runs' stops, rising.
function thresholdStops(runs) {
  return [...new Set(runs.flatMap((run) => run.thresholds.limits))].sort((one, other) => one - other);
}

// How many steps of a run a threshold would have clipped: exact at the run's own stops and beyond them.
function clippedBy(run, threshold) {
  const { limits, clipped, finite } = run.thresholds;
  const place = limits.findLastIndex((limit) => limit <= threshold);
  return place < 0 ? finite : clipped[place];
}

// Where the slider begins: at the limit that was in force, or else at what would clip one step in a hundred.
function firstThreshold(runs) {
  const limit = runs.map((run) => (Array.isArray(run.limit) ? null : run.limit)).find((value) => value > 0);
  return limit || runs[0].thresholds.suggested;
}

function nearestStop(stops, threshold) {
  if (!(threshold > 0)) return stops.length - 1;
  const distance = (stop) => Math.abs(Math.log(stop / threshold));
  return stops.reduce((best, stop, place) => (distance(stop) < distance(stops[best]) ? place : best), 0);
}

function thresholdText(runs, threshold) {
  const parts = runs.map((run) => {
    const count = clippedBy(run, threshold);
    const { steps } = run.thresholds;
    const share = formatPercent(steps ? count / steps : 0);
    const counted = `(${count.toLocaleString("en")} of ${steps.toLocaleString("en")})`;
    return runs.length > 1 ? `${run.name} ${share} ${counted}` : `${share} of the recorded steps ${counted}`;
  });
  return `With a threshold of ${formatNumber(threshold)}, ${parts.join(", ")} would have been clipped.`;
}
