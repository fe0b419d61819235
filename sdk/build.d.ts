// Constants that the build writes into the bundles; unbundled, they do not exist: ask with `typeof` first.

/** The built dedicated worker as text, for a blob worker. */
declare const HEADWATER_WORKER_SOURCE: string | undefined;
