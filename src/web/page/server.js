// Talks to the server: MCP (streamable HTTP, revision 2026-07-28), and the data beside it. Nothing else is asked.

const REVISION = "2026-07-28";
const META = "io.modelcontextprotocol/";
const KEY = "smcp-key";

let lastId = 0;
let asking = null;

/** Asks for the key, once for all who wait. */
function askKey(wasWrong) {
  asking ??= new Promise((resolve) => {
    const dialog = document.getElementById("key");
    const input = document.getElementById("key-value");
    const why = document.getElementById("key-why");
    if (wasWrong) why.textContent = "That key does not open this server.";
    input.value = "";
    dialog.oncancel = (event) => event.preventDefault();
    dialog.onclose = () => {
      sessionStorage.setItem(KEY, input.value);
      asking = null;
      resolve();
    };
    dialog.showModal();
    input.focus();
  });
  return asking;
}

async function send(path, options) {
  for (;;) {
    const key = sessionStorage.getItem(KEY);
    const headers = key ? { ...options.headers, "X-API-Key": key } : options.headers;
    const response = await fetch(path, { cache: "no-store", credentials: "omit", ...options, headers });
    if (response.status !== 401) return response;
    // Another request may have asked meanwhile.
    if (key === sessionStorage.getItem(KEY)) await askKey(key !== null);
  }
}

async function body(response) {
  const value = await response.json().catch(() => null);
  if (response.ok) return value;
  throw new Error(value?.error?.message ?? `the server answered with status ${response.status}`);
}

/** Data beside MCP. */
export const get = async (path) => body(await send(path, {}));

export async function post(path, value, signal) {
  const headers = { "Content-Type": "application/json" };
  return body(await send(path, { method: "POST", headers, body: JSON.stringify(value), signal }));
}

async function* events(stream) {
  const reader = stream.pipeThrough(new TextDecoderStream()).getReader();
  for (let rest = ""; ;) {
    const { value, done } = await reader.read();
    if (done) return;
    const blocks = (rest + value).split("\n\n");
    rest = blocks.pop();
    for (const block of blocks) {
      const data = block.split("\n").filter((line) => line.startsWith("data:")).map((line) => line.slice(5));
      if (data.length) yield JSON.parse(data.join("\n"));
    }
  }
}

/** One request of MCP; `told` gets the notifications that come before the answer. To abort it is to cancel it. */
async function rpc(method, params, meta = {}, { signal, told } = {}) {
  const id = ++lastId;
  const own = { protocolVersion: REVISION, clientCapabilities: { elicitation: { form: {} } }, clientInfo: { name: "smcp page", version: REVISION } };
  const _meta = { ...Object.fromEntries(Object.entries({ ...own, ...meta.mcp }).map(([k, v]) => [META + k, v])), ...meta.plain };
  const headers = {
    "Accept": "application/json, text/event-stream",
    "Content-Type": "application/json",
    "MCP-Protocol-Version": REVISION,
    "Mcp-Method": method,
    ...(params.name !== undefined && { "Mcp-Name": params.name }),
  };
  const message = { jsonrpc: "2.0", id, method, params: { ...params, _meta } };
  const response = await send("/mcp", { method: "POST", headers, body: JSON.stringify(message), signal });
  const kind = response.headers.get("Content-Type") ?? "";
  const answers = kind.startsWith("text/event-stream") ? events(response.body) : [await response.json()];
  for await (const answer of answers) {
    if (answer.method) told?.(answer);
    else if (answer.error) throw new Error(answer.error.message);
    else return answer.result;
  }
  throw new Error("the server ended the stream without an answer");
}

/** Every tool there is. */
export async function tools() {
  const all = [];
  let cursor;
  do {
    const page = await rpc("tools/list", cursor ? { cursor } : {});
    all.push(...page.tools);
    cursor = page.nextCursor;
  } while (cursor);
  return all;
}

/**
 * Calls a tool, with its progress and what it writes to standard error told meanwhile. `answer` gives the answers to
 * what it asks back; then it is called again with them.
 */
export async function call(name, args, signal, told, answer) {
  for (let more = {}; ;) {
    const meta = { mcp: { logLevel: "debug" }, plain: { progressToken: `page-${lastId}` } };
    const result = await rpc("tools/call", { name, arguments: args, ...more }, meta, { signal, told });
    if (result.resultType !== "input_required") return result;
    more = { inputResponses: await answer(result.inputRequests), requestState: result.requestState };
  }
}
