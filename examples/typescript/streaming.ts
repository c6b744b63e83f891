// Run from a checkout: make setup && node dist/examples/typescript/streaming.js
// Output as it comes, and standard input from a generator. A slow reader makes the command wait.
import { Pyro } from "pyro-mcp";

const pyro = new Pyro();
await using task = await pyro.createTask("debian:12", { memMib: 256 });

for await (const { stream, text } of task.exec("for i in 1 2 3; do echo $i; sleep 0.2; done; echo done >&2")) {
  process.stdout.write(`${stream}: ${text}`);
}

async function* numbers(): AsyncGenerator<string> {
  for (let number = 1; number <= 1000; number += 1) yield `${number}\n`;
}
const { stdout } = await task.exec("sha256sum", { stdin: numbers() });
console.log(stdout.trim());
