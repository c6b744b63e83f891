"""Operations on files with the rights of another user."""

import os
import pwd
import unittest

from files import FilesTest, record


@unittest.skipUnless(os.geteuid() == 0, "only root acts as another user")
class User(FilesTest):
    def setUp(self):
        super().setUp()
        os.mkdir(self.target)
        os.chmod(self.target, 0o777)
        folder = self.target
        # The scratch directory is root's alone.
        while folder not in ("/", "/tmp"):
            os.chmod(folder, os.stat(folder).st_mode | 0o055)
            folder = os.path.dirname(folder)

    def owner(self, name):
        status = os.stat(self.at(name))
        return status.st_uid, status.st_gid

    def write(self, name, user, content=b"x", **fields):
        return self.send("write", content, path=self.at(name), user=user, **fields)[1]

    def test_new_files_belong_to_the_user(self):
        nobody = pwd.getpwnam("nobody")
        cases = {"nobody": (nobody.pw_uid, nobody.pw_gid), "12345": (12345, 12345), "12345:7": (12345, 7), "nobody:root": (nobody.pw_uid, 0)}
        for number, (user, owner) in enumerate(cases.items()):
            answer = self.write(f"d{number}/f", user)
            self.assertTrue(answer["ok"], answer)
            self.assertTrue(self.write(f"d{number}/f", user, append=True)["ok"], user)
            self.assertTrue(self.wire.ask("mkdir", path=self.at(f"d{number}/e"), user=user)["created"])
            for name in ("", "/f", "/e"):
                self.assertEqual(self.owner(f"d{number}{name}"), owner, user + name)
        self.assertTrue(self.send("write", b"x", path=self.at("root"))[1]["ok"])
        self.assertEqual(self.owner("root"), (0, 0))

    def test_the_rights_of_the_user_apply(self):
        os.mkdir(self.at("closed"), 0o700)
        with open(self.at("closed/secret"), "w") as file:
            file.write("secret")
        with open(self.at("secret"), "w") as file:
            file.write("secret")
        os.chmod(self.at("secret"), 0o600)
        for name in ("secret", "closed/secret"):
            self.assert_error(self.receive("read", path=self.at(name), user="12345")[0], "IO", errno="EACCES")
        self.assert_error(self.receive("list", path=self.at("closed"), user="12345")[0], "IO", errno="EACCES")
        self.assert_error(self.wire.ask("stat", path=self.at("closed/secret"), user="12345"), "IO", errno="EACCES")
        self.assert_error(self.write("closed/f", "12345"), "IO", errno="EACCES")
        self.assert_error(self.write("secret", "12345", append=True), "IO", errno="EACCES")
        self.assert_error(self.wire.ask("mkdir", path=self.at("closed/d"), user="12345"), "IO", errno="EACCES")
        self.assert_error(self.wire.ask("remove", path=self.at("closed/secret"), user="12345"), "IO", errno="EACCES")
        self.assert_error(self.wire.ask("rename", path=self.at("closed/secret"), to=self.at("s"), user="12345"), "IO", errno="EACCES")
        # After each operation the agent has root's rights again.
        self.assertEqual(self.receive("read", path=self.at("closed/secret"))[1], b"secret")

    def test_rights_of_a_group(self):
        with open(self.at("shared"), "w") as file:
            file.write("shared")
        os.chown(self.at("shared"), 0, 7)
        os.chmod(self.at("shared"), 0o640)
        self.assertEqual(self.receive("read", path=self.at("shared"), user="12345:7")[1], b"shared")
        self.assert_error(self.receive("read", path=self.at("shared"), user="12345:8")[0], "IO", errno="EACCES")

    def test_a_write_in_pieces_keeps_the_rights_of_the_user(self):
        content = os.urandom(300_000)
        self.assertTrue(self.write("f", "12345", content)["ok"])
        self.assertEqual(self.owner("f"), (12345, 12345))
        self.assertEqual(self.receive("read", path=self.at("f"), user="12345")[1], content)

    def test_unknown_users_are_refused(self):
        for user in ("no-such-user", "nobody:no-such-group", "-1", "4294967295", "99999999999", "1x", "", ":", "nobody:", "a" * 200, "0x10"):
            self.assert_error(self.wire.ask("stat", path=self.at(""), user=user), "NO_SUCH_USER")
        self.assert_error(self.wire.ask("stat", path=self.at(""), user=7), "NO_SUCH_USER")

    def run_as(self, user, command):
        end, out, _ = self.wire.run(command, user=user)
        self.assertEqual(end["exit_code"], 0, command)
        return out.decode().strip()

    def test_a_command_has_the_user_s_rights_and_variables(self):
        os.chmod(self.at(""), 0o755)
        self.assertEqual(self.run_as("12345:7", "id -u; id -g; id -G; echo $HOME $USER $LOGNAME $SHELL"), "12345\n7\n7\n/ 12345 12345 /bin/sh")
        nobody = pwd.getpwnam("nobody")
        self.assertEqual(self.run_as("nobody", "echo $(id -u) $USER $HOME $SHELL"), f"{nobody.pw_uid} nobody {nobody.pw_dir} {nobody.pw_shell}")
        self.assertEqual(self.run_as("12345", "touch refused 2>/dev/null || echo no; grep CapEff /proc/self/status").split()[::2], ["no", "0000000000000000"])
        self.assertEqual(self.run_as("0", "id -u; echo $HOME"), "0\n/root")
        # Its streams are pipes or a terminal of its own.
        self.assertEqual(self.run_as("12345", "echo out >/dev/stdout; echo err >/dev/stderr"), "out")
        self.assertEqual(self.wire.run("id -u")[1], b"0\n")

    def test_a_command_of_nobody_known_is_refused(self):
        self.assert_error(self.wire.ask("start", command="true", cwd="/", user="no such user"), "NO_SUCH_USER")

    def test_the_supplementary_groups_are_those_of_the_group_list(self):
        with open("/etc/group") as groups:
            lines = [line.strip().split(":") for line in groups]
        name, number = next(((line[3].split(",")[0], line[2]) for line in lines if len(line) == 4 and line[3]), ("", ""))
        if name:
            self.assertIn(number, self.run_as(name, "id -G").split())

    def test_a_workspace_that_is_given_to_a_user_has_its_entries(self):
        self.assertTrue(self.wire.ask("own", user="12345:7")["ok"])
        content = record("d/f", content=b"x") + record("e", "directory", mode=0o755) + record("link", "symlink", target="f", mode=0o777)
        self.assertTrue(self.push(content, path=os.path.join(self.workspace, "in/here"))["ok"])
        for name in ("", "in", "in/here", "in/here/d", "in/here/d/f", "in/here/e", "in/here/link"):
            status = os.lstat(os.path.join(self.workspace, name))
            self.assertEqual((status.st_uid, status.st_gid), (12345, 7), name)
        self.assert_error(self.wire.ask("own", user="no such user"), "NO_SUCH_USER")
