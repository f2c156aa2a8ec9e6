// Transfers: where each is, which rules hold it, and how long it still takes.
import { now, state } from "./agent.js";
import { attribute, badge, bytes, duration, h, heading, isNumber, keyed, name, number, ruleLink, s, text } from "./dom.js";

const MOST = 1000; // the agent streams no more
const ORDER = ["held", "paused", "queued", "running", "staged"];

// What a transfer is doing: as its client says, or else as the decision has it.
const stateOf = (row) => row.state || (row.paused ? "paused" : row.delay > 0 ? "held" : row.staged ? "staged" : "queued");

// Rules hold what has not begun; what moves already goes on, unless it is paused.
const isMoving = (row) => ["running", "staged"].includes(stateOf(row));

function timeLeft(row) {
  const size = row.transfer.size;
  const word = stateOf(row);
  if (word === "held") return row.delay > 0 ? `at most ${duration(row.delay)}` : "until asked again";
  if (word === "paused") return "until resumed";
  const seconds = now() - row.since;
  if (!isNumber(size) || !row.bytes_moved || seconds <= 0) return "";
  return duration(((size - row.bytes_moved) * seconds) / row.bytes_moved);
}

export function transfersView() {
  const filters = h("div", { class: "bar-of-filters", role: "group", "aria-label": "Show only" });
  const body = h("tbody");
  const none = h("p", { class: "quiet", role: "status" });
  const titles = ["State", "Transfer", "Size", "Moved", "Held by", "Registered", "Time left"];
  const table = h("table", { class: "wide" }, h("caption", { class: "unseen" }, "Pending transfers"),
    h("thead", {}, h("tr", {}, titles.map((title) => h("th", { scope: "col" }, title)))), body);
  let only = null;

  function draw() {
    const all = [...state.transfers.values()];
    keyed(filters, ORDER.filter((word) => all.some((row) => stateOf(row) === word) || only === word), (word) => word,
      (word) => h("button", { onclick: () => ((only = only === word ? null : word), draw()) }, h("span"), h("span")),
      (button, word) => {
        text(button.firstChild, `${all.filter((row) => stateOf(row) === word).length} `);
        badge(word, button.lastChild);
        attribute(button, "aria-pressed", String(only === word));
      });
    const rows = all.filter((row) => !only || stateOf(row) === only);
    rows.sort((a, b) => ORDER.indexOf(stateOf(a)) - ORDER.indexOf(stateOf(b)) || a.since - b.since);
    text(none, all.length >= MOST ? `The first ${number(MOST)} transfers are shown.` : rows.length ? "" : "No transfer is registered.");
    table.hidden = rows.length === 0;
    keyed(body, rows, (row) => row.id, make, fill);
  }

  function make(row) {
    const progress = s("svg", { class: "progress", viewBox: "0 0 100 6", preserveAspectRatio: "none", "aria-hidden": "true" },
      s("rect", { class: "track", width: 100 }), s("rect", { class: "fill", width: 0 }));
    return h("tr", {}, h("td", {}, h("span")), h("td", {}, name(row.id), h("div", { class: "quiet", dir: "auto" }, row.transfer.path || "")),
      h("td", {}, bytes(row.transfer.size)), h("td", {}, h("span"), progress), h("td"), h("td", { class: "quiet" }), h("td"));
  }

  function fill(tr, row) {
    const [word, , , moved, held, since, left] = tr.children;
    const share = isNumber(row.bytes_moved) && row.transfer.size ? Math.min(1, row.bytes_moved / row.transfer.size) : null;
    badge(stateOf(row), word.firstChild);
    text(moved.firstChild, share === null ? "–" : `${Math.floor(share * 100)} %`);
    attribute(moved.lastChild.lastChild, "width", ((share || 0) * 100).toFixed(1));
    keyed(held, isMoving(row) ? [] : row.held_by, (rule) => rule, (rule) => h("div", {}, ruleLink(rule)));
    text(since, `${duration(now() - row.since)} ago`);
    text(left, timeLeft(row));
  }

  function update(sections) {
    if (["full", "transfers", "tick"].some((one) => sections.has(one))) draw();
  }
  return { elements: [heading("Transfers", "/v1/transfers?limit=1000"), filters, none, h("div", { class: "rows" }, table)], update };
}
