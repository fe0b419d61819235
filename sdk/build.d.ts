// Constants that the build writes into the bundles; unbundled, they do not exist, and to name one throws.

/** The built dedicated worker as text, for a blob worker. It stands wherever it is named: name it once. */
declare const HEADWATER_WORKER_SOURCE: string;
