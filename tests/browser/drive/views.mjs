// What is seen without a call: plugins, the search, a tool beside its help page, diagnostics, health.

import assert from "node:assert/strict";

import { job, open, scenario, until } from "./harness.mjs";

/** Milliseconds that the search may take to answer a key among 500 tools. */
const QUICK = 50;

async function toolsByMcp() {
  const body = JSON.stringify({ jsonrpc: "2.0", id: 1, method: "tools/list" });
  const answer = await fetch(`${job.url}/messages/`, { method: "POST", headers: { "Content-Type": "application/json" }, body });
  return (await answer.json()).result.tools;
}

export async function views() {
  await scenario("plugins", {}, plugins);
  await scenario("search", {}, search);
  await scenario("a tool", {}, tool);
  await scenario("a page without a parser", {}, rough);
  await scenario("a server that is gone", { expected: [/^console: error: Failed to load resource: net::ERR_FAILED/] }, gone);
  await scenario("health", { expected: [/require.+TrustedHTML/] }, health);
}

async function plugins({ page, check }) {
  await open(page, "");
  await check("the list names every plugin, and its state where it is not ready", async () => {
    const titles = await page.locator("#tools h2").allInnerTexts();
    const plain = titles.map((title) => title.replaceAll(/\s+/g, " ").trim());
    assert.deepEqual(plain, ["broken failed", "forms", "many", "rough", "sleepy stale", "wonders", "server"]);
  });
  await check("the table tells states, reasons and counts", async () => {
    const rows = await page.locator("tbody tr").evaluateAll((all) => all.map((row) => [...row.children].map((cell) => cell.innerText)));
    const [broken, forms, many, rough, sleepy] = rows;
    assert.match(broken.join("|"), /^broken\|failed .*no help here <img src=x onerror='window.broken = 1'>.*\|0\|none$/);
    assert.deepEqual(forms, ["forms", "ready", "4", "none"]);
    assert.deepEqual(many, ["many", "ready", "500", "none"]);
    assert.deepEqual(rough, ["rough", "ready", "1", "1 diagnostic"]);
    assert.match(sleepy.join("|"), /^sleepy\|stale .*exit code 7.*\|1\|none$/);
  });
  await check("problems are counted: two plugins that are not ready, one warning", async () => {
    assert.equal(await page.locator("#problems").innerText(), "3");
  });
  await check("a tool of a stale plugin says so", async () => {
    await page.locator("[data-tool=sleepy]").click();
    await page.locator("main .note", { hasText: "exit code 7" }).waitFor();
  });
}

async function search({ page, check }) {
  const began = performance.now();
  await open(page, "");
  const opened = performance.now() - began;
  const links = page.locator("#tools li:visible");
  const found = page.locator("#found");
  await check(`the page with 508 tools is there soon (${Math.round(opened)} ms)`, async () => {
    assert.equal(await found.innerText(), "508 tools");
    assert.ok(opened < 3000, `${opened} ms`);
  });
  await check("all words count, in names and descriptions", async () => {
    for (const [typed, count, name] of [["number 321", 1, "command-321"], ["COMMAND-49", 10, "command-490"], ["json prints", 1, "every"]]) {
      await page.locator("#search").fill(typed);
      assert.equal(await found.innerText(), `${count} of 508 tools`, typed);
      assert.equal(await links.count(), count);
      assert.equal(await links.first().locator(".name").textContent(), name);
    }
  });
  await check("nothing found is said, Escape shows all again", async () => {
    await page.locator("#search").fill("nothing like it");
    assert.equal(await found.innerText(), "0 of 508 tools");
    assert.equal(await page.locator("#tools section:visible").count(), 0);
    await page.locator("#search").press("Escape");
    assert.equal(await found.innerText(), "508 tools");
  });
  const times = await page.evaluate(timeKeys, "command 4 number 49");
  const sorted = times.toSorted((a, b) => a - b);
  const [usual, slowest] = [sorted[Math.floor(sorted.length / 2)], sorted.at(-1)];
  await check(`keys are answered soon (in ${usual.toFixed(1)} ms, the slowest in ${slowest.toFixed(1)} ms)`, async () => {
    assert.ok(usual < QUICK && slowest < 4 * QUICK, `${times} ms`);
  });
  await check("new figures leave the focus where it is", async () => {
    await page.locator("#search").fill("forms");
    for (let n = 0; n < 3; n++) await page.waitForResponse((response) => response.url().endsWith("/inspect/calls"));
    await page.keyboard.type("__ev");
    assert.equal(await page.locator("#search").inputValue(), "forms__ev");
  });
}

/** Types and deletes a text; the time from each key to the new layout. */
function timeKeys(text) {
  const search = document.getElementById("search");
  const steps = [...Array(text.length + 1).keys(), ...[...Array(text.length).keys()].reverse()];
  return steps.map((length) => {
    const began = performance.now();
    search.value = text.slice(0, length);
    search.dispatchEvent(new Event("input", { bubbles: true }));
    document.getElementById("tools").getBoundingClientRect();
    return performance.now() - began;
  });
}

async function tool({ page, check }) {
  await open(page, "#/tool/forms__every");
  const entry = (property) => page.locator(`.line[data-property="${property}"]`);
  await check("the help page is shown with its lines counted", async () => {
    const lines = await page.locator(".help").first().locator(".line .text").allTextContents();
    assert.match(lines[0], /^usage: \S+ every \[-h\] \[-c COUNT\] \[--ratio RATIO\]/);
    assert.ok(lines.includes("  --ratio RATIO         a fraction"), lines.join("\n"));
    const numbers = await page.locator(".help").first().locator(".number").allTextContents();
    assert.deepEqual(numbers, lines.map((_, index) => String(index + 1)));
  });
  await check("each argument is marked in its entry, wrapped lines too, and in the usage", async () => {
    assert.deepEqual(await entry("ratio").locator(".text").allTextContents(), ["  --ratio RATIO         a fraction"]);
    assert.deepEqual((await entry("count").locator(".text").allTextContents()).map((l) => l.trim()), ["-c COUNT, --count COUNT", "how many"]);
    const marks = await page.locator(".help").first().locator("mark").evaluateAll((all) => all.map((m) => [m.dataset.property, m.textContent]));
    for (const [property, word] of [["count", "-c"], ["log", "--log"], ["careful", "--careful"], ["name", "name"]]) {
      assert.ok(marks.some((mark) => mark[0] === property && mark[1] === word), `${property} in ${JSON.stringify(marks)}`);
    }
  });
  await check("arguments of the program itself have its page", async () => {
    const titles = await page.locator(".help h3").allInnerTexts();
    assert.deepEqual(titles, ["forms every --help", "forms --help"]);
    assert.equal(await page.locator(".help").nth(1).locator('.line[data-property="profile"]').count(), 1);
  });
  await check("choosing a line shows its field, a field its lines", async () => {
    const before = await entry("ratio").evaluate((line) => getComputedStyle(line).backgroundColor);
    await entry("ratio").locator(".text").click();
    assert.equal(await page.evaluate(() => document.activeElement.closest(".field")?.dataset.property), "ratio");
    await page.mouse.move(0, 0);
    await until("the line is highlighted", async () => before !== await entry("ratio").evaluate((line) => getComputedStyle(line).backgroundColor));
    await page.locator('.field[data-property="colour"] select').focus();
    assert.match(await entry("colour").first().getAttribute("class"), /picked/);
    assert.doesNotMatch(await entry("ratio").getAttribute("class"), /picked/);
  });
  await check("the lines of a field are in sight, however long the form", async () => {
    for (const property of ["profile", "name"]) {
      await page.locator(`.field[data-property="${property}"] textarea`).focus();
      await until(`the line of ${property} is in sight`, () => entry(property).first().evaluate((line) => {
        const { left, top } = line.getBoundingClientRect();
        return document.elementFromPoint(left + 8, top + 8)?.closest(".line") === line;
      }));
    }
  });
  await check("facts that only the parser told are marked", async () => {
    assert.match(await page.locator('.field[data-property="tag"] .sources').innerText(), /◆ parser/);
    assert.equal(await entry("tag").locator(".tag .live").count(), 1);
  });
  await check("the schema is the one that clients get", async () => {
    await page.locator("summary", { hasText: "JSON Schema" }).click();
    const shown = JSON.parse(await page.locator("details pre").innerText());
    const served = (await toolsByMcp()).find(({ name }) => name === "forms__every");
    assert.deepEqual(shown, served.inputSchema);
  });
  await check("an unknown tool and an unknown view are told of", async () => {
    for (const [hash, text] of [["#/tool/none", "No tool “none”"], ["#/constructor", "No page “constructor”"], ["#/tool/%", "malformed"]]) {
      await page.evaluate((to) => { location.hash = to; }, hash);
      await page.locator("main", { hasText: text }).waitFor();
    }
  });
}

async function rough({ page, check }) {
  await open(page, "#/tool/rough");
  await check("a diagnostic stands below the line that it is about", async () => {
    const line = page.locator(".line", { hasText: "--join {a,b,,c}  what stands between" });
    const note = line.locator("xpath=following-sibling::*[1]");
    assert.match(await note.getAttribute("class"), /note warning/);
    assert.match(await line.locator(".number").getAttribute("class"), /warning/);
  });
  await check("a fact leads to the line that it came from", async () => {
    const source = page.locator('.field[data-property="level"] .link', { hasText: "help, line 8" });
    await source.click();
    const line = page.locator('.line[data-line="8"]');
    assert.match(await line.getAttribute("class"), /picked/);
    assert.match(await line.innerText(), /--level LEVEL/);
  });
  await check("all diagnostics are listed with links to their lines", async () => {
    await page.getByRole("link", { name: "Diagnostics" }).click();
    await page.locator("h1", { hasText: "Diagnostics" }).waitFor();
    const note = page.locator("main .note.warning", { hasText: "--join" });
    assert.match(await note.innerText(), /at rough --help, line 7/);
    await page.locator("main .note.error", { hasText: "failed" }).waitFor();
    await note.locator("a").click();
    await page.locator("h1", { hasText: "rough" }).waitFor();
  });
}

async function gone({ page, check }) {
  await open(page, "#/");
  const dot = page.locator("#state");
  await check("it is told of, and so is its return", async () => {
    await page.route("**/inspect/calls", (route) => route.abort());
    await until("the fault is told", async () => (await dot.getAttribute("class")) === "dot failed");
    assert.match(await dot.getAttribute("aria-label"), /fetch/);
    await page.unroute("**/inspect/calls");
    await until("it is there again", async () => (await dot.getAttribute("aria-label")) === "the server works");
  });
}

async function health({ page, check }) {
  await open(page, "#/");
  await check("it shows what /health tells", async () => {
    const report = await (await fetch(`${job.url}/health`)).json();
    await page.locator("dl.figures").waitFor();
    const shown = await page.locator("dl.figures > div").evaluateAll((all) => all.map((one) => one.innerText.split(/\n+/)));
    const figures = Object.fromEntries(shown);
    assert.equal(figures.status, report.status);
    assert.equal(figures.version, report.version);
    assert.equal(figures.tools, String(report.tools));
    assert.equal(figures.plugins, String(report.plugins));
    assert.equal(figures.calls, String(report.calls.total));
  });
  await check("the files say what a browser may do with them", async () => {
    const { headers } = await fetch(`${job.url}/`);
    const policy = headers.get("Content-Security-Policy");
    for (const part of ["default-src 'none'", "script-src 'self'", "connect-src 'self'", "frame-ancestors 'none'"]) {
      assert.ok(policy?.split("; ").includes(part), `${part} is not in ${policy}`);
    }
    assert.equal(headers.get("X-Content-Type-Options"), "nosniff");
  });
  await check("markup that is forced in does not run", async () => {
    const done = await page.evaluate(() => {
      try {
        document.body.innerHTML += "<p></p>";
        return "innerHTML took a text";
      } catch (error) {
        return error.name;
      }
    });
    assert.equal(done, "TypeError");
  });
}
