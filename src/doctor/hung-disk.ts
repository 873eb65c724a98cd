import type { CheckId } from '../check-ids.js';
import { UserError } from '../errors.js';
import { O_PATH } from '../plan/numbers.js';
import { type HostPath, step } from '../plan/step.js';
import type { Roots } from '../state/roots.js';
import { type Examination, within } from './examine.js';
import { note, runProbe } from './probe-plan.js';

/** Milliseconds for one stat(2), and the start of a process on a busy machine. */
const PATIENCE = 4000;

/**
 * The same, with roots that nobody gets where the disk below one does not answer: what looks at them would hang, and with it all. A thread
 * of ours that hangs keeps the process from ending, so the helper looks, which can be killed.
 */
export async function answering(examination: Examination): Promise<Examination> {
  const { roots, isRoot, signal } = examination;
  if (!isRoot) return examination;
  const [state, layers] = await Promise.all([answers(roots.state, signal), answers(roots.layers, signal)]);
  if (state && layers) return examination;
  const [path, check]: [HostPath, CheckId] = state ? [roots.layers, 'layers-dir'] : [roots.state, 'state-dir'];
  const get = (): Roots => {
    throw new UserError(`no answer from the disk of ${path}`, { check, hint: 'findmnt; dmesg | tail; umount -l what does not answer' });
  };
  return Object.defineProperty({ ...examination }, 'roots', { get, enumerable: true });
}

/** False only where nothing comes back: an error is an answer. */
async function answers(path: HostPath, signal: AbortSignal): Promise<boolean> {
  const giveUp = new AbortController();
  const stage = [
    step('open', 'stage', { fd: 'disk', path, flags: O_PATH }, note),
    step('probe', 'stage', { root: 'disk', candidates: [] }, note),
  ];
  const looked = runProbe({ stage, onReport: () => {} }, giveUp.signal).then(
    () => true,
    () => true,
  );
  const answered = await within(looked, PATIENCE, signal);
  giveUp.abort();
  return answered === true || signal.aborted;
}
