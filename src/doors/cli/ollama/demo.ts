import type { Client } from "../../../client/client.js";
import { PyroError } from "../../../contract/errors.js";
import { interruptible } from "../interruption.js";
import { Ollama, type Message } from "./chat.js";
import { parseOllamaHost } from "./host.js";
import { Tools, type ToolResult } from "./tools.js";

/** Maximum number of messages from a model. */
const MAX_TURNS = 12;

const SYSTEM = `You work on real Linux virtual machines through tools. Use the environment debian:12.
vm_run runs one command in a fresh VM. task_create starts a VM that stays; task_exec runs commands in it, in /workspace.
Do not guess what a command would print: run it. When you are done, answer in two sentences.`;

const ASSIGNMENT = `Find out which kernel a VM runs. Then create a task, write a Python program to /workspace/primes.py in it that prints \
the first ten prime numbers, run it there, and delete the task. Tell me the kernel and the numbers.`;

const REMINDER = "You have not used a tool. Use the tools: run the commands, then answer.";

/** `pyro demo ollama`: gives a local model the tools and an assignment. Returns 0 when the model used a tool and then answered, else 1. */
export function demoOllama(client: Client, model: string | undefined, env: NodeJS.ProcessEnv): Promise<number> {
  return interruptible(false, async ({ signal }) => {
    const ollama = new Ollama(parseOllamaHost(env["OLLAMA_HOST"]), signal);
    const tools = new Tools(client, signal);
    const startedMs = performance.now();
    const talk = { model: "", turns: 0, calls: 0, failed: 0, outcome: "unfinished", answer: "" };
    let deleted = 0;
    try {
      await converse(ollama, tools, await chooseModels(ollama, model), talk);
    } finally {
      deleted = await tools.close();
    }
    if (talk.answer !== "") process.stdout.write(`${plain(talk.answer, true)}\n`);
    const { outcome, turns, calls, failed } = talk;
    const seconds = ((performance.now() - startedMs) / 1000).toFixed(1);
    log("done", { model: talk.model, outcome, turns, tool_calls: calls, failed, tasks_deleted: deleted, seconds });
    return outcome === "answered" ? 0 : 1;
  });
}

/** The models to try: the named one, or all installed ones. */
async function chooseModels(ollama: Ollama, model: string | undefined): Promise<string[]> {
  const there = await ollama.listModels();
  if (model !== undefined && (there.includes(model) || there.includes(`${model}:latest`))) return [model];
  if (model !== undefined) {
    throw new PyroError("INVALID_ARGUMENT", `The Ollama server has no model ${model}.`, {
      hint: `Pull it with \`ollama pull ${model}\`${there.length > 0 ? `, or use one of: ${there.join(", ")}` : ""}.`,
    });
  }
  if (there.length > 0) return there;
  throw new PyroError("HOST_NOT_ABLE", "The Ollama server has no model.", {
    hint: "Pull a model that can call tools, such as: ollama pull qwen3",
  });
}

interface Talk {
  model: string;
  turns: number;
  calls: number;
  failed: number;
  outcome: string;
  answer: string;
}

async function converse(ollama: Ollama, tools: Tools, models: readonly string[], talk: Talk): Promise<void> {
  const messages: Message[] = [
    { role: "system", content: SYSTEM },
    { role: "user", content: ASSIGNMENT },
  ];
  let isReminded = false;
  messages.push(await firstMessage(ollama, tools, models, messages, talk));
  for (talk.turns = 1; ; talk.turns += 1) {
    const said = messages.at(-1) as Message;
    for (const call of said.tool_calls ?? []) {
      const result = await tools.call(call);
      talk.calls += 1;
      if (!result.ok) talk.failed += 1;
      logCall(talk.calls, result);
      messages.push({ role: "tool", tool_name: result.tool, content: result.content });
    }
    if (!said.tool_calls) {
      if (talk.calls > talk.failed || isReminded) {
        talk.outcome = talk.calls > talk.failed ? "answered" : "no_tool_used";
        talk.answer = said.content.trim();
        return;
      }
      isReminded = true;
      log("reminded", { reason: "no tool was used", said: said.content });
      messages.push({ role: "user", content: REMINDER });
    }
    if (talk.turns === MAX_TURNS) return;
    messages.push((await ollama.chat(talk.model, messages, tools.list)) ?? noTools([talk.model]));
  }
}

/** Tries the models in turn until one can call tools. Throws HOST_NOT_ABLE when none can. */
async function firstMessage(
  ollama: Ollama,
  tools: Tools,
  models: readonly string[],
  messages: readonly Message[],
  talk: Talk,
): Promise<Message> {
  for (const model of models) {
    const message = await ollama.chat(model, messages, tools.list);
    if (message !== null) {
      talk.model = model;
      log("begun", { model });
      return message;
    }
    log("skipped", { model, reason: "it cannot call tools" });
  }
  return noTools(models);
}

function noTools(models: readonly string[]): never {
  throw new PyroError("HOST_NOT_ABLE", `None of these models can call tools: ${models.join(", ")}.`, {
    hint: "Pull a model that can: ollama pull qwen3 && pyro demo ollama --model qwen3",
  });
}

function logCall(step: number, { tool, ok, facts }: ToolResult): void {
  log(`step=${step}`, { tool, ok, ...facts });
}

/** Prints one line; text of the model or the guest cannot add another. */
function log(what: string, facts: Readonly<Record<string, unknown>>): void {
  const words = Object.entries(facts).map(([name, value]) => {
    const text = plain(typeof value === "string" ? value : JSON.stringify(value), false);
    return `${name}=${/^[^\s"]+$/.test(text) ? text : JSON.stringify(text)}`;
  });
  process.stdout.write(`[ollama] ${what} ${words.join(" ")}\n`);
}

/** Text without control characters, which would let a model control the terminal. */
function plain(text: string, keepsLines: boolean): string {
  const shown = keepsLines ? text : text.slice(0, 200);
  return shown.replaceAll(/\p{Cc}/gu, (character) => (keepsLines && character === "\n" ? "\n" : " "));
}
