// What a tool asks back while it is called: one form for each question, where the result will be.

import { h } from "./dom.js";
import { control, enterSubmits } from "./form.js";

/** Shows questions one after the other in `place`; their answers by key. To abort is to answer none. */
export async function ask(questions, place, signal) {
  const answers = {};
  for (const [key, { params }] of Object.entries(questions)) answers[key] = await answer(params, place, signal);
  return answers;
}

function answer({ message, requestedSchema: { properties = {}, required = [] } }, place, signal) {
  const fields = Object.entries(properties).map(([name, schema]) => {
    const made = control(schema, { required: required.includes(name) });
    const label = h("label", { for: made.focus.id }, schema.title ?? name);
    return { name, made, element: h("div", { class: "field" }, h("p", { class: "name" }, label), made.element, h("p", { class: "about" }, schema.description)) };
  });
  const given = () => Object.fromEntries(fields.map(({ name, made }) => [name, made.read()]).filter(([, value]) => value !== undefined));
  return new Promise((resolve, reject) => {
    const end = (act) => {
      form.remove();
      act();
    };
    const decline = h("button", { type: "button", onclick: () => end(() => resolve({ action: "decline" })) }, "Decline");
    const form = h("form", { class: "question", novalidate: true, autocomplete: "off", "aria-label": "Question", onsubmit: (event) => {
      event.preventDefault();
      end(() => resolve({ action: "accept", content: given() }));
    } }, h("p", { class: "description" }, message), fields.map(({ element }) => element),
    h("p", { class: "buttons" }, h("button", { class: "primary" }, "Answer"), decline));
    enterSubmits(form);
    signal.addEventListener("abort", () => end(() => reject(signal.reason)), { once: true });
    place.append(form);
    form.scrollIntoView({ block: "nearest" });
    form.querySelector("textarea, input, select, button").focus();
  });
}
