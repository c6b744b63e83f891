import { text } from "node:stream/consumers";

import type { Client } from "../../client/client.js";
import { performOperation } from "../../client/perform.js";
import { PyroError } from "../../contract/errors.js";
import type { OperationName } from "../../contract/operations.js";
import { readContract } from "../../contract/rendered.js";
import { jsonLine } from "./json-line.js";

/**
 * Commands for clients in other languages, which read JSON from standard input and print `{"result": …}` or `{"error": …}`:
 * `__call OPERATION` performs an operation that has no route, or one that needs more than a request on another machine; `__show
 * OPERATION` returns a result of another machine as this one sees it; `__socket` returns the socket that leads to another machine.
 */
export async function serveProgram(
  openClient: () => Promise<Client>,
  command: string,
  operation: string,
): Promise<string> {
  try {
    const result = await answer(await openClient(), command, operation);
    return jsonLine({ result });
  } catch (error) {
    return jsonLine({ error: PyroError.from(error).toBody() });
  }
}

async function answer(client: Client, command: string, name: string): Promise<unknown> {
  const { transport } = client;
  if (command === "__socket") return { socket: transport.context === null ? "" : transport.socket };
  const operation = readContract().operations.find((candidate) => candidate.name === name);
  if (operation === undefined || (!operation.isLocal && transport.context === null)) {
    throw new PyroError("INVALID_ARGUMENT", `Unknown local operation ${name}.`);
  }
  const given = JSON.parse(await text(process.stdin)) as object;
  if (command === "__call") return performOperation(client, name as OperationName, given as never);
  const { input, result } = given as { readonly input: object; readonly result: unknown };
  return client.show(name as OperationName, input, result);
}
