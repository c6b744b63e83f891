import assert from "node:assert/strict";

import { Client, InMemoryTransport, type CallToolResult, type RequestOptions } from "@modelcontextprotocol/client";
import { StdioClientTransport } from "@modelcontextprotocol/client/stdio";

import type { McpProfile } from "../../../src/contract/operation.js";
import type { ErrorBody } from "../../../src/contract/errors.js";
import { createServer, type ServerOptions } from "../../../src/doors/mcp/server.js";
import { pyroPath, until } from "../../client/scratch.js";

type Fields = Record<string, unknown>;

/** The official client, connected to a server. */
export class Connected implements AsyncDisposable {
  readonly client: Client;
  /** Everything the server has logged through the protocol. */
  readonly logged: unknown[] = [];
  listChanges = 0;

  constructor(clientName = "test") {
    this.client = new Client({ name: clientName, version: "1.0.0" });
    this.client.setNotificationHandler("notifications/message", ({ params }) => void this.logged.push(params));
    this.client.setNotificationHandler("notifications/resources/list_changed", () => void (this.listChanges += 1));
  }

  async call(name: string, input: Fields = {}, options?: RequestOptions): Promise<CallToolResult> {
    return (await this.client.callTool({ name, arguments: input }, options)) as CallToolResult;
  }

  /** Does something, and waits until the server has told that the list of tasks has changed. It may tell so more than once. */
  async hears<Result>(what: string, act: () => Promise<Result>): Promise<Result> {
    const before = this.listChanges;
    const result = await act();
    await until(`the client hears of ${what}`, () => this.listChanges > before);
    return result;
  }

  /** The structured content of a call that must succeed. */
  async result<Result = Fields>(name: string, input: Fields = {}, options?: RequestOptions): Promise<Result> {
    const result = await this.call(name, input, options);
    assert.notEqual(result.isError, true, textOf(result));
    return result.structuredContent as Result;
  }

  /** The error of a call that must fail. */
  async failure(name: string, input: Fields = {}): Promise<ErrorBody & { text: string }> {
    const result = await this.call(name, input);
    assert.equal(result.isError, true, textOf(result));
    assert.equal(result.structuredContent, undefined);
    return { ...(result._meta?.["pyro-mcp/error"] as ErrorBody), text: textOf(result) };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.client.close();
  }
}

export function textOf(result: CallToolResult): string {
  return result.content.map((block) => (block.type === "text" ? block.text : "")).join("\n");
}

/** A server in this process. */
export async function connectHere({
  clientName,
  ...options
}: ServerOptions & { readonly clientName?: string }): Promise<Connected> {
  const [ours, theirs] = InMemoryTransport.createLinkedPair();
  const connected = new Connected(clientName);
  // Both packages have a class of that name, with the same behaviour.
  await createServer(options).connect(theirs as never);
  await connected.client.connect(ours);
  return connected;
}

/** `pyro mcp serve` as a client starts it. */
export async function connectStdio(
  env: NodeJS.ProcessEnv,
  profile: McpProfile = "standard",
): Promise<Connected & { pid: number }> {
  const connected = new Connected();
  const transport = new StdioClientTransport({
    command: process.execPath,
    args: [pyroPath, "mcp", "serve", "--profile", profile],
    env: env as Record<string, string>,
    stderr: "ignore",
  });
  await connected.client.connect(transport);
  return Object.assign(connected, { pid: transport.pid ?? 0 });
}
