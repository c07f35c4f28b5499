// One tool: a form from its schema, the command line that comes of it, the call, and the help page beside it.

import { ask } from "./ask.js";
import { duration, h, quoted } from "./dom.js";
import { control, enterSubmits, phrase } from "./form.js";
import { bySource, helpPage, sourceLabel } from "./help.js";
import { call, get, post } from "./server.js";

/** How long typing rests before the command line is asked for, in milliseconds. */
const REST = 120;
/** Lines of standard error that are shown while a call runs. */
const LINES = 500;
/** Characters of one text of a result that are shown at once. */
const SHOWN = 100_000;
/** Pixels of a chosen entry that must be seen. */
const SEEN = 80;
/** What a browser may show of a result. */
const IMAGES = /^image\/(png|jpeg|gif|webp)$/;
const SOUNDS = /^audio\/(wav|x-wav|mpeg|mp3|ogg)$/;

/** The view of a tool. `plugin` is whose it is; the server's own tools have none. */
export async function toolView(tool, plugin, calledBack) {
  const details = plugin ? await get(`/inspect/tool?name=${encodeURIComponent(tool.name)}`) : { levels: [] };
  const sources = new Map(details.levels.flatMap((level) => level.arguments).map((argument) => [argument.property, argument]));
  const view = h("article", { class: "tool" });
  const pages = h("div", { class: "pages" });
  const pick = (property, focus = true) => {
    for (const element of view.querySelectorAll("[data-property]")) {
      element.classList.toggle("picked", element.dataset.property === property);
    }
    if (focus) view.querySelector(`.field[data-property="${CSS.escape(property)}"]`)?.control.focus.focus();
  };
  // Where the pages scroll by themselves, the chosen lines come into sight.
  const follow = () => {
    const line = view.querySelector(".line.picked");
    if (!line || getComputedStyle(pages).position !== "sticky") return;
    const shift = line.getBoundingClientRect().top - pages.getBoundingClientRect().top;
    if (shift < 0 || shift > pages.clientHeight - SEEN) pages.scrollTop += shift - pages.clientHeight / 2;
  };
  const { form, run, isRunning } = formOf(tool, plugin, sources, calledBack);
  view.isRunning = isRunning;
  for (const field of form.querySelectorAll(".field")) {
    field.addEventListener("focusin", () => {
      pick(field.dataset.property, false);
      follow();
    });
    field.addEventListener("mouseenter", () => pick(field.dataset.property, false));
  }
  const help = details.levels.toReversed().map((level) => ({ level, element: helpPage(level, pick) }));
  form.addEventListener("goto", ({ detail: { property, line } }) => {
    pick(property, false);
    const { element } = help.find(({ level }) => level.arguments.some((a) => a.property === property));
    element.querySelector(`[data-line="${line}"]`)?.scrollIntoView({ block: "center" });
  });
  pages.append(help.length ? legend() : h("p", { class: "muted" }, "A tool of the server itself: no help page."),
    ...help.map(({ element }) => element),
    h("details", {}, h("summary", {}, "JSON Schema"), h("pre", {}, JSON.stringify(tool.inputSchema, null, 2))));
  view.append(
    h("div", { class: "about" },
      h("h1", { tabindex: -1 }, tool.name),
      tool.title && h("p", { class: "title" }, tool.title),
      plugin && plugin.state !== "ready" && h("p", { class: "note warning" }, h("strong", {}, plugin.state), " ", plugin.reason),
      h("p", { class: "description" }, tool.description),
      hints(tool.annotations)),
    h("div", { class: "columns" },
      h("div", {}, form, run),
      pages));
  return view;
}

const HINTS = { readOnlyHint: ["read only", "changes things"], destructiveHint: ["destructive", "not destructive"],
  idempotentHint: ["idempotent", "not idempotent"], openWorldHint: ["open world", "closed world"] };

function hints(annotations) {
  const known = Object.entries(annotations ?? {}).filter(([name]) => name in HINTS);
  return known.length > 0 && h("p", { class: "hints" }, known.map(([name, value]) => h("span", { class: "hint" }, HINTS[name][value ? 0 : 1])));
}

function legend() {
  return h("p", { class: "legend" }, h("mark", {}, "words"), " of the usage and ", h("span", { class: "bar" }, "lines"),
    " that gave an argument; ", h("span", { class: "live" }, "◆"), " what the parser itself told");
}

function formOf(tool, plugin, sources, calledBack) {
  const { properties = {}, required = [] } = tool.inputSchema;
  const fields = Object.entries(properties).map(([property, schema]) =>
    fieldOf(property, schema, required.includes(property), sources.get(property)));
  const form = h("form", { class: "arguments", novalidate: true, autocomplete: "off", "aria-label": "Arguments" },
    fields.length ? fields : h("p", { class: "muted" }, "This tool takes no arguments."));
  const read = () => Object.fromEntries(fields.map((field) => [field.dataset.property, field.control.read()])
    .filter(([, value]) => value !== undefined));
  const line = plugin && commandLine(tool, fields, read);
  const { run, start, stop, isRunning } = caller(tool, read, line?.check, calledBack);
  form.append(line?.element ?? "", run.buttons);
  form.addEventListener("submit", (event) => { event.preventDefault(); start(); });
  form.addEventListener("input", () => line?.ask());
  enterSubmits(form);
  const keys = (event) => { if (event.key === "Escape") stop(); };
  form.addEventListener("keydown", keys);
  run.result.addEventListener("keydown", keys);
  line?.ask();
  return { form, run: run.result, isRunning };
}

function fieldOf(property, schema, required, source) {
  const made = control(schema, { required });
  const id = made.focus.id;
  const groups = source ? bySource(source) : [];
  const facts = source && h("p", { class: "sources" }, groups.map(([from, facts]) => {
    const line = from === "entry" ? source.entry?.[0] : from === "usage" ? source.usage[0]?.line : undefined;
    const label = sourceLabel(from, source);
    const where = line === undefined
      ? h("span", { class: from === "live" ? "live" : "from" }, from === "live" ? `◆ ${label}` : label)
      : h("button", { type: "button", class: "link", onclick: (event) =>
        event.target.dispatchEvent(new CustomEvent("goto", { bubbles: true, detail: { property, line } })) }, label);
    return h("span", { title: facts.join(", ") }, where, groups.length > 1 ? ` ${facts.join(", ")}` : " everything");
  }));
  const type = phrase(schema);
  const element = h("div", { class: "field", "data-property": property, role: "group", "aria-labelledby": `${id}-label` },
    h("p", { class: "name" },
      h("label", { for: id, id: `${id}-label` }, property), required && h("span", { class: "required" }, "required"),
      h("span", { class: "type" }, type), source?.flags.length > 0 && h("code", {}, source.flags.join(", "))),
    made.element,
    h("p", { class: "wrong", id: `${id}-wrong`, hidden: true }),
    schema.description && h("p", { class: "about" }, schema.description),
    facts);
  made.focus.setAttribute("aria-describedby", `${id}-wrong`);
  if (required) made.focus.setAttribute("aria-required", "true");
  element.control = made;
  return element;
}

/** The command line, kept up with the form, and what is wrong with each argument. */
function commandLine(tool, fields, read) {
  const words = h("code", { id: "argv" });
  const copy = h("button", { type: "button", class: "link", onclick: () => navigator.clipboard?.writeText(words.textContent) }, "Copy");
  const errors = h("div", { class: "errors" });
  const element = h("div", { class: "argv" }, h("p", { class: "line" }, words, copy), errors);
  let timer;
  let asked = new AbortController();
  const show = (answer) => {
    element.classList.toggle("refused", Boolean(answer.errors));
    if (answer.words) {
      const typed = answer.words.map((word) => ` ${quoted(word)}`);
      words.replaceChildren(h("span", { class: "launch" }, answer.launch.map(quoted).join(" ")), ...typed);
    }
    const named = new Map((answer.errors ?? []).map((error) => [error.argument, error.reason]));
    for (const field of fields) {
      const reason = named.get(field.dataset.property);
      named.delete(field.dataset.property);
      const missing = reason === "is required" && !field.touched;
      const wrong = field.querySelector(".wrong");
      wrong.hidden = reason === undefined || missing;
      wrong.textContent = reason ?? "";
      field.control.focus.setAttribute("aria-invalid", String(!wrong.hidden));
    }
    errors.replaceChildren(...[...named].map(([argument, reason]) => h("p", {}, h("code", {}, argument), ` ${reason}`)));
    if (answer.errors) {
      const open = answer.errors.map((error) => error.argument).join(", ");
      words.replaceChildren(h("span", { class: "launch" }, `no command line yet: ${open}`));
    }
  };
  const ask = () => {
    clearTimeout(timer);
    timer = setTimeout(async () => {
      asked.abort();
      asked = new AbortController();
      try {
        show(await post("/inspect/argv", { name: tool.name, arguments: read() }, asked.signal));
      } catch (error) {
        if (error.name !== "AbortError") errors.replaceChildren(h("p", {}, error.message));
      }
    }, REST);
  };
  // Whether the form can be sent; if not, what is wrong is shown, and the first such field gets the focus.
  const check = async () => {
    clearTimeout(timer);
    for (const field of fields) field.touched = true;
    const answer = await post("/inspect/argv", { name: tool.name, arguments: read() }).catch(() => null);
    if (!answer) return true;
    asked.abort();
    show(answer);
    if (answer.errors) fields.find((field) => !field.querySelector(".wrong").hidden)?.control.focus.focus();
    return !answer.errors;
  };
  for (const field of fields) field.addEventListener("focusout", () => { field.touched = true; ask(); });
  return { element, ask, check };
}

/** The buttons that call and cancel, and where the call is shown. */
function caller(tool, read, check, calledBack) {
  let [running, checking] = [null, false];
  const callButton = h("button", { class: "primary" }, "Call");
  const cancelButton = h("button", { type: "button", disabled: true }, "Cancel");
  // Readers are told of the beginning and the end, not of each tick.
  const [status, clock] = [h("span", { role: "status" }), h("span")];
  const state = h("p", { class: "state" }, status, clock);
  const bar = h("progress", { hidden: true, "aria-label": "Progress" });
  const lines = h("pre", { class: "lines", hidden: true, tabindex: 0, "aria-label": "Standard error" });
  const content = h("div", { class: "content" });
  const result = h("section", { class: "result", "aria-label": "Result", hidden: true }, state, bar, lines, content);
  const told = ({ method, params }) => {
    if (method === "notifications/progress") {
      if (params.total) bar.max = params.total;
      if (params.total) bar.value = params.progress;
      running.message = params.total ? `${params.progress} of ${params.total}` : params.message ?? "";
    } else if (method === "notifications/message") {
      lines.hidden = false;
      lines.append(`${params.data}\n`);
      while (lines.childNodes.length > LINES) lines.firstChild.remove();
      lines.scrollTop = lines.scrollHeight;
    }
  };
  const tick = () => { clock.textContent = ` for ${duration(performance.now() - running.began)}${running.message && `, ${running.message}`}`; };
  const end = (kind, word) => {
    const took = duration(performance.now() - running.began);
    clearInterval(running.clock);
    running = null;
    [callButton.disabled, cancelButton.disabled, bar.hidden] = [false, true, true];
    result.className = `result ${kind}`;
    clock.textContent = "";
    status.replaceChildren(h("strong", {}, word), ` after ${took}`);
    calledBack();
  };
  const start = async () => {
    if (running || checking) return;
    checking = true;
    const fits = await check?.() ?? true;
    checking = false;
    if (!fits) return;
    running = { abort: new AbortController(), began: performance.now(), message: "" };
    running.clock = setInterval(tick, 100);
    [callButton.disabled, cancelButton.disabled, bar.hidden, result.hidden] = [true, false, false, false];
    result.className = "result";
    bar.removeAttribute("value");
    lines.hidden = true;
    lines.replaceChildren();
    content.replaceChildren();
    status.textContent = "running";
    tick();
    const show = () => result.scrollIntoView({ block: "nearest" });
    show();
    try {
      const { signal } = running.abort;
      const answer = await call(tool.name, read(), signal, told, async (questions) => {
        status.textContent = "it asks";
        const answers = await ask(questions, content, signal);
        status.textContent = "running";
        return answers;
      });
      const code = answer.structuredContent?.error?.code;
      end(answer.isError ? "bad" : "good", answer.isError ? `error${code ? ` (${code})` : ""}` : "ok");
      content.replaceChildren(...shownResult(answer));
    } catch (error) {
      const cancelled = error.name === "AbortError";
      end("bad", cancelled ? "cancelled" : "error");
      if (!cancelled) content.replaceChildren(h("pre", {}, error.message));
    }
    show();
  };
  const stop = () => running?.abort.abort();
  cancelButton.addEventListener("click", stop);
  return { run: { buttons: h("p", { class: "buttons" }, callButton, cancelButton), result }, start, stop, isRunning: () => running !== null };
}

function shownResult(answer) {
  const blocks = answer.content.map(shownBlock);
  const isTold = answer.isError || answer.content.some(({ text }) => sameJson(text, answer.structuredContent));
  const structured = answer.structuredContent && h("details", { open: !isTold },
    h("summary", {}, "Structured content"), long(JSON.stringify(answer.structuredContent, null, 2)));
  return [...blocks, structured].filter(Boolean);
}

function sameJson(text, value) {
  try {
    return JSON.stringify(JSON.parse(text)) === JSON.stringify(value);
  } catch {
    return false;
  }
}

function shownBlock(block) {
  if (block.type === "text") return long(block.text);
  const { mimeType = "", data } = block;
  if (block.type === "image" && IMAGES.test(mimeType)) return h("img", { src: `data:${mimeType};base64,${data}`, alt: "Image of the result" });
  if (block.type === "audio" && SOUNDS.test(mimeType)) return h("audio", { controls: true, src: `data:${mimeType};base64,${data}` });
  return long(JSON.stringify(block, null, 2));
}

/** A text, its end shown on demand where it is long. */
function long(text) {
  const pre = h("pre", { tabindex: 0 }, text.slice(0, SHOWN));
  if (text.length <= SHOWN) return pre;
  const more = h("button", { type: "button", onclick: () => { pre.textContent = text; more.remove(); } }, `Show all ${text.length} characters`);
  return h("div", {}, pre, more);
}

