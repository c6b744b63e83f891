import type { PullPhase, PullProgress } from "../source.js";

/** Part of the whole pull that each step takes, as measured. The cache's digests come after the last. */
const steps = {
  update: { phase: "download", from: 0.02, to: 0.1 },
  essentialDownload: { phase: "download", from: 0.1, to: 0.16 },
  essentialInstall: { phase: "install", from: 0.16, to: 0.4 },
  download: { phase: "install", from: 0.4, to: 0.5 },
  install: { phase: "install", from: 0.5, to: 0.8 },
  kernel: { phase: "kernel", from: 0.8, to: 0.86 },
  clean: { phase: "kernel", from: 0.86, to: 0.88 },
} as const satisfies Record<string, { phase: PullPhase; from: number; to: number }>;

type Step = keyof typeof steps;

/** Smallest step that is reported, so that a build sends about a hundred events. */
const SMALLEST_ADVANCE = 0.005;

/** Reads what mmdebstrap, apt and dpkg print, line by line, and reports the progress of the build. */
export function bootstrapProgress(onProgress: (progress: PullProgress) => void): (line: string) => void {
  let step: Step = "update";
  let message = "Reading the package lists";
  let packages = 0;
  let events = 0;
  let told = { fraction: -1, message: "" };

  const tell = () => {
    const { phase, from, to } = steps[step];
    // Unpacking and configuring are two events per package; lists and the kernel are only a few.
    const expected =
      step === "essentialInstall" || step === "install"
        ? packages * 2
        : step === "download" || step === "essentialDownload"
          ? packages
          : 6;
    const fraction = Math.max(told.fraction, from + (to - from) * Math.min(1, events / Math.max(1, expected)));
    if (message === told.message && fraction - told.fraction < SMALLEST_ADVANCE) return;
    told = { fraction, message };
    onProgress({ phase, message, fraction });
  };
  const enter = (next: Step, text: string) => {
    step = next;
    message = text;
    events = 0;
    tell();
  };

  return (line) => {
    const newPackages = /^\d+ upgraded, (\d+) newly installed/.exec(line)?.[1];
    const download = /^Need to get ([\d.,]+ [kMG]?B)/.exec(line)?.[1];
    if (newPackages !== undefined) packages = Number(newPackages);
    else if (download !== undefined) {
      message = `Downloading ${packages} packages, ${download}`;
      tell();
    } else if (line.startsWith("I: running apt-get update")) enter("update", "Reading the package lists");
    else if (line.startsWith("I: downloading packages")) enter("essentialDownload", "Choosing packages");
    else if (line.startsWith("I: extracting archives"))
      enter("essentialInstall", `Installing ${packages} essential packages`);
    else if (line.startsWith("I: installing remaining")) enter("download", "Choosing packages");
    else if (line.startsWith("pyro-step: kernel")) enter("kernel", "Fetching the kernel");
    else if (line.startsWith("I: cleaning")) enter("clean", "Cleaning up");
    else if (line.startsWith("Get:")) {
      events += 1;
      tell();
    } else if (/^(Unpacking|Setting up) /.test(line)) {
      if (step === "download") enter("install", `Installing ${packages} packages`);
      events += 1;
      tell();
    }
  };
}
