"""The pages in a real browser: the whole journey through the shop's page, and the console that watches it."""

import re
import shutil
import subprocess
import time

import jwt
import pyotp
import pytest
import requests
from botocore.exceptions import ClientError
from browser import Browser
from conftest import PROGRAM, Runtime
from cryptography.hazmat.primitives.asymmetric import rsa
from selenium.webdriver.common.keys import Keys
from selenium.webdriver.support.ui import Select
from shop import PASSWORD, Customer


@pytest.fixture(scope="module")
def browser(shop):
    browser = Browser(shop.ca)
    yield browser
    browser.close()


def code_from_outbox(shop, email):
    return "".join(c for c in shop.outbox(email)[-1]["body"] if c.isdigit())[-6:]


def next_code(totp):
    """A code that was not used yet."""
    time.sleep(max(0, 30 - time.time() % 30) + 0.1)
    return totp.now()


def refused(browser, *paths):
    """The browser complains of the refused requests that were meant, and of nothing else."""
    complaints = [c for c in browser.complaints() if not (c["source"] == "network" and any(f"{path} - " in c["message"] for path in paths))]
    assert complaints == []


@pytest.fixture(scope="module")
def visitor(shop, browser):
    """Signed up, confirmed and enrolled through the page; signed in."""
    visitor = Customer(shop)
    browser.driver.get(shop.url + "/")
    browser.click("I am new here")
    browser.fill("#sign-up", email=visitor.email, password=PASSWORD)
    browser.until("the form for the code", lambda: browser["#confirm"].is_displayed())
    browser.fill("#confirm", code=code_from_outbox(shop, visitor.email))
    browser.told("You can sign in now.")
    browser.fill("#sign-in", email=visitor.email, password=PASSWORD)
    browser.until("the authenticator's key", lambda: browser["#key"].text)
    visitor.totp = pyotp.TOTP(browser["#key"].text)
    assert visitor.totp.secret in browser["#otpauth"].get_attribute("href")
    browser.fill("#enrol", code=visitor.totp.now())
    browser.until("signed in", lambda: browser["#who"].text == visitor.email)
    return visitor


def test_a_visitor_orders_through_the_page(shop, browser, visitor):
    """Password proven by the page's own SRP; nothing in the browser's console on the whole way."""
    browser.until("the catalogue", lambda: len(browser.all("#products li")) == 4)
    for name in ("Kettle", "Mug", "Mug"):
        before = browser["#cart"].text
        browser[f"#products [aria-label='Add: {name}']"].click()
        browser.until(f"{name} is in the cart", lambda: browser["#cart"].text != before)
    assert "1 × Kettle" in browser["#cart"].text and "2 × Mug" in browser["#cart"].text
    assert browser["#sum"].text == "Together 64.00"
    browser.click("Place the order")
    browser.told("Your order over 64.00 is placed.")
    assert "Nothing yet" in browser["#cart"].text
    browser.click("Receipt")
    browser.until("the receipt", lambda: browser["#receipt"].is_displayed())
    assert "64.00" in browser["#receipt"].text and "Kettle" in browser["#receipt"].text
    assert browser.complaints() == []


def test_signing_in_again_asks_for_the_second_factor(browser, visitor):
    browser.click("Sign out")
    browser.told("You are signed out.")
    assert not browser["#mine"].is_displayed() and browser["#orders"].text == ""
    browser.fill("#sign-in", email=visitor.email, password="Wrong-password-1")
    browser.told("Incorrect username or password.")
    assert not browser["#code"].is_displayed()
    browser.fill("#sign-in", email=visitor.email, password=PASSWORD)
    browser.until("the form for the second factor", lambda: browser["#code"].is_displayed())
    browser.fill("#code", code="000000")
    browser.told("That code is not right.")
    assert not browser["#mine"].is_displayed()
    browser.fill("#code", code=next_code(visitor.totp))
    browser.until("the orders of before", lambda: "64.00" in browser["#orders"].text)
    refused(browser, "/")


def test_a_session_that_has_ended_is_told_and_nothing_stays(shop, browser, visitor):
    """The browser sends an expired token in the place of its own."""
    stranger = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    expired = jwt.encode({"sub": "x", "token_use": "access", "exp": int(time.time()) - 60}, stranger, algorithm="RS256", headers={"kid": "x"})
    browser.driver.execute_cdp_cmd("Network.enable", {})
    browser.driver.execute_cdp_cmd("Network.setExtraHTTPHeaders", {"headers": {"Authorization": f"Bearer {expired}"}})
    try:
        browser["#products [aria-label='Add: Desk lamp']"].click()
        browser.told("Your session has ended.")
    finally:
        browser.driver.execute_cdp_cmd("Network.setExtraHTTPHeaders", {"headers": {}})
    assert browser["#sign-in"].is_displayed() and not browser["#mine"].is_displayed()
    assert visitor.email not in browser["body"].text and "64.00" not in browser["body"].text
    browser["#products [aria-label='Add: Desk lamp']"].click()
    browser.told("Sign in first.")
    refused(browser, "/cart")


@pytest.mark.parametrize("dark", [False, True])
def test_the_shop_fits_a_phone(shop, browser, dark):
    browser.phone(dark)
    try:
        browser.driver.get(shop.url + "/")
        browser.until("the catalogue", lambda: browser.all("#products li"))
        assert browser.overflow() <= 0 and browser.pale() == []
    finally:
        browser.desktop()


def test_the_shop_is_guarded_by_its_headers(shop):
    for path in ["", "shop.js", "config.json"]:
        headers = shop.ask("GET", path).headers
        policy = headers["content-security-policy"]
        assert "default-src 'none'" in policy and "script-src 'self';" in policy and "frame-ancestors 'none'" in policy
        assert "unsafe" not in policy and "*" not in policy
        assert headers["x-content-type-options"] == "nosniff" and headers["referrer-policy"] == "no-referrer"


# The console.


@pytest.fixture
def console(shop, browser):
    """The console, entered with the token, on its map."""
    browser.driver.get("about:blank")
    browser.driver.get(shop.facts["console"])
    browser.until("the map", lambda: browser.all("#map .card"))
    return browser


def cards(browser):
    return {card.find_element("css selector", "strong").text: card for card in browser.all("#map .card")}


def journey_of(browser, name):
    """The journeys in which this principal is named first."""
    return [j for j in browser.all("#journeys > li") if name in j.text]


def test_the_map_shows_the_architecture(console):
    shown = cards(console)
    assert {"securecart", "accounts", "cart", "catalogue", "orders", "database", "Carts", "receipts"} <= set(shown)
    assert "WAF firewall" in shown["securecart"].text and "tokens of customers" in shown["securecart"].text
    assert "IAM sign-in" in shown["database"].text and "1 of 1 running" in shown["orders"].text
    zones = [{name.text for name in zone.find_elements("css selector", ".card strong")} for zone in console.all("#map .vpc .zone")]
    assert {"database"} in zones and any({"accounts", "cart", "catalogue", "orders"} < zone for zone in zones), zones
    ways = console.driver.execute_script("return [...document.querySelectorAll('#ways path')].map((p) => [p.dataset.from.split(/[/:]/).pop(), p.dataset.to.split(/[/:]/).pop()])")
    into = [start for start, end in ways if end.startswith("securecart-database")]
    assert into == ["orders"], "only the orders service may connect to the database"
    shown["orders"].click()
    console.until("the details", lambda: "may connect to" in console["#details"].text)
    assert console.complaints() == []


def test_a_refused_call_appears_live_with_its_reasoning(shop, console):
    console.click("Journeys")
    iam, name = shop.admin("iam"), f"eve-{int(time.time())}"
    iam.create_user(UserName=name)
    key = iam.create_access_key(UserName=name)["AccessKey"]
    eve = shop.session(key["AccessKeyId"], key["SecretAccessKey"])
    with pytest.raises(ClientError, match="AccessDenied"):
        eve("kms").list_keys()
    line = console.until("the refusal", lambda: next((s for s in console.all(".journey.refused .step") if "kms:ListKeys" in s.text and f"user/{name}" in s.find_element("xpath", "ancestor::li[contains(@class, 'journey')]").text), None))
    assert "denied" in line.text and "no identity-based policy allows the kms:ListKeys action" in line.text
    request = line.get_attribute("data-line").split("/")[0]
    line.send_keys(Keys.ENTER)
    told = subprocess.run([PROGRAM, "explain", request, "--data", shop.data], capture_output=True, text=True, check=True, timeout=30).stdout
    expected = [part.strip() for part in told.splitlines()]
    assert any("ImplicitDeny by identity-based policy" in part for part in expected)
    console.until("what `countersign explain` prints", lambda: [p.text for p in console.all(".why p")] == expected)
    assert console.complaints() == []


def test_journeys_are_filtered_and_older_ones_are_reached(shop, console, visitor):
    console.click("Journeys")
    console.until("journeys", lambda: console.all("#journeys > li"))
    assert not any("Reconcile" in j.text for j in console.all("#journeys > li")), "what services do on their own is left out"
    assert shop.ask("GET", "orders", token="garbage").status_code == 401
    Select(console["#decision"]).select_by_value("refused")
    console.until("refused ones only", lambda: console.all("#journeys > .refused") and not console.all("#journeys > :not(.refused)"))
    console.click("Clear")
    console["#internal"].click()
    console.until("what services do", lambda: journey_of(console, "ecs:Reconcile"))
    console["#find"].send_keys("CreateRestApi")
    for _ in range(20):
        if journey_of(console, "CreateRestApi"):
            break
        console.click("Look further back")
        console.until("an answer", lambda: console["#older"].is_enabled())
    assert journey_of(console, "CreateRestApi"), "the deployment, long ago, is found"
    assert console.complaints() == []


def test_the_keyboard_is_enough(console):
    console["#tab-map"].send_keys(Keys.ARROW_RIGHT)
    console.until("the journeys", lambda: console.all(".step"))
    assert console.driver.switch_to.active_element.get_attribute("id") == "tab-journey"
    console.all(".step")[0].send_keys(Keys.ARROW_DOWN)
    assert console.driver.switch_to.active_element.get_attribute("class") == "step"
    console["#tab-journey"].send_keys(Keys.HOME)
    cards(console)["database"].send_keys(Keys.ENTER)
    console.until("the details", lambda: console["#details"].is_displayed())
    console.driver.switch_to.active_element.send_keys(Keys.ESCAPE)
    assert not console["#details"].is_displayed()
    assert "database" in console.driver.switch_to.active_element.text


@pytest.mark.parametrize("dark", [False, True])
@pytest.mark.parametrize("tab", ["map", "journey", "outbox"])
def test_the_console_fits_and_can_be_read(console, dark, tab):
    try:
        for size in (console.phone, console.desktop):
            size(dark)
            console[f"#tab-{tab}"].click()
            console.until("content", lambda: console.all({"map": ".card", "journey": ".step", "outbox": "#messages li"}[tab]))
            assert console.overflow() <= 0
            assert console.pale() == []
    finally:
        console.desktop()


@pytest.mark.parametrize("token", ["", "#" + "0" * 64])
def test_without_the_token_the_console_shows_nothing(shop, browser, token):
    browser.driver.get("about:blank")
    browser.driver.get(shop.facts["console"].split("#")[0] + token)
    browser.until("the door", lambda: browser["#door"].is_displayed())
    assert not browser["#inside"].is_displayed() and browser.all(".card, .journey") == []
    assert ("does not take this token" in browser["#refused"].text) == (token != "")
    assert token[1:] not in browser.driver.current_url or token == ""
    refused(browser, "/map")


@pytest.mark.parametrize("page", ["map", "events", "outbox", "explain?request=x"])
@pytest.mark.parametrize("token", [None, "0" * 64])
def test_without_the_token_nothing_is_told(shop, page, token):
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    answer = requests.get(f"{shop.facts['endpoint']}/_countersign/{page}", headers=headers, verify=shop.ca, timeout=30)
    assert answer.status_code == 401 and "securecart" not in answer.text
    assert answer.headers["X-Content-Type-Options"] == "nosniff" and answer.headers["Cache-Control"] == "no-store"


def test_a_lost_connection_is_told(shop, console):
    console.driver.execute_cdp_cmd("Network.enable", {})
    offline = {"latency": 0, "downloadThroughput": -1, "uploadThroughput": -1}
    try:
        console.driver.execute_cdp_cmd("Network.emulateNetworkConditions", {"offline": True, **offline})
        console.until("that nothing answers", lambda: "The runtime does not answer since" in console["#lost"].text)
        assert console["#status"].text == "No connection" and cards(console)
    finally:
        console.driver.execute_cdp_cmd("Network.emulateNetworkConditions", {"offline": False, **offline})
    console.until("that it answers again", lambda: console["#status"].text == "Live" and not console["#lost"].is_displayed())
    console.complaints()


def test_an_empty_estate_and_a_new_start_say_so():
    runtime = Runtime()
    browser = Browser(str(runtime.data / "ca.pem"))
    try:
        browser.driver.get(runtime.facts["console"])
        browser.until("that nothing is deployed", lambda: "Nothing is deployed yet" in browser["#map"].text)
        browser.click("Journeys")
        browser.until("what the start did", lambda: browser["#looked"].text.endswith("the beginning of the record"))
        browser.click("Outbox")
        browser.until("that there are none", lambda: "No messages yet" in browser["#messages"].text)
        assert browser.complaints() == []
        runtime.stop()
        browser.until("that nothing answers", lambda: "The runtime does not answer since" in browser["#lost"].text)
        runtime.start()
        browser.until("the door", lambda: "Each start makes a new one" in browser["#refused"].text)
        assert not browser["#inside"].is_displayed()
    finally:
        browser.close()
        runtime.stop()
        shutil.rmtree(runtime.data)


def test_the_console_is_guarded_by_its_headers(shop):
    base = shop.facts["console"].split("#")[0]
    page = requests.get(base, verify=shop.ca, timeout=30)
    for name in ["", *re.findall(r'(?:src|href)="([^"]+)"', page.text), "map.js", "journey.js"]:
        headers = requests.get(base + name, verify=shop.ca, timeout=30).headers
        policy = headers["Content-Security-Policy"]
        assert policy.startswith("default-src 'none'; script-src 'self';") and "frame-ancestors 'none'" in policy and "unsafe" not in policy
        assert headers["X-Content-Type-Options"] == "nosniff" and headers["Referrer-Policy"] == "no-referrer"
    for inline in (r"<script(?![^>]*\bsrc=)", r"<style", r"\bon\w+=", r"\bstyle="):
        assert not re.search(inline, page.text), inline
