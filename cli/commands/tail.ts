/** `headwater tail`: the newest records of every partition, as they come. */
import { setTimeout as delay } from "node:timers/promises";
import { buildCommand } from "@stricli/core";
import { StreamApi } from "../api.ts";
import { STREAM_FLAGS, type StreamFlags } from "../connection.ts";
import type { Context } from "../context.ts";
import { type ExportedRecord, readPage, type RecordValue, type Stretch, stretchesOf } from "../export/records.ts";
import { ApiProblem } from "../failure.ts";
import { optionalCount } from "../flags.ts";
import { untilInterrupted } from "../interrupt.ts";
import { TAIL_LIMITS } from "../limits.ts";
import { harmless, note, print, showTime } from "../output.ts";

interface Flags extends StreamFlags {
  readonly last?: number;
  readonly format: "text" | "json";
}

export const tail = buildCommand<Flags, [], Context>({
  docs: {
    brief: "Print records as they are appended",
    fullDescription: `Print the newest records of every partition, and then what is appended, until Ctrl-C. Needs HEADWATER_ADMIN_TOKEN.

A line is append time, partition/offset, and the event. Partitions are asked once a second, one after the other; what is
appended in one of them comes in its order.

EXAMPLES
  headwater tail --stream clicks
  headwater tail --last 0 --format json | jq -r .adId`,
  },
  parameters: {
    flags: {
      ...STREAM_FLAGS,
      last: optionalCount(`records of each partition to begin with (default ${TAIL_LIMITS.lastDefault})`),
      format: {
        kind: "enum",
        values: ["text", "json"],
        default: "text",
        brief: "text for people, json: an object a line",
      },
    },
  },
  async func({ last = TAIL_LIMITS.lastDefault, format, ...connection }) {
    const api = new StreamApi(connection, this.env);
    const show = format === "json" ? toJson : toText;
    await untilInterrupted(
      (signal) => follow(api, last, signal, (record) => print(show(record))),
      () => "stopped.",
    );
  },
});

/** Never ends by itself. */
async function follow(
  api: StreamApi,
  last: number,
  signal: AbortSignal,
  show: (record: ExportedRecord) => void,
): Promise<never> {
  const stretches = await stretchesOf(api);
  const offsets = new Map(stretches.map(({ partition, from, to }) => [partition, Math.max(from, to - last)]));
  for (;;) {
    for (const [partition, offset] of offsets) {
      offsets.set(partition, await readOn(api, partition, offset, signal, show));
    }
    await delay(TAIL_LIMITS.pollMs, undefined, { signal });
  }
}

/** Shows what a partition has from an offset on; the offset after that. */
async function readOn(
  api: StreamApi,
  partition: number,
  from: number,
  signal: AbortSignal,
  show: (record: ExportedRecord) => void,
): Promise<number> {
  const endless: Stretch = { partition, from, to: Infinity };
  let offset = from;
  for (;;) {
    try {
      const page = await readPage(api, endless, offset, signal);
      page.records.forEach(show);
      offset = page.next;
      if (offset >= page.logEnd || page.records.length === 0) return offset;
    } catch (error) {
      if (!(error instanceof ApiProblem) || error.code !== "offset_trimmed") throw error;
      const start = (await stretchesOf(api)).find((stretch) => stretch.partition === partition)?.from ?? offset;
      note(`partition ${partition}: offsets ${offset} to ${start - 1} were trimmed before they could be shown.`);
      offset = start;
    }
  }
}

const toJson = ({ partition, offset, time, appendTime, attributes }: ExportedRecord): string =>
  harmless(JSON.stringify({ partition, offset, time, appendTime, ...attributes }));

function toText({ partition, offset, time, appendTime, attributes: { type, ...attributes } }: ExportedRecord): string {
  const event = Object.entries({ ...attributes, ...(time !== appendTime && { time: showTime(time) }) });
  const words = event.map(([name, value]) => `${name}=${showValue(value)}`);
  return [showTime(appendTime), `${partition}/${offset}`, type === undefined ? "" : showValue(type), ...words].join(
    " ",
  );
}

/** A text is quoted where it could be read otherwise. */
function showValue(value: RecordValue): string {
  const isPlain = typeof value !== "string" || /^[^\s"=]+$/.test(value);
  return harmless(isPlain ? String(value) : JSON.stringify(value));
}
