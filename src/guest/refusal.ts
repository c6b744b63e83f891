/** A refusal of the agent. Only its code decides; its message comes from the guest and is only shown. */
export class AgentRefusal extends Error {
  override readonly name = "AgentRefusal";
  readonly code: string;
  readonly errno: string | undefined;
  readonly path: string | undefined;

  constructor(
    op: string,
    error: { code: string; message: string; errno?: string | undefined; path?: string | undefined },
  ) {
    super(`${op}: ${error.message}`);
    this.code = error.code;
    this.errno = error.errno;
    this.path = error.path;
  }
}
