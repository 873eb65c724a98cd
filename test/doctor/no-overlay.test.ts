import test from 'ava';
import { folder, serial } from '../e2e/support.js';
import { checkOf, complaints, fixOf, whole } from './broken.js';

// Alone in its file: it takes a module out of the kernel, which only the guest of test/v2 is there for.
const inGuest = process.env['CRT_V2_GUEST'] ? serial : test.skip;

inGuest('no overlay in the kernel', async (t) => {
  const path = await folder(t);
  const question = { only: ['storage'], env: { CRT_STATE_DIR: `${path}/state`, CRT_LAYERS_DIR: `${path}/layers` } };
  // The kernel would load it again by itself.
  await whole.sh('rmmod overlay; echo /bin/false > /proc/sys/kernel/modprobe');
  const report = await whole.ask(question);
  t.deepEqual(complaints(report), ['overlay fail']);
  t.regex(checkOf(report, 'overlay').findings[0]?.observed ?? '', /^the kernel has no overlay file system$/);
  t.is(fixOf(report, 'overlay'), 'modprobe overlay');
  await whole.sh(fixOf(report, 'overlay'));
  t.deepEqual(complaints(await whole.ask(question)), []);
});
