// Help pages with what came of them: which lines gave which argument, what only the parser told, and diagnostics.

import { diagnostic, h } from "./dom.js";

/** Columns at which help texts begin, at most; what is longer wraps to this column. */
const HANG = 28;

const WORDS = { entry: "help", usage: "usage", live: "parser", describe: "--describe", manifest: "plugin.toml" };

/** The facts of an argument by their source: [[source, [fact, …]], …]. */
export function bySource(argument) {
  const groups = new Map();
  for (const [fact, source] of Object.entries(argument.provenance)) {
    groups.set(source, [...(groups.get(source) ?? []), fact]);
  }
  return [...groups];
}

/** Where facts came from, in a few words. */
export function sourceLabel(source, argument) {
  if (source === "entry" && argument.entry) return `help, line ${argument.entry[0]}`;
  if (source === "usage" && argument.usage.length) return `usage, line ${argument.usage[0].line}`;
  return WORDS[source] ?? source;
}

/** The text of a line, with the words that stand for arguments marked. */
function marked(text, spans) {
  const parts = [];
  let end = 0;
  for (const { from, to, property } of spans.toSorted((a, b) => a.from - b.from)) {
    if (from < end) continue;
    parts.push(text.slice(end, from), h("mark", { "data-property": property }, text.slice(from, to)));
    end = to;
  }
  return [...parts, text.slice(end)];
}

/** The column to which a wrapped line hangs: where its help text begins. */
function hang(text) {
  const usage = /^usage: \S+ /i.exec(text);
  const entry = /^\s+\S.*?\s{2,}(?=\S)/.exec(text) ?? /^\s+/.exec(text);
  return Math.min((usage ?? entry)?.[0].length ?? 0, HANG);
}

/** One page. `pick(property)` is called when an argument of it is chosen. */
export function helpPage(level, pick) {
  const head = h("h3", {}, h("code", {}, `${level.command} --help`));
  const notes = level.diagnostics.filter((note) => !note.line || level.page === null);
  const general = notes.map((note) => diagnostic(note));
  if (level.page === null) {
    const why = "No help page is kept here: it is cache. The next time that the plugin is asked, there will be one.";
    return h("section", { class: "help" }, head, general, h("p", { class: "muted" }, why));
  }
  const owners = new Map();
  for (const argument of level.arguments) {
    if (!argument.entry) continue;
    for (let line = argument.entry[0]; line <= argument.entry[1]; line++) owners.set(line, argument);
  }
  const spans = level.arguments.flatMap(({ property, usage }) => usage.map((span) => ({ ...span, property })));
  const lines = level.page.replace(/\n+$/, "").split("\n").map((text, index) => {
    const number = index + 1;
    const owner = owners.get(number);
    const about = level.diagnostics.filter((note) => note.line === number);
    const content = h("span", { class: "text" }, marked(text, spans.filter((span) => span.line === number)));
    content.style.setProperty("--hang", `${hang(text)}ch`);
    const tag = owner?.entry[0] === number && tagOf(owner, pick);
    const line = h("div", { class: "line", "data-line": number, "data-property": owner?.property },
      h("span", { class: about.length ? `number ${about[0].severity}` : "number", "aria-hidden": "true" }, String(number)), content, tag);
    return [line, about.map((note) => diagnostic(note))];
  });
  const page = h("div", { class: "page", onclick: (event) => {
    const owner = event.target.closest("[data-property]");
    if (owner && !getSelection().toString()) pick(owner.dataset.property);
  } }, lines);
  const cut = level.cut && h("p", { class: "muted" }, "The rest of this page is not shown.");
  return h("section", { class: "help" }, head, general, page, cut);
}

function tagOf(argument, pick) {
  const live = bySource(argument).find(([source]) => source === "live")?.[1] ?? [];
  return h("button", { type: "button", class: "tag", onclick: (event) => { event.stopPropagation(); pick(argument.property); },
    title: live.length ? `the parser told: ${live.join(", ")}` : "all of it is from this page" },
  argument.property, live.length > 0 && h("span", { class: "live" }, "◆"));
}
