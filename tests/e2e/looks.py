"""What every page is judged by, at each width and in both schemes; and its pictures, for a person to look at.

Pictures go to the folder that SCREENSHOTS names, by default `.lab/screenshots`.
"""

import os
from pathlib import Path
from typing import Any

FOLDER = Path(os.environ.get("SCREENSHOTS") or Path(__file__).parents[2] / ".lab" / "screenshots")
WIDTHS, KEPT_WIDTHS = (320, 390, 1280), (390, 1280)
_TRIES, _AGAIN_MS = 5, 200
"""A live page may replace an element while it is measured: a fault is what is still there later."""
LEAST_CONTRAST = 4.5
"""WCAG 2.2, success criterion 1.4.3, for text of any size."""
BESIDE = """all => all.filter((each) => {
  if (each.getBoundingClientRect().right <= innerWidth + 1) return false;
  for (let at = each; at; at = at.parentElement) if (getComputedStyle(at).overflowX === "auto") return false;
  return true;
}).map((each) => each.outerHTML.slice(0, 200))"""
"""What goes beyond the right edge, unless it scrolls in a part of its own."""
LOW = "all => all.filter(each => each.getBoundingClientRect().height < 36).map(each => each.textContent)"
CUT = "bars => bars.filter(bar => bar.firstChild.offsetWidth > bar.clientWidth).map(bar => bar.textContent)"
"""Labels that are wider than their bar."""
FAINT = """least => {
  const canvas = Object.assign(document.createElement("canvas"), { width: 1, height: 1 });
  const pixel = canvas.getContext("2d", { willReadFrequently: true });
  const rgba = (colour) => {
    pixel.clearRect(0, 0, 1, 1);
    pixel.fillStyle = colour;
    pixel.fillRect(0, 0, 1, 1);
    const [red, green, blue, alpha] = pixel.getImageData(0, 0, 1, 1).data;
    return [red, green, blue, alpha / 255];
  };
  const over = (top, under, share = 1) => under.map((each, at) => each + (top[at] - each) * top[3] * share);
  const luminance = (colour) => {
    const [red, green, blue] = colour.map((each) => {
      const share = each / 255;
      return share <= 0.04045 ? share / 12.92 : ((share + 0.055) / 1.055) ** 2.4;
    });
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
  };
  const contrast = (element, colour) => {
    let behind = [255, 255, 255];
    let share = 1;
    const line = [];
    for (let at = element; at; at = at.parentElement) line.unshift(getComputedStyle(at));
    for (const style of line) {
      behind = over(rgba(style.backgroundColor), behind);
      share *= Number(style.opacity);
    }
    const [light, dark] = [luminance(over(rgba(colour), behind, share)), luminance(behind)].sort((a, b) => b - a);
    return (light + 0.05) / (dark + 0.05);
  };
  const found = [];
  const judge = (element, colour, text) => {
    if (!element.checkVisibility() || element.closest("[aria-disabled=true], :disabled")) return;
    const ratio = contrast(element, colour);
    if (ratio < least) found.push(`${text.trim().slice(0, 40)}: ${ratio.toFixed(2)}`);
  };
  const texts = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (texts.nextNode()) {
    const { parentElement, data } = texts.currentNode;
    if (data.trim()) judge(parentElement, getComputedStyle(parentElement).color, data);
  }
  for (const field of document.querySelectorAll("input:not([type=checkbox], [type=hidden])")) {
    judge(field, getComputedStyle(field).color, field.value);
    judge(field, getComputedStyle(field, "::placeholder").color, field.placeholder);
  }
  return found;
}"""
"""Visible texts whose contrast with the colour behind them is below the least; of what is switched off, none."""

UNFIT = """() => {
  const found = [];
  const say = (what, element) => found.push(`${what}: ${element.outerHTML.slice(0, 120)}`);
  const text = (element) => element.getAttribute("aria-label") ?? element.textContent;
  for (const each of document.querySelectorAll("a, button:not([hidden]), summary")) {
    if (!text(each).trim()) say("no name", each);
  }
  for (const each of document.querySelectorAll("input:not([type=hidden]), meter")) {
    if (!each.labels.length) say("no label", each);
  }
  for (const each of document.querySelectorAll("img:not([alt]), audio:not([aria-label])")) say("no text", each);
  for (const each of document.querySelectorAll("[aria-labelledby], [aria-describedby]")) {
    const named = `${each.getAttribute("aria-labelledby") ?? ""} ${each.getAttribute("aria-describedby") ?? ""}`;
    if (named.trim().split(/\\s+/).some((id) => !document.getElementById(id))) say("names nothing", each);
  }
  const ids = [...document.querySelectorAll("[id]")].map((each) => each.id);
  for (const id of ids.filter((id, at) => ids.indexOf(id) !== at)) found.push(`twice: ${id}`);
  let level = 0;
  for (const each of document.querySelectorAll("h1, h2, h3, h4")) {
    if (Number(each.tagName[1]) > level + 1) say("skips a level", each);
    level = Number(each.tagName[1]);
  }
  for (const one of ["main", "h1", "head > title"]) {
    if (document.querySelectorAll(one).length !== 1) found.push(`not one ${one}`);
  }
  if (!document.documentElement.lang) found.push("no language");
  return found;
}"""
"""What a screen reader could not tell: names, labels, headings, references, and one main part with one heading."""


def look(page: Any, name: str) -> None:
    """Nothing is cut off, faint or nameless, what is to be pressed is large enough, no label is wider than its bar."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    page.wait_for_load_state()
    unfit = page.evaluate(UNFIT)
    assert unfit == [], f"{name}: {unfit}"
    for width in WIDTHS:
        page.set_viewport_size({"width": width, "height": 800})
        for scheme in ("light", "dark"):
            page.emulate_media(color_scheme=scheme)
            if width in KEPT_WIDTHS:
                page.screenshot(path=FOLDER / f"{name}-{width}-{scheme}.png", full_page=True)
            for _ in range(_TRIES):
                wrong = _wrong(page)
                if not wrong:
                    break
                page.wait_for_timeout(_AGAIN_MS)
            assert wrong == {}, f"{name} at {width}, {scheme}: {wrong}"


def _wrong(page: Any) -> dict[str, Any]:
    found = {
        "scrolls sideways": page.evaluate("document.documentElement.scrollWidth > innerWidth"),
        "cut off": page.locator("main *:visible").evaluate_all(BESIDE),
        "low": page.locator("button:visible, a.button:visible").evaluate_all(LOW),
        "label cut": page.locator(".bar").evaluate_all(CUT),
        "faint": page.evaluate(FAINT, LEAST_CONTRAST),
    }
    return {what: where for what, where in found.items() if where}
