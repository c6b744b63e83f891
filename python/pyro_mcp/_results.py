# Rendered from src/contract/ by `npm run docs`. Do not edit.
"""The dictionaries that the operations return."""

from __future__ import annotations

from typing import Any, Literal, NotRequired, TypedDict


class VmRunInterleaved(TypedDict):
    stream: Literal["stdout", "stderr"]
    text: str


class VmRunCleanup(TypedDict):
    deleted: bool


class VmRunResult(TypedDict):
    vm_id: str
    environment: str
    command: str
    # The command's own exit status; 128 + N when signal N ended it; 124 when its time-out did.
    exit_code: int
    # Standard output; only head and tail when it is long.
    stdout: str
    # Standard error; only head and tail when it is long.
    stderr: str
    # Encoding of `stdout`: base64 when its bytes are not valid UTF-8.
    stdout_encoding: Literal["utf-8", "base64"]
    # Encoding of `stderr`: base64 when its bytes are not valid UTF-8.
    stderr_encoding: Literal["utf-8", "base64"]
    stdout_truncated: bool
    stderr_truncated: bool
    # Bytes left out of the middle of stdout.
    stdout_omitted_bytes: int
    # Bytes left out of the middle of stderr.
    stderr_omitted_bytes: int
    # Content of `stdout` and `stderr` as pieces in the order of arrival; each in the encoding of its stream.
    interleaved: NotRequired[list[VmRunInterleaved]]
    # Milliseconds the command ran.
    duration_ms: int
    # True when the time-out ended it.
    timed_out: bool
    # True when the caller cancelled it.
    aborted: bool
    # True when the VM ran out of memory and its kernel killed the command or a process that it started. In `host_compat` mode it is always false: the cause of a kill is not known there.
    oom_killed: bool
    # Memory of its VM in MiB.
    mem_mib: int
    # Where the command ran.
    execution_mode: str
    # CPU virtualization that the VM ran on.
    accelerator: str | None
    # Whether the VM was deleted.
    cleanup: VmRunCleanup
    # Entries that were left out or that changed while they were read, with the first names.
    warnings: NotRequired[list[str]]


class VmCreateResult(TypedDict):
    vm_id: str
    # `unknown` when its record is unreadable.
    environment: str
    # unreadable: its record was damaged.
    state: Literal["created", "started", "stopped", "failed", "unreadable"]
    # Why it failed, or why it is paused.
    state_reason: str | None
    vcpu_count: int
    mem_mib: int
    network_enabled: bool
    allow_host_compat: bool
    # Null until it is started.
    execution_mode: str | None
    # CPU virtualization that the VM ran on.
    accelerator: str | None
    # UTC, ISO 8601. If its record is unreadable, the time when that file was written.
    created_at: str
    # Null when its record is unreadable; then it does not expire.
    expires_at: str | None


class VmDeleteResult(TypedDict):
    vm_id: str
    deleted: Literal[True]


class VmNetworkInfoNetworkRoute(TypedDict):
    destination: str
    gateway: str


class VmNetworkInfoNetworkPolicyForward(TypedDict):
    gateway_port: int
    to: str


class VmNetworkInfoNetworkPolicy(TypedDict):
    # public: all except private, local and this host's addresses. names: only the names listed here.
    default: Literal["public", "names"]
    # Names that may be reached.
    allow_hosts: list[str]
    # Further open ranges.
    allow: list[str]
    # Further closed ranges.
    deny: list[str]
    # Ports of the gateway that lead to an address of this host.
    forwards: list[VmNetworkInfoNetworkPolicyForward]


class VmNetworkInfoNetworkHostCa(TypedDict):
    subject: str
    # 64 hex digits.
    fingerprint_sha256: str
    # UTC, ISO 8601.
    expires_at: str


class VmNetworkInfoNetworkCounters(TypedDict):
    # Payload bytes that the guest has sent.
    sent_bytes: int
    received_bytes: int
    tcp_connections: int
    udp_flows: int
    # Connections and first datagrams that the policy refused.
    refused: int


class VmNetworkInfoNetworkLastRefused(TypedDict):
    # dns: a DNS query.
    protocol: Literal["tcp", "udp", "dns"]
    address: str
    port: int
    # name: the guest requested no allowed name, or no allowed name resolves to this address.
    reason: Literal["closed_range", "host_address", "name", "too_many"]
    # Name that the guest requested, if known.
    name: str | None
    times: int
    # UTC, ISO 8601.
    at: str


class VmNetworkInfoNetwork(TypedDict):
    # down: the gate process has ended, so no packet gets in or out.
    state: Literal["up", "down"]
    mac: str
    mtu: int
    # The guest's addresses, with the prefix length.
    addresses: list[str]
    routes: list[VmNetworkInfoNetworkRoute]
    # DNS resolvers of the guest; each forwards to one of the host's.
    resolvers: list[str]
    policy: VmNetworkInfoNetworkPolicy
    # Certificate authorities of the host that the guest trusts.
    host_ca: list[VmNetworkInfoNetworkHostCa]
    # Null when it is down.
    counters: VmNetworkInfoNetworkCounters | None
    last_refused: list[VmNetworkInfoNetworkLastRefused]


class VmNetworkInfoResult(TypedDict):
    vm_id: str
    network_enabled: bool
    # Null when the VM has no network or is not started.
    network: VmNetworkInfoNetwork | None


class VmReapExpiredResult(TypedDict):
    # Ids of the removed VMs and tasks.
    removed: list[str]


class TaskCreateAutomaticSnapshot(TypedDict):
    every_seconds: int
    # Null before the first one.
    snapshot_id: str | None
    created_at: str | None
    # Why a newer one could not be made.
    error: str | None


class TaskCreateRestored(TypedDict):
    # UTC, ISO 8601.
    at: str
    # Moment of the snapshot; everything after it is lost.
    snapshot_at: str
    # Why the VM ended.
    reason: str


class TaskCreateForkedFrom(TypedDict):
    task_id: str
    snapshot_id: str | None
    # UTC, ISO 8601.
    at: str


class TaskCreateLastCommand(TypedDict):
    command: str
    exit_code: int | None
    timed_out: bool
    oom_killed: bool


class TaskCreateWorkspaceSeed(TypedDict):
    mode: Literal["empty", "directory", "file", "archive"]
    source_path: str | None
    destination: str
    # Entries imported.
    entry_count: int
    # Total bytes of the written files.
    bytes_written: int
    # Entries whose extended attributes or access control lists were dropped; null if they were not counted: those of a directory or file are not.
    ignored_xattr_count: int | None


class TaskCreateLastPush(TypedDict):
    mode: Literal["empty", "directory", "file", "archive"]
    source_path: str | None
    destination: str
    # Entries imported.
    entry_count: int
    # Total bytes of the written files.
    bytes_written: int
    # UTC, ISO 8601.
    pushed_at: str


class TaskCreatePort(TypedDict):
    # Port in the task.
    port: int
    # Port on 127.0.0.1 of the host.
    host_port: int
    # URL of a web server on it.
    url: str
    # False while the VM does not run, and when another program had the host port after a restart of the daemon.
    open: bool


class TaskCreateService(TypedDict):
    name: str
    # starting: not ready yet. waiting: it failed and is started again soon. stopped: by `task.service.stop`. ended: with exit status 0. suspended: its task is stopped.
    state: Literal["starting", "ready", "waiting", "stopped", "ended", "failed", "suspended"]


class TaskCreateResult(TypedDict):
    task_id: str
    name: str | None
    labels: dict[str, Any]
    # Names of the environment variables that all its commands get.
    env_names: list[str]
    # User of its commands.
    user: str
    # `unknown` when its record is unreadable.
    environment: str
    # unreadable: its record was damaged.
    state: Literal["started", "stopped", "failed", "unreadable"]
    # Why it is not started, or why its VM is paused.
    state_reason: str | None
    workspace_path: str
    vcpu_count: int
    mem_mib: int
    disk_mib: int
    # Time-out of commands that set none; null for the default.
    timeout_seconds: int | None
    network_enabled: bool
    # Null when the task has no network or is not started.
    network: VmNetworkInfoNetwork | None
    allow_host_compat: bool
    # Least isolation with which it may start; null when it has no requirement.
    require_isolation: Literal["vm", "jailed", "strict"] | None
    # Where the command ran.
    execution_mode: str
    # CPU virtualization that the VM ran on.
    accelerator: str | None
    # Seconds without use until it is stopped; 0 for never.
    idle_stop_seconds: int
    # The last automatic snapshot; null when none are made.
    automatic_snapshot: TaskCreateAutomaticSnapshot | None
    # The last restore after the VM died; null when there was none.
    restored: TaskCreateRestored | None
    # The task, or its snapshot, that it is a fork of.
    forked_from: TaskCreateForkedFrom | None
    # UTC, ISO 8601.
    created_at: str
    # UTC, ISO 8601.
    last_activity_at: str
    # Null when it never expires.
    expires_at: str | None
    command_count: int
    running_commands: int
    last_command: TaskCreateLastCommand | None
    # Content of the workspace when the task was created; a push never changes it.
    workspace_seed: TaskCreateWorkspaceSeed
    # The last completed sync push; null when there was none.
    last_push: TaskCreateLastPush | None
    # Its published ports.
    ports: list[TaskCreatePort]
    # Its services.
    services: list[TaskCreateService]
    # Host memory that its VM uses now.
    memory_bytes: int | None
    # Host memory reserved for its VM, in MiB: the most that the VM may use.
    memory_reserved_mib: int | None
    # Host disk that its VM uses now.
    disk_bytes: int | None
    # Source entries that were left out, or that changed while they were read.
    warnings: NotRequired[list[str]]


class TaskSyncPushEntry(TypedDict):
    path: str
    type: Literal["file", "directory", "symlink", "hardlink"]
    size_bytes: int


class TaskSyncPushResult(TypedDict):
    task_id: str
    source_path: str
    mode: Literal["empty", "directory", "file", "archive"]
    destination: str
    # Entries imported.
    entry_count: int
    # Total bytes of the written files.
    bytes_written: int
    # Entries left out by exclude; a directory with its content counts once.
    excluded_count: int
    # Entries that were equal and were not written.
    unchanged_count: int
    # Archive entries whose extended attributes or access control lists were dropped; those of a directory are dropped uncounted.
    ignored_xattr_count: int
    # Sockets, FIFOs and devices left out.
    skipped_special: int
    # Links left out because of `links`.
    skipped_links: int
    # Entries that changed or disappeared while they were read.
    changed_entries: int
    # Entries that were left out or that changed while they were read, with the first names.
    warnings: list[str]
    # Entries deleted because the source no longer has them.
    deleted_count: int
    # Entries kept because the task has changed them.
    kept_count: int
    # Milliseconds from the request to the commit.
    duration_ms: int
    dry_run: bool
    # In a dry run: the entries that would be written, the first 10,000.
    entries: NotRequired[list[TaskSyncPushEntry]]


class TaskSyncPullChangeBefore(TypedDict):
    type: Literal["file", "directory", "link"]
    # Permission bits; null for a link.
    mode: int | None
    # Size of a file.
    size_bytes: int | None
    # SHA-256 of a file's content, in hexadecimal.
    sha256: str | None
    # Target of a link.
    target: str | None


class TaskSyncPullChange(TypedDict):
    # Relative to /workspace.
    path: str
    # The entry in the base; null when the base has none.
    before: TaskSyncPullChangeBefore | None
    # The entry in the workspace; null when the workspace has none.
    after: TaskSyncPullChangeBefore | None


class TaskSyncPullConflict(TypedDict):
    path: str
    # changed: both sides changed the entry. occupied: a directory on this machine is in the way.
    reason: Literal["changed", "occupied"]
    base: TaskSyncPullChangeBefore | None
    host: TaskSyncPullChangeBefore | None
    task: TaskSyncPullChangeBefore | None


class TaskSyncPullResult(TypedDict):
    task_id: str
    destination: str
    # Files, links and directories written.
    written_count: int
    # Entries deleted.
    deleted_count: int
    # Entries that the task deleted but this machine keeps, because `delete` is not set.
    kept_count: int
    # Entries written and deleted on this machine, the first 10,000.
    changes: list[TaskSyncPullChange]
    # If not empty, nothing was written.
    conflicts: list[TaskSyncPullConflict]
    # Entries that cannot be pulled, and leftovers of an interrupted pull.
    warnings: list[str]
    dry_run: bool
    duration_ms: int


class TaskSyncUndoResult(TypedDict):
    task_id: str
    destination: str
    # Number of entries restored to their state before the pull.
    restored_count: int
    warnings: list[str]


class TaskDiffFile(TypedDict):
    # Relative to /workspace.
    path: str
    # How the entry changed.
    status: Literal["added", "deleted", "modified", "renamed", "mode_changed", "type_changed"]
    # The former path of a renamed file.
    renamed_from: NotRequired[str]
    # Lines added; null when the content was not compared.
    additions: int | None
    # Lines removed; null when the content was not compared.
    deletions: int | None
    # The entry in the base; null when the base has none.
    before: TaskSyncPullChangeBefore | None
    # The entry in the workspace; null when the workspace has none.
    after: TaskSyncPullChangeBefore | None


class TaskDiffResult(TypedDict):
    task_id: str
    # Directory on the client's machine that the workspace came from.
    origin: str | None
    # In the order of paths, at most 10,000.
    files: list[TaskDiffFile]
    # All changed entries, also those on other pages.
    file_count: int
    # The unified diff; empty with `stat` or `name_only`.
    patch: str
    # Pass it as `after` to continue; null when the answer is complete.
    next_after: str | None


class TaskPatchFile(TypedDict):
    # Relative to /workspace.
    path: str
    status: Literal["added", "modified", "deleted"]


class TaskPatchReject(TypedDict):
    path: str
    # Why this file cannot be patched.
    reason: Literal["missing", "exists", "binary", "not-a-file", "too-large", "does-not-fit"]
    # Headers of all its hunks.
    hunks: list[str]


class TaskPatchResult(TypedDict):
    task_id: str
    # True when the patch was applied.
    applied: bool
    # Files that the patch fits; a renamed file counts as one deleted and one added.
    files: list[TaskPatchFile]
    # If not empty, nothing was applied.
    rejects: list[TaskPatchReject]
    dry_run: bool


class TaskExportToResult(TypedDict):
    task_id: str
    path: str
    # Entries sent.
    entry_count: int
    # Total bytes of the files sent.
    bytes: int
    # Number of entries left out: sockets, FIFOs, devices and names that are not UTF-8.
    skipped_special: int
    # Absolute path of what was written.
    output: str


class TaskFileListEntry(TypedDict):
    # Bytes that are not UTF-8 are lone surrogates, as in Python's `os.fsdecode`.
    path: str
    type: Literal["file", "directory", "symlink", "other"]
    # Size of the file; 0 for one that the kernel makes up, as in /proc.
    size_bytes: int
    # Permissions in octal, such as 0644.
    mode: str
    # UTC, ISO 8601.
    modified_at: str
    # Where a symlink points; null for anything else.
    target: str | None


class TaskFileListResult(TypedDict):
    task_id: str
    path: str
    entries: list[TaskFileListEntry]
    # Pass it as `after` for more; null when this is all.
    next_after: str | None


class TaskFileStatResult(TypedDict):
    # Bytes that are not UTF-8 are lone surrogates, as in Python's `os.fsdecode`.
    path: str
    type: Literal["file", "directory", "symlink", "other"]
    # Size of the file; 0 for one that the kernel makes up, as in /proc.
    size_bytes: int
    # Permissions in octal, such as 0644.
    mode: str
    # UTC, ISO 8601.
    modified_at: str
    # Where a symlink points; null for anything else.
    target: str | None
    task_id: str


class TaskFileReadResult(TypedDict):
    task_id: str
    path: str
    content: str
    encoding: Literal["utf8", "base64"]
    offset: int
    # Bytes of the file in content.
    bytes: int
    # Pass it as `offset` for more; null at the end of the file.
    next_offset: int | None
    # Size of the file; 0 for one that the kernel makes up, as in /proc.
    size_bytes: int
    # Permissions in octal, such as 0644.
    mode: str
    # UTC, ISO 8601.
    modified_at: str


class TaskFileViewImage(TypedDict):
    mime_type: str
    # Base64.
    data: str


class TaskFileViewResult(TypedDict):
    task_id: str
    path: str
    # Lines, each with its number and a tab before it.
    text: str
    first_line: int
    # Pass it as `offset` for more; null at the end.
    next_line: int | None
    size_bytes: int
    # An image; text is empty then.
    image: TaskFileViewImage | None


class TaskFileWriteResult(TypedDict):
    task_id: str
    path: str
    bytes_written: int
    # False if the file existed.
    created: bool


class TaskFileEditResult(TypedDict):
    task_id: str
    path: str
    # Occurrences replaced.
    replaced: int
    # The lines around the first replacement as they are now, numbered.
    text: str


class TaskFileMkdirResult(TypedDict):
    task_id: str
    path: str
    # False if it existed.
    created: bool


class TaskFileMoveResult(TypedDict):
    task_id: str
    path: str
    to: str


class TaskFileRemoveResult(TypedDict):
    task_id: str
    path: str
    # Names removed.
    removed_count: int


class TaskExecError(TypedDict):
    code: str
    message: str


class TaskExecRestored(TypedDict):
    # UTC, ISO 8601.
    at: str
    # Moment of the snapshot; everything after it is lost.
    snapshot_at: str
    # Why the VM ended.
    reason: str
    # The command ran after the snapshot: its changes are lost.
    undone: bool


class TaskExecResult(TypedDict):
    task_id: str
    # Number of the command in its task.
    sequence: int
    command: str
    cwd: str
    # Null while the command runs, and when it ended without an exit code: see `error`.
    exit_code: int | None
    # Standard output; only head and tail when it is long.
    stdout: str
    # Standard error; only head and tail when it is long.
    stderr: str
    # Encoding of `stdout`: base64 when its bytes are not valid UTF-8.
    stdout_encoding: Literal["utf-8", "base64"]
    # Encoding of `stderr`: base64 when its bytes are not valid UTF-8.
    stderr_encoding: Literal["utf-8", "base64"]
    stdout_truncated: bool
    stderr_truncated: bool
    # Bytes left out of the middle of stdout.
    stdout_omitted_bytes: int
    # Bytes left out of the middle of stderr.
    stderr_omitted_bytes: int
    # Content of `stdout` and `stderr` as pieces in the order of arrival; each in the encoding of its stream.
    interleaved: NotRequired[list[VmRunInterleaved]]
    # Milliseconds the command ran.
    duration_ms: int
    # True when the time-out ended it.
    timed_out: bool
    # True when the caller cancelled it.
    aborted: bool
    # True when the VM ran out of memory and its kernel killed the command or a process that it started. In `host_compat` mode it is always false: the cause of a kill is not known there.
    oom_killed: bool
    # Memory of its VM in MiB.
    mem_mib: int
    # Where the command ran.
    execution_mode: str
    state: Literal["running", "ended"]
    # Why the command ended without an exit status, such as the VM's death.
    error: TaskExecError | None
    # CPU virtualization that the VM ran on.
    accelerator: str | None
    # UTC, ISO 8601.
    started_at: str
    # A restore that undid the command, or that the first command after it reports; else null.
    restored: TaskExecRestored | None


class TaskExecOutputResult(TypedDict):
    task_id: str
    # Number of the command in its task.
    sequence: int
    command: str
    state: Literal["running", "ended"]
    # Null while the command runs, and when it ended without an exit code: see `error`.
    exit_code: int | None
    timed_out: bool
    aborted: bool
    # True when the VM ran out of memory and its kernel killed the command or a process that it started. In `host_compat` mode it is always false: the cause of a kill is not known there.
    oom_killed: bool
    # Memory of its VM in MiB.
    mem_mib: int
    # Why the command ended without an exit status, such as the VM's death.
    error: TaskExecError | None
    # CPU virtualization that the VM ran on.
    accelerator: str | None
    duration_ms: int
    stdout: str
    stderr: str
    # Encoding of `stdout`: base64 when its bytes are not valid UTF-8.
    stdout_encoding: Literal["utf-8", "base64"]
    # Encoding of `stderr`: base64 when its bytes are not valid UTF-8.
    stderr_encoding: Literal["utf-8", "base64"]
    # Requested bytes before `stdout` that are no longer kept.
    stdout_omitted_bytes: int
    # Requested bytes before `stderr` that are no longer kept.
    stderr_omitted_bytes: int
    # Offset to pass to the next call.
    next_stdout_offset: int
    # Offset to pass to the next call.
    next_stderr_offset: int
    # Content of `stdout` and `stderr` as pieces in the order of arrival; each in the encoding of its stream.
    interleaved: NotRequired[list[VmRunInterleaved]]
    # Bytes written to standard output so far.
    stdout_bytes: int
    # Bytes written to standard error so far.
    stderr_bytes: int
    # True when the command has ended and the answer reaches the end of its output.
    complete: bool


class TaskExecSignalResult(TypedDict):
    task_id: str
    # Number of the command in its task.
    sequence: int
    signal: str
    sent: Literal[True]


class TaskPortPublishResult(TypedDict):
    # Port in the task.
    port: int
    # Port on 127.0.0.1 of the host.
    host_port: int
    # URL of a web server on it.
    url: str
    # False while the VM does not run, and when another program had the host port after a restart of the daemon.
    open: bool
    task_id: str


class TaskPortListResult(TypedDict):
    task_id: str
    ports: list[TaskCreatePort]


class TaskPortCloseResult(TypedDict):
    task_id: str
    port: int
    closed: Literal[True]


class TaskShellOpenResult(TypedDict):
    name: str
    # Number of the command in its task.
    sequence: int
    state: Literal["running", "ended"]
    command: str
    # Height in lines.
    rows: int
    # Width in characters.
    cols: int
    # UTC, ISO 8601.
    started_at: str
    task_id: str
    # False when it ran before.
    created: bool


class TaskShellListShell(TypedDict):
    name: str
    # Number of the command in its task.
    sequence: int
    state: Literal["running", "ended"]
    command: str
    # Height in lines.
    rows: int
    # Width in characters.
    cols: int
    # UTC, ISO 8601.
    started_at: str


class TaskShellListResult(TypedDict):
    task_id: str
    shells: list[TaskShellListShell]


class TaskShellWriteResult(TypedDict):
    task_id: str
    name: str
    written_bytes: int


class TaskShellReadResult(TypedDict):
    name: str
    # Number of the command in its task.
    sequence: int
    state: Literal["running", "ended"]
    command: str
    # Height in lines.
    rows: int
    # Width in characters.
    cols: int
    # UTC, ISO 8601.
    started_at: str
    # Null while it runs, and when it ended without an exit code.
    exit_code: int | None
    # The visible lines, without spaces at their ends.
    screen: str
    # Lines that have left the screen since the cursor of the call.
    scrolled: str
    # Line of the cursor on the screen, from 1.
    cursor_row: int
    # Column of the cursor, from 1.
    cursor_col: int
    # Cursor to pass to the next call.
    offset: int
    # True when the text, or the end of output, came in time.
    found: bool
    task_id: str


class TaskShellCloseResult(TypedDict):
    name: str
    # Number of the command in its task.
    sequence: int
    state: Literal["running", "ended"]
    command: str
    # Height in lines.
    rows: int
    # Width in characters.
    cols: int
    # UTC, ISO 8601.
    started_at: str
    task_id: str


class TaskServiceStartResult(TypedDict):
    name: str
    # starting: not ready yet. waiting: it failed and is started again soon. stopped: by `task.service.stop`. ended: with exit status 0. suspended: its task is stopped.
    state: Literal["starting", "ready", "waiting", "stopped", "ended", "failed", "suspended"]
    # Why it is waiting or failed.
    reason: str | None
    command: str
    cwd: str
    # Condition that makes it ready; null when its start does.
    ready: str | None
    restart: Literal["never", "on-failure"]
    # How often its command was started again.
    restart_count: int
    # Number of its latest command in the task.
    sequence: int | None
    # Exit status of its latest command; null while that runs, and when it ended without one.
    exit_code: int | None
    # Start of its latest command.
    started_at: str | None
    # When it became ready.
    ready_at: str | None
    # Its published ports.
    ports: list[TaskCreatePort]
    # The last lines of its output, 10 at most.
    last_lines: list[str]
    task_id: str


class TaskServiceListService(TypedDict):
    name: str
    # starting: not ready yet. waiting: it failed and is started again soon. stopped: by `task.service.stop`. ended: with exit status 0. suspended: its task is stopped.
    state: Literal["starting", "ready", "waiting", "stopped", "ended", "failed", "suspended"]
    # Why it is waiting or failed.
    reason: str | None
    command: str
    cwd: str
    # Condition that makes it ready; null when its start does.
    ready: str | None
    restart: Literal["never", "on-failure"]
    # How often its command was started again.
    restart_count: int
    # Number of its latest command in the task.
    sequence: int | None
    # Exit status of its latest command; null while that runs, and when it ended without one.
    exit_code: int | None
    # Start of its latest command.
    started_at: str | None
    # When it became ready.
    ready_at: str | None
    # Its published ports.
    ports: list[TaskCreatePort]
    # The last lines of its output, 10 at most.
    last_lines: list[str]


class TaskServiceListResult(TypedDict):
    task_id: str
    services: list[TaskServiceListService]


class TaskServiceLogsResult(TypedDict):
    task_id: str
    name: str
    # starting: not ready yet. waiting: it failed and is started again soon. stopped: by `task.service.stop`. ended: with exit status 0. suspended: its task is stopped.
    state: Literal["starting", "ready", "waiting", "stopped", "ended", "failed", "suspended"]
    # Output; bytes that are not valid UTF-8 are replaced.
    text: str
    # Bytes before the text that are no longer kept.
    omitted_bytes: int
    # Cursor to pass to the next call.
    cursor: str
    # True when the service is over and the text reaches the end of its output.
    complete: bool


class TaskStatusResult(TypedDict):
    task_id: str
    name: str | None
    labels: dict[str, Any]
    # Names of the environment variables that all its commands get.
    env_names: list[str]
    # User of its commands.
    user: str
    # `unknown` when its record is unreadable.
    environment: str
    # unreadable: its record was damaged.
    state: Literal["started", "stopped", "failed", "unreadable"]
    # Why it is not started, or why its VM is paused.
    state_reason: str | None
    workspace_path: str
    vcpu_count: int
    mem_mib: int
    disk_mib: int
    # Time-out of commands that set none; null for the default.
    timeout_seconds: int | None
    network_enabled: bool
    # Null when the task has no network or is not started.
    network: VmNetworkInfoNetwork | None
    allow_host_compat: bool
    # Least isolation with which it may start; null when it has no requirement.
    require_isolation: Literal["vm", "jailed", "strict"] | None
    # Where the command ran.
    execution_mode: str
    # CPU virtualization that the VM ran on.
    accelerator: str | None
    # Seconds without use until it is stopped; 0 for never.
    idle_stop_seconds: int
    # The last automatic snapshot; null when none are made.
    automatic_snapshot: TaskCreateAutomaticSnapshot | None
    # The last restore after the VM died; null when there was none.
    restored: TaskCreateRestored | None
    # The task, or its snapshot, that it is a fork of.
    forked_from: TaskCreateForkedFrom | None
    # UTC, ISO 8601.
    created_at: str
    # UTC, ISO 8601.
    last_activity_at: str
    # Null when it never expires.
    expires_at: str | None
    command_count: int
    running_commands: int
    last_command: TaskCreateLastCommand | None
    # Content of the workspace when the task was created; a push never changes it.
    workspace_seed: TaskCreateWorkspaceSeed
    # The last completed sync push; null when there was none.
    last_push: TaskCreateLastPush | None
    # Its published ports.
    ports: list[TaskCreatePort]
    # Its services.
    services: list[TaskCreateService]
    # Host memory that its VM uses now.
    memory_bytes: int | None
    # Host memory reserved for its VM, in MiB: the most that the VM may use.
    memory_reserved_mib: int | None
    # Host disk that its VM uses now.
    disk_bytes: int | None


class TaskLogsResult(TypedDict):
    task_id: str
    count: int
    entries: list[TaskExecResult]


class TaskListResult(TypedDict):
    tasks: list[TaskStatusResult]


class TaskForkResult(TypedDict):
    # The forks.
    tasks: list[TaskStatusResult]


class TaskSnapshotCreateResult(TypedDict):
    snapshot_id: str
    name: str | None
    # The task that it was made of.
    task_id: str
    # The snapshot that the task came from; null when there was none.
    parent: str | None
    # UTC, ISO 8601.
    created_at: str
    # Made at an interval; the next one replaces it.
    automatic: bool
    # Bytes on disk of its memory.
    memory_bytes: int
    # Bytes on disk of its files.
    disk_bytes: int
    # Commands that were running.
    running_commands: int
    # Stopped tasks that start from it.
    needed_by: list[str]


class TaskSnapshotListUnreadable(TypedDict):
    snapshot_id: str
    reason: str


class TaskSnapshotListResult(TypedDict):
    snapshots: list[TaskSnapshotCreateResult]
    # Snapshots whose record is damaged or of a newer pyro; they can only be deleted.
    unreadable: list[TaskSnapshotListUnreadable]


class TaskSnapshotDeleteResult(TypedDict):
    snapshot_id: str
    deleted: Literal[True]


class TaskTryVariantChanged(TypedDict):
    path: str
    status: str
    # Such as +3 -1.
    lines: str


class TaskTryVariant(TypedDict):
    name: str
    # Empty for a patch.
    command: str
    outcome: Literal["passed", "failed", "timed_out", "error"]
    # Null for a patch, and when it did not run to its end.
    exit_code: int | None
    # Null when no check ran.
    check_exit_code: int | None
    error: TaskExecError | None
    duration_ms: int
    # Output of the variant; head and tail when it is long.
    stdout: str
    stdout_truncated: bool
    # Bytes left out of its middle.
    stdout_omitted_bytes: int
    # Errors of the variant; head and tail when it is long.
    stderr: str
    stderr_truncated: bool
    # Bytes left out of its middle.
    stderr_omitted_bytes: int
    # Output and errors of the check; head and tail when it is long.
    check_output: str
    check_output_truncated: bool
    # Bytes left out of its middle.
    check_output_omitted_bytes: int
    # Changed entries of the workspace; null when not known.
    changed_count: int | None
    # The first 50 of them.
    changed: list[TaskTryVariantChanged]


class TaskTryResult(TypedDict):
    task_id: str
    # In the given order.
    variants: list[TaskTryVariant]
    # Name of the variant whose fork is now the task; null for none.
    kept: str | None
    # Reason why the chosen variant could not be kept.
    keep_error: TaskExecError | None


class TaskDeleteResult(TypedDict):
    task_id: str
    deleted: Literal[True]


class EnvListEnvironmentNpmPackage(TypedDict):
    name: str
    version: str
    integrity: str


class EnvListEnvironmentImage(TypedDict):
    # Digest of the image's manifest, or of its configuration in an archive of Docker.
    digest: str
    # Variables, as NAME=VALUE; each command has them.
    env: list[str]
    # Working directory; `/` stands for /workspace. Commands start there, unless a source fills the workspace.
    working_dir: str
    # User of a container; commands run as this user.
    user: str
    # Entry point of a container; pyro does not use it.
    entrypoint: list[str]
    # Default command of a container; pyro does not use it.
    command: list[str]


class EnvListEnvironmentSaved(TypedDict):
    # True when its processes continue in each VM.
    memory: bool
    # Environment below it.
    environment: str
    task_id: str | None
    snapshot_id: str | None
    # Size of every VM of it; null when any will do.
    vcpu_count: int | None
    mem_mib: int | None
    disk_mib: int
    network: bool | None
    # Why no VM can start from it here.
    unusable: str | None


class EnvListEnvironmentBuilt(TypedDict):
    # Environment that the build began with.
    base: str
    # User of its commands.
    user: str
    # Directory in which its commands start; `/` stands for /workspace.
    workdir: str
    steps: list[str]


class EnvListEnvironment(TypedDict):
    name: str
    # Version of the recipe.
    version: str
    description: str
    installed: bool
    # Distribution and release, such as debian 12.
    distribution: str
    architecture: str
    # Packages that the recipe names.
    default_packages: list[str]
    # Its npm packages, each with the digest that it was verified against.
    npm_packages: NotRequired[list[EnvListEnvironmentNpmPackage]]
    # Origin of its packages, or its image's reference.
    source: str
    # Digest that the reference had in its registry when it was pulled.
    source_digest: NotRequired[str]
    # Digest that the tag has in its registry now, as a later pull found.
    moved_to: NotRequired[str]
    # Configuration of an installed container image.
    image: NotRequired[EnvListEnvironmentImage]
    # Origin of an environment that was saved from a task.
    saved: NotRequired[EnvListEnvironmentSaved]
    # Origin of an environment that env.build has made.
    built: NotRequired[EnvListEnvironmentBuilt]
    # Digest of the installed content.
    digest: NotRequired[str]
    # Bytes on this disk.
    size_bytes: NotRequired[int]
    # UTC, ISO 8601.
    pulled_at: NotRequired[str]


class EnvListResult(TypedDict):
    catalog_version: str
    environments: list[EnvListEnvironment]


class EnvPullResult(TypedDict):
    name: str
    # Version of the recipe.
    version: str
    description: str
    installed: bool
    # Distribution and release, such as debian 12.
    distribution: str
    architecture: str
    # Packages that the recipe names.
    default_packages: list[str]
    # Its npm packages, each with the digest that it was verified against.
    npm_packages: NotRequired[list[EnvListEnvironmentNpmPackage]]
    # Origin of its packages, or its image's reference.
    source: str
    # Digest that the reference had in its registry when it was pulled.
    source_digest: NotRequired[str]
    # Digest that the tag has in its registry now, as a later pull found.
    moved_to: NotRequired[str]
    # Configuration of an installed container image.
    image: NotRequired[EnvListEnvironmentImage]
    # Origin of an environment that was saved from a task.
    saved: NotRequired[EnvListEnvironmentSaved]
    # False when it was already installed.
    built: bool
    # Digest of the installed content.
    digest: NotRequired[str]
    # Bytes on this disk.
    size_bytes: NotRequired[int]
    # UTC, ISO 8601.
    pulled_at: NotRequired[str]
    # True when a damaged copy was replaced.
    repaired: bool
    # False when the registry did not tell what the tag of an installed image names now.
    registry_checked: NotRequired[bool]


class EnvInspectPackage(TypedDict):
    name: str
    version: str


class EnvInspectFile(TypedDict):
    name: str
    size_bytes: int
    sha256: str


class EnvInspectResult(TypedDict):
    name: str
    # Version of the recipe.
    version: str
    description: str
    installed: bool
    # Distribution and release, such as debian 12.
    distribution: str
    architecture: str
    # Packages that the recipe names.
    default_packages: list[str]
    # Its npm packages, each with the digest that it was verified against.
    npm_packages: NotRequired[list[EnvListEnvironmentNpmPackage]]
    # Origin of its packages, or its image's reference.
    source: str
    # Digest that the reference had in its registry when it was pulled.
    source_digest: NotRequired[str]
    # Digest that the tag has in its registry now, as a later pull found.
    moved_to: NotRequired[str]
    # Configuration of an installed container image.
    image: NotRequired[EnvListEnvironmentImage]
    # Origin of an environment that was saved from a task.
    saved: NotRequired[EnvListEnvironmentSaved]
    # Origin of an environment that env.build has made.
    built: NotRequired[EnvListEnvironmentBuilt]
    # Digest of the installed content.
    digest: NotRequired[str]
    # Bytes on this disk.
    size_bytes: NotRequired[int]
    # UTC, ISO 8601.
    pulled_at: NotRequired[str]
    kernel_version: NotRequired[str]
    packages: NotRequired[list[EnvInspectPackage]]
    files: NotRequired[list[EnvInspectFile]]


class EnvSaveResult(TypedDict):
    name: str
    # Version of the recipe.
    version: str
    description: str
    installed: bool
    # Distribution and release, such as debian 12.
    distribution: str
    architecture: str
    # Packages that the recipe names.
    default_packages: list[str]
    # Its npm packages, each with the digest that it was verified against.
    npm_packages: NotRequired[list[EnvListEnvironmentNpmPackage]]
    # Origin of its packages, or its image's reference.
    source: str
    # Digest that the reference had in its registry when it was pulled.
    source_digest: NotRequired[str]
    # Digest that the tag has in its registry now, as a later pull found.
    moved_to: NotRequired[str]
    # Configuration of an installed container image.
    image: NotRequired[EnvListEnvironmentImage]
    # Origin of an environment that was saved from a task.
    saved: NotRequired[EnvListEnvironmentSaved]
    # Origin of an environment that env.build has made.
    built: NotRequired[EnvListEnvironmentBuilt]
    # Digest of the installed content.
    digest: NotRequired[str]
    # Bytes on this disk.
    size_bytes: NotRequired[int]
    # UTC, ISO 8601.
    pulled_at: NotRequired[str]
    # What the saved state lacks.
    warnings: list[str]


class EnvBuildStep(TypedDict):
    # The step, such as `run apt-get install …`.
    text: str
    # True when an earlier build had its result.
    cached: bool


class EnvBuildResult(TypedDict):
    name: str
    # Version of the recipe.
    version: str
    description: str
    installed: bool
    # Distribution and release, such as debian 12.
    distribution: str
    architecture: str
    # Packages that the recipe names.
    default_packages: list[str]
    # Its npm packages, each with the digest that it was verified against.
    npm_packages: NotRequired[list[EnvListEnvironmentNpmPackage]]
    # Origin of its packages, or its image's reference.
    source: str
    # Digest that the reference had in its registry when it was pulled.
    source_digest: NotRequired[str]
    # Digest that the tag has in its registry now, as a later pull found.
    moved_to: NotRequired[str]
    # Configuration of an installed container image.
    image: NotRequired[EnvListEnvironmentImage]
    # Origin of an environment that was saved from a task.
    saved: NotRequired[EnvListEnvironmentSaved]
    # False when every step had its result already.
    built: bool
    # Digest of the installed content.
    digest: NotRequired[str]
    # Bytes on this disk.
    size_bytes: NotRequired[int]
    # UTC, ISO 8601.
    pulled_at: NotRequired[str]
    steps: list[EnvBuildStep]


class EnvExportResult(TypedDict):
    environment: str
    output: str
    size_bytes: int


class EnvPruneRemoved(TypedDict):
    kind: Literal["environment", "template", "toolchain", "setup", "step", "leftover"]
    name: str


class EnvPruneKept(TypedDict):
    name: str
    reason: str


class EnvPruneResult(TypedDict):
    removed: list[EnvPruneRemoved]
    # Items that were not removed, and why.
    kept: list[EnvPruneKept]
    # Bytes freed, or that would be freed in a dry run.
    freed_bytes: int
    dry_run: bool


class EnvRemoveResult(TypedDict):
    environment: str
    removed: Literal[True]
    # Bytes freed.
    freed_bytes: int


class DoctorRuntime(TypedDict):
    ok: bool
    qemu_version: str | None
    qemu_path: str | None
    # Origin of the QEMU; see `pyro toolchain`.
    qemu_source: Literal["host", "private"] | None
    jail: str


class DoctorAcceleratorCandidate(TypedDict):
    # CPU virtualization of a VM; `tcg` is software emulation.
    name: str
    exists: bool
    opens: bool
    # Null until it has been tried.
    usable: bool | None
    reason: str


class DoctorAccelerator(TypedDict):
    in_use: str | None
    reason: str
    candidates: list[DoctorAcceleratorCandidate]


class DoctorEnvironmentCache(TypedDict):
    path: str
    installed: list[str]
    size_bytes: int


class DoctorCapabilities(TypedDict):
    vm_boot: bool
    guest_exec: bool
    guest_network: bool


class DoctorLimits(TypedDict):
    set: bool
    # Path of the control groups, or why they cannot be used.
    reason: str
    # Command that starts the daemon where it may create control groups; null when no such command is known.
    command: str | None


class DoctorIsolationMissing(TypedDict):
    # Lowest level that needs it.
    level: Literal["vm", "jailed", "strict"]
    piece: str
    message: str
    # Command that adds it; null when no such command is known.
    command: str | None


class DoctorIsolation(TypedDict):
    # Level that this host gives; null when no VM can run.
    level: Literal["vm", "jailed", "strict"] | None
    # Level that the daemon requires, from PYRO_REQUIRE_ISOLATION.
    required: Literal["vm", "jailed", "strict"] | None
    # What is missing for `strict`.
    missing: list[DoctorIsolationMissing]


class DoctorProblem(TypedDict):
    message: str
    # Command that fixes the problem.
    command: str


class DoctorResult(TypedDict):
    # True when a VM can run.
    ok: bool
    platform: str
    runtime: DoctorRuntime
    accelerator: DoctorAccelerator
    environment_cache: DoctorEnvironmentCache
    capabilities: DoctorCapabilities
    networking: str
    # Certificate authorities that this host trusts, and a VM only with --network-host-ca.
    host_ca: list[VmNetworkInfoNetworkHostCa]
    # Host limits on each VM, or the process that replaces it: memory, processes, processors.
    limits: DoctorLimits
    # How far this host isolates a VM; SECURITY.md defines the levels.
    isolation: DoctorIsolation
    problems: list[DoctorProblem]
