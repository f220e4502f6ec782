// The map: edge, networks with their zones, the AWS services beside them, and the ways between.

import { Estate } from "./estate.js";
import { showInventory } from "./inventory.js";
import { byId, make } from "./page.js";

const SVG = "http://www.w3.org/2000/svg";

let estate = null;
let chosen = null;
let known = "";
let drawn = "";
let tell = () => {};
const seen = new Map();

/** `chose` is called with the estate and the id of what was chosen, or with nothing. */
export function openMap(chose) {
  tell = chose;
  new ResizeObserver(draw).observe(byId("map"));
}

export function showMap(map) {
  const told = JSON.stringify(map);
  if (told === known) return draw();
  known = told;
  estate = new Estate(map);
  showInventory(estate, choose);
  const text = JSON.stringify([...estate.cards.values()].map((card) => [card.id, card.facts, card.guards]));
  if (text !== drawn) {
    drawn = text;
    lay();
  }
  draw();
  if (chosen) tell(estate, chosen, true);
}

/** Counts a journey's verdicts at the cards they were about, and at the ways it went. */
export function observe(lines) {
  if (!estate) return;
  let at = null;
  const go = (to, line) => {
    if (at && to && at !== to && estate.ways.has(`${at.id} ${to.id}`)) count(`${at.id} ${to.id}`, line);
  };
  for (const line of lines.filter((line) => ["allowed", "denied"].includes(line.verdict))) {
    const [actor] = estate.acting(line.principal);
    if (actor) {
      go(actor, { ...line, verdict: "allowed" });
      at = actor;
    }
    const cards = estate.meant(line.resource);
    // A web ACL may stand before several: the one that this journey comes to next is meant.
    const card = cards.find((card) => at && estate.ways.has(`${at.id} ${card.id}`)) ?? cards[0];
    if (!card) continue;
    count(card.id, line);
    go(card, line);
    if (card.place !== "aws") at = card;
  }
  draw();
}

function count(id, line) {
  const counts = seen.get(id) ?? { allowed: 0, denied: 0, lines: new Set(), seq: 0, last: "" };
  if (counts.lines.has(line.key)) return;
  counts.lines.add(line.key);
  counts[line.verdict] += 1;
  if (line.seq > counts.seq) Object.assign(counts, { seq: line.seq, last: line.verdict });
  seen.set(id, counts);
  const card = document.querySelector(`[data-card="${CSS.escape(id)}"]`);
  if (card) tally(card, id);
}

export function forget() {
  seen.clear();
  for (const card of document.querySelectorAll("[data-card]")) tally(card, card.dataset.card);
  draw();
}

export function choose(id) {
  const before = chosen;
  chosen = id;
  for (const card of document.querySelectorAll("[data-card]")) card.setAttribute("aria-pressed", String(card.dataset.card === id));
  draw();
  tell(estate, id);
  if (id === null) document.querySelector(`[data-card="${CSS.escape(before ?? "")}"]`)?.focus();
}

function lay() {
  const focused = document.activeElement?.dataset?.card;
  const cards = [...estate.cards.values()].sort((a, b) => a.rank - b.rank || a.title.localeCompare(b.title));
  const of = (place) => cards.filter((card) => card.place === place);
  const groups = [box("Edge", "what the outside meets", of("edge").map(cardButton)), networks(of("network")), box("AWS services", "reached by signed calls", of("aws").map(cardButton))];
  const empty = make("p", { className: "empty" }, "Nothing is deployed yet. Deploy a template with CloudFormation, or start with `countersign up TEMPLATE`; what it makes appears here.");
  const ways = document.createElementNS(SVG, "svg");
  ways.id = "ways";
  ways.setAttribute("aria-hidden", "true");
  byId("map").replaceChildren(...(cards.length ? [ways, ...groups.filter(Boolean)] : [empty]));
  if (focused) document.querySelector(`[data-card="${CSS.escape(focused)}"]`)?.focus();
}

function box(title, note, children, className = "place") {
  if (!children.length) return null;
  return make("section", { className }, make("h3", {}, title, make("small", {}, ` ${note}`)), ...children);
}

/** A box for each network; in it a zone for each set of subnets. */
function networks(cards) {
  const vpcs = grouped(cards, (card) => card.vpc?.id ?? "");
  const boxes = [...vpcs].map(([id, members]) => {
    const vpc = estate.nodes.get(id);
    const zones = grouped(members, (card) => card.subnets.map((s) => s.id).join(" "));
    const ranked = [...zones.values()].sort((a, b) => Math.min(...a.map((c) => c.rank)) - Math.min(...b.map((c) => c.rank)));
    const title = vpc ? `Network ${vpc.name}` : "Without a network";
    const made = make("section", { className: "vpc" }, make("h3", {}, title, vpc ? make("small", {}, ` ${vpc.id.split("/").pop()}`) : null), make("div", { className: "zones" }, ...ranked.map(zone)));
    const endpoints = vpc ? estate.namers(vpc.id, "AWS::EC2::VPCEndpoint") : [];
    if (endpoints.length) {
      const names = [...new Set(endpoints.map((e) => String(e.facts.service ?? e.name).split(".").slice(3).join(".")))].sort();
      made.append(make("p", { className: "endpoints" }, make("strong", {}, "Private endpoints "), names.join(" · ")));
    }
    return made;
  });
  return boxes.length ? make("div", { className: "networks" }, ...boxes) : null;
}

function zone(cards) {
  const { subnets } = cards[0];
  const ranks = [...grouped(cards, (card) => card.rank)].sort(([a], [b]) => a - b);
  const title = subnets.map((s) => s.name).join(", ") || "no subnet";
  const cidrs = subnets.map((s) => s.facts.cidr).filter(Boolean).join(", ");
  const columns = ranks.map(([, members]) => make("div", { className: "rank" }, ...members.map(cardButton)));
  return make("section", { className: "zone" }, make("h4", {}, title, make("small", {}, ` ${cidrs}`)), make("div", { className: "ranks" }, ...columns));
}

function cardButton(card) {
  const ways = [...estate.ways.values()].filter((way) => way.from === card);
  const to = grouped(ways, (way) => way.verb);
  const told = [...to].map(([verb, list]) => `${verb} ${list.map((way) => way.to.title).join(", ")}`);
  const button = make(
    "button",
    { type: "button", className: "card", title: `${card.node.name}\n${card.id}` },
    make("span", { className: "kind" }, card.label, make("span", { className: "tally" })),
    make("strong", {}, card.title),
    card.facts.length ? make("span", { className: "facts" }, card.facts.join(" · ")) : null,
    ...card.guards.map((guard) => make("span", { className: "guard" }, guard)),
    told.length ? make("span", { className: "leads" }, told.join("; ")) : null,
  );
  button.dataset.card = card.id;
  button.setAttribute("aria-pressed", String(card.id === chosen));
  button.addEventListener("click", () => choose(card.id === chosen ? null : card.id));
  for (const [event, id] of [["mouseenter", card.id], ["focus", card.id], ["mouseleave", null], ["blur", null]]) {
    button.addEventListener(event, () => mark(id));
  }
  tally(button, card.id);
  return button;
}

/** How often it was allowed and refused since the page was opened. */
function tally(button, id) {
  const counts = seen.get(id);
  const place = button.querySelector(".tally");
  if (!place) return;
  const parts = counts ? [counts.allowed && make("span", { className: "good" }, `✓${counts.allowed}`), counts.denied && make("span", { className: "bad" }, `✗${counts.denied}`)] : [];
  place.replaceChildren(...parts.filter(Boolean));
  place.title = counts ? `${counts.allowed} allowed, ${counts.denied} refused in what is loaded` : "";
}

let marked = null;
function mark(id) {
  marked = id;
  const own = marked ?? chosen;
  for (const path of document.querySelectorAll("#ways path")) {
    path.classList.toggle("on", own !== null && (path.dataset.from === own || path.dataset.to === own));
  }
  byId("ways")?.classList.toggle("some", own !== null && estate.cards.has(own));
}

let due = 0;
function draw() {
  cancelAnimationFrame(due);
  due = requestAnimationFrame(drawNow);
}

function drawNow() {
  const svg = byId("ways");
  if (!svg || !estate) return;
  const ground = byId("map").getBoundingClientRect();
  if (!ground.width) return;
  svg.setAttribute("width", ground.width);
  svg.setAttribute("height", ground.height);
  const place = (id) => document.querySelector(`[data-card="${CSS.escape(id)}"]`)?.getBoundingClientRect();
  const paths = [...estate.ways].flatMap(([key, way]) => {
    const [a, b] = [place(way.from.id), place(way.to.id)];
    if (!a || !b) return [];
    const path = document.createElementNS(SVG, "path");
    path.setAttribute("d", curve(a, b, ground));
    Object.assign(path.dataset, { from: way.from.id, to: way.to.id });
    const last = seen.get(key)?.last;
    if (last) path.classList.add(last === "allowed" ? "used" : "refused");
    return [path];
  });
  svg.replaceChildren(...paths);
  mark(marked);
}

/** From the right side of `a` to the left side of `b`; within a column from below to above. */
function curve(a, b, ground) {
  const at = (x, y) => `${Math.round(x - ground.left)} ${Math.round(y - ground.top)}`;
  const middle = (r) => r.top + r.height / 2;
  if (b.left >= a.right - 1) {
    const bend = Math.max(20, (b.left - a.right) / 2);
    return `M ${at(a.right, middle(a))} C ${at(a.right + bend, middle(a))}, ${at(b.left - bend, middle(b))}, ${at(b.left, middle(b))}`;
  }
  const [from, to] = a.top < b.top ? [a.bottom, b.top] : [a.top, b.bottom];
  return `M ${at(a.left + 24, from)} L ${at(b.left + 24, to)}`;
}

function grouped(items, key) {
  const groups = new Map();
  for (const item of items) {
    const name = key(item);
    if (!groups.has(name)) groups.set(name, []);
    groups.get(name).push(item);
  }
  return groups;
}
