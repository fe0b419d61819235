/** A build that is paused stands still in the partition, whatever happens, and goes on from there. */
import { expect, test } from "vitest";
import { BASE_TIME } from "../../support/events.ts";
import { clicks, generation, HeldPartition, MINUTE } from "./held-partition.ts";

const BASE_MINUTE = Math.floor(BASE_TIME / MINUTE) * MINUTE;
const another = { generation: 2, against: 1 } as const;

test("nothing is folded into a paused build, through appends, alarms and a crash; resumed, it is as if it had not been", async () => {
  const held = await HeldPartition.make();
  for (let i = 0; i < 4; i++) await held.append(clicks(4_000, BASE_MINUTE + i * 80_000, 20, i * 4_000));
  await held.configure({ generations: [generation(), generation({ ...another, paused: true })] });
  await held.ring();
  await held.ring();
  expect(await held.generation(2)).toMatchObject({ state: "building", next: 0 });
  await held.append(clicks(10, BASE_MINUTE));
  await held.abort();
  await held.ring();
  expect(await held.generation(2)).toMatchObject({ state: "building", next: 0 });
  expect((await held.queryView()).digest, "what answers goes on").toBe((await held.queryLog()).digest);

  await held.configure({ generations: [generation(), generation(another)] });
  await held.settle();
  expect((await held.queryView({}, 2)).digest).toBe((await held.queryLog()).digest);
});

test("a paused build does not hold up another one", async () => {
  const held = await HeldPartition.make();
  for (let i = 0; i < 4; i++) await held.append(clicks(4_000, BASE_MINUTE + i * 80_000, 20, i * 4_000));
  const other = generation({ view: "other" });
  await held.configure({ generations: [generation(), generation({ ...another, paused: true }), other] });
  for (let i = 0; i < 20; i++) await held.ring();
  expect(await held.generation(1, "other")).toMatchObject({ state: "caught-up", next: 16_000 });
  expect(await held.generation(2)).toMatchObject({ state: "building", next: 0 });
});
