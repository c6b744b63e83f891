import { isolationLevels } from "../../contract/isolation-levels.js";
import { mcpProfiles } from "../../contract/operation.js";
import { mcpClients } from "../../contract/mcp-clients.js";
import type { RenderedField } from "../../contract/rendered.js";
import { contextField, jsonField, ownFlag, type Command } from "./command.js";

export const shells = ["bash", "zsh", "fish"] as const;

interface OwnCommand {
  readonly summary: string;
  readonly positionals?: readonly RenderedField[];
  readonly flags?: readonly RenderedField[];
  readonly examples?: readonly string[];
}

/** Commands without an operation, by their words. perform-own.ts performs them. */
const commands = {
  "mcp serve": {
    summary: "Serve pyro's tools over MCP, on standard input and output",
    flags: [
      profileFlag(),
      ownFlag("allow_pull", "string", "Let task_sync_pull write into directories inside this one as well."),
    ],
    examples: ["pyro mcp serve --profile core", "pyro mcp serve --allow-pull ./pulled"],
  },
  "mcp config": {
    summary: "Print the configuration for an MCP client, or write it to the client's file",
    positionals: [oneOf("client", mcpClients)],
    flags: [
      ownFlag("write", "boolean", "Merge it into the client's file, and keep a backup."),
      ownFlag("file", "string", "Use this file instead of the client's own."),
      profileFlag(),
      ownFlag("allow_pull", "string", "Let task_sync_pull write into directories inside this one as well."),
    ],
    examples: ["pyro mcp config claude-code", "pyro mcp config cursor --write"],
  },
  "e2b serve": {
    summary: "Serve programs that use the SDKs of E2B, on this host's loopback",
    flags: [ownFlag("port", "string", "Port to listen on; 49900 unless given, a free one for 0.")],
    examples: ["pyro e2b serve", "pyro e2b serve --port 8080"],
  },
  "e2b env": {
    summary: "Print the variables that point programs of E2B to the gateway that runs",
    examples: ['eval "$(pyro e2b env)"'],
  },
  "e2b key": {
    summary: "Print the key that programs of E2B need; it is made when there is none",
    flags: [ownFlag("rotate", "boolean", "Replace the key. A gateway that runs refuses the old one at once.")],
  },
  demo: { summary: "Show what pyro does, in a minute" },
  "demo ollama": {
    summary: "Let a local model of Ollama work in VMs",
    flags: [ownFlag("model", "string", "Model to use; by default the first one that can call tools.")],
    examples: ["pyro demo ollama", "OLLAMA_HOST=192.0.2.1:11434 pyro demo ollama --model qwen3"],
  },
  bench: {
    summary: "Measure how fast VMs are, compared with this host; takes a few minutes",
    flags: [jsonField],
    examples: ["pyro bench", "pyro bench --json >before.json"],
  },
  "context add": {
    summary: "Add a context: a name for a pyro elsewhere, over ssh or in Kubernetes",
    positionals: [
      required("name", "Name of the context."),
      required("url", "ssh://[user@]host[:port], or kubernetes://[KUBECONTEXT]/NAMESPACE."),
    ],
    flags: [
      ownFlag("pyro", "string", "ssh: path of pyro there; default: the one in PATH."),
      ownFlag("home", "string", "ssh: PYRO_HOME there; default: the login's own."),
      ownFlag("image", "string", "Kubernetes: image of pyro that the nodes pull; required."),
      ownFlag("kubeconfig", "string", "Kubernetes: kubeconfig file; default: the one that kubectl uses."),
      ownFlag("storage", "string", "Kubernetes: size of a volume for each task, which outlives its pod, such as 20Gi."),
      ownFlag("storage_class", "string", "Kubernetes: class of these volumes; default: the cluster's."),
      ownFlag("pool", "string", "Kubernetes: label of ready pods; each run takes one of them."),
      ownFlag("pod", "string", "Kubernetes: manifest of a pod whose fields each task's pod gets."),
      jsonField,
    ],
    examples: [
      "pyro context add box ssh://me@box.example",
      "pyro run --context box debian:12 -- uname -a",
      "pyro context add team kubernetes:///pyro --image registry.example/pyro:2.3.0",
    ],
  },
  "context list": { summary: "List the contexts", flags: [jsonField] },
  "context use": {
    summary: "Make a context the default of commands without --context",
    positionals: [required("name", 'Name of the context; "local" is this machine.')],
    flags: [jsonField],
  },
  "context remove": {
    summary: "Remove a context, and end its connection",
    positionals: [required("name", "Name of the context.")],
    flags: [jsonField],
  },
  "context check": {
    summary: "Connect to a context, and check whether VMs can run there",
    positionals: [{ ...required("name", "Name of the context; default: the one in use."), required: false }],
    flags: [jsonField],
  },
  relay: {
    summary: "Connect standard input and output to the daemon; ssh runs it for clients",
    flags: [
      ownFlag("facts", "boolean", "Print where the daemon listens, and the version, as JSON."),
      ownFlag("find", "boolean", "With --facts: start no daemon."),
      jsonField,
    ],
  },
  "daemon start": {
    summary: "Start the daemon if it does not run; other commands do so automatically",
    flags: [
      {
        ...ownFlag(
          "require_isolation",
          "string",
          "Refuse to start, and to start a VM, unless this host isolates it to this level.",
        ),
        values: isolationLevels,
      },
      jsonField,
    ],
  },
  completion: {
    summary: "Print completions for your shell",
    positionals: [oneOf("shell", shells)],
    examples: [
      'eval "$(pyro completion bash)"    # in ~/.bashrc',
      'eval "$(pyro completion zsh)"     # in ~/.zshrc, after compinit',
      "pyro completion fish | source     # in ~/.config/fish/config.fish",
    ],
  },
} as const satisfies Readonly<Record<string, OwnCommand>>;

/** Commands that work on this machine in any case. */
const withoutContext: ReadonlySet<string> = new Set(["context", "relay", "completion"]);

export type OwnCommandName = keyof typeof commands;

export const ownCommands: readonly Command[] = Object.entries<OwnCommand>(commands).map(
  ([name, { summary, positionals = [], flags = [], examples = [] }]) => ({
    words: name.split(" "),
    summary,
    positionals,
    rest: null,
    flags: withoutContext.has(name.split(" ")[0] ?? "") ? flags : [...flags, contextField],
    examples,
    operation: null,
  }),
);

function profileFlag(): RenderedField {
  const description = "Which tools are offered: core (the fewest tokens), standard (the default) or full.";
  return { ...ownFlag("profile", "string", description), values: mcpProfiles };
}

function required(name: string, description: string): RenderedField {
  return { name, type: "string", required: true, description };
}

function oneOf(name: string, values: readonly string[]): RenderedField {
  return { name, type: "string", required: true, description: `One of ${values.join(", ")}.`, values };
}
