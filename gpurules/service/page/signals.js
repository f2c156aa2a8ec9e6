// Signals as a timeline: a lane for each signal of each GPU, or of the node.
import { get, now, state } from "./agent.js";
import { attribute, badge, clockTime, duration, h, heading, keyed, name, ruleLink, s, text } from "./dom.js";

const SPANS = [[300, "5 min"], [900, "15 min"], [3600, "1 h"]];

export function signalsView() {
  let span = 900;
  let past = [];
  let knownFrom = 0; // the agent keeps no more events, or started then
  const isAll = h("input", { type: "checkbox", id: "all-lanes", onchange: () => draw() });
  const spans = h("div", { class: "bar-of-filters", role: "group", "aria-label": "Time span" },
    SPANS.map(([seconds, title]) => h("button", { "aria-pressed": String(seconds === span), "data-span": seconds, onclick: () => choose(seconds) }, title)),
    h("label", {}, isAll, " lanes without change, too"));
  const lanes = h("div", { class: "lanes", role: "list", "aria-label": "Signals" });
  const axis = h("div", { class: "lane", "aria-hidden": "true" }, h("span"), h("span", { class: "axis quiet" }, h("span"), h("span"), h("span")), h("span"));
  const none = h("p", { class: "quiet" });

  function choose(seconds) {
    span = seconds;
    for (const button of spans.querySelectorAll("button")) attribute(button, "aria-pressed", String(Number(button.dataset.span) === span));
    draw();
  }

  // What was on from when to when, by lane: the ends of events, and what is on now.
  function intervals() {
    const found = new Map();
    const events = new Map([...past, ...state.events].map((event) => [event.id, event]));
    for (const event of events.values()) {
      if (event.kind !== "signal" || event.on) continue;
      const key = `${event.owner} ${event.signal}`;
      if (!found.has(key)) found.set(key, []);
      found.get(key).push([event.timestamp - event.lasted, event.timestamp]);
    }
    return found;
  }

  function draw() {
    const end = now();
    const start = end - span;
    const known = intervals();
    const rows = state.signals.map((signal) => {
      const key = `${signal.owner} ${signal.name}`;
      const parts = (known.get(key) || []).filter(([, to]) => to > start);
      return { key, signal, parts: signal.on ? [...parts, [signal.since, end]] : parts };
    });
    const shown = rows.filter((row) => isAll.checked || row.parts.length);
    const hidden = rows.length - shown.length;
    text(none, !rows.length ? "The ruleset has no signals." : (hidden ? `${hidden} of ${rows.length} lanes were off all the time. ` : "") +
      (knownFrom > start ? `What was before ${clockTime(knownFrom)} is not known.` : ""));
    [...axis.children[1].children].forEach((mark, place) => text(mark, clockTime(start + (place * span) / 2)));
    keyed(lanes, shown, (row) => row.key, makeLane, (lane, { signal, parts }) => {
      const [, drawing, word] = lane.children;
      const x = (at) => Math.max(0, (100 * (at - start)) / span);
      const drawn = knownFrom > start ? [[start, Math.min(knownFrom, end), "unknown"], ...parts] : parts;
      keyed(drawing, drawn, ([at, , kind]) => kind || at, ([, , kind]) => s("rect", { class: kind, y: 2, height: 12 }), (rect, [at, until]) => {
        attribute(rect, "x", x(at).toFixed(2));
        attribute(rect, "width", Math.max(0.3, x(until) - x(at)).toFixed(2));
      });
      attribute(drawing, "aria-label", `${signal.on ? "on" : "off"}; on ${parts.length} × in the last ${duration(span)}`);
      badge(signal.on ? "on" : "off", word.firstChild);
      text(word.lastChild, signal.on ? ` ${duration(end - signal.since)}` : "");
    });
  }

  function makeLane({ signal }) {
    const where = signal.device === null ? "node" : `GPU ${signal.device}`;
    return h("div", { class: "lane", role: "listitem" },
      h("span", {}, signal.rule ? ruleLink(signal.rule) : name(signal.name), h("span", { class: "quiet" }, ` · ${where}`)),
      s("svg", { viewBox: "0 0 100 16", preserveAspectRatio: "none", role: "img" }), h("span", { class: "r" }, h("span"), h("span", { class: "quiet" })));
  }

  function update(sections) {
    if (sections.has("full")) {
      Promise.all([get("/v1/events?kind=signal&limit=1000"), get("/v1/status")]).then(([found, status]) => {
        past = found.items;
        knownFrom = Math.max(status.started_at, found.next === null ? 0 : past.at(-1).timestamp);
        draw();
      }).catch(() => {});
    }
    if (["full", "signals", "events", "tick"].some((one) => sections.has(one))) draw();
  }
  return { elements: [heading("Signals", "/v1/signals?limit=1000"), spans, none, h("div", {}, axis, lanes)], update };
}
