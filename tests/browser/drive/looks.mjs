// Contrast in both colour schemes, small windows, and the key.

import assert from "node:assert/strict";

import { job, open, scenario } from "./harness.mjs";

/** The contrast that text needs (WCAG 2.2, level AA), and what shows a state or the focus. */
const ENOUGH = 4.5;

const VIEWS = [["health", "#/"], ["calls", "#/calls"], ["diagnostics", "#/diagnostics"], ["a tool", "#/tool/forms__every"], ["a rough tool", "#/tool/rough"]];

export async function looks() {
  for (const scheme of ["light", "dark"]) {
    await scenario(`${scheme} colours`, { scheme }, ({ page, check }) => contrasts(page, check, scheme));
  }
  await scenario("a small window", { width: 360, height: 640 }, small);
}

async function contrasts(page, check, scheme) {
  const backs = [];
  const checkHere = (view) => check(`texts of ${view} stand out`, async () => {
    const texts = await page.evaluate(contrastsHere);
    backs.push(...texts.map(({ back }) => back));
    const low = texts.filter(({ ratio }) => !(ratio >= ENOUGH));
    assert.ok(texts.length > 20, `only ${texts.length} texts`);
    assert.equal(low.length, 0, low.map((text) => JSON.stringify(text)).join("\n"));
  });
  for (const [view, hash] of VIEWS) {
    await open(page, hash);
    await page.waitForTimeout(300);
    await checkHere(view);
  }
  await open(page, "#/tool/forms__every");
  await page.locator('.line[data-property="ratio"] .text').click();
  await page.locator('.field[data-property="ratio"] input').fill("half");
  await page.locator(".wrong:visible").waitFor();
  await checkHere("a chosen line and a wrong value");
  for (const [tool, end] of [["forms__fail", /^error/], ["health", /^ok/]]) {
    await open(page, `#/tool/${tool}`);
    await page.getByRole("button", { name: "Call", exact: true }).click();
    await page.locator(".state", { hasText: end }).waitFor();
    await checkHere(`the result of ${tool}`);
  }
  await check(`the page is ${scheme}`, async () => {
    const isLight = (back) => back[0] + back[1] + back[2] > 3 * 128;
    const light = backs.filter(isLight).length / backs.length;
    assert.ok(scheme === "light" ? light > 0.95 : light < 0.05, `${light} of the texts are on light ground`);
  });
}

/** The contrast of every text that is there with what is behind it. */
function contrastsHere() {
  const numbers = (colour) => {
    const [r, g, b, a = 1] = colour.match(/[\d.]+/g).map(Number);
    return colour.startsWith("rgb") ? [r, g, b, a] : [NaN, NaN, NaN, 1];
  };
  const over = ([r, g, b, a], below) => [r, g, b].map((value, index) => value * a + below[index] * (1 - a));
  const backOf = (element) => {
    const layers = [];
    for (let at = element; at; at = at.parentElement) {
      const colour = numbers(getComputedStyle(at).backgroundColor);
      layers.push(colour);
      if (colour[3] === 1) break;
    }
    return layers.reduceRight((below, layer) => over(layer, below), [255, 255, 255]);
  };
  const light = (colour) => {
    const [r, g, b] = colour.map((value) => (value / 255 <= 0.04045 ? value / 255 / 12.92 : ((value / 255 + 0.055) / 1.055) ** 2.4));
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const ratioOf = (one, other) => {
    const [low, high] = [light(one), light(other)].sort((a, b) => a - b);
    return (high + 0.05) / (low + 0.05);
  };
  const told = [];
  const add = (element, text, pseudo) => {
    const back = backOf(element);
    const fore = over(numbers(getComputedStyle(element, pseudo).color), back);
    told.push({ text: text.trim().slice(0, 60), ratio: ratioOf(fore, back), back, fore });
  };
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (walker.nextNode()) {
    const { parentElement: element, data } = walker.currentNode;
    if (data.trim() && element.checkVisibility({ visibilityProperty: true })) add(element, data);
  }
  for (const input of document.querySelectorAll("input, textarea")) {
    if (input.placeholder && !input.value && input.checkVisibility()) add(input, input.placeholder, "::placeholder");
    if (input.value && input.type !== "checkbox" && input.checkVisibility()) add(input, input.value);
  }
  return told;
}

async function small({ page, check }) {
  for (const [view, hash] of VIEWS) {
    await open(page, hash);
    await check(`${view} needs no scrolling to the side`, async () => {
      const [needed, there] = await page.evaluate(() => [document.documentElement.scrollWidth, innerWidth]);
      assert.ok(needed <= there, `${needed} of ${there} pixels`);
    });
  }
  await check("the list leads to a tool, the brand back to it", async () => {
    await open(page, "#/");
    await page.locator("#search").fill("forms every");
    await page.locator("[data-tool=forms__every]").click();
    await page.locator("h1", { hasText: "forms__every" }).waitFor();
    assert.equal(await page.locator("aside").isVisible(), false);
    await page.locator(".brand").click();
    await page.locator("aside").waitFor();
  });
}

export async function key() {
  // What a browser logs of each answer 401.
  const expected = [/^console: error: Failed to load resource: .*401/];
  await scenario("a server with a key", { url: job.guarded, expected }, async ({ page, check }) => {
    const enter = async (value) => {
      await page.locator("#key-value").fill(value);
      await page.keyboard.press("Enter");
    };
    await page.goto("/");
    await check("the page asks for the key and shows nothing before", async () => {
      await page.getByRole("dialog", { name: "This server wants a key" }).waitFor();
      assert.equal(await page.locator("#tools section").count(), 0);
      assert.equal(await page.evaluate(() => document.activeElement.id), "key-value");
    });
    await check("Escape does not go around it, a wrong key is told of", async () => {
      await page.keyboard.press("Escape");
      await page.keyboard.press("Escape");
      await page.getByRole("dialog").waitFor();
      await enter("wrong");
      await page.locator("#key-why", { hasText: "does not open" }).waitFor();
    });
    await check("with the key everything works, calls too", async () => {
      await enter(job.key);
      await page.locator("[data-tool=forms__steps]").click();
      await page.locator('.field[data-property="count"] input').fill("1");
      await page.keyboard.press("Enter");
      await page.locator(".state", { hasText: /^ok/ }).waitFor();
      assert.equal(await page.getByRole("dialog").count(), 0);
    });
    await check("the key is kept for the tab and nowhere else", async () => {
      await page.reload();
      await page.locator("main h1", { hasText: "forms__steps" }).waitFor();
      assert.equal(await page.getByRole("dialog").count(), 0);
      assert.deepEqual(await page.evaluate(() => [localStorage.length, document.cookie]), [0, ""]);
    });
    await check("without the key no data is given", async () => {
      for (const path of ["/inspect/plugins", "/inspect/tool?name=forms__every", "/inspect/calls", "/metrics"]) {
        assert.equal((await fetch(job.guarded + path)).status, 401, path);
      }
      assert.equal((await fetch(`${job.guarded}/inspect/argv`, { method: "POST", body: "{}" })).status, 401);
      assert.deepEqual(await (await fetch(`${job.guarded}/health`)).json(), { status: "healthy" });
    });
  });
}
