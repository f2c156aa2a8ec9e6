// The agent's state: followed over one stream that reconnects, merged in place, given to the page once a frame.
const KEY = "gpurules-token";
const SILENCE = 40_000; // the agent sends at least a comment every 15 s
const MAX_EVENTS = 1000;

export const state = {
  connection: "connecting", revision: null, offset: 0,
  status: null, snapshot: null, signals: [], rules: new Map(), transfers: new Map(), workloads: [], events: [], directives: null,
  ruleset: null, definitions: new Map(),
};
export const now = () => Date.now() / 1000 + state.offset;

const listeners = new Set();
let changed = new Set();
let isDue = false;

export const listen = (listener) => listeners.add(listener);

export function notify(...names) {
  for (const one of names) changed.add(one);
  if (isDue) return;
  isDue = true;
  requestAnimationFrame(() => {
    isDue = false;
    const sections = changed;
    changed = new Set();
    for (const listener of listeners) listener(sections);
  });
}

let askToken = async () => {};
export const onTokenNeeded = (ask) => (askToken = ask);
export const hasToken = () => sessionStorage.getItem(KEY) !== null;
let asking = null;

async function call(path, options = {}) {
  for (;;) {
    const token = sessionStorage.getItem(KEY);
    const headers = { ...options.headers, ...(token === null ? {} : { Authorization: `Bearer ${token}` }) };
    const response = await fetch(path, { ...options, headers, cache: "no-store" });
    if (response.status !== 401) return response;
    if (token !== sessionStorage.getItem(KEY)) continue;
    sessionStorage.removeItem(KEY);
    setConnection("locked");
    asking ||= askToken(token !== null).then((given) => {
      sessionStorage.setItem(KEY, given);
      asking = null;
    });
    await asking;
  }
}

export async function get(path) {
  const response = await call(path);
  if (!response.ok) throw new Error((await response.json().catch(() => ({}))).detail || `${response.status} for ${path}`);
  return response.json();
}

export async function post(path, body, signal) {
  const headers = { "Content-Type": "application/json" };
  const response = await call(path, { method: "POST", body: JSON.stringify(body), headers, signal });
  return { ok: response.ok, data: await response.json() };
}

// Entries come whole; null is one that is gone. A Map, since names are any text.
function replaceEntries(entries, changes) {
  for (const [key, entry] of Object.entries(changes)) entry === null ? entries.delete(key) : entries.set(key, entry);
  return entries;
}

function take(kind, data) {
  const { revision, clock, events, ...sections } = data;
  const isFull = kind === "state";
  if (isFull) Object.assign(state, { events: [], rules: new Map(), transfers: new Map() });
  for (const [key, given] of Object.entries(sections)) {
    state[key] = key === "rules" || key === "transfers" ? replaceEntries(state[key], given) : given;
  }
  Object.assign(state, { revision, offset: clock - Date.now() / 1000, received: Date.now() });
  if (events?.length) state.events = [...state.events, ...events].slice(-MAX_EVENTS);
  const refused = events?.some((event) => event.kind === "ruleset");
  if (sections.status && (refused || isFull || state.ruleset?.version !== sections.status.ruleset_version)) define();
  notify(...Object.keys(sections), ...(events?.length ? ["events"] : []), ...(isFull ? ["full"] : []));
}

let definition = 0;
async function define() {
  const mine = ++definition;
  try {
    const ruleset = await get("/v1/ruleset");
    const definitions = new Map();
    for (let offset = 0; offset !== null; ) {
      const page = await get(`/v1/rules?limit=1000&offset=${offset}`);
      for (const rule of page.items) definitions.set(rule.name, rule);
      offset = page.next;
    }
    if (mine !== definition) return;
    Object.assign(state, { ruleset, definitions });
    notify("ruleset");
  } catch {
    if (mine === definition) setTimeout(define, 2000);
  }
}

function setConnection(word) {
  if (state.connection === word) return;
  state.connection = word;
  notify("connection");
}

let wake = () => {};
for (const event of ["online", "visibilitychange"]) addEventListener(event, () => wake());

export async function follow() {
  let pause = 250;
  for (;;) {
    const stop = new AbortController();
    let silence = 0;
    const heard = () => {
      clearTimeout(silence);
      silence = setTimeout(() => stop.abort(), SILENCE);
    };
    try {
      heard();
      const headers = state.revision === null ? {} : { "Last-Event-ID": String(state.revision) };
      const response = await call("/v1/watch", { headers, signal: stop.signal });
      if (!response.ok) throw new Error(String(response.status));
      setConnection("live");
      pause = 250;
      await read(response.body.getReader(), heard);
    } catch {
      // shown as the state of the connection; the next attempt follows
    }
    clearTimeout(silence);
    setConnection("lost");
    await new Promise((resolve) => {
      wake = resolve;
      setTimeout(resolve, pause * (0.75 + Math.random() / 2));
    });
    pause = Math.min(pause * 2, 5000);
  }
}

async function read(reader, heard) {
  const decoder = new TextDecoder();
  let pending = "";
  for (;;) {
    const { done, value } = await reader.read();
    if (done) return;
    heard();
    pending += decoder.decode(value, { stream: true });
    const blocks = pending.split("\n\n");
    pending = blocks.pop();
    for (const block of blocks) {
      const lines = block.split("\n");
      const data = lines.filter((line) => line.startsWith("data:")).map((line) => line.slice(5)).join("\n");
      const kind = lines.find((line) => line.startsWith("event:"))?.slice(6).trim();
      if (data && (kind === "state" || kind === "change")) take(kind, JSON.parse(data));
    }
  }
}
