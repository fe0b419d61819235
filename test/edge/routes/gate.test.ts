import { expect, test } from "vitest";
import { Gate } from "../../../edge/routes/gate.ts";

test("no more than so many work at the same time, in the order in which they came, and failures make room too", async () => {
  const gate = new Gate(2);
  const begun: number[] = [];
  let working = 0;
  let most = 0;
  const works = Array.from({ length: 7 }, (_, i) =>
    gate.run(async () => {
      begun.push(i);
      most = Math.max(most, ++working);
      await scheduler.wait(1);
      working--;
      if (i % 2 === 0) throw new Error("failed");
      return i;
    }),
  );
  const outcomes = await Promise.allSettled(works);
  expect(outcomes.map(({ status }) => status === "fulfilled")).toEqual([0, 1, 2, 3, 4, 5, 6].map((i) => i % 2 === 1));
  expect(begun).toEqual([0, 1, 2, 3, 4, 5, 6]);
  expect(most).toBe(2);
});
