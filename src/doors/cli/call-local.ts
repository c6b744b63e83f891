import { text } from "node:stream/consumers";

import type { Client } from "../../client/client.js";
import { performOperation } from "../../client/perform.js";
import { PyroError } from "../../contract/errors.js";
import type { OperationName } from "../../contract/operations.js";
import { readContract } from "../../contract/rendered.js";

/**
 * `pyro __call OPERATION`, for clients in other languages: performs an operation that has no route. Reads its input as JSON from standard
 * input; prints `{"result": …}` or `{"error": …}`.
 */
export async function callLocal(client: Client, name: string): Promise<string> {
  try {
    const operation = readContract().operations.find((candidate) => candidate.name === name);
    if (!operation?.isLocal) throw new PyroError("INVALID_ARGUMENT", `Unknown local operation ${name}.`);
    const input = JSON.parse(await text(process.stdin)) as never;
    return `${JSON.stringify({ result: await performOperation(client, name as OperationName, input) })}\n`;
  } catch (error) {
    return `${JSON.stringify({ error: PyroError.from(error).toBody() })}\n`;
  }
}
