// Elements, keyed lists and formats. Data becomes text and attributes only, never markup.
const SVG = "http://www.w3.org/2000/svg";

function fill(element, properties, children) {
  for (const [name, value] of Object.entries(properties || {})) {
    if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else if (value === true) element.setAttribute(name, "");
    else if (value !== false && value !== null && value !== undefined) element.setAttribute(name, value);
  }
  element.append(...children.flat().filter((child) => child !== null && child !== undefined && child !== false));
  return element;
}

export const h = (tag, properties, ...children) => fill(document.createElement(tag), properties, children);
export const s = (tag, properties, ...children) => fill(document.createElementNS(SVG, tag), properties, children);

export function text(element, value) {
  if (element.textContent !== value) element.textContent = value;
}

export function attribute(element, name, value) {
  if (value === null || value === undefined || value === false) element.removeAttribute(name);
  else if (element.getAttribute(name) !== String(value)) element.setAttribute(name, value);
}

// Make the children of *parent* those of *items*: known keys are updated in place, in the order of the items.
export function keyed(parent, items, key, make, update = () => {}) {
  const known = (parent.known ||= new Map());
  const next = new Map();
  let before = parent.firstChild;
  for (const item of items) {
    const name = String(key(item));
    const element = known.get(name) || make(item);
    known.delete(name);
    next.set(name, element);
    if (element === before) before = before.nextSibling;
    else parent.insertBefore(element, before);
    update(element, item);
  }
  for (const element of known.values()) element.remove();
  parent.known = next;
}

export const number = (value, digits = 0) => value.toLocaleString("en-US", { maximumFractionDigits: digits });
export const isNumber = (value) => typeof value === "number" && Number.isFinite(value);

export function bytes(value) {
  if (!isNumber(value)) return "–";
  const units = ["B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB"];
  let place = 0;
  while (Math.abs(value) >= 1024 && place < units.length - 1) [value, place] = [value / 1024, place + 1];
  return `${number(value, value < 100 && place ? 1 : 0)} ${units[place]}`;
}

export function duration(seconds) {
  if (!isNumber(seconds)) return "–";
  const whole = Math.max(0, Math.round(seconds));
  const units = [[86400, "d", 3600, "h"], [3600, "h", 60, "min"], [60, "min", 1, "s"]].find(([size]) => whole >= size);
  if (!units) return `${whole} s`;
  const [size, unit, least, part] = units;
  const rest = Math.floor((whole % size) / least);
  return `${Math.floor(whole / size)} ${unit}${rest ? ` ${rest} ${part}` : ""}`;
}

export const clockTime = (seconds) => (isNumber(seconds) ? new Date(seconds * 1000).toTimeString().slice(0, 8) : "–");
export const isoTime = (seconds) => (isNumber(seconds) ? new Date(seconds * 1000).toISOString() : "");
export const time = (seconds) => h("time", { datetime: isoTime(seconds), title: isoTime(seconds) }, clockTime(seconds));
export const value = (any) => (isNumber(any) ? number(any, 2) : any === null || any === undefined ? "missing" : String(any));

// A name of the ruleset: right-to-left text and long words stay in their place.
export const name = (given, properties) => h("bdi", { class: "name", ...properties }, given);
export const ruleLink = (rule) => h("a", { href: `#/rules/${encodeURIComponent(rule)}`, class: "rule" }, name(rule));

// GPUs in words, neighbors as a range.
export function gpus(devices) {
  const runs = [];
  for (const device of devices || []) {
    const run = runs.at(-1);
    if (run && Number.isInteger(device) && run.at(-1) === device - 1) run.push(device);
    else runs.push([device]);
  }
  const words = runs.flatMap((run) => (run.length > 2 ? [`${run[0]}–${run.at(-1)}`] : run));
  return words.length ? `GPU ${words.join(", ")}` : "";
}


const STATES = {
  match: ["●", "matching"], "no-match": ["○", "not matching"], unknown: ["?", "unknown"],
  suppressed: ["⊘", "suppressed"], transfer: ["◐", "per transfer"], shadow: ["◌", "shadow"], disabled: ["–", "disabled"],
  stop: ["⊘", "suppressed by stop"], "agent-disabled": ["⊘", "rules are off"],
  queued: ["◔", "queued"], held: ["■", "held"], running: ["▶", "running"], paused: ["‖", "paused"],
  staged: ["▣", "staged"], on: ["●", "on"], off: ["○", "off"],
  delivered: ["✓", "delivered"], failed: ["✗", "failed"], dropped: ["✗", "dropped"], pending: ["◔", "pending"],
  superseded: ["↷", "superseded"],
};
export const stateWord = (state) => (STATES[state] || ["·", state])[1];

export function badge(state, element = h("span")) {
  if (element.dataset.state === state) return element;
  const [sign, word] = STATES[state] || ["·", state];
  element.dataset.state = state;
  element.className = "badge";
  element.replaceChildren(h("span", { "aria-hidden": "true" }, sign), h("span", { class: "word" }, ` ${word}`));
  return element;
}

export const heading = (title, json, ...extra) =>
  h("div", { class: "heading" }, h("h1", {}, title), ...extra, h("a", { class: "json", href: json, "data-json": json }, "JSON"));
