import assert from "node:assert/strict";
import { test } from "node:test";

import { endOf } from "../../../client/scratch.js";
import { TaskScratch } from "../../../faults/task-scratch.js";
import { OllamaServer, saying, type Chat } from "./server.js";

/** A model that follows its instructions, and leaves its task behind. */
function work(foreignTask: string) {
  return ({ messages }: Chat, number: number) => {
    const last = JSON.parse(messages.at(-1)!.role === "tool" ? messages.at(-1)!.content : "{}") as { task_id?: string };
    const created = messages.find(({ tool_name }) => tool_name === "task_create");
    const task_id = created && (JSON.parse(created.content) as { task_id: string }).task_id;
    switch (number) {
      case 1:
        return saying({
          thinking: "The kernel first.",
          calls: [["vm_run", { environment: "debian:12", command: "uname -r", mem_mib: 256 }]],
        });
      case 2:
        return saying({ calls: [["task_create", { environment: "debian:12", mem_mib: 256 }]] });
      case 3:
        assert.equal(last.task_id, task_id);
        return saying({
          calls: [["task_exec", { task_id, command: "echo 'print(2, 3, 5)' >primes.py; python3 primes.py" }]],
        });
      case 4:
        return saying({
          calls: [
            ["task_list", {}],
            ["task_delete", { task_id: foreignTask }],
            ["task_logs", { task_id }],
          ],
        });
      default:
        return saying({ content: "The numbers are 2, 3 and 5." });
    }
  };
}

test("a model works in real VMs; it sees its own tasks only, and they are gone afterwards", async () => {
  await using scratch = new TaskScratch();
  const foreign = await scratch.create();
  await using server = await OllamaServer.open(["test:latest"], work(foreign));
  const { status, stdout, stderr } = await endOf(scratch.start(["demo", "ollama"], { OLLAMA_HOST: server.host }));
  assert.equal(status, 0, stdout + stderr);
  const results = server.chats.at(-1)!.messages.filter(({ role }) => role === "tool");
  const contents = results.map(({ content }) => JSON.parse(content) as Record<string, unknown>);
  const [kernel, , primes, list, refused, logs] = contents as [Record<string, unknown>, ...Record<string, unknown>[]];
  assert.equal(kernel["execution_mode"], "guest", stdout);
  assert.equal(primes!["stdout"], "2 3 5\n");
  assert.equal((list!["tasks"] as object[]).length, 1);
  assert.equal((refused!["error"] as { code: string }).code, "NOT_FOUND");
  assert.equal(logs!["count"], 1);
  assert.match(stdout, /outcome=answered .*tool_calls=6 failed=1 tasks_deleted=1/);
  assert.deepEqual(scratch.taskIds(), [foreign]);
});
