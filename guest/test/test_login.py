"""The variables that a command gets from /etc/environment and from login files."""

import os

from agent import AgentTest

MOUNT = 'mount --bind "$1/etc" /etc && mount --bind "$1/root" /root && shift && exec env PYRO_AGENT_LOGIN=1 "$@"'


class Login(AgentTest):
    """An agent whose /etc and /root are folders of the test."""

    def make_workspace(self):
        super().make_workspace()
        for name in ("etc/profile.d", "root"):
            os.makedirs(os.path.join(self.folder, name))
        self.write("etc/profile", 'export FROM_PROFILE=1 PATH=/usr/bin:/bin\nfor f in /etc/profile.d/*.sh; do [ ! -r "$f" ] || . "$f"; done\n')
        self.write("root/.profile", "")
        self.wrapper = ("unshare", "-Urm", "sh", "-c", MOUNT, "sh", self.folder)

    def write(self, name, text, mode="w"):
        with open(os.path.join(self.folder, name), mode) as file:
            file.write(text)

    def variables(self, command="env -0", **env):
        _, out, _ = self.wire.run(command, env=env)
        return dict(pair.split("=", 1) for pair in out.decode().rstrip("\0").split("\0"))

    def test_etc_environment_is_read_for_each_command(self):
        self.assertNotIn("A", self.variables())
        lines = ["# comment", "A=1", 'export B="two words" ', "C='$A'", "LANG=de_DE.UTF-8", "no assignment", "1D=x", "E=", "A=2", " F=x=y"]
        self.write("etc/environment", "\n".join(lines))
        got = self.variables()
        self.assertEqual([got.get(name) for name in "ABCEF"], ["2", "two words", "$A", "", "x=y"])
        self.assertEqual(got["LANG"], "de_DE.UTF-8")
        self.assertNotIn("1D", got)

    def test_the_request_comes_before_etc_environment(self):
        self.write("etc/environment", "A=file\nHOME=/x\n")
        got = self.variables(A="request")
        self.assertEqual((got["A"], got["HOME"]), ("request", "/x"))

    def test_an_etc_environment_that_is_not_a_file_is_ignored(self):
        os.mkfifo(os.path.join(self.folder, "etc/environment"))
        self.assertEqual(self.variables()["HOME"], "/root")

    def test_a_huge_etc_environment_is_cut(self):
        self.write("etc/environment", "".join(f"V{i}=x\n" for i in range(5000)))
        self.assertEqual(sum(name.startswith("V") for name in self.variables()), 128)

    def test_login_files_cost_nothing_until_they_change(self):
        self.assertNotIn("FROM_PROFILE", self.variables())

    def test_a_changed_profile_of_root_is_read(self):
        self.write("root/.profile", 'PATH="$HOME/.cargo/bin:$PATH"\nexport FROM_HOME="a b"\n')
        got = self.variables()
        self.assertEqual((got.get("FROM_PROFILE"), got["FROM_HOME"]), (None, "a b"))
        self.assertTrue(got["PATH"].startswith("/root/.cargo/bin:/root/.local/bin:/usr/local/sbin:"), got["PATH"])

    def test_a_file_in_profile_d_is_read_and_then_the_profile_of_root(self):
        self.write("root/.profile", 'PATH="$HOME/bin:$PATH"\n')
        self.write("etc/profile.d/x.sh", "export FROM_D=1\n")
        got = self.variables()
        self.assertEqual((got["FROM_PROFILE"], got["FROM_D"], got["PATH"]), ("1", "1", "/root/bin:/usr/bin:/bin"))

    def test_the_request_comes_before_a_changed_profile(self):
        self.write("root/.profile", "export A=profile B=profile\n")
        got = self.variables(A="it's $B; a\nline", **{"--": "1", "no-name": "1"})
        self.assertEqual((got["A"], got["B"]), ("it's $B; a\nline", "profile"))

    def test_a_command_is_not_changed_by_a_changed_profile(self):
        self.write("root/.profile", "export A=1\n")
        end, out, _ = self.wire.run('printf "%s|" "$0" "$#" "it\'s"; exit 7')
        self.assertEqual((end["exit_code"], out), (7, b"/bin/sh|0|it's|"))
        end, _, _ = self.wire.run("kill -TERM $$")
        self.assertEqual(end["signal"], "TERM")

    def test_a_broken_profile_does_not_keep_commands_from_running(self):
        for text in (". /nonexistent\n", "if then fi (\n", "exit 3\n", "set -e; false\n", "set -u; $NOT\n", "exec 3>&2 >&-; cat\n"):
            self.write("root/.profile", text)
            end, out, _ = self.wire.run("cat; echo here")
            self.assertEqual((end["exit_code"], out), (0, b"here\n"), text)

    def test_the_output_of_a_profile_is_not_output_of_the_command(self):
        self.write("root/.profile", "echo hello\n")
        _, out, err = self.wire.run("echo out")
        self.assertEqual((out, err), (b"out\n", b"hello\n"))
