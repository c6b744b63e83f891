"""The same with asyncio: several commands at once, a terminal, and a kill in the middle."""

import asyncio

from e2b import AsyncSandbox


async def main():
    sandbox = await AsyncSandbox.create(timeout=120)
    outputs = await asyncio.gather(*(sandbox.commands.run(f"sleep 0.2; echo {i}") for i in range(5)))
    assert [each.stdout for each in outputs] == [f"{i}\n" for i in range(5)]
    await sandbox.files.write("a", b"\x00\xff")
    assert bytes(await sandbox.files.read("a", format="bytes")) == b"\x00\xff"
    seen = []
    watching = await sandbox.files.watch_dir(".", on_event=lambda event: seen.append(event.name))
    await sandbox.files.write("b", "x")
    for _ in range(200):
        if "b" in seen:
            break
        await asyncio.sleep(0.05)
    assert "b" in seen
    await watching.stop()
    endless = await sandbox.commands.run("sleep 100", background=True)
    assert await sandbox.kill()
    try:
        await endless.wait()
        raise AssertionError("the command outlived its sandbox")
    except AssertionError:
        raise
    except Exception:
        pass
    print("async done")


asyncio.run(main())
