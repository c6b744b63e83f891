import type { Machine } from "../../backend/backend.js";
import type { AcquiredMachine } from "../machines/facts.js";
import { readSnapshotFacts } from "../../store/snapshot-facts.js";
import { AgentRefusal } from "../../guest/refusal.js";
import { needsOtherAgent, noSuchUser } from "../files/refusal.js";

/** The user whose rights a command gets; null for root, as every agent runs it. Throws FAILED_PRECONDITION where the agent is root alone. */
export function commandUser({ channel }: Machine, user: string | null | undefined): string | null {
  // An image may have no /etc/passwd that names it.
  if (!user || user === "root" || user === "0") return null;
  if (channel.hello.owns !== true) throw needsOtherAgent(user);
  return user;
}

/**
 * The user of the commands of a new machine: the one that is asked for, that of the task whose processes it has, or its image's, where
 * commands can have it. Null for root. The workspace is given to the user.
 */
export async function takeUser(acquired: AcquiredMachine, asked: string | undefined): Promise<string | null> {
  const { machine, image, snapshot } = acquired;
  const ofTask = snapshot && (await readSnapshotFacts(snapshot.taskPath)).record.user;
  const ofImage = machine.channel.hello.owns === true ? image?.user : undefined;
  const user = commandUser(machine, asked ?? ofTask ?? ofImage);
  if (user === null || (asked === undefined && snapshot !== null)) return user;
  await machine.channel.request("own", { user }).catch((error: unknown) => {
    throw explainUser(error, user);
  });
  return user;
}

/** The error of a user that the guest does not know; others as they are. */
export function explainUser(error: unknown, user: string | null): unknown {
  if (!(error instanceof AgentRefusal) || user === null) return error;
  if (error.code === "NO_SUCH_USER") return noSuchUser(user, error);
  if (error.code === "IO" && error.errno === "EPERM") return needsOtherAgent(user);
  return error;
}
