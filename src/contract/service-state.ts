import { z } from "zod";

export const serviceState = z
  .enum(["starting", "ready", "waiting", "stopped", "ended", "failed", "suspended"])
  .describe(
    "starting: not ready yet. waiting: it failed and is started again soon. stopped: by `task.service.stop`. ended: with exit status 0. suspended: its task is stopped.",
  );
