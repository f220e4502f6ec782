// The messages to people, newest first.

import { ask } from "./door.js";
import { byId, make } from "./page.js";

export async function showOutbox() {
  const messages = await ask("outbox");
  const items = messages.reverse().map((m) =>
    make("li", {}, make("strong", {}, m.subject), make("span", { className: "quiet" }, ` to ${m.to} · ${new Date(m.time).toLocaleString()}`), make("pre", {}, m.body)));
  byId("messages").replaceChildren(...(items.length ? items : [make("li", { className: "empty" }, "No messages yet. Codes, invitations and passwords that the estate sends to people appear here; none leaves this machine.")]));
}
