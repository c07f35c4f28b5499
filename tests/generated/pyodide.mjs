// CPython 3.14 in Node as one more interpreter for harness.py: node pyodide.mjs MODULE_DIRECTORY HARNESS
//
// MODULE_DIRECTORY is where `npm install pyodide` was run. Speaks the harness's protocol on standard input and
// output: one JSON line in, one out.

import { readFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { pathToFileURL } from "node:url";

const [directory, harness] = process.argv.slice(2);
const module = join(resolve(directory), "node_modules", "pyodide", "pyodide.mjs");
const { loadPyodide } = await import(pathToFileURL(module).href);
const python = await loadPyodide();
python.runPython(readFileSync(harness, "utf8").replace(/\nif __name__ == "__main__":\n {4}main\(\)\n$/, "\n"));
python.runPython("os.environ.update(NO_COLOUR)");
const handle = python.globals.get("handle");

let pending = Buffer.alloc(0);
for await (const chunk of process.stdin) {
  pending = Buffer.concat([pending, chunk]);
  for (let end; (end = pending.indexOf(10)) >= 0; pending = pending.subarray(end + 1)) {
    const answer = handle(pending.subarray(0, end).toString("utf8")) + "\n";
    await new Promise((written) => process.stdout.write(answer, written));
  }
}
