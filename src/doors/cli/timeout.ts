/** Fields of a result about the time-out. */
interface Ended {
  readonly duration_ms: number;
  readonly accelerator: string | null;
}

/** Explains that the time-out ended a command, and how to allow more time. */
export function renderTimeout({ duration_ms, accelerator }: Ended): string {
  const lines = [
    `pyro: The time-out ended the command after ${duration_ms} ms.`,
    "hint: Allow more time with --timeout-seconds N, up to a day.",
    ...(accelerator === "tcg"
      ? [
          "hint: The CPU of this VM is emulated, since KVM does not work here: commands take several times as long.",
          "hint: For all commands, set PYRO_TIMEOUT_SECONDS=N; for those of a task: pyro task create --timeout-seconds N.",
        ]
      : []),
  ];
  return `${lines.join("\n")}\n`;
}
