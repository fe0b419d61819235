// What wrangler.toml binds to the worker, as the code sees it. Kept by hand rather than generated, because it says
// more: which bindings may be absent. Raw workerd has no rate limits and no assets, and a secret is set or it is not.

declare namespace Cloudflare {
  /** Types `exports` of cloudflare:workers, by which tests call the worker. */
  interface GlobalProps {
    mainModule: typeof import("./index.ts");
    durableNamespaces: "PartitionObject" | "StreamObject";
  }

  interface Env {
    /** One object per partition of a stream: the log and its views. */
    readonly PARTITION: DurableObjectNamespace<import("./index.ts").PartitionObject>;
    /** One object per stream: configuration, keys, generations, replay jobs. */
    readonly STREAM: DurableObjectNamespace<import("./index.ts").StreamObject>;
    /** The built demo. */
    readonly ASSETS?: Fetcher;
    /** First gate on (write key, client address). */
    readonly KEY_ADDRESS_LIMIT?: RateLimit;
    /** First gate on the key alone. */
    readonly KEY_LIMIT?: RateLimit;
    /** Opens /admin. Unset, /admin answers 503 admin_disabled. */
    readonly ADMIN_TOKEN?: string;
    /** "1" under `npm start` and `npm run dev`: new streams allow every origin. Never set in production. */
    readonly HEADWATER_DEV?: string;
    /** Where streams keep what retention trims, if they want to. */
    readonly ARCHIVE?: R2Bucket;
  }
}

interface Env extends Cloudflare.Env {}
