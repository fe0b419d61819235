/** Events as columns: what the client said, what the edge adds, and what is refused on the way. */
import { describe, expect, it } from "vitest";
import { parseAppendRequest } from "#protocol";
import { type Enrichment, tabulate } from "../../../edge/routes/event-table.ts";

const NOW = Date.UTC(2026, 0, 1);
const DAY_MS = 86_400_000;
const EDGE: Enrichment = { country: "AT", device: "mobile", ip: "203.0.113.7" };

function table(body: object, enrichment: Enrichment | null = EDGE) {
  const request = parseAppendRequest(body, 1_000);
  if (!request.ok) throw new Error(JSON.stringify(request.failure));
  const { events, indexes, rejected } = tabulate(request.value, enrichment, NOW);
  const columns = Object.fromEntries(events.attributes.map(({ name, values }) => [name, values]));
  return { count: events.count, times: [...events.times], indexes: indexes && [...indexes], rejected, columns };
}

describe("columns", () => {
  it("hold null where an event lacks the attribute, before or after it first came", () => {
    const { columns } = table({ events: [{ a: 1 }, { b: "x" }, { a: false, type: "view" }] }, null);
    expect(columns).toEqual({ type: ["click", "click", "view"], a: [1, null, false], b: [null, "x", null] });
  });

  it("do not exist for an attribute that is only ever null", () => {
    expect(table({ context: { c: "x" }, events: [{ c: null }] }, null).columns).toEqual({ type: ["click"] });
  });

  it("keep their places in the batch when a neighbour is refused", () => {
    const { count, indexes, rejected, times, columns } = table({
      events: [{ a: 1, time: NOW }, { a: [] }, { a: 2, time: 0 }, 7, { a: 3, time: NOW - 1 }],
    });
    expect({ count, indexes, times }).toEqual({ count: 2, indexes: [0, 4], times: [NOW, NOW - 1] });
    expect(columns["a"]).toEqual([1, 3]);
    expect(rejected.map(({ index, code }) => [index, code])).toEqual([
      [1, "invalid_type"],
      [2, "too_old"],
      [3, "invalid_type"],
    ]);
  });

  it("are at most as many as a stream may have names: the event that brings one more is refused", () => {
    const wide = (from: number) => Object.fromEntries(Array.from({ length: 64 }, (_, i) => [`a${from + i}`, i]));
    const { count, rejected } = table({ events: [wide(0), wide(64), wide(128), wide(190), wide(256), wide(3)] }, null);
    expect(count).toBe(5);
    expect(rejected).toMatchObject([{ index: 4, code: "too_many_attributes" }]);
  });
});

describe("enrichment of what pages send", () => {
  it("adds country, device and address", () => {
    expect(table({ events: [{}] }).columns).toMatchObject({ country: ["AT"], device: ["mobile"], ip: ["203.0.113.7"] });
  });

  it("leaves country and device as the event has them, even as null", () => {
    const { columns } = table({ events: [{ country: "DE", device: null }, { country: null }] });
    expect(columns).toMatchObject({ country: ["DE", null], device: [null, "mobile"] });
  });

  it("leaves them as the context has them", () => {
    expect(table({ context: { country: "DE" }, events: [{}] }).columns).toMatchObject({ country: ["DE"] });
  });

  it("never believes an address", () => {
    expect(table({ context: { ip: "8.8.8.8" }, events: [{ ip: "1.1.1.1" }] }).columns["ip"]).toEqual(["203.0.113.7"]);
    expect(table({ events: [{ ip: "1.1.1.1" }] }, { ...EDGE, ip: null }).columns).not.toHaveProperty("ip");
  });

  it("adds nothing to an import, and keeps its address", () => {
    expect(table({ events: [{ ip: "1.1.1.1" }] }, null).columns).toEqual({ type: ["click"], ip: ["1.1.1.1"] });
  });
});

describe("time", () => {
  it("is now where nothing is said", () => {
    expect(table({ events: [{}] }).times).toEqual([NOW]);
    expect(table({ events: [{ time: null }] }, null).times).toEqual([NOW]);
  });

  it("of a page is moved by what its clock is off, and never lies ahead", () => {
    const sentAt = NOW + 10 * DAY_MS;
    expect(table({ sentAt, events: [{ time: sentAt - 5_000 }, { time: sentAt + 5_000 }] }).times).toEqual([
      NOW - 5_000,
      NOW,
    ]);
  });

  it("of a page is left alone when its clock is off by less than a minute", () => {
    expect(table({ sentAt: NOW - 59_000, events: [{ time: NOW - 70_000 }] }).times).toEqual([NOW - 70_000]);
  });

  it("of an import is kept, unless it is more than a day ahead", () => {
    const { times, rejected } = table(
      { events: [{ time: 0 }, { time: NOW + DAY_MS }, { time: NOW + DAY_MS + 1 }] },
      null,
    );
    expect(times).toEqual([0, NOW + DAY_MS]);
    expect(rejected).toMatchObject([{ index: 2, code: "in_future" }]);
  });
});
