import { ENVIRONMENT, of, run, type Case } from "./case.js";

export const host: readonly Case[] = [
  { name: "the environments", ...of("env.list"), expect: {}, on: "both" },
  { name: "one environment", ...of("env.inspect", ENVIRONMENT), expect: { name: "debian:12", installed: true } },
  { name: "a dry run of a prune", ...of("env.prune", { dry_run: true }), expect: { dry_run: true } },
  {
    name: "a pull of an installed environment",
    ...of("env.pull", ENVIRONMENT),
    expect: { built: false, repaired: false },
  },
  { name: "doctor", ...of("doctor"), expect: {}, on: "both" },
  {
    name: "a run where no VM can run and the fallback is not allowed",
    ...run(["true"], { allow_host_compat: false }),
    expect: "HOST_NOT_ABLE",
  },
];
