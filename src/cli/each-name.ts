import { writeAll } from './output.js';
import { report } from './report.js';

/** What is worked on at a time: each end of a container starts a process that cleans up. */
const AT_ONCE = 8;

/** Works on each name once and prints it when that is done; one that fails is reported and does not keep the others. Answers the exit code. */
export async function eachName(names: readonly string[], work: (name: string) => void | Promise<void>): Promise<number> {
  const left = [...new Set(names)];
  let worst = 0;
  const worker = async (): Promise<void> => {
    for (let name = left.shift(); name !== undefined; name = left.shift()) {
      try {
        await work(name);
        // A name that exists holds nothing that a terminal acts on, or it would not have been found.
        writeAll(1, `${name}\n`);
      } catch (error) {
        worst = Math.max(worst, report(error));
      }
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, worker));
  return worst;
}
