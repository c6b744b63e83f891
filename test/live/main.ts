import { after, before } from "node:test";

import { TaskScratch } from "../faults/task-scratch.js";
import { testConnections } from "./connections.js";
import { testMany } from "./many.js";
import { testTerminals } from "./terminals.js";

/** `make test-live`: terminals in a real terminal, floods of connections, and many shells and ports at once. */
let scratch: TaskScratch;
let task: string;
before(async () => {
  scratch = new TaskScratch();
  task = await scratch.create({ mem_mib: 512 });
});
after(() => scratch[Symbol.asyncDispose]());

const open = () => ({ scratch, task });
testTerminals(open);
testConnections(open);
testMany(open);
