/** What help pages say that the contract does not. */

export const examples: Readonly<Record<string, readonly string[]>> = {
  run: [
    "pyro run debian:12 -- git --version",
    "pyro run debian:12 -- sh -c 'echo $HOME; exit 7'",
    "seq 1 1000 | pyro run debian:12 -- sha256sum",
    "pyro run debian:12-build --mem-mib 4096 --timeout-seconds 600 -- make",
    "pyro run debian:12 --source-path . --env CI=1 -- make test",
    "pyro run debian:12 --json -- uname -r",
  ],
  "env pull": ["pyro env pull debian:12", "pyro env pull debian:12 --rebuild"],
  "task create": [
    "pyro task create debian:12",
    "pyro task create debian:12 --source-path . --exclude node_modules/",
    "pyro task create debian:12 --name web --label team=shop --env API_TOKEN",
    "TASK=$(pyro task create debian:12 -q)",
    "pyro task create debian:12 --mem-mib 4096 --ttl-seconds 0",
  ],
  "task sync push": [
    "pyro task sync push TASK ./src --dest /workspace/src",
    "pyro task sync push TASK release.tar.gz --dry-run",
    "pyro task sync push TASK . --exclude '*.log' --include important.log",
  ],
  "task exec": [
    "pyro task exec TASK -- make test",
    "pyro task exec TASK --env CI=1 --cwd /workspace/app -- npm test",
    'while read f; do pyro task exec TASK -n -- wc -c "$f"; done <list',
    "pyro task exec TASK --background --timeout-seconds 86400 -- npm start",
  ],
  "task output": ["pyro task output TASK 3", "pyro task output TASK 3 --follow"],
  "task signal": ["pyro task signal TASK 3", "pyro task signal TASK 3 KILL", "pyro task signal TASK 3 9"],
  "mcp config": ["pyro mcp config claude-code", "pyro mcp config cursor --write"],
  "demo ollama": ["pyro demo ollama", "OLLAMA_HOST=192.0.2.1:11434 pyro demo ollama --model qwen3"],
  completion: [
    'eval "$(pyro completion bash)"    # in ~/.bashrc',
    'eval "$(pyro completion zsh)"     # in ~/.zshrc, after compinit',
    "pyro completion fish | source     # in ~/.config/fish/config.fish",
  ],
};

export const exitStatuses: readonly (readonly [string, string])[] = [
  ["0", "Done."],
  ["2", "The command line is wrong; standard error says how."],
  ["125", "pyro failed; standard error says why and what to do."],
  ["others", "Of `pyro run`, see its page. `pyro doctor` gives 1 when no VM can run."],
];

export const runExitStatuses: readonly (readonly [string, string])[] = [
  ["0 to 255", "The command's own; 127 when the VM has no such command."],
  ["124", "The time-out ended the command."],
  ["125", "pyro failed; standard error says why and what to do."],
  ["2", "The command line is wrong; standard error says how."],
  ["130, 143", "Ctrl-C or SIGTERM: the command was killed."],
];
