// The page without a mouse.

import assert from "node:assert/strict";

import { open, scenario, until } from "./harness.mjs";

/** Keys that it may take to get through a view; more means going in circles. */
const MOST_STOPS = 200;

export async function keyboard() {
  await scenario("keyboard", {}, walk);
  await scenario("tab order", {}, tabOrder);
}

const focused = (page, act) => page.evaluate(act);
const focusedText = (page) => page.evaluate(() => document.activeElement.textContent);

async function walk({ page, check }) {
  const keys = page.keyboard;
  await open(page, "");
  await check("the first stop skips the list", async () => {
    await keys.press("Tab");
    assert.equal(await focusedText(page), "Skip to the content");
    assert.equal(await focused(page, () => document.activeElement.getBoundingClientRect().left > 0), true);
    await keys.press("Enter");
    assert.equal(await focused(page, () => document.activeElement.id), "main");
  });
  await check("/ finds, arrows move, Enter opens", async () => {
    await keys.press("/");
    await keys.type("forms");
    await keys.press("ArrowDown");
    assert.equal(await focused(page, () => document.activeElement.dataset.tool), "forms__every");
    await keys.press("End");
    assert.equal(await focused(page, () => document.activeElement.dataset.tool), "forms__steps");
    await keys.press("ArrowUp");
    assert.equal(await focused(page, () => document.activeElement.dataset.tool), "forms__markup");
    await keys.press("Home");
    await keys.press("ArrowUp");
    assert.equal(await focused(page, () => document.activeElement.id), "search");
    await keys.press("End");
    await keys.type(" steps");
    await keys.press("Enter");
    await page.locator("h1", { hasText: "forms__steps" }).waitFor();
    await until("the heading has the focus", async () => (await focusedText(page)) === "forms__steps");
  });
  await check("Tab leads to the form, Enter calls, the result is announced", async () => {
    await keys.press("Tab");
    assert.equal(await focused(page, () => document.activeElement.closest(".field").dataset.property), "count");
    await keys.type("3");
    await keys.press("Enter");
    const state = page.getByRole("status").filter({ hasText: /^ok after/ });
    await state.waitFor();
    assert.equal(await focused(page, () => document.activeElement.closest(".field").dataset.property), "count");
  });
  await check("Escape cancels", async () => {
    await keys.type("000");
    await keys.press("Enter");
    await page.locator(".result .lines", { hasText: "1/3000" }).waitFor();
    await keys.press("Escape");
    await page.locator(".result .state", { hasText: /^cancelled/ }).waitFor();
  });
  await check("in a field, / is a letter", async () => {
    await keys.press("Tab");
    await keys.press("/");
    assert.equal(await focused(page, () => document.activeElement.value), "/");
  });
}

async function tabOrder({ page, check }) {
  for (const [view, hash] of [["tool", "#/tool/forms__every"], ["rough tool", "#/tool/rough"], ["diagnostics", "#/diagnostics"], ["health", "#/"]]) {
    await open(page, hash);
    await page.reload();
    await page.locator("main h1").waitFor();
    await page.locator("#argv", { hasText: /./ }).waitFor({ state: view.includes("tool") ? "visible" : "detached" });
    const missed = await page.evaluate(() => {
      const all = document.querySelectorAll("a[href], button, input, textarea, select, summary");
      window.waiting = new Set([...all].filter((one) => one.checkVisibility({ visibilityProperty: true }) && !one.disabled && one.tabIndex >= 0));
      return window.waiting.size;
    });
    const unseen = [];
    for (let stops = 0; stops < MOST_STOPS; stops++) {
      await page.keyboard.press("Tab");
      const stop = await page.evaluate(stopHere);
      if (!stop) break;
      if (stop.unseen) unseen.push(stop.unseen);
    }
    await check(`all ${missed} controls of the view “${view}” are stops`, async () => {
      const left = await page.evaluate(() => [...window.waiting].map((one) => one.outerHTML.slice(0, 200)));
      assert.ok(missed > 5 && left.length === 0, left.join("\n"));
    });
    await check(`each stop of the view “${view}” shows that it has the focus`, async () => {
      assert.deepEqual(unseen, []);
    });
  }
}

/** What has the focus, and whether one sees it; nothing at the end of the page. */
function stopHere() {
  const here = document.activeElement;
  if (here === document.body) return null;
  window.waiting.delete(here);
  const { outlineStyle, outlineWidth } = getComputedStyle(here);
  const { top, bottom } = here.getBoundingClientRect();
  const header = here.closest("header, .skip") ? 0 : document.querySelector("header").getBoundingClientRect().bottom;
  const seen = outlineStyle !== "none" && parseFloat(outlineWidth) >= 2 && bottom > header && top < innerHeight;
  return { unseen: seen ? null : `${here.outerHTML.slice(0, 200)} ${outlineStyle} ${outlineWidth} ${top} ${bottom}` };
}
