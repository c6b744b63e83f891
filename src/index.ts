export { PyroError, type ErrorBody, type ErrorCode } from "./contract/errors.js";
export { CommandFailedError } from "./doors/sdk/command-failed.js";
export type { Execution } from "./doors/sdk/execution.js";
export type * from "./doors/sdk/options.js";
export { Pyro } from "./doors/sdk/pyro.js";
export type * from "./doors/sdk/results.js";
export { createServer, type McpServer, type McpServerOptions, type McpTransport } from "./doors/sdk/server.js";
export { sh, type ShellValue } from "./doors/sdk/sh.js";
export type { CommandTag, Task } from "./doors/sdk/task.js";
