import { performOperation } from "../../client/perform.js";
import { openClient, type CallOptions } from "../../client/client.js";
import type { ArgumentsOf, OperationName, ResultOf } from "../../contract/operations.js";

/** The gateway's way to the daemon; tests have another. */
export interface Pyro {
  perform<Name extends OperationName>(
    name: Name,
    input: ArgumentsOf<Name>,
    options?: CallOptions,
  ): Promise<ResultOf<Name>>;
}

/** The daemon of a home. */
export function openPyro(env: NodeJS.ProcessEnv): Pyro {
  const client = openClient(env);
  return { perform: (name, input, options = {}) => performOperation(client, name, input, options) };
}
