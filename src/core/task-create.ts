import type { Handler } from "./core.js";

export const taskCreate: Handler<"task.create"> = async (core, input, call) =>
  (await core.tasks.create(input, call)).view();
