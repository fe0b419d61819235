/** The directory of names. */
import { describe, expect, it } from "vitest";
import { HeldStream } from "./held-stream.ts";

describe("the directory", () => {
  it("gives a name one random id, however often and by however many it is asked", async () => {
    const directory = new HeldStream();
    const all = await directory.call((stream) =>
      Promise.all(["clicks", "clicks", "views"].map((name) => stream.register(name))),
    );
    expect(all.map(({ created }) => created)).toEqual([true, false, true]);
    expect(all[0]?.streamId).toMatch(/^[0-9a-f]{32}$/);
    expect(all[1]?.streamId).toBe(all[0]?.streamId);
    expect(all[2]?.streamId).not.toBe(all[0]?.streamId);
    directory.crash();
    expect(await directory.call((stream) => stream.resolve("clicks"))).toBe(all[0]?.streamId);
    expect(await directory.call((stream) => stream.resolve("constructor"))).toBeNull();
    expect((await directory.call((stream) => stream.list())).map(({ name }) => name)).toEqual(["clicks", "views"]);
  });

  it("gives a name that was freed a new id, which a late unregister of the old one does not free", async () => {
    const directory = new HeldStream();
    const first = await directory.call((stream) => stream.register("clicks"));
    await directory.call((stream) => stream.unregister("clicks", first.streamId));
    expect(await directory.call((stream) => stream.resolve("clicks"))).toBeNull();
    const second = await directory.call((stream) => stream.register("clicks"));
    expect(second.created).toBe(true);
    expect(second.streamId).not.toBe(first.streamId);
    await directory.call((stream) => stream.unregister("clicks", first.streamId));
    expect(await directory.call((stream) => stream.resolve("clicks"))).toBe(second.streamId);
  });
});
