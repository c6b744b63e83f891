import type { Channel } from "../../guest/channel.js";
import { abortable } from "../../host/abortable.js";
import type { Call } from "../call.js";
import type { Core } from "../core.js";
import { parseGuestPath } from "./path.js";
import { explainFileRefusal } from "./refusal.js";

/** Works on a path of a task's guest. Refusals of the guest become errors that name the path as the caller gave it. */
export async function useFiles<T>(
  { tasks }: Core,
  { task_id, path }: { readonly task_id: string; readonly path: string },
  call: Call,
  work: (channel: Channel, guestPath: string) => Promise<T>,
): Promise<T> {
  const guestPath = parseGuestPath(path);
  const task = tasks.get(task_id);
  const working = task.onFiles(call, async (channel, signal) => {
    try {
      const worked = work(channel, guestPath);
      worked.catch(() => {});
      return await abortable(worked, signal);
    } catch (error) {
      throw explainFileRefusal(error, path);
    }
  });
  return task.during(working);
}
