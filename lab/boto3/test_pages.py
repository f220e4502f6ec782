"""The pages in a real browser: the whole journey through the shop's page, and the console that watches it."""

import time

import jwt
import pyotp
import pytest
from browser import Browser
from cryptography.hazmat.primitives.asymmetric import rsa
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
        assert browser.overflow() <= 0
    finally:
        browser.desktop()


def test_the_shop_is_guarded_by_its_headers(shop):
    for path in ["", "shop.js", "config.json"]:
        headers = shop.ask("GET", path).headers
        policy = headers["content-security-policy"]
        assert "default-src 'none'" in policy and "script-src 'self';" in policy and "frame-ancestors 'none'" in policy
        assert "unsafe" not in policy and "*" not in policy
        assert headers["x-content-type-options"] == "nosniff" and headers["referrer-policy"] == "no-referrer"
