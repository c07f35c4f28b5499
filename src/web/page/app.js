// The list of tools with its filter, the views, and what keeps them up to date.

import { count, diagnostic, duration, h, toolLink } from "./dom.js";
import { get, tools as listTools } from "./server.js";
import { toolView } from "./tool.js";

/** How often calls and health are asked for while the page is seen, in milliseconds. */
const EVERY = 2000;
/** The same after a fault, be it that too much was asked. */
const LATER = 5000;
/** Tools whose forms keep what was entered. */
const KEPT = 20;

const find = (id) => document.getElementById(id);
const [main, search, list] = [find("main"), find("search"), find("tools")];

let served = { generation: 0, tools: [], plugins: [], owner: new Map() };
let now = { calls: [], health: null };
let links = [];
let shownView = "";
const kept = new Map();

async function load() {
  const [tools, { generation, plugins }] = await Promise.all([listTools(), get("/inspect/plugins")]);
  served = { generation, tools, plugins, owner: new Map(plugins.flatMap((p) => p.tools.map((name) => [name, p]))) };
  fillList();
  const problems = ({ state, diagnostics }) => (state !== "ready") + diagnostics.filter((d) => d.severity !== "note").length;
  badge(find("problems"), plugins.reduce((sum, plugin) => sum + problems(plugin), 0));
  shownView = "";
  await route();
}

function badge(element, number) {
  element.textContent = String(number);
  element.hidden = number === 0;
}

// The list.

function fillList() {
  const groups = served.plugins.map((plugin) => ({ plugin, tools: served.tools.filter((t) => served.owner.get(t.name) === plugin) }));
  const own = served.tools.filter((tool) => !served.owner.has(tool.name));
  if (own.length) groups.push({ plugin: { name: "server", state: "ready" }, tools: own });
  links = [];
  list.replaceChildren(...groups.map(({ plugin, tools }) => {
    const title = h("h2", { id: `plugin-${plugin.name}` }, h("span", { class: `dot ${plugin.state}` }), plugin.name,
      plugin.state !== "ready" && h("span", { class: "type" }, plugin.state));
    const items = tools.map((tool) => {
      const summary = tool.description.split("\n")[0];
      const link = h("a", { href: toolLink(tool.name), tabindex: -1, "data-tool": tool.name },
        h("span", { class: "name" }, tool.name.replace(`${plugin.name}__`, "")), h("span", { class: "summary" }, summary));
      const item = h("li", {}, link);
      links.push({ link, item, text: `${tool.name} ${tool.title ?? ""} ${summary}`.toLowerCase(), name: tool.name });
      return item;
    });
    return h("section", { "aria-labelledby": title.id }, title, h("ul", {}, items));
  }));
  filter();
}

function filter() {
  const words = search.value.toLowerCase().split(/\s+/).filter(Boolean);
  let shown = 0;
  for (const { item, text } of links) {
    const fits = words.every((word) => text.includes(word));
    if (item.hidden === fits) item.hidden = !fits;
    shown += fits;
  }
  for (const section of list.children) section.hidden = words.length > 0 && !section.querySelector("li:not([hidden])");
  find("found").textContent = words.length ? `${shown} of ${count(links.length, "tool")}` : count(links.length, "tool");
  rove();
}

const visible = () => links.filter(({ item }) => !item.hidden).map(({ link }) => link);

/** One link of the list takes part in the tab order: the open tool's, else the first. */
function rove(target) {
  const all = visible();
  const stop = target ?? all.find((link) => link.getAttribute("aria-current")) ?? all[0];
  for (const { link } of links) link.tabIndex = link === stop ? 0 : -1;
}

function move(event) {
  const all = visible();
  const at = all.indexOf(document.activeElement);
  const next = { ArrowDown: at + 1, ArrowUp: at - 1, Home: 0, End: all.length - 1 }[event.key];
  if (next === undefined || (at < 0 && event.key !== "ArrowDown")) return;
  event.preventDefault();
  const target = next < 0 ? search : all[Math.min(next, all.length - 1)];
  if (target !== search) rove(target);
  target?.focus();
}

// The views.

const address = () => location.hash || "#/";

async function route() {
  const key = address();
  const [view, name = ""] = key.replace(/^#\/?/, "").split("/");
  const tool = view === "tool" ? decodeURIComponent(name) : null;
  document.body.classList.toggle("open", tool !== null || view !== "");
  for (const link of document.querySelectorAll("[data-view]")) setCurrent(link, link.dataset.view === (view || "health"));
  for (const { link, name } of links) setCurrent(link, name === tool);
  rove();
  const fresh = shownView !== key;
  const content = tool !== null ? await open(tool) : { __proto__: null, calls, diagnostics, "": health }[view]?.() ?? missing("page", view);
  if (address() !== key) return;
  document.title = `${tool ?? (view || "health")} · smcp`;
  if (fresh ? main.firstChild !== content : tool === null) put(content, fresh);
  if (fresh && shownView !== "") {
    main.scrollIntoView({ block: "start" });
    (content.querySelector("h1") ?? main).focus({ preventScroll: true });
  }
  shownView = key;
}

/** Puts a view in place; new figures go below the old heading, which may have the focus. */
function put(content, fresh) {
  const shown = main.firstElementChild;
  if (fresh || !shown) return main.replaceChildren(content);
  while (shown.children.length > 1) shown.lastChild.remove();
  shown.append(...[...content.children].slice(1));
}

function setCurrent(link, is) {
  if (is) link.setAttribute("aria-current", "page");
  else link.removeAttribute("aria-current");
}

const missing = (what, name) => h("article", {}, h("h1", { tabindex: -1 }, `No ${what} “${name}”`), h("p", {}, h("a", { href: "#/" }, "Start")));

async function open(name) {
  const tool = served.tools.find((t) => t.name === name);
  if (!tool) return missing("tool", name);
  const plugin = served.owner.get(name);
  const made = JSON.stringify([tool, plugin]);
  const old = kept.get(name);
  const view = old?.made === made || old?.isRunning() ? old : await toolView(tool, plugin, poll);
  view.made ??= made;
  kept.delete(name);
  kept.set(name, view);
  if (kept.size > KEPT) kept.delete(kept.keys().next().value);
  return view;
}

function calls() {
  const rows = now.calls.map(({ id, tool, beganMs, tookMs, outcome }) => {
    const began = new Date(beganMs);
    return h("tr", { "data-id": id },
      h("td", {}, h("time", { datetime: began.toISOString(), title: began.toLocaleString() }, began.toLocaleTimeString())),
      h("td", {}, served.owner.has(tool) ? h("a", { href: toolLink(tool) }, tool) : tool),
      h("td", {}, h("span", { class: `outcome ${outcome === "ok" ? "good" : outcome ? "bad" : ""}` }, outcome ?? "running")),
      h("td", { class: "figure" }, tookMs === null ? duration(Math.max(0, Date.now() - beganMs)) : duration(tookMs)));
  });
  return h("article", {}, h("h1", { tabindex: -1 }, "Calls"),
    h("p", { class: "muted" }, "The last calls of all clients, the newest first. Arguments and results are not kept."),
    rows.length ? table(["began", "tool", "outcome", "took"], rows) : h("p", {}, "None yet."));
}

const table = (heads, rows) => h("div", { class: "scroll", tabindex: 0, role: "region", "aria-label": "Table" },
  h("table", {}, h("thead", {}, h("tr", {}, heads.map((head) => h("th", { scope: "col" }, head)))), h("tbody", {}, rows)));

const SEVERITIES = ["error", "warning", "note"];

function diagnostics() {
  const sections = served.plugins.filter((plugin) => plugin.diagnostics.length || plugin.state !== "ready").map((plugin) => {
    const sorted = plugin.diagnostics.toSorted((a, b) => SEVERITIES.indexOf(a.severity) - SEVERITIES.indexOf(b.severity));
    const state = plugin.state !== "ready" && diagnostic({ severity: plugin.state === "failed" ? "error" : "warning", code: plugin.state, message: plugin.reason });
    return h("section", {}, h("h2", {}, plugin.name), state, sorted.map((note) => diagnostic(note, note.command && place(note))));
  });
  return h("article", {}, h("h1", { tabindex: -1 }, "Diagnostics"),
    h("p", { class: "muted" }, "What authors of plugins should know, with the line of the help page."),
    sections.length ? sections : h("p", {}, "There is nothing to say."));
}

function place({ command, line, tool }) {
  const words = [h("code", {}, `${command} --help`), line && `, line ${line}`];
  return h("span", { class: "at" }, "at ", tool ? h("a", { href: toolLink(tool) }, words) : words);
}

function health() {
  const { health: report } = now;
  if (!report) return h("article", {}, h("h1", { tabindex: -1 }, "Health"), h("p", {}, "Asking the server…"));
  const { calls: counts } = report;
  const figures = [["status", report.status], ["version", report.version], ["up for", duration(report.uptime_seconds * 1000)],
    ["plugins", report.plugins], ["tools", report.tools], ["calls", counts.total], ["errors", counts.errors], ["running", counts.running]];
  const rows = served.plugins.map((plugin) => h("tr", {},
    h("th", { scope: "row" }, plugin.name),
    h("td", {}, h("span", { class: `outcome ${plugin.state === "ready" ? "good" : "bad"}` }, plugin.state), plugin.reason && ` ${plugin.reason}`),
    h("td", { class: "figure" }, String(plugin.tools.length)),
    h("td", {}, plugin.diagnostics.length ? h("a", { href: "#/diagnostics" }, count(plugin.diagnostics.length, "diagnostic")) : "none")));
  return h("article", {}, h("h1", { tabindex: -1 }, "Health"),
    h("dl", { class: "figures" }, figures.map(([name, value]) => h("div", {}, h("dt", {}, name), h("dd", {}, String(value))))),
    rows.length ? table(["plugin", "state", "tools", "diagnostics"], rows) : h("p", {}, "There is no plugin."));
}

// What is new.

async function poll() {
  try {
    const { generation, ...rest } = await get("/inspect/calls");
    now = rest;
    state("ready", "the server works");
    badge(find("running"), now.health.calls.running);
    if (generation !== served.generation) await load();
    else if (!location.hash.startsWith("#/tool/") && location.hash !== "#/diagnostics") refresh();
    return true;
  } catch (error) {
    state("failed", error.message);
    if (!main.firstChild) failed(error);
    return false;
  }
}

/** Puts new figures in place, unless someone stands on a link or reads a selection there. */
function refresh() {
  const busy = main.contains(document.activeElement) && !document.activeElement.matches("h1, main") || String(getSelection());
  if (!busy) route();
}

function state(kind, what) {
  const dot = find("state");
  dot.className = `dot ${kind}`;
  dot.title = what;
  dot.setAttribute("role", "img");
  dot.setAttribute("aria-label", what);
}

async function keepUp() {
  for (;;) {
    const works = document.hidden || await poll();
    await new Promise((resolve) => setTimeout(resolve, works ? EVERY : LATER));
  }
}

search.addEventListener("input", filter);
search.addEventListener("keydown", (event) => {
  if (event.key === "Enter") visible()[0]?.click();
  if (event.key === "Escape") {
    search.value = "";
    filter();
  }
});
document.querySelector("aside").addEventListener("keydown", move);
document.querySelector(".skip").addEventListener("click", (event) => {
  event.preventDefault();
  main.focus();
});
document.addEventListener("keydown", (event) => {
  if (event.key !== "/" || event.ctrlKey || event.metaKey || event.altKey) return;
  if (event.target.matches("input:not([type=checkbox]), textarea, select")) return;
  event.preventDefault();
  if (matchMedia("(max-width: 47rem)").matches) location.hash = "#/";
  search.focus();
  search.select();
});
document.addEventListener("visibilitychange", () => { if (!document.hidden) poll(); });
window.addEventListener("hashchange", () => route().catch(failed));

function failed(error) {
  main.replaceChildren(h("article", {}, h("h1", { tabindex: -1 }, "That did not work"), h("p", {}, error.message),
    h("button", { type: "button", onclick: () => load().catch(failed) }, "Try again")));
}

keepUp();
