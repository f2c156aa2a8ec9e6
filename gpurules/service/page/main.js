// The frame of the page: views by their hash, the connection, banners, the token.
import { follow, get, hasToken, listen, notify, now, onTokenNeeded, state } from "./agent.js";
import { attribute, duration, h, isNumber, keyed, text } from "./dom.js";
import { eventsView } from "./events.js";
import { nodeView } from "./node.js";
import { rulesView } from "./rules.js";
import { rulesetView } from "./ruleset.js";
import { signalsView } from "./signals.js";
import { transfersView } from "./transfers.js";
import { whatIfView } from "./whatif.js";

const VIEWS = [
  ["node", "Node", nodeView], ["rules", "Rules", rulesView], ["signals", "Signals", signalsView],
  ["transfers", "Transfers", transfersView], ["events", "Events", eventsView], ["ruleset", "Ruleset", rulesetView],
  ["what-if", "What if", whatIfView],
];
const $ = (id) => document.getElementById(id);
const nav = document.querySelector("nav");
nav.append(...VIEWS.map(([key, title]) => h("a", { href: `#/${key}`, "data-view": key }, title)));

let current = null;
let currentKey = null;

function route() {
  const [, key = "", rest = ""] = location.hash.match(/^#\/([^/]*)\/?(.*)$/) || [];
  const [view, title, make] = VIEWS.find((one) => one[0] === key) || VIEWS[0];
  for (const link of nav.children) attribute(link, "aria-current", link.dataset.view === view ? "page" : null);
  if (view === currentKey && current.open?.(rest)) return;
  current?.close?.();
  const isMove = currentKey !== null;
  currentKey = view;
  current = make(rest);
  $("view").replaceChildren(...current.elements);
  $("view").dataset.view = view;
  document.title = `${title} · ${state.snapshot?.host || "gpurules"}`;
  current.update(new Set(["full"]));
  if (isMove) {
    $("view").focus({ preventScroll: true });
    scrollTo(0, 0);
  }
}

// The snapshot says nothing about that: where telemetry went stale, it is the agent's own.
const age = () => (isNumber(state.status?.telemetry_at) ? now() - state.status.telemetry_at : null);

function banners() {
  const { status, connection } = state;
  const found = [];
  const old = age();
  const add = (key, grade, ...words) => found.push({ key, grade, words });
  if (connection === "lost" && state.received) {
    const seconds = duration((Date.now() - state.received) / 1000);
    add("lost", "bad", h("strong", {}, "No connection to the agent."), ` What you see is ${seconds} old. Reconnecting…`);
  } else if (connection === "lost") add("lost", "bad", h("strong", {}, "The agent does not answer."), " Retrying…");
  if (!status) return found;
  if (old !== null && (status.stale || old > status.stale_after)) {
    const limit = duration(status.stale_after);
    add("stale", "bad", h("strong", {}, "Telemetry is stale."),
      ` The last reading is ${duration(old)} old (limit ${limit}). Decisions follow on_stale, not these values.`);
  }
  if (status.source_error) add("source", "bad", h("strong", {}, "Telemetry cannot be read: "), status.source_error);
  if (old === null) add("none", "bad", h("strong", {}, "No telemetry has been read yet."));
  if (!status.running) add("polling", "bad", h("strong", {}, "Polling is not running."));
  if (!status.enabled) add("off", "warn", h("strong", {}, "The rules are disabled."), " Nothing is required of transfers.");
  if (status.reload_error) {
    add("reload", "warn", h("strong", {}, "The edited ruleset was refused; the previous one stays in force."),
      h("pre", { tabindex: 0 }, status.reload_error));
  }
  if (status.dry_run) add("dry", "info", h("strong", {}, "Dry run."), " Effects are logged, not sent.");
  return found;
}

const SIGNS = { bad: "⚠", warn: "⚠", info: "ℹ" };

function frame() {
  const { status, snapshot, connection } = state;
  const shown = banners();
  keyed($("banners"), shown, (one) => one.key,
    (one) => h("div", { class: `banner ${one.grade}` }, h("span", { "aria-hidden": "true" }, SIGNS[one.grade]), h("p")),
    (element, one) => {
      const words = h("p", {}, ...one.words);
      if (element.lastChild.textContent !== words.textContent) element.lastChild.replaceWith(words);
    });
  const isOld = shown.some((one) => one.grade === "bad");
  document.body.classList.toggle("stale", isOld);
  text($("host"), snapshot?.host || (status ? "this node" : "…"));
  text($("ruleset"), status ? `${status.ruleset} ${status.ruleset_version}` : "");
  const words = { live: "Live", connecting: "Connecting…", lost: "Reconnecting…", locked: "Token needed" };
  const old = age();
  attribute($("connection"), "data-state", connection === "live" && isOld ? "stale" : connection);
  text($("connection"), words[connection]);
  text($("age"), old === null ? "" : `telemetry ${old < 10 ? Math.max(0, old).toFixed(1) : Math.round(old)} s old`);
  const [, title] = VIEWS.find((one) => one[0] === currentKey);
  const name = `${isOld ? "⚠ " : ""}${title} · ${snapshot?.host || "gpurules"}`;
  if (document.title !== name) document.title = name;
  announce(isOld ? shown.find((one) => one.grade === "bad").key : connection);
}

const ANNOUNCED = { lost: "The connection to the agent is lost.", stale: "Telemetry is stale.", live: "Live." };
let announced = null;

function announce(word) {
  if (announced === word) return;
  announced = word;
  if (ANNOUNCED[word]) $("announcements").replaceChildren(h("p", {}, ANNOUNCED[word]));
}

function askToken(isWrong) {
  const field = h("input", { type: "password", id: "token-field", autocomplete: "off", required: true });
  const dialog = $("token");
  return new Promise((resolve) => {
    const submit = (event) => {
      event.preventDefault();
      dialog.close();
      resolve(field.value.trim());
    };
    dialog.replaceChildren(h("form", { method: "dialog", onsubmit: submit },
      h("h2", { id: "token-title" }, "This agent needs a token"),
      h("p", {}, isWrong ? "The agent does not accept that token." : "It is kept in this tab only, until you close it."),
      h("label", { for: "token-field" }, "Token"), field, h("button", {}, "Continue")));
    dialog.oncancel = (event) => event.preventDefault();
    dialog.showModal();
  });
}

// A link to JSON cannot send a token; the page asks for it then and shows what it got.
document.addEventListener("click", async (event) => {
  const path = event.target.closest?.("[data-json]")?.getAttribute("href");
  if (!path || !hasToken()) return;
  event.preventDefault();
  const body = JSON.stringify(await get(path), null, 2);
  open(URL.createObjectURL(new Blob([body], { type: "application/json" })));
});

onTokenNeeded(askToken);
addEventListener("hashchange", route);
route();
listen((sections) => {
  frame();
  current.update(sections);
});
setInterval(() => notify("tick"), 1000);
frame();
follow();
