/** The optional capability of a repository that remembers records: it tells how old a copy is. */
export interface CopyKeeping {
  /**
   * How long ago the backend was asked for the copy from which a `get` would be answered now, in milliseconds; `undefined`
   * where a `get` would ask the backend.
   */
  copyAge(key: string): number | undefined;
}
