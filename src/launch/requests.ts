/** What the monitor can be asked for, on the status pipe and on the control socket (docs/plan.md, "Requests"). */
export const REQUEST = { continue: 1, signal: 2, resize: 3, abort: 4, detach: 5, attach: 6, close: 7, wait: 8 } as const;

/** A request as it goes over the wire. */
export function requestBytes(kind: number, value: number): Buffer {
  const record = Buffer.alloc(8);
  record.writeUInt32LE(kind, 0);
  record.writeUInt32LE(value >>> 0, 4);
  return record;
}

/** The value of SIGNAL: the number that is sent, and the one that PID 1 would have swallowed, for which it is killed. */
export function signalValue(signal: number, forced = 0): number {
  return signal | (forced << 8);
}

/** The value of RESIZE. */
export function sizeValue(rows: number, columns: number): number {
  return ((rows & 0xffff) << 16) | (columns & 0xffff);
}
