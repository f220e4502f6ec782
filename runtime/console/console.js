// The console: the map of the estate, what happens in it as it is recorded, the messages to people.

import { showDetails } from "./details.js";
import { Stranger, ask, inside, open } from "./door.js";
import { filterBy, follow, forgetJourneys, openJourneys } from "./journey.js";
import { choose, forget, observe, openMap, showMap } from "./map.js";
import { showOutbox } from "./outbox.js";
import { byId, clock } from "./page.js";

/** Milliseconds between rounds, and how many rounds pass between looks at the map. */
const ROUND = 1000;
const MAP = 5;

let round = 0;
let answered = null;
let timer = 0;

function tell(text, state) {
  const status = byId("status");
  if (status.textContent !== text) status.textContent = text;
  status.className = state;
}

/** What is on the page is from before, and says so. */
function lost(error) {
  const since = answered ? ` since ${clock(answered)}` : "";
  tell("No connection", "bad");
  byId("lost").hidden = false;
  byId("lost").textContent = `The runtime does not answer${since}${error instanceof TypeError ? "" : ` (${error.message})`}. What is shown is from before; it is asked again every second.`;
}

async function go() {
  if (!inside()) return tell("Not signed in", "");
  try {
    if (!byId("paused").checked) {
      if (round % MAP === 0) showMap(await ask("map"));
      await follow();
      round += 1;
      answered = Date.now();
      byId("lost").hidden = true;
    }
    tell(byId("paused").checked ? "Paused" : "Live", "");
  } catch (error) {
    if (error instanceof Stranger) return tell("Not signed in", "");
    lost(error);
  }
  timer = setTimeout(go, document.hidden ? 5 * ROUND : ROUND);
}

function enter() {
  clearTimeout(timer);
  round = 0;
  answered = null;
  forgetJourneys();
  forget();
  tell("Connecting", "");
  go();
}

function select(tab) {
  for (const other of document.querySelectorAll("[role=tab]")) {
    const own = other === tab;
    other.setAttribute("aria-selected", String(own));
    other.tabIndex = own ? 0 : -1;
    byId(other.getAttribute("aria-controls")).hidden = !own;
  }
  if (tab.id === "tab-outbox") showOutbox().catch(lost);
}

const STEPS = { ArrowLeft: (at, n) => (at + n - 1) % n, ArrowRight: (at, n) => (at + 1) % n, Home: () => 0, End: (_, n) => n - 1 };

function walk(event) {
  const tabs = [...document.querySelectorAll("[role=tab]")];
  const to = STEPS[event.key];
  if (!to) return;
  event.preventDefault();
  const tab = tabs[to(tabs.indexOf(event.target), tabs.length)];
  select(tab);
  tab.focus();
}

for (const tab of document.querySelectorAll("[role=tab]")) {
  tab.addEventListener("click", () => select(tab));
  tab.addEventListener("keydown", walk);
}
document.addEventListener("keydown", (event) => {
  if (event.key === "Escape" && !byId("details").hidden) choose(null);
});
openMap((estate, id, again = false) =>
  showDetails(estate, id, again, choose, (find) => {
    filterBy({ find });
    select(byId("tab-journey"));
    byId("tab-journey").focus();
  }),
);
openJourneys(observe);
open(enter);
