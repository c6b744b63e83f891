# Rendered from src/contract/ by `npm run docs`. Do not edit.
"""The operations of the contract: their methods and the dictionaries they give."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from os import PathLike
from typing import Any, Literal, NotRequired, TypedDict

from ._calls import Cancellation, Default, OnOutput, OnProgress, Stdin, command_line

VERSION = "2.3.0"

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
    # Standard output: head and tail when it was long.
    stdout: str
    # Standard error: head and tail when it was long.
    stderr: str
    # How `stdout` is written: base64 when its bytes are not valid UTF-8.
    stdout_encoding: Literal["utf-8", "base64"]
    # How `stderr` is written: base64 when its bytes are not valid UTF-8.
    stderr_encoding: Literal["utf-8", "base64"]
    stdout_truncated: bool
    stderr_truncated: bool
    # Bytes left out of the middle of stdout.
    stdout_omitted_bytes: int
    # Bytes left out of the middle of stderr.
    stderr_omitted_bytes: int
    # What `stdout` and `stderr` have, as pieces in the order of arrival; each in the encoding of its stream.
    interleaved: NotRequired[list[VmRunInterleaved]]
    # Milliseconds the command ran.
    duration_ms: int
    # True when the time-out ended it.
    timed_out: bool
    # True when the caller cancelled it.
    aborted: bool
    # True when the VM ran out of memory and its kernel killed the command, or a process that it started.
    oom_killed: bool
    # Memory of its VM in MiB.
    mem_mib: int
    # Where the command ran.
    execution_mode: Literal["guest", "host_compat"]
    # What the VM ran on.
    accelerator: Literal["kvm", "hvf", "tcg"] | None
    # What became of the VM.
    cleanup: VmRunCleanup
    # What was left out or may be torn, with the first names.
    warnings: NotRequired[list[str]]


class VmCreateResult(TypedDict):
    vm_id: str
    # `unknown` when its record is unreadable.
    environment: str
    # unreadable: its record was damaged.
    state: Literal["created", "started", "stopped", "failed", "unreadable"]
    # Why it failed, or why it stands still.
    state_reason: str | None
    vcpu_count: int
    mem_mib: int
    network_enabled: bool
    allow_host_compat: bool
    # Null until it is started.
    execution_mode: Literal["guest", "host_compat"] | None
    # What the VM ran on.
    accelerator: Literal["kvm", "hvf", "tcg"] | None
    # UTC, ISO 8601. When its record is unreadable: when that file was written.
    created_at: str
    # Null when its record is unreadable: it does not expire.
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
    # public: all but private, local and this host's addresses. names: only what is named here.
    default: Literal["public", "names"]
    # Names that may be reached.
    allow_hosts: list[str]
    # What is open besides.
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
    # What the guest has sent, without headers.
    sent_bytes: int
    received_bytes: int
    tcp_connections: int
    udp_flows: int
    # Connections and first datagrams that the policy refused.
    refused: int


class VmNetworkInfoNetworkLastRefused(TypedDict):
    # dns: a name that was asked for.
    protocol: Literal["tcp", "udp", "dns"]
    address: str
    port: int
    # name: no allowed name was asked for, or none led there.
    reason: Literal["closed_range", "host_address", "name", "too_many"]
    # What the guest asked for, when it said so.
    name: str | None
    times: int
    # UTC, ISO 8601.
    at: str


class VmNetworkInfoNetwork(TypedDict):
    # down: its gate has ended, and nothing gets in or out.
    state: Literal["up", "down"]
    mac: str
    mtu: int
    # The guest's own, with their networks' bits.
    addresses: list[str]
    routes: list[VmNetworkInfoNetworkRoute]
    # What the guest asks for names; each stands for one of the host's.
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
    # Null without a network, or while the VM is not started.
    network: VmNetworkInfoNetwork | None


class VmReapExpiredResult(TypedDict):
    # Ids of what was removed.
    removed: list[str]


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
    # Bytes of their files.
    bytes_written: int


class TaskCreateLastPush(TypedDict):
    mode: Literal["empty", "directory", "file", "archive"]
    source_path: str | None
    destination: str
    # Entries imported.
    entry_count: int
    # Bytes of their files.
    bytes_written: int
    # UTC, ISO 8601.
    pushed_at: str


class TaskCreateResult(TypedDict):
    task_id: str
    name: str | None
    labels: dict[str, Any]
    # Variables that all its commands get.
    env_names: list[str]
    # `unknown` when its record is unreadable.
    environment: str
    # unreadable: its record was damaged.
    state: Literal["started", "stopped", "failed", "unreadable"]
    # Why it is not started, or why its VM stands still.
    state_reason: str | None
    workspace_path: str
    vcpu_count: int
    mem_mib: int
    disk_mib: int
    # Time-out of its commands where a call has none; null for the default.
    timeout_seconds: int | None
    network_enabled: bool
    # Null without a network, or while it is not started.
    network: VmNetworkInfoNetwork | None
    allow_host_compat: bool
    # Where the command ran.
    execution_mode: Literal["guest", "host_compat"]
    # What the VM ran on.
    accelerator: Literal["kvm", "hvf", "tcg"] | None
    # UTC, ISO 8601.
    created_at: str
    # UTC, ISO 8601.
    last_activity_at: str
    # Null when it never expires.
    expires_at: str | None
    command_count: int
    running_commands: int
    last_command: TaskCreateLastCommand | None
    # What the workspace held when the task was created; a push never changes it.
    workspace_seed: TaskCreateWorkspaceSeed
    # The last sync push that was switched in.
    last_push: TaskCreateLastPush | None
    # Host memory its VM takes now.
    memory_bytes: int | None
    # Host memory that its VM can come to take, in MiB: what it was admitted with.
    memory_reserved_mib: int | None
    # Host disk its VM takes now.
    disk_bytes: int | None
    # What of its source was left out or may be torn.
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
    # Bytes of their files.
    bytes_written: int
    # Entries left out by exclude; a directory counts once, with all that is in it.
    excluded_count: int
    # Entries that were equal already and were not touched.
    unchanged_count: int
    # Entries of an archive whose extended attributes or access control lists were left out.
    ignored_xattr_count: int
    # Sockets, FIFOs and devices left out.
    skipped_special: int
    # Links left out, as `links` asks.
    skipped_links: int
    # Entries that changed or disappeared while they were read.
    changed_entries: int
    # What was left out or may be torn, with the first names.
    warnings: list[str]
    # Entries that were deleted, since the source no longer has them.
    deleted_count: int
    # Entries that were not deleted, since the task has changed them.
    kept_count: int
    # Milliseconds from the request to the end of the switch.
    duration_ms: int
    dry_run: bool
    # In a dry run: what would be written, the first 10,000 entries.
    entries: NotRequired[list[TaskSyncPushEntry]]


class TaskSyncPullChangeBefore(TypedDict):
    type: Literal["file", "directory", "link"]
    # Permission bits; null for a link.
    mode: int | None
    # Of a file.
    size_bytes: int | None
    # Of a file's content, in hexadecimal.
    sha256: str | None
    # What a link holds.
    target: str | None


class TaskSyncPullChange(TypedDict):
    # Relative to /workspace.
    path: str
    # The entry that host and workspace had in common; null when there was none.
    before: TaskSyncPullChangeBefore | None
    # The entry of the workspace; null when there is none.
    after: TaskSyncPullChangeBefore | None


class TaskSyncPullConflict(TypedDict):
    path: str
    # Both sides changed it; or a directory of this machine is in the way.
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
    # Entries that the task deleted, kept since `delete` was not given.
    kept_count: int
    # What was written and deleted on this machine, the first 10,000 entries.
    changes: list[TaskSyncPullChange]
    # With any, nothing was written.
    conflicts: list[TaskSyncPullConflict]
    # What cannot be pulled, and what an interrupted pull left.
    warnings: list[str]
    dry_run: bool
    duration_ms: int


class TaskSyncUndoResult(TypedDict):
    task_id: str
    destination: str
    # Entries that are as they were before the pull.
    restored_count: int
    warnings: list[str]


class TaskDiffFile(TypedDict):
    # Relative to /workspace.
    path: str
    # What happened to the entry.
    status: Literal["added", "deleted", "modified", "renamed", "mode_changed", "type_changed"]
    # The former path of a renamed file.
    renamed_from: NotRequired[str]
    # Lines added; null when the content was not compared.
    additions: int | None
    # Lines removed; null when the content was not compared.
    deletions: int | None
    # The entry that host and workspace had in common; null when there was none.
    before: TaskSyncPullChangeBefore | None
    # The entry of the workspace; null when there is none.
    after: TaskSyncPullChangeBefore | None


class TaskDiffResult(TypedDict):
    task_id: str
    # The directory of the client's machine that the workspace is compared with.
    origin: str | None
    # In the order of paths, at most 10,000.
    files: list[TaskDiffFile]
    # All changed entries, also those on other pages.
    file_count: int
    # The unified diff; empty with `stat` or `name_only`.
    patch: str
    # The place to go on from; null when the answer has all.
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
    # True when the workspace has the patch now.
    applied: bool
    # Files that fit; a renamed file is one deleted and one added.
    files: list[TaskPatchFile]
    # With any, nothing was applied.
    rejects: list[TaskPatchReject]
    dry_run: bool


class TaskExportToResult(TypedDict):
    task_id: str
    path: str
    # Entries sent.
    entry_count: int
    # Bytes of all files sent.
    bytes: int
    # Sockets, FIFOs, devices, and names that are not UTF-8, left out.
    skipped_special: int
    # Absolute path of what was written.
    output: str


class TaskExecError(TypedDict):
    code: str
    message: str


class TaskExecResult(TypedDict):
    task_id: str
    # Number of the command in its task.
    sequence: int
    command: str
    cwd: str
    # Null while it runs, and when it ended without one: see `error`.
    exit_code: int | None
    # Standard output: head and tail when it was long.
    stdout: str
    # Standard error: head and tail when it was long.
    stderr: str
    # How `stdout` is written: base64 when its bytes are not valid UTF-8.
    stdout_encoding: Literal["utf-8", "base64"]
    # How `stderr` is written: base64 when its bytes are not valid UTF-8.
    stderr_encoding: Literal["utf-8", "base64"]
    stdout_truncated: bool
    stderr_truncated: bool
    # Bytes left out of the middle of stdout.
    stdout_omitted_bytes: int
    # Bytes left out of the middle of stderr.
    stderr_omitted_bytes: int
    # What `stdout` and `stderr` have, as pieces in the order of arrival; each in the encoding of its stream.
    interleaved: NotRequired[list[VmRunInterleaved]]
    # Milliseconds the command ran.
    duration_ms: int
    # True when the time-out ended it.
    timed_out: bool
    # True when the caller cancelled it.
    aborted: bool
    # True when the VM ran out of memory and its kernel killed the command, or a process that it started.
    oom_killed: bool
    # Memory of its VM in MiB.
    mem_mib: int
    # Where the command ran.
    execution_mode: Literal["guest", "host_compat"]
    state: Literal["running", "ended"]
    # Why it ended without an exit status of its own, such as the VM's death.
    error: TaskExecError | None
    # What the VM ran on.
    accelerator: Literal["kvm", "hvf", "tcg"] | None
    # UTC, ISO 8601.
    started_at: str


class TaskExecOutputResult(TypedDict):
    task_id: str
    # Number of the command in its task.
    sequence: int
    command: str
    state: Literal["running", "ended"]
    # Null while it runs, and when it ended without one: see `error`.
    exit_code: int | None
    timed_out: bool
    aborted: bool
    # True when the VM ran out of memory and its kernel killed the command, or a process that it started.
    oom_killed: bool
    # Memory of its VM in MiB.
    mem_mib: int
    # Why it ended without an exit status of its own, such as the VM's death.
    error: TaskExecError | None
    # What the VM ran on.
    accelerator: Literal["kvm", "hvf", "tcg"] | None
    duration_ms: int
    stdout: str
    stderr: str
    # How `stdout` is written: base64 when its bytes are not valid UTF-8.
    stdout_encoding: Literal["utf-8", "base64"]
    # How `stderr` is written: base64 when its bytes are not valid UTF-8.
    stderr_encoding: Literal["utf-8", "base64"]
    # Bytes asked for that are kept no longer; they come before `stdout`.
    stdout_omitted_bytes: int
    # Bytes asked for that are kept no longer; they come before `stderr`.
    stderr_omitted_bytes: int
    # Where the next call goes on.
    next_stdout_offset: int
    # Where the next call goes on.
    next_stderr_offset: int
    # What `stdout` and `stderr` have, as pieces in the order of arrival; each in the encoding of its stream.
    interleaved: NotRequired[list[VmRunInterleaved]]
    # Bytes it has written so far.
    stdout_bytes: int
    # Bytes it has written so far.
    stderr_bytes: int
    # True when it has ended and there is no more to read.
    complete: bool


class TaskExecSignalResult(TypedDict):
    task_id: str
    # Number of the command in its task.
    sequence: int
    signal: str
    sent: Literal[True]


class TaskStatusResult(TypedDict):
    task_id: str
    name: str | None
    labels: dict[str, Any]
    # Variables that all its commands get.
    env_names: list[str]
    # `unknown` when its record is unreadable.
    environment: str
    # unreadable: its record was damaged.
    state: Literal["started", "stopped", "failed", "unreadable"]
    # Why it is not started, or why its VM stands still.
    state_reason: str | None
    workspace_path: str
    vcpu_count: int
    mem_mib: int
    disk_mib: int
    # Time-out of its commands where a call has none; null for the default.
    timeout_seconds: int | None
    network_enabled: bool
    # Null without a network, or while it is not started.
    network: VmNetworkInfoNetwork | None
    allow_host_compat: bool
    # Where the command ran.
    execution_mode: Literal["guest", "host_compat"]
    # What the VM ran on.
    accelerator: Literal["kvm", "hvf", "tcg"] | None
    # UTC, ISO 8601.
    created_at: str
    # UTC, ISO 8601.
    last_activity_at: str
    # Null when it never expires.
    expires_at: str | None
    command_count: int
    running_commands: int
    last_command: TaskCreateLastCommand | None
    # What the workspace held when the task was created; a push never changes it.
    workspace_seed: TaskCreateWorkspaceSeed
    # The last sync push that was switched in.
    last_push: TaskCreateLastPush | None
    # Host memory its VM takes now.
    memory_bytes: int | None
    # Host memory that its VM can come to take, in MiB: what it was admitted with.
    memory_reserved_mib: int | None
    # Host disk its VM takes now.
    disk_bytes: int | None


class TaskLogsResult(TypedDict):
    task_id: str
    count: int
    entries: list[TaskExecResult]


class TaskListResult(TypedDict):
    tasks: list[TaskStatusResult]


class TaskDeleteResult(TypedDict):
    task_id: str
    deleted: Literal[True]


class EnvListEnvironmentNpmPackage(TypedDict):
    name: str
    version: str
    integrity: str


class EnvListEnvironment(TypedDict):
    name: str
    # Version of the recipe.
    version: str
    description: str
    installed: bool
    # Distribution and release, such as debian 12.
    distribution: str
    architecture: str
    # What the recipe asks for by name.
    default_packages: list[str]
    # Packages of the npm registry in it, with the digest that each was checked against.
    npm_packages: NotRequired[list[EnvListEnvironmentNpmPackage]]
    # Where its packages come from.
    source: str
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
    # What the recipe asks for by name.
    default_packages: list[str]
    # Packages of the npm registry in it, with the digest that each was checked against.
    npm_packages: NotRequired[list[EnvListEnvironmentNpmPackage]]
    # Where its packages come from.
    source: str
    # Digest of the installed content.
    digest: NotRequired[str]
    # Bytes on this disk.
    size_bytes: NotRequired[int]
    # UTC, ISO 8601.
    pulled_at: NotRequired[str]
    # True when a damaged copy was replaced.
    repaired: bool
    # False when it was there already.
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
    # What the recipe asks for by name.
    default_packages: list[str]
    # Packages of the npm registry in it, with the digest that each was checked against.
    npm_packages: NotRequired[list[EnvListEnvironmentNpmPackage]]
    # Where its packages come from.
    source: str
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
    # What was left alone, and why.
    kept: list[EnvPruneKept]
    # Bytes of what was removed, or would be.
    freed_bytes: int
    dry_run: bool


class DoctorRuntime(TypedDict):
    ok: bool
    qemu_version: str | None
    qemu_path: str | None
    # Whose QEMU it is; see `pyro toolchain`.
    qemu_source: Literal["host", "private"] | None
    jail: str


class DoctorAcceleratorCandidate(TypedDict):
    # What a VM runs on; `tcg` is software emulation.
    name: Literal["kvm", "hvf", "tcg"]
    exists: bool
    opens: bool
    # Null while nothing has been tried.
    usable: bool | None
    reason: str


class DoctorAccelerator(TypedDict):
    in_use: Literal["kvm", "hvf", "tcg"] | None
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
    # Where the control groups are, or why there are none.
    reason: str
    # What starts the daemon where it may make them; null when nothing is known to.
    command: str | None


class DoctorProblem(TypedDict):
    message: str
    # What mends it.
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
    # Certificate authorities that this host trusts and a VM does not, without --network-host-ca.
    host_ca: list[VmNetworkInfoNetworkHostCa]
    # Limits of the host on each VM, and on what stands in for one: memory, processes, processors.
    limits: DoctorLimits
    problems: list[DoctorProblem]


LOCAL = frozenset(["task.sync.pull", "task.sync.undo", "task.export_to"])
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
        source_path: str | PathLike[str] | None = None,
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
            environment: Name of an environment, such as debian:12.
            command: One line for the guest's /bin/sh -c, or a list of words, which are quoted for it.
            cwd: Directory in which it runs.
            env: Further environment.
            source_path: Directory, file, .tar, .tar.gz or .tgz on the machine of the client, which packs it.
            exclude: What to leave out, as patterns of .gitignore; what was left out is counted.
            include: What to take although a pattern of exclude names it.
            links: Links out of a source directory: keep (default), skip, follow or refuse. Archives: refuse.
            vcpu_count: Virtual CPUs (1 to 16).
            mem_mib: Memory of the VM in MiB (256 to 65536).
            timeout_seconds: Seconds until the command is killed (1 to 86400).
            interleaved: Also give the output of both streams as pieces in the order of arrival.
            ttl_seconds: Seconds until the VM is removed (1 to 2592000).
            network: A network; this host and private addresses stay closed.
            network_allow: Closed ranges to open: CIDR, CIDR:PORT, [CIDR]:PORT.
            network_allow_host: Only these names, over HTTP and TLS; or *.NAME.
            network_host_proxy: Pass on proxies and apt mirror, and open them.
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
            {"environment": environment, "command": command_line(command), "cwd": cwd, "env": env, "source_path": source_path, "exclude": exclude, "include": include, "links": links, "vcpu_count": vcpu_count, "mem_mib": mem_mib, "timeout_seconds": timeout_seconds, "interleaved": interleaved, "ttl_seconds": ttl_seconds, "network": network, "network_allow": network_allow, "network_allow_host": network_allow_host, "network_host_proxy": network_host_proxy, "network_host_ca": network_host_ca, "allow_host_compat": allow_host_compat},
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
        """Set a VM up, without starting it.

        Args:
            environment: Name of an environment, such as debian:12.
            vcpu_count: Virtual CPUs (1 to 16).
            mem_mib: Memory of the VM in MiB (256 to 65536).
            ttl_seconds: Seconds until the VM is removed (1 to 2592000).
            allow_host_compat: Run in a sandboxed host process when no VM can run.
            network: A network; this host and private addresses stay closed.
            network_allow: Closed ranges to open: CIDR, CIDR:PORT, [CIDR]:PORT.
            network_allow_host: Only these names, over HTTP and TLS; or *.NAME.
            network_host_proxy: Pass on proxies and apt mirror, and open them.
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

        Fails with `FAILED_PRECONDITION` when it was started or stopped before.

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

        Fails with `FAILED_PRECONDITION` when it is not started.

        Args:
            vm_id: Id of a VM.
            command: One line for the guest's /bin/sh -c, or a list of words, which are quoted for it.
            timeout_seconds: Seconds until the command is killed (1 to 86400).
            cwd: Directory in which it runs.
            env: Further environment.
            interleaved: Also give the output of both streams as pieces in the order of arrival.
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
        """Show a VM's addresses, policy, and what was refused.

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
        """Remove VMs and tasks whose time is over.

        They are removed at once instead of within a second."""
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
        timeout_seconds: int | None = None,
        network: bool = False,
        network_allow: Sequence[str] | None = None,
        network_allow_host: Sequence[str] | None = None,
        network_host_proxy: bool = False,
        network_host_ca: bool = False,
        allow_host_compat: bool = False,
        source_path: str | PathLike[str] | None = None,
        exclude: Sequence[str] | None = None,
        include: Sequence[str] | None = None,
        links: str | None = None,
        on_progress: OnProgress | None = None,
        cancellation: Cancellation | None = None,
    ) -> TaskCreateResult:
        """Start a persistent VM with a /workspace, empty or filled from the host.

        Fails as a run does, and as a push does for a source: then there is no task. Fails with `ALREADY_EXISTS` when another task has the name.

        Args:
            environment: Name of an environment, such as debian:12.
            name: Name of the task, to be used in the place of its id.
            labels: Labels by which tasks are found again.
            env: Environment of all its commands; their values are shown nowhere.
            vcpu_count: Virtual CPUs (1 to 16).
            mem_mib: Memory of the VM in MiB (256 to 65536).
            disk_mib: Most that the VM may write, in MiB (256 to 1048576).
            ttl_seconds: Seconds without use until the task is removed; 0 for never (0 to 2592000).
            timeout_seconds: Seconds until a command of the task is killed, where the command has no time-out of its own (1 to 86400).
            network: A network; this host and private addresses stay closed.
            network_allow: Closed ranges to open: CIDR, CIDR:PORT, [CIDR]:PORT.
            network_allow_host: Only these names, over HTTP and TLS; or *.NAME.
            network_host_proxy: Pass on proxies and apt mirror, and open them.
            network_host_ca: Trust the host's additional certificate authorities; --network-host-proxy does too.
            allow_host_compat: Run in a sandboxed host process when no VM can run.
            source_path: Directory, file, .tar, .tar.gz or .tgz on the machine of the client, which packs it.
            exclude: What to leave out, as patterns of .gitignore; what was left out is counted.
            include: What to take although a pattern of exclude names it.
            links: Links out of a source directory: keep (default), skip, follow or refuse. Archives: refuse.
            on_progress: Called with each report of how far it is.
            cancellation: What cancels the call.
        """
        return self._call(
            "task.create",
            {"environment": environment, "name": name, "labels": labels, "env": env, "vcpu_count": vcpu_count, "mem_mib": mem_mib, "disk_mib": disk_mib, "ttl_seconds": ttl_seconds, "timeout_seconds": timeout_seconds, "network": network, "network_allow": network_allow, "network_allow_host": network_allow_host, "network_host_proxy": network_host_proxy, "network_host_ca": network_host_ca, "allow_host_compat": allow_host_compat, "source_path": source_path, "exclude": exclude, "include": include, "links": links},
            on_progress=on_progress,
            cancellation=cancellation,
        )

    def push_task_sync(
        self,
        task_id: str,
        source_path: str | PathLike[str],
        *,
        dest: str = "/workspace",
        exclude: Sequence[str] | None = None,
        include: Sequence[str] | None = None,
        links: str | None = None,
        delete: bool = False,
        dry_run: bool = False,
        on_progress: OnProgress | None = None,
        cancellation: Cancellation | None = None,
    ) -> TaskSyncPushResult:
        """Bring a directory or an archive into a task's workspace, all of it or nothing.

        Fails with the code of the first thing wrong with the source (`SOURCE_…`, `ARCHIVE_…`) or in the workspace (`WORKSPACE_…`).

        Args:
            task_id: Id or name of a task.
            source_path: Directory, file, .tar, .tar.gz or .tgz on the machine of the client, which packs it.
            dest: Directory beneath /workspace.
            exclude: What to leave out, as patterns of .gitignore; what was left out is counted.
            include: What to take although a pattern of exclude names it.
            links: Links out of a source directory: keep (default), skip, follow or refuse. Archives: refuse.
            delete: Delete what earlier pushes of this source brought to dest and the source no longer has.
            dry_run: Check the source and list what would be written; change nothing.
            on_progress: Called with each report of how far it is.
            cancellation: What cancels the call.
        """
        return self._call(
            "task.sync.push",
            {"task_id": task_id, "source_path": source_path, "dest": dest, "exclude": exclude, "include": include, "links": links, "delete": delete, "dry_run": dry_run},
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
        """Bring a task's changes back to this machine, all of them or none.

        Writes what the workspace changed since host and workspace last agreed. A path that both sides changed in different ways is a conflict: with `on_conflict` `fail` nothing is written, and `conflicts` lists all of them. Fails with `DESTINATION_UNUSABLE`, with `DESTINATION_CHANGED` or `WORKSPACE_CHANGED` when either side changes meanwhile; then nothing is written.

        Args:
            task_id: Id or name of a task.
            destination: Directory of this machine; the one that the task was created from or last pushed from, unless given.
            paths: Files and directories beneath /workspace; all of it when none is given.
            dry_run: Say what would be written; change nothing.
            on_conflict: Write nothing (fail), take the task's file (task), keep the host's (host), or keep it and write the task's as NAME.task (both).
            delete: Delete on this machine what the task deleted.
            exclude: What to leave out, as patterns of .gitignore. `.git` is left out unless `include` names it.
            include: What to keep although a pattern of exclude, or the rule for `.git`, leaves it out.
        """
        return self._call(
            "task.sync.pull",
            {"task_id": task_id, "destination": destination, "paths": paths, "dry_run": dry_run, "on_conflict": on_conflict, "delete": delete, "exclude": exclude, "include": include},
        )

    def undo_task_sync(
        self,
        task_id: str,
    ) -> TaskSyncUndoResult:
        """Take back the last pull of a task on this machine.

        Brings back what the pull replaced or deleted. Fails with `DESTINATION_CHANGED`, and does nothing, when this machine has changed one of the entries since; with `NOT_FOUND` when there is nothing to undo.

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

        Compares with what host and workspace last had in common: the seed, the last push or the last pull. The text is what `git apply` takes. A file that is binary or longer than 1 MiB is named only.

        Args:
            task_id: Id or name of a task.
            paths: Files and directories beneath /workspace; all of it when none is given.
            since: What to compare with: the workspace as the task was created, or as the last push or pull left it.
            stat: List files with the number of changed lines, without the text.
            name_only: List the names only; reads no content.
            after: Go on after this path: `next_after` of the answer before.
            exclude: What to leave out, as patterns of .gitignore. `.git` is left out unless `include` names it.
            include: What to keep although a pattern of exclude, or the rule for `.git`, leaves it out.
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
            dry_run: Say what would be applied; change nothing.
            reverse: Take the patch back.
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

    def exec_task(
        self,
        task_id: str,
        *,
        command: str | Sequence[str],
        timeout_seconds: int = Default(30),
        cwd: str = "/workspace",
        env: Mapping[str, str] | None = None,
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

        Several may run at once. When the daemon dies meanwhile, the command goes on, and so does this call. Fails with `FAILED_PRECONDITION` when the VM is gone, with `RESOURCE_EXHAUSTED` when 64 commands run already.

        Args:
            task_id: Id or name of a task.
            command: One line for the guest's /bin/sh -c, or a list of words, which are quoted for it.
            timeout_seconds: Seconds until the command is killed. Without it: none in the background, else the task's own, else the default (1 to 86400).
            cwd: Directory in which it runs.
            env: Further environment.
            interleaved: Also give the output of both streams as pieces in the order of arrival.
            background: Answer at once; the command goes on without standard input.
            stdin: Standard input: a text, bytes, or an iterable of either.
            check: Raise CommandFailedError unless the command ends with exit code 0.
            on_stdout: Called with standard output as it comes.
            on_stderr: Called with standard error as it comes.
            on_progress: Called with each report of how far it is.
            cancellation: What cancels the call.
        """
        return self._call(
            "task.exec",
            {"task_id": task_id, "command": command_line(command), "timeout_seconds": timeout_seconds, "cwd": cwd, "env": env, "interleaved": interleaved, "background": background},
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
        """Read a command's output from a place on.

        Args:
            task_id: Id or name of a task.
            sequence: Number of the command in its task (1 to 9007199254740991).
            stdout_offset: First byte of standard output wanted (0 to 9007199254740991).
            stderr_offset: First byte of standard error wanted (0 to 9007199254740991).
            max_bytes: Most bytes in the answer, both streams together (1 to 1048576).
            wait_seconds: Seconds to wait when there is nothing new (0 to 3600).
            wait_for: What to wait for: output, or the command's end (or a full answer).
            interleaved: Also give the output of both streams as pieces in the order of arrival.
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
        """Send a signal to a running command; KILL ends all it started.

        Fails with `FAILED_PRECONDITION` when it has ended.

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

        When the time is over before the command has ended, the result says `running`; the command goes on.

        Args:
            task_id: Id or name of a task.
            sequence: Number of the command in its task (1 to 9007199254740991).
            timeout_seconds: Seconds to wait; without it as long as the command runs (0 to 86400).
            interleaved: Also give the output of both streams as pieces in the order of arrival.
        """
        return self._call(
            "task.wait",
            {"task_id": task_id, "sequence": sequence, "timeout_seconds": timeout_seconds, "interleaved": interleaved},
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
            interleaved: Also give the output of both streams as pieces in the order of arrival.
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

    def delete_task(
        self,
        task_id: str,
    ) -> TaskDeleteResult:
        """Remove a task, its VM and its logs; commands that run are aborted.

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
        """Build an environment on this host from the distribution's signed packages.

        One that is there is checked, and repaired. Fails with `ENVIRONMENT_BUILD_FAILED`.

        Args:
            environment: Name of an environment, such as debian:12.
            rebuild: Build it again, to take in newer packages.
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
            environment: Name of an environment, such as debian:12.
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
        """Remove what no VM uses: environments, templates, leftovers.

        Args:
            dry_run: List what would be removed; change nothing.
        """
        return self._call(
            "env.prune",
            {"dry_run": dry_run},
        )

    def doctor(
        self,
    ) -> DoctorResult:
        """Say whether this host can run VMs, and what is missing."""
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
        exclude: Sequence[str] | None = None,
        include: Sequence[str] | None = None,
        links: str | None = None,
        delete: bool = False,
        dry_run: bool = False,
        on_progress: OnProgress | None = None,
        cancellation: Cancellation | None = None,
    ) -> TaskSyncPushResult:
        """Bring a directory or an archive into a task's workspace, all of it or nothing: see ``Pyro.push_task_sync``."""
        return self._operations.push_task_sync(
            self.task_id,
            source_path,
            dest=dest,
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
        """Bring a task's changes back to this machine, all of them or none: see ``Pyro.pull_task_sync``."""
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
        """Take back the last pull of a task on this machine: see ``Pyro.undo_task_sync``."""
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

    def exec(
        self,
        command: str | Sequence[str],
        *,
        timeout_seconds: int = Default(30),
        cwd: str = "/workspace",
        env: Mapping[str, str] | None = None,
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
        """Read a command's output from a place on: see ``Pyro.output_task``."""
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
        """Send a signal to a running command; KILL ends all it started: see ``Pyro.signal_task``."""
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

    def delete(
        self,
    ) -> TaskDeleteResult:
        """Remove a task, its VM and its logs; commands that run are aborted: see ``Pyro.delete_task``."""
        return self._operations.delete_task(
            self.task_id,
        )
