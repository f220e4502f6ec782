// The shop's page: signs in with Cognito itself, then talks to the gateway with a short-lived token.

import { start } from "./srp.js";

const $ = (id) => document.getElementById(id);
const FORMS = ["sign-in", "sign-up", "confirm", "enrol", "code"];

/** What went wrong, in the customer's words; where nothing stands here, Cognito's own sentence is good. */
const WORDS = {
  CodeMismatchException: "That code is not right. Type the one that you see now.",
  EnableSoftwareTokenMFAException: "That code is not right. Type the one that you see now.",
  ExpiredCodeException: "That code is no longer good, or was used already. Wait for the next one.",
  UsernameExistsException: "There is an account with this address already.",
  LimitExceededException: "Too many attempts. Wait a few minutes, then try again.",
  TooManyRequestsException: "Too many attempts. Wait a few minutes, then try again.",
  TooManyFailedAttemptsException: "Too many attempts. Wait a few minutes, then try again.",
};

const config = await (await fetch("config.json")).json();
let email = "";
let token = null;
let challenge = null;
let products = [];
let cart = {};

async function reach(url, options) {
  try {
    return await fetch(url, options);
  } catch {
    throw new Error("The shop cannot be reached. Try again in a moment.");
  }
}

/** Calls Cognito; the error's name is the code. */
async function cognito(operation, input) {
  const answer = await reach(config.cognito + "/", {
    method: "POST",
    headers: {
      "content-type": "application/x-amz-json-1.1",
      "x-amz-target": `AWSCognitoIdentityProviderService.${operation}`,
    },
    body: JSON.stringify(input),
  });
  const body = await answer.json().catch(() => ({}));
  if (answer.ok) return body;
  const code = (body.__type ?? "").split("#").pop();
  throw Object.assign(new Error(WORDS[code] ?? body.message ?? "The sign-in service does not answer. Try again."), { name: code });
}

/** Calls the shop through the gateway. */
async function shop(path, method = "GET", body) {
  const headers = token ? { authorization: `Bearer ${token}` } : {};
  if (body) headers["content-type"] = "application/json";
  const answer = await reach(path, { method, headers, body: body && JSON.stringify(body) });
  const json = await answer.json().catch(() => ({}));
  if (answer.ok) return json;
  if (answer.status === 401 && token) {
    signedOut();
    throw new Error("Your session has ended. Sign in again; your cart is kept.");
  }
  throw new Error(json.message ? `Sorry: ${json.message}.` : "The shop does not answer. Try again.");
}

function show(form) {
  for (const id of FORMS) $(id).hidden = id !== form;
  $(form).querySelector("input").focus();
}

function tell(text, bad = false) {
  $("told").textContent = text;
  $("told").classList.toggle("bad", bad);
}

/** Runs `work`, with its button out of reach meanwhile, and tells what went wrong. */
async function telling(work, button) {
  tell("");
  if (button) button.disabled = true;
  try {
    await work();
  } catch (error) {
    tell(error.message, true);
  } finally {
    if (button) button.disabled = false;
  }
}

function on(form, work) {
  $(form).addEventListener("submit", async (event) => {
    event.preventDefault();
    const given = Object.fromEntries(new FormData($(form)));
    await telling(() => work(given), event.submitter);
  });
}

/** A step of the sign-in, whose session may have run out meanwhile. */
async function inSession(work) {
  try {
    await work();
  } catch (error) {
    if (error.name !== "NotAuthorizedException") throw error;
    show("sign-in");
    throw new Error("That took too long, or was tried too often. Sign in again.");
  }
}

on("sign-up", async (given) => {
  await cognito("SignUp", { ClientId: config.client, Username: given.email, Password: given.password });
  email = given.email;
  $("sign-up").reset();
  show("confirm");
});

on("confirm", async (given) => {
  await cognito("ConfirmSignUp", { ClientId: config.client, Username: email, ConfirmationCode: given.code.trim() });
  $("confirm").reset();
  show("sign-in");
  tell("You can sign in now.");
});

$("resend").addEventListener("click", (event) =>
  telling(async () => {
    await cognito("ResendConfirmationCode", { ClientId: config.client, Username: email });
    tell("Another code is on its way.");
  }, event.target),
);

on("sign-in", async (given) => {
  email = given.email;
  const srp = start();
  const asked = await cognito("InitiateAuth", {
    AuthFlow: "USER_SRP_AUTH",
    ClientId: config.client,
    AuthParameters: { USERNAME: email, SRP_A: srp.srpA },
  });
  const responses = await srp.answer(config.pool, given.password, asked.ChallengeParameters);
  try {
    const answer = await cognito("RespondToAuthChallenge", {
      ChallengeName: "PASSWORD_VERIFIER",
      ClientId: config.client,
      ChallengeResponses: responses,
      Session: asked.Session,
    });
    $("sign-in").reset();
    await next(answer);
  } catch (error) {
    if (error.name !== "UserNotConfirmedException") throw error;
    show("confirm");
    throw new Error("Your address is not confirmed yet. Type the code that we sent you.");
  }
});

/** What Cognito asks for next, until it gives tokens. */
async function next(answer) {
  challenge = answer;
  if (answer.AuthenticationResult) return signedIn(answer.AuthenticationResult.AccessToken);
  if (answer.ChallengeName === "MFA_SETUP") {
    const made = await cognito("AssociateSoftwareToken", { Session: answer.Session });
    challenge.Session = made.Session;
    $("key").textContent = made.SecretCode;
    const label = encodeURIComponent(`SecureCart:${email}`);
    $("otpauth").href = `otpauth://totp/${label}?secret=${made.SecretCode}&issuer=SecureCart`;
    return show("enrol");
  }
  if (answer.ChallengeName === "SOFTWARE_TOKEN_MFA") return show("code");
  throw new Error(`This shop does not know the challenge ${answer.ChallengeName}.`);
}

const user = () => challenge.ChallengeParameters?.USER_ID_FOR_SRP ?? email;

on("enrol", (given) =>
  inSession(async () => {
    const verified = await cognito("VerifySoftwareToken", { Session: challenge.Session, UserCode: given.code.trim() });
    await next(
      await cognito("RespondToAuthChallenge", {
        ChallengeName: "MFA_SETUP",
        ClientId: config.client,
        ChallengeResponses: { USERNAME: user() },
        Session: verified.Session,
      }),
    );
  }),
);

on("code", (given) =>
  inSession(async () =>
    next(
      await cognito("RespondToAuthChallenge", {
        ChallengeName: "SOFTWARE_TOKEN_MFA",
        ClientId: config.client,
        ChallengeResponses: { USERNAME: user(), SOFTWARE_TOKEN_MFA_CODE: given.code.trim() },
        Session: challenge.Session,
      }),
    ),
  ),
);

async function signedIn(accessToken) {
  // Kept in memory only: it is gone with the page.
  token = accessToken;
  challenge = null;
  for (const form of FORMS) $(form).reset();
  $("key").textContent = "";
  $("otpauth").removeAttribute("href");
  $("who").textContent = email;
  $("account").hidden = true;
  $("mine").hidden = false;
  $("sign-out").hidden = false;
  cart = (await shop("cart")).items;
  showCart();
  await showOrders();
}

/** Nothing of the customer's stays on the page. */
function signedOut() {
  token = null;
  cart = {};
  $("who").textContent = "not signed in";
  $("account").hidden = false;
  $("mine").hidden = true;
  $("sign-out").hidden = true;
  for (const id of ["cart", "orders", "receipt", "sum"]) $(id).replaceChildren();
  $("receipt").hidden = true;
  show("sign-in");
}

for (const button of document.querySelectorAll("[data-to]")) {
  button.addEventListener("click", () => {
    tell("");
    show(button.dataset.to);
  });
}
$("sign-out").addEventListener("click", async () => {
  await cognito("GlobalSignOut", { AccessToken: token }).catch(() => {});
  signedOut();
  tell("You are signed out.");
});

const money = (cents) => (cents / 100).toFixed(2);
const product = (id) => products.find((p) => p.id === id);
const nameOf = (id) => product(id)?.name ?? id;

function make(tag, text, ...children) {
  const element = document.createElement(tag);
  element.append(text, ...children);
  return element;
}

function row(text, label, of, act) {
  const item = make("li", text);
  const button = make("button", label);
  button.setAttribute("aria-label", `${label}: ${of}`);
  button.addEventListener("click", () => telling(act, button));
  item.append(button);
  return item;
}

function none(text) {
  const item = make("li", text);
  item.className = "none";
  return item;
}

async function choose(id, count) {
  const items = { ...cart, [id]: count };
  cart = (await shop("cart", "PUT", { items })).items;
  showCart();
}

function showCart() {
  const chosen = Object.entries(cart);
  const rows = chosen.map(([id, n]) => row(`${n} × ${nameOf(id)}`, "Remove", nameOf(id), () => choose(id, 0)));
  $("cart").replaceChildren(...(rows.length ? rows : [none("Nothing yet.")]));
  $("sum").textContent = rows.length ? `Together ${money(chosen.reduce((sum, [id, n]) => sum + n * (product(id)?.price ?? 0), 0))}` : "";
  $("order").disabled = rows.length === 0;
}

async function showOrders() {
  const { orders } = await shop("orders");
  const rows = orders.map((o) => row(`${o.placed.slice(0, 16)}: ${money(o.total)}`, "Receipt", o.placed.slice(0, 16), () => showReceipt(o.order)));
  $("orders").replaceChildren(...(rows.length ? rows : [none("None yet.")]));
}

async function showReceipt(order) {
  const receipt = await shop(`orders/${order}/receipt`);
  const cells = (tag, texts) => make("tr", "", ...texts.map((text) => make(tag, text)));
  const lines = receipt.lines.map((l) => cells("td", [nameOf(l.product), String(l.count), money(l.price * l.count)]));
  const head = make("thead", "", cells("th", ["Product", "Count", "Price"]));
  const table = make("table", "", head, make("tbody", "", ...lines, cells("th", ["Total", "", money(receipt.total)])));
  $("receipt").replaceChildren(make("p", `Receipt of order ${receipt.order}`), table);
  $("receipt").hidden = false;
  $("receipt").focus();
}

$("order").addEventListener("click", async () => {
  await telling(async () => {
    const placed = await shop("orders", "POST", {});
    cart = {};
    await showOrders();
    tell(`Thank you. Your order over ${money(placed.total)} is placed.`);
  }, $("order"));
  if (token) showCart();
});

await telling(async () => {
  ({ products } = await shop("catalogue"));
  const add = (p) => () => (token ? choose(p.id, (cart[p.id] ?? 0) + 1) : Promise.reject(new Error("Sign in first.")));
  $("products").replaceChildren(...products.map((p) => row(`${p.name} — ${money(p.price)}`, "Add", p.name, add(p))));
});
