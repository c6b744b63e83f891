import type { Channel } from "../../guest/channel.js";
import { abortable } from "../../host/abortable.js";
import type { Call } from "../call.js";
import type { Core } from "../core.js";
import { parseGuestPath } from "./path.js";
import type { GuestFile } from "../../guest/names.js";
import { explainFileRefusal, needsOtherAgent } from "./refusal.js";

/** Works on a path of a task's guest. Refusals of the guest become errors that name the path as the caller gave it. */
export async function useFiles<T>(
  { tasks }: Core,
  { task_id, path, user }: { readonly task_id: string; readonly path: string; readonly user?: string | undefined },
  call: Call,
  work: (channel: Channel, file: GuestFile) => Promise<T>,
): Promise<T> {
  const guestPath = parseGuestPath(path);
  const task = tasks.get(task_id);
  const working = task.onFiles(call, async (channel, signal) => {
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
