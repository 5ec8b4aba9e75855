// What all pages share: elements, numbers, requests, and events while the tab is looked at.
"use strict";

const gradclipLive = (() => {
  const root = document.documentElement.dataset.root || "";
  const FIRST_BUCKETS = 150; // of a long run, so that something is there at once
  const find = (id) => document.getElementById(id);

  // An element whose texts are texts: nothing that a run holds ever becomes markup.
  function make(tag, properties = {}, ...children) {
    const made = document.createElement(tag);
    Object.entries(properties).forEach(([name, value]) => {
      if (name in made && name !== "list") made[name] = value;
      else made.setAttribute(name, value);
    });
    made.append(...children);
    return made;
  }

  function setText(element, text) {
    if (element.textContent !== text) element.textContent = text;
  }

  // Three significant digits, and a power of ten only where it helps.
  function number(value) {
    if (value === null || value === undefined || Number.isNaN(value)) return "–";
    if (value === 0) return "0";
    const size = Math.abs(value);
    if (size >= 1e-3 && size < 1e5) return size >= 1000 ? value.toFixed(0) : String(Number(value.toPrecision(3)));
    return value.toExponential(2).replace(/\.?0*e\+?/, "e");
  }

  function count(value) {
    return value === null || value === undefined ? "–" : value.toLocaleString("en").replaceAll(",", "\u202f");
  }

  // A share that is never rounded to a false 0 or 100.
  function percent(share) {
    if (share === null || share === undefined) return "–";
    if (share > 0 && share < 0.0005) return "<0.1\u00a0%";
    if (share < 1 && share >= 0.9995) return ">99.9\u00a0%";
    return `${Number((100 * share).toPrecision(3))}\u00a0%`;
  }

  function ago(seconds) {
    if (!seconds) return "–";
    const gone = Math.max(Date.now() / 1000 - seconds, 0);
    const units = [["d", 86400], ["h", 3600], ["min", 60]];
    const unit = units.find(([, length]) => gone >= length);
    return unit ? `${Math.floor(gone / unit[1])}\u00a0${unit[0]} ago` : "just now";
  }

  function date(seconds) {
    return seconds ? new Date(1000 * seconds).toLocaleString() : "";
  }

  function address(kind, path) {
    return `${root}/${kind}/${path.split("/").map(encodeURIComponent).join("/")}`;
  }

  async function get(place) {
    const answer = await fetch(place);
    if (!answer.ok) throw new Error((await answer.text()) || `${answer.status}`);
    return answer.json();
  }

  function pulse(state, text) {
    const shown = find("pulse");
    shown.dataset.state = state;
    setText(shown, text);
  }

  // Follow some runs, or all; not while nobody looks: browsers keep few connections open.
  function follow(paths, { ready, run, gone }) {
    let source = null;
    const query = paths.map((path) => `run=${encodeURIComponent(path)}`).join("&");
    const close = () => {
      if (source) source.close();
      source = null;
    };
    const open = () => {
      if (source || document.hidden) return;
      source = new EventSource(`${root}/events?${query}`);
      source.addEventListener("ready", ready);
      source.addEventListener("run", (event) => run(JSON.parse(event.data)));
      source.addEventListener("gone", (event) => gone && gone(JSON.parse(event.data).path));
      source.addEventListener("error", () => {
        pulse("lost", "not connected");
        if (!source || source.readyState !== EventSource.CLOSED) return; // it tries again itself
        close();
        setTimeout(open, 3000);
      });
    };
    document.addEventListener("visibilitychange", () => (document.hidden ? close() : open()));
    addEventListener("pagehide", close);
    addEventListener("pageshow", open);
    open();
  }

  // Do something after changes: not before the last time is over, rarely, and only while it is seen.
  function throttled(act, least = 1000) {
    let running = false;
    let wanted = false;
    let next = 0;
    const go = async () => {
      if (running || document.hidden) { wanted = true; return; }
      const wait = next - performance.now();
      running = true;
      wanted = false;
      if (wait > 0) await new Promise((done) => setTimeout(done, wait));
      const begin = performance.now();
      try { await act(); } catch (error) { pulse("lost", error.message.slice(0, 120)); }
      const end = performance.now();
      next = end + Math.max(least - (end - begin), 2 * (end - begin)); // a third of the time at most
      running = false;
      if (wanted) go();
    };
    document.addEventListener("visibilitychange", () => { if (!document.hidden && wanted) go(); });
    return go;
  }

  // A small curve; a gap where there is no value.
  function spark(values, width = 96, height = 24) {
    const known = values.filter((value) => value !== null);
    const [least, most] = [Math.min(...known), Math.max(...known)];
    const x = (place) => (values.length > 1 ? 1 + (place / (values.length - 1)) * (width - 2) : width / 2);
    const y = (value) => (most > least ? height - 2 - ((value - least) / (most - least)) * (height - 4) : height / 2);
    let pen = "M";
    const path = values.map((value, place) => {
      if (value === null) { pen = "M"; return ""; }
      const piece = `${pen}${x(place).toFixed(1)} ${y(value).toFixed(1)}`;
      pen = "L";
      return piece;
    }).join("");
    return known.length > 1 ? path : "";
  }

  return { root, find, make, setText, number, count, percent, ago, date, address, get, pulse, follow, throttled, spark, FIRST_BUCKETS };
})();
