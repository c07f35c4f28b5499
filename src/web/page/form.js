// A form from a JSON Schema: the shapes that smcp makes of arguments, and JSON for any other.
//
// A control is { element, focus, read() }; `read` gives `undefined` where the argument is left out. `empty` is what an
// element of a list is when nothing was entered.

import { h } from "./dom.js";

let ids = 0;

/** Enter sends the form from fields where it would do something else; with Shift it does that. */
export function enterSubmits(form) {
  form.addEventListener("keydown", (event) => {
    const plain = !event.shiftKey && !event.isComposing;
    if (event.key === "Enter" && plain && event.target.matches("textarea, select, [type=checkbox]")) {
      event.preventDefault();
      form.requestSubmit();
    }
  });
}

const flatten = (schema) => (schema.anyOf ? schema.anyOf.flatMap(flatten) : [schema]);
const shown = (value) => (typeof value === "string" ? value : JSON.stringify(value));

const plural = (type) => (type === "one of" ? "choices" : type.includes(" ") ? type : `${type}s`);

/** A type in one phrase. */
export function phrase(schema) {
  if (schema.enum) return "one of";
  if (schema.anyOf) {
    const parts = schema.anyOf.filter((part) => !part.enum || schema.anyOf.length === 1);
    return [...new Set(parts.map(phrase))].join(" or ");
  }
  if (schema.type === "array") return `list of ${schema.items ? plural(phrase(schema.items)) : "values"}`;
  return schema.const === undefined ? schema.type ?? "any" : JSON.stringify(schema.const);
}

/** The control for a property. `required`: it can't be left out; `inList`: it is an element of a list. */
export function control(schema, { required = false, inList = false } = {}) {
  const options = { id: `c${++ids}`, required, inList, fallback: schema.default };
  const parts = flatten(schema);
  const values = parts.filter((part) => part.const !== true);
  const list = parts.find((part) => part.type === "array");
  const made = list ? listOf(list, options) : scalar(values, options);
  return parts.length > values.length ? orBare(made, options) : made;
}

function scalar(parts, options) {
  const types = new Set(parts.map((part) => part.type));
  const choices = parts.find((part) => part.enum)?.enum;
  const is = (...only) => types.size > 0 && [...types].every((type) => only.includes(type));
  if (is("boolean")) return options.required || options.fallback !== undefined ? threeWay(options) : checkbox(options);
  if (choices && parts.length === 1) return select(choices, options);
  if (is("string")) return choices ? suggested(choices, options) : text(options);
  if (is("integer", "number", "string")) return number(options, types);
  return json(options);
}

function placeholder({ required, inList, fallback }) {
  if (fallback !== undefined) return `${shown(fallback)} (default)`;
  return required || inList ? "" : "left out";
}

function checkbox({ id }) {
  const element = h("input", { type: "checkbox", id });
  return { element, focus: element, empty: false, read: () => element.checked || undefined };
}

function threeWay({ id, required, fallback }) {
  const left = fallback === undefined ? "left out" : `left out (default: ${fallback})`;
  const words = [...(required && fallback === undefined ? [] : [["", left]]), ["true", "true"], ["false", "false"]];
  const element = h("select", { id }, words.map(([value, word]) => h("option", { value }, word)));
  return { element, focus: element, empty: null, read: () => (element.value ? element.value === "true" : undefined) };
}

function select(choices, { id, required, inList, fallback }) {
  const left = fallback !== undefined ? `left out (default: ${shown(fallback)})` : required || inList ? "choose…" : "left out";
  const element = h("select", { id }, h("option", { value: "" }, left),
    choices.map((choice, index) => h("option", { value: index }, choice)));
  return { element, focus: element, empty: null, read: () => (element.value === "" ? undefined : choices[element.value]) };
}

function suggested(suggestions, options) {
  const list = `${options.id}-list`;
  const element = h("input", { id: options.id, list, placeholder: placeholder(options), autocomplete: "off", spellcheck: "false" });
  return withEmpty({
    element: h("div", { class: "one" }, element, h("datalist", { id: list }, suggestions.map((value) => h("option", { value })))),
    focus: element,
  }, options);
}

function text(options) {
  const element = h("textarea", { id: options.id, rows: 1, placeholder: placeholder(options), spellcheck: "false", autocomplete: "off",
    title: "Enter sends the form, Shift+Enter begins a new line" });
  return withEmpty({ element: h("div", { class: "one" }, element), focus: element }, options);
}

/** Text that may be given although it is empty: in a list always, else where a box says so. */
function withEmpty({ element, focus }, { inList }) {
  if (inList) return { element, focus, empty: "", read: () => focus.value };
  const box = h("input", { type: "checkbox" });
  const label = h("label", { class: "empty", title: "Give the empty text" }, box, "empty");
  const look = () => { label.hidden = focus.value !== ""; };
  focus.addEventListener("input", look);
  element.append(label);
  return { element, focus, empty: "", read: () => (focus.value === "" && !box.checked ? undefined : focus.value) };
}

/** A number; what is none, or too large to be exact, goes as it was typed, and the server says what is wrong with it. */
function number(options, types) {
  const inputmode = types.has("string") ? "text" : types.has("number") ? "decimal" : "numeric";
  const element = h("input", { id: options.id, inputmode, placeholder: placeholder(options), autocomplete: "off" });
  const value = () => {
    const typed = element.value.trim();
    const plain = /^-?(0|[1-9]\d*)(\.\d+)?$/.test(typed) && typed.length < 16;
    return plain && String(Number(typed)) === typed ? Number(typed) : element.value;
  };
  return { element, focus: element, empty: "", read: () => (element.value.trim() === "" ? undefined : value()) };
}

function json(options) {
  const element = h("textarea", { id: options.id, rows: 2, placeholder: "JSON", spellcheck: "false", class: "mono" });
  const value = () => { try { return JSON.parse(element.value); } catch { return element.value; } };
  return { element, focus: element, empty: null, read: () => (element.value.trim() === "" ? undefined : value()) };
}

/** A value, or the option without one. */
function orBare(inner, { id }) {
  const box = h("input", { type: "checkbox", id: `${id}-bare` });
  box.addEventListener("change", () => { inner.focus.disabled = box.checked; });
  const element = h("div", { class: "one" }, inner.element, h("label", { class: "empty" }, box, "without a value"));
  return { ...inner, element, read: () => (box.checked ? true : inner.read()) };
}

function listOf(schema, { id, required, inList, fallback }) {
  const { items = {}, minItems = 0, maxItems = Infinity } = schema;
  const rows = [];
  const holder = h("div", { class: "rows" });
  // Its own words, not those of the field's label.
  const add = h("button", { type: "button", id, class: "add", "aria-label": "Add a value" }, "Add a value");
  const changed = () => {
    add.disabled = rows.length >= maxItems;
    holder.dispatchEvent(new Event("input", { bubbles: true }));
  };
  const addRow = () => {
    const made = control(items, { inList: true });
    const row = h("div", { class: "row" }, made.element,
      h("button", { type: "button", class: "remove", "aria-label": "Remove this value", onclick: () => {
        rows.splice(rows.indexOf(made), 1);
        row.remove();
        (rows.at(-1)?.focus ?? add).focus();
        changed();
      } }, "×"));
    made.focus.setAttribute("aria-label", "Value");
    rows.push(made);
    holder.append(row);
    return made;
  };
  add.addEventListener("click", () => {
    const first = addRow();
    while (rows.length < minItems) addRow();
    changed();
    first.focus.focus();
  });
  if (required || inList) for (let n = Math.max(1, minItems); n > 0; n--) addRow();
  const left = fallback === undefined ? null : h("span", { class: "muted" }, `default: ${shown(fallback)}`);
  const element = h("div", { class: "list" }, holder, h("div", { class: "one" }, add, left));
  return {
    element, focus: add, empty: [],
    read: () => (rows.length || inList ? rows.map((row) => row.read() ?? row.empty) : undefined),
  };
}
