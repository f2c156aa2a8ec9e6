// The ruleset: its files, highlighted, with findings at their lines and the live state of rules and signals beside.
import { state } from "./agent.js";
import { attribute, badge, gpus, h, heading, keyed, name, text } from "./dom.js";

const BLOCK = 50;
const TOKEN = /(#.*$)|("(?:[^"\\]|\\.)*"|'[^']*')|\b(AND|OR|NOT|IN|IS|MISSING|TRUE|FALSE|true|false|null)\b|(\b\d[\w.%]*)|([\w-]+)(?=:(?:\s|$))/gm;
const CLASSES = ["c", "t", "k", "v", "k"];

export function highlight(line) {
  const parts = [];
  let end = 0;
  for (const found of line.matchAll(TOKEN)) {
    if (found.index > end) parts.push(line.slice(end, found.index));
    parts.push(h("span", { class: CLASSES[found.slice(1).findIndex((group) => group !== undefined)] }, found[0]));
    end = found.index + found[0].length;
  }
  parts.push(line.slice(end));
  return parts;
}

export function rulesetView() {
  const facts = h("p", { class: "quiet" });
  const tabs = h("div", { class: "bar-of-filters", role: "group", "aria-label": "Files" });
  const findings = h("ul");
  const source = h("div", { class: "source", tabindex: 0, role: "region", "aria-label": "Source" });
  let path = null;
  let margins = [];

  function draw() {
    const { ruleset } = state;
    if (!ruleset) return;
    const files = ruleset.sources;
    if (!files.some((file) => file.path === path)) path = files.at(-1)?.path ?? null;
    text(facts, `${ruleset.name} ${ruleset.version}${ruleset.description ? ` · ${ruleset.description}` : ""}`);
    keyed(tabs, files, (file) => file.path, (file) => h("button", { onclick: () => ((path = file.path), draw()) }, name(file.path.split("/").at(-1), { title: file.path })),
      (button, file) => attribute(button, "aria-pressed", String(file.path === path)));
    keyed(findings, ruleset.findings, (one) => `${one.path} ${one.line} ${one.message}`,
      (one) => h("li", { class: "finding" }, `${one.code} ${one.severity}, line ${one.line}: ${one.message}`));
    drawSource(files.find((file) => file.path === path));
    live();
  }

  function drawSource(file) {
    margins = [];
    if (!file || file.source === null) return source.replaceChildren(h("p", { class: "panel" }, "The text of this file cannot be shown."));
    const rules = new Map([...state.definitions.values()].filter((rule) => rule.path === file.path).map((rule) => [rule.line, rule.name]));
    const wrong = new Map(state.ruleset.findings.filter((one) => one.path === file.path).map((one) => [one.line, one]));
    const signals = new Set(state.ruleset.signals.map((signal) => signal.name));
    let section = "";
    const lines = file.source.split("\n").map((line, place) => {
      section = line.match(/^([\w-]+):/)?.[1] ?? section;
      const signal = section === "signals" && line.match(/^ {1,4}([\w-]+):/)?.[1];
      const margin = h("span", { class: "m" });
      const named = section === "rules" && line.match(/\bname: *["']?([^,"'}]+?)["']? *(?:[,}]|$)/)?.[1]; // an override, too
      const rule = rules.get(place + 1) ?? (state.definitions.has(named) ? named : null);
      if (rule) margins.push({ margin, rule });
      else if (signals.has(signal)) margins.push({ margin, signal });
      const finding = wrong.get(place + 1);
      return h("div", { class: finding ? "l wrong" : "l" }, margin, h("span", { class: "n" }, place + 1), h("code", {}, ...highlight(line)),
        finding && h("span", { class: "why" }, `⚠ ${finding.code} ${finding.message}`));
    });
    const blocks = [];
    for (let at = 0; at < lines.length; at += BLOCK) blocks.push(h("div", { class: "block" }, lines.slice(at, at + BLOCK)));
    source.classList.toggle("plain", margins.length === 0);
    source.replaceChildren(...blocks);
  }

  function live() {
    const on = new Map();
    for (const one of state.signals) if (one.on) on.set(one.name, [...(on.get(one.name) || []), ...(one.device === null ? [] : [one.device])]);
    for (const { margin, rule, signal } of margins) {
      const found = rule ? state.rules.get(rule) : { state: on.has(signal) ? "on" : "off", devices: on.get(signal) };
      if (!found) continue;
      if (!margin.firstChild) margin.append(h("span"), h("span", { class: "quiet" }));
      badge(found.state === "suppressed" ? found.because : found.state, margin.firstChild);
      text(margin.lastChild, found.devices?.length ? ` ${gpus(found.devices)}` : "");
    }
  }

  function update(sections) {
    if (sections.has("ruleset") || sections.has("full")) draw();
    else if (sections.has("rules") || sections.has("signals")) live();
  }
  return { elements: [heading("Ruleset", "/v1/ruleset"), facts, findings, tabs, source], update };
}
