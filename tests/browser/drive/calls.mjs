// The form, the command line that follows it, calls with progress and cancel, and the list of calls.

import assert from "node:assert/strict";

import { open, scenario, until } from "./harness.mjs";

/** Milliseconds in which a process must be gone after its call was cancelled. */
const GONE = 5000;

export async function calls() {
  await scenario("a form", {}, form);
  await scenario("calls", {}, callsOf);
  await scenario("a running call", {}, running);
  await scenario("a tool that asks back", {}, asking);
  await scenario("foreign text", {}, foreign);
}

const field = (page, property) => page.locator(`.field[data-property="${property}"]`);
const state = (page) => page.locator(".result .state");
const press = (page) => page.getByRole("button", { name: "Call", exact: true }).click();

async function argvIs(page, expected) {
  const line = page.locator("#argv");
  let seen;
  await until(`the command line ends with ${expected}`, async () => (seen = await line.innerText()).endsWith(expected))
    .catch((error) => { throw new Error(`${error.message}; it is ${seen}`); });
}

async function addValues(page, property, values) {
  const own = field(page, property);
  for (const value of values) {
    await own.getByRole("button", { name: "Add a value" }).last().click();
    await own.locator(".row textarea").last().fill(value);
  }
}

async function form({ page, check }) {
  await open(page, "#/tool/forms__every");
  await check("what is missing is told, and where it is wrong once one was there", async () => {
    await until("the argument is named", async () => (await page.locator("#argv").innerText()) === "no command line yet: name");
    assert.equal(await field(page, "name").locator(".wrong").isVisible(), false);
    await field(page, "name").locator("textarea").focus();
    await field(page, "ratio").locator("input").focus();
    await field(page, "name").locator(".wrong", { hasText: "is required" }).waitFor();
  });
  await check("a wrong value is told of beside it", async () => {
    await field(page, "ratio").locator("input").fill("half");
    await field(page, "ratio").locator(".wrong", { hasText: /number/ }).waitFor();
    assert.equal(await field(page, "ratio").locator("input").getAttribute("aria-invalid"), "true");
    await field(page, "ratio").locator("input").fill("0.5");
    await field(page, "ratio").locator(".wrong").waitFor({ state: "hidden" });
  });
  await check("the command line follows the form", async () => {
    await field(page, "name").locator("textarea").fill("it's é $HOME\nend");
    await argvIs(page, "every --ratio=0.5 'it'\\''s é $HOME\nend'");
    await field(page, "loud").locator("[type=checkbox]").check();
    await field(page, "colour").locator("select").selectOption({ label: "never" });
    await field(page, "verbose").locator("input").fill("2");
    await argvIs(page, "every --ratio=0.5 --verbose --verbose --loud --colour=never 'it'\\''s é $HOME\nend'");
  });
  await check("every kind of argument arrives as it was entered", async () => {
    await field(page, "count").locator("input").first().fill("-7");
    await field(page, "size").getByRole("button", { name: "Add a value" }).click();
    for (const [index, value] of ["3", "4"].entries()) await field(page, "size").locator(".row input").nth(index).fill(value);
    await addValues(page, "rest", ["a b", "", "-x"]);
    await addValues(page, "tag", ["one", "two"]);
    await field(page, "pair").getByRole("button", { name: "Add a value" }).last().click();
    for (const [index, value] of ["k", "v=1"].entries()) await field(page, "pair").locator("textarea").nth(index).fill(value);
    await field(page, "log").getByLabel("without a value").check();
    await field(page, "careful").locator("[type=checkbox]").check();
    await field(page, "profile").locator("textarea").fill("home");
    await press(page);
    await state(page).filter({ hasText: /^ok after/ }).waitFor();
    assert.deepEqual(JSON.parse(await page.locator(".result pre:not(.lines)").first().innerText()), {
      profile: "home", name: "it's é $HOME\nend", rest: ["a b", "", "-x"], count: -7, ratio: 0.5, verbose: 2, loud: true,
      colour: "never", size: [3, 4], tag: ["one", "two"], pair: [["k", "v=1"]], log: "-", fast: false, careful: true,
    });
  });
  await check("a value that was added can be taken away", async () => {
    await field(page, "tag").getByRole("button", { name: "Remove this value" }).first().click();
    await until("one is left", async () => /--tag=two (?!.*--tag)/.test(await page.locator("#argv").innerText()));
  });
  await check("what was entered is there again after a look at something else", async () => {
    await page.locator("[data-view=calls]").click();
    await page.locator("h1", { hasText: "Calls" }).waitFor();
    await page.goBack();
    assert.equal(await field(page, "profile").locator("textarea").inputValue(), "home");
  });
}

async function callsOf({ page, check }) {
  await open(page, "#/tool/forms__fail");
  await check("an error is told with what the program said", async () => {
    await press(page);
    await state(page).filter({ hasText: /^error \(plugin_error\) after/ }).waitFor();
    assert.match(await page.locator(".result .content").innerText(), /the disk is <b>full<\/b>/);
    assert.match(await page.locator(".result").getAttribute("class"), /bad/);
  });
  await check("a tool of the server itself can be called", async () => {
    await page.evaluate(() => { location.hash = "#/tool/health"; });
    await page.locator("h1", { hasText: /^health$/ }).waitFor();
    await press(page);
    await state(page).filter({ hasText: /^ok/ }).waitFor();
    assert.match(await page.locator(".result .content").innerText(), /healthy/);
  });
  await check("a form that can't be sent is not, and the first wrong field gets the focus", async () => {
    await page.evaluate(() => { location.hash = "#/tool/forms__steps"; });
    await page.locator("h1", { hasText: "forms__steps" }).waitFor();
    await press(page);
    await field(page, "count").locator(".wrong", { hasText: "is required" }).waitFor();
    assert.equal(await page.evaluate(() => document.activeElement.closest(".field")?.dataset.property), "count");
    assert.equal(await page.locator(".result").isVisible(), false);
  });
}

async function running({ page, check }) {
  await open(page, "#/tool/forms__steps");
  await field(page, "count").locator("input").fill("30");
  await field(page, "pause").locator("input").fill("0.1");
  await check("progress is told while it runs, then the result", async () => {
    await press(page);
    const bar = page.locator(".result progress");
    await until("it is part of the way", async () => await bar.getAttribute("value") > 3);
    assert.equal(await bar.getAttribute("max"), "30");
    assert.match(await state(page).innerText(), /^running for .* of 30$/);
    assert.match(await page.locator(".result .lines").innerText(), /3\/30 steps/);
    await page.locator("#running", { hasText: /^1$/ }).waitFor();
    assert.equal(await page.getByRole("button", { name: "Call", exact: true }).isDisabled(), true);
    await state(page).filter({ hasText: /^ok after/ }).waitFor();
    assert.match(await page.locator(".result .content").innerText(), /"done": 30/);
    assert.equal(await bar.isVisible(), false);
  });
  await check("cancel ends the process", async () => {
    await field(page, "count").locator("input").fill("10000");
    await press(page);
    // Before it runs, the lines are still those of the call before.
    await state(page).filter({ hasText: /^running/ }).waitFor();
    const lines = page.locator(".result .lines");
    const id = await until("the process is known", async () => /process (\d+)/.exec(await lines.innerText())?.[1]);
    assert.ok(runs(id), `process ${id} is not there`);
    await page.getByRole("button", { name: "Cancel" }).click();
    await state(page).filter({ hasText: /^cancelled after/ }).waitFor();
    const end = Date.now() + GONE;
    while (runs(id)) {
      assert.ok(Date.now() < end, `process ${id} still runs after ${GONE} ms`);
      await page.waitForTimeout(50);
    }
    assert.equal(await page.getByRole("button", { name: "Call", exact: true }).isEnabled(), true);
  });
  await check("the list of calls has both with their times, the newest first", async () => {
    await page.locator("[data-view=calls]").click();
    const rows = page.locator("tbody tr");
    await until("the end is listed", async () => (await rows.first().innerText()).includes("cancelled"));
    const cells = await rows.evaluateAll((all) => all.slice(0, 3).map((row) => [...row.children].map((cell) => cell.innerText)));
    assert.deepEqual(cells.map(([, tool, outcome]) => [tool, outcome]),
      [["forms__steps", "cancelled"], ["forms__steps", "ok"], ["forms__fail", "plugin_error"]]);
    const seconds = Number(/^(\d+\.\d) s$/.exec(cells[1][3])?.[1]);
    assert.ok(seconds >= 3 && seconds < 10, cells[1][3]);
    assert.ok(cells[0][0].includes(":"), cells[0][0]);
  });
}

function runs(id) {
  try {
    return process.kill(Number(id), 0);
  } catch {
    return false;
  }
}

async function asking({ page, check }) {
  await open(page, "#/tool/wonders");
  const question = page.getByRole("form", { name: "Question" });
  await check("it is called once that is confirmed and its question is answered, by keys alone", async () => {
    await press(page);
    await question.filter({ hasText: "Run the tool `wonders`" }).waitFor();
    await page.keyboard.press("Enter");
    await question.filter({ hasText: "Who is <b>it</b>?" }).waitFor();
    await page.keyboard.type("Ann");
    await page.keyboard.press("Enter");
    await state(page).filter({ hasText: /^ok/ }).waitFor();
    assert.equal((await page.locator(".result .content").innerText()).trim(), "hello Ann");
    assert.equal(await question.count(), 0);
  });
  await check("a question can be declined, and the call be cancelled instead", async () => {
    await press(page);
    await question.getByRole("button", { name: "Decline" }).click();
    await state(page).filter({ hasText: /^error/ }).waitFor();
    await press(page);
    await question.waitFor();
    await page.keyboard.press("Escape");
    await state(page).filter({ hasText: /^cancelled/ }).waitFor();
    assert.equal(await question.count(), 0);
  });
}

async function foreign({ page, check }) {
  const markup = "<img src=x onerror='window.broken = 1'>";
  await open(page, "#/tool/forms__markup");
  await check("markup of a description, a help page and an argument is text", async () => {
    assert.match(await page.locator(".about .description").first().innerText(), new RegExp(RegExp.escape?.(markup) ?? markup));
    assert.ok((await page.locator(".page").first().innerText()).includes("</pre><script>window.broken = 1</script>"));
    assert.ok((await page.locator(".arguments").innerText()).includes("--<b>bold"));
  });
  await check("markup of a result is text", async () => {
    await page.locator(".field textarea").first().fill(markup);
    await press(page);
    await state(page).filter({ hasText: /^ok/ }).waitFor();
    assert.equal((await page.locator(".result .content").innerText()).trim(), `<script>window.broken = 1</script>${markup} ${markup}`);
  });
  await check("markup of an error is text", async () => {
    await page.evaluate(() => { location.hash = "#/tool/forms__fail"; });
    await page.locator("h1", { hasText: "forms__fail" }).waitFor();
    await press(page);
    await state(page).filter({ hasText: /^error/ }).waitFor();
    assert.match(await page.locator(".result .content").innerText(), /<b>full<\/b>/);
  });
}
