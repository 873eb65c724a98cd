/** What the helper says on descriptor 3, decoded (docs/plan.md, "Events"). */
export type HelperEvent =
  | { kind: 'hello'; hash: bigint }
  | { kind: 'created'; pid: number }
  | { kind: 'step'; index: number; errno: number; micros: number; text: string }
  | { kind: 'report'; index: number; text: string }
  | { kind: 'started' }
  | { kind: 'failed'; index: number; errno: number; text: string }
  /** A key of the terminal made a signal that init did not mind when it was read. */
  | { kind: 'typed'; signal: number }
  /** The supervisor may leave. */
  | { kind: 'detached' }
  | { kind: 'exited'; status: number; text: string };
