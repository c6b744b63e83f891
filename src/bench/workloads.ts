/** One thing to measure: the same lines of `sh` run on the host and in a guest, in an empty directory of its own. */
export interface Workload {
  readonly name: string;
  /** Programs without which it is left out. */
  readonly needs: readonly string[];
  /** Runs once, unmeasured. */
  readonly prepare: string;
  /** Runs before each round, unmeasured. */
  readonly before: string;
  readonly run: string;
  /** The most rounds of a workload that takes long. */
  readonly maxRounds: number;
}

export const PYTHON = "/usr/bin/python3";

/** A workload with defaults for the fields that it does not name. */
export function workload(name: string, run: string, rest: Partial<Workload> = {}): Workload {
  return { name, maxRounds: Infinity, needs: [], prepare: "", before: "", run, ...rest };
}

/** A program of Python's as one word of `sh`; it has no single quote. */
function python(lines: string): string {
  return `${PYTHON} -c '${lines}'`;
}

function makeFiles(directory: string, count: number, folders: number, longest: number): string {
  return python(`import os
for i in range(${count}):
    folder = "${directory}/d%d" % (i % ${folders})
    os.makedirs(folder, exist_ok=True)
    with open(folder + "/f%d.ts" % i, "wb") as file: file.write(b"a line of text\\n" * (i % ${longest} + 1))`);
}

function writeFiles(count: number, sync: string): string {
  return python(`import os
block = b"x" * 4096
for i in range(${count}):
    file = os.open("new/%d" % i, os.O_WRONLY | os.O_CREAT)
    os.write(file, block)
    ${sync}os.close(file)`);
}

const inNew = { needs: [PYTHON], before: "rm -rf new && mkdir new" };

const C_SOURCE = `for (( i = 0; i < 60; i++ )); do echo "int f$i(int a, char *b) { int s = 0; for (int i = 0; i < a; i++) s += b[i] * $i; return s; }"; done`;

/** The work that an agent's commands consist of. */
export const workloads: readonly Workload[] = [
  workload("200 × fork and exec of `/bin/true`", "i=0; while [ $i -lt 200 ]; do /bin/true; i=$((i+1)); done"),
  workload("10 × `git --version`", "for i in 1 2 3 4 5 6 7 8 9 10; do /usr/bin/git --version >/dev/null; done", {
    needs: ["/usr/bin/git"],
  }),
  workload("5 × `python3 -c 1`", `for i in 1 2 3 4 5; do ${PYTHON} -c 1; done`, { needs: [PYTHON] }),
  workload("`node -e 0`", "/usr/bin/node -e 0", { needs: ["/usr/bin/node"] }),
  workload("`git status`, 2,000 files", "cd tree && git status --porcelain", {
    needs: ["/usr/bin/git", PYTHON],
    prepare: `git init -q tree && ${makeFiles("tree", 2_000, 40, 40)} && cd tree && git add -A && git -c user.name=a -c user.email=a@b commit -qm x`,
  }),
  workload("compile a file of C", "/usr/bin/gcc -O1 -c -o out.o source.c", {
    needs: ["/usr/bin/gcc"],
    prepare: `bash -c '${C_SOURCE}' > source.c`,
  }),
  workload("`tar x`, 5,000 files", "tar xf files.tar -C new", {
    ...inNew,
    prepare: `${makeFiles("files", 5_000, 100, 400)} && tar cf files.tar files && rm -rf files`,
  }),
  workload("create 1,000 files of 4 KiB", writeFiles(1_000, ""), inNew),
  workload("write and fsync 100 files of 4 KiB", writeFiles(100, "os.fsync(file); "), inNew),
];
