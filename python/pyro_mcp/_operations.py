# Rendered from src/contract/ by `npm run docs`. Do not edit.
"""The operations of the contract."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from os import PathLike
from typing import Any

from ._calls import Cancellation, Default, OnOutput, OnProgress, Stdin, command_line
from ._results import (
    DoctorResult,
    EnvBuildResult,
    EnvExportResult,
    EnvInspectResult,
    EnvListEnvironment,
    EnvListResult,
    EnvPruneResult,
    EnvPullResult,
    EnvRemoveResult,
    EnvSaveResult,
    TaskCreateResult,
    TaskDeleteResult,
    TaskDiffResult,
    TaskExecOutputResult,
    TaskExecResult,
    TaskExecSignalResult,
    TaskExportToResult,
    TaskFileEditResult,
    TaskFileListResult,
    TaskFileMkdirResult,
    TaskFileMoveResult,
    TaskFileReadResult,
    TaskFileRemoveResult,
    TaskFileStatResult,
    TaskFileViewResult,
    TaskFileWriteResult,
    TaskForkResult,
    TaskListResult,
    TaskLogsResult,
    TaskPatchResult,
    TaskPortCloseResult,
    TaskPortListResult,
    TaskPortPublishResult,
    TaskServiceListResult,
    TaskServiceLogsResult,
    TaskServiceStartResult,
    TaskShellCloseResult,
    TaskShellListResult,
    TaskShellOpenResult,
    TaskShellReadResult,
    TaskShellWriteResult,
    TaskSnapshotCreateResult,
    TaskSnapshotDeleteResult,
    TaskSnapshotListResult,
    TaskStatusResult,
    TaskSyncPullResult,
    TaskSyncPushResult,
    TaskSyncUndoResult,
    TaskTryResult,
    VmCreateResult,
    VmDeleteResult,
    VmNetworkInfoResult,
    VmReapExpiredResult,
    VmRunResult,
)

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
        "cloudsdk_core_custom_ca_certs_file",
        "curl_ca_bundle",
        "deno_cert",
        "git_ssl_cainfo",
        "grpc_default_ssl_roots_file_path",
        "httplib2_ca_certs",
        "nix_ssl_cert_file",
        "node_extra_ca_certs",
        "npm_config_cafile",
        "pip_cert",
        "requests_ca_bundle",
        "ssl_cert_file",
    }
)
"""Variables that name a bundle of certificates, in lower case."""

LOCAL = frozenset(
    {
        "task.watch",
        "task.sync.pull",
        "task.sync.undo",
        "task.export_to",
        "task.shell.attach",
        "task.shell.read",
        "task.shell",
        "task.service",
        "task.snapshot",
    }
)
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
        cwd: str | None = None,
        env: Mapping[str, str] | None = None,
        user: str | None = None,
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
        network_deny: Sequence[str] | None = None,
        network_allow_host: Sequence[str] | None = None,
        network_host_proxy: bool = False,
        network_host_ca: bool = False,
        allow_host_compat: bool = False,
        require_isolation: str | None = None,
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
            cwd: Working directory of the command. Default: the image's, else /workspace; a relative path starts there.
            env: Additional environment variables.
            user: User of the guest, as NAME, UID or USER:GROUP. Default: the task's, else the image's, else root.
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
            network_deny: Close these ranges too, except where network_allow opens them.
            network_allow_host: Allow only these names, or *.NAME, over HTTP and TLS.
            network_host_proxy: Pass the host's proxy and apt settings to the VM, and allow their addresses.
            network_host_ca: Trust the host's additional certificate authorities; --network-host-proxy does too.
            allow_host_compat: Run in a sandboxed host process when no VM can run.
            require_isolation: Refuse to start the VM unless this host isolates it to at least this level; see SECURITY.md.
            stdin: Standard input: a text, bytes, or an iterable of either.
            check: Raise CommandFailedError unless the command ends with exit code 0.
            on_stdout: Called with standard output as it comes.
            on_stderr: Called with standard error as it comes.
            on_progress: Called with each report of how far it is.
            cancellation: What cancels the call.
        """
        return self._call(
            "vm.run",
            {
                "environment": environment, "command": command_line(command), "cwd": cwd, "env": env, "user": user,
                "tty": tty, "rows": rows, "cols": cols, "source_path": source_path, "git_tracked": git_tracked,
                "with_git": with_git, "exclude": exclude, "include": include, "links": links, "vcpu_count": vcpu_count,
                "mem_mib": mem_mib, "timeout_seconds": timeout_seconds, "interleaved": interleaved,
                "ttl_seconds": ttl_seconds, "network": network, "network_allow": network_allow,
                "network_deny": network_deny, "network_allow_host": network_allow_host,
                "network_host_proxy": network_host_proxy, "network_host_ca": network_host_ca,
                "allow_host_compat": allow_host_compat, "require_isolation": require_isolation,
            },
            stdin=stdin, check=check, on_stdout=on_stdout, on_stderr=on_stderr, on_progress=on_progress,
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
        require_isolation: str | None = None,
        network: bool = False,
        network_allow: Sequence[str] | None = None,
        network_deny: Sequence[str] | None = None,
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
            require_isolation: Refuse to start the VM unless this host isolates it to at least this level; see SECURITY.md.
            network: Connect the VM to a network; this host and private addresses stay closed.
            network_allow: Open these closed ranges: CIDR, CIDR:PORT, [CIDR]:PORT.
            network_deny: Close these ranges too, except where network_allow opens them.
            network_allow_host: Allow only these names, or *.NAME, over HTTP and TLS.
            network_host_proxy: Pass the host's proxy and apt settings to the VM, and allow their addresses.
            network_host_ca: Trust the host's additional certificate authorities; --network-host-proxy does too.
        """
        return self._call(
            "vm.create",
            {
                "environment": environment, "vcpu_count": vcpu_count, "mem_mib": mem_mib, "ttl_seconds": ttl_seconds,
                "allow_host_compat": allow_host_compat, "require_isolation": require_isolation, "network": network,
                "network_allow": network_allow, "network_deny": network_deny, "network_allow_host": network_allow_host,
                "network_host_proxy": network_host_proxy, "network_host_ca": network_host_ca,
            },
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
        return self._call("vm.start", {"vm_id": vm_id}, on_progress=on_progress, cancellation=cancellation)

    def exec_vm(
        self,
        vm_id: str,
        *,
        command: str | Sequence[str],
        timeout_seconds: int = Default(30),
        cwd: str | None = None,
        env: Mapping[str, str] | None = None,
        user: str | None = None,
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
            cwd: Working directory of the command. Default: the image's, else /workspace; a relative path starts there.
            env: Additional environment variables.
            user: User of the guest, as NAME, UID or USER:GROUP. Default: the task's, else the image's, else root.
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
            {
                "vm_id": vm_id, "command": command_line(command), "timeout_seconds": timeout_seconds, "cwd": cwd,
                "env": env, "user": user, "interleaved": interleaved,
            },
            stdin=stdin, check=check, on_stdout=on_stdout, on_stderr=on_stderr, on_progress=on_progress,
            cancellation=cancellation,
        )

    def stop_vm(self, vm_id: str) -> VmCreateResult:
        """Stop a VM; it cannot be started again.

        Args:
            vm_id: Id of a VM.
        """
        return self._call("vm.stop", {"vm_id": vm_id})

    def delete_vm(self, vm_id: str) -> VmDeleteResult:
        """Remove a VM.

        Args:
            vm_id: Id of a VM.
        """
        return self._call("vm.delete", {"vm_id": vm_id})

    def status_vm(self, vm_id: str) -> VmCreateResult:
        """Show one VM.

        Args:
            vm_id: Id of a VM.
        """
        return self._call("vm.status", {"vm_id": vm_id})

    def network_info_vm(self, vm_id: str) -> VmNetworkInfoResult:
        """Show a VM's addresses, network policy and refused connections.

        Fails with `NOT_FOUND`.

        Args:
            vm_id: Id of a VM.
        """
        return self._call("vm.network_info", {"vm_id": vm_id})

    def reap_expired(self) -> VmReapExpiredResult:
        """Remove expired VMs and tasks.

        Removes them at once; the daemon would do so within a second."""
        return self._call("vm.reap_expired", {})

    def create_task(
        self,
        environment: str,
        *,
        name: str | None = None,
        labels: Mapping[str, str] | None = None,
        env: Mapping[str, str] | None = None,
        user: str | None = None,
        vcpu_count: int = 1,
        mem_mib: int = 1024,
        disk_mib: int = 10240,
        ttl_seconds: int = 86400,
        idle_stop_seconds: int = 0,
        snapshot_every_seconds: int = 0,
        timeout_seconds: int | None = None,
        network: bool = False,
        network_allow: Sequence[str] | None = None,
        network_deny: Sequence[str] | None = None,
        network_allow_host: Sequence[str] | None = None,
        network_host_proxy: bool = False,
        network_host_ca: bool = False,
        allow_host_compat: bool = False,
        require_isolation: str | None = None,
        setup: str | None = None,
        setup_key: Sequence[str] | None = None,
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

        Fails with the codes of a run, and with those of a push for its source; then no task exists. Fails with `ALREADY_EXISTS` when another task has the name, and with `FAILED_PRECONDITION` and `details.reason` `setup_failed` when its setup does not exit with 0; `details` then has `exit_code`, `stdout` and `stderr`.

        Args:
            environment: Environment, such as debian:12, or an image, such as docker-archive:FILE.
            name: Name of the task, usable instead of its id.
            labels: Labels to filter tasks by.
            env: Environment of all its commands. No output shows the values.
            user: User of its commands, as NAME, UID or USER:GROUP. Default: the image's, else root.
            vcpu_count: Virtual CPUs (1 to 16).
            mem_mib: Memory of the VM in MiB (256 to 65536).
            disk_mib: Maximum that the VM may write, in MiB (256 to 1048576).
            ttl_seconds: Seconds without use until the task is removed; 0 for never (0 to 2592000).
            idle_stop_seconds: Seconds without use until the task is stopped; 0 for never (0 to 2592000).
            snapshot_every_seconds: Seconds between automatic snapshots; the last one replaces a VM that dies. 0 for none (0 to 2592000).
            timeout_seconds: Seconds until a command of the task is killed, if the command sets no time-out (1 to 86400).
            network: Connect the VM to a network; this host and private addresses stay closed.
            network_allow: Open these closed ranges: CIDR, CIDR:PORT, [CIDR]:PORT.
            network_deny: Close these ranges too, except where network_allow opens them.
            network_allow_host: Allow only these names, or *.NAME, over HTTP and TLS.
            network_host_proxy: Pass the host's proxy and apt settings to the VM, and allow their addresses.
            network_host_ca: Trust the host's additional certificate authorities; --network-host-proxy does too.
            allow_host_compat: Run in a sandboxed host process when no VM can run.
            require_isolation: Refuse to start the VM unless this host isolates it to at least this level; see SECURITY.md.
            setup: Command that prepares the task. It runs once, and later tasks with the same setup start from its result.
            setup_key: File of this machine, such as a lock file. The setup runs again when its content changes.
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
            {
                "environment": environment, "name": name, "labels": labels, "env": env, "user": user,
                "vcpu_count": vcpu_count, "mem_mib": mem_mib, "disk_mib": disk_mib, "ttl_seconds": ttl_seconds,
                "idle_stop_seconds": idle_stop_seconds, "snapshot_every_seconds": snapshot_every_seconds,
                "timeout_seconds": timeout_seconds, "network": network, "network_allow": network_allow,
                "network_deny": network_deny, "network_allow_host": network_allow_host,
                "network_host_proxy": network_host_proxy, "network_host_ca": network_host_ca,
                "allow_host_compat": allow_host_compat, "require_isolation": require_isolation, "setup": setup,
                "setup_key": setup_key, "source_path": source_path, "git_tracked": git_tracked, "with_git": with_git,
                "exclude": exclude, "include": include, "links": links,
            },
            on_progress=on_progress, cancellation=cancellation,
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
            {
                "task_id": task_id, "source_path": source_path, "dest": dest, "git_tracked": git_tracked,
                "with_git": with_git, "exclude": exclude, "include": include, "links": links, "delete": delete,
                "dry_run": dry_run,
            },
            on_progress=on_progress, cancellation=cancellation,
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
            {
                "task_id": task_id, "destination": destination, "paths": paths, "dry_run": dry_run,
                "on_conflict": on_conflict, "delete": delete, "exclude": exclude, "include": include,
            },
        )

    def undo_task_sync(self, task_id: str) -> TaskSyncUndoResult:
        """Undo the last pull of a task on this machine.

        Restores the entries that the pull replaced or deleted. Fails with `DESTINATION_CHANGED`, and changes nothing, when one of the entries changed on this machine since; with `NOT_FOUND` when there is no pull to undo.

        Args:
            task_id: Id or name of a task.
        """
        return self._call("task.sync.undo", {"task_id": task_id})

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
            since: State to compare with: `seed`, `push` (the last push or pull), or a snapshot's id or name.
            stat: List files with the number of changed lines, without the text.
            name_only: List the names only; reads no content.
            after: Continue after this path: `next_after` of the previous answer.
            exclude: Leave out entries that match these .gitignore patterns. `.git` is left out unless `include` names it.
            include: Keep matching entries even if exclude, or the rule for `.git`, leaves them out.
        """
        return self._call(
            "task.diff",
            {
                "task_id": task_id, "paths": paths, "since": since, "stat": stat, "name_only": name_only,
                "after": after, "exclude": exclude, "include": include,
            },
        )

    def patch_task(self, task_id: str, patch: str, *, dry_run: bool = False, reverse: bool = False) -> TaskPatchResult:
        """Apply a unified diff to a task's workspace, all of it or nothing.

        Takes what `git diff`, `diff -u` and `task.diff` print, with names relative to /workspace. With any reject nothing is applied. Fails with `INVALID_ARGUMENT` for text that is not a patch, with `WORKSPACE_LINK` when a link is on the way to a file, with `WORKSPACE_CHANGED` when a process of the task changes one of the files meanwhile; then nothing is applied.

        Args:
            task_id: Id or name of a task.
            patch: The unified diff, at most 700 KiB.
            dry_run: List the files that would be patched; change nothing.
            reverse: Revert the patch.
        """
        return self._call("task.patch", {"task_id": task_id, "patch": patch, "dry_run": dry_run, "reverse": reverse})

    def export_task(self, task_id: str, path: str, output: str, *, force: bool = False) -> TaskExportToResult:
        """Save files of a task on this machine, as an archive or a directory.

        Fails with `NOT_FOUND` when the path does not exist, with `DESTINATION_UNUSABLE` when the output exists or cannot be written, with `WORKSPACE_CHANGED` when a file shrinks while it is read. A failed export leaves nothing.

        Args:
            task_id: Id or name of a task.
            path: File or directory of the guest; a relative one starts at /workspace.
            output: What to write on this machine: FILE.tar, FILE.tar.gz, FILE.tgz, or a new or empty directory.
            force: Replace an existing archive.
        """
        return self._call("task.export_to", {"task_id": task_id, "path": path, "output": output, "force": force})

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
            path: Path in the task's VM; a relative one starts at /workspace.
            recursive: List the entries of subdirectories too.
            limit: Maximum entries in the answer (1 to 10000).
            after: Continue after this path: next_after of the last answer.
            user: User of the task whose rights apply, as NAME, UID or USER:GROUP; root unless given.
        """
        return self._call(
            "task.file.list",
            {"task_id": task_id, "path": path, "recursive": recursive, "limit": limit, "after": after, "user": user},
        )

    def stat_task_file(self, task_id: str, path: str, *, user: str | None = None) -> TaskFileStatResult:
        """Show one file of a task.

        A symlink is shown itself. Fails with `FILE_NOT_FOUND`.

        Args:
            task_id: Id or name of a task.
            path: Path in the task's VM; a relative one starts at /workspace.
            user: User of the task whose rights apply, as NAME, UID or USER:GROUP; root unless given.
        """
        return self._call("task.file.stat", {"task_id": task_id, "path": path, "user": user})

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
            path: Path in the task's VM; a relative one starts at /workspace.
            offset: Offset of the first byte (0 to 9007199254740991).
            max_bytes: Maximum bytes in the answer (1 to 4194304).
            encoding: Encoding of content: text, or base64 for any bytes.
            user: User of the task whose rights apply, as NAME, UID or USER:GROUP; root unless given.
        """
        return self._call(
            "task.file.read",
            {
                "task_id": task_id, "path": path, "offset": offset, "max_bytes": max_bytes, "encoding": encoding,
                "user": user,
            },
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
            path: Path in the task's VM; a relative one starts at /workspace.
            offset: First line to return (1 to 9007199254740991).
            limit: Maximum lines (1 to 10000).
            user: User of the task whose rights apply, as NAME, UID or USER:GROUP; root unless given.
        """
        return self._call(
            "task.file.view", {"task_id": task_id, "path": path, "offset": offset, "limit": limit, "user": user},
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
            path: Path in the task's VM; a relative one starts at /workspace.
            content: Content, up to about 1 MB; if omitted, the bytes that follow the input.
            encoding: Encoding of content.
            mode: Permissions in octal; 0644 for a new file.
            append: Add to the end of the file instead of replacing it.
            user: User of the task whose rights apply, as NAME, UID or USER:GROUP; root unless given.
        """
        return self._call(
            "task.file.write",
            {
                "task_id": task_id, "path": path, "content": content, "encoding": encoding, "mode": mode,
                "append": append, "user": user,
            },
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
            path: Path in the task's VM; a relative one starts at /workspace.
            old: Exact text to be replaced; it must be there once.
            new: Text to take its place.
            all: Replace every occurrence.
            user: User of the task whose rights apply, as NAME, UID or USER:GROUP; root unless given.
        """
        return self._call(
            "task.file.edit", {"task_id": task_id, "path": path, "old": old, "new": new, "all": all, "user": user},
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
            path: Path in the task's VM; a relative one starts at /workspace.
            mode: Permissions in octal; 0755 unless given.
            user: User of the task whose rights apply, as NAME, UID or USER:GROUP; root unless given.
        """
        return self._call("task.file.mkdir", {"task_id": task_id, "path": path, "mode": mode, "user": user})

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
            path: Path in the task's VM; a relative one starts at /workspace.
            to: Its new path, not the directory to put it into.
            replace: Replace a file that has this name.
            user: User of the task whose rights apply, as NAME, UID or USER:GROUP; root unless given.
        """
        return self._call(
            "task.file.move", {"task_id": task_id, "path": path, "to": to, "replace": replace, "user": user},
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
            path: Path in the task's VM; a relative one starts at /workspace.
            recursive: Remove a directory with all its entries.
            user: User of the task whose rights apply, as NAME, UID or USER:GROUP; root unless given.
        """
        return self._call("task.file.remove", {"task_id": task_id, "path": path, "recursive": recursive, "user": user})

    def exec_task(
        self,
        task_id: str,
        *,
        command: str | Sequence[str],
        timeout_seconds: int = Default(30),
        cwd: str | None = None,
        env: Mapping[str, str] | None = None,
        user: str | None = None,
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
            cwd: Working directory of the command. Default: the image's, else /workspace; a relative path starts there.
            env: Additional environment variables.
            user: User of the guest, as NAME, UID or USER:GROUP. Default: the task's, else the image's, else root.
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
            {
                "task_id": task_id, "command": command_line(command), "timeout_seconds": timeout_seconds, "cwd": cwd,
                "env": env, "user": user, "tty": tty, "rows": rows, "cols": cols, "interleaved": interleaved,
                "background": background,
            },
            stdin=stdin, check=check, on_stdout=on_stdout, on_stderr=on_stderr, on_progress=on_progress,
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
            {
                "task_id": task_id, "sequence": sequence, "stdout_offset": stdout_offset,
                "stderr_offset": stderr_offset, "max_bytes": max_bytes, "wait_seconds": wait_seconds,
                "wait_for": wait_for, "interleaved": interleaved,
            },
        )

    def signal_task(self, task_id: str, sequence: int, *, signal: str = "TERM") -> TaskExecSignalResult:
        """Send a signal to a running command; KILL also ends every process it started.

        Fails with `FAILED_PRECONDITION` when the command has ended.

        Args:
            task_id: Id or name of a task.
            sequence: Number of the command in its task (1 to 9007199254740991).
            signal: One of TERM, INT, KILL, HUP, QUIT, USR1, USR2, STOP, CONT, ABRT, ALRM, WINCH.
        """
        return self._call("task.exec_signal", {"task_id": task_id, "sequence": sequence, "signal": signal})

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

    def publish_port(self, task_id: str, port: int, *, host_port: int | None = None) -> TaskPortPublishResult:
        """Make a server in a task reachable on 127.0.0.1 of the host.

        Repeating it is harmless. Fails with `FAILED_PRECONDITION` when the task is not started or the host port is not available, with `ALREADY_EXISTS` when the port is published on another host port.

        Args:
            task_id: Id or name of a task.
            port: Port of a server in the task, on 127.0.0.1 or ::1 (1 to 65535).
            host_port: Port on the host; default: a free one (1 to 65535).
        """
        return self._call("task.port.publish", {"task_id": task_id, "port": port, "host_port": host_port})

    def list_ports(self, task_id: str) -> TaskPortListResult:
        """List the published ports of a task.

        Args:
            task_id: Id or name of a task.
        """
        return self._call("task.port.list", {"task_id": task_id})

    def close_port(self, task_id: str, port: int) -> TaskPortCloseResult:
        """Stop publishing a port of a task, and close its connections.

        Fails with `NOT_FOUND` when the port is not published.

        Args:
            task_id: Id or name of a task.
            port: Port of a server in the task, on 127.0.0.1 or ::1 (1 to 65535).
        """
        return self._call("task.port.close", {"task_id": task_id, "port": port})

    def open_shell(
        self,
        task_id: str,
        *,
        name: str = "main",
        command: str | Sequence[str] | None = None,
        cwd: str | None = None,
        env: Mapping[str, str] | None = None,
        rows: int = 24,
        cols: int = 80,
    ) -> TaskShellOpenResult:
        """Start a named terminal in a task, unless it runs.

        It keeps running without its client and daemon, until its command ends or `task.shell.close`. A stopped task is started first.

        Args:
            task_id: Id or name of a task.
            name: Name of the shell in its task.
            command: Command of a new shell; default: bash, or sh in an environment without bash.
            cwd: Working directory of the command. Default: the image's, else /workspace; a relative path starts there.
            env: Additional environment variables.
            rows: Height of a new terminal in lines (1 to 1000).
            cols: Width of a new terminal in characters (1 to 1000).
        """
        return self._call(
            "task.shell.open",
            {
                "task_id": task_id, "name": name, "command": command and command_line(command), "cwd": cwd, "env": env,
                "rows": rows, "cols": cols,
            },
        )

    def list_shells(self, task_id: str, *, all: bool = False) -> TaskShellListResult:
        """List the shells of a task.

        Args:
            task_id: Id or name of a task.
            all: Also the last one of each name that has ended.
        """
        return self._call("task.shell.list", {"task_id": task_id, "all": all})

    def write_shell(self, task_id: str, text: str, *, name: str = "main") -> TaskShellWriteResult:
        """Type a text into a shell of a task.

        Fails with `NOT_FOUND` when no shell of the name runs.

        Args:
            task_id: Id or name of a task.
            name: Name of the shell in its task.
            text: What to type. A newline is the Enter key; \u0003 is Ctrl-C, \u001b is Escape.
        """
        return self._call("task.shell.write", {"task_id": task_id, "name": name, "text": text})

    def read_shell(
        self,
        task_id: str,
        *,
        name: str = "main",
        offset: int | None = None,
        wait_for: str | None = None,
        wait_seconds: int = 10,
    ) -> TaskShellReadResult:
        """Read the screen of a shell of a task, as text.

        Fails with `NOT_FOUND` when the task never had a shell of the name.

        Args:
            task_id: Id or name of a task.
            name: Name of the shell in its task.
            offset: Cursor of the last answer; default: the beginning of what is shown (0 to 9007199254740991).
            wait_for: Text to wait for on the screen. Default: until there was no output for half a second.
            wait_seconds: Seconds to wait at most (0 to 3600).
        """
        return self._call(
            "task.shell.read",
            {"task_id": task_id, "name": name, "offset": offset, "wait_for": wait_for, "wait_seconds": wait_seconds},
        )

    def close_shell(self, task_id: str, *, name: str = "main") -> TaskShellCloseResult:
        """Hang up a shell of a task, and end everything that it has started.

        Its command gets HUP; 2 s later it is killed. Fails with `NOT_FOUND` when no shell of the name runs.

        Args:
            task_id: Id or name of a task.
            name: Name of the shell in its task.
        """
        return self._call("task.shell.close", {"task_id": task_id, "name": name})

    def start_service(
        self,
        task_id: str,
        name: str,
        *,
        command: str | Sequence[str],
        cwd: str | None = None,
        env: Mapping[str, str] | None = None,
        ready: str | None = None,
        ready_timeout_seconds: int = 60,
        publish: Sequence[str] | None = None,
        restart: str = "never",
        wait_seconds: int | None = None,
    ) -> TaskServiceStartResult:
        """Start a service in a task, and wait until it is ready.

        A stopped task is started first. The service keeps running without its client and daemon; an ended service of the same name is replaced. Fails with `SERVICE_NOT_READY` and the last lines of its output when it ends, or is not ready in time, and is then stopped; with `ALREADY_EXISTS` when a service of this name runs.

        Args:
            task_id: Id or name of a task.
            name: Name of the service in its task.
            command: One line for the guest's /bin/sh -c, or a list of words, which pyro quotes.
            cwd: Working directory of the command. Default: the image's, else /workspace; a relative path starts there.
            env: Additional environment variables.
            ready: Condition that makes it ready: http:PORT/PATH (status 200 to 399), tcp:PORT, file:PATH, log:TEXT (in its output) or command:CMD (exit status 0). Default: it was started.
            ready_timeout_seconds: Seconds until a service that is not ready is stopped (1 to 3600).
            publish: Ports to publish on 127.0.0.1 of the host while it runs: PORT, or HOST_PORT:PORT.
            restart: on-failure: start the command again when it fails, after 0.2 to 30 seconds.
            wait_seconds: Seconds to wait; the service then stays `starting`. Default: until it is ready or failed (0 to 3600).
        """
        return self._call(
            "task.service.start",
            {
                "task_id": task_id, "name": name, "command": command_line(command), "cwd": cwd, "env": env,
                "ready": ready, "ready_timeout_seconds": ready_timeout_seconds, "publish": publish, "restart": restart,
                "wait_seconds": wait_seconds,
            },
        )

    def list_services(self, task_id: str) -> TaskServiceListResult:
        """List the services of a task.

        Args:
            task_id: Id or name of a task.
        """
        return self._call("task.service.list", {"task_id": task_id})

    def status_service(self, task_id: str, name: str, *, wait_seconds: int = 0) -> TaskServiceStartResult:
        """Show a service of a task.

        Args:
            task_id: Id or name of a task.
            name: Name of the service in its task.
            wait_seconds: Seconds to wait while it is starting or waiting (0 to 3600).
        """
        return self._call("task.service.status", {"task_id": task_id, "name": name, "wait_seconds": wait_seconds})

    def logs_service(
        self,
        task_id: str,
        name: str,
        *,
        cursor: str | None = None,
        lines: int | None = None,
        max_bytes: int = 32768,
        wait_seconds: int = 0,
    ) -> TaskServiceLogsResult:
        """Show the output of a service, both streams in the order of arrival.

        A cursor continues where the answer with that cursor ended, or with the next command after a restart of the service.

        Args:
            task_id: Id or name of a task.
            name: Name of the service in its task.
            cursor: Where to begin: start, or the cursor of an answer. Default: the last lines of its latest command.
            lines: Without a cursor: the number of last lines (1 to 10000).
            max_bytes: Maximum bytes in the answer (1 to 1048576).
            wait_seconds: Seconds to wait when there is no new output (0 to 3600).
        """
        return self._call(
            "task.service.logs",
            {
                "task_id": task_id, "name": name, "cursor": cursor, "lines": lines, "max_bytes": max_bytes,
                "wait_seconds": wait_seconds,
            },
        )

    def stop_service(self, task_id: str, name: str, *, grace_seconds: int = 10) -> TaskServiceStartResult:
        """Stop a service of a task, and close the ports that it published.

        Its command gets TERM; when the command has ended, or after the grace, everything that it has started is killed. Repeating it is harmless.

        Args:
            task_id: Id or name of a task.
            name: Name of the service in its task.
            grace_seconds: Seconds between TERM and KILL (0 to 3600).
        """
        return self._call("task.service.stop", {"task_id": task_id, "name": name, "grace_seconds": grace_seconds})

    def status_task(self, task_id: str) -> TaskStatusResult:
        """Show one task.

        Args:
            task_id: Id or name of a task.
        """
        return self._call("task.status", {"task_id": task_id})

    def set_task_network(
        self,
        task_id: str,
        *,
        network_allow: Sequence[str] | None = None,
        network_deny: Sequence[str] | None = None,
        network_allow_host: Sequence[str] | None = None,
    ) -> TaskStatusResult:
        """Replace the network rules of a running task.

        A rule that is not given is gone. Connections that the new rules do not leave open without a name end. Later starts, snapshots and forks have the new rules. Fails with `FAILED_PRECONDITION` when the task is not started, when it has no network, and when an earlier pyro started its VM.

        Args:
            task_id: Id or name of a task.
            network_allow: Open these closed ranges: CIDR, CIDR:PORT, [CIDR]:PORT.
            network_deny: Close these ranges too, except where network_allow opens them.
            network_allow_host: Allow only these names, or *.NAME, over HTTP and TLS.
        """
        return self._call(
            "task.network",
            {
                "task_id": task_id, "network_allow": network_allow, "network_deny": network_deny,
                "network_allow_host": network_allow_host,
            },
        )

    def logs_task(self, task_id: str, *, interleaved: bool = False) -> TaskLogsResult:
        """Show every command of a task with its output.

        Args:
            task_id: Id or name of a task.
            interleaved: Also return the output of both streams as pieces, in the order of arrival.
        """
        return self._call("task.logs", {"task_id": task_id, "interleaved": interleaved})

    def list_tasks(self, *, labels: Sequence[str] | None = None) -> TaskListResult:
        """List the tasks.

        Args:
            labels: Only tasks with this label: KEY, or KEY=VALUE.
        """
        return self._call("task.list", {"labels": labels})

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
            "task.fork", {"task_id": task_id, "count": count, "name": name}, on_progress=on_progress,
            cancellation=cancellation,
        )

    def stop_task(self, task_id: str) -> TaskStatusResult:
        """Save a task with its running processes, and free its memory.

        The task is stopped until it is started, by `task.start` or by the next command or change of its files. Reading its files leaves it stopped. It survives the end of the daemon and of the host. Time in which it is stopped counts neither for time-outs nor for its time to live. Open connections end.

        Args:
            task_id: Id or name of a task.
        """
        return self._call("task.stop", {"task_id": task_id})

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
        return self._call("task.start", {"task_id": task_id}, on_progress=on_progress, cancellation=cancellation)

    def snapshot_task(self, task_id: str, *, name: str | None = None) -> TaskSnapshotCreateResult:
        """Save the present state of a task, with its running processes.

        The VM pauses for a moment and runs on. `task.fork` and `task.reset` start from the snapshot. It is deleted with its task. Fails with `ALREADY_EXISTS` when another snapshot has the name, with `HOST_NOT_ABLE` in `host_compat`.

        Args:
            task_id: Id or name of a task.
            name: Name, usable instead of the id.
        """
        return self._call("task.snapshot.create", {"task_id": task_id, "name": name})

    def list_snapshots(self, *, task: str | None = None) -> TaskSnapshotListResult:
        """List the snapshots, of all tasks or of one.

        Args:
            task: Only those of this task.
        """
        return self._call("task.snapshot.list", {"task": task})

    def delete_snapshot(self, snapshot_id: str) -> TaskSnapshotDeleteResult:
        """Remove a snapshot; tasks that started from it stay.

        No other snapshot and no running task needs it. Fails with `FAILED_PRECONDITION` while a stopped task starts from it; `details.needed_by` names the tasks.

        Args:
            snapshot_id: Id or name of a snapshot.
        """
        return self._call("task.snapshot.delete", {"snapshot_id": snapshot_id})

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

        What the task did since is gone; its log stays. Works on a failed task too. Commands of the snapshot are listed as new ones, still running. `seed` is the task as it was created. Fails with `FAILED_PRECONDITION` while commands run, unless `force` is set, and when the content of a file of the seed is not kept (`details.missing`).

        Args:
            task_id: Id or name of a task.
            to: Id or name of a snapshot, or `seed`.
            force: End running commands.
            on_progress: Called with each report of how far it is.
            cancellation: What cancels the call.
        """
        return self._call(
            "task.reset", {"task_id": task_id, "to": to, "force": force}, on_progress=on_progress,
            cancellation=cancellation,
        )

    def try_task(
        self,
        task_id: str,
        *,
        variants: Sequence[str] | None = None,
        variant_patches: Sequence[str] | None = None,
        check: str | None = None,
        keep: str = "none",
        timeout_seconds: int = 300,
        cwd: str | None = None,
        env: Mapping[str, str] | None = None,
        on_progress: OnProgress | None = None,
        cancellation: Cancellation | None = None,
    ) -> TaskTryResult:
        """Try variants, commands or patches, each in a fork of a task, and keep one.

        Each variant runs in a fork of its own, as many at once as the host has memory for, and then the check. A variant passes when its command exits with 0, or its patch fits, and the check exits with 0. A patch is applied as `task.patch` does: when it does not fit, its variant fails, and `stderr` lists the rejects. `keep` makes the fork of one variant the present state of the task, whose own changes meanwhile are lost; all other forks are removed, also after an interruption. A failure of one variant does not end the others.

        Args:
            task_id: Id or name of a task.
            variants: Commands to try. Their names are 1, 2, 3 and so on.
            variant_patches: Unified diffs to try (CLI: files of them), numbered after the commands.
            check: Command that decides after a variant whether it passes.
            keep: Fork that becomes the task: none, first-passing (in the given order), or the number of a variant.
            timeout_seconds: Seconds until a variant or a check is killed (1 to 86400).
            cwd: Working directory of the command. Default: the image's, else /workspace; a relative path starts there.
            env: Additional environment variables.
            on_progress: Called with each report of how far it is.
            cancellation: What cancels the call.
        """
        return self._call(
            "task.try",
            {
                "task_id": task_id, "variants": variants, "variant_patches": variant_patches, "check": check,
                "keep": keep, "timeout_seconds": timeout_seconds, "cwd": cwd, "env": env,
            },
            on_progress=on_progress, cancellation=cancellation,
        )

    def delete_task(self, task_id: str) -> TaskDeleteResult:
        """Remove a task, its VM and its logs; aborts running commands.

        Args:
            task_id: Id or name of a task.
        """
        return self._call("task.delete", {"task_id": task_id})

    def list_environments(self) -> EnvListResult:
        """List the environments."""
        return self._call("env.list", {})

    def pull_environment(
        self,
        environment: str,
        *,
        rebuild: bool = False,
        update: bool = False,
        plain_http: bool = False,
        on_progress: OnProgress | None = None,
        cancellation: Cancellation | None = None,
    ) -> EnvPullResult:
        """Pull an image, or build an environment from signed packages.

        An installed environment is verified, and repaired if damaged. The tag of a registry is compared with the installed image; only `update` takes another one. Fails with `ENVIRONMENT_UNKNOWN` for a name or file that does not exist, `ENVIRONMENT_BUILD_FAILED`, a `REGISTRY_` code, and an `ARCHIVE_` code for a layer that cannot be applied.

        Args:
            environment: Environment, such as debian:12, or an image, such as docker-archive:FILE.
            rebuild: Build it again, with newer packages or from the image as it is now.
            update: Take the image that the tag names in its registry now.
            plain_http: Ask a registry on this host's loopback without TLS.
            on_progress: Called with each report of how far it is.
            cancellation: What cancels the call.
        """
        return self._call(
            "env.pull", {"environment": environment, "rebuild": rebuild, "update": update, "plain_http": plain_http},
            on_progress=on_progress, cancellation=cancellation,
        )

    def inspect_environment(self, environment: str) -> EnvInspectResult:
        """Show one environment, its packages and digests.

        Fails with `ENVIRONMENT_UNKNOWN`.

        Args:
            environment: Environment, such as debian:12, or an image, such as docker-archive:FILE.
        """
        return self._call("env.inspect", {"environment": environment})

    def save_environment(
        self,
        source: str,
        name: str,
        *,
        disk_only: bool = False,
        on_progress: OnProgress | None = None,
        cancellation: Cancellation | None = None,
    ) -> EnvSaveResult:
        """Save a task or snapshot as an environment.

        `run` and `task.create` start from it, with its processes, or with its files alone after `disk_only`. It depends on no task and no snapshot. Fails with `ALREADY_EXISTS` when an environment has the name, with `FAILED_PRECONDITION` for a failed task, with `HOST_NOT_ABLE` in `host_compat`.

        Args:
            source: Id or name of a task or snapshot, or an environment that was saved with memory.
            name: Name of the new environment.
            disk_only: Save the files without memory and processes: smaller, for VMs of any size, and fit for an export.
            on_progress: Called with each report of how far it is.
            cancellation: What cancels the call.
        """
        return self._call(
            "env.save", {"source": source, "name": name, "disk_only": disk_only}, on_progress=on_progress,
            cancellation=cancellation,
        )

    def build_environment(
        self,
        name: str,
        *,
        from_: str,
        copy: Sequence[str] | None = None,
        run: Sequence[str] | None = None,
        script: str | None = None,
        env: Mapping[str, str] | None = None,
        user: str | None = None,
        workdir: str | None = None,
        vcpu_count: int = 1,
        mem_mib: int = 1024,
        disk_mib: int = 10240,
        network: bool = False,
        network_allow: Sequence[str] | None = None,
        network_deny: Sequence[str] | None = None,
        network_allow_host: Sequence[str] | None = None,
        network_host_proxy: bool = False,
        network_host_ca: bool = False,
        on_progress: OnProgress | None = None,
        cancellation: Cancellation | None = None,
    ) -> EnvBuildResult:
        """Build an environment on top of another one.

        The steps run as root in `/`, in this order: the variables, the copies, the commands, the script, the working directory. The result of each is kept: a later build continues after the last step that an earlier one has in common with it. A second build of the name replaces the first when it succeeds. Fails with `ENVIRONMENT_BUILD_FAILED` and the output of the step, with `ALREADY_EXISTS` when an environment that was not built has the name, with the codes of a run, and with those of a push for a source.

        Args:
            name: Name of the environment.
            from_: Environment or image to begin with.
            copy: SRC:DEST: copy a file, or the content of a directory, of this machine to this path of the guest.
            run: Command line to run.
            script: Script of this machine to run: with its #! line, else by /bin/sh.
            env: Environment of all commands, in the build and later.
            user: User of the environment's commands, as NAME, UID or USER:GROUP. Default: that of `from`.
            workdir: Directory in which the environment's commands start; made when it is missing. Default: that of `from`.
            vcpu_count: Virtual CPUs (1 to 16).
            mem_mib: Memory of the VM in MiB (256 to 65536).
            disk_mib: Maximum that a VM of the environment may write, in MiB (256 to 1048576).
            network: Connect the VM to a network; this host and private addresses stay closed.
            network_allow: Open these closed ranges: CIDR, CIDR:PORT, [CIDR]:PORT.
            network_deny: Close these ranges too, except where network_allow opens them.
            network_allow_host: Allow only these names, or *.NAME, over HTTP and TLS.
            network_host_proxy: Pass the host's proxy and apt settings to the VM, and allow their addresses.
            network_host_ca: Trust the host's additional certificate authorities; --network-host-proxy does too.
            on_progress: Called with each report of how far it is.
            cancellation: What cancels the call.
        """
        return self._call(
            "env.build",
            {
                "name": name, "from": from_, "copy": copy, "run": run, "script": script, "env": env, "user": user,
                "workdir": workdir, "vcpu_count": vcpu_count, "mem_mib": mem_mib, "disk_mib": disk_mib,
                "network": network, "network_allow": network_allow, "network_deny": network_deny,
                "network_allow_host": network_allow_host, "network_host_proxy": network_host_proxy,
                "network_host_ca": network_host_ca,
            },
            on_progress=on_progress, cancellation=cancellation,
        )

    def export_environment(
        self,
        environment: str,
        output: str,
        *,
        on_progress: OnProgress | None = None,
        cancellation: Cancellation | None = None,
    ) -> EnvExportResult:
        """Write an environment that was saved as a disk into one file.

        The file is a tar archive with everything that another host needs. The daemon writes it: over HTTP the path is absolute. Fails with `FAILED_PRECONDITION` for an environment with memory, which only this host can use, and with `FILE_EXISTS` when the file exists.

        Args:
            environment: Name of a saved environment.
            output: File that is made.
            on_progress: Called with each report of how far it is.
            cancellation: What cancels the call.
        """
        return self._call(
            "env.export", {"environment": environment, "output": output}, on_progress=on_progress,
            cancellation=cancellation,
        )

    def import_environment(
        self,
        file: str,
        *,
        name: str | None = None,
        on_progress: OnProgress | None = None,
        cancellation: Cancellation | None = None,
    ) -> EnvListEnvironment:
        """Add an environment from an exported file.

        Every byte is compared with its digest. The daemon reads the file: over HTTP the path is absolute. Fails with `ALREADY_EXISTS` when an environment has the name, with `ENVIRONMENT_CORRUPT` when the file is damaged or of a newer pyro.

        Args:
            file: File to read.
            name: Name of the environment; by default the one that it had.
            on_progress: Called with each report of how far it is.
            cancellation: What cancels the call.
        """
        return self._call(
            "env.import", {"file": file, "name": name}, on_progress=on_progress, cancellation=cancellation,
        )

    def prune_environments(self, *, dry_run: bool = False) -> EnvPruneResult:
        """Remove environments, templates and leftovers that no VM uses.

        Args:
            dry_run: List the items that would be removed; change nothing.
        """
        return self._call("env.prune", {"dry_run": dry_run})

    def remove_environment(self, environment: str) -> EnvRemoveResult:
        """Remove an installed environment and its templates.

        Fails with `ENVIRONMENT_UNKNOWN` when it is not installed, and with `FAILED_PRECONDITION` while a VM, task or snapshot uses it.

        Args:
            environment: Environment, such as debian:12, or an image, such as docker-archive:FILE.
        """
        return self._call("env.remove", {"environment": environment})

    def doctor(self) -> DoctorResult:
        """Check whether this host can run VMs, and list what is missing."""
        return self._call("doctor", {})
