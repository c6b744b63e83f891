import { counted, Names } from "./failure.js";

/** The fields of a result that only the source's packer knows. */
export interface PackReport {
  readonly skipped_special: number;
  readonly skipped_links: number;
  readonly changed_entries: number;
  readonly warnings: readonly string[];
}

const WITH_GIT = " Add --with-git, push the main checkout, or leave .git out with --exclude .git.";

/** Entries that were sent differently from the source, by kind. */
export class Report {
  /** Sockets, FIFOs and devices. */
  readonly special = new Names();
  readonly leavingLinks = new Names();
  /** Links that `follow` could not follow, since they lead nowhere. */
  readonly deadLinks = new Names();
  /** Files that kept changing: the sent content may mix two states. */
  readonly unsteady = new Names();
  readonly disappeared = new Names();
  /** Each `.git` whose data is not sent, with the place of the data. */
  readonly gitElsewhere = new Names();
  /** Worktrees whose repository is sent too, but gets another path. */
  readonly movedWorktrees = new Names();

  render(): PackReport {
    const { special, leavingLinks, deadLinks, unsteady, disappeared, gitElsewhere, movedWorktrees } = this;
    const warnings: string[] = [];
    const warn = (names: Names, text: (count: number) => string, wayOut = "") => {
      if (names.count > 0) warnings.push(`${text(names.count)}: ${names}.${wayOut}`);
    };
    warn(gitElsewhere, () => "Git will not work in the guest, since its data lies outside of the source", WITH_GIT);
    warn(movedWorktrees, () => "Run `git worktree repair` in the guest for worktrees whose repository has moved");
    warn(special, (count) => `Left out ${counted(count, "socket, FIFO or device", "sockets, FIFOs and devices")}`);
    warn(leavingLinks, (count) => `Left out ${counted(count, "link that leads", "links that lead")} out of the source`);
    warn(deadLinks, (count) => `Left out ${counted(count, "link", "links")} with nothing to follow`);
    warn(disappeared, (count) => `Left out ${counted(count, "entry", "entries")} that disappeared during the push`);
    warn(
      unsteady,
      (count) => `Sent ${counted(count, "file")} that changed during the push, perhaps half old and half new`,
    );
    return {
      skipped_special: special.count,
      skipped_links: leavingLinks.count + deadLinks.count,
      changed_entries: unsteady.count + disappeared.count,
      warnings,
    };
  }
}
