import { frameType } from "../../src/guest/messages.js";
import type { AgentMachines } from "./agent-machines.js";

/** A request that names a user, or is about a user's rights. */
interface UserRequest {
  readonly op: string;
  readonly command?: string;
  readonly user?: string;
}

/** Lets new machines know the user `app`, whose rights are in truth those of the test. Returns the requests that begin a command or give the workspace away. */
export function knowApp(machines: AgentMachines): UserRequest[] {
  const requests: UserRequest[] = [];
  const acquire = machines.acquire.bind(machines);
  machines.acquire = async (request) => {
    const acquired = await acquire(request);
    const { channel } = acquired.machine;
    Object.defineProperty(channel, "hello", { value: { ...channel.hello, owns: true } });
    const send = channel.send.bind(channel);
    channel.send = (type, stream, payload) => {
      if (type !== frameType.request) return send(type, stream, payload);
      const { user, ...fields } = JSON.parse(payload.toString()) as UserRequest;
      if (["start", "own"].includes(fields.op)) requests.push({ ...fields, ...(user !== undefined && { user }) });
      return send(type, stream, Buffer.from(JSON.stringify(user === "app" ? fields : { ...fields, user })));
    };
    return acquired;
  };
  return requests;
}
