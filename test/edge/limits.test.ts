import { expect, test } from "vitest";
import { CONFIG_LIMITS } from "../../edge/routes/limits.ts";
import { STREAM_LIMITS } from "../../edge/stream/limits.ts";

test("the wall lets through what the stream's object takes: the routes may not import its bounds, and repeat two of them", () => {
  const { partitionsMax, viewsMax } = STREAM_LIMITS;
  expect(CONFIG_LIMITS).toMatchObject({ partitionsMax, viewsMax });
});
