// Rules with their state; opening one shows the live value and truth of each part of its condition per GPU.
import { get, now, state } from "./agent.js";
import { attribute, badge, duration, gpus, h, heading, isNumber, keyed, name, ruleLink, stateWord, text, time, value } from "./dom.js";
import { grouped, sentence } from "./events.js";

const ORDER = ["match", "unknown", "transfer", "suppressed", "no-match"];

export function rulesView(open) {
  const search = h("input", { type: "search", id: "search", placeholder: "name, condition, tag", oninput: () => list() });
  const filters = h("div", { class: "bar-of-filters", role: "group", "aria-label": "Show only" });
  const rows = h("ul", { class: "rows", "aria-label": "Rules" });
  const count = h("p", { class: "quiet", role: "status" });
  let only = null;
  let opened = null;
  const bar = h("div", { class: "bar-of-filters" }, h("label", { for: "search" }, "Find"), search, filters);
  const view = { elements: [heading("Rules", "/v1/rules?limit=1000"), bar, count, rows], update, open: show, close: () => opened?.close() };

  function show(rest) {
    let wanted = null;
    try {
      wanted = rest ? decodeURIComponent(rest) : null;
    } catch {
      return false;
    }
    if (opened?.name !== wanted) {
      opened?.close();
      opened = wanted === null ? null : ruleDetail(wanted);
      list();
      rows.querySelector(".detail")?.parentElement.scrollIntoView({ block: "nearest" });
    }
    return true;
  }

  function list() {
    const words = search.value.toLowerCase();
    const all = [...state.definitions.values()];
    const found = all.filter((rule) => {
      const live = state.rules.get(rule.name);
      if (only && live?.state !== only) return false;
      return !words || `${rule.name} ${rule.condition} ${rule.tags.join(" ")}`.toLowerCase().includes(words);
    });
    const counts = ORDER.map((word) => [word, all.filter((rule) => state.rules.get(rule.name)?.state === word).length]);
    keyed(filters, counts.filter(([word, many]) => many || word === only), ([word]) => word,
      ([word]) => h("button", { onclick: () => ((only = only === word ? null : word), list()) }),
      (button, [word, many]) => {
        text(button, `${many} ${stateWord(word)}`);
        attribute(button, "aria-pressed", String(only === word));
      });
    text(count, found.length === all.length ? `${all.length} rules, by priority` : `${found.length} of ${all.length} rules`);
    keyed(rows, found, (rule) => rule.name, makeRow, updateRow);
  }

  function makeRow(rule) {
    const toggle = () => (location.hash = opened?.name === rule.name ? "#/rules" : `#/rules/${encodeURIComponent(rule.name)}`);
    return h("li", {}, h("button", { class: "line1", onclick: toggle, "aria-expanded": "false" }, h("span", { class: "badge" }),
      h("span", { class: "what" }, name(rule.name), h("code", { class: "quiet" }, rule.condition)), h("span"), h("span", { class: "r" }),
      h("span", { class: "quiet r" })));
  }

  function updateRow(row, rule) {
    const [mark, , where, since, often] = row.firstChild.children;
    const live = state.rules.get(rule.name) || rule;
    badge(live.state === "suppressed" ? live.because || "suppressed" : live.state, mark);
    text(where, gpus(live.devices));
    text(since, isNumber(live.since) ? `for ${duration(now() - live.since)}` : "");
    text(often, live.starts_last_hour ? `${live.starts_last_hour} × in 1 h` : "");
    const isOpen = opened?.name === rule.name;
    attribute(row.firstChild, "aria-expanded", String(isOpen));
    if (!isOpen) row.children[1]?.remove();
    else if (row.children[1] !== opened.element) row.append(opened.element);
  }

  function update(sections) {
    const isNew = sections.has("ruleset") || sections.has("full");
    if (isNew || sections.has("rules")) list();
    else if (sections.has("tick")) {
      for (const [key, row] of rows.known || []) {
        const rule = state.definitions.get(key);
        if (rule && state.rules.get(key)?.since) updateRow(row, rule);
      }
    }
    if (isNew || sections.has("snapshot")) opened?.refresh();
  }

  show(open);
  return view;
}

function ruleDetail(rule) {
  const element = h("div", { class: "detail" }, h("p", { class: "quiet" }, "…"));
  let isClosed = false;
  let isBusy = false;

  async function refresh() {
    if (isBusy || isClosed) return;
    isBusy = true;
    try {
      const found = await get(`/v1/rules/${encodeURIComponent(rule)}`);
      if (!isClosed) draw(found);
    } catch (error) {
      element.replaceChildren(h("p", {}, error.message));
    }
    isBusy = false;
  }

  function draw(found) {
    const { explanation } = found;
    const scrolled = element.querySelector(".scroll")?.scrollLeft;
    const hadFocus = element.querySelector(".scroll") === document.activeElement;
    const facts = [["At", `${found.path || "text"}:${found.line}:${found.column}`], ["Priority", found.priority],
      ["Last hour", `started ${found.starts_last_hour} ×`], ["Tags", found.tags.join(", ")],
      ["Cooldown", found.cooldown && duration(found.cooldown)], ["Stops later rules", found.stop && "yes"]];
    element.replaceChildren(...[
      found.description && h("p", { dir: "auto" }, found.description),
      h("pre", {}, found.condition),
      explanation && h("p", {}, h("strong", {}, "Now: "), explanation.reason || stateWord(explanation.outcome)),
      explanation?.nearest && h("p", { class: "quiet" }, `Nearest change: ${explanation.nearest.text}`),
      explanation?.condition && truthTable(explanation.condition),
      h("p", {}, h("strong", {}, "Then: "), found.actions.map(actionText).join("; ") || "nothing"),
      h("dl", { class: "facts" }, facts.filter(([, said]) => said || said === 0).map(([title, said]) => h("div", {}, h("dt", {}, title), h("dd", {}, said)))),
      ...found.findings.map((one) => h("p", { class: "finding" }, `${one.code} line ${one.line}: ${one.message}`)),
      found.episodes.length > 0 && h("div", {}, h("h2", {}, "Recent episodes"),
        h("ul", {}, grouped(found.episodes).slice(0, 12).map((event) => h("li", {}, time(event.timestamp), ...sentence(event).slice(1))))),
      h("p", {}, h("a", { class: "json", href: `/v1/rules/${encodeURIComponent(rule)}`, "data-json": true }, "JSON of this rule")),
    ].filter(Boolean));
    const region = element.querySelector(".scroll");
    if (region && scrolled) region.scrollLeft = scrolled;
    if (region && hadFocus) region.focus();
  }
  refresh();
  return { name: rule, element, refresh, close: () => (isClosed = true) };
}

export const actionText = ({ action, parameters }) =>
  `${action} ${Object.entries(parameters).map(([key, given]) => `${key}: ${typeof given === "object" ? JSON.stringify(given) : given}`).join(", ")}`;

const isPerGpu = (given) => given !== null && typeof given === "object";

function rowsOf(part, depth = 0) {
  return [{ part, depth: Math.min(depth, 4) }, ...(part.parts || []).flatMap((one) => rowsOf(one, depth + 1))];
}

function cell(given, span) {
  const properties = { colspan: span > 1 ? span : null };
  if (given === true) return h("td", { class: "true", ...properties }, "✓ true");
  if (given === false) return h("td", { class: "false", ...properties }, "✗ false");
  return h("td", { class: given === null ? "maybe" : "", ...properties }, given === null ? "? missing" : value(given));
}

export function truthTable(condition) {
  const parts = rowsOf(condition);
  const devices = [...new Set(parts.flatMap(({ part }) => (isPerGpu(part.value) ? Object.keys(part.value) : [])))];
  const columns = devices.length || 1;
  return h("div", { class: "scroll", tabindex: 0, role: "region", "aria-label": "Truth of each part" },
    h("table", { class: "tree" },
      h("thead", {}, h("tr", {}, h("th", { scope: "col" }, "Part"), (devices.length ? devices.map((one) => `GPU ${one}`) : ["Node"]).map((one) => h("th", { scope: "col" }, one)))),
      h("tbody", {}, parts.map(({ part, depth }) => h("tr", {}, h("th", { scope: "row", class: `d${depth}` }, part.text),
        isPerGpu(part.value) ? devices.map((one) => cell(part.value[one] ?? null, 1)) : cell(part.value ?? null, columns))))));
}
