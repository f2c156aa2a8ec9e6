// What if: facts set by hand, or another ruleset on the live snapshot, decided by the agent at once.
import { post, state } from "./agent.js";
import { bytes, clockTime, h, heading, isNumber, keyed, number, ruleLink, text } from "./dom.js";
import { directiveCells } from "./node.js";
import { truthTable } from "./rules.js";

const SLIDERS = [["memory", "Memory %", 0, 100], ["utilization", "Busy %", 0, 100], ["temperature", "Temperature °C", 0, 120], ["power", "Power W", 0, 1000]];
const KEPT = ["index", "uuid", "name", "memory", "memory_total", "utilization", "temperature", "temperature_margin", "power", "power_limit", "status", "throttled", "mig"];
const MOST = 100; // rules whose reasons are listed
const TRANSFER = [["path", "Path", "text"], ["size", "Size, bytes", "number"], ["operation", "Operation", ["", "read", "write"]], ["file_type", "File type", "text"]];
const WORKLOAD = [["type", "Workload", ["", "training", "inference", "other"]]];

const pack = (facts) => btoa(String.fromCharCode(...new TextEncoder().encode(JSON.stringify(facts)))).replaceAll("+", "-").replaceAll("/", "_").replace(/=+$/, "");
function unpack(given) {
  try {
    const found = JSON.parse(new TextDecoder().decode(Uint8Array.from(atob(given.replaceAll("-", "+").replaceAll("_", "/")), (one) => one.charCodeAt(0))));
    return found && Array.isArray(found.snapshot?.gpus) ? { transfer: {}, workload: {}, ...found } : null;
  } catch {
    return null;
  }
}

export function whatIfView(given) {
  let facts = unpack(given);
  let chosen = "all";
  let attempt = null;
  const gpu = h("select", { id: "gpu", onchange: () => ((chosen = gpu.value), showValues()) });
  const sliders = h("div", { class: "fields" }, SLIDERS.map(slider));
  const transfer = h("fieldset", {}, h("legend", {}, "Transfer"), TRANSFER.map((one) => field("transfer", one)), h("p", { class: "quiet r", id: "size-words" }));
  const workload = h("fieldset", {}, h("legend", {}, "Workload"), WORKLOAD.map((one) => field("workload", one)));
  const taken = h("p", { class: "quiet" });
  const trial = h("textarea", { id: "trial", spellcheck: "false", "aria-describedby": "trial-note", oninput: () => decide() });
  const isTried = h("input", { type: "checkbox", id: "tried", onchange: tryRuleset });
  const isLive = h("input", { type: "checkbox", id: "live", onchange: () => decide() });
  const cells = h("dl", { class: "directives", "aria-label": "Decision" });
  const outcome = h("p", { role: "status" });
  const findings = h("ul");
  const reasons = h("ul", { class: "reasons" });
  const form = h("form", { class: "fields panel", onsubmit: (event) => event.preventDefault() },
    h("fieldset", {}, h("legend", {}, "GPUs"), taken, h("button", { type: "button", onclick: retake }, "Take the current snapshot"),
      h("div", { class: "field" }, h("label", { for: "gpu" }, "Change"), gpu), sliders), transfer, workload,
    h("fieldset", {}, h("legend", {}, "Ruleset"), h("label", {}, isTried, " try an edited ruleset"), h("label", {}, isLive, " on the live snapshot, not the one above"),
      h("p", { class: "quiet", id: "trial-note" }, "Nothing is saved, no effect is called; a signal is on where its condition is true."), trial));
  const result = h("section", { class: "fields", "aria-label": "Decision and reasons" }, outcome, cells, findings, h("div", { class: "panel" }, h("h2", {}, "Reasons"), reasons));
  const sets = form.querySelectorAll("fieldset");
  for (const set of sets) set.disabled = true; // until there are facts
  trial.hidden = true;
  const title = heading("What if", "#");
  const json = title.lastChild;
  json.removeAttribute("data-json");

  function slider([key, title, low, high]) {
    const both = ["range", "number"].map((type) => h("input", { type, min: low, max: high, step: "any", "data-key": key, "aria-label": type === "range" ? `${title}, slider` : null,
      id: type === "number" ? `w-${key}` : null, oninput: (event) => set(key, event.target.value) }));
    return h("div", { class: "slider" }, h("label", { for: `w-${key}` }, title), ...both);
  }

  function field(group, [key, title, kind]) {
    const change = (event) => {
      const said = event.target.value.trim();
      if (said === "") delete facts[group][key];
      else facts[group][key] = kind === "number" ? Number(said) : said;
      showWords();
      decide();
    };
    const control = Array.isArray(kind) ? h("select", { onchange: change }, kind.map((one) => h("option", { value: one }, one || "not given")))
      : h("input", { type: kind, min: kind === "number" ? 0 : null, oninput: change });
    Object.assign(control, { id: `${group}-${key}` });
    return h("div", { class: "field" }, h("label", { for: `${group}-${key}` }, title), control);
  }

  const targets = () => facts.snapshot.gpus.filter((one) => chosen === "all" || String(one.index) === chosen);

  function set(key, said) {
    for (const one of targets()) said === "" ? delete one[key] : (one[key] = Number(said));
    showValues();
    decide();
  }

  function capture() {
    const { timestamp, gpus } = state.snapshot;
    return { timestamp, gpus: gpus.map((one) => Object.fromEntries(KEPT.filter((key) => one[key] !== undefined).map((key) => [key, one[key]]))) };
  }

  function retake() {
    if (!state.snapshot) return;
    facts.snapshot = capture();
    showAll();
    decide();
  }

  function tryRuleset() {
    trial.hidden = !isTried.checked;
    if (isTried.checked && !trial.value) trial.value = state.ruleset?.source || "";
    decide();
  }

  function showWords() {
    text(transfer.lastChild, isNumber(facts.transfer.size) ? `= ${bytes(facts.transfer.size)}` : "");
  }

  function showValues() {
    for (const input of sliders.querySelectorAll("input")) {
      const value = targets().find((one) => isNumber(one[input.dataset.key]))?.[input.dataset.key];
      if (input !== document.activeElement) input.value = isNumber(value) ? Math.round(value * 10) / 10 : "";
    }
  }

  function showAll() {
    text(taken, `Based on the snapshot of ${clockTime(facts.snapshot.timestamp)}.`);
    keyed(gpu, ["all", ...facts.snapshot.gpus.map((one) => String(one.index))], (one) => one, (one) => h("option", { value: one }, one === "all" ? "every GPU" : `GPU ${one}`));
    for (const [group, fields] of [["transfer", TRANSFER], ["workload", WORKLOAD]]) for (const [key] of fields) form.querySelector(`#${group}-${key}`).value = facts[group][key] ?? "";
    showValues();
    showWords();
  }

  const request = () => ({ transfer: facts.transfer, ...(facts.workload.type ? { workload: facts.workload } : {}),
    ...(isLive.checked ? {} : { snapshot: facts.snapshot }), ...(isTried.checked ? { ruleset: trial.value, lint: true } : {}) });

  let timer = 0;
  function decide() {
    clearTimeout(timer);
    timer = setTimeout(async () => {
      history.replaceState(null, "", `#/what-if/${pack(facts)}`);
      attempt?.abort();
      attempt = new AbortController();
      try {
        const asked = request();
        const answer = await post("/v1/evaluate", asked, attempt.signal);
        URL.revokeObjectURL(json.href);
        json.href = URL.createObjectURL(new Blob([JSON.stringify({ request: asked, answer: answer.data }, null, 2)], { type: "application/json" }));
        show(answer);
      } catch (error) {
        if (error.name !== "AbortError") text(outcome, "The agent did not answer.");
      }
    }, 60);
  }

  function show({ ok, data }) {
    const problems = ok ? data.diagnostics : data.errors;
    keyed(findings, problems, (one) => JSON.stringify(one), (one) => h("li", { class: "finding" },
      one.code ? `${one.code} line ${one.line}: ${one.message}` : `${one.pointer || ""} ${one.detail}`, one.hint ? ` (${one.hint})` : ""));
    const { decision, explanation } = ok ? data : {};
    cells.hidden = !decision;
    if (!decision) {
      text(outcome, ok ? "The ruleset has errors; it decides nothing." : data.detail || "The agent refused these facts.");
      return reasons.replaceChildren();
    }
    text(outcome, decision.matched.length ? `${number(decision.matched.length)} rules match.` : "No rule matches.");
    directiveCells(cells, decision);
    const opened = new Set([...reasons.querySelectorAll("details[open]")].map((one) => one.dataset.rule));
    const rank = (rule) => ({ match: 0, unknown: 1 })[rule.outcome] ?? 2;
    const sorted = explanation.rules.toSorted((a, b) => rank(a) - rank(b));
    const rest = sorted.length > MOST ? [h("li", {}, `and ${sorted.length - MOST} more rules`)] : [];
    reasons.replaceChildren(...sorted.slice(0, MOST).map((rule) => reason(rule, opened.has(rule.rule))), ...rest);
  }

  // The table of a rule is drawn when it is opened.
  function reason(rule, isOpen) {
    const draw = () => parts.children.length === 1 && parts.append(truthTable(rule.condition));
    const parts = h("details", { "data-rule": rule.rule, open: isOpen, ontoggle: draw }, h("summary", {}, "Each part"));
    const sign = { match: "● ", unknown: "? " }[rule.outcome] || "○ ";
    return h("li", {}, h("p", {}, h("strong", { class: rule.outcome === "match" ? "true" : "quiet" }, sign, ruleLink(rule.rule)), ` ${rule.reason}`),
      rule.nearest && h("p", { class: "quiet" }, `Nearest change: ${rule.nearest.text}`), rule.condition && parts);
  }

  function update(sections) {
    if (facts === null && state.snapshot) facts = { snapshot: capture(), transfer: { path: "/data/shard-0001.tar", size: 4294967296, operation: "read" }, workload: {} };
    if (facts === null) return;
    if (!gpu.known) {
      for (const set of sets) set.disabled = false;
      showAll();
      decide();
    } else if (isLive.checked && sections.has("snapshot")) decide();
  }
  const open = (rest) => rest !== "" && rest === pack(facts);
  const close = () => clearTimeout(timer);
  return { elements: [title, h("div", { class: "whatif" }, form, result)], update, open, close };
}
