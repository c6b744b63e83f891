/** A template of E2B: an environment of pyro, and a line of shell that prepares it once. */
export interface Template {
  readonly environment: string;
  /** Of the environment's content, where it is known. */
  readonly digest?: string | undefined;
  readonly setup?: string | undefined;
  readonly vcpuCount?: number | undefined;
  readonly memMib?: number | undefined;
  /** The environment that a build begins with, when the other one has memory. */
  readonly files?: string | undefined;
  /** User and directory of processes that name none. */
  readonly user?: string | undefined;
  readonly workdir?: string | undefined;
}
