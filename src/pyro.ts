import { runCli } from "./doors/cli/main.js";

/** The executable's main function, in the one file that knows more than one door. Each door is loaded on demand. */
export function runExecutable(): Promise<never> {
  return runCli(process.argv.slice(2), {
    serveMcp: async (options) => (await import("./doors/mcp/serve.js")).serve(options),
    configureMcp: async (input) => (await import("./doors/mcp/config/configure.js")).configure(input),
    serveE2b: async (options) => (await import("./doors/e2b/serve.js")).serve(options),
    renderE2bEnv: async () => (await import("./doors/e2b/serve.js")).renderEnv(),
    renderE2bKey: async (isNew) => (await import("./doors/e2b/serve.js")).renderKey(isNew),
    environmentNames: async () => (await import("./environments/catalog.js")).catalog.map(({ name }) => name),
  });
}
