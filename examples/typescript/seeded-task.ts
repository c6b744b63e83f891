// Run from a checkout: make setup && node dist/examples/typescript/seeded-task.js DIRECTORY
// A task whose workspace begins with a directory of this machine, and is brought up to date later: all of a push arrives, or nothing.
import { Pyro } from "pyro-mcp";

const source = process.argv[2] ?? ".";
const pyro = new Pyro();
await using task = await pyro.createTask("debian:12", {
  memMib: 256,
  sourcePath: source,
  exclude: ["node_modules", ".git"],
});
const { entryCount, bytesWritten } = task.info.workspaceSeed;
console.log(`seeded with ${entryCount} entries, ${bytesWritten} bytes`);

const { stdout } = await task.exec("find . -type f | wc -l");
console.log(`files in it: ${stdout.trim()}`);

const pushed = await task.syncPush(source, { dest: "again", exclude: ["node_modules", ".git"] });
console.log(`pushed ${pushed.entryCount} entries to ${pushed.destination}`);
