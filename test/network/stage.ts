import { after } from "node:test";

import { TaskScratch } from "../faults/task-scratch.js";
import { World, type Peer } from "./world.js";

interface Stage {
  readonly world: World;
  /** A home with tasks in it. */
  readonly scratch: TaskScratch;
  /** A server of the world, and one of this host, both on the same port. */
  readonly far: Peer;
  readonly near: Peer;
}

/** The hosts and tasks of a file's tests. They are removed after the last test. */
export async function openStage(port: number): Promise<Stage> {
  const world = new World();
  const scratch = new TaskScratch();
  const close = async () => {
    await scratch[Symbol.asyncDispose]();
    await world[Symbol.asyncDispose]();
  };
  try {
    const [far, near] = [await world.peer("far", port), await world.hostPeer("near", port)];
    after(close);
    return { world, scratch, far, near };
  } catch (error) {
    await close();
    throw error;
  }
}
