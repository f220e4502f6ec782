// Elements, and words for what the estate calls by long names.
// Whatever comes from the estate is put into the page as text, never as markup.

export const byId = (id) => document.getElementById(id);

/** `make("button", { className: "quiet" }, "Close")`; absent children are left out. */
export function make(tag, properties, ...children) {
  const element = Object.assign(document.createElement(tag), properties);
  element.append(...children.filter((child) => child !== null && child !== undefined && child !== ""));
  return element;
}

/** `arn:aws:dynamodb:us-east-1:1234:table/Carts` is `table/Carts`; other names stay. */
export function short(name) {
  if (!name?.startsWith("arn:")) return name ?? "";
  const [, , service, , , ...rest] = name.split(":");
  const words = rest.join(":").split("/");
  // A role's session, a load balancer, a web ACL: what people gave as a name is enough.
  if (words[0] === "assumed-role") return `role ${words[1]}`;
  if (words[0] === "loadbalancer") return `load balancer ${words[2]}`;
  if (words[1] === "webacl") return `web ACL ${words[2]}`;
  if (service === "apigateway") return `API ${words.slice(2).join("/")}`;
  return rest.join(":");
}

/** `04:24:29` of the reader's own day. */
export function clock(time) {
  return new Date(time).toLocaleTimeString([], { hour12: false });
}

export const plural = (count, one, many = `${one}s`) => `${count} ${count === 1 ? one : many}`;
