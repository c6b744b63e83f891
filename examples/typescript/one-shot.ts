// Run from a checkout: make setup && node dist/examples/typescript/one-shot.js
// One command in a fresh VM, which is then removed.
import { Pyro } from "pyro-mcp";

const pyro = new Pyro();
const { exitCode, stdout, stderr } = await pyro.runInVm("debian:12", { command: ["git", "--version"] });
console.log(exitCode === 0 ? stdout.trim() : `failed with ${exitCode}: ${stderr}`);
