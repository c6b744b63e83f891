import type { Channel } from "../../guest/channel.js";
import { abortable } from "../../host/abortable.js";
import type { Call } from "../call.js";
import type { Core } from "../core.js";
import { parseGuestPath } from "./path.js";
import type { GuestFile } from "../../guest/names.js";
import { explainFileRefusal, needsOtherAgent } from "./refusal.js";

interface FileInput {
  readonly task_id: string;
  readonly path: string;
  readonly user?: string | undefined;
}

type OnFile<T> = (channel: Channel, file: GuestFile) => Promise<T>;

/** Like `useFiles`, for work that changes nothing. Without a VM, it works on the kept disk of the task. */
export function readFiles<T>(core: Core, input: FileInput, call: Call, work: OnFile<T>): Promise<T> {
  return onPath(core, input, call, work, "readFiles");
}

/** Works on a path of a task's guest. Refusals of the guest become errors that name the path as the caller gave it. */
export function useFiles<T>(core: Core, input: FileInput, call: Call, work: OnFile<T>): Promise<T> {
  return onPath(core, input, call, work, "onFiles");
}

async function onPath<T>(
  { tasks }: Core,
  { task_id, path, user }: FileInput,
  call: Call,
  work: OnFile<T>,
  how: "onFiles" | "readFiles",
): Promise<T> {
  const guestPath = parseGuestPath(path);
  const task = tasks.get(task_id);
  const working = task[how](call, async (channel, signal) => {
    try {
      if (user !== undefined && channel.hello.users !== true) throw needsOtherAgent(user);
      const worked = work(channel, user === undefined ? guestPath : { path: guestPath, user });
      worked.catch(() => {});
      return await abortable(worked, signal);
    } catch (error) {
      throw explainFileRefusal(error, path, user);
    }
  });
  return task.during(working);
}
