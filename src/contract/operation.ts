import type { z } from "zod";

/**
 * The effect of an operation. `reads` changes nothing, so a client may retry it after a broken connection; `runs` runs a command of
 * the caller's; `writes` changes files of a task; `removes` can be repeated without harm, `stops` cannot.
 */
export type Effect = "reads" | "creates" | "runs" | "writes" | "removes" | "stops";

/**
 * The rest of a request after its input: nothing; an archive, if the input has a `source_path`; the content of a file, unless the
 * input has a `content`; or the standard input of a command, after the archive if there is one.
 */
type Body = "none" | "upload" | "content" | "session";

/** The sets of tools that an MCP server offers, each with those before it: many clients load every tool into every prompt. */
export const mcpProfiles = ["core", "standard", "full"] as const;
export type McpProfile = (typeof mcpProfiles)[number];

/** The command of the CLI. Its flags are the input's fields, less `positionals` and `rest`. */
export interface CliShape {
  /** The words after `pyro`. */
  readonly words: readonly string[];
  /** Input fields given by position, in order. The methods of a task's handle take the same ones by position. */
  readonly positionals: readonly string[];
  /** The input field that takes everything after `--`, quoted for a shell. */
  readonly rest?: string;
  /** Flags that only the CLI has, without a value: name and description. */
  readonly flags?: Readonly<Record<string, string>>;
  /** The same with a value. */
  readonly options?: Readonly<Record<string, string>>;
  /** Command lines for the help page. */
  readonly examples?: readonly string[];
}

/** The method of both SDKs. Required input fields but `command` and those of `named` are its first arguments. */
interface SdkShape {
  /** Its name in TypeScript; Python's is the same in snake case. */
  readonly method: string;
  /** Required input fields that are options instead of arguments. */
  readonly named?: readonly string[];
  /** Optional input fields that are required arguments, after the others. */
  readonly first?: readonly string[];
  /** Method name on a task handle; default `method` without "Task". Only for operations whose first field is `task_id`. */
  readonly handleMethod?: string;
  /** Name of the options type in TypeScript; default `method` with "Options". */
  readonly optionsType?: string;
  /** Set when the SDKs return a handle on the new task; that method is written by hand. */
  readonly opens?: "task";
}

/** The title and description of the MCP tool, for a model. */
interface McpShape {
  readonly tool: string;
  readonly title: string;
  readonly description: string;
  /** The smallest set of tools that has it; `standard` unless given. */
  readonly profile?: McpProfile;
  /** The answer is a text or an image alone, since clients that show structured content show nothing else. */
  readonly textOnly?: true;
}

/**
 * An operation of pyro. Routes, reference pages, help, completion, tools, both SDKs and the tables of commands are
 * derived from it: CONTRIBUTING.md shows how one is added.
 */
export interface Operation<Input extends z.ZodObject = z.ZodObject, Output extends z.ZodObject = z.ZodObject> {
  readonly name: string;
  /** One line for people, without a full stop. */
  readonly summary: string;
  /** Further facts for programmers, such as the codes of common failures. */
  readonly details?: string;
  readonly effect: Effect;
  readonly input: Input;
  readonly output: Output;
  /** True when events (progress, output) come before the result. */
  readonly streams?: boolean;
  readonly body?: Body;
  /** True when the client implements it with other operations; it has no route. */
  readonly isLocal?: boolean;
  /**
   * Result fields that may be large, which the MCP server cuts: `stdout` is text, `entries[]` a list, `entries[].stdout` text in
   * each element of a list.
   */
  readonly bulk?: readonly string[];
  readonly cli: CliShape | null;
  readonly sdk: SdkShape | null;
  readonly mcp: McpShape | null;
}

/** The events of a streaming operation. */
export type OperationEvent =
  | { readonly event: "progress"; readonly phase: string; readonly message: string; readonly fraction?: number }
  /** The command of a task has started; clients reattach to it by its number. */
  | { readonly event: "started"; readonly sequence: number }
  /** A reconnecting client missed this many bytes, which are no longer kept. */
  | { readonly event: "gap"; readonly stream: "stdout" | "stderr"; readonly bytes: number }
  | { readonly event: "stdout"; readonly data: Uint8Array }
  | { readonly event: "stderr"; readonly data: Uint8Array };

/** Checks a definition; its type keeps the words, so that tests can hold the SDK's types against it. */
export function defineOperation<const Definition extends Operation>(definition: Definition): Definition {
  return definition;
}

/** True when an archive may follow the input. */
export function takesArchive({ body = "none", input }: Operation): boolean {
  return body !== "none" && "source_path" in input.shape;
}
