// Run from a checkout: make setup && node dist/examples/typescript/cancel.js
// Three ways to end a command early. The task stays; the result has the output until then.
import { Pyro } from "pyro-mcp";

const pyro = new Pyro();
await using task = await pyro.createTask("debian:12", { memMib: 256 });

const stopped = await task.exec("echo begun; sleep 60", { signal: AbortSignal.timeout(1000) });
console.log(`by a signal: aborted=${stopped.aborted} stdout=${stopped.stdout.trim()}`);

const watched = task.exec("for i in 1 2 3; do echo line $i; sleep 1; done");
for await (const { text } of watched) if (text.includes("line 2")) break;
console.log(`by leaving the loop: aborted=${(await watched).aborted}`);

const late = await task.exec("sleep 60", { timeoutSeconds: 1 });
console.log(`by its time-out: timedOut=${late.timedOut} aborted=${late.aborted}`);
