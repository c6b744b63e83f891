import { z } from "zod";

export const portNumber = z.int().min(1).max(65_535);

export const guestPort = portNumber.describe("Port of a server in the task, on 127.0.0.1 or ::1.");

/** A port of a task that the host can reach. */
export const publishedPort = z
  .object({
    port: portNumber.describe("Port in the task."),
    host_port: portNumber.describe("Port on 127.0.0.1 of the host."),
    url: z.string().describe("URL of a web server on it."),
    open: z
      .boolean()
      .describe(
        "False while the VM does not run, and when another program had the host port after a restart of the daemon.",
      ),
  })
  .meta({ title: "PublishedPort", description: "A port of a task that is reachable on the host." });
