// The node: what is required of transfers now, and a card per GPU.
import { get, now, state } from "./agent.js";
import { attribute, badge, bytes, duration, gpus, h, heading, isNumber, keyed, name, number, ruleLink, s, text } from "./dom.js";

const STEP = 10;
const WINDOW = 900;
const MOST = 8; // rules that are named
const throttleAt = (gpu) =>
  isNumber(gpu.temperature) && isNumber(gpu.temperature_margin) ? gpu.temperature + gpu.temperature_margin : null;
const METRICS = [
  { key: "memory", title: "Memory", unit: "%", limit: () => 100,
    extra: (gpu) => (isNumber(gpu.memory_used) ? `${bytes(gpu.memory_used)} of ${bytes(gpu.memory_total)}` : "") },
  { key: "utilization", title: "Busy", unit: "%", limit: () => 100, extra: () => "" },
  { key: "temperature", title: "Temperature", unit: "°C",
    limit: throttleAt,
    extra: (gpu) => (throttleAt(gpu) === null ? "" : `limit ${number(throttleAt(gpu))} °C`) },
  { key: "power", title: "Power", unit: "W", limit: (gpu) => gpu.power_limit ?? null,
    extra: (gpu) => (isNumber(gpu.power_limit) ? `limit ${number(gpu.power_limit)} W` : "") },
];
const HOLDS = { "<": (a, b) => a < b, "<=": (a, b) => a <= b, ">": (a, b) => a > b, ">=": (a, b) => a >= b,
  "==": (a, b) => a === b, "!=": (a, b) => a !== b };

export function nodeView() {
  const directives = h("dl", { class: "directives", "aria-label": "What is required of transfers now" });
  const matching = h("p", { class: "matching" });
  const problems = h("ul", { class: "problems" });
  const grid = h("div", { class: "cards" });
  const history = new Map(METRICS.map((metric) => [metric.key, { times: [], gpus: {} }]));
  let seeded = 0;
  const view = { elements: [heading("Node", "/v1/snapshot"), directives, matching, problems, grid], update };

  async function seed() {
    const mine = ++seeded;
    try {
      for (const { key } of METRICS) {
        const found = await get(`/v1/history?field=${key}&since=-${WINDOW}&step=${STEP}`);
        if (mine !== seeded) return;
        history.set(key, found);
      }
      cards(true);
    } catch {
      // without a past, the lines grow from now on
    }
  }

  function append() {
    const at = state.snapshot.timestamp;
    for (const [key, series] of history) {
      const isNew = Math.floor(at / STEP) !== Math.floor((series.times.at(-1) ?? 0) / STEP);
      if (isNew) series.times.push(at);
      const place = series.times.length - 1;
      for (const gpu of state.snapshot.gpus) (series.gpus[gpu.index] ||= [])[place] = gpu[key] ?? null;
      while (series.times[0] < at - WINDOW) {
        series.times.shift();
        for (const values of Object.values(series.gpus)) values.shift();
      }
    }
  }

  function cards(isWhole) {
    if (!state.snapshot) return;
    const boards = new Map();
    for (const gpu of state.snapshot.gpus) {
      const [board, instance] = String(gpu.index).split(":");
      if (!boards.has(board)) boards.set(board, { index: board, gpu: null, instances: [] });
      if (instance === undefined) boards.get(board).gpu = gpu;
      else boards.get(board).instances.push(gpu);
    }
    const marks = thresholds();
    const notes = notesByGpu();
    keyed(grid, boards.values(), (board) => board.index, makeCard,
      (card, board) => updateCard(card, board, { marks, notes, history, isWhole }));
  }

  function update(sections) {
    if (sections.has("full")) seed();
    if (!state.status) return;
    if (sections.has("snapshot") && state.snapshot) append();
    if (sections.has("directives") || sections.has("full")) showDirectives(directives, matching);
    keyed(problems, state.snapshot?.problems || [], (one) => one, (one) => h("li", {}, one));
    if (["snapshot", "rules", "signals", "ruleset", "full"].some((one) => sections.has(one))) cards(sections.has("ruleset"));
  }

  return view;
}

const DIRECTIVES = [
  ["paused", "Pause", (d) => (d.paused ? "paused" : "none"), (d) => d.paused],
  ["delay", "Delay", (d) => (d.delay ? duration(d.delay) : "none"), (d) => d.delay > 0],
  ["prefetch_factor", "Prefetch", (d) => `${number(d.prefetch_factor * 100)} %`, (d) => d.prefetch_factor !== 1],
  ["priority_boost", "Priority", (d) => (d.priority_boost ? `+${number(d.priority_boost)}` : "usual"), (d) => d.priority_boost],
  ["stage", "Staging", (d) => (d.stage ? `from ${bytes(d.stage.threshold)}` : "off"), (d) => d.stage],
  ["max_bandwidth", "Bandwidth", (d) => (d.max_bandwidth === null ? "no limit" : `${bytes(d.max_bandwidth)}/s`),
    (d) => d.max_bandwidth !== null],
  ["max_concurrency", "At once", (d) => (d.max_concurrency === null ? "no limit" : number(d.max_concurrency)),
    (d) => d.max_concurrency !== null],
];

export function showDirectives(list, matching) {
  const decision = state.directives;
  if (!decision) return;
  directiveCells(list, decision);
  const { matched } = decision;
  if (matched.length === 0) return matching.replaceChildren("No rule matches.");
  const rest = matched.length - MOST;
  matching.replaceChildren("Because of ", ...matched.slice(0, MOST).flatMap((match, place) => [place ? " · " : "", ruleLink(match.rule),
    match.devices.length ? h("span", { class: "quiet" }, ` ${gpus(match.devices)}`) : ""]), rest > 0 ? h("a", { href: "#/rules" }, ` and ${rest} more`) : "");
}

export function directiveCells(list, decision) {
  keyed(list, DIRECTIVES, (one) => one[0], ([, title]) => h("div", {}, h("dt", {}, title), h("dd")), (cell, one) => {
    const isSet = Boolean(one[3](decision));
    text(cell.lastChild, `${isSet ? "▲ " : ""}${one[2](decision)}`);
    cell.classList.toggle("set", isSet);
  });
}

// The marks of each metric, worked out once for a ruleset; their places once for a limit, which most GPUs share.
let marked = null;
function thresholds() {
  if (marked?.ruleset === state.ruleset) return marked.found;
  const found = new Map(METRICS.map((metric) => [metric.key, new Map()]));
  for (const mark of state.ruleset?.thresholds || []) {
    const marks = found.get(mark.attribute);
    const key = `${mark.ends} ${mark.comparison} ${mark.value}`;
    if (marks && !marks.has(key)) marks.set(key, { ...mark, names: [] });
    marks?.get(key).names.push(mark.rule || mark.signal);
  }
  for (const [key, marks] of found) {
    const [starts, ends] = [false, true].map((wanted) => [...marks.values()].filter((mark) => mark.ends === wanted));
    const words = starts.slice(0, 8).map((mark) => `${mark.comparison} ${number(mark.value, 1)} (${mark.names.slice(0, 3).join(", ")})`);
    found.set(key, { starts, ends, most: Math.max(100, ...[...marks.values()].map((mark) => mark.value)), words: words.join("; "), drawn: new Map() });
  }
  marked = { ruleset: state.ruleset, found };
  return found;
}

function paths(marks, limit) {
  if (!marks.drawn.has(limit)) {
    if (marks.drawn.size > 100) marks.drawn.clear();
    const draw = (list, path) => [...new Set(list.map((mark) => (100 * mark.value) / limit))].filter((place) => place >= 0 && place <= 100).map(path).join("");
    marks.drawn.set(limit, { ticks: draw(marks.starts, (place) => `M${place.toFixed(2)} 0V12`), ends: draw(marks.ends, (place) => `M${place.toFixed(2)} 3V9`),
      lines: draw(marks.starts, (place) => `M0 ${(24 - place * 0.24).toFixed(1)}H100`) });
  }
  return marks.drawn.get(limit);
}

// What is on at each GPU: signals, and rules that match there.
function notesByGpu() {
  const found = new Map();
  const add = (device, note) => (found.get(String(device)) || found.set(String(device), []).get(String(device))).push(note);
  for (const signal of state.signals) {
    if (signal.on && signal.device !== null) add(signal.device, { key: `s${signal.name}`, title: signal.rule || signal.name, since: signal.since });
  }
  for (const [rule, { state: word, devices }] of state.rules) {
    if (word === "match") for (const device of devices) add(device, { key: `r${rule}`, title: rule, isRule: true });
  }
  return found;
}

function makeCard(board) {
  return h("article", { class: "card", "aria-label": `GPU ${board.index}` },
    h("header", {}, h("h2", {}, `GPU ${board.index}`), h("span", { class: "quiet model" }), h("span", { class: "status" })),
    h("div", { class: "metrics" }), h("ul", { class: "notes", "aria-label": "On at this GPU" }), h("div", { class: "instances" }));
}

function updateCard(card, board, context) {
  const [header, metrics, notes, instances] = card.children;
  const { gpu } = board;
  text(header.children[1], gpu ? (gpu.name || "").replace(/^NVIDIA /, "") : "partitioned");
  const word = gpu?.status && gpu.status !== "ok" ? `⚠ ${gpu.status}` : gpu?.throttled ? "⚠ throttled" : "";
  text(header.children[2], word);
  keyed(metrics, gpu ? METRICS : [], (metric) => metric.key, makeMetric, (row, metric) => updateMetric(row, metric, gpu, context));
  updateNotes(notes, context.notes.get(String(board.index)) || []);
  keyed(instances, board.instances, (one) => one.index,
    (one) => h("section", {}, h("h3", {}, `MIG ${one.index}`, h("span", { class: "quiet model" }, ` ${(one.name || "").replace(/^.* MIG /, "")}`)),
      h("div", { class: "metrics" }), h("ul", { class: "notes" })),
    (section, one) => {
      keyed(section.children[1], METRICS.filter(({ key }) => isNumber(one[key]) || key === "memory"), (metric) => metric.key,
        makeMetric, (row, metric) => updateMetric(row, metric, one, context));
      updateNotes(section.children[2], context.notes.get(String(one.index)) || []);
    });
}

function updateNotes(list, notes) {
  const shown = notes.slice(0, 6);
  if (notes.length > 6) shown.push({ key: "more", title: `and ${notes.length - 6} more` });
  keyed(list, shown, (note) => note.key,
    (note) => h("li", { class: note.isRule ? "note" : "note signal" }, note.isRule ? ruleLink(note.title) : name(note.title), h("span", { class: "quiet" })),
    (item, note) => text(item.lastChild, isNumber(note.since) ? ` ${duration(now() - note.since)}` : ""));
}

function makeMetric(metric) {
  const line = s("svg", { class: "line", viewBox: "0 0 100 24", preserveAspectRatio: "none", "aria-hidden": "true" },
    s("path", { class: "marks" }), s("path", { class: "past" }));
  const bar = s("svg", { class: "bar", viewBox: "0 0 100 12", preserveAspectRatio: "none", role: "img" }, s("title"),
    s("rect", { class: "track", y: 3, width: 100, height: 6 }), s("rect", { class: "fill", y: 3, height: 6, width: 0 }),
    s("path", { class: "ends" }), s("path", { class: "marks" }));
  return h("div", { class: "metric" }, h("span", { class: "label" }, metric.title), line,
    h("span", { class: "reading" }, h("b"), h("span", { class: "quiet" })), bar);
}

function updateMetric(row, metric, gpu, { marks, history, isWhole }) {
  const [, line, reading, bar] = row.children;
  const [title, , full, ends, ticks] = bar.children;
  const given = gpu[metric.key];
  const known = marks.get(metric.key);
  const limit = metric.limit(gpu) ?? row.limit ?? Math.max(known.most, given ?? 0);
  const isCrossed = isNumber(given) && known.starts.some((mark) => HOLDS[mark.comparison](given, mark.value));
  row.classList.toggle("missing", !isNumber(given));
  row.classList.toggle("crossed", isCrossed);
  const why = gpu.missing || {};
  const reason = why[metric.key] || (metric.key === "memory" && (why.memory_used || why.memory_total)) ||
    (["lost", "unavailable"].includes(gpu.status) ? `GPU ${gpu.status}` : "not reported");
  text(reading.firstChild, isNumber(given) ? `${isCrossed ? "▲ " : ""}${number(given)} ${metric.unit}` : "missing");
  text(reading.lastChild, isNumber(given) ? metric.extra(gpu) : reason);
  attribute(full, "width", isNumber(given) ? Math.min(100, Math.max(0, (100 * given) / limit)).toFixed(2) : 0);
  const drawn = paths(known, limit);
  if (row.marks !== drawn) {
    row.marks = drawn;
    attribute(ticks, "d", drawn.ticks);
    attribute(ends, "d", drawn.ends);
    attribute(line.firstChild, "d", drawn.lines);
  }
  text(title, `${metric.title} ${isNumber(given) ? `${number(given)} of ${number(limit)} ${metric.unit}` : `missing: ${reason}`}` +
    (known.words ? `. Thresholds: ${known.words}` : ""));
  const series = history.get(metric.key);
  const last = series.times.length;
  if (!isWhole && row.drawn === last && row.limit === limit) return;
  Object.assign(row, { drawn: last, limit });
  attribute(line.lastChild, "d", past(series.times, series.gpus[gpu.index] || [], limit));
}

function past(times, values, limit) {
  const end = times.at(-1);
  let path = "";
  let isDown = false;
  times.forEach((at, place) => {
    const given = values[place];
    if (!isNumber(given)) return (isDown = false);
    const x = 100 - (100 * (end - at)) / WINDOW;
    path += `${isDown ? "L" : "M"}${x.toFixed(1)} ${(23 - 22 * Math.min(1, Math.max(0, given / limit))).toFixed(1)}`;
    isDown = true;
  });
  return path;
}
