// The live journeys: what each request met, point by point, and why.

import { Stranger, ask } from "./door.js";
import { linesOf, refuses } from "./lines.js";
import { byId, clock, make, plural, short } from "./page.js";

/** While nobody looks back, older journeys make room. */
const MOST = 300;
/** A journey longer than this is folded, refusals excepted. */
const FOLDED = 5;
/** So many pages are looked through at once for what the filter wants. */
const PAGES = 20;

const requests = new Map();
const journeys = new Map();
const reasons = new Map();
const opened = new Set();
const unfolded = new Set();
let newest = 0;
let oldest = null;
let looking = false;
let saw = () => {};

/** `observe` is shown the lines of a journey whenever they are more. */
export function openJourneys(observe) {
  saw = observe;
  for (const id of ["decision", "service", "principal"]) byId(id).addEventListener("change", showAll);
  byId("find").addEventListener("input", showAll);
  byId("internal").addEventListener("change", () => restart().catch(failed));
  byId("older").addEventListener("click", () => lookBack().catch(failed));
  byId("clear").addEventListener("click", () => filterBy({}));
  byId("journeys").addEventListener("keydown", walk);
}

export function forgetJourneys() {
  for (const map of [requests, journeys, reasons, opened, unfolded]) map.clear();
  newest = 0;
  oldest = null;
  byId("journeys").replaceChildren();
}

async function restart() {
  forgetJourneys();
  await follow();
}

export function filterBy({ decision = "", service = "", principal = "", find = "" }) {
  byId("decision").value = decision;
  byId("service").value = service;
  byId("principal").value = principal;
  byId("find").value = find;
  showAll();
}

const failed = (error) => {
  if (!(error instanceof Stranger)) byId("looked").textContent = `The runtime does not answer: ${error.message}`;
};

const all = () => (byId("internal").checked ? "&all=1" : "");

/** What has come since the last call. */
export async function follow() {
  const first = newest === 0;
  const after = newest;
  let page = await ask(`events?after=${after}${all()}`);
  newest = Math.max(newest, page.newest);
  if (first) oldest = page.oldest;
  take(page.events);
  // More than a page has come at once: the rest lies between.
  for (let pages = 0; !first && page.more && pages < PAGES; pages += 1) {
    page = await ask(`events?after=${after}&before=${page.oldest}${all()}`);
    take(page.events);
  }
  if (!looking) makeRoom();
  if (first || journeys.size === 0) note();
}

/** Older events, until something more is shown that the filter wants. */
async function lookBack() {
  looking = true;
  byId("older").disabled = true;
  try {
    const before = shownCount();
    for (let pages = 0; oldest !== null && pages < PAGES && shownCount() < before + 10; pages += 1) {
      const page = await ask(`events?before=${oldest}${all()}`);
      oldest = page.oldest;
      take(page.events);
      note();
    }
  } finally {
    byId("older").disabled = false;
    note();
  }
}

function take(events) {
  const changed = new Set();
  for (const event of events) {
    const request = event.request || `event ${event.seq}`;
    if (!requests.has(request)) requests.set(request, new Map());
    requests.get(request).set(event.seq, event);
    const key = event.trace || request;
    if (!journeys.has(key)) journeys.set(key, { key, requests: new Set(), element: null });
    journeys.get(key).requests.add(request);
    changed.add(key);
  }
  for (const key of changed) renew(journeys.get(key));
  if (changed.size) offer();
  for (const key of changed) show(journeys.get(key));
}

function renew(journey) {
  const lines = [...journey.requests].flatMap((request) => linesOf([...requests.get(request).values()]));
  journey.lines = lines.sort((a, b) => a.seq - b.seq);
  journey.first = journey.lines[0].seq;
  saw(journey.lines);
}

function makeRoom() {
  const list = byId("journeys");
  const kept = [...journeys.values()].sort((a, b) => b.first - a.first);
  for (const journey of kept.slice(MOST)) {
    journey.element?.remove();
    journeys.delete(journey.key);
    for (const request of journey.requests) requests.delete(request);
    oldest = kept[MOST - 1].first;
  }
  if (!list.children.length) note();
}

// The filter.

/** The principals and services that were met can be chosen. */
function offer() {
  const lines = [...journeys.values()].flatMap((journey) => journey.lines);
  for (const [id, member, named] of [["service", "service", (name) => name], ["principal", "principal", short]]) {
    const select = byId(id);
    const known = new Set([...select.options].map((option) => option.value));
    const fresh = [...new Set(lines.map((line) => line[member]))].filter((name) => name && !known.has(name));
    if (!fresh.length) continue;
    const options = [...select.options].slice(1).concat(fresh.map((name) => make("option", { value: name }, named(name))));
    const value = select.value;
    select.replaceChildren(select.options[0], ...options.sort((a, b) => a.textContent.localeCompare(b.textContent)));
    select.value = value;
  }
}

function wanted(journey) {
  const [decision, service, principal] = ["decision", "service", "principal"].map((id) => byId(id).value);
  const text = byId("find").value.trim().toLowerCase();
  const decided = { "": () => true, refused: refuses, allowed: (line) => line.verdict === "allowed", finding: (line) => line.verdict === "finding" }[decision];
  const { lines } = journey;
  if (principal && !lines.some((line) => line.principal === principal)) return false;
  if (text && !lines.some((line) => [line.principal, line.resource, line.action, line.reason, line.request, line.trace].some((part) => part?.toLowerCase().includes(text)))) return false;
  return lines.some((line) => decided(line) && (!service || line.service === service));
}

const filtering = () => ["decision", "service", "principal", "find"].some((id) => byId(id).value !== "");
const shownCount = () => byId("journeys").children.length;

function showAll() {
  for (const journey of journeys.values()) show(journey);
  note();
}

/** What is shown, out of how much, and what may lie further back. */
function note() {
  const times = [...journeys.values()].map((journey) => journey.lines[0].time).sort();
  const shown = shownCount();
  byId("clear").hidden = !filtering();
  // Where the loaded events begin, a journey may be cut in two.
  byId("journeys").querySelector(".cut")?.classList.remove("cut");
  if (oldest !== null) byId("journeys").lastElementChild?.classList.add("cut");
  byId("older").hidden = oldest === null;
  byId("nothing").hidden = shown > 0;
  byId("nothing").textContent = filtering() ? `None of the ${plural(journeys.size, "journey")} loaded is like this.` : "Nothing yet. Requests appear here as they are decided.";
  const back = times.length ? `back to ${new Date(times[0]).toLocaleString([], { hour12: false })}` : "";
  byId("looked").textContent = oldest === null ? `${plural(shown, "journey")} shown, back to the beginning of the record` : `${plural(shown, "journey")} shown, ${back}`;
}

// Drawing.

function show(journey) {
  const list = byId("journeys");
  const focused = journey.element?.contains(document.activeElement) ? document.activeElement.dataset.line : null;
  const open = wanted(journey);
  if (!open) {
    journey.element?.remove();
    journey.element = null;
    return;
  }
  const element = draw(journey);
  element.first = journey.first;
  const old = journey.element;
  if (old && old.first === journey.first && old.isConnected) {
    old.replaceWith(element);
  } else {
    old?.remove();
    list.insertBefore(element, [...list.children].find((child) => child.first < journey.first) ?? null);
  }
  journey.element = element;
  if (focused) element.querySelector(`[data-line="${CSS.escape(focused)}"]`)?.focus();
  if (byId("nothing").hidden === (list.children.length === 0)) note();
}

function draw(journey) {
  const { lines, key } = journey;
  const refused = lines.some(refuses);
  const principal = lines.map((line) => line.principal).filter((name) => name && !/^[\d.]+$/.test(name))[0] ?? lines.map((line) => line.principal).find(Boolean);
  const folded = lines.length > FOLDED + 1 && !unfolded.has(key);
  const shown = folded ? lines.filter((line, at) => at < FOLDED || refuses(line)) : lines;
  const head = make(
    "p",
    { className: "head" },
    make("time", { dateTime: lines[0].time, title: lines[0].time }, clock(lines[0].time)),
    make("strong", {}, short(principal) || "anonymous"),
    make("span", {}, lines.map((line) => line.action).find(Boolean) ?? ""),
    make("span", { className: refused ? "verdict bad" : "verdict good" }, refused ? "refused" : lines.every((line) => line.verdict === "allowed" || line.verdict === "done") ? "allowed" : ""),
    make("code", { title: "the request's or journey's id" }, key),
  );
  const rest = lines.length - shown.length;
  const more = make("button", { type: "button", className: "link" }, `${plural(rest, "more point")} allowed`);
  more.addEventListener("click", () => {
    unfolded.add(key);
    show(journey);
    journey.element.querySelectorAll(".step")[shown.length]?.focus();
  });
  return make("li", { className: refused ? "journey refused" : "journey" }, head, make("ol", {}, ...shown.map(step)), rest ? more : null);
}

const LOOKS = { allowed: "good", done: "good", denied: "bad", failed: "bad", finding: "bad", note: "quiet" };

function step(line) {
  const what = [line.action, short(line.resource)].filter(Boolean).join(" on ");
  const button = make(
    "button",
    { type: "button", className: "step", title: [line.resource, line.reason].filter(Boolean).join("\n") },
    make("span", { className: LOOKS[line.verdict] }, line.verdict),
    make("span", { className: "point" }, line.point),
    make("span", { className: "what" }, what),
    make("span", { className: "reason" }, line.reason),
  );
  button.dataset.line = line.key;
  const item = make("li", {}, button);
  const open = opened.has(line.key);
  button.setAttribute("aria-expanded", String(open));
  if (open) item.append(why(line));
  button.addEventListener("click", () => {
    if (opened.delete(line.key)) item.querySelector(".why").remove();
    else item.append(why(line));
    button.setAttribute("aria-expanded", String(opened.has(line.key)));
  });
  return item;
}

/** The full reasoning, as `countersign explain` prints it. */
function why(line) {
  opened.add(line.key);
  const place = make("div", { className: "why" }, make("p", { className: "quiet" }, "Asking the record…"));
  const known = reasons.get(line.request);
  if (known) place.replaceChildren(...known.map(told));
  else if (!line.request) place.replaceChildren(told(line.reason));
  else explain(line, place);
  return place;
}

async function explain(line, place) {
  try {
    const { lines } = await ask(`explain?request=${encodeURIComponent(line.request)}&near=${line.seq}`);
    reasons.set(line.request, lines);
    place.replaceChildren(...lines.map(told));
  } catch (error) {
    place.replaceChildren(make("p", { className: "bad" }, `The reasoning cannot be shown: ${error.message}`));
  }
}

/** A line of the reasoning: its indentation is kept, denials stand out. */
function told(text) {
  const depth = Math.min(3, Math.floor(text.search(/\S|$/) / 2));
  const bad = /\b(ExplicitDeny|ImplicitDeny|DENIED|DENY)\b|^\s*failed with/.test(text);
  const good = /\b(Allowed|ALLOWED|allow)\b/.test(text);
  return make("p", { className: `depth${depth} ${bad ? "bad" : good ? "good" : ""}` }, text.trim());
}

/** The arrow keys go from line to line. */
function walk(event) {
  const by = { ArrowDown: 1, ArrowUp: -1 }[event.key];
  if (!by || !event.target.classList.contains("step")) return;
  const steps = [...document.querySelectorAll("#journeys .step")];
  const next = steps[steps.indexOf(event.target) + by];
  if (!next) return;
  event.preventDefault();
  next.focus();
}
