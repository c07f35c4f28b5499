// Elements. Texts become text nodes or attributes, never markup.

/** Makes an element. `props`: `on…` are listeners, other strings attributes, all else properties. */
export function h(tag, props, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(props ?? {})) {
    if (value === undefined || value === null || value === false) continue;
    if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else if (value === true) element.setAttribute(name, "");
    else element.setAttribute(name, value);
  }
  element.append(...children.flat(Infinity).filter((child) => child !== null && child !== undefined && child !== false));
  return element;
}

/** `1 tool`, `2 tools`. */
export const count = (n, what) => `${n} ${what}${n === 1 ? "" : "s"}`;

/** Milliseconds as people say them. */
export function duration(ms) {
  if (ms < 1000) return `${Math.round(ms)} ms`;
  if (ms < 60_000) return `${(ms / 1000).toFixed(1)} s`;
  const minutes = Math.floor(ms / 60_000);
  if (minutes < 60) return `${minutes} min ${Math.floor((ms % 60_000) / 1000)} s`;
  return minutes < 48 * 60 ? `${Math.floor(minutes / 60)} h ${minutes % 60} min` : `${Math.floor(minutes / 1440)} days`;
}

/** A word of a command line as one would type it in a shell. */
export const quoted = (word) => (/^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", "'\\''")}'`);

/** Where a tool is shown. */
export const toolLink = (name) => `#/tool/${encodeURIComponent(name)}`;

/** A diagnostic as a block: severity, code, message; `at` links to its place. */
export function diagnostic(note, at) {
  return h("p", { class: `note ${note.severity}` },
    h("strong", {}, note.severity), " ", h("code", {}, note.code), " ",
    note.argument && [h("code", {}, note.argument), ": "], note.message, at && [" ", at]);
}
