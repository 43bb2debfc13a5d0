/** Set by the build. */
declare const POSSUM_VERSION: string;
