// The shop's page: signs in with Cognito itself, then talks to the gateway with a short-lived token.

import { start } from "./srp.js";

const $ = (id) => document.getElementById(id);
const config = await (await fetch("config.json")).json();
let email = "";
let token = null;
let challenge = null;
let products = [];
let cart = {};

/** Calls Cognito; the error's name is the code. */
async function cognito(operation, input) {
  const answer = await fetch(config.cognito + "/", {
    method: "POST",
    headers: {
      "content-type": "application/x-amz-json-1.1",
      "x-amz-target": `AWSCognitoIdentityProviderService.${operation}`,
    },
    body: JSON.stringify(input),
  });
  const body = await answer.json().catch(() => ({}));
  if (!answer.ok) throw new Error(body.message ?? body.__type ?? answer.statusText);
  return body;
}

/** Calls the shop through the gateway. */
async function shop(path, method = "GET", body) {
  const headers = token ? { authorization: `Bearer ${token}` } : {};
  if (body) headers["content-type"] = "application/json";
  const answer = await fetch(path, { method, headers, body: body && JSON.stringify(body) });
  const json = await answer.json().catch(() => ({}));
  if (!answer.ok) throw new Error(json.message ?? answer.statusText);
  return json;
}

function show(form) {
  for (const id of ["sign-in", "sign-up", "confirm", "enrol", "code"]) $(id).hidden = id !== form;
}

/** Runs `work` when a form is sent, and tells what went wrong. */
function on(form, work) {
  $(form).addEventListener("submit", async (event) => {
    event.preventDefault();
    await telling(() => work(Object.fromEntries(new FormData($(form)))));
  });
}

async function telling(work) {
  $("told").textContent = "";
  try {
    await work();
  } catch (error) {
    $("told").textContent = error.message;
  }
}

on("sign-up", async (given) => {
  await cognito("SignUp", { ClientId: config.client, Username: given.email, Password: given.password });
  email = given.email;
  show("confirm");
});

on("confirm", async (given) => {
  await cognito("ConfirmSignUp", { ClientId: config.client, Username: email, ConfirmationCode: given.code.trim() });
  show("sign-in");
  $("told").textContent = "You can sign in now.";
});

on("sign-in", async (given) => {
  email = given.email;
  const srp = start();
  const asked = await cognito("InitiateAuth", {
    AuthFlow: "USER_SRP_AUTH",
    ClientId: config.client,
    AuthParameters: { USERNAME: email, SRP_A: srp.srpA },
  });
  const responses = await srp.answer(config.pool, given.password, asked.ChallengeParameters);
  await next(
    await cognito("RespondToAuthChallenge", {
      ChallengeName: "PASSWORD_VERIFIER",
      ClientId: config.client,
      ChallengeResponses: responses,
      Session: asked.Session,
    }),
  );
});

/** What Cognito asks for next, until it gives tokens. */
async function next(answer) {
  challenge = answer;
  if (answer.AuthenticationResult) return signedIn(answer.AuthenticationResult.AccessToken);
  if (answer.ChallengeName === "MFA_SETUP") {
    const made = await cognito("AssociateSoftwareToken", { Session: answer.Session });
    challenge.Session = made.Session;
    $("key").textContent = made.SecretCode;
    return show("enrol");
  }
  if (answer.ChallengeName === "SOFTWARE_TOKEN_MFA") return show("code");
  throw new Error(`this shop does not know the challenge ${answer.ChallengeName}`);
}

on("enrol", async (given) => {
  const verified = await cognito("VerifySoftwareToken", { Session: challenge.Session, UserCode: given.code.trim() });
  const user = challenge.ChallengeParameters?.USER_ID_FOR_SRP ?? email;
  await next(
    await cognito("RespondToAuthChallenge", {
      ChallengeName: "MFA_SETUP",
      ClientId: config.client,
      ChallengeResponses: { USERNAME: user },
      Session: verified.Session,
    }),
  );
});

on("code", async (given) => {
  const user = challenge.ChallengeParameters?.USER_ID_FOR_SRP ?? email;
  await next(
    await cognito("RespondToAuthChallenge", {
      ChallengeName: "SOFTWARE_TOKEN_MFA",
      ClientId: config.client,
      ChallengeResponses: { USERNAME: user, SOFTWARE_TOKEN_MFA_CODE: given.code.trim() },
      Session: challenge.Session,
    }),
  );
});

async function signedIn(accessToken) {
  // Kept in memory only: it is gone with the page.
  token = accessToken;
  $("who").textContent = email;
  $("account").hidden = true;
  $("mine").hidden = false;
  $("sign-out").hidden = false;
  cart = (await shop("cart")).items;
  showCart();
  await showOrders();
}

$("to-sign-up").addEventListener("click", () => show("sign-up"));
$("sign-out").addEventListener("click", async () => {
  await cognito("GlobalSignOut", { AccessToken: token }).catch(() => {});
  location.reload();
});

const money = (cents) => (cents / 100).toFixed(2);

function row(text, label, act) {
  const item = document.createElement("li");
  item.append(text);
  if (label) {
    const button = document.createElement("button");
    button.textContent = label;
    button.addEventListener("click", () => telling(act));
    item.append(button);
  }
  return item;
}

async function choose(id, count) {
  const items = { ...cart, [id]: count };
  cart = (await shop("cart", "PUT", { items })).items;
  showCart();
}

function showCart() {
  const name = (id) => products.find((p) => p.id === id)?.name ?? id;
  const rows = Object.entries(cart).map(([id, n]) => row(`${n} × ${name(id)}`, "Remove", () => choose(id, 0)));
  $("cart").replaceChildren(...rows);
  $("order").disabled = rows.length === 0;
}

async function showOrders() {
  const { orders } = await shop("orders");
  const receipt = async (order) => {
    $("receipt").textContent = JSON.stringify(await shop(`orders/${order}/receipt`), null, 2);
    $("receipt").hidden = false;
  };
  $("orders").replaceChildren(
    ...orders.map((o) => row(`${o.placed.slice(0, 16)}: ${money(o.total)}`, "Receipt", () => receipt(o.order))),
  );
}

$("order").addEventListener("click", () =>
  telling(async () => {
    await shop("orders", "POST", {});
    cart = {};
    showCart();
    await showOrders();
  }),
);

await telling(async () => {
  ({ products } = await shop("catalogue"));
  const add = (p) => () => (token ? choose(p.id, (cart[p.id] ?? 0) + 1) : Promise.reject(new Error("Sign in first.")));
  $("products").replaceChildren(...products.map((p) => row(`${p.name} — ${money(p.price)}`, "Add", add(p))));
});
