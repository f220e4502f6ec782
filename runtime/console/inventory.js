// Every resource of the estate, by layer and kind.

import { byId, make, plural } from "./page.js";

const LAYERS = [
  ["Edge", ["ApiGateway", "ApiGatewayV2", "WAFv2", "ElasticLoadBalancingV2", "CertificateManager", "CloudFront", "Route53"]],
  ["Identity", ["IAM", "Cognito", "Organizations", "STS", "TokenIssuer", "SSO"]],
  ["Network", ["EC2", "ServiceDiscovery"]],
  ["Compute", ["ECS", "Lambda", "ECR", "CloudFormation", "Events", "Scheduler", "StepFunctions"]],
  ["Data", ["DynamoDB", "RDS", "S3", "SQS", "SNS"]],
  ["Keys", ["KMS", "SecretsManager", "SSM"]],
  ["Audit", ["CloudTrail", "Config", "SecurityHub", "Logs", "CloudWatch", "GuardDuty"]],
];

let wanted = "";
let shown = null;

/** `choose` is called with the id of a resource that was clicked. */
export function showInventory(estate, choose) {
  shown = () => showInventory(estate, choose);
  const layers = new Map([...LAYERS.map(([name]) => [name, new Map()]), ["Other", new Map()]]);
  for (const node of estate.nodes.values()) {
    if (wanted && !`${node.kind} ${node.name} ${node.id}`.toLowerCase().includes(wanted)) continue;
    const service = node.kind.split("::")[1] ?? node.kind;
    const layer = LAYERS.find(([, services]) => services.includes(service))?.[0] ?? "Other";
    const kinds = layers.get(layer);
    if (!kinds.has(node.kind)) kinds.set(node.kind, []);
    kinds.get(node.kind).push(node);
  }
  const focused = document.activeElement?.dataset?.node;
  const open = new Set([...document.querySelectorAll("details.kind[open]")].map((d) => d.dataset.kind));
  const columns = [...layers].filter(([, kinds]) => kinds.size).map(([name, kinds]) => column(name, kinds, open, choose));
  byId("inventory-list").replaceChildren(...(columns.length ? columns : [make("p", { className: "empty" }, "No resource has this in its name or kind.")]));
  if (focused) document.querySelector(`[data-node="${CSS.escape(focused)}"]`)?.focus();
  const left = estate.total - estate.size;
  byId("map-size").textContent = `${plural(estate.size, "resource")}, ${plural(estate.references, "reference")}${left ? `; ${left} more are not shown` : ""}`;
}

function column(name, kinds, open, choose) {
  const total = [...kinds.values()].reduce((sum, list) => sum + list.length, 0);
  const cards = [...kinds].map(([kind, list]) => {
    const items = list.map((node) => make("li", {}, line(node, choose)));
    const label = kind.split("::").slice(1).join(" ");
    const card = make("details", { className: "kind", open: wanted !== "" || open.has(kind) }, make("summary", {}, make("span", {}, label), make("b", {}, String(list.length))), make("ul", {}, ...items));
    card.dataset.kind = kind;
    return card;
  });
  return make("section", { className: "layer" }, make("h3", {}, `${name} · ${total}`), ...cards);
}

function line(node, choose) {
  const button = make("button", { type: "button", className: "node", title: node.id }, node.name);
  button.dataset.node = node.id;
  button.addEventListener("click", () => choose(node.id));
  return button;
}

byId("find-resource").addEventListener("input", (event) => {
  wanted = event.target.value.trim().toLowerCase();
  shown?.();
});
