# Rendered from src/contract/ by `npm run docs`. Do not edit.
"""The operations of one task, for asyncio."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from os import PathLike

from ._async_calls import OnOutput, OnProgress, Stdin
from ._async_operations import AsyncOperations
from ._calls import Default
from ._results import (
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
    TaskStatusResult,
    TaskSyncPullResult,
    TaskSyncPushResult,
    TaskSyncUndoResult,
    TaskTryResult,
)


class AsyncTaskOperations:
    """The operations of one task: a coroutine for each whose first field is ``task_id``.

    Attributes:
        task_id: Its id.
    """

    def __init__(self, operations: AsyncOperations, task_id: str) -> None:
        self._operations = operations
        self.task_id = task_id

    async def sync_push(
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
    ) -> TaskSyncPushResult:
        """Copy a directory or an archive into a task's workspace, all of it or nothing: see ``AsyncPyro.push_task_sync``."""
        return await self._operations.push_task_sync(
            self.task_id, source_path, dest=dest, git_tracked=git_tracked, with_git=with_git, exclude=exclude,
            include=include, links=links, delete=delete, dry_run=dry_run, on_progress=on_progress,
        )

    async def sync_pull(
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
        """Copy a task's changes back to this machine, all of them or none: see ``AsyncPyro.pull_task_sync``."""
        return await self._operations.pull_task_sync(
            self.task_id, destination=destination, paths=paths, dry_run=dry_run, on_conflict=on_conflict, delete=delete,
            exclude=exclude, include=include,
        )

    async def sync_undo(self) -> TaskSyncUndoResult:
        """Undo the last pull of a task on this machine: see ``AsyncPyro.undo_task_sync``."""
        return await self._operations.undo_task_sync(self.task_id)

    async def diff(
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
        """Show what a task changed in its workspace: see ``AsyncPyro.diff_task``."""
        return await self._operations.diff_task(
            self.task_id, paths=paths, since=since, stat=stat, name_only=name_only, after=after, exclude=exclude,
            include=include,
        )

    async def patch(self, patch: str, *, dry_run: bool = False, reverse: bool = False) -> TaskPatchResult:
        """Apply a unified diff to a task's workspace, all of it or nothing: see ``AsyncPyro.patch_task``."""
        return await self._operations.patch_task(self.task_id, patch, dry_run=dry_run, reverse=reverse)

    async def export(self, path: str, output: str, *, force: bool = False) -> TaskExportToResult:
        """Save files of a task on this machine, as an archive or a directory: see ``AsyncPyro.export_task``."""
        return await self._operations.export_task(self.task_id, path, output, force=force)

    async def list_files(
        self,
        path: str = "/workspace",
        *,
        recursive: bool = False,
        limit: int = 500,
        after: str | None = None,
        user: str | None = None,
    ) -> TaskFileListResult:
        """List the files of a task: see ``AsyncPyro.list_task_files``."""
        return await self._operations.list_task_files(
            self.task_id, path=path, recursive=recursive, limit=limit, after=after, user=user,
        )

    async def stat_file(self, path: str, *, user: str | None = None) -> TaskFileStatResult:
        """Show one file of a task: see ``AsyncPyro.stat_task_file``."""
        return await self._operations.stat_task_file(self.task_id, path, user=user)

    async def read_file(
        self,
        path: str,
        *,
        offset: int = 0,
        max_bytes: int = 1048576,
        encoding: str = "utf8",
        user: str | None = None,
    ) -> TaskFileReadResult:
        """Read a file of a task: see ``AsyncPyro.read_task_file``."""
        return await self._operations.read_task_file(
            self.task_id, path, offset=offset, max_bytes=max_bytes, encoding=encoding, user=user,
        )

    async def view_file(
        self,
        path: str,
        *,
        offset: int = 1,
        limit: int = 2000,
        user: str | None = None,
    ) -> TaskFileViewResult:
        """Show lines of a text file, or an image, as a model reads it: see ``AsyncPyro.view_task_file``."""
        return await self._operations.view_task_file(self.task_id, path, offset=offset, limit=limit, user=user)

    async def write_file(
        self,
        path: str,
        content: Stdin,
        *,
        encoding: str = "utf8",
        mode: str | None = None,
        append: bool = False,
        user: str | None = None,
    ) -> TaskFileWriteResult:
        """Write a file of a task: see ``AsyncPyro.write_task_file``."""
        return await self._operations.write_task_file(
            self.task_id, path, content, encoding=encoding, mode=mode, append=append, user=user,
        )

    async def edit_file(
        self,
        path: str,
        *,
        old: str,
        new: str,
        all: bool = False,
        user: str | None = None,
    ) -> TaskFileEditResult:
        """Replace a text in a file of a task: see ``AsyncPyro.edit_task_file``."""
        return await self._operations.edit_task_file(self.task_id, path, old=old, new=new, all=all, user=user)

    async def make_directory(self, path: str, *, mode: str | None = None, user: str | None = None) -> TaskFileMkdirResult:
        """Create a directory in a task, with its parents: see ``AsyncPyro.make_task_directory``."""
        return await self._operations.make_task_directory(self.task_id, path, mode=mode, user=user)

    async def move_file(self, path: str, to: str, *, replace: bool = False, user: str | None = None) -> TaskFileMoveResult:
        """Rename a file or directory of a task: see ``AsyncPyro.move_task_file``."""
        return await self._operations.move_task_file(self.task_id, path, to, replace=replace, user=user)

    async def remove_file(self, path: str, *, recursive: bool = False, user: str | None = None) -> TaskFileRemoveResult:
        """Remove a file or directory of a task: see ``AsyncPyro.remove_task_file``."""
        return await self._operations.remove_task_file(self.task_id, path, recursive=recursive, user=user)

    async def exec(
        self,
        command: str | Sequence[str],
        *,
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
    ) -> TaskExecResult:
        """Run a command in a task; the task stays: see ``AsyncPyro.exec_task``."""
        return await self._operations.exec_task(
            self.task_id, command=command, timeout_seconds=timeout_seconds, cwd=cwd, env=env, user=user, tty=tty,
            rows=rows, cols=cols, interleaved=interleaved, background=background, stdin=stdin, check=check,
            on_stdout=on_stdout, on_stderr=on_stderr, on_progress=on_progress,
        )

    async def output(
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
        """Read a command's output from an offset: see ``AsyncPyro.output_task``."""
        return await self._operations.output_task(
            self.task_id, sequence, stdout_offset=stdout_offset, stderr_offset=stderr_offset, max_bytes=max_bytes,
            wait_seconds=wait_seconds, wait_for=wait_for, interleaved=interleaved,
        )

    async def signal(self, sequence: int, signal: str = "TERM") -> TaskExecSignalResult:
        """Send a signal to a running command; KILL also ends every process it started: see ``AsyncPyro.signal_task``."""
        return await self._operations.signal_task(self.task_id, sequence, signal=signal)

    async def wait(self, sequence: int, *, timeout_seconds: int | None = None, interleaved: bool = False) -> TaskExecResult:
        """Wait until a command of a task has ended, and return its result: see ``AsyncPyro.wait_task``."""
        return await self._operations.wait_task(
            self.task_id, sequence, timeout_seconds=timeout_seconds, interleaved=interleaved,
        )

    async def publish_port(self, port: int, *, host_port: int | None = None) -> TaskPortPublishResult:
        """Make a server in a task reachable on 127.0.0.1 of the host: see ``AsyncPyro.publish_port``."""
        return await self._operations.publish_port(self.task_id, port, host_port=host_port)

    async def list_ports(self) -> TaskPortListResult:
        """List the published ports of a task: see ``AsyncPyro.list_ports``."""
        return await self._operations.list_ports(self.task_id)

    async def close_port(self, port: int) -> TaskPortCloseResult:
        """Stop publishing a port of a task, and close its connections: see ``AsyncPyro.close_port``."""
        return await self._operations.close_port(self.task_id, port)

    async def open_shell(
        self,
        *,
        name: str = "main",
        command: str | Sequence[str] | None = None,
        cwd: str | None = None,
        env: Mapping[str, str] | None = None,
        rows: int = 24,
        cols: int = 80,
    ) -> TaskShellOpenResult:
        """Start a named terminal in a task, unless it runs: see ``AsyncPyro.open_shell``."""
        return await self._operations.open_shell(
            self.task_id, name=name, command=command, cwd=cwd, env=env, rows=rows, cols=cols,
        )

    async def list_shells(self, *, all: bool = False) -> TaskShellListResult:
        """List the shells of a task: see ``AsyncPyro.list_shells``."""
        return await self._operations.list_shells(self.task_id, all=all)

    async def write_shell(self, text: str, *, name: str = "main") -> TaskShellWriteResult:
        """Type a text into a shell of a task: see ``AsyncPyro.write_shell``."""
        return await self._operations.write_shell(self.task_id, text, name=name)

    async def read_shell(
        self,
        *,
        name: str = "main",
        offset: int | None = None,
        wait_for: str | None = None,
        wait_seconds: int = 10,
    ) -> TaskShellReadResult:
        """Read the screen of a shell of a task, as text: see ``AsyncPyro.read_shell``."""
        return await self._operations.read_shell(
            self.task_id, name=name, offset=offset, wait_for=wait_for, wait_seconds=wait_seconds,
        )

    async def close_shell(self, name: str = "main") -> TaskShellCloseResult:
        """Hang up a shell of a task, and end everything that it has started: see ``AsyncPyro.close_shell``."""
        return await self._operations.close_shell(self.task_id, name=name)

    async def start_service(
        self,
        name: str,
        command: str | Sequence[str],
        *,
        cwd: str | None = None,
        env: Mapping[str, str] | None = None,
        ready: str | None = None,
        ready_timeout_seconds: int = 60,
        publish: Sequence[str] | None = None,
        restart: str = "never",
        wait_seconds: int | None = None,
    ) -> TaskServiceStartResult:
        """Start a service in a task, and wait until it is ready: see ``AsyncPyro.start_service``."""
        return await self._operations.start_service(
            self.task_id, name, command=command, cwd=cwd, env=env, ready=ready,
            ready_timeout_seconds=ready_timeout_seconds, publish=publish, restart=restart, wait_seconds=wait_seconds,
        )

    async def list_services(self) -> TaskServiceListResult:
        """List the services of a task: see ``AsyncPyro.list_services``."""
        return await self._operations.list_services(self.task_id)

    async def status_service(self, name: str, *, wait_seconds: int = 0) -> TaskServiceStartResult:
        """Show a service of a task: see ``AsyncPyro.status_service``."""
        return await self._operations.status_service(self.task_id, name, wait_seconds=wait_seconds)

    async def logs_service(
        self,
        name: str,
        *,
        cursor: str | None = None,
        lines: int | None = None,
        max_bytes: int = 32768,
        wait_seconds: int = 0,
    ) -> TaskServiceLogsResult:
        """Show the output of a service, both streams in the order of arrival: see ``AsyncPyro.logs_service``."""
        return await self._operations.logs_service(
            self.task_id, name, cursor=cursor, lines=lines, max_bytes=max_bytes, wait_seconds=wait_seconds,
        )

    async def stop_service(self, name: str, *, grace_seconds: int = 10) -> TaskServiceStartResult:
        """Stop a service of a task, and close the ports that it published: see ``AsyncPyro.stop_service``."""
        return await self._operations.stop_service(self.task_id, name, grace_seconds=grace_seconds)

    async def status(self) -> TaskStatusResult:
        """Show one task: see ``AsyncPyro.status_task``."""
        return await self._operations.status_task(self.task_id)

    async def set_network(
        self,
        *,
        network_allow: Sequence[str] | None = None,
        network_deny: Sequence[str] | None = None,
        network_allow_host: Sequence[str] | None = None,
    ) -> TaskStatusResult:
        """Replace the network rules of a running task: see ``AsyncPyro.set_task_network``."""
        return await self._operations.set_task_network(
            self.task_id, network_allow=network_allow, network_deny=network_deny, network_allow_host=network_allow_host,
        )

    async def logs(self, *, interleaved: bool = False) -> TaskLogsResult:
        """Show every command of a task with its output: see ``AsyncPyro.logs_task``."""
        return await self._operations.logs_task(self.task_id, interleaved=interleaved)

    async def fork(
        self,
        *,
        count: int = 1,
        name: str | None = None,
        on_progress: OnProgress | None = None,
    ) -> TaskForkResult:
        """Copy a task with its running processes: see ``AsyncPyro.fork_task``."""
        return await self._operations.fork_task(self.task_id, count=count, name=name, on_progress=on_progress)

    async def stop(self) -> TaskStatusResult:
        """Save a task with its running processes, and free its memory: see ``AsyncPyro.stop_task``."""
        return await self._operations.stop_task(self.task_id)

    async def start(self, *, on_progress: OnProgress | None = None) -> TaskStatusResult:
        """Continue a stopped task where it was stopped: see ``AsyncPyro.start_task``."""
        return await self._operations.start_task(self.task_id, on_progress=on_progress)

    async def snapshot(self, *, name: str | None = None) -> TaskSnapshotCreateResult:
        """Save the present state of a task, with its running processes: see ``AsyncPyro.snapshot_task``."""
        return await self._operations.snapshot_task(self.task_id, name=name)

    async def reset(
        self,
        *,
        to: str = "seed",
        force: bool = False,
        on_progress: OnProgress | None = None,
    ) -> TaskStatusResult:
        """Go back to a snapshot of a task, or to its beginning: see ``AsyncPyro.reset_task``."""
        return await self._operations.reset_task(self.task_id, to=to, force=force, on_progress=on_progress)

    async def try_variants(
        self,
        *,
        variants: Sequence[str] | None = None,
        variant_patches: Sequence[str] | None = None,
        check: str | None = None,
        keep: str = "none",
        timeout_seconds: int = 300,
        cwd: str | None = None,
        env: Mapping[str, str] | None = None,
        on_progress: OnProgress | None = None,
    ) -> TaskTryResult:
        """Try variants, commands or patches, each in a fork of a task, and keep one: see ``AsyncPyro.try_task``."""
        return await self._operations.try_task(
            self.task_id, variants=variants, variant_patches=variant_patches, check=check, keep=keep,
            timeout_seconds=timeout_seconds, cwd=cwd, env=env, on_progress=on_progress,
        )

    async def delete(self) -> TaskDeleteResult:
        """Remove a task, its VM and its logs; aborts running commands: see ``AsyncPyro.delete_task``."""
        return await self._operations.delete_task(self.task_id)
