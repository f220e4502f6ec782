// The token, and questions to the runtime. The token stays in memory: applications served by the
// runtime share this origin, and with it any storage.

import { byId } from "./page.js";

let token = "";

/** The token is not the one of this start. */
export class Stranger extends Error {}

export const inside = () => token !== "";

export async function ask(page) {
  const answer = await fetch(page, { headers: { Authorization: `Bearer ${token}` }, cache: "no-store" });
  if (answer.status === 401) {
    leave("The runtime does not take this token. Each start makes a new one.");
    throw new Stranger();
  }
  const body = await answer.json().catch(() => ({}));
  if (!answer.ok) throw new Error(body.message ?? `it answers ${answer.status}`);
  return body;
}

/** Shows the door, and says why. */
export function leave(why = "") {
  token = "";
  byId("inside").hidden = true;
  byId("door").hidden = false;
  byId("refused").textContent = why;
  byId("token").focus();
}

function enter(given, then) {
  token = given.trim();
  if (!token) return;
  byId("door").hidden = true;
  byId("inside").hidden = false;
  then();
}

/** Waits at the door; `then` runs at each entry. */
export function open(then) {
  byId("door").addEventListener("submit", (event) => {
    event.preventDefault();
    const given = byId("token").value;
    byId("token").value = "";
    enter(given, then);
  });
  const fragment = location.hash.slice(1);
  if (!fragment) return leave();
  // It must not stay in the history.
  history.replaceState(null, "", location.pathname);
  enter(fragment, then);
}
