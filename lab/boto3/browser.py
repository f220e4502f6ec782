"""A headless Chromium that trusts the runtime's authority, and nothing beyond what a browser trusts."""

import os
import pathlib
import shutil
import subprocess
import tempfile

from selenium import webdriver
from selenium.common.exceptions import StaleElementReferenceException
from selenium.webdriver.chrome.service import Service
from selenium.webdriver.common.by import By
from selenium.webdriver.support.ui import WebDriverWait

FLAGS = [
    "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
    "--disable-background-networking", "--disable-component-update", "--disable-sync",
]
PATIENCE = 20

# The contrast of every text that is shown, by the definition of WCAG 2.2, 1.4.3.
PALE = """
const numbers = (color) => color.match(/[\\d.]+/g).map(Number);
const over = (front, back) => { const a = front[3] ?? 1; return front.slice(0, 3).map((c, i) => c * a + back[i] * (1 - a)); };
const light = (c) => { const [r, g, b] = c.map((v) => (v /= 255) <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4); return 0.2126 * r + 0.7152 * g + 0.0722 * b; };
const behind = (element) => {
  if (!element) return [255, 255, 255];
  const color = numbers(getComputedStyle(element).backgroundColor);
  return (color[3] ?? 1) === 1 ? color : over(color, behind(element.parentElement));
};
const pale = new Set();
const texts = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
while (texts.nextNode()) {
  const element = texts.currentNode.parentElement;
  if (!texts.currentNode.data.trim() || !element.checkVisibility() || element.closest("script, noscript, :disabled")) continue;
  const style = getComputedStyle(element), back = behind(element);
  const [a, b] = [light(over(numbers(style.color), back)), light(back)].sort((x, y) => y - x);
  const size = parseFloat(style.fontSize), large = size >= 24 || (size >= 18.66 && style.fontWeight >= 700);
  const ratio = (a + 0.05) / (b + 0.05);
  if (ratio < (large ? 3 : 4.5)) pale.add(`${ratio.toFixed(2)}: ${texts.currentNode.data.trim().slice(0, 60)}`);
}
return [...pale];
"""


def found(*names):
    """The program with one of these names."""
    path = next(filter(None, map(shutil.which, names)), None)
    assert path, f"{' or '.join(names)} is missing: apt-get install -y chromium chromium-driver libnss3-tools"
    return path


class Browser:
    """One browser with an empty profile of its own."""

    def __init__(self, ca):
        self.home = pathlib.Path(tempfile.mkdtemp(prefix="countersign-browser-"))
        store = self.home / ".pki" / "nssdb"
        store.mkdir(parents=True)
        certutil = [found("certutil"), "-d", f"sql:{store}"]
        subprocess.run([*certutil, "-N", "--empty-password"], check=True, timeout=60)
        subprocess.run([*certutil, "-A", "-t", "C,,", "-n", "countersign", "-i", ca], check=True, timeout=60)
        options = webdriver.ChromeOptions()
        options.binary_location = found("chromium", "chromium-browser", "google-chrome")
        for flag in [*FLAGS, f"--user-data-dir={self.home / 'profile'}", "--window-size=1400,1000"]:
            options.add_argument(flag)
        options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
        # The browser looks for its certificates in its home.
        service = Service(found("chromedriver"), env={**os.environ, "HOME": str(self.home)})
        self.driver = webdriver.Chrome(options=options, service=service)

    def close(self):
        self.driver.quit()
        shutil.rmtree(self.home, ignore_errors=True)

    def __getitem__(self, selector):
        return self.driver.find_element(By.CSS_SELECTOR, selector)

    def all(self, selector):
        return self.driver.find_elements(By.CSS_SELECTOR, selector)

    def until(self, what, holds, patience=PATIENCE):
        """Waits until `holds()`, whatever elements come and go meanwhile."""
        wait = WebDriverWait(self.driver, patience, poll_frequency=0.1, ignored_exceptions=[StaleElementReferenceException])
        return wait.until(lambda _: holds(), f"not within {patience} s: {what}; the page says: {self['body'].text[:2000]}")

    def click(self, text, within="body"):
        """The button with this text, as a person finds it."""
        button = self.until(f"a button `{text}`", lambda: next((b for b in self.all(f"{within} button") if b.text == text and b.is_displayed() and b.is_enabled()), None))
        button.click()

    def fill(self, form, **fields):
        self.until(f"the form {form}", lambda: self[form].is_displayed())
        for name, value in fields.items():
            field = self[f"{form} [name={name}]"]
            field.clear()
            field.send_keys(value)
        self[f"{form} button:not([type])"].click()

    def told(self, text):
        self.until(f"`{text}` is told", lambda: text in self["#told"].text)

    def complaints(self):
        """What the browser's own console has complained about since the last look."""
        return [entry for entry in self.driver.get_log("browser") if entry["level"] in ("WARNING", "SEVERE")]

    def overflow(self):
        """By how many pixels the page is wider than the window."""
        return self.driver.execute_script("const d = document.documentElement; return Math.max(d.scrollWidth, document.body.scrollWidth) - d.clientWidth")

    def pale(self):
        """Texts whose contrast with what is behind them is below WCAG's AA."""
        return self.driver.execute_script(PALE)

    def phone(self, dark=False):
        metrics = {"width": 390, "height": 844, "deviceScaleFactor": 2, "mobile": True}
        self.driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", metrics)
        self.scheme(dark)

    def desktop(self, dark=False, width=1400, height=1000):
        metrics = {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": False}
        self.driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", metrics)
        self.scheme(dark)

    def scheme(self, dark):
        features = [{"name": "prefers-color-scheme", "value": "dark" if dark else "light"}]
        self.driver.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": features})
