import assert from "node:assert/strict";
import { test } from "node:test";

import type { Operation } from "../../../src/contract/operation.js";
import { operations, type ArgumentsOf, type OperationName, type ResultOf } from "../../../src/contract/operations.js";
import { Pyro, type CallOptions, type Command, type SessionOptions, type StdinSource } from "../../../src/index.js";
import type { CamelOf } from "../../../src/doors/sdk/camel.js";

/** True only when both types are the same. */
type Same<A, B> = (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : false;
type Flat<T> = { readonly [Key in keyof T]: T[Key] };

/** The result of a method; a handle's task is in its `info`. */
type GivenBy<Method extends keyof Pyro> = Pyro[Method] extends (...given: never[]) => PromiseLike<infer Result>
  ? Result extends { readonly info: infer Info }
    ? Info
    : Result
  : never;
/** The options of a method that are part of the input. */
type TakenBy<Method extends keyof Pyro> = Pyro[Method] extends (...given: infer Given) => unknown
  ? Flat<Omit<OrNone<Exclude<Extract<Given[number], object>, StdinSource>>, NotInput>>
  : never;
type OrNone<T> = [T] extends [never] ? object : T;
type NotInput = keyof CallOptions | keyof SessionOptions;

type InputOf<Name extends OperationName> = string extends keyof ArgumentsOf<Name> ? object : CamelOf<ArgumentsOf<Name>>;
/** Fields that only the client sends to the daemon. */
type Hidden =
  | "encoding"
  | "signal"
  | "networkHostEnv"
  | "requestId"
  | "defaultTimeoutSeconds"
  | "sourceKind"
  | "sourceFramed"
  | "sourceBytes"
  | "sourceExcluded"
  | "setupDigest"
  | "copies"
  | "scriptContent";
/** A try has a check of its own. The encoding of a file's content is the caller's to choose. */
type HiddenOf<Name extends OperationName> = Name extends "task.try"
  ? Hidden | keyof SessionOptions
  : Name extends `task.file.${string}`
    ? Exclude<Hidden, "encoding">
    : Hidden;
type RequiredKeys<T> = { [Key in keyof T]-?: object extends Pick<T, Key> ? never : Key }[keyof T];
/** Fields that the operation's `sdk` names, in TypeScript's spelling. */
type Listed<Name extends OperationName, List extends "named" | "first"> = Definition<Name>["sdk"] extends {
  readonly [Key in List]: readonly (infer Field extends string)[];
}
  ? keyof CamelOf<Record<Field, never>>
  : never;
/** Input of the contract that a method takes by position. */
type PositionalOf<Name extends OperationName> =
  | Exclude<RequiredKeys<InputOf<Name>>, Listed<Name, "named">>
  | Listed<Name, "first">;
type OptionsOf<Name extends OperationName> = Flat<
  Omit<InputOf<Name>, PositionalOf<Name> | "content" | HiddenOf<Name> | "command"> &
    ("command" extends RequiredKeys<InputOf<Name>>
      ? { command: Command }
      : "command" extends keyof InputOf<Name>
        ? { command?: Command | undefined }
        : object)
>;

/** Both are expanded, so that an interface and a mapped type can be equal. */
type Expanded<T> = T extends string
  ? T
  : T extends readonly (infer E)[]
    ? readonly Expanded<E>[]
    : T extends object
      ? string extends keyof T
        ? T
        : { readonly [Key in keyof T]: Expanded<T[Key]> }
      : T;

type Definition<Name extends OperationName> = (typeof operations)[Name];
type MethodOf<Name extends OperationName> = Definition<Name>["sdk"] extends { readonly method: infer Method }
  ? Method & keyof Pyro
  : never;

/** Whether the types of an operation's method are those of the contract. */
type IsFaithful<Name extends OperationName> = [MethodOf<Name>] extends [never]
  ? true
  : [
        Same<Expanded<GivenBy<MethodOf<Name>>>, Expanded<CamelOf<ResultOf<Name>>>>,
        Same<TakenBy<MethodOf<Name>>, OptionsOf<Name>>,
      ] extends [true, true]
    ? true
    : false;
type Unfaithful = { [Name in OperationName]: IsFaithful<Name> extends true ? never : Name }[OperationName];

test("the rendered types of every method are those of the contract", () => {
  // Compiles only if all are equal; otherwise the error names the operations.
  const isFaithful: [Unfaithful] extends [never] ? true : Unfaithful = true;
  assert.ok(isFaithful);
});

test("every operation that the contract gives the SDK has a method", () => {
  const methods = Object.values<Operation>(operations).flatMap(({ sdk }) => sdk?.method ?? []);
  assert.ok(methods.length > 20);
  for (const method of methods) assert.equal(typeof Pyro.prototype[method as keyof Pyro], "function", method);
});
