# Rendered from src/contract/ by `npm run docs`. Do not edit.
"""The operations of the contract: their methods and the dictionaries they give."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from os import PathLike
from typing import Any, Literal, NotRequired, TypedDict

from ._calls import Cancellation, Default, OnOutput, OnProgress, Stdin, command_line

VERSION = "2.3.0"

NETWORK_VARIABLES = frozenset(
    {
        "all_proxy",
        "ftp_proxy",
        "http_proxy",
        "https_proxy",
        "no_proxy",
        "pyro_debian_mirror",
    }
)
"""Variables that say how the network is reached from the host, in lower case: its proxies, and a Debian mirror."""

TRUST_VARIABLES = frozenset(
    {
        "aws_ca_bundle",
        "cargo_http_cainfo",
        "curl_ca_bundle",
        "git_ssl_cainfo",
        "node_extra_ca_certs",
        "npm_config_cafile",
        "pip_cert",
        "requests_ca_bundle",
        "ssl_cert_file",
    }
)
"""Variables that name a bundle of certificates, in lower case."""


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
    # True when the VM ran out of memory and its kernel killed the command or a process that it started.
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
    # public: all but private, local and this host's addresses. names: only the names listed here.
    default: Literal["public", "names"]
    # Names that may be reached.
    allow_hosts: list[str]
    # Further open ranges.
    allow: list[str]
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


class TaskCreateForkedFrom(TypedDict):
    task_id: str
    snapshot_id: str | None
    # UTC, ISO 8601.
    at: str


class TaskCreateLastCommand(TypedDict):
    command: str
    exit_code: int | None
    timed_out: bool


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
    # False when another program had the host port after a restart of the daemon.
    open: bool


class TaskCreateResult(TypedDict):
    task_id: str
    name: str | None
    labels: dict[str, Any]
    # Names of the environment variables that all its commands get.
    env_names: list[str]
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
    # Where the command ran.
    execution_mode: str
    # CPU virtualization that the VM ran on.
    accelerator: str | None
    # Seconds without use until it is stopped; 0 for never.
    idle_stop_seconds: int
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
    # True when the VM ran out of memory and its kernel killed the command or a process that it started.
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
    # True when the VM ran out of memory and its kernel killed the command or a process that it started.
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
    # False when another program had the host port after a restart of the daemon.
    open: bool
    task_id: str


class TaskPortListResult(TypedDict):
    task_id: str
    ports: list[TaskCreatePort]


class TaskPortCloseResult(TypedDict):
    task_id: str
    port: int
    closed: Literal[True]


class TaskStatusResult(TypedDict):
    task_id: str
    name: str | None
    labels: dict[str, Any]
    # Names of the environment variables that all its commands get.
    env_names: list[str]
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
    # Where the command ran.
    execution_mode: str
    # CPU virtualization that the VM ran on.
    accelerator: str | None
    # Seconds without use until it is stopped; 0 for never.
    idle_stop_seconds: int
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
    # The task that it is of.
    task_id: str
    # The snapshot that the task came from; null when there was none.
    parent: str | None
    # UTC, ISO 8601.
    created_at: str
    # Disk that its memory takes.
    memory_bytes: int
    # Disk that its files take.
    disk_bytes: int
    # Commands that were running.
    running_commands: int
    # Stopped tasks that start from it.
    needed_by: list[str]


class TaskSnapshotListResult(TypedDict):
    snapshots: list[TaskSnapshotCreateResult]


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
    command: str
    outcome: Literal["passed", "failed", "timed_out", "error"]
    # Null when it did not run to its end.
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
    # Working directory of a container; commands of pyro start in /workspace.
    working_dir: str
    # User of a container; commands of pyro run as root.
    user: str
    # Entry point of a container; pyro does not use it.
    entrypoint: list[str]
    # Default command of a container; pyro does not use it.
    command: list[str]


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
    # Origin of its packages.
    source: str
    # Configuration of an installed container image.
    image: NotRequired[EnvListEnvironmentImage]
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
    # Origin of its packages.
    source: str
    # Configuration of an installed container image.
    image: NotRequired[EnvListEnvironmentImage]
    # Digest of the installed content.
    digest: NotRequired[str]
    # Bytes on this disk.
    size_bytes: NotRequired[int]
    # UTC, ISO 8601.
    pulled_at: NotRequired[str]
    # True when a damaged copy was replaced.
    repaired: bool
    # False when it was already installed.
    built: bool


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
    # Origin of its packages.
    source: str
    # Configuration of an installed container image.
    image: NotRequired[EnvListEnvironmentImage]
    # Digest of the installed content.
    digest: NotRequired[str]
    # Bytes on this disk.
    size_bytes: NotRequired[int]
    # UTC, ISO 8601.
    pulled_at: NotRequired[str]
    kernel_version: NotRequired[str]
    packages: NotRequired[list[EnvInspectPackage]]
    files: NotRequired[list[EnvInspectFile]]


class EnvPruneRemoved(TypedDict):
    kind: Literal["environment", "template", "toolchain", "leftover"]
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
    problems: list[DoctorProblem]


LOCAL = frozenset(["task.watch", "task.sync.pull", "task.sync.undo", "task.export_to"])
"""Operations that the `pyro` executable does on this machine."""


class Operations(ABC):
    """One method for each operation. A failed command is a result; everything else raises PyroError."""

    @abstractmethod
    def _call(
        self,
        operation: str,
        fields: Mapping[str, object],
        *,
        stdin: Stdin = None,
        check: bool = False,
        on_stdout: OnOutput | None = None,
        on_stderr: OnOutput | None = None,
        on_progress: OnProgress | None = None,
        cancellation: Cancellation | None = None,
    ) -> Any:
        """Performs one operation."""

    def run_in_vm(
        self,
        environment: str,
        *,
        command: str | Sequence[str],
        cwd: str = "/workspace",
        env: Mapping[str, str] | None = None,
        tty: bool = False,
        rows: int = 24,
        cols: int = 80,
        source_path: str | PathLike[str] | None = None,
        git_tracked: bool = False,
        with_git: bool = False,
        exclude: Sequence[str] | None = None,
        include: Sequence[str] | None = None,
        links: str | None = None,
        vcpu_count: int = 1,
        mem_mib: int = 1024,
        timeout_seconds: int = Default(30),
        interleaved: bool = False,
        ttl_seconds: int = 600,
        network: bool = False,
        network_allow: Sequence[str] | None = None,
        network_allow_host: Sequence[str] | None = None,
        network_host_proxy: bool = False,
        network_host_ca: bool = False,
        allow_host_compat: bool = False,
        stdin: Stdin = None,
        check: bool = False,
        on_stdout: OnOutput | None = None,
        on_stderr: OnOutput | None = None,
        on_progress: OnProgress | None = None,
        cancellation: Cancellation | None = None,
    ) -> VmRunResult:
        """Run one command in a fresh VM, then remove the VM.

        Fails with `ENVIRONMENT_UNKNOWN`, with `HOST_NOT_ABLE` when no VM can run here, with `RESOURCE_EXHAUSTED` when the host lacks the memory.

        Args:
            environment: Environment, such as debian:12, or an image, such as docker-archive:FILE.
            command: One line for the guest's /bin/sh -c, or a list of words, which pyro quotes.
            cwd: Working directory of the command.
            env: Additional environment variables.
            tty: Give the command a terminal. Its output is then all on standard output, and it has no default time-out.
            rows: Height of the terminal in lines (1 to 1000).
            cols: Width of the terminal in characters (1 to 1000).
            source_path: Directory, file, .tar, .tar.gz or .tgz on the client's machine. The client packs it.
            git_tracked: Take only files of a source directory that Git tracks or does not ignore, without .git.
            with_git: Also send .git; complete for a worktree, a submodule and a clone that borrows objects.
            exclude: Leave out entries that match these .gitignore patterns; the result counts them.
            include: Keep matching entries even if exclude matches them.
            links: Symlinks that point out of a source directory: keep (default), skip, follow or refuse. Archives: refuse.
            vcpu_count: Virtual CPUs (1 to 16).
            mem_mib: Memory of the VM in MiB (256 to 65536).
            timeout_seconds: Seconds until the command is killed (1 to 86400).
            interleaved: Also return the output of both streams as pieces, in the order of arrival.
            ttl_seconds: Seconds until the VM is removed (1 to 2592000).
            network: Connect the VM to a network; this host and private addresses stay closed.
            network_allow: Open these closed ranges: CIDR, CIDR:PORT, [CIDR]:PORT.
            network_allow_host: Allow only these names, or *.NAME, over HTTP and TLS.
            network_host_proxy: Pass the host's proxy and apt settings to the VM, and allow their addresses.
            network_host_ca: Trust the host's additional certificate authorities; --network-host-proxy does too.
            allow_host_compat: Run in a sandboxed host process when no VM can run.
            stdin: Standard input: a text, bytes, or an iterable of either.
            check: Raise CommandFailedError unless the command ends with exit code 0.
            on_stdout: Called with standard output as it comes.
            on_stderr: Called with standard error as it comes.
            on_progress: Called with each report of how far it is.
            cancellation: What cancels the call.
        """
        return self._call(
            "vm.run",
            {"environment": environment, "command": command_line(command), "cwd": cwd, "env": env, "tty": tty, "rows": rows, "cols": cols, "source_path": source_path, "git_tracked": git_tracked, "with_git": with_git, "exclude": exclude, "include": include, "links": links, "vcpu_count": vcpu_count, "mem_mib": mem_mib, "timeout_seconds": timeout_seconds, "interleaved": interleaved, "ttl_seconds": ttl_seconds, "network": network, "network_allow": network_allow, "network_allow_host": network_allow_host, "network_host_proxy": network_host_proxy, "network_host_ca": network_host_ca, "allow_host_compat": allow_host_compat},
            stdin=stdin,
            check=check,
            on_stdout=on_stdout,
            on_stderr=on_stderr,
            on_progress=on_progress,
            cancellation=cancellation,
        )

    def create_vm(
        self,
        environment: str,
        *,
        vcpu_count: int = 1,
        mem_mib: int = 1024,
        ttl_seconds: int = 600,
        allow_host_compat: bool = False,
        network: bool = False,
        network_allow: Sequence[str] | None = None,
        network_allow_host: Sequence[str] | None = None,
        network_host_proxy: bool = False,
        network_host_ca: bool = False,
    ) -> VmCreateResult:
        """Prepare a VM without starting it.

        Args:
            environment: Environment, such as debian:12, or an image, such as docker-archive:FILE.
            vcpu_count: Virtual CPUs (1 to 16).
            mem_mib: Memory of the VM in MiB (256 to 65536).
            ttl_seconds: Seconds until the VM is removed (1 to 2592000).
            allow_host_compat: Run in a sandboxed host process when no VM can run.
            network: Connect the VM to a network; this host and private addresses stay closed.
            network_allow: Open these closed ranges: CIDR, CIDR:PORT, [CIDR]:PORT.
            network_allow_host: Allow only these names, or *.NAME, over HTTP and TLS.
            network_host_proxy: Pass the host's proxy and apt settings to the VM, and allow their addresses.
            network_host_ca: Trust the host's additional certificate authorities; --network-host-proxy does too.
        """
        return self._call(
            "vm.create",
            {"environment": environment, "vcpu_count": vcpu_count, "mem_mib": mem_mib, "ttl_seconds": ttl_seconds, "allow_host_compat": allow_host_compat, "network": network, "network_allow": network_allow, "network_allow_host": network_allow_host, "network_host_proxy": network_host_proxy, "network_host_ca": network_host_ca},
        )

    def start_vm(
        self,
        vm_id: str,
        *,
        on_progress: OnProgress | None = None,
        cancellation: Cancellation | None = None,
    ) -> VmCreateResult:
        """Start a VM.

        Fails with `FAILED_PRECONDITION` when the VM was started or stopped before.

        Args:
            vm_id: Id of a VM.
            on_progress: Called with each report of how far it is.
            cancellation: What cancels the call.
        """
        return self._call(
            "vm.start",
            {"vm_id": vm_id},
            on_progress=on_progress,
            cancellation=cancellation,
        )

    def exec_vm(
        self,
        vm_id: str,
        *,
        command: str | Sequence[str],
        timeout_seconds: int = Default(30),
        cwd: str = "/workspace",
        env: Mapping[str, str] | None = None,
        interleaved: bool = False,
        stdin: Stdin = None,
        check: bool = False,
        on_stdout: OnOutput | None = None,
        on_stderr: OnOutput | None = None,
        on_progress: OnProgress | None = None,
        cancellation: Cancellation | None = None,
    ) -> VmRunResult:
        """Run one command in a started VM, then remove the VM.

        Fails with `FAILED_PRECONDITION` when the VM is not started.

        Args:
            vm_id: Id of a VM.
            command: One line for the guest's /bin/sh -c, or a list of words, which pyro quotes.
            timeout_seconds: Seconds until the command is killed (1 to 86400).
            cwd: Working directory of the command.
            env: Additional environment variables.
            interleaved: Also return the output of both streams as pieces, in the order of arrival.
            stdin: Standard input: a text, bytes, or an iterable of either.
            check: Raise CommandFailedError unless the command ends with exit code 0.
            on_stdout: Called with standard output as it comes.
            on_stderr: Called with standard error as it comes.
            on_progress: Called with each report of how far it is.
            cancellation: What cancels the call.
        """
        return self._call(
            "vm.exec",
            {"vm_id": vm_id, "command": command_line(command), "timeout_seconds": timeout_seconds, "cwd": cwd, "env": env, "interleaved": interleaved},
            stdin=stdin,
            check=check,
            on_stdout=on_stdout,
            on_stderr=on_stderr,
            on_progress=on_progress,
            cancellation=cancellation,
        )

    def stop_vm(
        self,
        vm_id: str,
    ) -> VmCreateResult:
        """Stop a VM; it cannot be started again.

        Args:
            vm_id: Id of a VM.
        """
        return self._call(
            "vm.stop",
            {"vm_id": vm_id},
        )

    def delete_vm(
        self,
        vm_id: str,
    ) -> VmDeleteResult:
        """Remove a VM.

        Args:
            vm_id: Id of a VM.
        """
        return self._call(
            "vm.delete",
            {"vm_id": vm_id},
        )

    def status_vm(
        self,
        vm_id: str,
    ) -> VmCreateResult:
        """Show one VM.

        Args:
            vm_id: Id of a VM.
        """
        return self._call(
            "vm.status",
            {"vm_id": vm_id},
        )

    def network_info_vm(
        self,
        vm_id: str,
    ) -> VmNetworkInfoResult:
        """Show a VM's addresses, network policy and refused connections.

        Fails with `NOT_FOUND`.

        Args:
            vm_id: Id of a VM.
        """
        return self._call(
            "vm.network_info",
            {"vm_id": vm_id},
        )

    def reap_expired(
        self,
    ) -> VmReapExpiredResult:
        """Remove expired VMs and tasks.

        Removes them at once; the daemon would do so within a second."""
        return self._call(
            "vm.reap_expired",
            {},
        )

    def create_task(
        self,
        environment: str,
        *,
        name: str | None = None,
        labels: Mapping[str, str] | None = None,
        env: Mapping[str, str] | None = None,
        vcpu_count: int = 1,
        mem_mib: int = 1024,
        disk_mib: int = 10240,
        ttl_seconds: int = 86400,
        idle_stop_seconds: int = 0,
        timeout_seconds: int | None = None,
        network: bool = False,
        network_allow: Sequence[str] | None = None,
        network_allow_host: Sequence[str] | None = None,
        network_host_proxy: bool = False,
        network_host_ca: bool = False,
        allow_host_compat: bool = False,
        source_path: str | PathLike[str] | None = None,
        git_tracked: bool = False,
        with_git: bool = False,
        exclude: Sequence[str] | None = None,
        include: Sequence[str] | None = None,
        links: str | None = None,
        on_progress: OnProgress | None = None,
        cancellation: Cancellation | None = None,
    ) -> TaskCreateResult:
        """Start a persistent VM with a /workspace, empty or filled from the host.

        Fails with the codes of a run, and with those of a push for its source; then no task exists. Fails with `ALREADY_EXISTS` when another task has the name.

        Args:
            environment: Environment, such as debian:12, or an image, such as docker-archive:FILE.
            name: Name of the task, usable instead of its id.
            labels: Labels to filter tasks by.
            env: Environment of all its commands. No output shows the values.
            vcpu_count: Virtual CPUs (1 to 16).
            mem_mib: Memory of the VM in MiB (256 to 65536).
            disk_mib: Maximum that the VM may write, in MiB (256 to 1048576).
            ttl_seconds: Seconds without use until the task is removed; 0 for never (0 to 2592000).
            idle_stop_seconds: Seconds without use until the task is stopped; 0 for never (0 to 2592000).
            timeout_seconds: Seconds until a command of the task is killed, if the command sets no time-out (1 to 86400).
            network: Connect the VM to a network; this host and private addresses stay closed.
            network_allow: Open these closed ranges: CIDR, CIDR:PORT, [CIDR]:PORT.
            network_allow_host: Allow only these names, or *.NAME, over HTTP and TLS.
            network_host_proxy: Pass the host's proxy and apt settings to the VM, and allow their addresses.
            network_host_ca: Trust the host's additional certificate authorities; --network-host-proxy does too.
            allow_host_compat: Run in a sandboxed host process when no VM can run.
            source_path: Directory, file, .tar, .tar.gz or .tgz on the client's machine. The client packs it.
            git_tracked: Take only files of a source directory that Git tracks or does not ignore, without .git.
            with_git: Also send .git; complete for a worktree, a submodule and a clone that borrows objects.
            exclude: Leave out entries that match these .gitignore patterns; the result counts them.
            include: Keep matching entries even if exclude matches them.
            links: Symlinks that point out of a source directory: keep (default), skip, follow or refuse. Archives: refuse.
            on_progress: Called with each report of how far it is.
            cancellation: What cancels the call.
        """
        return self._call(
            "task.create",
            {"environment": environment, "name": name, "labels": labels, "env": env, "vcpu_count": vcpu_count, "mem_mib": mem_mib, "disk_mib": disk_mib, "ttl_seconds": ttl_seconds, "idle_stop_seconds": idle_stop_seconds, "timeout_seconds": timeout_seconds, "network": network, "network_allow": network_allow, "network_allow_host": network_allow_host, "network_host_proxy": network_host_proxy, "network_host_ca": network_host_ca, "allow_host_compat": allow_host_compat, "source_path": source_path, "git_tracked": git_tracked, "with_git": with_git, "exclude": exclude, "include": include, "links": links},
            on_progress=on_progress,
            cancellation=cancellation,
        )

    def push_task_sync(
        self,
        task_id: str,
        source_path: str | PathLike[str],
        *,
        dest: str = "/workspace",
        git_tracked: bool = False,
        with_git: bool = False,
        exclude: Sequence[str] | None = None,
        include: Sequence[str] | None = None,
        links: str | None = None,
        delete: bool = False,
        dry_run: bool = False,
        on_progress: OnProgress | None = None,
        cancellation: Cancellation | None = None,
    ) -> TaskSyncPushResult:
        """Copy a directory or an archive into a task's workspace, all of it or nothing.

        Fails with the code of the first problem in the source (`SOURCE_…`, `ARCHIVE_…`) or in the workspace (`WORKSPACE_…`).

        Args:
            task_id: Id or name of a task.
            source_path: Directory, file, .tar, .tar.gz or .tgz on the client's machine. The client packs it.
            dest: Directory beneath /workspace.
            git_tracked: Take only files of a source directory that Git tracks or does not ignore, without .git.
            with_git: Also send .git; complete for a worktree, a submodule and a clone that borrows objects.
            exclude: Leave out entries that match these .gitignore patterns; the result counts them.
            include: Keep matching entries even if exclude matches them.
            links: Symlinks that point out of a source directory: keep (default), skip, follow or refuse. Archives: refuse.
            delete: Delete entries that earlier pushes of this source wrote to dest and that the source no longer has.
            dry_run: Check the source and list the entries that would be written; change nothing.
            on_progress: Called with each report of how far it is.
            cancellation: What cancels the call.
        """
        return self._call(
            "task.sync.push",
            {"task_id": task_id, "source_path": source_path, "dest": dest, "git_tracked": git_tracked, "with_git": with_git, "exclude": exclude, "include": include, "links": links, "delete": delete, "dry_run": dry_run},
            on_progress=on_progress,
            cancellation=cancellation,
        )

    def pull_task_sync(
        self,
        task_id: str,
        *,
        destination: str | None = None,
        paths: Sequence[str] | None = None,
        dry_run: bool = False,
        on_conflict: str = "fail",
        delete: bool = False,
        exclude: Sequence[str] | None = None,
        include: Sequence[str] | None = None,
    ) -> TaskSyncPullResult:
        """Copy a task's changes back to this machine, all of them or none.

        Writes the changes of the workspace since the seed, the last push or the last pull. A path that both sides changed differently is a conflict. With `on_conflict` `fail` a conflict prevents all writes, and `conflicts` lists every one. Fails with `DESTINATION_UNUSABLE`, or with `DESTINATION_CHANGED` or `WORKSPACE_CHANGED` when a side changes during the pull; then nothing is written.

        Args:
            task_id: Id or name of a task.
            destination: Directory on this machine. Default: the one that the task was created from or last pushed from.
            paths: Files and directories beneath /workspace. Default: all of it.
            dry_run: List the changes that would be written; change nothing.
            on_conflict: Write nothing (fail), take the task's file (task), keep the host's (host), or keep it and write the task's as NAME.task (both).
            delete: Delete the entries on this machine that the task deleted.
            exclude: Leave out entries that match these .gitignore patterns. `.git` is left out unless `include` names it.
            include: Keep matching entries even if exclude, or the rule for `.git`, leaves them out.
        """
        return self._call(
            "task.sync.pull",
            {"task_id": task_id, "destination": destination, "paths": paths, "dry_run": dry_run, "on_conflict": on_conflict, "delete": delete, "exclude": exclude, "include": include},
        )

    def undo_task_sync(
        self,
        task_id: str,
    ) -> TaskSyncUndoResult:
        """Undo the last pull of a task on this machine.

        Restores the entries that the pull replaced or deleted. Fails with `DESTINATION_CHANGED`, and changes nothing, when one of the entries changed on this machine since; with `NOT_FOUND` when there is no pull to undo.

        Args:
            task_id: Id or name of a task.
        """
        return self._call(
            "task.sync.undo",
            {"task_id": task_id},
        )

    def diff_task(
        self,
        task_id: str,
        *,
        paths: Sequence[str] | None = None,
        since: str = "push",
        stat: bool = False,
        name_only: bool = False,
        after: str | None = None,
        exclude: Sequence[str] | None = None,
        include: Sequence[str] | None = None,
    ) -> TaskDiffResult:
        """Show what a task changed in its workspace.

        Compares with the base: the workspace after the seed, the last push or the last pull. `git apply` accepts the text. A file that is binary or longer than 1 MiB is listed without content.

        Args:
            task_id: Id or name of a task.
            paths: Files and directories beneath /workspace. Default: all of it.
            since: State to compare with: the workspace when the task was created, or after the last push or pull.
            stat: List files with the number of changed lines, without the text.
            name_only: List the names only; reads no content.
            after: Continue after this path: `next_after` of the previous answer.
            exclude: Leave out entries that match these .gitignore patterns. `.git` is left out unless `include` names it.
            include: Keep matching entries even if exclude, or the rule for `.git`, leaves them out.
        """
        return self._call(
            "task.diff",
            {"task_id": task_id, "paths": paths, "since": since, "stat": stat, "name_only": name_only, "after": after, "exclude": exclude, "include": include},
        )

    def patch_task(
        self,
        task_id: str,
        patch: str,
        *,
        dry_run: bool = False,
        reverse: bool = False,
    ) -> TaskPatchResult:
        """Apply a unified diff to a task's workspace, all of it or nothing.

        Takes what `git diff`, `diff -u` and `task.diff` print, with names relative to /workspace. With any reject nothing is applied. Fails with `INVALID_ARGUMENT` for text that is no patch, with `WORKSPACE_LINK` when a link is on the way to a file, with `WORKSPACE_CHANGED` when a process of the task changes one of the files meanwhile; then nothing is applied.

        Args:
            task_id: Id or name of a task.
            patch: The unified diff, at most 700 KiB.
            dry_run: List the files that would be patched; change nothing.
            reverse: Revert the patch.
        """
        return self._call(
            "task.patch",
            {"task_id": task_id, "patch": patch, "dry_run": dry_run, "reverse": reverse},
        )

    def export_task(
        self,
        task_id: str,
        path: str,
        output: str,
        *,
        force: bool = False,
    ) -> TaskExportToResult:
        """Save files of a task on this machine, as an archive or a directory.

        Fails with `NOT_FOUND` when the path does not exist, with `DESTINATION_UNUSABLE` when the output exists or cannot be written, with `WORKSPACE_CHANGED` when a file shrinks while it is read. A failed export leaves nothing.

        Args:
            task_id: Id or name of a task.
            path: File or directory of the guest; a relative one is meant within /workspace.
            output: What to write on this machine: FILE.tar, FILE.tar.gz, FILE.tgz, or a new or empty directory.
            force: Replace an existing archive.
        """
        return self._call(
            "task.export_to",
            {"task_id": task_id, "path": path, "output": output, "force": force},
        )

    def list_task_files(
        self,
        task_id: str,
        *,
        path: str = "/workspace",
        recursive: bool = False,
        limit: int = 500,
        after: str | None = None,
        user: str | None = None,
    ) -> TaskFileListResult:
        """List the files of a task.

        Sorted by name, each directory before its entries. Does not follow symlinks beneath `path`, and does not enter other file systems. Fails with `FILE_NOT_FOUND`.

        Args:
            task_id: Id or name of a task.
            path: Path in the task's VM; a relative one is meant within /workspace.
            recursive: List the entries of subdirectories too.
            limit: Most entries in the answer (1 to 10000).
            after: Continue after this path: next_after of the last answer.
            user: User of the task with whose rights this is done, as NAME, UID or USER:GROUP; root unless given.
        """
        return self._call(
            "task.file.list",
            {"task_id": task_id, "path": path, "recursive": recursive, "limit": limit, "after": after, "user": user},
        )

    def stat_task_file(
        self,
        task_id: str,
        path: str,
        *,
        user: str | None = None,
    ) -> TaskFileStatResult:
        """Show one file of a task.

        A symlink is shown itself. Fails with `FILE_NOT_FOUND`.

        Args:
            task_id: Id or name of a task.
            path: Path in the task's VM; a relative one is meant within /workspace.
            user: User of the task with whose rights this is done, as NAME, UID or USER:GROUP; root unless given.
        """
        return self._call(
            "task.file.stat",
            {"task_id": task_id, "path": path, "user": user},
        )

    def read_task_file(
        self,
        task_id: str,
        path: str,
        *,
        offset: int = 0,
        max_bytes: int = 1048576,
        encoding: str = "utf8",
        user: str | None = None,
    ) -> TaskFileReadResult:
        """Read a file of a task.

        Fails with `FILE_NOT_FOUND`, with `FILE_WRONG_TYPE` for a directory or a device, with `FILE_NOT_TEXT` if the encoding is utf8 and the bytes are not text.

        Args:
            task_id: Id or name of a task.
            path: Path in the task's VM; a relative one is meant within /workspace.
            offset: First byte wanted (0 to 9007199254740991).
            max_bytes: Most bytes in the answer (1 to 4194304).
            encoding: Encoding of content: text, or base64 for any bytes.
            user: User of the task with whose rights this is done, as NAME, UID or USER:GROUP; root unless given.
        """
        return self._call(
            "task.file.read",
            {"task_id": task_id, "path": path, "offset": offset, "max_bytes": max_bytes, "encoding": encoding, "user": user},
        )

    def view_task_file(
        self,
        task_id: str,
        path: str,
        *,
        offset: int = 1,
        limit: int = 2000,
        user: str | None = None,
    ) -> TaskFileViewResult:
        """Show lines of a text file, or an image, as a model reads it.

        Fails with `FILE_NOT_FOUND`, `FILE_WRONG_TYPE`, and with `FILE_NOT_TEXT` for a file that is neither text nor a PNG, JPEG, GIF or WebP image.

        Args:
            task_id: Id or name of a task.
            path: Path in the task's VM; a relative one is meant within /workspace.
            offset: First line wanted (1 to 9007199254740991).
            limit: Most lines (1 to 10000).
            user: User of the task with whose rights this is done, as NAME, UID or USER:GROUP; root unless given.
        """
        return self._call(
            "task.file.view",
            {"task_id": task_id, "path": path, "offset": offset, "limit": limit, "user": user},
        )

    def write_task_file(
        self,
        task_id: str,
        path: str,
        content: Stdin,
        *,
        encoding: str = "utf8",
        mode: str | None = None,
        append: bool = False,
        user: str | None = None,
    ) -> TaskFileWriteResult:
        """Write a file of a task.

        Replaces the file atomically when all content has arrived, and creates missing directories; a replaced file keeps its owner and permissions. Fails with `FILE_WRONG_TYPE` for a directory or a device, and with `WORKSPACE_FULL`.

        Args:
            task_id: Id or name of a task.
            path: Path in the task's VM; a relative one is meant within /workspace.
            content: Content, up to about 1 MB; if omitted, the bytes that follow the input.
            encoding: Encoding of content.
            mode: Permissions in octal; 0644 for a new file.
            append: Add to the end of the file instead of replacing it.
            user: User of the task with whose rights this is done, as NAME, UID or USER:GROUP; root unless given.
        """
        return self._call(
            "task.file.write",
            {"task_id": task_id, "path": path, "content": content, "encoding": encoding, "mode": mode, "append": append, "user": user},
        )

    def edit_task_file(
        self,
        task_id: str,
        path: str,
        *,
        old: str,
        new: str,
        all: bool = False,
        user: str | None = None,
    ) -> TaskFileEditResult:
        """Replace a text in a file of a task.

        Fails with `FILE_EDIT_MISMATCH`, whose details have the number of matches, and with `FILE_CHANGED` if another process changed the file at the same time; nothing is written then.

        Args:
            task_id: Id or name of a task.
            path: Path in the task's VM; a relative one is meant within /workspace.
            old: Exact text to be replaced; it must be there once.
            new: Text to take its place.
            all: Replace every occurrence.
            user: User of the task with whose rights this is done, as NAME, UID or USER:GROUP; root unless given.
        """
        return self._call(
            "task.file.edit",
            {"task_id": task_id, "path": path, "old": old, "new": new, "all": all, "user": user},
        )

    def make_task_directory(
        self,
        task_id: str,
        path: str,
        *,
        mode: str | None = None,
        user: str | None = None,
    ) -> TaskFileMkdirResult:
        """Create a directory in a task, with its parents.

        Succeeds if the directory exists. Fails with `FILE_EXISTS` if the path is not a directory.

        Args:
            task_id: Id or name of a task.
            path: Path in the task's VM; a relative one is meant within /workspace.
            mode: Permissions in octal; 0755 unless given.
            user: User of the task with whose rights this is done, as NAME, UID or USER:GROUP; root unless given.
        """
        return self._call(
            "task.file.mkdir",
            {"task_id": task_id, "path": path, "mode": mode, "user": user},
        )

    def move_task_file(
        self,
        task_id: str,
        path: str,
        to: str,
        *,
        replace: bool = False,
        user: str | None = None,
    ) -> TaskFileMoveResult:
        """Rename a file or directory of a task.

        Moves a symlink itself. Fails with `FILE_EXISTS` unless `replace` is set, and with `FILE_REFUSED` for a name on another file system.

        Args:
            task_id: Id or name of a task.
            path: Path in the task's VM; a relative one is meant within /workspace.
            to: Its new path, not the directory to put it into.
            replace: Replace a file that has this name.
            user: User of the task with whose rights this is done, as NAME, UID or USER:GROUP; root unless given.
        """
        return self._call(
            "task.file.move",
            {"task_id": task_id, "path": path, "to": to, "replace": replace, "user": user},
        )

    def remove_task_file(
        self,
        task_id: str,
        path: str,
        *,
        recursive: bool = False,
        user: str | None = None,
    ) -> TaskFileRemoveResult:
        """Remove a file or directory of a task.

        Removes a symlink itself. Fails with `FILE_NOT_EMPTY` for a directory with entries unless `recursive` is set, and with `FILE_REFUSED` for a mount point.

        Args:
            task_id: Id or name of a task.
            path: Path in the task's VM; a relative one is meant within /workspace.
            recursive: Remove a directory with all its entries.
            user: User of the task with whose rights this is done, as NAME, UID or USER:GROUP; root unless given.
        """
        return self._call(
            "task.file.remove",
            {"task_id": task_id, "path": path, "recursive": recursive, "user": user},
        )

    def exec_task(
        self,
        task_id: str,
        *,
        command: str | Sequence[str],
        timeout_seconds: int = Default(30),
        cwd: str = "/workspace",
        env: Mapping[str, str] | None = None,
        tty: bool = False,
        rows: int = 24,
        cols: int = 80,
        interleaved: bool = False,
        background: bool = False,
        stdin: Stdin = None,
        check: bool = False,
        on_stdout: OnOutput | None = None,
        on_stderr: OnOutput | None = None,
        on_progress: OnProgress | None = None,
        cancellation: Cancellation | None = None,
    ) -> TaskExecResult:
        """Run a command in a task; the task stays.

        Several commands may run at once. A stopped task is started first. If the daemon dies, the command keeps running and the call reconnects. Fails with `FAILED_PRECONDITION` when the VM has ended, with `RESOURCE_EXHAUSTED` when 64 commands are running.

        Args:
            task_id: Id or name of a task.
            command: One line for the guest's /bin/sh -c, or a list of words, which pyro quotes.
            timeout_seconds: Seconds until the command is killed. Default: none in the background or with a terminal, else the task's own, else the default time-out (1 to 86400).
            cwd: Working directory of the command.
            env: Additional environment variables.
            tty: Give the command a terminal. Its output is then all on standard output, and it has no default time-out.
            rows: Height of the terminal in lines (1 to 1000).
            cols: Width of the terminal in characters (1 to 1000).
            interleaved: Also return the output of both streams as pieces, in the order of arrival.
            background: Return at once; the command keeps running, without standard input.
            stdin: Standard input: a text, bytes, or an iterable of either.
            check: Raise CommandFailedError unless the command ends with exit code 0.
            on_stdout: Called with standard output as it comes.
            on_stderr: Called with standard error as it comes.
            on_progress: Called with each report of how far it is.
            cancellation: What cancels the call.
        """
        return self._call(
            "task.exec",
            {"task_id": task_id, "command": command_line(command), "timeout_seconds": timeout_seconds, "cwd": cwd, "env": env, "tty": tty, "rows": rows, "cols": cols, "interleaved": interleaved, "background": background},
            stdin=stdin,
            check=check,
            on_stdout=on_stdout,
            on_stderr=on_stderr,
            on_progress=on_progress,
            cancellation=cancellation,
        )

    def output_task(
        self,
        task_id: str,
        sequence: int,
        *,
        stdout_offset: int = 0,
        stderr_offset: int = 0,
        max_bytes: int = 32768,
        wait_seconds: int = 0,
        wait_for: str = "output",
        interleaved: bool = False,
    ) -> TaskExecOutputResult:
        """Read a command's output from an offset.

        Args:
            task_id: Id or name of a task.
            sequence: Number of the command in its task (1 to 9007199254740991).
            stdout_offset: Offset in standard output of the first byte to return (0 to 9007199254740991).
            stderr_offset: Offset in standard error of the first byte to return (0 to 9007199254740991).
            max_bytes: Maximum bytes in the answer, both streams together (1 to 1048576).
            wait_seconds: Seconds to wait when there is no new output (0 to 3600).
            wait_for: Event to wait for: output, or the command's end (or a full answer).
            interleaved: Also return the output of both streams as pieces, in the order of arrival.
        """
        return self._call(
            "task.exec_output",
            {"task_id": task_id, "sequence": sequence, "stdout_offset": stdout_offset, "stderr_offset": stderr_offset, "max_bytes": max_bytes, "wait_seconds": wait_seconds, "wait_for": wait_for, "interleaved": interleaved},
        )

    def signal_task(
        self,
        task_id: str,
        sequence: int,
        *,
        signal: str = "TERM",
    ) -> TaskExecSignalResult:
        """Send a signal to a running command; KILL also ends every process it started.

        Fails with `FAILED_PRECONDITION` when the command has ended.

        Args:
            task_id: Id or name of a task.
            sequence: Number of the command in its task (1 to 9007199254740991).
            signal: One of TERM, INT, KILL, HUP, QUIT, USR1, USR2, STOP, CONT, ABRT, ALRM, WINCH.
        """
        return self._call(
            "task.exec_signal",
            {"task_id": task_id, "sequence": sequence, "signal": signal},
        )

    def wait_task(
        self,
        task_id: str,
        sequence: int,
        *,
        timeout_seconds: int | None = None,
        interleaved: bool = False,
    ) -> TaskExecResult:
        """Wait until a command of a task has ended, and return its result.

        If the command has not ended in that time, the result's state is `running` and the command keeps running.

        Args:
            task_id: Id or name of a task.
            sequence: Number of the command in its task (1 to 9007199254740991).
            timeout_seconds: Seconds to wait; without it, until the command ends (0 to 86400).
            interleaved: Also return the output of both streams as pieces, in the order of arrival.
        """
        return self._call(
            "task.wait",
            {"task_id": task_id, "sequence": sequence, "timeout_seconds": timeout_seconds, "interleaved": interleaved},
        )

    def publish_port(
        self,
        task_id: str,
        port: int,
        *,
        host_port: int | None = None,
    ) -> TaskPortPublishResult:
        """Make a server in a task reachable on 127.0.0.1 of the host.

        Repeating it is harmless. Fails with `FAILED_PRECONDITION` when the task is not started or the host port cannot be had, with `ALREADY_EXISTS` when the port is published on another host port.

        Args:
            task_id: Id or name of a task.
            port: Port of a server in the task, on 127.0.0.1 or ::1 (1 to 65535).
            host_port: Port on the host; default: a free one (1 to 65535).
        """
        return self._call(
            "task.port.publish",
            {"task_id": task_id, "port": port, "host_port": host_port},
        )

    def list_ports(
        self,
        task_id: str,
    ) -> TaskPortListResult:
        """List the published ports of a task.

        Args:
            task_id: Id or name of a task.
        """
        return self._call(
            "task.port.list",
            {"task_id": task_id},
        )

    def close_port(
        self,
        task_id: str,
        port: int,
    ) -> TaskPortCloseResult:
        """Stop publishing a port of a task, and close its connections.

        Fails with `NOT_FOUND` when the port is not published.

        Args:
            task_id: Id or name of a task.
            port: Port of a server in the task, on 127.0.0.1 or ::1 (1 to 65535).
        """
        return self._call(
            "task.port.close",
            {"task_id": task_id, "port": port},
        )

    def status_task(
        self,
        task_id: str,
    ) -> TaskStatusResult:
        """Show one task.

        Args:
            task_id: Id or name of a task.
        """
        return self._call(
            "task.status",
            {"task_id": task_id},
        )

    def logs_task(
        self,
        task_id: str,
        *,
        interleaved: bool = False,
    ) -> TaskLogsResult:
        """Show every command of a task with its output.

        Args:
            task_id: Id or name of a task.
            interleaved: Also return the output of both streams as pieces, in the order of arrival.
        """
        return self._call(
            "task.logs",
            {"task_id": task_id, "interleaved": interleaved},
        )

    def list_tasks(
        self,
        *,
        labels: Sequence[str] | None = None,
    ) -> TaskListResult:
        """List the tasks.

        Args:
            labels: Only tasks with this label: KEY, or KEY=VALUE.
        """
        return self._call(
            "task.list",
            {"labels": labels},
        )

    def fork_task(
        self,
        task_id: str,
        *,
        count: int = 1,
        name: str | None = None,
        on_progress: OnProgress | None = None,
        cancellation: Cancellation | None = None,
    ) -> TaskForkResult:
        """Copy a task with its running processes.

        The forks have their own id, hostname, addresses and log, which begins with the commands that ran: they are still running. Standard input and open connections end. Fails with `RESOURCE_EXHAUSTED` when the host cannot hold that many; `details.possible` has the number. Fails with `FAILED_PRECONDITION` when the task has failed, with `HOST_NOT_ABLE` in `host_compat`.

        Args:
            task_id: Id or name of a task or a snapshot.
            count: Number of forks (1 to 100000).
            name: Name of the fork; several get NAME-1, NAME-2 and so on.
            on_progress: Called with each report of how far it is.
            cancellation: What cancels the call.
        """
        return self._call(
            "task.fork",
            {"task_id": task_id, "count": count, "name": name},
            on_progress=on_progress,
            cancellation=cancellation,
        )

    def stop_task(
        self,
        task_id: str,
    ) -> TaskStatusResult:
        """Save a task with its running processes, and free its memory.

        The task is stopped until it is started, by `task.start` or by the next command or access to its files. It survives the end of the daemon and of the host. Time in which it is stopped counts neither for time-outs nor for its time to live. Open connections end.

        Args:
            task_id: Id or name of a task.
        """
        return self._call(
            "task.stop",
            {"task_id": task_id},
        )

    def start_task(
        self,
        task_id: str,
        *,
        on_progress: OnProgress | None = None,
        cancellation: Cancellation | None = None,
    ) -> TaskStatusResult:
        """Continue a stopped task where it was stopped.

        Fails with `FAILED_PRECONDITION` when the task has failed, or was stopped by the end of its host and has no snapshot to start from.

        Args:
            task_id: Id or name of a task.
            on_progress: Called with each report of how far it is.
            cancellation: What cancels the call.
        """
        return self._call(
            "task.start",
            {"task_id": task_id},
            on_progress=on_progress,
            cancellation=cancellation,
        )

    def snapshot_task(
        self,
        task_id: str,
        *,
        name: str | None = None,
    ) -> TaskSnapshotCreateResult:
        """Save the present state of a task, with its running processes.

        The VM pauses for a moment and runs on. `task.fork` and `task.reset` start from the snapshot. It is deleted with its task. Fails with `ALREADY_EXISTS` when another snapshot has the name, with `HOST_NOT_ABLE` in `host_compat`.

        Args:
            task_id: Id or name of a task.
            name: Name, usable instead of the id.
        """
        return self._call(
            "task.snapshot.create",
            {"task_id": task_id, "name": name},
        )

    def list_snapshots(
        self,
        *,
        task: str | None = None,
    ) -> TaskSnapshotListResult:
        """List the snapshots, of all tasks or of one.

        Args:
            task: Only those of this task.
        """
        return self._call(
            "task.snapshot.list",
            {"task": task},
        )

    def delete_snapshot(
        self,
        snapshot_id: str,
    ) -> TaskSnapshotDeleteResult:
        """Remove a snapshot; tasks that started from it stay.

        No other snapshot and no running task needs it. Fails with `FAILED_PRECONDITION` while a stopped task starts from it; `details.needed_by` names the tasks.

        Args:
            snapshot_id: Id or name of a snapshot.
        """
        return self._call(
            "task.snapshot.delete",
            {"snapshot_id": snapshot_id},
        )

    def reset_task(
        self,
        task_id: str,
        *,
        to: str = "seed",
        force: bool = False,
        on_progress: OnProgress | None = None,
        cancellation: Cancellation | None = None,
    ) -> TaskStatusResult:
        """Go back to a snapshot of a task, or to its beginning.

        What the task did since is gone; its log stays. Works on a failed task too. Commands of the snapshot are listed as new ones, still running. `seed` is the task as it was created; a task that was created from a source has it only as a snapshot. Fails with `FAILED_PRECONDITION` while commands run, unless `force` is set.

        Args:
            task_id: Id or name of a task.
            to: Id or name of a snapshot, or `seed`.
            force: End running commands.
            on_progress: Called with each report of how far it is.
            cancellation: What cancels the call.
        """
        return self._call(
            "task.reset",
            {"task_id": task_id, "to": to, "force": force},
            on_progress=on_progress,
            cancellation=cancellation,
        )

    def try_task(
        self,
        task_id: str,
        *,
        variants: Sequence[str],
        check: str | None = None,
        keep: str = "none",
        timeout_seconds: int = 300,
        cwd: str = "/workspace",
        env: Mapping[str, str] | None = None,
        on_progress: OnProgress | None = None,
        cancellation: Cancellation | None = None,
    ) -> TaskTryResult:
        """Try variants of a command, each in a fork of a task, and keep one.

        Each variant runs in a fork of its own, as many at once as the host has memory for, and then the check. A variant passes when it and the check exit with 0. `keep` makes the fork of one variant the present state of the task, which then loses what it did meanwhile; all other forks are removed, also after an interruption. What goes wrong in one variant does not end the others.

        Args:
            task_id: Id or name of a task.
            variants: Commands to try. Their names are 1, 2, 3 and so on.
            check: Command that decides after a variant whether it passes.
            keep: Fork that becomes the task: none, first-passing (in the given order), or the number of a variant.
            timeout_seconds: Seconds until a variant or a check is killed (1 to 86400).
            cwd: Working directory of the command.
            env: Additional environment variables.
            on_progress: Called with each report of how far it is.
            cancellation: What cancels the call.
        """
        return self._call(
            "task.try",
            {"task_id": task_id, "variants": variants, "check": check, "keep": keep, "timeout_seconds": timeout_seconds, "cwd": cwd, "env": env},
            on_progress=on_progress,
            cancellation=cancellation,
        )

    def delete_task(
        self,
        task_id: str,
    ) -> TaskDeleteResult:
        """Remove a task, its VM and its logs; aborts running commands.

        Args:
            task_id: Id or name of a task.
        """
        return self._call(
            "task.delete",
            {"task_id": task_id},
        )

    def list_environments(
        self,
    ) -> EnvListResult:
        """List the environments."""
        return self._call(
            "env.list",
            {},
        )

    def pull_environment(
        self,
        environment: str,
        *,
        rebuild: bool = False,
        on_progress: OnProgress | None = None,
        cancellation: Cancellation | None = None,
    ) -> EnvPullResult:
        """Build an environment on this host, from signed packages or an image.

        An installed environment is verified, and repaired if damaged. Fails with `ENVIRONMENT_UNKNOWN` for a name or file that does not exist, `ENVIRONMENT_BUILD_FAILED`, and an `ARCHIVE_` code for a layer that cannot be applied.

        Args:
            environment: Environment, such as debian:12, or an image, such as docker-archive:FILE.
            rebuild: Build it again, with newer packages or from the image as it is now.
            on_progress: Called with each report of how far it is.
            cancellation: What cancels the call.
        """
        return self._call(
            "env.pull",
            {"environment": environment, "rebuild": rebuild},
            on_progress=on_progress,
            cancellation=cancellation,
        )

    def inspect_environment(
        self,
        environment: str,
    ) -> EnvInspectResult:
        """Show one environment, its packages and digests.

        Fails with `ENVIRONMENT_UNKNOWN`.

        Args:
            environment: Environment, such as debian:12, or an image, such as docker-archive:FILE.
        """
        return self._call(
            "env.inspect",
            {"environment": environment},
        )

    def prune_environments(
        self,
        *,
        dry_run: bool = False,
    ) -> EnvPruneResult:
        """Remove environments, templates and leftovers that no VM uses.

        Args:
            dry_run: List the items that would be removed; change nothing.
        """
        return self._call(
            "env.prune",
            {"dry_run": dry_run},
        )

    def remove_environment(
        self,
        environment: str,
    ) -> EnvRemoveResult:
        """Remove an installed environment and its templates.

        Fails with `ENVIRONMENT_UNKNOWN` when it is not installed, and with `FAILED_PRECONDITION` while a VM, task or snapshot uses it.

        Args:
            environment: Environment, such as debian:12, or an image, such as docker-archive:FILE.
        """
        return self._call(
            "env.remove",
            {"environment": environment},
        )

    def doctor(
        self,
    ) -> DoctorResult:
        """Check whether this host can run VMs, and list what is missing."""
        return self._call(
            "doctor",
            {},
        )


class TaskOperations:
    """The operations of one task: a method for each whose first field is ``task_id``.

    Attributes:
        task_id: Its id.
    """

    def __init__(self, operations: Operations, task_id: str) -> None:
        self._operations = operations
        self.task_id = task_id

    def sync_push(
        self,
        source_path: str | PathLike[str],
        *,
        dest: str = "/workspace",
        git_tracked: bool = False,
        with_git: bool = False,
        exclude: Sequence[str] | None = None,
        include: Sequence[str] | None = None,
        links: str | None = None,
        delete: bool = False,
        dry_run: bool = False,
        on_progress: OnProgress | None = None,
        cancellation: Cancellation | None = None,
    ) -> TaskSyncPushResult:
        """Copy a directory or an archive into a task's workspace, all of it or nothing: see ``Pyro.push_task_sync``."""
        return self._operations.push_task_sync(
            self.task_id,
            source_path,
            dest=dest,
            git_tracked=git_tracked,
            with_git=with_git,
            exclude=exclude,
            include=include,
            links=links,
            delete=delete,
            dry_run=dry_run,
            on_progress=on_progress,
            cancellation=cancellation,
        )

    def sync_pull(
        self,
        destination: str | None = None,
        *,
        paths: Sequence[str] | None = None,
        dry_run: bool = False,
        on_conflict: str = "fail",
        delete: bool = False,
        exclude: Sequence[str] | None = None,
        include: Sequence[str] | None = None,
    ) -> TaskSyncPullResult:
        """Copy a task's changes back to this machine, all of them or none: see ``Pyro.pull_task_sync``."""
        return self._operations.pull_task_sync(
            self.task_id,
            destination=destination,
            paths=paths,
            dry_run=dry_run,
            on_conflict=on_conflict,
            delete=delete,
            exclude=exclude,
            include=include,
        )

    def sync_undo(
        self,
    ) -> TaskSyncUndoResult:
        """Undo the last pull of a task on this machine: see ``Pyro.undo_task_sync``."""
        return self._operations.undo_task_sync(
            self.task_id,
        )

    def diff(
        self,
        paths: Sequence[str] | None = None,
        *,
        since: str = "push",
        stat: bool = False,
        name_only: bool = False,
        after: str | None = None,
        exclude: Sequence[str] | None = None,
        include: Sequence[str] | None = None,
    ) -> TaskDiffResult:
        """Show what a task changed in its workspace: see ``Pyro.diff_task``."""
        return self._operations.diff_task(
            self.task_id,
            paths=paths,
            since=since,
            stat=stat,
            name_only=name_only,
            after=after,
            exclude=exclude,
            include=include,
        )

    def patch(
        self,
        patch: str,
        *,
        dry_run: bool = False,
        reverse: bool = False,
    ) -> TaskPatchResult:
        """Apply a unified diff to a task's workspace, all of it or nothing: see ``Pyro.patch_task``."""
        return self._operations.patch_task(
            self.task_id,
            patch,
            dry_run=dry_run,
            reverse=reverse,
        )

    def export(
        self,
        path: str,
        output: str,
        *,
        force: bool = False,
    ) -> TaskExportToResult:
        """Save files of a task on this machine, as an archive or a directory: see ``Pyro.export_task``."""
        return self._operations.export_task(
            self.task_id,
            path,
            output,
            force=force,
        )

    def list_files(
        self,
        path: str = "/workspace",
        *,
        recursive: bool = False,
        limit: int = 500,
        after: str | None = None,
        user: str | None = None,
    ) -> TaskFileListResult:
        """List the files of a task: see ``Pyro.list_task_files``."""
        return self._operations.list_task_files(
            self.task_id,
            path=path,
            recursive=recursive,
            limit=limit,
            after=after,
            user=user,
        )

    def stat_file(
        self,
        path: str,
        *,
        user: str | None = None,
    ) -> TaskFileStatResult:
        """Show one file of a task: see ``Pyro.stat_task_file``."""
        return self._operations.stat_task_file(
            self.task_id,
            path,
            user=user,
        )

    def read_file(
        self,
        path: str,
        *,
        offset: int = 0,
        max_bytes: int = 1048576,
        encoding: str = "utf8",
        user: str | None = None,
    ) -> TaskFileReadResult:
        """Read a file of a task: see ``Pyro.read_task_file``."""
        return self._operations.read_task_file(
            self.task_id,
            path,
            offset=offset,
            max_bytes=max_bytes,
            encoding=encoding,
            user=user,
        )

    def view_file(
        self,
        path: str,
        *,
        offset: int = 1,
        limit: int = 2000,
        user: str | None = None,
    ) -> TaskFileViewResult:
        """Show lines of a text file, or an image, as a model reads it: see ``Pyro.view_task_file``."""
        return self._operations.view_task_file(
            self.task_id,
            path,
            offset=offset,
            limit=limit,
            user=user,
        )

    def write_file(
        self,
        path: str,
        content: Stdin,
        *,
        encoding: str = "utf8",
        mode: str | None = None,
        append: bool = False,
        user: str | None = None,
    ) -> TaskFileWriteResult:
        """Write a file of a task: see ``Pyro.write_task_file``."""
        return self._operations.write_task_file(
            self.task_id,
            path,
            content,
            encoding=encoding,
            mode=mode,
            append=append,
            user=user,
        )

    def edit_file(
        self,
        path: str,
        *,
        old: str,
        new: str,
        all: bool = False,
        user: str | None = None,
    ) -> TaskFileEditResult:
        """Replace a text in a file of a task: see ``Pyro.edit_task_file``."""
        return self._operations.edit_task_file(
            self.task_id,
            path,
            old=old,
            new=new,
            all=all,
            user=user,
        )

    def make_directory(
        self,
        path: str,
        *,
        mode: str | None = None,
        user: str | None = None,
    ) -> TaskFileMkdirResult:
        """Create a directory in a task, with its parents: see ``Pyro.make_task_directory``."""
        return self._operations.make_task_directory(
            self.task_id,
            path,
            mode=mode,
            user=user,
        )

    def move_file(
        self,
        path: str,
        to: str,
        *,
        replace: bool = False,
        user: str | None = None,
    ) -> TaskFileMoveResult:
        """Rename a file or directory of a task: see ``Pyro.move_task_file``."""
        return self._operations.move_task_file(
            self.task_id,
            path,
            to,
            replace=replace,
            user=user,
        )

    def remove_file(
        self,
        path: str,
        *,
        recursive: bool = False,
        user: str | None = None,
    ) -> TaskFileRemoveResult:
        """Remove a file or directory of a task: see ``Pyro.remove_task_file``."""
        return self._operations.remove_task_file(
            self.task_id,
            path,
            recursive=recursive,
            user=user,
        )

    def exec(
        self,
        command: str | Sequence[str],
        *,
        timeout_seconds: int = Default(30),
        cwd: str = "/workspace",
        env: Mapping[str, str] | None = None,
        tty: bool = False,
        rows: int = 24,
        cols: int = 80,
        interleaved: bool = False,
        background: bool = False,
        stdin: Stdin = None,
        check: bool = False,
        on_stdout: OnOutput | None = None,
        on_stderr: OnOutput | None = None,
        on_progress: OnProgress | None = None,
        cancellation: Cancellation | None = None,
    ) -> TaskExecResult:
        """Run a command in a task; the task stays: see ``Pyro.exec_task``."""
        return self._operations.exec_task(
            self.task_id,
            command=command,
            timeout_seconds=timeout_seconds,
            cwd=cwd,
            env=env,
            tty=tty,
            rows=rows,
            cols=cols,
            interleaved=interleaved,
            background=background,
            stdin=stdin,
            check=check,
            on_stdout=on_stdout,
            on_stderr=on_stderr,
            on_progress=on_progress,
            cancellation=cancellation,
        )

    def output(
        self,
        sequence: int,
        *,
        stdout_offset: int = 0,
        stderr_offset: int = 0,
        max_bytes: int = 32768,
        wait_seconds: int = 0,
        wait_for: str = "output",
        interleaved: bool = False,
    ) -> TaskExecOutputResult:
        """Read a command's output from an offset: see ``Pyro.output_task``."""
        return self._operations.output_task(
            self.task_id,
            sequence,
            stdout_offset=stdout_offset,
            stderr_offset=stderr_offset,
            max_bytes=max_bytes,
            wait_seconds=wait_seconds,
            wait_for=wait_for,
            interleaved=interleaved,
        )

    def signal(
        self,
        sequence: int,
        signal: str = "TERM",
    ) -> TaskExecSignalResult:
        """Send a signal to a running command; KILL also ends every process it started: see ``Pyro.signal_task``."""
        return self._operations.signal_task(
            self.task_id,
            sequence,
            signal=signal,
        )

    def wait(
        self,
        sequence: int,
        *,
        timeout_seconds: int | None = None,
        interleaved: bool = False,
    ) -> TaskExecResult:
        """Wait until a command of a task has ended, and return its result: see ``Pyro.wait_task``."""
        return self._operations.wait_task(
            self.task_id,
            sequence,
            timeout_seconds=timeout_seconds,
            interleaved=interleaved,
        )

    def publish_port(
        self,
        port: int,
        *,
        host_port: int | None = None,
    ) -> TaskPortPublishResult:
        """Make a server in a task reachable on 127.0.0.1 of the host: see ``Pyro.publish_port``."""
        return self._operations.publish_port(
            self.task_id,
            port,
            host_port=host_port,
        )

    def list_ports(
        self,
    ) -> TaskPortListResult:
        """List the published ports of a task: see ``Pyro.list_ports``."""
        return self._operations.list_ports(
            self.task_id,
        )

    def close_port(
        self,
        port: int,
    ) -> TaskPortCloseResult:
        """Stop publishing a port of a task, and close its connections: see ``Pyro.close_port``."""
        return self._operations.close_port(
            self.task_id,
            port,
        )

    def status(
        self,
    ) -> TaskStatusResult:
        """Show one task: see ``Pyro.status_task``."""
        return self._operations.status_task(
            self.task_id,
        )

    def logs(
        self,
        *,
        interleaved: bool = False,
    ) -> TaskLogsResult:
        """Show every command of a task with its output: see ``Pyro.logs_task``."""
        return self._operations.logs_task(
            self.task_id,
            interleaved=interleaved,
        )

    def fork(
        self,
        *,
        count: int = 1,
        name: str | None = None,
        on_progress: OnProgress | None = None,
        cancellation: Cancellation | None = None,
    ) -> TaskForkResult:
        """Copy a task with its running processes: see ``Pyro.fork_task``."""
        return self._operations.fork_task(
            self.task_id,
            count=count,
            name=name,
            on_progress=on_progress,
            cancellation=cancellation,
        )

    def stop(
        self,
    ) -> TaskStatusResult:
        """Save a task with its running processes, and free its memory: see ``Pyro.stop_task``."""
        return self._operations.stop_task(
            self.task_id,
        )

    def start(
        self,
        *,
        on_progress: OnProgress | None = None,
        cancellation: Cancellation | None = None,
    ) -> TaskStatusResult:
        """Continue a stopped task where it was stopped: see ``Pyro.start_task``."""
        return self._operations.start_task(
            self.task_id,
            on_progress=on_progress,
            cancellation=cancellation,
        )

    def snapshot(
        self,
        *,
        name: str | None = None,
    ) -> TaskSnapshotCreateResult:
        """Save the present state of a task, with its running processes: see ``Pyro.snapshot_task``."""
        return self._operations.snapshot_task(
            self.task_id,
            name=name,
        )

    def reset(
        self,
        *,
        to: str = "seed",
        force: bool = False,
        on_progress: OnProgress | None = None,
        cancellation: Cancellation | None = None,
    ) -> TaskStatusResult:
        """Go back to a snapshot of a task, or to its beginning: see ``Pyro.reset_task``."""
        return self._operations.reset_task(
            self.task_id,
            to=to,
            force=force,
            on_progress=on_progress,
            cancellation=cancellation,
        )

    def try_variants(
        self,
        *,
        variants: Sequence[str],
        check: str | None = None,
        keep: str = "none",
        timeout_seconds: int = 300,
        cwd: str = "/workspace",
        env: Mapping[str, str] | None = None,
        on_progress: OnProgress | None = None,
        cancellation: Cancellation | None = None,
    ) -> TaskTryResult:
        """Try variants of a command, each in a fork of a task, and keep one: see ``Pyro.try_task``."""
        return self._operations.try_task(
            self.task_id,
            variants=variants,
            check=check,
            keep=keep,
            timeout_seconds=timeout_seconds,
            cwd=cwd,
            env=env,
            on_progress=on_progress,
            cancellation=cancellation,
        )

    def delete(
        self,
    ) -> TaskDeleteResult:
        """Remove a task, its VM and its logs; aborts running commands: see ``Pyro.delete_task``."""
        return self._operations.delete_task(
            self.task_id,
        )
