/** A command's end, as far as a time-out is concerned. */
interface Ended {
  readonly duration_ms: number;
  readonly accelerator: string | null;
}

/** What people are told when a time-out ended their command: that it was one, and how to give more time. */
export function renderTimeout({ duration_ms, accelerator }: Ended): string {
  const lines = [
    `pyro: The time-out ended the command after ${duration_ms} ms.`,
    "hint: More time: --timeout-seconds N, up to a day.",
    ...(accelerator === "tcg"
      ? [
          "hint: The CPU of this VM is emulated, since KVM does not work here: commands take several times as long.",
          "hint: For all commands: PYRO_TIMEOUT_SECONDS=N; for those of a task: pyro task create --timeout-seconds N.",
        ]
      : []),
  ];
  return `${lines.join("\n")}\n`;
}
