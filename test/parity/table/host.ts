import { ENVIRONMENT, of, run, type Case } from "./case.js";

export const host: readonly Case[] = [
  { name: "the environments", ...of("env.list"), expect: {}, on: "both" },
  { name: "one environment", ...of("env.inspect", ENVIRONMENT), expect: { name: "debian:12", installed: true } },
  { name: "what a prune would remove", ...of("env.prune", { dry_run: true }), expect: { dry_run: true } },
  { name: "pulling what is there", ...of("env.pull", ENVIRONMENT), expect: { built: false, repaired: false } },
  { name: "whether the host is able", ...of("doctor"), expect: {}, on: "both" },
  { name: "no VM, and nothing else allowed", ...run(["true"], { allow_host_compat: false }), expect: "HOST_NOT_ABLE" },
];
