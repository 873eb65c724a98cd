import { type LogOptions, logs, outputError, writeWhole } from '../index.js';
import { notice, report } from './report.js';

/** @throws UserError when ours is full; what write(2) says when its reader went away */
function write(fd: 1 | 2, bytes: Buffer): void {
  try {
    writeWhole(fd, bytes);
  } catch (error) {
    throw error instanceof Error && 'code' in error && error.code === 'EPIPE' ? error : outputError(fd, error);
  }
}

/** Prints a container's output to ours, stdout and stderr apart. Ends with the reader of either. */
export async function printLogs(name: string, options: LogOptions, timestamps: boolean): Promise<number> {
  try {
    for await (const { stream, time, bytes, isStart, lost } of logs(name, options)) {
      if (lost > 0) notice(`${lost} bytes are lost here: the disk was full`);
      const prefix = timestamps && isStart ? Buffer.from(`${new Date(time).toISOString()} `) : Buffer.alloc(0);
      write(stream === 'stdout' ? 1 : 2, Buffer.concat([prefix, bytes]));
    }
    return 0;
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'EPIPE') return 0;
    return report(error);
  }
}
