// One context of the interpreter: runs JavaScript, and keeps the state between runs.
import { createReadStream, writeSync } from "node:fs";
import { createRequire } from "node:module";
import { inspect } from "node:util";
import vm from "node:vm";

const reply = Number(process.env.PYRO_REPLY);
const requests = createReadStream("", { fd: Number(process.env.PYRO_REQUESTS) });
delete process.env.PYRO_REPLY;
delete process.env.PYRO_REQUESTS;
globalThis.require = createRequire(`${process.cwd()}/`);

/** Rejects the run that waits; code that does not wait is interrupted by vm itself. */
let interrupt = () => {};
process.on("SIGINT", () => interrupt(new Error("The execution was interrupted.")));
process.on("uncaughtException", (error) => interrupt(error));
process.on("unhandledRejection", (error) => interrupt(error));

let rest = Buffer.alloc(0);
for await (const piece of requests) {
  rest = Buffer.concat([rest, piece]);
  while (rest.length >= 4 && rest.length >= 4 + rest.readUInt32BE(0)) {
    const size = 4 + rest.readUInt32BE(0);
    const request = JSON.parse(rest.subarray(4, size).toString("utf8"));
    rest = rest.subarray(size);
    await run(request);
    send({ type: "end" });
  }
}
process.exit(0);

function send(event) {
  let data = Buffer.from(`${JSON.stringify(event)}\n`);
  while (data.length > 0) data = data.subarray(writeSync(reply, data));
}

async function run({ code, env, count }) {
  const before = { ...process.env };
  Object.assign(process.env, env);
  try {
    const interrupted = new Promise((_, reject) => (interrupt = reject));
    const value = await Promise.race([evaluate(code, `<cell ${count}>`), interrupted]);
    if (value !== undefined) send({ type: "result", is_main_result: true, text: inspect(value) });
  } catch (error) {
    const { name = "Error", message = inspect(error), stack = message } = error instanceof Object ? error : {};
    send({ type: "error", name, value: String(message), traceback: String(stack).split("\n    at evaluate")[0] });
  } finally {
    interrupt = () => {};
    for (const name of Object.keys(process.env)) if (!(name in before)) delete process.env[name];
    Object.assign(process.env, before);
  }
}

async function evaluate(code, filename) {
  const script = compile(code, filename) ?? compile(waiting(code), filename);
  return (script ?? new vm.Script(code, { filename })).runInThisContext({ breakOnSigint: true });
}

/** Null for code that does not compile. */
function compile(code, filename) {
  try {
    return new vm.Script(code, { filename, importModuleDynamically: vm.constants?.USE_MAIN_CONTEXT_DEFAULT_LOADER });
  } catch (error) {
    if (error.name === "SyntaxError") return null;
    throw error;
  }
}

/** Code with a top-level await, as an async function. Variables declared at the beginning of a line become global, for later runs. */
function waiting(code) {
  const kept = code.replace(/^(?:const|let|var)\s+([A-Za-z_$][\w$]*)\s*=/gm, "globalThis.$1 =");
  const at = kept.trimEnd().lastIndexOf("\n") + 1;
  const returning = `(async () => { ${kept.slice(0, at)}return (${kept.slice(at).trim().replace(/;$/, "")}\n); })()`;
  return compile(returning, "") ? returning : `(async () => { ${kept}\n})()`;
}
