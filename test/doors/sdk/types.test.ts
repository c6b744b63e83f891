import assert from "node:assert/strict";
import { test } from "node:test";

import { operations, type ArgumentsOf, type OperationName, type ResultOf } from "../../../src/contract/operations.js";
import type { CamelOf } from "../../../src/doors/sdk/camel.js";
import type { Command, CommandOptions, CallOptions } from "../../../src/doors/sdk/options.js";
import { Pyro } from "../../../src/index.js";

/** True only when both types are the same. */
type Same<A, B> = (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : false;
type Flat<T> = { readonly [Key in keyof T]: T[Key] };

/** What a method gives; a handle's task is in its `info`. */
type GivenBy<Method extends keyof Pyro> = Pyro[Method] extends (...given: never[]) => PromiseLike<infer Result>
  ? Result extends { readonly info: infer Info }
    ? Info
    : Result
  : never;
/** The options of a method, without those that are no input. */
type TakenBy<Method extends keyof Pyro> = Pyro[Method] extends (...given: infer Given) => unknown
  ? Flat<Omit<OrNone<Extract<Given[number], object>>, NotInput>>
  : never;
type OrNone<T> = [T] extends [never] ? object : T;
type NotInput = keyof CallOptions | Exclude<keyof CommandOptions, "timeoutSeconds">;

/** Input that the contract has and a method takes by position. */
type Positional = "sequence" | "environment" | "vmId" | "taskId" | "sourcePath";
type InputOf<Name extends OperationName> = string extends keyof ArgumentsOf<Name> ? object : CamelOf<ArgumentsOf<Name>>;
/** What only the client says to the daemon. */
type Hidden =
  | "encoding"
  | "signal"
  | "networkHostEnv"
  | "requestId"
  | "defaultTimeoutSeconds"
  | "sourceKind"
  | "sourceFramed"
  | "sourceBytes"
  | "sourceExcluded";
type RequiredKeys<T> = { [Key in keyof T]-?: object extends Pick<T, Key> ? never : Key }[keyof T];
type OptionsOf<Name extends OperationName> = Flat<
  Omit<InputOf<Name>, (Positional & RequiredKeys<InputOf<Name>>) | Hidden | "command"> &
    ("command" extends keyof InputOf<Name> ? { command: Command } : object)
>;

/** Compiles only while the method's handwritten types say what the contract says. */
function pin<Name extends OperationName, Method extends keyof Pyro>(
  name: Name,
  method: Method,
  _result: Same<Expanded<GivenBy<Method>>, Expanded<CamelOf<ResultOf<Name>>>>,
  _options: Same<TakenBy<Method>, OptionsOf<Name>>,
): [name: OperationName, method: string] {
  return [name, method];
}

/** Both written out, so that an interface and a mapped type can be the same. */
type Expanded<T> = T extends readonly (infer E)[]
  ? readonly Expanded<E>[]
  : T extends object
    ? string extends keyof T
      ? T
      : { readonly [Key in keyof T]: Expanded<T[Key]> }
    : T;

const pinned = [
  pin("env.list", "listEnvironments", true, true),
  pin("env.pull", "pullEnvironment", true, true),
  pin("env.inspect", "inspectEnvironment", true, true),
  pin("env.prune", "pruneEnvironments", true, true),
  pin("vm.run", "runInVm", true, true),
  pin("vm.create", "createVm", true, true),
  pin("vm.start", "startVm", true, true),
  pin("vm.exec", "execVm", true, true),
  pin("vm.stop", "stopVm", true, true),
  pin("vm.delete", "deleteVm", true, true),
  pin("vm.status", "statusVm", true, true),
  pin("vm.network_info", "networkInfoVm", true, true),
  pin("vm.reap_expired", "reapExpired", true, true),
  pin("task.create", "createTask", true, true),
  pin("task.sync.push", "pushTaskSync", true, true),
  pin("task.exec", "execTask", true, true),
  pin("task.exec_output", "outputTask", true, true),
  pin("task.exec_signal", "signalTask", true, true),
  pin("task.status", "statusTask", true, true),
  pin("task.logs", "logsTask", true, true),
  pin("task.delete", "deleteTask", true, true),
  pin("task.list", "listTasks", true, true),
  pin("doctor", "doctor", true, true),
];

test("every operation that the contract gives the SDK has a method, and its types are pinned above", () => {
  const expected = Object.values(operations).flatMap(({ name, sdk }) => (sdk === null ? [] : [[name, sdk.method]]));
  assert.deepEqual(pinned.toSorted(), expected.toSorted());
  for (const [, method] of pinned) assert.equal(typeof Pyro.prototype[method as keyof Pyro], "function");
});
