/**
 * A mutant that no test can kill, since nothing that anybody could see has changed, or nothing but speed or words for people.
 * Every other mutant that lives is a test that is missing.
 */
export interface Equivalent {
  /** Below `src`; a folder with a slash at its end stands for all of its files. */
  readonly file: string;
  /** What is mutated: the code, on one line, or its beginning and an ellipsis. */
  readonly code: string;
  /** What stands there instead, where another change of the same code can be noticed. */
  readonly to?: string;
  /** For how many places it stands, where the same code is there more often and some of it is tested. Default: all. */
  readonly times?: number;
  /** Why nobody can tell. */
  readonly why: string;
}
