// Run from a checkout: make setup && node dist/examples/typescript/parallel-tasks.js
// Several tasks at once. Each is its own VM; `await using` deletes it at the end of its block.
import { Pyro } from "pyro-mcp";

const pyro = new Pyro();

async function work(name: string): Promise<string> {
  await using task = await pyro.createTask("debian:12", { memMib: 256 });
  await task.$`echo ${name} >name`;
  const { stdout } = await task.exec("echo $(cat name) on $(hostname)");
  return stdout.trim();
}

const lines = await Promise.all(["first", "second", "third"].map(work));
console.log(lines.join("\n"));
