// Starts the browser and runs scenarios; each check prints one line of JSON: {who, what, fault}.

import { createRequire } from "node:module";

/** What came with the command line: browser, modules, url, guarded, key, pictures. */
export const job = JSON.parse(process.argv[2]);

const { chromium } = createRequire(`${job.modules}/`)("playwright-core");

/** Milliseconds that a page may take for anything. */
const PATIENCE = 10_000;
/** Characters of a fault that are told. */
const TOLD = 1500;

const browser = await chromium.launch({
  executablePath: job.browser,
  // A page that only talks to its server needs nothing else from the network.
  args: ["--disable-quic", "--disable-background-networking", "--disable-component-update", "--disable-sync"],
});

export const close = () => browser.close();

/** Runs checks in a new window. What any page must keep is checked at the end: see `conduct`. */
export async function scenario(who, options, run) {
  const { url = job.url, scheme = "light", width = 1280, height = 800, expected = [] } = options;
  const context = await browser.newContext({ viewport: { width, height }, colorScheme: scheme, baseURL: url });
  const page = await context.newPage();
  page.setDefaultTimeout(PATIENCE);
  const faults = watch(page, url);
  const check = async (what, act) => {
    let fault = null;
    try {
      await act();
    } catch (error) {
      fault = String(error.message).slice(0, TOLD);
    }
    console.log(JSON.stringify({ who, what, fault }));
  };
  await check("runs", () => run({ page, check }));
  await check("nothing is asked elsewhere, and nothing is complained of", async () => {
    const foreign = faults.filter((fault) => !expected.some((pattern) => pattern.test(fault)));
    if (foreign.length) throw new Error(foreign.join("\n"));
  });
  await check("no foreign text became markup", async () => {
    const found = await page.evaluate(() => [window.broken, document.querySelectorAll("img, b, script:not([src])").length]);
    if (found[0] !== undefined || found[1] !== 0) throw new Error(JSON.stringify(found));
  });
  await context.close();
}

/** What goes wrong with a page that no check looks for. */
function watch(page, url) {
  const faults = [];
  page.on("console", (message) => faults.push(`console: ${message.type()}: ${message.text()}`));
  page.on("pageerror", (error) => faults.push(`error: ${error.stack}`));
  page.on("request", (request) => {
    const asked = request.url();
    if (!asked.startsWith(`${url}/`) && !asked.startsWith("data:")) faults.push(`request: ${asked}`);
  });
  return faults;
}

/** Opens a view and waits for it. */
export async function open(page, hash) {
  await page.goto(`/${hash}`);
  await page.locator("main h1").waitFor();
}

/** Waits until `act` gives something true; what it gave. */
export async function until(what, act) {
  const end = Date.now() + PATIENCE;
  for (;;) {
    const value = await act();
    if (value) return value;
    if (Date.now() > end) throw new Error(`not within ${PATIENCE} ms: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}
