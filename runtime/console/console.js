// The console: the map of the estate, and what happens in it as it is recorded.
// The token stays in memory: applications served by the runtime share this origin, and with it any storage.
// Whatever comes from the estate is put into the page as text, never as markup.
"use strict";

const LAYERS = [
  ["Edge", ["ApiGateway", "ApiGatewayV2", "WAFv2", "ElasticLoadBalancingV2", "CertificateManager", "CloudFront", "Route53"]],
  ["Identity", ["IAM", "Cognito", "Organizations", "STS", "TokenIssuer", "SSO"]],
  ["Network", ["EC2", "ServiceDiscovery"]],
  ["Compute", ["ECS", "Lambda", "ECR", "CloudFormation", "Events", "Scheduler", "StepFunctions"]],
  ["Data", ["DynamoDB", "RDS", "S3", "SQS", "SNS"]],
  ["Keys", ["KMS", "SecretsManager", "SSM"]],
  ["Audit", ["CloudTrail", "Config", "SecurityHub", "Logs", "CloudWatch", "GuardDuty"]],
];
const MOST_JOURNEYS = 100;
const byId = (id) => document.getElementById(id);

let token = "";
let newest = 0;
let nodes = new Map();
let edges = [];
let chosen = null;
const journeys = new Map();

function make(tag, properties, ...children) {
  const element = Object.assign(document.createElement(tag), properties);
  element.append(...children.filter((child) => child !== null && child !== undefined));
  return element;
}

async function ask(page) {
  const answer = await fetch(page, { headers: { Authorization: `Bearer ${token}` }, cache: "no-store" });
  if (answer.status === 401) {
    leave();
    throw new Error("The token is not the one of this start");
  }
  if (!answer.ok) throw new Error(`The runtime answers ${answer.status}`);
  return answer.json();
}

function tell(text, bad = false) {
  const status = byId("status");
  if (status.textContent !== text) status.textContent = text;
  status.classList.toggle("bad", bad);
}

function leave() {
  token = "";
  byId("inside").hidden = true;
  byId("door").hidden = false;
  byId("token").focus();
}

// The map.

function showMap(map) {
  nodes = new Map();
  edges = map.edges;
  const layers = new Map([...LAYERS.map(([name]) => [name, new Map()]), ["Other", new Map()]]);
  for (const [service, members] of Object.entries(map.services)) {
    const layer = LAYERS.find(([, services]) => services.includes(service))?.[0] ?? "Other";
    for (const node of members) {
      nodes.set(node.id, node);
      const kinds = layers.get(layer);
      if (!kinds.has(node.kind)) kinds.set(node.kind, []);
      kinds.get(node.kind).push(node);
    }
  }
  const open = new Set([...document.querySelectorAll("details.kind[open]")].map((d) => d.dataset.kind));
  byId("map").replaceChildren(...[...layers].filter(([, kinds]) => kinds.size).map(([name, kinds]) => column(name, kinds, open)));
  const left = map.total - map.nodes;
  byId("map-size").textContent = `${map.nodes} resources, ${edges.length} references${left ? `; ${left} more are not shown` : ""}`;
}

function column(name, kinds, open) {
  const total = [...kinds.values()].reduce((sum, list) => sum + list.length, 0);
  const cards = [...kinds].map(([kind, list]) => {
    const label = kind.split("::").slice(1).join(" ");
    const items = list.map((node) => make("li", {}, nodeButton(node)));
    const card = make("details", { className: "kind", open: open.has(kind) }, make("summary", {}, make("span", {}, label), make("b", {}, String(list.length))), make("ul", {}, ...items));
    card.dataset.kind = kind;
    return card;
  });
  return make("section", { className: "layer" }, make("h3", {}, `${name} · ${total}`), ...cards);
}

function nodeButton(node) {
  const button = make("button", { type: "button", className: "node", title: node.id }, node.name);
  button.dataset.node = node.id;
  button.setAttribute("aria-pressed", String(node.id === chosen));
  button.addEventListener("click", () => choose(node.id));
  return button;
}

function choose(id) {
  chosen = id;
  for (const button of document.querySelectorAll(".node")) {
    button.setAttribute("aria-pressed", String(button.dataset.node === id));
  }
  const node = nodes.get(id);
  const panel = byId("edges");
  panel.hidden = !node;
  if (!node) return;
  const to = edges.filter((edge) => edge.from === id).map((edge) => edgeLine("names", edge.to, edge.as));
  const from = edges.filter((edge) => edge.to === id).map((edge) => edgeLine("is named by", edge.from, edge.as));
  panel.replaceChildren(
    make("strong", {}, node.name),
    make("span", { className: "quiet" }, ` ${node.kind} · account ${node.account} · ${node.region || "global"}`),
    make("div", { className: "quiet" }, id),
    to.length + from.length ? make("ul", {}, ...to, ...from) : make("p", {}, "No other resource is named here, and none names it."),
  );
}

function edgeLine(verb, id, member) {
  const other = nodes.get(id);
  const button = make("button", { type: "button" }, other ? `${other.kind} ${other.name}` : id);
  button.addEventListener("click", () => choose(id));
  return make("li", {}, `${verb} `, button, make("span", { className: "quiet" }, ` (${member})`));
}

// The journey.

function add(events) {
  for (const event of events.toReversed()) {
    newest = Math.max(newest, event.seq);
    const trace = event.trace || event.request || `event ${event.seq}`;
    if (!journeys.has(trace)) journeys.set(trace, []);
    const steps = journeys.get(trace);
    journeys.delete(trace);
    journeys.set(trace, [...steps, event]);
  }
  // What services do on their own goes first, so that it does not crowd out what people did.
  while (journeys.size > MOST_JOURNEYS) {
    const spare = [...journeys].find(([, steps]) => steps.some((s) => s.internal));
    journeys.delete(spare ? spare[0] : journeys.keys().next().value);
  }
}

const refused = (event) => event.allowed === false || event.kind === "finding";

function showJourneys() {
  const wanted = [...journeys].reverse().filter(([, steps]) => {
    if (byId("denied").checked && !steps.some(refused)) return false;
    return byId("internal").checked || !steps.some((s) => s.internal) || steps.some((s) => s.kind === "enforced");
  });
  const shown = wanted.map(([trace, steps]) => journey(trace, steps));
  byId("journeys").replaceChildren(...(shown.length ? shown : [make("li", { className: "quiet" }, "Nothing yet. Requests appear here as they are decided.")]));
}

function journey(trace, steps) {
  const bad = steps.some(refused);
  const subject = steps.map((s) => s.subject).find(Boolean);
  const head = make("p", {}, make("time", { dateTime: steps[0].time }, steps[0].time.slice(11, 19)), make("strong", {}, subject || "anonymous"), make("code", {}, trace));
  return make("li", { className: bad ? "journey refused" : "journey" }, head, make("ol", {}, ...steps.map(step)));
}

function verdict(event) {
  if (event.kind === "finding") return ["finding", "bad"];
  if (event.kind === "runtime") return ["note", "quiet"];
  const [yes, no] = event.kind === "call" ? ["done", "failed"] : ["allowed", "denied"];
  return event.allowed ? [yes, "good"] : [no, "bad"];
}

function step(event) {
  const [word, className] = verdict(event);
  const what = [event.action, event.resource].filter(Boolean).join(" on ");
  return make("li", { className: "step" }, make("span", { className }, word), make("span", {}, event.point), make("span", { className: "quiet" }, what), make("span", {}, event.reason ?? ""));
}

// The outbox.

async function showOutbox() {
  const messages = await ask("outbox");
  const items = messages.reverse().map((m) =>
    make("li", {}, make("strong", {}, m.subject), make("span", { className: "quiet" }, ` to ${m.to} · ${new Date(m.time).toLocaleString()}`), make("pre", {}, m.body)));
  byId("messages").replaceChildren(...(items.length ? items : [make("li", {}, "No messages yet.")]));
}

function select(tab) {
  for (const other of document.querySelectorAll("[role=tab]")) {
    const own = other === tab;
    other.setAttribute("aria-selected", String(own));
    other.tabIndex = own ? 0 : -1;
    byId(other.getAttribute("aria-controls")).hidden = !own;
  }
  if (tab.id === "tab-outbox") showOutbox().catch((error) => tell(error.message, true));
}

// The rounds: events every second, the map every tenth.

let round = 0;
async function poll() {
  if (!token) return;
  try {
    if (!byId("paused").checked) {
      if (round % 10 === 0) showMap(await ask("map"));
      const told = await ask(`events?after=${newest}`);
      if (told.events.length) {
        byId("missed").hidden = !(told.more && newest > 0);
        byId("missed").textContent = "More happened than is shown; `countersign trace` has it all.";
        add(told.events);
      }
      if (told.events.length || round === 0) showJourneys();
      round += 1;
    }
    tell(byId("paused").checked ? "Paused" : "Live");
  } catch (error) {
    tell(token ? `Waiting for the runtime: ${error.message}` : error.message, true);
  }
  if (token) setTimeout(poll, 1000);
}

function enter(given) {
  token = given.trim();
  newest = 0;
  round = 0;
  journeys.clear();
  byId("door").hidden = true;
  byId("inside").hidden = false;
  poll();
}

byId("door").addEventListener("submit", (event) => {
  event.preventDefault();
  const given = byId("token").value;
  byId("token").value = "";
  enter(given);
});
for (const id of ["denied", "internal"]) byId(id).addEventListener("change", showJourneys);
for (const tab of document.querySelectorAll("[role=tab]")) {
  tab.addEventListener("click", () => select(tab));
  tab.addEventListener("keydown", (event) => {
    if (event.key !== "ArrowLeft" && event.key !== "ArrowRight") return;
    const other = [...document.querySelectorAll("[role=tab]")].find((t) => t !== tab);
    select(other);
    other.focus();
  });
}

const fragment = location.hash.slice(1);
if (fragment) {
  // It must not stay in the history.
  history.replaceState(null, "", location.pathname);
  enter(fragment);
} else {
  leave();
}
