// Events: what signals, rules, telemetry and the ruleset did, and whether effects were delivered.
import { get, state } from "./agent.js";
import { badge, duration, gpus, h, heading, keyed, name, number, ruleLink, time } from "./dom.js";

const KINDS = { "": "all", rule: "rules", signal: "signals", telemetry: "telemetry", ruleset: "ruleset", effect: "effects", agent: "agent" };
const SIGNS = { signal: "▲", rule: "●", telemetry: "≈", ruleset: "¶", effect: "→", agent: "◆" };

// What a rule does for many transfers at once is one line.
export function grouped(events) {
  const found = new Map();
  for (const event of events) {
    const key = event.transfer && event.kind === "rule" ? JSON.stringify([event.rule, event.edge, event.timestamp, event.devices]) : event.id;
    if (found.has(key)) found.get(key).transfers.push(event.transfer);
    else found.set(key, { ...event, transfers: [event.transfer] });
  }
  return [...found.values()];
}

function forTransfers({ transfer, transfers = [transfer] }) {
  if (!transfer) return [];
  return transfers.length === 1 ? [" for ", name(transfer)] : [` for ${transfers.length} transfers: `, name(transfers.slice(0, 5).join(", ")), transfers.length > 5 ? ", …" : ""];
}

// An event in words, as a list of elements and texts.
export function sentence(event) {
  const where = event.device !== null && event.device !== undefined ? ` · GPU ${event.device}` : "";
  const lasted = event.lasted ? ` after ${duration(event.lasted)}` : "";
  switch (event.kind) {
    case "signal": {
      const subject = event.rule ? ruleLink(event.rule) : name(event.signal);
      return [subject, ` ${event.on ? "on" : "off"}${lasted}${where}`, event.because ? `: ${event.because}` : ""];
    }
    case "rule": {
      const on = gpus(event.devices);
      const change = [event.joined.length ? `${gpus(event.joined)} joined` : "", event.left.length ? `${gpus(event.left)} left` : ""].filter(Boolean).join(", ");
      const words = { start: on ? `started on ${on}` : "started", stop: `stopped${lasted}`, change: `goes on: ${change}` }[event.edge];
      return [ruleLink(event.rule), ` ${words || event.edge}`, ...forTransfers(event),
        event.suppressed ? " (suppressed)" : "", ...(event.edge === "start" ? event.effects.map((one) => ` · ${one}`) : [])];
    }
    case "telemetry":
      return [event.ok ? "Telemetry is back" : `Telemetry failed: ${event.error}`];
    case "ruleset":
      return event.ok ? [`Ruleset ${event.ruleset} ${event.version} is in force`] : [h("strong", {}, "An edit was refused: "), event.error];
    case "effect":
      return [badge(event.state), ` ${event.effect} to `, name(event.receiver), " of ", ruleLink(event.rule), where,
        event.attempts > 1 ? `, ${event.attempts} attempts` : "", event.error ? `: ${event.error}` : ""];
    default:
      return [event.enabled === undefined ? event.kind : event.enabled ? "The rules were enabled" : "The rules were disabled"];
  }
}

export function eventsView() {
  const choice = h("select", { id: "kind", onchange: () => list() }, Object.entries(KINDS).map(([kind, title]) => h("option", { value: kind }, title)));
  const effects = h("div", { class: "panel" });
  const rows = h("ul", { class: "rows", "aria-label": "Events, newest first" });
  const more = h("button", { onclick: older }, "Older events");
  let past = [];
  const bar = h("div", { class: "bar-of-filters" }, h("label", { for: "kind" }, "Show"), choice);
  const json = "/v1/events?limit=1000";

  function list() {
    const known = new Map([...past, ...state.events].map((event) => [event.id, event]));
    const shown = [...known.values()].filter((event) => !choice.value || event.kind === choice.value).sort((a, b) => b.id - a.id);
    keyed(rows, grouped(shown), (event) => `${event.id} ${event.transfers.length}`, (event) => h("li", { class: "event" }, time(event.timestamp),
      h("span", { "aria-hidden": "true", class: event.kind === "telemetry" && !event.ok ? "maybe" : "quiet" }, SIGNS[event.kind] || "·"),
      h("span", {}, ...sentence(event))));
  }

  async function older() {
    const first = Math.min(...state.events.map((event) => event.id), ...past.map((event) => event.id));
    const kind = choice.value ? `&kind=${choice.value}` : "";
    const found = await get(`/v1/events?limit=200${Number.isFinite(first) ? `&before=${first}` : ""}${kind}`).catch(() => null);
    if (!found) return;
    past = [...found.items, ...past];
    more.disabled = found.next === null;
    list();
  }

  function delivery() {
    const counted = Object.entries(state.status?.effects || {});
    const columns = ["sent", "failed", "dropped", "superseded", "retried"];
    effects.hidden = counted.length === 0;
    effects.replaceChildren(h("h2", {}, "Effects"), h("div", { class: "scroll", tabindex: 0, role: "region", "aria-label": "Delivery of effects" },
      h("table", {}, h("thead", {}, h("tr", {}, ["Effect", ...columns].map((title) => h("th", { scope: "col" }, title)))),
        h("tbody", {}, counted.map(([effect, of]) => h("tr", {}, h("th", { scope: "row" }, name(effect)),
          columns.map((column) => h("td", { class: of[column] && column !== "sent" ? "r true" : "r" }, number(of[column] ?? 0)))))))),
      ...waiting(state.status?.queued_events, "queued"), ...waiting(state.status?.stuck_effects, "hangs"));
  }

  const waiting = (receivers, word) => Object.entries(receivers || {}).map(([receiver, of]) => h("p", {}, `⚠ ${word}: `, name(receiver), ` ${of}`));

  function update(sections) {
    if (sections.has("full")) past = [];
    if (sections.has("events") || sections.has("full")) list();
    if (sections.has("status") || sections.has("full")) delivery();
  }
  return { elements: [heading("Events", json), bar, effects, rows, more], update };
}
