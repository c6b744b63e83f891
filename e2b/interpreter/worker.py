"""One context of the interpreter: runs Python, or lines of bash, and keeps the state between runs."""

import ast
import base64
import builtins
import json
import os
import signal
import sys

REPLY = os.fdopen(int(os.environ.pop("PYRO_REPLY")), "wb", buffering=0)
REQUESTS = os.fdopen(int(os.environ.pop("PYRO_REQUESTS")), "rb")
for pipe in (REPLY, REQUESTS):
    os.set_inheritable(pipe.fileno(), False)

# Imports that most code does not need wait until it does: each costs an emulated guest tens of milliseconds.
COROUTINE = 0x80

FORMATS = {
    "_repr_html_": ("html", "text/html"),
    "_repr_markdown_": ("markdown", "text/markdown"),
    "_repr_svg_": ("svg", "image/svg+xml"),
    "_repr_png_": ("png", "image/png"),
    "_repr_jpeg_": ("jpeg", "image/jpeg"),
    "_repr_pdf_": ("pdf", "application/pdf"),
    "_repr_latex_": ("latex", "text/latex"),
    "_repr_json_": ("json", "application/json"),
    "_repr_javascript_": ("javascript", "application/javascript"),
}
module = type(sys)("__main__")
sys.modules["__main__"] = module
space = module.__dict__
space["__builtins__"] = builtins
loop = None
# The cells, as tracebacks read them.
sources = {}


def send(event):
    data = json.dumps(event, default=str).encode() + b"\n"
    while data:
        data = data[REPLY.write(data) :]


def plain(value):
    return base64.b64encode(value).decode() if isinstance(value, bytes) else value


def describe(value):
    """The forms that a value has, by the names of E2B."""
    forms = {"text": repr(value)}
    if isinstance(value, type):
        return forms
    for method, (name, _) in FORMATS.items():
        render = getattr(value, method, None)
        if render is None:
            continue
        try:
            form = render()
        except Exception:
            continue
        if isinstance(form, tuple):
            form = form[0]
        if form is not None:
            forms[name] = plain(form)
    bundle = getattr(value, "_repr_mimebundle_", None)
    if bundle is not None:
        try:
            found = bundle(None, None)
            found = found[0] if isinstance(found, tuple) else found
            forms.update({name: plain(found[kind]) for name, kind in FORMATS.values() if kind in found})
        except Exception:
            pass
    return forms


def display(*values, **_):
    """Shows values among the results, as IPython's function of that name."""
    sys.stdout.flush()
    for value in values:
        send({"type": "result", "is_main_result": False, **describe(value)})


def show_figures():
    """The figures of matplotlib that the code has made and not closed."""
    plots = sys.modules.get("matplotlib.pyplot")
    if plots is None:
        return
    import io

    for number in plots.get_fignums():
        figure, picture = plots.figure(number), io.BytesIO()
        figure.savefig(picture, format="png", bbox_inches="tight")
        send({"type": "result", "is_main_result": False, "text": repr(figure), "png": plain(picture.getvalue())})
    plots.close("all")


def shell(line):
    import subprocess

    sys.stdout.flush()
    process = subprocess.Popen(["/bin/bash", "-c", line])
    try:
        return process.wait()
    except BaseException:
        # If it continued, its later output would count as output of the next run.
        process.kill()
        process.wait()
        raise


def run_line(line):
    shell(line)


def without_magic(code):
    """Lines that begin with `!` or `%pip` run in a shell, as in a notebook."""
    try:
        ast.parse(code)
        return code
    except SyntaxError:
        pass
    lines = []
    for line in code.split("\n"):
        text = line.lstrip()
        indent = line[: len(line) - len(text)]
        if text.startswith("!"):
            line = f"{indent}__pyro_shell__({text[1:]!r})"
        elif text.startswith("%pip "):
            line = f"{indent}__pyro_shell__({sys.executable + ' -m ' + text[1:]!r})"
        lines.append(line)
    return "\n".join(lines)


def run_code(compiled):
    global loop
    if not compiled.co_flags & COROUTINE:
        return eval(compiled, space)
    import asyncio

    if loop is None:
        loop = asyncio.new_event_loop()
        asyncio.set_event_loop(loop)
    return loop.run_until_complete(eval(compiled, space))


def run_python(code, count):
    name = f"<cell {count}>"
    code = without_magic(code)
    sources[name] = (len(code), None, code.splitlines(True), name)
    tree = ast.parse(code, name)
    last = tree.body.pop() if tree.body and isinstance(tree.body[-1], ast.Expr) else None
    flags = ast.PyCF_ALLOW_TOP_LEVEL_AWAIT
    run_code(compile(tree, name, "exec", flags))
    if last is not None:
        value = run_code(compile(ast.Expression(last.value), name, "eval", flags))
        show_figures()
        if value is not None:
            space["_"] = value
            send({"type": "result", "is_main_result": True, **describe(value)})
    show_figures()


def run_bash(code, count):
    status = shell(code)
    if status != 0:
        raise RuntimeError(f"exit status {status}")


def run(request):
    before = dict(os.environ)
    os.environ.update(request["env"])
    try:
        perform = run_bash if sys.argv[1] == "bash" else run_python
        signal.signal(signal.SIGINT, signal.default_int_handler)
        perform(request["code"], request["count"])
    except BaseException as error:
        import linecache
        import traceback

        linecache.cache.update(sources)
        # Leaves out the frames of this file: they say nothing about the user's code.
        frames = error.__traceback__
        while frames is not None and frames.tb_frame.f_code.co_filename == __file__:
            frames = frames.tb_next
        text = "".join(traceback.format_exception(type(error), error, frames))
        send({"type": "error", "name": type(error).__name__, "value": str(error), "traceback": text})
    finally:
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        os.environ.clear()
        os.environ.update(before)
        for stream in (sys.stdout, sys.stderr):
            try:
                stream.flush()
            except Exception:
                pass


def main():
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    sys.stdout.reconfigure(line_buffering=True, write_through=False, encoding="utf-8")
    sys.stderr.reconfigure(encoding="utf-8")
    sys.path.insert(0, "")
    builtins.display = display
    builtins.__pyro_shell__ = run_line
    while True:
        head = REQUESTS.read(4)
        if len(head) < 4:
            return
        request = json.loads(REQUESTS.read(int.from_bytes(head, "big")))
        run(request)
        send({"type": "end"})


main()
