import { PyroError } from "../contract/errors.js";
import { findProgram } from "../host/find-program.js";

/** The program that holds the daemon's lock. Throws HOST_NOT_ABLE when the host lacks it. */
export async function findFlock(env: NodeJS.ProcessEnv): Promise<string> {
  const flock = await findProgram("flock", { PATH: `${env["PATH"] ?? ""}:/usr/bin:/bin` });
  if (flock !== null) return flock;
  throw new PyroError("HOST_NOT_ABLE", "The program flock is missing.", {
    hint: "Install it: apt-get install util-linux",
  });
}
