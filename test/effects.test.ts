import { rmSync } from 'node:fs';
import { Effects } from '../src/effects.js';
import { UserError } from '../src/index.js';
import { prepare } from '../src/prepare.js';
import { box, cgroupsOf, e2e, ROOTFS } from './e2e/support.js';

e2e('cgroups of a container that was removed before they were made do not stay', (t) => {
  const name = box(t);
  const prepared = prepare({ name, rootfs: ROOTFS, command: ['true'] });
  const effects = new Effects(prepared, ['true'], { name });
  rmSync(effects.claim.directory, { recursive: true });
  t.throws(() => effects.makeCgroups(), { instanceOf: UserError, message: /was removed by somebody else/ });
  t.deepEqual(cgroupsOf(name), []);
});
