import { ProtocolError, ProtocolErrorCode, type GetPromptResult, type Prompt } from "@modelcontextprotocol/server";

/** The prompt for a fix with this server: seed, run, push, verify. */
export const sandboxedFix: Prompt = {
  name: "sandboxed-fix",
  title: "Fix a project in a sandbox",
  description: "Run a project's tests in a VM, fix what fails here, push the fix and run them again.",
  arguments: [
    { name: "source_path", description: "The project's directory on this machine.", required: true },
    { name: "test_command", description: "The command that must succeed; if left out, the model determines it." },
    { name: "environment", description: "The environment to run it in; default debian:12." },
  ],
};

export function buildPrompt(name: string, given: Readonly<Record<string, string>> | undefined): GetPromptResult {
  if (name !== sandboxedFix.name)
    throw new ProtocolError(ProtocolErrorCode.InvalidParams, `Unknown prompt ${name.slice(0, 100)}.`);
  const source = given?.["source_path"]?.trim();
  if (!source) throw new ProtocolError(ProtocolErrorCode.InvalidParams, "The prompt sandboxed-fix needs source_path.");
  const environment = given?.["environment"]?.trim() || "debian:12";
  const test = given?.["test_command"]?.trim();
  const run = test ? `run \`${test}\`` : "find out how the project is tested from its files and run that";
  const text = `Make the tests of the project in ${source} pass. Run nothing of the project on this machine: use the pyro tools.

1. Seed: task_create with environment ${environment} and source_path ${source}. Keep the task_id.
2. Run: with task_exec ${run}. Install what is missing inside the task. For more than 30 s use background: true and task_exec_output.
3. Fix: read the failure, then change the files in ${source} here.
4. Push: task_sync_push with source_path ${source}.
5. Verify: run the tests again. Go back to 3 until exit_code is 0.
6. Report what was wrong and what you changed; task_logs has every command. Then task_delete.`;
  return { description: sandboxedFix.description ?? "", messages: [{ role: "user", content: { type: "text", text } }] };
}
