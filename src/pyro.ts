import { runCli } from "./doors/cli/main.js";

/** The executable, and the one file that knows more than one door. Each door is loaded on demand. */
await runCli(process.argv.slice(2), {
  serveMcp: async (options) => (await import("./doors/mcp/serve.js")).serve(options),
  configureMcp: async (input) => (await import("./doors/mcp/config/configure.js")).configure(input),
  environmentNames: async () => (await import("./environments/catalog.js")).catalog.map(({ name }) => name),
});
