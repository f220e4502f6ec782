// What is known of the chosen resource: what guards it, the ways to and from it, what it names.

import { byId, make } from "./page.js";

/** `choose` leads to another resource, `follow` to its events. What is `again` shown takes no focus. */
export function showDetails(estate, id, again, choose, follow) {
  const panel = byId("details");
  if (again && panel.contains(document.activeElement)) return;
  const node = id && estate?.nodes.get(id);
  panel.hidden = !node;
  byId("map-view").classList.toggle("chosen", Boolean(node));
  if (!node) return;
  const card = estate.cards.get(id);
  const close = make("button", { type: "button", className: "quiet", ariaLabel: "Close" }, "✕");
  close.addEventListener("click", () => choose(null));
  const events = make("button", { type: "button" }, "Its journeys");
  events.addEventListener("click", () => follow(card?.role ? `/${card.role}/` : node.id));
  const ways = [...estate.ways.values()];
  const to = ways.filter((way) => way.from === card).map((way) => line(way.verb, way.to.node, choose));
  const from = ways.filter((way) => way.to === card).map((way) => line(way.verb, card.node, choose, way.from.node));
  panel.replaceChildren(
    make("div", { className: "bar" }, make("h3", {}, node.name), close),
    make("p", {}, [node.kind, `account ${node.account}`, node.region || "global"].join(" · ")),
    make("code", {}, id),
    facts(node) ?? "",
    list("Guards", (card?.guards ?? []).map((guard) => make("li", {}, guard))) ?? "",
    list("Ways from here", to) ?? "",
    list("Ways to here", from) ?? "",
    make("p", {}, events),
    references(estate, id, choose),
  );
  if (!again) panel.focus();
}

function facts(node) {
  const pairs = Object.entries(node.facts ?? {}).flatMap(([name, value]) => [make("dt", {}, name.replaceAll("_", " ")), make("dd", {}, String(value))]);
  return pairs.length ? make("dl", {}, ...pairs) : null;
}

function list(title, items) {
  return items.length ? make("div", {}, make("h4", {}, title), make("ul", {}, ...items)) : null;
}

function link(node, choose) {
  const button = make("button", { type: "button", className: "link", title: node.id }, `${node.kind.split("::").pop()} ${node.name}`);
  button.addEventListener("click", () => choose(node.id));
  return button;
}

function line(verb, to, choose, from) {
  return from ? make("li", {}, link(from, choose), ` ${verb} it`) : make("li", {}, `${verb} `, link(to, choose));
}

function references(estate, id, choose) {
  const of = (edges, end, verb) => (edges ?? []).flatMap((edge) => {
    const node = estate.nodes.get(edge[end]);
    return node ? [make("li", {}, `${verb} `, link(node, choose), make("span", { className: "quiet" }, ` (${edge.as})`))] : [];
  });
  const items = [...of(estate.from.get(id), "to", "names"), ...of(estate.to.get(id), "from", "is named by")];
  return make("details", {}, make("summary", {}, `References · ${items.length}`), make("ul", {}, ...items));
}
