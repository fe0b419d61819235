// The worker's entry: the two Durable Object classes and the fetch handler that wrangler.toml names.
import { DurableObject } from "cloudflare:workers";

export class PartitionObject extends DurableObject<Env> {}
export class StreamObject extends DurableObject<Env> {}

export default {
  fetch: () => Response.json({ status: "ok" }),
} satisfies ExportedHandler<Env>;
